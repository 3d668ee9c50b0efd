"""Finds the rows that a file's line means: by what is unique in their table."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Index, Text, UniqueConstraint, func, select
from sqlalchemy.orm import Session

from hub.register import rows
from hub.register.catalog import AUTOMATIC, RESOURCES, table_of
from hub.register.errors import ValueRefused
from hub.register.fields import Field, Resource
from hub.register.sentences import unique_columns
from hub.register.values import parse

#: Answers kept for one file.
MOST_KEPT: Final = 50_000


@cache
def natural_keys(name: str) -> tuple[tuple[str, ...], ...]:
    """Sets of fields of which no two rows of a table share the values; the shortest first."""
    resource = RESOURCES[name]
    table = table_of(resource)
    found = [
        unique_columns(table, one)
        for one in (*table.constraints, *table.indexes)
        if (isinstance(one, UniqueConstraint) and resource.key not in one.columns)
        or (isinstance(one, Index) and _whole(one))
    ]
    usable = {names for names in found if names and _usable(resource, names)}
    return tuple(sorted(usable, key=lambda names: (len(names), names)))


def _whole(index: Index) -> bool:
    """Whether an index is unique over all rows, but for empty values."""
    where = index.dialect_options["postgresql"].get("where")
    return bool(index.unique) and (where is None or str(where).endswith("IS NOT NULL"))


def _usable(resource: Resource, names: tuple[str, ...]) -> bool:
    return all(
        name in resource.fields
        and name not in AUTOMATIC
        and resource.fields[name].settable_on_create
        and not resource.fields[name].sealed
        for name in names
    )


def matching(session: Session, resource: Resource, given: Mapping[str, Any]) -> rows.Row | None:
    """The row that has the same values in a natural key, if there is one.

    A value that cannot be read names no row; the line is refused when it is read as a whole.
    """
    for names in natural_keys(resource.name):
        try:
            values = {name: parse(resource.fields[name], given.get(name)) for name in names}
        except ValueRefused:
            continue
        if any(value is None for value in values.values()):
            continue
        found = _with(session, resource, values)
        if len(found) == 1:
            return rows.get(session, resource, found[0])
    return None


def _with(session: Session, resource: Resource, values: Mapping[str, Any]) -> list[Any]:
    """Keys of at most two rows with these values, capitals aside."""
    table = table_of(resource)
    chosen = select(table.c[resource.key]).limit(2)
    for name, value in values.items():
        chosen = chosen.where(_same(table.c[name], value))
    return list(session.scalars(chosen))


def _same(column: Column[Any], value: Any) -> ColumnElement[bool]:
    caseless = isinstance(column.type, Text) and isinstance(value, str)
    found: ColumnElement[bool] = (
        func.lower(column) == value.lower() if caseless else column == value
    )
    return found


@dataclass(slots=True)
class Lookup:
    """Keys of rows by the words a file names them with; each is asked once."""

    session: Session
    known: dict[tuple[str, str], Any] = field(default_factory=dict)

    def key(self, asked: Field, words: str) -> Any:
        """The key of the row a reference's cell names; raises `ValueRefused`."""
        if asked.reference is None:
            raise ValueRefused(f"{asked.label} refers to no table.")
        place = (asked.reference, words.lower())
        if place not in self.known:
            if len(self.known) >= MOST_KEPT:
                self.known.clear()
            self.known[place] = self._find(asked, RESOURCES[asked.reference], words)
        return self.known[place]

    def _find(self, asked: Field, target: Resource, words: str) -> Any:
        if _is_key(asked, words):
            return words
        for name in _called(target):
            found = self._named(target, name, words)
            if len(found) > 1:
                raise ValueRefused(
                    f"{asked.label}: several {target.plural.lower()} are called “{words[:60]}”;"
                    " give the id instead."
                )
            if found:
                return found[0]
        raise ValueRefused(f"{asked.label}: there is no {target.singular} called “{words[:60]}”.")

    def _named(self, target: Resource, name: str, words: str) -> list[Any]:
        try:
            value = parse(target.fields[name], words)
        except ValueRefused:
            return []
        return _with(self.session, target, {name: value})


def _is_key(asked: Field, words: str) -> bool:
    if asked.holds is int:
        return words.isdigit()
    try:
        uuid.UUID(words)
    except ValueError:
        return False
    return True


def _called(target: Resource) -> Iterator[str]:
    """Fields by which people name a row of a table: its title, and what alone is unique in it."""
    title = target.fields[target.title]
    if title.kind in {"text", "choice"} and title.name != target.key:
        yield title.name
    for names in natural_keys(target.name):
        if len(names) == 1 and names[0] != target.title:
            kind = target.fields[names[0]].kind
            if kind in {"text", "integer"}:
                yield names[0]
