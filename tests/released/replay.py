"""Asks a database what an earlier release asked, about rows that are there, and undoes it."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import pq
from sqlalchemy import MetaData

HERE = Path(__file__).parent
GOOD = {pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK}
COPYING = {pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT}
COMPARED = re.compile(r"(?:(\w+)\.)?(\w+) (?:=|IN|= ANY) *\(*(?:\$\d+(?:::\w+)?, )*\$(\d+)\b")
INSERTED = re.compile(r"INSERT INTO (\w+) *\(([^)]*)\) *VALUES *\(((?:[^()]|\([^()]*\))*)\)", re.I)
SUBJECT = re.compile(r"(?:INSERT INTO|UPDATE|FROM) (\w+)", re.I)
SETTING = re.compile(r"'app\.(\w+)', *\$(\d+)")

Rows = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Referred:
    """What columns of a release refer to, by their names."""

    tables: frozenset[str]
    columns: Mapping[str, tuple[str, str]]

    @classmethod
    def in_tables(cls, metadata: MetaData) -> Referred:
        """Read it off the release's foreign keys."""
        found = {"organization_id": ("organizations", "id")}
        for table in metadata.sorted_tables:
            for constraint in table.foreign_key_constraints:
                for name, element in zip(constraint.column_keys, constraint.elements, strict=True):
                    column = element.column
                    found.setdefault(name, (column.table.name, column.name))
        return cls(frozenset(metadata.tables), found)

    def target(self, table: str, column: str) -> tuple[str, str]:
        """Table and column that a column of a table refers to; a key refers to itself."""
        return (table, "id") if column == "id" else self.columns.get(column, ("", ""))


@dataclass(frozen=True)
class Statement:
    """One statement of a release: who sent it, as which role, with values of which types."""

    role: str
    source: str
    sql: str
    types: tuple[str, ...]
    values: tuple[str | None, ...]

    def filled(self, rows: Rows, referred: Referred) -> list[bytes | None]:
        """Its values, with keys of rows that are there in place of those of the recording."""
        values = list(self.values)
        for place, (table, column) in self._places(referred).items():
            if self.types[place] == "uuid" and table in rows:
                values[place] = str(rows[table][column])
        return [None if value is None else value.encode() for value in values]

    def _places(self, referred: Referred) -> dict[int, tuple[str, str]]:
        """Which of its values name a row, by the column they are compared with or put into."""
        found = {int(n) - 1: (name, "") for name, n in SETTING.findall(self.sql)}
        places = {
            place: ("organizations", "id")
            for place, (name, _) in found.items()
            if name == "organization_id"
        }
        subject = SUBJECT.search(self.sql)
        for prefix, column, number in COMPARED.findall(self.sql):
            table = prefix if prefix in referred.tables else (subject[1] if subject else "")
            places[int(number) - 1] = referred.target(table, column)
        for table, columns, given in INSERTED.findall(self.sql):
            for column, word in zip(columns.split(","), given.split(", "), strict=False):
                number = re.fullmatch(r"\s*\$(\d+)(?:::\w+)?\s*", word)
                if number and column.strip() != "id":
                    places[int(number[1]) - 1] = referred.target(table, column.strip())
        return places


def statements(revision: str) -> list[Statement]:
    """Everything recorded of a release."""
    told = json.loads((HERE / revision / "statements.json").read_text(encoding="utf-8"))
    return [
        Statement(x["role"], x["from"], x["sql"], tuple(x["types"]), tuple(x["values"]))
        for x in told
    ]


def columns(revision: str) -> dict[str, dict[str, str]]:
    """The columns that a release's classes read and write, with their types, by table."""
    told = (HERE / revision / "columns.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = json.loads(told)
    return found


def recorded() -> list[str]:
    """The revisions of which there is a recording."""
    return sorted(path.parent.name for path in HERE.glob("*/statements.json"))


def ask(
    url: str, asked: list[Statement], organization: uuid.UUID, rows: Rows, referred: Referred
) -> dict[str, str]:
    """Send each statement as its role in a transaction of its own, which is undone.

    Answers what came of each: "" when it ran, else SQLSTATE and the message.
    """
    came: dict[str, str] = {}
    for role in sorted({statement.role for statement in asked}):
        options = f"-c role=wellflow_{role} -c timezone=UTC -c statement_timeout=5s"
        with psycopg.connect(url, autocommit=True, options=options) as connection:
            for statement in asked:
                if statement.role == role:
                    key = f"{role} {statement.source}: {statement.sql}"
                    filled = statement.filled(rows, referred)
                    came[key] = _try(connection.pgconn, statement, organization, filled)
    return came


def _try(
    server: pq.abc.PGconn,
    statement: Statement,
    organization: uuid.UUID,
    values: list[bytes | None],
) -> str:
    server.exec_(b"BEGIN")
    server.exec_(f"SELECT set_config('app.organization_id', '{organization}', true)".encode())
    if statement.types:
        oids = [_oid(name) for name in statement.types]
        answer = server.exec_params(statement.sql.encode(), values, oids)
    else:
        answer = server.exec_(statement.sql.encode())
    if answer.status in COPYING:
        _end_copy(server, answer.status)
    server.exec_(b"ROLLBACK")
    server.exec_(b"SELECT pg_advisory_unlock_all()")
    if answer.status in GOOD | COPYING:
        return ""
    field = answer.error_field
    state = (field(pq.DiagnosticField.SQLSTATE) or b"").decode()
    return f"{state} {(field(pq.DiagnosticField.MESSAGE_PRIMARY) or b'').decode()}"


def _end_copy(server: pq.abc.PGconn, status: int) -> None:
    """Send no rows, or take all that come."""
    if status == pq.ExecStatus.COPY_IN:
        server.put_copy_end(None)
    else:
        while server.get_copy_data(0)[0] > 0:
            continue
    while server.get_result() is not None:
        continue


def _oid(name: str) -> int:
    if name == "unknown":
        return 0
    found = psycopg.adapters.types[name.removesuffix("[]")]
    return found.array_oid if name.endswith("[]") else found.oid
