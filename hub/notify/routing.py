"""Who is told of an alert: the one door between what happens to alerts and the messages owed."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy.orm import Session

from hub.notify import outbox
from hub.notify.outbox import Notice


def page(session: Session, notice: Notice, now: datetime) -> int:
    """Begin to tell people that an alert was raised or got worse; gives how many are told now."""
    return outbox.announce(session, notice, now)


def follow_up(session: Session, notice: Notice, now: datetime) -> int:
    """Tell those who were told that it was raised what became of it; gives how many."""
    return outbox.follow_up(session, notice, now)


def stop(session: Session, alert_id: uuid.UUID, now: datetime) -> int:
    """Tell nobody more of an alert: somebody took it up, or it is over; gives how many were spared.

    The caller holds the alert's row lock.
    """
    return outbox.withdraw(session, alert_id, now)
