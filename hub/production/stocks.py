"""What stands in the tables about a lease's day: gauges, tickets, wells, and what gauges sent."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from agent.contract.blocks import Quality
from agent.contract.production_day import ProductionClock
from agent.contract.tanks import LevelError, StrapTable
from hub.production.balance import TankDay
from hub.production.daily import LeaseDay, Tank, Ticket, Well

#: A gauge's reading stands for an instant no longer than this before it.
STANDS: Final = timedelta(minutes=30)
#: What one of a level's unit is in inches.
INCHES: Final[Mapping[str, Decimal]] = {
    "in": Decimal(1),
    "ft": Decimal(12),
    "m": Decimal("39.37007874"),
    "cm": Decimal("0.3937007874"),
    "mm": Decimal("0.03937007874"),
}

# Of several gauges of a day the last that a person keyed counts, else the gauge's own.
_TANKS: Final = text(
    """
    SELECT t.id, t.name, t.contents, t.equipment_id,
           a.volume_bbl AS closing, a.gauged_at AS closing_at, a.source AS closing_by,
           b.volume_bbl AS opening, b.gauged_at AS opening_at, b.source AS opening_by,
           a.level_in AS closing_in, b.level_in AS opening_in
    FROM tanks t
    LEFT JOIN LATERAL (
        SELECT g.volume_bbl, g.gauged_at, g.source, g.level_in FROM tank_gauges g
        WHERE g.tank_id = t.id AND g.production_date = :day
        ORDER BY g.source = 'telemetry', g.gauged_at DESC LIMIT 1) a ON true
    LEFT JOIN LATERAL (
        SELECT g.volume_bbl, g.gauged_at, g.source, g.level_in FROM tank_gauges g
        WHERE g.tank_id = t.id AND g.production_date = CAST(:day AS date) - 1
        ORDER BY g.source = 'telemetry', g.gauged_at DESC LIMIT 1) b ON true
    WHERE (t.out_of_use_on IS NULL OR t.out_of_use_on > :day)
      AND coalesce(t.lease_id, (SELECT l.id FROM leases l WHERE l.facility_id = t.facility_id
                                ORDER BY l.id LIMIT 1)) = :lease
    ORDER BY t.name
    """
)
_STRAPS: Final = text(
    """
    SELECT s.tank_id, p.level_in, p.volume_bbl
    FROM tank_strap_tables s JOIN tank_strap_points p ON p.strap_table_id = s.id
    WHERE s.tank_id = ANY(:tanks)
      AND :day BETWEEN s.valid_from AND coalesce(s.valid_to, 'infinity')
    """
)
_TICKETS: Final = text(
    """
    SELECT r.ticket_no, r.kind, r.tank_id,
           coalesce(r.opening_bbl - r.closing_bbl, r.gross_standard_bbl,
                    r.net_standard_bbl) AS moved, r.id
    FROM run_tickets r
    WHERE r.lease_id = :lease AND r.production_date = :day AND r.status <> 'void'
    ORDER BY r.ticket_no
    """
)
_WELLS: Final = text(
    """
    SELECT w.id, w.name,
           (SELECT max(r.hours_on) FROM production_records r
            WHERE r.well_id = w.id AND r.production_date = :day
              AND r.record_kind IN ('field_estimate', 'measured')) AS hours_on,
           EXISTS (SELECT FROM production_records r
                   WHERE r.well_id = w.id AND r.production_date = :day
                     AND r.record_kind <> 'allocated') AS entered,
           EXISTS (SELECT FROM production_records r
                   WHERE r.well_id = w.id AND r.production_date = :day
                     AND r.record_kind IN ('field_estimate', 'measured')
                     AND r.quality IN ('suspect', 'bad')) AS suspect,
           coalesce((SELECT sum(upper(s.span) - lower(s.span))
                     FROM (SELECT unnest(range_agg(tstzrange(e.started_at, e.ended_at)
                                                   * tstzrange(:begins, :ends))) AS span
                           FROM downtime_events e
                           WHERE e.well_id = w.id AND e.started_at < :ends
                             AND coalesce(e.ended_at, 'infinity') > :begins) s),
                    interval '0') AS down,
           test.oil_bpd, test.water_bpd
    FROM wells w
    LEFT JOIN LATERAL (
        SELECT t.oil_bpd, t.water_bpd FROM well_tests t
        WHERE t.well_id = w.id AND t.status = 'accepted' AND t.use_for_allocation
          AND t.effective_from <= :day
        ORDER BY t.effective_from DESC, t.started_at DESC LIMIT 1) test ON true
    WHERE w.lease_id = :lease AND (w.status = 'producing' OR EXISTS (
        SELECT FROM production_records r WHERE r.well_id = w.id AND r.production_date = :day))
    ORDER BY w.name
    """
)
_WAITING: Final = text(
    """
    SELECT e.state, coalesce(e.reason, '') AS reason FROM field_entries e
    WHERE e.lease_id = :lease AND e.production_date = :day AND e.state IN ('refused', 'conflict')
    ORDER BY e.received_at
    """
)
_TAGS: Final = text(
    """
    SELECT DISTINCT ON (t.equipment_id) t.id, t.equipment_id, t.unit FROM tags t
    WHERE t.equipment_id = ANY(:equipment) AND t.measure = ANY(:measures)
    ORDER BY t.equipment_id, t.id
    """
)
_READING: Final = text(
    """
    SELECT p.value FROM reading_points p
    WHERE p.tag_id = :tag AND p.time > CAST(:at AS timestamptz) - CAST(:stands AS interval)
      AND p.time <= :at AND p.quality = :good AND p.value IS NOT NULL
    ORDER BY p.time DESC LIMIT 1
    """
)


@dataclass(frozen=True, slots=True)
class TankSeen:
    """A tank of the day with the instants its gauges were keyed at, and its own gauge."""

    tank: Tank
    levels: tuple[Decimal | None, Decimal | None]  #: keyed, opening and closing; inches
    own_closing_in: Decimal | None  #: by its own gauge at the day's end
    keyed: bool  #: whether somebody, or something, gauged it for the day


@dataclass(frozen=True, slots=True)
class Gathered:
    """A lease's day, and beside it what its tanks' gauges say."""

    day: LeaseDay
    tanks: list[TankSeen]


def gather(session: Session, lease: uuid.UUID, day: date, clock: ProductionClock) -> Gathered:
    """Everything a day's close is reckoned from."""
    asked = {"lease": lease, "day": day, "begins": clock.begins(day), "ends": clock.ends(day)}
    tickets = [Ticket(*row) for row in session.execute(_TICKETS, asked)]
    tanks = _tanks(session, asked, tickets)
    hours = Decimal(clock.hours(day))
    wells = [_well(row, hours) for row in session.execute(_WELLS, asked)]
    waiting = [(row.state, row.reason) for row in session.execute(_WAITING, asked)]
    return Gathered(LeaseDay(day, [one.tank for one in tanks], tickets, wells, waiting), tanks)


