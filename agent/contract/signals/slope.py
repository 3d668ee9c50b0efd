"""How fast a value changes: the slope of the least-squares line through a window of readings.

The window is cut into slots; each keeps the moments of its readings, which are put together by the
formulas of Chan, Golub and LeVeque (1983) for pairwise updates. So the slope is that of all
readings in the window, at a cost that does not grow with their number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from agent.contract.alarm_state import Samples
from agent.contract.signals.stage import Memory, is_good, short, signal, slot_ms

SLOTS: Final = 24
FAR_H: Final = 10_000.0  #: hours to a limit that is not being approached
_LEAST_COVER: Final = 0.5  #: share of the window that must be covered before a slope is told

# Moments: number of readings, mean time [s], mean value, sums of squares of time, and of
# products of time and value, about the means.
_Moments = tuple[float, float, float, float, float]
_NOTHING: Final[_Moments] = (0.0, 0.0, 0.0, 0.0, 0.0)


def _together(a: _Moments, b: _Moments) -> _Moments:
    if not a[0]:
        return b
    n = a[0] + b[0]
    dt, dv = b[1] - a[1], b[2] - a[2]
    weight = a[0] * b[0] / n
    return (
        n,
        a[1] + dt * b[0] / n,
        a[2] + dv * b[0] / n,
        a[3] + b[3] + dt * dt * weight,
        a[4] + b[4] + dt * dv * weight,
    )


@dataclass(frozen=True, slots=True)
class Slope:
    """Change per `per_s` seconds; or, with `to`, the hours until the line reaches that value."""

    window_s: float
    min_points: int
    per_s: float
    to: float | None = None
    falling: bool = False  #: whether `to` is approached from above

    @property
    def key(self) -> str:
        """Names what the memory is of."""
        return f"slope {self.window_s}"

    @property
    def reach_s(self) -> float:
        """The window, and the slot it cuts into."""
        return slot_ms(self.window_s, SLOTS) * (SLOTS + 1) / 1000

    def fresh(self) -> Memory:
        """No slots yet."""
        return {"slots": []}

    def derive(self, memory: Memory, samples: Samples, start: int, stop: int) -> Samples:
        """The slope at each reading."""
        times, values, qualities = samples.times, samples.values, samples.qualities
        told: list[float | None] = []
        window = _Window(memory["slots"], slot_ms(self.window_s, SLOTS))
        cover, least = self.window_s * _LEAST_COVER, self.min_points
        for index in range(start, stop):
            value, at = values[index], times[index]
            if not is_good(value, qualities[index]) or value is None:
                told.append(None)
                continue
            n, mean_t, mean_v, tt, tv = window.add(at, value)
            if n < least or not tt or window.covered(at) < cover:
                told.append(None)
            elif self.to is None:
                told.append(tv / tt * self.per_s)
            else:
                ahead = at / 1000 - window.zero_s - mean_t
                told.append(self._hours(mean_v + tv / tt * ahead, tv / tt))
        return signal(times[start:stop], told)

    def _hours(self, level: float, per_second: float) -> float:
        assert self.to is not None
        left = self.to - level
        if self.falling:
            left, per_second = -left, -per_second
        if left <= 0:
            return 0.0
        return min(left / per_second / 3600, FAR_H) if per_second > 0 else FAR_H


class _Window:
    """The slots of a memory, and what all but the newest come to together.

    A slot is `[number, first reading s, readings, mean time s, mean value, tt, tv]`; its times
    count from its own beginning.
    """

    def __init__(self, slots: list[list[Any]], width_ms: int) -> None:
        self.slots, self.width_ms, self.width_s = slots, width_ms, width_ms / 1000
        self.zero_s = 0.0
        self.older = _NOTHING
        if slots:
            self._gather()

    def add(self, at: int, value: float) -> _Moments:
        """Take in a reading; gives the moments of the whole window, times from `zero_s`."""
        number = at // self.width_ms
        seconds = (at - number * self.width_ms) / 1000
        slots = self.slots
        if not slots or slots[-1][0] != number:
            self._open(number, seconds)
        slot = slots[-1]
        slot[2] += 1
        dt, dv = seconds - slot[3], value - slot[4]
        slot[3] += dt / slot[2]
        slot[4] += dv / slot[2]
        slot[5] += dt * (seconds - slot[3])
        slot[6] += dt * (value - slot[4])
        return _together(self.older, (slot[2], slot[3], slot[4], slot[5], slot[6]))

    def covered(self, at: int) -> float:
        """Seconds from the first reading of the window."""
        first = self.slots[0]
        return at / 1000 - float(first[0]) * self.width_s - float(first[1])

    def _open(self, number: int, seconds: float) -> None:
        slots = self.slots
        if slots:
            slots[-1][2:] = [slots[-1][2], *map(short, slots[-1][3:])]
        slots.append([number, seconds, 0, 0.0, 0.0, 0.0, 0.0])
        while slots[0][0] <= number - SLOTS:
            del slots[0]
        self._gather()

    def _gather(self) -> None:
        """Times count from the beginning of the newest slot."""
        newest = self.slots[-1][0]
        self.zero_s = newest * self.width_s
        older = _NOTHING
        for number, _, n, mean_t, mean_v, tt, tv in self.slots[:-1]:
            shifted = mean_t + (number - newest) * self.width_s
            older = _together(older, (n, shifted, mean_v, tt, tv))
        self.older = older
