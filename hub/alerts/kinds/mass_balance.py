"""Oil that is missing: what tanks, tickets and production together cannot explain.

Per tank: between two gauges it fell by more than its tickets took. Per lease and closed day: it
made more than its tanks gained and its tickets took. The first tells of a leak or a theft between
two gauges; the second also of what never reached a tank. Where a tank has a gauge of its own, what
was keyed over the closed day is held against it too: more keyed than gauged is a wrong strapping
table, a drifting gauge or a figure copied forward; less is oil that left unseen.

Every figure is in barrels as observed, as the daily close has them: gauges at the tank's own
temperature, and of a ticket what its two gauges say ran. At 60 °F the oil of a warm day would be
missing by one or two percent. Only a ticket without gauges counts with the volume it states.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

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

# A ticket that straddles a gauge belongs to the interval in which it was closed.
_TANKS: Final = """
    SELECT t.id, t.name, t.facility_id, coalesce(l.name, f.name) AS place,
           b.gauged_at AS earlier_at, b.volume_bbl AS earlier, a.gauged_at AS later_at,
           a.volume_bbl AS later,
           coalesce((SELECT sum(coalesce(r.opening_bbl - r.closing_bbl, r.gross_standard_bbl,
                                         r.net_standard_bbl))
                     FROM run_tickets r
                     WHERE r.tank_id = t.id AND r.status <> 'void'
                       AND r.closed_at > b.gauged_at AND r.closed_at <= a.gauged_at), 0) AS taken
    FROM tanks t
    LEFT JOIN leases l ON l.id = t.lease_id
    LEFT JOIN facilities f ON f.id = t.facility_id
    CROSS JOIN LATERAL (
        SELECT g.gauged_at, g.volume_bbl FROM tank_gauges g
        WHERE g.tank_id = t.id AND g.volume_bbl IS NOT NULL AND g.gauged_at <= :now
        ORDER BY g.gauged_at DESC LIMIT 1) a
    CROSS JOIN LATERAL (
        SELECT g.gauged_at, g.volume_bbl FROM tank_gauges g
        WHERE g.tank_id = t.id AND g.volume_bbl IS NOT NULL AND g.gauged_at < a.gauged_at
        ORDER BY g.gauged_at DESC LIMIT 1) b
    WHERE t.contents IN ('oil', 'condensate') AND t.out_of_use_on IS NULL
      AND a.gauged_at > :since
      AND (CAST(:well AS uuid) IS NULL
           OR t.lease_id = (SELECT w.lease_id FROM wells w WHERE w.id = :well))
"""
_LEASES: Final = """
    WITH stock AS (
        SELECT t.lease_id, count(*) AS tanks, count(b.volume_bbl + a.volume_bbl) AS gauged,
               sum(a.volume_bbl - b.volume_bbl) AS gained
        FROM tanks t
        LEFT JOIN LATERAL (
            SELECT g.volume_bbl FROM tank_gauges g
            WHERE g.tank_id = t.id AND g.production_date = :day AND g.volume_bbl IS NOT NULL
            ORDER BY g.gauged_at DESC LIMIT 1) a ON true
        LEFT JOIN LATERAL (
            SELECT g.volume_bbl FROM tank_gauges g
            WHERE g.tank_id = t.id AND g.production_date = :before AND g.volume_bbl IS NOT NULL
            ORDER BY g.gauged_at DESC LIMIT 1) b ON true
        WHERE t.contents IN ('oil', 'condensate') AND t.out_of_use_on IS NULL
        GROUP BY t.lease_id),
    made AS (
        SELECT w.lease_id, sum(d.oil_bbl) AS oil
        FROM (SELECT DISTINCT ON (r.completion_id) r.well_id, r.oil_bbl FROM production_records r
              WHERE r.production_date = :day
                AND r.record_kind IN ('adjusted', 'allocated', 'measured', 'field_estimate')
              ORDER BY r.completion_id,
                       array_position(ARRAY['measured', 'adjusted', 'allocated', 'field_estimate'],
                                      r.record_kind)) d
        JOIN wells w ON w.id = d.well_id
        GROUP BY w.lease_id)
    SELECT l.id, l.name, l.facility_id, m.oil, s.gained,
           coalesce((SELECT sum(coalesce(r.opening_bbl - r.closing_bbl, r.gross_standard_bbl,
                                         r.net_standard_bbl))
                     FROM run_tickets r WHERE r.lease_id = l.id AND r.status <> 'void'
                       AND r.production_date = :day), 0) AS taken
    FROM leases l
    JOIN stock s ON s.lease_id = l.id AND s.gauged = s.tanks
    JOIN made m ON m.lease_id = l.id AND m.oil IS NOT NULL
    WHERE NOT EXISTS (SELECT FROM run_tickets r WHERE r.lease_id = l.id
                      AND r.status = 'open' AND r.production_date <= :day)
      AND (CAST(:well AS uuid) IS NULL
           OR l.id = (SELECT w.lease_id FROM wells w WHERE w.id = :well))