def _well(row: Any, hours: Decimal) -> Well:
    down = Decimal(round(row.down.total_seconds())) / 3600
    on = row.hours_on if row.hours_on is not None else max(hours - down, Decimal(0))
    entered = row.entered or down >= hours
    return Well(row.id, row.name, on, entered, row.oil_bpd, row.water_bpd, row.suspect)


def _tanks(session: Session, asked: Mapping[str, Any], tickets: list[Ticket]) -> list[TankSeen]:
    rows = session.execute(_TANKS, asked).all()
    straps = straps_of(session, [row.id for row in rows], asked["day"])
    tags = tags_of(session, [row.equipment_id for row in rows], ("tank_level", "water_tank_level"))
    moved: dict[uuid.UUID | None, Decimal] = defaultdict(Decimal)
    for ticket in tickets:
        moved[ticket.tank_id] += ticket.moved or Decimal(0)
    return [
        _seen(session, row, straps.get(row.id), tags.get(row.equipment_id), moved[row.id], asked)
        for row in rows
    ]


def _seen(
    session: Session,
    row: Any,
    strap: StrapTable | None,
    tag: tuple[int, str] | None,
    ticketed: Decimal,
    asked: Mapping[str, Any],
) -> TankSeen:
    def own(at: datetime | None) -> Decimal | None:
        return None if at is None or tag is None else level_at(session, tag, at)

    gauged = (own(row.opening_at), own(row.closing_at))
    if row.opening_by == "telemetry" or row.closing_by == "telemetry":
        gauged = (None, None)  # a gauge agrees with itself
    day = TankDay(
        row.opening,
        row.closing,
        ticketed,
        _barrels(strap, gauged[0]),
        _barrels(strap, gauged[1]),
    )
    tank = Tank(row.id, row.name, row.contents, day, strap is not None)
    levels = (row.opening_in, row.closing_in)
    return TankSeen(tank, levels, own(asked["ends"]), row.closing_at is not None)


def _barrels(strap: StrapTable | None, level: Decimal | None) -> Decimal | None:
    if strap is None or level is None:
        return None
    try:
        return strap.volume(level)
    except LevelError:
        return None


def straps_of(session: Session, tanks: list[uuid.UUID], day: date) -> dict[uuid.UUID, StrapTable]:
    """Strapping tables of a day by tank; one that cannot be used is left out."""
    points: dict[uuid.UUID, list[tuple[Decimal, Decimal]]] = defaultdict(list)
    for row in session.execute(_STRAPS, {"tanks": tanks, "day": day}):
        points[row.tank_id].append((row.level_in, row.volume_bbl))
    found: dict[uuid.UUID, StrapTable] = {}
    for tank, lines in points.items():
        try:
            found[tank] = StrapTable.of(lines)
        except LevelError:
            continue
    return found


def tags_of(
    session: Session, equipment: list[uuid.UUID | None], measures: tuple[str, ...]
) -> dict[uuid.UUID | None, tuple[int, str]]:
    """The tag that measures one of these at each piece of equipment, with its unit."""
    wanted = [one for one in equipment if one is not None]
    if not wanted:
        return {}
    asked = {"equipment": wanted, "measures": list(measures)}
    return {row.equipment_id: (row.id, row.unit or "") for row in session.execute(_TAGS, asked)}


def reading_at(session: Session, tag: int, at: datetime) -> Decimal | None:
    """A tag's last good value at an instant; None where the last is too old, or was no value."""
    asked = {"tag": tag, "at": at, "stands": STANDS, "good": int(Quality.GOOD)}
    value = session.scalar(_READING, asked)
    return None if value is None else Decimal(str(round(value, 4)))


def level_at(session: Session, tag: tuple[int, str], at: datetime) -> Decimal | None:
    """A tank's level by its own gauge, in inches; None for a unit that is no length."""
    factor = INCHES.get(tag[1])
    value = None if factor is None else reading_at(session, tag[0], at)
    if value is None or factor is None:
        return None
    return max(value * factor, Decimal(0)).quantize(Decimal("0.001"))
