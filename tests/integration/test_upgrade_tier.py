"""A database moves up a tier with its readings, and answers as before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from hub import migrate as module
from hub.database import Tier, tenant_session
from hub.errors import DatabaseError
from hub.migrate import check_tier, migrate
from hub.readings.retention import enforce
from hub.tiers import upgrade_tier
from tests import cast as people
from tests.cast import Cast
from tests.servers.postgres import TIMESCALE, Database, Server, installed, run_again
from tests.telemetry import WEEK, settle, store, wave, week_start

NOW = datetime.now(UTC).replace(microsecond=0)
OLD = week_start(NOW) - 5 * WEEK


def silent(_line: str) -> None:
    """Say nothing."""


@contextmanager
def plain(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A database migrated as plain PostgreSQL on a server that offers more."""
    database = server.empty()
    monkeypatch.setattr(module, "offers_timescale", lambda _connection: False)
    assert migrate(database.admin_url, say=silent) is Tier.PLAIN
    monkeypatch.undo()
    try:
        yield database
    finally:
        server.drop(database)


def fill(database: Database) -> Cast:
    """Readings of five weeks, the oldest week only in rollups, the newest hour in none.

    The newest hour is the coming one: whatever the minute, no pass has closed it yet.
    """
    cast = people.engage(database.engine("owner"))
    for operator in cast.operators:
        store(database, operator, wave(operator.tags[0], OLD, 5 * 1008))
    settle(database)
    dropped = enforce(database.engine("work"), (NOW - OLD).days - 7)
    assert [piece.outcome for piece in dropped] == ["dropped"]
    coming = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    store(database, cast.bluebonnet, wave(cast.bluebonnet.tags[1], coming, 5))
    produce(database, cast)
    return cast


def produce(database: Database, cast: Cast) -> None:
    """Daily volumes of three years, one month of them closed: a move changes nothing there."""
    with database.engine("owner").begin() as connection:
        for operator in cast.operators:
            connection.execute(
                text(
                    "INSERT INTO production_records (organization_id, well_id, production_date,"
                    " oil_bbl) SELECT :o, :w, day, 10 + extract(doy FROM day)"
                    " FROM generate_series(date '2022-05-01', '2024-05-31', '10 days') day"
                ),
                {"o": operator.id, "w": operator.wells[0]},
            )
            connection.execute(
                text(
                    "INSERT INTO accounting_periods (organization_id, module, month, state)"
                    " VALUES (:o, 'production', '2023-05-01', 'closed')"
                ),
                {"o": operator.id},
            )


def shown(database: Database, cast: Cast) -> dict[str, list[tuple[object, ...]]]:
    """Everything an operator sees of its readings."""
    found = {}
    with tenant_session(database.engine("app"), cast.bluebonnet.id) as session:
        for view in ("reading_points", "reading_hours", "reading_days"):
            rows = session.execute(text(f"SELECT * FROM {view} ORDER BY tag_id, 1"))
            found[view] = [
                tuple(round(cell, 6) if isinstance(cell, float) else cell for cell in row)
                for row in rows
            ]
        found["production_records"] = [
            tuple(row)
            for row in session.execute(text("SELECT * FROM production_records ORDER BY id"))
        ]
        found["audit_log"] = [tuple(session.execute(text("SELECT max(id) FROM audit_log")).one())]
    return found


def pieces(database: Database) -> object:
    """Chunks in which daily volumes are kept."""
    with database.engine("owner").connect() as connection:
        return connection.scalar(
            text(
                "SELECT count(*) FROM timescaledb_information.chunks"
                " WHERE hypertable_name = 'production_records'"
            )
        )


