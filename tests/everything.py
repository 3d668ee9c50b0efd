"""One row of every table for an operator, made from the schema itself."""

from __future__ import annotations

import itertools
import os
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    ForeignKeyConstraint,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    select,
    text,
)

from hub.schema import Base
from hub.schema.base import uuid7
from tests.cast import Operator

UNIQUE = itertools.count(1)
NOW = datetime.now(UTC).replace(microsecond=0)

#: Values where a CHECK asks for more than a type.
#: An escalation policy that tells nobody.
SNAPSHOT = {
    "name": "Nobody",
    "steps": [],
    "rounds": 1,
    "remind_every_s": None,
    "bundle_s": 0,
    "fallback": None,
}
SPECIAL: dict[str, Any] = {
    "alerts.condition": "active",
    "alerts.level": "hi",
    "alerts.origin": "live",
    "alerts.priority": 2,
    "alert_rules.kind": "limit",
    "policy_versions.snapshot": SNAPSHOT,
    "escalation_runs.snapshot": SNAPSHOT,
    "alert_holds.kind": "shelf",
    "alert_holds.until": NOW + timedelta(hours=1),
    "alert_priorities.priority": lambda: 1 + next(UNIQUE) % 4,
    "alert_priorities.longest_shelf_s": 3600,
    "contact_channels.kind": "email",
    "delivery_turns.lane": "people",
    "equipment.kind": "pump_jack",
    "memberships.role": "viewer",
    "stream_gaps.reason": "lost",
    "agents.shard": 7,
    "site_alarms.priority": 1,
    "audit_seals.hash": bytes(32),
    "api_keys.prefix": "wf0prefx",
    "api_keys.secret_hash": bytes(32),
    "api_keys.scopes": ["read"],
    "feature_flags.feature": "jib",
    "accounts.code": lambda: f"{1000 + next(UNIQUE) % 9000}",
    "bank_accounts.routing": "111000025",
    "bank_accounts.account_last4": "6789",
    "documents.sha256": lambda: os.urandom(32),
    "entry_photo_parts.sha256": lambda: os.urandom(32),
    "escalation_policies.priorities": [1, 2],
    "rotations.timezone": "America/Chicago",
    "forecasts.input_sha256": lambda: os.urandom(32).hex(),
}
#: Months are named by their first day.
MONTHS = {"month", "period", "accounting_period", "service_period"}

SIMPLE: dict[type, Any] = {
    int: 1,
    float: 1.5,
    bool: True,
    datetime: NOW,
    object: {},  # jsonb
    list: [],
    date: NOW.date(),
    timedelta: timedelta(hours=1),
    Decimal: Decimal(1),
    time: time(7),
}


def _other_day() -> date:
    """A day that no other row has."""
    return NOW.date() - timedelta(days=next(UNIQUE))


#: Columns that may be empty, or have a default, but must be given for the row to be valid; and
#: references of which only one may be given.
ROWS: dict[str, dict[str, Any]] = {
    "saved_views": {"user_id": None},  # shared: one of a person's own is seen by that person only
    "alert_rules": {"well_id": None, "parent_id": None},
    "completions": {"name": lambda: f"zone-{next(UNIQUE)}"},  # each well has a first one already
    "compliance_reports": {"facility_id": None, "well_id": None},
    "equipment": {"facility_id": None},
    "forecasts": {"completion_id": None},
    "bank_accounts": {"owner_kind": "partner"},
    "alert_holds": {"dedup_key": lambda: f"alarm-{next(UNIQUE)}"},
    "flow_links": {"from_equipment_id": None, "to_well_id": None},
    "revenue_distributions": {"payment_id": None},
    "regulatory_ids": {"facility_id": None, "well_id": None, "completion_id": None},
    "escalation_policies": {"well_id": None, "equipment_id": None, "rule_id": None},
    "escalation_targets": {"rotation_id": None},
    "rotation_overrides": {"replaces_id": None, "ends_at": NOW + timedelta(hours=1)},
    "notify_preferences": {"delegate_id": None},
    "escalation_runs": {"due_at": NOW},
    "storms": {"channel_id": None},
    "reconciliations": {"equipment_id": None, "production_date": _other_day},
    "daily_closes": {"production_date": _other_day},
    "meter_readings": {"production_date": _other_day},
    "well_status_history": {
        "from_at": lambda: NOW - timedelta(days=9000 - 2 * next(UNIQUE)),
        "to_at": lambda: NOW - timedelta(days=9000 - 2 * next(UNIQUE)),
    },
}


