"""Migrations build exactly the schema, as the right owner, on every server the product runs on."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from psycopg import sql
from sqlalchemy import CheckConstraint, text

from hub.database import Tier, connect
from hub.errors import DatabaseError
from hub.migrate import check_tier, grant_logins, head, migrate, script_folder
from hub.schema import Base
from hub.schema.scope import OUTSIDE_ORGANIZATIONS
from tests.servers.postgres import Database, Server, embedded, migrated

#: Tables that exist outside the schema, and why.
BESIDE = {
    "alembic_version": "the migrations' own",
    "rolled_hours": "rollups; on the Community tier mostly empty",
    "rolled_days": "rollups; on the Community tier mostly empty",
}


def silent(_line: str) -> None:
    """Say nothing."""


def ours(thing: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
    """Leave out what the schema does not describe: the readings depend on the tier."""
    table = name if kind == "table" else thing.table.name
    return table not in BESIDE and not str(table).startswith("readings_2") and table != "readings"


def test_migrations_build_exactly_the_schema(tiered: Database) -> None:
    with tiered.engine("owner").connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_server_default": True, "include_object": ours}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_checks_are_those_of_the_schema(database: Database) -> None:
    """Alembic does not compare CHECK constraints."""
    with database.admin() as connection:
        rows = connection.execute(
            "SELECT conname FROM pg_constraint WHERE contype = 'c'"
            " AND connamespace = 'public'::regnamespace AND conrelid <> 0"
        ).fetchall()
    wanted = {
        constraint.name
        for table in Base.metadata.sorted_tables
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    }
    assert {row[0] for row in rows} == wanted


def test_readings_have_the_columns_of_the_schema_and_no_unique_index(tiered: Database) -> None:
    with tiered.admin() as connection:
        columns = connection.execute(
            "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute"
            " WHERE attrelid = 'readings'::regclass AND attnum > 0 ORDER BY attnum"
        ).fetchall()
        indexes = connection.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename = 'readings'"
        ).fetchall()
    assert columns == [
        ("time", "timestamp with time zone", True),
        ("value", "double precision", False),
        ("organization_id", "uuid", True),
        ("tag_id", "integer", True),
        ("quality", "smallint", True),
    ]
    assert [definition.partition("USING ")[2] for (definition,) in indexes] == [
        'btree (tag_id, "time" DESC)'
    ]


def test_the_views_have_the_same_columns_on_every_tier(tiered: Database) -> None:
    with tiered.admin() as connection:
        rows = connection.execute(
            "SELECT table_name, string_agg(column_name || ' ' || data_type, ', '"
            " ORDER BY ordinal_position) FROM information_schema.columns"
            " WHERE table_name IN ('reading_points', 'reading_hours', 'reading_days')"
            " GROUP BY 1"
        ).fetchall()
    rollup = (
        "bucket timestamp with time zone, organization_id uuid, tag_id integer, n bigint,"
        " n_good bigint, average double precision, minimum double precision,"
        " maximum double precision, last_value double precision"
    )
    assert dict(rows) == {
        "reading_points": "time timestamp with time zone, organization_id uuid, tag_id integer,"
        " value double precision, quality smallint",
        "reading_hours": rollup,
        "reading_days": rollup,
    }


def test_everything_belongs_to_the_owner_and_nobody_can_sign_in_as_it(tiered: Database) -> None:
    with tiered.admin() as connection:
        strangers = connection.execute(
            "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace"
            " AND c.relowner <> 'wellflow_owner'::regrole"
            " AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')"
        ).fetchall()
        connection.execute("ALTER ROLE wellflow_owner PASSWORD 'known'")
    assert strangers == []
    rest = tiered.admin_url.partition("@")[2]
    with pytest.raises(psycopg.OperationalError, match=r"not permitted to log in|too many connect"):
        psycopg.connect(f"postgresql://wellflow_owner:known@{rest}")
    with tiered.admin() as connection:
        connection.execute("ALTER ROLE wellflow_owner PASSWORD NULL")


def test_the_tier_is_said_recorded_and_checked(tier_server: Server) -> None:
    database = tier_server.empty()
    said: list[str] = []
    try:
        tier = migrate(database.admin_url, say=said.append)
        assert said == [f"Storage tier: {tier.title}", f"Tables: brought to revision {head()}"]
        for role in ("app", "ingest", "work"):
            assert check_tier(database.engine(role)) is tier
        said.clear()
        assert migrate(database.admin_url, say=said.append) is tier
        assert said[1] == f"Tables: up to date at revision {head()}"
    finally:
        tier_server.drop(database)


def test_a_database_that_changed_its_tier_is_refused(database: Database) -> None:
    with database.admin() as connection:
        connection.execute(
            """UPDATE installation SET value = '{"tier": "community"}' WHERE key = 'tier'"""
        )
    with pytest.raises(DatabaseError, match=r"migrated as Timescale \(Community\) but is plain"):
        check_tier(database.engine("app"))
    with pytest.raises(DatabaseError, match="restore the TimescaleDB extension"):
        migrate(database.admin_url, say=silent)


def test_an_empty_database_is_refused_with_the_command_to_run(plain_server: Server) -> None:
    database = plain_server.empty()
    try:
        engine = connect(database.admin_url, "app")
        with pytest.raises(DatabaseError, match="run `wellflow-hub migrate`"):
            check_tier(engine)
        engine.dispose()
    finally:
        plain_server.drop(database)


@pytest.mark.parametrize("server", ["plain_server", "old_server"])
def test_an_account_without_superuser_can_migrate(
    request: pytest.FixtureRequest, server: str
) -> None:
    """It needs to create roles and to own the database; each missing right is named."""
    on: Server = request.getfixturevalue(server)
    on.run("DROP ROLE IF EXISTS wf_keeper")
    on.run("CREATE ROLE wf_keeper LOGIN PASSWORD 'keeper' NOCREATEROLE")
    database = on.empty()
    rest = database.admin_url.partition("@")[2]
    url = f"postgresql://wf_keeper:keeper@{rest}"
    name = rest.rpartition("/")[2]
    try:
        with pytest.raises(DatabaseError, match=f'does not own database "{name}"'):
            migrate(url, say=silent)
        on.run("ALTER DATABASE {} OWNER TO wf_keeper", name)
        with _without_roles(on), pytest.raises(DatabaseError, match="CREATEROLE"):
            migrate(url, say=silent)
    finally:
        on.run("ALTER DATABASE {} OWNER TO CURRENT_USER", name)  # it goes while others work
        on.drop(database)
        on.run("DROP ROLE wf_keeper")


def test_an_account_that_creates_roles_and_owns_the_database_suffices(server_folder: Path) -> None:
    """On a server of its own, where no superuser has made the roles before."""
    server = embedded(server_folder / "keeper")
    try:
        server.run("CREATE ROLE wf_keeper LOGIN PASSWORD 'keeper' CREATEROLE")
        database = server.empty()
        rest = database.admin_url.partition("@")[2]
        server.run("ALTER DATABASE {} OWNER TO wf_keeper", rest.rpartition("/")[2])
        assert migrate(f"postgresql://wf_keeper:keeper@{rest}", say=silent) is Tier.PLAIN
        grant_logins(f"postgresql://wf_keeper:keeper@{rest}", {"app": ("wf_console", "pw")})
        engine = connect(f"postgresql://wf_console:pw@{rest}", "app")
        assert check_tier(engine) is Tier.PLAIN
        engine.dispose()
    finally:
        server.stop()


@contextmanager
def _without_roles(server: Server) -> Iterator[None]:
    """Call the product's roles by other names for a moment."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        found = connection.execute(
            r"SELECT rolname FROM pg_roles WHERE rolname LIKE 'wellflow\_%'"
        ).fetchall()
        pairs = [(sql.Identifier(name), sql.Identifier(f"away_{name}")) for (name,) in found]
        rename = sql.SQL("ALTER ROLE {} RENAME TO {}")
        for name, away in pairs:
            connection.execute(rename.format(name, away))
        try:
            yield
        finally:
            for name, away in pairs:
                connection.execute(rename.format(away, name))