def move_and_compare(database: Database, target: Tier) -> None:
    cast = fill(database)
    before = shown(database, cast)
    assert len(before["reading_hours"]) > 5 * 168
    database.close()
    said: list[str] = []
    start = database.tier
    upgrade_tier(database.admin_url, target, say=said.append)
    assert said == [f"Storage tier: {target.title}, moved from {start.title}"]
    database.tier = target
    assert shown(database, cast) == before
    assert check_tier(database.engine("app")) is target
    assert pieces(database) == 1  # three years lie within one of ten
    late = wave(cast.bluebonnet.tags[2], NOW - timedelta(days=3), 100)
    store(database, cast.bluebonnet, late)
    settle(database)
    after = shown(database, cast)
    assert len(after["reading_points"]) == len(before["reading_points"]) + len(late)
    assert [row for row in after["reading_hours"] if row[2] != late[0].tag] == before[
        "reading_hours"
    ]
    again = enforce(database.engine("work"), (NOW - OLD).days - 14)
    assert [piece.outcome for piece in again] == ["dropped"]
    settle(database)
    assert shown(database, cast)["reading_hours"] == after["reading_hours"]
    upgrade_tier(database.admin_url, target, say=said.append)
    assert said[-1] == f"Storage tier: {target.title} already"


@pytest.mark.timescale_apache
def test_from_plain_to_apache(apache_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with plain(apache_server, monkeypatch) as database:
        move_and_compare(database, Tier.APACHE)


@pytest.mark.timescale_community
def test_from_plain_to_community(community_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with plain(community_server, monkeypatch) as database:
        move_and_compare(database, Tier.COMMUNITY)


@pytest.mark.timescale_community
def test_from_apache_to_community(community_server: Server, server_folder: Path) -> None:
    """The licence is the server's own setting, so it takes a server that can be restarted."""
    with psycopg.connect(community_server.url) as connection:
        row = connection.execute("SELECT setting FROM pg_config WHERE name = 'BINDIR'").fetchone()
    programs = Path(row[0] if row else "")
    if not (programs / "postgres").exists():
        pytest.skip("the Community server's programs are not on this machine")
    folder = server_folder / "licence"
    server = installed(programs, folder, TIMESCALE | {"timescaledb.license": "apache"})
    try:
        database = server.empty()
        assert migrate(database.admin_url, say=silent) is Tier.APACHE
        database.tier = Tier.APACHE
        cast = fill(database)
        before = shown(database, cast)
        with pytest.raises(DatabaseError, match=r"offers Timescale \(Apache\), not"):
            upgrade_tier(database.admin_url, Tier.COMMUNITY, say=silent)
        database.close()
        server.stop()
        port = make_url(server.url).port or 0
        server.child = run_again(programs, folder, port, TIMESCALE)
        with pytest.raises(DatabaseError, match="migrate --tier community"):
            check_tier(database.engine("app"))
        said: list[str] = []
        assert migrate(database.admin_url, say=said.append) is Tier.APACHE
        assert said[1] == (
            "Timescale (Community) is at hand: `wellflow-hub migrate --tier community` moves up"
        )
        upgrade_tier(database.admin_url, Tier.COMMUNITY, say=silent)
        assert shown(database, cast) == before
        database.close()
    finally:
        server.stop()


@pytest.mark.timescale_apache
def test_a_move_that_fails_changes_nothing(
    apache_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with plain(apache_server, monkeypatch) as database:
        with pytest.raises(DatabaseError, match=r"offers Timescale \(Apache\), not"):
            upgrade_tier(database.admin_url, Tier.COMMUNITY, say=silent)
        assert check_tier(database.engine("app")) is Tier.PLAIN


def test_a_server_without_timescale_says_what_is_missing(database: Database) -> None:
    with pytest.raises(DatabaseError, match="shared_preload_libraries"):
        upgrade_tier(database.admin_url, Tier.APACHE, say=silent)


@pytest.mark.timescale_apache
def test_no_step_down(apache_server: Server) -> None:
    database = apache_server.empty()
    try:
        migrate(database.admin_url, say=silent)
        with pytest.raises(DatabaseError, match="not down to plain PostgreSQL"):
            upgrade_tier(database.admin_url, Tier.PLAIN, say=silent)
    finally:
        apache_server.drop(database)
