"""Tanks and meters of a day as the office reads them: what was keyed beside what gauges saw."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from hub.production.balance import TankDay
from hub.production.daily import EXPLAINED
from hub.production.meters import MeterDay

_CHECKS: Final = text(
    """
    SELECT r.kind, l.name AS lease, r.unit, r.opening, r.closing, r.ticketed,
           r.gauge_opening, r.gauge_closing, r.reckoned_at,
           coalesce(t.id, e.id) AS id, coalesce(t.name, e.name) AS name, t.contents,
           EXISTS (SELECT FROM tags g
                   WHERE g.equipment_id = coalesce(t.equipment_id, e.id)) AS has_gauge,
           r.kind <> 'tank' OR EXISTS (
               SELECT FROM tank_strap_tables s WHERE s.tank_id = r.tank_id
                 AND r.production_date BETWEEN s.valid_from AND coalesce(s.valid_to, 'infinity')
           ) AS strapped
    FROM reconciliations r
    LEFT JOIN leases l ON l.id = r.lease_id
    LEFT JOIN tanks t ON t.id = r.tank_id
    LEFT JOIN equipment e ON e.id = r.equipment_id
    WHERE r.production_date = :day
    ORDER BY l.name, r.kind DESC, coalesce(t.name, e.name)
    """
)


@dataclass(frozen=True, slots=True)
class Check:
    """One tank or meter over one day; figures in its own unit, None where nobody knows."""

    id: uuid.UUID
    kind: str  #: tank or meter
    lease: str
    name: str
    unit: str
    opening: Decimal | None
    closing: Decimal | None
    change: Decimal | None  #: as keyed
    ticketed: Decimal | None
    gauge_change: Decimal | None
    unexplained: Decimal | None
    off: bool  #: whether it is more than gauges and tapes differ by
    has_gauge: bool
    strapped: bool  #: whether a tank's gauges tell barrels on this day

    @property
    def verdict(self) -> str:
        """What a person has to know, in words."""
        if self.change is None:
            return "not strapped" if not self.strapped else "not keyed on both days"
        if self.change < 0 and self.kind == "meter":
            return "its counter went back"
        if self.unexplained is None:
            return "its gauge was silent" if self.has_gauge else "no gauge to compare with"
        return "does not fit" if self.off else "fits"


def checks_of(session: Session, day: date) -> list[Check]:
    """Every tank and meter that was compared for a day, by lease."""
    return [_check(row) for row in session.execute(_CHECKS, {"day": day}).mappings()]


def _check(row: RowMapping) -> Check:
    figures = (row["opening"], row["closing"])
    own = (row["gauge_opening"], row["gauge_closing"])
    if row["kind"] == "tank":
        tank = TankDay(*figures, row["ticketed"], *own)
        change, seen, off = tank.keyed_change, tank.telemetry_change, tank.unexplained
        wrong, ticketed = off is not None and abs(off) > EXPLAINED, row["ticketed"]
        name = f"Tank {row['name']}" + (f", {row['contents']}" if row["contents"] else "")
    else:
        meter = MeterDay(row["id"], row["name"], row["unit"], *figures, *own)
        change, seen, off = meter.keyed, meter.sent, meter.unexplained
        wrong, ticketed, name = bool(meter.findings()), None, row["name"]
    head = (row["id"], row["kind"], row["lease"] or "", name, row["unit"])
    known = (row["has_gauge"], row["strapped"])
    return Check(*head, *figures, change, ticketed, seen, off, wrong, *known)
