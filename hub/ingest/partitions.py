"""Partitions for readings of any time: plain PostgreSQL refuses a row that has none."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from hub.ingest.arrival import DAY_MS, instant
from hub.ingest.link import Db
from hub.ingest.screen import Readings

_WEEK_MS = 7 * DAY_MS
_ENSURE = "SELECT ensure_readings_partitions(%s, %s)"


class Partitions:
    """Remembers which weeks are known to have a partition."""

    def __init__(self) -> None:
        """Start with none known."""
        self._weeks: set[int] = set()

    def forget(self) -> None:
        """Ask again: retention may have dropped one."""
        self._weeks.clear()

    def ensure(self, connection: Db, parts: Iterable[Readings]) -> None:
        """Make the partitions that these readings go to, where there is none yet."""
        weeks = {week for part in parts if len(part) for week in _weeks(part)} - self._weeks
        for week in sorted(weeks):
            start = instant(week * _WEEK_MS)
            connection.execute(_ENSURE, (start, start))
        self._weeks |= weeks


def _weeks(part: Readings) -> list[int]:
    first, last = int(part.times.min()) // _WEEK_MS, int(part.times.max()) // _WEEK_MS
    if last - first < 2:
        return [first, last]
    return [int(week) for week in np.unique(part.times // _WEEK_MS)]
