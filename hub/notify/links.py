"""The secret of one message: where it is answered without signing in, by link or by four digits.

The secret is derived from the message's id under the installation's key, so that every attempt at
one message carries the same link; the database keeps its hash and whether it was used.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from hub.permissions import Action, may

#: An alert may be answered for a day, a test for an hour, a receipt may come for a day.
LIVES: Final = timedelta(hours=24)
TEST_LIVES: Final = timedelta(hours=1)
SAYS_SO_FOR: Final = timedelta(days=7)
OVER: Final = frozenset({"cleared", "retracted"})

_CODES = text(
    """
    SELECT l.code FROM message_links l JOIN contact_channels c ON c.id = l.channel_id
    WHERE c.kind = 'sms' AND c.address = :address AND l.expires_at > now() AND l.code IS NOT NULL
    """
)
_STANDING = text("SELECT code FROM message_links WHERE notification_id = :id")
_MAKE = text(
    """
    INSERT INTO message_links (id, organization_id, notification_id, channel_id, user_id,
                               token_hash, code, created_at, expires_at)
    VALUES (:id, :organization, :id, :channel, :user, :hash, :code, now(), now() + :lives)
    ON CONFLICT (id) DO UPDATE SET token_hash = excluded.token_hash
    """
)


_EXPIRED = text("DELETE FROM message_links WHERE expires_at < :before RETURNING 1")


def token_of(secret_key: bytes, notification_id: uuid.UUID) -> str:
    """The secret of a message: 128 bits, the same each time."""
    key = hmac.digest(secret_key, b"wellflow message links", "sha256")
    made = hmac.digest(key, notification_id.bytes, "sha256")[:16]
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def hashed(token: str) -> bytes:
    """What the database keeps of it."""
    return hashlib.sha256(token.encode()).digest()


def answerable(due: Any, role: str | None) -> bool:
    """Whether a message asks for an answer that this person may give."""
    if due.is_test:
        return True
    asks = due.kind not in OVER and (due.alert_id is not None or "storm_id" in due.body)
    return asks and role is not None and may(role, Action.ACKNOWLEDGE)


def make(session: Session, secret_key: bytes, due: Any, channel: Any) -> tuple[str, str | None]:
    """Keep a message's link; gives its secret and, for an SMS that asks, its code.

    It ends by the database's clock, which also judges it.
    """
    token = token_of(secret_key, due.id)
    code = None
    if channel.kind == "sms":
        found = session.execute(_STANDING, {"id": due.id}).one_or_none()
        code = found.code if found else None
        if found is None and answerable(due, channel.role):
            code = _new_code(session, channel.address)
    values: Mapping[str, Any] = {
        "organization": due.organization_id,
        "id": due.id,
        "channel": due.channel_id,
        "user": channel.user_id,
        "hash": hashed(token),
        "code": code,
        "lives": TEST_LIVES if due.is_test else LIVES,
    }
    session.execute(_MAKE, values)
    return token, code


def forget_expired(engine: Engine, now: datetime) -> int:
    """Remove the secrets of messages that ended long enough ago; gives how many.

    For some days their links still say that they are no longer good, and not that they are forged.
    """
    with engine.begin() as connection:
        return len(connection.execute(_EXPIRED, {"before": now - SAYS_SO_FOR}).all())


def _new_code(session: Session, address: str) -> str:
    """Four digits that no other message to this number waits for, whichever operator sent it."""
    taken = set(session.scalars(_CODES, {"address": address}))
    free = [code for number in range(1000, 10000) if (code := str(number)) not in taken]
    return secrets.choice(free or ["0000"])
