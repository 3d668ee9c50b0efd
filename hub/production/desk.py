"""Entries that wait for a person: two of one stop and day side by side, and refused ones to mend.

Whatever is decided becomes an entry of its own, made by who decided: what was saved in the field
stays as it was saved.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from agent.contract.entry import EntryError, read_entry
from hub.errors import HubError
from hub.production.clocks import acting, operator_of
from hub.production.entries import OFFICE, Outcome, take
from hub.schema import FieldEntry

WAITS: Final = ("refused", "conflict")
MOST: Final = 200
#: Parts of a body that say whose it is and when: not shown as what was entered.
_HEAD: Final = frozenset({"v", "id", "person", "saved", "replaces", "stop", "kept", "photos"})


class DeskError(HubError):
    """What was asked cannot be done with this entry; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of an entry."""

    path: str  #: as it is addressed in the body: ``gauges.0.level_in``
    label: str
    value: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """One field in two entries; None where one says nothing of it."""

    label: str
    first: str | None
    second: str | None

    @property
    def differs(self) -> bool:
        """Whether they disagree."""
        return self.first != self.second


def waiting(session: Session) -> list[Any]:
    """Entries that somebody should look at, oldest first, with lease and person."""
    return list(
        session.execute(
            text(
                """
                SELECT e.id, e.state, e.reason, e.production_date, e.saved_at, e.door,
                       l.name AS lease, u.name AS person
                FROM field_entries e
                LEFT JOIN leases l ON l.id = e.lease_id
                LEFT JOIN users u ON u.id = e.person_id
                WHERE e.state IN ('refused', 'conflict')
                ORDER BY e.received_at, e.id LIMIT :most
                """
            ),
            {"most": MOST},
        )
    )


def names_of(session: Session, lease: uuid.UUID | None) -> dict[str, str]:
    """What tanks, wells and meters of a stop are called, by their keys."""
    rows = session.execute(
        text(
            """
            SELECT w.id, w.name FROM wells w WHERE w.lease_id = :lease
            UNION ALL SELECT t.id, 'Tank ' || t.name FROM tanks t
                WHERE t.lease_id = :lease OR t.facility_id =
                      (SELECT l.facility_id FROM leases l WHERE l.id = :lease)
            UNION ALL SELECT e.id, e.name FROM equipment e
                WHERE e.well_id IN (SELECT w.id FROM wells w WHERE w.lease_id = :lease)
            """
        ),
        {"lease": lease},
    )
    return {str(row.id): row.name for row in rows}


def cells(
    body: Mapping[str, Any], names: Mapping[str, str], faults: Mapping[str, str] | None = None
) -> list[Cell]:
    """What was entered, field by field, with what is wrong with each."""
    told = faults or {}
    found = [
        Cell(path, _label(path, subject), value, told.get(path, ""))
        for path, subject, value in _walk(body, names)
    ]
    known = {cell.path for cell in found}
    missing = [path for path in told if path not in known]
    return found + [Cell(path, _label(path, ""), "", told[path]) for path in sorted(missing)]


def _walk(body: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Path, what the line is about, and value, of every field of a body."""
    for name, value in body.items():
        if name in _HEAD:
            continue
        if not isinstance(value, list):
            yield name, "", str(value)
            continue
        for number, line in enumerate(value):
            if isinstance(line, Mapping):
                subject = next((names[str(v)] for v in line.values() if str(v) in names), "")
                for key, item in line.items():
                    if str(item) not in names:
                        yield f"{name}.{number}.{key}", subject, _written(item)


def _written(item: object) -> str:
    return ", ".join(map(str, item)) if isinstance(item, list) else str(item)


def _label(path: str, subject: str) -> str:
    part, _, rest = path.partition(".")
    number, _, name = rest.partition(".")
    words = (name or part).replace("_", " ")
    where = subject or (f"{part[:-1]} {int(number) + 1}" if number.isdigit() else "")
    return f"{where}: {words}" if where else words.capitalize()


def pairs(
    first: Mapping[str, Any], second: Mapping[str, Any], names: Mapping[str, str]
) -> list[Pair]:
    """Two entries side by side, by what their lines are about and not by their order."""
    mine, theirs = (
        {cell.label: cell.value for cell in cells(body, names)} for body in (first, second)
    )
    return [Pair(label, mine.get(label), theirs.get(label)) for label in {**mine, **theirs}]


