"""Two rules of one gauge that cannot both make sense, or say the same thing twice.

Whatever the gauge shows, one of the two would stand; what one does not believe is all that the
other waits for; or people would be told twice of one thing. Rules are compared by what they watch:
limits with limits, slopes with slopes of the same unit, states with states, conditions with
conditions, and all of them with the readings that a `bad_value` keeps from them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from agent.contract.alarm_rules import Level, Rule
from agent.contract.findings import Finding, look, useless
from agent.contract.signals import formula
from agent.contract.signals.condition import Condition
from agent.contract.signals.doubt import Doubt
from agent.contract.signals.reach import reach
from agent.contract.signals.switch import InState

#: How a signal is smoothed; two rules with the same signal otherwise are of one kind.
_SMOOTHING: Final = frozenset({"window_s", "min_points", "floor", "slack", "align_s"})


def beside(rule: Rule, name: str, other: Rule) -> Iterator[Finding]:
    """What is wrong with a rule beside another of its gauge, `name`."""
    if rule.kind == other.kind and _signal(rule) == _signal(other):
        if rule.has_setpoints:
            yield from _levels(rule, name, other)
        else:
            yield look(_twice(name, "for the same"))
    elif rule.kind == other.kind == "expression":
        yield from _conditions(rule, name, other)
    elif rule.kind == other.kind == "digital":
        yield from _states(rule, name, other)
    for what, reason in _disbelieved(rule, other):
        yield useless(f"{what}: it could never fire: “{name}” does not believe {reason}.")
    for what, reason in _disbelieved(other, rule):
        yield useless(
            f"Beside it {what} of “{name}” could never fire any more: it would not believe"
            f" {reason}."
        )


def _signal(rule: Rule) -> dict[str, object]:
    return {key: value for key, value in rule.settings.items() if key not in _SMOOTHING}


def _levels(rule: Rule, name: str, other: Rule) -> Iterator[Finding]:
    for level in rule.levels:
        for theirs in other.levels:
            low, high = (level, theirs) if level.side < theirs.side else (theirs, level)
            if low.side < high.side and low.setpoint >= high.setpoint:
                yield useless(
                    f"{level.name}: it contradicts “{name}”: with {level.name} at"
                    f" {level.setpoint:g} and its {theirs.name} at {theirs.setpoint:g}, one of the"
                    " two stands whatever the gauge shows."
                )
            elif level.side == theirs.side and level.setpoint == theirs.setpoint:
                yield look(_twice(name, f"at the same {level.name}"))


def _twice(name: str, where: str) -> str:
    return f"“{name}” watches the same gauge {where}: people are told twice of one thing."


def _conditions(rule: Rule, name: str, other: Rule) -> Iterator[Finding]:
    mine, theirs = _condition(rule), _condition(other)
    if mine is None or theirs is None:
        return
    try:
        either = formula.read(f"({mine.formula.text}) or ({theirs.formula.text})")
    except formula.FormulaError:  # together they are longer than a condition may be
        return
    _, can_fail = reach(either.root, [(-math.inf, math.inf)] * len(either.tags))
    if not can_fail:
        yield useless(
            f"condition: it contradicts “{name}”, which watches {theirs.formula.text}: one of the"
            " two stands whatever the gauges show."
        )


def _condition(rule: Rule) -> Condition | None:
    stage = rule.stages[-1] if rule.stages else None
    return stage if isinstance(stage, Condition) else None


def _states(rule: Rule, name: str, other: Rule) -> Iterator[Finding]:
    mine, theirs = rule.stages[-1], other.stages[-1]
    if not isinstance(mine, InState) or not isinstance(theirs, InState):
        return
    both = sorted(mine.states & theirs.states)
    if both:
        yield look(_twice(name, f"for the state {both[0]}"))
    elif mine.states | theirs.states == {0, 1}:
        yield look(
            f"Beside “{name}” both states of a switch are an alarm: one of the two always stands."
        )


def _disbelieved(rule: Rule, doubting: Rule) -> Iterator[tuple[str, str]]:
    """What of a rule waits for nothing but what another does not believe, and why not."""
    stage = doubting.stages[-1] if doubting.stages else None
    if not isinstance(stage, Doubt) or rule.kind == "bad_value":
        return
    watched = rule.stages[-1] if rule.stages else None
    if isinstance(watched, InState) and all(_never(stage, state) for state in watched.states):
        yield "states", f"a gauge at {', '.join(f'{state:g}' for state in sorted(watched.states))}"
    for level in rule.levels if rule.kind == "limit" else ():
        if _beyond(stage, level):
            edge = stage.high if level.side > 0 else stage.low
            side = "above" if level.side > 0 else "below"
            yield level.name, f"what lies {side} {edge:g}, and {level.setpoint:g} does"


def _beyond(stage: Doubt, level: Level) -> bool:
    return level.setpoint > stage.high if level.side > 0 else level.setpoint < stage.low


def _never(stage: Doubt, value: float) -> bool:
    return not stage.low <= value <= stage.high or value in stage.stuck_at
