"""How a stored value looks on a page: words, links to what it refers to, instants on the clock."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from markupsafe import Markup, escape
from sqlalchemy.orm import Session

from hub.console import row_pages, speech
from hub.console.words import grouped
from hub.register import rows
from hub.register.catalog import RESOURCES
from hub.register.fields import Field
from hub.register.query import NUMBERS
from hub.register.values import show

NONE = Markup('<span class="muted">\u2013</span>')
FIGURE = Markup('%s<span class="unit">%s</span>')
LINK = Markup('<a href="%s">%s</a>')
TONES = {"instant": "when", "date": "when", "time": "when", "uuid": "mono", "long_text": "long"}

HIDDEN = Markup('<span class="mono">\u2022\u2022\u2022\u2022</span>')

#: State, county, well, sidetrack and event of an API number (API Bulletin D12A).
API_PARTS = ((0, 2), (2, 5), (5, 10), (10, 12), (12, 14))
API_DIGITS = 14

Titles = Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of one row, ready for a page."""

    field: Field
    html: Markup
    tone: str  #: class of the cell
    reveal: bool = False  #: whether a sealed value can be shown to this visitor


def titles(
    session: Session, found: Iterable[Mapping[str, Any]], fields: Collection[Field]
) -> dict[tuple[str, str], str]:
    """The names of everything these rows refer to, by table and key."""
    wanted: dict[str, set[Any]] = {}
    pointing = [(field.name, field.reference) for field in fields if field.reference]
    for row in found:
        for name, table in pointing:
            if (key := row.get(name)) is not None:
                wanted.setdefault(table, set()).add(key)
    named: dict[tuple[str, str], str] = {}
    for table, keys in wanted.items():
        known = rows.titles(session, RESOURCES[table], sorted(keys))
        named.update({(table, str(key)): title for key, title in known.items()})
    return named


def cell(field: Field, value: Any, named: Titles, *, units: bool = False) -> Cell:
    """A value as a cell; `units` where no column head says them."""
    return Cell(field, html(field, value, named, units=units), tone(field))


def line(fields: Sequence[Field], row: Mapping[str, Any], named: Titles, address: str) -> Markup:
    """The cells of a row of a list, the first a link to its page.

    Written here and not in a template: a list has hundreds.
    """
    first, *others = fields
    told = [f'<th scope="row" class="whole"><a href="{escape(address)}">']
    told += [html(first, row.get(first.name), named), "</a></th>"]
    for field in others:
        told += [_open(field), html(field, row.get(field.name), named), "</td>"]
    return Markup("".join(told))  # noqa: S704 - each part is escaped


@cache
def _open(field: Field) -> str:
    """A cell's beginning, with the name of what it is for cards on a phone."""
    return f'<td class="{tone(field)}" data-label="{escape(field.label)}">'


def sealed(field: Field, row: Mapping[str, Any], *, reveal: bool) -> Cell:
    """A sealed value: its last four signs; `reveal` where this visitor may ask for it."""
    words = masked(field, row)
    shown = Markup('<span class="mono">{}</span>').format(words) if words else NONE
    return Cell(field, shown, "", reveal and bool(words))


def tone(field: Field) -> str:
    """The class by which a column is set: figures to the right, times unbroken."""
    return "num" if field.kind in NUMBERS else TONES.get(field.kind, "")


def html(field: Field, value: Any, named: Titles, *, units: bool = False) -> Markup:
    """A value in words; nothing is a dash."""
    if value is None or value == "":
        return NONE
    if field.reference:
        return _reference(field.reference, value, named)
    if isinstance(value, datetime):
        return speech.instant(value, seconds=False)
    if isinstance(value, dict | list) and field.kind == "json":
        return escape(json.dumps(value, ensure_ascii=False, indent=None))
    words = _words(field, value)
    if units and field.unit and field.kind in NUMBERS:
        return FIGURE % (words, field.unit)
    return escape(words)  # a hundred cells a page: several times quicker than a template


def masked(field: Field, row: Mapping[str, Any]) -> str:
    """What a sealed field shows of its value: its last four signs, where the table keeps them."""
    last = row.get(f"{field.name.removesuffix('_enc')}_last4")
    return f"\u2022\u2022\u2022\u2022 {last}" if last else ""


def _words(field: Field, value: Any) -> str:
    """A plain value as people write it; what is stored is in the form and the export."""
    words = show(field, value)
    if field.kind == "choice":
        return words.replace("_", " ")
    if field.name == "api14" and len(words) == API_DIGITS:
        return "-".join(words[start:end] for start, end in API_PARTS)
    if field.kind in NUMBERS and field.unit and "e" not in words:
        return _figure(words, money=field.unit == "USD")
    return words


def _figure(words: str, *, money: bool) -> str:
    """A figure with its thousands apart, and without decimals that say nothing but for money."""
    whole, point, decimals = words.partition(".")
    if not money and not decimals.strip("0"):
        point = decimals = ""
    return grouped(f"{whole}{point}{decimals}")


def _reference(table: str, key: uuid.UUID, named: Titles) -> Markup:
    title = named.get((table, str(key)))
    if title is None:
        return Markup('<span class="muted">not yours to see</span>')
    return LINK % (row_pages.record_page(table, key), title or str(key)[:8])
