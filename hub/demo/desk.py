"""The demo's office at work: rows written as its people would write them, two of them for a paper.

Everything goes through the console's own role, so that policies, rules and the audit trail hold for
the demo as for an operator.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, cast

from sqlalchemy import Engine, Table, insert, select, update
from sqlalchemy.orm import Session

from hub.database import Actor, act_for, tenant_session
from hub.schema import Base, Lease, Membership, User, Well
from hub.schema.base import uuid7
from hub.settings import DocumentSettings


@dataclass(frozen=True, slots=True)
class Desk:
    """An open transaction of the operator's office, and who is at work."""

    session: Session
    organization: uuid.UUID
    people: Mapping[str, Actor]  #: by role
    today: date
    secret_key: bytes
    documents: DocumentSettings
    leases: Mapping[str, uuid.UUID]
    wells: Mapping[str, uuid.UUID]

    def sit(self, role: str) -> Actor:
        """Let the person of this role go on."""
        actor = self.people[role]
        act_for(self.session.connection(), self.organization, actor)
        return actor

    def add(self, model: type[Base], /, **values: Any) -> uuid.UUID:
        """Write one row; answers its key."""
        (key,) = self.add_all(model, [values])
        return key

    def add_all(self, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> list[uuid.UUID]:
        """Write rows that have the same columns; answers their keys."""
        made = [{"id": uuid7(), "organization_id": self.organization, **row} for row in rows]
        if made:
            self.session.execute(insert(cast(Table, model.__table__)), made)
        return [row["id"] for row in made]

    def change(self, model: type[Base], keys: Iterable[uuid.UUID], /, **values: Any) -> None:
        """Change rows."""
        table = cast(Table, model.__table__)
        chosen = update(table).where(table.c.id.in_(list(keys)))
        self.session.execute(chosen.values(values))

    def move(self, model: type[Base], keys: Sequence[uuid.UUID], *statuses: str) -> None:
        """Take papers from one status to the next, as the one who sits."""
        for status in statuses:
            self.change(model, keys, status=status)

    def holds(self, model: type[Base]) -> bool:
        """Whether the operator has any row of a table."""
        table = cast(Table, model.__table__)
        return self.session.execute(select(table.c.id).limit(1)).first() is not None

    def month(self, back: int) -> date:
        """First day of the month so many months ago."""
        first = self.today.replace(day=1)
        for _ in range(back):
            first = (first - timedelta(days=1)).replace(day=1)
        return first


@contextmanager
def at_desk(
    app: Engine,
    organization: uuid.UUID,
    today: date,
    secret_key: bytes,
    documents: DocumentSettings,
) -> Iterator[Desk]:
    """Open the office; what is written in it is kept together, or not at all."""
    with tenant_session(app, organization, Actor(role="owner", door="demo")) as session:
        members = session.execute(
            select(Membership.role, Membership.user_id, Membership.id).join(
                User, User.id == Membership.user_id
            )
        )
        people = {role: Actor(user, key, role, "demo") for role, user, key in members}
        leases = dict(session.execute(select(Lease.name, Lease.id)).all())
        wells = dict(session.execute(select(Well.name, Well.id)).all())
        yield Desk(session, organization, people, today, secret_key, documents, leases, wells)
