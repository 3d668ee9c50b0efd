"""The stop sheet: what the form needs to know of a route before anybody drives it.

The hub makes it, for a site inside the signed bundle and for a phone with the page: stops in the
order they are driven, their wells, tanks with strapping tables and meters, what was entered last
and what the gauge says. JSON as `entry.py` has it (figures as text, instants in UTC milliseconds)::

    {"v": 1, "made": 1795766400000, "timezone": "America/Chicago", "day_start": "07:00",
     "entry_days": 3, "locked": "2026-10",
     "stops": [{"stop": "<lease>", "name": "Bravo", "lat": 31.9, "lon": -102.1,
       "tanks": [{"tank": "…", "name": "1", "contents": "oil", "height_in": "180",
                  "strap": [["0", "0"], ["180", "300"]],
                  "last": {"level_in": "88", "water_in": "3"}, "gauge": {"level_in": "97.9"}}],
       "wells": [{"well": "…", "name": "1H", "last": {"casing_psig": "744"},
                  "gauge": {"casing_psig": "1182"}}],
       "meters": [{"meter": "…", "name": "Gas sales", "unit": "Mcf", "last": {"reading": "1"}}]}]}

``tags`` of a tank or well name the site's own gauges, with the factor that makes inches or psi of
them: ``{"casing_psig": ["bravo-1h.casing", "1"]}``; the agent reads them itself. ``locked`` is the
last month (and every one before) in which nothing may be entered any more.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import time
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from agent.contract.errors import WireError
from agent.contract.tanks import LevelError, StrapTable

VERSION: Final = 1

Figures = Mapping[str, Decimal]
Tags = Mapping[str, tuple[str, Decimal]]  #: by field: the tag's name and its factor


@dataclass(frozen=True, slots=True)
class SheetTank:
    """A tank of a stop."""

    tank: uuid.UUID
    name: str
    contents: str = "oil"
    height_in: Decimal | None = None
    strap: tuple[tuple[Decimal, Decimal], ...] = ()  #: inches, barrels
    last: Figures = field(default_factory=dict)
    gauge: Figures = field(default_factory=dict)
    tags: Tags = field(default_factory=dict)

    @property
    def table(self) -> StrapTable | None:
        """Its strapping table; None where it has none that can be used."""
        try:
            return StrapTable.of(self.strap)
        except LevelError:
            return None

    def volume(self, level: Decimal | None) -> Decimal | None:
        """Barrels up to a level; None where the table cannot tell."""
        table = self.table
        try:
            return None if table is None or level is None else table.volume(level)
        except LevelError:
            return None


@dataclass(frozen=True, slots=True)
class SheetWell:
    """A well of a stop."""

    well: uuid.UUID
    name: str
    last: Figures = field(default_factory=dict)
    gauge: Figures = field(default_factory=dict)
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SheetMeter:
    """A meter of a stop, counting in its unit."""

    meter: uuid.UUID
    name: str
    unit: str = ""
    last: Figures = field(default_factory=dict)
    gauge: Figures = field(default_factory=dict)
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stop:
    """One place on the route: a lease with what is gauged there."""

    stop: uuid.UUID
    name: str
    tanks: tuple[SheetTank, ...] = ()
    wells: tuple[SheetWell, ...] = ()
    meters: tuple[SheetMeter, ...] = ()
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True)
class StopSheet:
    """The stops of one route or site, in order."""

    made: int = 0  #: UTC milliseconds
    timezone: str = "UTC"
    day_start: time = time(7)
    entry_days: int = 3
    locked: str = ""  #: the last closed month, ``2026-10``
    stops: tuple[Stop, ...] = ()

    def find(self, stop: uuid.UUID) -> Stop | None:
        """One of its stops."""
        return next((one for one in self.stops if one.stop == stop), None)

    def ordered(self, wanted: Sequence[uuid.UUID]) -> StopSheet:
        """The same stops in a person's own order; those that are not in it follow as they were."""
        place = {stop: number for number, stop in enumerate(wanted)}
        stops = sorted(self.stops, key=lambda one: place.get(one.stop, len(place)))
        return replace(self, stops=tuple(stops))

    def moved(self, stop: uuid.UUID, to: str) -> list[uuid.UUID]:
        """The order after one stop was moved a place ``up`` or ``down``; at an end it stays."""
        order = [one.stop for one in self.stops]
        if stop in order:
            place = order.index(stop)
            other = min(max(place + (-1 if to == "up" else 1), 0), len(order) - 1)
            order.insert(other, order.pop(place))
        return order


