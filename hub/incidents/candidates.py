"""Everything a clock could count from: when alarms rang, and when a person first knew."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.incidents.clocks import Candidate
from hub.schema import Incident

_ALARMS: Final = text(
    """
    SELECT min(a.raised_at) AS raised, min(a.detected_at) AS detected
    FROM incident_alerts j
    JOIN alerts a ON a.organization_id = j.organization_id AND a.id = j.alert_id
    WHERE j.organization_id = :organization AND j.incident_id = :incident
      AND a.retracted_at IS NULL
    """
)
_FIRST_VIEW: Final = text(
    """
    SELECT min(seen.at) FROM (
        SELECT e.at FROM incident_alerts j
        JOIN alert_events e ON e.organization_id = j.organization_id AND e.alert_id = j.alert_id
        WHERE j.organization_id = :organization AND j.incident_id = :incident
          AND e.actor IS NOT NULL
        UNION ALL
        SELECT v.created_at FROM incident_events v
        WHERE v.organization_id = :organization AND v.incident_id = :incident
          AND v.created_by IS NOT NULL
    ) seen
    """
)


def candidates_of(session: Session, incident: Incident) -> list[Candidate]:
    """When alarms rang, when somebody first looked, when it was declared to be known."""
    values = {"organization": incident.organization_id, "incident": incident.id}
    alarms = session.execute(_ALARMS, values).one()
    seen: datetime | None = session.scalar(_FIRST_VIEW, values)
    found = [
        Candidate("alarm_raised", alarms.raised, False, "when the first alarm began")
        if alarms.raised
        else None,
        Candidate("alarm_detected", alarms.detected, False, "when the hub knew of the first alarm")
        if alarms.detected
        else None,
        Candidate("first_view", seen, True, "when a person first looked at it") if seen else None,
        Candidate("discovered", incident.discovered_at, True, "the discovery as declared")
        if incident.discovered_at
        else None,
    ]
    known = [candidate for candidate in found if candidate is not None]
    if known:
        return known
    return [Candidate("discovered", incident.created_at, True, "when it was entered")]
