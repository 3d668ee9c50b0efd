"""What the API does with each table: read from the catalog and the permission matrix (pure)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, SmallInteger

from hub.permissions import ROLES, Verb, allowed
from hub.register.catalog import RESOURCES, table_of
from hub.register.fields import Field, Resource

CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def possible(table: str, verb: Verb) -> bool:
    """Whether anybody at all may do this: where nobody may, the method does not exist."""
    return any(allowed(role, table, verb) for role in ROLES)


def served() -> list[Resource]:
    """The tables that somebody may see."""
    return [found for found in RESOURCES.values() if possible(found.name, "see")]


def entered(table: str) -> Resource:
    """The table of an address that the URL map knows."""
    return RESOURCES[table]


def numbered(resource: Resource) -> bool:
    """Whether its rows have numbers for keys, not UUIDs."""
    return table_of(resource).c[resource.key].type.python_type is int


#: What the integers of PostgreSQL hold, by their size.
_LARGEST: Final = {SmallInteger: 2**15 - 1, BigInteger: 2**63 - 1}


def largest(field: Field) -> int:
    """The largest whole number a field's column holds."""
    column = table_of(RESOURCES[field.table]).c[field.name] if field.table in RESOURCES else None
    kind = type(column.type) if column is not None else None
    return next((most for size, most in _LARGEST.items() if kind is size), 2**31 - 1)
