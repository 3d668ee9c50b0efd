"""What a pumper enters at one stop: its shape, read from untrusted JSON, every fault in a sentence.

Both doors make this body, the agent's pages on the site's network and the hub's on a phone; the
same ``id`` counts once whatever door it comes by. Volumes, levels and pressures are text, so that
no binary fraction changes a digit; levels are inches or as a tape is read (``8' 2 1/4"``); instants
are UTC milliseconds. What was not entered is left out, which is not zero (version 1)::

    {"v": 1, "id": "0198…", "stop": "<lease>", "day": "2026-11-27", "person": "<user>",
     "saved": 1795766400000, "replaces": "<entry>",
     "gauges": [{"tank": "…", "level_in": "98.25", "water_in": "3", "temperature_f": "71"}],
     "wells": [{"well": "…", "tubing_psig": "412", "hours_down": "4", "down_code": "UNP-BELT"}],
     "meters": [{"meter": "…", "reading": "123456.7"}],
     "tickets": [{"tank": "…", "ticket_no": "77123", "opened": 1795741200000, …}],
     "hauls": [{"tank": "…", "bbl": "120", "ticket_no": "…", "hauler": "…"}],
     "chemicals": [{"well": "…", "product": "…", "gallons": "2.5"}],
     "tests": [{"well": "…", "hours": "24", "oil_bbl": "31"}],
     "reports": [{"kind": "spill", "note": "…"}],
     "photos": [{"sha256": "9f…", "name": "…", "bytes": 81234, "media": "image/jpeg",
                 "taken": 1795766100000, "caption": "…", "lat": "31.9", "lon": "-102.1"}],
     "note": "…", "kept": ["wells.0.casing_psig"]}

``replaces`` names the entry that this one corrects: it stands for it whole. ``kept`` lists the
fields that were questioned (`entrycheck.py`) and left as they were.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any, Final, TypeVar

from agent.contract.entryread import Fault, Line, Lines
from agent.contract.photos import MEDIA

__all__ = [
    "DOWNTIME_CODES",
    "LARGEST_ENTRY",
    "REPORT_KINDS",
    "SOLD",
    "TICKET_KINDS",
    "Chemical",
    "Entry",
    "EntryError",
    "Fault",
    "Gauge",
    "Haul",
    "Meter",
    "Photo",
    "Report",
    "Test",
    "Ticket",
    "Well",
    "entry_body",
    "read_entry",
]

VERSION: Final = 1
LARGEST_ENTRY: Final = 40 * 1024  #: bytes of JSON; one fits a record (`records.LARGEST_RECORD`)
MOST_LINES: Final = 100  #: of one kind at one stop
MOST_BYTES: Final = 20_000_000  #: that an entry may name of a photo; fewer are taken
GAUGE_KINDS: Final = ("routine", "month_end")
TICKET_KINDS: Final = ("oil_sale", "condensate_sale", "water_haul", "transfer", "tank_bottoms")
#: Tickets that are paid by net oil; the others move what the tank lost.
SOLD: Final = ("oil_sale", "condensate_sale")
REPORT_KINDS: Final = ("spill", "injury")
DOWNTIME_CODES: Final = (
    *("PLN-PM", "PLN-WO", "PLN-TEST", "PLN-ECON"),
    *("UNP-ROD", "UNP-TUBING", "UNP-PUMP", "UNP-GASLOCK", "UNP-SCALE", "UNP-PARAFFIN"),
    *("UNP-CORROSION", "UNP-MOTOR", "UNP-BELT", "UNP-ELEC-UTILITY", "UNP-ELEC-SITE"),
    *("UNP-COMPRESSOR", "UNP-SEPARATOR", "UNP-TREATER", "UNP-FLOWLINE"),
    *("EXT-TANK-FULL", "EXT-SWD", "EXT-HIGH-LINE-PRESSURE", "EXT-PLANT", "EXT-WEATHER"),
    *("EXT-REGULATORY", "EXT-OFFSET-FRAC", "SAF-H2S", "SAF-ESD", "COMM-UNKNOWN"),
)
VOLUME: Final = Decimal(1_000_000)  #: no lease moves more in a day
_PSI: Final = (Decimal(-15), Decimal(20_000))
_FAHRENHEIT: Final = (Decimal(-60), Decimal(300))
_PERCENT: Final = (Decimal(0), Decimal(100))
_ANY: Final = (Decimal(0), VOLUME)


class EntryError(ValueError):
    """An entry that cannot be taken; `faults` names every field and says why in a sentence."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(" ".join(fault.say() for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Gauge:
    """A tank as the tape read it; levels in inches above the bottom."""

    tank: uuid.UUID
    level_in: Decimal
    water_in: Decimal | None = None  #: sediment and water at the bottom
    temperature_f: Decimal | None = None
    kind: str = "routine"


