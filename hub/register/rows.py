"""Lists, single rows, counts, facets and titles, as the session's organization and person see them.

A list's keys come from the database's own `register_keys` (or, for a pumper, from the same
statements under row level security); the rows are then read by key under row level security.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import RowMapping, TextClause
from sqlalchemy import types as kinds
from sqlalchemy.orm import Session

from hub.database import ACTOR, Actor
from hub.register import statements
from hub.register.catalog import RESOURCES, table_of
from hub.register.errors import Missing
from hub.register.fields import Field, Resource
from hub.register.query import Cursor, Filter, Query, as_text, words_of
from hub.register.values import show

Row = dict[str, Any]

#: Where counting stops: past it a number says "at least".
MOST: Final = 10_000
#: Rows that facets look at; beyond them their counts say "at least".
SAMPLE: Final = 20_000
#: The same for a pumper: under policies each row takes twice as long.
ROUTE_SAMPLE: Final = MOST + 1
FACET_VALUES: Final = 20
SUGGESTED: Final = 20


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a list, and the cursors of the pages after and before them."""

    rows: list[Row]
    next_cursor: str | None
    previous_cursor: str | None


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows there are; at least so many where `capped`."""

    number: int
    capped: bool

    def __str__(self) -> str:
        return f"{self.number:,}{'+' if self.capped else ''}"


@dataclass(frozen=True, slots=True)
class Facet:
    """A value of a field and how many rows have it; at least so many where `capped`."""

    value: Any
    label: str
    count: int
    capped: bool


# --------------------------------------------------------------------------------------- lists


def find(
    session: Session, resource: Resource, query: Query, shown: Iterable[str] | None = None
) -> Page:
    """A page of a list, with the cursors to its neighbours; of its rows the fields `shown`."""
    place = query.cursor
    backward = place is not None and place.backward
    found = _keys(session, resource, query, query.limit + 1)
    more = len(found) > query.limit
    found = found[: query.limit]
    if backward:
        found.reverse()
    rows = _in_order(session, resource, found, shown)
    after = more or backward
    before = more if backward else place is not None
    return Page(
        rows,
        _at(query, found[-1], backward=False) if found and after else None,
        _at(query, found[0], backward=True) if found and before else None,
    )


def _at(query: Query, edge: RowMapping, *, backward: bool) -> str:
    value = None if query.sort == "id" else edge["value"]
    return Cursor(
        query.sort, query.descending, backward, value, edge["key"], edge["other"]
    ).written()


def _keys(session: Session, resource: Resource, query: Query, wanted: int) -> list[RowMapping]:
    place = query.cursor
    told: dict[str, Any] = {"tied": True}
    if place:
        told |= {"key": place.key, "value": place.value, "other": place.other}
    order = {
        "sort": query.sort,
        "descending": query.descending,
        "backward": place is not None and place.backward,
        "place": json.dumps(told),
        "beside": resource.beside,
        "wanted": wanted,
    }
    found = session.execute(_door(session, statements.KEYS), _asked(resource, query) | order)
    return list(found.mappings())


def _asked(resource: Resource, query: Query) -> dict[str, Any]:
    """How every one of the functions is told which rows are meant."""
    return {
        "name": resource.name,
        "conditions": json.dumps([_condition(resource, one) for one in query.filters]),
        "words": words_of(query.search),
        "columns": list(resource.searched),
    }


def _condition(resource: Resource, asked: Filter) -> dict[str, Any]:
    field = resource.fields[asked.field]
    op, value = asked.op, as_text(field, asked)
    if op == "ne" and field.choices and not field.nullable:
        op, value = "in", [choice for choice in field.choices if choice != value]  # has an index
    return {"column": asked.field, "op": op, "value": value}


def _door(session: Session, question: dict[bool, TextClause]) -> TextClause:
    """The statement to ask, by the role of the person whose session this is."""
    return question[not _sees_all(session)]


def _sees_all(session: Session) -> bool:
    """Whether the person whose session this is sees all rows of the organization."""
    actor: Actor = session.info[ACTOR]
    return actor.role != "pumper"


def _in_order(
    session: Session,
    resource: Resource,
    found: Sequence[RowMapping],
    shown: Iterable[str] | None,
) -> list[Row]:
    """The rows of these keys, in the keys' order."""
    if not found:
        return []
    asked: dict[str, Any] = {"keys": [str(one["key"]) for one in found]}
    if resource.beside:
        asked["others"] = sorted({one["other"] for one in found})
    chosen = statements.by_keys(resource.name, None if shown is None else frozenset(shown))
    rows = {str(row[resource.key]): dict(row) for row in session.execute(chosen, asked).mappings()}
    return [rows[one["key"]] for one in found if one["key"] in rows]


