"""Puts photos together that sites sent in parts, and takes each up as the person of its entry.

A photo waits for its last part, and for its entry. What waits too long, or is refused, is set aside
in quarantine with its bytes and a reason; nothing else waits for it.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from agent.contract.photos import joined
from hub.database import NOBODY, Actor, connect, tenant_session
from hub.errors import HubError
from hub.production import photos
from hub.production.photos import PhotoBrokenError, PhotoEarlyError, PhotoRefusedError
from hub.settings import HubSettings

LOG = logging.getLogger(__name__)
DOOR: Final = "field entry"
MOST: Final = 50  #: photos of one round; the next takes what is left
PATIENCE: Final = timedelta(days=30)  #: how long a photo waits for its entry or its other parts

#: Photos of which something can be decided: all parts there and the entry taken up, or too old.
_DUE: Final = text(
    """
    SELECT p.organization_id, p.agent_id, p.entry_id, p.sha256, max(p.parts) AS parts,
           count(*) AS there, e.body ->> 'person' AS person,
           'wf/1/' || a.shard || '/' || a.name || '/up/b' AS topic
    FROM entry_photo_parts p
    JOIN agents a ON a.id = p.agent_id
    LEFT JOIN field_entries e
        ON e.organization_id = p.organization_id AND e.entry_id = p.entry_id
    GROUP BY p.organization_id, p.agent_id, p.entry_id, p.sha256, e.state, e.body, a.id
    HAVING count(*) >= max(p.parts) AND e.state <> 'new' OR max(p.received_at) < :before
    ORDER BY min(p.received_at) LIMIT :most
    """
)
_NAMED: Final = (
    "FROM entry_photo_parts WHERE agent_id = :agent AND entry_id = :entry AND sha256 = :sha256"
)
_PARTS: Final = text(f"SELECT part, content {_NAMED} ORDER BY part")
_GONE: Final = text(f"DELETE {_NAMED}")
_MEMBER: Final = text(
    """
    SELECT m.id, m.role FROM memberships m
    WHERE m.organization_id = :organization AND m.user_id = :person
      AND coalesce(m.ended_at, 'infinity') > now()
    """
)
_ASIDE: Final = text(
    """
    INSERT INTO quarantine (organization_id, agent_id, topic, code, reason, payload)
    VALUES (:organization, :agent, :topic, 'photo_refused', :reason, :payload)
    """
)


class _NobodyError(HubError):
    """There is nobody as whom a photo could be kept."""


@dataclass(frozen=True, slots=True)
class Due:
    """A photo that can be decided."""

    organization: uuid.UUID
    agent: uuid.UUID
    entry: uuid.UUID
    sha256: bytes
    parts: int
    there: int
    person: str | None  #: of its entry; None while that has not come
    topic: str

    @property
    def key(self) -> dict[str, Any]:
        """What names its parts."""
        return {"agent": self.agent, "entry": self.entry, "sha256": self.sha256}


def take_up(engine: Engine, settings: HubSettings, now: datetime) -> int:
    """Take up every photo that is whole, and set aside what cannot be; gives how many.

    `engine` acts as wellflow_work, which only holds the parts; each photo is kept as its person.
    """
    with engine.connect() as connection:
        found = connection.execute(_DUE, {"most": MOST, "before": now - PATIENCE}).all()
    if not found:
        return 0
    people = connect(settings.database.url, "app", pool=1)
    try:
        return sum(_one(engine, people, settings, Due(*row)) for row in found)
    finally:
        people.dispose()


def _one(work: Engine, people: Engine, settings: HubSettings, due: Due) -> bool:
    with work.connect() as connection:
        pieces = {row.part: bytes(row.content) for row in connection.execute(_PARTS, due.key)}
    content = joined(pieces, due.parts, due.sha256.hex())
    try:
        if content is None:
            _look(people, due)
        else:
            actor = _actor(work, due)
            with tenant_session(people, due.organization, actor) as session:
                photos.receive(session, settings.documents, due.entry, due.sha256.hex(), content)
    except (_NobodyError, PhotoRefusedError, PhotoBrokenError, PhotoEarlyError) as fault:
        _set_aside(work, due, str(fault), content or b"".join(pieces.values()))
        return True
    except (SQLAlchemyError, HubError, OSError):
        LOG.exception(
            "photo %s of entry %s could not be kept; it waits", due.sha256.hex(), due.entry
        )
        return False
    with work.begin() as connection:
        connection.execute(_GONE, due.key)
    return True


def _look(people: Engine, due: Due) -> None:
    """Whether parts that make no photo are left over of one that is here; else raises."""
    with tenant_session(people, due.organization, NOBODY) as session:
        if photos.is_here(session, due.sha256.hex()):
            return
    if due.there < due.parts:
        raise PhotoBrokenError(
            f"{due.there} of {due.parts} parts of a photo came, no more for {PATIENCE.days} days"
        )
    raise PhotoBrokenError("The parts of a photo do not make what was announced")


def _actor(work: Engine, due: Due) -> Actor:
    if due.person is None:
        raise PhotoEarlyError(
            f"A photo of entry {due.entry}, which has not come in {PATIENCE.days} days"
        )
    try:
        person = uuid.UUID(due.person)
    except ValueError:
        raise _NobodyError("The entry of this photo says of nobody that they made it") from None
    asked = {"organization": due.organization, "person": person}
    with work.connect() as connection:
        found = connection.execute(_MEMBER, asked).one_or_none()
    if found is None:
        raise _NobodyError("Whoever made the entry of this photo does not work here any more")
    return Actor(person, found.id, found.role, DOOR)


def _set_aside(work: Engine, due: Due, reason: str, payload: bytes) -> None:
    sentence = f"{reason.rstrip('.')} (entry {due.entry}). Look at its bytes, then discard them."
    LOG.warning("a photo is set aside: %s", sentence)
    values = {"organization": due.organization, "agent": due.agent, "topic": due.topic}
    with work.begin() as connection:
        connection.execute(_ASIDE, {**values, "reason": sentence, "payload": payload})
        connection.execute(_GONE, due.key)
