"""Which stored resolution answers a chart best: readings, hours or days (pure)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: Steps of a chart, in seconds; every longer step is a whole number of hours or days.
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800)
#: Reading more rows than this for one chart would keep a person waiting.
MANY_ROWS = 300_000
#: A chart of fewer points than this looks coarse.
FEW_POINTS = 100

Source = Literal["points", "hours", "days"]


@dataclass(frozen=True, slots=True)
class Resolution:
    """Where a chart's points come from, and the time from one to the next."""

    source: Source
    step: timedelta


def choose(
    span: timedelta, points: int, intervals_ms: Collection[int], *, raw_kept: bool = True
) -> Resolution:
    """Choose for a chart of `points` points over `span`, of tags read at these intervals.

    `raw_kept` is false when the span reaches back to where only rollups are left.
    """
    step = span / max(points, 1)
    if step >= DAY:
        return Resolution("days", _whole(step, DAY))
    if step >= HOUR or not raw_kept:
        return Resolution("hours", _whole(step, HOUR))
    rows = sum(span / timedelta(milliseconds=max(every, 1)) for every in intervals_ms)
    if rows > MANY_ROWS and span / HOUR >= FEW_POINTS:
        return Resolution("hours", HOUR)
    return Resolution("points", _nice(step))


def _nice(step: timedelta) -> timedelta:
    wanted = step.total_seconds()
    return timedelta(seconds=next((s for s in STEPS if s >= wanted), 3600))


def _whole(step: timedelta, unit: timedelta) -> timedelta:
    return unit * max(-(-step // unit), 1)