@dataclass(frozen=True, slots=True)
class Well:
    """What was read at one well, and how long it stood still in that production day."""

    well: uuid.UUID
    tubing_psig: Decimal | None = None
    casing_psig: Decimal | None = None
    line_psig: Decimal | None = None
    choke_64ths: Decimal | None = None
    strokes_per_minute: Decimal | None = None
    hours_down: Decimal | None = None
    down_code: str | None = None  #: one of `DOWNTIME_CODES`
    oil_bbl: Decimal | None = None
    gas_mcf: Decimal | None = None
    water_bbl: Decimal | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Meter:
    """The counter of a meter, in the meter's own unit."""

    meter: uuid.UUID
    reading: Decimal


@dataclass(frozen=True, slots=True)
class Ticket:
    """One run out of a tank, with what a federal ticket must show (43 CFR 3174.12(a))."""

    tank: uuid.UUID
    ticket_no: str
    opened: int  #: UTC milliseconds
    closed: int
    opening_in: Decimal
    closing_in: Decimal
    opening_f: Decimal
    closing_f: Decimal
    observed_gravity: Decimal  #: °API
    observed_gravity_f: Decimal
    sediment_water_pct: Decimal
    kind: str = "oil_sale"
    seals_off: tuple[str, ...] = ()
    seals_on: tuple[str, ...] = ()
    gauger: str | None = None
    hauler: str | None = None
    purchaser: str | None = None
    destination: str | None = None


@dataclass(frozen=True, slots=True)
class Haul:
    """Water that a truck took away; barrels."""

    bbl: Decimal
    tank: uuid.UUID | None = None
    ticket_no: str | None = None
    hauler: str | None = None
    destination: str | None = None


