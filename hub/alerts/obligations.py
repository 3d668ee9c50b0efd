"""What agencies are owed wakes people like everything else: as alerts of one rule per operator.

Reminders and missed deadlines go through alerts, because only an alert is escalated, acknowledged,
and told on every channel a person has. Each notice has one alert that becomes more urgent at 25,
50, 75 and 90 % of its time, and one more once its time is over. They end when it is recorded that
the agency was told. Incidents know nothing of this: the alerts room looks at them.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hub.alerts.conditions import Finding, reconcile
from hub.database import Actor, tenant_session
from hub.incidents.reminders import Running, running
from hub.incidents.rounds import operators
from hub.schema import AlertRule
from hub.schema.base import uuid7

LOG = logging.getLogger(__name__)

NAME: Final = "Notices to agencies"
TEMPLATE: Final = "agency_notices"  #: tells the rule from others of its kind
ACTOR: Final = Actor(door="incidents")

#: Of the kind that is judged by the clock and not by a reading, as other rules nobody made.
_INSERT: Final = text(
    """
    INSERT INTO alert_rules (id, organization_id, scope, kind, template, name, params, cause,
                             consequence, action)
    VALUES (:id, :organization, 'organization', 'stale', :template, :name,
            '{"levels": {"alarm": {"priority": 1}}}', :cause, :consequence, :action)
    """
)


def watch(engine: Engine, now: datetime | None = None) -> int:
    """Bring the alerts about notices up to the clocks of every operator; gives how many run."""
    moment = now or datetime.now(UTC)
    count = 0
    for organization in operators(engine):
        try:
            with tenant_session(engine, organization, ACTOR) as session:
                count += watch_for(session, organization, moment)
        except DBAPIError:
            LOG.exception("notices of %s could not be looked at; it is tried again", organization)
    return count


def watch_for(session: Session, organization: uuid.UUID, now: datetime) -> int:
    """Bring one operator's alerts about notices up to its clocks; gives how many run."""
    found = running(session, organization, now)
    rule = _rule(session, organization)
    if rule is None and not found:
        return 0
    if rule is None:
        rule = _make_rule(session, organization)
    if rule.enabled:
        reconcile(session, rule, findings(found), now)
    return len(found)


def findings(notices: Sequence[Running]) -> Iterator[Finding]:
    """One finding for each notice whose clock runs, one more where its time is over."""
    for one in notices:
        yield _finding(one, f"notice:{one.notice_id}", one.priority)
        if one.stage >= 100 and not one.at_once:
            yield _finding(one, f"missed:{one.notice_id}", 2 if one.potential else 1)


def _finding(one: Running, key: str, priority: int) -> Finding:
    return Finding(
        key=key,
        sentence=one.sentence,
        since=one.began,
        priority=priority,
        subject="Notices to agencies",
        well_id=one.well_id,
        facility_id=one.facility_id,
        equipment_id=one.equipment_id,
    )


def _rule(session: Session, organization: uuid.UUID) -> AlertRule | None:
    return session.scalars(
        select(AlertRule)
        .where(AlertRule.organization_id == organization, AlertRule.template == TEMPLATE)
        .order_by(AlertRule.created_at)
        .limit(1)
    ).one_or_none()


def _make_rule(session: Session, organization: uuid.UUID) -> AlertRule:
    values = {
        "id": uuid7(),
        "organization": organization,
        "name": NAME,
        "template": TEMPLATE,
        "cause": "An incident of which an agency must, or may have to, be told.",
        "consequence": "A penalty, and an agency that learns of it from others.",
        "action": "Open the incident, read out the script to the agency, and record the call.",
    }
    session.execute(_INSERT, values)
    return session.get_one(AlertRule, values["id"])
