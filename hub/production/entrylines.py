"""The lines of a field entry as rows of the register: table, values, and the form's fields (pure).

What a line says is put into the columns of its table; a refusal of a column is then shown at the
field of the form it was typed into.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from agent.contract.entry import SOLD, Chemical, Entry, Gauge, Haul, Meter, Test, Ticket, Well
from agent.contract.oil import METHOD, OilError, Run, net_oil
from agent.contract.production_day import ProductionClock
from agent.contract.tanks import LevelError, StrapTable, show_level
from hub.production.refusals import told

#: A tape is read on the morning after; later than this the entry tells of an earlier gauge.
GAUGED_WITHIN: Final = timedelta(hours=12)
#: Lists of an entry that measure: two people who fill them in for one stop and day conflict.
MEASURED: Final = ("gauges", "wells", "meters", "tickets", "hauls", "tests")


@dataclass(frozen=True, slots=True)
class Line:
    """One line as a row: `fields` says under which name of the form a column is told of."""

    part: str
    number: int
    subject: str  #: what the line is about: a key, or a number
    table: str
    values: Mapping[str, Any]
    fields: Mapping[str, str] = field(default_factory=dict)
    #: Columns that say when and whose the row is: kept by a correction.
    fixed: tuple[str, ...] = ()

    def at(self, column: str) -> str:
        """The form's field for a column."""
        if column == "production_date":
            return "day"
        return f"{self.part}.{self.number}.{self.fields.get(column, column)}".rstrip(".")


@dataclass(frozen=True, slots=True)
class Scene:
    """What a line is read with: the operator's days, and when the entry was made."""

    clock: ProductionClock
    now: datetime
    tables: Mapping[uuid.UUID, StrapTable]


@dataclass(frozen=True, slots=True)
class Unfit:
    """Something that cannot be: the form's field, and the sentence."""

    field: str
    sentence: str


def gauged_at(entry: Entry, scene: Scene) -> datetime:
    """When the tanks were gauged: as the entry was saved, or at the end of an earlier day."""
    saved = min(datetime.fromtimestamp(entry.saved / 1000, UTC), scene.now)
    begins, ends = scene.clock.begins(entry.day), scene.clock.ends(entry.day)
    if begins <= saved < ends + GAUGED_WITHIN:
        return saved
    return min(scene.clock.gauged(entry.day), scene.now)


def lines_of(entry: Entry, scene: Scene, faults: list[Unfit]) -> Iterator[Line]:
    """Every line of an entry as a row; what cannot be is added to `faults`."""
    at = gauged_at(entry, scene)
    for number, gauge in enumerate(entry.gauges):
        yield _gauge(number, gauge, entry, at)
    for number, well in enumerate(entry.wells):
        yield _well(number, well, entry, scene)
    for number, meter in enumerate(entry.meters):
        yield _meter(number, meter, entry, at)
    for number, ticket in enumerate(entry.tickets):
        if (line := _ticket(number, ticket, entry, scene, faults)) is not None:
            yield line
    for number, haul in enumerate(entry.hauls):
        yield _haul(number, haul, entry, at)
    for number, chemical in enumerate(entry.chemicals):
        yield _chemical(number, chemical, entry)
    for number, test in enumerate(entry.tests):
        yield _test(number, test, at)


def _gauge(number: int, gauge: Gauge, entry: Entry, at: datetime) -> Line:
    values = {
        "tank_id": gauge.tank,
        "gauged_at": at,
        "production_date": entry.day,
        "kind": gauge.kind,
        "level_in": gauge.level_in,
        "water_in": gauge.water_in,
        "temperature_f": gauge.temperature_f,
        "source": "pumper",
    }
    fields = {"tank_id": "tank", "gauged_at": "level_in", "volume_bbl": "level_in"}
    fixed = ("tank_id", "gauged_at", "production_date", "kind", "source")
    return Line("gauges", number, f"{gauge.tank}", "tank_gauges", values, fields, fixed)


