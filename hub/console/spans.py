"""The stretch of time a chart shows, as the address says it (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

RANGES = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
USUAL = "6h"
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=3660)
LOCAL = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when; `key` names a range that moves with time, None one that stands."""

    start: datetime
    end: datetime
    key: str | None

    def local(self, zone: tzinfo) -> tuple[str, str]:
        """Both ends as a date-and-time field of a form holds them."""
        first, last = self.start.astimezone(zone), self.end.astimezone(zone)
        return first.strftime(LOCAL), last.strftime(LOCAL)


def read_span(args: Mapping[str, str], zone: tzinfo, now: datetime) -> Span:
    """The span an address asks for; the usual one when it asks for none, or for nonsense."""
    first, last = _instant(args.get("from"), zone), _instant(args.get("to"), zone)
    if first and last and SHORTEST <= last - first <= LONGEST:
        return Span(first, last, None)
    key = args.get("range", USUAL)
    key = key if key in RANGES else USUAL
    return Span(now - RANGES[key], now, key)


def _instant(text: str | None, zone: tzinfo) -> datetime | None:
    """A time with its offset as it stands, one without as the operator's clock shows it."""
    if not text:
        return None
    try:
        given = datetime.fromisoformat(text)
        local = given if given.tzinfo else given.replace(tzinfo=zone)
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
