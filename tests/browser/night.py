"""A bad night of the scene: a flood of alarms, a spill with its clocks, messages of every fate.

For pages that a calm day leaves empty. Entered through the product's own functions where it has
them, so that timelines, clocks and notices are what people would see.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hub.alerts import lifecycle
from hub.schema import (
    ContactChannel,
    Notification,
    NotificationAttempt,
    Page,
    Storm,
    User,
)
from hub.settings import HubSettings
from tests.browser import spill, story
from tests.browser.scene import Scene
from tests.servers.postgres import Database

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FATES = {
    "queued": None,
    "leased": None,
    "sent": "taken by the carrier",
    "delivered": "delivered",
    "failed": "+14325550171 is not a mobile number",
    "dead": "the mail server did not answer for two hours",
    "cancelled": "acknowledged before it was sent",
    "expired": "too late to wake anybody: it is in the digest",
}


def furnish(database: Database, scene: Scene, settings: HubSettings) -> None:
    """Enter all of it."""
    now = datetime.now(UTC)
    with Session(database.engine("owner")) as session, session.begin():
        _flood(session, scene, now)
        _quiet(session, scene, now)
        _chatter(session, scene, now)
        _waver(session, scene, now)
        _owner(session, scene, now)
        _fates(session, scene, now)
    spill.furnish(database, scene, settings, now)


# --------------------------------------------------------------------------------------- alarms


def _flood(session: Session, scene: Scene, now: datetime) -> None:
    """The power of a site fails: fourteen alarms within six minutes, told in one message."""
    wells = [("Foxtrot 1H", n) for n in range(5)] + [("Foxtrot 2H", n) for n in range(5)]
    wells += [("Foxtrot 3H", n) for n in range(4)]
    measures = ("tubing_pressure", "casing_pressure", "tubing_temperature")
    first: uuid.UUID | None = None
    storm = Storm(
        organization_id=scene.organization,
        user_id=scene.people["Maria Haas"],
        began_at=now - 9 * MINUTE,
        due_at=now + 4 * MINUTE,
        told_at=now - 6 * MINUTE,
        messages=1,
        pages=14,
    )
    session.add(storm)
    session.flush()
    scene.storm = storm.id
    said = (
        ("Power failed at Fox pad", 2),
        ("Tubing pressure low: 231 psi, limit 250 psi", 3),
        ("Motor stopped: gas compressor 2", 2),
        ("Tubing temperature low: 101 °F, limit 105 °F", 4),
        ("Casing pressure high: 962 psi, limit 950 psi", 2),
    )
    for number, (well, place) in enumerate(wells):
        message, priority = said[0] if number == 0 else said[1 + (place + number) % 4]
        raised = now - 8 * MINUTE + number * timedelta(seconds=26)
        made = story._alert(
            session,
            scene,
            (well, measures[number % 3], "alarm" if number == 0 else "lo", priority),
            message,
            raised,
            first_out_id=first,
        )
        if first is None:
            first = scene.alerts["Foxtrot 1H power"] = made
        session.add(
            Page(
                organization_id=scene.organization,
                alert_id=made,
                user_id=scene.people["Maria Haas"],
                priority=priority,
                kind="raised",
                step_no=0,
                manner="told" if number < 10 else "storm",
                at=raised + timedelta(seconds=32),
                done_at=raised + timedelta(seconds=33),
            )
        )
    session.flush()


def _quiet(session: Session, scene: Scene, now: datetime) -> None:
    """One on the shelf, one that another explains, one out of service, one that is latched."""
    maria = scene.people["Maria Haas"]
    shelved = story._alert(
        session,
        scene,
        ("Juliet 1H", "tubing_pressure", "lo", 3),
        "Tubing pressure low: 239 psi, limit 250 psi",
        now - 7 * HOUR,
        setpoint=250.0,
        value=248.0,
        extreme=239.0,
    )
    lifecycle.shelve(
        session, shelved, maria, now + 6 * HOUR, "Plunger is being changed, crew on site.", now
    )
    cause = scene.alerts["Echo 4 tubing_pressure"]
    story._alert(
        session,
        scene,
        ("Echo 3", "tubing_temperature", "lo", 4),
        "Tubing temperature is silent since 4 h",
        now - 4 * HOUR,
        suppressed_by="Site offline",
        suppressed_cause_id=cause,
        suppressed_at=now - 4 * HOUR,
    )
    story._alert(
        session,
        scene,
        ("Kilo 1", "casing_pressure", "hi", 2),
        "Casing pressure high: 957 psi, limit 950 psi",
        now - 2 * HOUR,
        setpoint=950.0,
        value=951.0,
        extreme=957.0,
        out_of_service_until=now + 20 * HOUR,
    )
    _latched(session, scene, now)
    burst = scene.alerts["Bravo 1H casing_pressure"]
    lifecycle.see(session, lifecycle.locked(session, burst), maria, now - 9 * MINUTE)
    session.flush()


def _latched(session: Session, scene: Scene, now: datetime) -> None:
    """A tank that was very high and is no more: it stands until somebody resets it."""
    story._alert(
        session,
        scene,
        ("Delta 1", "tank_level", "hihi", 1),
        "Tank level very high: 18.6 ft, limit 18.5 ft",
        now - 5 * HOUR,
        setpoint=18.5,
        value=18.51,
        extreme=18.6,
        condition="normal",
        latched=True,
        cleared_at=now - 4 * HOUR,
        ack="acked",
        acked_at=now - 4.9 * HOUR,
        acked_by=scene.people["Maria Haas"],
        ack_note="Truck is loading.",
    )


def _chatter(session: Session, scene: Scene, now: datetime) -> None:
    """A rule that comes and goes all week: the worst actor of the report."""
    for number in range(46):
        raised = now - timedelta(hours=3.4 * number + 9)
        over = raised + timedelta(seconds=40 + 17 * (number % 7))
        story._alert(
            session,
            scene,
            ("Juliet 2H", "tubing_pressure", "lo", 3),
            f"Tubing pressure low: {249 - number % 5} psi, limit 250 psi",
            raised,
            setpoint=250.0,
            value=249.7,
            extreme=249.0 - number % 5,
            condition="normal",
            ack="acked",
            acked_at=over + MINUTE,
            acked_by=scene.people["R. Ortiz"],
            cleared_at=over,
            closed_at=over + MINUTE,
        )


def _waver(session: Session, scene: Scene, now: datetime) -> None:
    """Let the readings of that rule's gauge waver about its limit for a quarter of an hour each."""
    session.execute(
        text(
            "UPDATE readings SET value = 254 + 9 * sin(extract(epoch FROM time) / 97)"
            " WHERE tag_id = :tag AND extract(hour FROM time)::int % 3 = 0"
            " AND extract(minute FROM time) < 30"
        ),
        {"tag": scene.tags["Juliet 2H", "tubing_pressure"]},
    )