def _well(number: int, well: Well, entry: Entry, scene: Scene) -> Line:
    hours = None
    if well.hours_down is not None:
        hours = max(Decimal(scene.clock.hours(entry.day)) - well.hours_down, Decimal(0))
    values = {
        "well_id": well.well,
        "production_date": entry.day,
        "record_kind": "field_estimate",
        "source": "pumper",
        "oil_bbl": well.oil_bbl,
        "gas_mcf": well.gas_mcf,
        "water_bbl": well.water_bbl,
        "hours_on": hours,
        "tubing_psig": well.tubing_psig,
        "casing_psig": well.casing_psig,
        "line_psig": well.line_psig,
        "choke_64ths": None if well.choke_64ths is None else int(well.choke_64ths),
        "strokes_per_minute": well.strokes_per_minute,
        "note": well.note,
    }
    fields = {"well_id": "well", "completion_id": "well", "hours_on": "hours_down"}
    fixed = ("well_id", "production_date", "record_kind", "source")
    return Line("wells", number, f"{well.well}", "production_records", values, fields, fixed)


def _meter(number: int, meter: Meter, entry: Entry, at: datetime) -> Line:
    values = {
        "equipment_id": meter.meter,
        "lease_id": entry.stop,
        "read_at": at,
        "production_date": entry.day,
        "reading": meter.reading,
    }
    fixed = ("equipment_id", "lease_id", "read_at", "production_date")
    fields = {"equipment_id": "meter"}
    return Line("meters", number, f"{meter.meter}", "meter_readings", values, fields, fixed)


def _ticket(
    number: int, ticket: Ticket, entry: Entry, scene: Scene, faults: list[Unfit]
) -> Line | None:
    opened, closed = (
        datetime.fromtimestamp(at / 1000, UTC) for at in (ticket.opened, ticket.closed)
    )
    if closed > scene.now + timedelta(minutes=10):
        faults.append(Unfit(f"tickets.{number}.closed", told("to_come")))
    try:
        volumes = ticket_volumes(ticket, scene.tables.get(ticket.tank))
    except (LevelError, OilError) as fault:
        faults.append(Unfit(f"tickets.{number}.{_blame(ticket, scene)}", str(fault)))
        return None
    ends = scene.clock.ends(entry.day) + GAUGED_WITHIN
    counts = scene.clock.begins(entry.day) <= closed < ends
    values = {
        "ticket_no": ticket.ticket_no,
        "kind": ticket.kind,
        "status": "final" if volumes else "open",
        "lease_id": entry.stop,
        "tank_id": ticket.tank,
        "opened_at": opened,
        "closed_at": closed,
        "production_date": entry.day if counts else scene.clock.day_of(closed),
        **{name: getattr(ticket, name) for name in _READ},
        **volumes,
        "seals_off": list(ticket.seals_off) or None,
        "seals_on": list(ticket.seals_on) or None,
        **{name: getattr(ticket, name) for name in ("gauger", "hauler", "purchaser")},
        "destination": ticket.destination,
    }
    fields = {"tank_id": "tank", "opened_at": "opened", "closed_at": "closed", "lease_id": ""}
    return Line("tickets", number, ticket.ticket_no, "run_tickets", values, fields)


_READ: Final = (
    *("opening_in", "closing_in", "opening_f", "closing_f", "observed_gravity"),
    *("observed_gravity_f", "sediment_water_pct"),
)


def ticket_volumes(ticket: Ticket, table: StrapTable | None) -> dict[str, Any]:
    """Volumes of a ticket by the tank's strapping table; none where it has none.

    Oil that is sold is net oil at 60 °F, the operator's own estimate beside the purchaser's ticket;
    what is moved otherwise is what the tank lost. Raises `LevelError` or `OilError`.
    """
    if table is None:
        return {}
    if ticket.kind not in SOLD:
        opening, closing = table.volume(ticket.opening_in), table.volume(ticket.closing_in)
        moved = opening - closing
        return _volumes(opening, closing, moved, moved) | {"gravity_60f": None}
    found = net_oil(Run(**{name: getattr(ticket, name) for name in _READ}), table)
    gross, net = found.gross_standard_bbl, found.net_standard_bbl
    note = f"Net oil reckoned by {METHOD}: an estimate beside the purchaser's ticket."
    return _volumes(found.opening_bbl, found.closing_bbl, gross, net) | {
        "gravity_60f": found.gravity_60f,
        "note": note,
    }


