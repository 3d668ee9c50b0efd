"""Daily and monthly volumes, from operators' spreadsheets and from what agencies publish.

A month's figure is kept as a record of kind `state_reported` on the first day of the month, with
the days the well produced in it: it stands beside the days' own records and is never summed with
them. A file is taken for one of months where it tells days produced, or only first days.
"""

from __future__ import annotations

import uuid
from collections.abc import Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from hub.imports.columns import SEVERAL
from hub.imports.lines import Gathered, Line, api14, day, value
from hub.imports.places import Wells, folded
from hub.imports.report import LineError, Report
from hub.imports.units import METRIC_BASE, converted, factor, metric
from hub.imports.wells import dashed
from hub.imports.words import api_of_parts
from hub.imports.writing import Item, Step, Writer
from hub.register.catalog import resource
from hub.register.errors import RegisterError
from hub.schema import ProductionRecord, Well
from hub.schema.base import uuid7

MONTHLY: Final = "state_reported"
#: A word of a commodity's name, and the volume it is.
PRODUCTS: Final = {"oil": "oil_bbl", "gas": "gas_mcf", "water": "water_bbl"}
VOLUMES: Final = tuple(PRODUCTS.values())
#: Values by which a record is known.
KEYS: Final = {"production_date", "well_id", "completion_id"}
FIELDS: Final = (
    *("oil_bbl", "gas_mcf", "water_bbl", "days_produced", "hours_on", "tubing_psig"),
    *("casing_psig", "line_psig", "choke_64ths", "note"),
)


def take(
    session: Session,
    organization: uuid.UUID,
    lines: Iterable[Line],
    report: Report,
    step: Step,
    *,
    kind: str | None = None,
    add_wells: bool = False,
    units: Mapping[str, str] | None = None,
) -> None:
    """Write the volumes of a file; a record is known again by well layer, day and kind.

    `kind` is the kind of record where it shall not be guessed; `add_wells` makes wells that the
    register does not know instead of refusing their lines.
    """
    listed = list(lines)
    chosen = kind or (MONTHLY if of_months(listed) else "measured")
    intake = _Intake(session, organization, chosen, units or {})
    if add_wells:
        intake.add_wells(listed, report)
    items: list[Item] = []
    for line in listed:
        if other := _other_commodity(line):
            report.note(f"Lines of {other} are no oil, gas or water, and are passed over.")
            continue
        with report.line(line.number):
            items.append(intake.item(line))
    items = _joined(items)
    report.note(f"The records are of kind {chosen}.")
    fixed = {"organization_id": organization, "source": "import", "record_kind": chosen}
    Writer(session, ProductionRecord, fixed, report, step).write(items, intake.stored(items))


def of_months(lines: Sequence[Line]) -> bool:
    """Whether a file's figures are of months: it tells days produced, or only first days."""
    if any("days_produced" in line.cells for line in lines):
        return True
    days = []
    for line in lines:
        try:
            days.append(_date(line))
        except (RegisterError, ValueError):
            continue
    return len(set(days)) > 1 and all(one is not None and one.day == 1 for one in days)


def _name(line: Line) -> str:
    """The name of a line's well, from all columns that make it up."""
    return " ".join(filter(None, (line.words(part) for part in ("well", *SEVERAL))))


def _date(line: Line) -> Any:
    """The day a line is of: written, or told by year and month, or as a number of days."""
    if "day_number" in line.cells:
        if "first_day" not in line.cells:
            raise LineError(
                "Days are counted from a first one; tell it: --set first_day=2020-01-01."
            )
        first = value("production_records", "production_date", line.cells["first_day"])
        past = value("production_records", "oil_bbl", line.cells["day_number"])
        return first + timedelta(days=int(past))
    if "year" in line.cells:
        month = line.words("month") or line.words("date")
        return day(f"{month}{'/' if month.isdigit() else ' '}{line.words('year')}")
    return day(line.cells.get("date"))


def _product(line: Line) -> str | None:
    """The volume that a line is of, which names its commodity."""
    words = line.words("commodity").lower()
    return next((field for name, field in PRODUCTS.items() if name in words), None)


def _other_commodity(line: Line) -> str:
    """What a line is of, where that is none of ours."""
    return "" if "commodity" not in line.cells or _product(line) else line.words("commodity")


def _pivoted(line: Line) -> Line:
    """The line with its volume in the field of its commodity."""
    return Line(line.number, {str(_product(line)): line.cells.get("volume")})


