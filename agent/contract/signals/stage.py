"""A stage: readings in, a signal of the same length out, with a memory that can be saved.

A stage is fed reading by reading, in whatever portions; its memory after any of them is plain JSON,
bounded in size, and taking it up again gives the same signal as never having stopped. A window is
cut into slots that stand still in time: so the memory does not depend on when one began to look,
and two walks that began at different moments agree as soon as the window is past.
"""

from __future__ import annotations

import math
from typing import Any, Final, Protocol

from agent.contract.alarm_state import Samples

Memory = dict[str, Any]  #: plain JSON, without NaN or infinity

GOOD: Final = 0
NO_SIGNAL: Final = 20  #: quality of a signal that cannot be told yet: not enough readings
LARGEST: Final = 1e100  #: beyond it squares overflow; no gauge reads that


class Stage(Protocol):
    """One step from readings to the signal that levels are set on."""

    @property
    def key(self) -> str:
        """Names what the memory is of: another key cannot take it up."""

    @property
    def reach_s(self) -> float:
        """How far back the memory reaches: what lies before has no say, in seconds."""

    def fresh(self) -> Memory:
        """The memory before the first reading."""

    def derive(self, memory: Memory, samples: Any, start: int, stop: int) -> Samples:
        """The signal of readings `start` to `stop`; changes the memory in place."""


def is_good(value: float | None, quality: int) -> bool:
    """Whether a reading says anything."""
    return quality == GOOD and value is not None and -LARGEST < value < LARGEST


def signal(times: Any, values: list[float | None]) -> Samples:
    """A signal; None where it cannot be told."""
    return Samples(times, values, [NO_SIGNAL if v is None else GOOD for v in values])


def short(value: float) -> float:
    """Ten digits of a number: what a memory keeps of a slot that is over."""
    return float(f"{value:.10g}")


def slot_ms(window_s: float, slots: int) -> int:
    """How long one slot of a window is, in milliseconds."""
    return max(1, math.ceil(window_s * 1000 / slots))
