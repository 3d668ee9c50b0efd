"""What a rule that can be read still cannot do: fire, end, or agree with itself and its neighbours.

`find` looks at a rule beside what is known of its gauge. Every finding is a sentence for whoever
writes the rule. One that makes the rule useless (it can never fire, it always fires) stands against
saving it; one that only follows from what the gauge showed lately does not, because tomorrow need
not be like yesterday.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from agent.contract.alarm_pairs import beside
from agent.contract.alarm_rules import Level, Rule
from agent.contract.findings import Finding, look, useless
from agent.contract.signals.condition import Condition
from agent.contract.signals.doubt import Doubt
from agent.contract.signals.flat import Flat
from agent.contract.signals.reach import Span, reach
from agent.contract.signals.slope import FAR_H, Slope
from agent.contract.signals.switch import MOST_CHANGES, ChangeCount, InState
from agent.contract.signals.usual import Cusum, Ewma, Hampel

#: Share of the recent readings in alarm from which a rule is said to be always in alarm.
ALWAYS: Final = 0.95
#: Whoever waits longer for a gauge that stands still does not wait for an alarm.
LONGEST_STILL_MIN: Final = 366 * 1440.0


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of the gauge a rule is for; all of it may be missing."""

    low: float | None = None  #: of the gauge's range
    high: float | None = None
    interval_s: float | None = None  #: how often it is read
    quantiles: Mapping[float, float] = field(default_factory=dict)  #: of recent good readings
    others: Sequence[tuple[str, Rule]] = ()  #: rules on the same gauge, by name
    ranges: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    #: ranges of the gauges that a condition names


def find(rule: Rule, context: Context) -> list[Finding]:
    """What a rule can never do, always does, or contradicts; nothing for a sound one."""
    found = [
        *_reachable(rule, context),
        *_of_signal(rule, context),
        *_always(rule, context),
        *_ends(rule, context),
        *_pace(rule, context),
        *_of_kind(rule, context),
        *(finding for name, other in context.others for finding in beside(rule, name, other)),
    ]
    return list(dict.fromkeys(found))


def lint(rule: Rule, context: Context) -> list[str]:
    """The same as sentences."""
    return [finding.sentence for finding in find(rule, context)]


# ------------------------------------------------------------------------- limits on the value


def _reachable(rule: Rule, context: Context) -> Iterator[Finding]:
    """A setpoint that the gauge cannot show."""
    if rule.kind != "limit":
        return
    low, high = _span((context.low, context.high))
    shown = f"the gauge can show ({_n(context.low)} to {_n(context.high)})"
    range_ = "Set it within the range, or correct the range at the agent."
    for level in rule.levels:
        what = f"{level.name}: {level.setpoint:g}"
        if level.side > 0 and level.setpoint > high:
            yield useless(f"{what} lies above what {shown}: it can never fire. {range_}")
        elif level.side < 0 and level.setpoint < low:
            yield useless(f"{what} lies below what {shown}: it can never fire. {range_}")
        elif level.setpoint <= low if level.side > 0 else level.setpoint >= high:
            yield useless(f"{what} holds for all that {shown}: it always fires. {range_}")


def _of_signal(rule: Rule, context: Context) -> Iterator[Finding]:
    """A setpoint on a slope, a distance or a time that a gauge of this range cannot come to."""
    least, most = _signal_span(rule, context)
    for level in rule.levels:
        what, side = f"{level.name}: {level.setpoint:g}", level.side
        never = level.setpoint > most if side > 0 else level.setpoint < least
        always = level.setpoint <= least if side > 0 else level.setpoint >= most
        if never:
            yield useless(
                f"{what} is more than this can come to, whatever the gauge shows"
                f" ({_n(context.low)} to {_n(context.high)}): it can never fire."
            )
        elif always:
            yield useless(f"{what} holds whatever the gauge shows: it always fires.")


def _signal_span(rule: Rule, context: Context) -> Span:
    """What a signal that is made of the value can come to; the value itself stands elsewhere."""
    low, high = _span((context.low, context.high))
    across = high - low
    stage = rule.stages[-1] if rule.stages else None
    if isinstance(stage, Slope) and stage.to is not None:
        return (0.0, FAR_H)
    if isinstance(stage, Slope):
        # A step in half the window gives three times the range over it; readings that are not
        # evenly spread may give more.
        fastest = 12 * across / stage.window_s * stage.per_s
        return (-fastest, fastest)
    if isinstance(stage, Flat):
        return (-math.inf, LONGEST_STILL_MIN)
    if isinstance(stage, Hampel | Ewma):
        farthest = across if stage.in_unit else across / stage.floor if stage.floor else math.inf
        return (-farthest, farthest)
    return (-math.inf, math.inf)


def _always(rule: Rule, context: Context) -> Iterator[Finding]:
    """A setpoint that nearly every recent reading is beyond."""
    if rule.kind != "limit" or not context.quantiles:
        return
    for level in rule.levels:
        share = _share_beyond(level, context.quantiles)
        if share >= ALWAYS:
            yield look(
                f"{level.name} at {level.setpoint:g}: {share:.0%} of the recent readings are in"
                " alarm, so it would stand all the time."
            )


