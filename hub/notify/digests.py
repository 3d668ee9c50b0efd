"""What people are told together: at their hour, at the end of their quiet hours, or some seconds
after the first of several.

A digest is a row of its own; whoever writes it sends it. It holds what waited for the person, what
was over before they looked, messages that expired, and what was learned late while a link was down.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from hub.notify import letters, outbox
from hub.notify.letters import DigestLines
from hub.notify.messages import Message
from hub.notify.outbox import Notice
from hub.notify.people import Crew, crew
from hub.notify.preferences import Person, pick
from hub.notify.wallclock import next_at

_DAY: Final = timedelta(days=1)
DIGEST_PRIORITY: Final = 3

#: One person with something due: what is merged is taken person by person.
_WAITING: Final = text(
    """
    SELECT organization_id, user_id FROM pages
    WHERE manner = :manner AND done_at IS NULL AND due_at <= :now AND user_id IS NOT NULL
    GROUP BY 1, 2 ORDER BY min(due_at) LIMIT 50
    """
)
_LOCK: Final = text(
    "SELECT pg_try_advisory_xact_lock(1245922377, hashtext(CAST(:user AS text) || :manner))"
)
_TAKE: Final = text(
    """
    WITH taken AS (
        UPDATE pages SET done_at = :now
        WHERE organization_id = :organization AND user_id = :user AND manner = :manner
          AND done_at IS NULL AND due_at <= :until
        RETURNING alert_id)
    SELECT a.id, a.priority, a.message, a.raised_at, a.ack, a.closed_at, a.condition,
           coalesce(w.name, '') AS place
    FROM alerts a LEFT JOIN wells w ON w.id = a.well_id
    WHERE a.id IN (SELECT alert_id FROM taken)
    ORDER BY a.priority, a.raised_at, a.id
    """
)
_LATE: Final = text(
    """
    SELECT a.message, a.raised_at, coalesce(w.name, '') AS place, a.priority
    FROM alerts a LEFT JOIN wells w ON w.id = a.well_id
    WHERE a.organization_id = :organization AND a.origin = 'historical'
      AND a.detected_at > :since AND a.detected_at <= :now AND a.retracted_at IS NULL
      AND (:role <> 'pumper' OR w.lease_id IN (
            SELECT l.lease_id FROM lease_assignments l
            JOIN memberships m ON m.id = l.membership_id AND m.user_id = :user
            WHERE l.organization_id = :organization
              AND l.from_day <= CAST(:day AS date)
              AND (l.to_day IS NULL OR l.to_day >= CAST(:day AS date))))
    ORDER BY a.priority, a.raised_at LIMIT 200
    """
)
_EXPIRED: Final = text(
    """
    SELECT DISTINCT n.subject, n.created_at FROM notifications n
    WHERE n.organization_id = :organization AND n.user_id = :user
      AND n.state = 'expired' AND n.expires_at > :since AND n.expires_at <= :now
      AND n.kind IN ('raised', 'level')
    ORDER BY n.created_at LIMIT 200
    """
)
_LAST: Final = text(
    "SELECT max(due_at) AS due_at, max(made_at) AS made_at FROM digests"
    " WHERE organization_id = :organization AND user_id = :user"
)
_MADE: Final = text(
    """
    INSERT INTO digests (organization_id, user_id, due_at, from_at, made_at, body)
    VALUES (:organization, :user, :due, :since, :now, CAST(:body AS jsonb))
    ON CONFLICT (organization_id, user_id, due_at) DO NOTHING
    RETURNING id
    """
)
#: Everybody who said how they want to be told, or for whom something waits.
_READERS: Final = text(
    """
    SELECT p.organization_id, p.user_id FROM notify_preferences p
    JOIN memberships m ON m.organization_id = p.organization_id AND m.user_id = p.user_id
        AND m.ended_at IS NULL
    UNION
    SELECT organization_id, user_id FROM pages
    WHERE manner = 'digest' AND done_at IS NULL AND due_at <= :now AND user_id IS NOT NULL
    """
)


def send_bundles(engine: Engine, now: datetime) -> int:
    """Tell of what was gathered for some seconds; gives how many people are told."""
    with Session(engine) as session:
        waiting = session.execute(_WAITING, {"manner": "bundle", "now": now}).all()
    sent = 0
    for row in waiting:
        with Session(engine) as session, session.begin():
            sent += _send_bundle(session, row.organization_id, row.user_id, now)
    return sent


def _send_bundle(session: Session, organization: uuid.UUID, user: uuid.UUID, now: datetime) -> int:
    if not session.scalar(_LOCK, {"user": user, "manner": "bundle"}):
        return 0
    found = crew(session, organization)
    taken = _take(session, organization, user, "bundle", now, until=now + _DAY)
    waits = [alert for alert in taken if alert.closed_at is None and alert.ack == "unacked"]
    person = found.people.get(user)
    if person is None or not waits:
        return 0
    worst = min(alert.priority for alert in waits)
    lines = [_line(alert, person) for alert in waits]
    message = letters.bundle(person.language, organization=found.name, lines=lines)
    occasion = f"{now.isoformat()}/{user}"
    notice = Notice(organization, None, "bundle", occasion, worst, message)
    channels = [channel.id for channel in pick(person, "own", worst)]
    return int(outbox.owe(session, notice, channels, now) > 0)


def send_due(engine: Engine, now: datetime) -> int:
    """Send the digests of everybody whose hour has come; gives how many were sent."""
    with Session(engine) as session:
        readers = session.execute(_READERS, {"now": now}).all()
    sent = 0
    for row in readers:
        with Session(engine) as session, session.begin():
            sent += _send_digest(session, row.organization_id, row.user_id, now)
    return sent


def _send_digest(session: Session, organization: uuid.UUID, user: uuid.UUID, now: datetime) -> int:
    """One person's digest, if something is due for them, or their hour has come."""
    if not session.scalar(_LOCK, {"user": user, "manner": "digest"}):
        return 0
    found = crew(session, organization)
    person = found.people.get(user)
    mark = {"organization": organization, "user": user}
    last = session.execute(_LAST, mark).one()
    taken = _take(session, organization, user, "digest", now, until=now)
    if person is None:
        return 0
    hour = _hour_before(person, now)
    is_hour = last.due_at is None or last.due_at < hour
    if not taken and not is_hour:
        return 0
    since = last.made_at or now - _DAY
    lines = _lines(session, person, mark | {"since": since, "now": now}, taken, is_hour=is_hour)
    times = (hour if is_hour else now, since, now)
    if not lines.total:
        _keep(session, mark, times, {})  # the hour has passed: what comes later waits for the next
        return 0
    message = letters.digest(
        person.language,
        organization=found.name,
        since=_clock(since, person),
        lines=lines,
    )
    return _owe(session, found, person, mark, message, times)


