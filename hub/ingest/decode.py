"""Message bytes -> columns of numbers, ready for COPY.

The contract reads blocks with the standard library, one number at a time; here the same bytes go
through orjson and numpy. Whatever the fast way does not expect falls back to the contract's own
reader, so that both always agree.

Older versions of a message are lifted to the newest here: a reader per version, each returning
today's `Message`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from agent.contract import wire
from agent.contract.blocks import EXACT_INTEGER, Quality, parse, thaw
from agent.contract.errors import UnknownVersionError, WireError

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Qualities = NDArray[np.int16]

MAX_READINGS = 50_000  #: readings one block may claim to hold; an agent cuts at 500
FARTHEST = 2**62  #: milliseconds; what lies beyond fits no column and is absurd anyway
_LONGEST_STREAM = 64
_EXACT_POWER = 22  # the largest power of ten that a float holds exactly
_POWERS = np.array([float(10**n) for n in range(_EXACT_POWER + 1)])

#: Readers of versions before the newest, which `wire.unpack` reads itself.
_OLDER: Mapping[int, Callable[[bytes], wire.Message]] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """A block's readings, its columns one after the other; what it says of its own origin."""

    config: int
    maybe: bool
    thinned: int
    tags: Sequence[int]  #: tag number of each column
    lengths: Integers  #: readings of each column
    times: Integers  #: UTC milliseconds
    values: Floats  #: NaN without a value; infinite where the agent sent what is no number
    qualities: Qualities
    ordered: bool  #: whether each column is in order of time, its newest reading last


class _Unusual(Exception):  # noqa: N818 - not an error: the contract's reader decides
    """The fast way does not apply to a block."""


def read(payload: bytes) -> wire.Message:
    """Payload -> message, whatever its version.

    Raises `UnknownVersionError` for a version this hub has no reader for and `WireError` for
    anything else that is wrong.
    """
    try:
        message = _plain_message(payload) or wire.unpack(payload)
    except UnknownVersionError:
        reader = _OLDER.get(wire.unpack_envelope(payload).version)
        if reader is None:
            raise
        message = reader(payload)
    _check(message)
    return message


def _plain_message(payload: bytes) -> wire.Message | None:
    """Read a message without gaps or a close, as nearly all are; None for any other."""
    first_line, *lines = wire.decode(payload).split(b"\n")
    try:
        head = orjson.loads(first_line)
        first, last = head["n"]
        version, stream, before = head["v"], head["s"], head["p"]
    except (KeyError, TypeError, ValueError):
        return None
    usual = set(map(type, (version, first, last, before))) == {int} and type(stream) is str
    if len(head) != 4 or not usual or version != wire.VERSION:
        return None
    if not (1 <= first <= last < EXACT_INTEGER and 0 < len(stream) <= _LONGEST_STREAM):
        return None
    return wire.Message(stream, first, last, before, tuple(lines))


def _check(message: wire.Message) -> None:
    """Refuse numbers that no agent can mean and no database column can hold."""
    if not (storable(message.stream) and storable(message.after[0] if message.after else "")):
        raise WireError("the stream's id holds a character that cannot be stored")
    if message.closed is not None and not 0 <= message.closed < EXACT_INTEGER:
        raise WireError(f"closed at {message.closed}")
    for gap in message.gaps:
        if not (0 <= gap.checksum < 2**32 and 0 <= gap.readings < EXACT_INTEGER):
            raise WireError(f"a gap of {gap.readings} readings with checksum {gap.checksum}")


def storable(text: str) -> bool:
    """Whether PostgreSQL can hold a text: no NUL, no half of a surrogate pair."""
    with suppress(UnicodeEncodeError):
        return b"\0" not in text.encode()
    return False