#: References that no key keeps, because the table stands beside them: column, table of the row.
LOOSE = {"document_links": ("row_id", "leases")}


def tenant_tables(metadata: MetaData = Base.metadata) -> list[Table]:
    """Every table with an organization_id, those that others refer to first."""
    return [t for t in metadata.sorted_tables if "organization_id" in t.c]


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
    if table.name in LOOSE:
        name, target = LOOSE[table.name]
        newest = f"SELECT id FROM {target} WHERE organization_id = :o ORDER BY id DESC LIMIT 1"
        values[name] = connection.scalar(text(newest), {"o": organization})
    for column in table.c:
        if column.name not in values and _wanted(column):
            values[column.name] = _value(column)
    given = {n: v for n, v in ROWS.get(table.name, {}).items() if n in table.c}
    return values | {name: _made(value) for name, value in given.items()}


def _made(value: Any) -> Any:
    return value() if callable(value) else value


def add_everything(
    connection: Connection, operator: Operator, metadata: MetaData = Base.metadata
) -> dict[str, dict[str, Any]]:
    """Insert one row into every tenant table; answers the rows by table.

    `metadata` may be that of an earlier release.
    """
    hire(connection)
    return {
        table.name: add_row(connection, table, operator.id) for table in tenant_tables(metadata)
    }


def add_row(connection: Connection, table: Table, organization: uuid.UUID) -> dict[str, Any]:
    """Insert one more row of a table; answers it."""
    values = make_row(connection, table, organization)
    made = connection.execute(table.insert().values(values).returning(*table.c))
    return dict(made.mappings().one())


def hire(connection: Connection) -> uuid.UUID:
    """Make a person for whom a membership can be made."""
    name, key = f"colleague-{next(UNIQUE)}", uuid7()
    connection.execute(
        text("INSERT INTO users (id, email, name) VALUES (:id, :email, :name)"),
        {"id": key, "email": f"{name}@example.com", "name": name},
    )
    return key


def _wanted(column: Column[Any]) -> bool:
    given = column.server_default is not None or column.identity is not None or column.nullable
    return not given or (column.primary_key and column.type.python_type is uuid.UUID)


def _value(column: Column[Any]) -> Any:
    special = SPECIAL.get(f"{column.table.name}.{column.name}")
    if special is not None:
        return _made(special)
    if column.name in MONTHS:
        return NOW.date().replace(day=1)
    if column.info.get("choices"):
        return column.info["choices"][0]
    kind = column.type.python_type
    if kind is int and column.primary_key:
        return 1000 + next(UNIQUE)
    return FRESH[kind](column) if kind in FRESH else SIMPLE[kind]


#: Values that no other row has.
FRESH: dict[type, Callable[[Column[Any]], Any]] = {
    uuid.UUID: lambda _column: uuid.uuid4(),
    str: lambda column: f"{column.name.replace('_', '-')}-{next(UNIQUE)}",
    bytes: lambda _column: f"bytes {next(UNIQUE)}".encode(),
}


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
    if any(column.nullable for column in constraint.columns):
        return {}
    made = add_row(connection, target, organization)  # each is referred to already: one more
    return {
        name: made[column.name] for name, column in zip(constraint.column_keys, wanted, strict=True)
    }


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
