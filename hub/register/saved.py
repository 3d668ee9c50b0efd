"""Saved views: a list's filters, words and order under a name, for oneself or for everybody."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from sqlalchemy import bindparam, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hub.database import Actor
from hub.register.changes import organization_of
from hub.register.errors import Forbidden, Missing, Refused
from hub.register.fields import Resource
from hub.register.query import parse_query
from hub.schema import SavedView

LONGEST_NAME: Final = 80
#: Who may keep a view that everybody is offered.
SHARERS: Final = frozenset({"owner", "manager"})


@dataclass(frozen=True, slots=True)
class Offered:
    """A saved view as a list offers it; `user_id` is None where everybody has it."""

    id: uuid.UUID
    user_id: uuid.UUID | None
    name: str
    query: str


OFFERED: Final = (
    select(SavedView.id, SavedView.user_id, SavedView.name, SavedView.query)
    .where(SavedView.table_name == bindparam("table"))
    .where(SavedView.user_id.is_(None) | (SavedView.user_id == bindparam("person")))
    .order_by(SavedView.name, SavedView.id)
)


def views(session: Session, actor: Actor, resource: Resource) -> list[Offered]:
    """The views of a table that the person is offered: their own, and everybody's; by name."""
    found = session.execute(OFFERED, {"table": resource.name, "person": actor.user_id})
    return [Offered(*row) for row in found]


def keep(
    session: Session,
    actor: Actor,
    resource: Resource,
    name: str,
    query: str,
    *,
    shared: bool = False,
) -> SavedView:
    """Keep a list under a name; raises `Refused`, also for a list that could not be asked for."""
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME:
        raise Refused({"name": f"The name of a view takes 1 to {LONGEST_NAME} characters."})
    if shared and actor.role not in SHARERS:
        raise Refused({"shared": "Only an owner or manager keeps views for everybody."})
    parse_query(resource, [pair for pair in parse_qsl(query) if pair[0] != "cursor"])
    view = SavedView(
        organization_id=organization_of(session),
        user_id=None if shared else actor.user_id,
        table_name=resource.name,
        name=name,
        query=query,
    )
    try:
        with session.begin_nested():
            session.add(view)
    except DBAPIError as fault:
        raise Refused({"name": f"There is already a view “{name}”; forget it first."}) from fault
    return view


def forget(session: Session, actor: Actor, view_id: uuid.UUID) -> str:
    """Forget a view and answer the table it lists; raises `Missing` or `Forbidden`."""
    view = session.get(SavedView, view_id)
    if view is None:
        raise Missing("There is no such view.")
    if view.user_id != actor.user_id and actor.role not in SHARERS:
        raise Forbidden("Only an owner or manager forgets views that everybody uses.")
    session.delete(view)
    session.flush()
    return view.table_name
