"""Blocks: a few seconds of readings frozen into one line of JSON, columns per tag.

A block is cut once, kept as bytes and sent as those bytes, so that a number always names the same
content. It carries neither its stream nor its number: those stand in the envelope of the message
(`wire.py`), so that a block can be sent again under another number after a fork.

Shape of a line (version 1)::

    {"c": 3, "b": "a1b2", "k": 1, "t0": 1700000000000, "m": 123456,
     "t": [[0, 1000, 4]], "g": [[7, 0, 1, [4123, 2, -1, 0, 5]]], "q": {"7": [2, 1, 16]}}

``c`` configuration epoch whose tag numbers are used; ``b`` boot id; ``k`` state of the clock;
``t0`` UTC milliseconds; ``m`` monotonic milliseconds at ``t0``; ``t`` time columns, each
``[offset, dt, count, dt, count, ...]`` in milliseconds from ``t0``; ``g`` value columns
``[tag, time column, exponent, data]`` where ``data`` is the first integer and then differences,
or one number when nothing changed, and the value is the integer divided by ten to the exponent
(exponent null: ``data`` is a plain list of floats); ``q`` the readings that are not good, as runs
``[index, count, quality]``. Optional: ``maybe`` (sent again after a fork, the hub looks each
reading up first) and ``thin`` (how many readings were thinned away to save space).
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

from agent.contract.errors import WireError

MAX_EXPONENT = 9
READ_EXPONENT = 22  #: the largest power of ten that a float holds exactly; no reader goes beyond
EXACT_INTEGER = 2**53


class Quality(IntEnum):
    """How far a reading can be trusted; from 16 on it carries no value."""

    GOOD = 0
    OUT_OF_RANGE = 1  #: outside the range the gauge is configured for; the value is kept
    NO_ANSWER = 16  #: the device did not answer in time, or could not be reached
    REFUSED = 17  #: the device answered with an exception: wrong address, function or unit id
    SHORT = 18  #: the answer held too few bytes
    NOT_A_NUMBER = 19  #: the registers hold NaN or infinity
    NOT_READ = 20  #: not asked, because the device has been silent and is only probed

    @property
    def has_value(self) -> bool:
        """Whether a reading of this quality carries a value."""
        return self < Quality.NO_ANSWER


class ClockState(IntEnum):
    """What the agent knew of the true time when it stamped a block."""

    NEVER = 0  #: never set since the box was made
    SET = 1  #: confirmed in this boot, by the system's time service or by the hub
    HOLDING = 2  #: plausible, but not confirmed in this boot
    STEPPED = 3  #: corrected by a step in this boot


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading: tag number, UTC milliseconds, value (None without one), quality."""

    tag: int
    at: int
    value: float | None
    quality: int = Quality.GOOD


