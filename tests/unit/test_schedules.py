"""Turns on call: no gap, no overlap, hand-off at the local hour, through both changes of clocks."""

from __future__ import annotations

import itertools
import uuid
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.notify.schedules import Layer, Override, Roster, holes, next_handoff, on_call, slots
from hub.notify.wallclock import Window, day_begins, instant, is_zone, next_at, zone_of

PEOPLE = tuple(uuid.UUID(int=number) for number in range(1, 6))
SAM, ANA, LUZ = PEOPLE[:3]
ZONES = (
    "America/Chicago",
    "America/Denver",
    "America/New_York",
    "America/Phoenix",
    "Australia/Lord_Howe",  # changes by half an hour
    "Europe/London",
    "UTC",
)
#: Both changes of the American clocks of 2026 and the European one in between lie in this span.
START = datetime(2026, 3, 1, tzinfo=UTC)
END = datetime(2026, 11, 15, tzinfo=UTC)

zones = st.sampled_from(ZONES)
walls = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
moments = st.integers(0, 270 * 24 * 60).map(
    lambda minutes: datetime(2026, 2, 20, tzinfo=UTC) + timedelta(minutes=minutes)
)
windows = st.none() | st.builds(
    Window, walls, walls, st.sets(st.integers(1, 7), min_size=1).map(frozenset)
)
layers = st.builds(
    Layer,
    people=st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=4).map(tuple),
    starts_on=st.dates(date(2025, 12, 1), date(2026, 6, 1)),
    handoff_at=walls,
    every_days=st.integers(1, 14),
    ends_on=st.none() | st.dates(date(2026, 6, 2), date(2026, 12, 1)),
    window=windows,
)
overrides = st.builds(
    lambda user, begins, hours, replaces: Override(
        user, begins, begins + timedelta(hours=hours), replaces
    ),
    st.sampled_from(PEOPLE),
    moments,
    st.integers(1, 400),
    st.none() | st.sampled_from(PEOPLE),
)
rosters = st.builds(
    Roster,
    zones,
    st.lists(layers, min_size=1, max_size=3).map(tuple),
    st.lists(overrides, max_size=3).map(tuple),
)


@settings(deadline=None, max_examples=60)
@given(rosters, moments, st.integers(1, 60))
def test_a_calendar_has_neither_gap_nor_overlap_and_says_who_is_on_call(
    roster: Roster, start: datetime, days: int
) -> None:
    end = start + timedelta(days=days)
    found = slots(roster, start, end)
    assert found[0].begins == start
    assert found[-1].ends == end
    for one, following in itertools.pairwise(found):
        assert one.ends == following.begins
        assert (one.user, one.stands_in) != (following.user, following.stands_in)
    for slot in found:
        middle = slot.begins + (slot.ends - slot.begins) / 2
        last = slot.ends - timedelta(microseconds=1)
        assert slot.begins < slot.ends
        assert {on_call(roster, at) for at in (slot.begins, middle, last)} == {slot.user}


@settings(deadline=None, max_examples=60)
@given(zones, walls, st.integers(1, 14), st.integers(2, 5))
def test_turns_are_handed_over_at_the_local_hour_all_year(
    name: str, wall: time, every: int, count: int
) -> None:
    roster = Roster(name, (Layer(PEOPLE[:count], date(2026, 1, 1), wall, every),))
    zone = zone_of(name)
    found = slots(roster, START, END)
    assert not [slot for slot in found if slot.user is None]
    for before, after in itertools.pairwise(found):
        local = after.begins.astimezone(zone)
        comes = local.replace(tzinfo=None, fold=0).time() == wall
        assert comes or instant(local.date(), wall, zone) == after.begins
        assert PEOPLE.index(after.user) == (PEOPLE.index(before.user) + 1) % count
    lengths = {slot.ends - slot.begins for slot in found[1:-1]}
    assert all(abs(length - timedelta(days=every)) <= timedelta(hours=1) for length in lengths)


@settings(deadline=None, max_examples=60)
@given(zones, moments)
def test_one_instant_has_one_person_however_it_is_asked(name: str, at: datetime) -> None:
    layer = Layer(PEOPLE, date(2026, 1, 5), time(2, 30), 1)
    turn = layer.turn(at, zone_of(name))
    assert layer.begins(turn, zone_of(name)) <= at < layer.begins(turn + 1, zone_of(name))


@pytest.mark.parametrize(
    ("day", "wall", "utc"),
    [
        (date(2026, 3, 7), time(7), "2026-03-07T13:00:00+00:00"),
        (date(2026, 3, 8), time(7), "2026-03-08T12:00:00+00:00"),  # the clocks were set forward
        (date(2026, 3, 8), time(2, 30), "2026-03-08T08:00:00+00:00"),  # does not come at all
        (date(2026, 11, 1), time(1, 30), "2026-11-01T06:30:00+00:00"),  # comes twice
        (date(2026, 11, 1), time(7), "2026-11-01T13:00:00+00:00"),
    ],
)
def test_a_local_time_is_one_instant(day: date, wall: time, utc: str) -> None:
    assert instant(day, wall, ZoneInfo("America/Chicago")).isoformat() == utc


