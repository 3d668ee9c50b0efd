"""Whether a condition over several gauges holds, each at its newest reading."""

from __future__ import annotations

from dataclasses import dataclass

from agent.contract.alarm_state import Rows, Samples
from agent.contract.signals.formula import Formula
from agent.contract.signals.stage import Memory, is_good, signal


@dataclass(frozen=True, slots=True)
class Condition:
    """1 while a formula holds, 0 while it does not, unknown while that cannot be said.

    Readings of gauges are not taken at the same moment: each counts until its next one, and no
    longer than `align_ms`. One that is not good makes its gauge unknown.
    """

    formula: Formula
    align_ms: int

    @property
    def key(self) -> str:
        """Names what the memory is of."""
        return f"condition {' '.join(self.formula.tags)}"

    @property
    def reach_s(self) -> float:
        """As long as a reading counts."""
        return self.align_ms / 1000

    def fresh(self) -> Memory:
        """No gauge was read: `[time, value]` for each, or nothing."""
        return {"last": [None] * len(self.formula.tags)}

    def derive(self, memory: Memory, samples: Rows, start: int, stop: int) -> Samples:
        """Whether it holds at each row."""
        last, align, holds = memory["last"], self.align_ms, self.formula.holds
        told: list[float | None] = []
        for index in range(start, stop):
            at = samples.times[index]
            for place, reading in enumerate(samples.readings[index]):
                if reading is not None:
                    last[place] = [at, reading[0]] if is_good(*reading) else None
            held = holds([one[1] if one and at - one[0] <= align else None for one in last])
            told.append(None if held is None else float(held))
        return signal(samples.times[start:stop], told)
