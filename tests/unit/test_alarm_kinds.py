"""What each kind of rule finds, on readings that anybody can follow."""

from __future__ import annotations

import math
from typing import Any

import pytest

from agent.contract.alarm_kinds import SETTINGS
from agent.contract.alarm_rules import RuleError, parse_rule
from agent.contract.alarms import Samples, State, evaluate
from tests.judging import ALARM, S, joined, kinds, readings, told

# ------------------------------------------------------------------------------------- rate


FALLING = parse_rule(
    "rate", {"per": "h", "window_s": 600, "levels": {"lo": {"setpoint": -10, "priority": 2}}}
)


def test_a_slope_is_that_of_the_line_through_the_window() -> None:
    down = readings(10, [500 - 12 * n / 360 for n in range(120)])
    first = told(FALLING, down)[0]
    assert first[:2] == ("raised", "lo")
    assert first[3] == pytest.approx(-12, rel=1e-6)
    assert kinds(FALLING, readings(10, [500 - 8 * n / 360 for n in range(120)])) == []


def test_a_slope_is_not_told_before_half_its_window_is_covered() -> None:
    steep = readings(10, [500 - n for n in range(60)])
    assert told(FALLING, steep)[0][2] == 5


def test_a_single_jump_is_no_slope_for_longer_than_its_window() -> None:
    jump = readings(10, [500.0] * 90 + [480.0] * 90)
    assert kinds(FALLING, jump) == ["raised", "cleared"]


def test_after_a_gap_the_slope_is_unknown_until_it_can_be_told_again() -> None:
    before = readings(10, [500 - n / 10 for n in range(60)])
    after = readings(10, [400 - n / 10 for n in range(60)], start_s=7200)
    assert kinds(FALLING, joined(before, after)) == ["raised", "frozen", "unfrozen"]


def test_hours_until_a_tank_is_full() -> None:
    rule = parse_rule(
        "rate",
        {
            "to": {"of": "tank_height_ft", "plus": -1},
            "window_s": 3600,
            "levels": {"lo": {"setpoint": 4, "priority": 2}},
        },
        attributes={"tank_height_ft": 20.0},
    )
    filling = readings(60, [10 + n / 60 for n in range(420)])  # one foot an hour, 19 ft is full
    assert told(rule, filling)[0] == (
        "raised",
        "lo",
        pytest.approx(300, abs=1),
        pytest.approx(4, abs=0.02),
    )
    assert kinds(rule, readings(60, [18.5] * 200)) == []
    assert kinds(rule, readings(60, [18.5 - n / 600 for n in range(200)])) == []
    assert told(rule, readings(60, [19.2 + n / 600 for n in range(200)]))[0][3] == 0


def test_hours_until_a_tank_is_empty() -> None:
    rule = parse_rule(
        "rate", {"to": 1, "falling": True, "levels": {"lo": {"setpoint": 2, "priority": 3}}}
    )
    assert kinds(rule, readings(10, [10 - n / 360 for n in range(7 * 360)])) == []
    assert kinds(rule, readings(10, [10 - n / 360 for n in range(8 * 360)])) == ["raised"]


# --------------------------------------------------------------------------------- flatline


def test_a_gauge_that_does_not_move_is_found_after_its_time() -> None:
    rule = parse_rule("flatline", {"levels": {"alarm": {"setpoint": 60, "priority": 4}}})
    still = readings(10, [5, *[7.25] * 400, 7.26])
    assert told(rule, still) == [
        ("raised", "alarm", pytest.approx(60 + 1 / 6), 60),
        ("cleared", "alarm", pytest.approx(401 / 6), 0),
    ]


def test_the_usual_time_follows_the_measure() -> None:
    def minutes(measure: str) -> float:
        return parse_rule("flatline", {"levels": ALARM}, measure=measure).levels[0].setpoint

    assert (minutes("tubing_pressure"), minutes("downhole_temperature")) == (60, 240)
    with pytest.raises(RuleError, match="alarm: setpoint is missing"):
        minutes("tank_level")


def test_a_gap_is_not_stillness() -> None:
    rule = parse_rule("flatline", {"levels": {"alarm": {"setpoint": 60, "priority": 4}}})
    assert kinds(rule, joined(readings(10, [5.0] * 60), readings(10, [5.0] * 60, 36_000))) == []


