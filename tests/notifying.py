"""Notifications of a watched gauge: sending what is due, and what became of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from hub.alerts.lifecycle import acknowledge
from hub.database import tenant_session
from hub.notify import delivery
from hub.notify.channels import webhook
from hub.schema import ContactChannel, Notification, NotificationAttempt
from hub.schema.base import uuid7
from hub.settings import HubSettings
from tests.alerting import Gauge, watch
from tests.cast import Operator
from tests.servers.postgres import Database

START = datetime(2024, 6, 1, 12, 0, tzinfo=UTC)


def watched(database: Database, operator: Operator) -> Gauge:
    """A gauge, low below 100 psi, with all that a manager would want to know; he has mail."""
    return watch(
        database,
        operator,
        START,
        action="Check the choke.",
        cause="A closed valve.",
        respond_within_s=1800,
    )


def deliver(gauge: Gauge, told: HubSettings, seconds: float) -> int:
    """Send what is due at that second; gives how many were looked at."""
    return delivery.deliver_due(gauge.database.engine("work"), told, gauge.at(seconds))


def add_webhook(gauge: Gauge, told: HubSettings, url: str, *, only: bool = True) -> bytes:
    """Give the operator a webhook, and no mail; gives its key."""
    key, channel = webhook.new_key(), uuid7()
    with Session(gauge.database.engine("owner")) as session, session.begin():
        if only:
            session.execute(update(ContactChannel).values(enabled=False))
        session.add(
            ContactChannel(
                id=channel,
                organization_id=gauge.operator.id,
                kind="webhook",
                address=url,
                secret=webhook.seal_key(told, channel, key),
            )
        )
    return key


def attempts(gauge: Gauge) -> list[tuple[int, str, str | None]]:
    """Number, outcome and detail of every attempt."""
    listed = select(NotificationAttempt).order_by(
        NotificationAttempt.started_at, NotificationAttempt.number
    )
    with Session(gauge.database.engine("owner")) as session:
        return [(row.number, row.outcome, row.detail) for row in session.scalars(listed)]


def channel(gauge: Gauge, kind: str = "email") -> ContactChannel:
    """The operator's channel of a kind."""
    with Session(gauge.database.engine("owner")) as session:
        return session.scalars(
            select(ContactChannel).where(
                ContactChannel.kind == kind, ContactChannel.organization_id == gauge.operator.id
            )
        ).one()


def take_on(gauge: Gauge, seconds: float) -> int:
    """The manager acknowledges the newest alert; gives how many messages that cancelled."""
    with tenant_session(gauge.database.engine("app"), gauge.operator.id) as session:
        alert = gauge.alerts()[-1]
        return acknowledge(
            session, alert.id, gauge.operator.manager, None, gauge.at(seconds)
        ).cancelled


def link_in(text: str) -> str:
    """The link in a message by which it is answered without signing in."""
    found = re.search(r"https?://[^\s\"]+/m/[\w-]+", text)
    assert found is not None, text
    return found[0]


def add_channel(gauge: Gauge, kind: str, address: str, **more: Any) -> ContactChannel:
    """Give the manager one more way to be reached."""
    with Session(gauge.database.engine("owner"), expire_on_commit=False) as session:
        made = ContactChannel(
            **{
                "id": uuid7(),
                "organization_id": gauge.operator.id,
                "user_id": gauge.operator.manager,
                "kind": kind,
                "address": address,
            }
            | more
        )
        session.add(made)
        session.commit()
        return made


def only(gauge: Gauge, *kinds: str) -> None:
    """Switch off every channel that is not of these kinds."""
    with gauge.database.engine("owner").begin() as connection:
        connection.execute(
            text("UPDATE contact_channels SET enabled = (kind = ANY(:kinds))"),
            {"kinds": list(kinds)},
        )


def messages_by_kind(gauge: Gauge) -> dict[str, list[str]]:
    """States of the messages to each kind of channel, oldest first."""
    listed = (
        select(ContactChannel.kind, Notification.state)
        .join(Notification, Notification.channel_id == ContactChannel.id)
        .order_by(Notification.created_at, Notification.id)
    )
    found: dict[str, list[str]] = {}
    with Session(gauge.database.engine("owner")) as session:
        for kind, state in session.execute(listed):
            found.setdefault(kind, []).append(state)
    return found
