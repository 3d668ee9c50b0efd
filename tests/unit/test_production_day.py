"""Production days of every length, and no instant that belongs to two of them or none."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.contract.production_day import ProductionClock

CHICAGO = ZoneInfo("America/Chicago")
ZONES = ("America/Chicago", "America/Denver", "UTC", "Australia/Lord_Howe", "Asia/Kathmandu")
CLOCKS = st.builds(
    ProductionClock,
    st.sampled_from([ZoneInfo(name) for name in ZONES]),
    st.times(max_value=time(12)).map(lambda at: at.replace(second=0, microsecond=0)),
)
_FIRST = datetime(2019, 1, 2, tzinfo=UTC)
INSTANTS = st.timedeltas(timedelta(), timedelta(days=4300)).map(lambda since: _FIRST + since)
DAYS = st.dates(date(2019, 1, 1), date(2030, 12, 31))


def test_a_day_begins_at_the_operators_own_hour() -> None:
    clock = ProductionClock(CHICAGO)
    assert clock.begins(date(2026, 7, 1)) == datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert clock.day_of(datetime(2026, 7, 1, 11, 59, tzinfo=UTC)) == date(2026, 6, 30)
    assert clock.day_of(datetime(2026, 7, 1, 12, 0, tzinfo=UTC)) == date(2026, 7, 1)


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (date(2026, 3, 7), 23),  # its night loses an hour
        (date(2026, 3, 8), 24),
        (date(2026, 10, 31), 25),
        (date(2026, 11, 1), 24),
    ],
)
def test_days_on_which_clocks_change_have_23_and_25_hours(day: date, hours: int) -> None:
    assert ProductionClock(CHICAGO).hours(day) == hours


def test_a_cut_off_inside_the_hour_that_is_shown_twice_or_never() -> None:
    twice = ProductionClock(CHICAGO, time(1, 30))
    assert twice.begins(date(2026, 11, 1)) == datetime(2026, 11, 1, 7, 30, tzinfo=UTC)
    assert twice.day_of(datetime(2026, 11, 1, 6, 45, tzinfo=UTC)) == date(2026, 10, 31)
    assert twice.hours(date(2026, 10, 31)) == 25
    never = ProductionClock(CHICAGO, time(2, 30))
    assert never.begins(date(2026, 3, 8)) == datetime(2026, 3, 8, 8, 30, tzinfo=UTC)
    assert never.day_of(datetime(2026, 3, 8, 8, 15, tzinfo=UTC)) == date(2026, 3, 7)


@given(CLOCKS, INSTANTS)
def test_every_instant_is_in_the_day_it_is_said_to_be_of(
    clock: ProductionClock, at: datetime
) -> None:
    day = clock.day_of(at)
    assert clock.begins(day) <= at < clock.ends(day)


@given(CLOCKS, DAYS)
def test_days_follow_one_another_without_gap_or_overlap(clock: ProductionClock, day: date) -> None:
    assert clock.day_of(clock.begins(day)) == day
    assert clock.day_of(clock.gauged(day)) == day
    assert timedelta(hours=22) < clock.ends(day) - clock.begins(day) < timedelta(hours=26)
    assert clock.closed(clock.ends(day)) == day
    assert clock.closed(clock.ends(day), timedelta(hours=1)) == day - timedelta(days=1)
