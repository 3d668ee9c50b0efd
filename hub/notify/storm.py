"""A flood of alerts reaches a person as one message that is renewed, not as hundreds.

Ten pages in ten minutes are told one by one; what ISA-18.2 calls a flood begins above. From there
they are gathered: rows say so, and the work process opens a storm for that person, tells of it at
once, and again at most every ten minutes. Critical alerts are still told one by one, at most one a
minute about the same well. All of it is counted from rows, so every worker comes to the same
answer; transactions that run at the same moment may each let a page more through.
"""

from __future__ import annotations

import logging
import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from hub.notify import letters, outbox
from hub.notify.messages import Message
from hub.notify.outbox import Notice
from hub.notify.people import Crew, crew
from hub.notify.preferences import pick

LOG = logging.getLogger(__name__)

FLOOD: Final = 10  #: pages
WITHIN: Final = timedelta(minutes=10)
RENEWED: Final = timedelta(minutes=10)
CALM: Final = 5  #: pages in that time, at which it is over
CRITICAL_APART: Final = timedelta(minutes=1)

_CACHE: Final = "wellflow storms"

#: Both forms of a recipient, so that each is found by the index.
_PERSON: Final = "x.organization_id = :organization AND x.user_id = :user"
_MAILBOX: Final = (
    "x.organization_id = :organization AND x.user_id IS NULL AND x.channel_id = :channel"
)


def _both(statement: str) -> dict[bool, Any]:
    """A statement about one recipient: of a person, and of a mailbox."""
    return {
        person: text(statement.replace("{who}", _PERSON if person else _MAILBOX))
        for person in (True, False)
    }


_FLOODED: Final = _both(
    """
    SELECT EXISTS (SELECT FROM storms x WHERE {who} AND x.ended_at IS NULL)
        OR (SELECT count(*) FROM (
                SELECT FROM pages x
                WHERE {who} AND x.at > :since AND x.manner IN ('told', 'bundle', 'storm')
                LIMIT :most) AS recent) >= :most
    """
)
_SAME_WELL: Final = _both(
    """
    SELECT EXISTS (
        SELECT FROM pages x JOIN alerts a ON a.id = x.alert_id
        WHERE {who} AND x.at > :since AND x.priority = 1 AND x.manner = 'told'
          AND a.well_id IS NOT DISTINCT FROM CAST(:well AS uuid))
    """
)
_OPEN: Final = text(
    """
    INSERT INTO storms (organization_id, user_id, channel_id, began_at, due_at)
    SELECT p.organization_id, p.user_id, p.channel_id, min(p.at) - CAST(:within AS interval), :now
    FROM pages p
    WHERE p.manner = 'storm' AND p.done_at IS NULL AND p.due_at IS NOT NULL
      AND num_nonnulls(p.user_id, p.channel_id) = 1
      AND NOT EXISTS (SELECT FROM storms s
                      WHERE s.organization_id = p.organization_id AND s.ended_at IS NULL
                        AND s.user_id IS NOT DISTINCT FROM p.user_id
                        AND s.channel_id IS NOT DISTINCT FROM p.channel_id)
    GROUP BY 1, 2, 3
    ON CONFLICT DO NOTHING
    """
)
_DUE: Final = text(
    """
    SELECT * FROM storms
    WHERE ended_at IS NULL AND due_at <= :now
    ORDER BY due_at LIMIT 1
    FOR UPDATE SKIP LOCKED
    """
)
_SETTLE: Final = _both(
    """
    UPDATE pages x SET done_at = :now
    WHERE {who} AND x.manner = 'storm' AND x.done_at IS NULL
    RETURNING x.priority
    """
)
#: What is gathered and still waits for somebody, by priority, with where and when it began.
_GATHERED: Final = _both(
    """
    SELECT a.id, a.priority, a.message, a.raised_at, a.well_id, w.name AS well, l.name AS lease
    FROM alerts a
    LEFT JOIN wells w ON w.id = a.well_id
    LEFT JOIN leases l ON l.id = w.lease_id
    WHERE a.closed_at IS NULL AND a.ack = 'unacked'
      AND a.id IN (SELECT x.alert_id FROM pages x WHERE {who} AND x.at >= :began)
    ORDER BY a.raised_at, a.id
    """
)
_RATE: Final = _both(
    """
    SELECT count(*) FROM (SELECT FROM pages x WHERE {who} AND x.at > :since
        AND x.manner IN ('told', 'bundle', 'storm') LIMIT :most) AS recent
    """
)
_RENEW: Final = text(
    """
    UPDATE storms SET due_at = :due, told_at = coalesce(:told, told_at),
        messages = messages + :messages, pages = pages + :pages, ended_at = :ended
    WHERE id = :id
    """
)