def _volumes(opening: Decimal, closing: Decimal, gross: Decimal, net: Decimal) -> dict[str, Any]:
    return {
        "opening_bbl": opening,
        "closing_bbl": closing,
        "gross_standard_bbl": gross,
        "net_standard_bbl": net,
    }


def _blame(ticket: Ticket, scene: Scene) -> str:
    """The field of a ticket whose volume cannot be reckoned."""
    table = scene.tables.get(ticket.tank)
    for name in ("opening_in", "closing_in"):
        try:
            if table is not None:
                table.volume(getattr(ticket, name))
        except LevelError:
            return name
    return "observed_gravity"


def _haul(number: int, haul: Haul, entry: Entry, at: datetime) -> Line:
    ticket = haul.ticket_no or f"W-{entry.id.hex[-8:]}-{number + 1}"
    values = {
        "ticket_no": ticket,
        "kind": "water_haul",
        "status": "final",
        "lease_id": entry.stop,
        "tank_id": haul.tank,
        "opened_at": at,
        "closed_at": at,
        "production_date": entry.day,
        "gross_standard_bbl": haul.bbl,
        "net_standard_bbl": haul.bbl,
        "hauler": haul.hauler,
        "destination": haul.destination,
    }
    fields = {"tank_id": "tank", "net_standard_bbl": "bbl", "gross_standard_bbl": "bbl"}
    own = () if haul.ticket_no else ("ticket_no",)
    fixed = ("opened_at", "closed_at", "production_date", *own)
    subject = haul.ticket_no or f"{number}"
    return Line("hauls", number, subject, "run_tickets", values, fields, fixed)


def _chemical(number: int, chemical: Chemical, entry: Entry) -> Line:
    values = {
        "lease_id": entry.stop,
        "well_id": chemical.well,
        "production_date": entry.day,
        "product": chemical.product,
        "gallons": chemical.gallons,
    }
    fixed = ("lease_id", "production_date")
    fields = {"well_id": "well"}
    return Line("chemicals", number, f"{number}", "chemical_treatments", values, fields, fixed)


def _test(number: int, test: Test, at: datetime) -> Line:
    values = {
        "well_id": test.well,
        "started_at": at - timedelta(hours=float(test.hours)),
        "duration_hours": test.hours,
        "oil_bbl": test.oil_bbl,
        "gas_mcf": test.gas_mcf,
        "water_bbl": test.water_bbl,
    }
    fields = {"well_id": "well", "completion_id": "well", "duration_hours": "hours"}
    return Line("tests", number, f"{test.well}", "well_tests", values, fields, ("well_id",))


def ended_as_before(line: Line, current: Mapping[str, Any]) -> dict[str, Any]:
    """When a corrected well test began: it ended when it did, whenever it is corrected."""
    if line.table != "well_tests":
        return {}
    before, now = (float(row["duration_hours"]) for row in (current, line.values))
    return {"started_at": current["started_at"] + timedelta(hours=before - now)}


def above_tank(level: Decimal, height: Decimal) -> str | None:
    """The sentence for a gauge above its tank; None where it fits."""
    if level <= height:
        return None
    return told("above", level=show_level(level), height=show_level(height))


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which a well stood still."""

    started_at: datetime
    ended_at: datetime


def standing_still(
    well: Well, entry: Entry, clock: ProductionClock, before: datetime | None
) -> Stretch | None:
    """Where in its day a well's hours of downtime lie; `before`: end of what it stood before.

    Hours alone were entered. They follow on the day before's where those reach the day's beginning,
    and otherwise end with the day, so that a well down for days is down without a gap.
    """
    if not well.hours_down or well.down_code is None:
        return None
    begins, ends = clock.begins(entry.day), clock.ends(entry.day)
    span = min(timedelta(hours=float(well.hours_down)), ends - begins)
    if before is not None and before == begins:
        return Stretch(begins, begins + span)
    return Stretch(ends - span, ends)
