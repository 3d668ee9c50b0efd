"""Corrections of every kind of line, and entries whose route ended before they arrived."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from hub.database import act_for
from hub.production import uptake
from hub.production.entries import OFF_ROUTE
from hub.register import changes
from hub.register.catalog import RESOURCES
from tests.console import open_console, signed_in
from tests.daywork import CLOCK, Stop, at_stop, ticket
from tests.registering import Office, open_office
from tests.servers.postgres import Server, migrated

DAY = CLOCK.closed(datetime.now(UTC))


@pytest.fixture(scope="module")
def office(plain_server: Server) -> Iterator[Office]:
    database = plain_server.fresh(migrated)
    yield open_office(database)
    plain_server.drop(database)


@pytest.fixture
def stop(office: Office) -> Iterator[Stop]:
    with at_stop(office) as stop:
        yield stop


def line(stop: Stop, part: str) -> dict[str, Any]:
    """One line of a part, as first entered."""
    well = str(stop.wells[0])
    return {
        "gauges": {"tank": str(stop.tank), "level_in": "122.5"},
        "wells": {"well": well, "tubing_psig": "412", "hours_down": "4", "down_code": "UNP-BELT"},
        "meters": {"meter": str(stop.meter), "reading": "123456.7"},
        "tickets": ticket(stop),
        "hauls": {"bbl": "120", "tank": str(stop.water_tank)},
        "chemicals": {"product": "Scale inhibitor", "gallons": "2.5", "well": well},
        "tests": {"well": well, "hours": "24", "oil_bbl": "31"},
    }[part]


#: By part: what a correction changes, the table, and the column that tells.
CORRECTED = {
    "gauges": ({"level_in": "171.25"}, "tank_gauges", "level_in", Decimal("171.25")),
    "wells": ({"tubing_psig": "421"}, "production_records", "tubing_psig", 421),
    "meters": ({"reading": "123465.7"}, "meter_readings", "reading", Decimal("123465.7")),
    "tickets": ({"sediment_water_pct": "1"}, "run_tickets", "net_standard_bbl", Decimal("79.69")),
    "hauls": ({"bbl": "110"}, "run_tickets", "net_standard_bbl", 110),
    "chemicals": ({"gallons": "5"}, "chemical_treatments", "gallons", 5),
    "tests": ({"oil_bbl": "29", "hours": "12"}, "well_tests", "oil_bbl", 29),
}


@pytest.mark.parametrize("part", list(CORRECTED))
def test_a_pumper_corrects_every_kind_of_line(stop: Stop, part: str) -> None:
    changed, table, column, value = CORRECTED[part]
    first = stop.body(stop.become("pumper").user_id, **{part: [line(stop, part)]})
    assert stop.take(first).state == "taken"
    before = stop.rows(f"SELECT id FROM {table} ORDER BY id")
    again = stop.body(first["person"], replaces=first["id"], **{part: [line(stop, part)]})
    assert stop.take(again).state == "taken", "said again without a change"
    assert stop.rows(f"SELECT id FROM {table} ORDER BY id") == before, "nothing is written anew"
    second = {part: [line(stop, part) | changed]}
    outcome = stop.take(stop.body(first["person"], replaces=again["id"], **second))
    assert (outcome.state, outcome.faults) == ("taken", {})
    standing = "WHERE status <> 'void'" if table == "run_tickets" else ""
    assert stop.rows(f"SELECT {column} FROM {table} {standing}") == [(value,)]
    stop.take(stop.body(first["person"], replaces=stop.scalar(LATEST), note="Nothing after all."))
    assert stop.rows(f"SELECT count(*) FROM {table} {standing}") == [(0,)], "taken back"


LATEST = "SELECT entry_id::text FROM field_entries WHERE state = 'taken'"


def test_a_corrected_test_ended_when_it_did(stop: Stop) -> None:
    first = stop.body(stop.become("pumper").user_id, tests=[line(stop, "tests")])
    stop.take(first)
    ended = "SELECT started_at + duration_hours * interval '1 hour' FROM well_tests"
    at = stop.scalar(ended)
    stop.saved += 3_600_000
    shorter = line(stop, "tests") | {"hours": "12"}
    stop.take(stop.body(first["person"], replaces=first["id"], tests=[shorter]))
    assert stop.scalar(ended) == at


def test_a_haul_keeps_its_number_when_it_is_corrected(stop: Stop) -> None:
    first = stop.body(stop.become("pumper").user_id, hauls=[line(stop, "hauls")])
    stop.take(first)
    numbers = "SELECT ticket_no, closed_at FROM run_tickets WHERE status <> 'void'"
    before = stop.rows(numbers)
    less = line(stop, "hauls") | {"bbl": "90"}
    stop.take(stop.body(first["person"], replaces=first["id"], hauls=[less]))
    assert stop.rows(numbers) == before


def test_an_accepted_test_stands_whatever_is_corrected(stop: Stop) -> None:
    first = stop.body(stop.become("pumper").user_id, tests=[line(stop, "tests")])
    stop.take(first)
    resource = RESOURCES["well_tests"]
    key = stop.scalar("SELECT id FROM well_tests")
    changes.update(
        stop.session, stop.become("manager"), resource, key, {"status": "accepted"}, None
    )
    stop.become("pumper")
    other = line(stop, "tests") | {"oil_bbl": "3"}
    outcome = stop.take(stop.body(first["person"], replaces=first["id"], tests=[other]))
    assert outcome.state == "refused"
    assert "judged this well test already" in outcome.reason
    assert stop.rows("SELECT oil_bbl, status FROM well_tests") == [(31, "accepted")]
    assert stop.scalar("SELECT count(*) FROM field_entries WHERE state = 'refused'") == 1


def test_what_the_office_changed_meanwhile_is_not_undone_by_a_correction(stop: Stop) -> None:
    first = stop.body(stop.become("pumper").user_id, wells=[line(stop, "wells")])
    stop.take(first)
    key = stop.scalar("SELECT id FROM production_records")
    manager, resource = stop.become("manager"), RESOURCES["production_records"]
    changes.update(stop.session, manager, resource, key, {"tubing_psig": "415"}, None)
    stop.become("pumper")
    other = line(stop, "wells") | {"tubing_psig": "399"}
    outcome = stop.take(stop.body(first["person"], replaces=first["id"], wells=[other]))
    assert (outcome.state, "Somebody else changed this" in outcome.reason) == ("refused", True)
    assert stop.rows("SELECT tubing_psig FROM production_records") == [(415,)]
    stop.become("manager")
    mended = stop.body(manager.user_id, replaces=first["id"], wells=[other])
    assert stop.take(mended).state == "taken", "the office decides"
    assert stop.rows("SELECT tubing_psig FROM production_records") == [(399,)]


# ------------------------------------------------------------------------------ a route that ended


def end_route(stop: Stop) -> None:
    """Take the stop off everybody's route, as of yesterday."""
    stop.become("owner")
    ended = {"a": date(2020, 1, 1), "b": date(2020, 2, 1)}
    stop.session.execute(text("UPDATE lease_assignments SET from_day = :a, to_day = :b"), ended)


