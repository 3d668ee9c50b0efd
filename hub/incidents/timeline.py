"""One timeline of an incident: its own entries, and those of the alerts that belong to it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.schema import Incident

#: What each kind of entry is called.
KINDS: Final = {
    "opened": "Incident opened",
    "status": "Status",
    "facts": "Facts changed",
    "alert": "Alert joined",
    "notice": "Obligation",
    "reminder": "Reminder",
    "missed": "Deadline missed",
    "comment": "Note",
    "photo": "Photo",
    "position": "Position",
    "viewed": "First looked at",
    "call": "Call",
    "role": "Roles",
    "review": "Review",
}

_ENTRIES: Final = text(
    """
    SELECT e.happened_at AS at, e.created_at AS recorded_at, e.kind, e.note, u.name AS who,
           e.before, e.after, e.document_id, d.title AS document, encode(d.sha256, 'hex') AS sha256,
           e.lat, e.lon, e.accuracy_m, NULL::uuid AS alert_id, 0 AS place
    FROM incident_events e
    LEFT JOIN users u ON u.id = e.created_by
    LEFT JOIN documents d ON d.organization_id = e.organization_id AND d.id = e.document_id
    WHERE e.organization_id = :organization AND e.incident_id = :incident
    UNION ALL
    SELECT coalesce(v.event_time, v.at), v.at, 'alert ' || v.kind, coalesce(v.note, a.message),
           u.name, v.before, v.after, NULL, NULL, NULL, NULL, NULL, NULL, a.id, 1
    FROM incident_alerts j
    JOIN alerts a ON a.organization_id = j.organization_id AND a.id = j.alert_id
    JOIN alert_events v ON v.organization_id = a.organization_id AND v.alert_id = a.id
    LEFT JOIN users u ON u.id = v.actor
    WHERE j.organization_id = :organization AND j.incident_id = :incident
    ORDER BY at, place DESC, recorded_at
    """
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened: when, what, who."""

    at: datetime
    recorded_at: datetime
    kind: str
    note: str | None
    who: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    document_id: uuid.UUID | None
    document: str | None
    sha256: str | None
    lat: Decimal | None
    lon: Decimal | None
    accuracy_m: Decimal | None
    alert_id: uuid.UUID | None

    @property
    def title(self) -> str:
        """What sort of entry it is, in words."""
        if self.kind == "status" and self.after:
            return f"Status: {str(self.after.get('status', '')).replace('_', ' ')}"
        if self.kind == "notice" and self.after:
            return f"Obligation: {str(self.after.get('status', '')).replace('_', ' ')}"
        if self.kind.startswith("alert "):
            return f"Alert {self.kind[6:].replace('_', ' ')}"
        return KINDS.get(self.kind, self.kind)

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """Facts that changed: name, before, after."""
        if self.kind != "facts":
            return []
        return [
            (name.replace("_", " "), _word((self.before or {}).get(name)), _word(value))
            for name, value in sorted((self.after or {}).items())
        ]


def _word(value: Any) -> str:
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def timeline(session: Session, incident: Incident) -> list[Entry]:
    """Everything in the order in which it happened."""
    values = {"organization": incident.organization_id, "incident": incident.id}
    return [
        Entry(*(getattr(row, name) for name in Entry.__slots__))
        for row in session.execute(_ENTRIES, values)
    ]
