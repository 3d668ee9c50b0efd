"""People: who works for whom, as what, and what of it a pumper sees."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hub.console import sessions
from hub.database import Actor, tenant_session
from hub.schema import (
    Agent,
    Alert,
    AlertEvent,
    AlertRule,
    AuditEntry,
    Equipment,
    LatestReading,
    Lease,
    LeaseAssignment,
    Membership,
    Tag,
    User,
    Well,
)
from hub.trail import recent
from tests.cast import PASSWORD, Cast, assign
from tests.console import open_console, read, signed_in
from tests.servers.postgres import Database, Server
from tests.staff import House, add, open_house
from tests.telemetry import settle, store, wave


@pytest.fixture(scope="module")
def house(plain_server: Server) -> Iterator[House]:
    with open_house(plain_server) as house:
        yield house


# ----------------------------------------------------------------------------------------- routes


SEEN: dict[str, Callable[[House], Any]] = {
    "leases": lambda house: Lease.id == house.far["lease"],
    "wells": lambda house: Well.id == house.far["well"],
    "equipment": lambda house: Equipment.id == house.far["equipment"]["id"],
    "agents": lambda house: Agent.id == house.far["agents"]["id"],
    "tags": lambda house: Tag.id == house.far["tags"]["id"],
    "alerts": lambda house: Alert.id == house.far["alerts"]["id"],
    "alert_events": lambda house: AlertEvent.alert_id == house.far["alerts"]["id"],
    "alert_rules": lambda house: AlertRule.tag_id == house.far["tags"]["id"],
    "readings_latest": lambda house: LatestReading.tag_id == house.far["tags"]["id"],
}


@pytest.mark.parametrize("table", SEEN)
def test_a_pumper_sees_nothing_off_his_route_others_see_all(house: House, table: str) -> None:
    query = select(func.count()).where(SEEN[table](house))
    with house.session("pumper") as session:
        assert session.scalar(query) == 0
    for role in ("owner", "manager", "accountant", "viewer"):
        with house.session(role) as session:
            assert session.scalar(query) > 0, role


def test_a_pumper_sees_what_is_on_his_route(house: House) -> None:
    own = house.cast.bluebonnet
    with house.session("pumper") as session:
        assert set(session.scalars(select(Lease.id))) == {own.lease}
        assert set(session.scalars(select(Well.id))) == set(own.wells)
        assert set(own.tags) <= set(session.scalars(select(Tag.id)))
        assert set(own.agents) <= set(session.scalars(select(Agent.id)))


@pytest.mark.parametrize("table", [Lease, Well, Equipment, Alert])
def test_a_pumper_changes_nothing_off_his_route(house: House, table: Any) -> None:
    place = {Lease: house.far["lease"], Well: house.far["well"]}
    key = place.get(table) or house.far[table.__tablename__]["id"]
    column = "row_version" if table is Alert else "name"
    with house.session("pumper") as session:
        done = session.execute(
            text(f"UPDATE {table.__tablename__} SET {column} = {column} WHERE id = :id"),
            {"id": key},
        )
        assert done.rowcount == 0
    with pytest.raises(DBAPIError, match="row-level security"), house.session("pumper") as session:
        session.execute(
            text("UPDATE wells SET lease_id = :far WHERE id = :own"),
            {"far": house.far["lease"], "own": house.cast.bluebonnet.wells[0]},
        )


def test_a_route_holds_from_its_first_day_to_its_last(house: House) -> None:
    today = datetime.now(UTC).date()
    spans = [
        (today - timedelta(days=9), None, True),
        (today - timedelta(days=9), today + timedelta(days=2), True),
        (today - timedelta(days=9), today - timedelta(days=2), False),
        (today + timedelta(days=2), None, False),
    ]
    carl = house.member(house.cast.bluebonnet.pumper)
    for first, last, seen in spans:
        with Session(house.database.engine("owner")) as session, session.begin():
            session.add(
                LeaseAssignment(
                    organization_id=house.cast.bluebonnet.id,
                    membership_id=carl,
                    lease_id=house.far["lease"],
                    from_day=first,
                    to_day=last,
                )
            )
        with house.session("pumper") as session:
            found = session.get(Well, house.far["well"])
        assert (found is not None) == seen, (first, last)
        house.sql("DELETE FROM lease_assignments WHERE lease_id = :far", far=house.far["lease"])


def test_a_pumper_without_a_route_or_a_membership_sees_nothing(house: House) -> None:
    nobody = Actor(house.cast.bluebonnet.pumper, None, "pumper", "console", "")
    engine = house.database.engine("app")
    with tenant_session(engine, house.cast.bluebonnet.id, nobody) as session:
        assert session.scalar(select(func.count()).select_from(Well)) == 0


def test_a_route_with_one_operator_shows_nothing_of_the_other(house: House) -> None:
    """Gus pumps for both: his membership here opens no lease there."""
    cast = house.cast
    here = Actor(cast.both, house.member(cast.both), "pumper", "console", "")
    with tenant_session(house.database.engine("app"), cast.cimarron.id, here) as session:
        assert session.scalars(select(Lease.id)).all() == []


def test_readings_off_the_route_show_in_no_view(tiered: Database, tiered_cast: Cast) -> None:
    own = tiered_cast.bluebonnet
    start = datetime.now(UTC) - timedelta(days=2)
    for tag in own.tags[:2]:
        store(tiered, own, wave(tag, start, 200))
    settle(tiered)
    with Session(tiered.engine("owner")) as session, session.begin():
        member = session.scalar(select(Membership.id).where(Membership.user_id == own.pumper))
        well = Well(organization_id=own.id, name="Far 1")
        session.add(well)
        session.flush()
        session.get_one(Tag, own.tags[1]).well_id = well.id
    roles = {"pumper": {own.tags[0]}, "manager": set(own.tags[:2])}
    for role, expected in roles.items():
        who = Actor(own.pumper, member, role, "console", "")
        with tenant_session(tiered.engine("app"), own.id, who) as session:
            for view in ("reading_points", "reading_hours", "reading_days"):
                seen = set(session.scalars(text(f"SELECT DISTINCT tag_id FROM {view}")))
                assert seen == expected, (view, role)


# ---------------------------------------------------------------------------------------- console


@pytest.fixture(scope="module")
def app(house: House) -> Flask:
    return open_console(house.database)


@pytest.mark.parametrize("person", ["bob", "carl"])
def test_pages_show_a_pumper_his_route_and_a_manager_all(
    house: House, app: Flask, person: str
) -> None:
    """The manager looks first: answers that are kept for him must not be shown to the pumper."""
    house.sql("UPDATE alerts SET closed_at = NULL, ack = 'unacked', message = 'Far trouble'")
    browser, manager = signed_in(app, person), signed_in(app, "bob")
    for path in ("/", "/alerts", "/agents"):
        manager.get(path)
    sees = person == "bob"
    assert ("Far 1" in read(browser.get("/"))) == sees
    assert "Bluebonnet 1H" in read(browser.get("/"))
    assert ("Far trouble" in read(browser.get("/alerts"))) == sees
    found = browser.get(f"/wells/{house.far['well']}").status_code
    assert found == (200 if sees else 404)
    assert browser.get(f"/wells/{house.cast.bluebonnet.wells[0]}").status_code == 200
    alert = browser.get(f"/alerts/{house.far['alerts']['id']}").status_code
    assert alert == (200 if sees else 404)


def test_what_a_person_does_in_the_console_is_told_with_name_and_address(
    house: House, app: Flask
) -> None:
    bob = signed_in(app, "bob")
    well = house.cast.bluebonnet.wells[0]
    form = bob.get(f"/wells/{well}/edit")
    version = re.search(r'name="row_version" value="(\d+)"', form.get_data(as_text=True))
    assert version
    fields = {"name": "Seen in the trail", "row_version": version[1], "status": "producing"}
    answer = bob.post(f"/wells/{well}/edit", fields | {"well_type": "oil"})
    assert answer.status_code == 303, read(answer)
    with house.session("manager") as session:
        change = next(c for c in recent(session, 20) if c.table == "wells")
    assert (change.user_name, change.door, change.address) == ("Bob", "console", "127.0.0.1")
    assert change.after["name"] == "Seen in the trail"


def test_one_sign_in_works_for_both_operators_switched_in_one_tap(house: House, app: Flask) -> None:
    gus = signed_in(app, "gus")
    page = gus.get("/").get_data(as_text=True)
    other = house.cast.cimarron
    assert f'action="/work-for/{other.id}"' in page, "the switch stands on every page"
    assert gus.post(f"/work-for/{other.id}").status_code == 303
    assert "Cimarron 1H" in read(gus.get("/"))
    assert "Bluebonnet" not in read(gus.get("/agents")).replace("Bluebonnet Energy", "")


# ------------------------------------------------------------------------------------ memberships


def test_an_owner_takes_a_new_person_on(house: House) -> None:
    made = add(house, "newhand@example.com", "accountant")
    assert made.is_new
    assert (
        sessions.check_password(
            house.database.engine("app"), "NEWHAND@example.com", "walking-beam-7"
        )
        == made.user_id
    )
    with house.session("owner") as session:
        assert session.get_one(Membership, made.membership_id).role == "accountant"
        assert session.get_one(Membership, made.membership_id).created_by is not None


def test_somebody_known_keeps_name_and_password(house: House) -> None:
    made = add(house, "DORA@example.com")
    assert not made.is_new
    engine = house.database.engine("app")
    assert sessions.check_password(engine, "dora@example.com", PASSWORD) == made.user_id
    with house.session("owner") as session:
        assert session.get_one(User, made.user_id).name == "Dora"


def test_nobody_is_taken_on_twice_but_may_come_back(house: House) -> None:
    made = add(house, "twice@example.com")
    with pytest.raises(DBAPIError, match=r"twice@example.com already works here\."):
        add(house, "twice@example.com")
    house.sql("UPDATE memberships SET ended_at = now() WHERE id = :id", id=made.membership_id)
    again = add(house, "twice@example.com", "manager")
    assert again.membership_id == made.membership_id
    with house.session("owner") as session:
        back = session.get_one(Membership, made.membership_id)
        assert (back.role, back.ended_at) == ("manager", None)


@pytest.mark.parametrize("role", ["manager", "pumper", "accountant", "viewer", ""])
def test_only_an_owner_says_who_works_here(house: House, role: str) -> None:
    with pytest.raises(DBAPIError, match="Only an owner may say who works here"):
        add(house, f"x{role}@example.com", by=role)
    with house.session(role, house.cast.bluebonnet.owner) as session:
        changed = session.execute(text("UPDATE memberships SET role = 'owner'"))
        assert changed.rowcount == 0


def test_the_last_owner_stays(house: House) -> None:
    own = house.cast.bluebonnet
    alice = house.member(own.owner)
    sentence = "This is the last owner: make somebody else owner first."
    for change in ("role = 'manager'", "ended_at = now()"):
        with pytest.raises(DBAPIError, match=sentence), house.session("owner") as session:
            session.execute(text(f"UPDATE memberships SET {change} WHERE id = :id"), {"id": alice})
    with house.session("owner") as session:
        bob = session.get_one(Membership, house.member(own.manager))
        bob.role = "owner"
        session.flush()
        session.get_one(Membership, alice).role = "viewer"
        session.flush()
        session.rollback()


def test_two_owners_who_end_each_others_work_at_once_leave_one(house: House) -> None:
    own = house.cast.cimarron
    pair = house.member(own.owner, own), house.member(own.manager, own)
    house.sql("UPDATE memberships SET role = 'owner' WHERE id = :id", id=pair[1])
    refused: list[str] = []
    ready = threading.Barrier(2)

    def end(member: uuid.UUID) -> None:
        try:
            with house.database.engine("owner").begin() as connection:
                connection.execute(text("SELECT 1"))
                ready.wait()
                connection.execute(
                    text("UPDATE memberships SET ended_at = now() WHERE id = :id"), {"id": member}
                )
        except DBAPIError as fault:
            refused.append(str(fault))

    threads = [threading.Thread(target=end, args=(member,)) for member in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(refused) == 1
    house.sql("UPDATE memberships SET ended_at = NULL WHERE id IN (:a, :b)", a=pair[0], b=pair[1])
    house.sql("UPDATE memberships SET role = 'manager' WHERE id = :id", id=pair[1])


def test_routes_are_for_owners_and_managers_to_make(house: House) -> None:
    with house.session("owner") as session:
        member = session.get_one(Membership, house.member(house.cast.both))
    for role in ("owner", "manager"):
        with house.session(role) as session:
            assign(session, member, house.far["lease"])
            session.rollback()
    for role in ("pumper", "accountant", "viewer"):
        refused = pytest.raises(DBAPIError, match="row-level security")
        with refused, house.session(role) as session:
            assign(session, member, house.far["lease"])


# --------------------------------------------------------------------------------------- password


def test_a_new_password_ends_the_other_sign_ins_and_is_told_without_it(house: House) -> None:
    engine, emil = house.database.engine("app"), house.cast.cimarron.manager
    here, phone = (sessions.open_session(engine, emil, 1, "10.0.0.9", "test") for _ in range(2))
    assert here
    assert phone
    assert sessions.change_password(engine, here, "packer-nipple-12") == 1
    assert sessions.lookup(engine, here, used=True) is not None
    assert sessions.lookup(engine, phone, used=True) is None
    assert sessions.check_password(engine, "emil@example.com", PASSWORD) is None
    assert sessions.check_password(engine, "emil@example.com", "packer-nipple-12") == emil
    with Session(house.database.engine("owner")) as session:
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.row_id == emil).order_by(AuditEntry.id.desc())
        ).first()
        assert entry is not None
        assert entry.after == {"password_hash": "(sealed)"}
        assert (entry.user_id, entry.door, entry.address) == (emil, "console", "10.0.0.9")


def test_a_stranger_changes_no_password(house: House) -> None:
    assert sessions.change_password(house.database.engine("app"), "made-up", "x" * 20) == 0