def test_exactly_zero_is_a_form_of_its_own() -> None:
    rule = parse_rule("flatline", {"at": 0, "levels": {"alarm": {"setpoint": 10, "priority": 4}}})
    assert kinds(rule, readings(10, [3.0] * 200)) == []
    assert kinds(rule, readings(10, [0.0] * 200)) == ["raised"]


def test_movement_within_the_tolerance_is_none() -> None:
    rule = parse_rule(
        "flatline", {"tolerance": 0.5, "levels": {"alarm": {"setpoint": 10, "priority": 4}}}
    )
    assert kinds(rule, readings(10, [5 + 0.4 * (n % 2) for n in range(100)])) == ["raised"]
    assert kinds(rule, readings(10, [5 + 0.6 * (n % 2) for n in range(100)])) == []


# -------------------------------------------------------------------------------- bad value


@pytest.mark.parametrize(
    ("params", "value", "why"),
    [
        ({"loop_ma": True}, 3.5, 2),
        ({"loop_ma": True}, 21.5, 3),
        ({"scaled": [0, 1600]}, -41.0, 2),
        ({"scaled": [0, 1600]}, 1701.0, 3),
        ({"stuck_at": [0]}, 0.0, 4),
        ({"low": -5}, -6.0, 2),
        ({}, math.nan, 1),
    ],
)
def test_a_reading_that_cannot_be_believed_is_told_with_its_reason(
    params: dict[str, Any], value: float, why: int
) -> None:
    rule = parse_rule("bad_value", params | {"levels": ALARM})
    assert told(rule, readings(1, [12.0, value]))[0][3] == why
    assert kinds(rule, readings(1, [12.0, 12.5, 12.0])) == []


def test_marks_of_the_agent_count_and_a_silent_device_is_another_matter() -> None:
    rule = parse_rule("bad_value", {"levels": ALARM})
    assert kinds(rule, Samples([0, S], [5.0, 5.0], [0, 1])) == ["raised"]
    assert kinds(rule, Samples([0, S], [5.0, None], [0, 19])) == ["raised"]
    silent, changes = evaluate(rule, State(), Samples([0, S], [5.0, None], [0, 16]))
    assert (silent.condition, changes) == ("unknown", [])


def test_what_cannot_be_believed_makes_a_limit_unknown_and_never_low() -> None:
    low = parse_rule("limit", {"levels": {"lo": {"setpoint": 100, "priority": 2}}})
    bad = parse_rule("bad_value", {"stuck_at": [0], "levels": ALARM})
    dead = readings(10, [150.0, *[0.0] * 30])
    assert kinds(low, dead) == ["raised"]
    state, changes = evaluate(low.guarded([bad]), State(), dead)
    assert (state.condition, changes) == ("unknown", [])
    assert kinds(low.guarded([bad]), readings(10, [150.0, 90.0])) == ["raised"]
    assert bad.guarded([bad]) == bad


def test_a_flatline_that_blinds_makes_a_limit_unknown() -> None:
    low = parse_rule("limit", {"levels": {"lo": {"setpoint": 100, "priority": 2}}})
    params = {"levels": {"alarm": {"setpoint": 1, "priority": 4}}}
    still = parse_rule("flatline", params | {"blinds": True})
    stuck = readings(10, [90.0] * 20)
    assert kinds(low.guarded([still]), stuck) == ["raised", "frozen"]
    assert kinds(low.guarded([parse_rule("flatline", params)]), stuck) == ["raised"]


# ---------------------------------------------------------------------------------- digital


def test_a_state_is_in_the_set() -> None:
    rule = parse_rule("digital", {"states": [2, 3], "levels": ALARM})
    assert kinds(rule, readings(1, [0, 1, 2, 3, 1])) == ["raised", "cleared"]


