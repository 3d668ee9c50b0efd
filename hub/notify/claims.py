"""Begins a delivery: looks whether a notification is still worth telling, and picks who sends it.

All of it is one transaction, and all of it comes before the provider is called.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.notify import breakers, failover, links, outbox
from hub.notify.channels import Parcel
from hub.schema import AlertEvent
from hub.settings import HubSettings

LEASE: Final = timedelta(seconds=60)
WAIT_FOR_RAISE: Final = timedelta(seconds=5)
#: From this priority on, what expires is told in a digest and is no failure.
DIGESTED: Final = 3


@dataclass(frozen=True, slots=True)
class Claim:
    """A notification this worker has begun to send."""

    id: uuid.UUID
    organization_id: uuid.UUID
    attempt: int
    channel_kind: str
    provider: str  #: as breakers and attempts name it
    alternatives: tuple[str, ...]  #: others of its kind that were asked less often
    due: Any
    parcel: Parcel


_ALERT = text("SELECT ack, closed_at, retracted_at FROM alerts WHERE id = :id FOR SHARE")

_CHANNEL = text(
    """
    SELECT c.kind, c.address, c.secret, c.user_id, m.role,
           c.enabled AND c.removed_at IS NULL AND m.ended_at IS NULL
               AND u.disabled_at IS NULL AS enabled
    FROM contact_channels c
    LEFT JOIN memberships m
        ON m.organization_id = c.organization_id AND m.user_id = c.user_id
    LEFT JOIN users u ON u.id = c.user_id
    WHERE c.id = :id
    """
)

_RAISE_STATES = text(
    """
    SELECT DISTINCT state FROM notifications
    WHERE alert_id = :alert AND channel_id = :channel AND kind NOT IN ('cleared', 'retracted')
    """
)

_LEASE = text(
    """
    UPDATE notifications
    SET state = 'leased', lease_owner = :worker, lease_until = :until, attempts = :attempt
    WHERE id = :id
    """
)

_START = text(
    """
    INSERT INTO notification_attempts
        (organization_id, notification_id, number, worker, started_at, outcome, provider)
    VALUES (:organization, :id, :attempt, :worker, :now, 'started', :provider)
    """
)

_LOST = text(
    """
    UPDATE notification_attempts
    SET ended_at = :now, outcome = 'unknown', error_class = 'lost',
        detail = 'The worker did not come back.'
    WHERE notification_id = :id AND number = :attempt AND outcome = 'started'
    """
)

_STATE = text("UPDATE notifications SET state = :state, fault = :fault WHERE id = :id")

_TRIED = text(
    "SELECT provider, count(*) FROM notification_attempts WHERE notification_id = :id GROUP BY 1"
)


def claim(
    session: Session, settings: HubSettings, due: Any, worker: str, now: datetime
) -> Claim | None:
    """Begin to send a notification whose row is locked; None when it is not to be sent now."""
    if due.state == "leased":
        session.execute(_LOST, {"id": due.id, "attempt": due.attempts, "now": now})
    if due.expires_at is not None and due.expires_at <= now:
        _expire(session, due)
        return None
    channel = session.execute(_CHANNEL, {"id": due.channel_id}).one()
    if not _worth_telling(session, due, now, enabled=bool(channel.enabled)):
        return None
    picked = _pick(session, settings, due, channel, now)
    if picked is None:
        return None
    attempt = due.attempts + 1
    mark = {"id": due.id, "worker": worker, "attempt": attempt, "now": now}
    session.execute(_LEASE, mark | {"until": now + LEASE})
    session.execute(_START, mark | {"organization": due.organization_id, "provider": picked[0]})
    parcel = _parcel(session, settings, due, channel, picked[0])
    return Claim(
        due.id, due.organization_id, attempt, channel.kind, picked[0], picked[1], due, parcel
    )


def _parcel(
    session: Session, settings: HubSettings, due: Any, channel: Any, provider: str
) -> Parcel:
    token, code = links.make(session, settings.secret_key, due, channel)
    public = settings.web.public_url
    asks = links.answerable(due, channel.role)
    return Parcel(
        due.channel_id,
        channel.address,
        channel.secret,
        due.alert_id,
        due.kind,
        due.idempotency_key,
        due.subject,
        due.body,
        public + str(due.body.get("path") or f"/alerts/{due.alert_id}"),
        answer=f"{public}/m/{token}" if asks else None,
        code=code,
        token=token,
        provider=provider.partition(":")[2],
        attempt=due.attempts + 1,
        is_test=due.is_test,
    )


def _expire(session: Session, due: Any) -> None:
    """What came too late is told in a digest, or, if it was urgent, is a failure that shows."""
    digested = due.priority >= DIGESTED
    state = "expired" if digested else "dead"
    fault = "It was not sent in time." if not digested else "It came too late; a digest tells it."
    session.execute(_STATE, {"id": due.id, "state": state, "fault": fault})
    if not digested:
        tell(session, due, f"{due.subject}: {fault}")


def _worth_telling(session: Session, due: Any, now: datetime, *, enabled: bool) -> bool:
    """Whether it should still go out; cancels it, or puts it off, if not."""
    if not enabled:
        _cancel(session, due, "The channel is off, or the person left.")
        return False
    if due.alert_id is None:
        return True
    if due.kind in links.OVER:
        return _follows_a_sent_raise(session, due, now)
    alert = session.execute(_ALERT, {"id": due.alert_id}).one()
    if alert.ack == "acked" or alert.closed_at is not None:
        _cancel(session, due, None)
        return False
    return True


def _follows_a_sent_raise(session: Session, due: Any, now: datetime) -> bool:
    """Whoever never heard of an alert is not told that it is over."""
    states = set(session.scalars(_RAISE_STATES, {"alert": due.alert_id, "channel": due.channel_id}))
    if states & {"queued", "leased"}:
        outbox.requeue(session, due.id, now + WAIT_FOR_RAISE)
        return False
    if not states & {"sent", "delivered"}:
        _cancel(session, due, None)
        return False
    return True


def _cancel(session: Session, due: Any, fault: str | None) -> None:
    session.execute(_STATE, {"id": due.id, "state": "cancelled", "fault": fault})


def providers(kind: str, channel_id: uuid.UUID, settings: HubSettings) -> tuple[str, ...]:
    """Who can send to a channel of this kind, in the order in which they are asked."""
    if kind == "email":
        return ("mail",)
    if kind == "sms":
        return tuple(f"sms:{one.name}" for one in settings.carriers if one.sms_from)
    if kind == "voice":
        return tuple(f"voice:{one.name}" for one in settings.carriers if one.voice_from)
    return (f"channel:{channel_id}",)


def _pick(
    session: Session, settings: HubSettings, due: Any, channel: Any, now: datetime
) -> tuple[str, tuple[str, ...]] | None:
    """The provider to ask, and those that could be asked next; None when all are left alone."""
    known = providers(channel.kind, due.channel_id, settings)
    if not known:
        fault = "No carrier is set up for SMS or calls; the keeper of this installation can."
        session.execute(_STATE, {"id": due.id, "state": "failed", "fault": fault})
        if not failover.another_way(session, due, now):
            tell(session, due, fault)
        return None
    pauses = breakers.pauses(session, known)
    left_alone = {one: until for one, until in pauses.items() if until > now}
    sound = [one for one in known if one not in left_alone]
    if not sound:
        outbox.requeue(session, due.id, min(left_alone.values()))
        failover.another_way(session, due, now)
        return None
    tried = _tried(session, due.id) if due.attempts and len(sound) > 1 else {}
    best = min(sound, key=lambda one: (tried.get(one, 0), known.index(one)))
    if best in pauses:
        breakers.begin(session, best, now)
    fresher = tuple(one for one in sound if tried.get(one, 0) < tried.get(best, 0) + 1)
    return best, tuple(one for one in fresher if one != best)


def _tried(session: Session, notification: uuid.UUID) -> Mapping[str, int]:
    rows = session.execute(_TRIED, {"id": notification})
    return {str(provider): count for provider, count in rows}


def tell(session: Session, due: Any, note: str) -> None:
    """Let the alert's events say that a message could not be delivered."""
    if due.alert_id is not None:
        session.add(
            AlertEvent(
                organization_id=due.organization_id,
                alert_id=due.alert_id,
                kind="undelivered",
                note=note,
            )
        )
