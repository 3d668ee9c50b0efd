"""Delivers what stands in the outbox, at least once, never after somebody has taken the alert on.

For each notification that is due, operators taking turns:

1. Claim it: lock the row, passing over rows that other workers hold. A lease that has run out is
   due again: its worker is gone, and nobody knows whether the message went out.
2. In the same transaction lock the alert against change and look whether it is still worth telling.
   If somebody acknowledged it, or it was closed, the notification is cancelled here.
3. Write the attempt as "started" and the lease, and commit. From here the message counts as begun:
   an acknowledgement commits either before step 2, and cancels, or after this.
4. Call the provider, holding no lock. A crash here leaves the lease to run out; the next attempt
   carries the same idempotency key, so the receiver can tell a repeat.
5. Write what came of it, unless the lease was lost meanwhile: sent, or due again after a while, or
   failed for good. A channel that failed for good is marked broken until a person mends it, and the
   same message goes to the person's next channel at once.

A provider that is away is no fault of the channel: another of its kind is asked at once, and after
a few failures it is left alone for a while. A call that broke off may have been heard: it is tried
again under the same key, and no second channel is rung for it.
"""

from __future__ import annotations

import logging
import os
import random
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from hub.notify import breakers, claims, failover, receipts, turns
from hub.notify.channels import (
    GoneError,
    Sender,
    Taken,
    TransportError,
    email,
    push,
    services,
    sms,
    voice,
    webhook,
)
from hub.notify.claims import LEASE, Claim
from hub.notify.turns import LANES, Crew, Lane
from hub.settings import HubSettings

__all__ = ["LEASE", "SENDERS", "deliver_due", "retry_delay_s", "worker_name"]

LOG = logging.getLogger(__name__)

FIRST_RETRY_S: Final = 5.0
LONGEST_RETRY_S: Final = 600.0
#: From this attempt on, the next channel is used beside the one that keeps failing.
SECOND_WAY_AT: Final = 2
URGENT: Final = 2

SENDERS: Final[Mapping[str, Sender]] = {
    "email": email.send,
    "webhook": webhook.send,
    "sms": sms.send,
    "voice": voice.send,
    "push": push.send,
    "apprise": services.send,
}

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
    SET state = :state, not_before = :not_before, lease_until = NULL, fault = :fault,
        receipt_due_at = :receipt_due_at
    WHERE id = :id
    """
)

_SENT_AT = text("UPDATE notifications SET sent_at = :now WHERE id = :id AND sent_at IS NULL")

_OUTCOME = text(
    """
    UPDATE notification_attempts
    SET ended_at = :now, outcome = :outcome, provider_id = coalesce(provider_id, :provider_id),
        detail = :detail, error_class = :error
    WHERE notification_id = :id AND number = :attempt
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
    lane: Lane | None = None,
    crew: Crew | None = None,
    begun: Callable[[], None] = lambda: None,
) -> int:
    """Send what is due, one after the other; gives how many were looked at.

    `engine` acts as the work role. Any number of threads and processes may do this at once. Without
    a `lane` both are served; `crew` keeps one operator from holding every thread of a process.
    `begun` is called before a provider is: there may be more for another thread.
    """
    name = worker or worker_name()
    ours = crew or Crew(size=2)
    done = 0
    for one in (lane,) if lane else LANES:
        while done < most and _turn(engine, settings, one, name, now, ours, begun):
            done += 1
    if lane != "endpoints":
        receipts.settle_overdue(engine, now or datetime.now(UTC))
    return done


def _turn(
    engine: Engine,
    settings: HubSettings,
    lane: Lane,
    worker: str,
    now: datetime | None,
    crew: Crew,
    begun: Callable[[], None],
) -> bool:
    """Take one notification through all five steps; whether there was one."""
    with ExitStack() as held:
        with Session(engine) as session, session.begin():
            moment = now or datetime.now(UTC)
            with crew.choosing() as busy:
                found = turns.next_due(session, lane, moment, busy)
                if found is None:
                    return False
                held.enter_context(crew.serving(found.organization_id))
            claim = claims.claim(session, settings, found, worker, moment)
            turns.served(session, found.organization_id, lane, moment)
        if claim is not None:
            begun()
            _deliver(engine, settings, claim, worker, now)
    return True


