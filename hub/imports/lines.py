"""Lines of a file as cells by field, read by the same rules as a form or the API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from hub.imports.report import LineError
from hub.imports.words import api_words, known_word, month_of
from hub.register.catalog import Field, resource
from hub.register.errors import ValueRefused
from hub.register.normal import api_number
from hub.register.values import parse


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number in the file, and what its cells hold, by field."""

    number: int
    cells: Mapping[str, Any]

    def words(self, field: str) -> str:
        """A cell's words without blanks around; empty when there is none."""
        return _words(self.cells.get(field))


def lines(rows: Iterable[Sequence[Any]], places: Mapping[str, int]) -> Iterator[Line]:
    """The lines of a file that hold anything, numbered as a spreadsheet numbers them."""
    for number, row in enumerate(rows, 2):
        cells = {
            field: row[place]
            for field, place in places.items()
            if place < len(row) and _words(row[place])
        }
        if cells:
            yield Line(number, cells)


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


def values(table: str, line: Line, fields: Iterable[str]) -> dict[str, Any]:
    """The cells of these fields that hold anything; raises a sentence for each wrong one."""
    found, wrong = {}, []
    for name in fields:
        if name in line.cells:
            try:
                found[name] = value(table, name, line.cells[name])
            except ValueRefused as fault:
                wrong.append(str(fault))
    if wrong:
        raise LineError(" ".join(wrong))
    return found


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
