"""What was not entered, and tickets that do not fit their own gauges."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from agent.contract.entry import SOLD
from agent.contract.oil import CENT_BBL, OilError, correction, gravity_60f
from hub.alerts.conditions import Finding
from hub.alerts.kinds.office import (
    PRIORITIES,
    Found,
    OfficeKind,
    Params,
    Scene,
    Setting,
    key,
    number,
)

_WELLS: Final = """
    SELECT w.id, w.name FROM wells w
    WHERE w.organization_id = :organization AND w.status = 'producing'
      AND (CAST(:well AS uuid) IS NULL OR w.id = :well)
      AND NOT EXISTS (SELECT FROM production_records r
                      WHERE r.well_id = w.id AND r.production_date = :day
                        AND r.record_kind <> 'allocated')
      AND NOT EXISTS (SELECT FROM downtime_events e WHERE e.well_id = w.id
                      AND e.started_at <= :begins AND coalesce(e.ended_at, 'infinity') >= :until)
"""
_TANKS: Final = """
    SELECT t.id, t.name, t.facility_id, coalesce(l.name, f.name) AS place
    FROM tanks t
    LEFT JOIN leases l ON l.id = t.lease_id
    LEFT JOIN facilities f ON f.id = t.facility_id
    WHERE t.out_of_use_on IS NULL
      AND NOT EXISTS (SELECT FROM tank_gauges g WHERE g.tank_id = t.id AND g.production_date = :day)
      AND (CAST(:well AS uuid) IS NULL
           OR t.lease_id = (SELECT w.lease_id FROM wells w WHERE w.id = :well))
"""
_TICKETS: Final = """
    SELECT r.id, r.ticket_no, r.kind, r.closed_at, r.opening_bbl, r.closing_bbl, r.opening_f,
           r.closing_f, r.gravity_60f, r.observed_gravity, r.observed_gravity_f,
           r.sediment_water_pct, r.gross_standard_bbl, r.net_standard_bbl, l.name AS lease
    FROM run_tickets r JOIN leases l ON l.id = r.lease_id
    WHERE r.status <> 'void' AND r.production_date >= :since
      AND r.opening_bbl IS NOT NULL AND r.closing_bbl IS NOT NULL
      AND coalesce(r.gross_standard_bbl, r.net_standard_bbl) IS NOT NULL
      AND (CAST(:well AS uuid) IS NULL
           OR r.lease_id = (SELECT w.lease_id FROM wells w WHERE w.id = :well))
"""


def find_missing(scene: Scene, params: Params) -> Found:
    """Wells without production and tanks without a gauge for the last closed day."""
    day = scene.closed_day(float(params["after_hours"]))
    span = {"begins": scene.begins(day), "until": scene.begins(day + timedelta(days=1))}
    found: list[Finding] = []
    if params["of"] in {"production", "both"}:
        found += [
            _missing_well(row, day, scene, params) for row in scene.rows(_WELLS, day=day, **span)
        ]
    if params["of"] in {"gauges", "both"}:
        found += [_missing_tank(row, day, scene, params) for row in scene.rows(_TANKS, day=day)]
    return Found(found)


def _missing_well(row: Any, day: Any, scene: Scene, params: Params) -> Finding:
    return Finding(
        key=key("well", row.id),
        sentence=f"Nothing was entered for {row.name} on {day}, and no downtime.",
        since=scene.noon(day + timedelta(days=1)),
        priority=params.priority,
        subject=row.name,
        well_id=row.id,
    )


def _missing_tank(row: Any, day: Any, scene: Scene, params: Params) -> Finding:
    return Finding(
        key=key("tank", row.id),
        sentence=f"Tank {row.name} of {row.place} was not gauged on {day}.",
        since=scene.noon(day + timedelta(days=1)),
        priority=params.priority,
        subject=f"Tank {row.name}",
        facility_id=row.facility_id,
    )


def find_mismatch(scene: Scene, params: Params) -> Found:
    """Tickets whose volume is not what the tank lost between their own two gauges."""
    since = scene.today - timedelta(days=int(params["days"]))
    return Found(list(_mismatches(scene.rows(_TICKETS, since=since), params)))


def _mismatches(rows: Any, params: Params) -> Iterator[Finding]:
    for row in rows:
        moved, said, basis = compared(row)
        off = mismatch(moved, said)
        share = off * 100 / said if said else Decimal(100)
        if off < params.amount("volume") or share < params.amount("percent"):
            continue
        yield Finding(
            key=key("ticket", row.id),
            sentence=f"Ticket {row.ticket_no} of {row.lease} says {said:,.1f} bbl, but its own"
            f" gauges say the tank lost {moved:,.1f} ({basis}).",
            since=row.closed_at,
            priority=params.priority,
            subject=f"Ticket {row.ticket_no}",
            value=number(said),
            setpoint=number(moved),
        )


def compared(row: Any) -> tuple[Decimal, Decimal, str]:
    """What a ticket's gauges say ran, what it states, both on one basis, and its name (pure).

    Oil that was sold is stated at 60 °F: its gauges are brought there by temperatures and gravity,
    and without sediment and water where only the net volume is stated. What lacks a temperature or
    gravity, and whatever else is moved, is compared as observed.
    """
    moved = row.opening_bbl - row.closing_bbl
    gross = row.gross_standard_bbl
    said = row.net_standard_bbl if gross is None else gross
    factors = _factors(row) if row.kind in SOLD else None
    if factors is None:
        return moved, said, "as observed"
    at_60f = row.opening_bbl * factors[0] - row.closing_bbl * factors[1]
    if gross is None:
        water = row.sediment_water_pct or Decimal(0)
        return (at_60f * (100 - water) / 100).quantize(CENT_BBL), said, "net at 60 °F"
    return at_60f.quantize(CENT_BBL), said, "at 60 °F"


def _factors(row: Any) -> tuple[Decimal, Decimal] | None:
    """Volume at 60 °F of one barrel at either gauge; None where that cannot be told."""
    gravity = row.gravity_60f
    try:
        if gravity is None and None not in (row.observed_gravity, row.observed_gravity_f):
            gravity = gravity_60f(row.observed_gravity, row.observed_gravity_f)
        if None in (gravity, row.opening_f, row.closing_f):
            return None
        return correction(gravity, row.opening_f), correction(gravity, row.closing_f)
    except OilError:
        return None


def mismatch(moved: Decimal, said: Decimal) -> Decimal:
    """How far a ticket's volume is from what its gauges say (pure)."""
    return abs(moved - said)


MISSING: Final = OfficeKind(
    "Entries missing",
    "A producing well without production, or a tank without a gauge, for the last closed day.",
    (
        Setting("of", "What", "", "both", form="choice", choices=("production", "gauges", "both")),
        Setting("after_hours", "Asked after the day's end by", "h", "5"),
        PRIORITIES,
    ),
    find_missing,
)
MISMATCH: Final = OfficeKind(
    "Ticket does not fit",
    "A run ticket's volume is not what the tank lost between its own gauges, on one basis.",
    (
        Setting("volume", "By at least", "bbl", "2"),
        Setting("percent", "and of the ticket", "%", "2"),
        Setting("days", "Tickets of the last", "days", "35"),
        PRIORITIES,
    ),
    find_mismatch,
)
