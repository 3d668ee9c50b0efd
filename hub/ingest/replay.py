"""Taking a quarantined message or block in again, once what was wrong with it has been mended.

What could be stored at first was stored then, so each reading is looked up before it is stored
now. The quarantine row is settled in the same transaction; the ledger keeps what came of it under
a stream of its own, so that the evaluator judges it and the audit counts it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import psycopg

from agent.contract.control import parse_declaration
from agent.contract.errors import WireError
from agent.contract.records import is_record
from agent.contract.wire import Gap
from hub.errors import HubError
from hub.ingest import copying, decode, ledger, registry, siterecords
from hub.ingest.arrival import Arrival, Sender
from hub.ingest.decode import columns_of
from hub.ingest.directory import Directory
from hub.ingest.latest import Latest
from hub.ingest.ledger import Deposit
from hub.ingest.link import Db, Link
from hub.ingest.partitions import Partitions
from hub.ingest.receipts import now_ms
from hub.ingest.screen import screen
from hub.ingest.streamrows import lock_all_of
from hub.ingest.streams import UNKNOWN
from hub.settings import HubSettings

_ITEM = """
    SELECT q.topic, q.code, q.stream, q.number, q.payload, q.settled_at,
           a.id, a.organization_id, a.name, a.shard
      FROM quarantine q LEFT JOIN agents a ON a.id = q.agent_id
     WHERE q.id = %s FOR UPDATE OF q
"""
_SETTLE = """
    UPDATE quarantine SET settled_at = now(), settled_by = %s, settlement = 'replayed'
     WHERE id = %s
"""
_STILL = "UPDATE quarantine SET reason = %s WHERE id = %s"


class ReplayError(HubError):
    """A quarantined message or block cannot be taken in again."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a replay."""

    stored: int  #: readings stored now
    remaining: tuple[str, ...]  #: what still cannot be stored; empty once it is settled

    def __str__(self) -> str:
        if not self.remaining:
            return f"Taken in: {self.stored} readings stored."
        return f"{self.stored} readings stored. It stays here: {'; '.join(self.remaining)}."


@dataclass
class _Work:
    item: uuid.UUID
    sender: Sender
    stream: str
    deposit: Deposit
    now: int
    directory: Directory = field(default_factory=Directory)
    remaining: list[str] = field(default_factory=list)


def replayer(settings: HubSettings) -> Callable[[uuid.UUID, uuid.UUID], str]:
    """A function for the console: quarantine row and person -> one sentence, or `HubError`."""

    def again(item: uuid.UUID, person: uuid.UUID) -> str:
        return str(replay_at(settings.database.ingest_url, item, person))

    return again


def replay_at(url: str, item: uuid.UUID, person: uuid.UUID | None = None) -> Replayed:
    """Replay one quarantine row in a transaction of its own.

    Raises `ReplayError` when it cannot be taken in, or the database cannot be reached.
    """
    link = Link(url, "wellflow-replay")
    try:
        with link.transaction() as connection:
            return replay(connection, item, person)
    except psycopg.Error as fault:
        raise ReplayError(f"the database would not store it: {fault}") from fault
    finally:
        link.close()


def replay(connection: Db, item: uuid.UUID, person: uuid.UUID | None = None) -> Replayed:
    """Replay one quarantine row in the current transaction; raises `ReplayError`."""
    row = connection.execute(_ITEM, (item,)).fetchone()
    if row is None:
        raise ReplayError(f"there is nothing in quarantine under {item}")
    topic, code, stream, number, payload, settled, *agent = row
    if settled is not None:
        raise ReplayError(f"{item} has been settled already")
    if agent[0] is None:
        raise ReplayError("it came from no enrolled agent; enrol it, and it sends again by itself")
    now = now_ms()
    sender = Sender(*agent)
    work = _Work(item, sender, stream or "", _deposit(sender, item, now), now)
    if code in {"broken_declaration", "config_conflict"}:
        _redeclare(connection, sender, Arrival(topic, payload, now))
    elif stream is None:
        raise ReplayError("nothing in it can be stored; discard it")
    else:
        _store(connection, work, payload, number)
    _settle(connection, work, person)
    return Replayed(sum(map(len, work.deposit.readings)), tuple(work.remaining))


def _deposit(sender: Sender, item: uuid.UUID, now: int) -> Deposit:
    return Deposit(sender, ledger.replay_stream(item), 1, 1, UNKNOWN, now)


def _redeclare(connection: Db, sender: Sender, arrival: Arrival) -> None:
    try:
        declaration = parse_declaration(arrival.payload)
    except WireError as fault:
        raise ReplayError(f"it is still no configuration: {fault}") from fault
    if registry.declared(connection, arrival, sender, declaration) is not None:
        raise ReplayError(f"configuration {declaration.epoch} still means something else")


def _store(connection: Db, work: _Work, payload: bytes, number: int | None) -> None:
    lock_all_of(connection, [work.sender.id])
    for part in _parts(payload, number):
        if isinstance(part, Gap):
            ledger.write_gap(connection, work.sender, work.stream, part)
        else:
            _store_block(connection, work, part)
    if any(map(len, work.deposit.readings)) or work.deposit.records:
        ledger.write(connection, [work.deposit])
        Latest().write(connection, work.deposit.readings, ())
        connection.execute("NOTIFY wellflow_judge")


def _parts(payload: bytes, number: int | None) -> Iterator[bytes | Gap]:
    if number is not None:
        yield payload
        return
    try:
        yield from (part for _, part in decode.read(payload).parts())
    except WireError as fault:
        raise ReplayError(f"it still cannot be read: {fault}") from fault


def _store_record(connection: Db, work: _Work, line: bytes) -> None:
    try:
        taken = siterecords.take(connection, work.sender, line, work.now)
    except siterecords.RefusedRecordError as fault:
        work.remaining.append(str(fault))
    else:
        work.deposit.records.append(taken.at)


def _store_block(connection: Db, work: _Work, line: bytes) -> None:
    if is_record(line):
        _store_record(connection, work, line)
        return
    try:
        columns = columns_of(line)
    except WireError as fault:
        work.remaining.append(str(fault))
        return
    numbers = work.directory.numbers(connection, work.sender.id, columns.config)
    if numbers is None:
        work.remaining.append(f"configuration {columns.config} is not known")
        return
    readings, faults = screen(columns, numbers.tags, work.sender.organization, work.now)
    work.remaining += map(str, faults)
    fresh = copying.missing_of(connection, readings)
    Partitions().ensure(connection, [fresh])
    copying.copy_readings(connection, [fresh])
    work.deposit.readings.append(fresh)


def _settle(connection: Db, work: _Work, person: uuid.UUID | None) -> None:
    if work.remaining:
        reason = f"After a replay there remain: {'; '.join(work.remaining)}."
        connection.execute(_STILL, (reason[:1000], work.item))
    else:
        connection.execute(_SETTLE, (person, work.item))
