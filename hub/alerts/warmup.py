"""The state in which a rule begins: as if it had been on since long before (pure).

A rule that was just made, changed or switched on must not be blind until its window is full. So the
readings of the last window fill what its stages remember, and those after it show where its levels
stand. Where the levels stood before these readings is not known. They are taken to have been in
alarm: once the readings end that, nothing that lies farther back has a say any more. Until they do,
a longer stretch is tried, up to a bound. What is not ended there counts as it did under the
former version of the rule, and as out of alarm where there was none.

Nothing is raised or cleared by it: what was over by then belongs to nobody, and what stands is told
by the judgement that begins here, with the time at which it began.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from agent.contract.alarm_rules import Rule
from agent.contract.alarms import ACTIVE, PENDING_ON, Phase, Rows, Samples, Spell, State, evaluate

HOUR_MS: Final = 3_600_000
LONGEST_MS: Final = 35 * 24 * HOUR_MS  #: as long as late readings are judged
MOST_READINGS: Final = 20_000  #: once so many were read, no longer stretch is tried
STRETCHES: Final = (1, 4, 16, 64, 256)  #: how many times the shortest one

#: Readings after one instant, up to another, in slices; UTC milliseconds.
Read = Callable[[int, int], Iterable[Samples | Rows]]


def window_ms(rule: Rule) -> int:
    """How far back what a rule's stages remember reaches, with the reading before it."""
    still = max(level.setpoint for level in rule.levels) * 60 if rule.kind == "flatline" else 0.0
    reach = still + sum(stage.reach_s for stage in rule.stages)
    seconds = min(reach + 2 * rule.blind_after_s, LONGEST_MS / 1000)  # a setpoint may be any number
    return round(seconds * 1000) if reach > 0 else 0


def shortest_ms(rule: Rule) -> int:
    """The stretch that shows where levels stand, if all goes well: their delays, and some beats."""
    on = max(level.on_delay_s for level in rule.levels)
    delays = round((on + rule.longest_off_delay_s + 2 * rule.blind_after_s) * 1000)
    return min(delays + (HOUR_MS if rule.most_per_hour else 0), LONGEST_MS)


def farthest_ms(rule: Rule) -> int:
    """Readings that lie farther back than this change nothing."""
    return window_ms(rule) + min(shortest_ms(rule) * STRETCHES[-1], LONGEST_MS)


@dataclass(slots=True)
class Warmup:
    """Finds the state of one rule at an instant."""

    rule: Rule
    at: int  #: UTC milliseconds
    read: Read
    readings: int = field(default=0, init=False)  #: that were read

    def state(self, base: State, floor: int = 0) -> State:
        """The state at the instant.

        `base` is that of the former version, taken over; its alarm goes on as the same alarm.
        Nothing that begins here began before `floor`.
        """
        return _taken_over(base, self._found(base), floor)

    def _found(self, base: State) -> State:
        shortest = shortest_ms(self.rule)
        for times in STRETCHES:
            begin = max(self.at - min(shortest * times, LONGEST_MS), 0)
            memory = self._memory(begin)
            end = self._walk(_alarmed(self.rule, begin, memory), self.at)
            if end.spell is None or end.spell.raised_at != begin:
                return end
            if self.readings > MOST_READINGS:
                break
        return self._walk(_as_before(base, begin, memory), self.at)

    def _memory(self, at: int) -> list[Any]:
        """What the stages remember then."""
        window = window_ms(self.rule)
        return self._walk(State(at=max(at - window, 0)), at).memory if window else []

    def _walk(self, state: State, until: int) -> State:
        for samples in self.read(state.at, until):
            self.readings += len(samples.times)
            state, _ = evaluate(self.rule, state, samples)
        return state


def _alarmed(rule: Rule, at: int, memory: list[Any]) -> State:
    """All levels in alarm since who knows when."""
    phases = {level.name: Phase(ACTIVE) for level in rule.levels}
    return State(at=at, phases=phases, spell=Spell(at, 0.0, rule.levels[0].name), memory=memory)


def _as_before(base: State, at: int, memory: list[Any]) -> State:
    """In alarm is what is in alarm under the former version."""
    if base.spell is None:
        return State(at=at, memory=memory)
    phases = {
        name: Phase(ACTIVE) for name, phase in base.phases.items() if phase.phase != PENDING_ON
    }
    return State(at=at, phases=phases, spell=replace(base.spell), memory=memory)


def _taken_over(base: State, found: State, floor: int) -> State:
    """What was found, with the alarm that stands and what was counted under the former version."""
    state = found.copy()
    state.at = max(found.at, floor)
    for phase in state.phases.values():
        if phase.phase == PENDING_ON:
            phase.since = max(phase.since, floor)
    if base.spell is not None:
        level = base.spell.level if found.spell is None else found.spell.level
        state.spell = replace(base.spell, level=level)
        state.low, state.high = _least(found.low, base.low), _most(found.high, base.high)
    elif state.spell is not None:
        state.spell.raised_at = max(state.spell.raised_at, floor)
    state.raises = base.raises or state.raises
    remembered = dict(base.memory)
    state.memory = [[key, remembered.get(key, kept)] for key, kept in found.memory or base.memory]
    return state


def _least(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else min(one, other)


def _most(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else max(one, other)
