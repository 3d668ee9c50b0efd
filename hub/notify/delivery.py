"""Delivers what stands in the outbox, at least once, never after somebody has taken the alert on.

For each notification that is due:

1. Claim it: lock the row, passing over rows that other workers hold. A lease that has run out is
   due again: its worker is gone, and nobody knows whether the message went out.
2. In the same transaction lock the alert against change and look whether it is still worth telling.
   If somebody acknowledged it, or it was closed, the notification is cancelled here.
3. Write the attempt as "started" and the lease, and commit. From here the message counts as begun:
   an acknowledgement commits either before step 2, and cancels, or after this.
4. Call the provider, holding no lock. A crash here leaves the lease to run out; the next attempt
   carries the same idempotency key, so the receiver can tell a repeat.
5. Write what came of it, unless the lease was lost meanwhile: sent, or due again after a while, or
   failed for good. A channel that failed for good is marked broken until a person mends it.
"""

from __future__ import annotations

import logging
import os
import random
import socket
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Engine, Row, text
from sqlalchemy.orm import Session

from hub.notify import outbox
from hub.notify.channels import Parcel, Sender, Taken, TransportError, email, webhook
from hub.schema import AlertEvent
from hub.settings import HubSettings

LOG = logging.getLogger(__name__)

LEASE: Final = timedelta(seconds=60)
FIRST_RETRY_S: Final = 5.0
LONGEST_RETRY_S: Final = 600.0
WAIT_FOR_RAISE: Final = timedelta(seconds=5)

SENDERS: Final[Mapping[str, Sender]] = {"email": email.send, "webhook": webhook.send}


@dataclass(frozen=True, slots=True)
class _Claim:
    """A notification this worker has begun to send."""

    id: uuid.UUID
    organization_id: uuid.UUID
    attempt: int
    channel_kind: str
    parcel: Parcel


_DUE = text(
    """
    SELECT id, organization_id, alert_id, channel_id, kind, idempotency_key, subject, body,
           state, attempts, expires_at
    FROM notifications
    WHERE (state = 'queued' AND not_before <= :now) OR (state = 'leased' AND lease_until <= :now)
    ORDER BY not_before
    LIMIT 1
    FOR UPDATE SKIP LOCKED
    """
)

_ALERT = text("SELECT ack, closed_at, retracted_at FROM alerts WHERE id = :id FOR SHARE")

_CHANNEL = text(
    """
    SELECT c.kind, c.address, c.secret,
           c.enabled AND m.ended_at IS NULL AND u.disabled_at IS NULL AS enabled
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
    WHERE alert_id = :alert AND channel_id = :channel AND kind IN ('raised', 'level')
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
        (organization_id, notification_id, number, worker, started_at, outcome)
    VALUES (:organization, :id, :attempt, :worker, :now, 'started')
    """
)

_LOST = text(
    """
    UPDATE notification_attempts
    SET ended_at = :now, outcome = 'unknown', detail = 'The worker did not come back.'
    WHERE notification_id = :id AND number = :attempt AND outcome = 'started'
    """
)

_STATE = text("UPDATE notifications SET state = :state WHERE id = :id")

_STILL_OURS = text(
    """
    SELECT id FROM notifications
    WHERE id = :id AND state = 'leased' AND lease_owner = :worker AND attempts = :attempt
    FOR UPDATE
    """
)

_SETTLE = text(
    """
    UPDATE notifications
    SET state = :state, not_before = :not_before, lease_until = NULL,
        sent_at = CASE WHEN :state = 'sent' THEN :now ELSE sent_at END
    WHERE id = :id
    """
)

_OUTCOME = text(
    """
    UPDATE notification_attempts
    SET ended_at = :now, outcome = :outcome, provider_id = :provider_id, detail = :detail
    WHERE notification_id = :id AND number = :attempt
    """
)

_BREAK = text(
    """
    UPDATE contact_channels SET broken_at = :now, fault = :fault
    WHERE id = :channel AND broken_at IS NULL
    RETURNING id
    """
)

_MEND = text(
    "UPDATE contact_channels SET broken_at = NULL, fault = NULL"
    " WHERE id = :channel AND broken_at IS NOT NULL"
)


def deliver_due(
    engine: Engine,
    settings: HubSettings,
    now: datetime | None = None,
    *,
    worker: str | None = None,
    most: int = 100,
) -> int:
    """Send what is due, one after the other; gives how many were looked at.

    `engine` acts as the work role. Any number of threads and processes may do this at once.
    """
    name = worker or worker_name()
    for done in range(most):
        with Session(engine) as session, session.begin():
            moment = now or datetime.now(UTC)
            found = session.execute(_DUE, {"now": moment}).one_or_none()
            claim = found and _claim(session, settings, found, name, moment)
        if found is None:
            return done
        if claim:
            _deliver(engine, settings, claim, name, now)
    return most


