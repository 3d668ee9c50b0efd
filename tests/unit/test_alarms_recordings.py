"""The evaluator on recorded events of real wells."""

from __future__ import annotations

from typing import Any

import pytest

from agent.contract.alarm_rules import Rule, parse_rule
from agent.contract.alarms import Change, Samples, State, evaluate
from tests.recordings import Recorded, of_class, recorded

#: Which gauge shows which event: the valve down in the well closes and tubing pressure leaves its
#: band; the choke closes somewhat and pressure rises upstream of it.
ABRUPT = [(name, "P-TPT") for name in of_class(2)] + [(name, "P-MON-CKP") for name in of_class(6)]


def band(recording: Recorded, share: float = 0.03) -> Rule:
    """Limits a few per cent around the normal value, with the delays of the default template."""
    normal = recording.baseline
    level = {"deadband": 0.005 * normal, "on_delay_s": 30, "off_delay_s": 300, "priority": 2}
    levels = {
        "lo": level | {"setpoint": normal * (1 - share)},
        "hi": level | {"setpoint": normal * (1 + share)},
    }
    return parse_rule("limit", {"levels": levels})


def raised(rule: Rule, samples: Samples) -> list[Change]:
    return [c for c in evaluate(rule, State(), samples)[1] if c.kind == "raised"]


def test_there_are_recordings_of_every_kind() -> None:
    assert [len(of_class(number)) for number in (2, 3, 4, 6)] == [3, 1, 1, 1]


@pytest.mark.parametrize(("name", "column"), ABRUPT)
def test_an_abrupt_event_is_found_within_two_minutes(name: str, column: str) -> None:
    recording = recorded(name, column)
    first = raised(band(recording), recording.samples)[0]
    normal_until, labelled = recording.event_begins
    assert normal_until < first.seen_at / 1000 <= labelled + 120


def crowded(recording: Recorded, **delays: float) -> float:
    """Activations per hour of a limit placed right into the swings, at the third quartile."""
    good = recording.good
    deadband = delays.pop("deadband", 0.0) * (good[-1] - good[0])
    level: dict[str, Any] = {"setpoint": good[len(good) * 3 // 4], "deadband": deadband}
    rule = parse_rule("limit", {"levels": {"hi": level | {"priority": 3} | delays}})
    return len(raised(rule, recording.samples)) / recording.hours


@pytest.mark.parametrize("name", of_class(3) + of_class(4))
def test_default_delays_keep_an_unstable_well_quiet(name: str) -> None:
    recording = recorded(name, "P-TPT")
    assert crowded(recording, deadband=0.25, on_delay_s=60, off_delay_s=300) <= 1


def test_off_delay_does_the_work_and_deadband_alone_does_not() -> None:
    recording = recorded(of_class(4)[0], "P-TPT")
    plain = crowded(recording)
    assert plain > 20
    assert crowded(recording, deadband=0.25) > 10
    assert crowded(recording, off_delay_s=300) < plain / 20


def test_a_dead_gauge_outside_its_range_is_unknown_and_never_low() -> None:
    dead = recorded(of_class(4)[0], "P-PDG")
    assert set(dead.good) == {0.0}
    rule = parse_rule("limit", {"levels": {"lo": {"setpoint": 1e6, "priority": 1}}})
    out_of_range = Samples(dead.samples.times, dead.values, [1] * len(dead.values))
    state, changes = evaluate(rule, State(), out_of_range)
    assert (changes, state.condition) == ([], "unknown")


def test_a_blank_column_is_unknown() -> None:
    blank = recorded(of_class(2)[1], "P-MON-CKP")
    rule = parse_rule("limit", {"levels": {"lo": {"setpoint": 1e6, "priority": 1}}})
    state, changes = evaluate(rule, State(), blank.samples)
    assert (changes, state.condition) == ([], "unknown")
