"""An entry beside its stop sheet: what cannot be right, what is asked about, barrels made.

A fault keeps the entry from being saved; a question does not: the person keeps the figure or
changes it. Both doors, and the hub once more when the entry arrives, judge by this.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agent.contract.entry import Entry, Fault, Gauge, Ticket
from agent.contract.fieldwords import say
from agent.contract.oil import CENT_BBL, NetOil, OilError, Run, net_oil
from agent.contract.production_day import ProductionClock
from agent.contract.stopsheet import Figures, SheetTank, Stop, StopSheet
from agent.contract.tanks import LevelError, show_level

PRESSURES: Final = ("tubing_psig", "casing_psig", "line_psig")
LEAST_PSI: Final = Decimal(50)  #: a change below this is never asked about
SHARE: Final = Decimal("0.3")  #: nor one below this share of yesterday's
GAUGE_OFF_IN: Final = Decimal(2)  #: tape and gauge agree to two inches
GAUGE_OFF: Final = Decimal("0.05")  #: and other gauges to five percent
GAUGE_OFF_PSI: Final = Decimal(5)  #: or to this
FELL_IN: Final = Decimal("0.25")
AHEAD: Final = timedelta(hours=1)  #: a device's clock may run ahead
TENTH: Final = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Question:
    """One figure that is asked about: the field, and the sentence by its key."""

    field: str
    key: str
    values: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def say(self, language: str = "en") -> str:
        """The question for the person who entered it."""
        return say(language, f"ask_{self.key}", **self.values)


def clock_of(sheet: StopSheet) -> ProductionClock:
    """The operator's production clock; in UTC where this machine does not know its zone."""
    try:
        zone = ZoneInfo(sheet.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    return ProductionClock(zone, sheet.day_start)


def check(entry: Entry, sheet: StopSheet, now: datetime) -> tuple[Fault, ...]:
    """Everything about an entry that cannot be right at a stop of this sheet."""
    stop = sheet.find(entry.stop)
    if stop is None:
        return (Fault("stop", "unknown_stop"),)
    return (
        *_day_faults(entry, sheet, now),
        *_foreign(entry, stop),
        *_levels(entry, stop),
        *_runs(entry, stop),
    )


def _day_faults(entry: Entry, sheet: StopSheet, now: datetime) -> Iterator[Fault]:
    clock, day = clock_of(sheet), {"day": entry.day.isoformat()}
    today = clock.day_of(now.astimezone(UTC) + AHEAD)
    if entry.day > today:
        yield Fault("day", "future", day)
    elif sheet.locked and f"{entry.day:%Y-%m}" <= sheet.locked:
        yield Fault("day", "locked", day)
    elif (today - entry.day).days > sheet.entry_days:
        yield Fault("day", "late", day)
    hours = clock.hours(entry.day)
    for number, well in enumerate(entry.wells):
        if well.hours_down is not None and well.hours_down > hours:
            yield Fault(f"wells.{number}.hours_down", "day_hours", {"hours": str(hours)})


def _foreign(entry: Entry, stop: Stop) -> Iterator[Fault]:
    tanks = {tank.tank for tank in stop.tanks}
    wells, meters = {well.well for well in stop.wells}, {one.meter for one in stop.meters}
    for name in ("gauges", "tickets", "hauls"):
        for number, line in enumerate(getattr(entry, name)):
            if line.tank is not None and line.tank not in tanks:
                yield Fault(f"{name}.{number}.tank", "unknown_tank")
    for name in ("wells", "chemicals", "tests", "reports"):
        for number, line in enumerate(getattr(entry, name)):
            if line.well is not None and line.well not in wells:
                yield Fault(f"{name}.{number}.well", "unknown_well")
    for number, meter in enumerate(entry.meters):
        if meter.meter not in meters:
            yield Fault(f"meters.{number}.meter", "unknown_meter")


def _levels(entry: Entry, stop: Stop) -> Iterator[Fault]:
    tanks = {tank.tank: tank for tank in stop.tanks}
    for number, gauge in enumerate(entry.gauges):
        yield from _too_high(tanks.get(gauge.tank), gauge.level_in, f"gauges.{number}.level_in")
    for number, ticket in enumerate(entry.tickets):
        tank = tanks.get(ticket.tank)
        yield from _too_high(tank, ticket.opening_in, f"tickets.{number}.opening_in")


def _too_high(tank: SheetTank | None, level: Decimal, where: str) -> Iterator[Fault]:
    if tank is None:
        return
    if tank.height_in is not None and level > tank.height_in:
        words = {"level": show_level(level), "height": show_level(tank.height_in)}
        yield Fault(where, "above_tank", words)
    elif tank.table is not None and tank.volume(level) is None:
        yield Fault(where, "beyond_table", {"level": show_level(level)})


def _runs(entry: Entry, stop: Stop) -> Iterator[Fault]:
    tanks = {tank.tank: tank for tank in stop.tanks}
    for number, ticket in enumerate(entry.tickets):
        tank = tanks.get(ticket.tank)
        if tank is None:
            continue
        if tank.table is None:
            yield Fault(f"tickets.{number}.tank", "no_table")
            continue
        try:
            net_oil(run_of(ticket), tank.table)
        except OilError:
            yield Fault(f"tickets.{number}.observed_gravity", "oil")
        except LevelError:
            continue  # said beside the level


def run_of(ticket: Ticket) -> Run:
    """What was read at a run, as `oil.net_oil` takes it."""
    return Run(
        ticket.opening_in,
        ticket.closing_in,
        ticket.opening_f,
        ticket.closing_f,
        ticket.observed_gravity,
        ticket.observed_gravity_f,
        ticket.sediment_water_pct,
    )


def net_of(ticket: Ticket, tank: SheetTank) -> NetOil | None:
    """What follows from a ticket; None where it cannot be computed."""
    try:
        return None if tank.table is None else net_oil(run_of(ticket), tank.table)
    except (OilError, LevelError):
        return None


def made(gauge: Gauge, tank: SheetTank, entry: Entry) -> Decimal | None:
    """Barrels that came into a tank since it was last gauged, what was hauled out included."""
    now, before = tank.volume(gauge.level_in), tank.volume(tank.last.get("level_in"))
    if now is None or before is None:
        return None
    runs = [net_of(ticket, tank) for ticket in entry.tickets if ticket.tank == tank.tank]
    out = sum((run.gross_observed_bbl for run in runs if run is not None), Decimal(0))
    out += sum((haul.bbl for haul in entry.hauls if haul.tank == tank.tank), Decimal(0))
    return (now - before + out).quantize(TENTH, ROUND_HALF_UP)


def bounds(name: str, last: Figures) -> tuple[Decimal, Decimal] | None:
    """Between which figures a pressure is not asked about; None where it never is."""
    before = last.get(name)
    if name not in PRESSURES or before is None:
        return None
    room = max(LEAST_PSI, abs(before) * SHARE)
    return before - room, before + room


def questions(entry: Entry, sheet: StopSheet) -> tuple[Question, ...]:
    """What is asked about and was not kept by the person yet."""
    stop = sheet.find(entry.stop)
    if stop is None:
        return ()
    asked = (*_pressures(entry, stop), *_tanks(entry, stop), *_meters(entry, stop))
    return tuple(question for question in asked if question.field not in entry.kept)


def _pressures(entry: Entry, stop: Stop) -> Iterator[Question]:
    sheet = {well.well: well for well in stop.wells}
    for number, well in enumerate(entry.wells):
        for name in PRESSURES:
            value, known = getattr(well, name), sheet.get(well.well)
            if value is not None and known is not None:
                path = f"wells.{number}.{name}"
                yield from _pressure(path, value, bounds(name, known.last), known.gauge.get(name))


def _pressure(
    path: str, value: Decimal, room: tuple[Decimal, Decimal] | None, gauge: Decimal | None
) -> Iterator[Question]:
    agrees = gauge is not None and abs(value - gauge) <= max(abs(gauge) * GAUGE_OFF, GAUGE_OFF_PSI)
    if room is not None and not room[0] <= value <= room[1]:
        off = value - (room[0] + room[1]) / 2
        key = "above" if off > 0 else "below"
        words = {"value": thousands(abs(off))}
        if gauge is not None and agrees:
            yield Question(path, f"{key}_too", words | {"gauge": thousands(gauge)})
        else:
            yield Question(path, key, words)
    elif gauge is not None and abs(value - gauge) > max(abs(gauge) * SHARE, LEAST_PSI):
        yield Question(path, "gauge", {"gauge": thousands(gauge), "value": thousands(value)})


def _tanks(entry: Entry, stop: Stop) -> Iterator[Question]:
    tanks = {tank.tank: tank for tank in stop.tanks}
    out = {ticket.tank for ticket in entry.tickets} | {haul.tank for haul in entry.hauls}
    for number, gauge in enumerate(entry.gauges):
        tank = tanks.get(gauge.tank)
        if tank is None:
            continue
        path = f"gauges.{number}.level_in"
        reads, before = tank.gauge.get("level_in"), tank.last.get("level_in")
        if reads is not None and abs(reads - gauge.level_in) > GAUGE_OFF_IN:
            words = {"gauge": show_level(reads), "value": show_level(gauge.level_in)}
            yield Question(path, "gauge", words)
        elif before is not None and before - gauge.level_in > FELL_IN and tank.tank not in out:
            fell = made(gauge, tank, entry)
            if fell is not None:
                yield Question(path, "fell", {"bbl": f"{-fell:f}"})


def _meters(entry: Entry, stop: Stop) -> Iterator[Question]:
    meters = {one.meter: one for one in stop.meters}
    for number, line in enumerate(entry.meters):
        known = meters.get(line.meter)
        before = None if known is None else known.last.get("reading")
        if before is not None and line.reading < before:
            yield Question(f"meters.{number}.reading", "meter", {"value": thousands(before)})


def cents(bbl: Decimal) -> Decimal:
    """Barrels as a ticket writes them, in hundredths."""
    return bbl.quantize(CENT_BBL, ROUND_HALF_UP)


def thousands(value: Decimal) -> str:
    """A figure as it is read: 1,182, and no zeros behind the point."""
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
