"""What the office has planned is out of service: planned downtime, and work under way.

What ends there ends here too, so that nobody has to say it twice.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.alerts.service import in_service, out_of_service

#: Without an end that is known, downtime keeps alarms quiet for a week, work for a day.
_BEGUN = text(
    """
    SELECT 'downtime_id' AS paper, d.id, d.well_id, NULL::uuid AS equipment_id,
           NULL::uuid AS facility_id, 'Planned downtime' AS reason,
           least(coalesce(d.ended_at, d.started_at + interval '7 days'),
                 CAST(:now AS timestamptz) + interval '60 days') AS until
    FROM downtime_events d
    WHERE d.organization_id = :organization AND d.planned AND d.started_at <= :now
      AND (d.ended_at IS NULL OR d.ended_at > :now)
      AND NOT EXISTS (SELECT FROM alert_holds h WHERE h.downtime_id = d.id)
    UNION ALL
    SELECT 'maintenance_id', m.id, CASE WHEN m.equipment_id IS NULL THEN m.well_id END,
           m.equipment_id,
           CASE WHEN m.equipment_id IS NULL AND m.well_id IS NULL THEN m.facility_id END,
           'Work order ' || m.work_order_no || ': ' || m.summary,
           greatest(m.started_at, CAST(:now AS timestamptz)) + interval '24 hours'
    FROM maintenance_records m
    WHERE m.organization_id = :organization AND m.status = 'in_progress' AND m.started_at <= :now
      AND NOT EXISTS (SELECT FROM alert_holds h WHERE h.maintenance_id = m.id)
    """
)

_ENDED = text(
    """
    SELECT h.id FROM alert_holds h
    LEFT JOIN downtime_events d ON d.id = h.downtime_id
    LEFT JOIN maintenance_records m ON m.id = h.maintenance_id
    WHERE h.organization_id = :organization AND h.kind = 'service' AND h.ended_at IS NULL
      AND (d.ended_at <= :now OR m.status IN ('done', 'cancelled'))
    """
)


def follow(session: Session, organization_id: uuid.UUID, now: datetime) -> int:
    """Take out of service what is planned to be, put back what is done; gives how many things.

    Call it as the work role within the operator's own transaction.
    """
    values = {"organization": organization_id, "now": now}
    ended = session.scalars(_ENDED, values).all()
    for hold in ended:
        in_service(session, hold, None, now)
    begun = [row for row in session.execute(_BEGUN, values).all() if row.until > now]
    for row in begun:
        papers = {row.paper: row.id}
        out_of_service(
            session, organization_id, _subject(row), None, row.until, row.reason, now, papers=papers
        )
    return len(ended) + len(begun)


def _subject(row: Any) -> dict[str, uuid.UUID]:
    names = ("equipment_id", "well_id", "facility_id")
    return next({name: getattr(row, name)} for name in names if getattr(row, name) is not None)
