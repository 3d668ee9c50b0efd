"""A lease's day from what was gauged, ticketed and tested: figures, and what is open of it (pure).

Stocks and runs are barrels as observed: what left a tank is what its gauges say of the ticket, the
volume that is paid stands on the ticket.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from hub.production.allocation import Allocation, AllocationError, Producer, allocate
from hub.production.balance import Movements, TankDay
from hub.shares import CENT

ZERO: Final = Decimal(0)
#: Barrels by which a tape and a gauge may differ: a quarter of an inch on both ends of two readings
#: of a 400-barrel tank is 1.7, and a gauge's own error as much again.
EXPLAINED: Final = Decimal(5)
OIL: Final = ("oil", "condensate")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about a day that a person should look at."""

    kind: str  #: missing, suspect or unreconciled
    subject: str
    sentence: str
    table: str = ""  #: where something can be done about it
    row: uuid.UUID | None = None  #: what it is about: the ticket, the tank, the well
    day: date | None = None  #: for which it is missing, where that is not the day itself

    def to_json(self) -> dict[str, str]:
        """As it is kept with the close."""
        told = {"kind": self.kind, "subject": self.subject, "sentence": self.sentence}
        known = {"table": self.table, "row": self.row, "day": self.day}
        return told | {name: str(value) for name, value in known.items() if value}


@dataclass(frozen=True, slots=True)
class Tank:
    """A tank and its day; barrels by its strapping table."""

    id: uuid.UUID
    name: str
    contents: str
    day: TankDay
    strapped: bool = True


@dataclass(frozen=True, slots=True)
class Ticket:
    """What one ticket moved; `moved` is None where nobody reckoned it."""

    number: str
    kind: str
    tank_id: uuid.UUID | None
    moved: Decimal | None
    id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Well:
    """One well's day."""

    id: uuid.UUID
    name: str
    hours_on: Decimal
    entered: bool  #: a record, or downtime that covers the day
    oil_rate: Decimal | None = None  #: bbl in 24 h, of the test that allocates
    water_rate: Decimal | None = None
    suspect: bool = False


@dataclass(frozen=True, slots=True)
class LeaseDay:
    """All that is known of a lease's day."""

    day: date
    tanks: Sequence[Tank] = ()
    tickets: Sequence[Ticket] = ()
    wells: Sequence[Well] = ()
    waiting: Sequence[tuple[str, str]] = ()  #: state and reason of entries not taken up


@dataclass(frozen=True, slots=True)
class Closed:
    """What a lease's day came to."""

    opening: Decimal | None
    closing: Decimal | None
    runs: Decimal
    drawn: Decimal
    oil: Decimal | None
    water: Decimal | None
    allocation: Allocation | None
    water_allocation: Allocation | None
    findings: Sequence[Finding] = field(default_factory=tuple)

    @property
    def complete(self) -> bool:
        """Whether all is there and fits."""
        return not self.findings


def close(lease: LeaseDay) -> Closed:
    """Reckon a lease's day; what is missing makes the figures that need it unknown, not zero."""
    findings = [*_missing(lease), *_unticketed(lease), *_unreconciled(lease)]
    stocks = _stocks(lease, OIL)
    runs = _moved(lease, ("oil_sale", "condensate_sale", "transfer"))
    drawn = _moved(lease, ("tank_bottoms",))
    oil = _produced(stocks, runs, drawn)
    hauled = _moved(lease, ("water_haul",))
    water = _produced(_stocks(lease, ("water",)), hauled, ZERO)
    for amount, product in ((oil, "oil"), (water, "water")):
        if amount is not None and amount < 0:
            findings.append(_less_than_nothing(amount, product))
    allocation = _allocate(oil, lease, "oil", findings)
    water_allocation = _allocate(water, lease, "water", findings)
    opening, closing = stocks or (None, None)
    return Closed(
        opening, closing, runs, drawn, oil, water, allocation, water_allocation, tuple(findings)
    )


def _stocks(lease: LeaseDay, contents: Sequence[str]) -> tuple[Decimal, Decimal] | None:
    """Opening and closing stock; None where a tank's is unknown, or there is no tank."""
    days = [tank.day for tank in lease.tanks if tank.contents in contents]
    if not days:
        return None
    opening, closing = ZERO, ZERO
    for day in days:
        if day.opening is None or day.closing is None:
            return None
        opening, closing = opening + day.opening, closing + day.closing
    return opening, closing


def _moved(lease: LeaseDay, kinds: Sequence[str]) -> Decimal:
    return sum((t.moved or ZERO for t in lease.tickets if t.kind in kinds), ZERO)


def _produced(
    stocks: tuple[Decimal, Decimal] | None, runs: Decimal, drawn: Decimal
) -> Decimal | None:
    if stocks is None:
        return None
    made = Movements(stocks[0], stocks[1], runs=runs, drawn=drawn).produced
    return made.quantize(CENT, ROUND_HALF_UP)