# ------------------------------------------------------------------------------------- deciding


def choose(session: Session, entry: FieldEntry, *, keep_first: bool) -> Outcome:
    """Decide between an entry in conflict and the one that stands.

    Raises `DeskError` where it waits no more, or the person may not decide.
    """
    actor = acting(session)
    if actor.role not in OFFICE:
        raise DeskError("The office decides between two entries: ask a manager.")
    if entry.state != "conflict" or entry.conflicts_with is None:
        raise DeskError("Somebody has decided about this entry already.")
    if keep_first:
        entry.state, entry.reason = "set_aside", "The entry that was there first was kept."
        session.flush()
        return Outcome("set_aside", entry.reason)
    outcome = _enter(session, entry.body, {}, entry.conflicts_with)
    if outcome.state == "taken":
        entry.state, entry.reason = "replaced", "It was kept, in place of the one before."
        session.flush()
    return outcome


def mend(session: Session, entry: FieldEntry, given: Mapping[str, str]) -> Outcome:
    """Enter a refused entry anew with these fields as given; an empty one is left out.

    What is still wrong is answered and stores nothing. Raises `DeskError` where it waits no more.
    """
    if entry.state != "refused":
        raise DeskError("Somebody has mended this entry already.")
    return _enter(session, entry.body, given, entry.entry_id)


def _enter(
    session: Session, body: Mapping[str, Any], given: Mapping[str, str], replaces: uuid.UUID
) -> Outcome:
    person, now = acting(session).user_id, datetime.now(UTC)
    # A spill told of is an incident since: it is not told again.
    made = {name: item for name, item in deepcopy(dict(body)).items() if name != "reports"}
    for path, value in given.items():
        _put(made, path, value.strip())
    made |= {"id": str(uuid.uuid4()), "person": str(person), "replaces": str(replaces)}
    try:
        entry = read_entry(made)
    except EntryError as fault:
        faults = {one.field: one.say() for one in fault.faults}
        return Outcome("refused", str(fault), faults)
    step = session.begin_nested()
    session.execute(
        insert(FieldEntry).values(
            organization_id=operator_of(session).id,
            entry_id=entry.id,
            door="console",
            body=made,
            saved_at=now,
        )
    )
    outcome = take(session, entry)
    if outcome.state == "taken":
        step.commit()
    else:
        step.rollback()
    return outcome


def _put(body: dict[str, Any], path: str, value: str) -> None:
    """Set a field of a body; one that it does not have is left alone."""
    part, _, rest = path.partition(".")
    number, _, name = rest.partition(".")
    if part in _HEAD:
        return
    target: Any = body
    if rest:
        lines = body.get(part)
        if not isinstance(lines, list) or not number.isdigit() or int(number) >= len(lines):
            return
        target, part = lines[int(number)], name
    if not isinstance(target, dict) or not part:
        return
    before = target.get(part)
    if value == "":
        target.pop(part, None)
    elif isinstance(before, list):
        target[part] = [one.strip() for one in value.split(",")]
    elif isinstance(before, int) and not isinstance(before, bool) and value.isdigit():
        target[part] = int(value)
    else:
        target[part] = value


def entry_of(session: Session, key: uuid.UUID) -> FieldEntry | None:
    """An entry by the key of its row, held until it is decided."""
    return session.scalars(
        select(FieldEntry).where(FieldEntry.id == key).with_for_update()
    ).one_or_none()


def other_of(session: Session, entry: FieldEntry) -> FieldEntry | None:
    """The entry that stands where one in conflict would."""
    chosen = select(FieldEntry).where(FieldEntry.entry_id == entry.conflicts_with)
    return session.scalars(chosen).one_or_none()


def people_of(session: Session, *found: FieldEntry | None) -> dict[uuid.UUID, str]:
    """Names of who made these entries."""
    keys = [entry.person_id for entry in found if entry is not None and entry.person_id]
    rows = session.execute(text("SELECT id, name FROM users WHERE id = ANY(:k)"), {"k": keys})
    return {row.id: row.name for row in rows}