def worker_name() -> str:
    """Names this thread of this process on this machine."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"


def _claim(
    session: Session,
    settings: HubSettings,
    due: Row[tuple[object, ...]],
    worker: str,
    now: datetime,
) -> _Claim | None:
    """Steps 1 to 3; None when there is nothing to send after all."""
    if due.state == "leased":
        session.execute(_LOST, {"id": due.id, "attempt": due.attempts, "now": now})
    if due.expires_at is not None and due.expires_at <= now:
        _give_up(session, due)
        return None
    channel = session.execute(_CHANNEL, {"id": due.channel_id}).one()
    if not _worth_telling(session, due, now, enabled=bool(channel.enabled)):
        return None
    attempt = due.attempts + 1
    mark = {"id": due.id, "worker": worker, "attempt": attempt}
    session.execute(_LEASE, mark | {"until": now + LEASE})
    session.execute(_START, mark | {"organization": due.organization_id, "now": now})
    parcel = Parcel(
        due.channel_id,
        channel.address,
        channel.secret,
        due.alert_id,
        due.kind,
        due.idempotency_key,
        due.subject,
        due.body,
        settings.web.public_url + str(due.body.get("path") or f"/alerts/{due.alert_id}"),
    )
    return _Claim(due.id, due.organization_id, attempt, channel.kind, parcel)


def _worth_telling(
    session: Session, due: Row[tuple[object, ...]], now: datetime, *, enabled: bool
) -> bool:
    """Whether it should still go out; cancels it, or puts it off, if not."""
    if not enabled:
        session.execute(_STATE, {"id": due.id, "state": "cancelled"})
        return False
    if due.alert_id is None:
        return True
    if due.kind in {"cleared", "retracted"}:
        return _follows_a_sent_raise(session, due, now)
    alert = session.execute(_ALERT, {"id": due.alert_id}).one()
    if alert.ack == "acked" or alert.closed_at is not None:
        session.execute(_STATE, {"id": due.id, "state": "cancelled"})
        return False
    return True


def _follows_a_sent_raise(session: Session, due: Row[tuple[object, ...]], now: datetime) -> bool:
    """Whoever never heard of an alert is not told that it is over."""
    states = set(session.scalars(_RAISE_STATES, {"alert": due.alert_id, "channel": due.channel_id}))
    if states & {"queued", "leased"}:
        outbox.requeue(session, due.id, now + WAIT_FOR_RAISE)
        return False
    if not states & {"sent", "delivered"}:
        session.execute(_STATE, {"id": due.id, "state": "cancelled"})
        return False
    return True


def _give_up(session: Session, due: Row[tuple[object, ...]]) -> None:
    session.execute(_STATE, {"id": due.id, "state": "dead"})
    _tell(session, due.organization_id, due.alert_id, "undelivered", due.subject)


def _deliver(
    engine: Engine, settings: HubSettings, claim: _Claim, worker: str, now: datetime | None
) -> None:
    """Steps 4 and 5."""
    outcome: Taken | TransportError
    try:
        outcome = SENDERS[claim.channel_kind](claim.parcel, settings)
    except TransportError as fault:
        outcome = fault
    except Exception as fault:
        LOG.exception("sending notification %s failed", claim.id)
        outcome = TransportError(f"{type(fault).__name__}: {fault}")
    with Session(engine) as session, session.begin():
        _settle(session, claim, worker, outcome, now or datetime.now(UTC))


def _settle(
    session: Session, claim: _Claim, worker: str, outcome: Taken | TransportError, now: datetime
) -> None:
    mark = {"id": claim.id, "attempt": claim.attempt, "now": now}
    ours = session.execute(_STILL_OURS, mark | {"worker": worker}).one_or_none()
    told: dict[str, str | None]
    if isinstance(outcome, Taken):
        told = {"provider_id": outcome.provider_id, "detail": outcome.detail, "outcome": "sent"}
        session.execute(_OUTCOME, mark | told)
        session.execute(_MEND, {"channel": claim.parcel.channel_id})
        state, later = "sent", now
    else:
        kind = "permanent" if outcome.permanent else "transient"
        told = {"provider_id": None, "detail": str(outcome), "outcome": kind}
        session.execute(_OUTCOME, mark | told)
        state = "failed" if outcome.permanent else "queued"
        later = now + timedelta(seconds=retry_delay_s(claim.attempt, outcome.retry_after_s))
        LOG.warning("notification %s: %s: %s", claim.id, kind, outcome)
    if ours is not None:
        session.execute(_SETTLE, mark | {"state": state, "not_before": later})
    if state == "failed":
        _break(session, claim, str(outcome), now)


def _break(session: Session, claim: _Claim, fault: str, now: datetime) -> None:
    mark = {"channel": claim.parcel.channel_id, "fault": fault, "now": now}
    session.execute(_BREAK, mark)
    note = f"{claim.parcel.address}: {fault}"
    _tell(session, claim.organization_id, claim.parcel.alert_id, "undelivered", note)


def _tell(
    session: Session, organization: uuid.UUID, alert: uuid.UUID | None, kind: str, note: str
) -> None:
    if alert is not None:
        session.add(AlertEvent(organization_id=organization, alert_id=alert, kind=kind, note=note))


def retry_delay_s(attempt: int, asked_for_s: float | None = None) -> float:
    """How long to wait after an attempt: 5 s, 10 s, … 10 min, give or take a fifth.

    The spread keeps many messages from hitting a recovering server at the same moment.
    """
    usual = min(FIRST_RETRY_S * 2.0 ** min(attempt - 1, 16), LONGEST_RETRY_S)
    spread = usual * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, guards nothing
    return max(min(spread, LONGEST_RETRY_S), asked_for_s or 0.0)
