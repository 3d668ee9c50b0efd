"""Delays and a deadband that take out a rule's chatter and lose none of its long alarms (pure).

How it is computed. *Long* is what lies beyond the setpoint for ten minutes or more, never back for
more than a minute: it does not depend on what the rule has now. Then, one after another and each
only as far as it helps:

1. the off-delay (0, 1, 2, 5, 10, 15 min), which does most against an alarm that comes and goes;
2. the deadband (0, 1, 2, 4 times the gauge's noise: 1.48 times the median step between neighbours),
   only where the signal is the value itself: the noise of a slope or of a distance is another's;
3. the on-delay (0, 10, 30, 60, 120 s, and never more than a quarter of the time to respond).

Of each, the smallest value is taken that gives nine tenths of what any value could gain, and none
where that is less than a tenth of the alarms; among those that keep every long alarm: each of them
overlaps an alarm of the changed rule. A setpoint is never moved by itself, because it says what
matters; where the value lies beyond it a tenth of the time and more, it is said where the outermost
hundredth begins.
"""

from __future__ import annotations

import statistics
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from agent.contract.alarm_rules import Level, Rule
from agent.contract.alarms import Rows, Samples
from hub.alerts.replay import LONG_MS, Alarm, Figures, replay

OFF_DELAYS: Final = (0.0, 60.0, 120.0, 300.0, 600.0, 900.0)
ON_DELAYS: Final = (0.0, 10.0, 30.0, 60.0, 120.0)
NOISES: Final = (0.0, 1.0, 2.0, 4.0)
NORMAL_SHARE: Final = 0.10  #: beyond the setpoint this often is normal operation
GAINED: Final = 0.9  #: of what a parameter could gain, for the smallest value that does
MOST_COMPARED: Final = 100_000  #: alarms that are held against each other
_NOISE_SAMPLES: Final = 20_000
_TOGETHER_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What to change, what it comes to, and why."""

    rule: Rule
    before: Figures
    after: Figures
    kept: int  #: long alarms, all of which stay
    reasons: tuple[str, ...]

    @property
    def helps(self) -> bool:
        """Whether there is anything to change."""
        return self.after.alarms < self.before.alarms


@dataclass(frozen=True, slots=True)
class History:
    """The readings it is computed from."""

    slices: Sequence[Samples | Rows]
    start: int
    end: int

    def run(self, rule: Rule) -> Figures:
        """What a rule makes of them."""
        return replay(rule, self.slices, self.start, self.end, most=MOST_COMPARED)


def suggest(rule: Rule, history: History, respond_within_s: int | None = None) -> Suggestion:
    """Compute the suggestion for a rule of levels on a value."""
    before = history.run(rule)
    wanted = _long(rule, history)
    noise = _noise(history) if rule.kind == "limit" else 0.0
    longest_on = min(max(ON_DELAYS), (respond_within_s or 3600) / 4)
    steps: list[tuple[str, Sequence[float]]] = [
        ("off_delay_s", OFF_DELAYS),
        ("deadband", [noise * times for times in NOISES] if noise else [0.0]),
        ("on_delay_s", [delay for delay in ON_DELAYS if delay <= longest_on]),
    ]
    best = _with(rule, off_delay_s=0.0, on_delay_s=0.0)
    if rule.kind == "limit":
        best = _with(best, deadband=0.0)
    else:
        del steps[1]
    reasons = []
    for name, values in steps:
        best, said = _best(best, name, values, history, wanted)
        reasons.append(said)
    after = history.run(best)
    if after.alarms >= before.alarms:
        best, after, reasons = rule, before, ["As it is, it has no chatter to take out."]
    return Suggestion(best, before, after, len(wanted), (*reasons, *_inside(rule, history)))


def _best(
    rule: Rule, name: str, values: Sequence[float], history: History, wanted: Sequence[Alarm]
) -> tuple[Rule, str]:
    """The smallest value of one parameter that is about as good as the best one."""
    tried = []
    for value in values:
        changed = _with(rule, **{name: value})
        found = history.run(changed) if _fits(changed) else None
        if found is not None and _keeps(found, wanted):
            tried.append((value, found.alarms, changed))
    if not tried:
        return rule, f"No {_WORDS[name]} keeps every long alarm."
    fewest, most = (pick(alarms for _, alarms, _ in tried) for pick in (min, max))
    worth_it = most - fewest > max(2, most * (1 - GAINED))
    good_enough = fewest + (most - fewest) * (1 - GAINED) if worth_it else most
    value, alarms, changed = next(one for one in tried if one[1] <= good_enough)
    return changed, f"{_WORDS[name].capitalize()} {value:.4g}: {alarms:,} alarms are left."


_WORDS: Final = {
    "off_delay_s": "off-delay in seconds",
    "deadband": "deadband",
    "on_delay_s": "on-delay in seconds",
}


def _with(rule: Rule, **values: float) -> Rule:
    return replace(rule, levels=tuple(replace(level, **values) for level in rule.levels))  # type: ignore[arg-type]


def _fits(rule: Rule) -> bool:
    """Whether no deadband reaches a limit of the other side."""
    lows = [level.release for level in rule.levels if level.side < 0]
    highs = [level.release for level in rule.levels if level.side > 0]
    return not lows or not highs or max(lows) < min(highs)


def _long(rule: Rule, history: History) -> list[Alarm]:
    plain = history.run(_with(rule, off_delay_s=_TOGETHER_S, on_delay_s=0.0, deadband=0.0))
    return [alarm for alarm in plain.listed if alarm.lasted_ms(history.end) >= LONG_MS]


def _keeps(found: Figures, wanted: Sequence[Alarm]) -> bool:
    """Whether each wanted alarm overlaps one that is found; both in order of time."""
    begun = [alarm.raised_at for alarm in found.listed]
    for one in wanted:
        place = bisect_right(begun, one.raised_at + one.lasted_ms(found.end)) - 1
        if place < 0:
            return False
        last = found.listed[place]
        if last.raised_at + last.lasted_ms(found.end) < one.raised_at:
            return False
    return True


def _noise(history: History) -> float:
    """Spread of a gauge's noise: from the median step between neighbours, which neither a trend nor
    a few leaps move; a difference of two readings spreads √2 times as far as one.
    """
    moving = [step for a, b in pairwise(_values(history)) if (step := abs(b - a))]
    return 1.4826 * statistics.median(moving) / 2**0.5 if moving else 0.0


def _values(history: History) -> list[float]:
    """Good values of the one gauge, from the beginning of every slice."""
    most = max(_NOISE_SAMPLES // max(len(history.slices), 1), 100)
    return [
        value
        for samples in _of_one(history.slices)
        for value, quality in zip(samples.values[:most], samples.qualities[:most], strict=True)
        if value is not None and not quality
    ]


def _of_one(slices: Iterable[Samples | Rows]) -> list[Samples]:
    return [samples for samples in slices if isinstance(samples, Samples)]


def _inside(rule: Rule, history: History) -> list[str]:
    """A word about every setpoint that lies within normal operation."""
    if rule.kind != "limit":
        return []
    values = sorted(_values(history))
    said = []
    for level in rule.levels:
        beyond = _beyond(level, values)
        if values and beyond >= NORMAL_SHARE:
            place = values[round((len(values) - 1) * (0.01 if level.side < 0 else 0.99))]
            said.append(
                f"{level.name} at {level.setpoint:g} lies within normal operation: {beyond:.0%} of"
                f" the readings are beyond it. The outermost hundredth begins at {place:.4g}."
            )
    return said


def _beyond(level: Level, values: Sequence[float]) -> float:
    count = sum(1 for value in values if (value - level.setpoint) * level.side >= 0)
    return count / len(values) if values else 0.0
