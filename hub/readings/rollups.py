"""Hourly and daily rollups: kept by the hub, or by TimescaleDB's continuous aggregates.

The ledger names what has changed: each row says which agent's readings of which time came in. Late
readings so refresh exactly their own hours, never an hour whose readings retention has dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine, text

from hub.database import Tier, tier_of

GRACE = timedelta(minutes=5)  #: how long an hour stays open for readings on their way
BATCH = 5_000  #: ledger rows per transaction
ONE_AT_A_TIME = 0x726F6C6C  # "roll"


@dataclass(frozen=True, slots=True)
class Rolled:
    """What one pass did."""

    batches: int  #: ledger rows that are now included
    hours: int  #: hours of tags that were computed
    through: datetime | None  #: hours before it are rolled up; None where TimescaleDB keeps them


def roll_up(work: Engine, now: datetime | None = None) -> Rolled:
    """Bring the rollups up to what the ledger holds; `work` is an engine of the work role.

    On Community the continuous aggregates keep a log of late readings themselves; there this only
    asks TimescaleDB to refresh them now instead of at the next turn.
    """
    moment = now or datetime.now(UTC)
    with work.connect() as connection:
        community = tier_of(connection) is Tier.COMMUNITY
    return _ask_timescale(work, moment) if community else _roll(work, moment)


def open_hour(now: datetime) -> datetime:
    """Start of the oldest hour that is still open for readings."""
    return (now - GRACE).replace(minute=0, second=0, microsecond=0)


def _ask_timescale(work: Engine, now: datetime) -> Rolled:
    with work.begin() as connection:
        late = connection.execute(
            text(
                "UPDATE ingest_batches SET rolled_at = :now WHERE rolled_at IS NULL"
                " RETURNING from_time < :open"
            ),
            {"now": now, "open": open_hour(now)},
        ).scalars()
        marked = list(late)
        if any(marked):
            connection.execute(text("SELECT refresh_rollups_soon()"))
    return Rolled(len(marked), 0, None)


def _roll(work: Engine, now: datetime) -> Rolled:
    """Roll up in transactions of bounded size.

    1. Ledger rows that end before the open hour: compute their hours and days, mark them.
    2. When none is left: the same for rows that reach into the open hour, up to its start, without
       marking them; then let the views take everything before it from the rollups.
    """
    until, batches, hours = open_hour(now), 0, 0
    while True:
        with work.begin() as connection:
            if not _alone(connection):
                return Rolled(batches, hours, None)
            taken = _claim(connection, until)
            hours += _compute(connection, taken, until)
            _mark(connection, taken, now)
            batches += len(taken)
        if len(taken) < BATCH:
            break
    with work.execution_options(isolation_level="REPEATABLE READ").begin() as connection:
        if _alone(connection):
            hours += _advance(connection, until, now)
    return Rolled(batches, hours, until)


def _alone(connection: Connection) -> bool:
    taken = connection.scalar(
        text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": ONE_AT_A_TIME}
    )
    return bool(taken)


def _claim(connection: Connection, until: datetime) -> list[int]:
    claimed = text(
        "SELECT id FROM ingest_batches WHERE rolled_at IS NULL AND to_time < :until"
        " ORDER BY id LIMIT :batch"
    )
    return list(connection.scalars(claimed, {"until": until, "batch": BATCH}))


def _mark(connection: Connection, batches: list[int], now: datetime) -> None:
    connection.execute(
        text("UPDATE ingest_batches SET rolled_at = :now WHERE id = ANY(:ids)"),
        {"now": now, "ids": batches},
    )


def _advance(connection: Connection, until: datetime, now: datetime) -> int:
    late = _claim(connection, until)  # came in since the last claim
    reaching_over = connection.scalars(
        text(
            "SELECT b.id FROM ingest_batches b, readings_state s"
            " WHERE b.rolled_at IS NULL AND b.from_time < :until AND b.to_time >= :until"
            " AND (s.rolled_to < :until OR b.received_at >= :closed)"
        ),
        {"until": until, "closed": until + GRACE},
    )
    hours = _compute(connection, [*late, *reaching_over], until)
    _mark(connection, late, now)
    connection.execute(
        text("UPDATE readings_state SET rolled_to = :until WHERE rolled_to < :until"),
        {"until": until},
    )
    return hours


#: Hours that ledger rows touched, for every tag of their agents; answers the days they lie in.
_HOURS = text(
    """
    WITH touched AS (
        SELECT DISTINCT b.agent_id, h.bucket
        FROM ingest_batches b, readings_state s,
        LATERAL generate_series(date_bin('1 hour', b.from_time, '2000-01-01 00:00:00+00'),
                                b.to_time, '1 hour') AS h(bucket)
        WHERE b.id = ANY(:ids) AND h.bucket < :until AND h.bucket >= s.kept_from),
    computed AS (
        INSERT INTO rolled_hours AS r
        SELECT w.bucket, t.organization_id, t.id, f.n, f.n_good, f.total, f.minimum, f.maximum,
               f.last_value
        FROM touched w
        JOIN tags t ON t.agent_id = w.agent_id
        CROSS JOIN LATERAL (
            SELECT count(*) AS n, count(value) AS n_good, sum(value) AS total,
                   min(value) AS minimum, max(value) AS maximum,
                   (array_agg(value ORDER BY time DESC)
                        FILTER (WHERE value IS NOT NULL))[1] AS last_value
            FROM readings x
            WHERE x.tag_id = t.id AND x.time >= w.bucket
              AND x.time < w.bucket + interval '1 hour') AS f
        WHERE f.n > 0
        ON CONFLICT (tag_id, bucket) DO UPDATE SET
            n = excluded.n, n_good = excluded.n_good, total = excluded.total,
            minimum = excluded.minimum, maximum = excluded.maximum,
            last_value = excluded.last_value
        RETURNING r.tag_id, r.bucket)
    SELECT tag_id, date_bin('1 day', bucket, '2000-01-01 00:00:00+00') AS day, count(*) AS hours
    FROM computed GROUP BY 1, 2
    """
)

_DAYS = text(
    """
    INSERT INTO rolled_days AS r
    SELECT d.day, max(h.organization_id::text)::uuid, d.tag_id, sum(h.n), sum(h.n_good),
           sum(h.total), min(h.minimum), max(h.maximum),
           (array_agg(h.last_value ORDER BY h.bucket DESC)
                FILTER (WHERE h.last_value IS NOT NULL))[1]
    FROM unnest(CAST(:tags AS integer[]), CAST(:days AS timestamptz[])) AS d(tag_id, day)
    JOIN rolled_hours h ON h.tag_id = d.tag_id AND h.bucket >= d.day
                       AND h.bucket < d.day + interval '1 day'
    GROUP BY d.tag_id, d.day
    ON CONFLICT (tag_id, bucket) DO UPDATE SET
        n = excluded.n, n_good = excluded.n_good, total = excluded.total,
        minimum = excluded.minimum, maximum = excluded.maximum, last_value = excluded.last_value
    """
)


def _compute(connection: Connection, batches: list[int], until: datetime) -> int:
    """Compute the hours that ledger rows touched, and their days; answers how many hours."""
    if not batches:
        return 0
    touched = connection.execute(_HOURS, {"ids": batches, "until": until}).all()
    if touched:
        connection.execute(
            _DAYS, {"tags": [row.tag_id for row in touched], "days": [row.day for row in touched]}
        )
    return sum(row.hours for row in touched)
