"""Judging a stretch of one tag's readings, leaving checkpoints behind (pure).

Kept checkpoints stand at the end of every hour and after changes, so that late data is judged again
from shortly before it. Others only bridge the few milliseconds by which messages overlap.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import Final

from agent.contract.alarm_rules import Rule
from agent.contract.alarms import Change, Rows, Samples, State, advance

HOUR_MS: Final = 3_600_000
BRIDGE_MS: Final = 10_000  #: messages of one agent overlap by less than this
KEPT_APART_MS: Final = 60_000  #: a chattering rule must not fill the table with checkpoints


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The evaluator's state after everything up to an instant of event time."""

    at: int  #: UTC milliseconds
    state: State
    kept: bool = False


@dataclass(slots=True)
class Trail:
    """A walk over readings from one checkpoint on."""

    rule: Rule
    start: Checkpoint
    state: State = field(init=False)
    changes: list[Change] = field(default_factory=list)
    left: dict[int, Checkpoint] = field(default_factory=dict)  #: by `at`
    _kept_at: int = field(init=False)

    def __post_init__(self) -> None:
        self.state = self.start.state
        self._kept_at = self.start.at

    def walk(self, samples: Samples | Rows, until: int, *, keep_last: bool = False) -> None:
        """Judge readings up to and including `until`, as far as they were not judged before."""
        times = samples.times
        index = bisect_right(times, self.state.at)
        stop = bisect_right(times, until)
        if index >= stop:
            return
        if times[index] // HOUR_MS != self.state.at // HOUR_MS and self.state.at >= 0:
            self._leave(kept=True)
        bridge = bisect_right(times, times[stop - 1] - BRIDGE_MS, index, stop)
        while index < stop:
            hour_ends = (times[index] // HOUR_MS + 1) * HOUR_MS
            end = bisect_left(times, hour_ends, index, stop)
            if index < bridge < end:
                end = bridge
            index = self._judge(samples, index, end)
            if index < stop and times[index] >= hour_ends:
                self._leave(kept=True)
            elif index in {bridge, stop}:
                self._leave(kept=keep_last and index == stop)

    def _judge(self, samples: Samples | Rows, index: int, end: int) -> int:
        self.state, found, index = advance(self.rule, self.state, samples, index, end)
        self.changes += found
        tells = any(change.kind in {"raised", "level", "cleared"} for change in found)
        if tells and self.state.at - self._kept_at >= KEPT_APART_MS:
            self._leave(kept=True)
        return index

    def _leave(self, *, kept: bool) -> None:
        at = max(self.state.at, self.start.at)  # a rule may begin after the last reading it knows
        earlier = self.left.get(at)
        kept = kept or (earlier is not None and earlier.kept)
        self.left[at] = Checkpoint(at, self.state, kept)
        if kept:
            self._kept_at = at