"""

_COMPARED: Final = """
    SELECT t.id, t.name, t.facility_id, coalesce(l.name, f.name) AS place, c.unexplained,
           c.closing - c.opening AS keyed, c.gauge_closing - c.gauge_opening AS gauged
    FROM reconciliations c
    JOIN tanks t ON t.id = c.tank_id
    LEFT JOIN leases l ON l.id = t.lease_id
    LEFT JOIN facilities f ON f.id = t.facility_id
    WHERE c.production_date = :day AND c.unexplained IS NOT NULL
      AND t.contents IN ('oil', 'condensate')
      AND (CAST(:well AS uuid) IS NULL
           OR t.lease_id = (SELECT w.lease_id FROM wells w WHERE w.id = :well))
"""


def find(scene: Scene, params: Params) -> Found:
    """Tanks and leases that lost oil nobody accounts for."""
    day = scene.closed_day(float(params["after_hours"]))
    since = scene.now - timedelta(hours=float(params["within_hours"]))
    tanks = scene.rows(_TANKS, since=since, now=scene.now)
    leases = scene.rows(_LEASES, day=day, before=day - timedelta(days=1))
    compared = scene.rows(_COMPARED, day=day)
    found = [*_tank_findings(tanks, params), *_lease_findings(leases, params, scene, day)]
    found += _compared_findings(compared, params, scene, day)
    looked = [key("tank", row.id) for row in tanks] + [key("lease", row.id) for row in leases]
    looked += [key("gauge", row.id) for row in compared]
    return Found(found, frozenset(looked))


def _tank_findings(rows: Any, params: Params) -> Iterator[Finding]:
    for row in rows:
        missing = missing_from_tank(row.earlier, row.later, row.taken)
        if missing < params.amount("volume"):
            continue
        yield Finding(
            key=key("tank", row.id),
            sentence=f"Tank {row.name} of {row.place} lost {missing:,.1f} bbl that no ticket tells"
            f" of: it fell from {row.earlier:,.1f} to {row.later:,.1f}, and {row.taken:,.1f} were"
            " hauled.",
            since=row.earlier_at,
            priority=params.priority,
            subject=f"Tank {row.name}",
            value=number(missing),
            setpoint=number(params.amount("volume")),
            facility_id=row.facility_id,
        )


def _lease_findings(rows: Any, params: Params, scene: Scene, day: Any) -> Iterator[Finding]:
    for row in rows:
        missing = missing_from_lease(row.oil, row.gained, row.taken)
        share = missing * 100 / row.oil if row.oil else Decimal(0)
        if missing < params.amount("volume") or share < params.amount("percent"):
            continue
        yield Finding(
            key=key("lease", row.id),
            sentence=f"{row.name} made {row.oil:,.1f} bbl on {day}, but its tanks gained"
            f" {row.gained:,.1f} and {row.taken:,.1f} were hauled: {missing:,.1f} bbl are missing.",
            since=scene.noon(day),
            priority=params.priority,
            subject=row.name,
            value=number(missing),
            setpoint=number(params.amount("volume")),
            facility_id=row.facility_id,
        )


def _compared_findings(rows: Any, params: Params, scene: Scene, day: Any) -> Iterator[Finding]:
    for row in rows:
        off = abs(row.unexplained)
        if off < params.amount("volume"):
            continue
        yield Finding(
            key=key("gauge", row.id),
            sentence=f"Tank {row.name} of {row.place} changed by {row.keyed:,.1f} bbl on {day} as"
            f" keyed and by {row.gauged:,.1f} by its own gauge: {off:,.1f} bbl are unexplained.",
            since=scene.noon(day),
            priority=params.priority,
            subject=f"Tank {row.name}",
            value=number(off),
            setpoint=number(params.amount("volume")),
            facility_id=row.facility_id,
        )


def missing_from_tank(earlier: Decimal, later: Decimal, taken: Decimal) -> Decimal:
    """What a tank lost beyond its tickets; what flowed in meanwhile only hides some (pure)."""
    return earlier - later - taken


def missing_from_lease(made: Decimal, gained: Decimal, taken: Decimal) -> Decimal:
    """What was made and neither stands in the tanks nor was hauled (pure)."""
    return made - gained - taken


KIND: Final = OfficeKind(
    "Oil missing",
    "Tanks, tickets and production do not add up: a suspected leak, theft or wrong entry.",
    (
        Setting("volume", "At least", "bbl", "10"),
        Setting("percent", "and of the lease's day", "%", "5"),
        Setting("within_hours", "Gauges of the last", "h", "48"),
        Setting("after_hours", "The day is judged after its end by", "h", "4"),
        Setting("priority", "Priority", "", "2", PRIORITIES.help),
    ),
    find,
)
