"""Alarm templates: every one makes a rule, and is fitted to what the gauge itself usually shows."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from agent.contract.alarm_kinds import KINDS
from agent.contract.alarm_rules import parse_rule
from agent.contract.alarms import Samples, State, evaluate
from hub.alerts import templates
from hub.alerts.templates import GaugeRange, History, Template, UnfitError, fit, load

ALL = load()
CALM = History.of([200 + math.sin(n) for n in range(360)])


def test_every_template_says_what_to_do_and_by_when() -> None:
    assert len(ALL) >= 25
    for template in ALL.values():
        assert min(map(len, (template.cause, template.consequence, template.action))) > 4
        assert template.respond_within_s > 0


@pytest.mark.parametrize("name", sorted(n for n, t in ALL.items() if t.kind in KINDS))
def test_every_template_makes_a_rule_with_delays(name: str) -> None:
    template = ALL[name]
    params = fit(template, GaugeRange(0, 400), CALM)
    measure = template.measures[0] if template.measures else None
    rule = parse_rule(template.kind, params, attributes={"tank_height": 20}, measure=measure)
    assert all(level.off_delay_s > 0 for level in rule.levels)
    assert template.advisory <= all(level.priority == 4 for level in rule.levels)


def usual(history: History | None, gauge: GaugeRange | None = None) -> tuple[float, float]:
    params = fit(ALL["pressure_unusual"], gauge, history)
    return params["levels"]["lo"]["setpoint"], params["levels"]["hi"]["setpoint"]


def test_limits_follow_the_gauge_in_whatever_unit() -> None:
    low, high = usual(CALM)
    assert (low, high) == (pytest.approx(190, abs=1), pytest.approx(210, abs=1))
    in_pascal = History.of([(200 + math.sin(n)) * 6894.757 for n in range(360)])
    assert usual(in_pascal) == pytest.approx((low * 6894.757, high * 6894.757), rel=1e-3)


def test_a_restless_gauge_gets_wide_limits_and_a_few_hours_of_trouble_do_not_count() -> None:
    restless = History.of([200 + 40 * math.sin(n) for n in range(360)])
    low, high = usual(restless)
    assert low < 100
    assert high > 300
    troubled = History.of([200 + math.sin(n) for n in range(3600)] + [20.0] * 30)
    assert usual(troubled) == pytest.approx(usual(CALM), rel=0.01)


def test_a_dead_or_unknown_gauge_gets_no_limit() -> None:
    with pytest.raises(UnfitError, match="has not moved in its history"):
        usual(History.of([0.0] * 360))
    with pytest.raises(UnfitError, match="too few readings yet"):
        usual(History.of([None] * 360))
    with pytest.raises(UnfitError, match="range, which is not configured"):
        fit(ALL["separator_pressure_high"], None, CALM)


def test_what_it_showed_while_all_was_well_is_no_alarm() -> None:
    """A gauge that swings to one side now and then."""
    swinging = [200.0 + n % 3 for n in range(300)] + [120.0] * 10
    history = History.of(swinging)
    rule = parse_rule("limit", fit(ALL["pressure_unusual"], None, history))
    times = [n * 10_000 for n in range(len(swinging))]
    assert evaluate(rule, State(), Samples(times, swinging, [0] * len(times)))[1] == []


def test_a_gas_puff_is_captured_and_latched() -> None:
    gas = ALL["h2s_high"]
    assert (gas.latch, gas.capture_fleeting, gas.suits("h2s"), gas.suits("lel")) == (
        True,
        True,
        True,
        False,
    )
    assert ALL["esp_stopped"].suits("run_state", "esp")
    assert not ALL["esp_stopped"].suits("run_state", "compressor")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "There are no alarm templates in"),
        ("[a]\ntitle='A'", "bad.toml: a: cause is missing; an alarm nobody can act on is none."),
        ("[a]\nfoo=1\n{words}", "bad.toml: a: 'foo' is not known"),
        ("[a]\n{words}\n[a.params.levels.lo]\nsetpoint=1", "bad.toml: a: lo: priority is missing."),
    ],
)
def test_a_broken_template_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    words = "title='A'\nkind='limit'\ncause='c'\nconsequence='c'\naction='a'\nrespond_within_s=60"
    if text:
        (tmp_path / "bad.toml").write_text(text.replace("{words}", words))
    with pytest.raises(ValueError, match=sentence):
        templates._load(tmp_path)


def test_templates_are_named_once() -> None:
    assert all(isinstance(template, Template) and name for name, template in ALL.items())
