"""Topics, message types and their bytes: what travels between a well site and the office.

Every payload starts with one codec byte: ``0`` plain, ``1`` deflated, ``2`` reserved for deflate
with a preset dictionary. What follows is JSON, one object to a line. A data message (lanes a, e,
t, h, b) is an envelope line followed by one line per block::

    {"v":1,"s":"9f…","n":[41,44],"p":305419896,"gaps":[[43,43,"thinned",500,t0,t1,77]]}

``s`` stream, ``n`` first and last number, ``p`` the stream's running checksum before the first,
``closed`` the stream's last number once no more will follow, ``gaps`` the numbers within ``n``
that have no line, as ``[first, last, reason, readings, from, to, checksum after]``, ``after`` the
stream this one forked from and its last number, without which nothing of this one is stored. The
keys ``v``, ``s`` and ``n`` keep their meaning in every later version, so that a hub can settle what
it cannot read.

The running checksum is CRC-32 over the lines of the stream in order, each continued from the one
before; a gap carries the value that holds after it. It tells two histories under one stream id
apart (a restored image, a cloned box).

Times are UTC milliseconds since 1970 as integers.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from agent.contract.blocks import parse
from agent.contract.errors import UnknownVersionError, WireError

VERSION = 1
SHARDS = 64
MAX_MESSAGE = 100 * 1024  #: bytes on the wire that an agent never exceeds
MAX_PLAIN = 1024 * 1024  #: bytes after inflating that a hub will look at
LIVE_CUT = 16 * 1024  #: bytes of plain JSON per live message
HISTORY_CUT = 64 * 1024  #: bytes of plain JSON per history message
DEFLATE_FROM = 300
AHEAD_LIMIT = 120_000  #: milliseconds a reading may lie ahead of the hub

CODEC_PLAIN, CODEC_DEFLATE = 0, 1

Lane = Literal["a", "e", "t", "h", "d", "b"]
#: In strict priority: alarms, field entries, live telemetry, history, diagnostics, blobs.
LANES: tuple[Lane, ...] = get_args(Lane)

GapReason = Literal["thinned", "released", "moved", "lost"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{1,62}")
_TOPIC = re.compile(r"wf/(\d+)/(\d+)/([^/]+)/(st|up/[a-z]|dn/[a-z]+)")


def valid_agent_name(name: str) -> bool:
    """Whether a name can stand in a topic and a broker's account file."""
    return _NAME.fullmatch(name) is not None


# ---------------------------------------------------------------------------------- topics


@dataclass(frozen=True, slots=True)
class Address:
    """Where a message was published: shard, agent, and door ("st", "up/t", "dn/ack" …)."""

    shard: int
    agent: str
    door: str

    @property
    def topic(self) -> str:
        """The MQTT topic."""
        return f"wf/{VERSION}/{self.shard}/{self.agent}/{self.door}"


def parse_topic(topic: str) -> Address:
    """Take a topic apart; raises `WireError` if it is not one of ours."""
    match = _TOPIC.fullmatch(topic)
    if match is None:
        raise WireError(f"not a WellFlow topic: {topic[:120]!r}")
    version, shard, agent, door = match.groups()
    if int(version) != VERSION:
        raise UnknownVersionError(f"topic version {version}; this program speaks {VERSION}")
    if int(shard) >= SHARDS or not valid_agent_name(agent):
        raise WireError(f"not a WellFlow topic: {topic[:120]!r}")
    return Address(int(shard), agent, door)


def hub_topic(process: str) -> str:
    """Topic of an ingest process's heartbeat."""
    return f"wf/{VERSION}/hub/{process}"


HUB_TOPICS = hub_topic("+")


# ------------------------------------------------------------------------------ data messages


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers of a stream that will never come, standing in their place."""

    first: int
    last: int
    reason: str
    readings: int  #: how many readings are missing
    start: int  #: UTC milliseconds of the earliest of them
    end: int
    checksum: int  #: the stream's running checksum after the gap


@dataclass(frozen=True, slots=True)
class Message:
    """A run of blocks of one stream; `lines` are those of the numbers not covered by a gap."""

    stream: str
    first: int
    last: int
    before: int  #: running checksum before `first`
    lines: tuple[bytes, ...] = ()
    gaps: tuple[Gap, ...] = ()
    closed: int | None = None
    after: tuple[str, int] | None = None  #: stream and number that must be stored before

    def parts(self) -> list[tuple[int, bytes | Gap]]:
        """Its blocks and gaps in order, each with its (first) number; `WireError` if unequal."""
        gaps = {gap.first: gap for gap in self.gaps}
        lines = iter(self.lines)
        out: list[tuple[int, bytes | Gap]] = []
        number = self.first
        while number <= self.last:
            part = gaps.pop(number, None) or next(lines, None)
            if part is None:
                raise WireError(f"numbers {self.first}..{self.last} but {len(self.lines)} lines")
            out.append((number, part))
            number = part.last + 1 if isinstance(part, Gap) else number + 1
        if gaps or next(lines, None) is not None or number != self.last + 1:
            raise WireError(f"more lines or gaps than numbers {self.first}..{self.last}")
        return out


@dataclass(frozen=True, slots=True)
class Envelope:
    """What every version's first line says; enough to settle a message that cannot be read."""

    version: int
    stream: str
    first: int
    last: int