@dataclass(frozen=True, slots=True)
class Chemical:
    """Treating chemical that was put in; US gallons."""

    product: str
    gallons: Decimal
    well: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Test:
    """A well test that ended at this stop."""

    well: uuid.UUID
    hours: Decimal
    oil_bbl: Decimal | None = None
    gas_mcf: Decimal | None = None
    water_bbl: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A spill or an injury, told at once; it becomes an incident."""

    kind: str  #: one of `REPORT_KINDS`
    note: str | None = None
    well: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture that follows by itself, named by its content."""

    sha256: str
    name: str
    bytes: int
    media: str | None = None  #: one of `photos.MEDIA`; entries of before did not say
    taken: int | None = None  #: UTC milliseconds by the device
    caption: str | None = None
    lat: Decimal | None = None  #: degrees; where it was taken, if the person let the device tell
    lon: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """Everything one person entered at one stop for one production day."""

    id: uuid.UUID
    stop: uuid.UUID  #: the lease
    day: date
    person: uuid.UUID
    saved: int  #: UTC milliseconds by the device that saved it
    replaces: uuid.UUID | None = None
    gauges: tuple[Gauge, ...] = ()
    wells: tuple[Well, ...] = ()
    meters: tuple[Meter, ...] = ()
    tickets: tuple[Ticket, ...] = ()
    hauls: tuple[Haul, ...] = ()
    chemicals: tuple[Chemical, ...] = ()
    tests: tuple[Test, ...] = ()
    reports: tuple[Report, ...] = ()
    photos: tuple[Photo, ...] = ()
    note: str | None = None
    kept: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing at all was entered."""
        own = ("id", "stop", "day", "person", "saved", "replaces", "kept")
        return not any(getattr(self, item.name) for item in fields(self) if item.name not in own)


def read_entry(body: object) -> Entry:
    """An entry from JSON that nobody vouches for; raises `EntryError` with every fault.

    What only the stop sheet or the database can tell (whose tank it is, a locked month) is not
    looked at here.
    """
    faults: list[Fault] = []
    head = Line(body if isinstance(body, Mapping) else {}, "", faults)
    if not isinstance(body, Mapping) or body.get("v") != VERSION:
        head.fault("v", "version")
        raise EntryError(tuple(faults))
    entry = _entry(head)
    if entry is not None and not faults:
        _check_pairs(entry, faults)
        if entry.empty:
            head.fault("", "empty")
    if faults or entry is None:
        raise EntryError(tuple(faults))
    return entry


def _entry(head: Line) -> Entry | None:
    own = (head.key("id"), head.key("stop"), head.day("day"), head.key("person"))
    saved, replaces = head.instant("saved"), head.optional_key("replaces")
    lines = Lines(head, MOST_LINES)
    entry = Entry(
        *own,
        saved,
        replaces,
        gauges=_unique(lines, "gauges", _gauge, "tank"),
        wells=_unique(lines, "wells", _well, "well"),
        meters=_unique(lines, "meters", _meter, "meter"),
        tickets=lines.read("tickets", _ticket),
        hauls=lines.read("hauls", _haul),
        chemicals=lines.read("chemicals", _chemical),
        tests=lines.read("tests", _test),
        reports=lines.read("reports", _report),
        photos=lines.read("photos", _photo),
        note=head.text("note", 2_000),
        kept=tuple(head.texts("kept", 200, 100)),
    )
    return None if head.faults else entry


_Item = TypeVar("_Item")


def _unique(lines: Lines, name: str, read: Callable[[Line], _Item], key: str) -> tuple[_Item, ...]:
    """Lines of which there is one for each tank, well or meter."""
    items, seen = lines.read(name, read), set()
    for number, item in enumerate(items):
        if getattr(item, key) in seen:
            lines.head.fault(f"{name}.{number}.{key}", "twice")
        seen.add(getattr(item, key))
    return items


def _gauge(line: Line) -> Gauge:
    return Gauge(
        line.key("tank"),
        line.level("level_in"),
        line.optional_level("water_in"),
        line.number("temperature_f", *_FAHRENHEIT, 1),
        line.word("kind", GAUGE_KINDS) or "routine",
    )


def _well(line: Line) -> Well:
    return Well(
        line.key("well"),
        line.number("tubing_psig", *_PSI, 2),
        line.number("casing_psig", *_PSI, 2),
        line.number("line_psig", *_PSI, 2),
        line.number("choke_64ths", Decimal(0), Decimal(256), 0),
        line.number("strokes_per_minute", Decimal(0), Decimal(99), 2),
        line.number("hours_down", Decimal(0), Decimal(25), 2),
        line.word("down_code", DOWNTIME_CODES),
        line.number("oil_bbl", *_ANY, 4),
        line.number("gas_mcf", *_ANY, 4),
        line.number("water_bbl", *_ANY, 4),
        line.text("note", 500),
    )


def _meter(line: Line) -> Meter:
    return Meter(line.key("meter"), line.needed("reading", Decimal(0), Decimal(10**12), 4))


def _ticket(line: Line) -> Ticket:
    return Ticket(
        line.key("tank"),
        line.needed_text("ticket_no", 40),
        line.instant("opened"),
        line.instant("closed"),
        line.level("opening_in"),
        line.level("closing_in"),
        line.needed("opening_f", *_FAHRENHEIT, 1),
        line.needed("closing_f", *_FAHRENHEIT, 1),
        line.needed("observed_gravity", *_PERCENT, 1),
        line.needed("observed_gravity_f", *_FAHRENHEIT, 1),
        line.needed("sediment_water_pct", *_PERCENT, 3),
        line.word("kind", TICKET_KINDS) or "oil_sale",
        tuple(line.texts("seals_off", 40, 20)),
        tuple(line.texts("seals_on", 40, 20)),
        *(line.text(name, 120) for name in ("gauger", "hauler", "purchaser", "destination")),
    )


def _haul(line: Line) -> Haul:
    return Haul(
        line.needed("bbl", *_ANY, 4),
        line.optional_key("tank"),
        line.text("ticket_no", 40),
        line.text("hauler", 120),
        line.text("destination", 120),
    )


def _chemical(line: Line) -> Chemical:
    return Chemical(
        line.needed_text("product", 120),
        line.needed("gallons", Decimal(0), Decimal(10_000), 2),
        line.optional_key("well"),
    )


def _test(line: Line) -> Test:
    volumes = (line.number(name, *_ANY, 4) for name in ("oil_bbl", "gas_mcf", "water_bbl"))
    return Test(line.key("well"), line.needed("hours", Decimal("0.5"), Decimal(744), 2), *volumes)


def _report(line: Line) -> Report:
    kind = line.word("kind", REPORT_KINDS)
    if kind is None:
        line.missing("kind")
    return Report(kind or "", line.text("note", 2_000), line.optional_key("well"))


def _photo(line: Line) -> Photo:
    return Photo(
        line.digest("sha256"),
        line.text("name", 120) or "",
        line.whole("bytes", 1, MOST_BYTES),
        line.word("media", MEDIA),
        line.optional_instant("taken"),
        line.text("caption", 200),
        line.number("lat", Decimal(-90), Decimal(90), 6),
        line.number("lon", Decimal(-180), Decimal(180), 6),
    )


def _check_pairs(entry: Entry, faults: list[Fault]) -> None:
    """What two fields say together."""
    for number, gauge in enumerate(entry.gauges):
        if gauge.water_in is not None and gauge.water_in > gauge.level_in:
            faults.append(Fault(f"gauges.{number}.water_in", "water_above_oil"))
    for number, well in enumerate(entry.wells):
        if well.hours_down and well.down_code is None:
            faults.append(Fault(f"wells.{number}.down_code", "code_missing"))
    for number, ticket in enumerate(entry.tickets):
        if ticket.closing_in > ticket.opening_in:
            faults.append(Fault(f"tickets.{number}.closing_in", "closing_above_opening"))
        if ticket.closed < ticket.opened:
            faults.append(Fault(f"tickets.{number}.closed", "closed_before_opened"))
    for number, test in enumerate(entry.tests):
        if test.oil_bbl is None and test.gas_mcf is None and test.water_bbl is None:
            faults.append(Fault(f"tests.{number}.oil_bbl", "test_without_volume"))


def entry_body(entry: Entry) -> dict[str, Any]:
    """The body of an entry as JSON has it; `read_entry` gives the same entry again."""
    return {"v": VERSION, **_written(entry)}


def _written(item: Any) -> dict[str, Any]:
    found = {field.name: getattr(item, field.name) for field in fields(item)}
    return {name: _plain(value) for name, value in found.items() if value not in (None, ())}


def _plain(value: object) -> Any:
    if isinstance(value, tuple):
        return [item if isinstance(item, str) else _written(item) for item in value]
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return value if isinstance(value, int | str) else str(value)
