"""Control messages: births, receipts, heartbeats and declarations, each one line of JSON.

Who is there and what it keeps (``st``), what is committed (``dn/ack``), what time the hub has
(``wf/1/hub/{process}``), and which tags a configuration epoch numbers (``up/d``).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from agent.contract.errors import WireError
from agent.contract.wire import VERSION, body_of, dump, encode

#: What reading a body of the wrong shape raises; 1e999 is infinite and fits no integer.
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


@dataclass(frozen=True, slots=True)
class StreamState:
    """One stream an agent keeps, as it announces it."""

    stream: str
    next: int  #: the number its next block will have
    oldest: int  #: the lowest number it can still send
    closed: int | None = None  #: its last number, once it takes no more


@dataclass(frozen=True, slots=True)
class Birth:
    """Who is there and what it keeps; retained on ``st``, and again until all are answered."""

    boot: str
    software: str
    at: int
    clock: int
    config: int
    streams: tuple[StreamState, ...]
    backlog: Mapping[str, int] = field(default_factory=dict)  #: blocks, bytes, readings, oldest
    rules: int = 0  #: number of the hub's rules that it runs; 0 without any
    unruly: str = ""  #: why it does not run all of the newest, in a sentence

    def to_bytes(self) -> bytes:
        """The payload; what says nothing is left out."""
        body = asdict(self)
        for name in ("rules", "unruly"):
            if not body[name]:
                del body[name]
        return encode(dump({"v": VERSION, "on": 1} | body))


@dataclass(frozen=True, slots=True)
class Death:
    """The agent's last will, or its farewell."""

    boot: str

    def to_bytes(self) -> bytes:
        """The payload; plain, for it is handed to the broker at connect."""
        return encode(dump({"v": VERSION, "on": 0, "boot": self.boot}))


def parse_status(payload: bytes) -> Birth | Death:
    """Read a message on ``st``; raises `WireError`."""
    body = body_of(payload)
    try:
        if not body["on"]:
            return Death(str(body["boot"]))
        streams = tuple(
            StreamState(
                str(item["stream"]),
                int(item["next"]),
                int(item["oldest"]),
                None if item.get("closed") is None else int(item["closed"]),
            )
            for item in body["streams"]
        )
        return Birth(
            str(body["boot"]),
            str(body["software"]),
            int(body["at"]),
            int(body["clock"]),
            int(body["config"]),
            streams,
            {str(key): int(value) for key, value in body.get("backlog", {}).items()},
            int(body.get("rules", 0)),
            str(body.get("unruly", "")),
        )
    except _MALFORMED as fault:
        raise WireError(f"not a status: {type(fault).__name__} {fault}") from fault


@dataclass(frozen=True, slots=True)
class Receipt:
    """The highest number of a stream that is committed without a gap, and the checksum there."""

    stream: str
    number: int
    checksum: int
    fork: bool = False  #: what was sent continues another history of this stream


@dataclass(frozen=True, slots=True)
class Answer:
    """What the hub publishes on ``dn/ack``."""

    epoch: int
    at: int  #: hub time, UTC milliseconds
    receipts: tuple[Receipt, ...] = ()
    wants: tuple[tuple[str, int], ...] = ()  #: (stream, number) to send from
    configs: tuple[int, ...] = ()  #: configuration epochs the hub does not know
    refused: tuple[str, ...] = ()  #: sentences about messages that could not be settled

    def to_bytes(self) -> bytes:
        """The payload."""
        return encode(dump({"v": VERSION} | asdict(self)))


def parse_answer(payload: bytes) -> Answer:
    """Read a message on ``dn/ack``; raises `WireError`."""
    body = body_of(payload)
    try:
        return Answer(
            int(body["epoch"]),
            int(body["at"]),
            tuple(
                Receipt(
                    str(item["stream"]),
                    int(item["number"]),
                    int(item["checksum"]),
                    bool(item.get("fork")),
                )
                for item in body.get("receipts", ())
            ),
            tuple((str(stream), int(number)) for stream, number in body.get("wants", ())),
            tuple(int(number) for number in body.get("configs", ())),
            tuple(str(text) for text in body.get("refused", ())),
        )
    except _MALFORMED as fault:
        raise WireError(f"not an answer: {type(fault).__name__} {fault}") from fault


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """An ingest process: its epoch, its time, and the shards it serves (first, last)."""

    epoch: int
    at: int
    shards: tuple[int, int]

    def to_bytes(self) -> bytes:
        """The payload."""
        return encode(dump({"v": VERSION} | asdict(self)))


def parse_heartbeat(payload: bytes) -> Heartbeat:
    """Read a message on ``wf/1/hub/{process}``; raises `WireError`."""
    body = body_of(payload)
    try:
        first, last = body["shards"]
        return Heartbeat(int(body["epoch"]), int(body["at"]), (int(first), int(last)))
    except _MALFORMED as fault:
        raise WireError(f"not a heartbeat: {type(fault).__name__} {fault}") from fault


@dataclass(frozen=True, slots=True)
class DeclaredTag:
    """One measured quantity as the agent's configuration names it."""

    number: int  #: what blocks of this epoch call it
    name: str  #: unique within the agent: "bravo-1h.tubing_pressure"
    device: str
    unit: str  #: UCUM-like engineering unit as written: "psi", "degF", "bbl"
    interval_ms: int  #: how often a reading is due
    description: str = ""
    low: float | None = None  #: the gauge's range
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Declaration:
    """One configuration epoch; on ``up/d``. `gone`: the agent no longer knows this epoch."""

    epoch: int
    devices: tuple[str, ...] = ()
    tags: tuple[DeclaredTag, ...] = ()
    gone: bool = False

    def to_bytes(self) -> bytes:
        """The payload."""
        return encode(dump({"v": VERSION, "k": "config"} | asdict(self)))

    @property
    def digest(self) -> str:
        """Eight hex digits that change whenever a device or tag does."""
        body = [list(self.devices), [asdict(tag) for tag in self.tags]]
        return f"{zlib.crc32(json.dumps(body, sort_keys=True).encode()):08x}"


_TAG_TYPES: dict[str, tuple[type, ...]] = {
    "number": (int,),
    "name": (str,),
    "device": (str,),
    "unit": (str,),
    "interval_ms": (int,),
    "description": (str,),
    "low": (int, float, type(None)),
    "high": (int, float, type(None)),
}


def _tag(item: Mapping[str, Any]) -> DeclaredTag:
    """Read a declared tag; what a later version adds is passed over."""
    known = {key: item[key] for key in _TAG_TYPES if key in item}
    for key, value in known.items():
        if not isinstance(value, _TAG_TYPES[key]) or isinstance(value, bool):
            raise WireError(f"not a declaration: a tag's {key} is {value!r:.80}")
    return DeclaredTag(**known)


def parse_declaration(payload: bytes) -> Declaration:
    """Read a configuration epoch; raises `WireError`, also for numbers or names used twice."""
    body = body_of(payload)
    try:
        tags = tuple(_tag(item) for item in body.get("tags", ()))
        declaration = Declaration(
            int(body["epoch"]),
            tuple(str(name) for name in body.get("devices", ())),
            tags,
            bool(body.get("gone")),
        )
    except _MALFORMED as fault:
        raise WireError(f"not a declaration: {type(fault).__name__} {fault}") from fault
    for key in ("number", "name"):
        if len({getattr(tag, key) for tag in tags}) != len(tags):
            raise WireError(f"a declaration uses a tag {key} twice")
    return declaration
