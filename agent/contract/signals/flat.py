"""How long a gauge has not moved, or has read one particular value, in minutes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agent.contract.alarm_state import Samples
from agent.contract.signals.stage import Memory, is_good, signal

MINUTE_MS: Final = 60_000

#: Longest times that gauges in order were seen to stand still on real wells (3W, 85 recordings at
#: 10 s): pressures 30 min, temperatures 68 min. A temperature behind insulation repeats for hours.
_PRESSURE_MIN: Final = 60.0
_TEMPERATURE_MIN: Final = 240.0


def default_minutes(measure: str | None) -> float | None:
    """How long a gauge of a measure may stand still; None where standing still is nothing odd."""
    if measure is None:
        return None
    if "pressure" in measure:
        return _PRESSURE_MIN
    return _TEMPERATURE_MIN if "temperature" in measure else None


@dataclass(frozen=True, slots=True)
class Flat:
    """Minutes in which the value stayed within `tolerance` of where it was.

    Only time that was seen counts: a gap counts no more than `blind_ms`.
    """

    tolerance: float
    at: float | None  #: only this value counts, usually 0
    blind_ms: int

    @property
    def key(self) -> str:
        """Names what the memory is of."""
        return f"flat {self.tolerance} {self.at}"

    @property
    def reach_s(self) -> float:
        """None of its own: how long it must stand still is the rule's setpoint."""
        return 0.0

    def fresh(self) -> Memory:
        """Nothing seen yet."""
        return {"value": None, "held": 0, "seen": 0}

    def derive(self, memory: Memory, samples: Samples, start: int, stop: int) -> Samples:
        """Minutes of standing still at each reading."""
        value, held, seen = memory["value"], memory["held"], memory["seen"]
        tolerance, only, blind = self.tolerance, self.at, self.blind_ms
        times, values, qualities = samples.times, samples.values, samples.qualities
        told: list[float | None] = []
        for index in range(start, stop):
            new, at = values[index], times[index]
            if not is_good(new, qualities[index]) or new is None:
                told.append(None)
                continue
            if value is None:
                value = new
            elif abs(new - value) <= tolerance:
                held += min(at - seen, blind)
            else:
                value, held = new, 0
            if only is not None and abs(new - only) > tolerance:
                held = 0
            seen = at
            told.append(held / MINUTE_MS)
        memory["value"], memory["held"], memory["seen"] = value, held, seen
        return signal(times[start:stop], told)
