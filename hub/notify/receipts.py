"""What becomes of a message after a provider took it: receipts that come, that tell of failure, or
that do not come; and channels that are given up.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from hub.notify import claims, failover
from hub.notify.carriers import OF_THE_NUMBER
from hub.notify.channels import TransportError

#: Where there is no other way to a person, one that gave no receipt is tried so often.
TRIES: Final = 3

_OVERDUE = text(
    """
    SELECT n.id, n.organization_id, n.alert_id, n.channel_id, n.user_id, n.kind,
           n.idempotency_key, n.subject, n.body, n.state, n.attempts, n.expires_at, n.priority,
           n.is_test, n.step, a.receipt, c.address
    FROM notifications n
    JOIN contact_channels c ON c.id = n.channel_id
    LEFT JOIN notification_attempts a ON a.notification_id = n.id AND a.number = n.attempts
    WHERE n.state = 'sent' AND n.receipt_due_at <= :now
    ORDER BY n.receipt_due_at
    LIMIT 50
    FOR UPDATE OF n SKIP LOCKED
    """
)
_FAILED = text(
    """
    UPDATE notifications
    SET state = :state, receipt_due_at = NULL, fault = :fault, not_before = :now
    WHERE id = :id
    """
)
_BREAK = text(
    """
    UPDATE contact_channels SET broken_at = :now, fault = :fault
    WHERE id = :channel AND broken_at IS NULL
    RETURNING address
    """
)
_REMOVE = text(
    """
    UPDATE contact_channels
    SET enabled = false, removed_at = :now, broken_at = :now, fault = :fault, secret = NULL
    WHERE id = :channel AND removed_at IS NULL
    RETURNING address
    """
)
_ANSWERED = text(
    """
    UPDATE contact_channels
    SET verified_at = coalesce(verified_at, :now), proven_at = :now
    WHERE id = :channel
    """
)
_ARRIVED = text(
    "UPDATE notifications SET state = 'delivered', delivered_at = :now"
    " WHERE id = :id AND state = 'sent'"
)
_WORTH = text("SELECT ack = 'acked' OR closed_at IS NOT NULL FROM alerts WHERE id = :alert")


def settle_overdue(engine: Engine, now: datetime) -> int:
    """Count what gave no receipt in time, or a bad one, as failed; gives how many."""
    with Session(engine) as session, session.begin():
        rows = session.execute(_OVERDUE, {"now": now}).all()
        for row in rows:
            _unreached(session, row, now)
    return len(rows)


def _unreached(session: Session, row: Any, now: datetime) -> None:
    fault = f"The carrier says: {row.receipt}." if row.receipt else "No receipt came in time."
    mark = {"id": row.id, "fault": fault, "now": now}
    over = row.alert_id is not None and session.scalar(_WORTH, {"alert": row.alert_id})
    if over:
        session.execute(_FAILED, mark | {"state": "failed"})
        return
    code = _code(row.receipt)
    if code in OF_THE_NUMBER:
        session.execute(_FAILED, mark | {"state": "failed"})
        said = f"{row.address} {OF_THE_NUMBER[code]}"
        give_up_channel(session, row, TransportError(said, permanent=True), now)
        return
    other = failover.another_way(session, row, now)
    again = not other and not row.is_test and row.attempts < TRIES
    session.execute(_FAILED, mark | {"state": "queued" if again else "failed"})
    if not other and not again:
        claims.tell(session, row, f"{row.address}: {fault}")


def _code(receipt: str | None) -> int:
    last = (receipt or "").rpartition(" ")[2]
    return int(last) if last.isascii() and last.isdigit() and len(last) < 10 else 0


def give_up_channel(
    session: Session, due: Any, fault: TransportError, now: datetime, *, gone: bool = False
) -> None:
    """A channel failed for good: mark it, take the next one, and let people hear of it."""
    mark = {"channel": due.channel_id, "fault": str(fault), "now": now}
    address = session.scalar(_REMOVE if gone else _BREAK, mark)
    other = failover.another_way(session, due, now)
    told = " It was sent to the person's next channel." if other else ""
    claims.tell(session, due, f"{fault}.{told}")
    if address is not None and not due.is_test:
        failover.tell_of_broken(session, due, str(address), str(fault), now)


def proven_by_answer(
    session: Session, channel: uuid.UUID, notification: uuid.UUID, now: datetime
) -> None:
    """A program that took a test well has proven its channel: nobody is there to tap."""
    session.execute(_ANSWERED, {"channel": channel, "now": now})
    session.execute(_ARRIVED, {"id": notification, "now": now})
