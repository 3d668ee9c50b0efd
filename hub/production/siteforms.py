"""The form at each site: who may enter there, and the stops it shows, made anew when they change.

The leases of a site are those whose wells or equipment its gauges are linked to. A pumper may enter
where one of them is on the route; the office may everywhere. What is written here is signed and
sent with the site's rules (`hub.alerts.sitebundles`).
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Engine, text

from agent.contract.stopsheet import sheet_body
from agent.contract.wire import MAX_MESSAGE
from hub.database import NOBODY, connect, tenant_session
from hub.production.sheets import sheet_of
from hub.settings import HubSettings

LOG = logging.getLogger(__name__)
#: Bytes of a site's form; more is not sent, so that its rules always are.
LARGEST: Final = MAX_MESSAGE * 4

_SITES: Final = text(
    """
    SELECT s.id, s.agent_id, s.organization_id, s.form, a.name FROM site_rules s
    JOIN agents a ON a.id = s.agent_id AND a.revoked_at IS NULL
    WHERE s.alarm_key IS NOT NULL ORDER BY s.id
    """
)
_LEASES: Final = text(
    """
    SELECT DISTINCT coalesce(w.lease_id, l.id) AS lease
    FROM tags t
    LEFT JOIN equipment e ON e.id = t.equipment_id
    LEFT JOIN wells w ON w.id = coalesce(t.well_id, e.well_id)
    LEFT JOIN leases l ON w.id IS NULL AND l.facility_id = e.facility_id
    WHERE t.agent_id = :agent AND coalesce(w.lease_id, l.id) IS NOT NULL
    """
)
_PEOPLE: Final = text(
    """
    SELECT u.id, u.name, u.locale, p.pin_hash, o.stops FROM field_pins p
    JOIN memberships m ON m.id = p.membership_id AND m.ended_at IS NULL
    JOIN users u ON u.id = m.user_id AND u.disabled_at IS NULL
    LEFT JOIN route_orders o ON o.membership_id = m.id
    WHERE p.organization_id = :organization
      AND (m.role IN ('owner', 'manager') OR m.role = 'pumper' AND EXISTS (
           SELECT FROM lease_assignments r
           WHERE r.membership_id = m.id AND r.lease_id = ANY(:leases)
             AND CURRENT_DATE BETWEEN r.from_day AND coalesce(r.to_day, 'infinity')))
    ORDER BY u.id
    """
)
_KEEP: Final = text("UPDATE site_rules SET form = CAST(:form AS jsonb) WHERE id = :id")


def renew(engine: Engine, settings: HubSettings, now: datetime | None = None) -> int:
    """Make the forms of sites for which anything has changed; gives how many.

    `engine` acts as wellflow_work.
    """
    with engine.connect() as connection:
        sites = connection.execute(_SITES).all()
    if not sites:
        return 0
    office = connect(settings.database.url, "app", pool=1)
    try:
        return sum(_renew(engine, office, site, now or datetime.now(UTC)) for site in sites)
    finally:
        office.dispose()


def _renew(work: Engine, office: Engine, site: Any, now: datetime) -> bool:
    with tenant_session(office, site.organization_id, NOBODY) as session:
        leases = list(session.scalars(_LEASES, {"agent": site.agent_id}))
        sheet = sheet_body(sheet_of(session, now, leases, site.agent_id))
    form = {"people": _people(work, site.organization_id, leases), "sheet": sheet}
    if len(json.dumps(form)) > LARGEST:
        LOG.error("the form of site %s is too large to send; take leases off it", site.name)
        return False
    if _content(site.form) == _content(form):
        return False
    with work.begin() as connection:
        connection.execute(_KEEP, {"id": site.id, "form": json.dumps(form)})
    return True


def _people(
    work: Engine, organization: uuid.UUID, leases: Sequence[uuid.UUID]
) -> list[dict[str, Any]]:
    asked = {"organization": organization, "leases": list(leases)}
    with work.connect() as connection:
        rows = connection.execute(_PEOPLE, asked).all()
    return [_person(row, leases) for row in rows]


def _person(row: Any, leases: Sequence[uuid.UUID]) -> dict[str, Any]:
    """One of the list; with their own order of the site's stops, where they set one."""
    made = {"id": str(row.id), "name": row.name, "language": row.locale[:2], "pin": row.pin_hash}
    route = [str(stop) for stop in row.stops or () if stop in leases]
    return made | {"route": route} if route else made


def _content(form: dict[str, Any] | None) -> Any:
    """What the site would notice a difference in: all but when it was made."""
    if form is None:
        return None
    return {**form, "sheet": {**form.get("sheet", {}), "made": 0}}
