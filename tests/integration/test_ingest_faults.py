"""Crashes, outages and restores around the commit: nothing lost, nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.cast import Cast
from tests.ingest.box import Box, tags
from tests.ingest.hub import KEY, Rows, Running, running, settings_for, wait_until
from tests.servers.mosquitto import Mosquitto
from tests.servers.postgres import Database, Server

pytestmark = pytest.mark.mosquitto

NAME = "bluebonnet-pad-2"
SHARD = 2
PROGRAM = """
import sys, threading
from hub.ingest import run
from hub.settings import load
run(load(None), threading.Event())
"""


@pytest.fixture
def box(broker: Mosquitto, cast: Cast) -> Iterator[Box]:
    made = Box(broker.url(NAME), NAME, SHARD)
    yield made
    made.close()


@pytest.fixture
def rows(database: Database, cast: Cast) -> Rows:
    return Rows(database)


@contextmanager
def ledger_locked(database: Database) -> Iterator[psycopg.Connection[Any]]:
    """While this holds, a transaction comes as far as the COPY and no further."""
    with psycopg.connect(database.url) as holder:
        holder.execute("LOCK TABLE ingest_batches IN ACCESS EXCLUSIVE MODE")
        yield holder


def stuck_backends(rows: Rows) -> list[int]:
    """Backends of ingest that wait to write the ledger, their readings copied."""
    found = rows.all(
        "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'wellflow-ingest-store%%'"
        " AND wait_event_type = 'Lock' AND query LIKE '%%INSERT INTO ingest_batches%%'"
    )
    return [pid for (pid,) in found]


def test_a_backend_that_dies_between_copy_and_commit_leaves_nothing_behind(
    database: Database, broker: Mosquitto, box: Box, rows: Rows
) -> None:
    with running(database, broker) as hub:
        box.declare(tags("plc.tubing", "plc.casing"))
        box.freeze()
        box.send(1)
        first = box.wait_receipt(1)
        epoch = hub.ingest.epoch.number
        with ledger_locked(database):
            box.freeze(count=4)
            box.send(2)
            wait_until(lambda: bool(stuck_backends(rows)), "copied, not committed")
            rows.run("SELECT pg_terminate_backend(%s)", stuck_backends(rows)[0])
        box.wait_receipt(2)
        assert first.number == 1
        assert len(rows.readings()) == 2 + 8
        assert rows.doubles() == 0
        assert hub.ingest.epoch.number > epoch, "the database may have come back as an older copy"


def test_a_process_killed_between_copy_and_commit_is_followed_by_another(
    database: Database, broker: Mosquitto, box: Box, rows: Rows
) -> None:
    environ = os.environ | {
        "WELLFLOW_DATABASE_URL": database.url,
        "WELLFLOW_MQTT_URL": broker.url(),
        "WELLFLOW_SECRET_KEY": KEY,
    }
    with subprocess.Popen([sys.executable, "-c", PROGRAM], env=environ) as process:
        try:
            box.wait(lambda: bool(box.heartbeats))
            box.declare(tags("plc.tubing", "plc.casing"))
            for _ in range(3):
                box.freeze()
            box.send(1)
            box.wait_receipt(1)
            with ledger_locked(database):
                box.send(2, 3)
                wait_until(lambda: bool(stuck_backends(rows)), "copied, not committed")
                process.send_signal(signal.SIGKILL)
                process.wait(10)
                for pid in stuck_backends(rows):
                    rows.run("SELECT pg_terminate_backend(%s)", pid)
        finally:
            process.kill()
    assert len(rows.readings()) == 2
    with running(database, broker):
        box.wait_receipt(3)
    assert len(rows.readings()) == 6
    assert rows.doubles() == 0


def shut(server: Server, database: Database) -> None:
    """Take a database away, as a stopped server would."""
    name = database.url.rpartition("/")[2]
    server.run("ALTER DATABASE {} ALLOW_CONNECTIONS false", name)
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )


def test_while_the_database_is_down_everything_is_held(
    plain_server: Server, database: Database, broker: Mosquitto, cast: Cast, box: Box
) -> None:
    with running(database, broker) as hub:
        box.declare(tags("plc.tubing", "plc.casing"))
        box.freeze()
        box.send(1)
        box.wait_receipt(1)
        shut(plain_server, database)
        for _ in range(20):
            box.freeze()
            box.send(box.stream.last)
        stored = hub.ingest.count.readings
        assert box.receipt().number == 1  # type: ignore[union-attr]
        plain_server.run(
            "ALTER DATABASE {} ALLOW_CONNECTIONS true", database.url.rpartition("/")[2]
        )
        box.wait_receipt(21)
        assert stored == 2
    rows = Rows(database)
    assert len(rows.readings()) == 42
    assert rows.doubles() == 0


def test_a_hub_started_while_the_database_is_down_waits_for_it(
    plain_server: Server, database: Database, broker: Mosquitto, cast: Cast, box: Box
) -> None:
    shut(plain_server, database)
    hub = Running(settings_for(database.url, broker.url()))
    assert not hub.ingest.ready.wait(0.5)
    plain_server.run("ALTER DATABASE {} ALLOW_CONNECTIONS true", database.url.rpartition("/")[2])
    hub.ready()
    box.declare(tags("plc.tubing", "plc.casing"))
    box.freeze()
    box.send(1)
    box.wait_receipt(1)
    hub.stop()


def test_a_hub_restored_under_a_running_ingest_gets_back_what_the_backup_lacks(
    plain_server: Server, database: Database, broker: Mosquitto, cast: Cast, box: Box
) -> None:
    """The copy knows 3 blocks; 4 to 8 were receipted before it took the database's place."""
    name = database.url.rpartition("/")[2]
    backup, old = f"{name}_backup", f"{name}_old"
    with running(database, broker):
        box.declare(tags("plc.tubing", "plc.casing"))
        for number in range(1, 4):
            box.freeze()
            box.send(number)
        box.wait_receipt(3)
    database.close()
    plain_server.run("CREATE DATABASE {} TEMPLATE {}", backup, name)
    with running(database, broker) as hub:
        for number in range(4, 9):
            box.freeze()
            box.send(number)
        box.wait_receipt(8)
        before = hub.ingest.epoch.number
        shut(plain_server, database)
        plain_server.run("ALTER DATABASE {} RENAME TO {}", name, old)
        plain_server.run("ALTER DATABASE {} RENAME TO {}", backup, name)
        box.wait(lambda: any(beat.epoch > before for beat in box.heartbeats))
        box.birth()
        box.wait(lambda: bool(box.receipt() and box.receipt().number == 3))  # type: ignore[union-attr]
        assert box.answers[-1].epoch > before
        box.send(4, 8)
        box.wait_receipt(8)
        rows = Rows(database)
        assert len(rows.readings()) == 16
        assert rows.doubles() == 0
        rows.close()
    plain_server.run("DROP DATABASE {} WITH (FORCE)", old)


