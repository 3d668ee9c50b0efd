"""The audit trail: every change is kept with who, when and from where, and none can be undone."""

from __future__ import annotations

import base64
import json
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hub.__main__ import main
from hub.cli.screen import Exit
from hub.database import Actor, tenant_session
from hub.schema import Agent, Alert, ContactChannel, Lease, Tag, Well
from hub.trail import history, note, recent, row_key, seal_due
from hub.trail.verify import ChainReport, Head, heads, parse_head, verify
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

    def unsealed(self) -> int:
        with self.database.admin() as connection:
            [count] = connection.execute(
                "SELECT count(*) FROM audit_log WHERE id NOT IN (SELECT entry_id FROM audit_seals)"
            ).fetchone() or (0,)
        return int(count)

    def sql(self, statement: str, *values: Any) -> None:
        with self.database.admin() as connection:
            connection.execute(statement, values)


@pytest.fixture(scope="module")
def house(plain_server: Server) -> Iterator[House]:
    database = plain_server.fresh(migrated)
    cast = people.engage(database.engine("owner"))
    yield House(database, cast)
    plain_server.drop(database)


def seal(house: House, due: int = 0, *, batch: int = 10_000) -> None:
    """Seal all there is, waiting for what else runs on the server: the horizon is the server's."""
    work, total, until = house.database.engine("work"), 0, time.monotonic() + 20
    while (total := total + seal_due(work, batch=batch)) < due or house.unsealed():
        assert time.monotonic() < until, f"{total} of {due} sealed"
        time.sleep(0.02)
    assert total == due or not due


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
        lease = Lease(organization_id=house.cast.bluebonnet.id, name="Short lived", state="TX")
        session.add(lease)
        session.flush()
        session.delete(lease)
        session.flush()
        gone, made = history(session, "leases", lease.id)
    assert made.after["name"] == gone.before["name"] == "Short lived"
    assert made.after["state"] == "TX"
    assert "created_at" not in made.after
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


def test_of_alerts_it_keeps_what_people_did(house: House) -> None:
    with house.database.engine("owner").begin() as connection:
        alert = add_everything(connection, house.cast.bluebonnet)["alerts"]["id"]
        connection.execute(text("DELETE FROM audit_seals"))
        connection.execute(text("DELETE FROM audit_log WHERE table_name LIKE 'table-name%'"))
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
    seal(house)
    with house.session() as early:
        early.get_one(Well, house.cast.bluebonnet.wells[0]).name = "Under way"
        early.flush()
        house.rename("Done meanwhile", 1)
        assert seal_due(house.database.engine("work")) == 0
    seal(house, 2)
    assert seal_due(house.database.engine("work")) == 0


def test_writers_never_wait_for_one_another(house: House) -> None:
    with house.session() as first:
        first.get_one(Well, house.cast.bluebonnet.wells[0]).site = "A"
        first.flush()
        other = threading.Thread(target=house.rename, args=("At once", 1))
        other.start()
        other.join(5)
        assert not other.is_alive()


def test_batches_leave_no_gap_and_each_operator_has_a_chain_of_its_own(house: House) -> None:
    seal(house)
    for number in range(7):
        house.rename(f"Batch {number}")
    seal(house, 7, batch=3)
    with house.database.admin() as connection:
        chains = connection.execute(
            "SELECT organization_id, min(number), max(number), count(*) FROM audit_seals GROUP BY 1"
        ).fetchall()
    assert {house.cast.bluebonnet.id, house.cast.cimarron.id, None} <= {row[0] for row in chains}
    assert all((low, high) == (1, count) for _, low, high, count in chains)


def test_a_database_from_another_life_is_sealed_to_its_end(house: House) -> None:
    """After a restore transactions count anew: old entries carry numbers of the future."""
    seal(house)
    well = house.rename("Before the restore")
    house.sql(
        "UPDATE audit_log SET xid = xid + 1000000000 WHERE row_id = %s AND id ="
        " (SELECT max(id) FROM audit_log)",
        well,
    )
    house.sql("UPDATE audit_progress SET xid = xid + 1000000000")
    house.rename("After it", 1)
    seal(house, 2)
    house.rename("And later", 1)
    seal(house, 1)


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


# ------------------------------------------------------------------------------------ verified


@pytest.fixture
def sealed(house: House) -> Iterator[House]:
    """The house, all sealed; what a test does to its trail is put back."""
    house.rename(f"Sealed {uuid.uuid4().hex[:6]}")
    seal(house)
    house.sql("CREATE TABLE kept_log AS TABLE audit_log")
    house.sql("CREATE TABLE kept_seals AS TABLE audit_seals")
    yield house
    house.sql("TRUNCATE audit_log, audit_seals")
    house.sql("INSERT INTO audit_log OVERRIDING SYSTEM VALUE SELECT * FROM kept_log")
    house.sql("INSERT INTO audit_seals SELECT * FROM kept_seals")
    house.sql("DROP TABLE kept_log, kept_seals")


def verified(house: House, *kept: Head) -> ChainReport:
    reports = verify(house.database.engine("owner"), kept=kept)
    [own] = [report for report in reports if report.slug == "bluebonnet"]
    assert all(report.ok for report in reports if report is not own)
    return own


