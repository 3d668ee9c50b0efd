"""Brings a database to the tables this version needs: roles, storage tier, migrations.

Everything belongs to ``wellflow_owner``, which nobody signs in as; the account that migrates needs
to create roles and to own the database, or to be a superuser.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql
from psycopg.errors import DeadlockDetected, LockNotAvailable, QueryCanceled
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import NotSupportedError, OperationalError
from sqlalchemy.pool import NullPool

from hub.database import DatabaseRole, Tier, tier_of
from hub.errors import DatabaseError

ROLES = ("wellflow_owner", "wellflow_app", "wellflow_ingest", "wellflow_work")
OLDEST = 150000
#: TimescaleDB runs policies as the owner of the table, and only if that role may log in; without a
#: password and with room for no connection, still nobody can.
MAKE_OWNER_LOGIN = "ALTER ROLE wellflow_owner LOGIN CONNECTION LIMIT 0"
#: Seconds between attempts to find the tables free.
PAUSES = (0.2, 0.3, 0.5) + 20 * (1.0,)
IN_USE = (
    "a table is in use for too long; nothing of this step was changed, run"
    " `wellflow-hub migrate` again when the hub is less busy, or stopped"
)
MIGRATION_LOCK = 0x57454C4C  # "WELL": two migrations at once would trip over each other


def migrate(admin_url: str, *, say: Callable[[str], None] = print, revision: str = "head") -> Tier:
    """Bring the database to the newest tables, or to a revision, and answer its storage tier.

    Raises `DatabaseError` when the database is too old, or the account lacks a right.
    """
    with administer(admin_url) as connection:
        _check_rights(connection)
        make_roles(connection)
        make_extensions(connection)
        offered = _settle_tier(connection)
        tier = recorded_tier(connection) or offered
        if offered.rank < tier.rank:
            raise _changed(tier, offered)
        say(f"Storage tier: {tier.title}")
        if offered is not tier:
            command = f"wellflow-hub migrate --tier {offered.value}"
            say(f"{offered.title} is at hand: `{command}` moves up")
        before = revision_of(connection)
        _run_migrations(connection, tier, revision)
        _record_tier(connection, tier)
        after = revision_of(connection)
    say(f"Tables: {'up to date at' if before == after else 'brought to'} revision {after}")
    return tier


def check_tier(engine: Engine) -> Tier:
    """Answer the tier recorded at migrate; raises `DatabaseError` if the database differs now."""
    with engine.connect() as connection:
        found = tier_of(connection)
        revision = revision_of(connection)
        if revision != head():
            raise DatabaseError(
                f"the database is at revision {revision or 'none'}, this version needs {head()};"
                " run `wellflow-hub migrate`"
            )
        recorded = recorded_tier(connection)
    if recorded not in {None, found}:
        raise _changed(recorded, found)
    return found


def grant_logins(admin_url: str, logins: Mapping[DatabaseRole, tuple[str, str]]) -> None:
    """Create or update one sign-in (name, password) for each role that a process acts as."""
    with administer(admin_url) as connection:
        cursor = connection.connection.cursor()
        for role, (name, password) in logins.items():
            verb = "ALTER" if _has_role(connection, name) else "CREATE"
            cursor.execute(
                sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(
                    sql.SQL(verb), sql.Identifier(name), sql.Literal(password)
                )
            )
            group = sql.Identifier(f"wellflow_{role}")
            cursor.execute(sql.SQL("GRANT {} TO {}").format(group, sql.Identifier(name)))


def head() -> str:
    """The newest revision this version brings."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def script_folder() -> Path:
    """Where the migrations lie: beside the package in a checkout, inside it in a wheel."""
    packed = Path(__file__).parent / "_migrations"
    return packed if packed.is_dir() else Path(__file__).parents[1] / "migrations"


@contextmanager
def administer(admin_url: str) -> Iterator[Connection]:
    """Open an autocommitting connection of the account that may create roles and tables."""
    url = admin_url.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        connection = engine.connect()
    except OperationalError as fault:
        raise DatabaseError(f"the database cannot be reached: {fault.orig}") from fault
    with connection:
        yield connection


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(script_folder()))
    return config


def revision_of(connection: Connection) -> str | None:
    """The revision a database is at; None before the first migration."""
    return MigrationContext.configure(connection).get_current_revision()


def _has_role(connection: Connection, name: str) -> bool:
    found = connection.scalar(text("SELECT true FROM pg_roles WHERE rolname = :n"), {"n": name})
    return bool(found)