@dataclass(frozen=True, slots=True)
class Column:
    """All readings of one tag in a block; the three sequences have the same length."""

    tag: int
    times: tuple[int, ...]  #: UTC milliseconds
    values: tuple[float | None, ...]
    qualities: tuple[int, ...]

    def samples(self) -> Iterable[Sample]:
        """Its readings, one by one."""
        return map(Sample, [self.tag] * len(self.times), self.times, self.values, self.qualities)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a block says of its own origin: configuration epoch, boot, clock, and start time."""

    config: int
    boot: str
    clock: int
    start: int = 0  #: UTC milliseconds of the earliest reading
    mono: int = 0  #: monotonic milliseconds at `start`


@dataclass(frozen=True, slots=True)
class Block:
    """A decoded block."""

    stamp: Stamp
    columns: tuple[Column, ...]
    maybe: bool = False
    thinned: int = 0

    @property
    def readings(self) -> int:
        """How many readings it holds."""
        return sum(len(column.times) for column in self.columns)


def to_columns(samples: Iterable[Sample]) -> tuple[Column, ...]:
    """Group samples by tag, each in order of time."""
    by_tag: dict[int, list[Sample]] = {}
    for sample in samples:
        by_tag.setdefault(sample.tag, []).append(sample)
    return tuple(_column(tag, rows) for tag, rows in sorted(by_tag.items()))


def _column(tag: int, rows: list[Sample]) -> Column:
    rows.sort(key=lambda sample: sample.at)
    times, values, qualities = zip(*((s.at, s.value, s.quality) for s in rows), strict=True)
    return Column(tag, times, values, qualities)


def freeze(block: Block) -> bytes:
    """Encode a block as one line of JSON without a newline.

    Values are written exactly: as integer differences where all of a column are decimals of at
    most nine places, else as floats. Raises `WireError` for NaN, infinity, an empty block, or a
    reading without a value whose quality does not say so: it would come out as the one before.
    """
    if not block.columns:
        raise WireError("a block needs at least one reading")
    start = min(column.times[0] for column in block.columns)
    times: dict[tuple[int, ...], int] = {}
    body: dict[str, Any] = {
        "c": block.stamp.config,
        "b": block.stamp.boot,
        "k": int(block.stamp.clock),
        "t0": start,
        "m": block.stamp.mono,
        "g": [_value_column(c, times.setdefault(c.times, len(times))) for c in block.columns],
        "t": [],
    }
    body["t"] = [_time_runs(moments, start) for moments in times]
    if bad := {str(c.tag): runs for c in block.columns if (runs := _quality_runs(c.qualities))}:
        body["q"] = bad
    if block.maybe:
        body["maybe"] = 1
    if block.thinned:
        body["thin"] = block.thinned
    return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()


def _time_runs(times: Sequence[int], start: int) -> list[int]:
    runs = [times[0] - start]
    for earlier, later in itertools.pairwise(times):
        if len(runs) > 1 and runs[-2] == later - earlier:
            runs[-1] += 1
        else:
            runs += [later - earlier, 1]
    return runs


def _quality_runs(qualities: Sequence[int]) -> list[int]:
    runs: list[int] = []
    for index, quality in enumerate(qualities):
        if quality == Quality.GOOD:
            continue
        if runs and runs[-1] == quality and runs[-3] + runs[-2] == index:
            runs[-2] += 1
        else:
            runs += [index, 1, int(quality)]
    return runs


def _value_column(column: Column, times: int) -> list[Any]:
    known = [v for v in column.values if v is not None]
    if any(not math.isfinite(v) for v in known):
        raise WireError(f"tag {column.tag}: NaN and infinity cannot be sent as a value")
    if len(known) < len(column.values) and any(
        v is None and q < Quality.NO_ANSWER
        for v, q in zip(column.values, column.qualities, strict=True)
    ):
        raise WireError(f"tag {column.tag}: a reading without a value needs a quality that says so")
    exponent = _exponent(known)
    if exponent is None:
        return [column.tag, times, None, list(column.values)]
    scale = 10**exponent
    whole, last = [], 0
    for value in column.values:
        last = last if value is None else round(value * scale)
        whole.append(last)
    if all(value == whole[0] for value in whole):
        return [column.tag, times, exponent, whole[0]]
    steps = [b - a for a, b in itertools.pairwise(whole)]
    return [column.tag, times, exponent, [whole[0], *steps]]


def _exponent(values: Sequence[float]) -> int | None:
    """Find the smallest decimal exponent at which every value is exactly an integer."""
    for exponent in range(MAX_EXPONENT + 1):
        scale = 10**exponent
        if all(abs(v) * scale < EXACT_INTEGER and round(v * scale) / scale == v for v in values):
            return exponent
    return None


def thaw(line: bytes) -> Block:
    """Decode one line; the opposite of `freeze`.

    Raises `WireError` naming what is wrong: not JSON, a missing field, lengths that do not match.
    """
    body = parse(line)
    try:
        times = [_times(runs, body["t0"]) for runs in body["t"]]
        bad = {int(tag): runs for tag, runs in body.get("q", {}).items()}
        columns = tuple(_thaw_column(group, times, bad) for group in body["g"])
        stamp = Stamp(
            int(body["c"]), str(body["b"]), int(body["k"]), int(body["t0"]), int(body.get("m", 0))
        )
        return Block(stamp, columns, bool(body.get("maybe")), int(body.get("thin", 0)))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as fault:
        raise WireError(f"not a block: {type(fault).__name__} {fault}") from fault


def _times(runs: Sequence[int], start: int) -> tuple[int, ...]:
    at = start + runs[0]
    out = [at]
    for step, count in zip(runs[1::2], runs[2::2], strict=True):
        if not 0 < count <= 1_000_000 - len(out):
            raise WireError(f"a time column of {count} readings is not believable")
        for _ in range(count):
            at += step
            out.append(at)
    return tuple(out)


def _thaw_column(
    group: Sequence[Any], times: Sequence[tuple[int, ...]], bad: dict[int, list[int]]
) -> Column:
    tag, time_index, exponent, data = group
    at = times[time_index]
    qualities = [int(Quality.GOOD)] * len(at)
    values = _floats(data, len(at)) if exponent is None else _integers(data, exponent, len(at))
    runs = bad.get(tag, [])
    for index, count, quality in zip(runs[0::3], runs[1::3], runs[2::3], strict=True):
        if index < 0 or count < 1 or index + count > len(at):
            raise WireError(f"tag {tag}: a quality run lies outside its column")
        qualities[index : index + count] = [quality] * count
        if quality >= Quality.NO_ANSWER:
            values[index : index + count] = [None] * count
    return Column(int(tag), at, tuple(values), tuple(qualities))


def _floats(data: Sequence[float | None], length: int) -> list[float | None]:
    if len(data) != length:
        raise WireError(f"{len(data)} values for {length} times")
    return [None if v is None else float(v) for v in data]


def _integers(data: int | Sequence[int], exponent: int, length: int) -> list[float | None]:
    if not 0 <= int(exponent) <= READ_EXPONENT:
        raise WireError(f"a decimal exponent of {exponent} is not believable")
    scale = 10 ** int(exponent)
    if isinstance(data, int):
        return [data / scale] * length
    if len(data) != length:
        raise WireError(f"{len(data)} values for {length} times")
    out: list[float | None] = []
    whole = 0
    for step in data:
        whole += step
        out.append(whole / scale)
    return out


def parse(line: bytes) -> dict[str, Any]:
    """Read one JSON object strictly: no NaN, no other type. Raises `WireError`."""
    try:
        body = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as fault:
        raise WireError(f"not JSON: {fault}") from fault
    if not isinstance(body, dict):
        raise WireError(f"not a JSON object but {type(body).__name__}")
    return body


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def retime(line: bytes, offset: int, clock: ClockState) -> bytes:
    """Shift a block that was never sent by `offset` milliseconds, once true time is known."""
    body = parse(line)
    body["t0"] += offset
    body["k"] = int(clock)
    return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()


def mark_maybe(line: bytes) -> bytes:
    """Mark a block as possibly stored already, under another number."""
    body = parse(line)
    body["maybe"] = 1
    return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()


def thin(block: Block, keep_one_of: int) -> Block:
    """Keep the first of every `keep_one_of` readings of a tag, and count what went."""
    columns = tuple(
        Column(
            column.tag,
            column.times[::keep_one_of],
            column.values[::keep_one_of],
            column.qualities[::keep_one_of],
        )
        for column in block.columns
    )
    thinned = replace(block, columns=columns)
    return replace(thinned, thinned=block.thinned + block.readings - thinned.readings)