@settings(deadline=None, max_examples=60)
@given(zones, st.dates(date(2026, 1, 1), date(2026, 12, 31)), walls, walls)
def test_later_times_of_a_day_are_never_earlier_instants(
    name: str, day: date, one: time, other: time
) -> None:
    early, late = sorted((one, other))
    assert instant(day, early, zone_of(name)) <= instant(day, late, zone_of(name))


@settings(deadline=None, max_examples=60)
@given(rosters, moments)
def test_the_override_entered_last_wins(roster: Roster, at: datetime) -> None:
    stands_in = Override(LUZ, at - timedelta(hours=1), at + timedelta(hours=1))
    changed = Roster(roster.zone_name, roster.layers, (*roster.overrides, stands_in))
    assert on_call(changed, at) == LUZ
    assert on_call(changed, stands_in.ends) == on_call(roster, stands_in.ends)


def test_an_override_for_one_person_leaves_the_turns_of_others() -> None:
    layer = Layer((SAM, ANA), date(2026, 6, 1), time(7), 1)
    holiday = Override(LUZ, START, END, replaces=SAM)
    roster = Roster("America/Chicago", (layer,), (holiday,))
    days = [datetime(2026, 6, day, 18, tzinfo=UTC) for day in (1, 2, 3, 4)]
    assert [on_call(roster, day) for day in days] == [LUZ, ANA, LUZ, ANA]


def test_a_higher_layer_covers_a_lower_one_in_its_hours() -> None:
    night = Window(time(18), time(6))
    layers = (
        Layer((SAM,), date(2026, 6, 1), time(0), 1),
        Layer((ANA,), date(2026, 6, 1), time(0), 1, window=night),
    )
    roster = Roster("America/Chicago", layers)
    assert on_call(roster, datetime(2026, 6, 3, 17, tzinfo=UTC)) == SAM  # noon
    assert on_call(roster, datetime(2026, 6, 3, 7, tzinfo=UTC)) == ANA  # 02:00
    turn = next_handoff(roster, datetime(2026, 6, 3, 17, tzinfo=UTC))
    assert turn is not None
    assert (turn.begins.hour, turn.user) == (23, ANA)


def test_hours_only_by_day_leave_holes_that_are_found() -> None:
    day = Window(time(6), time(18))
    roster = Roster("America/Chicago", (Layer((SAM,), date(2026, 6, 1), time(6), 7, window=day),))
    start = datetime(2026, 6, 10, 11, tzinfo=UTC)  # 06:00
    found = holes(roster, start, start + timedelta(days=2))
    assert [(hole.begins.hour, hole.ends.hour) for hole in found] == [(23, 11), (23, 11)]


def test_before_the_first_turn_and_after_the_last_day_nobody_is_on_call() -> None:
    layer = Layer((SAM,), date(2026, 6, 1), time(7), 7, ends_on=date(2026, 6, 30))
    roster = Roster("UTC", (layer,))
    assert on_call(roster, datetime(2026, 6, 1, 6, 59, tzinfo=UTC)) is None
    assert on_call(roster, datetime(2026, 6, 1, 7, tzinfo=UTC)) == SAM
    assert on_call(roster, datetime(2026, 7, 1, 6, 59, tzinfo=UTC)) == SAM
    assert on_call(roster, datetime(2026, 7, 1, 7, tzinfo=UTC)) is None


@settings(deadline=None, max_examples=60)
@given(zones, moments, walls)
def test_the_next_time_of_day_comes_within_a_day_and_an_hour(
    name: str, after: datetime, wall: time
) -> None:
    found = next_at(wall, after, zone_of(name))
    assert after < found <= after + timedelta(hours=25)


@settings(deadline=None, max_examples=60)
@given(zones, moments, windows.filter(lambda window: window is not None))
def test_a_window_opens_within_eight_days_and_holds_from_then(
    name: str, at: datetime, window: Window
) -> None:
    zone = zone_of(name)
    opens = window.opening(at, zone)
    assert at <= opens
    assert window.holds(at, zone) == (opens == at)
    assert window.holds(opens, zone)
    assert opens < window.closing(opens, zone)


def test_a_day_begins_at_local_midnight() -> None:
    zone = zone_of("America/Chicago")
    at = datetime(2026, 6, 2, 4, 59, tzinfo=UTC)
    assert day_begins(at, zone) == datetime(2026, 6, 1, 5, tzinfo=UTC)


def test_a_zone_nobody_knows_is_told_apart_from_utc() -> None:
    assert is_zone("America/Chicago")
    assert is_zone("UTC")
    assert not is_zone("America/Springfield")
    assert not is_zone("../etc/passwd")
