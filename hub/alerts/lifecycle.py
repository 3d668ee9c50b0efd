"""The life of an alert: what people say and do to it, kept with who, when and through which door.

The moves themselves are decided in `hub.alerts.axes`; here they are read from and written to rows,
with their events, under the row's lock, and what waits to be sent is stopped in the same
transaction. Telling people anew is left to the work process (`upkeep.tell_due`), which sees what is
due within a second.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hub.alerts import axes, holds
from hub.alerts.axes import Axes, IsaState, Move, RefusedError, Terms
from hub.errors import HubError
from hub.notify import routing
from hub.schema import Alert, AlertEvent, AlertHold, AlertPriority

#: Every kind of event of an alert, in words.
EVENTS: Final = {
    "raised": "began",
    "held": "not told yet: the site is still sending what it kept, which may show that it is over",
    "announced": "announced: it was known only afterwards, and still stands",
    "level": "changed its level",
    "cleared": "back to normal",
    "seen": "first seen by a person",
    "opened": "the link in a message was opened, by a person or by a program that looks at mail",
    "acknowledged": "acknowledged",
    "unacknowledged": "asks again: the acknowledgement was taken back",
    "ack_lapsed": "asks again: it still stands, and the acknowledgement was for a time only",
    "arrived": "somebody arrived on site",
    "commented": "commented",
    "reset": "reset",
    "closed": "closed",
    "shelved": "shelved",
    "unshelved": "taken off the shelf",
    "shelf_over": "back from the shelf: its time was over",
    "shelf_passed": "back from the shelf: it got worse",
    "suppressed": "suppressed: another alarm explains it",
    "released": "no longer suppressed",
    "out_of_service": "out of service",
    "in_service": "in service again",
    "told_again": "told again: it still stands",
    "first_out": "another alarm began before it",
    "to_review": "critical and known only afterwards: somebody has to look into it",
    "reviewed": "looked into",
    "digest": "told what was learned of the time in which the link was down",
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


# -------------------------------------------------------------------------------- acknowledgement


def acknowledge(
    session: Session,
    alert_id: uuid.UUID,
    user_id: uuid.UUID | None,
    note: str | None = None,
    now: datetime | None = None,
    *,
    via: str = "console",
    eta: datetime | None = None,
) -> Acknowledged:
    """A person takes an alert on: what is still queued about it is cancelled with it.

    Doing it again changes nothing. The condition stays as it is; an alert whose condition is normal
    again closes. With `eta`, when that person expects to be there, the acknowledgement holds until
    half an hour after. Raises `UnknownAlertError`.
    """
    moment, alert = now or datetime.now(UTC), locked(session, alert_id)
    before = Axes.of(alert)
    move = axes.acknowledge(before, moment, terms(session, alert), eta)
    if move.axes == before:
        return Acknowledged(changed=False, cancelled=0)
    alert.acked_at, alert.acked_by, alert.ack_note = moment, user_id, note
    alert.ack_via, alert.eta = via, eta
    _first_sight(alert, user_id, moment)
    after = {"via": via} | ({"eta": eta.isoformat()} if eta else {})
    write(session, alert, "acknowledged", None, actor=user_id, note=note, after=after)
    return Acknowledged(changed=True, cancelled=put(session, alert, move, moment))


def unacknowledge(
    session: Session,
    alert_id: uuid.UUID,
    user_id: uuid.UUID | None,
    note: str | None = None,
    now: datetime | None = None,
) -> bool:
    """A person gives an alert back: it asks again, and people are told; gives whether it changed.

    Raises `UnknownAlertError`.
    """
    moment, alert = now or datetime.now(UTC), locked(session, alert_id)
    move = axes.unacknowledge(Axes.of(alert), moment)
    return _ask_again(session, alert, move, moment, "unacknowledged", actor=user_id, note=note)


def lapse(session: Session, alert: Alert, now: datetime) -> bool:
    """The time of a locked alert's acknowledgement is over; gives whether it asks again."""
    return _ask_again(session, alert, axes.lapse(Axes.of(alert), now), now, "ack_lapsed")


