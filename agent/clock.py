"""What time it is on a box that may have no battery, no network, and a changed system clock.

Time runs on the monotonic clock from one anchor, so that a step of the system clock never bends a
schedule. The anchor moves only for a reason: the system's time service is synchronised, or the hub
says what time it is. A move waits until what was stamped before and not sent is re-timed (`settled`
says so); until then the clock goes on as it was and does not count as confirmed.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable

from agent.contract.blocks import ClockState

TOLERANCE_MS = 2_000  #: hub time includes the way of one message; closer than this is agreement
DRIFT_MS = 10  #: closer than this the anchor stays: rounding alone moves the difference by 1
JUMP_MS = 500  #: the system clock moved against the monotonic one
BUCKET_MS = 10_000  #: the latest time heard from the hub is kept for each so long
MEMORY = 12  #: buckets
SURE = 6  #: buckets; so long must the hub's time lie behind before a confirmed clock is set back
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
        self._target: int | None = None  # where the anchor is about to move
        self._heard: dict[int, int] = {}  # bucket of monotonic time -> hub's less monotonic ms
        self.boot = os.urandom(4).hex()
        self.state = ClockState.NEVER
        if synchronised():
            self.state = ClockState.SET
        elif last_known_ms and wall() >= last_known_ms:
            self.state = ClockState.HOLDING

    @property
    def confirmed(self) -> bool:
        """Whether true time was heard since this program started, and all is stamped by it."""
        return self.is_set and self._target is None

    @property
    def is_set(self) -> bool:
        """Whether true time was heard since this program started."""
        return self.state in {ClockState.SET, ClockState.STEPPED}

    def now_ms(self) -> int:
        """UTC milliseconds."""
        return self._mono() + self._anchor

    def mono_ms(self) -> int:
        """Milliseconds of the monotonic clock."""
        return self._mono()

    def tick(self) -> int:
        """Follow the system clock where it is synchronised; returns the step it is about to make.

        Whoever calls re-times what was not sent by as many milliseconds, then calls `settled`.
        """
        if self._synchronised():
            self._follow_system()
        return self._due()

    def _follow_system(self) -> None:
        """The kernel says its clock is disciplined: nothing knows better, however we got apart."""
        system = self._wall() - self._mono()
        if not self.is_set or abs(system - self._anchor) > JUMP_MS:
            self._target = system
        elif abs(system - self._anchor) >= DRIFT_MS:
            self._anchor = system

    def heard_hub(self, hub_ms: int, *, may_be_old: bool = False) -> int:
        """Take note of the hub's time; returns the step the clock is about to make, as `tick` does.

        A message can be late, never early. So the clock follows the latest time heard, and once
        confirmed it is set back only when nothing later was heard for a minute. What `may_be_old`,
        because a broker may have kept it, can confirm the clock but not correct it.
        """
        if self._synchronised():
            return self.tick()
        offset = hub_ms - self._mono()
        off = (offset if may_be_old else self._latest(offset)) - self._anchor
        if abs(off) <= TOLERANCE_MS:
            self.state = self.state if self.is_set else ClockState.SET
        elif not may_be_old and (off > 0 or not self.is_set or self._heard_for_long()):
            self._target = self._anchor + off
        return self._due()

    def settled(self, step_ms: int) -> None:
        """Make the step: all that was stamped before has followed it."""
        self._anchor += step_ms
        self._target = None
        self.state = ClockState.SET if abs(step_ms) <= TOLERANCE_MS else ClockState.STEPPED

    def _due(self) -> int:
        step = 0 if self._target is None else self._target - self._anchor
        if self._target is not None and not step:
            self.settled(0)
        return step

    def _latest(self, offset: int) -> int:
        bucket = self._mono() // BUCKET_MS
        self._heard = {b: o for b, o in self._heard.items() if bucket - b < MEMORY}
        self._heard[bucket] = max(offset, self._heard.get(bucket, offset))
        return max(self._heard.values())

    def _heard_for_long(self) -> bool:
        return max(self._heard) - min(self._heard) >= SURE
