"""Conditions over several gauges: how they are read, and what they hold on."""

from __future__ import annotations

from typing import Any

import pytest

from agent.contract.alarm_rules import Rule, RuleError, parse_rule
from agent.contract.alarms import State, evaluate, merge
from agent.contract.signals import formula
from tests.judging import ALARM, kinds, readings, told


def condition(text: str, **more: Any) -> Rule:
    return parse_rule("expression", {"condition": text, "levels": ALARM} | more)


def test_a_condition_over_several_gauges() -> None:
    rule = condition("running = 1 and tubing_pressure < 50")
    assert rule.tags == ("running", "tubing_pressure")
    running = readings(10, [1, 1, 1, 0])
    pressure = readings(10, [80, 40, 40, 40], start_s=2)
    rows = merge([running, pressure])
    assert [(k, round(at * 60)) for k, _, at, _ in told(rule, rows)] == [
        ("raised", 12),
        ("cleared", 30),
    ]


def test_a_gauge_counts_until_its_next_reading_and_not_for_ever() -> None:
    rule = condition("a > 5 and b > 5", align_s=30)
    rows = merge([readings(10, [6] * 8), readings(10, [6])])
    state, changes = evaluate(rule, State(), rows)
    assert ([c.kind for c in changes], state.condition) == (["raised", "frozen"], "unknown")
    assert kinds(condition("a > 5 or b > 5", align_s=30), rows) == ["raised"]


@pytest.mark.parametrize(
    ("text", "values", "holds"),
    [
        ("a", [2], True),
        ("not a", [2], False),
        ("a + 2 * b > 7", [1, 3.5], True),
        ("(a + 2) * b > 7", [1, 2], False),
        ("-a < 0 AND NOT (b = 1 OR b = 2)", [1, 3], True),
        ("max(a, b, 3) - min(a, b) >= abs(-2)", [1, 2], True),
        ('"line pressure (2)" <> 4', [4], False),
        ("a / b > 1", [1, 0], None),
        ("a > 1 and b > 1", [0, None], False),
        ("a > 1 or b > 1", [0, None], None),
        ("not (a > 1 or b > 1)", [2, None], False),
        ("a != a", [None], None),
        ("1e3 > a", [999], True),
    ],
)
def test_conditions_mean_what_they_say(
    text: str, values: list[float | None], holds: bool | None
) -> None:
    assert formula.read(text).holds(values) is holds


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "condition is missing|must be words"),
        ("a >", "ends too early"),
        ("a > 1 b", "b is not expected there"),
        ("1 < a < 3", "Two comparisons in a row"),
        ("(a > 1", r"closing bracket \) is missing"),
        ("(a > 1) + 2 > 3", "works on numbers"),
        ("(a > 1) > 2", "compares numbers"),
        ("5", "5 alone is no condition"),
        ("5 > 3", "at least one gauge"),
        ("a > $x", r"'\$x' cannot be read"),
        ("__import__('os')", r"is not expected there|cannot be read"),
        ("abs(a, b) > 1", "abs takes one number, not 2"),
        ("a > 1e999", "too large"),
        ("(" * 60 + "a" + ")" * 60, "More than 40 brackets"),
        ("a > 1 and " * 400 + "a", "at most 2000 signs"),
        (" or ".join(f"t{n}" for n in range(20)), "at most 16 gauges, not 20"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, sentence: str) -> None:
    with pytest.raises(RuleError, match=sentence):
        condition(text)
