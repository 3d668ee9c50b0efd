"""Alarms that others explain are kept, and told to nobody while the others stand.

What explains what is decided in `hub.alerts.causes`; here it is brought to the rows, with the cause
and the time beside the untouched state. When a cause is over, what still stands after a grace is
told.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Uuid, bindparam, select, text
from sqlalchemy.orm import Session

from hub.alerts import axes, causes
from hub.alerts.axes import Axes
from hub.alerts.causes import Place, Standing
from hub.alerts.lifecycle import put, terms, write
from hub.schema import Alert, FlowLink

_OPEN = text(
    """
    SELECT a.id, a.kind, coalesce(r.template, '') AS template, a.priority, a.level, a.message,
           a.raised_at, a.condition <> 'normal' AS stands, coalesce(t.measure, '') AS measure,
           a.agent_id, coalesce(t.device, '') AS device, a.well_id, a.equipment_id, a.facility_id,
           a.suppressed_cause_id, a.first_out_id, a.subject
    FROM alerts a
    JOIN alert_rules r ON r.id = a.rule_id
    LEFT JOIN tags t ON t.id = a.tag_id
    WHERE a.organization_id = :organization AND a.closed_at IS NULL
      AND (:alert IS NULL OR a.id = :alert OR r.template = ANY(:templates)
           OR t.measure = ANY(:measures))
    ORDER BY a.id
    """
).bindparams(
    bindparam("alert", type_=Uuid()),
    bindparam("templates", value=["site_offline", "device_silent"]),
    bindparam("measures", value=sorted(causes.POWER | causes.SHUTDOWN | causes.MACHINES)),
)


def settle(session: Session, organization_id: uuid.UUID, now: datetime) -> int:
    """Bring suppression and first-outs of an operator's open alerts to what holds now.

    Gives how many alerts changed. Call it where causes were brought up to date before.
    """
    rows = session.execute(_OPEN, {"organization": organization_id, "alert": None}).all()
    if not rows:
        return 0
    standing = {row.id: _standing(row) for row in rows}
    flow = _flow(session, organization_id)
    explained = causes.explanations(list(standing.values()), flow)
    firsts = causes.first_outs([alarm for alarm in standing.values() if alarm.stands], flow)
    changed = 0
    for row in rows:
        cause = explained.get(row.id)
        first = firsts.get(row.id, row.first_out_id)
        if (cause.id if cause else None, first) != (row.suppressed_cause_id, row.first_out_id):
            changed += _bring(session, row.id, cause, first, now)
    return changed


def consider(session: Session, alert: Alert, now: datetime) -> bool:
    """Suppress a new alert that one standing already explains; gives whether it did.

    So that a child that arrives after its parent wakes nobody in between two rounds.
    """
    values = {"organization": alert.organization_id, "alert": alert.id}
    rows = session.execute(_OPEN, values).all()
    if not any(row.stands and row.id != alert.id for row in rows):
        return False
    flow = _flow(session, alert.organization_id)
    explained = causes.explanations([_standing(row) for row in rows], flow)
    cause = explained.get(alert.id)
    if cause is not None:
        _suppress(session, alert, cause, now)
    return cause is not None


def _bring(
    session: Session,
    alert_id: uuid.UUID,
    cause: Standing | None,
    first: uuid.UUID | None,
    now: datetime,
) -> bool:
    alert = session.scalars(
        select(Alert)
        .where(Alert.id == alert_id, Alert.closed_at.is_(None))
        .with_for_update(skip_locked=True),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if alert is None:
        return False
    if first is not None and alert.first_out_id != first:
        alert.first_out_id = first
        if first != alert.id:
            write(session, alert, "first_out", None, after={"first_out_id": str(first)})
    if cause is not None and alert.suppressed_cause_id != cause.id:
        _suppress(session, alert, cause, now)
    elif cause is None and alert.suppressed_cause_id is not None:
        _release(session, alert, now)
    session.flush()
    return True


def _suppress(session: Session, alert: Alert, cause: Standing, now: datetime) -> None:
    move = axes.suppress(Axes.of(alert), cause.message)
    if alert.suppressed_at is None:
        alert.suppressed_at = now
    alert.suppressed_cause_id = cause.id
    write(session, alert, "suppressed", None, note=cause.message, after={"by": str(cause.id)})
    put(session, alert, move, now)


def _release(session: Session, alert: Alert, now: datetime) -> None:
    grace = terms(session, alert).release_grace
    alert.suppressed_cause_id = alert.suppressed_at = None
    write(session, alert, "released", None)
    put(session, alert, axes.release(Axes.of(alert), now, grace), now)


def _standing(row: Any) -> Standing:
    return Standing(
        row.id,
        row.kind,
        row.template,
        row.priority,
        row.level,
        row.message,
        row.raised_at,
        row.stands,
        row.measure,
        row.agent_id,
        row.device or _device_of(row),
        row.well_id,
        row.equipment_id,
        row.facility_id,
    )


def _device_of(row: Any) -> str:
    """The device that a whole-device alarm is about: its subject begins with it."""
    return str(row.subject).partition(" of ")[0] if row.template == "device_silent" else ""


def _flow(session: Session, organization_id: uuid.UUID) -> dict[Place, list[Place]]:
    links = session.scalars(select(FlowLink).where(FlowLink.organization_id == organization_id))
    flow: dict[Place, list[Place]] = defaultdict(list)
    for link in links:
        for start in _ends(link.from_well_id, link.from_equipment_id):
            flow[start] += _ends(link.to_well_id, link.to_equipment_id)
    return dict(flow)


def _ends(well: uuid.UUID | None, equipment: uuid.UUID | None) -> list[Place]:
    named: Iterable[tuple[str, uuid.UUID | None]] = (("well", well), ("equipment", equipment))
    return [(kind, key) for kind, key in named if key is not None]
