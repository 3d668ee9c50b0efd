"""Local times of day and what they are in UTC, through both changes of the clock (pure).

A time of day is kept as people say it, with the name of their zone, and turned into an instant
anew for each day: an interval of 24 hours added to an instant would move every hand-off by an hour
twice a year.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAY = timedelta(days=1)


@lru_cache(maxsize=256)
def zone_of(name: str) -> tzinfo:
    """The zone of an IANA name, or UTC where this machine has no data for it: people are told
    anyway.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def is_zone(name: str) -> bool:
    """Whether this machine knows a zone of that name."""
    return name == "UTC" or zone_of(name) is not UTC


def instant(day: date, wall: time, zone: tzinfo) -> datetime:
    """When a time of day is, in UTC.

    Where the clock is set back and the time comes twice, the first; where it is set forward and
    the time does not come at all, the moment at which it is passed over. Later times of a day are
    therefore never earlier instants.
    """
    local = datetime.combine(day, wall.replace(tzinfo=None))
    early = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if early.astimezone(zone).replace(tzinfo=None) == local:
        return early
    return _passed_over(local.replace(tzinfo=zone, fold=1).astimezone(UTC), early, zone)


def _passed_over(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """The second between two instants at which the clock is set forward."""
    low, high = int(before.timestamp()), int(after.timestamp())
    offset = after.astimezone(zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return datetime.fromtimestamp(high, UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of a day, on some days of the week; past midnight where they end before they begin."""

    begins: time = time(0)
    ends: time = time(0)
    days: frozenset[int] = frozenset(range(1, 8))  #: on which it begins; 1 is Monday

    def spans(self, first: date, last: date, zone: tzinfo) -> Iterator[tuple[datetime, datetime]]:
        """Its spans in UTC that begin from one day through another, in order."""
        day = first
        while day <= last:
            if day.isoweekday() in self.days:
                ending = day if self.begins < self.ends else day + _DAY
                span = instant(day, self.begins, zone), instant(ending, self.ends, zone)
                if span[0] < span[1]:
                    yield span
            day += _DAY

    def holds(self, at: datetime, zone: tzinfo) -> bool:
        """Whether an instant lies in it."""
        day = at.astimezone(zone).date()
        return any(a <= at < b for a, b in self.spans(day - _DAY, day + _DAY, zone))

    def opening(self, at: datetime, zone: tzinfo) -> datetime:
        """The instant itself if it lies in the window, else when that opens next."""
        day = at.astimezone(zone).date()
        for begins, ends in self.spans(day - _DAY, day + 9 * _DAY, zone):
            if at < ends:
                return max(at, begins)
        return at  # no day of the week at all; refused before it comes here

    def closing(self, at: datetime, zone: tzinfo) -> datetime:
        """When the window in which an instant lies ends; the instant itself outside."""
        day = at.astimezone(zone).date()
        ends = [b for a, b in self.spans(day - _DAY, day + _DAY, zone) if a <= at < b]
        return max(ends, default=at)


def window(begins: time | None, ends: time | None, days: Collection[int] | None) -> Window | None:
    """The window a row describes; None where it is always open."""
    if begins is None and not days:
        return None
    every = frozenset(days or range(1, 8))
    return Window(begins or time(0), ends or time(0), every)


def next_at(wall: time, after: datetime, zone: tzinfo) -> datetime:
    """The next time strictly after an instant at which the local clock shows a time of day."""
    day = after.astimezone(zone).date() - _DAY
    while (found := instant(day, wall, zone)) <= after:
        day += _DAY
    return found


def day_begins(at: datetime, zone: tzinfo) -> datetime:
    """When the local day of an instant began."""
    return instant(at.astimezone(zone).date(), time(0), zone)
