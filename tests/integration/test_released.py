"""The release before works on today's tables, and its database becomes today's while it works."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Engine, MetaData, select, text

from hub.database import Tier, act_for
from hub.migrate import migrate, script_folder
from tests.cast import Operator
from tests.everything import add_everything, add_row, key_of
from tests.released import replay
from tests.servers.postgres import Database, Server, migrated


def silent(_line: str) -> None:
    """Say nothing."""


def first_release(address: str) -> Tier:
    """Prepare a database as release 0001 made it."""
    return migrate(address, say=silent, revision="0001")


def tables_of(engine: Engine) -> MetaData:
    """The tables of release 0001 as its migrations made them; the readings depend on the tier."""
    found = MetaData()
    found.reflect(engine, only=sorted(replay.columns("0001").keys() - {"readings"}))
    return found


def operator_in(engine: Engine, name: str) -> Operator:
    """An operator of whom there is no more than the name."""
    with engine.begin() as connection:
        slug = name.lower()
        key = connection.scalar(
            text("INSERT INTO organizations (name, slug) VALUES (:n, :s) RETURNING id"),
            {"n": name, "s": slug},
        )
        return Operator(key, name, key, key, key, key)


@dataclass
class Old:
    """What release 0001 made and asked, and what it was answered at the time."""

    metadata: MetaData
    referred: replay.Referred
    answered: dict[str, str]


def rows_of(database: Database, metadata: MetaData) -> tuple[Operator, dict[str, dict[str, Any]]]:
    """A new operator and its rows in tables of a release."""
    operator = operator_in(database.engine("owner"), "Dogwood")
    with database.engine("owner").begin() as connection:
        rows = add_everything(connection, operator, metadata)
    user = rows["memberships"]["user_id"]
    return operator, rows | {"organizations": {"id": operator.id}, "users": {"id": user}}


@pytest.fixture(scope="module")
def old(plain_server: Server) -> Iterator[Old]:
    database = plain_server.fresh(first_release)
    metadata = tables_of(database.engine("owner"))
    operator, rows = rows_of(database, metadata)
    asked = replay.statements("0001")
    referred = replay.Referred.in_tables(metadata)
    yield Old(metadata, referred, replay.ask(database.url, asked, operator.id, rows, referred))
    plain_server.drop(database)


@pytest.mark.parametrize("revision", replay.recorded())
def test_every_statement_of_the_release_before_is_answered_as_then(
    plain_server: Server, old: Old, revision: str
) -> None:
    database = plain_server.fresh(migrated)
    operator, rows = rows_of(database, old.metadata)
    came = replay.ask(database.url, replay.statements(revision), operator.id, rows, old.referred)
    worse = {sql: answer for sql, answer in came.items() if answer and answer != old.answered[sql]}
    plain_server.drop(database)
    assert worse == {}
    assert Counter(bool(answer) for answer in came.values())[True] < len(came) / 10


def test_the_columns_of_the_release_before_suffice_for_a_row_of_every_table(
    plain_server: Server, old: Old
) -> None:
    """Written, read and changed through the old columns alone."""
    database = plain_server.fresh(migrated)
    operator, rows = rows_of(database, old.metadata)
    with database.engine("owner").connect() as connection:
        for name, row in rows.items():
            table = old.metadata.tables[name]
            here = key_of(table, row)
            assert connection.execute(select(*table.c).where(here)).one()
    with database.engine("owner").begin() as connection:
        again = {
            table.name: add_row(connection, table, operator.id)
            for table in old.metadata.sorted_tables
            if table.name in {"leases", "wells", "equipment", "alerts", "agents", "tags"}
        }
    assert len(again) == 6
    plain_server.drop(database)


# ------------------------------------------------------------------ while it works


@dataclass
class Shift:
    """Programs of the old release at work until told to stop, and what went wrong."""

    done: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def ask_all(self, url: str, old: Old, operator: Operator, rows: replay.Rows) -> None:
        """Ask everything the old release asks, again and again."""
        asked = replay.statements("0001")
        while not self.over.is_set():
            came = replay.ask(url, asked, operator.id, rows, old.referred)
            self.done["asked"] += len(came)
            self.faults += [
                f"{answer}: {sql}"
                for sql, answer in came.items()
                if answer and answer != old.answered[sql]
            ]

    def write(self, engine: Engine, operator: Operator, rows: replay.Rows) -> None:
        """Store an event of an alert and a newest value, each kept for good."""
        values = {"o": operator.id, "alert": rows["alerts"]["id"], "tag": rows["tags"]["id"]}
        while not self.over.is_set():
            try:
                with engine.begin() as connection:
                    act_for(connection, operator.id)
                    for statement in WRITTEN:
                        connection.execute(text(statement), values)
                self.done["written"] += 1
            except Exception as fault:  # noqa: BLE001 - whatever it is, it is told
                self.faults.append(f"writer: {fault}")
            time.sleep(0.002)


WRITTEN = (
    "INSERT INTO alert_events (organization_id, alert_id, kind) VALUES (:o, :alert, 'note')",
    "UPDATE wells SET status = 'producing'",
    "UPDATE leases SET county = 'Reeves'",
)
FILLED = """
    INSERT INTO alert_events (organization_id, alert_id, at, kind)
    SELECT :o, :alert, now(), 'note' FROM generate_series(1, 50000);
