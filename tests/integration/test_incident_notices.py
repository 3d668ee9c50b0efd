"""What agencies are owed: from facts to notices, their clocks, reminders, and what is recorded."""

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
from hub.schema import IncidentNotice
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
