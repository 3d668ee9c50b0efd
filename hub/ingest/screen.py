"""Which readings of a block can be stored, and why the others cannot. No database here."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.contract.blocks import Quality
from agent.contract.wire import AHEAD_LIMIT
from hub.ingest.arrival import EARLIEST
from hub.ingest.decode import Columns, Floats, Integers, Qualities

Mask = NDArray[np.bool_]
Example = Callable[[int], str]  # a reading's place in its block -> words for a person


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """Readings of one organization, ready to be stored."""

    organization: uuid.UUID
    tags: Integers  #: ids of tags
    times: Integers  #: UTC milliseconds
    values: Floats  #: NaN without a value
    qualities: Qualities
    newest: Integers  #: places among which the newest reading of every tag is

    def __len__(self) -> int:
        return len(self.tags)

    def at(self, places: Mask | Integers) -> Readings:
        """The readings at these places, or under this mask."""
        tags = self.tags[places]
        return Readings(
            self.organization,
            tags,
            self.times[places],
            self.values[places],
            self.qualities[places],
            np.arange(len(tags)),
        )


@dataclass(frozen=True, slots=True)
class Fault:
    """Why readings were set aside: a code of `quarantine.CODES`, how many, and an example."""

    code: str
    readings: int
    example: str

    def __str__(self) -> str:
        return f"{self.readings} {self.code.replace('_', ' ')} ({self.example})"


def screen(
    columns: Columns, ids: Mapping[int, int], organization: uuid.UUID, now: int
) -> tuple[Readings, tuple[Fault, ...]]:
    """Translate tag numbers and sort out what cannot be stored.

    `ids` gives the tag of each number; `now` is the hub's time in UTC milliseconds when the
    message arrived.
    """
    tags = np.array([ids.get(number, 0) for number in columns.tags], np.int64)
    ends = columns.lengths.cumsum()
    readings = Readings(
        organization,
        np.repeat(tags, columns.lengths),
        columns.times,
        columns.values,
        columns.qualities,
        ends - 1 if columns.ordered else np.arange(len(columns.times)),
    )
    if not len(readings) or _is_clean(readings, now):
        return readings, ()
    faults, bad = [], np.zeros(len(readings), np.bool_)
    for code, mask, example in _faults(columns, readings, now):
        fresh = mask & ~bad
        if fresh.any():
            faults.append(Fault(code, int(np.count_nonzero(fresh)), example(int(fresh.argmax()))))
            bad |= fresh
    return readings.at(~bad), tuple(faults)


def _is_clean(readings: Readings, now: int) -> bool:
    return bool(
        readings.tags.min() > 0
        and readings.times.min() >= EARLIEST
        and readings.times.max() <= now + AHEAD_LIMIT
        and (np.isfinite(readings.values) | (readings.qualities >= Quality.NO_ANSWER)).all()
        and not np.isinf(readings.values).any()
    )


def _faults(columns: Columns, readings: Readings, now: int) -> Iterator[tuple[str, Mask, Example]]:
    numbers = np.repeat(np.arange(len(columns.tags)), columns.lengths)

    def tag(place: int) -> str:
        return f"tag number {columns.tags[numbers[place]]}"

    def time(place: int) -> str:
        return f"{tag(place)} at {np.datetime64(int(columns.times[place]), 'ms')}Z"

    valueless = np.isnan(readings.values) & (readings.qualities < Quality.NO_ANSWER)
    yield "unknown_tag", readings.tags == 0, tag
    yield "not_a_number", np.isinf(readings.values), tag
    yield "no_value", valueless, tag
    yield "absurd_time", readings.times < EARLIEST, time
    yield "ahead", readings.times > now + AHEAD_LIMIT, time
