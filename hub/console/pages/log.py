"""The delivery log: who was told what and when, over which channel, and what providers answered."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from hub.console.channel_form import SHORT
from hub.console.context import records, visitor
from hub.console.gate import needs
from hub.console.live import show
from hub.permissions import Action

pages = Blueprint("log", __name__, url_prefix="/messages")

A_PAGE = 60
STATES = {
    "queued": "waits",
    "leased": "is being sent",
    "sent": "taken by the provider",
    "delivered": "arrived",
    "failed": "failed",
    "dead": "failed: too late",
    "cancelled": "no longer needed",
    "expired": "in the next digest",
}
#: What the chips filter for.
FILTERS = {
    "": None,
    "waiting": ("queued", "leased"),
    "sent": ("sent", "delivered"),
    "failed": ("failed", "dead"),
    "spared": ("cancelled", "expired"),
}

_LISTED = text(
    """
    SELECT n.id, n.created_at, n.sent_at, n.delivered_at, n.kind, n.subject, n.state, n.attempts,
           n.is_test, n.priority, n.step, n.fault, n.alert_id, n.instead_of_id, c.kind AS channel,
           c.address, c.label, u.name AS person, a.detail, a.provider, l.used_at
    FROM notifications n
    JOIN contact_channels c ON c.id = n.channel_id
    LEFT JOIN users u ON u.id = coalesce(n.user_id, c.user_id)
    LEFT JOIN notification_attempts a ON a.notification_id = n.id AND a.number = n.attempts
    LEFT JOIN message_links l ON l.notification_id = n.id
    WHERE (CAST(:states AS text[]) IS NULL OR n.state = ANY(:states))
      AND (CAST(:kind AS text) IS NULL OR c.kind = :kind)
      AND (CAST(:person AS uuid) IS NULL OR coalesce(n.user_id, c.user_id) = :person)
      AND (CAST(:alert AS uuid) IS NULL OR n.alert_id = :alert)
      AND (CAST(:before AS timestamptz) IS NULL OR n.created_at < :before)
    ORDER BY n.created_at DESC, n.id DESC
    LIMIT :most
    """
)
_ONE = text(
    """
    SELECT n.*, c.kind AS channel, c.address, c.label, c.proven_at, c.broken_at,
           c.fault AS channel_fault, u.name AS person, c.user_id AS owner_id,
           l.seen_at, l.used_at, l.expires_at AS link_expires_at
    FROM notifications n
    JOIN contact_channels c ON c.id = n.channel_id
    LEFT JOIN users u ON u.id = coalesce(n.user_id, c.user_id)
    LEFT JOIN message_links l ON l.notification_id = n.id
    WHERE n.id = :id
    """
)
_ATTEMPTS = text("SELECT * FROM notification_attempts WHERE notification_id = :id ORDER BY number")
_REPLIES = text(
    """
    SELECT r.*, u.name AS person FROM message_replies r LEFT JOIN users u ON u.id = r.user_id
    WHERE r.notification_id = :id ORDER BY r.at
    """
)
_PEOPLE = text(
    """
    SELECT u.id, u.name FROM users u
    WHERE u.id IN (SELECT user_id FROM contact_channels WHERE user_id IS NOT NULL)
    ORDER BY lower(u.name)
    """
)


@pages.get("")
@needs(Action.SEE_CHANNELS)
def index() -> ResponseReturnValue:
    """The newest messages, or those a filter leaves."""
    asked = request.args
    values = {
        "states": FILTERS.get(asked.get("state", "")) and list(FILTERS[asked["state"]] or ()),
        "kind": asked.get("kind") if asked.get("kind") in SHORT else None,
        "person": _key("person"),
        "alert": _key("alert"),
        "before": _instant("before"),
        "most": A_PAGE + 1,
    }
    with records() as session:
        rows = session.execute(_LISTED, values).all()
        people = session.execute(_PEOPLE).all()
    more = rows[A_PAGE - 1].created_at.isoformat() if len(rows) > A_PAGE else None
    return show(
        "log.html",
        rows,
        rows=rows[:A_PAGE],
        more=more,
        people=people,
        states=STATES,
        filters=FILTERS,
        short=SHORT,
        asked=asked,
    )


@pages.get("/<uuid:message_id>")
@needs(Action.SEE)
def page(message_id: uuid.UUID) -> ResponseReturnValue:
    """One message from owed to answered: its attempts, its receipts, the replies."""
    with records() as session:
        message, attempts, replies = _story(session, message_id)
    if not visitor().may(Action.SEE_CHANNELS) and message.owner_id != visitor().user_id:
        abort(404)
    return show(
        "message.html",
        (message, attempts, replies),
        message=message,
        attempts=attempts,
        replies=replies,
        states=STATES,
        short=SHORT,
    )


def _story(
    session: Session, message_id: uuid.UUID
) -> tuple[Any, Sequence[Row[Any]], Sequence[Row[Any]]]:
    message = session.execute(_ONE, {"id": message_id}).one_or_none() or abort(404)
    attempts = session.execute(_ATTEMPTS, {"id": message_id}).all()
    replies = session.execute(_REPLIES, {"id": message_id}).all()
    return message, attempts, replies


def _key(name: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(request.args.get(name, ""))
    except ValueError:
        return None


def _instant(name: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(request.args.get(name, "").replace(" ", "+"))
    except ValueError:
        return None
    return found if found.tzinfo else None
