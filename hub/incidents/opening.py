"""How an incident begins: declared from an alert, reported from the field, or by a promotion rule.

Several alerts of one site within an hour are one incident. What comes after an incident was
resolved is another one, linked as its recurrence: a resolved incident swallows nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hub.errors import HubError
from hub.incidents.reckon import reckon
from hub.incidents.rows import write
from hub.incidents.site import PLACES, SITE
from hub.schema import Alert, Incident, IncidentAlert, IncidentEvent, PromotionRule

JOIN_WITHIN: Final = timedelta(minutes=60)
#: Statuses in which an incident still takes in alerts of its site.
TAKES_IN: Final = ("suspected", "confirmed", "contained", "remediating")
#: A new incident of a site is called a recurrence of one resolved no longer ago than this.
RECURS_WITHIN: Final = timedelta(days=30)
#: What a report from the field is taken for.
REPORTS: Final[Mapping[str, tuple[str, int]]] = {
    "spill": ("spill", 3),
    "injury": ("injury", 3),
    "fire": ("fire", 4),
}


class ReportError(HubError):
    """A report from the field cannot become an incident; says why."""


@dataclass(frozen=True, slots=True)
class Where:
    """What an alert or a report is about."""

    well_id: uuid.UUID | None = None
    lease_id: uuid.UUID | None = None
    facility_id: uuid.UUID | None = None
    equipment_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """An incident to be: what it is taken for, where, since when, and because of what."""

    organization_id: uuid.UUID
    where: Where
    at: datetime
    incident_class: str
    severity: int
    summary: str
    origin: str
    rule: PromotionRule | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


_NEAR: Final = text(
    f"""
    WITH here AS (
        SELECT coalesce(CAST(:facility AS uuid), e.facility_id, w.facility_id, l.facility_id,
                        l.id, w.id) AS site
        FROM (SELECT 1) one
        LEFT JOIN equipment e ON e.organization_id = :organization AND e.id = :equipment
        LEFT JOIN wells w ON w.organization_id = :organization
            AND w.id = coalesce(CAST(:well AS uuid), e.well_id)
        LEFT JOIN leases l ON l.organization_id = :organization
            AND l.id = coalesce(CAST(:lease AS uuid), w.lease_id)
    )
    SELECT i.id, i.status, i.resolved_at,
           greatest(i.occurred_at, (SELECT max(a.raised_at) FROM incident_alerts j
                                    JOIN alerts a ON a.organization_id = j.organization_id
                                        AND a.id = j.alert_id
                                    WHERE j.organization_id = i.organization_id
                                      AND j.incident_id = i.id)) AS last_at,
           least(i.occurred_at, i.created_at) AS first_at
    FROM incidents i {PLACES}, here
    WHERE i.organization_id = :organization AND i.status <> 'not_an_incident'
      AND {SITE} = here.site
      AND coalesce(i.resolved_at, :at) >= :since
    ORDER BY i.occurred_at DESC
    """  # noqa: S608 - put together from our own words
)


def join_or_open(
    session: Session, opening: Opening, alerts: Sequence[Alert], because: str
) -> Incident:
    """Let alerts join the open incident of their site, or begin one with them."""
    near = _near(session, opening)
    incident = _open_near(session, near, opening.at)
    if incident is None:
        incident = begin(session, opening, recurrence_of=_resolved(near, opening.at))
    join(session, incident, alerts, because)
    reckon(session, incident)
    return incident


def begin(
    session: Session, opening: Opening, *, recurrence_of: uuid.UUID | None = None
) -> Incident:
    """Write a new incident; the database gives it its number and its first event."""
    where = opening.where
    values = {
        "incident_class": opening.incident_class,
        "severity": opening.severity,
        "summary": opening.summary,
        "occurred_at": opening.at,
        "origin": opening.origin,
        "well_id": where.well_id,
        "lease_id": where.lease_id,
        "facility_id": where.facility_id,
        "equipment_id": where.equipment_id,
        "promotion_rule_id": opening.rule.id if opening.rule else None,
        "recurrence_of_id": recurrence_of,
        **opening.values,
    }
    return write(session, Incident, opening.organization_id, values)


def join(session: Session, incident: Incident, alerts: Sequence[Alert], because: str) -> int:
    """Let alerts belong to an incident; one that belongs to another stays there. Gives how many."""
    joined = 0
    for alert in alerts:
        row = insert(IncidentAlert).values(
            organization_id=incident.organization_id,
            alert_id=alert.id,
            incident_id=incident.id,
            because=because,
        )
        found = session.execute(
            row.on_conflict_do_nothing(index_elements=["alert_id"]).returning(
                IncidentAlert.alert_id
            )
        ).all()
        if found:
            joined += 1
            tell(
                session,
                incident,
                "alert",
                f"{alert.message} ({because.rstrip('.')})",
                happened_at=alert.raised_at,
                after={"alert": str(alert.id), "message": alert.message},
            )
    return joined


def tell(
    session: Session, incident: Incident, kind: str, note: str | None, **values: Any
) -> IncidentEvent:
    """Append to an incident's timeline."""
    given = {"incident_id": incident.id, "kind": kind, "note": note, **values}
    return write(session, IncidentEvent, incident.organization_id, given)


