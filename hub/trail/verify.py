"""Proves that the trail is as it was sealed: every hash is computed anew from the entries.

What a chain cannot tell by itself is told by a kept head: who rewrote it from some entry on, or cut
its end off, would have to change the copy kept elsewhere too.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, text

from hub.errors import HubError
from hub.trail.canonical import GENESIS, Entry, chained
from hub.trail.sealer import COLUMNS

Progress = Callable[[int, int], None]

INSTALLATION: Final = "installation"  #: the chain of what belongs to no operator
_HEAD: Final = re.compile(r"(?P<slug>[a-z0-9-]+):(?P<number>\d{1,18}):(?P<hash>[0-9a-f]{64})")
#: The work process seals every few seconds; what is older has been forgotten or slipped in.
_OVERDUE: Final = "5 minutes"
_AT_ONCE: Final = 5_000


class HeadError(HubError):
    """A kept head is not written as `audit verify --head` prints it."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: the hash that all before it went into."""

    slug: str
    number: int
    hash: str  #: 64 hexadecimal digits

    def __str__(self) -> str:
        return f"{self.slug}:{self.number}:{self.hash}"


@dataclass(slots=True)
class ChainReport:
    """What came of verifying one chain."""

    slug: str
    entries: int = 0  #: sealed, and found as they were
    head: Head | None = None
    unsealed: int = 0  #: not chained yet
    faults: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def parse_head(words: str) -> Head:
    """A head as it was printed; raises `HeadError`."""
    found = _HEAD.fullmatch(words.strip())
    if found is None:
        raise HeadError(
            f"{words!r} is not a head; write it as `audit verify --head` printed it,"
            " slug:number:hash"
        )
    return Head(found["slug"], int(found["number"]), found["hash"])


def verify(
    engine: Engine,
    slug: str | None = None,
    kept: Sequence[Head] = (),
    progress: Progress = lambda _done, _of: None,
) -> list[ChainReport]:
    """Verify every chain, or that of one organization; `engine` acts as the owner."""
    with engine.connect() as connection:
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        chains = _chains(connection, slug)
        total = connection.scalar(text("SELECT count(*) FROM audit_seals")) or 0
        done = 0
        reports = []
        for name, organization in chains:
            own = [head for head in kept if head.slug == name]
            for report in _verify(connection, name, organization, own):
                progress(done + report.entries, total)
            done += report.entries
            reports.append(report)
    known = {name for name, _ in chains}
    reports += [_without_chain(head) for head in kept if head.slug not in known and not slug]
    return reports


def heads(engine: Engine, slug: str | None = None) -> list[Head]:
    """The end of every chain that has one, to be kept elsewhere."""
    with engine.connect() as connection:
        found = []
        for name, organization in _chains(connection, slug):
            last = connection.execute(_LAST, {"organization": organization}).first()
            if last is not None:
                found.append(Head(name, last.number, last.hash.hex()))
        return found


_LAST: Final = text(
    "SELECT number, hash FROM audit_seals WHERE organization_id IS NOT DISTINCT FROM"
    " CAST(:organization AS uuid) ORDER BY number DESC LIMIT 1"
)


def _chains(connection: Connection, slug: str | None) -> list[tuple[str, uuid.UUID | None]]:
    """Organizations by their short names, and the installation itself."""
    listed: list[tuple[str, uuid.UUID | None]] = [
        (row.slug, row.id)
        for row in connection.execute(text("SELECT slug, id FROM organizations ORDER BY slug"))
    ]
    return [chain for chain in [*listed, (INSTALLATION, None)] if slug in {None, chain[0]}]


_LINKS: Final = text(
    f"SELECT s.number, s.hash, s.entry_id, {COLUMNS}"  # noqa: S608 - our own words
    " FROM audit_seals s LEFT JOIN audit_log e ON e.id = s.entry_id"
    " WHERE s.organization_id IS NOT DISTINCT FROM CAST(:organization AS uuid)"
    " ORDER BY s.number"
)
_TAIL: Final = text(
    f"""
    SELECT count(*) AS waiting,
           count(*) FILTER (WHERE at < now() - interval '{_OVERDUE}') AS overdue, min(id) AS first
    FROM audit_log e
    WHERE organization_id IS NOT DISTINCT FROM CAST(:organization AS uuid)
      AND NOT EXISTS (SELECT FROM audit_seals s WHERE s.entry_id = e.id)
    """  # noqa: S608 - our own words
)


def _verify(
    connection: Connection, slug: str, organization: uuid.UUID | None, kept: Sequence[Head]
) -> Iterator[ChainReport]:
    """Follow one chain to its end or to its first fault; yields the report as it grows."""
    report = ChainReport(slug)
    previous = GENESIS
    passed = {head.number: head for head in kept}
    links = connection.execution_options(yield_per=_AT_ONCE).execute(
        _LINKS, {"organization": organization}
    )
    for link in links:
        fault = _fault(link, report.entries + 1, previous)
        if fault:
            report.faults.append(fault)
            break
        previous = bytes(link.hash)
        report.entries += 1
        report.head = Head(slug, report.entries, previous.hex())
        _compare(report, passed.pop(report.entries, None))
        if report.entries % _AT_ONCE == 0:
            yield report
    links.close()
    if not report.faults:
        report.faults += [_cut(head, report.entries) for head in passed.values()]
    _look_at_tail(connection, report, organization)
    yield report


def _fault(link: Row[Any], expected: int, previous: bytes) -> str | None:
    """What is wrong with a link, in one sentence; None when it follows from the one before."""
    if link.number != expected:
        return (
            f"link {expected:,} of the chain is missing; the next one there is {link.number:,},"
            f" of entry {link.entry_id}"
        )
    if link.id is None:
        return f"entry {link.entry_id}, sealed as number {expected:,}, is missing"
    if chained(previous, Entry(*tuple(link)[3:])) != bytes(link.hash):
        return (
            f"entry {link.entry_id}, sealed as number {expected:,} ({link.verb} in"
            f" {link.table_name}, {link.at:%Y-%m-%d %H:%M:%S} UTC), is not what was sealed"
        )
    return None


def _compare(report: ChainReport, kept: Head | None) -> None:
    if kept is not None and report.head is not None and kept.hash != report.head.hash:
        report.faults.append(
            f"number {kept.number:,} is not the head that was kept: the chain was written anew"
        )


def _cut(kept: Head, there: int) -> str:
    return (
        f"the kept head is number {kept.number:,}, but the chain ends at {there:,}:"
        " its end was cut off"
    )


def _without_chain(kept: Head) -> ChainReport:
    return ChainReport(kept.slug, faults=["there is a kept head, but no such organization"])


def _look_at_tail(
    connection: Connection, report: ChainReport, organization: uuid.UUID | None
) -> None:
    tail = connection.execute(_TAIL, {"organization": organization}).one()
    report.unsealed = tail.waiting
    if tail.overdue:
        report.faults.append(
            f"{tail.overdue:,} entries, the first of them {tail.first}, have not been sealed for"
            " over 5 minutes: is `work` running, and who wrote them?"
        )
