"""What people keep quiet for a time: alarms on the shelf, and gauges, equipment and wells out of
service; brought to the alerts it is about, those that stand and those that come.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ColumnElement, select, text, update
from sqlalchemy.orm import Session

from hub.schema import Alert, AlertHold

# What an alert is about the database itself fills in as the row is written: it is asked there.
_OF_ALERT = text(
    """
    SELECT h.kind, h.until, h.priority, h.reason, h.created_by
    FROM alerts a
    JOIN alert_holds h ON h.organization_id = a.organization_id
    WHERE a.id = :alert AND h.ended_at IS NULL AND h.since <= :now AND h.until > :now
      AND ((h.kind = 'shelf' AND h.dedup_key = a.dedup_key)
           OR (h.kind = 'service'
               AND (h.tag_id = a.tag_id OR h.equipment_id = a.equipment_id
                    OR h.well_id = a.well_id OR h.facility_id = a.facility_id
                    OR h.agent_id = a.agent_id)))
    ORDER BY h.until
    """
)


def project(session: Session, alert: Alert, now: datetime) -> None:
    """Bring to a new alert, whose row is written, what it or its alarm is kept quiet by.

    A shelf is for an alarm as bad as it was then: one of worse priority is not on it.
    """
    for hold in session.execute(_OF_ALERT, {"alert": alert.id, "now": now}):
        if hold.kind == "service":
            alert.out_of_service_until = hold.until
        elif hold.priority is None or alert.priority >= hold.priority:
            alert.shelved_until, alert.shelf_reason = hold.until, hold.reason
            alert.shelved_by = hold.created_by
            alert.shelf_count = max(alert.shelf_count or 0, 1)


def is_past_shelf(session: Session, alert: Alert) -> bool:
    """Whether an alert is worse than what was shelved."""
    shelved = session.scalars(
        select(AlertHold.priority).where(*_shelves(alert)).order_by(AlertHold.id.desc()).limit(1)
    ).one_or_none()
    return shelved is not None and alert.priority < shelved


def end_shelves(session: Session, alert: Alert, by: uuid.UUID | None, now: datetime) -> None:
    """Close the shelves of an alert's alarm."""
    session.execute(update(AlertHold).where(*_shelves(alert)).values(ended_at=now, ended_by=by))


def _shelves(alert: Alert) -> tuple[ColumnElement[bool], ...]:
    return (
        AlertHold.organization_id == alert.organization_id,
        AlertHold.dedup_key == alert.dedup_key,
        AlertHold.kind == "shelf",
        AlertHold.ended_at.is_(None),
    )
