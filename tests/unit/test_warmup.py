"""A rule that begins knows what a rule that was on since long before would know."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.contract.alarm_rules import Rule, parse_rule
from agent.contract.alarms import ACTIVE, Phase, Samples, Spell, State, carry, evaluate
from hub.alerts import warmup
from hub.alerts.warmup import Warmup, farthest_ms
from tests.judging import ALARM, MIN, S, joined, readings

SIDES = {
    "lo": {"setpoint": 30, "priority": 3, "deadband": 25, "off_delay_s": 9},
    "hi": {"setpoint": 70, "priority": 2, "deadband": 5, "on_delay_s": 40, "off_delay_s": 60},
}
SLOPES = {
    "lo": {"setpoint": -20, "priority": 3, "deadband": 5, "off_delay_s": 30},
    "hi": {"setpoint": 20, "priority": 2, "on_delay_s": 20},
}
ONE = {"alarm": {"priority": 3, "on_delay_s": 20, "off_delay_s": 40}}
LIMIT = parse_rule("limit", {"levels": SIDES})
RULES = [
    LIMIT,
    parse_rule("limit", {"levels": SIDES, "capture_fleeting": True}),
    parse_rule("rate", {"window_s": 300, "per": "min", "levels": SLOPES}),
    parse_rule("rate", {"to": 100, "window_s": 300, "levels": {"lo": SLOPES["hi"]}}),
    parse_rule("flatline", {"levels": {"alarm": {"setpoint": 3, "priority": 3}}}),
    parse_rule("flatline", {"at": 40, "levels": {"alarm": {"setpoint": 2, "priority": 3}}}),
    parse_rule("bad_value", {"low": 5, "stuck_at": [10, 40], "levels": ONE}),
    parse_rule("digital", {"states": [10, 40], "levels": ONE}),
    parse_rule(
        "digital",
        {"count": "starts", "window_s": 200, "levels": {"hi": {"setpoint": 3, "priority": 3}}},
    ),
    parse_rule("deviation", {"window_s": 300, "floor": 1, "levels": SLOPES}),
    parse_rule("deviation", {"from": "ewma", "window_s": 300, "in": "unit", "levels": SLOPES}),
    parse_rule("deviation", {"from": "season", "figures": [[50, 5]] * 24, "levels": SLOPES}),
    LIMIT.guarded([parse_rule("bad_value", {"stuck_at": [10, 40], "levels": ONE})]),
]
START = 1_000_000 * S  #: readings begin here


@st.composite
def recordings(draw: st.DrawFn) -> Samples:
    """Up to some hours of a gauge that holds, steps and swings; now and then a reading fails."""
    times, values, qualities, at = [], [], [], START
    levels = st.sampled_from([0.0, 10.0, 25.0, 40.0, 40.0, 50.0, 50.0, 60.0, 72.0, 90.0])
    for _ in range(draw(st.integers(1, 14))):
        step, value, other = draw(st.sampled_from([5, 10, 30])), draw(levels), draw(levels)
        failing = draw(st.booleans())
        for n in range(draw(st.sampled_from([1, 3, 10, 40]))):
            at += step * S
            fails = failing and n % 7 == 3
            times.append(at)
            values.append(None if fails else (value if n % 2 else other))
            qualities.append(16 if fails else 0)
    return Samples(times, values, qualities)


def part(samples: Samples, after: int, until: int) -> Samples:
    start, stop = bisect_right(samples.times, after), bisect_right(samples.times, until)
    return Samples(
        samples.times[start:stop], samples.values[start:stop], samples.qualities[start:stop]
    )


def warm(rule: Rule, samples: Samples, at: int, base: State | None = None, floor: int = 0) -> State:
    def read(after: int, until: int) -> Iterator[Samples]:
        middle = (after + until) // 2  # slices, as the hub reads them
        yield part(samples, after, middle)
        yield part(samples, middle, until)

    return Warmup(rule, at, read).state(base or State(at=at), floor)


@given(st.sampled_from(RULES), recordings(), st.floats(0, 1))
@settings(deadline=None, max_examples=300)
def test_from_then_on_it_judges_like_a_rule_that_was_on_since_long_before(
    rule: Rule, recording: Samples, share: float
) -> None:
    at = recording.times[round(share * (len(recording.times) - 1))] + 1
    assert farthest_ms(rule) > recording.times[-1] - START, "all of it lies within reach"
    known, _ = evaluate(rule, State(at=START), part(recording, START, at))
    rest = part(recording, at, recording.times[-1])
    expected_end, expected = evaluate(rule, known, rest)
    end, found = evaluate(rule, warm(rule, recording, at), rest)
    assert found == expected
    assert (end.spell, end.phases, end.condition) == (
        expected_end.spell,
        expected_end.phases,
        expected_end.condition,
    )


def test_a_window_is_full_from_the_first_reading_on() -> None:
    rate = parse_rule("rate", {"window_s": 600, "per": "min", "levels": {"lo": SLOPES["lo"]}})
    falling = readings(10, [5000 - 5 * n for n in range(120)], 10_000)
    at = falling.times[100] + 1
    cold, _ = evaluate(rate, State(at=at), part(falling, at, at + 30 * S))
    state = warm(rate, falling, at)
    assert cold.spell is None
    assert state.spell is not None
    assert state.spell.raised_at < at


def test_what_is_in_the_deadband_is_decided_by_what_was_before() -> None:
    """Since hours between setpoint and release: in alarm only if it came from there."""
    level = {"lo": {"setpoint": 100, "priority": 2, "deadband": 20}}
    rule = parse_rule("limit", {"levels": level})
    between = readings(10, [110] * 600, 20_000)
    at = between.times[-1] + 1
    low, high = readings(10, [90], 19_000), readings(10, [150], 19_000)
    assert warm(rule, joined(low, between), at).spell is not None
    assert warm(rule, joined(high, between), at).spell is None
    assert warm(rule, between, at).spell is None, "nothing says that it was"


def test_an_on_delay_that_had_begun_goes_on() -> None:
    level = {"hi": {"setpoint": 70, "priority": 2, "on_delay_s": 300}}
    rule = parse_rule("limit", {"levels": level})
    beyond = joined(readings(10, [50] * 60, 20_000), readings(10, [80] * 60, 20_600))
    at = beyond.times[80] + 1
    _, changes = evaluate(rule, warm(rule, beyond, at), part(beyond, at, beyond.times[-1]))
    assert [(c.kind, c.at) for c in changes] == [("raised", beyond.times[60])]


def test_the_alarm_of_the_former_version_goes_on_as_the_same() -> None:
    former = parse_rule("limit", {"levels": {"lo": {"setpoint": 100, "priority": 3}}})
    worse = parse_rule(
        "limit",
        {
            "levels": {
                "lo": {"setpoint": 100, "priority": 3},
                "lolo": {"setpoint": 95, "priority": 1},
            }
        },
    )
    low = readings(10, [150] * 10 + [90] * 20, 20_000)
    state, _ = evaluate(former, State(), low)
    assert state.spell is not None
    taken = warm(worse, low, state.at, carry(worse, state))
    assert taken.spell == Spell(state.spell.raised_at, state.spell.value, "lolo")
    milder = parse_rule("limit", {"levels": {"lo": {"setpoint": 50, "priority": 3}}})
    taken = warm(milder, low, state.at, carry(milder, state))
    assert (taken.spell, taken.phases) == (state.spell, {})
    _, changes = evaluate(milder, taken, readings(10, [90], 30_000))
    assert [c.kind for c in changes] == ["cleared"]


def test_what_the_former_version_holds_in_the_deadband_is_held_on() -> None:
    rule = parse_rule("limit", {"levels": {"lo": {"setpoint": 100, "priority": 2, "deadband": 20}}})
    between = readings(10, [110] * 60, 20_000)
    base = State(at=between.times[-1], good=True, phases={"lo": Phase(ACTIVE)})
    base.spell = Spell(5_000 * S, 90.0, "lo")
    taken = warm(rule, between, base.at, base)
    assert (taken.spell, set(taken.phases)) == (base.spell, {"lo"})


def test_nothing_begins_before_the_last_alert_of_the_former_version_ended() -> None:
    rule = parse_rule("limit", {"levels": {"lo": {"setpoint": 100, "priority": 2}}})
    low = readings(10, [150] * 10 + [90] * 60, 20_000)
    floor = low.times[40]
    state = warm(rule, low, low.times[-1], floor=floor)
    assert state.spell is not None
    assert state.spell.raised_at == floor


def test_however_long_it_stands_a_bounded_number_of_readings_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(warmup, "MOST_READINGS", 500)
    flat = parse_rule("flatline", {"levels": ALARM | {"alarm": {"setpoint": 5, "priority": 3}}})
    still = readings(1, [40] * 50_000, 20_000)
    looked = Warmup(flat, still.times[-1], lambda a, b: [part(still, a, b)])
    state = looked.state(State(at=still.times[-1]))
    assert state.spell is not None
    assert looked.readings < 20 * 500 + 60 * MIN / S
