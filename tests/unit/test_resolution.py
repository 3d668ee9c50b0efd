"""A chart reads what is just fine enough for its points."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hub.readings.resolution import Resolution, choose

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("span", "intervals", "expected"),
    [
        (timedelta(minutes=6), [1000], Resolution("points", SECOND)),
        (HOUR, [1000], Resolution("points", 10 * SECOND)),
        (DAY, [1000], Resolution("points", 300 * SECOND)),
        (7 * DAY, [10_000], Resolution("points", 1800 * SECOND)),
        (7 * DAY, [1000], Resolution("hours", HOUR)),
        (7 * DAY, [10_000] * 6, Resolution("hours", HOUR)),
        (30 * DAY, [60_000], Resolution("hours", 2 * HOUR)),
        (365 * DAY, [60_000], Resolution("hours", 22 * HOUR)),
        (730 * DAY, [60_000], Resolution("days", 2 * DAY)),
    ],
)
def test_finest_source_that_stays_quick(
    span: timedelta, intervals: list[int], expected: Resolution
) -> None:
    assert choose(span, 400, intervals) == expected


def test_rollups_where_readings_are_gone() -> None:
    assert choose(DAY, 400, [1000], raw_kept=False) == Resolution("hours", HOUR)


@pytest.mark.parametrize("points", [1, 10, 100, 1000, 5000])
@pytest.mark.parametrize("hours", [1, 5, 24, 200, 3000, 30_000])
def test_never_more_points_than_asked(points: int, hours: int) -> None:
    resolution = choose(hours * HOUR, points, [1000])
    unit = {"points": SECOND, "hours": HOUR, "days": DAY}[resolution.source]
    assert hours * HOUR / resolution.step <= points
    assert resolution.step % unit == timedelta()