def test_a_pump_that_cycles_too_often() -> None:
    rule = parse_rule(
        "digital",
        {"count": "starts", "window_s": 3600, "levels": {"hi": {"setpoint": 6, "priority": 3}}},
    )
    cycling = [n // 5 % 2 for n in range(60)]  # every ten minutes on for five
    assert told(rule, readings(60, cycling))[0] == ("raised", "hi", 55, 6)
    assert kinds(rule, readings(60, [n // 10 % 2 for n in range(120)])) == []


# -------------------------------------------------------------------------------- deviation


def wave(n: int) -> float:
    return 1000 + 3 * math.sin(n / 3) + (n * 7919 % 13 - 6) / 6


@pytest.mark.parametrize(
    "more",
    [
        {"from": "hampel", "window_s": 600},
        {"from": "ewma", "window_s": 600},
        {"from": "cusum", "window_s": 3600},
    ],
)
def test_a_step_out_of_what_is_usual_is_found(more: dict[str, Any]) -> None:
    levels = {"lo": {"setpoint": -9, "priority": 4}, "hi": {"setpoint": 9, "priority": 4}}
    if more["from"] == "cusum":
        levels = {"lo": {"setpoint": -30, "priority": 4}, "hi": {"setpoint": 30, "priority": 4}}
    rule = parse_rule("deviation", more | {"levels": levels})
    usual = [wave(n) for n in range(720)]
    assert kinds(rule, readings(10, usual)) == []
    step = readings(10, usual + [wave(n) - 40 for n in range(60)])
    assert told(rule, step)[0][:2] == ("raised", "lo")


def test_a_slow_creep_is_found_by_a_cusum() -> None:
    levels = {"hi": {"setpoint": 20, "priority": 4}}
    rule = parse_rule("deviation", {"from": "cusum", "window_s": 4 * 3600, "levels": levels})
    creep = [wave(n) + max(0, n - 1500) / 100 for n in range(4000)]
    assert kinds(rule, readings(10, creep))[0] == "raised"


def test_the_season_is_compared_hour_by_hour() -> None:
    figures = [[60 + hour, 2] for hour in range(24)]
    params = {"from": "season", "figures": figures, "in": "unit"}
    rule = parse_rule("deviation", params | {"levels": {"hi": {"setpoint": 15, "priority": 4}}})
    at = [hour * 3600 * S for hour in range(24)]
    as_usual = Samples(at, [60.0 + hour for hour in range(24)], [0] * 24)
    assert kinds(rule, as_usual) == []
    assert told(rule, Samples(at[:6], [60.0, 61, 62, 63, 64, 85], [0] * 6))[0][3] == 20


def test_a_weekend_can_have_figures_of_its_own() -> None:
    figures: list[Any] = [[60, 2]] * 24 + [None] * 24
    params = {
        "from": "season",
        "figures": figures,
        "levels": {"hi": {"setpoint": 5, "priority": 4}},
    }
    rule = parse_rule("deviation", params)
    thursday, saturday = 0, 2 * 86_400 * S
    assert kinds(rule, Samples([thursday], [90.0], [0])) == ["raised"]
    state, changes = evaluate(rule, State(), Samples([saturday], [90.0], [0]))
    assert (state.condition, changes) == ("unknown", [])


# ------------------------------------------------------------------------ latch and fleeting


def test_a_fleeting_alarm_is_raised_although_it_is_over() -> None:
    level = {"setpoint": 10, "priority": 1, "on_delay_s": 30}
    quiet = parse_rule("limit", {"levels": {"hi": level}})
    gas = parse_rule("limit", {"levels": {"hi": level}, "capture_fleeting": True, "latch": True})
    puff = readings(1, [0, 0, 12, 14, 3, 2, 1])
    assert kinds(quiet, puff) == []
    _, changes = evaluate(gas, State(), puff)
    assert [(c.kind, c.at / S, c.extreme) for c in changes] == [
        ("raised", 2, 14),
        ("cleared", 4, 14),
    ]
    assert (gas.latch, gas.to_json()["capture_fleeting"]) == (True, True)


def test_an_alarm_that_keeps_coming_back_stays_instead() -> None:
    level = {"setpoint": 10, "priority": 3}
    restless = readings(10, [12 if n // 30 % 2 else 3 for n in range(2160)])  # every ten minutes
    plain = parse_rule("limit", {"levels": {"hi": level}})
    spared = parse_rule("limit", {"levels": {"hi": level}, "most_per_hour": 2})
    assert kinds(plain, restless).count("raised") == 36
    assert kinds(spared, restless).count("raised") == 10
    assert parse_rule("limit", spared.to_json()) == spared
    first, _, second, cleared = told(spared, restless)[:4]
    assert (first[2], second[2], cleared[0], cleared[2]) == (5, 15, "cleared", 80)


# --------------------------------------------------------------------------------- bad rules


@pytest.mark.parametrize(
    ("kind", "params", "sentence"),
    [
        ("rate", {"levels": ALARM}, "'alarm' is not known in a rate rule; use hi, hihi, lo, lolo."),
        ("flatline", {}, "A flatline rule needs at least one level: alarm."),
        ("expression", {"condition": "a"}, "An expression rule needs at least one level: alarm."),
        (
            "digital",
            {"levels": ALARM},
            "The rule: states must be a list of whole numbers, or say count.",
        ),
        (
            "digital",
            {"states": [1.5], "levels": ALARM},
            "The rule: states must be a list of whole numbers, or say count.",
        ),
        (
            "bad_value",
            {"low": 5, "high": 4, "levels": ALARM},
            "The rule: low must lie below high, but low is 5 and high 4.",
        ),
        (
            "bad_value",
            {"levels": {"alarm": {"setpoint": 4, "priority": 1}}},
            "'setpoint' is not known in alarm; use off_delay_s, on_delay_s, priority.",
        ),
        (
            "deviation",
            {"from": "magic", "levels": {"hi": {"setpoint": 6, "priority": 4}}},
            "The rule: from must be hampel or ewma or cusum or season, not 'magic'.",
        ),
        (
            "deviation",
            {"from": "season", "figures": [1], "levels": {"hi": {"setpoint": 6, "priority": 4}}},
            "The rule: figures must be 24 pairs of median and spread, one per hour of UTC, or 48.",
        ),
        (
            "rate",
            {"window_s": 0, "levels": {"hi": {"setpoint": 6, "priority": 4}}},
            "The rule: window_s must be between 1 and 604800, not 0.",
        ),
        (
            "limit",
            {"levels": {"hi": {"setpoint": {"off": "x"}, "priority": 4}}},
            "'off' is not known in hi: setpoint; use of, plus, times. hi: setpoint: of is missing.",
        ),
    ],
)
def test_a_fault_of_a_kind_is_told_in_a_sentence(
    kind: str, params: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(RuleError) as caught:
        parse_rule(kind, params)
    assert str(caught.value) == sentence


def test_a_setpoint_may_follow_the_height_of_the_tank() -> None:
    params = {
        "levels": {
            "hi": {"setpoint": 15, "priority": 3},
            "hihi": {"setpoint": {"of": "tank_height", "plus": -1}, "priority": 1},
        }
    }
    rule = parse_rule("limit", params, attributes={"tank_height": 20.0})
    assert rule.level("hihi").setpoint == 19
    assert (
        parse_rule("limit", rule.to_json(), attributes={"tank_height": 24}).levels[1].setpoint == 23
    )
    assert parse_rule("limit", params).to_json() == rule.to_json()
    with pytest.raises(
        RuleError, match="hihi: setpoint follows the tank height, which is not known"
    ):
        parse_rule("limit", params, attributes={"tank_height": None})
    known = parse_rule("limit", params, attributes={"tank_height": 24.0})
    assert parse_rule("limit", known.written_out()).level("hihi").setpoint == 23
    with pytest.raises(ValueError, match="was not looked up"):
        evaluate(parse_rule("limit", params), State(), readings(1, [1.0]))
    with pytest.raises(RuleError, match="hi must lie below hihi, but hi is 15 and hihi 9"):
        parse_rule("limit", params, attributes={"tank_height": 10.0})


def test_hours_to_a_tank_s_height_are_written_out_for_the_site() -> None:
    params = {"to": {"of": "tank_height"}, "levels": {"lo": {"setpoint": 4, "priority": 2}}}
    known = parse_rule("rate", params, attributes={"tank_height": 20.0})
    assert known.written_out()["to"] == 20
    assert parse_rule("rate", known.written_out()).stages == known.stages


@pytest.mark.parametrize("kind", ["rate", "flatline", "bad_value", "digital", "deviation"])
@pytest.mark.parametrize("junk", [None, 5, "x", [], {}, [None], math.nan, math.inf, True, 10**400])
def test_junk_is_refused_in_sentences_and_never_crashes(kind: str, junk: Any) -> None:
    for key in SETTINGS[kind]:
        try:
            parse_rule(kind, {"levels": {"hi": {"setpoint": junk}, "alarm": junk}, key: junk})
        except RuleError as fault:
            assert all(sentence.endswith(".") for sentence in fault.faults)  # noqa: PT017
