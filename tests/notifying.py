"""Notifications of a watched gauge: sending what is due, and what became of it."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hub.alerts.lifecycle import acknowledge
from hub.database import tenant_session
from hub.notify import delivery
from hub.notify.channels import webhook
from hub.schema import ContactChannel, NotificationAttempt
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
