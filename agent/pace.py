"""Whether a port keeps up with its beats, said once when that changes."""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)

WINDOW_S = 60.0
TOLERATED = 0.05  #: of the beats may be missed: a dead unit costs a few before it is known
FEW = 2


class Pace:
    """Counts the beats of a port that were kept and missed, a minute at a time."""

    def __init__(self, port: str) -> None:
        """A port keeps up until it does not."""
        self._port = port
        self._until = float("-inf")
        self._kept = self._missed = 0
        self._behind = False

    def note(self, now: float, missed: int) -> None:
        """Note a beat that is served at `now`, monotonic seconds, and those missed before it."""
        if now >= self._until:
            self._judge()
            self._until, self._kept, self._missed = now + WINDOW_S, 0, 0
        self._kept += 1
        self._missed += missed

    def _judge(self) -> None:
        beats = self._kept + self._missed
        behind = self._missed > max(FEW, TOLERATED * beats)
        if behind and not self._behind:
            log.warning(
                "port %s: it cannot keep up: %d of %d beats were missed in a minute;"
                " raise interval_s, or give some of its devices a port of their own",
                self._port,
                self._missed,
                beats,
            )
        elif self._behind and not behind:
            log.info("port %s: it keeps up again", self._port)
        self._behind = behind
