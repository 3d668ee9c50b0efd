"""How incidents begin, take in alerts, go on, and what the database itself keeps of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hub.alerts import obligations
from hub.incidents import opening
from hub.incidents.opening import Report, ReportError, Where
from hub.incidents.reckon import reckon
from hub.schema import Alert, Incident, IncidentNotice
from tests.books import refused
from tests.cast import engage
from tests.incidenting import NOW, Desk, ago, desk_of
from tests.servers.postgres import Server, migrated


@pytest.fixture(scope="module")
def house(plain_server: Server) -> Iterator[Desk]:
    database = plain_server.fresh(migrated)
    yield desk_of(database, engage(database.engine("owner")))
    plain_server.drop(database)


@pytest.fixture
def desk(house: Desk) -> Iterator[Desk]:
    yield house
    with house.database.admin() as admin:
        admin.execute("SET session_replication_role = replica")
        for table in USED:
            admin.execute(f"DELETE FROM {table}")


USED = (
    *("incident_events", "incident_alerts", "incident_notices", "incident_actions", "incidents"),
    *("alert_events", "alerts", "alert_rule_versions", "alert_rules"),
)


def report(desk: Desk, role: str = "pumper", **values: object) -> uuid.UUID:
    told = {
        "kind": "spill",
        "summary": "Flowline leak",
        "at": ago(hours=1),
        "where": Where(lease_id=desk.operator.lease),
    } | values
    with desk.acting(role) as session:
        return opening.open_from_report(session, Report(desk.operator.id, **told)).id  # type: ignore[arg-type]


def move(desk: Desk, incident: uuid.UUID, role: str = "manager", **values: object) -> None:
    with desk.acting(role) as session:
        row = session.get_one(Incident, incident)
        for name, value in values.items():
            setattr(row, name, value)
        session.flush()
        reckon(session, row)


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


# ---------------------------------------------------------------------------------- notices


def told(desk: Desk, notice: uuid.UUID, role: str = "manager", **values: object) -> None:
    with desk.acting(role) as session:
        row = session.get_one(IncidentNotice, notice)
        for name, value in values.items():
            setattr(row, name, value)


CALL = {
    "done_at": ago(minutes=5),
    "told_to": "Officer Diaz",
    "method": "phone",
    "reference": "RRC-2026-1180",
}


def test_what_an_agency_was_told_is_recorded_whole_and_stands(desk: Desk) -> None:
    made = report(desk, facts={"fluid": "oil", "released": Decimal(6)})
    notice = desk.notices(made)["tx-rrc-spill"].id
    for missing in ("told_to", "method", "reference"):
        with pytest.raises(DBAPIError, match="incident_notices_told_check"):
            told(desk, notice, **(CALL | {missing: None}))
    with refused("incident_notices_future", "still to come"):
        told(desk, notice, **(CALL | {"done_at": ago(hours=-2)}))
    with refused("incident_notices_told_first", "record whom you told"):
        told(desk, notice, status="notified")
    told(desk, notice, **CALL)
    row = desk.notices(made)["tx-rrc-spill"]
    assert (row.status, row.told_by) == ("written_due", desk.operator.manager)
    for name, value in (("told_to", "Somebody else"), ("reference", "X"), ("done_at", NOW)):
        with refused("incident_notices_stands", "what an agency was told stands", name):
            told(desk, notice, **{name: value})
    told(desk, notice, filed_at=ago(minutes=1), filed_reference="H-8 no. 7")
    assert desk.notices(made)["tx-rrc-spill"].status == "filed"
    desk.round()
    move(desk, made, released=Decimal(1), correction="It was water.")
    assert desk.notices(made)["tx-rrc-spill"].status == "filed"
    calls = [e.after for e in desk.events(made) if e.kind == "notice" and e.after]
    assert calls[-2]["reference"] == "RRC-2026-1180"


def test_only_a_manager_decides_that_nobody_is_told_and_worse_facts_ask_again(desk: Desk) -> None:
    made = report(
        desk,
        facts={
            "fluid": "oil",
            "released_low": Decimal(1),
            "released": Decimal(4),
            "released_high": Decimal(8),
        },
    )
    notice = desk.notices(made)["tx-rrc-spill"]
    assert notice.status == "potential"
    with refused("incident_notices_reason", "say why nobody is told"):
        told(desk, notice.id, status="waived")
    with refused("incident_notices_decided", "only a manager"):
        told(desk, notice.id, "pumper", status="waived", waived_reason="too small")
    told(desk, notice.id, status="waived", waived_reason="Measured: 4 bbl, inside the firewall.")
    desk.round()
    assert desk.notices(made)["tx-rrc-spill"].status == "waived"
    move(desk, made, "pumper", released=Decimal(7))
    assert desk.notices(made)["tx-rrc-spill"].status == "due"


def test_deadlines_run_from_the_earliest_knowledge_and_say_what_was_earlier(desk: Desk) -> None:
    desk.sql("UPDATE leases SET state = 'NM' WHERE id = :l", l=desk.operator.lease)
    try:
        desk.alert(
            priority=1, at=ago(hours=4), message="Tank level very high", detected_at=ago(hours=3.9)
        )
        desk.round()
        (incident,) = desk.incidents()
        major = desk.notices(incident.id)["nm-ocd-major"]
        assert (major.status, major.clock_start) == ("potential", ago(hours=3.9))
        assert "nobody has looked" in (major.clock_basis or "")
        move(desk, incident.id, fluid="oil", released=Decimal(30), discovered_at=ago(hours=2))
        major = desk.notices(incident.id)["nm-ocd-major"]
        assert (major.status, major.clock_start) == ("due", ago(hours=2))
        assert major.required_by == ago(hours=-22)
        assert major.written_required_by == ago(days=-15, hours=2)
        with refused("incidents_clock", "say why", "clock_reason"):
            move(desk, incident.id, clock_choice="alarm_raised")
        move(desk, incident.id, clock_choice="alarm_raised", clock_reason="Counsel says so.")
        major = desk.notices(incident.id)["nm-ocd-major"]
        assert major.clock_start == ago(hours=4)
        assert "Counsel says so." in (major.clock_basis or "")
    finally:
        desk.sql("UPDATE leases SET state = 'TX' WHERE id = :l", l=desk.operator.lease)


def test_a_cleanup_that_ends_starts_the_clock_of_what_follows(desk: Desk) -> None:
    desk.sql("UPDATE leases SET state = 'ND' WHERE id = :l", l=desk.operator.lease)
    try:
        made = report(desk, facts={"fluid": "oil", "released": Decimal(12)})
        notice = desk.notices(made)["nd-ndic-spill"]
        assert (notice.status, notice.written_required_by) == ("due", None)
        told(desk, notice.id, **CALL)
        move(desk, made, cleanup_ended_on=NOW.date())
        due = desk.notices(made)["nd-ndic-spill"].written_required_by
        assert due is not None
        assert 9.5 < (due - NOW).total_seconds() / 86400 < 11
    finally:
        desk.sql("UPDATE leases SET state = 'TX' WHERE id = :l", l=desk.operator.lease)


def test_small_spills_of_one_site_add_up(desk: Desk) -> None:
    desk.sql("UPDATE leases SET state = 'ND' WHERE id = :l", l=desk.operator.lease)
    try:
        told_ = {
            "fluid": "oil",
            "on_site": True,
            "built_on": NOW.date().replace(year=2012),
            "reached_water": False,
            "threatens_water": False,
        }
        first = report(desk, at=ago(days=9), facts=told_ | {"released": Decimal(6)})
        assert "nd-ndic-spill" not in desk.notices(first)
        second = report(desk, facts=told_ | {"released": Decimal(4)})
        notice = desk.notices(second)["nd-ndic-spill"]
        assert notice.status == "due"
        assert "within any 15 days at this site 10 bbl" in (notice.because or "")
    finally:
        desk.sql("UPDATE leases SET state = 'TX' WHERE id = :l", l=desk.operator.lease)


def test_clocks_that_pass_a_mark_are_noted_once_and_what_is_missed_too(desk: Desk) -> None:
    made = report(desk, kind="injury", at=ago(hours=5), facts={"deaths": 1})
    desk.round(NOW)
    desk.round(NOW)
    osha = desk.notices(made)["us-osha-fatality"]
    assert (osha.reminded, osha.missed_at) == (50, None)  # of 8 hours 5 have passed
    desk.round(ago(hours=-4))
    osha = desk.notices(made)["us-osha-fatality"]
    assert osha.missed_at == ago(hours=-4)
    noted = [
        (e.kind, e.note)
        for e in desk.events(made)
        if e.kind in {"reminder", "missed"} and "OSHA" in (e.note or "")
    ]
    assert [kind for kind, _note in noted] == ["reminder", "missed"]
    assert "its time is over" in str(noted[1][1])


def pages_of(desk: Desk) -> list[tuple[str, int, str]]:
    """Alerts about notices: sentence, priority, condition."""
    with Session(desk.database.engine("owner")) as session:
        rows = session.execute(
            text(
                "SELECT a.message, a.priority, a.condition FROM alerts a"
                " JOIN alert_rules r ON r.id = a.rule_id WHERE r.template = 'agency_notices'"
                " ORDER BY a.detected_at, a.id"
            )
        )
        return [tuple(row) for row in rows]


def test_reminders_grow_more_urgent_page_and_end_when_the_call_is_recorded(desk: Desk) -> None:
    work = desk.database.engine("work")
    made = report(desk, kind="injury", at=ago(hours=5), facts={"deaths": 1})
    desk.round(NOW)
    obligations.watch(work, NOW)
    osha = [page for page in pages_of(desk) if page[0].startswith("OSHA")]
    assert [(p, c) for _said, p, c in osha] == [(3, "active")]  # half of 8 hours have passed
    assert "50 %" in osha[0][0]
    obligations.watch(work, NOW)
    assert len([page for page in pages_of(desk) if page[0].startswith("OSHA")]) == 1
    obligations.watch(work, ago(hours=-4))
    osha = [page for page in pages_of(desk) if page[0].startswith("OSHA")]
    assert [p for _said, p, _c in osha] == [1, 1]
    assert "its time is over" in osha[1][0]
    messages = desk.sql(
        "SELECT count(*) FROM alert_events v JOIN alerts a ON a.id = v.alert_id"
        " JOIN alert_rules r ON r.id = a.rule_id"
        " WHERE r.template = 'agency_notices' AND v.kind IN ('raised', 'level')"
    )
    assert messages >= 3
    desk.round(ago(hours=-4))
    assert len(desk.incidents()) == 1  # a late notice is no incident of its own
    told(desk, desk.notices(made)["us-osha-fatality"].id, **CALL)
    obligations.watch(work, ago(hours=-4.1))
    osha = [page for page in pages_of(desk) if page[0].startswith("OSHA")]
    assert {c for _said, _p, c in osha} == {"normal"}


def test_a_rule_that_cannot_be_read_may_ask_for_anything_and_stops_no_other(desk: Desk) -> None:
    desk.sql("UPDATE agency_rules SET logic = 'released >=' WHERE code = 'tx-rrc-h2s'")
    try:
        made = report(desk, facts={"fluid": "oil", "released": Decimal(6)})
        notices = desk.notices(made)
        assert notices["tx-rrc-h2s"].status == "potential"
        assert "cannot be read" in (notices["tx-rrc-h2s"].because or "")
        assert notices["tx-rrc-spill"].status == "due"
    finally:
        desk.sql("UPDATE agency_rules SET logic = 'h2s_plan' WHERE code = 'tx-rrc-h2s'")


def test_every_version_of_a_rule_is_kept_and_a_notice_says_by_which_it_was_judged(
    desk: Desk,
) -> None:
    with desk.acting() as session:
        session.execute(
            text("UPDATE agency_rules SET logic = 'released > 3' WHERE code = 'tx-rrc-spill'")
        )
    ours = {"o": desk.operator.id}
    version = desk.sql(
        "SELECT version FROM agency_rules WHERE code = 'tx-rrc-spill' AND organization_id = :o",
        **ours,
    )
    kept = desk.sql(
        "SELECT array_agg(v.version ORDER BY v.version) FROM agency_rule_versions v"
        " JOIN agency_rules r ON r.id = v.rule_id"
        " WHERE r.code = 'tx-rrc-spill' AND r.organization_id = :o",
        **ours,
    )
    assert kept == list(range(1, version + 1))
    made = report(desk, facts={"fluid": "oil", "released": Decimal(4)})
    assert desk.notices(made)["tx-rrc-spill"].rule_version == version
    desk.sql(
        "UPDATE agency_rules SET logic = 'fluid = oil AND released > 5 OR fire OR lightning'"
        " WHERE code = 'tx-rrc-spill'"
    )


def test_operators_without_rules_are_given_the_shipped_ones_once(desk: Desk) -> None:
    other = desk.cast.cimarron.id
    desk.round()
    counts = "SELECT count(*) FROM agency_rules WHERE organization_id = :o"
    assert desk.sql(counts, o=other) == 34
    desk.sql("DELETE FROM promotion_rules WHERE organization_id = :o", o=other)
    desk.round()
    assert desk.sql("SELECT count(*) FROM promotion_rules WHERE organization_id = :o", o=other) == 0


def test_two_workers_make_one_incident_of_one_alert(desk: Desk) -> None:
    desk.alert(priority=1)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _n: desk.round(), range(4)))
    (incident,) = desk.incidents()
    with Session(desk.database.engine("owner")) as session:
        listed = text(
            "SELECT count(*), count(DISTINCT rule_id) FROM incident_notices WHERE incident_id = :i"
        )
        count, distinct = session.execute(listed, {"i": incident.id}).one()
    assert count == distinct
