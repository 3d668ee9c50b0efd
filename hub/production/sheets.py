"""Stop sheets: the stops a session may see, with what is gauged there and what was read last."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from agent.contract.stopsheet import SheetMeter, SheetTank, SheetWell, Stop, StopSheet
from hub.production.clocks import operator_of
from hub.production.stocks import INCHES
from hub.schema import Organization

FRESH: Final = timedelta(hours=2)  #: an older reading of a gauge is not shown beside a field
#: Field of the form by what a well's tag measures.
WELL_MEASURES: Final = {
    "tubing_pressure": "tubing_psig",
    "casing_pressure": "casing_psig",
    "line_pressure": "line_psig",
}
TANK_MEASURES: Final = ("tank_level", "water_tank_level")
METERS: Final = ("meter_orifice", "meter_turbine", "meter_coriolis", "lact")
_READ: Final = ("tubing_psig", "casing_psig", "line_psig", "choke_64ths")

_LEASES: Final = text(
    """
    SELECT l.id, l.name, coalesce(f.lat, w.lat) AS lat, coalesce(f.lon, w.lon) AS lon,
           l.facility_id
    FROM leases l
    LEFT JOIN facilities f ON f.id = l.facility_id
    LEFT JOIN LATERAL (SELECT min(w.lat) AS lat, min(w.lon) AS lon FROM wells w
                       WHERE w.lease_id = l.id) w ON true
    WHERE (CAST(:only AS uuid[]) IS NULL OR l.id = ANY(CAST(:only AS uuid[])))
      AND (:ended OR (
           l.status IN ('producing', 'shut_in', 'held_by_production')
           AND (EXISTS (SELECT FROM wells w WHERE w.lease_id = l.id)
                OR EXISTS (SELECT FROM tanks t WHERE t.lease_id = l.id))))
    ORDER BY l.name, l.id
    """
)
_WELLS: Final = text(
    """
    SELECT w.id, w.name, w.lease_id, r.tubing_psig, r.casing_psig, r.line_psig, r.choke_64ths
    FROM wells w
    LEFT JOIN LATERAL (
        SELECT r.* FROM production_records r
        WHERE r.well_id = w.id AND r.production_date < :day AND r.source = 'pumper'
        ORDER BY r.production_date DESC LIMIT 1) r ON true
    WHERE w.lease_id = ANY(:leases) AND (:ended OR w.plug_date IS NULL)
    ORDER BY w.name, w.id
    """
)
_TANKS: Final = text(
    """
    SELECT t.id, t.name, t.contents, t.height_in, t.equipment_id, g.level_in, g.water_in,
           coalesce(t.lease_id, (SELECT l.id FROM leases l WHERE l.facility_id = t.facility_id
                                 ORDER BY l.id LIMIT 1)) AS lease_id
    FROM tanks t
    LEFT JOIN LATERAL (
        SELECT g.level_in, g.water_in FROM tank_gauges g
        WHERE g.tank_id = t.id AND g.production_date < :day
        ORDER BY g.source = 'telemetry', g.gauged_at DESC LIMIT 1) g ON true
    WHERE :ended OR t.out_of_use_on IS NULL
    ORDER BY t.name, t.id
    """
)
_STRAPS: Final = text(
    """
    SELECT s.tank_id, p.level_in, p.volume_bbl
    FROM tank_strap_tables s JOIN tank_strap_points p ON p.strap_table_id = s.id
    WHERE s.tank_id = ANY(:tanks)
      AND :day BETWEEN s.valid_from AND coalesce(s.valid_to, 'infinity')
    ORDER BY s.tank_id, p.level_in
    """
)
_METERS: Final = text(
    """
    SELECT e.id, e.name, m.reading,
           coalesce(w.lease_id, (SELECT l.id FROM leases l WHERE l.facility_id = e.facility_id
                                 ORDER BY l.id LIMIT 1)) AS lease_id
    FROM equipment e
    LEFT JOIN wells w ON w.id = e.well_id
    LEFT JOIN LATERAL (
        SELECT m.reading FROM meter_readings m
        WHERE m.equipment_id = e.id AND m.production_date < :day
        ORDER BY m.production_date DESC LIMIT 1) m ON true
    WHERE e.kind = ANY(:kinds) AND (:ended OR e.status = 'in_service')
    ORDER BY e.name, e.id
    """
)
_TAGS: Final = text(
    """
    SELECT t.name, t.measure, t.unit, t.well_id, t.equipment_id, t.agent_id, r.time, r.value
    FROM tags t
    LEFT JOIN readings_latest r ON r.tag_id = t.id AND r.quality < 16
    WHERE t.measure = ANY(:measures) AND (t.well_id IS NOT NULL OR t.equipment_id IS NOT NULL)
    ORDER BY t.id DESC
    """
)
_LOCKED: Final = text(
    """
    SELECT max(month) FROM accounting_periods
    WHERE module = 'production' AND state = 'closed'
    """
)


def sheet_of(
    session: Session,
    now: datetime | None = None,
    only: Sequence[uuid.UUID] | None = None,
    agent: uuid.UUID | None = None,
    *,
    ended: bool = False,
) -> StopSheet:
    """The sheet of every stop the session may see, or of these leases `only`.

    With an `agent` its own tags are named instead of their readings: it reads them itself. `ended`
    brings leases, wells, tanks and meters along that are not worked any more.
    """
    at = now or datetime.now(UTC)
    operator = operator_of(session)
    organization = session.get_one(Organization, operator.id)
    day = operator.clock.day_of(at - timedelta(hours=12))
    locked = session.scalar(_LOCKED)
    asked = {"only": None if only is None else list(only), "ended": ended}
    rows = session.execute(_LEASES, asked).all()
    parts = _Parts(session, {"day": day, "ended": ended}, at, agent)
    leases = [row.id for row in rows]
    tanks, wells = parts.tanks(), parts.wells(leases)
    meters = parts.meters()
    stops = tuple(
        Stop(
            row.id,
            row.name,
            tuple(tanks[row.id]),
            tuple(wells[row.id]),
            tuple(meters[row.id]),
            None if row.lat is None else float(row.lat),
            None if row.lon is None else float(row.lon),
        )
        for row in rows
    )
    return StopSheet(
        round(at.timestamp() * 1000),
        organization.timezone,
        organization.production_day_start,
        organization.entry_days,
        "" if locked is None else f"{locked:%Y-%m}",
        stops,
    )


class _Parts:
    """What is gauged, by lease."""

    def __init__(
        self, session: Session, asked: dict[str, Any], now: datetime, agent: uuid.UUID | None
    ) -> None:
        self.session, self.asked, self.now, self.agent = session, asked, now, agent
        self.tags: dict[tuple[uuid.UUID, str], Any] = {}
        measures = [*WELL_MEASURES, *TANK_MEASURES]
        for row in session.execute(_TAGS, {"measures": measures}):
            for key in filter(None, (row.well_id, row.equipment_id)):
                self.tags[key, row.measure] = row

    def wells(self, leases: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[SheetWell]]:
        """Wells by lease."""
        found: dict[uuid.UUID, list[SheetWell]] = defaultdict(list)
        for row in self.session.execute(_WELLS, self.asked | {"leases": list(leases)}):
            known = {name: getattr(row, name) for name in _READ}
            last = {name: Decimal(value) for name, value in known.items() if value is not None}
            read = self._read(row.id, [(name, (one,)) for one, name in WELL_MEASURES.items()])
            found[row.lease_id].append(SheetWell(row.id, row.name, last, *read))
        return found

    def tanks(self) -> dict[uuid.UUID, list[SheetTank]]:
        """Tanks by lease."""
        rows = self.session.execute(_TANKS, self.asked).all()
        straps: dict[uuid.UUID, list[tuple[Decimal, Decimal]]] = defaultdict(list)
        for row in self.session.execute(_STRAPS, self.asked | {"tanks": [row.id for row in rows]}):
            straps[row.tank_id].append((row.level_in, row.volume_bbl))
        found: dict[uuid.UUID, list[SheetTank]] = defaultdict(list)
        for row in rows:
            known = {"level_in": row.level_in, "water_in": row.water_in}
            last = {name: value for name, value in known.items() if value is not None}
            contents = row.contents if row.contents in {"oil", "condensate", "water"} else "other"
            read = self._read(row.equipment_id, [("level_in", TANK_MEASURES)])
            strap = tuple(straps[row.id])
            tank = SheetTank(row.id, row.name, contents, row.height_in, strap, last, *read)
            found[row.lease_id].append(tank)
        return found

    def meters(self) -> dict[uuid.UUID, list[SheetMeter]]:
        """Meters by lease."""
        found: dict[uuid.UUID, list[SheetMeter]] = defaultdict(list)
        for row in self.session.execute(_METERS, self.asked | {"kinds": list(METERS)}):
            last = {} if row.reading is None else {"reading": row.reading}
            found[row.lease_id].append(SheetMeter(row.id, row.name, "", last))
        return found

    def _read(
        self, key: uuid.UUID | None, fields: Iterable[tuple[str, Sequence[str]]]
    ) -> tuple[dict[str, Decimal], dict[str, tuple[str, Decimal]]]:
        """What its gauges say, or for an agent which of its tags say it."""
        gauge: dict[str, Decimal] = {}
        tags: dict[str, tuple[str, Decimal]] = {}
        for name, measures in fields:
            found = (self.tags.get((key, one)) for one in measures) if key else ()
            tag = next((one for one in found if one is not None), None)
            factor = None if tag is None else _factor(name, tag.unit)
            if tag is None or factor is None:
                continue
            if self.agent is not None:
                if tag.agent_id == self.agent:
                    tags[name] = (tag.name, factor)
            elif tag.value is not None and self.now - tag.time <= FRESH:
                gauge[name] = (Decimal(repr(float(tag.value))) * factor).quantize(Decimal("0.1"))
        return gauge, tags


def _factor(name: str, unit: str) -> Decimal | None:
    """What one of a tag's unit is in the field's; None for one that cannot be compared."""
    if name == "level_in":
        return INCHES.get(unit)
    return Decimal(1) if unit.lower() in {"psi", "psig"} else None
