"""Readings put into a database the way ingest does: COPY, the ledger, the newest values."""

from __future__ import annotations

import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from hub.database import Tier
from hub.readings.rollups import roll_up
from tests.cast import Operator
from tests.servers.postgres import Database

WEEK = timedelta(days=7)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Point:
    """One reading."""

    tag: int
    at: datetime
    value: float | None
    quality: int = 0


def week_start(at: datetime) -> datetime:
    """Start of the stretch of readings that an instant lies in."""
    return EPOCH + (at - EPOCH) // WEEK * WEEK


def wave(
    tag: int, start: datetime, count: int, step: timedelta = timedelta(minutes=10)
) -> list[Point]:
    """A gauge that swings, drops out now and then, and leaves its range once a day."""
    points = []
    for i in range(count):
        at = start + i * step
        if i % 37 == 5:
            points.append(Point(tag, at, None, 16))
        else:
            value = round(1000 + 200 * math.sin(i / 20) + tag, 1)
            points.append(Point(tag, at, value, 1 if i % 144 == 7 else 0))
    return points


def store(
    database: Database,
    operator: Operator,
    points: Sequence[Point],
    *,
    stream: str = "s1",
    agent: uuid.UUID | None = None,
) -> None:
    """Store readings of one agent as one message: readings, a ledger row per day, newest values."""
    owner = operator.agents[0] if agent is None else agent
    with database.engine("ingest").begin() as connection:
        raw = connection.connection.cursor()
        days: dict[datetime, list[Point]] = {}
        for point in points:
            day = point.at.replace(hour=0, minute=0, second=0, microsecond=0)
            days.setdefault(day, []).append(point)
        for day in days:
            raw.execute("SELECT ensure_readings_partitions(%s, %s)", [day, day])
        with raw.copy(
            "COPY readings (time, value, organization_id, tag_id, quality) FROM STDIN"
        ) as copy:
            for point in points:
                copy.write_row((point.at, point.value, operator.id, point.tag, point.quality))
        number = raw.execute(
            "SELECT coalesce(max(last), 0) + 1 FROM ingest_batches"
            " WHERE agent_id = %s AND stream = %s",
            [owner, stream],
        ).fetchone()[0]
        for day, rows in days.items():
            times = [point.at for point in rows]
            raw.execute(
                "INSERT INTO ingest_batches (organization_id, agent_id, stream, first, last,"
                " checksum, readings, day, from_time, to_time)"
                " VALUES (%s, %s, %s, %s, %s, 0, %s, %s, %s, %s)",
                [
                    operator.id,
                    owner,
                    stream,
                    number,
                    number,
                    len(rows),
                    day,
                    min(times),
                    max(times),
                ],
            )
        newest = {point.tag: point for point in sorted(points, key=lambda point: point.at)}
        for point in newest.values():
            raw.execute(
                "INSERT INTO readings_latest AS l (organization_id, tag_id, time, value, quality)"
                " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (tag_id) DO UPDATE SET"
                " time = excluded.time, value = excluded.value, quality = excluded.quality"
                " WHERE excluded.time > l.time",
                [operator.id, point.tag, point.at, point.value, point.quality],
            )


def settle(database: Database, now: datetime | None = None) -> None:
    """Bring the rollups up to date, and wait until they are."""
    if database.tier is not Tier.COMMUNITY:
        roll_up(database.engine("work"), now)
        return
    with database.admin() as connection:
        connection.execute("SET ROLE wellflow_owner")
        jobs = connection.execute(
            "SELECT p.job_id FROM rollup_policies() p ORDER BY p.aggregate DESC"
        ).fetchall()
        for (job,) in jobs:
            connection.execute("SELECT alter_job(%s, scheduled => false)", [job])
    roll_up(database.engine("work"), now)
    with database.admin() as connection:
        connection.execute("SET ROLE wellflow_owner")
        connection.execute("SET client_min_messages = warning")
        for (job,) in sorted(jobs):  # the hours were made first: the days build on them
            connection.execute("CALL run_job(%s)", [job])


def stored(database: Database) -> int:
    """How many readings there are."""
    with database.engine("owner").connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM readings")) or 0)
