"""Takes up entries that came from sites: each as the person who signed it, checked again here.

What ingest stores waits as `new`: readings are not held up by a form, and the account of ingest
may write nothing but what agents send. One entry that fails is logged and tried again; it stops no
other.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Engine, select, text
from sqlalchemy.exc import SQLAlchemyError

from agent.contract.entry import Entry, EntryError, read_entry
from hub.database import NOBODY, Actor, connect, tenant_session
from hub.errors import HubError
from hub.production import photoparts
from hub.production.entries import refuse, take
from hub.production.refusals import told
from hub.schema import FieldEntry
from hub.settings import HubSettings

LOG = logging.getLogger(__name__)
DOOR: Final = "field entry"
MOST: Final = 500  #: entries of one round; the next takes what is left

_NEW: Final = text(
    """
    SELECT e.id, e.organization_id, e.body FROM field_entries e
    WHERE e.state = 'new' ORDER BY e.received_at, e.id LIMIT :most
    """
)
_MEMBER: Final = text(
    """
    SELECT m.id, m.role FROM memberships m
    WHERE m.organization_id = :organization AND m.user_id = :person
      AND coalesce(m.ended_at, 'infinity') > now()
    """
)


def take_up(engine: Engine, settings: HubSettings) -> int:
    """Take up every entry that waits, then photos that are whole; gives how many were taken up or
    refused.

    `engine` acts as wellflow_work, which only finds them; each is written as its person.
    """
    return _take_entries(engine, settings) + photoparts.take_up(engine, settings, datetime.now(UTC))


def _take_entries(engine: Engine, settings: HubSettings) -> int:
    with engine.connect() as connection:
        waiting = connection.execute(_NEW, {"most": MOST}).all()
    if not waiting:
        return 0
    people = connect(settings.database.url, "app", pool=1)
    try:
        return take_all(engine, people, waiting)
    finally:
        people.dispose()


def take_all(work: Engine, people: Engine, waiting: Sequence[Any]) -> int:
    """Take up these entries one by one; `people` is an engine of wellflow_app."""
    done = 0
    for row in waiting:
        try:
            _take_one(work, people, row)
            done += 1
        except (SQLAlchemyError, HubError, LookupError):
            LOG.exception("entry %s could not be taken up; it waits", row.id)
    return done


def _take_one(work: Engine, people: Engine, row: Any) -> None:
    try:
        entry = read_entry(row.body)
    except EntryError as fault:
        _refuse(people, row, {one.field: one.say() for one in fault.faults})
        return
    actor = _member(work, row.organization_id, entry)
    if actor is None:
        _refuse(people, row, {"person": told("gone")})
        return
    with tenant_session(people, row.organization_id, actor) as session:
        take(session, entry)


def _member(work: Engine, organization: uuid.UUID, entry: Entry) -> Actor | None:
    asked = {"organization": organization, "person": entry.person}
    with work.connect() as connection:
        found = connection.execute(_MEMBER, asked).one_or_none()
    return None if found is None else Actor(entry.person, found.id, found.role, DOOR)


def _refuse(people: Engine, row: Any, faults: dict[str, str]) -> None:
    with tenant_session(people, row.organization_id, NOBODY) as session:
        chosen = select(FieldEntry).where(FieldEntry.id == row.id).with_for_update()
        stored = session.scalars(chosen).one()
        if stored.state == "new":
            refuse(session, stored, faults)
