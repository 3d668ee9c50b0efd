"""The life of an alert: what its states and events are, and what people and circumstances do to it.

Six axes are independent of each other: condition, acknowledgement, latch, shelf, suppression,
service. The evaluator moves the condition and never the others; people acknowledge and never move
the condition. The ISA-18.2 state is derived from them.

An alert closes when its condition is normal and it is acknowledged (or nobody was to acknowledge
it). Until then it stands open, and a further episode of the same rule supersedes it.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.errors import HubError
from hub.notify import routing
from hub.schema import Alert, AlertEvent

IsaState = Literal["A", "B", "C", "D", "E", "F", "G"]

#: Every kind of event of an alert, in words.
EVENTS: Final = {
    "raised": "began",
    "announced": "announced: it was known only afterwards, and still stands",
    "level": "changed its level",
    "cleared": "back to normal",
    "acknowledged": "acknowledged",
    "closed": "closed",
    "adjusted": "corrected by readings that came late",
    "reopened": "reopened: readings that came late show that it goes on",
    "retracted": "taken back: readings that came late show that it did not happen",
    "superseded": "closed, because it happened again",
    "frozen": "no good readings: nobody can see how it stands",
    "unfrozen": "good readings again",
    "rule_off": "closed, because its rule was switched off",
    "nobody_to_tell": "nobody was to be told",
    "undelivered": "a message could not be delivered",
}


class UnknownAlertError(HubError):
    """There is no such alert, or it belongs to another operator."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What an acknowledgement did."""

    changed: bool  #: False when it was acknowledged, or closed, before
    cancelled: int  #: messages that were still queued


def acknowledge(
    session: Session,
    alert_id: uuid.UUID,
    user_id: uuid.UUID,
    note: str | None = None,
    now: datetime | None = None,
) -> Acknowledged:
    """A person takes an alert on: what is still queued about it is cancelled with it.

    Doing it again changes nothing. The condition stays as it is; an alert whose condition is normal
    again closes. Raises `UnknownAlertError`.
    """
    moment = now or datetime.now(UTC)
    alert = session.scalars(
        select(Alert).where(Alert.id == alert_id).with_for_update()
    ).one_or_none()
    if alert is None:
        raise UnknownAlertError(f"there is no alert {alert_id}; it may belong to another operator")
    if alert.ack == "acked" or alert.closed_at is not None:
        return Acknowledged(changed=False, cancelled=0)
    alert.ack, alert.acked_at, alert.acked_by, alert.ack_note = "acked", moment, user_id, note
    alert.row_version += 1
    write(session, alert, "acknowledged", None, actor=user_id, note=note)
    if alert.condition == "normal" and not alert.latched:
        alert.closed_at = moment
        write(session, alert, "closed", None)
    cancelled = routing.stop(session, alert.id, moment)
    session.flush()
    return Acknowledged(changed=True, cancelled=cancelled)


def isa_state(alert: Alert, now: datetime) -> IsaState:
    """The alert's state in the letters of ISA-18.2, first match wins.

    G out of service, F suppressed, E shelved, B unacknowledged, C acknowledged, D returned to
    normal unacknowledged, A normal.
    """
    if alert.out_of_service_until is not None and alert.out_of_service_until > now:
        return "G"
    if alert.suppressed_by is not None:
        return "F"
    if alert.shelved_until is not None and alert.shelved_until > now:
        return "E"
    if alert.closed_at is None and (alert.condition != "normal" or alert.latched):
        return "B" if alert.ack == "unacked" else "C"
    return "D" if alert.ack == "unacked" and alert.closed_at is None else "A"


def freeze(session: Session, alert: Alert, since: datetime) -> None:
    """No good readings: the alert neither clears nor pages, and says so."""
    alert.frozen_since = since
    alert.condition = "unknown"
    alert.row_version += 1
    write(session, alert, "frozen", since)


def close(session: Session, alert: Alert, kind: str, now: datetime) -> None:
    """End an alert for a reason outside it (superseded, rule off); nothing more is sent."""
    if alert.condition != "normal":
        alert.condition, alert.frozen_since = "normal", None
        alert.cleared_at = max(alert.raised_at, alert.cleared_at or now)
    alert.closed_at = now
    alert.row_version += 1
    write(session, alert, kind, None)
    routing.stop(session, alert.id, now)
    session.flush()


def write(
    session: Session,
    alert: Alert,
    kind: str,
    event_time: datetime | None,
    *,
    actor: uuid.UUID | None = None,
    note: str | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Append to an alert's events."""
    session.add(
        AlertEvent(
            organization_id=alert.organization_id,
            alert_id=alert.id,
            event_time=event_time,
            kind=kind,
            actor=actor,
            note=note,
            before=before,
            after=after,
        )
    )


def dedup_key(organization_id: uuid.UUID, rule_id: uuid.UUID, tag_id: int) -> str:
    """At most one open alert has it."""
    return hashlib.sha256(f"{organization_id}|{rule_id}|{tag_id}".encode()).hexdigest()
