"""What a pumper's entry becomes: rows once, corrections, conflicts; what is refused is kept."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from hub.production import uptake
from tests.daywork import CLOCK, Stop, at_stop, ticket
from tests.registering import Office, add, open_office
from tests.servers.postgres import Server, migrated


@pytest.fixture(scope="module")
def office(plain_server: Server) -> Iterator[Office]:
    database = plain_server.fresh(migrated)
    yield open_office(database)
    plain_server.drop(database)


@pytest.fixture
def stop(office: Office) -> Iterator[Stop]:
    with at_stop(office) as stop:
        yield stop


def gauge(stop: Stop, level: str = "122.5", **more: Any) -> dict[str, Any]:
    return {"tank": str(stop.tank), "level_in": level, **more}


def whole(stop: Stop) -> dict[str, Any]:
    """Everything a stop can have."""
    well, other = map(str, stop.wells)
    return {
        "gauges": [gauge(stop, water_in="2", temperature_f="71")],
        "wells": [
            {"well": well, "tubing_psig": "412", "hours_down": "4", "down_code": "UNP-BELT"},
            {"well": other, "casing_psig": "96.5", "choke_64ths": "18"},
        ],
        "meters": [{"meter": str(stop.meter), "reading": "123456.7"}],
        "tickets": [ticket(stop)],
        "hauls": [{"bbl": "120", "tank": str(stop.water_tank)}],
        "chemicals": [{"product": "Scale inhibitor", "gallons": "2.5", "well": well}],
        "tests": [{"well": well, "hours": "24", "oil_bbl": "31"}],
        "reports": [{"kind": "spill", "note": "Stuffing box drips", "well": well}],
        "note": "Gate was open.",
    }


def test_an_entry_becomes_rows_of_every_kind_and_counts_once(stop: Stop) -> None:
    body = stop.body(stop.become("pumper").user_id, **whole(stop))
    assert stop.take(body).state == "taken"
    assert stop.take(body).state == "taken"
    assert stop.rows(
        "SELECT level_in, water_in, volume_bbl, production_date, source, created_by"
        " FROM tank_gauges"
    ) == [(122.5, 2, Decimal("205.6600"), stop.day, "pumper", stop.office.ours.pumper)]
    hours = CLOCK.hours(stop.day)
    assert stop.rows(
        "SELECT tubing_psig, casing_psig, choke_64ths, hours_on, record_kind"
        " FROM production_records ORDER BY tubing_psig"
    ) == [
        (412, None, None, hours - 4, "field_estimate"),
        (None, Decimal("96.5"), 18, None, "field_estimate"),
    ]
    assert stop.rows(
        "SELECT reason_code, ended_at - started_at, ended_at FROM downtime_events"
    ) == [("UNP-BELT", timedelta(hours=4), CLOCK.ends(stop.day))]
    assert stop.rows(
        "SELECT kind, status, opening_bbl - closing_bbl, gross_standard_bbl, net_standard_bbl"
        " FROM run_tickets ORDER BY kind"
    ) == [
        ("oil_sale", "final", Decimal("81.8400"), Decimal("80.5000"), Decimal("80.2600")),
        ("water_haul", "final", None, 120, 120),
    ]
    assert stop.rows("SELECT reading FROM meter_readings") == [(Decimal("123456.7"),)]
    assert stop.rows("SELECT product, gallons FROM chemical_treatments") == [
        ("Scale inhibitor", Decimal("2.5"))
    ]
    assert stop.rows("SELECT status, oil_bpd FROM well_tests") == [("draft", 31)]
    assert stop.rows("SELECT incident_class, origin FROM incidents") == [("spill", "reported")]
    assert stop.scalar("SELECT count(*) FROM entry_rows") == 10


def test_a_correction_changes_the_rows_of_the_entry_it_names_and_keeps_what_they_said(
    stop: Stop,
) -> None:
    first = stop.body(stop.become("pumper").user_id, **whole(stop))
    stop.take(first)
    changed = whole(stop)
    changed["gauges"] = [gauge(stop, "171.25")]
    changed["wells"] = [{"well": str(stop.wells[0]), "oil_bbl": "30", "tubing_psig": "412"}]
    changed["tickets"] = [ticket(stop, sediment_water_pct="1")]
    del changed["chemicals"]
    second = stop.body(first["person"], replaces=first["id"], **changed)
    assert stop.take(second).state == "taken"
    assert stop.rows("SELECT level_in, volume_bbl, row_version FROM tank_gauges") == [
        (Decimal("171.25"), Decimal("287.5"), 2)
    ]
    assert stop.rows("SELECT well_id, oil_bbl, revision FROM production_records") == [
        (stop.wells[0], 30, 1)
    ]
    assert stop.rows("SELECT hours_on, revision FROM production_revisions WHERE NOT deleted") == [
        (CLOCK.hours(stop.day) - 4, 0)
    ]
    assert stop.rows(
        "SELECT ticket_no, status, net_standard_bbl FROM run_tickets WHERE kind = 'oil_sale'"
        " ORDER BY status"
    ) == [("77123", "final", Decimal("79.69")), ("77123", "void", Decimal("80.26"))]
    assert stop.rows("SELECT count(*) FROM downtime_events") == [(0,)]
    assert stop.rows("SELECT count(*) FROM chemical_treatments") == [(0,)]
    assert stop.rows("SELECT count(*) FROM incidents") == [(1,)]
    assert stop.rows("SELECT state, replaces::text FROM field_entries ORDER BY state") == [
        ("replaced", None),
        ("taken", first["id"]),
    ]


def test_a_correction_that_comes_first_stands(stop: Stop) -> None:
    person = stop.become("pumper").user_id
    first = stop.body(person, gauges=[gauge(stop, "100")])
    assert stop.take(stop.body(person, replaces=first["id"], gauges=[gauge(stop, "90")])).state == (
        "taken"
    )
    assert stop.take(first).state == "replaced"
    assert stop.rows("SELECT level_in FROM tank_gauges") == [(90,)]


def test_two_people_for_one_stop_and_day_stand_beside_each_other(stop: Stop) -> None:
    assert stop.enter(gauges=[gauge(stop, "100")]).state == "taken"
    outcome = stop.enter("pumper", stop.office.cast.both, gauges=[gauge(stop, "101")])
    assert (outcome.state, "look at both" in outcome.reason) == ("conflict", True)
    assert stop.rows("SELECT level_in FROM tank_gauges") == [(100,)]
    assert stop.scalar(
        "SELECT o.person_id FROM field_entries e JOIN field_entries o"
        " ON o.entry_id = e.conflicts_with WHERE e.state = 'conflict'"
    ) == (stop.office.ours.pumper)


def test_the_same_person_adds_to_a_day_but_does_not_enter_it_twice(stop: Stop) -> None:
    assert stop.enter(gauges=[gauge(stop)]).state == "taken"
    assert stop.enter(tickets=[ticket(stop)]).state == "taken"
    assert stop.enter(tickets=[ticket(stop)]).state == "conflict"
    assert stop.enter(note="Dog at the gate.").state == "taken"


def test_days_down_in_a_row_are_down_without_a_gap(stop: Stop) -> None:
    last = stop.day
    for back, hours in ((2, 5), (1, None), (0, 3)):
        stop.day = last - timedelta(days=back)
        down = hours or CLOCK.hours(stop.day)
        well = {"well": str(stop.wells[0]), "hours_down": f"{down}", "down_code": "UNP-ROD"}
        assert stop.enter(wells=[well]).state == "taken"
    assert stop.rows("SELECT range_agg(tstzrange(started_at, ended_at)) FROM downtime_events")[0][
        0
    ] == stop.scalar(
        "SELECT tstzmultirange(tstzrange(:a, :b))",
        a=CLOCK.ends(last - timedelta(days=2)) - timedelta(hours=5),
        b=CLOCK.begins(last) + timedelta(hours=3),
    )


def test_a_spill_is_an_incident_even_where_the_entry_is_refused(stop: Stop) -> None:
    outcome = stop.enter(gauges=[gauge(stop, "300")], reports=[{"kind": "spill"}])
    assert outcome.state == "refused"
    assert stop.rows("SELECT incident_class FROM incidents") == [("spill",)]
    assert stop.rows("SELECT count(*) FROM tank_gauges") == [(0,)]


@pytest.mark.parametrize("what", ["above tank", "future", "old", "stranger", "elsewhere", "run"])
def test_what_cannot_be_is_refused_at_its_field_and_kept(stop: Stop, what: str) -> None:
    given: dict[str, Any] = {"gauges": [gauge(stop)]}
    if what == "future":
        stop.day += timedelta(days=2)
    elif what == "old":
        stop.day -= timedelta(days=40)
    elif what == "above tank":
        given = {"gauges": [gauge(stop, "240.25")]}
    elif what == "elsewhere":
        given = {"wells": [{"well": str(stop.office.theirs.wells[0]), "tubing_psig": "1"}]}
    elif what == "run":
        given = {"tickets": [ticket(stop, opening_in="241", closing_in="10")]}
    if what == "stranger":
        stop.become("pumper")
        outcome = stop.take(stop.body(stop.office.ours.manager, **given))
    else:
        outcome = stop.enter(**given)
    place, words = {
        "above tank": ("gauges.0.level_in", "20' 0 1/4\" is above this tank"),
        "future": ("day", "has not come yet"),
        "old": ("day", "ask the office to enter this one"),
        "stranger": ("person", "signed by another person"),
        "elsewhere": ("wells.0.well", "not of this stop"),
        "run": ("tickets.0.opening_in", "strapping table of this tank ends"),
    }[what]
    assert outcome.state == "refused"
    assert [*outcome.faults] == [place]
    assert words in outcome.faults[place]
    stop.become("manager")
    assert stop.rows("SELECT state, reason FROM field_entries") == [("refused", outcome.reason)]
    assert stop.rows("SELECT count(*) FROM tank_gauges") == [(0,)]


@pytest.mark.parametrize(("state", "role"), [("closed", "manager"), ("soft_closed", "pumper")])
def test_a_locked_month_takes_no_entry(stop: Stop, state: str, role: str) -> None:
    stop.become("owner")
    month = stop.day.replace(day=1)
    add(
        stop.session,
        stop.office,
        "accounting_periods",
        module="production",
        month=month,
        state=state,
    )
    outcome = stop.enter(role, gauges=[gauge(stop)], tickets=[ticket(stop)])
    assert [*outcome.faults] == ["day"]
    assert "month" in outcome.faults["day"]


def test_days_are_the_databases_too(office: Office) -> None:
    with office.database.engine("owner").begin() as connection:
        for start in ("01:30", "02:30", "07:00"):
            connection.execute(
                text("UPDATE organizations SET production_day_start = :s WHERE id = :o"),
                {"s": start, "o": office.ours.id},
            )
            clock = type(CLOCK)(CLOCK.zone, time.fromisoformat(start))
            for first in (
                datetime(2026, 3, 8, 5, tzinfo=UTC),
                datetime(2026, 11, 1, 4, tzinfo=UTC),
            ):
                instants = [first + timedelta(minutes=15 * step) for step in range(40)]
                said = connection.execute(
                    text("SELECT production_day(:o, i) FROM unnest(CAST(:i AS timestamptz[])) i"),
                    {"o": office.ours.id, "i": instants},
                ).scalars()
                assert list(said) == [clock.day_of(at) for at in instants]


def test_what_came_from_a_site_is_taken_up_as_its_person_and_a_broken_one_stops_no_other(
    office: Office,
) -> None:
    ours, (work, people) = office.ours, (office.database.engine(r) for r in ("work", "app"))
    day = CLOCK.day_of(datetime.now(UTC)) - timedelta(days=1)
    head = {"v": 1, "stop": str(ours.lease), "day": f"{day}", "saved": 1795766400000}
    well = {"wells": [{"well": str(ours.wells[1]), "tubing_psig": "88"}]}
    bodies = [
        {**head, "id": str(uuid.uuid4()), "person": str(ours.pumper), **well},
        {**head, "id": str(uuid.uuid4()), "person": str(office.theirs.pumper), **well},
        {"v": 1, "id": str(uuid.uuid4()), "wells": "?"},
    ]
    with work.begin() as connection, office.database.engine("ingest").begin() as ingest:
        for body in bodies:
            ingest.execute(
                text(
                    "INSERT INTO field_entries"
                    " (organization_id, entry_id, agent_id, door, body, saved_at)"
                    " VALUES (:o, :e, :a, 'agent', CAST(:b AS jsonb), now())"
                ),
                {"o": ours.id, "e": body["id"], "a": ours.agents[0], "b": json.dumps(body)},
            )
        ingest.commit()
        waiting = connection.execute(uptake._NEW, {"most": 9}).all()
        assert uptake.take_all(work, people, waiting) == 3
        assert uptake.take_all(work, people, waiting) == 3, "again changes nothing"
        told = connection.execute(text("SELECT entry_id::text, state, reason FROM field_entries"))
        said = {key: (state, reason) for key, state, reason in told}
    assert [said[str(body["id"])][0] for body in bodies] == ["taken", "refused", "refused"]
    assert "does not work here" in said[str(bodies[1]["id"])][1]
    with office.session() as session:
        found = session.execute(text("SELECT tubing_psig, created_by FROM production_records"))
        assert [tuple(row) for row in found] == [(88, ours.pumper)]
