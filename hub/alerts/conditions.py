"""Alerts about conditions that no reading shows: silence, due dates, figures, the hub's own state.

They are *level-triggered*: whoever watches such a condition says in each round all that it finds,
and the alerts are brought to that. Nothing depends on having seen the moment of a change, so a
missed round, a restart, or two rounds at once lead to the same alerts.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hub.alerts import axes, holds, notices
from hub.alerts.axes import Axes
from hub.alerts.lifecycle import close, dedup_key, freeze, put, terms, write
from hub.schema import Alert, AlertRule
from hub.schema.base import uuid7


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a rule finds wrong now."""

    key: str  #: tells the findings of one rule apart; the same from round to round
    sentence: str  #: what is wrong, in one sentence: the alert's title
    since: datetime  #: when it began, as far as anybody can tell; never later than now
    priority: int = 3  #: 1 worst … 4 advice
    level: str = "alarm"  #: lolo, lo, hi, hihi or alarm
    subject: str = ""  #: what it is about, in words
    value: float | None = None
    setpoint: float | None = None
    tag_id: int | None = None
    well_id: uuid.UUID | None = None
    equipment_id: uuid.UUID | None = None
    facility_id: uuid.UUID | None = None
    agent_id: uuid.UUID | None = None
    unknown_since: datetime | None = None  #: nobody can see since then whether it still is so


@dataclass(slots=True)
class Reconciled:
    """What a round changed; keys of findings."""

    opened: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)


_LOCK = text("SELECT pg_advisory_xact_lock(1245922376, hashtext(CAST(:rule AS text)))")


def reconcile(
    session: Session,
    rule: AlertRule,
    findings: Iterable[Finding],
    now: datetime,
    *,
    only: Collection[str] | None = None,
) -> Reconciled:
    """Bring a rule's alerts to what is found now: open, change, clear.

    `only` names the keys that this round looked at; alerts of other keys are left as they are. Two
    rounds of one rule wait for each other. Call it as the work role, within a transaction.
    """
    session.execute(_LOCK, {"rule": rule.id})
    found = {dedup_key(rule.organization_id, rule.id, f.key): f for f in findings}
    standing = _open_alerts(session, rule)
    done = Reconciled()
    for key, finding in found.items():
        alert = standing.get(key)
        if alert is None or not Axes.of(alert).stands:
            _open(session, rule, finding, now, alert)
            done.opened.append(finding.key)
        elif _change(session, rule, alert, finding, now):
            done.changed.append(finding.key)
    looked_at = (
        None if only is None else {dedup_key(rule.organization_id, rule.id, k) for k in only}
    )
    for key, alert in standing.items():
        seen = looked_at is None or key in looked_at
        if key not in found and seen and alert.condition != "normal":
            _clear(session, alert, now)
            done.cleared.append(alert.dedup_key)
    session.flush()
    return done


def _open_alerts(session: Session, rule: AlertRule) -> Mapping[str, Alert]:
    listed = (
        select(Alert)
        .where(Alert.rule_id == rule.id, Alert.closed_at.is_(None))
        .order_by(Alert.id)
        .with_for_update()
    )
    rows = session.scalars(listed, execution_options={"populate_existing": True})
    return {row.dedup_key: row for row in rows}


def _open(
    session: Session, rule: AlertRule, finding: Finding, now: datetime, former: Alert | None
) -> None:
    if former is not None:
        close(session, former, "superseded", now)
    alert = _row(rule, finding, now)
    session.add(alert)
    session.flush()
    session.refresh(alert, ["agent_id", "equipment_id", "facility_id", "well_id"])
    write(session, alert, "raised", alert.raised_at, after={"level": alert.level})
    if finding.unknown_since is not None:
        freeze(session, alert, finding.unknown_since)
    holds.project(session, alert, now)
    if not Axes.of(alert).muted(now):
        notices.page(session, alert, "raised", now)


def _row(rule: AlertRule, finding: Finding, now: datetime) -> Alert:
    return Alert(
        id=uuid7(),
        organization_id=rule.organization_id,
        rule_id=rule.id,
        rule_version=rule.version,
        kind=rule.kind,
        subject=finding.subject,
        tag_id=finding.tag_id,
        well_id=finding.well_id,
        equipment_id=finding.equipment_id,
        facility_id=finding.facility_id,
        agent_id=finding.agent_id,
        dedup_key=dedup_key(rule.organization_id, rule.id, finding.key),
        level=finding.level,
        priority=finding.priority,
        message=finding.sentence,
        origin="live",
        value=finding.value,
        extreme=finding.value,
        setpoint=finding.setpoint,
        condition="active",
        raised_at=min(finding.since, now),
        detected_at=now,
        ack="unacked",
        latched=bool(getattr(rule, "latch", False)),
        row_version=1,
    )


def _change(
    session: Session, rule: AlertRule, alert: Alert, finding: Finding, now: datetime
) -> bool:
    """Follow what a standing alert is about; tells people when it got worse."""
    worse = finding.priority < alert.priority
    if alert.condition == "normal":  # latched, and it is so again
        write(session, alert, "reopened", now)
        alert.cleared_at, worse = None, True
    if worse:
        write(session, alert, "level", now, after={"level": finding.level})
    _set_condition(session, alert, finding, now)
    for name, value in {
        "rule_version": rule.version,
        "level": finding.level,
        "priority": finding.priority,
        "message": finding.sentence,
        "value": finding.value,
        "setpoint": finding.setpoint,
    }.items():
        if getattr(alert, name) != value:
            setattr(alert, name, value)
    changed = session.is_modified(alert)
    if changed:
        alert.row_version += 1
    if worse:
        tell_worse(session, alert, now)
    return changed


def _set_condition(session: Session, alert: Alert, finding: Finding, now: datetime) -> None:
    if finding.unknown_since is None:
        if alert.frozen_since is not None:
            alert.frozen_since = None
            write(session, alert, "unfrozen", now)
        if alert.condition != "active":
            alert.condition = "active"
    elif alert.frozen_since is None:
        freeze(session, alert, finding.unknown_since)


def tell_worse(session: Session, alert: Alert, now: datetime) -> None:
    """A locked alert got worse: it asks again, comes off a shelf for less, and people are told."""
    past = holds.is_past_shelf(session, alert)
    if past and alert.shelved_until is not None:
        write(session, alert, "shelf_passed", None)
        holds.end_shelves(session, alert, None, now)
    move = axes.worsen(Axes.of(alert), now, past_shelf=past)
    put(session, alert, move, now)
    if move.tell:
        notices.page(session, alert, "level", now)


def _clear(session: Session, alert: Alert, now: datetime) -> None:
    alert.cleared_at, alert.frozen_since = max(alert.raised_at, now), None
    write(session, alert, "cleared", alert.cleared_at)
    put(session, alert, axes.observe(Axes.of(alert), "normal", terms(session, alert)), now)
    notices.follow_up(session, alert, "cleared", now)