def entry_in_the_middle(house: House) -> int:
    with house.database.admin() as connection:
        rows = connection.execute(
            "SELECT entry_id FROM audit_seals WHERE organization_id = %s ORDER BY number",
            [house.cast.bluebonnet.id],
        ).fetchall()
    return int(rows[len(rows) // 2][0])


def test_a_whole_trail_is_whole(sealed: House) -> None:
    report = verified(sealed)
    assert report.faults == []
    assert report.unsealed == 0
    assert report.head is not None
    assert report.entries == report.head.number > 20


TAMPERING = [
    """UPDATE audit_log SET after = '{"name": "Never so"}' WHERE id = {entry}""",
    "UPDATE audit_log SET at = at + interval '1 microsecond' WHERE id = {entry}",
    "UPDATE audit_log SET user_id = gen_random_uuid() WHERE id = {entry}",
    "UPDATE audit_log SET door = 'api' WHERE id = {entry}",
    "UPDATE audit_seals SET hash = sha256(hash) WHERE entry_id = {entry}",
    "DELETE FROM audit_log WHERE id = {entry}",
    "DELETE FROM audit_seals WHERE entry_id = {entry}",
    """UPDATE audit_log SET before = (SELECT o.before FROM audit_log o WHERE o.id = {entry} - 1),
       after = '{{}}' WHERE id = {entry}""",
]


@pytest.mark.parametrize("statement", TAMPERING)
def test_whatever_is_done_to_an_entry_is_found_and_named(sealed: House, statement: str) -> None:
    entry = entry_in_the_middle(sealed)
    sealed.sql(statement.replace("{entry}", str(entry)).replace("{{}}", "{}"))
    report = verified(sealed)
    assert not report.ok
    assert str(entry) in report.faults[0] or "is missing; the next one" in report.faults[0]


def test_two_entries_exchanged_are_found(sealed: House) -> None:
    entry = entry_in_the_middle(sealed)
    with sealed.database.admin() as connection:
        [(other,)] = connection.execute(
            "SELECT entry_id FROM audit_seals WHERE organization_id = %s AND entry_id < %s"
            " ORDER BY number DESC LIMIT 1",
            [sealed.cast.bluebonnet.id, entry],
        ).fetchall()
    for was, becomes in ((entry, -1), (other, entry), (-1, other)):
        sealed.sql("UPDATE audit_seals SET entry_id = %s WHERE entry_id = %s", becomes, was)
    assert f"entry {entry}" in verified(sealed).faults[0]


def test_a_chain_written_anew_is_told_by_a_head_kept_elsewhere(sealed: House) -> None:
    """Somebody with every right on the database: changes an entry, and seals all of it again."""
    kept = [h for h in heads(sealed.database.engine("owner")) if h.slug == "bluebonnet"]
    entry = entry_in_the_middle(sealed)
    sealed.rename("One more")
    sealed.sql("UPDATE audit_log SET door = 'api' WHERE id = %s", entry)
    sealed.sql("TRUNCATE audit_seals, audit_progress")
    seal_due(sealed.database.engine("work"))
    assert verified(sealed).ok, "by itself the chain is whole"
    assert "is not the head that was kept" in verified(sealed, *kept).faults[0]


def test_an_end_cut_off_is_told_by_a_head_kept_elsewhere(sealed: House) -> None:
    [kept] = [h for h in heads(sealed.database.engine("owner")) if h.slug == "bluebonnet"]
    sealed.sql(
        "WITH cut AS (DELETE FROM audit_seals WHERE organization_id = %s AND number = %s"
        " RETURNING entry_id) DELETE FROM audit_log WHERE id IN (SELECT entry_id FROM cut)",
        *(sealed.cast.bluebonnet.id, kept.number),
    )
    assert verified(sealed).ok, "by itself the chain is whole"
    assert "its end was cut off" in verified(sealed, parse_head(str(kept))).faults[0]


def test_what_waits_too_long_for_its_seal_is_told(sealed: House) -> None:
    sealed.rename("Slipped in")
    assert verified(sealed).ok
    assert verified(sealed).unsealed == 1
    sealed.sql(
        "UPDATE audit_log SET at = at - interval '1 hour'"
        " WHERE id = (SELECT max(id) FROM audit_log)"
    )
    assert "have not been sealed" in verified(sealed).faults[0]


def test_the_command_line_verifies_and_prints_heads(
    sealed: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WELLFLOW_DATABASE_URL", sealed.database.url)
    monkeypatch.setenv("WELLFLOW_MQTT_URL", "mqtt://127.0.0.1:1")
    monkeypatch.setenv("WELLFLOW_SECRET_KEY", base64.b64encode(bytes(32)).decode())
    assert main(["audit", "verify", "--head", "--organization", "bluebonnet"]) == Exit.DONE
    head = capsys.readouterr().out.strip()
    assert main(["audit", "verify", "--kept", head]) == Exit.DONE
    assert "The trail is whole." in capsys.readouterr().out
    sealed.sql("DELETE FROM audit_log WHERE id = %s", entry_in_the_middle(sealed))
    assert main(["audit", "verify", "--json"]) == Exit.FAILED
    answer = json.loads(capsys.readouterr().out)
    assert [chain["ok"] for chain in answer["chains"]] == [False, True, True]
    assert main(["audit", "verify", "--kept", "nonsense"]) == Exit.FAILED
    assert "is not a head" in capsys.readouterr().err
