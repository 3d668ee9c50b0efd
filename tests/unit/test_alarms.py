"""The evaluator: delays in event time, deadbands, levels, blindness; splits change nothing."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.contract import alarms
from agent.contract.alarm_rules import Rule, parse_rule
from agent.contract.alarms import Change, Rows, Samples, State, carry, evaluate, merge

S = 1000


def rule(**levels: dict[str, Any]) -> Rule:
    return parse_rule("limit", {"levels": levels})


def samples(*points: tuple[float, float | None]) -> Samples:
    """Points of (second, value); None stands for no answer."""
    times, values = zip(*points, strict=True)
    qualities = [16 if value is None else 0 for value in values]
    return Samples([round(t * S) for t in times], list(values), qualities)


def told(rule: Rule, *points: tuple[float, float | None]) -> list[tuple[str, float, float]]:
    """What is told: kind, since when, at which sample it was certain (seconds)."""
    _, changes = evaluate(rule, State(), samples(*points))
    return [(change.kind, change.at / S, change.seen_at / S) for change in changes]


def every(step: float, *values: float | None, start: float = 0) -> list[tuple[float, float | None]]:
    return [(start + index * step, value) for index, value in enumerate(values)]


LOW = rule(lo={"setpoint": 50, "priority": 2})


def test_it_works() -> None:
    assert told(LOW, (0, 60), (1, 50), (2, 40), (3, 51)) == [
        ("raised", 1, 1),
        ("cleared", 3, 3),
    ]


def test_a_change_carries_value_extreme_and_the_spell_it_belongs_to() -> None:
    _, (raised, cleared) = evaluate(LOW, State(), samples((0, 60), (1, 45), (2, 40), (3, 51)))
    assert raised == Change("raised", 1 * S, 1 * S, "lo", 45, 45, 1 * S)
    assert cleared == Change("cleared", 3 * S, 3 * S, "lo", 51, 40, 1 * S)


def test_on_delay_elapses_in_event_time_and_the_alarm_began_with_the_first_sample() -> None:
    delayed = rule(hi={"setpoint": 100, "priority": 2, "on_delay_s": 10})
    assert told(delayed, *every(5, 90, 101, 102, 103, 104)) == [("raised", 5, 15)]


def test_a_spell_shorter_than_the_on_delay_is_not_told() -> None:
    delayed = rule(hi={"setpoint": 100, "priority": 2, "on_delay_s": 10})
    assert told(delayed, *every(5, 90, 101, 102, 99, 101, 102, 90)) == []


def test_off_delay_joins_two_spells_into_one() -> None:
    delayed = rule(hi={"setpoint": 100, "priority": 2, "off_delay_s": 10})
    assert told(delayed, *every(5, 101, 90, 101, 90, 90, 90)) == [
        ("raised", 0, 0),
        ("cleared", 15, 25),
    ]


def test_deadband_holds_an_alarm_until_the_value_is_past_it() -> None:
    banded = rule(hi={"setpoint": 100, "priority": 2, "deadband": 5})
    assert told(banded, *every(1, 100, 96, 95, 94.9, 96, 100)) == [
        ("raised", 0, 0),
        ("cleared", 3, 3),
        ("raised", 5, 5),
    ]


@pytest.mark.parametrize("bad", [(None, 16), (30.0, 1), (float("nan"), 0), (None, 0)])
def test_a_reading_that_is_not_good_neither_raises_nor_clears(
    bad: tuple[float | None, int],
) -> None:
    value, quality = bad
    quiet = Samples([0, S, 2 * S], [60.0, value, 60.0], [0, quality, 0])
    assert evaluate(LOW, State(), quiet)[1] == []
    during = Samples([0, S, 2 * S, 3 * S], [40.0, value, value, 60.0], [0, quality, quality, 0])
    kinds = [(change.kind, change.at) for change in evaluate(LOW, State(), during)[1]]
    assert kinds == [("raised", 0), ("frozen", S), ("unfrozen", 3 * S), ("cleared", 3 * S)]


def test_the_condition_is_unknown_while_readings_are_not_good() -> None:
    state, _ = evaluate(LOW, State(), samples((0, 40), (1, None)))
    assert (state.condition, state.frozen_since) == ("unknown", S)
    state, _ = evaluate(LOW, state, samples((2, 41)))
    assert (state.condition, state.frozen_since) == ("active", None)


def test_delays_stand_still_while_readings_are_not_good() -> None:
    delayed = rule(lo={"setpoint": 50, "priority": 2, "on_delay_s": 10})
    points = [(0, 40), (5, None), (60, 40), (62, 40), (65, 40)]
    assert told(delayed, *points) == [("raised", 0, 65)]


def test_every_other_answer_missing_still_raises() -> None:
    delayed = rule(lo={"setpoint": 50, "priority": 2, "on_delay_s": 10})
    assert told(delayed, *every(1, *[40, None] * 20))[:1] == [("raised", 0, 20)]


def test_a_silent_gap_is_not_evidence() -> None:
    delayed = rule(lo={"setpoint": 50, "priority": 2, "on_delay_s": 300})
    points = [(0, 40.0), (7200, 40.0), *every(60, *[40.0] * 5, start=7260)]
    assert told(delayed, *points) == [("raised", 0, 7200 + 4 * 60)]


def test_severity_moves_both_ways_within_one_spell_each_level_on_its_own_delays() -> None:
    two = rule(
        lo={"setpoint": 50, "priority": 3, "off_delay_s": 2},
        lolo={"setpoint": 20, "priority": 1, "on_delay_s": 2, "off_delay_s": 3},
    )
    values = [40, 19, 19, 19, 30, 30, 30, 30, 60, 60, 60]
    _, changes = evaluate(two, State(), samples(*every(1, *values)))
    assert [(c.kind, c.level, c.at / S, c.seen_at / S, c.worse) for c in changes] == [
        ("raised", "lo", 0, 0, False),
        ("level", "lolo", 1, 3, True),
        ("level", "lo", 4, 7, False),
        ("cleared", "lo", 8, 10, False),
    ]
    assert {change.raised_at for change in changes} == {0}
    assert changes[-1].extreme == 19


def test_a_spell_is_over_when_the_last_of_its_levels_is() -> None:
    two = rule(
        lo={"setpoint": 50, "priority": 3},
        lolo={"setpoint": 20, "priority": 1, "off_delay_s": 10},
    )
    changes = told(two, *every(1, 60, 10, 30, 60, *[60.0] * 10))
    assert changes == [("raised", 1, 1), ("cleared", 3, 12)]


def test_a_spell_goes_on_while_a_milder_level_is_on_its_way() -> None:
    """Very low for a moment, then low: low becomes active within the same spell."""
    two = rule(
        lo={"setpoint": 50, "priority": 3, "on_delay_s": 5},
        lolo={"setpoint": 20, "priority": 1},
    )
    _, changes = evaluate(two, State(), samples(*every(1, 60, 10, 30, 30, 30, 30, 30, 60)))
    assert [(c.kind, c.level, c.at / S, c.seen_at / S) for c in changes] == [
        ("raised", "lolo", 1, 1),
        ("level", "lo", 1, 6),
        ("cleared", "lo", 7, 7),
    ]


def test_a_spell_ends_with_the_level_that_was_on_its_way_and_did_not_come() -> None:
    two = rule(
        lo={"setpoint": 50, "priority": 3, "on_delay_s": 5},
        lolo={"setpoint": 20, "priority": 1},
    )
    assert told(two, *every(1, 60, 10, 30, 30, 60)) == [("raised", 1, 1), ("cleared", 4, 4)]


def test_crossing_to_the_other_side_is_a_worse_level_of_the_same_spell() -> None:
    both = rule(
        lo={"setpoint": 50, "priority": 2, "off_delay_s": 60}, hi={"setpoint": 100, "priority": 2}
    )
    _, changes = evaluate(both, State(), samples((0, 40), (1, 110), (2, 75), (3, 75), (70, 75)))
    assert [(c.kind, c.level, c.worse) for c in changes][:2] == [
        ("raised", "lo", False),
        ("level", "hi", True),
    ]
    assert [(c.kind, c.at / S, c.seen_at / S) for c in changes][-1] == ("cleared", 2, 70)


def test_samples_already_judged_are_passed_over() -> None:
    state, first = evaluate(LOW, State(), samples((0, 60), (1, 40)))
    again, second = evaluate(LOW, state, samples((0, 60), (1, 40), (1, 60)))
    assert (len(first), second, again) == (1, [], state)


def test_the_given_state_stays_as_it_is() -> None:
    state, _ = evaluate(LOW, State(), samples((0, 40)))
    before = json.dumps(state.to_json())
    evaluate(LOW, state, samples((1, 60), (2, None)))
    assert json.dumps(state.to_json()) == before


def test_a_new_version_without_the_level_in_force_ends_the_spell_at_the_next_good_sample() -> None:
    two = rule(lo={"setpoint": 50, "priority": 3}, lolo={"setpoint": 20, "priority": 1})
    state, _ = evaluate(two, State(), samples((0, 45)))
    only = rule(lolo={"setpoint": 20, "priority": 1})
    _, changes = evaluate(only, carry(only, state), samples((1, None), (2, 45), (3, 45)))
    assert [(c.kind, c.at / S) for c in changes] == [
        ("frozen", 1),
        ("unfrozen", 2),
        ("cleared", 2),
    ]


def test_a_new_version_tells_the_level_that_is_left() -> None:
    two = rule(lo={"setpoint": 50, "priority": 3}, lolo={"setpoint": 20, "priority": 1})
    state, _ = evaluate(two, State(), samples((0, 15)))
    only = rule(lo={"setpoint": 50, "priority": 3})
    _, changes = evaluate(only, carry(only, state), samples((1, 15), (2, 15)))
    assert [(c.kind, c.level, c.at / S, c.worse) for c in changes] == [("level", "lo", 1, True)]


# ------------------------------------------------------------------------------- properties

RULES = st.sampled_from(
    [
        LOW,
        rule(
            lo={"setpoint": 30, "priority": 3, "deadband": 5, "on_delay_s": 3, "off_delay_s": 7},
            lolo={"setpoint": 10, "priority": 1, "on_delay_s": 1, "off_delay_s": 12},
        ),
        rule(
            lolo={"setpoint": 10, "priority": 2, "off_delay_s": 5},
            lo={"setpoint": 30, "priority": 2, "deadband": 10, "off_delay_s": 20},
            hi={"setpoint": 70, "priority": 2, "deadband": 10, "on_delay_s": 4},
            hihi={"setpoint": 90, "priority": 1, "on_delay_s": 2, "off_delay_s": 30},
        ),
    ]
)
VALUE = st.one_of(
    st.sampled_from([0.0, 10.0, 15.0, 30.0, 40.0, 50.0, 60.0, 70.0, 90.0, 100.0]),
    st.floats(0, 100),
)
ONE = {"alarm": {"priority": 3, "on_delay_s": 2, "off_delay_s": 4}}
SIDES = {
    "lo": {"setpoint": -4, "priority": 3, "deadband": 1, "off_delay_s": 9},
    "hi": {"setpoint": 4, "priority": 2, "on_delay_s": 3},
}
KINDS = st.sampled_from(
    [
        parse_rule("rate", {"window_s": 60, "per": "min", "levels": SIDES}),
        parse_rule("rate", {"to": 100, "window_s": 300, "levels": {"lo": SIDES["hi"]}}),
        parse_rule("flatline", {"levels": {"alarm": {"setpoint": 1, "priority": 3}}}),
        parse_rule("flatline", {"at": 0, "levels": {"alarm": {"setpoint": 0.2, "priority": 3}}}),
        parse_rule("bad_value", {"low": 5, "stuck_at": [10, 40], "levels": ONE}),
        parse_rule("digital", {"states": [10, 40], "levels": ONE}),
        parse_rule(
            "digital",
            {"count": "starts", "window_s": 90, "levels": {"hi": {"setpoint": 2, "priority": 3}}},
        ),
        parse_rule("deviation", {"window_s": 90, "floor": 1, "levels": SIDES}),
        parse_rule("deviation", {"from": "ewma", "window_s": 60, "in": "unit", "levels": SIDES}),
        parse_rule("deviation", {"from": "cusum", "window_s": 60, "floor": 2, "levels": SIDES}),
        LOW.guarded([parse_rule("bad_value", {"stuck_at": [10, 40], "levels": ONE})]),
        parse_rule("limit", {"levels": {"hi": SIDES["hi"]}, "capture_fleeting": True}),
        parse_rule("limit", {"levels": SIDES, "most_per_hour": 2}),
    ]
)
EVERY = st.one_of(RULES, KINDS)
POINT = st.tuples(st.integers(1, 100_000), VALUE, st.sampled_from([0] * 8 + [1, 16]))


@st.composite
def recordings(draw: st.DrawFn) -> Samples:
    """Stretches of steady values between single ones, with steps of up to 100 s."""
    times, values, qualities, at = [], [], [], 0
    for step, value, quality in draw(st.lists(POINT, max_size=25)):
        for _ in range(draw(st.sampled_from([1, 1, 1, 2, 70]))):
            at += step
            times.append(at)
            values.append(None if quality >= 16 else value)
            qualities.append(quality)
    return Samples(times, values, qualities)


def stepping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarms._Walk, "_at_rest", lambda _self: False)


@given(EVERY, recordings())
@settings(deadline=None)
def test_passing_over_in_bulk_changes_nothing(rule: Rule, recording: Samples) -> None:
    in_bulk = evaluate(rule, State(), recording)
    with pytest.MonkeyPatch.context() as patch:
        stepping(patch)
        assert evaluate(rule, State(), recording) == in_bulk


@given(EVERY, recordings(), st.lists(st.integers(0, 2000), max_size=4))
@settings(deadline=None)
def test_splitting_anywhere_with_the_state_saved_as_json_changes_nothing(
    rule: Rule, recording: Samples, cuts: list[int]
) -> None:
    edges = sorted({0, len(recording.times), *(min(cut, len(recording.times)) for cut in cuts)})
    state, changes = State(), []
    for start, stop in itertools.pairwise(edges):
        part = Samples(
            recording.times[start:stop],
            recording.values[start:stop],
            recording.qualities[start:stop],
        )
        state, found = evaluate(
            rule, State.from_json(json.loads(json.dumps(state.to_json()))), part
        )
        changes += found
    assert (state, changes) == evaluate(rule, State(), recording)


@given(EVERY, recordings())
@settings(max_examples=200, deadline=None)
def test_spells_are_well_formed(rule: Rule, recording: Samples) -> None:
    state, changes = evaluate(rule, State(), recording)
    spell: int | None = None
    seen = settled = -1
    for change in changes:
        assert change.at <= change.seen_at
        assert change.seen_at >= seen
        seen = change.seen_at
        if change.kind == "raised":
            assert spell is None
            assert change.at > settled
            spell = change.raised_at
        assert change.raised_at == spell
        if change.kind == "cleared":
            assert change.at > spell
            spell, settled = None, change.seen_at
    assert state.since > settled or not state.phases
    assert (state.spell.raised_at if state.spell else None) == spell


CONDITION = parse_rule(
    "expression",
    {
        "condition": "a > 50 and not (b < 30 or c = 10)",
        "align_s": 40,
        "levels": {"alarm": {"priority": 2, "on_delay_s": 5, "off_delay_s": 10}},
    },
)


@given(st.lists(recordings(), min_size=3, max_size=3), st.lists(st.integers(0, 2000), max_size=4))
@settings(max_examples=50, deadline=None)
def test_a_condition_over_three_gauges_may_be_split_between_any_two_instants(
    gauges: list[Samples], cuts: list[int]
) -> None:
    rows = merge(gauges)
    whole = evaluate(CONDITION, State(), rows)
    edges = sorted({0, len(rows.times), *(min(cut, len(rows.times)) for cut in cuts)})
    state, changes = State(), []
    for start, stop in itertools.pairwise(edges):
        part = Rows(rows.times[start:stop], rows.readings[start:stop])
        state, found = evaluate(
            CONDITION, State.from_json(json.loads(json.dumps(state.to_json()))), part
        )
        changes += found
    assert (state, changes) == whole


@given(recordings(), st.integers(1, 3))
@settings(deadline=None)
def test_no_hour_sees_more_alarms_than_the_rule_allows(recording: Samples, most: int) -> None:
    busy = parse_rule(
        "limit",
        {"levels": {"hi": {"setpoint": 40, "priority": 3}, "lo": {"setpoint": 10, "priority": 3}}}
        | {"most_per_hour": most},
    )
    seen = [c.seen_at for c in evaluate(busy, State(), recording)[1] if c.kind == "raised"]
    for first, beyond in zip(seen, seen[most:], strict=False):
        assert beyond - first >= 3_600_000


@given(KINDS, recordings())
@settings(max_examples=50, deadline=None)
def test_what_is_remembered_is_plain_bounded_json(rule: Rule, recording: Samples) -> None:
    state, _ = evaluate(rule, State(), recording)
    assert len(json.dumps(state.to_json(), allow_nan=False)) < 4000