def test_an_entry_whose_route_ended_waits_for_the_office_at_its_stop_and_day(stop: Stop) -> None:
    pumper = stop.become("pumper")
    body = stop.body(pumper.user_id, gauges=[line(stop, "gauges")])
    end_route(stop)
    stop.become("pumper")
    outcome = stop.take(body)
    assert (outcome.state, [*outcome.faults]) == ("refused", ["stop"])
    stop.become("manager")
    assert stop.rows("SELECT lease_id, production_date, person_id FROM field_entries") == [
        (stop.lease, stop.day, pumper.user_id)
    ]
    assert stop.rows("SELECT count(*) FROM tank_gauges") == [(0,)]


def test_what_came_from_a_site_after_its_person_left_is_put_where_it_belongs(
    office: Office,
) -> None:
    ours, (work, people) = office.ours, (office.database.engine(r) for r in ("work", "app"))
    body = {"v": 1, "id": str(uuid.uuid4()), "stop": str(ours.lease), "day": f"{DAY}"}
    body |= {"person": str(office.cast.nobody), "saved": 1795766400000, "note": "Gate was open."}
    with office.database.engine("owner").begin() as connection:
        act_for(connection, ours.id)
        connection.execute(
            text(
                "INSERT INTO field_entries (organization_id, entry_id, agent_id, door, body,"
                " saved_at) VALUES (:o, :e, :a, 'agent', CAST(:b AS jsonb), now())"
            ),
            {"o": ours.id, "e": body["id"], "a": ours.agents[0], "b": json.dumps(body)},
        )
    with work.begin() as connection:
        waiting = connection.execute(uptake._NEW, {"most": 9}).all()
    assert uptake.take_all(work, people, waiting) == 1
    with office.session() as session:
        found = session.execute(
            text(
                "SELECT lease_id, production_date, person_id, state FROM field_entries"
                " WHERE entry_id = :e"
            ),
            {"e": body["id"]},
        ).one()
    assert tuple(found) == (ours.lease, DAY, office.cast.nobody, "refused")