def _check_rights(connection: Connection) -> None:
    version, user, database, superuser, creates, owns = connection.execute(
        text(
            "SELECT current_setting('server_version_num')::int, current_user, current_database(),"
            " r.rolsuper, r.rolcreaterole, pg_has_role(d.datdba, 'MEMBER')"
            " FROM pg_roles r, pg_database d"
            " WHERE r.rolname = current_user AND d.datname = current_database()"
        )
    ).one()
    if version < OLDEST:
        raise DatabaseError(f"PostgreSQL {version // 10000} is too old; WellFlow needs 15 or newer")
    if superuser:
        return
    if not owns:
        raise DatabaseError(
            f'account "{user}" does not own database "{database}";'
            f' run: ALTER DATABASE "{database}" OWNER TO "{user}"'
        )
    if not creates and not all(_has_role(connection, name) for name in ROLES):
        raise DatabaseError(
            f'account "{user}" may not create roles; run: ALTER ROLE "{user}" CREATEROLE'
        )


def make_roles(connection: Connection) -> None:
    """Make the product's roles where they are missing, and let them use the schema."""
    for name in ROLES:
        if not _has_role(connection, name):
            connection.execute(text(f"CREATE ROLE {name} NOLOGIN"))
    connection.execute(text("GRANT wellflow_owner TO CURRENT_USER"))
    connection.execute(text("GRANT USAGE, CREATE ON SCHEMA public TO wellflow_owner"))
    connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {', '.join(ROLES[1:])}"))


def make_extensions(connection: Connection) -> None:
    """Make what comes with PostgreSQL itself: btree_gist keeps stretches of time from overlapping.

    Raises `DatabaseError` where the server was installed without its contributed modules.
    """
    try:
        connection.execute(text("CREATE EXTENSION IF NOT EXISTS btree_gist"))
    except (OperationalError, NotSupportedError) as fault:
        raise DatabaseError(
            "this server lacks PostgreSQL's contributed modules;"
            " install them (Debian has them in the server's package), then migrate again"
        ) from fault


def _settle_tier(connection: Connection) -> Tier:
    """Take the best the server offers, once; later only `upgrade_tier` changes it."""
    if revision_of(connection) is None and offers_timescale(connection):
        connection.execute(text("CREATE EXTENSION IF NOT EXISTS timescaledb"))
    tier = tier_of(connection)
    if tier is Tier.COMMUNITY:
        connection.execute(text(MAKE_OWNER_LOGIN))
    return tier


def recorded_tier(connection: Connection) -> Tier | None:
    """The tier the tables were built for; None before the first migration."""
    if not connection.scalar(text("SELECT to_regclass('public.installation') IS NOT NULL")):
        return None
    value = connection.scalar(text("SELECT value->>'tier' FROM installation WHERE key = 'tier'"))
    return Tier(value) if value else None


def _changed(recorded: Tier, found: Tier) -> DatabaseError:
    return DatabaseError(
        f"the database was migrated as {recorded.title} but is {found.title} now;"
        + (
            f" run `wellflow-hub migrate --tier {found.value}`"
            if found.rank > recorded.rank
            else " restore the TimescaleDB extension and its licence"
        )
    )


def offers_timescale(connection: Connection) -> bool:
    """Whether the server could create the extension: installed, and loaded as it started."""
    available = connection.scalar(
        text("SELECT true FROM pg_available_extensions WHERE name = 'timescaledb'")
    )
    loaded = connection.scalar(text("SELECT current_setting('timescaledb.disable_load', true)"))
    return bool(available) and loaded is not None


def _run_migrations(connection: Connection, tier: Tier, revision: str) -> None:
    """Try until the tables are free for a moment; each revision is a transaction of its own."""
    engine = connection.engine.execution_options(isolation_level="READ COMMITTED")
    for pause in PAUSES:
        with engine.connect() as worker:
            worker.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
            in_use = revision_of(worker) not in {None, head()}
            worker.commit()
            config = _config()
            config.attributes.update(connection=worker, tier=tier, in_use=in_use)
            try:
                return command.upgrade(config, revision)
            except (OperationalError, psycopg.OperationalError) as fault:
                _raise_unless_passing(fault)
        time.sleep(pause)
    raise DatabaseError(IN_USE)


def _raise_unless_passing(fault: OperationalError | psycopg.OperationalError) -> None:
    """Go on only after a wait for a lock: what holds it will be done in a moment."""
    cause = fault.orig if isinstance(fault, OperationalError) else fault
    if isinstance(cause, QueryCanceled):
        raise DatabaseError(IN_USE) from fault
    if not isinstance(cause, LockNotAvailable | DeadlockDetected):
        raise fault


def _record_tier(connection: Connection, tier: Tier) -> None:
    connection.execute(text("SET ROLE wellflow_owner"))
    connection.execute(
        text(
            "INSERT INTO installation (key, value)"
            " VALUES ('tier', jsonb_build_object('tier', CAST(:tier AS text)))"
            " ON CONFLICT (key) DO NOTHING"
        ),
        {"tier": tier.value},
    )
    connection.execute(
        text("GRANT SELECT ON alembic_version TO wellflow_app, wellflow_ingest, wellflow_work")
    )
    connection.execute(text("RESET ROLE"))
