"""Records: what happened once and must reach the hub whole, each frozen into one line of JSON.

Alarms of the site (lane ``a``) and what people enter there (lane ``e``) travel in streams of their
own, by the same rules as readings: numbered, receipted, sent again after a fork. A line is a record
because it begins with ``r``; the lane of its message is transport only. Shape (version 1)::

    {"r": "alarm", "i": "0198…", "c": 3, "b": "a1b2", "k": 1, "t0": 1700000000000, "m": 123456,
     "body": {…}}

``r`` what kind of record; ``i`` its id, a UUID of version 7, made once: the same id arriving by
another door counts once; ``c`` ``b`` ``k`` ``m`` as in a block (`blocks.py`); ``t0`` UTC
milliseconds at which it was certain. Every other time in a body is in milliseconds from ``t0``, so
that all of them follow when true time is learnt before the record was sent.

Kinds are ``alarm`` (a change of one of the site's alarms, or its acknowledgement on site), ``site``
(something the hub should know of the site: the hub was silent, the horn could not be reached),
``entry`` (a form that a person saved) and ``photo`` (a part of a photo of an entry, on lane ``b``:
`photos.py`). A later kind is kept by the hub until it can read it.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from agent.contract.blocks import Stamp, parse
from agent.contract.errors import WireError

LARGEST_RECORD: Final = 48 * 1024  #: bytes of a line; one fits any message
LONGEST_TEXT: Final = 500
FARTHEST: Final = 10 * 366 * 86_400_000  #: milliseconds a time of a body may lie from `t0`

RecordKind = Literal["alarm", "site", "entry", "photo"]
RECORD_KINDS: Final[tuple[str, ...]] = get_args(RecordKind)

#: ``raised`` … ``unfrozen`` are those of the evaluator; ``acknowledged`` is a person's, on site.
AlarmWhat = Literal["raised", "level", "cleared", "frozen", "unfrozen", "acknowledged"]
ALARM_WHATS: Final[tuple[str, ...]] = get_args(AlarmWhat)

_PREFIX: Final = b'{"r":'


@dataclass(frozen=True, slots=True)
class Record:
    """One record; `stamp.start` is when it was certain."""

    kind: str
    id: uuid.UUID
    stamp: Stamp
    body: Mapping[str, Any] = field(default_factory=dict)
    maybe: bool = False  #: sent again after a fork


@dataclass(frozen=True, slots=True)
class SiteAlarm:
    """A change of one of the site's alarms; times are UTC milliseconds."""

    what: str  #: one of `ALARM_WHATS`
    spell: uuid.UUID  #: names the alarm from its beginning to its end
    rule: uuid.UUID
    version: int
    tag: str  #: the tag's name, as the agent's configuration has it
    level: str
    priority: int
    raised_at: int  #: when the alarm began
    at: int  #: when this change began
    seen_at: int  #: the reading at which it was certain
    value: float | None = None
    extreme: float | None = None
    by: str = ""  #: acknowledged: by whom, as it was said on site
    note: str = ""


def is_record(line: bytes) -> bool:
    """Whether a line of a data message is a record, and no block of readings."""
    return line.startswith(_PREFIX)


def freeze_record(record: Record) -> bytes:
    """Encode a record as one line of JSON; raises `WireError` when it is too large or holds NaN."""
    stamp = record.stamp
    body: dict[str, Any] = {
        "r": record.kind,
        "i": str(record.id),
        "c": stamp.config,
        "b": stamp.boot,
        "k": int(stamp.clock),
        "t0": stamp.start,
        "m": stamp.mono,
        "body": dict(record.body),
    }
    if record.maybe:
        body["maybe"] = 1
    try:
        line = json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError) as fault:
        raise WireError(f"a record cannot be written: {fault}") from fault
    if len(line) > LARGEST_RECORD:
        raise WireError(f"a record of {len(line)} bytes; at most {LARGEST_RECORD} can be sent")
    return line


def thaw_record(line: bytes) -> Record:
    """Decode a line; the opposite of `freeze_record`. Raises `WireError` naming what is wrong."""
    body = parse(line)
    try:
        stamp = Stamp(
            _whole(body["c"]),
            str(body["b"]),
            _whole(body["k"]),
            _whole(body["t0"]),
            _whole(body.get("m", 0)),
        )
        kind, content = body["r"], body["body"]
        if not isinstance(kind, str) or not 0 < len(kind) <= 32 or not isinstance(content, dict):
            raise WireError(f"not a record: {kind!r:.40}")
        return Record(kind, uuid.UUID(body["i"]), stamp, content, bool(body.get("maybe")))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as fault:
        raise WireError(f"not a record: {type(fault).__name__} {fault}") from fault


def alarm_body(alarm: SiteAlarm) -> dict[str, Any]:
    """The body of an alarm's record; its `seen_at` goes into the stamp."""
    start = alarm.seen_at
    body: dict[str, Any] = {
        "what": alarm.what,
        "spell": str(alarm.spell),
        "rule": str(alarm.rule),
        "version": alarm.version,
        "tag": alarm.tag,
        "level": alarm.level,
        "priority": alarm.priority,
        "raised": alarm.raised_at - start,
        "at": alarm.at - start,
    }
    optional = {"value": alarm.value, "extreme": alarm.extreme}
    body |= {key: value for key, value in optional.items() if value is not None}
    return body | {key: text for key, text in (("by", alarm.by), ("note", alarm.note)) if text}


def alarm_of(record: Record) -> SiteAlarm:
    """Read an alarm's record; raises `WireError` naming what is wrong."""
    body, start = record.body, record.stamp.start
    try:
        alarm = SiteAlarm(
            body["what"],
            uuid.UUID(body["spell"]),
            uuid.UUID(body["rule"]),
            _whole(body["version"]),
            _text(body["tag"]),
            _text(body["level"]),
            _whole(body["priority"]),
            start + _offset(body["raised"]),
            start + _offset(body["at"]),
            start,
            _value(body.get("value")),
            _value(body.get("extreme")),
            _text(body.get("by", "")),
            _text(body.get("note", "")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise WireError(f"not an alarm: {type(fault).__name__} {fault}") from fault
    if alarm.what not in ALARM_WHATS or not 1 <= alarm.priority <= 4:
        raise WireError(f"not an alarm: {alarm.what!r:.40} of priority {alarm.priority}")
    if not 0 < alarm.version < 2**31 or alarm.raised_at > alarm.at:
        raise WireError(f"not an alarm: version {alarm.version}, or it changed before it began")
    return alarm


def new_id(now_ms: int | None = None) -> uuid.UUID:
    """Make a version 7 UUID (RFC 9562 §5.7): ids sort by when they were made."""
    stamp = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    bits = (stamp & (2**48 - 1)) << 80 | 0x7 << 76
    bits |= int.from_bytes(os.urandom(10)) & ~(0xF << 76)
    return uuid.UUID(int=bits & ~(0x3 << 62) | 0x2 << 62)


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**53:
        raise ValueError(f"{value!r:.40} is not a whole number")
    return value


def _offset(value: object) -> int:
    offset = _whole(value)
    if not -FARTHEST <= offset <= 0:
        raise ValueError(f"a time {offset} ms from its record")
    return offset


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise ValueError(f"{value!r:.40} is not a text of at most {LONGEST_TEXT} characters")
    return value


def _value(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300:
        raise ValueError(f"{value!r:.40} is not a number")
    return float(value)