def columns_of(line: bytes) -> Columns:
    """Decode one block line; the same readings as `agent.contract.blocks.thaw`.

    Raises `WireError` naming what is wrong.
    """
    try:
        return _fast(orjson.loads(line))
    except WireError:
        raise
    except (_Unusual, ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return _exact(line)


# ------------------------------------------------------------------------------- the fast way


def _fast(body: dict[str, Any]) -> Columns:
    tags, where, exponents, data = zip(*body["g"], strict=True)
    config, start, thinned = body["c"], body["t0"], body.get("thin", 0)
    stamp = (config, start, thinned, body["k"], body.get("m", 0), len(body["b"]))
    _expect({int}, map(type, chain(tags, where, stamp)))
    if not (0 <= config < EXACT_INTEGER and 0 <= thinned < EXACT_INTEGER):
        raise _Unusual
    columns, ordered = _time_columns(body["t"], start)
    counts = [len(columns[index]) for index in where]
    _believe(sum(counts))
    lengths = np.array(counts, np.int64)
    times = _spread(columns, where, lengths)
    values = _values(exponents, data, counts, lengths)
    qualities = np.zeros(len(values), np.int16)
    if bad := {int(tag): runs for tag, runs in body.get("q", {}).items()}:
        _set_qualities(qualities, bad, tags, counts)
        values[qualities >= Quality.NO_ANSWER] = np.nan
    maybe = bool(body.get("maybe"))
    return Columns(config, maybe, thinned, tags, lengths, times, values, qualities, ordered)


def _expect(allowed: set[type], found: Any) -> None:
    if not set(found) <= allowed:
        raise _Unusual


def _believe(readings: int) -> None:
    if readings > MAX_READINGS:
        raise WireError(f"not a block: it claims {readings} readings, more than {MAX_READINGS}")


def _time_columns(columns: list[list[int]], start: int) -> tuple[list[Integers], bool]:
    out, ordered, room = [], True, MAX_READINGS
    for runs in columns:
        _expect({int}, map(type, runs))
        steps, counts = runs[1::2], runs[2::2]
        if len(steps) != len(counts) or (counts and min(counts) < 1):
            raise _Unusual
        room -= 1 + sum(counts)
        _believe(MAX_READINGS - room)
        ordered = ordered and not (steps and min(steps) < 0)
        out.append(_times(start + runs[0], steps, counts))
    return out, ordered


def _times(first: int, steps: list[int], counts: list[int]) -> Integers:
    reach = abs(first) + sum(abs(step) * count for step, count in zip(steps, counts, strict=True))
    if reach >= EXACT_INTEGER:
        raise _Unusual
    if len(steps) == 1:
        return np.arange(counts[0] + 1, dtype=np.int64) * steps[0] + first
    moves = np.empty(1 + sum(counts), np.int64)
    moves[0] = first
    moves[1:] = np.repeat(steps, counts) if steps else 0
    return moves.cumsum()


def _spread(columns: list[Integers], where: Sequence[int], lengths: Integers) -> Integers:
    """Give every value column its times."""
    if len(columns) == 1:
        return np.tile(columns[0], len(where))
    ends = np.cumsum([len(column) for column in columns])
    starts = np.array([end - len(column) for end, column in zip(ends, columns, strict=True)])
    shift = starts[list(where)] - (lengths.cumsum() - lengths)
    places = np.arange(lengths.sum()) + np.repeat(shift, lengths)
    return np.asarray(np.concatenate(columns)[places], np.int64)


def _values(
    exponents: Sequence[int | None], data: Sequence[Any], counts: list[int], lengths: Integers
) -> Floats:
    if None in exponents:
        return _mixed_values(exponents, data, counts)
    powers = np.array(exponents)
    if powers.dtype != np.int64 or powers.min() < 0 or powers.max() > _EXACT_POWER:
        raise _Unusual
    scales: Floats = _POWERS[powers]
    if set(map(type, data)) == {int}:
        return np.repeat(_integers(data) / scales, lengths)
    whole = _running(data, counts, lengths)
    return np.asarray(whole / np.repeat(scales, lengths), np.float64)


def _running(data: Sequence[Any], counts: list[int], lengths: Integers) -> Integers:
    """Sum up each column's differences; a single number stands for a column without any."""
    steps = [
        item if type(item) is list else [item, *([0] * (count - 1))]
        for item, count in zip(data, counts, strict=True)
    ]
    if list(map(len, steps)) != counts:
        raise _Unusual
    flat = _integers(list(chain.from_iterable(steps)))
    sums = flat.cumsum()
    starts = lengths.cumsum() - lengths
    return np.asarray(sums - np.repeat(sums[starts] - flat[starts], lengths), np.int64)


def _integers(numbers: Sequence[Any]) -> Integers:
    """Whole numbers whose sums a float holds exactly."""
    flat = np.array(numbers)
    if flat.dtype != np.int64 or np.abs(flat.astype(np.float64)).sum() >= EXACT_INTEGER:
        raise _Unusual
    return flat


def _mixed_values(
    exponents: Sequence[int | None], data: Sequence[Any], counts: list[int]
) -> Floats:
    return np.concatenate(
        [
            _floats(item, count)
            if exponent is None
            else _values([exponent], [item], [count], np.array([count], np.int64))
            for exponent, item, count in zip(exponents, data, counts, strict=True)
        ]
    )


def _floats(data: list[float | None], count: int) -> Floats:
    _expect({float, int, type(None)}, map(type, data))
    if len(data) != count:
        raise _Unusual
    return np.array(data, np.float64)


def _set_qualities(
    qualities: Qualities, bad: Mapping[int, list[int]], tags: Sequence[int], counts: list[int]
) -> None:
    end = 0
    for tag, count in zip(tags, counts, strict=True):
        start, end = end, end + count
        for first, length, quality in _runs(bad.get(tag, ()), count):
            qualities[start + first : start + first + length] = quality


def _runs(runs: Sequence[int], count: int) -> list[tuple[int, int, int]]:
    if not runs:
        return []
    _expect({int}, map(type, runs))
    out = list(zip(runs[0::3], runs[1::3], runs[2::3], strict=True))
    for first, length, quality in out:
        if first < 0 or length < 1 or first + length > count or not 0 <= quality < 256:
            raise _Unusual
    return out


# -------------------------------------------------------------------------- the contract's way


def _exact(line: bytes) -> Columns:
    body = parse(line)
    _believe(_claimed(body))
    block = thaw(line)
    config, thinned = block.stamp.config, block.thinned
    if not (0 <= config < EXACT_INTEGER and 0 <= thinned < EXACT_INTEGER):
        raise WireError(f"not a block: configuration {config}, {thinned} readings thinned")
    return Columns(
        config,
        block.maybe,
        thinned,
        [column.tag for column in block.columns],
        np.array([len(column.times) for column in block.columns], np.int64),
        np.array([_instant(at) for column in block.columns for at in column.times], np.int64),
        np.array([_number(v) for column in block.columns for v in column.values], np.float64),
        np.array([_quality(q) for column in block.columns for q in column.qualities], np.int16),
        ordered=False,
    )


def _claimed(body: dict[str, Any]) -> int:
    """Count the readings a block will expand to, before it is expanded."""
    total = expanded = 0
    with suppress(LookupError, TypeError):
        lengths = []
        for runs in body["t"]:
            lengths.append(1 + sum(runs[2::2]))
            expanded += lengths[-1]
            _believe(expanded)
        for group in body["g"]:
            total += lengths[group[1]]
            _believe(total)
    return total


def _instant(at: int) -> int:
    if not isinstance(at, int):
        raise WireError(f"not a block: {at!r} is not a whole number of milliseconds")
    return max(-FARTHEST, min(FARTHEST, at))


def _number(value: float | None) -> float:
    if value is None:
        return np.nan
    return value if np.isfinite(value) else np.inf


def _quality(quality: int) -> int:
    if quality not in range(256):
        raise WireError(f"not a block: quality {quality!r} is not between 0 and 255")
    return int(quality)
