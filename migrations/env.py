"""How Alembic runs a migration here: as the owner of everything, and never waiting for long."""

from __future__ import annotations

from alembic import context
from sqlalchemy import text

from hub.schema import Base

LOCK_TIMEOUT = "4s"  # a migration that must wait gives up, rather than hold up those behind it
STATEMENT_TIMEOUT = "60s"


def run() -> None:
    """Run the migrations on the connection that `hub.migrate` hands over."""
    connection = context.config.attributes["connection"]
    connection.execute(text("SET ROLE wellflow_owner"))
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        transaction_per_migration=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