def _share_beyond(level: Level, quantiles: Mapping[float, float]) -> float:
    """At least this share of the readings lies at the setpoint or beyond."""
    if level.side > 0:
        return max((1 - share for share, v in quantiles.items() if v >= level.setpoint), default=0)
    return max((share for share, v in quantiles.items() if v <= level.setpoint), default=0.0)


def _ends(rule: Rule, context: Context) -> Iterator[Finding]:
    """A deadband that reaches beyond what the gauge can show."""
    if rule.kind != "limit":
        return
    for level in rule.levels:
        edge = context.low if level.side > 0 else context.high
        if edge is not None and level.deadband and (level.release - edge) * level.side <= 0:
            yield useless(
                f"{level.name}: with its deadband of {level.deadband:g} it would end only beyond"
                f" {level.release:g}, which the gauge cannot show: once raised it can never end."
            )


# ------------------------------------------------------------------------------- pace of a gauge


def _pace(rule: Rule, context: Context) -> Iterator[Finding]:
    """A gauge that is read too seldom for the rule."""
    beat = context.interval_s
    if beat is None:
        return
    if beat > rule.blind_after_s:
        yield look(
            f"The gauge is read every {beat:g} s, and after {rule.blind_after_s:g} s without a"
            " reading delays stop counting: none of them can elapse in time."
        )
    stage = rule.stages[-1] if rule.stages else None
    if isinstance(stage, Slope) and stage.window_s / beat + 1 < stage.min_points:
        yield useless(
            f"window_s: a window of {stage.window_s:g} s holds {stage.window_s / beat + 1:.0f}"
            f" readings of this gauge, and {stage.min_points} are needed: it can never fire. Use at"
            f" least {(stage.min_points - 1) * beat:g} s."
        )
    if isinstance(stage, Hampel | Ewma | Cusum) and stage.window_s / beat < 24:
        yield useless(
            f"window_s: a window of {stage.window_s:g} s holds fewer than 24 readings of this"
            " gauge: what is usual cannot be told, so it can never fire. Use at least"
            f" {24 * beat:g} s."
        )
    if isinstance(stage, Flat) and any(level.setpoint * 60 <= 2 * beat for level in rule.levels):
        yield useless(
            f"alarm: the gauge is read every {beat:g} s, too seldom to tell within that time"
            " whether it moves: it would always fire."
        )


# ------------------------------------------------------------------------------------ each kind


def _of_kind(rule: Rule, context: Context) -> Iterator[Finding]:
    stage = rule.stages[-1] if rule.stages else None
    if isinstance(stage, Condition):
        yield from _condition(stage, context)
    elif isinstance(stage, ChangeCount):
        yield from _count(rule, stage, context)
    elif isinstance(stage, InState):
        yield from _states(stage, context)
    elif isinstance(stage, Doubt):
        yield from _doubt(stage, context)
    elif isinstance(stage, Hampel | Ewma) and not stage.floor:
        yield look(
            "floor is 0: a calm gauge would fire at its smallest step; set it to the step that"
            " means something."
        )


def _condition(stage: Condition, context: Context) -> Iterator[Finding]:
    spans = [_span(context.ranges.get(tag)) for tag in stage.formula.tags]
    can_hold, can_fail = reach(stage.formula.root, spans)
    if not can_hold:
        yield useless(f"condition: {stage.formula.text} contradicts itself: it can never fire.")
    elif not can_fail:
        yield useless(
            f"condition: {stage.formula.text} holds whatever the gauges show: it always fires."
        )


def _span(known: tuple[float | None, float | None] | None) -> Span:
    low, high = known or (None, None)
    return (-math.inf if low is None else low, math.inf if high is None else high)


def _count(rule: Rule, stage: ChangeCount, context: Context) -> Iterator[Finding]:
    beat = context.interval_s or 0.0
    most = stage.window_s / beat / (2 if stage.of == "starts" else 1) + 1 if beat else math.inf
    for level in rule.levels:
        if level.setpoint <= 0:
            yield useless(f"{level.name}: at {level.setpoint:g} times it always fires.")
        if level.setpoint > MOST_CHANGES:
            yield useless(
                f"{level.name}: at most {MOST_CHANGES} changes are counted: it can never fire."
            )
        elif level.setpoint > most:
            yield useless(
                f"{level.name}: a gauge that is read every {beat:g} s shows {stage.of} at most"
                f" {most:.0f} times in {stage.window_s:g} s: it can never fire."
            )


def _states(stage: InState, context: Context) -> Iterator[Finding]:
    low, high = _span((context.low, context.high))
    if not any(low <= state <= high for state in stage.states):
        shown = f"{_n(context.low)} to {_n(context.high)}"
        yield useless(f"states: the gauge shows {shown}, none of the states: it can never fire.")


def _doubt(stage: Doubt, context: Context) -> Iterator[Finding]:
    if context.low is not None and context.high is not None:
        low, high = context.low, context.high
        if stage.low > high or stage.high < low:
            yield useless(
                "low and high: nothing that the gauge can show would be believed: it always fires."
            )
    for stuck in sorted(stage.stuck_at):
        usual = [value for value in context.quantiles.values() if value == stuck]
        if len(usual) > len(context.quantiles) / 2:
            yield look(f"The gauge mostly reads exactly {stuck:g}: it would stand all the time.")


def _n(value: float | None) -> str:
    return "?" if value is None else f"{value:g}"