def read_sheet(body: object) -> StopSheet:
    """A sheet from JSON; raises `WireError`."""
    if not isinstance(body, Mapping) or body.get("v") != VERSION:
        raise WireError("not a stop sheet of a version known here; update this program")
    try:
        return StopSheet(
            int(body["made"]),
            str(body["timezone"]),
            time.fromisoformat(body["day_start"]),
            int(body["entry_days"]),
            str(body.get("locked") or ""),
            tuple(_stop(item) for item in body["stops"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation) as fault:
        raise WireError(f"not a stop sheet: {type(fault).__name__} {fault}") from fault


def _stop(item: Mapping[str, Any]) -> Stop:
    return Stop(
        uuid.UUID(item["stop"]),
        str(item["name"]),
        tuple(_tank(one) for one in item.get("tanks", ())),
        tuple(
            SheetWell(uuid.UUID(one["well"]), str(one["name"]), *_values(one))
            for one in item.get("wells", ())
        ),
        tuple(
            SheetMeter(
                uuid.UUID(one["meter"]), str(one["name"]), str(one.get("unit", "")), *_values(one)
            )
            for one in item.get("meters", ())
        ),
        None if item.get("lat") is None else float(item["lat"]),
        None if item.get("lon") is None else float(item["lon"]),
    )


def _tank(item: Mapping[str, Any]) -> SheetTank:
    return SheetTank(
        uuid.UUID(item["tank"]),
        str(item["name"]),
        str(item.get("contents", "oil")),
        None if item.get("height_in") is None else Decimal(item["height_in"]),
        tuple((Decimal(level), Decimal(volume)) for level, volume in item.get("strap", ())),
        *_values(item),
    )


def _values(item: Mapping[str, Any]) -> tuple[Figures, Figures, Tags]:
    last, gauge = (
        {str(name): Decimal(value) for name, value in item.get(part, {}).items()}
        for part in ("last", "gauge")
    )
    tags = {
        str(name): (str(tag), Decimal(factor))
        for name, (tag, factor) in item.get("tags", {}).items()
    }
    return last, gauge, tags


def sheet_body(sheet: StopSheet) -> dict[str, Any]:
    """A sheet as JSON has it; `read_sheet` gives the same sheet again."""
    return {
        "v": VERSION,
        "made": sheet.made,
        "timezone": sheet.timezone,
        "day_start": sheet.day_start.isoformat("minutes"),
        "entry_days": sheet.entry_days,
        "locked": sheet.locked,
        "stops": [_stop_body(stop) for stop in sheet.stops],
    }


def _stop_body(stop: Stop) -> dict[str, Any]:
    body: dict[str, Any] = {"stop": str(stop.stop), "name": stop.name}
    if stop.lat is not None and stop.lon is not None:
        body |= {"lat": stop.lat, "lon": stop.lon}
    body["tanks"] = [_tank_body(tank) for tank in stop.tanks]
    body["wells"] = [
        {"well": str(well.well), "name": well.name} | _shown(well) for well in stop.wells
    ]
    body["meters"] = [
        {"meter": str(one.meter), "name": one.name, "unit": one.unit} | _shown(one)
        for one in stop.meters
    ]
    return body


def _tank_body(tank: SheetTank) -> dict[str, Any]:
    body: dict[str, Any] = {"tank": str(tank.tank), "name": tank.name, "contents": tank.contents}
    if tank.height_in is not None:
        body["height_in"] = f"{tank.height_in:f}"
    body["strap"] = [[f"{level:f}", f"{volume:f}"] for level, volume in tank.strap]
    return body | _shown(tank)


def _shown(item: SheetTank | SheetWell | SheetMeter) -> dict[str, Any]:
    parts = (("last", item.last), ("gauge", item.gauge))
    body: dict[str, Any] = {
        part: {name: f"{value:f}" for name, value in values.items()}
        for part, values in parts
        if values
    }
    if item.tags:
        body["tags"] = {name: [tag, f"{factor:f}"] for name, (tag, factor) in item.tags.items()}
    return body
