"""The alerts of the scene: what happened, who was told, and what people said to it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.notify.links import hashed, token_of
from hub.notify.messages import letter
from hub.schema import (
    Alert,
    AlertEvent,
    ContactChannel,
    MessageLink,
    Notification,
    NotificationAttempt,
)

if TYPE_CHECKING:
    from tests.browser.scene import Scene

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def tell(session: Session, scene: Scene, now: datetime) -> None:
    """Write the alerts, their events and their notifications."""
    mail, hook = _channels(session, scene)
    burst = _alert(
        session,
        scene,
        ("Bravo 1H", "casing_pressure", "hihi", 1),
        "Casing pressure very high: 1,182 psi, limit 1,100 psi",
        now - 14 * MINUTE,
        setpoint=1100.0,
        value=1101.4,
        extreme=1182.0,
    )
    _sent(session, scene, burst, mail, now - 13 * MINUTE, fails=1)
    _sent(session, scene, burst, hook, now - 13 * MINUTE, fails=0)
    tank = _alert(
        session,
        scene,
        ("Bravo 3H", "tank_level", "hi", 2),
        "Tank level high: 16.2 ft, limit 15.5 ft",
        now - 52 * MINUTE,
        setpoint=15.5,
        value=15.51,
        extreme=16.2,
    )
    _sent(session, scene, tank, mail, now - 51 * MINUTE, fails=0)
    _quieter(session, scene, now)
    _past(session, scene, now)


def _quieter(session: Session, scene: Scene, now: datetime) -> None:
    """One that a person has taken, and one that nobody can see any more."""
    _alert(
        session,
        scene,
        ("Delta 2", "tubing_temperature", "lo", 4),
        "Tubing temperature low: 102.8 °F, limit 105 °F",
        now - 3 * HOUR,
        setpoint=105.0,
        value=104.9,
        extreme=102.8,
        ack="acked",
        acked_at=now - 2 * HOUR,
        acked_by=scene.people["R. Ortiz"],
        ack_note="Heater treater was off, relit. Watching it.",
    )
    _alert(
        session,
        scene,
        ("Echo 4", "tubing_pressure", "lo", 3),
        "Tubing pressure low: 238 psi, limit 250 psi",
        now - 5 * HOUR,
        setpoint=250.0,
        value=248.0,
        extreme=238.0,
        condition="unknown",
        frozen_since=now - 4 * HOUR - 28 * MINUTE,
    )


def _past(session: Session, scene: Scene, now: datetime) -> None:
    wells = ("Foxtrot 2H", "Juliet 1H", "Bravo 2H", "Delta 1", "Foxtrot 1H", "Bravo 1H")
    for number, well in enumerate(wells):
        raised = now - number * DAY - (7 + number) * HOUR
        historical = number == 3
        _alert(
            session,
            scene,
            (well, "tubing_pressure", "lo", 3),
            f"Tubing pressure low: {244 - number} psi, limit 250 psi",
            raised,
            setpoint=250.0,
            value=249.2,
            extreme=244.0 - number,
            condition="normal",
            origin="historical" if historical else "live",
            ack="none" if historical else "acked",
            acked_at=None if historical else raised + 20 * MINUTE,
            acked_by=None if historical else scene.people["Maria Haas"],
            cleared_at=raised + (40 + 9 * number) * MINUTE,
            closed_at=raised + (60 + 9 * number) * MINUTE,
        )


def _alert(
    session: Session,
    scene: Scene,
    what: tuple[str, str, str, int],
    message: str,
    raised_at: datetime,
    **more: Any,
) -> uuid.UUID:
    well, measure, level, priority = what
    rule = scene.rules[well, measure]
    detected = raised_at + timedelta(seconds=31)
    values = {"condition": "active", "origin": "live", "ack": "unacked"} | more
    alert = Alert(
        organization_id=scene.organization,
        rule_id=rule,
        rule_version=1,
        tag_id=scene.tags[well, measure],
        well_id=scene.wells[well],
        dedup_key=f"{rule}:{raised_at.isoformat()}",
        level=level,
        priority=priority,
        message=message,
        raised_at=raised_at,
        detected_at=detected,
        **values,
    )
    session.add(alert)
    session.flush()
    scene.alerts[f"{well} {measure}"] = alert.id
    _event(session, alert, "raised", detected, raised_at)
    if alert.acked_at is not None:
        _event(session, alert, "acknowledged", alert.acked_at, None, alert.acked_by, alert.ack_note)
    if alert.cleared_at is not None:
        _event(session, alert, "cleared", alert.cleared_at + 5 * MINUTE, alert.cleared_at)
    return alert.id


def _event(
    session: Session,
    alert: Alert,
    kind: str,
    at: datetime,
    event_time: datetime | None,
    actor: uuid.UUID | None = None,
    note: str | None = None,
) -> None:
    session.add(
        AlertEvent(
            organization_id=alert.organization_id,
            alert_id=alert.id,
            at=at,
            event_time=event_time,
            kind=kind,
            actor=actor,
            note=note,
        )
    )
    session.flush()


def _channels(session: Session, scene: Scene) -> tuple[uuid.UUID, uuid.UUID]:
    keys = {"organization_id": scene.organization}
    mail = ContactChannel(
        **keys, user_id=scene.people["Maria Haas"], kind="email", address=scene.email
    )
    hook = ContactChannel(
        **keys, kind="webhook", address="https://ops.permianwest.example/hooks/wellflow"
    )
    mail.verified_at = mail.proven_at = datetime.now(UTC) - timedelta(days=3)
    session.add_all([mail, hook])
    session.flush()
    return mail.id, hook.id


def failed_over(session: Session, scene: Scene, alert_id: uuid.UUID, secret_key: bytes) -> None:
    """An SMS to a wrong number, and the mail that went out in its place."""
    now = datetime.now(UTC)
    fault = f"{NUMBER} is a landline, or cannot be reached"
    phone = _phone(session, scene, now, fault)
    first = _told(scene, alert_id, phone, now - timedelta(seconds=95), state="failed", fault=fault)
    session.add(first)
    session.flush()
    mail = session.scalars(select(ContactChannel).where(ContactChannel.kind == "email")).first()
    assert mail is not None
    second = _told(scene, alert_id, mail, now - timedelta(seconds=4), state="sent")
    second.sent_at, second.instead_of_id = now - timedelta(seconds=3.2), first.id
    session.add(second)
    session.flush()
    _tries(session, first, "sms:carrier", "SM41f7", "undelivered 30006")
    _tries(session, second, "mail", "<mail@permianwest.example>", None)
    scene.message, scene.link = second.id, token_of(secret_key, second.id)
    session.add(
        MessageLink(
            organization_id=scene.organization,
            user_id=second.user_id,
            notification_id=second.id,
            channel_id=mail.id,
            token_hash=hashed(scene.link),
            expires_at=now + timedelta(hours=24),
        )
    )


NUMBER = "+14325550144"


def _phone(session: Session, scene: Scene, now: datetime, fault: str) -> ContactChannel:
    phone = ContactChannel(
        organization_id=scene.organization,
        user_id=scene.people["Maria Haas"],
        kind="sms",
        address=NUMBER,
        label="Maria's phone",
        broken_at=now,
        fault=fault,
    )
    session.add(phone)
    session.flush()
    return phone


def _told(
    scene: Scene, alert_id: uuid.UUID, channel: ContactChannel, at: datetime, **more: Any
) -> Notification:
    said = ("Casing pressure very high at Bravo 1H: 1,412 psi, limit 1,350 psi.",)
    return Notification(
        organization_id=scene.organization,
        user_id=scene.people["Maria Haas"],
        alert_id=alert_id,
        channel_id=channel.id,
        kind="raised",
        priority=1,
        subject="Critical: Bravo 1H: Casing pressure very high: 1,412 psi, limit 1,350 psi",
        body=letter("raised", "Permian West", "", said).body,
        idempotency_key=f"shown {channel.kind}",
        attempts=1,
        created_at=at,
        **more,
    )


def _tries(
    session: Session, message: Notification, provider: str, key: str, receipt: str | None
) -> None:
    began = message.created_at + timedelta(seconds=0.2)
    session.add(
        NotificationAttempt(
            organization_id=message.organization_id,
            notification_id=message.id,
            number=1,
            worker="work-1",
            started_at=began,
            ended_at=began + timedelta(seconds=0.6),
            outcome="sent",
            provider=provider,
            provider_id=key,
            detail=f"taken by {provider.partition(':')[2] or 'the mail server'}",
            receipt=receipt,
            receipt_at=began + timedelta(seconds=40) if receipt else None,
        )
    )
    session.flush()


def _sent(
    session: Session,
    scene: Scene,
    alert_id: uuid.UUID,
    channel_id: uuid.UUID,
    at: datetime,
    fails: int,
) -> None:
    """A notification that went out after some failed attempts."""
    keys = {"organization_id": scene.organization}
    note = Notification(
        **keys,
        alert_id=alert_id,
        channel_id=channel_id,
        kind="raised",
        idempotency_key=f"{alert_id}:{channel_id}",
        subject="Critical: Bravo 1H: Casing pressure very high",
        body={},
        state="sent",
        attempts=fails + 1,
        created_at=at,
        sent_at=at + fails * MINUTE + timedelta(seconds=1.3),
    )
    session.add(note)
    session.flush()
    for number in range(1, fails + 2):
        began = at + (number - 1) * MINUTE
        good = number > fails
        session.add(
            NotificationAttempt(
                **keys,
                notification_id=note.id,
                number=number,
                worker="work-1",
                started_at=began,
                ended_at=began + timedelta(seconds=1.3),
                outcome="sent" if good else "transient",
                detail="taken by the receiver" if good else "421 4.3.2 try again later",
            )
        )
    session.flush()
