"""What became of one row, and what was done of late: the trail as people read it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session

from hub.schema.platform import AuditEntry
from hub.schema.tenancy import User

SEALED: Final = "(sealed)"  #: stands in place of secrets and of bytes


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the trail; `before` and `after` hold the changed columns, or the whole row."""

    id: int
    at: datetime
    user_id: uuid.UUID | None
    user_name: str | None  #: None for the product's own jobs, and for people of no operator
    door: str
    address: str
    table: str
    row_id: uuid.UUID | None
    verb: str
    before: dict[str, Any]
    after: dict[str, Any]


def row_key(number: int) -> uuid.UUID:
    """How the trail names a row whose key is a number."""
    return uuid.UUID(int=number)


def history(
    session: Session, table: str, row: uuid.UUID, limit: int = 100, *, before: int | None = None
) -> list[Change]:
    """What became of a row, newest first; `before` is the id of the oldest entry already seen."""
    query = _entries(limit, before).where(AuditEntry.table_name == table, AuditEntry.row_id == row)
    return _changes(session, query)


def recent(
    session: Session,
    limit: int = 100,
    *,
    before: int | None = None,
    table: str | None = None,
    user_id: uuid.UUID | None = None,
) -> list[Change]:
    """What was done for the session's operator, newest first."""
    query = _entries(limit, before)
    if table:
        query = query.where(AuditEntry.table_name == table)
    if user_id:
        query = query.where(AuditEntry.user_id == user_id)
    return _changes(session, query)


def note(
    session: Session,
    table: str,
    row: uuid.UUID | None,
    verb: str,
    after: dict[str, Any] | None = None,
) -> None:
    """Keep an act that changes no row: `verb` is reveal, export, import, download or note."""
    session.execute(
        text("SELECT note_in_trail(:table, :row, :verb, CAST(:after AS jsonb))"),
        {
            "table": table,
            "row": row,
            "verb": verb,
            "after": None if after is None else json.dumps(after, default=str),
        },
    )


def _entries(limit: int, before: int | None) -> Select[AuditEntry, str]:
    query = (
        select(AuditEntry, User.name)
        .outerjoin(User, User.id == AuditEntry.user_id)
        .order_by(AuditEntry.id.desc())
        .limit(limit)
    )
    return query if before is None else query.where(AuditEntry.id < before)


def _changes(session: Session, query: Select[AuditEntry, str]) -> list[Change]:
    return [
        Change(
            entry.id,
            entry.at,
            entry.user_id,
            name,
            entry.door,
            entry.address,
            entry.table_name,
            entry.row_id,
            entry.verb,
            entry.before or {},
            entry.after or {},
        )
        for entry, name in session.execute(query)
    ]
