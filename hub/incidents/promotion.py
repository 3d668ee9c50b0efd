"""When alerts become an incident without anybody declaring it: the operator's promotion rules.

Level-triggered, every half minute: each rule is a question to the database about alerts that belong
to no incident yet. The same alerts give the same incident, however often it is asked.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine, TextClause, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hub.database import Actor, tenant_session
from hub.incidents import opening
from hub.incidents.opening import Opening
from hub.schema import Alert, Incident, PromotionRule

LOG = logging.getLogger(__name__)

#: The work process, as the audit trail knows it.
ACTOR: Final = Actor(door="incidents")

#: An alert that became known longer ago than this stays what it is.
LOOKS_BACK: Final = timedelta(hours=24)

#: What each kind of rule means, for the page where it is changed.
EXPLAINED: Final[Mapping[str, str]] = {
    "priority": "Any alert of this priority, or a more urgent one, becomes an incident at once;"
    " one that is known only afterwards too, because a clock may run.",
    "mass_balance": "A balance of fluids that misses more than so many barrels becomes a suspected"
    " spill.",
    "tank_high_high": "A tank above its high-high limit for so many minutes, or whose level falls"
    " from there while nobody hauls, becomes a suspected spill.",
    "site_down": "At least so many wells of one site with alerts within so many minutes become one"
    " incident, named after the alert that came first.",
    "unanswered": "An alert of this priority, or a more urgent one, that nobody took up within so"
    " many minutes becomes an incident.",
}

_FREE: Final = """
    a.organization_id = :organization AND a.retracted_at IS NULL AND a.detected_at >= :since
    AND NOT EXISTS (SELECT FROM incident_alerts j WHERE j.alert_id = a.id)
"""
#: Alerts about the office and the hub itself are no incident of a site: a notice that is late would
#: else become an incident, and that one owe notices.
_OF_A_SITE: Final = """
    EXISTS (SELECT FROM alert_rules r
            WHERE r.organization_id = a.organization_id AND r.id = a.rule_id
              AND r.kind NOT IN ('due_date', 'financial', 'meta', 'missing_entry',
                                 'ticket_mismatch', 'production_variance')
              AND coalesce(r.template, '') <> 'agency_notices')
