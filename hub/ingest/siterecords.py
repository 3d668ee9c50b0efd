"""Records of a site become rows: alarms judged there, what people entered, what it has to tell.

Parts of photos are kept as they come, until all are there (`hub.production.photoparts`).

The same id counts once, whatever door it comes by. An alarm names its rule; one that this hub does
not have for a tag of that agent is set aside. An alarm stamped ahead of the hub is placed at its
arrival: nobody waits for a clock to be right before they are woken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from psycopg.types.json import Jsonb

from agent.contract.errors import WireError
from agent.contract.photos import part_of
from agent.contract.records import Record, SiteAlarm, alarm_of, thaw_record
from agent.contract.wire import AHEAD_LIMIT
from hub.ingest import registry
from hub.ingest.arrival import EARLIEST, Sender, instant
from hub.ingest.decode import storable
from hub.ingest.link import Db

_RULE: Final = """
    SELECT r.tag_id FROM alert_rules r JOIN tags t ON t.id = r.tag_id
     WHERE r.id = %s AND t.agent_id = %s
"""
_ALARM: Final = """
    INSERT INTO site_alarms (organization_id, agent_id, record_id, spell, rule_id, rule_version,
                             tag_id, kind, level, priority, value, extreme, raised_at, at,
                             certain_at, said_by, note)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (agent_id, record_id) DO NOTHING
"""
_ENTRY: Final = """
    INSERT INTO field_entries (organization_id, entry_id, agent_id, door, body, saved_at)
    VALUES (%s, %s, %s, 'agent', %s, %s)
    ON CONFLICT (organization_id, entry_id) DO NOTHING
"""
_PART: Final = """
    INSERT INTO entry_photo_parts
        (organization_id, agent_id, entry_id, sha256, part, parts, content)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (agent_id, entry_id, sha256, part) DO NOTHING
"""
_LONGEST_SAID: Final = 1000


class RefusedRecordError(Exception):
    """A record cannot be stored; `code` is one of `quarantine.CODES`."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(what)
        self.code = code


@dataclass(frozen=True, slots=True)
class Taken:
    """A record that was stored: when it happened, in UTC milliseconds."""

    at: int


def take(connection: Db, sender: Sender, line: bytes, arrived: int) -> Taken:
    """Store one record; `arrived` is UTC milliseconds. Raises `RefusedRecordError`."""
    try:
        record = thaw_record(line)
        _check_texts(record)
        if record.kind == "alarm":
            return _take_alarm(connection, sender, record, alarm_of(record), arrived)
        if record.kind == "photo":
            _take_part(connection, sender, record)
    except WireError as fault:
        raise RefusedRecordError("broken_record", str(fault)) from fault
    at = _believable(record.stamp.start, arrived)
    if record.kind == "entry":
        values = (sender.organization, record.id, sender.id, Jsonb(dict(record.body)))
        connection.execute(_ENTRY, (*values, instant(at)))
    elif record.kind == "site":
        _note(connection, sender, record)
    elif record.kind != "photo":
        raise RefusedRecordError("unknown_record", f"a record of kind {record.kind!r}")
    return Taken(at)


def _take_alarm(
    connection: Db, sender: Sender, record: Record, alarm: SiteAlarm, arrived: int
) -> Taken:
    row = connection.execute(_RULE, (alarm.rule, sender.id)).fetchone()
    if row is None:
        raise RefusedRecordError("unknown_rule", f"an alarm of rule {alarm.rule} on {alarm.tag}")
    at = _believable(alarm.seen_at, arrived)
    moved = at - alarm.seen_at
    connection.execute(
        _ALARM,
        (
            sender.organization,
            sender.id,
            record.id,
            alarm.spell,
            alarm.rule,
            alarm.version,
            row[0],
            alarm.what,
            alarm.level,
            alarm.priority,
            alarm.value,
            alarm.extreme,
            instant(alarm.raised_at + moved),
            instant(alarm.at + moved),
            instant(at),
            alarm.by or None,
            alarm.note or None,
        ),
    )
    return Taken(at)


def _take_part(connection: Db, sender: Sender, record: Record) -> None:
    part = part_of(record.body)
    values = (sender.organization, sender.id, part.entry, bytes.fromhex(part.sha256))
    connection.execute(_PART, (*values, part.number, part.of, part.data))


def _note(connection: Db, sender: Sender, record: Record) -> None:
    """What a site has to tell becomes an event of its agent, once."""
    what, said = record.body.get("what"), record.body.get("said")
    if not (isinstance(what, str) and 0 < len(what) <= 64 and isinstance(said, str) and said):
        raise RefusedRecordError("broken_record", f"a record of the site tells {what!r:.40}")
    detail: dict[str, Any] = {"record": str(record.id), "at": record.stamp.start}
    registry.note_event(connection, sender, f"site_{what}", said[:_LONGEST_SAID], detail)


def _believable(at: int, arrived: int) -> int:
    """When something happened: as it says, unless its clock cannot be right."""
    return at if EARLIEST <= at <= arrived + AHEAD_LIMIT else arrived


def _check_texts(record: Record) -> None:
    """Refuse what the database cannot hold: NUL, halves of surrogate pairs."""
    if not all(storable(text) for text in _texts(record.body)):
        raise WireError("not a record: it holds a character that cannot be stored")


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield key
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