# ---------------------------------------------------------------------------------- single rows


def get(session: Session, resource: Resource, key: Any) -> Row:
    """The row of this key; raises `Missing`, also for a key that is none."""
    wanted = key_of(resource, key)
    table = table_of(resource)
    row = session.execute(
        statements.columns(resource).where(table.c[resource.key] == wanted)
    ).mappings()
    found = row.one_or_none()
    if found is None:
        raise Missing(f"There is no {resource.singular} with the key {str(key)[:60]}.")
    return dict(found)


def key_of(resource: Resource, key: Any) -> Any:
    """A key as the database has it; raises `Missing` for one that cannot be."""
    column = table_of(resource).c[resource.key]
    try:
        if isinstance(column.type, kinds.Uuid):
            return key if isinstance(key, uuid.UUID) else uuid.UUID(str(key))
        number = int(str(key))
        if not 0 <= number < 2**63:
            raise ValueError(key)
    except ValueError:
        raise Missing(f"There is no {resource.singular} with the key {str(key)[:60]}.") from None
    return number


# ------------------------------------------------------------------------------ counts and facets


def count(session: Session, resource: Resource, query: Query) -> Count:
    """How many rows a list has, up to 10,000."""
    found = number(session, resource, query, MOST + 1)
    return Count(min(found, MOST), found > MOST)


def counts(session: Session, resources: Iterable[Resource]) -> dict[str, Count]:
    """How many rows each of these tables has, up to 10,000: one question for all."""
    names = [one.name for one in resources]
    found = session.execute(_door(session, statements.COUNTS), {"names": names, "most": MOST + 1})
    return {name: Count(min(n, MOST), n > MOST) for name, n in found}


def number(session: Session, resource: Resource, query: Query, most: int) -> int:
    """How many rows a list has; counting stops at `most`."""
    asked = _asked(resource, query) | {"most": most}
    return cast(int, session.scalar(_door(session, statements.COUNT), asked))


def facets(session: Session, resource: Resource, query: Query) -> dict[str, list[Facet]]:
    """By field: its values and how often they occur, each field counted without its own filter."""
    return summary(session, resource, query)[1]


def summary(
    session: Session, resource: Resource, query: Query
) -> tuple[Count, dict[str, list[Facet]]]:
    """How many rows a list has, as `count`, and its `facets`, both in one look where it can be."""
    filtered = {one.field for one in query.filters}
    free = [name for name in resource.facets if name not in filtered]
    found = _values(session, resource, query, free) if free else {}
    looked = found[None][0]["number"] if free else number(session, resource, query, MOST + 1)
    for name in resource.facets:
        if name in filtered:
            found |= _values(session, resource, query.without(name), [name])
    return Count(min(looked, MOST), looked > MOST), {
        name: _facet(session, resource, name, found.get(name, [])) for name in resource.facets
    }


def _values(
    session: Session, resource: Resource, query: Query, names: list[str]
) -> dict[str | None, list[RowMapping]]:
    """By field the rows of its values; under None how many rows were looked at."""
    most = SAMPLE if _sees_all(session) else ROUTE_SAMPLE
    asked = _asked(resource, query) | {"facets": names, "most": most}
    rows = session.execute(_door(session, statements.VALUES), asked).mappings()
    found: dict[str | None, list[RowMapping]] = {}
    for row in rows:
        found.setdefault(row["facet"], []).append(row)
    return found


