"""How Alembic runs a migration here: as the owner of everything, and never waiting for long."""

from __future__ import annotations

from pathlib import Path

from alembic import context
from sqlalchemy import Connection, event, text

from hub.schema import Base

LOCK_TIMEOUT = "4s"  # a migration that must wait gives up, rather than hold up those behind it
STATEMENT_TIMEOUT = "60s"
QUIET = (Path(__file__).parent / "sql" / "quiet.sql").read_text("utf-8")


def hold(connection: Connection) -> None:
    """Take the tables as a migration begins, so that it never waits while it holds one."""
    connection.connection.cursor().execute(QUIET)


def run() -> None:
    """Run the migrations on the connection that `hub.migrate` hands over."""
    connection = context.config.attributes["connection"]
    connection.execute(text("SET ROLE wellflow_owner"))
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
    connection.commit()
    if context.config.attributes.get("in_use"):
        event.listen(connection, "begin", hold)
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        transaction_per_migration=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