def checksum(part: bytes | Gap, before: int) -> int:
    """Continue a stream's running checksum over one block or gap."""
    return part.checksum if isinstance(part, Gap) else zlib.crc32(part, before)


def pack(message: Message) -> bytes:
    """Message -> payload."""
    head: dict[str, Any] = {
        "v": VERSION,
        "s": message.stream,
        "n": [message.first, message.last],
        "p": message.before,
    }
    if message.closed is not None:
        head["closed"] = message.closed
    if message.after is not None:
        head["after"] = list(message.after)
    if message.gaps:
        head["gaps"] = [list(asdict(gap).values()) for gap in message.gaps]
    return encode(b"\n".join([dump(head), *message.lines]))


def unpack(payload: bytes) -> Message:
    """Payload -> message.

    Raises `UnknownVersionError` for a later version and `WireError` for anything else that is
    wrong; `unpack_envelope` may still succeed then.
    """
    plain = decode(payload)
    first_line, *lines = plain.split(b"\n")
    head = parse(first_line)
    envelope = _envelope(head)
    if envelope.version != VERSION:
        raise UnknownVersionError(f"version {envelope.version}; this program reads {VERSION}")
    try:
        gaps = tuple(_gap(item) for item in head.get("gaps", ()))
        closed, after = head.get("closed"), head.get("after")
        return Message(
            envelope.stream,
            envelope.first,
            envelope.last,
            int(head["p"]),
            tuple(lines),
            gaps,
            None if closed is None else int(closed),
            None if after is None else _after(*after),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as fault:
        raise WireError(f"not an envelope: {type(fault).__name__} {fault}") from fault


def _gap(item: Sequence[Any]) -> Gap:
    first, last, reason, readings, start, end, after = item
    if int(last) < int(first):
        raise WireError(f"a gap from {first} to {last}")
    return Gap(int(first), int(last), str(reason), int(readings), int(start), int(end), int(after))


def _after(stream: str, number: int) -> tuple[str, int]:
    if not 0 < len(str(stream)) <= 64:
        raise WireError(f"not a stream: {stream!r:.80}")
    return str(stream), int(number)


def unpack_envelope(payload: bytes) -> Envelope:
    """Read only the first line, whatever follows and whatever its version; raises `WireError`."""
    head = _inflate_some(payload, 64 * 1024).split(b"\n", 1)[0]
    return _envelope(parse(head))


def _envelope(head: Mapping[str, Any]) -> Envelope:
    try:
        first, last = head["n"]
        envelope = Envelope(int(head["v"]), str(head["s"]), int(first), int(last))
    except (KeyError, TypeError, ValueError, OverflowError) as fault:
        raise WireError(f"not an envelope: {type(fault).__name__} {fault}") from fault
    if not (1 <= envelope.first <= envelope.last < 2**53 and 0 < len(envelope.stream) <= 64):
        raise WireError(f"not an envelope: numbers {first}..{last} of stream {head['s']!r}")
    return envelope


# -------------------------------------------------------------------------------------- bytes


def encode(plain: bytes) -> bytes:
    """Put the codec byte in front; deflate (level 6) what is worth it."""
    if len(plain) < DEFLATE_FROM:
        return bytes([CODEC_PLAIN]) + plain
    return bytes([CODEC_DEFLATE]) + zlib.compress(plain, 6)


def decode(payload: bytes) -> bytes:
    """Opposite of `encode`; raises `WireError` for an unknown codec or more than `MAX_PLAIN`."""
    plain = _inflate_some(payload, MAX_PLAIN + 1)
    if len(plain) > MAX_PLAIN:
        raise WireError(f"more than {MAX_PLAIN} bytes")
    return plain


def _inflate_some(payload: bytes, limit: int) -> bytes:
    if not payload:
        raise WireError("an empty message")
    if payload[0] == CODEC_PLAIN:
        return payload[1 : limit + 1]
    if payload[0] != CODEC_DEFLATE:
        raise WireError(f"codec {payload[0]} is not known")
    try:
        return zlib.decompressobj().decompress(payload[1:], limit)
    except zlib.error as fault:
        raise WireError(f"does not inflate: {fault}") from fault


def dump(body: Mapping[str, Any]) -> bytes:
    """One line of JSON; refuses NaN."""
    return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()


def body_of(payload: bytes) -> dict[str, Any]:
    """Read a control message's JSON; raises `WireError`, `UnknownVersionError` for a later one."""
    body = parse(decode(payload))
    if body.get("v") != VERSION:
        raise UnknownVersionError(f"version {body.get('v')!r}; this program reads {VERSION}")
    return body
