"""Rotations in the database: hand-offs as they happen, and holes before they come."""

from __future__ import annotations

import itertools
import logging
import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from hub.notify import coverage, letters, outbox
from hub.notify.outbox import Notice
from hub.notify.people import Crew, crew
from hub.notify.preferences import Person, pick
from hub.notify.schedules import Roster, Slot, slots

LOG = logging.getLogger(__name__)

#: A hand-off is told for so long after it; a hub that was down does not tell of yesterday's.
TOLD_WITHIN: Final = timedelta(hours=1)
HANDOFF_PRIORITY: Final = 3
GAP_PRIORITY: Final = 2

_OPERATORS: Final = text(
    "SELECT DISTINCT organization_id FROM rotations WHERE ended_at IS NULL ORDER BY 1"
)
_HAND_OVER: Final = text(
    """
    INSERT INTO rotation_handoffs (organization_id, rotation_id, at, from_id, to_id, told_at)
    VALUES (:organization, :rotation, :at, :before, :after, :now)
    ON CONFLICT (rotation_id, at) DO UPDATE
        SET from_id = EXCLUDED.from_id, to_id = EXCLUDED.to_id, told_at = EXCLUDED.told_at
        WHERE rotation_handoffs.told_at IS NULL
    RETURNING note
    """
)
_STANDING: Final = text(
    "SELECT count(*) FROM alerts WHERE organization_id = :organization AND closed_at IS NULL"
    " AND (condition <> 'normal' OR ack = 'unacked')"
)


def watch(engine: Engine, now: datetime) -> int:
    """Tell whoever comes on call, and warn of holes two days ahead; gives how many were told."""
    with Session(engine) as session:
        operators = list(session.scalars(_OPERATORS))
    told = 0
    for organization in operators:
        with Session(engine) as session, session.begin():
            found = crew(session, organization)
            for key, roster in found.rotations.items():
                told += _hand_over(session, found, key, roster, now)
                told += _warn(session, found, key, roster, now)
    return told


def _hand_over(session: Session, found: Crew, key: uuid.UUID, roster: Roster, now: datetime) -> int:
    """Tell of the hand-offs of the last hour that nobody told of."""
    told = 0
    stretch = slots(roster, now - TOLD_WITHIN, now + timedelta(days=64))
    for before, after in itertools.pairwise(stretch):
        if after.begins > now or after.user == before.user:
            continue
        values = {
            "organization": found.id,
            "rotation": key,
            "at": after.begins,
            "before": before.user if before.user in found.people else None,
            "after": after.user if after.user in found.people else None,
            "now": now,
        }
        written = session.execute(_HAND_OVER, values).one_or_none()
        if written is not None and after.user in found.people:
            told += _tell(session, found, key, (before, after), written.note, now)
    return told


def _tell(
    session: Session,
    found: Crew,
    key: uuid.UUID,
    turn: tuple[Slot, Slot],
    note: str,
    now: datetime,
) -> int:
    before, after = turn
    assert after.user is not None
    person = found.people[after.user]
    gone = found.people.get(before.user) if before.user else None
    message = letters.note(
        person.language,
        "handoff",
        found.name,
        "/oncall",
        name=person.name,
        rotation=found.rotation_names[key],
        until=clock(after.ends, person),
        before=gone.name if gone else "",
        note=note,
        total=session.scalar(_STANDING, {"organization": found.id}),
    )
    occasion = f"{key}/{after.begins.isoformat()}"
    notice = Notice(found.id, None, "handoff", occasion, HANDOFF_PRIORITY, message)
    channels = [channel.id for channel in pick(person, "own", HANDOFF_PRIORITY)]
    return outbox.owe(session, notice, channels, now)


def _warn(session: Session, found: Crew, key: uuid.UUID, roster: Roster, now: datetime) -> int:
    """Tell whoever stands in of a hole within two days, once for each."""
    told = 0
    begun = now - timedelta(days=31)  # so that a hole begins where it does, not where it is cut
    for hole in coverage.gaps(found, roster, begun, now + coverage.WARN_AHEAD):
        if hole.ends <= now:
            continue
        for user in found.last_resort(None):
            told += _tell_of_gap(session, found, found.people[user], key, hole, now)
    return told


def _tell_of_gap(
    session: Session,
    found: Crew,
    person: Person,
    key: uuid.UUID,
    hole: Slot,
    now: datetime,
) -> int:
    message = letters.note(
        person.language,
        "gap",
        found.name,
        "/oncall",
        rotation=found.rotation_names[key],
        since=clock(hole.begins, person),
        until=clock(hole.ends, person),
        fallback=person.name,
    )
    when = "ahead" if hole.begins > now else now.date().isoformat()  # again on each day of it
    occasion = f"{key}/{hole.begins.isoformat()}/{when}"
    notice = Notice(found.id, None, "gap", occasion, GAP_PRIORITY, message)
    return outbox.owe(session, notice, [c.id for c in pick(person, "own", GAP_PRIORITY)], now)


def clock(at: datetime, person: Person) -> str:
    """A day and time on a person's own clock."""
    return at.astimezone(person.zone).strftime("%a %d %b %H:%M")


def who_is_on(session: Session, organization: uuid.UUID, now: datetime) -> list[dict[str, Any]]:
    """Of each rotation: who is on call and until when, and who comes next."""
    found = crew(session, organization)
    listed = []
    for key, roster in found.rotations.items():
        coming = slots(roster, now, now + timedelta(days=64))
        current = coming[0]
        following = next((slot for slot in coming if slot.user != current.user), None)
        listed.append(
            {
                "id": key,
                "name": found.rotation_names[key],
                "roster": roster,
                "current": current,
                "person": found.people.get(current.user) if current.user else None,
                "next": following,
                "next_person": found.people.get(following.user)
                if following and following.user
                else None,
            }
        )
    return listed
