"""How tags ran between two instants, at the resolution of a screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hub.readings.resolution import Resolution, choose
from hub.schema import ReadingsState, Tag

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

#: One statement per source: buckets of :step with the average, lowest and highest value.
QUERIES = {
    "points": text(
        """
        SELECT tag_id, date_bin(:step, time, :epoch) AS at,
               avg(value) AS average, min(value) AS minimum, max(value) AS maximum
        FROM reading_points
        WHERE tag_id = ANY(:tags) AND time >= :start AND time < :end
        GROUP BY 1, 2 ORDER BY 1, 2
        """
    ),
    "hours": text(
        """
        SELECT tag_id, date_bin(:step, bucket, :epoch) AS at,
               sum(average * n_good) / nullif(sum(n_good), 0) AS average,
               min(minimum) AS minimum, max(maximum) AS maximum
        FROM reading_hours
        WHERE tag_id = ANY(:tags) AND bucket >= :start AND bucket < :end
        GROUP BY 1, 2 ORDER BY 1, 2
        """
    ),
    "days": text(
        """
        SELECT tag_id, date_bin(:step, bucket, :epoch) AS at,
               sum(average * n_good) / nullif(sum(n_good), 0) AS average,
               min(minimum) AS minimum, max(maximum) AS maximum
        FROM reading_days
        WHERE tag_id = ANY(:tags) AND bucket >= :start AND bucket < :end
        GROUP BY 1, 2 ORDER BY 1, 2
        """
    ),
}


@dataclass(slots=True)
class Series:
    """One tag's course; the four lists have the same length.

    A bucket in which the gauge gave no value stands with None; one without readings is left out.
    """

    resolution: Resolution
    times: list[int] = field(default_factory=list)  #: starts of buckets, UTC milliseconds
    average: list[float | None] = field(default_factory=list)
    minimum: list[float | None] = field(default_factory=list)
    maximum: list[float | None] = field(default_factory=list)


def series(
    session: Session, tag_ids: Sequence[int], start: datetime, end: datetime, points: int = 600
) -> dict[int, Series]:
    """Course of each tag from `start` to before `end`, in about `points` buckets or fewer.

    The session is one tenant's; tags of others come back empty.
    """
    resolution = _resolution(session, tag_ids, start, end, points)
    found = {tag_id: Series(resolution) for tag_id in tag_ids}
    if not tag_ids or end <= start:
        return found
    values = {
        "tags": list(tag_ids),
        "start": _bucket(start, resolution.step),
        "end": end,
        "step": resolution.step,
        "epoch": EPOCH,
    }
    for tag_id, at, average, minimum, maximum in session.execute(
        QUERIES[resolution.source], values
    ):
        course = found[tag_id]
        course.times.append(round(at.timestamp() * 1000))
        course.average.append(average)
        course.minimum.append(minimum)
        course.maximum.append(maximum)
    return found


def _resolution(
    session: Session, tag_ids: Sequence[int], start: datetime, end: datetime, points: int
) -> Resolution:
    intervals = session.scalars(select(Tag.interval_ms).where(Tag.id.in_(tag_ids))).all()
    kept = select(ReadingsState.kept_from <= start)
    raw_kept = session.scalar(kept)
    return choose(end - start, points, intervals, raw_kept=raw_kept is not False)


def _bucket(at: datetime, step: timedelta) -> datetime:
    return at - (at - EPOCH) % step
