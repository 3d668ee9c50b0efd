"""What lists ask the database: each statement made once, for making one takes longer than it does.

Which rows are meant is told to the functions of `register.sql`; rows are then read by their keys.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    TextClause,
    any_,
    bindparam,
    cast,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from hub.register.catalog import RESOURCES, table_of
from hub.register.fields import Resource

_WHICH: Final = (
    ":name, CAST(:conditions AS jsonb), CAST(:words AS text[]), CAST(:columns AS text[])"
)


def _either(statement: str, whole: str, secured: str) -> dict[bool, TextClause]:
    """A question, and the same under row level security: for pumpers, who see fewer rows."""
    return {
        False: text(statement.format(door=whole, which=_WHICH)),
        True: text(statement.format(door=secured, which=_WHICH)),
    }


KEYS: Final = _either(
    "SELECT key, other, value FROM {door}({which}, :sort, :descending, :backward,"
    " CAST(:place AS jsonb), :beside, :wanted)",
    *("register_keys", "register_list"),
)
COUNT: Final = _either("SELECT {door}({which}, :most)", "register_count", "register_number")
COUNTS: Final = _either(
    "SELECT name, {door}(name, '[]', '{{}}', '{{}}', :most)"
    " FROM unnest(CAST(:names AS text[])) AS name",
    *("register_count", "register_number"),
)
VALUES: Final = _either(
    "SELECT facet, value, number, complete FROM {door}({which}, CAST(:facets AS text[]), :most)",
    *("register_facets", "register_values"),
)


@cache
def by_keys(name: str, shown: frozenset[str] | None) -> Select[*tuple[Any, ...]]:
    """The rows of the parameter `keys`, of their columns those `shown`.

    Of a table whose key has a second column, also of the parameter `others`. That spares the
    database from looking into every chunk; bounds around them would do so too, but where statements
    are kept, planned without their values, it then read all between those bounds.
    """
    resource = RESOURCES[name]
    table = table_of(resource)
    chosen = columns(resource, shown).where(_among(table.c[resource.key]))
    if resource.beside is None:
        return chosen
    return chosen.where(_among(table.c[resource.beside], "others"))


def _among(column: Column[Any], values: str = "keys") -> ColumnElement[bool]:
    """That a column is one of a parameter's values."""
    return column == any_(cast(bindparam(values), ARRAY(column.type)))


def columns(resource: Resource, shown: Iterable[str] | None = None) -> Select[*tuple[Any, ...]]:
    """A table's rows: all that may be read of them, or of that the columns `shown`."""
    table = table_of(resource)
    wanted = None if shown is None else {resource.key, *shown}
    names = (field.name for field in resource.readable)
    return select(*(table.c[name] for name in names if wanted is None or name in wanted))


@cache
def titled(name: str) -> Select[Any, Any]:
    """Key and title of the rows of the parameter `keys`."""
    resource = RESOURCES[name]
    table = table_of(resource)
    key = table.c[resource.key]
    return select(key, table.c[resource.title]).where(_among(key))