def is_flooded(session: Session, recipient: dict[str, Any], now: datetime) -> bool:
    """Whether a recipient (`organization`, `user`, `channel`) was told of too much lately.

    Once that is so it stays so for the rest of the transaction.
    """
    known: set[uuid.UUID] = session.info.setdefault(_CACHE, set())
    key = recipient["user"] or recipient["channel"]
    if key in known:
        return True
    statement = _FLOODED[recipient["user"] is not None]
    flooded = bool(session.scalar(statement, recipient | {"since": now - WITHIN, "most": FLOOD}))
    if flooded:
        known.add(key)
    return flooded


def forget(session: Session) -> None:
    """Count anew the next time."""
    session.info.pop(_CACHE, None)


def too_soon(
    session: Session, recipient: dict[str, Any], well: uuid.UUID | None, now: datetime
) -> bool:
    """Whether a critical page about the same well went to a recipient within the last minute."""
    values = recipient | {"since": now - CRITICAL_APART, "well": well}
    return bool(session.scalar(_SAME_WELL[recipient["user"] is not None], values))


def renew_due(engine: Engine, now: datetime, *, most: int = 20) -> int:
    """Open storms for whoever has gathered pages, and tell of those that are due; gives how many.

    Any number of workers may do this at once.
    """
    with Session(engine) as session, session.begin():
        session.execute(_OPEN, {"now": now, "within": WITHIN})
    for done in range(most):
        with Session(engine) as session, session.begin():
            storm = session.execute(_DUE, {"now": now}).one_or_none()
            if storm is None:
                return done
            _renew(session, storm, now)
    return most


def _renew(session: Session, storm: Any, now: datetime) -> None:
    who = {
        "organization": storm.organization_id,
        "user": storm.user_id,
        "channel": storm.channel_id,
    }
    own = storm.user_id is not None
    fresh = list(session.scalars(_SETTLE[own], who | {"now": now}))
    gathered = session.execute(_GATHERED[own], who | {"began": storm.began_at}).all()
    told = bool(fresh and gathered) and _tell(session, storm, gathered, min(fresh), now)
    calm = session.scalar(_RATE[own], who | {"since": now - WITHIN, "most": CALM + 1}) <= CALM
    session.execute(
        _RENEW,
        {
            "id": storm.id,
            "due": now + RENEWED,
            "told": now if told else None,
            "messages": int(told),
            "pages": len(fresh),
            "ended": now if calm else None,
        },
    )


def _tell(session: Session, storm: Any, gathered: Any, priority: int, now: datetime) -> bool:
    """Owe the storm's message to its recipient."""
    found = crew(session, storm.organization_id)
    channels, language, zone = _reach(found, storm, priority)
    first = gathered[0]
    counts: dict[int, int] = {}
    for alert in gathered:
        counts[alert.priority] = counts.get(alert.priority, 0) + 1
    message = letters.storm(
        language,
        organization=found.name,
        place=_place(gathered) or found.name,
        counts=counts,
        first=first.message,
        since=first.raised_at.astimezone(zone).strftime("%H:%M"),
        path=f"/storms/{storm.id}",
    )
    notice = Notice(
        storm.organization_id,
        None,
        "storm",
        f"{storm.id}/{storm.messages + 1}",
        priority,
        Message(message.subject, message.body | {"storm_id": str(storm.id)}),
    )
    return outbox.owe(session, notice, channels, now) > 0


def _reach(found: Crew, storm: Any, priority: int) -> tuple[list[uuid.UUID], str, Any]:
    person = found.people.get(storm.user_id) if storm.user_id else None
    if person is None:
        mine = [channel.id for channel in found.shared if channel.id == storm.channel_id]
        return mine, "en", found.zone
    return [channel.id for channel in pick(person, "own", priority)], person.language, person.zone


def _place(gathered: Any) -> str:
    """Where all of it is: one well, one lease; empty when it is more than that."""
    for name in ("well", "lease"):
        names = {getattr(alert, name) for alert in gathered}
        if len(names) == 1 and None not in names:
            return str(names.pop())
    return ""
