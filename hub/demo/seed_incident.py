"""The demo's open incident: a leak with facts, a clock that runs, a call on record, what is to do.

Reported through the same function as in the console, so that notices, clocks and timeline are what
people would see.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import select

from hub.demo.desk import Desk
from hub.incidents.opening import Report, Where, open_from_report, tell
from hub.incidents.reckon import reckon
from hub.schema import AgencyRule, Incident, IncidentAction, IncidentNotice
from hub.standards import begin_incidents

SUMMARY: Final = "Flowline leak below the Delta header; one man in hospital with heat stroke"
_FACTS: Final = {
    "fluid": "oil",
    "released_low": Decimal(6),
    "released": Decimal(9),
    "released_high": Decimal(14),
    "inside_containment": False,
    "on_site": True,
    "reached_water": False,
    "threatens_water": False,
    "hospitalised": 1,
    "injured": 1,
    "injury_class": "medical",
}


def fill(desk: Desk) -> None:
    """Report the leak as of fifty minutes ago, once; the district office was told by telephone."""
    desk.sit("manager")
    begin_incidents(desk.session.connection(), desk.organization)
    if desk.session.scalar(select(Incident.id).where(Incident.summary == SUMMARY)):
        return
    seen = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=50)
    lat, lon = Decimal("28.914210"), Decimal("-95.968120")
    where = Where(lease_id=desk.leases["Delta"])
    report = Report(desk.organization, "spill", SUMMARY, seen, where, lat, lon, _FACTS)
    incident = open_from_report(desk.session, report)
    _go_on(desk, incident, seen)
    _call(desk, incident, seen)
    reckon(desk.session, incident)


def _go_on(desk: Desk, incident: Incident, seen: datetime) -> None:
    """What people did, and what is to be done so that it does not happen again."""
    people = desk.people
    desk.change(Incident, [incident.id], status="confirmed")
    desk.change(
        Incident,
        [incident.id],
        commander_id=people["manager"].user_id,
        scribe_id=people["pumper"].user_id,
        place="Low spot 200 ft below the Delta header",
        recovered=Decimal(4),
    )
    desk.session.refresh(incident)
    for minutes, note in (
        (4, "Wing valves of Delta 1 and Delta 2 are shut; it has stopped flowing."),
        (12, "Luis collapsed while he built the berm; the ambulance has taken him."),
        (31, "Vacuum truck is loading; 4 bbl are back in the tank."),
    ):
        tell(desk.session, incident, "comment", note, happened_at=seen + timedelta(minutes=minutes))
    for measure, who, days in (
        ("Replace the corroded joint below the header", "Gulf Pipe & Supply", 6),
        ("Water, shade and a second man for every berm", "Sam Whitaker", 2),
    ):
        desk.add(
            IncidentAction,
            incident_id=incident.id,
            measure=measure,
            assigned_to=who,
            due_on=desk.today + timedelta(days=days),
        )


def _call(desk: Desk, incident: Incident, seen: datetime) -> None:
    """Record the call to the state's district office."""
    notices = (
        select(IncidentNotice.id)
        .join(AgencyRule, AgencyRule.id == IncidentNotice.rule_id)
        .where(IncidentNotice.incident_id == incident.id, AgencyRule.code == "tx-rrc-spill")
    )
    desk.change(
        IncidentNotice,
        desk.session.scalars(notices),
        done_at=seen + timedelta(minutes=22),
        told_to="Inspector Vela",
        method="phone",
        reference="RRC-03-26-0418",
    )
