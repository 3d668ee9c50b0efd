"""Fleet: what waits for a person, what is silent, where the wells are and how they stand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from hub.console import bands, fleet_state
from hub.console.context import console, now, records, visitor
from hub.console.fleet_state import Fleet, WellRow
from hub.console.gate import needs
from hub.console.live import show
from hub.permissions import Action

pages = Blueprint("fleet", __name__)

KEPT_S, BANDS_KEPT_S, TODAY_KEPT_S = 2.0, 600.0, 30.0


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter as a link: its words, its address, whether it holds."""

    text: str
    url: str
    on: bool


@dataclass(frozen=True, slots=True)
class Heading:
    """A column by which the wells can be sorted."""

    text: str
    url: str
    sort: str  #: value of aria-sort; empty when the table is not sorted by it


@pages.get("/")
@needs(Action.SEE)
def index() -> ResponseReturnValue:
    """The fleet page."""
    fleet, today = snapshot(), readings_today()
    alerts = [row for row in fleet.alerts if row.unacknowledged or not _only_waiting()]
    wells = sorted_wells(filter(filters(fleet.wells)[_choice("show", "all")], fleet.wells))
    return show(
        "fleet.html",
        (fleet, today),
        fleet=fleet,
        today=today,
        tally=fleet_state.tally(fleet),
        alerts=alerts,
        alert_chips=alert_chips(fleet),
        wells=wells,
        chips=well_chips(fleet.wells),
        headings=[heading(key) for key in SORTS],
    )


def snapshot() -> Fleet:
    """The fleet now, asked once for all who look at it."""

    def look() -> Fleet:
        with records() as session:
            return fleet_state.look(session, now(), usual_bands())

    return console().cache.take(fleet_key(), KEPT_S, look)


def fleet_key() -> tuple[object, ...]:
    """Under which the fleet is kept; forgotten when a person changes something on it."""
    return (visitor().organization_id, "fleet", visitor().route)


def bands_key() -> tuple[object, ...]:
    """Under which the usual bands of the fleet's gauges are kept."""
    return (visitor().organization_id, "bands", visitor().route)


def forget_fleet() -> None:
    """A person has changed something on it: whoever looks next sees it as it now is."""
    for kind in ("fleet", "counts"):
        console().cache.drop((visitor().organization_id, kind))


def usual_bands() -> dict[int, bands.Band]:
    """Where gauges normally are; changes slowly, so it is asked every ten minutes."""

    def ask() -> dict[int, bands.Band]:
        with records() as session:
            return bands.usual(session, fleet_state.shown_tags(session), now())

    return console().cache.take(bands_key(), BANDS_KEPT_S, ask)


def readings_today() -> int:
    """Readings taken since midnight on the operator's clock."""

    def ask() -> int:
        local = now().astimezone(visitor().zone)
        with records() as session:
            midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
            return fleet_state.readings_since(session, midnight)

    key = (visitor().organization_id, "today", visitor().route)
    return console().cache.take(key, TODAY_KEPT_S, ask)


# ------------------------------------------------------------------------------- filters, sorting

Keep = Callable[[WellRow], bool]


def filters(wells: Iterable[WellRow]) -> dict[str, Keep]:
    """What the table can be narrowed to: attention first, then the statuses and types there are."""
    listed = list(wells)
    kept: dict[str, Keep] = {
        "all": lambda _well: True,
        "alerts": lambda well: bool(well.alerts),
        "silent": lambda well: well.blind > 0,
    }
    for status in sorted({well.status for well in listed}):
        kept[status] = lambda well, status=status: well.status == status  # type: ignore[misc]
    types = sorted({well.well_type for well in listed})
    for kind in types if len(types) > 1 else ():
        kept[kind] = lambda well, kind=kind: well.well_type == kind  # type: ignore[misc]
    return kept


def well_chips(wells: tuple[WellRow, ...]) -> list[Chip]:
    """The filters as links, each with how many wells it leaves."""
    chips = []
    for key, keep in filters(wells).items():
        number = sum(map(keep, wells))
        if number or key == "all":
            words = key.replace("_", " ").capitalize()
            chips.append(Chip(f"{words} {number}", here(show=key), _choice("show", "all") == key))
    return chips


def alert_chips(fleet: Fleet) -> list[Chip]:
    """All standing alarms, or only those that wait for a person."""
    waiting = sum(row.unacknowledged for row in fleet.alerts)
    only = _only_waiting()
    return [
        Chip(f"All {len(fleet.alerts)}", here(alerts=None), not only),
        Chip(f"Unacknowledged {waiting}", here(alerts="waiting"), only),
    ]


def _only_waiting() -> bool:
    return request.args.get("alerts") == "waiting"


def _choice(name: str, default: str) -> str:
    """One of the choices the address makes; the usual one where it is not known."""
    wanted = request.args.get(name, default)
    known = filters(snapshot().wells).keys() if name == "show" else SORTS.keys()
    return wanted if wanted.removeprefix("-") in known else default


def here(**changed: str | None) -> str:
    """This page's address with some of its choices changed; the usual ones are left out."""
    choices: dict[str, Any] = request.args.to_dict() | changed
    usual = {"show": "all", "sort": "name"}
    kept = {key: value for key, value in choices.items() if value and usual.get(key) != value}
    return url_for("fleet.index", **kept)


def _pressure(place: int) -> Callable[[WellRow], float]:
    def key(well: WellRow) -> float:
        cell = well.cells[place]
        return float("-inf") if cell is None or cell.gauge.value is None else cell.gauge.value

    return key


def _heard(well: WellRow) -> datetime:
    return well.heard or datetime.min.replace(tzinfo=now().tzinfo)


SORTS: dict[str, tuple[str, Callable[[WellRow], Any]]] = {
    "name": ("Well", lambda well: well.name.lower()),
    "site": ("Site", lambda well: (well.site.lower(), well.name.lower())),
    "status": ("Status", lambda well: (well.status, well.name.lower())),
    "tubing": ("Tubing pressure", _pressure(0)),
    "casing": ("Casing pressure", _pressure(1)),
    "alerts": ("Alerts", lambda well: (well.worst is None, well.worst and well.worst.order)),
    "silent": ("Gauges", lambda well: -well.blind),
    "heard": ("Heard", _heard),
}


def sorted_wells(wells: Iterable[WellRow]) -> list[WellRow]:
    """The wells in the order that the address asks for; a minus turns it round."""
    wanted = _choice("sort", "name")
    return sorted(wells, key=SORTS[wanted.removeprefix("-")][1], reverse=wanted.startswith("-"))


def heading(key: str) -> Heading:
    """A column's head: the link that sorts by it, the other way round if it already does."""
    wanted = _choice("sort", "name")
    up, down = wanted == key, wanted == f"-{key}"
    sort = "ascending" if up else "descending" if down else ""
    return Heading(SORTS[key][0], here(sort=f"-{key}" if up else key), sort)