"""
#: Tables of which an operator has hundreds of rows, not millions: they may be written anew, which
#: takes milliseconds. Each was given a generated column of words to search.
FEW = {"leases", "wells", "equipment"}
FILES = "SELECT relname, pg_relation_filenode(oid) FROM pg_class WHERE relname = ANY(%s)"


def test_a_busy_database_of_the_release_before_is_migrated_without_a_fault(
    tier_server: Server, old: Old
) -> None:
    """Every old program works on through it, and no table with many rows is written anew."""
    database = tier_server.fresh(first_release)
    operator, rows = rows_of(database, old.metadata)
    with database.engine("owner").begin() as connection:
        connection.execute(text(FILLED), {"o": operator.id, "alert": rows["alerts"]["id"]})
    many = sorted(old.metadata.tables.keys() - FEW)
    with database.admin() as connection:
        before = dict(connection.execute(FILES, [many]).fetchall())
    shift = Shift()
    app = database.engine("app")
    workers = [
        threading.Thread(target=shift.ask_all, args=(database.url, old, operator, rows)),
        threading.Thread(target=shift.write, args=(app, operator, rows)),
    ]
    for worker in workers:
        worker.start()
    try:
        time.sleep(0.3)
        migrate(database.admin_url, say=silent)
        time.sleep(0.3)
    finally:
        shift.over.set()
        for worker in workers:
            worker.join()
    with database.admin() as connection:
        after = dict(connection.execute(FILES, [many]).fetchall())
        kept = connection.execute("SELECT count(*) FROM alert_events").fetchone()
    tier_server.drop(database)
    assert shift.faults == []
    assert after == before, "a table was written anew"
    assert kept is not None
    assert kept[0] >= 50_000 + shift.done["written"]
    assert shift.done["written"] > 20
    assert shift.done["asked"] > 100


def test_a_migration_holds_tables_and_views_before_it_changes_any(tiered: Database) -> None:
    """Who reads a view holds it while waiting for a table: taken later, it would be a deadlock."""
    quiet = (script_folder() / "sql" / "quiet.sql").read_text("utf-8")
    with tiered.engine("owner").begin() as connection:
        connection.connection.cursor().execute(quiet)  # as it is: its percent signs are no places
        held = set(connection.scalars(text(HELD)))
    assert {"reading_points", "reading_hours", "reading_days", "suspense"} <= held
    assert {"wells", "alerts", "production_records", "ingest_batches"} <= held
    assert "readings" not in held


HELD = """
    SELECT c.relname FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
    WHERE l.pid = pg_backend_pid() AND l.mode = 'AccessExclusiveLock' AND l.granted
"""
