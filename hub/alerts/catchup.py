"""An alarm that stands in a backlog waits, for a while, until the site has caught up."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.alerts.announce import HELD_FOR
from hub.alerts.lifecycle import write
from hub.schema import Alert

_HELD: Final = text(
    """
    SELECT count(*) FILTER (WHERE kind = 'held') > count(*) FILTER (WHERE kind = 'announced')
    FROM alert_events WHERE alert_id = :alert AND kind IN ('held', 'announced')
    """
)


def hold(session: Session, alert: Alert, now: datetime) -> None:
    """Put off telling of an alert, from the first time it would have been told of."""
    if alert.tell_at is None:
        alert.tell_at = now + HELD_FOR
        write(session, alert, "held", None, after={"until": alert.tell_at.isoformat()})


def is_held(session: Session, alert: Alert) -> bool:
    """Whether an alert waits because its site was catching up, and for nothing else."""
    if alert.origin != "historical" or alert.announced_level is not None or not alert.tell_at:
        return False
    return bool(session.scalar(_HELD, {"alert": alert.id}))


def release(session: Session, alert: Alert, *, latched: bool) -> None:
    """From now on an alert that was history is told as one of the present."""
    alert.origin, alert.tell_at = "live", None
    alert.latched = alert.latched or latched
    write(session, alert, "announced", None)
