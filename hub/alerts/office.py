"""Looks at the office's rows for every rule about them, and brings the alerts to what is found.

Each round computes everything anew and compares it with the alerts that stand, so a missed round, a
restart or two rounds at once come to the same. Every rule has a transaction of its own, in which
only the rows of its own operator are seen; a rule that fails is set aside, the others go on.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from hub.alerts import conditions
from hub.alerts.conditions import Finding
from hub.alerts.kinds import OFFICE
from hub.alerts.kinds.office import scene
from hub.alerts.rules import mark_faulted
from hub.database import Actor, tenant_session
from hub.schema import Alert, AlertRule

LOG = logging.getLogger(__name__)
DOOR: Final = "office_rules"
#: Kinds by how often they are looked at.
OF_A_DAY: Final = ("production_variance", "mass_balance", "missing_entry", "ticket_mismatch")
OF_DATES: Final = ("due_date", "financial")
OF_ITSELF: Final = ("meta",)


def look(
    engine: Engine,
    kinds: Collection[str],
    now: datetime | None = None,
    of_hub: Sequence[Finding] | None = None,
) -> int:
    """One round of all rules of these kinds; gives how many rules were looked at.

    `engine` acts as the work role. Any number of workers may do this at once. `of_hub` is what is
    wrong with the hub itself, for the rules about it.
    """
    moment = now or datetime.now(UTC)
    listed = select(AlertRule.organization_id, AlertRule.id).where(
        AlertRule.kind.in_(kinds), AlertRule.enabled, AlertRule.faulted_at.is_(None)
    )
    with Session(engine) as session:
        due = session.execute(listed.order_by(AlertRule.id)).all()
    return sum(_look(engine, row.organization_id, row.id, moment, of_hub) for row in due)


def _look(
    engine: Engine,
    organization: uuid.UUID,
    rule_id: uuid.UUID,
    now: datetime,
    of_hub: Sequence[Finding] | None,
) -> bool:
    try:
        with tenant_session(engine, organization, Actor(door=DOOR)) as session:
            rule = session.get_one(AlertRule, rule_id)
            _reconcile(session, rule, now, of_hub)
    except OperationalError:
        raise  # a database that is away is no fault of a rule
    except Exception as fault:
        LOG.exception("rule %s failed and is set aside", rule_id)
        with Session(engine) as session, session.begin():
            mark_faulted(session, rule_id, f"{type(fault).__name__}: {fault}", now)
        return False
    return True


def _reconcile(
    session: Session, rule: AlertRule, now: datetime, of_hub: Sequence[Finding] | None
) -> None:
    kind = OFFICE[rule.kind]
    found = kind.find(scene(session, rule, now, of_hub), kind.read(rule.params))
    rungs = _rungs(session, rule)
    conditions.reconcile(session, rule, found.findings, now, only=found.looked_at)
    for alert_id, before in rungs.items():
        alert = session.get(Alert, alert_id)
        if alert is not None and _is_next_rung(alert, *before):
            conditions.tell_worse(session, alert, now)


def _rungs(session: Session, rule: AlertRule) -> dict[uuid.UUID, tuple[float | None, int]]:
    """Where alerts about due dates stood on their ladder before this round, and how bad."""
    if rule.kind != "due_date":
        return {}
    listed = select(Alert.id, Alert.setpoint, Alert.priority).where(
        Alert.rule_id == rule.id, Alert.closed_at.is_(None), Alert.condition != "normal"
    )
    return {row.id: (row.setpoint, row.priority) for row in session.execute(listed)}


def _is_next_rung(alert: Alert, setpoint: float | None, priority: int) -> bool:
    """Whether it stands on a nearer rung of the same priority: worse ones were told already."""
    nearer = setpoint is not None and alert.setpoint is not None and alert.setpoint < setpoint
    return nearer and alert.priority == priority and alert.condition == "active"