def test_each_process_signs_in_with_an_account_of_its_own(
    database: Database, plain_server: Server
) -> None:
    rest = database.admin_url.partition("@")[2]
    logins = {role: (f"wf_login_{role}", f"pw-{role}") for role in ("app", "ingest", "work")}
    try:
        grant_logins(database.admin_url, logins)  # type: ignore[arg-type]
        grant_logins(database.admin_url, logins)  # type: ignore[arg-type]
        for role, (name, password) in logins.items():
            engine = connect(f"postgresql://{name}:{password}@{rest}", role)  # type: ignore[arg-type]
            with engine.connect() as connection:
                assert connection.scalar(text("SELECT current_user")) == f"wellflow_{role}"
            engine.dispose()
            other = "work" if role != "work" else "app"
            stranger = connect(f"postgresql://{name}:{password}@{rest}", other)  # type: ignore[arg-type]
            with pytest.raises(Exception, match="permission denied to set role"):
                stranger.connect()
            stranger.dispose()
    finally:
        for name, _ in logins.values():
            plain_server.run("DROP ROLE IF EXISTS {}", name)


def test_the_oldest_server_is_migrated_too(old_server: Server) -> None:
    database = old_server.fresh(migrated)
    assert database.tier is Tier.PLAIN
    old_server.drop(database)


def test_every_migration_gives_up_rather_than_block() -> None:
    text_of = (script_folder() / "env.py").read_text()
    assert "lock_timeout" in text_of
    assert "statement_timeout" in text_of


@pytest.mark.parametrize(
    "mapper",
    sorted(Base.registry.mappers, key=lambda mapper: mapper.class_.__name__),
    ids=lambda mapper: mapper.class_.__name__,
)
def test_every_table_explains_itself(mapper: Any) -> None:
    table, cls = mapper.local_table, mapper.class_
    assert inspect.getdoc(cls)
    assert cls.TITLE in table.c
    assert "organization_id" in table.c or table.name in OUTSIDE_ORGANIZATIONS


def test_half_a_position_is_taken_away_and_stays_in_the_trail(plain_server: Server) -> None:
    database = plain_server.empty()
    try:
        migrate(database.admin_url, say=silent, revision="0015")
        with database.engine("owner").begin() as connection:
            key = connection.scalar(
                text(
                    "WITH o AS (INSERT INTO organizations (name, slug) VALUES ('Acme', 'acme')"
                    " RETURNING id) INSERT INTO wells (organization_id, name, lat)"
                    " SELECT id, 'Bravo 1H', 31.4 FROM o RETURNING id"
                )
            )
        migrate(database.admin_url, say=silent)
        with database.engine("owner").connect() as connection:
            left = connection.scalar(text("SELECT lat FROM wells WHERE id = :k"), {"k": key})
            kept = connection.scalar(
                text(
                    "SELECT before ->> 'lat' FROM audit_log WHERE row_id = :k"
                    " AND verb = 'update' ORDER BY id DESC LIMIT 1"
                ),
                {"k": key},
            )
        assert (left, kept) == (None, "31.400000")
    finally:
        plain_server.drop(database)
