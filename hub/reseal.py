"""Rotation of the secret key: every sealed value is sealed anew with the key that is set now.

Which columns are sealed is told by the schema. Each batch is a transaction of its own, so rotation
may be interrupted and run again; what already has the new key is passed over. The tables' own
triggers stay out of it: the secrets are the same as before, nobody entered them again.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Column, Connection, Engine, Table, bindparam, func, select, text

from hub.schema import Base
from hub.seal import SealError, SecretKey, key_id, seal, unseal

Progress = Callable[[int, int], None]

BATCH: Final = 500


@dataclass(slots=True)
class Resealed:
    """What became of one sealed column."""

    table: str
    column: str
    resealed: int = 0
    lost: list[str] = field(default_factory=list)  #: one sentence for each that does not open


def sealed_columns() -> Iterator[tuple[Table, Column[Any]]]:
    """Every column that the schema calls sealed; the row's id is part of the seal."""
    for table in Base.metadata.sorted_tables:
        for column in table.c:
            if column.info.get("sealed"):
                yield table, column


def rotate(
    owner: Engine,
    key: SecretKey,
    progress: Progress = lambda _done, _of: None,
    *,
    batch: int = BATCH,
) -> list[Resealed]:
    """Seal anew what another key sealed; `owner` acts as the owner of the tables."""
    with owner.connect() as connection:
        waiting = sum(_waiting(connection, column, key) for _, column in sealed_columns())
    done = 0
    reports = []
    for table, column in sealed_columns():
        report = Resealed(table.name, column.name)
        after: uuid.UUID | None = None
        while True:
            with owner.begin() as connection:
                rows = _turn(connection, (table, column), key, after, batch, report)
            done += len(rows)
            progress(done, waiting)
            if len(rows) < batch:
                break
            after = rows[-1].id
        reports.append(report)
    return reports


def _waiting(connection: Connection, column: Column[Any], key: bytes) -> int:
    return connection.scalar(select(func.count()).where(_of_another_key(column, key))) or 0


def _of_another_key(column: Column[Any], key: bytes) -> Any:
    return column.is_not(None) & (func.substring(column, 2, 4) != key_id(key))


def _turn(
    connection: Connection,
    place: tuple[Table, Column[Any]],
    key: SecretKey,
    after: uuid.UUID | None,
    batch: int,
    report: Resealed,
) -> list[Any]:
    """Seal one batch anew; answers the rows looked at."""
    table, column = place
    connection.execute(text("SET LOCAL lock_timeout = '4s'"))
    organization = table.c.get("organization_id", table.c.id)
    query = (
        select(table.c.id, organization.label("organization_id"), column.label("sealed"))
        .where(_of_another_key(column, key))
        .order_by(table.c.id)
        .limit(batch)
        .with_for_update()
    )
    rows = list(connection.execute(query if after is None else query.where(table.c.id > after)))
    anew = [made for row in rows if (made := _anew(row, table.name, key, report)) is not None]
    if anew:
        _write(connection, table, column, anew)
        _note(connection, table, column, key, [row for row in rows if row.id in _ids(anew)])
    report.resealed += len(anew)
    return rows


def _ids(anew: list[dict[str, Any]]) -> set[uuid.UUID]:
    return {made["row_id"] for made in anew}


def _anew(row: Any, table: str, key: SecretKey, report: Resealed) -> dict[str, Any] | None:
    """The secret of a row under the new key; None, and a sentence, when no key here opens it."""
    try:
        secret = unseal(key, bytes(row.sealed), table, row.id)
    except SealError as fault:
        report.lost.append(str(fault))
        return None
    return {"row_id": row.id, "secret": seal(key, secret, table, row.id)}


def _write(
    connection: Connection, table: Table, column: Column[Any], anew: list[dict[str, Any]]
) -> None:
    """Replace the sealed bytes and nothing else: no stamp, no rule about newly entered values."""
    connection.execute(text(f"ALTER TABLE {table.name} DISABLE TRIGGER USER"))
    connection.execute(
        table.update()
        .where(table.c.id == bindparam("row_id"))
        .values({column.name: bindparam("secret")}),
        anew,
    )
    connection.execute(text(f"ALTER TABLE {table.name} ENABLE TRIGGER USER"))


def _note(
    connection: Connection, table: Table, column: Column[Any], key: bytes, rows: list[Any]
) -> None:
    """Let each organization's trail say that its secrets were sealed anew, and with which key."""
    connection.execute(
        text(
            "INSERT INTO audit_log (organization_id, table_name, verb, after, door)"
            " SELECT o, :table, 'note', jsonb_build_object('column', CAST(:column AS text),"
            " 'sealed_anew', count(*), 'key', CAST(:key AS text)), 'command line'"
            " FROM unnest(CAST(:organizations AS uuid[])) AS o GROUP BY o"
        ),
        {
            "table": table.name,
            "column": column.name,
            "key": key_id(key).hex(),
            "organizations": [row.organization_id for row in rows],
        },
    )