def _facet(session: Session, resource: Resource, name: str, rows: list[RowMapping]) -> list[Facet]:
    field = resource.fields[name]
    kept = rows[:FACET_VALUES]
    said = labels(session, field, [row["value"] for row in kept])
    return [
        Facet(
            _read(field, row["value"]),
            said[row["value"]],
            min(row["number"], MOST),
            row["number"] > MOST or not row["complete"],
        )
        for row in kept
    ]


def _read(field: Field, value: str | None) -> Any:
    """A facet's value as a filter takes it."""
    if field.kind == "boolean" and value is not None:
        return value == "true"
    return value


def labels(session: Session, field: Field, values: Iterable[Any]) -> dict[Any, str]:
    """What people read for each of a field's values: titles for references, words for the rest."""
    wanted = list(values)
    if field.reference is not None:
        keys = [value for value in wanted if value is not None]
        said = titles(session, RESOURCES[field.reference], keys)
        return {value: said.get(value, "") or _plain(value) for value in wanted}
    return {value: _plain(value, field) for value in wanted}


def _plain(value: Any, field: Field | None = None) -> str:
    if value is None:
        return "empty"
    if field is not None and field.kind == "boolean":
        return "yes" if value in {"true", True} else "no"
    if field is not None and field.kind == "choice":
        return str(value).replace("_", " ")
    return str(value)


# --------------------------------------------------------------------------------------- titles


def titles(
    session: Session, resource: Resource, keys: Iterable[Any], *, depth: int = 2
) -> dict[Any, str]:
    """What the rows of these keys are called; keys of rows that cannot be seen are left out."""
    wanted = {str(key): key for key in keys if key is not None}
    if not wanted:
        return {}
    title = resource.fields[resource.title]
    rows = session.execute(statements.titled(resource.name), {"keys": sorted(wanted)}).all()
    said = _titles_of(session, title, [value for _key, value in rows], depth)
    return {
        wanted[str(key)]: said.get(value) or f"{resource.singular} {key}" for key, value in rows
    }


def _titles_of(session: Session, title: Field, values: list[Any], depth: int) -> dict[Any, str]:
    if title.reference is not None and depth:
        return titles(session, RESOURCES[title.reference], values, depth=depth - 1)
    shown = {value: show(title, value) for value in values if value is not None}
    return {value: _plain(words, title) for value, words in shown.items()}


def references(
    session: Session, resource: Resource, rows: Iterable[Mapping[str, Any]]
) -> dict[str, dict[Any, str]]:
    """By table: titles of all that these rows refer to, one question per table."""
    wanted: dict[str, set[Any]] = {}
    for row in rows:
        for name, value in row.items():
            field = resource.fields.get(name)
            if field is not None and field.reference and value is not None:
                wanted.setdefault(field.reference, set()).add(value)
    return {name: titles(session, RESOURCES[name], keys) for name, keys in wanted.items()}


def suggest(
    session: Session, resource: Resource, words: str, limit: int = SUGGESTED
) -> list[tuple[Any, str]]:
    """Rows whose title or search words match, by title: what a reference is chosen from."""
    title = resource.fields[resource.title]
    query = Query(sort=title.name if title.kind in {"text", "choice"} else "id", limit=limit)
    if words.strip() and resource.searchable:
        query = Query(search=words[:200], sort=query.sort, limit=limit)
    elif words.strip() and title.kind == "text":
        part = Filter(title.name, "contains", words.strip()[:100])
        query = Query(filters=(part,), sort=query.sort, limit=limit)
    keys = [one["key"] for one in _keys(session, resource, query, limit)]
    said = titles(session, resource, keys)
    return [(key_of(resource, key), said[key]) for key in keys if key in said]