"""
_QUESTIONS: Final[Mapping[str, TextClause]] = {
    "priority": text(
        f"""SELECT a.id FROM alerts a
            WHERE {_FREE} AND {_OF_A_SITE} AND a.priority <= :amount
            ORDER BY a.raised_at"""  # noqa: S608 - our own words
    ),
    "mass_balance": text(
        f"""SELECT a.id FROM alerts a
            JOIN alert_rules r ON r.organization_id = a.organization_id AND r.id = a.rule_id
            WHERE {_FREE} AND r.kind = 'mass_balance' AND abs(a.value) >= :amount
            ORDER BY a.raised_at"""  # noqa: S608
    ),
    "tank_high_high": text(
        f"""SELECT a.id FROM alerts a
            JOIN tags t ON t.organization_id = a.organization_id AND t.id = a.tag_id
            LEFT JOIN equipment e ON e.organization_id = t.organization_id AND e.id = t.equipment_id
            WHERE {_FREE} AND a.level = 'hihi'
              AND (e.kind LIKE 'tank%' OR t.measure LIKE 'tank%' OR t.name LIKE '%tank%')
              AND (coalesce(a.cleared_at, :now) - a.raised_at >= make_interval(mins => :minutes)
                   OR a.cleared_at IS NOT NULL AND NOT EXISTS (
                       SELECT FROM run_tickets k
                       JOIN tanks n ON n.organization_id = k.organization_id AND n.id = k.tank_id
                       WHERE k.organization_id = a.organization_id AND n.equipment_id = e.id
                         AND k.closed_at BETWEEN a.raised_at - interval '1 day'
                                             AND a.cleared_at + interval '1 day'))
            ORDER BY a.raised_at"""  # noqa: S608
    ),
    "site_down": text(
        f"""WITH free AS (
                SELECT a.id, a.well_id, a.raised_at,
                       coalesce(w.facility_id, l.facility_id, l.id) AS site
                FROM alerts a
                JOIN wells w ON w.organization_id = a.organization_id AND w.id = a.well_id
                LEFT JOIN leases l ON l.organization_id = w.organization_id AND l.id = w.lease_id
                WHERE {_FREE} AND a.closed_at IS NULL AND a.condition <> 'normal'
                  AND a.priority <= 3)
            SELECT f.id FROM free f
            WHERE f.site IS NOT NULL AND :amount <= (
                SELECT count(DISTINCT g.well_id) FROM free g
                WHERE g.site = f.site
                  AND g.raised_at BETWEEN f.raised_at - make_interval(mins => :minutes)
                                      AND f.raised_at + make_interval(mins => :minutes))
            ORDER BY f.raised_at"""  # noqa: S608
    ),
    "unanswered": text(
        f"""SELECT a.id FROM alerts a
            WHERE {_FREE} AND {_OF_A_SITE} AND a.priority <= :amount
              AND a.ack = 'unacked' AND a.origin = 'live'
              AND a.closed_at IS NULL AND a.condition <> 'normal'
              AND a.detected_at <= :now - make_interval(mins => :minutes)
              AND (a.shelved_until IS NULL OR a.shelved_until < :now)
              AND a.suppressed_by IS NULL
            ORDER BY a.raised_at"""  # noqa: S608
    ),
}


def promote(engine: Engine, organization: uuid.UUID, now: datetime) -> int:
    """Let an operator's alerts become incidents by its rules; gives how many alerts.

    A rule that fails is logged and left to the next turn; the others go on.
    """
    with tenant_session(engine, organization, ACTOR) as session:
        keys = session.scalars(
            select(PromotionRule.id)
            .where(PromotionRule.enabled)
            .order_by(PromotionRule.severity.desc(), PromotionRule.name)
        ).all()
    made = 0
    for key in keys:
        try:
            with tenant_session(engine, organization, ACTOR) as session:
                made += promote_by(session, key, now)
        except DBAPIError:
            LOG.exception("promotion rule %s failed; it is tried again", key)
    return made


def promote_by(session: Session, rule_id: uuid.UUID, now: datetime) -> int:
    """Let alerts become incidents by one rule; gives how many alerts."""
    rule = session.get(PromotionRule, rule_id)
    if rule is None or not rule.enabled:
        return 0
    session.execute(_LOCK, {"organization": rule.organization_id})
    alerts = found(session, rule, now)
    for alert in alerts:
        opening.join_or_open(session, _opening(rule, alert), [alert], f"{rule.name}.")
    return len(alerts)


_LOCK: Final = text(
    "SELECT pg_advisory_xact_lock(1229867346, hashtext(CAST(:organization AS text)))"
)


def found(session: Session, rule: PromotionRule, now: datetime) -> Sequence[Alert]:
    """The alerts that a rule would make, or add to, an incident now; the first one first."""
    keys = session.scalars(
        _QUESTIONS[rule.kind],
        {
            "organization": rule.organization_id,
            "since": now - LOOKS_BACK,
            "now": now,
            "amount": rule.amount or 1,
            "minutes": rule.minutes or 0,
        },
    ).all()
    alerts = {a.id: a for a in session.scalars(select(Alert).where(Alert.id.in_(keys)))}
    return [alerts[key] for key in keys]


def _opening(rule: PromotionRule, alert: Alert) -> Opening:
    taken = opening.class_of(alert) if rule.kind in {"priority", "unanswered"} else ""
    return Opening(
        alert.organization_id,
        opening.where_of(alert),
        alert.raised_at,
        rule.incident_class if taken in {"", "equipment_failure"} else taken,
        rule.severity,
        alert.message,
        "promoted",
        rule,
    )


def of_incident(session: Session, incident: Incident) -> list[Alert]:
    """The alerts that belong to an incident, in the order in which they began."""
    return list(
        session.scalars(
            select(Alert).from_statement(
                text(
                    "SELECT a.* FROM alerts a JOIN incident_alerts j ON j.alert_id = a.id"
                    " WHERE j.organization_id = :organization AND j.incident_id = :incident"
                    " ORDER BY a.raised_at, a.id"
                )
            ),
            {"organization": incident.organization_id, "incident": incident.id},
        )
    )
