"""Trying a channel: the real path from the outbox to a person, with a button to tap at the end."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.notify import messages, outbox
from hub.notify.outbox import Notice, Terms
from hub.schema import ContactChannel, Notification, Organization

#: A test that was not delivered by then tells enough.
WITHIN: Final = timedelta(minutes=15)
#: A person waits at the screen for it.
PRIORITY: Final = 2


def try_channel(
    session: Session, channel: ContactChannel, asked_by: str, now: datetime
) -> uuid.UUID:
    """Owe a channel a test message; gives the message's id."""
    name = session.scalars(
        select(Organization.name).where(Organization.id == channel.organization_id)
    ).one()
    message = messages.letter(
        "test",
        name,
        f"{name}: a test of WellFlow's messages",
        (
            f"WellFlow test for {name}. Nothing is wrong at any well.",
            f"{asked_by} asked for it. Tap the link, or answer, to prove that it reached you.",
        ),
        "/account/reach" if channel.user_id else "/channels",
    )
    occasion = f"test {channel.id} {now.isoformat()}"
    notice = Notice(channel.organization_id, None, "test", occasion, PRIORITY, message)
    terms = Terms(expires_at=now + WITHIN, is_test=True)
    outbox.owe(session, notice, [channel.id], now, terms)
    key = outbox.idempotency_key(notice, channel.id)
    return session.scalars(select(Notification.id).where(Notification.idempotency_key == key)).one()