def _ask_again(
    session: Session, alert: Alert, move: Move, now: datetime, kind: str, **said: Any
) -> bool:
    asks = alert.ack == "acked" and move.axes.ack == "unacked"
    if asks:
        write(session, alert, kind, None, **said)
    put(session, alert, move, now)
    return asks


def see(session: Session, alert: Alert, user_id: uuid.UUID, now: datetime) -> None:
    """Note the first time a person saw an alert: from then on somebody knew."""
    if _first_sight(alert, user_id, now):
        write(session, alert, "seen", None, actor=user_id)


def _first_sight(alert: Alert, user_id: uuid.UUID | None, now: datetime) -> bool:
    if alert.seen_at is not None:
        return False
    alert.seen_at, alert.seen_by = now, user_id
    return True


def arrive(
    session: Session,
    alert_id: uuid.UUID,
    user_id: uuid.UUID,
    at: datetime | None = None,
    note: str | None = None,
) -> bool:
    """A person says that somebody is on site; gives whether it was news."""
    moment, alert = at or datetime.now(UTC), locked(session, alert_id)
    if alert.arrived_at is not None:
        return False
    alert.arrived_at, alert.arrived_by = moment, user_id
    alert.row_version += 1
    write(session, alert, "arrived", moment, actor=user_id, note=note)
    session.flush()
    return True


def review(
    session: Session,
    alert_id: uuid.UUID,
    user_id: uuid.UUID,
    note: str | None = None,
    now: datetime | None = None,
) -> bool:
    """A person has looked into a critical alert that was known only afterwards."""
    moment, alert = now or datetime.now(UTC), locked(session, alert_id)
    if not alert.to_review or alert.reviewed_at is not None:
        return False
    alert.reviewed_at, alert.reviewed_by = moment, user_id
    alert.row_version += 1
    write(session, alert, "reviewed", None, actor=user_id, note=note)
    session.flush()
    return True


# ----------------------------------------------------------------------------- latch and the shelf


def reset(
    session: Session,
    alert_id: uuid.UUID,
    user_id: uuid.UUID,
    note: str | None = None,
    now: datetime | None = None,
) -> None:
    """A person resets a latched alert that is over; it closes.

    Raises `UnknownAlertError`, `RefusedError`.
    """
    moment, alert = now or datetime.now(UTC), locked(session, alert_id)
    move = axes.reset(Axes.of(alert))
    if alert.ack == "unacked":
        alert.acked_at, alert.acked_by, alert.ack_note = moment, user_id, note
    write(session, alert, "reset", None, actor=user_id, note=note)
    put(session, alert, move, moment)


def shelve(
    session: Session,
    alert_id: uuid.UUID,
    user_id: uuid.UUID,
    until: datetime,
    reason: str,
    now: datetime | None = None,
    *,
    via: str = "console",
) -> int:
    """Put an alarm aside for a time, whichever episode of it; gives how many messages were spared.

    Raises `UnknownAlertError`, and `RefusedError` where the priority allows no such shelf.
    """
    moment, alert = now or datetime.now(UTC), locked(session, alert_id)
    if not reason.strip():
        raise RefusedError("Say why the alarm is shelved; whoever finds it on the shelf will ask.")
    move = axes.shelve(
        Axes.of(alert), moment, until, terms(session, alert), role_of(session, alert, user_id)
    )
    holds.end_shelves(session, alert, user_id, moment)
    session.add(
        AlertHold(
            organization_id=alert.organization_id,
            kind="shelf",
            dedup_key=alert.dedup_key,
            priority=alert.priority,
            since=moment,
            until=until,
            reason=reason.strip(),
            created_by=user_id,
            updated_by=user_id,
        )
    )
    alert.shelved_by, alert.shelf_reason = user_id, reason.strip()
    _first_sight(alert, user_id, moment)
    after = {"until": until.isoformat(), "via": via, "time": move.axes.shelf_count}
    write(session, alert, "shelved", None, actor=user_id, note=reason.strip(), after=after)
    return put(session, alert, move, moment)


