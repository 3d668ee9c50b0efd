"""Where an incident is: its state, its site, and the other incidents of that site."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hub.incidents.facts import COLUMNS, Site
from hub.incidents.judge import LOOKS
from hub.schema import Incident

#: State by the first two digits of an API number.
API_STATES: Final[Mapping[str, str]] = {
    "05": "CO",
    "15": "KS",
    "17": "LA",
    "25": "MT",
    "30": "NM",
    "33": "ND",
    "35": "OK",
    "42": "TX",
    "43": "UT",
    "49": "WY",
}

#: One site is a battery with what produces into it; else a lease; else a well.
SITE: Final = """
    coalesce(i.facility_id, e.facility_id, w.facility_id, l.facility_id, l.id, w.id, i.id)
"""
PLACES: Final = """
    LEFT JOIN equipment e ON e.organization_id = i.organization_id AND e.id = i.equipment_id
    LEFT JOIN wells w ON w.organization_id = i.organization_id
        AND w.id = coalesce(i.well_id, e.well_id)
    LEFT JOIN leases l ON l.organization_id = i.organization_id
        AND l.id = coalesce(i.lease_id, w.lease_id)
    LEFT JOIN facilities f ON f.organization_id = i.organization_id
        AND f.id = coalesce(i.facility_id, e.facility_id, w.facility_id, l.facility_id)
"""

_WHERE: Final = text(
    f"""
    SELECT {SITE} AS site, coalesce(i.state, f.state, l.state) AS state, w.api14, w.spud_date,
           l.land_class, l.federal_agreement_no, o.state AS office_state, o.timezone,
           w.name AS well, l.name AS lease, f.name AS facility,
           coalesce(f.county, l.county) AS county,
           coalesce(i.lat, w.lat, f.lat) AS lat, coalesce(i.lon, w.lon, f.lon) AS lon
    FROM incidents i
    JOIN organizations o ON o.id = i.organization_id
    {PLACES}
    WHERE i.organization_id = :organization AND i.id = :incident
    """  # noqa: S608 - put together from our own words
)

_OTHERS: Final = text(
    f"""
    SELECT i.id FROM incidents i {PLACES}
    WHERE i.organization_id = :organization AND i.id <> :incident
      AND i.status <> 'not_an_incident' AND i.occurred_at BETWEEN :first AND :last
      AND {SITE} = :site
    """  # noqa: S608 - put together from our own words
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an incident is, as the register knows it."""

    site: uuid.UUID
    state: str | None
    timezone: str
    federal: bool | None
    built_on: date | None
    well: str | None = None
    lease: str | None = None
    facility: str | None = None
    county: str | None = None
    lat: Any = None
    lon: Any = None

    @property
    def facts(self) -> Site:
        """What rules ask of it."""
        return Site(self.state, self.federal, self.built_on)

    @property
    def named(self) -> str:
        """The place for a person: well, lease, battery, county, state."""
        parts = [self.well, self.lease, self.facility, self.county, self.state]
        return ", ".join(dict.fromkeys(part for part in parts if part))


def place_of(session: Session, organization: uuid.UUID, incident: uuid.UUID) -> Place:
    """Where an incident is; raises `LookupError` where there is no such incident."""
    values = {"organization": organization, "incident": incident}
    row = session.execute(_WHERE, values).one_or_none()
    if row is None:
        raise LookupError(f"there is no incident {incident}")
    state = row.state or API_STATES.get((row.api14 or "")[:2]) or row.office_state
    return Place(
        row.site,
        state,
        row.timezone,
        _federal(row.land_class, row.federal_agreement_no),
        row.spud_date,
        *(row.well, row.lease, row.facility, row.county, row.lat, row.lon),
    )


def _federal(land_class: str | None, agreement: str | None) -> bool | None:
    """Whether a lease is federal or Indian; of mixed land nobody knows which part it was."""
    if land_class in {"federal", "indian"} or (agreement and land_class != "mixed"):
        return True
    return None if land_class == "mixed" else False


def others_at(
    session: Session, incident: Incident, place: Place
) -> list[tuple[datetime, Mapping[str, Any]]]:
    """Other incidents of the same site, near enough in time for any sum: when, and their facts."""
    values = {
        "organization": incident.organization_id,
        "incident": incident.id,
        "first": incident.occurred_at - LOOKS,
        "last": incident.occurred_at + LOOKS,
        "site": place.site,
    }
    keys = session.scalars(_OTHERS, values).all()
    rows = session.scalars(select(Incident).where(Incident.id.in_(keys)))
    return [(row.occurred_at, facts_of(row)) for row in rows]


def facts_of(incident: Incident) -> dict[str, Any]:
    """The columns of an incident that rules are judged by."""
    return {name: getattr(incident, name) for name in COLUMNS}
