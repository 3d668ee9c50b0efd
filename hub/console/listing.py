"""A table as a list: its columns, the words of its cells, its filters as chips and as fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hub.console import addresses
from hub.console.addresses import Pairs
from hub.console.words import grouped
from hub.register.fields import Field, Resource
from hub.register.query import NUMBERS, UNSORTED
from hub.register.rows import Facet
from hub.register.values import show

FIGURE = re.compile(r"-?[0-9]{1,30}(\.[0-9]*)?")  #: a filter's value is as somebody typed it
SPANS = NUMBERS | {"date", "instant", "time"}  #: kinds a filter bounds from below and above
WORDS = {
    "eq": "",
    "ne": "not ",
    "gt": "over ",
    "gte": "at least ",
    "lt": "under ",
    "lte": "at most ",
    "contains": "has ",
    "in": "one of ",
}
DATE_WORDS = {"gte": "from ", "lte": "until ", "gt": "after ", "lt": "before "}


@dataclass(frozen=True, slots=True)
class Head:
    """A column's head: what it says, and where it leads to sort by it."""

    field: Field
    url: str | None
    sort: str | None  #: "ascending" or "descending" where the list is sorted by it


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in force, and the address without it."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a facet, how many rows have it, and where it leads."""

    text: str
    number: str
    url: str
    on: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A field of the filter form: the names it sends, and what they now say."""

    field: Field
    names: tuple[tuple[str, str, str], ...]  #: (name, word before it, value)


def columns(resource: Resource) -> list[Field]:
    """The columns a list shows: its title first, then what the table declares."""
    names = dict.fromkeys((resource.title, *resource.listed))
    return [resource.fields[name] for name in names]


def heads(resource: Resource, base: str, pairs: Pairs, now: str) -> list[Head]:
    """The heads of a list sorted as `now` says; a second press on one turns the order round."""
    return [_head(field, base, pairs, now) for field in columns(resource)]


def _head(field: Field, base: str, pairs: Pairs, now: str) -> Head:
    if field.sealed or field.kind in UNSORTED:
        return Head(field, None, None)
    sort = {field.name: "ascending", f"-{field.name}": "descending"}.get(now)
    turned = f"-{field.name}" if sort == "ascending" else field.name
    return Head(field, addresses.address(base, addresses.replaced(pairs, "sort", turned)), sort)


def chips(
    resource: Resource, base: str, pairs: Pairs, title: Callable[[Field, str], str]
) -> list[Chip]:
    """The filters in force; `title` names the row behind a reference's key."""
    found = []
    for name, field_name, operator, value in addresses.filters(pairs):
        field = resource.fields.get(field_name)
        if field is not None:
            left = addresses.address(base, addresses.without_pair(pairs, name, value))
            found.append(Chip(f"{field.label}: {_say(field, operator, value, title)}", left))
    return found


def _say(field: Field, operator: str, value: str, title: Callable[[Field, str], str]) -> str:
    if operator == "is_null":
        return "empty" if value.lower() in {"true", "1", "yes"} else "not empty"
    if field.kind == "reference" and operator in {"eq", "ne"}:
        return WORDS[operator] + title(field, value)
    words = DATE_WORDS if field.kind in {"date", "instant"} else {}
    said = value.replace("_", " ") if field.kind == "choice" else value
    if operator == "contains":
        said = f"“{said}”"
    if field.unit and field.kind in NUMBERS:
        said = f"{grouped(value) if FIGURE.fullmatch(value) else value} {field.unit}"
    return words.get(operator, WORDS.get(operator, "")) + said


def asked(resource: Resource, pairs: Pairs) -> list[Asked]:
    """The fields of the filter form, each with what the address now says of it."""
    given = dict(pairs)
    shown = dict.fromkeys((*resource.facets, resource.title, *resource.listed))
    return [
        Asked(field, tuple((name, word, given.get(name, "")) for name, word in _names(field)))
        for field in (resource.fields[name] for name in shown)
        if not field.sealed and field.kind not in UNSORTED
    ]


def _names(field: Field) -> tuple[tuple[str, str], ...]:
    if field.kind in SPANS:
        return ((f"{field.name}__gte", "from"), (f"{field.name}__lte", "to"))
    if field.kind in {"text", "long_text"}:
        return ((f"{field.name}__contains", ""),)
    return ((field.name, ""),)


def facet(field: Field, found: Iterable[Facet], base: str, pairs: Pairs) -> list[Choice]:
    """The values of a facet as links; the one in force leads back to all."""
    name, empty = field.name, f"{field.name}__is_null"
    others = addresses.without(pairs, name, empty)
    choices = []
    for one in found:
        wanted = (empty, "true") if one.value is None else (name, show(field, one.value))
        on = wanted in pairs
        target = addresses.address(base, others if on else (*others, wanted))
        choices.append(Choice(one.label, counted(one.count, capped=one.capped), target, on))
    return choices


def counted(number: int, *, capped: bool) -> str:
    """How many, as far as was counted: 412, 10,000+."""
    return f"{number:,}{'+' if capped else ''}"