def worker_name() -> str:
    """Names this thread of this process on this machine."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"


def _deliver(
    engine: Engine, settings: HubSettings, claim: Claim, worker: str, now: datetime | None
) -> None:
    """Steps 4 and 5."""
    outcome: Taken | TransportError
    try:
        outcome = SENDERS[claim.channel_kind](claim.parcel, settings)
    except TransportError as fault:
        outcome = fault
    except Exception as fault:
        LOG.exception("sending notification %s failed", claim.id)
        outcome = TransportError(f"{type(fault).__name__}: {fault}", error="fault of ours")
    with Session(engine) as session, session.begin():
        moment = now or datetime.now(UTC)
        ours = _still_ours(session, claim, worker)
        if isinstance(outcome, Taken):
            _settle_taken(session, claim, outcome, moment, ours=ours)
        else:
            _settle_refused(session, claim, outcome, moment, ours=ours)


def _still_ours(session: Session, claim: Claim, worker: str) -> bool:
    mark = {"id": claim.id, "attempt": claim.attempt, "worker": worker}
    return session.execute(_STILL_OURS, mark).one_or_none() is not None


def _settle_taken(
    session: Session, claim: Claim, taken: Taken, now: datetime, *, ours: bool
) -> None:
    mark = {"id": claim.id, "attempt": claim.attempt, "now": now}
    told = {"outcome": "sent", "detail": taken.detail, "error": None}
    session.execute(_OUTCOME, mark | told | {"provider_id": taken.provider_id})
    session.execute(_SENT_AT, mark)
    breakers.worked(session, claim.provider, now)
    session.execute(_MEND, {"channel": claim.parcel.channel_id})
    if ours:
        due = None if taken.receipt_within is None else now + taken.receipt_within
        _settle(session, claim, "sent", now, receipt_due_at=due)
    if claim.parcel.is_test and claim.channel_kind == "webhook":
        receipts.proven_by_answer(session, claim.parcel.channel_id, claim.id, now)


def _settle_refused(
    session: Session, claim: Claim, fault: TransportError, now: datetime, *, ours: bool
) -> None:
    outcome = "permanent" if fault.permanent else "unknown" if fault.unknown else "transient"
    told = {"outcome": outcome, "detail": str(fault), "error": fault.error, "provider_id": None}
    mark = {"id": claim.id, "attempt": claim.attempt, "now": now}
    session.execute(_OUTCOME, mark | told)
    LOG.warning("notification %s: %s: %s", claim.id, outcome, fault)
    _count(session, claim, fault, now)
    if fault.permanent:
        if not ours:  # another worker has taken it on since, and finds out for itself
            return
        _settle(session, claim, "failed", now, fault=str(fault))
        receipts.give_up_channel(session, claim.due, fault, now, gone=isinstance(fault, GoneError))
    elif ours:
        _settle(session, claim, "queued", _later(claim, fault, now), fault=str(fault))
        urgent = claim.due.priority <= URGENT and claim.attempt >= SECOND_WAY_AT
        if urgent and not fault.unknown:
            failover.another_way(session, claim.due, now)


def _count(session: Session, claim: Claim, fault: TransportError, now: datetime) -> None:
    """Tell the breaker: our own providers by whose fault it was, others' addresses by any."""
    if fault.at_provider or (claim.provider.startswith("channel:") and not fault.permanent):
        breakers.failed(session, claim.provider, str(fault), now)
    elif fault.permanent:
        breakers.worked(session, claim.provider, now)


def _later(claim: Claim, fault: TransportError, now: datetime) -> datetime:
    """When to try again: at once where another provider of the kind is there."""
    if fault.at_provider and claim.alternatives:
        return now
    return now + timedelta(seconds=retry_delay_s(claim.attempt, fault.retry_after_s))


def _settle(session: Session, claim: Claim, state: str, at: datetime, **more: Any) -> None:
    values = {"fault": None, "receipt_due_at": None} | more
    session.execute(_SETTLE, {"id": claim.id, "state": state, "not_before": at} | values)


def retry_delay_s(attempt: int, asked_for_s: float | None = None) -> float:
    """How long to wait after an attempt: 5 s, 10 s, … 10 min, give or take a fifth.

    The spread keeps many messages from hitting a recovering server at the same moment.
    """
    usual = min(FIRST_RETRY_S * 2.0 ** min(attempt - 1, 16), LONGEST_RETRY_S)
    spread = usual * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, guards nothing
    return max(min(spread, LONGEST_RETRY_S), asked_for_s or 0.0)
