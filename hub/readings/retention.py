"""Lets go of readings older than they must be kept; their rollups stay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, text

from hub.readings.rollups import roll_up

AHEAD = timedelta(days=28)  #: how far ahead there is always room for readings


@dataclass(frozen=True, slots=True)
class Dropped:
    """What became of one stretch of readings that was due."""

    from_time: datetime
    to_time: datetime
    readings: int
    outcome: (
        str  #: "dropped", "set aside" (came after its time was dropped), "kept" (not rolled up)
    )


def enforce(work: Engine, days: int, now: datetime | None = None) -> list[Dropped]:
    """Drop readings older than `days`, once their rollups hold them; answers what was due.

    Whole weeks go at once, so readings stay up to seven days longer. `days` is at least 7.
    """
    moment = now or datetime.now(UTC)
    roll_up(work, moment)
    cutoff = moment - timedelta(days=days)
    with work.begin() as connection:
        connection.execute(text("SELECT prepare_drop(:before)"), {"before": cutoff})
    with work.begin() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        rows = connection.execute(
            text("SELECT * FROM drop_readings(:before)"), {"before": cutoff}
        ).all()
    return [Dropped(row.from_time, row.to_time, row.readings, row.outcome) for row in rows]


def make_room(work: Engine, now: datetime | None = None) -> int:
    """Make the partitions of the coming weeks; answers how many were missing."""
    moment = now or datetime.now(UTC)
    with work.begin() as connection:
        made = connection.scalar(
            text("SELECT ensure_readings_partitions(:now, :until)"),
            {"now": moment, "until": moment + AHEAD},
        )
    return int(made or 0)
