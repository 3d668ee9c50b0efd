"""Alarm rules: what can be written, and that all faults are told at once."""

from __future__ import annotations

from typing import Any

import pytest

from agent.contract.alarm_rules import RuleError, parse_rule
from hub.alerts.kinds import OFFICE

FOUR = {
    "lolo": {"setpoint": 10, "priority": 1},
    "lo": {"setpoint": 20, "priority": 2, "deadband": 5},
    "hi": {"setpoint": 80, "priority": 2, "on_delay_s": 10, "off_delay_s": 60},
    "hihi": {"setpoint": 90, "priority": 1},
}


def faults(levels: Any, **more: Any) -> tuple[str, ...]:
    with pytest.raises(RuleError) as caught:
        parse_rule("limit", {"levels": levels, **more})
    return caught.value.faults


def test_it_works() -> None:
    rule = parse_rule("limit", {"levels": FOUR})
    assert [level.name for level in rule.levels] == ["lolo", "lo", "hi", "hihi"]
    assert rule.level("lo").release == 25
    assert rule.level("hi").release == 80
    assert rule.longest_off_delay_s == 60
    assert parse_rule("limit", rule.to_json()) == rule


def test_the_time_without_readings_follows_the_gauge_unless_the_rule_says_otherwise() -> None:
    assert parse_rule("limit", {"levels": FOUR}, blind_after_s=900).blind_after_s == 900
    spoken = {"levels": FOUR, "blind_after_s": 30}
    assert parse_rule("limit", spoken, blind_after_s=900).blind_after_s == 30


@pytest.mark.parametrize("kind", ["limit", "flatline", "expression"])
def test_a_time_without_readings_that_no_clock_counts_is_refused(kind: str) -> None:
    params = {
        "limit": {"levels": FOUR},
        "flatline": {"levels": {"alarm": {"setpoint": 60, "priority": 3}}},
        "expression": {"condition": "a > 1", "levels": {"alarm": {"priority": 3}}},
    }[kind]
    with pytest.raises(RuleError, match="blind_after_s"):
        parse_rule(kind, params | {"blind_after_s": 1e308})


def test_another_kind_is_refused() -> None:
    with pytest.raises(RuleError, match="'guess' is not known; use limit, rate"):
        parse_rule("guess", {})


@pytest.mark.parametrize(
    ("levels", "sentence"),
    [
        (None, "A limit rule needs at least one level: lolo, lo, hi, hihi."),
        ({}, "A limit rule needs at least one level: lolo, lo, hi, hihi."),
        ({"lo": 5}, "lo must be a table with setpoint and priority, not 5."),
        ({"lo": {"priority": 1}}, "lo: setpoint is missing."),
        ({"lo": {"setpoint": "5", "priority": 1}}, "lo: setpoint must be a number, not '5'."),
        ({"lo": {"setpoint": True, "priority": 1}}, "lo: setpoint must be a number, not True."),
        ({"lo": {"setpoint": 5, "priority": 5}}, "lo: priority must be between 1 and 4, not 5."),
        (
            {"lo": {"setpoint": 5, "priority": 1.5}},
            "lo: priority must be 1, 2, 3 or 4, not 1.5.",
        ),
        (
            {"lo": {"setpoint": 5, "priority": 1, "deadband": -1}},
            "lo: deadband must be at least 0, not -1.",
        ),
        (
            {"lo": {"setpoint": 5, "priority": 1, "on_delay_s": 1e9}},
            "lo: on_delay_s must be between 0 and 604800, not 1e+09.",
        ),
        (
            {"lo": {"setpoint": 90, "priority": 1}, "hi": {"setpoint": 80, "priority": 1}},
            "lo must lie below hi, but lo is 90 and hi 80.",
        ),
        (
            {"lolo": {"setpoint": 20, "priority": 1}, "lo": {"setpoint": 20, "priority": 2}},
            "lolo must lie below lo, but lolo is 20 and lo 20.",
        ),
        (
            {"hi": {"setpoint": 20, "priority": 1}, "hihi": {"setpoint": 30, "priority": 2}},
            "hihi is the worse of the two: its priority must not be milder than that of hi.",
        ),
        (
            {
                "lo": {"setpoint": 20, "priority": 1, "deadband": 60},
                "hi": {"setpoint": 80, "priority": 1},
            },
            "lo: the deadband of 60 reaches 80, beyond hi at 80, so it could never end first.",
        ),
        (
            {
                "lo": {"setpoint": 20, "priority": 1},
                "hi": {"setpoint": 80, "priority": 1, "deadband": 61},
            },
            "hi: the deadband of 61 reaches 19, beyond lo at 20, so it could never end first.",
        ),
    ],
)
def test_a_fault_is_told_in_a_sentence(levels: Any, sentence: str) -> None:
    assert faults(levels) == (sentence,)


def test_all_faults_are_told_at_once() -> None:
    found = faults(
        {"low": {}, "lo": {"setpoint": float("nan"), "priorty": 1}}, dedband=4, blind_after_s=0
    )
    assert [fault.split(" must ")[0].split(" is ")[0] for fault in found] == [
        "'low'",
        "'priorty'",
        "lo: priority",
        "lo: setpoint",
        "'dedband'",
        "The rule: blind_after_s",
    ]


@pytest.mark.parametrize("kind", sorted(OFFICE))
def test_numbers_beyond_any_calendar_are_refused(kind: str) -> None:
    """Else the first round would fail on them, and the rule be set aside."""
    for setting in OFFICE[kind].settings:
        if setting.form in {"number", "optional", "list"}:
            sent = [1e300] if setting.form == "list" else 1e300
            with pytest.raises(RuleError, match=setting.name):
                OFFICE[kind].read({setting.name: sent})