def _joined(items: Sequence[Item]) -> list[Item]:
    """Lines that tell different volumes of one record as one: a file with a line per commodity."""
    found: dict[Hashable, Item] = {}
    others: list[Item] = []
    for item in items:
        first = found.setdefault(item.key, item)
        if first is item:
            continue
        if {*first.values} & {*item.values} <= KEYS:
            found[item.key] = Item(first.line, item.key, {**first.values, **item.values})
        else:
            others.append(item)
    return [*found.values(), *others]


class _Intake:
    def __init__(
        self, session: Session, organization: uuid.UUID, kind: str, units: Mapping[str, str]
    ) -> None:
        self._session, self._organization, self._kind = session, organization, kind
        self._units = units
        self._wells = Wells.known(session)

    def item(self, line: Line) -> Item:
        gathered = Gathered(self._session, "production_records")
        gathered.values(line, [name for name in FIELDS if name not in self._units])
        self._converted(gathered, line)
        if "commodity" in line.cells:
            gathered.values(_pivoted(line), VOLUMES)
        gathered.told["record_kind"] = self._kind
        on = gathered.of(self._day, line)
        well = gathered.of(self._well_of, line)
        layer = well and gathered.of(self._wells.layer, well, line.words("formation"))
        gathered.settle()
        told = gathered.told | {"production_date": on, "well_id": well, "completion_id": layer}
        del told["record_kind"]
        return Item(line.number, (layer, on), told)

    def _converted(self, gathered: Gathered, line: Line) -> None:
        """The volumes whose columns have another unit."""
        for name, unit in self._units.items():
            if name not in line.cells:
                continue
            label = resource("production_records").fields[name].label
            times = factor(name, unit) or Decimal(1)
            read = gathered.of(converted, label, line.cells[name], times)
            if read is not None:
                gathered.told[name] = read
                if name == "gas_mcf" and metric(unit):
                    gathered.told["gas_pressure_base_psia"] = METRIC_BASE

    def _well_of(self, line: Line) -> uuid.UUID:
        number, name = self._number(line), _name(line)
        well = self._wells.find(number, name)
        if well is None:
            named = f"API number {dashed(number)}" if number else f"the name {name!r}"
            raise LineError(
                f"There is no well with {named}; import the wells first, or use --add-wells."
            )
        return well

    def _day(self, line: Line) -> date:
        on = _date(line)
        if not isinstance(on, date):
            raise LineError("Day is needed.")
        if self._kind == MONTHLY and on.day != 1:
            raise LineError(f"The figures are of months; {on} is not the first day of one.")
        return on

    @staticmethod
    def _number(line: Line) -> str | None:
        if "api14" in line.cells:
            return api14(line.cells["api14"])
        if "api_sequence" in line.cells:
            cells = line.cells
            parts = (cells.get(f"api_{part}") for part in ("county", "sequence", "sidetrack"))
            return api14(api_of_parts(*parts))
        if not _name(line):
            raise LineError("The line names no well.")
        return None

    def stored(self, items: Sequence[Item]) -> dict[Hashable, Mapping[str, Any]]:
        """The records there are of these wells and this kind, by layer and day."""
        if not items:
            return {}
        table = ProductionRecord.__table__
        days = [item.values["production_date"] for item in items]
        wells = {item.values["well_id"] for item in items}
        found = self._session.execute(
            select(table).where(
                table.c.well_id.in_(wells),
                table.c.record_kind == self._kind,
                table.c.production_date.between(min(days), max(days)),
            )
        ).mappings()
        return {(row["completion_id"], row["production_date"]): dict(row) for row in found}

    def add_wells(self, lines: Sequence[Line], report: Report) -> None:
        """Make the wells of numbers nobody knows, each as the first line about it has it."""
        fresh: dict[str, Line] = {}
        for line in lines:
            with suppress(RegisterError, ValueError):  # told when the line itself is read
                number, name = self._number(line), _name(line)
                if self._wells.find(number, "" if number else name) is None:
                    fresh.setdefault(number or folded(name), line)
        rows = [self._well(self._number(line), line) for line in fresh.values()]
        for row in rows:
            self._session.execute(insert(Well), [row])
            report.note(f"Well {row['name']} is new.")
        if rows:
            self._wells = Wells.known(self._session)

    def _well(self, number: str | None, line: Line) -> dict[str, Any]:
        name = _name(line)
        taken = folded(name) in self._wells.by_name
        row = {
            "id": uuid7(),
            "organization_id": self._organization,
            "name": dashed(number) if number and (not name or taken) else name,
            "api14": number,
        }
        if "well_status" in line.cells:
            row["status"] = value("wells", "status", line.cells["well_status"])
        return row
