"""All that is wrong with a row at once: the rules that only the database knows, asked of it.

PostgreSQL refuses a row for the first rule it breaks. Where a row is refused anyhow, every CHECK of
its table whose columns can be read, and every reference, is asked in one statement, so that nobody
corrects one field only to hear of the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ColumnElement,
    DefaultClause,
    ForeignKeyConstraint,
    Table,
    cast,
    exists,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import TextClause

from hub.register.catalog import table_of
from hub.register.fields import Resource
from hub.register.sentences import SILENT, Rule, rule, rule_name


@dataclass(frozen=True, slots=True)
class _Asked:
    """A rule, the fields it is about, and the condition that is true where it is broken."""

    rule: Rule
    names: tuple[str, ...]
    broken: ColumnElement[bool]


def more_faults(
    session: Session,
    resource: Resource,
    given: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    faults: Mapping[str, str],
) -> dict[str, str]:
    """The faults of a row that is refused, with those the database would have told later.

    `given` are the values that could be read, `before` the row as it is, where it is one.
    """
    table = table_of(resource)
    told = {name: value for name, value in given.items() if name not in faults}
    asked = [*_checks(table, resource, told, before, faults), *_references(table, resource, told)]
    found = dict(faults)
    for one in _broken(session, table, told, before, asked):
        place = next((name for name in one.names if name in told), "")
        if one.rule.sentence not in found.values():
            found.setdefault(place, one.rule.sentence)
    return found


def _broken(
    session: Session,
    table: Table,
    told: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    asked: list[_Asked],
) -> list[_Asked]:
    """Those rules that are broken; none where the database cannot even read the question."""
    if not asked:
        return []
    names = {name for one in asked for name in one.names}
    row = select(*(_value(table.c[name], told, before).label(name) for name in sorted(names)))
    told_by = [one.broken.label(f"rule_{number}") for number, one in enumerate(asked)]
    question = select(*told_by).select_from(row.subquery("asked"))
    try:
        with session.begin_nested():
            answers = session.execute(question).one()
    except DBAPIError:
        return []
    return [one for one, broken in zip(asked, answers, strict=True) if broken]


def _checks(
    table: Table,
    resource: Resource,
    told: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    faults: Mapping[str, str],
) -> Iterator[_Asked]:
    sealed = {field.name for field in resource.fields.values() if field.sealed}
    for one in sorted(table.constraints, key=lambda c: str(c.name)):
        known = rule(table.name, rule_name(one)) if isinstance(one, CheckConstraint) else None
        if known is None or not isinstance(one, CheckConstraint):
            continue
        names = known.fields
        readable = not {*names} & ({*faults} | sealed) and all(
            _known(table.c[name], told, before) for name in names
        )
        if readable and {*names} & {*told} and not _says_silent(str(one.sqltext)):
            condition: ColumnElement[bool] = literal_column(f"({one.sqltext})")
            yield _Asked(known, names, func.coalesce(condition, True).is_(False))


def _says_silent(condition: str) -> bool:
    """Whether a condition is also about the row's own keys."""
    words = condition.replace("(", " ").replace(")", " ").split()
    return bool(SILENT & {*words})


def _references(table: Table, resource: Resource, told: Mapping[str, Any]) -> Iterator[_Asked]:
    for one in sorted(table.foreign_key_constraints, key=lambda c: str(c.name)):
        names = tuple(name for name in one.column_keys if name not in SILENT)
        known = rule(table.name, rule_name(one))
        if len(names) != 1 or known is None or told.get(names[0]) is None:
            continue
        if names[0] in resource.fields:
            missing = ~exists().where(
                _referred(one, names[0]) == literal_column(f"asked.{names[0]}")
            )
            yield _Asked(known, names, or_(missing))


def _referred(constraint: ForeignKeyConstraint, name: str) -> ColumnElement[Any]:
    found = next(key.column for key in constraint.elements if key.parent.name == name)
    there = found.table.alias(f"there_{name}")
    column: ColumnElement[Any] = there.c[found.name]
    return column


def _known(column: Column[Any], told: Mapping[str, Any], before: Mapping[str, Any] | None) -> bool:
    """Whether it can be said what a column would hold: given, as it was, empty, or a default."""
    if column.name in told:
        return True
    if column.info.get("filled"):  # by a trigger, as the row is written
        return False
    if before is not None and column.name in before:
        return True
    if before is not None or column.computed is not None:
        return False
    return column.server_default is None or _default(column) is not None


def _default(column: Column[Any]) -> str | None:
    """A default as SQL; nothing where a trigger fills the column."""
    default = column.server_default
    if not isinstance(default, DefaultClause):
        return None
    if isinstance(default.arg, TextClause):
        return default.arg.text
    return f"'{default.arg}'" if isinstance(default.arg, str) else None


def _value(
    column: Column[Any], told: Mapping[str, Any], before: Mapping[str, Any] | None
) -> ColumnElement[Any]:
    if column.name in told:
        value = told[column.name]
    elif before is not None:
        value = before.get(column.name)
    elif (default := _default(column)) is not None:
        return cast(literal_column(default), column.type)
    else:
        value = None
    return cast(null() if value is None else literal(value, column.type), column.type)
