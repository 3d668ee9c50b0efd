"""Moves a migrated database, with its readings, to a storage tier that offers more."""

from __future__ import annotations

from collections.abc import Callable

from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from hub.database import Tier, tier_of
from hub.errors import DatabaseError
from hub.migrate import (
    MAKE_OWNER_LOGIN,
    administer,
    head,
    offers_timescale,
    recorded_tier,
    revision_of,
    script_folder,
)

#: The files that make the readings of a tier out of those of the one below it.
FILES = {
    Tier.APACHE: ("readings_timescale", "rollups_hub", "views"),
    Tier.COMMUNITY: ("rollups_timescale", "views"),
}
#: The file that gives the views what later revisions added to them.
ROUTES = "0002/views"
#: The file that makes a hypertable of the daily volumes; they are the same on both editions.
PRODUCTION = "0003/production_timescale"


def upgrade_tier(admin_url: str, target: Tier, *, say: Callable[[str], None] = print) -> Tier:
    """Move to `target` in one transaction, then fill what TimescaleDB keeps; stop the hub first.

    Raises `DatabaseError` when the server does not offer the tier, or it is a step down.
    """
    with administer(admin_url) as connection:
        now = _check(connection, target)
        if now is target:
            say(f"Storage tier: {target.title} already")
            return target
        with connection.engine.execution_options(isolation_level="READ COMMITTED").begin() as work:
            _move(work, now, target)
        if target is Tier.COMMUNITY:
            _fill(connection)
        say(f"Storage tier: {target.title}, moved from {now.title}")
    return target


def _check(connection: Connection, target: Tier) -> Tier:
    now = recorded_tier(connection)
    if now is None or revision_of(connection) != head():
        raise DatabaseError("the tables are not up to date; run `wellflow-hub migrate` first")
    if target.rank < now.rank:
        raise DatabaseError(
            f"the database is {now.title}; it can move up, not down to {target.title}"
        )
    if now is not target and tier_of(connection) is Tier.PLAIN and not offers_timescale(connection):
        raise DatabaseError(
            "this server does not offer TimescaleDB; install it and put timescaledb into"
            " shared_preload_libraries"
        )
    return now


def _move(work: Connection, now: Tier, target: Tier) -> None:
    work.execute(text("CREATE EXTENSION IF NOT EXISTS timescaledb"))
    if (found := tier_of(work)) is not target:
        raise DatabaseError(
            f"this server offers {found.title}, not {target.title}; name the tier it offers, or"
            " set timescaledb.license in postgresql.conf and restart it"
        )
    if target is Tier.COMMUNITY:
        work.execute(text(MAKE_OWNER_LOGIN))
    work.execute(text("SET LOCAL ROLE wellflow_owner"))
    if now is Tier.PLAIN:
        _copy_readings(work)
        _run_file(work, PRODUCTION)
    if target is Tier.COMMUNITY:
        _run(work, Tier.COMMUNITY)
        _leave_only_dropped(work)
    work.execute(
        text(
            "UPDATE installation SET updated_at = now(),"
            " value = jsonb_build_object('tier', CAST(:tier AS text)) WHERE key = 'tier'"
        ),
        {"tier": target.value},
    )


def _run(work: Connection, tier: Tier) -> None:
    for name in FILES[tier]:
        _run_file(work, f"0001/{name}")
    _run_file(work, ROUTES)


def _run_file(work: Connection, name: str) -> None:
    work.connection.cursor().execute((script_folder() / "sql" / f"{name}.sql").read_bytes())


def _copy_readings(work: Connection) -> None:
    """Partitions into a hypertable; the views let go of the old table as they are made anew."""
    work.execute(text("ALTER TABLE readings RENAME TO readings_before"))
    work.execute(text("ALTER INDEX readings_tag_id_time_idx RENAME TO readings_before_idx"))
    _run(work, Tier.APACHE)
    work.execute(
        text(
            "INSERT INTO readings (time, value, organization_id, tag_id, quality)"
            " SELECT time, value, organization_id, tag_id, quality FROM readings_before"
        )
    )
    work.execute(text("DROP TABLE readings_before"))


def _leave_only_dropped(work: Connection) -> None:
    """Keep the hub's rollups of time whose readings are gone; the aggregates make the rest."""
    for table in ("rolled_hours", "rolled_days"):
        work.execute(
            text(f"DELETE FROM {table} WHERE bucket >= (SELECT kept_from FROM readings_state)")  # noqa: S608 - two names of ours
        )
    work.execute(text("SELECT limit_rollups(kept_from) FROM readings_state"))


def _fill(connection: Connection) -> None:
    """Make the continuous aggregates now, rather than at their policy's first turn."""
    connection.execute(text("SET ROLE wellflow_owner"))
    start = connection.scalar(text("SELECT nullif(kept_from, '-infinity') FROM readings_state"))
    for aggregate in ("readings_by_hour", "readings_by_day"):
        refresh = text(
            f"CALL refresh_continuous_aggregate('{aggregate}', CAST(:start AS timestamptz),"
            " now() - interval '1 hour')"
        )
        try:
            connection.execute(refresh, {"start": start})
        except OperationalError as fault:
            if not isinstance(fault.orig, LockNotAvailable):
                raise  # else the policy is already at it
    connection.execute(text("RESET ROLE"))
