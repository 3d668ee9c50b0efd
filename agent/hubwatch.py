"""Watches the hub: a site that hears nothing of it for too long tells people by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class HubWatch:
    """When the hub was last heard: its heartbeat, or an answer."""

    def __init__(self, silent_after_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """The hub counts as heard now: a box that has just started waits as long as any other."""
        self._patience, self._clock = silent_after_s, clock
        self._heard_at = clock()
        self._lock = threading.Lock()
        self._was_alone = False

    def heard(self) -> float | None:
        """The hub lives; gives for how many seconds it had not been heard, if that was too long."""
        with self._lock:
            now = self._clock()
            away, self._heard_at = now - self._heard_at, now
            alone, self._was_alone = self._was_alone or away > self._patience, False
        return away if alone else None

    @property
    def silence_s(self) -> float:
        """Seconds since it was heard."""
        return self._clock() - self._heard_at

    @property
    def alone(self) -> bool:
        """Whether it has been silent for too long."""
        return self.silence_s > self._patience

    def turned(self) -> bool:
        """Whether it has just become too long; true once per silence."""
        with self._lock:
            turned = self.alone and not self._was_alone
            self._was_alone = self._was_alone or turned
        return turned