def incident_of(session: Session, alert_id: uuid.UUID) -> Incident | None:
    """The incident an alert belongs to."""
    return session.scalars(
        select(Incident)
        .join(IncidentAlert, IncidentAlert.incident_id == Incident.id)
        .where(IncidentAlert.alert_id == alert_id)
    ).one_or_none()


def declare(
    session: Session, alert: Alert, user_id: uuid.UUID, incident_class: str | None = None
) -> Incident:
    """A person says that an alert is an incident, and of which class; one it belongs to already
    is given back.
    """
    there = incident_of(session, alert.id)
    if there is not None:
        return there
    opening = Opening(
        alert.organization_id,
        where_of(alert),
        alert.raised_at,
        incident_class or class_of(alert),
        4 if alert.priority == 1 else 3,
        alert.message,
        "declared",
        values={"commander_id": user_id},
    )
    return join_or_open(session, opening, [alert], "A person declared it an incident.")


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody in the field reports: a spill, an injury or a fire."""

    organization_id: uuid.UUID
    kind: str  #: spill, injury, fire
    summary: str
    at: datetime  #: when it was seen, which is when the operator knew
    where: Where
    lat: Decimal | None = None
    lon: Decimal | None = None
    #: Columns of the incident: fluid, released_low, released, released_high, reached_water …
    facts: Mapping[str, Any] = field(default_factory=dict)


def open_from_report(session: Session, report: Report) -> Incident:
    """Take a report from the field; answers the incident.

    Where alarms of the same site have made an incident within the hour, the report adds to it what
    is not known of it yet: one spill is one incident. Raises `ReportError`.
    """
    _check(report)
    incident_class, severity = REPORTS[report.kind]
    told = {name: value for name, value in report.facts.items() if value is not None}
    told |= {"discovered_at": report.at}
    if report.kind == "fire":
        told["fire"] = True
    place = {"lat": report.lat, "lon": report.lon} if report.lat is not None else {}
    opening = Opening(
        report.organization_id,
        report.where,
        report.at,
        incident_class,
        severity,
        report.summary,
        "reported",
        values={**told, **place},
    )
    near = _near(session, opening)
    incident = _open_near(session, near, report.at)
    if incident is None:
        incident = begin(session, opening, recurrence_of=_resolved(near, report.at))
    else:
        _add_to(incident, {**told, **place})
        tell(session, incident, "comment", report.summary, happened_at=report.at)
    if place:
        tell(session, incident, "position", "Reported from here.", happened_at=report.at, **place)
    reckon(session, incident)
    return incident


def _check(report: Report) -> None:
    where = report.where
    if report.kind not in REPORTS:
        raise ReportError(f"a report is of a spill, an injury or a fire, not of {report.kind!r}")
    if report.at > datetime.now(UTC) + timedelta(minutes=5):
        raise ReportError("the report tells of a time still to come: correct the time")
    if not any((where.well_id, where.lease_id, where.facility_id, where.equipment_id)):
        raise ReportError("say at which well, lease or battery it is")
    if (report.lat is None) != (report.lon is None):
        raise ReportError("a position has both a latitude and a longitude")


def _add_to(incident: Incident, told: Mapping[str, Any]) -> None:
    """Fill in what nobody has said of an incident yet; what was said stands."""
    for name, value in told.items():
        if getattr(incident, name) in {None, False}:
            setattr(incident, name, value)
    if incident.discovered_at is not None and incident.discovered_at < incident.occurred_at:
        incident.discovered_at = incident.occurred_at


def where_of(alert: Alert) -> Where:
    """What an alert is about, as far as it says."""
    return Where(
        well_id=alert.well_id,
        facility_id=getattr(alert, "facility_id", None),
        equipment_id=getattr(alert, "equipment_id", None),
    )


def class_of(alert: Alert) -> str:
    """What an alert looks like, by its words: a suggestion, for a person to choose."""
    said = alert.message.lower()
    for word, taken in (
        ("h2s", "h2s"),
        ("fire", "fire"),
        ("gas", "release_gas"),
        ("tank", "spill"),
        ("leak", "spill"),
        ("spill", "spill"),
    ):
        if word in said:
            return taken
    return "equipment_failure"


# ------------------------------------------------------------------------------------- near


def _near(session: Session, opening: Opening) -> Sequence[Any]:
    """Incidents of the same site that are open, or were resolved not long before."""
    where = opening.where
    return session.execute(
        _NEAR,
        {
            "organization": opening.organization_id,
            "facility": where.facility_id,
            "equipment": where.equipment_id,
            "well": where.well_id,
            "lease": where.lease_id,
            "at": opening.at,
            "since": opening.at - RECURS_WITHIN,
        },
    ).all()


def _open_near(session: Session, near: Sequence[Any], at: datetime) -> Incident | None:
    for row in near:
        within = row.first_at - JOIN_WITHIN <= at <= row.last_at + JOIN_WITHIN
        if row.status in TAKES_IN and within:
            return session.get(Incident, row.id)
    return None


def _resolved(near: Sequence[Any], at: datetime) -> uuid.UUID | None:
    """The incident this is a recurrence of: the last of the site that was resolved before."""
    done = [row for row in near if row.resolved_at is not None and row.resolved_at <= at]
    return max(done, key=lambda row: row.resolved_at).id if done else None
