"""When one way to a person fails, the next one is taken; and the person hears that it failed."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.notify import messages, outbox
from hub.notify.outbox import Notice, Terms
from hub.notify.people import crew, sms_left

#: Once something failed and nobody said otherwise: the surest first.
SURE: Final = ("sms", "voice", "push", "email", "apprise", "webhook")

#: Where a message may still go: channels of that person it did not go to before, the proven first.
_NEXT: Final = text(
    """
    WITH RECURSIVE chain (id, channel_id, instead_of_id) AS (
        SELECT n.id, n.channel_id, n.instead_of_id FROM notifications n WHERE n.id = :id
        UNION ALL
        SELECT n.id, n.channel_id, n.instead_of_id
        FROM notifications n JOIN chain ON n.id = chain.instead_of_id)
    SELECT c.id, c.kind
    FROM contact_channels c
    WHERE c.organization_id = :organization AND c.user_id = :user
      AND c.enabled AND c.removed_at IS NULL AND c.broken_at IS NULL
      AND c.worst_priority >= :priority
      AND c.id NOT IN (SELECT channel_id FROM chain)
      AND NOT EXISTS (
          SELECT FROM notifications n
          WHERE n.channel_id = c.id AND n.alert_id = :alert AND n.kind = :kind
            AND n.state IN ('queued', 'leased', 'sent', 'delivered'))
    ORDER BY c.verified_at IS NULL, c.created_at, c.id
    """
)
_OTHERS: Final = text(
    """
    SELECT c.id
    FROM contact_channels c
    JOIN memberships m ON m.organization_id = c.organization_id AND m.user_id = c.user_id
                      AND m.ended_at IS NULL
    WHERE c.organization_id = :organization AND c.id <> :channel
      AND c.enabled AND c.removed_at IS NULL AND c.broken_at IS NULL
      AND (c.user_id = :user OR m.role IN ('owner', 'manager'))
    ORDER BY c.user_id IS NOT DISTINCT FROM :user DESC, m.role <> 'owner',
             array_position(ARRAY['email', 'push', 'sms', 'apprise', 'webhook', 'voice'], c.kind),
             c.created_at
    LIMIT 1
    """
)
_ORGANIZATION: Final = text("SELECT name FROM organizations WHERE id = :id")


def another_way(session: Session, due: Any, now: datetime) -> bool:
    """Owe the same message to the next channel of the same person; whether there was one.

    Asking again for the same message owes nothing more. A test tries one channel only.
    """
    if due.is_test or due.user_id is None:
        return False
    ways = session.execute(
        _NEXT,
        {
            "id": due.id,
            "organization": due.organization_id,
            "user": due.user_id,
            "priority": due.priority,
            "alert": due.alert_id,
            "kind": due.kind,
        },
    ).all()
    if not ways:
        return False
    channel = _preferred(session, due, ways, now)
    notice = Notice(
        due.organization_id,
        due.alert_id,
        due.kind,
        f"instead of {due.idempotency_key}",
        due.priority,
        messages.Message(due.subject, dict(due.body)),
    )
    outbox.owe(session, notice, [channel], now, Terms(step=due.step, instead_of=due.id))
    return True


def _preferred(session: Session, due: Any, ways: Sequence[Any], now: datetime) -> uuid.UUID:
    """The next of a person's channels: in the order they want for this priority, then the surest.

    Text messages beyond what they take a day come last: rather one too many than none at all.
    """
    person = crew(session, due.organization_id).people.get(due.user_id)
    if person is None:
        return uuid.UUID(str(ways[0].id))
    kinds = [*person.order.get(due.priority, ()), *SURE]
    spent = not sms_left(session, due.organization_id, person, now)
    best = min(ways, key=lambda way: (spent and way.kind == "sms", kinds.index(way.kind)))
    return uuid.UUID(str(best.id))


def tell_of_broken(
    session: Session, due: Any, address: str, fault: str, now: datetime
) -> uuid.UUID | None:
    """Let the person, or else an owner, hear over another channel that this one is broken."""
    found: uuid.UUID | None = session.scalar(
        _OTHERS,
        {"organization": due.organization_id, "channel": due.channel_id, "user": due.user_id},
    )
    if found is None:
        return None
    name = str(session.scalar(_ORGANIZATION, {"id": due.organization_id}))
    letter = messages.letter(
        "channel_broken",
        name,
        f"Messages to {address} cannot be delivered",
        (
            f"WellFlow could not deliver a message to {address}: {fault}.",
            "Nothing more is sent there until somebody switches it on again and sends a test.",
        ),
        "/account/reach" if due.user_id else "/channels",
    )
    occasion = f"broken {due.channel_id} {now:%Y-%m-%dT%H}"
    notice = Notice(due.organization_id, None, "channel_broken", occasion, 3, letter)
    outbox.owe(session, notice, [found], now)
    return found
