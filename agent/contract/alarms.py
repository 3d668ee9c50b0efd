"""The alarm evaluator: samples in order of event time -> changes of state, the same on both sides.

Each level of a rule walks NORMAL → PENDING_ON → ACTIVE → PENDING_OFF → NORMAL on its own delays.
All levels of a rule make one *spell*: it is raised with the first level that becomes active, its
level is the worst active one, and it is cleared when none of them is left, neither active nor on
its way to be. So whatever a later spell says of itself began after the former one was cleared.

All times are event times, UTC milliseconds. Delays count only time that was seen: between two
good samples, and no longer than the rule's `blind_after_s` between them. A sample that is not good
(no value, or outside the gauge's range) makes the condition unknown: it neither raises nor clears,
and delays stand still until the next good one.

A state can be saved as JSON after any sample and taken up again with the same result. Long runs of
values that change nothing are passed over in bulk.

Where a rule watches something else than the value, its stages (`signals`) make a signal of the
readings first, and the levels judge that.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import Any, Final

from agent.contract.alarm_rules import Level, Rule
from agent.contract.alarm_state import (
    ACTIVE,
    NORMAL,
    PENDING_OFF,
    PENDING_ON,
    Change,
    ChangeKind,
    Condition,
    Phase,
    Rows,
    Samples,
    Spell,
    State,
    merge,
)
from agent.contract.blocks import Quality
from agent.contract.signals.stage import Memory, Stage

__all__ = [
    "ACTIVE",
    "NORMAL",
    "PENDING_OFF",
    "PENDING_ON",
    "Change",
    "ChangeKind",
    "Condition",
    "Phase",
    "Rows",
    "Samples",
    "Spell",
    "State",
    "advance",
    "carry",
    "evaluate",
    "merge",
]

_AT_REST: Final = frozenset({NORMAL, ACTIVE})
_HOLDS: Final = frozenset({PENDING_ON, ACTIVE})
_LONGEST_SPAN: Final = 4096
_SHORTEST_SPAN: Final = 8
_HOUR_MS: Final = 3_600_000
_PORTION: Final = 512  #: readings from which a signal is made at once


def evaluate(rule: Rule, state: State, samples: Samples | Rows) -> tuple[State, list[Change]]:
    """Judge all samples; those not newer than the state are passed over."""
    index, changes = 0, []
    while index < len(samples.times):
        state, found, index = advance(rule, state, samples, index, len(samples.times))
        changes += found
    return state, changes


def advance(
    rule: Rule, state: State, samples: Samples | Rows, start: int, stop: int
) -> tuple[State, list[Change], int]:
    """Judge samples from `start` until something changed, or to `stop`.

    Gives the new state (the old one stays as it is), the changes of the last sample looked at,
    and the index of the next one. A rule with `tags` takes rows, any other the samples of its tag.
    Raises ValueError for a rule whose numbers were not looked up.
    """
    if not rule.resolved:
        raise ValueError("a setpoint of the rule refers to a number that was not looked up")
    start = bisect_right(samples.times, state.at, start, stop)
    if not rule.stages:
        assert isinstance(samples, Samples)
        walk = _Walk(rule, state.copy(), samples)
        index = walk.run(start, stop)
        return walk.state, walk.changes, index
    changes: list[Change] = []
    while start < stop and not changes:
        state, changes, start = _portion(rule, state, samples, start, min(start + _PORTION, stop))
    return state, changes, start


def _portion(
    rule: Rule, state: State, samples: Samples | Rows, start: int, stop: int
) -> tuple[State, list[Change], int]:
    """Make the signal of some readings and judge it.

    Where something changed before their end, the memory must be that of the last reading judged:
    the signal up to there is made again.
    """
    remembered = _remembered(rule, state)
    walk = _Walk(rule, state.copy(), _derive(rule.stages, remembered, samples, start, stop))
    judged = walk.run(0, stop - start)
    if judged < stop - start:
        remembered = _remembered(rule, state)
        _derive(rule.stages, remembered, samples, start, start + judged)
    walk.state.memory = [
        [stage.key, memory] for stage, memory in zip(rule.stages, remembered, strict=True)
    ]
    return walk.state, walk.changes, start + judged


def _derive(
    stages: tuple[Stage, ...], memories: list[Memory], samples: Any, start: int, stop: int
) -> Samples:
    for stage, memory in zip(stages, memories, strict=True):
        samples = stage.derive(memory, samples, start, stop)
        start, stop = 0, stop - start
    return samples  # type: ignore[no-any-return]


def _remembered(rule: Rule, state: State) -> list[Memory]:
    """A copy of what each stage remembers; one that looks for something else begins anew."""
    kept = dict(state.memory)
    return [
        _copied(kept[stage.key]) if stage.key in kept else stage.fresh() for stage in rule.stages
    ]


def _copied(memory: Any) -> Any:
    if isinstance(memory, dict):
        return {key: _copied(value) for key, value in memory.items()}
    return [_copied(value) for value in memory] if isinstance(memory, list) else memory


def carry(rule: Rule, state: State) -> State:
    """Take a state over to another version of its rule: levels that went are forgotten.

    A spell goes on; if none of its levels is left, the next good sample clears it.
    """
    kept = state.copy()
    kept.phases = {n: p for n, p in kept.phases.items() if rule.level(n) is not None}
    return kept


class _Limit:
    """A level, with all that a step needs of it worked out once."""

    __slots__ = ("name", "off_ms", "on_ms", "release", "setpoint", "side")

    def __init__(self, level: Level) -> None:
        self.name, self.setpoint = level.name, level.setpoint
        self.side, self.release = level.side, level.release
        self.on_ms, self.off_ms = level.on_delay_s * 1000, level.off_delay_s * 1000


class _Walk:
    """One pass over samples."""

    def __init__(self, rule: Rule, state: State, samples: Samples) -> None:
        self.rule = rule
        self.state = state
        self.times, self.values = samples.times, samples.values
        self.qualities = samples.qualities
        self.changes: list[Change] = []
        self.blind = round(rule.blind_after_s * 1000)
        self.limits = [_Limit(level) for level in rule.levels]

    def run(self, index: int, stop: int) -> int:
        """Walk until something changed; gives the index of the next sample."""
        span = _SHORTEST_SPAN * 8
        while index < stop and not self.changes:
            end = min(index + span, stop)
            if not self._at_rest():
                self._step(index)
                index += 1
            elif self._pass_over(index, end):
                index, span = end, min(span * 2, _LONGEST_SPAN)
            elif span > _SHORTEST_SPAN:
                span = max(span // 8, _SHORTEST_SPAN)
            else:
                index = self._steps(index, end)
        return index

    def _steps(self, index: int, end: int) -> int:
        while index < end and not self.changes:
            self._step(index)
            index += 1
        return index

    # ------------------------------------------------------------------------------ in bulk

    def _at_rest(self) -> bool:
        """Whether only a value outside `_band` can change anything."""
        state = self.state
        if not state.phases:
            return state.good and state.spell is None
        told = state.spell is None or state.spell.level in state.phases
        return state.good and told and all(p.phase == ACTIVE for p in state.phases.values())

    def _pass_over(self, index: int, end: int) -> bool:
        """Take in samples that change nothing; False when some might."""
        values = self.values[index:end]
        if any(self.qualities[index:end]):
            return False
        try:
            total = sum(values)  # type: ignore[arg-type]
        except TypeError:
            return False
        if math.isnan(total):
            return False
        low: float = min(values)  # type: ignore[type-var,assignment]
        high: float = max(values)  # type: ignore[type-var,assignment]
        if not self._within_band(low, high):
            return False
        self.state.at = self.times[end - 1]
        if self.state.phases:
            self._widen(low, high)
        return True

    def _within_band(self, low: float, high: float) -> bool:
        for limit in self.limits:
            worst, best = (low, high) if limit.side < 0 else (high, low)
            if limit.name in self.state.phases:
                if (best - limit.release) * limit.side < 0:
                    return False
            elif (worst - limit.setpoint) * limit.side >= 0:
                return False
        return True

    def _widen(self, low: float, high: float) -> None:
        state = self.state
        state.low = low if state.low is None else min(state.low, low)
        state.high = high if state.high is None else max(state.high, high)

    # --------------------------------------------------------------------------- one by one

    def _step(self, index: int) -> None:
        at, value = self.times[index], self.values[index]
        if at <= self.state.at:
            return
        seen = min(at - self.state.at, self.blind) if self.state.good else 0
        for phase in self.state.phases.values():
            if phase.phase not in _AT_REST:
                phase.held += seen
        if value is None or self.qualities[index] != Quality.GOOD or math.isnan(value):
            self._bad(at)
        else:
            self._good(at, value)
        self.state.at = at

    def _bad(self, at: int) -> None:
        self.state.good = False
        if self.state.frozen_since is None:
            self.state.frozen_since = at
            self._tell("frozen", at, at, None)

    def _good(self, at: int, value: float) -> None:
        state = self.state
        state.good = True
        if state.frozen_since is not None:
            state.frozen_since = None
            self._tell("unfrozen", at, at, value)
        moved = False
        begun: dict[str, int] = {}
        for limit in self.limits:
            phase = state.phases.get(limit.name)
            if phase is not None or (value - limit.setpoint) * limit.side >= 0:
                moved |= self._move(limit, phase, at, value, begun)
        if state.phases:
            self._widen(value, value)
        if moved or (state.spell is not None and state.spell.level not in state.phases):
            self._judge(at, value, begun)
        if not state.phases:
            state.low = state.high = None

    def _move(
        self, limit: _Limit, phase: Phase | None, at: int, value: float, begun: dict[str, int]
    ) -> bool:
        """Move one level; notes when it began if it becomes active, tells whether it moved."""
        moved = phase is None
        if phase is None:
            phase = self.state.phases[limit.name] = Phase(PENDING_ON, at)
        elif phase.phase in _HOLDS:
            if (value - limit.release) * limit.side < 0:
                self._turn_off(limit, phase, at, begun)
                return True
        elif (value - limit.setpoint) * limit.side >= 0:
            phase.phase, phase.since, phase.held = ACTIVE, 0, 0
            return True
        elif phase.held >= limit.off_ms and not self._stays(at):
            self._end(limit, phase.since)
            return True
        if phase.phase == PENDING_ON and phase.held >= limit.on_ms:
            begun[limit.name] = phase.since
            phase.phase, phase.since, phase.held = ACTIVE, 0, 0
            return True
        return moved

    def _turn_off(self, limit: _Limit, phase: Phase, at: int, begun: dict[str, int]) -> None:
        held = phase.phase == ACTIVE
        if not held and self.rule.capture_fleeting:
            # Raised although it is over: told now, and cleared with the next sample at the soonest.
            begun[limit.name] = phase.since
            phase.phase, phase.since, phase.held = PENDING_OFF, at, 0
            return
        phase.phase, phase.since, phase.held = PENDING_OFF, at, 0
        if not held or not (limit.off_ms or self._stays(at)):
            self._end(limit, at)

    def _stays(self, at: int) -> bool:
        """Whether the spell is the last that this hour allows: it stays for an hour."""
        most, raises = self.rule.most_per_hour, self.state.raises
        if not most or len(self.state.phases) > 1 or len(raises) < most:
            return False
        return at - raises[-1] < _HOUR_MS

    def _end(self, limit: _Limit, since: int) -> None:
        del self.state.phases[limit.name]
        if self.state.spell:
            self.state.spell.ended = max(self.state.spell.ended or since, since)

    def _judge(self, at: int, value: float, begun: dict[str, int]) -> None:
        """Compare the worst active level with what has been told."""
        active = [level for level in self.rule.levels if self._is_active(level)]
        spell = self.state.spell
        if active:
            worst = min(active, key=self._rank)
            since = begun.get(worst.name)
            if spell is None:
                self.state.spell = Spell(at if since is None else since, value, worst.name)
                self._tell("raised", self.state.spell.raised_at, at, value)
                self._count(at)
            elif worst.name != spell.level:
                self._change_level(spell, worst, since, at, value)
        elif spell is not None and not self.state.phases:
            self._tell("cleared", at if spell.ended is None else spell.ended, at, value)
            self.state.spell = None

    def _count(self, at: int) -> None:
        if self.rule.most_per_hour:
            recent = [moment for moment in self.state.raises if at - moment < _HOUR_MS]
            self.state.raises = [*recent, at]

    def _rank(self, level: Level) -> tuple[int, bool, bool]:
        """Worst first; of two equally bad levels the one that still holds."""
        return (*level.severity, self.state.phases[level.name].phase != ACTIVE)

    def _is_active(self, level: Level) -> bool:
        phase = self.state.phases.get(level.name)
        return phase is not None and phase.phase != PENDING_ON

    def _change_level(
        self, spell: Spell, new: Level, begun: int | None, at: int, value: float
    ) -> None:
        old = self.rule.level(spell.level)
        worse = old is None or old.side != new.side or new.severity < old.severity
        ended = None if spell.level in self.state.phases else spell.ended
        since = next((moment for moment in (begun, ended) if moment is not None), at)
        spell.level = new.name
        self._tell("level", max(since, spell.raised_at), at, value, worse=worse)

    def _tell(
        self, kind: ChangeKind, since: int, at: int, value: float | None, *, worse: bool = False
    ) -> None:
        spell = self.state.spell
        if spell is None:
            return
        self.changes.append(
            Change(
                kind,
                since,
                at,
                spell.level,
                value,
                self._extreme(spell.level, value),
                spell.raised_at,
                worse,
            )
        )

    def _extreme(self, level: str, value: float | None) -> float:
        worst = self.state.low if level in {"lolo", "lo"} else self.state.high
        return worst if worst is not None else (value or 0.0)