def unshelve(
    session: Session,
    alert_id: uuid.UUID,
    user_id: uuid.UUID | None,
    note: str | None = None,
    now: datetime | None = None,
    *,
    kind: str = "unshelved",
) -> bool:
    """Take an alarm off the shelf; what still stands is told; gives whether it was shelved.

    Raises `UnknownAlertError`.
    """
    moment, alert = now or datetime.now(UTC), locked(session, alert_id)
    if alert.shelved_until is None:
        return False
    take_off_shelf(session, alert, moment, kind, actor=user_id, note=note)
    return True


def take_off_shelf(
    session: Session,
    alert: Alert,
    now: datetime,
    kind: str,
    *,
    actor: uuid.UUID | None = None,
    note: str | None = None,
) -> None:
    """End the shelf of a locked alert for the reason that `kind` of event names."""
    move = axes.unshelve(Axes.of(alert), now)
    holds.end_shelves(session, alert, actor, now)
    write(session, alert, kind, None, actor=actor, note=note)
    put(session, alert, move, now)


# -------------------------------------------------------------------------------------- by the hub


def isa_state(alert: Alert, now: datetime) -> IsaState:
    """The alert's state in the letters of ISA-18.2; see `axes.isa_state`."""
    return axes.isa_state(Axes.of(alert), now)


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
    alert.closed_at, alert.tell_at, alert.ack_until = now, None, None
    alert.row_version += 1
    write(session, alert, kind, None)
    routing.stop(session, alert.id, now)
    session.flush()


# ----------------------------------------------------------------------------------- rows and axes


def locked(session: Session, alert_id: uuid.UUID) -> Alert:
    """One alert, as it is now, under its lock; raises `UnknownAlertError`."""
    found = session.scalars(
        select(Alert).where(Alert.id == alert_id).with_for_update(),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if found is None:
        raise UnknownAlertError(f"there is no alert {alert_id}; it may belong to another operator")
    return found


def put(
    session: Session,
    alert: Alert,
    move: Move,
    now: datetime,
) -> int:
    """Write a move's axes to a locked alert and stop what waits; gives how many messages."""
    before = Axes.of(alert)
    for field in fields(Axes):
        if field.name != "closed" and getattr(move.axes, field.name) != getattr(before, field.name):
            setattr(alert, field.name, getattr(move.axes, field.name))
    if move.axes.closed and alert.closed_at is None:
        alert.closed_at = now
        write(session, alert, "closed", None)
    if session.is_modified(alert):
        alert.row_version += 1
    spared = routing.stop(session, alert.id, now) if move.stop else 0
    session.flush()
    return spared


def terms(session: Session, alert: Alert) -> Terms:
    """What the alert's priority means to its operator."""
    said = session.scalars(
        select(AlertPriority).where(
            AlertPriority.organization_id == alert.organization_id,
            AlertPriority.priority == alert.priority,
        )
    ).one_or_none()
    if said is None:
        return axes.TERMS[alert.priority]
    valid = said.ack_valid_for_s
    return Terms(
        said.priority,
        None if valid is None else timedelta(seconds=valid),
        timedelta(seconds=said.longest_shelf_s),
        said.auto_ack_on_clear,
        timedelta(seconds=said.release_grace_s),
    )


_ROLE = text(
    "SELECT role FROM memberships WHERE organization_id = :organization AND user_id = :user"
    " AND ended_at IS NULL"
)


def role_of(session: Session, alert: Alert, user_id: uuid.UUID) -> str:
    """The role of a person with the alert's operator; empty for somebody who is not a member."""
    values = {"organization": alert.organization_id, "user": user_id}
    return session.scalar(_ROLE, values) or ""


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


def dedup_key(organization_id: uuid.UUID, rule_id: uuid.UUID, signal: int | str) -> str:
    """At most one open alert has it; `signal` is the tag, or what else of the rule it is about."""
    return hashlib.sha256(f"{organization_id}|{rule_id}|{signal}".encode()).hexdigest()