def _owe(
    session: Session,
    found: Crew,
    person: Person,
    mark: dict[str, Any],
    message: Message,
    times: tuple[datetime, datetime, datetime],
) -> int:
    if not _keep(session, mark, times, message.body):
        return 0
    occasion = f"{times[0].isoformat()}/{person.id}"
    notice = Notice(found.id, None, "digest", occasion, DIGEST_PRIORITY, message)
    channels = [channel.id for channel in _readable(person)]
    return int(outbox.owe(session, notice, channels, times[2]) > 0)


def _keep(
    session: Session,
    mark: dict[str, Any],
    times: tuple[datetime, datetime, datetime],
    body: dict[str, Any],
) -> bool:
    """Write that a digest was made; whether nobody else had."""
    due, since, now = times
    values = mark | {"due": due, "since": since, "now": now, "body": json.dumps(body)}
    return session.scalar(_MADE, values) is not None


def _readable(person: Person) -> list[Any]:
    """A digest is long: by mail where there is one, else as for what can wait."""
    mail = [c for c in person.channels if c.kind == "email" and not c.broken]
    return mail[:1] or pick(person, "own", 4)


def _lines(
    session: Session,
    person: Person,
    span: dict[str, Any],
    taken: Sequence[Any],
    *,
    is_hour: bool,
) -> DigestLines:
    waits = [alert for alert in taken if alert.closed_at is None and alert.ack == "unacked"]
    over = [alert for alert in taken if alert not in waits]
    counts: dict[int, int] = {}
    for alert in taken:
        counts[alert.priority] = counts.get(alert.priority, 0) + 1
    expired: Sequence[Any] = ()
    late: Sequence[Any] = ()
    if is_hour:
        day = span["now"].astimezone(person.zone).date()
        expired = session.execute(_EXPIRED, span).all()
        late = session.execute(_LATE, span | {"role": person.role, "day": day}).all()
    return DigestLines(
        waits=[_line(alert, person) for alert in waits],
        over=[_line(alert, person) for alert in over],
        expired=[f"{_clock(row.created_at, person)}  {row.subject}" for row in expired],
        late=[_line(alert, person) for alert in late],
        counts=counts,
    )


def _take(
    session: Session,
    organization: uuid.UUID,
    user: uuid.UUID,
    manner: str,
    now: datetime,
    *,
    until: datetime,
) -> Sequence[Any]:
    values = {
        "organization": organization,
        "user": user,
        "manner": manner,
        "now": now,
        "until": until,
    }
    return session.execute(_TAKE, values).all()


def _hour_before(person: Person, now: datetime) -> datetime:
    """The latest hour of a person's digest that has come."""
    hour = next_at(person.digest_at, now - 2 * _DAY, person.zone)
    while (later := next_at(person.digest_at, hour, person.zone)) <= now:
        hour = later
    return hour


def _line(alert: Any, person: Person) -> str:
    place = f"{alert.place}: " if alert.place else ""
    return f"P{alert.priority}  {_clock(alert.raised_at, person)}  {place}{alert.message}"


def _clock(at: datetime, person: Person) -> str:
    return at.astimezone(person.zone).strftime("%a %H:%M")