def _owner(session: Session, scene: Scene, now: datetime) -> None:
    """Channels of the owner: one that was proven, one that was not."""
    user = session.scalar(select(User.id).where(User.name == "Sam Whitfield"))
    if user is None:
        return
    session.add_all(
        ContactChannel(
            organization_id=scene.organization,
            user_id=user,
            kind=kind,
            address=address,
            label=label,
            proven_at=proven,
        )
        for kind, address, label, proven in (
            ("email", "s.whitfield@permianwest.example", None, now - 9 * DAY),
            ("sms", "+14325550190", "My phone", None),
        )
    )
    session.flush()


def _fates(session: Session, scene: Scene, now: datetime) -> None:
    """A message in every state it can come to."""
    channel = session.scalars(
        select(ContactChannel).where(
            ContactChannel.kind == "sms", ContactChannel.broken_at.is_(None)
        )
    ).first()
    alert = scene.alerts["Bravo 3H tank_level"]
    for number, (state, fault) in enumerate(FATES.items()):
        at = now - (3 + 7 * number) * MINUTE
        note = Notification(
            organization_id=scene.organization,
            alert_id=alert,
            channel_id=channel.id if channel else None,
            user_id=channel.user_id if channel else None,
            kind="raised",
            priority=2,
            idempotency_key=f"fate {state}",
            subject="Warning: Bravo 3H: Tank level high: 16.2 ft, limit 15.5 ft",
            body={},
            state=state,
            attempts=0 if state in {"queued", "cancelled", "expired"} else 1,
            created_at=at,
            sent_at=at + timedelta(seconds=2) if state in {"sent", "delivered"} else None,
            delivered_at=at + timedelta(seconds=9) if state == "delivered" else None,
            lease_owner="work-1" if state == "leased" else None,
            lease_until=now + MINUTE if state == "leased" else None,
            fault=fault if state in {"failed", "dead", "expired", "cancelled"} else None,
        )
        session.add(note)
        session.flush()
        if note.attempts:
            session.add(
                NotificationAttempt(
                    organization_id=scene.organization,
                    notification_id=note.id,
                    number=1,
                    worker="work-1",
                    started_at=at + timedelta(seconds=1),
                    ended_at=None if state == "leased" else at + timedelta(seconds=1.7),
                    outcome={"leased": "started", "failed": "permanent", "dead": "transient"}.get(
                        state, "sent"
                    ),
                    provider="sms:carrier",
                    detail=fault,
                )
            )