@pytest.fixture(scope="module")
def app(office: Office) -> Flask:
    return open_console(office.database)


def test_a_phones_entry_for_a_stop_off_the_route_is_kept_mended_or_set_aside(
    office: Office, app: Flask
) -> None:
    carl, bob = signed_in(app, "carl"), signed_in(app, "bob")
    with office.database.engine("owner").begin() as connection:
        ended = "UPDATE lease_assignments SET from_day = '2019-01-01', to_day = '2020-01-01'"
        connection.execute(text(ended))
    sent = [
        {"id": str(uuid.uuid4()), "day": f"{DAY}", "w0_tubing_psig": figure, "lang": "en"}
        for figure in ("411", "5")
    ]
    address = f"/field/stop/{office.ours.lease}"
    for form in sent:
        for _again in range(2):
            answer = carl.post(address, form, Accept="application/json")
            assert (answer.status_code, answer.json["id"]) == (200, form["id"])
    with office.database.engine("owner").begin() as connection:
        connection.execute(
            text("UPDATE leases SET status = 'terminated' WHERE id = :l"), {"l": office.ours.lease}
        )
    late = sent[1] | {"id": str(uuid.uuid4()), "w0": str(uuid.uuid4())}  # neither is worked now
    assert carl.post(address, late, Accept="application/json").json["id"] == late["id"]
    kept = bob.get(f"/production/entries/{key_of(office, late['id'])}").text
    assert "not on the route" in kept
    assert "w0_tubing_psig: 5" in kept
    with office.database.engine("owner").begin() as connection:
        connection.execute(
            text("UPDATE leases SET status = 'producing' WHERE id = :l"), {"l": office.ours.lease}
        )
    elsewhere = carl.post(f"/field/stop/{office.theirs.lease}", sent[0], Accept="application/json")
    assert elsewhere.status_code == 404
    keys = [key_of(office, form["id"]) for form in sent]
    page = bob.get(f"/production/entries/{keys[0]}").text
    assert "not on the route of who entered it" in page
    assert 'value="411"' in page
    assert bob.post(f"/production/entries/{keys[0]}/mend", {"day": f"{DAY}"}).status_code == 303
    refused = carl.post(f"/production/entries/{keys[1]}/aside", {"why": "x"})
    assert (refused.status_code, "ask a manager" in refused.text) == (409, True)
    nothing = bob.post(f"/production/entries/{keys[1]}/aside", {"why": " "})
    assert (nothing.status_code, "Say why" in nothing.text) == (409, True)
    aside = bob.post(f"/production/entries/{keys[1]}/aside", {"why": "Entered twice."})
    assert aside.status_code == 303
    with office.session() as session:
        states = session.execute(
            text("SELECT state, reason FROM field_entries WHERE id = ANY(:k) ORDER BY state"),
            {"k": keys},
        )
        assert [tuple(row) for row in states] == [
            ("replaced", OFF_ROUTE),
            ("set_aside", "Set aside: Entered twice."),
        ]
        assert session.scalar(text("SELECT tubing_psig FROM production_records")) == 411


def key_of(office: Office, entry: str) -> uuid.UUID:
    with office.session() as session:
        found = session.scalar(
            text("SELECT id FROM field_entries WHERE entry_id = :e"), {"e": entry}
        )
        assert isinstance(found, uuid.UUID)
        return found
