"""Checkpoints left behind: by the hour, after changes, and a bridge for what overlaps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from agent.contract.alarm_rules import parse_rule
from agent.contract.alarms import Samples, State, evaluate
from hub.alerts.bench import Range
from hub.alerts.engine import join
from hub.alerts.trail import HOUR_MS, Checkpoint, Trail

RULE = parse_rule("limit", {"levels": {"lo": {"setpoint": 50, "priority": 2, "on_delay_s": 20}}})
MINUTE = 60_000


def steady(count: int, step: int, value: float = 60, start: int = 0) -> Samples:
    return Samples([start + step * n for n in range(count)], [value] * count, [0] * count)


def trail_from(at: int = -1) -> Trail:
    return Trail(RULE, Checkpoint(at, State(at=at)))


def left(trail: Trail, *, kept: bool) -> list[int]:
    return sorted(at for at, checkpoint in trail.left.items() if checkpoint.kept is kept)


def test_every_hour_ends_with_a_kept_checkpoint() -> None:
    trail = trail_from()
    trail.walk(steady(180, MINUTE), 3 * HOUR_MS)
    assert left(trail, kept=True) == [59 * MINUTE, 119 * MINUTE]


def test_an_hour_that_ended_with_the_last_walk_is_kept_with_the_next() -> None:
    first = trail_from()
    first.walk(steady(60, MINUTE), HOUR_MS)
    second = Trail(RULE, first.left[59 * MINUTE])
    second.walk(steady(1, MINUTE, start=HOUR_MS), HOUR_MS)
    assert left(second, kept=True) == [59 * MINUTE]


def test_the_end_and_a_bridge_before_it_are_left() -> None:
    trail = trail_from()
    trail.walk(steady(100, 1000), HOUR_MS)
    assert left(trail, kept=False) == [89_000, 99_000]


def test_the_end_can_be_kept() -> None:
    trail = trail_from()
    trail.walk(steady(5, 1000), HOUR_MS, keep_last=True)
    assert left(trail, kept=True) == [4000]


def test_changes_leave_kept_checkpoints_but_not_every_second() -> None:
    chatter = parse_rule("limit", {"levels": {"lo": {"setpoint": 50, "priority": 2}}})
    trail = Trail(chatter, Checkpoint(-1, State()))
    values = [40.0 if n % 2 else 60.0 for n in range(600)]
    trail.walk(Samples([1000 * n for n in range(600)], values, [0] * 600), HOUR_MS)
    assert 9 <= len(left(trail, kept=True)) <= 10


def test_only_what_is_new_is_judged() -> None:
    trail = trail_from(at=50_000)
    trail.walk(steady(51, 1000), 50_000)
    assert (trail.left, trail.changes) == ({}, [])


@given(
    st.lists(st.tuples(st.integers(1, 400_000), st.sampled_from([60.0, 40.0, None])), max_size=60),
    st.lists(st.integers(0, 12_000_000), max_size=3),
)
def test_every_checkpoint_is_the_state_at_its_time(
    points: list[tuple[int, float | None]], stops: list[int]
) -> None:
    times, at = [], 0
    for step, _ in points:
        at += step
        times.append(at)
    values = [value for _, value in points]
    samples = Samples(times, values, [16 if v is None else 0 for v in values])
    trail = trail_from()
    for stop in [*sorted(stops), at]:
        trail.walk(samples, stop)
    state, changes = evaluate(RULE, State(), samples)
    assert (trail.state, trail.changes) == (state, changes)
    for checkpoint in trail.left.values():
        upto = sum(1 for moment in times if moment <= checkpoint.at)
        part = Samples(times[:upto], values[:upto], samples.qualities[:upto])
        assert evaluate(RULE, State(), part)[0] == checkpoint.state


START = datetime(2024, 6, 1, tzinfo=UTC)


def span(start: float, end: float) -> Range:
    return Range(START + timedelta(minutes=start), START + timedelta(minutes=end))


def test_ranges_close_to_each_other_are_judged_as_one() -> None:
    assert join([span(100, 110), span(0, 50), span(20, 30)]) == [span(0, 110)]


def test_history_and_the_present_are_judged_apart() -> None:
    assert join([span(1000, 1001), span(0, 10)]) == [span(0, 10), span(1000, 1001)]
