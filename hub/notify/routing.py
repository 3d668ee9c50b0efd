"""Who is told of an alert: the one door between what happens to alerts and the messages owed.

The first step of a policy is taken here, in the transaction that raised the alert, so that nothing
lies between the two; every further step is a row that falls due (`hub.notify.escalation`).
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.notify import outbox, policies, runs, telling
from hub.notify.outbox import Notice
from hub.notify.people import crew

_STOP: Final = text(
    """
    UPDATE escalation_runs SET due_at = NULL, ended_at = :now, end_reason = 'stopped'
    WHERE alert_id = :alert AND ended_at IS NULL
    """
)
_FORGET_LATER: Final = text(
    "UPDATE pages SET done_at = :now"
    " WHERE alert_id = :alert AND done_at IS NULL AND due_at IS NOT NULL"
)


def page(session: Session, notice: Notice, now: datetime) -> int:
    """Begin to tell people that an alert was raised or got worse; gives how many messages are owed
    now.

    A worse level begins the policy anew, with what holds for its priority.
    """
    assert notice.alert_id is not None, "a page is about an alert"
    found = crew(session, notice.organization_id)
    chosen = runs.choose(session, notice)
    due = policies.first(chosen.policy, notice.priority, now, found.zone)
    if due is None or due.at > now:
        told = telling.shared(session, notice, now)  # whose hours it is not waits for them
        runs.begin(session, notice, chosen, due, now, pages=told)
        return told
    told = telling.step(session, notice, chosen, due.place, now, begins=True)
    after = policies.following(chosen.policy, due.place, notice.priority, now, found.zone)
    runs.begin(session, notice, chosen, after, now, pages=told)
    return told


def follow_up(session: Session, notice: Notice, now: datetime) -> int:
    """Tell those who were told that it was raised what became of it; gives how many."""
    return outbox.follow_up(session, notice, now)


def stop(session: Session, alert_id: uuid.UUID, now: datetime) -> int:
    """Tell nobody more of an alert: somebody took it up, or it is over; gives how many were spared.

    The caller holds the alert's row lock. Whoever takes a step holds that lock, too, or passes the
    run over: nothing waits here for anybody who waits for us.
    """
    session.execute(_STOP, {"alert": alert_id, "now": now})
    session.execute(_FORGET_LATER, {"alert": alert_id, "now": now})
    return outbox.withdraw(session, alert_id, now)
