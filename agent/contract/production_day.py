"""Production days: from an operator's cut-off hour on its own clock to the next, in UTC instants.

A day is named by the date on which it begins, and lasts 23 or 25 hours where clocks change within
it. Where the cut-off itself is shown twice that night, the day begins at the second; where it is
left out, as much later as clocks were put forward. The database's `production_day` says the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

CUT_OFF: Final = time(7)  #: gauges are read in the morning, and count for the day that ends then
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ProductionClock:
    """An operator's time zone and the hour at which its production day begins."""

    zone: ZoneInfo
    cut_off: time = CUT_OFF

    def begins(self, day: date) -> datetime:
        """The instant, in UTC, at which a production day begins."""
        shown = datetime.combine(day, self.cut_off)
        # The later of both readings is the second showing where clocks went back, and the time
        # moved on where they went forward: what PostgreSQL's AT TIME ZONE answers.
        return max(
            shown.replace(tzinfo=self.zone, fold=0).astimezone(UTC),
            shown.replace(tzinfo=self.zone, fold=1).astimezone(UTC),
        )

    def ends(self, day: date) -> datetime:
        """The instant, in UTC, at which the next one begins."""
        return self.begins(day + _DAY)

    def hours(self, day: date) -> int:
        """Length of a production day in full hours: 24, or 23 or 25 where clocks change."""
        return round((self.ends(day) - self.begins(day)) / _HOUR)

    def day_of(self, instant: datetime) -> date:
        """The production day that an instant with a time zone belongs to."""
        local = instant.astimezone(self.zone).replace(tzinfo=None)
        into = timedelta(hours=self.cut_off.hour, minutes=self.cut_off.minute)
        day = (local - into).date()
        if instant < self.begins(day):
            return day - _DAY
        return day if instant < self.ends(day) else day + _DAY

    def gauged(self, day: date) -> datetime:
        """The last instant that still counts for a day: its closing gauge, where none is named."""
        return self.ends(day) - timedelta(microseconds=1)

    def closed(self, now: datetime, after: timedelta = timedelta()) -> date:
        """The last production day that ended at least `after` ago."""
        return self.day_of(now - after) - _DAY
