"""Where people are reached, the messages owed to them, and every try at delivering one."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    CheckConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.base import Authored, Base, Keyed, Owned, about, of_organization, one_of, within

NOTIFICATION_STATES = ("queued", "leased", "sent", "delivered", "failed", "dead", "cancelled")


class ContactChannel(Base, Keyed, Owned, Authored):
    """Where a person or the organization is reached: an e-mail address, a webhook."""

    __tablename__ = "contact_channels"
    TITLE: ClassVar[str] = "address"

    user_id: Mapped[uuid.UUID | None] = mapped_column(info=about("Whose it is; a member."))
    kind: Mapped[str] = mapped_column(info=about("email or webhook"))
    address: Mapped[str] = mapped_column(info=about("E-mail address, or https:// address."))
    secret: Mapped[bytes | None] = mapped_column(
        LargeBinary, info=about("Key that signs webhooks, kept sealed.", sealed=True)
    )
    worst_priority: Mapped[int] = mapped_column(
        SmallInteger, server_default="3", default=3, info=about("Told of alerts 1 … this priority.")
    )
    enabled: Mapped[bool] = mapped_column(server_default="true", default=True)
    broken_at: Mapped[datetime | None] = mapped_column(info=about("When it failed for good."))
    fault: Mapped[str | None] = mapped_column()
    __table_args__ = (
        of_organization(),
        within("user_id", table="memberships", key="user_id"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "kind", "address"),
        CheckConstraint(one_of("kind", "email", "webhook"), name="kind"),
        CheckConstraint("worst_priority BETWEEN 1 AND 4", name="worst_priority"),
    )


class Notification(Base, Keyed, Owned):
    """One message owed to one channel, written in the transaction that changed the alert."""

    __tablename__ = "notifications"
    TITLE: ClassVar[str] = "subject"

    alert_id: Mapped[uuid.UUID] = mapped_column()
    channel_id: Mapped[uuid.UUID] = mapped_column()
    kind: Mapped[str] = mapped_column(info=about("raised, level, cleared"))
    idempotency_key: Mapped[str] = mapped_column(
        unique=True, info=about("The same for every attempt; receivers can tell a repeat.")
    )
    subject: Mapped[str] = mapped_column()
    body: Mapped[dict[str, Any]] = mapped_column()
    state: Mapped[str] = mapped_column(server_default="queued")
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    not_before: Mapped[datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[datetime | None] = mapped_column()
    lease_owner: Mapped[str | None] = mapped_column()
    lease_until: Mapped[datetime | None] = mapped_column()
    attempts: Mapped[int] = mapped_column(server_default="0", default=0)
    sent_at: Mapped[datetime | None] = mapped_column()
    __table_args__ = (
        of_organization(),
        within("alert_id", table="alerts"),
        within("channel_id", table="contact_channels"),
        UniqueConstraint("organization_id", "id"),
        Index(
            "notifications_due_idx",
            "not_before",
            postgresql_where=text("state IN ('queued', 'leased')"),
        ),
        Index("notifications_alert_id_idx", "alert_id"),
        CheckConstraint(one_of("state", *NOTIFICATION_STATES), name="state"),
    )


class NotificationAttempt(Base, Owned):
    """One try at delivering a notification, recorded whatever came of it."""

    __tablename__ = "notification_attempts"
    TITLE: ClassVar[str] = "outcome"

    notification_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    worker: Mapped[str] = mapped_column()
    started_at: Mapped[datetime] = mapped_column()
    ended_at: Mapped[datetime | None] = mapped_column()
    outcome: Mapped[str] = mapped_column(info=about("started, sent, transient, permanent"))
    provider_id: Mapped[str | None] = mapped_column(info=about("What the provider called it."))
    detail: Mapped[str | None] = mapped_column(info=about("What the provider answered."))
    __table_args__ = (of_organization(), within("notification_id", table="notifications"))
