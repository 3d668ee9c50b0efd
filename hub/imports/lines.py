"""Lines of a file as cells by field, read by the same rules as a form or the API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from hub.imports.report import LineError
from hub.imports.words import api_words, known_word, month_of
from hub.register.catalog import Field, resource
from hub.register.errors import RegisterError
from hub.register.normal import api_number
from hub.register.together import more_faults
from hub.register.values import parse

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number in the file, and what its cells hold, by field."""

    number: int
    cells: Mapping[str, Any]

    def words(self, field: str) -> str:
        """A cell's words without blanks around; empty when there is none."""
        return _words(self.cells.get(field))


def lines(
    rows: Iterable[Sequence[Any]], places: Mapping[str, int], given: Mapping[str, Any] | None = None
) -> Iterator[Line]:
    """The lines of a file that hold anything, numbered as a spreadsheet numbers them.

    What all of them are `given` stands in each, where a cell does not say otherwise.
    """
    for number, row in enumerate(rows, 2):
        cells = {
            field: row[place]
            for field, place in places.items()
            if place < len(row) and _words(row[place])
        }
        if cells:
            yield Line(number, {**(given or {}), **cells})


def _words(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else str(cell).strip()


@cache
def _field(table: str, name: str) -> Field:
    return resource(table).fields[name]


def value(table: str, name: str, raw: Any) -> Any:
    """A cell as the table's field takes it; raises `ValueRefused` with one sentence."""
    return parse(_field(table, name), known_word(name, raw))


@dataclass(slots=True)
class Gathered:
    """What a line says, and all that is wrong with it, told at once by `settle`."""

    session: Session
    table: str
    told: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def values(self, line: Line, fields: Iterable[str], table: str = "") -> dict[str, Any]:
        """The cells of these fields that hold anything and can be read."""
        found = {}
        for name in fields:
            if name in line.cells:
                read = self.of(value, table or self.table, name, line.cells[name])
                if read is not None:
                    found[name] = read
        if not table:
            self.told |= found
        return found

    def of(self, read: Callable[..., T], *what: Any) -> T | None:
        """What a function answers; where it refuses, its sentence is kept instead."""
        try:
            return read(*what)
        except (RegisterError, ValueError) as fault:
            words = str(fault)
            self.wrong.append(words if words.endswith(".") else f"{words}.")
        return None

    def lack(self, sentence: str) -> None:
        """Keep a sentence about what is missing."""
        self.wrong.append(sentence)

    def settle(self) -> None:
        """Raise `LineError` where anything was wrong, with what the database would refuse too."""
        if self.wrong:
            others = more_faults(self.session, resource(self.table), self.told, None, {})
            raise LineError(" ".join(dict.fromkeys([*self.wrong, *others.values()])))


def api14(raw: Any) -> str:
    """Fourteen digits of an API number; raises `ValueError` with one sentence."""
    try:
        return api_number(api_words(raw))
    except ValueError as fault:
        words = str(fault)
        raise ValueError(words if words[:3] == "API" else f"API number {words}") from None


def day(raw: Any) -> Any:
    """A day, or the first of a month where a month is written; raises `ValueRefused`."""
    return month_of(raw) or value("production_records", "production_date", raw)
