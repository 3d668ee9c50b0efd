"""How incidents begin, take in alerts, go on, and what the database itself keeps of them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hub.incidents import opening
from hub.incidents.opening import ReportError, Where
from hub.schema import Alert
from tests.books import refused
from tests.cast import engage
from tests.incidenting import NOW, Desk, ago, clear, desk_of, move, report
from tests.servers.postgres import Server, migrated


@pytest.fixture(scope="module")
def house(plain_server: Server) -> Iterator[Desk]:
    database = plain_server.fresh(migrated)
    yield desk_of(database, engage(database.engine("owner")))
    plain_server.drop(database)


@pytest.fixture
def desk(house: Desk) -> Iterator[Desk]:
    yield house
    clear(house)


# ------------------------------------------------------------------------------- promotion


def test_a_priority_1_alert_becomes_an_incident_once(desk: Desk) -> None:
    alert = desk.alert(priority=1, message="H2S at the separator very high")
    desk.round()
    desk.round()
    (incident,) = desk.incidents()
    assert (incident.origin, incident.status, incident.incident_class) == (
        "promoted",
        "suspected",
        "h2s",
    )
    assert incident.incident_no.startswith("I-")
    assert (
        desk.sql("SELECT alert_id FROM incident_alerts WHERE incident_id = :i", i=incident.id)
        == alert
    )
    assert [event.kind for event in desk.events(incident.id)][:2] == ["opened", "alert"]


def test_less_urgent_alerts_stay_alerts_and_so_does_what_is_late_in_the_office(desk: Desk) -> None:
    desk.alert(priority=2)
    desk.alert(priority=1, kind="due_date")
    desk.round()
    assert desk.incidents() == []


def test_alerts_of_a_site_within_an_hour_are_one_incident(desk: Desk) -> None:
    desk.alert(priority=1, at=ago(minutes=50))
    desk.round()
    desk.alert(priority=1, at=ago(minutes=5), well=1)  # the other well of the lease
    desk.round()
    desk.alert(priority=1, at=ago(minutes=-50))  # within an hour of the last, not of the first
    desk.round()
    assert len(desk.incidents()) == 1
    desk.alert(priority=1, at=ago(hours=5))
    desk.round()
    assert len(desk.incidents()) == 2


def test_an_alarm_after_resolved_opens_a_recurrence(desk: Desk) -> None:
    desk.alert(priority=1, at=ago(minutes=50))
    desk.round()
    (first,) = desk.incidents()
    move(desk, first.id, status="confirmed")
    move(desk, first.id, status="resolved")
    desk.sql("UPDATE incidents SET resolved_at = :t WHERE id = :i", t=ago(minutes=10), i=first.id)
    desk.alert(priority=1, at=ago(minutes=5))
    desk.round()
    second = desk.incidents()[1]
    assert second.recurrence_of_id == first.id


@pytest.mark.parametrize(
    ("values", "becomes"),
    [
        ({"kind": "mass_balance", "value": -12.0}, True),
        ({"kind": "mass_balance", "value": 9.0}, False),
        ({"level": "hihi", "at": ago(minutes=11), "message": "Tank 2 level very high"}, True),
        ({"level": "hihi", "at": ago(minutes=9), "message": "Tank 2 level very high"}, False),
        (
            {
                "level": "hihi",
                "at": ago(minutes=5),
                "cleared_at": ago(minutes=2),
                "condition": "normal",
                "message": "Tank 2 level very high",
            },
            True,
        ),  # fell, no haul
        ({"priority": 2, "at": ago(minutes=61)}, True),
        ({"priority": 2, "at": ago(minutes=59)}, False),
        ({"priority": 2, "at": ago(minutes=61), "ack": "acked"}, False),
    ],
)
def test_when_an_alert_becomes_an_incident(desk: Desk, values: dict, becomes: bool) -> None:
    tank = desk.operator.tags[0]
    measure = "tank_level" if values.get("level") == "hihi" else "tubing_pressure"
    desk.sql("UPDATE tags SET measure = :m WHERE id = :t", m=measure, t=tank)
    desk.alert(**values)
    desk.round(NOW)
    assert bool(desk.incidents()) is becomes


def test_several_wells_down_together_are_one_incident_of_the_first(desk: Desk) -> None:
    desk.sql("UPDATE promotion_rules SET amount = 2 WHERE kind = 'site_down'")
    desk.alert(at=ago(minutes=20), message="Power failed")
    desk.round(NOW)
    assert desk.incidents() == []
    desk.alert(at=ago(minutes=15), well=1, message="Pump stopped")
    desk.round(NOW)
    (incident,) = desk.incidents()
    assert incident.summary == "Power failed"
    assert desk.sql("SELECT count(*) FROM incident_alerts") == 2


def test_a_person_declares_an_alert_and_leads(desk: Desk) -> None:
    alert = desk.alert(priority=3)
    with desk.acting() as session:
        first = opening.declare(session, session.get_one(Alert, alert), desk.operator.manager)
        again = opening.declare(session, session.get_one(Alert, alert), desk.operator.manager)
        assert first.id == again.id
        assert (first.origin, first.commander_id) == ("declared", desk.operator.manager)


# ------------------------------------------------------------------------------ from the field


def test_a_pumpers_report_is_an_incident_with_what_texas_is_owed(desk: Desk) -> None:
    made = report(
        desk,
        facts={
            "fluid": "oil",
            "released_low": Decimal(3),
            "released": Decimal(6),
            "released_high": Decimal(9),
            "reached_water": False,
        },
        lat=Decimal("31.4"),
        lon=Decimal("-103.5"),
    )
    (incident,) = desk.incidents()
    assert incident.id == made
    assert (incident.origin, incident.discovered_at) == ("reported", ago(hours=1))
    notices = desk.notices(made)
    texas = notices["tx-rrc-spill"]
    assert (texas.status, texas.required_by) == ("due", ago(hours=1))
    assert "6 bbl > 5" in (texas.because or "")
    assert texas.rule_version == 1
    assert "us-nrc-sheen" not in notices  # it reached no water
    assert "us-osha-fatality" not in notices
    assert not any(code.startswith(("nm-", "ks-")) for code in notices)  # other states
    (position,) = [e for e in desk.events(made) if e.kind == "position"]
    assert (position.lat, position.created_by) == (Decimal("31.4"), desk.operator.pumper)


def test_a_report_adds_to_the_incident_that_alarms_of_the_site_have_made(desk: Desk) -> None:
    desk.alert(priority=1, at=ago(minutes=70), message="Tank level very high")
    desk.round()
    report(desk, facts={"released": Decimal(6), "fluid": "oil"})
    (incident,) = desk.incidents()
    assert (incident.released, incident.discovered_at) == (6, ago(hours=1))
    assert "Flowline leak" in [event.note for event in desk.events(incident.id)]


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"kind": "party"}, "a spill, an injury or a fire"),
        ({"at": ago(hours=-1)}, "time still to come"),
        ({"where": Where()}, "at which well, lease or battery"),
        ({"lat": Decimal(31)}, "both a latitude and a longitude"),
    ],
)
def test_a_report_that_cannot_be_taken_says_why(desk: Desk, values: dict, fault: str) -> None:
    with pytest.raises(ReportError, match=fault):
        report(desk, **values)


def test_a_pumper_sees_the_incidents_of_his_route_and_his_own(desk: Desk) -> None:
    other = desk.sql(
        "INSERT INTO leases (organization_id, name, state) VALUES (:o, 'Far', 'TX') RETURNING id",
        o=desk.operator.id,
    )
    hidden = report(desk, "manager", where=Where(lease_id=other))
    seen = report(desk, "manager")
    with desk.acting("pumper") as session:
        found = set(session.scalars(text("SELECT id FROM incidents")))
        events = set(session.scalars(text("SELECT incident_id FROM incident_events")))
        notices = set(session.scalars(text("SELECT incident_id FROM incident_notices")))
    assert found == events == notices == {seen}
    assert hidden not in found


# -------------------------------------------------------------------------- course and facts


def test_only_a_manager_moves_an_incident_and_reasons_are_asked_for(desk: Desk) -> None:
    made = report(desk)
    with refused("incidents_decided", "a manager decides"):
        move(desk, made, "pumper", status="confirmed")
    with refused("incidents_reason", "say why", "not_incident_reason"):
        move(desk, made, status="not_an_incident")
    move(desk, made, status="confirmed")
    with refused("incidents_course", "may become contained"):
        move(desk, made, status="closed")
    move(desk, made, status="resolved")
    with refused("incidents_review", "what the review found"):
        move(desk, made, status="reviewed")
    move(desk, made, review="Inspect flowlines monthly.")
    move(desk, made, status="reviewed")
    with refused("incidents_owed", "still owed a notice"):
        move(desk, made, status="closed")
    statuses = [e.after["status"] for e in desk.events(made) if e.kind == "status" and e.after]
    assert statuses == ["confirmed", "resolved", "reviewed"]


def test_facts_are_made_milder_by_a_manager_with_a_reason_only(desk: Desk) -> None:
    made = report(desk, facts={"fluid": "oil", "released": Decimal(30), "reached_water": True})
    move(desk, made, "pumper", released=Decimal(40))  # worse: anybody may say so
    with refused("incidents_milder", "only a manager", "released"):
        move(desk, made, "pumper", released=Decimal(4))
    with refused("incidents_correction", "say why", "correction"):
        move(desk, made, released=Decimal(4))
    with refused("incidents_correction", "say why"):
        move(desk, made, reached_water=False)
    assert desk.notices(made)["us-nrc-sheen"].status == "due"
    move(
        desk,
        made,
        released=Decimal(4),
        reached_water=False,
        threatens_water=False,
        correction="Strapped the tank: 4 bbl are missing; the ditch is dry.",
    )
    notices = desk.notices(made)
    assert (notices["us-nrc-sheen"].status, notices["tx-rrc-spill"].status) == ("lapsed", "lapsed")
    said = [event for event in desk.events(made) if event.kind == "facts"][-1]
    assert said.note == "Strapped the tank: 4 bbl are missing; the ditch is dry."
    assert said.before is not None
    assert said.before["reached_water"] is True
    assert desk.incidents()[0].correction is None
    move(desk, made, "pumper", released=Decimal(6))
    assert desk.notices(made)["tx-rrc-spill"].status == "due"  # owed again


def test_a_timeline_and_an_incident_cannot_be_rewritten(desk: Desk) -> None:
    made = report(desk)
    for statement in (
        "UPDATE incident_events SET note = 'x'",
        "DELETE FROM incident_events",
        "DELETE FROM incidents",
        "DELETE FROM incident_notices",
        "DELETE FROM agency_rules",
        "UPDATE incidents SET closed_at = now()",
        "INSERT INTO agency_rule_versions SELECT * FROM agency_rule_versions",
    ):
        with pytest.raises(DBAPIError, match="permission denied"), desk.acting("owner") as session:
            session.execute(text(statement))
    assert desk.events(made)
