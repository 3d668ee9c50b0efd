"""One alert's story: the five instants that matter, the messages sent, and every event."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.alerts.lifecycle import EVENTS
from hub.console.standing import AlertRow
from hub.schema import (
    AlertEvent,
    ContactChannel,
    IngestBatch,
    Notification,
    NotificationAttempt,
    Tag,
    User,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One instant of the story; `at` is None while it has not come."""

    title: str
    at: datetime | None
    note: str
    since: timedelta | None  #: since the step before it
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at delivering a message."""

    number: int
    started_at: datetime
    ended_at: datetime | None
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one channel, and what became of it."""

    kind: str
    channel: str
    address: str
    person: str | None
    state: str
    created_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the alert's record."""

    at: datetime
    event_time: datetime | None
    words: str
    actor: str | None
    note: str


@dataclass(frozen=True, slots=True)
class Story:
    """Everything there is to tell of an alert."""

    steps: tuple[Step, ...]
    messages: tuple[Message, ...]
    events: tuple[Event, ...]


def story(session: Session, alert_id: uuid.UUID, row: AlertRow) -> Story:
    """Read the story of one alert."""
    messages = _messages(session, alert_id)
    arrived = _arrived(session, row)
    return Story(tuple(_steps(row, arrived, messages)), messages, _events(session, alert_id))


def _arrived(session: Session, row: AlertRow) -> datetime | None:
    """When the reading that began it reached the hub, by the ledger."""
    agent = session.scalar(select(Tag.agent_id).where(Tag.id == row.tag_id))
    midnight = row.raised_at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return session.scalar(
        select(func.min(IngestBatch.received_at)).where(
            IngestBatch.agent_id == agent,
            IngestBatch.day == midnight,
            IngestBatch.from_time <= row.raised_at,
            IngestBatch.to_time >= row.raised_at,
            IngestBatch.received_at <= row.detected_at,
        )
    )


def _steps(row: AlertRow, arrived: datetime | None, messages: Sequence[Message]) -> list[Step]:
    sent = [message.sent_at for message in messages if message.sent_at is not None]
    happened = "on site, by the gauge's own time"
    told = f"{len(sent)} of {len(messages)} messages" if messages else "nobody was to be told"
    said = " · ".join(word for word in (row.acked_by, row.ack_note) if word)
    delivered = [m.delivered_at for m in messages if m.delivered_at is not None]
    steps: list[tuple[str, datetime | None, str, str]] = [
        ("Happened", row.raised_at, happened, row.severity.tone),
        ("Reached the hub", arrived, "with the message that holds the reading", ""),
        ("Judged", row.detected_at, "recorded, and messages queued", ""),
        ("Sent", min(sent, default=None), told, ""),
        ("Delivered", min(delivered, default=None), "as the provider or the mailbox says", ""),
        ("Seen", row.seen_at, "first opened by a person" if row.seen_at else "nobody has yet", ""),
        ("Acknowledged", row.acked_at, said or "nobody has yet", ""),
        ("Arrived on site", row.arrived_at, _expected(row), ""),
    ]
    if row.frozen_since is not None:
        steps.append(("No data since", row.frozen_since, "how it stands is not known", "warning"))
    ended = "on site, by the gauge's own time" if row.cleared_at else "it still stands"
    steps.append(("Cleared", row.cleared_at, ended, ""))
    return _timed(steps)


def _expected(row: AlertRow) -> str:
    if row.arrived_at is None and row.eta is not None:
        return f"expected {row.eta:%H:%M} UTC"
    return "a person said so" if row.arrived_at else "nobody has said so"


def _timed(steps: Sequence[tuple[str, datetime | None, str, str]]) -> list[Step]:
    """Add to each step how long after the last known one it came."""
    timed: list[Step] = []
    before: datetime | None = None
    for title, at, note, tone in steps:
        since = at - before if at is not None and before is not None and at >= before else None
        timed.append(Step(title, at, note, since, tone))
        before = at or before
    return timed


def _messages(session: Session, alert_id: uuid.UUID) -> tuple[Message, ...]:
    listed = (
        select(Notification, ContactChannel.kind, ContactChannel.address, User.name)
        .join(ContactChannel, ContactChannel.id == Notification.channel_id)
        .outerjoin(User, User.id == ContactChannel.user_id)
        .where(Notification.alert_id == alert_id)
        .order_by(Notification.created_at, Notification.id)
    )
    rows = session.execute(listed).all()
    tried = _attempts(session, [row[0].id for row in rows])
    return tuple(
        Message(
            note.kind,
            channel,
            address,
            person,
            note.state,
            note.created_at,
            note.sent_at,
            note.delivered_at,
            tuple(tried.get(note.id, ())),
        )
        for note, channel, address, person in rows
    )


def _attempts(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Attempt]]:
    listed = (
        select(NotificationAttempt)
        .where(NotificationAttempt.notification_id.in_(ids))
        .order_by(NotificationAttempt.number)
    )
    found: dict[uuid.UUID, list[Attempt]] = {}
    for row in session.scalars(listed):
        attempt = Attempt(row.number, row.started_at, row.ended_at, row.outcome, row.detail or "")
        found.setdefault(row.notification_id, []).append(attempt)
    return found


def _events(session: Session, alert_id: uuid.UUID) -> tuple[Event, ...]:
    listed = (
        select(AlertEvent, User.name)
        .outerjoin(User, User.id == AlertEvent.actor)
        .where(AlertEvent.alert_id == alert_id)
        .order_by(AlertEvent.id)
    )
    return tuple(
        Event(event.at, event.event_time, _said(event.kind, event.after), name, event.note or "")
        for event, name in session.execute(listed)
    )


def _said(kind: str, after: dict[str, Any] | None) -> str:
    words = EVENTS.get(kind, kind.replace("_", " "))
    level = (after or {}).get("level") if kind == "level" else None
    return f"{words} to {level}" if level else words
