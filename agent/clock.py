"""What time it is on a box that may have no battery, no network, and a changed system clock.

Time runs on the monotonic clock from one anchor, so that a step of the system clock never bends a
schedule. The anchor moves only for a reason: the system's time service is synchronised, or the hub
says what time it is. Every move is returned, so that what was not sent yet can be re-timed.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable

from agent.contract.blocks import ClockState

TOLERANCE_MS = 2_000  #: hub time includes the way of one message; closer than this is agreement
JUMP_MS = 500  #: the system clock moved against the monotonic one
_TIME_ERROR = 5  # adjtimex(2): clock not synchronised


def system_synchronised() -> bool:
    """Whether the kernel's clock is disciplined by a time service (adjtimex(2))."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        buffer = ctypes.create_string_buffer(512)  # modes = 0: read only
        return 0 <= int(libc.adjtimex(buffer)) < _TIME_ERROR
    except (OSError, AttributeError):
        return False


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def _mono_ms() -> int:
    return time.monotonic_ns() // 1_000_000


class Clock:
    """The agent's time in UTC milliseconds, and how far it can be trusted."""

    def __init__(
        self,
        last_known_ms: int = 0,
        *,
        wall: Callable[[], int] = _wall_ms,
        mono: Callable[[], int] = _mono_ms,
        synchronised: Callable[[], bool] = system_synchronised,
    ) -> None:
        """Start from the system clock; `last_known_ms` is the newest time on disk."""
        self._wall, self._mono, self._synchronised = wall, mono, synchronised
        self._anchor = wall() - mono()
        self._system = self._anchor
        self.boot = os.urandom(4).hex()
        self.state = ClockState.NEVER
        if synchronised():
            self.state = ClockState.SET
        elif last_known_ms and wall() >= last_known_ms:
            self.state = ClockState.HOLDING

    @property
    def confirmed(self) -> bool:
        """Whether true time was heard since this program started."""
        return self.state in {ClockState.SET, ClockState.STEPPED}

    def now_ms(self) -> int:
        """UTC milliseconds."""
        return self._mono() + self._anchor

    def mono_ms(self) -> int:
        """Milliseconds of the monotonic clock."""
        return self._mono()

    def tick(self) -> int:
        """Follow the system clock where it is synchronised; returns the step in milliseconds."""
        system = self._wall() - self._mono()
        jump, self._system = system - self._system, system
        if not self._synchronised():
            return 0
        if self.confirmed and abs(jump) <= JUMP_MS:
            self._anchor = system if abs(system - self._anchor) <= JUMP_MS else self._anchor
            return 0
        return self._step_to(system)

    def heard_hub(self, hub_ms: int) -> int:
        """Take note of the hub's time; returns the step it caused in milliseconds."""
        off = hub_ms - self.now_ms()
        if abs(off) <= TOLERANCE_MS or self._synchronised():
            self.state = ClockState.STEPPED if self.state is ClockState.STEPPED else ClockState.SET
            return 0
        return self._step_to(self._anchor + off)

    def _step_to(self, anchor: int) -> int:
        step, self._anchor = anchor - self._anchor, anchor
        if abs(step) <= TOLERANCE_MS:
            self.state = ClockState.SET
            return step
        self.state = ClockState.STEPPED
        return step
