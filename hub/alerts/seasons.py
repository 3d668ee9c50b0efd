"""What is usual for a gauge at each hour of the day: from the hourly means of its last four weeks.

Workdays and weekends stand apart. The figures change once a day, so that every reading of a day is
compared with the same ones, in whatever order readings come.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

Hour = tuple[bool, int, float]  #: weekend, hour of UTC, mean of the hour
Figures = list[list[float] | None]

SPAN: Final = timedelta(days=28)
FEWEST: Final = 5  #: days an hour must have been seen on before anything there counts as unusual
_MOST_KEPT: Final = 10_000
_THROUGH_VIEW: Final = text("SELECT has_table_privilege('reading_hours', 'SELECT')")
_HOURS: Final = """
    SELECT extract(isodow FROM bucket AT TIME ZONE 'UTC') >= 6 AS weekend,
           CAST(extract(hour FROM bucket AT TIME ZONE 'UTC') AS integer) AS hour, {mean} AS mean
    FROM {source}
    WHERE tag_id = :tag AND bucket >= :since AND bucket < :until AND n_good > 0
    ORDER BY bucket
"""
_kept: dict[tuple[str, int, datetime], Figures] = {}


def filled(
    session: Session, tag_id: int, kind: str, params: Mapping[str, Any], *, keep: bool = False
) -> Mapping[str, Any]:
    """Parameters of a rule, with the figures of the gauge's season where they follow it.

    `keep` is for the work role alone, which judges for all: in an operator's own session the
    database says every time what may be seen.
    """
    if kind != "deviation" or params.get("from") != "season" or "figures" in params:
        return params
    look = _kept_figures if keep else figures
    return {**params, "figures": look(session, tag_id, datetime.now(UTC))}


def figures(session: Session, tag_id: int, now: datetime) -> Figures:
    """24 pairs of median and median distance for workdays, then 24 for weekends, by hour of UTC."""
    return usual(_hours(session, tag_id, _day(now)))


def _day(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _kept_figures(session: Session, tag_id: int, now: datetime) -> Figures:
    until = _day(now)
    key = (str(session.get_bind().engine.url), tag_id, until)
    if key not in _kept:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[key] = usual(_hours(session, tag_id, until))
    return _kept[key]


def usual(hours: Iterable[Hour]) -> Figures:
    """Median and median distance from it for each hour; none where too few days are known."""
    means: list[list[float]] = [[] for _ in range(48)]
    for weekend, hour, mean in hours:
        means[hour + 24 * weekend].append(mean)
    return [_pair(known) if len(known) >= FEWEST else None for known in means]


def _pair(known: list[float]) -> list[float]:
    middle = median(known)
    return [round(middle, 6), round(median(abs(one - middle) for one in known), 6)]


def _hours(session: Session, tag_id: int, until: datetime) -> list[Hour]:
    guarded = session.scalar(_THROUGH_VIEW)
    source, mean = (
        ("reading_hours", "average") if guarded else ("readings_hourly", "total / n_good")
    )
    found = session.execute(
        text(_HOURS.format(source=source, mean=mean)),
        {"tag": tag_id, "since": until - SPAN, "until": until},
    )
    return [(row.weekend, row.hour, row.mean) for row in found]
