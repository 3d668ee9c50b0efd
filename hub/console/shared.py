"""One answer for many tabs: what several browsers of an operator ask at once is asked once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from time import monotonic
from typing import Any, TypeVar, cast

T = TypeVar("T")
MAX_ENTRIES = 2000


class _Entry:
    """A kept answer; its lock makes the others wait for the first one who asks."""

    __slots__ = ("lock", "until", "value")

    def __init__(self) -> None:
        self.lock = Lock()
        self.until = 0.0
        self.value: Any = None


class Shared:
    """Answers kept for a few seconds per key; the organization is always part of the key."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._entries: dict[Hashable, _Entry] = {}
        self._lock = Lock()

    def get(self, key: Hashable, seconds: float, make: Callable[[], T]) -> T:
        """The kept answer, or a new one when it is older than `seconds`; an error is not kept."""
        entry = self._entry(key)
        with entry.lock:
            if self._clock() >= entry.until:
                entry.value = make()
                entry.until = self._clock() + seconds
            return cast(T, entry.value)

    def forget(self, *keys: Hashable) -> None:
        """Drop answers that a change has made old."""
        with self._lock:
            for key in keys:
                self._entries.pop(key, None)

    def _entry(self, key: Hashable) -> _Entry:
        with self._lock:
            if len(self._entries) >= MAX_ENTRIES:
                now = self._clock()
                self._entries = {k: e for k, e in self._entries.items() if e.until > now}
            return self._entries.setdefault(key, _Entry())
