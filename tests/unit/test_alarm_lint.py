"""What a rule that can be read still cannot do."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.contract.alarm_lint import Context, lint
from agent.contract.alarm_rules import parse_rule
from agent.contract.signals import formula
from agent.contract.signals.reach import reach

ALARM = {"alarm": {"priority": 3}}
GAUGE = Context(
    low=0,
    high=3000,
    interval_s=10,
    quantiles={0.01: 180, 0.25: 195, 0.5: 200, 0.75: 205, 0.99: 220},
    ranges={"p": (0, 3000), "running": (0, 1)},
)


def limit(**levels: Any) -> dict[str, Any]:
    return {"levels": {name: {"priority": 3} | level for name, level in levels.items()}}


@pytest.mark.parametrize(
    ("kind", "params", "sentence"),
    [
        ("limit", limit(hi={"setpoint": 3500}), "can show (0 to 3000): it can never fire"),
        ("limit", limit(lo={"setpoint": -1}), "can show (0 to 3000): it can never fire"),
        ("limit", limit(lo={"setpoint": 3000}), "can show (0 to 3000): it always fires"),
        ("limit", limit(hi={"setpoint": 0}), "can show (0 to 3000): it always fires"),
        ("limit", limit(hi={"setpoint": 180}), "99% of the recent readings are in alarm"),
        ("limit", limit(lo={"setpoint": 220}), "99% of the recent readings are in alarm"),
        ("limit", limit(hi={"setpoint": 250, "deadband": 250}), "it can never end"),
        ("rate", {"window_s": 30} | limit(hi={"setpoint": 5}), "4 readings of this gauge, and 5"),
        ("deviation", {"window_s": 60, "floor": 1} | limit(hi={"setpoint": 5}), "fewer than 24"),
        ("deviation", limit(hi={"setpoint": 5}), "floor is 0"),
        ("flatline", limit(alarm={"setpoint": 0.25}), "it would always fire"),
        ("digital", {"states": [-4], "levels": ALARM}, "none of the states: it can never fire"),
        ("digital", {"count": "starts"} | limit(hi={"setpoint": 0}), "it always fires"),
        ("digital", {"count": "starts"} | limit(hi={"setpoint": 500}), "at most 200 changes"),
        ("flatline", limit(alarm={"setpoint": 1e300}), "it can never fire"),
        ("digital", {"window_s": 60, "count": "changes"} | limit(hi={"setpoint": 9}), "at most 7"),
        ("rate", {"per": "min"} | limit(hi={"setpoint": 9e4}), "0 to 3000): it can never fire"),
        ("rate", {"to": 2500} | limit(lo={"setpoint": -1}), "it can never fire"),
        ("rate", {"to": 2500} | limit(lo={"setpoint": 10_000}), "it always fires"),
        ("deviation", {"floor": 30} | limit(lo={"setpoint": -150}), "it can never fire"),
        ("deviation", {"in": "unit", "floor": 1} | limit(hi={"setpoint": 4000}), "never fire"),
        ("bad_value", {"low": 4000, "levels": ALARM}, "it always fires"),
        (
            "expression",
            {"condition": "p > 50 and p < 40", "levels": ALARM},
            "contradicts itself: it can never fire",
        ),
        (
            "expression",
            {"condition": "p > 50 or not p > 60", "levels": ALARM},
            "holds whatever the gauges show: it always fires",
        ),
        (
            "expression",
            {"condition": "running > 1 and p > 5", "levels": ALARM},
            "contradicts itself: it can never fire",
        ),
    ],
)
def test_what_a_rule_cannot_do_is_told(kind: str, params: dict[str, Any], sentence: str) -> None:
    found = lint(parse_rule(kind, params), GAUGE)
    assert any(sentence in one for one in found), found


def test_rules_that_leave_no_room_between_them_are_told() -> None:
    other = parse_rule("limit", limit(lo={"setpoint": 210}))
    beside = Context(others=[("Other", other)])
    (told,) = lint(parse_rule("limit", limit(hi={"setpoint": 200})), beside)
    assert "one of the two stands whatever the gauge shows" in told
    (told,) = lint(parse_rule("limit", limit(lo={"setpoint": 210})), beside)
    assert "told twice" in told


def test_a_gauge_read_less_often_than_the_rule_waits() -> None:
    rule = parse_rule("limit", limit(hi={"setpoint": 5, "on_delay_s": 30}))
    (told,) = lint(rule, Context(interval_s=900))
    assert "none of them can elapse" in told


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("limit", limit(lo={"setpoint": 150, "deadband": 5}, hi={"setpoint": 260})),
        ("rate", limit(lo={"setpoint": -60})),
        ("flatline", limit(alarm={"setpoint": 60})),
        ("bad_value", {"stuck_at": [0], "levels": ALARM}),
        ("deviation", {"floor": 1} | limit(lo={"setpoint": -8})),
        ("digital", {"count": "starts"} | limit(hi={"setpoint": 6})),
        ("expression", {"condition": "p < 50 and running = 1 or p * 2 > 9", "levels": ALARM}),
    ],
)
def test_a_sound_rule_is_left_alone(kind: str, params: dict[str, Any]) -> None:
    assert lint(parse_rule(kind, params), GAUGE) == []
    assert [one for one in lint(parse_rule(kind, params), Context()) if "floor" not in one] == []


COMPARED = st.builds(
    lambda tag, sign, number: f"{tag} {sign} {number}",
    st.sampled_from("ab"),
    st.sampled_from(["<", "<=", ">", ">=", "=", "!="]),
    st.integers(0, 4),
)
CONDITIONS = st.recursive(
    COMPARED,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("not ({})".format, inner),
    ),
    max_leaves=6,
)


@given(CONDITIONS)
@settings(max_examples=150, deadline=None)
def test_what_is_said_to_be_impossible_never_happens(text: str) -> None:
    """Against all values that can tell comparisons with 0 … 4 apart."""
    found = formula.read(text + " or a != a")
    spans = [(-1.0, 5.0)] * len(found.tags)
    values = [n / 2 for n in range(-2, 11)]
    seen = {found.holds(row) for row in itertools.product(values, repeat=len(found.tags))}
    can_hold, can_fail = reach(found.root, spans)
    assert can_hold or True not in seen
    assert can_fail or False not in seen
