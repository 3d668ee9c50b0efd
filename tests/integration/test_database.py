"""Connections that are kept: one whose server has gone is replaced before anybody meets it."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from hub.database import connect
from tests.servers.postgres import Database


@pytest.fixture
def engine(database: Database) -> Engine:
    return connect(database.url, "app", pool=3)


def backend(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT pg_backend_pid()")) or 0)


def end(database: Database, *pids: int) -> None:
    with database.admin() as admin:
        for pid in pids:
            admin.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def test_a_kept_connection_is_taken_again(engine: Engine) -> None:
    assert backend(engine) == backend(engine)


def test_a_connection_that_the_server_ended_is_replaced(engine: Engine, database: Database) -> None:
    before = backend(engine)
    end(database, before)
    assert backend(engine) not in {0, before}


def test_all_kept_connections_may_be_gone_at_once(engine: Engine, database: Database) -> None:
    first, second, third = (engine.connect() for _ in range(3))
    gone = [int(c.scalar(text("SELECT pg_backend_pid()")) or 0) for c in (first, second, third)]
    for connection in (first, second, third):
        connection.close()
    end(database, *gone)
    with engine.connect() as one, engine.connect() as two, engine.connect() as three:
        found = [c.scalar(text("SELECT pg_backend_pid()")) for c in (one, two, three)]
    assert not set(found) & set(gone)


def test_a_server_that_only_talks_keeps_its_connection(engine: Engine, database: Database) -> None:
    """A parameter that is reported, as on a reload: something has come in, and all is well."""
    with engine.connect() as connection:
        connection.execute(text("LISTEN wellflow_probe"))
        connection.commit()
        before = int(connection.scalar(text("SELECT pg_backend_pid()")) or 0)
    with database.admin() as admin:
        admin.execute("NOTIFY wellflow_probe")
    assert backend(engine) == before
