"""What the incident board and an incident's page show."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

#: Columns of the board: a heading and the statuses that stand under it.
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "Suspected": ("suspected",),
    "Confirmed": ("confirmed",),
    "Contained, cleaned up": ("contained", "remediating"),
    "To be reviewed": ("resolved", "reviewed"),
}
#: What a move is called.
MOVES: Final[Mapping[str, str]] = {
    "suspected": "Suspect it again",
    "confirmed": "Confirm",
    "not_an_incident": "Not an incident",
    "contained": "Contained",
    "remediating": "Clean-up begins",
    "resolved": "Resolved",
    "reviewed": "Reviewed",
    "closed": "Close",
}
SHOWN_DONE: Final = 10
#: Headings of the facts form, and the fields under each, as a person would be asked for them.
FACTS: Final = (
    (
        "What happened, and where",
        (
            *("incident_class", "severity", "place", "occurred_at", "discovered_at", "state"),
            *("lat", "lon", "federal_lease", "description"),
        ),
    ),
    (
        "How much got out",
        (
            *("fluid", "recovered", "contained"),
            *("released_low", "released", "released_high", "gas_low", "gas", "gas_high"),
            *("h2s_lb_low", "h2s_lb", "h2s_lb_high"),
            *("h2s_ppm", "water_tds_ppm", "property_damage"),
        ),
    ),
    (
        "Where it went, and whom it threatens",
        (
            *("inside_containment", "on_site", "reached_water", "threatens_water"),
            *("sensitive_area", "endangers_health", "threatens_property", "h2s_uncontrolled"),
            "coastal",
        ),
    ),
    (
        "What else is so",
        (
            *("fire", "explosion", "lightning", "blowout", "emergency", "major", "significant"),
            *("pipeline", "offshore", "h2s_plan"),
        ),
    ),
    (
        "People",
        (
            *("injured", "first_aid_cases", "medical_cases", "restricted_cases"),
            *("days_away_cases", "hospitalised", "amputations", "eye_losses", "deaths"),
        ),
    ),
    (
        "Afterwards",
        ("discharge_stopped_at", "cleanup_ended_on", "built_on", "root_cause"),
    ),
    ("Where a fact gets milder", ("correction",)),
)

_CARDS: Final = text(
    """
    SELECT i.id, i.incident_no, i.incident_class, i.severity, i.status, i.summary, i.occurred_at,
           i.closed_at, coalesce(w.name, l.name, f.name, i.place) AS place,
           u.name AS commander, n.authority, n.status AS owed, n.due,
           (SELECT count(*) FROM incident_notices k WHERE k.incident_id = i.id
              AND k.status IN ('potential', 'due', 'written_due')) AS open_notices,
           (SELECT count(*) FROM incident_alerts j WHERE j.incident_id = i.id) AS alerts
    FROM incidents i
    LEFT JOIN wells w ON w.organization_id = i.organization_id AND w.id = i.well_id
    LEFT JOIN leases l ON l.organization_id = i.organization_id
        AND l.id = coalesce(i.lease_id, w.lease_id)
    LEFT JOIN facilities f ON f.organization_id = i.organization_id AND f.id = i.facility_id
    LEFT JOIN users u ON u.id = i.commander_id
    LEFT JOIN LATERAL (
        SELECT k.authority, k.status,
               CASE k.status WHEN 'written_due' THEN k.written_required_by
                             ELSE k.required_by END AS due
        FROM incident_notices k
        WHERE k.incident_id = i.id AND k.status IN ('potential', 'due', 'written_due')
        ORDER BY 3 ASC NULLS LAST, k.status = 'potential', k.authority LIMIT 1) n ON true
    WHERE i.status NOT IN ('closed', 'not_an_incident')
       OR i.id IN (SELECT d.id FROM incidents d WHERE d.status IN ('closed', 'not_an_incident')
                   ORDER BY d.closed_at DESC NULLS LAST LIMIT :done)
    ORDER BY n.due ASC NULLS LAST, i.severity DESC, i.occurred_at DESC
    """
)


@dataclass(frozen=True, slots=True)
class Card:
    """An incident on the board, with the clock that runs out first."""

    id: uuid.UUID
    incident_no: str
    incident_class: str
    severity: int
    status: str
    summary: str
    occurred_at: datetime
    closed_at: datetime | None
    place: str | None
    commander: str | None
    authority: str | None
    owed: str | None
    due: datetime | None
    open_notices: int
    alerts: int

    @property
    def tone(self) -> str:
        """Name of the colour of its severity."""
        return {5: "critical", 4: "critical", 3: "warning"}.get(self.severity, "caution")

    @property
    def shape(self) -> str:
        """Symbol of its severity."""
        return {5: "octagon", 4: "octagon", 3: "triangle"}.get(self.severity, "diamond")


def board(session: Session) -> list[Card]:
    """Every incident that is not over, and the last that are; the most urgent clock first."""
    rows = session.execute(_CARDS, {"done": SHOWN_DONE})
    return [Card(*(getattr(row, name) for name in Card.__slots__)) for row in rows]


def in_columns(cards: list[Card]) -> list[tuple[str, list[Card]]]:
    """The board's columns, each with its cards."""
    return [
        (heading, [card for card in cards if card.status in statuses])
        for heading, statuses in COLUMNS.items()
    ]


_MEMBERS: Final = text(
    """
    SELECT u.id, u.name, m.role FROM memberships m JOIN users u ON u.id = m.user_id
    WHERE m.ended_at IS NULL AND u.disabled_at IS NULL AND m.role <> 'viewer'
    ORDER BY lower(u.name)
    """
)
_PLACES: Final = text(
    """
    SELECT 'well:' || w.id AS key, w.name || coalesce(' (' || l.name || ')', '') AS words
    FROM wells w LEFT JOIN leases l ON l.organization_id = w.organization_id AND l.id = w.lease_id
    UNION ALL SELECT 'lease:' || l.id, 'Lease ' || l.name FROM leases l
    UNION ALL SELECT 'facility:' || f.id, f.name FROM facilities f
    ORDER BY 2
    """
)
_RECURRENCES: Final = text(
    """
    SELECT id, incident_no, summary, 'before' AS side FROM incidents
    WHERE id = (SELECT recurrence_of_id FROM incidents WHERE id = :incident)
    UNION ALL
    SELECT id, incident_no, summary, 'after' FROM incidents WHERE recurrence_of_id = :incident
    """
)


def members(session: Session) -> list[Any]:
    """Who can lead or write down."""
    return list(session.execute(_MEMBERS))


def places(session: Session) -> list[tuple[str, str]]:
    """Wells, leases and facilities a report can be about."""
    return [(row.key, row.words) for row in session.execute(_PLACES)]


def recurrences(session: Session, incident: uuid.UUID) -> list[Any]:
    """The incident this one recurs from, and those that recurred from it."""
    return list(session.execute(_RECURRENCES, {"incident": incident}))


def left(seconds: float) -> str:
    """How long until then, to the minute: 3 d 4 h, 3 h 12 min, 12 min."""
    minutes = int(abs(seconds) // 60)
    days, hours = minutes // 1440, minutes // 60
    if hours >= 48:
        words = f"{days} d {hours % 24} h"
    elif hours:
        words = f"{hours} h {minutes % 60:02d} min"
    else:
        words = f"{minutes} min"
    return f"{words} left" if seconds > 0 else f"over by {words}"
