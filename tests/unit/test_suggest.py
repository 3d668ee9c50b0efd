"""Figures of a replay, and delays that take out chatter without losing what is long."""

from __future__ import annotations

import itertools
import random
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.contract.alarm_rules import Rule, parse_rule
from agent.contract.alarms import Samples
from hub.alerts.replay import DAY_MS, columns, in_words, lasting, replay
from hub.alerts.suggest import History, suggest

MINUTE = 60_000
HIGH = {"setpoint": 100, "priority": 2}


def rule(**level: float) -> Rule:
    return parse_rule("limit", {"levels": {"hi": HIGH | level}}, blind_after_s=300)


def samples(values: list[float | None], step: int = MINUTE, start: int = 0) -> Samples:
    return Samples(
        [start + n * step for n in range(len(values))],
        values,
        [16 if value is None else 0 for value in values],
    )


def test_figures_of_a_day() -> None:
    values: list[float | None] = [50.0] * 1440
    values[100:103] = [120.0] * 3
    values[600:660] = [130.0] * 60
    values[700] = 140.0
    found = replay(rule(), [samples(values)], -1, DAY_MS)
    assert (found.alarms, found.long, found.fleeting) == (3, 1, 0)
    assert (found.longest_ms, found.total_ms) == (60 * MINUTE, 64 * MINUTE)
    assert [one.extreme for one in found.listed] == [120.0, 130.0, 140.0]
    assert found.of({1, 2}) == 3
    assert found.of({1}) == 0
    assert in_words(found) == (
        "It would have fired 3 times in 24 hours, 1 lasting more than 10 minutes."
    )
    assert lasting(found.longest_ms) == "1 h"


def test_days_are_the_operators_own() -> None:
    chicago = ZoneInfo("America/Chicago")
    values: list[float | None] = [50.0, 120.0, 50.0]
    start = 1_773_190_800_000  # 2026-03-11 01:00 UTC, the evening before in Chicago
    found = replay(rule(), [samples(values, start=start)], start - 1, start + DAY_MS, zone=chicago)
    assert columns(found, chicago) == [(date(2026, 3, 10), 1), (date(2026, 3, 11), 0)]


def test_what_still_stands_counts_to_the_end() -> None:
    found = replay(rule(), [samples([50.0, 120.0])], -1, 100 * MINUTE)
    assert (found.alarms, found.standing, found.longest_ms) == (1, True, 99 * MINUTE)


def test_what_is_listed_is_bounded_and_what_is_counted_is_not() -> None:
    values: list[float | None] = [120.0 if n % 2 else 50.0 for n in range(2000)]
    found = replay(rule(), [samples(values)], -1, 2000 * MINUTE, most=10)
    assert (found.alarms, len(found.listed)) == (1000, 10)
    assert found.fullest == 5


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.one_of(st.none(), st.floats(80, 120)), max_size=120),
    cuts=st.lists(st.integers(0, 120), max_size=6),
)
def test_slices_change_nothing(values: list[float | None], cuts: list[int]) -> None:
    tried = rule(deadband=3, on_delay_s=120, off_delay_s=300)
    whole = replay(tried, [samples(values)], -1, 200 * MINUTE)
    edges = sorted({0, len(values), *(cut for cut in cuts if cut < len(values))})
    parts = [samples(values[a:b], start=a * MINUTE) for a, b in itertools.pairwise(edges)]
    assert replay(tried, parts, -1, 200 * MINUTE) == whole


def wavering(days: int) -> Samples:
    """Each day two hours about the limit, and one hour well beyond it."""
    pick = random.Random(3)
    values: list[float | None] = []
    for n in range(days * 1440):
        minute = n % 1440
        middle = 100.0 if minute < 120 else 115.0 if 700 <= minute < 760 else 80.0
        values.append(pick.gauss(middle, 2))
    return samples(values)


def test_a_suggestion_takes_the_chatter_and_keeps_every_long_alarm() -> None:
    readings = wavering(10)
    history = History([readings], -1, 10 * DAY_MS)
    better = suggest(rule(), history, respond_within_s=3600)
    assert better.before.alarms > 200
    assert better.after.alarms <= 25
    assert better.kept >= 10
    assert better.helps
    spans = [(one.raised_at, one.cleared_at or history.end) for one in better.after.listed]
    for day in range(10):
        noon = day * DAY_MS + timedelta(minutes=730) // timedelta(milliseconds=1)
        assert any(start <= noon <= end for start, end in spans), f"the long one of day {day}"


def test_a_quiet_rule_is_left_as_it_is() -> None:
    values: list[float | None] = [80.0] * 5000
    values[1000:1100] = [120.0] * 100
    better = suggest(rule(), History([samples(values)], -1, 5000 * MINUTE))
    assert not better.helps
    assert better.rule == rule()


def test_a_setpoint_within_normal_operation_is_said() -> None:
    pick = random.Random(5)
    values: list[float | None] = [pick.gauss(100, 5) for _ in range(5000)]
    better = suggest(rule(), History([samples(values)], -1, 5000 * MINUTE))
    assert "lies within normal operation" in better.reasons[-1]
    assert better.rule.levels[0].setpoint == 100, "it is never moved"
