"""Daily and monthly volumes, from operators' spreadsheets and from what agencies publish.

A month's figure is kept as a record of kind `state_reported` on the first day of the month, with
the days the well produced in it: it stands beside the days' own records and is never summed with
them. A file is taken for one of months where it tells days produced, or only first days.
"""

from __future__ import annotations

import uuid
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from hub.imports.lines import Line, api14, day, value, values
from hub.imports.places import Wells, folded
from hub.imports.report import LineError, Report
from hub.imports.wells import dashed
from hub.imports.words import api_of_parts
from hub.imports.writing import Item, Step, Writer
from hub.register.errors import RegisterError
from hub.schema import ProductionRecord, Well
from hub.schema.base import uuid7

MONTHLY: Final = "state_reported"
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
) -> None:
    """Write the volumes of a file; a record is known again by well layer, day and kind.

    `kind` is the kind of record where it shall not be guessed; `add_wells` makes wells that the
    register does not know instead of refusing their lines.
    """
    listed = list(lines)
    chosen = kind or (MONTHLY if of_months(listed) else "measured")
    intake = _Intake(session, organization, chosen)
    if add_wells:
        intake.add_wells(listed, report)
    items = []
    for line in listed:
        with report.line(line.number):
            items.append(intake.item(line))
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
            days.append(day(line.cells.get("date")))
        except RegisterError:
            continue
    return len(set(days)) > 1 and all(one is not None and one.day == 1 for one in days)


class _Intake:
    def __init__(self, session: Session, organization: uuid.UUID, kind: str) -> None:
        self._session, self._organization, self._kind = session, organization, kind
        self._wells = Wells.known(session)

    def item(self, line: Line) -> Item:
        told = values("production_records", line, FIELDS)
        told["production_date"] = on = self._day(line)
        number = self._number(line)
        well = self._wells.find(number, line.words("well"))
        if well is None:
            named = f"API number {dashed(number)}" if number else f"the name {line.words('well')!r}"
            raise LineError(
                f"There is no well with {named}; import the wells first, or use --add-wells."
            )
        layer = self._wells.layer(well, line.words("formation"))
        return Item(line.number, (layer, on), told | {"well_id": well, "completion_id": layer})

    def _day(self, line: Line) -> date:
        on = day(line.cells.get("date"))
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
        if not line.words("well"):
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
            with report.line(line.number):
                number = self._number(line)
                if number and self._wells.find(number, "") is None:
                    fresh.setdefault(number, line)
        rows = [self._well(number, line) for number, line in fresh.items()]
        for row in rows:
            self._session.execute(insert(Well), [row])
            report.note(f"Well {row['name']} is new.")
        if rows:
            self._wells = Wells.known(self._session)

    def _well(self, number: str, line: Line) -> dict[str, Any]:
        name = line.words("well")
        taken = folded(name) in self._wells.by_name
        row = {
            "id": uuid7(),
            "organization_id": self._organization,
            "name": dashed(number) if not name or taken else name,
            "api14": number,
        }
        if "well_status" in line.cells:
            row["status"] = value("wells", "status", line.cells["well_status"])
        return row
