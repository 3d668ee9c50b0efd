"""Why a row cannot be deleted: what refers to it, and what to do instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Column, Table, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hub.register.catalog import RESOURCES, table_of
from hub.register.fields import Resource
from hub.schema import Base

MOST: Final = 10_000
#: Statuses that put a row out of use, in the order they are proposed.
RETIRED: Final = (
    *("plugged", "expired", "terminated", "scrapped", "sold", "closed", "cancelled"),
    *("void", "withdrawn", "superseded", "retired", "inactive"),
)
#: Fields that end a row's use when they are filled in.
ENDING: Final = ("ended_at", "ended_on", "to_day", "closed_at", "closed_on", "effective_to")


def in_use(session: Session, resource: Resource, row: Mapping[str, Any]) -> str:
    """One sentence: what refers to this row, and how to retire it instead."""
    parts = [_many(table, number) for table, number in _counted(session, resource, row)]
    who = " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
    title = row.get(resource.title)
    named = f"{resource.singular} “{title}”" if isinstance(title, str) else resource.singular
    return f"This {named} is referred to by {who or 'other rows'}; {instead(resource)}."


def instead(resource: Resource) -> str:
    """What to do with a row that may not be deleted."""
    status = resource.fields.get("status")
    if status is not None and status.editable:
        choice = next((word for word in RETIRED if word in status.choices), None)
        if choice:
            return f"set its {status.label.lower()} to {choice.replace('_', ' ')} instead"
    if "active" in resource.fields and resource.fields["active"].editable:
        return "make it inactive instead"
    for name in ENDING:
        if name in resource.fields and resource.fields[name].editable:
            return f"fill in “{resource.fields[name].label}” instead"
    return "delete those first"


def _many(table: Table, number: int) -> str:
    served = RESOURCES.get(table.name)
    plural = served.plural if served else table.name.replace("_", " ")
    singular = served.singular if served else plural.removesuffix("s")
    words = singular if number == 1 else plural[:1].lower() + plural[1:]
    return f"{number:,}{'+' if number >= MOST else ''} {words}"


def _counted(
    session: Session, resource: Resource, row: Mapping[str, Any]
) -> Iterator[tuple[Table, int]]:
    """Tables that refer to the row, and how often; those that cannot be seen are left out."""
    for column, target in referring(resource):
        if row.get(target) is None:
            continue
        among = select(column).where(column == row[target]).limit(MOST).subquery()
        try:
            with session.begin_nested():
                number = session.scalar(select(func.count()).select_from(among)) or 0
        except DBAPIError:
            continue  # a table the console may not read
        if number:
            yield column.table, number


def referring(resource: Resource) -> Iterator[tuple[Column[Any], str]]:
    """Columns that name rows of a table, and the column of it that they name."""
    table = table_of(resource)
    for other in Base.metadata.sorted_tables:
        for key in other.foreign_key_constraints:
            if key.referred_table is table:
                for element in key.elements:
                    if element.parent.name != "organization_id":
                        yield element.parent, element.column.name