def test_newest_readings_that_a_crash_took_are_repaired_at_the_next_start(
    database: Database, broker: Mosquitto, box: Box, rows: Rows
) -> None:
    with running(database, broker):
        box.declare(tags("plc.tubing", "plc.casing"))
        box.freeze(count=3)
        box.send(1)
        box.wait_receipt(1)
    rows.run("UPDATE readings_latest SET time = time - interval '1 minute', value = 0")
    with running(database, broker):
        wait_until(
            lambda: (
                rows.all("SELECT value FROM readings_latest ORDER BY tag_id")
                == [(102.5,), (202.25,)]
            ),
            "repaired",
        )


def test_the_broker_may_be_killed_and_come_back(
    database: Database, broker: Mosquitto, box: Box, rows: Rows
) -> None:
    with running(database, broker) as hub:
        box.declare(tags("plc.tubing", "plc.casing"))
        box.freeze()
        box.send(1)
        box.wait_receipt(1)
        box.close()
        broker.kill()
        wait_until(lambda: not hub.ingest.ready.is_set(), "the hub notices")
        broker.start()
        hub.ready()
        again = Box(broker.url(NAME), NAME, SHARD)
        again.stream, again.at = box.stream, box.at
        again.freeze()
        again.send(1, 2)
        again.wait_receipt(2)
        again.close()
    assert len(rows.readings()) == 4
