"""Taking gauges, equipment, wells, facilities and sites out of service, and putting them back.

While something is out of service the evaluator goes on recording its alarms, and nobody is told.
That ends at the time that was said at the latest: from then on alarms are told again, and until
somebody says that it is back the operator is reminded (`standing_rules`: not put back in service).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import false, or_, select, text
from sqlalchemy.orm import Session

from hub.alerts import axes
from hub.alerts.axes import MANAGERS, Axes, RefusedError
from hub.alerts.lifecycle import put, write
from hub.schema import Alert, AlertHold, Membership

LONGEST: Final = timedelta(days=90)
SUBJECTS: Final = ("tag_id", "equipment_id", "well_id", "facility_id", "agent_id")


def out_of_service(
    session: Session,
    organization_id: uuid.UUID,
    subject: Mapping[str, Any],
    user_id: uuid.UUID | None,
    until: datetime,
    reason: str,
    now: datetime | None = None,
    *,
    papers: Mapping[str, Any] | None = None,
) -> AlertHold:
    """Take one thing out of service until a time at the latest: a manager does, or a plan.

    `subject` names it: one of `SUBJECTS` with its id; `papers` its permit, maintenance_id,
    downtime_id. Raises `RefusedError`.
    """
    moment = now or datetime.now(UTC)
    _check(session, organization_id, subject, user_id, until - moment, reason)
    hold = AlertHold(
        organization_id=organization_id,
        kind="service",
        since=moment,
        until=until,
        reason=reason.strip(),
        created_by=user_id,
        updated_by=user_id,
        **(papers or {}),
        **subject,
    )
    session.add(hold)
    session.flush()
    for alert in _alerts(session, hold):
        move = axes.take_out(Axes.of(alert), until)
        after = {"until": until.isoformat(), "hold": str(hold.id)}
        write(session, alert, "out_of_service", None, actor=user_id, note=hold.reason, after=after)
        put(session, alert, move, moment)
    return hold


def in_service(
    session: Session, hold_id: uuid.UUID, user_id: uuid.UUID | None, now: datetime | None = None
) -> bool:
    """Put something back in service; gives False where there is nothing to put back.

    What another hold is about too stays out for as long as that one says. Raises `RefusedError`.
    """
    moment = now or datetime.now(UTC)
    hold = session.get(AlertHold, hold_id, with_for_update=True)
    if hold is None or hold.kind != "service" or hold.ended_at is not None:
        return False
    if user_id is not None and _role(session, hold.organization_id, user_id) not in MANAGERS:
        raise RefusedError("Only a manager puts something back in service.")
    hold.ended_at, hold.ended_by = moment, user_id
    session.flush()
    for alert in _alerts(session, hold):
        others = [other.until for other in holds_on(session, alert) if other.until > moment]
        if others:
            alert.out_of_service_until = max(others)
        else:
            put_back(session, alert, moment, actor=user_id)
    return True


def holds_on(session: Session, alert: Alert) -> list[AlertHold]:
    """What keeps an alert out of service: holds on its gauge, equipment, well, facility or site."""
    about = [getattr(AlertHold, name) == getattr(alert, name) for name in subjects_of(alert)]
    listed = select(AlertHold).where(
        AlertHold.organization_id == alert.organization_id,
        AlertHold.kind == "service",
        AlertHold.ended_at.is_(None),
        or_(false(), *about),
    )
    return list(session.scalars(listed.order_by(AlertHold.id)))


def subjects_of(alert: Alert) -> list[str]:
    """What of an alert can be taken out of service, the narrowest first."""
    return [name for name in SUBJECTS if getattr(alert, name) is not None]


_OUT: Final = text(
    """
    SELECT h.id, h.since, h.until, h.reason, h.permit, h.well_id, h.tag_id, u.name AS by,
           CASE WHEN h.tag_id IS NOT NULL THEN 'gauge'
                WHEN h.equipment_id IS NOT NULL THEN 'equipment'
                WHEN h.well_id IS NOT NULL THEN 'well'
                WHEN h.facility_id IS NOT NULL THEN 'facility' ELSE 'site' END AS what,
           coalesce(t.name, e.name, w.name, f.name, a.name) AS subject,
           coalesce(tw.name, ta.name) AS place,
           h.maintenance_id IS NOT NULL OR h.downtime_id IS NOT NULL AS planned
    FROM alert_holds h
    LEFT JOIN tags t ON t.id = h.tag_id
    LEFT JOIN wells tw ON tw.id = t.well_id
    LEFT JOIN agents ta ON ta.id = t.agent_id
    LEFT JOIN equipment e ON e.id = h.equipment_id
    LEFT JOIN wells w ON w.id = h.well_id
    LEFT JOIN facilities f ON f.id = h.facility_id
    LEFT JOIN agents a ON a.id = h.agent_id
    LEFT JOIN users u ON u.id = h.created_by
    WHERE h.kind = 'service' AND h.ended_at IS NULL
    ORDER BY h.until, h.id
    """
)


def listed(session: Session) -> list[Any]:
    """Everything of the session's operator that is out of service, what ends first before."""
    return list(session.execute(_OUT))


def put_back(
    session: Session, alert: Alert, now: datetime, *, actor: uuid.UUID | None = None
) -> None:
    """A locked alert's gauge is in service again; what still stands is told."""
    if alert.out_of_service_until is not None:
        write(session, alert, "in_service", None, actor=actor)
        put(session, alert, axes.put_back(Axes.of(alert), now), now)


def _check(
    session: Session,
    organization_id: uuid.UUID,
    subject: Mapping[str, Any],
    user_id: uuid.UUID | None,
    length: timedelta,
    reason: str,
) -> None:
    if len(subject) != 1 or next(iter(subject)) not in SUBJECTS:
        raise RefusedError("Say what goes out of service: one gauge, equipment, well or site.")
    if not reason.strip():
        raise RefusedError("Say why it goes out of service; whoever relies on it will ask.")
    if not timedelta() < length <= LONGEST:
        raise RefusedError(
            f"Out of service must end later than now and within {axes.spoken(LONGEST)}."
        )
    if user_id is not None and _role(session, organization_id, user_id) not in MANAGERS:
        raise RefusedError("Only a manager takes something out of service.")


def _role(session: Session, organization_id: uuid.UUID, user_id: uuid.UUID) -> str:
    role = session.scalar(
        select(Membership.role).where(
            Membership.organization_id == organization_id,
            Membership.user_id == user_id,
            Membership.ended_at.is_(None),
        )
    )
    return role or ""


def _alerts(session: Session, hold: AlertHold) -> list[Alert]:
    """The open alerts that a hold is about, locked."""
    name = next(name for name in SUBJECTS if getattr(hold, name) is not None)
    listed = (
        select(Alert)
        .where(
            Alert.organization_id == hold.organization_id,
            Alert.closed_at.is_(None),
            or_(getattr(Alert, name) == getattr(hold, name)),
        )
        .order_by(Alert.id)
        .with_for_update()
    )
    return list(session.scalars(listed, execution_options={"populate_existing": True}))