def _less_than_nothing(amount: Decimal, product: str) -> Finding:
    return Finding(
        "suspect",
        "lease",
        f"By tanks and tickets the lease made {amount:,.2f} bbl of {product}: a gauge or a ticket"
        " is missing or wrong.",
    )


# ------------------------------------------------------------------------------------ allocation


def _allocate(
    amount: Decimal | None, lease: LeaseDay, product: str, findings: list[Finding]
) -> Allocation | None:
    if amount is None or amount < 0 or not lease.wells:
        return None
    rates = {well.id: _rate(well, product) for well in lease.wells}
    if len(lease.wells) == 1:
        rates = {lease.wells[0].id: rates[lease.wells[0].id] or Decimal(1)}
    producers = [Producer(well.id, rates[well.id] or ZERO, well.hours_on) for well in lease.wells]
    untested = [well for well in lease.wells if rates[well.id] is None and well.hours_on]
    findings += [_untested(well, product) for well in untested if amount and product == "oil"]
    try:
        made = allocate(amount, producers)
    except AllocationError as fault:
        if product == "oil":
            findings.append(Finding("suspect", "lease", str(fault)))
        return None
    if made.unusual and product == "oil" and all(_rate(well, product) for well in lease.wells):
        findings.append(_unusual(made))
    return made


def _rate(well: Well, product: str) -> Decimal | None:
    return well.oil_rate if product == "oil" else well.water_rate


def _untested(well: Well, product: str) -> Finding:
    said = f"No accepted test tells how much {product} {well.name} makes: it is given none."
    return Finding("suspect", well.name, said, "well_tests", well.id)


def _unusual(made: Allocation) -> Finding:
    return Finding(
        "suspect",
        "lease",
        f"The lease made {made.factor or 0:.3f} times what its wells' tests and hours say: look at"
        " tests, hours and gauges.",
    )


# -------------------------------------------------------------------------------------- findings


def _missing(lease: LeaseDay) -> list[Finding]:
    found = [
        _not_gauged(tank, lease.day)
        for tank in lease.tanks
        if tank.day.closing is None or tank.day.opening is None
    ]
    found += [_nothing_entered(well) for well in lease.wells if not well.entered]
    found += [_waits(state, why) for state, why in lease.waiting]
    return found + [_marked(well) for well in lease.wells if well.suspect]


def _nothing_entered(well: Well) -> Finding:
    said = f"Nothing was entered for {well.name}, and no downtime."
    return Finding("missing", well.name, said, "wells", well.id)


def _marked(well: Well) -> Finding:
    said = f"The record of {well.name} is marked suspect or bad."
    return Finding("suspect", well.name, said, "production_records", well.id)


def _not_gauged(tank: Tank, day: date) -> Finding:
    if not tank.strapped:
        said = f"Tank {tank.name} has no strapping table for this day: its gauges tell no barrels."
        return Finding("missing", tank.name, said, "tank_strap_tables", tank.id)
    today = tank.day.closing is None
    said = f"Tank {tank.name} was not gauged {'on this day' if today else 'the day before'}."
    missed = None if today else day - timedelta(days=1)
    return Finding("missing", tank.name, said, "tank_gauges", tank.id, missed)


def _waits(state: str, why: str) -> Finding:
    if state == "conflict":
        said = "Two people entered this stop: look at both and choose."
        return Finding("suspect", "entry", said, "field_entries")
    said = f"An entry was refused and waits to be mended: {why}"
    return Finding("missing", "entry", said, "field_entries")


def _unticketed(lease: LeaseDay) -> list[Finding]:
    return [
        Finding(
            "unreconciled",
            f"Ticket {ticket.number}",
            f"Ticket {ticket.number} has no volume: its tank has no strapping table that fits.",
            "run_tickets",
            ticket.id,
        )
        for ticket in lease.tickets
        if ticket.moved is None
    ]


def _unreconciled(lease: LeaseDay) -> list[Finding]:
    return [
        _differs(tank, tank.day.unexplained)
        for tank in lease.tanks
        if tank.day.unexplained is not None and abs(tank.day.unexplained) > EXPLAINED
    ]


def _differs(tank: Tank, off: Decimal) -> Finding:
    said = (
        f"Tank {tank.name} changed by {tank.day.keyed_change or ZERO:,.1f} bbl as keyed and by"
        f" {tank.day.telemetry_change or ZERO:,.1f} by its gauge: {abs(off):,.1f} bbl unexplained."
    )
    return Finding("unreconciled", tank.name, said, "reconciliations", tank.id)


def shares(made: Allocation | None) -> Mapping[uuid.UUID, Decimal]:
    """What each well is given; nothing where nothing was shared out."""
    return {} if made is None else made.allocated
