"""Notifications are rows, written in the transaction that changes the alert.

Either both are committed or neither: there is no alert of which nobody was to be told, and no
message about something that did not happen.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hub.notify.messages import Message
from hub.schema import AlertEvent, Notification

#: Wakes the delivering threads of every work process.
WAKE_CHANNEL = "wellflow_deliver"
#: By priority: after this long a message says nothing that the console does not. What expires of
#: priority 3 and 4 is told in the next digest instead.
EXPIRES_AFTER: Final[Mapping[int, timedelta]] = {
    1: timedelta(hours=24),
    2: timedelta(hours=24),
    3: timedelta(hours=2),
    4: timedelta(hours=24),
}
#: Channels whose addresses operators enter: they may be slow, and have deliverers of their own.
ENDPOINTS: Final = frozenset({"webhook", "apprise"})


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to be told, about one alert or, where that is empty, about something else."""

    organization_id: uuid.UUID
    alert_id: uuid.UUID | None
    kind: str  #: raised, level, cleared, retracted; or what else is told: test, digest, …
    occasion: str  #: tells two notices of a kind about one alert apart; about none: from all others
    priority: int
    message: Message


@dataclass(frozen=True, slots=True)
class Terms:
    """How a notice is owed, beside to whom."""

    step: int | None = None  #: of the escalation it belongs to
    not_before: datetime | None = None  #: empty: now
    expires_at: datetime | None = None  #: empty: as the priority says
    is_test: bool = False  #: it only tries the channel
    instead_of: uuid.UUID | None = None  #: the message to another channel that failed


@dataclass(frozen=True, slots=True)
class Addressed:
    """What a channel is, and whose."""

    kind: str
    user_id: uuid.UUID | None  #: None: nobody's own

    @property
    def lane(self) -> str:
        """Which deliverers serve it."""
        return "endpoints" if self.kind in ENDPOINTS else "people"


@dataclass(frozen=True, slots=True)
class _Channel:
    id: uuid.UUID
    broken: bool


_CHANNELS = text(
    """
    SELECT c.id, c.broken_at IS NOT NULL AS broken
    FROM contact_channels c
    LEFT JOIN memberships m
        ON m.organization_id = c.organization_id AND m.user_id = c.user_id
    LEFT JOIN users u ON u.id = c.user_id
    WHERE c.organization_id = :organization
      AND c.enabled
      AND c.worst_priority >= :priority
      AND (c.user_id IS NULL OR (m.ended_at IS NULL AND u.disabled_at IS NULL))
    ORDER BY c.created_at, c.id
    """
)

_TOLD = text(
    """
    SELECT DISTINCT n.channel_id
    FROM notifications n
    WHERE n.alert_id = :alert
      AND n.kind IN ('raised', 'level')
      AND n.state IN ('queued', 'leased', 'sent', 'delivered')
    ORDER BY n.channel_id
    """
)

_WHOSE = text(
    "SELECT id, kind, user_id FROM contact_channels WHERE id = ANY(CAST(:channels AS uuid[]))"
)

_WITHDRAW = text(
    """
    UPDATE notifications SET state = 'cancelled'
    WHERE id IN (
        SELECT n.id FROM notifications n
        WHERE n.alert_id = :alert
          AND n.kind IN ('raised', 'level')
          AND (n.state = 'queued'
               OR (n.state = 'leased' AND n.lease_until < :now))
        FOR UPDATE SKIP LOCKED)
    RETURNING id
    """
)


def announce(session: Session, notice: Notice, now: datetime) -> int:
    """Owe a notice to every channel that is to be told of this priority; gives how many.

    Channels marked broken are left out, unless there is no other: a page that may fail is better
    than none. When nobody at all would be told, the alert's events say so.
    """
    rows = session.execute(
        _CHANNELS, {"organization": notice.organization_id, "priority": notice.priority}
    )
    channels = [_Channel(row.id, row.broken) for row in rows]
    sound = [channel.id for channel in channels if not channel.broken]
    told = sound or [channel.id for channel in channels]
    if not told and notice.alert_id is not None:
        session.add(
            AlertEvent(
                organization_id=notice.organization_id,
                alert_id=notice.alert_id,
                kind="nobody_to_tell",
                note=f"No enabled channel is to be told of priority {notice.priority}.",
            )
        )
    return owe(session, notice, told, now)


def follow_up(session: Session, notice: Notice, now: datetime) -> int:
    """Owe a notice to those who were, or are about to be, told that the alert was raised."""
    told = session.scalars(_TOLD, {"alert": notice.alert_id}).all()
    return owe(session, notice, told, now)


def owe(
    session: Session,
    notice: Notice,
    channels: Sequence[uuid.UUID],
    now: datetime,
    terms: Terms = Terms(),
    whose: Mapping[uuid.UUID, Addressed] | None = None,
) -> int:
    """Write one row per channel; one that stands already is not written again. Gives how many.

    `whose` says what the channels are, where that was read before in this transaction.
    """
    if not channels:
        return 0
    begins = terms.not_before or now
    shared = {
        "organization_id": notice.organization_id,
        "alert_id": notice.alert_id,
        "kind": notice.kind,
        "priority": notice.priority,
        "subject": notice.message.subject,
        "body": notice.message.body,
        "created_at": now,
        "not_before": begins,
        "expires_at": terms.expires_at or begins + EXPIRES_AFTER[notice.priority],
        "step": terms.step,
        "is_test": terms.is_test,
        "instead_of_id": terms.instead_of,
    }
    if whose is None:
        known = session.execute(_WHOSE, {"channels": list(channels)})
        whose = {row.id: Addressed(row.kind, row.user_id) for row in known}
    rows = [
        shared
        | {"channel_id": channel, "user_id": whose[channel].user_id, "lane": whose[channel].lane}
        | {"idempotency_key": idempotency_key(notice, channel)}
        for channel in channels
        if channel in whose
    ]
    return _write(session, rows)


def _write(session: Session, rows: list[dict[str, Any]]) -> int:
    if not rows:
        return 0
    written = session.execute(
        insert(Notification)
        .on_conflict_do_nothing(index_elements=["idempotency_key"])
        .returning(Notification.id, func.pg_notify(WAKE_CHANNEL, "")),
        rows,
    ).all()
    return len(written)


def withdraw(session: Session, alert_id: uuid.UUID, now: datetime) -> int:
    """Cancel what has not begun to be sent about an alert; gives how many.

    The caller holds the alert's row lock. A row that is locked here is being claimed by a worker
    that waits for that same lock, and will see for itself what became of the alert.
    """
    return len(session.execute(_WITHDRAW, {"alert": alert_id, "now": now}).all())


def idempotency_key(notice: Notice, channel: uuid.UUID) -> str:
    """The same for every attempt at one message, and for nothing else."""
    about = notice.alert_id or notice.organization_id
    parts = f"{about}|{notice.kind}|{notice.occasion}|{channel}"
    return hashlib.sha256(parts.encode()).hexdigest()[:40]


def requeue(session: Session, notification_id: uuid.UUID, at: datetime) -> None:
    """Put a notification off without counting an attempt."""
    session.execute(
        update(Notification)
        .where(Notification.id == notification_id)
        .values(state="queued", not_before=at, lease_owner=None, lease_until=None)
    )
