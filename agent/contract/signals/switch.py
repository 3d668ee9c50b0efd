"""Gauges that say a state: whether it is one of those, and how often it changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from agent.contract.alarm_state import Samples
from agent.contract.signals.stage import Memory, is_good, signal

MOST_CHANGES: Final = 200  #: more within a window are counted as this many


@dataclass(frozen=True, slots=True)
class InState:
    """1 while the state, a whole number, is one of `states`, else 0."""

    states: frozenset[int]

    @property
    def key(self) -> str:
        """Names what the memory is of."""
        return "state"

    @property
    def reach_s(self) -> float:
        """Nothing is remembered."""
        return 0.0

    def fresh(self) -> Memory:
        """Nothing is remembered."""
        return {}

    def derive(self, memory: Memory, samples: Samples, start: int, stop: int) -> Samples:  # noqa: ARG002
        """Whether each reading is one of the states."""
        states = self.states
        pairs = zip(samples.values[start:stop], samples.qualities[start:stop], strict=True)
        told = [
            float(round(v) in states) if v is not None and is_good(v, q) else None for v, q in pairs
        ]
        return signal(samples.times[start:stop], told)


@dataclass(frozen=True, slots=True)
class ChangeCount:
    """How often the state changed, or left 0, within the last `window_s` seconds."""

    window_s: float
    of: Literal["changes", "starts"]

    @property
    def key(self) -> str:
        """Names what the memory is of."""
        return f"count {self.of} {self.window_s}"

    @property
    def reach_s(self) -> float:
        """The window."""
        return self.window_s

    def fresh(self) -> Memory:
        """Nothing seen yet."""
        return {"state": None, "changes": []}

    def derive(self, memory: Memory, samples: Samples, start: int, stop: int) -> Samples:
        """The count at each reading."""
        state, changes = memory["state"], memory["changes"]
        window, starts = round(self.window_s * 1000), self.of == "starts"
        told: list[float | None] = []
        for index in range(start, stop):
            value = samples.values[index]
            if value is None or not is_good(value, samples.qualities[index]):
                told.append(None)
                continue
            new, at = round(value), samples.times[index]
            if state is not None and new != state and not (starts and state != 0):
                changes.append(at)
                del changes[:-MOST_CHANGES]
            state = new
            while changes and changes[0] <= at - window:
                del changes[0]
            told.append(float(len(changes)))
        memory["state"] = state
        return signal(samples.times[start:stop], told)
