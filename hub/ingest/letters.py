"""Opening what arrived: who sent it, what is inside, and why it cannot be taken. No database."""

from __future__ import annotations

from dataclasses import dataclass

from agent.contract import wire
from agent.contract.control import (
    Birth,
    Death,
    Declaration,
    DeclaredTag,
    parse_declaration,
    parse_status,
)
from agent.contract.errors import UnknownVersionError, WireError
from hub.ingest import decode
from hub.ingest.arrival import Arrival, Sender

_DATA_DOORS = {"up/a", "up/e", "up/t", "up/h", "up/b"}
_LONGEST_TEXT = 300
_LARGEST_NUMBER = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message whose envelope alone is readable: set aside whole, its numbers settled."""

    code: str
    what: str
    envelope: wire.Envelope


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message that can neither be taken nor settled."""

    code: str
    what: str
    answer: bool = False  #: whether the sender is told


Content = wire.Message | Unreadable | Birth | Death | Declaration | Refusal


@dataclass(frozen=True, slots=True)
class Letter:
    """An arrival, opened."""

    arrival: Arrival
    sender: Sender | None
    content: Content

    @property
    def streams(self) -> list[str]:
        """The streams it is about."""
        match self.content:
            case wire.Message(stream=stream, after=after):
                return [stream, after[0]] if after else [stream]
            case Unreadable(envelope=envelope):
                return [envelope.stream]
            case Birth(streams=states):
                return [state.stream for state in states]
        return []


def agent_of(topic: str) -> str | None:
    """Name of the agent that a topic belongs to."""
    try:
        return wire.parse_topic(topic).agent
    except ValueError:  # also a number too long to be read
        return None


def open_letter(arrival: Arrival, sender: Sender | None) -> Letter:
    """Read an arrival; `sender` is the agent its topic names, if one is enrolled."""
    refusal = _refuse_sender(arrival, sender)
    content = refusal or _open(arrival, wire.parse_topic(arrival.topic).door)
    return Letter(arrival, sender, content)


def undelivered(arrival: Arrival, sender: Sender | None, words: str) -> Letter:
    """Treat an arrival that could not be stored as unreadable; `words` say why."""
    refusal = _refuse_sender(arrival, sender)
    what = f"a message on {arrival.topic}: {words}"
    content: Content = refusal or Refusal("refused_by_database", what, answer=True)
    if refusal is None and wire.parse_topic(arrival.topic).door in _DATA_DOORS:
        content = _set_aside(arrival.payload, "refused_by_database", what)
    return Letter(arrival, sender, content)


def _refuse_sender(arrival: Arrival, sender: Sender | None) -> Refusal | None:
    try:
        address = wire.parse_topic(arrival.topic)
    except ValueError as fault:
        return Refusal("not_ours", str(fault))
    if sender is None:
        return Refusal("unknown_agent", f"agent {address.agent!r} sent to {arrival.topic}")
    if sender.revoked:
        return Refusal("revoked_agent", f"agent {address.agent!r} sent to {arrival.topic}")
    if sender.shard != address.shard:
        what = f"agent {sender.name!r} is on shard {sender.shard} but sent to {arrival.topic}"
        return Refusal("wrong_shard", what, answer=True)
    return None


def _open(arrival: Arrival, door: str) -> Content:
    if door in _DATA_DOORS:
        return _open_data(arrival.payload, door)
    try:
        if door == "st":
            return _checked_status(parse_status(arrival.payload))
        if door == "up/d":
            return _checked_declaration(parse_declaration(arrival.payload))
    except UnknownVersionError as fault:
        return Refusal("unknown_version", f"a message on {door}: {fault}", answer=True)
    except WireError as fault:
        code = "broken_status" if door == "st" else "broken_declaration"
        return Refusal(code, f"a message on {door}: {fault}", answer=True)
    return Refusal("not_ours", f"nothing is expected on {door}", answer=True)


def _open_data(payload: bytes, door: str) -> wire.Message | Unreadable | Refusal:
    try:
        if len(payload) > wire.MAX_MESSAGE:
            what = f"a message of {len(payload)} bytes on {door}"
            return _set_aside(payload, "too_large", what)
        return decode.read(payload)
    except UnknownVersionError as fault:
        return _set_aside(payload, "unknown_version", f"a message on {door}: {fault}")
    except WireError as fault:
        return _set_aside(payload, "broken_message", f"a message on {door}: {fault}")


def _set_aside(payload: bytes, code: str, what: str) -> Unreadable | Refusal:
    try:
        envelope = wire.unpack_envelope(payload)
    except WireError as fault:
        return Refusal("not_ours" if code == "broken_message" else code, f"{what}; {fault}", True)
    if not decode.storable(envelope.stream):
        return Refusal("not_ours", f"{what}; the stream's id cannot be stored", answer=True)
    return Unreadable(code, what, envelope)


# ------------------------------------------------------------ what the contract leaves open


def _checked_status(status: Birth | Death) -> Birth | Death:
    _check_text("boot", status.boot)
    if isinstance(status, Death):
        return status
    _check_text("software", status.software)
    _check_number("config", status.config, 2**53)
    _check_number("clock", status.clock, 2**15 - 1)
    _check_number("at", status.at, 2**53)
    _check_number("rules", status.rules, 2**53)
    _check_text("unruly", status.unruly, low=0)
    for state in status.streams:
        _check_text("stream", state.stream, 64)
        for name, number in (("next", state.next), ("closed", state.closed or 0)):
            _check_number(f"{name} of stream {state.stream}", number, 2**53)
    for key, number in status.backlog.items():
        _check_text("backlog", key)
        _check_number(f"backlog {key}", number, 2**63 - 1)
    return status


def _checked_declaration(declaration: Declaration) -> Declaration:
    _check_number("epoch", declaration.epoch, 2**53)
    for device in declaration.devices:
        _check_text("device", device)
    for tag in declaration.tags:
        _check_tag(tag)
    return declaration


def _check_tag(tag: DeclaredTag) -> None:
    _check_text("name", tag.name)
    for text in (tag.device, tag.unit, tag.description):
        _check_text(f"tag {tag.name}", text, low=0)
    _check_number(f"number of tag {tag.name}", tag.number, _LARGEST_NUMBER)
    _check_number(f"interval of tag {tag.name}", tag.interval_ms, _LARGEST_NUMBER)
    for limit in (tag.low, tag.high):
        _check_limit(tag.name, limit)


def _check_limit(name: str, limit: object) -> None:
    if limit is not None and not (isinstance(limit, int | float) and abs(limit) < 1e300):
        raise WireError(f"tag {name}: its range ends at {limit!r:.40}")


def _check_text(name: str, text: object, most: int = _LONGEST_TEXT, *, low: int = 1) -> None:
    if not (isinstance(text, str) and low <= len(text) <= most and decode.storable(text)):
        raise WireError(f"{name} is {text!r:.80}, not a text of at most {most} characters")


def _check_number(name: str, number: object, most: int) -> None:
    if not (isinstance(number, int) and 0 <= number <= most):
        raise WireError(f"{name} is {number!r:.40}, not a whole number up to {most}")
