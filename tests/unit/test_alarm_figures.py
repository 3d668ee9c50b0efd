"""The figures of the alarms on what comes with the program: those a release must reach."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.contract.alarms import Samples, State, evaluate
from bench.alerts import recordings
from bench.alerts.__main__ import measurements, table
from bench.alerts.figure import Figure, Line


def test_on_the_recordings_every_figure_is_reached() -> None:
    figure = recordings.measure(quick=True)
    assert [line for line in figure.lines if line.met is False] == []
    assert {line.what for line in figure.lines if line.met} >= {
        "abrupt events (2, 6) found in time",
        "unstable wells (3, 4), default templates",
        "dead gauges told as dead",
        "of these told as low pressure",
    }
    factor = next(line for line in figure.lines if line.what.endswith("the same limit, plain"))
    assert factor.value is not None
    assert factor.value > 5


def test_a_missed_figure_is_seen() -> None:
    missed = Figure("Alarms", (Line("found", "1 of 2", "all", met=False), Line("told", "3")))
    assert not missed.met
    assert table(missed).splitlines()[1] == "  MISSED found  1 of 2  all"
    assert {"recordings", "speed"} <= set(measurements())


@pytest.mark.parametrize("scale", [1.0, 1 / 6894.757, 1000.0])
@pytest.mark.parametrize("step", ["fall", "rise"])
def test_a_step_is_found_in_any_unit(scale: float, step: str) -> None:
    """Made up, so that the templates are not fitted to a few wells: a calm gauge, then a step."""
    calm = [2.0e7 + 3000 * ((n * 7919) % 11 - 5) for n in range(720)]
    after = [value * (0.93 if step == "fall" else 1.07) for value in calm[:120]]
    made = recordings.Recording(
        "class2_made-up",
        10,
        {"P-TPT": [v * scale for v in calm + after]},
        ["0"] * 720 + ["102"] * 120,
    )
    raised = recordings.judge(made, "P-TPT")
    assert all(at >= 7200 for moments in raised.rules.values() for at in moments)
    assert min(at for moments in raised.rules.values() for at in moments) <= 7200 + 120


def test_slugging_of_any_period_calls_no_more_than_twice_an_hour() -> None:
    for period in (60, 180, 600, 1500, 4000):
        slug = [
            1.2e6 + (4e5 if (n * 10) % period < period // 4 else 0) + 900 * (n * 31 % 17)
            for n in range(2160)
        ]
        made = recordings.Recording("class3_made-up", 10, {"P-TPT": list(slug)}, ["3"] * len(slug))
        assert recordings.judge(made, "P-TPT").count / made.hours <= 3, period


@pytest.mark.parametrize("column", ["P-TPT", "P-MON-CKP"])
def test_every_default_rule_judges_one_by_one_as_it_does_at_once(column: str) -> None:
    """A change in the middle of a portion must leave the memory where judging stopped."""
    (path,) = recordings.folder().glob("class4_*.csv.gz")
    recording = recordings.read(path)
    whole = recording.samples(column)
    samples = Samples(whole.times[:720], whole.values[:720], whole.qualities[:720])
    found = 0
    for rule in recordings.rules_of(recording, column).values():
        sharp = replace(rule, levels=tuple(replace(v, setpoint=v.side * 1.0) for v in rule.levels))
        state, changes = State(), []
        for n in range(len(samples.times)):
            one = Samples(samples.times[n : n + 1], samples.values[n : n + 1], [0])
            state, told = evaluate(sharp, state, one)
            changes += told
        assert (state, changes) == evaluate(sharp, State(), samples)
        found += len(changes)
    assert found > 1
