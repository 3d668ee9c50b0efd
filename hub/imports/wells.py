"""Wells as operators list them, with the leases and layers they name."""

from __future__ import annotations

import uuid
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Final

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from hub.imports.lines import Gathered, Line, api14, value
from hub.imports.places import Leases, Wells, folded
from hub.imports.report import LineError, Report
from hub.imports.writing import Item, Step, Writer
from hub.schema import Completion, Lease, Well
from hub.schema.base import uuid7

FIELDS: Final = (
    *("name", "site", "well_type", "status", "lift_type", "lat", "lon", "spud_date"),
    *("completion_date", "first_production", "plug_date", "md_ft", "tvd_ft", "pump_depth_ft"),
)

#: Of the lease that a line names.
PLACE: Final = ("state", "county")


def take(
    session: Session, organization: uuid.UUID, lines: Iterable[Line], report: Report, step: Step
) -> None:
    """Write the wells of a file; a well is known again by its API number, else by its name."""
    intake = _Intake(session, organization, report)
    items = []
    for line in lines:
        with report.line(line.number):
            items.append(intake.item(line))
    writer = Writer(session, Well, {"organization_id": organization}, report, step)
    writer.write(items, intake.known)
    for key, formation in intake.layers.items():
        _name_layer(session, writer.keys[key], formation)


class _Intake:
    def __init__(self, session: Session, organization: uuid.UUID, report: Report) -> None:
        self._session, self._organization, self._report = session, organization, report
        self._wells, self._leases = Wells.known(session), Leases.known(session)
        self.known: Mapping[Any, Mapping[str, Any]] = self._wells.rows
        self.layers: dict[Hashable, str] = {}

    def item(self, line: Line) -> Item:
        gathered = Gathered(self._session, "wells")
        number = gathered.of(api14, line.cells["api14"]) if "api14" in line.cells else None
        told = gathered.values(line, FIELDS) | ({"api14": number} if number else {})
        found = self._wells.find(number, line.words("name"))
        if found is None and number and line.words("name"):
            found = gathered.of(self._nameless, number, line.words("name"))
        place = {
            f: gathered.of(value, "leases", f, line.cells[f]) for f in PLACE if f in line.cells
        }
        if found is None and not number and not line.words("name"):
            gathered.lack("A well needs a name or an API number.")
        gathered.settle()
        if found is not None and self._wells.rows[found]["api14"]:
            told.pop("api14", None)  # the file may tell ten of the fourteen digits that are known
        elif found is None and number:
            told.setdefault("name", dashed(number))
        if "lease" in line.cells:
            told["lease_id"] = self._lease(line, place)
        key: Hashable = found or number or folded(told["name"])
        if "formation" in line.cells:
            self.layers[key] = line.words("formation")
        return Item(line.number, key, told)

    def _nameless(self, number: str, name: str) -> uuid.UUID | None:
        """The well of that name that has no API number yet; raises `LineError` for another's."""
        found = self._wells.by_name.get(folded(name))
        if found is not None and (other := self._wells.rows[found]["api14"]):
            raise LineError(
                f"There is a well {name!r} already, with API number {dashed(other)}, not"
                f" {dashed(number)}; give this one another name."
            )
        return found

    def _lease(self, line: Line, place: Mapping[str, Any]) -> uuid.UUID:
        words = line.words("lease")
        known = self._leases.by_word.get(folded(words))
        if known is None:
            known = uuid7()
            row: dict[str, Any] = {
                "id": known,
                "organization_id": self._organization,
                "name": words,
                **place,
            }
            self._session.execute(insert(Lease), [row])
            self._leases.by_word[folded(words)] = known
            self._report.note(f"Lease {words} is new.")
        return known


def _name_layer(session: Session, well: uuid.UUID, formation: str) -> None:
    """Name the formation of a well's layers where it is not known yet."""
    session.execute(
        update(Completion)
        .where(Completion.well_id == well, Completion.formation.is_(None))
        .values(formation=formation)
        .execution_options(synchronize_session=False)
    )


def dashed(number: str) -> str:
    """An API number as people write it, without the zeros of no sidetrack and no event."""
    parts = [number[:2], number[2:5], number[5:10]]
    if number[10:] != "0000":
        parts += [number[10:12], number[12:]]
    return "-".join(parts)
