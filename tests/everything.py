"""One row of every table for an operator, made from the schema itself."""

from __future__ import annotations

import itertools
import uuid
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    select,
)

from hub.schema import Base
from hub.schema.base import uuid7
from tests.cast import Operator

UNIQUE = itertools.count(1)
NOW = datetime.now(UTC).replace(microsecond=0)

#: Values where a CHECK asks for more than a type.
SPECIAL: dict[str, Any] = {
    "alerts.condition": "active",
    "alerts.level": "hi",
    "alerts.origin": "live",
    "alerts.priority": 2,
    "alert_rules.kind": "limit",
    "contact_channels.kind": "email",
    "memberships.role": "viewer",
    "stream_gaps.reason": "lost",
    "agents.shard": 7,
}

SIMPLE: dict[type, Any] = {
    int: 1,
    float: 1.5,
    bool: True,
    datetime: NOW,
    object: {},  # jsonb
    Decimal: Decimal(1),
    time: time(7),
}


def tenant_tables() -> list[Table]:
    """Every table with an organization_id, those that others refer to first."""
    return [t for t in Base.metadata.sorted_tables if "organization_id" in t.c]


def key_of(table: Table, row: dict[str, Any]) -> Any:
    """Condition that finds a row by its primary key."""
    conditions = [column == row[column.name] for column in table.primary_key]
    found = conditions[0]
    for condition in conditions[1:]:
        found &= condition
    return found


def make_row(connection: Connection, table: Table, organization: uuid.UUID) -> dict[str, Any]:
    """Values for a new row that refers to the organization's own rows."""
    values: dict[str, Any] = {"organization_id": organization}
    for constraint in table.foreign_key_constraints:
        values |= _reference(connection, constraint, organization)
    for column in table.c:
        if column.name not in values and _wanted(column):
            values[column.name] = _value(column)
    return values


def add_everything(connection: Connection, operator: Operator) -> dict[str, dict[str, Any]]:
    """Insert one row into every tenant table; answers the rows by table."""
    _hire(connection)
    rows = {}
    for table in tenant_tables():
        values = make_row(connection, table, operator.id)
        made = connection.execute(table.insert().values(values).returning(*table.c)).mappings()
        rows[table.name] = dict(made.one())
    return rows


def _hire(connection: Connection) -> None:
    """Make the person whom the new membership is for."""
    users = Base.metadata.tables["users"]
    name = f"colleague-{next(UNIQUE)}"
    connection.execute(users.insert().values(id=uuid7(), email=f"{name}@example.com", name=name))


def _wanted(column: Column[Any]) -> bool:
    given = column.server_default is not None or column.identity is not None or column.nullable
    return not given or (column.primary_key and column.type.python_type is uuid.UUID)


def _value(column: Column[Any]) -> Any:
    special = SPECIAL.get(f"{column.table.name}.{column.name}")
    if special is not None:
        return special
    kind = column.type.python_type
    if kind is uuid.UUID:
        return uuid.uuid4()
    if kind is str:
        return f"{column.name.replace('_', '-')}-{next(UNIQUE)}"
    if kind is bytes:
        return f"bytes {next(UNIQUE)}".encode()
    if kind is int and column.primary_key:
        return 1000 + next(UNIQUE)
    return SIMPLE[kind]


def _reference(
    connection: Connection, constraint: ForeignKeyConstraint, organization: uuid.UUID
) -> dict[str, Any]:
    target = constraint.referred_table
    if target.name == "organizations":
        return {constraint.column_keys[0]: organization}
    if target.name == "users" and all(column.nullable for column in constraint.columns):
        return {}
    wanted = [element.column for element in constraint.elements]
    query = select(*wanted).order_by(*(column.desc() for column in wanted))  # newest first
    if "organization_id" in target.c:
        query = query.where(target.c.organization_id == organization)
    taken = _taken(connection, constraint)
    for row in connection.execute(query):
        if tuple(row) not in taken:
            return dict(zip(constraint.column_keys, row, strict=True))
    raise LookupError(f"nothing for {constraint.name} to refer to")


def _taken(connection: Connection, constraint: ForeignKeyConstraint) -> set[tuple[Any, ...]]:
    """Keys that an earlier row already uses where only one may."""
    table = constraint.table
    names = set(constraint.column_keys)
    unique = [
        {column.name for column in other.columns}
        for other in table.constraints
        if isinstance(other, PrimaryKeyConstraint | UniqueConstraint)
    ]
    if not any(keys <= names for keys in unique):
        return set()
    columns = [table.c[name] for name in constraint.column_keys]
    return {tuple(row) for row in connection.execute(select(*columns))}
