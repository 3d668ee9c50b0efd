"""The audit trail: every change is kept with who, when and from where, and none can be undone."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hub.database import Actor, tenant_session
from hub.schema import Agent, Alert, ContactChannel, Tag, Well
from hub.trail import history, note, recent, row_key, seal_due
from tests import cast as people
from tests.cast import Cast
from tests.everything import add_everything
from tests.servers.postgres import Database, Server, migrated


@dataclass
class House:
    """A database with both operators, and a manager who acts in Bluebonnet."""

    database: Database
    cast: Cast

    @property
    def bob(self) -> Actor:
        return Actor(self.cast.bluebonnet.manager, None, "manager", "console", "10.1.2.3")

    def session(self, actor: Actor | None = None) -> Any:
        engine = self.database.engine("app")
        return tenant_session(engine, self.cast.bluebonnet.id, actor or self.bob)

    def rename(self, name: str, well: int = 0) -> uuid.UUID:
        with self.session() as session:
            found = session.get_one(Well, self.cast.bluebonnet.wells[well])
            found.name = name
        return self.cast.bluebonnet.wells[well]

    def sql(self, statement: str, *values: Any) -> None:
        with self.database.admin() as connection:
            connection.execute(statement, values)


@pytest.fixture(scope="module")
def house(plain_server: Server) -> Iterator[House]:
    database = plain_server.fresh(migrated)
    cast = people.engage(database.engine("owner"))
    yield House(database, cast)
    plain_server.drop(database)


def test_a_change_says_who_when_from_where_before_and_after(house: House) -> None:
    well = house.rename("Renamed 1H")
    with house.session() as session:
        change = history(session, "wells", well)[0]
        now = session.scalar(text("SELECT now()"))
    assert (change.verb, change.user_name, change.door, change.address) == (
        *("update", "Bob", "console"),
        "10.1.2.3",
    )
    assert (change.before, change.after) == ({"name": "Bluebonnet 1H"}, {"name": "Renamed 1H"})
    assert 0 <= (now - change.at).total_seconds() < 60


def test_what_changes_nothing_leaves_no_entry(house: House) -> None:
    well = house.cast.bluebonnet.wells[1]
    with house.session() as session:
        entries = len(history(session, "wells", well))
        session.execute(text("UPDATE wells SET name = name, updated_at = now()"))
        assert len(history(session, "wells", well)) == entries


def test_a_new_row_and_a_deleted_one_are_kept_whole(house: House) -> None:
    with house.session() as session:
        well = Well(
            organization_id=house.cast.bluebonnet.id, name="Short lived", lat="31.5", lon="-103.5"
        )
        session.add(well)
        session.flush()
        session.delete(well)
        session.flush()
        gone, made = history(session, "wells", well.id)
    assert made.after["name"] == gone.before["name"] == "Short lived"
    assert made.after["lat"] == 31.5
    assert (made.verb, made.before, gone.verb, gone.after) == ("insert", {}, "delete", {})


def test_secrets_never_appear(house: House) -> None:
    cast, owner = house.cast, house.database.engine("owner")
    with house.session() as session:
        channel = ContactChannel(
            organization_id=cast.bluebonnet.id,
            kind="webhook",
            address="https://example.com/hook",
            secret=b"very secret",
        )
        session.add(channel)
        session.flush()
        key = channel.id
        channel.secret = b"another secret"
    with owner.begin() as connection:
        connection.execute(
            text("UPDATE users SET password_hash = 'h', phone = '+1 432' WHERE id = :id"),
            {"id": cast.bluebonnet.pumper},
        )
        kept = connection.execute(
            text("SELECT before, after FROM audit_log WHERE row_id IN (:channel, :user)"),
            {"channel": key, "user": cast.bluebonnet.pumper},
        ).all()
    words = str(kept)
    assert words.count("(sealed)") == 6
    assert "+1 432" in words
    assert b"secret".hex() not in words
    assert "argon2" not in words


def test_of_what_programs_keep_up_to_date_only_decisions_of_people_are_kept(house: House) -> None:
    cast = house.cast.bluebonnet
    with house.database.engine("ingest").begin() as connection:
        connection.execute(
            text("UPDATE agents SET heard_at = now(), online = true WHERE id = :id"),
            {"id": cast.agents[0]},
        )
    with house.session() as session:
        version = session.get_one(Agent, cast.agents[0]).row_version
        assert [c.verb for c in history(session, "agents", cast.agents[0])] == ["insert"]
        session.get_one(Agent, cast.agents[0]).well_id = cast.wells[1]
        session.get_one(Tag, cast.tags[0]).measure = "line_pressure"
        session.flush()
        assert history(session, "agents", cast.agents[0])[0].after == {
            "well_id": str(cast.wells[1])
        }
        assert history(session, "tags", row_key(cast.tags[0]))[0].after == {
            "measure": "line_pressure"
        }
        session.expire_all()
        assert session.get_one(Agent, cast.agents[0]).row_version == version + 1


def test_of_alerts_it_keeps_what_people_did(house: House, plain_server: Server) -> None:
    with house.database.engine("owner").begin() as connection:
        alert = add_everything(connection, house.cast.bluebonnet)["alerts"]["id"]
    with house.database.engine("work").begin() as connection:
        connection.execute(text("UPDATE alerts SET value = 4711"))
    with house.session() as session:
        session.get_one(Alert, alert).ack = "acked"
        session.flush()
        assert [change.after for change in history(session, "alerts", alert)] == [{"ack": "acked"}]


def test_a_person_of_another_operator_reads_nothing_of_it(house: House) -> None:
    well = house.rename("Seen by us alone")
    other = tenant_session(house.database.engine("app"), house.cast.cimarron.id)
    with other as session:
        assert history(session, "wells", well) == []
        assert all("Seen by us" not in str(change.after) for change in recent(session, 1000))


def test_an_act_without_a_change_is_noted_for_ones_own_operator_only(house: House) -> None:
    row = uuid.uuid4()
    with house.session() as session:
        note(session, "bank_accounts", row, "reveal", {"column": "account_no"})
        [change] = history(session, "bank_accounts", row)
    assert (change.verb, change.user_name, change.after) == (
        *("reveal", "Bob"),
        {"column": "account_no"},
    )
    for verb in ("update", "delete", "insert", "made_up"):
        with pytest.raises(DBAPIError), house.session() as session:
            note(session, "wells", row, verb, {})
    with pytest.raises(DBAPIError), Session(house.database.engine("app")) as session:
        note(session, "wells", row, "reveal", {})


@pytest.mark.parametrize("role", ["app", "work", "ingest"])
@pytest.mark.parametrize("table", ["audit_log", "audit_seals"])
def test_nobody_who_serves_can_change_or_delete_it(house: House, table: str, role: str) -> None:
    column = "door" if table == "audit_log" else "number"
    for statement in (
        f"UPDATE {table} SET {column} = {column}",
        f"DELETE FROM {table}",
        f"TRUNCATE {table}",
    ):
        engine = house.database.engine(role)  # type: ignore[arg-type]
        with pytest.raises(DBAPIError, match="permission denied"), engine.begin() as connection:
            connection.execute(text(statement))
    insert = "INSERT INTO audit_log (table_name, verb) VALUES ('wells', 'update')"
    engine = house.database.engine(role)  # type: ignore[arg-type]
    with pytest.raises(DBAPIError, match="permission denied"), engine.begin() as connection:
        connection.execute(text(insert))


def test_only_what_is_committed_for_everybody_is_sealed(house: House) -> None:
    """What is still under way holds up what was begun after it: nothing comes between later."""
    work = house.database.engine("work")
    seal_due(work)
    with house.session() as early:
        early.get_one(Well, house.cast.bluebonnet.wells[0]).name = "Under way"
        early.flush()
        house.rename("Done meanwhile", 1)
        assert seal_due(work) == 0
    assert seal_due(work) == 2
    assert seal_due(work) == 0


def test_writers_never_wait_for_one_another(house: House) -> None:
    with house.session() as first:
        first.get_one(Well, house.cast.bluebonnet.wells[0]).site = "A"
        first.flush()
        other = threading.Thread(target=house.rename, args=("At once", 1))
        other.start()
        other.join(5)
        assert not other.is_alive()


def test_batches_leave_no_gap_and_each_operator_has_a_chain_of_its_own(house: House) -> None:
    work = house.database.engine("work")
    seal_due(work)
    for number in range(7):
        house.rename(f"Batch {number}")
    assert seal_due(work, batch=3) == 7
    with house.database.admin() as connection:
        chains = connection.execute(
            "SELECT organization_id, min(number), max(number), count(*) FROM audit_seals GROUP BY 1"
        ).fetchall()
        unsealed = connection.execute(
            "SELECT count(*) FROM audit_log WHERE id NOT IN (SELECT entry_id FROM audit_seals)"
        ).fetchone()
    assert unsealed == (0,)
    assert {house.cast.bluebonnet.id, house.cast.cimarron.id, None} <= {row[0] for row in chains}
    assert all((low, high) == (1, count) for _, low, high, count in chains)


def test_a_database_from_another_life_is_sealed_to_its_end(house: House) -> None:
    """After a restore transactions count anew: old entries carry numbers of the future."""
    work = house.database.engine("work")
    seal_due(work)
    well = house.rename("Before the restore")
    house.sql(
        "UPDATE audit_log SET xid = xid + 1000000000 WHERE row_id = %s AND id ="
        " (SELECT max(id) FROM audit_log)",
        well,
    )
    house.sql("UPDATE audit_progress SET xid = xid + 1000000000")
    house.rename("After it", 1)
    assert seal_due(work) == 2
    house.rename("And later", 1)
    assert seal_due(work) == 1


def test_entries_are_listed_newest_first_page_by_page(house: House) -> None:
    with house.session() as session:
        first = recent(session, 3)
        then = recent(session, 3, before=first[-1].id)
        mine = recent(session, 50, table="wells", user_id=house.cast.bluebonnet.manager)
    ids = [change.id for change in first + then]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 6
    assert {(change.table, change.user_name) for change in mine} == {("wells", "Bob")}


def test_a_pumper_reads_of_it_what_he_did_himself(house: House) -> None:
    pumper = Actor(house.cast.bluebonnet.pumper, None, "pumper", "console", "")
    with house.session(pumper) as session:
        assert recent(session, 1000) == []
        note(session, "wells", None, "note", {"said": "by me"})
        assert [change.after for change in recent(session, 1000)] == [{"said": "by me"}]
