"""How far a value lies from what is usual for it, in spreads of its own or in its unit.

What is usual comes from a window of slots that are over (so a step is seen against what was before
it), or, for the season, from figures handed in. The spread is robust: 1.4826 times the median
distance from the median, never less than `floor`.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from agent.contract.alarm_state import Samples
from agent.contract.signals.stage import Memory, is_good, short, signal, slot_ms

SLOTS: Final = 60
MAD_TO_SIGMA: Final = 1.4826
_LEAST_SLOTS: Final = 0.4  #: share of the window that must be filled before anything is told
_EWMA_SPANS: Final = 5  #: the window of an EWMA is so many of its time constants long
_MOST_STEP: Final = 10.0  #: spreads by which one slot can move a cumulative sum
_MOST_SUM: Final = 1000.0
_FAR: Final = 1e6

Usual = tuple[float, float]  #: what is usual, and its spread


@dataclass(frozen=True, slots=True)
class _Windowed:
    """Distance from what a window says is usual."""

    window_s: float
    floor: float  #: the spread is at least this, in the tag's unit
    in_unit: bool  #: told in the tag's unit, not in spreads

    @property
    def key(self) -> str:
        """Names what the memory is of."""
        return f"{type(self).__name__} {self.window_s}"

    @property
    def reach_s(self) -> float:
        """The window, and the slot it cuts into."""
        return slot_ms(self.window_s, SLOTS) * (SLOTS + 1) / 1000

    def fresh(self) -> Memory:
        """No slots yet: `[number, value]`, the newest still open."""
        return {"slots": []}

    def derive(self, memory: Memory, samples: Samples, start: int, stop: int) -> Samples:
        """The distance at each reading."""
        slots, width = memory["slots"], slot_ms(self.window_s, SLOTS)
        told: list[float | None] = []
        usual = self._usual(slots)
        for index in range(start, stop):
            value, at = samples.values[index], samples.times[index]
            if value is None or not is_good(value, samples.qualities[index]):
                told.append(None)
                continue
            number = at // width
            if not slots or slots[-1][0] != number:
                self._close(memory, usual)
                slots.append([number, value])
                while slots[0][0] <= number - SLOTS:
                    del slots[0]
                usual = self._usual(slots)
            slots[-1][1] = value
            told.append(self._tell(memory, usual, value))
        return signal(samples.times[start:stop], told)

    def _usual(self, slots: list[list[Any]]) -> Usual | None:
        """What the slots that are over say; None while they are too few."""
        if len(slots) - 1 < SLOTS * _LEAST_SLOTS:
            return None
        middle, spread = self._of([slot[1] for slot in slots[:-1]])
        return middle, max(spread, self.floor)

    def _close(self, memory: Memory, usual: Usual | None) -> None:  # noqa: ARG002
        """The newest slot is over."""
        if memory["slots"]:
            memory["slots"][-1][1] = short(memory["slots"][-1][1])

    def _tell(self, memory: Memory, usual: Usual | None, value: float) -> float | None:  # noqa: ARG002
        if usual is None:
            return None
        away = value - usual[0]
        return away if self.in_unit else _spreads(away, usual[1])

    @abstractmethod
    def _of(self, values: list[float]) -> Usual:
        """What is usual of values in order of time."""


class Hampel(_Windowed):
    """Distance from the rolling median (Hampel 1974)."""

    __slots__ = ()

    def _of(self, values: list[float]) -> Usual:
        middle = median(values)
        return middle, MAD_TO_SIGMA * median([abs(value - middle) for value in values])


class Ewma(_Windowed):
    """Distance from the exponentially weighted mean; a fifth of the window is its time constant."""

    __slots__ = ()

    def _of(self, values: list[float]) -> Usual:
        weights = [math.exp(-_EWMA_SPANS * age / SLOTS) for age in range(len(values), 0, -1)]
        whole = sum(weights)
        mean = sum(w * v for w, v in zip(weights, values, strict=True)) / whole
        away = sum(w * abs(v - mean) for w, v in zip(weights, values, strict=True)) / whole
        return mean, math.sqrt(math.pi / 2) * away


@dataclass(frozen=True, slots=True)
class Cusum(_Windowed):
    """Cumulative sum of what exceeds `slack` spreads from the rolling median (Page 1954).

    It finds a small shift that stays. A slot counts once, so that the sum does not depend on how
    often the gauge is read; positive upward, negative downward, whichever is farther.
    """

    slack: float = 1.0

    @property
    def key(self) -> str:
        """Names what the memory is of."""
        return f"cusum {self.window_s} {self.floor} {self.slack}"

    @property
    def reach_s(self) -> float:
        """A window that says what is usual, and one to sum over: older sums are mostly spent."""
        return 2 * slot_ms(self.window_s, SLOTS) * (SLOTS + 1) / 1000

    def fresh(self) -> Memory:
        """No slots, no sums."""
        return {"slots": [], "up": 0.0, "down": 0.0}

    def _of(self, values: list[float]) -> Usual:
        middle = median(values)
        return middle, MAD_TO_SIGMA * median([abs(value - middle) for value in values])

    def _close(self, memory: Memory, usual: Usual | None) -> None:
        if not memory["slots"]:
            return
        slot = memory["slots"][-1]
        slot[1] = short(slot[1])
        if usual is None:
            memory["up"] = memory["down"] = 0.0
            return
        step = max(-_MOST_STEP, min(_MOST_STEP, _spreads(slot[1] - usual[0], usual[1])))
        memory["up"] = min(max(0.0, memory["up"] + step - self.slack), _MOST_SUM)
        memory["down"] = min(max(0.0, memory["down"] - step - self.slack), _MOST_SUM)

    def _tell(self, memory: Memory, usual: Usual | None, value: float) -> float | None:  # noqa: ARG002
        if usual is None:
            return None
        up, down = float(memory["up"]), float(memory["down"])
        return up if up >= down else -down


@dataclass(frozen=True, slots=True)
class Season:
    """Distance from what is usual at this hour: figures for 24 hours of UTC, or 24 and 24.

    With 48 the second half is for Saturdays and Sundays. An hour without a figure is not judged.
    """

    figures: tuple[Usual | None, ...]  #: median, and median distance from it
    floor: float
    in_unit: bool

    @property
    def key(self) -> str:
        """Names what the memory is of."""
        return "season"

    @property
    def reach_s(self) -> float:
        """Nothing is remembered."""
        return 0.0

    def fresh(self) -> Memory:
        """Nothing is remembered."""
        return {}

    def derive(self, memory: Memory, samples: Samples, start: int, stop: int) -> Samples:  # noqa: ARG002
        """The distance at each reading."""
        told: list[float | None] = []
        for index in range(start, stop):
            value = samples.values[index]
            usual = self._at(samples.times[index])
            if value is None or usual is None or not is_good(value, samples.qualities[index]):
                told.append(None)
                continue
            away = value - usual[0]
            spread = max(MAD_TO_SIGMA * usual[1], self.floor)
            told.append(away if self.in_unit else _spreads(away, spread))
        return signal(samples.times[start:stop], told)

    def _at(self, at: int) -> Usual | None:
        days, ms = divmod(at, 86_400_000)
        weekend = (days + 3) % 7 >= 5  # the first of January 1970 was a Thursday
        return self.figures[(ms // 3_600_000) + (24 if weekend and len(self.figures) > 24 else 0)]


def _spreads(away: float, spread: float) -> float:
    """A distance in spreads; far when there is no spread at all."""
    if not away:
        return 0.0
    if not spread:
        return math.copysign(_FAR, away)
    return max(-_FAR, min(_FAR, away / spread))
