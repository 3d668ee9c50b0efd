"""Episodes and the alerts they are: kept, corrected, split, joined, gone."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from agent.contract.alarm_rules import parse_rule
from agent.contract.alarms import Samples, State, evaluate
from hub.alerts.announce import is_live, is_live_step
from hub.alerts.episodes import Episode, Known, Step, fold, match

RULE = parse_rule(
    "limit",
    {
        "levels": {
            "lo": {"setpoint": 50, "priority": 3},
            "lolo": {"setpoint": 20, "priority": 1},
        }
    },
)


def judged(*values: float | None, start: State | None = None) -> tuple[State, list[Episode]]:
    begin = start or State()
    times = [begin.at + 1 + n for n in range(len(values))]
    samples = Samples(times, values, [16 if v is None else 0 for v in values])
    end, changes = evaluate(RULE, begin, samples)
    return end, fold(begin, changes, end)


def episode(start: int, end: int | None) -> Episode:
    return Episode(start, "lo", "lo", 1.0, 1.0, cleared_at=end)


def known(number: int, start: int, end: int | None) -> Known:
    return Known(uuid.UUID(int=number), start, end)


# -------------------------------------------------------------------------------------- fold


def test_a_spell_becomes_an_episode() -> None:
    _, (found,) = judged(60, 40, 10, 30, 60)
    assert found == Episode(
        1,
        "lo",
        "lo",
        40,
        10,
        (Step(2, 2, "lolo", True), Step(3, 3, "lo", False)),
        4,
        None,
        "normal",
    )


def test_an_open_spell_stands_as_the_state_says() -> None:
    _, (found,) = judged(60, 40, None)
    assert (found.open, found.condition, found.frozen_since) == (True, "unknown", 2)


def test_a_spell_that_was_open_goes_on() -> None:
    start, _ = judged(40, 30)
    end, (found,) = judged(10, 60, start=start)
    assert (found.raised_at, found.first, found.value, found.extreme) == (0, "lo", 40, 10)
    assert (found.cleared_at, end.spell) == (3, None)


def test_nothing_happened() -> None:
    assert judged(60, 70)[1] == []


# ------------------------------------------------------------------------------------- match


def test_an_alert_keeps_its_identity_while_its_episode_overlaps_it() -> None:
    alert, found = known(1, 100, 200), episode(50, 300)
    assert match([alert], [found], 0).pairs == [(alert, found)]


def test_what_does_not_touch_is_new_and_gone() -> None:
    alert, found = known(1, 100, 200), episode(300, 400)
    matching = match([alert], [found], 0)
    assert (matching.new, matching.gone) == ([found], [alert])


def test_the_off_delay_is_the_distance_that_still_touches() -> None:
    alert, found = known(1, 100, 200), episode(300, 400)
    assert match([alert], [found], 100).pairs == [(alert, found)]


def test_of_two_parts_the_longer_keeps_the_alert() -> None:
    alert, short, long = known(1, 0, 100), episode(0, 10), episode(20, 100)
    matching = match([alert], [short, long], 0)
    assert (matching.pairs, matching.new) == ([(alert, long)], [short])


def test_the_standing_alert_stays_with_the_standing_episode() -> None:
    alert, long, standing = known(1, 0, None), episode(0, 1000), episode(1010, None)
    matching = match([alert], [long, standing], 0)
    assert (matching.pairs, matching.new) == ([(alert, standing)], [long])


def test_of_two_alerts_joined_one_stays() -> None:
    first, second, whole = known(1, 0, 50), known(2, 80, 200), episode(0, 200)
    matching = match([first, second], [whole], 0)
    assert (matching.pairs, matching.gone) == ([(second, whole)], [first])


SPANS = st.lists(st.tuples(st.integers(1, 20), st.integers(1, 20)), max_size=6)


@given(SPANS, SPANS, st.integers(0, 5), st.booleans())
def test_everything_is_placed_exactly_once(
    alerts: list[tuple[int, int]], episodes: list[tuple[int, int]], tolerance: int, open_end: bool
) -> None:
    before = [known(n, a, b) for n, (a, b) in enumerate(_laid_out(alerts, open_end))]
    after = [episode(a, b) for a, b in _laid_out(episodes, open_end)]
    matching = match(before, after, tolerance)
    paired = [alert for alert, _ in matching.pairs]
    assert sorted(a.id for a in [*paired, *matching.gone]) == sorted(a.id for a in before)
    placed = [found for _, found in matching.pairs] + matching.new
    assert sorted(e.raised_at for e in placed) == [e.raised_at for e in after]
    assert matching.new == sorted(matching.new, key=lambda e: e.raised_at)


@given(SPANS, st.booleans())
def test_what_did_not_change_stays_itself(spans: list[tuple[int, int]], open_end: bool) -> None:
    laid = _laid_out(spans, open_end)
    before = [known(n, a, b) for n, (a, b) in enumerate(laid)]
    after = [episode(a, b) for a, b in laid]
    assert match(before, after, 0).pairs == list(zip(before, after, strict=True))


def _laid_out(spans: list[tuple[int, int]], open_end: bool) -> list[tuple[int, int | None]]:
    """Gaps and lengths as spans one after the other; the last perhaps without an end."""
    laid: list[tuple[int, int | None]] = []
    at = 0
    for gap, length in spans:
        laid.append((at + gap, at + gap + length))
        at += gap + length
    if laid and open_end:
        laid[-1] = (laid[-1][0], None)
    return laid


# ---------------------------------------------------------------------------------- announce


def test_what_stands_now_is_live_however_long_ago_it_began() -> None:
    assert is_live(episode(0, None), newest=10_000, now=10_100, live_window_ms=900)


def test_what_stood_when_last_seen_is_not_live_if_that_is_long_ago() -> None:
    assert not is_live(episode(0, None), newest=9_000, now=10_100, live_window_ms=900)


def test_what_is_over_is_live_only_if_it_began_just_now() -> None:
    assert is_live(episode(9_300, 9_400), newest=10_000, now=10_100, live_window_ms=900)
    assert not is_live(episode(9_100, 10_000), newest=10_000, now=10_100, live_window_ms=900)


def test_a_step_is_live_if_it_was_certain_just_now() -> None:
    assert is_live_step(Step(0, 9_300, "lolo", True), now=10_100, live_window_ms=900)
    assert not is_live_step(Step(0, 9_100, "lolo", True), now=10_100, live_window_ms=900)
