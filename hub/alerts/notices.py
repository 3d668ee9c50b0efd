"""What is told of an alert, put together from its row: for those who have no more than that."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.notify import routing
from hub.notify.messages import Facts, NoticeKind, Standing, compose
from hub.notify.outbox import Notice
from hub.notify.wording import signal_unit
from hub.schema import Alert

_FACTS = text(
    """
    SELECT o.name AS organization, o.timezone, r.name AS rule, r.cause, r.consequence, r.action,
           r.respond_within_s, r.kind, r.params, t.name AS tag, t.unit, t.description, t.measure,
           coalesce(w.name, f.name, g.name, '') AS place
    FROM alerts a
    JOIN organizations o ON o.id = a.organization_id
    JOIN alert_rules r ON r.id = a.rule_id
    LEFT JOIN tags t ON t.id = a.tag_id
    LEFT JOIN wells w ON w.id = a.well_id
    LEFT JOIN facilities f ON f.id = a.facility_id
    LEFT JOIN agents g ON g.id = a.agent_id
    WHERE a.id = :alert
    """
)


def facts_of(session: Session, alert: Alert) -> Facts:
    """What is known of an alert's rule and of what it watches; the alert's row is written."""
    row: Any = session.execute(_FACTS, {"alert": alert.id}).one()
    measure = (row.measure or "").replace("_", " ").capitalize()
    return Facts(
        organization=row.organization,
        timezone=row.timezone,
        place=row.place or alert.subject or row.organization,
        tag=row.tag or "",
        quantity=row.description or measure or row.tag or row.rule,
        unit=signal_unit(row.kind, row.params, row.unit or ""),
        rule=row.rule,
        cause=row.cause,
        consequence=row.consequence,
        action=row.action,
        respond_within_s=row.respond_within_s,
        said="" if row.kind == "limit" else alert.message,
    )


def standing_of(alert: Alert) -> Standing:
    """How an alert stands now."""
    return Standing(
        alert.id,
        alert.priority,
        alert.level,
        alert.value,
        alert.setpoint,
        alert.extreme,
        alert.raised_at,
        alert.cleared_at,
    )


def notice(session: Session, alert: Alert, kind: NoticeKind, now: datetime) -> Notice:
    """A notice about an alert as it stands."""
    return Notice(
        alert.organization_id,
        alert.id,
        kind,
        now.isoformat(timespec="milliseconds"),
        alert.priority,
        compose(kind, facts_of(session, alert), standing_of(alert)),
    )


def page(session: Session, alert: Alert, kind: NoticeKind, now: datetime) -> int:
    """Begin to tell people of an alert that waits for an acknowledgement; gives how many."""
    alert.announced_level = alert.level
    session.flush()
    return routing.page(session, notice(session, alert, kind, now), now)


def follow_up(session: Session, alert: Alert, kind: NoticeKind, now: datetime) -> int:
    """Tell those who were told of an alert what became of it; gives how many."""
    session.flush()
    return routing.follow_up(session, notice(session, alert, kind, now), now)


def digest(session: Session, alert: Alert, said: str, now: datetime) -> int:
    """Tell those who were told that a site was offline what happened meanwhile; gives how many."""
    facts = replace(facts_of(session, alert), said=said)
    message = compose("digest", facts, standing_of(alert))
    told = Notice(
        alert.organization_id,
        alert.id,
        "digest",
        now.isoformat(timespec="milliseconds"),
        alert.priority,
        message,
    )
    return routing.follow_up(session, told, now)
