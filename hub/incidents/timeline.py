"""One timeline of an incident: its own entries, and those of the alerts that belong to it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.incidents.values import plain
from hub.incidents.words import OWED
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
           d.media_type, e.lat, e.lon, e.accuracy_m, NULL::uuid AS alert_id, 0 AS place
    FROM incident_events e
    LEFT JOIN users u ON u.id = e.created_by
    LEFT JOIN documents d ON d.organization_id = e.organization_id AND d.id = e.document_id
    WHERE e.organization_id = :organization AND e.incident_id = :incident
    UNION ALL
    SELECT coalesce(v.event_time, v.at), v.at, 'alert ' || v.kind, coalesce(v.note, a.message),
           u.name, v.before, v.after, NULL, NULL, NULL, NULL, NULL, NULL, NULL, a.id, 1
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
    media_type: str | None
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
            return f"An agency {OWED.get(str(self.after.get('status')), 'is concerned')}"
        if self.kind.startswith("alert "):
            return f"Alert {self.kind[6:].replace('_', ' ')}"
        return KINDS.get(self.kind, self.kind)

    @property
    def is_picture(self) -> bool:
        """Whether its document is a picture that every browser shows."""
        return self.media_type in {"image/jpeg", "image/png", "image/webp", "image/gif"}

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """Facts that changed: name, before, after."""
        if self.kind != "facts":
            return []
        return [
            (_label(name), _word(name, (self.before or {}).get(name)), _word(name, value))
            for name, value in sorted((self.after or {}).items())
        ]


def _about(name: str) -> Mapping[str, Any]:
    """What the table says of a fact."""
    column = Incident.__table__.columns.get(name)
    return column.info if column is not None else {}


def _label(name: str) -> str:
    return str(_about(name).get("label") or name.replace("_", " ").capitalize())


def _word(name: str, value: Any) -> str:
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    unit = _about(name).get("unit", "")
    if isinstance(value, int | float | Decimal):
        return f"{plain(Decimal(str(value)))} {'' if ' or ' in unit else unit}".strip()
    return str(value).replace("_", " ") if "choices" in _about(name) else str(value)


def timeline(session: Session, incident: Incident) -> list[Entry]:
    """Everything in the order in which it happened."""
    values = {"organization": incident.organization_id, "incident": incident.id}
    return [
        Entry(*(getattr(row, name) for name in Entry.__slots__))
        for row in session.execute(_ENTRIES, values)
    ]
