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

NOTIFICATION_STATES = (
    *("queued", "leased", "sent", "delivered", "failed", "dead", "cancelled", "expired"),
)
CHANNEL_KINDS = ("email", "webhook", "sms", "voice", "push", "apprise")
#: Who sends: providers of the installation's own, or addresses that operators enter, which may be
#: slow without holding up the others.
LANES = ("people", "endpoints")


class ContactChannel(Base, Keyed, Owned, Authored):
    """Where a person or the organization is reached: mail, telephone, browser, service."""

    __tablename__ = "contact_channels"
    TITLE: ClassVar[str] = "address"

    user_id: Mapped[uuid.UUID | None] = mapped_column(info=about("Whose it is; a member."))
    kind: Mapped[str] = mapped_column(info=about("How it is reached.", choices=CHANNEL_KINDS))
    address: Mapped[str] = mapped_column(
        info=about("E-mail address, number, https:// address, or the name of what is sealed.")
    )
    secret: Mapped[bytes | None] = mapped_column(
        LargeBinary,
        info=about(
            "Key that signs webhooks, subscription of a browser, or address of a service; sealed.",
            sealed=True,
        ),
    )
    worst_priority: Mapped[int] = mapped_column(
        SmallInteger, server_default="3", default=3, info=about("Told of alerts 1 … this priority.")
    )
    enabled: Mapped[bool] = mapped_column(server_default="true", default=True)
    broken_at: Mapped[datetime | None] = mapped_column(info=about("When it failed for good."))
    fault: Mapped[str | None] = mapped_column(info=about("Why it failed."))
    label: Mapped[str | None] = mapped_column(info=about("What people call it."))
    verified_at: Mapped[datetime | None] = mapped_column(
        info=about("When a message to it was answered first: it is whose it is said to be.")
    )
    proven_at: Mapped[datetime | None] = mapped_column(
        info=about("When a message to it was answered last.")
    )
    removed_at: Mapped[datetime | None] = mapped_column(
        info=about("When it was taken away; what was sent to it stays on record.")
    )
    __table_args__ = (
        of_organization(),
        within("user_id", table="memberships", key="user_id"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "kind", "address"),
        CheckConstraint(one_of("kind", *CHANNEL_KINDS), name="kind"),
        CheckConstraint("worst_priority BETWEEN 1 AND 4", name="worst_priority"),
    )


class Notification(Base, Keyed, Owned):
    """One message owed to one channel, written in the transaction that changed the alert."""

    __tablename__ = "notifications"
    TITLE: ClassVar[str] = "subject"

    alert_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The alert it is about; empty for tests and for what is about several.")
    )
    channel_id: Mapped[uuid.UUID] = mapped_column()
    kind: Mapped[str] = mapped_column(info=about("raised, level, cleared, retracted, test, …"))
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
    sent_at: Mapped[datetime | None] = mapped_column(info=about("When a provider took it."))
    user_id: Mapped[uuid.UUID | None] = mapped_column(info=about("Who is told."))
    priority: Mapped[int] = mapped_column(
        SmallInteger, server_default="3", default=3, info=about("1 goes first … 4 last.")
    )
    lane: Mapped[str] = mapped_column(
        server_default="people", default="people", info=about("Which deliverers take it.")
    )
    step: Mapped[int | None] = mapped_column(
        SmallInteger, info=about("Step of the escalation it belongs to.")
    )
    is_test: Mapped[bool] = mapped_column(
        server_default="false", default=False, info=about("Whether it only tries the channel.")
    )
    instead_of_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The message to another channel of this person that failed.")
    )
    receipt_due_at: Mapped[datetime | None] = mapped_column(
        info=about("Counts as failed without a receipt by then.")
    )
    delivered_at: Mapped[datetime | None] = mapped_column(
        info=about("When a receipt or an answer came.")
    )
    fault: Mapped[str | None] = mapped_column(info=about("Why it was not delivered."))
    __table_args__ = (
        of_organization(),
        within("alert_id", table="alerts"),
        within("channel_id", table="contact_channels"),
        within("user_id", table="memberships", key="user_id"),
        within("instead_of_id", table="notifications"),
        UniqueConstraint("organization_id", "id"),
        Index(
            "notifications_turn_idx",
            *("lane", "organization_id", "priority", "not_before"),
            postgresql_where=text("state IN ('queued', 'leased')"),
        ),
        Index(
            "notifications_receipt_due_at_idx",
            "receipt_due_at",
            postgresql_where=text("state = 'sent' AND receipt_due_at IS NOT NULL"),
        ),
        Index("notifications_organization_id_created_at_idx", "organization_id", "created_at"),
        Index("notifications_channel_id_created_at_idx", "channel_id", "created_at"),
        Index(
            "notifications_due_idx",
            "not_before",
            postgresql_where=text("state IN ('queued', 'leased')"),
        ),
        Index("notifications_alert_id_idx", "alert_id"),
        CheckConstraint(one_of("state", *NOTIFICATION_STATES), name="state"),
        CheckConstraint("priority BETWEEN 1 AND 4", name="priority"),
        CheckConstraint(one_of("lane", *LANES), name="lane"),
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
    provider: Mapped[str | None] = mapped_column(info=about("Who was asked to deliver it."))
    error_class: Mapped[str | None] = mapped_column(
        info=about("What kind of failure it was: timeout, refused, unreachable, …")
    )
    receipt: Mapped[str | None] = mapped_column(info=about("What the provider said became of it."))
    receipt_at: Mapped[datetime | None] = mapped_column(info=about("When it said so."))
    __table_args__ = (of_organization(), within("notification_id", table="notifications"))


class MessageLink(Base, Keyed, Owned):
    """The secret by which one message is answered: its link, its code, its receipts."""

    __tablename__ = "message_links"
    TITLE: ClassVar[str] = "notification_id"

    notification_id: Mapped[uuid.UUID] = mapped_column()
    channel_id: Mapped[uuid.UUID] = mapped_column()
    user_id: Mapped[uuid.UUID | None] = mapped_column(info=about("Who answers with it."))
    token_hash: Mapped[bytes] = mapped_column(
        LargeBinary, info=about("SHA-256 of the secret; the secret is not kept.")
    )
    code: Mapped[str | None] = mapped_column(info=about("Four digits to answer by SMS."))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[datetime] = mapped_column()
    seen_at: Mapped[datetime | None] = mapped_column(info=about("When it was opened first."))
    used_at: Mapped[datetime | None] = mapped_column(info=about("When it was answered with."))
    __table_args__ = (
        of_organization(),
        within("notification_id", table="notifications"),
        within("channel_id", table="contact_channels"),
        within("user_id", table="memberships", key="user_id"),
        Index("message_links_notification_id_idx", "notification_id"),
        Index("message_links_token_hash_idx", "token_hash"),
        Index("message_links_channel_id_idx", "channel_id", "expires_at"),
        Index("message_links_expires_at_idx", "expires_at"),
        CheckConstraint("code ~ '^[0-9]{4}$'", name="code"),
    )


class MessageReply(Base, Keyed, Owned):
    """What came back on a message: an answer that was taken, or one that was refused, and why."""

    __tablename__ = "message_replies"
    TITLE: ClassVar[str] = "sentence"

    at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    via: Mapped[str] = mapped_column(info=about("How it came.", choices=("link", "sms", "voice")))
    channel_id: Mapped[uuid.UUID | None] = mapped_column()
    notification_id: Mapped[uuid.UUID | None] = mapped_column()
    user_id: Mapped[uuid.UUID | None] = mapped_column(info=about("Who answered."))
    said: Mapped[str] = mapped_column(server_default="", default="", info=about("The words."))
    outcome: Mapped[str] = mapped_column(
        info=about("Whether it was taken.", choices=("taken", "refused"))
    )
    sentence: Mapped[str] = mapped_column(info=about("What came of it, or why nothing did."))
    address: Mapped[str | None] = mapped_column(info=about("Number or network address."))
    __table_args__ = (
        of_organization(),
        within("channel_id", table="contact_channels"),
        within("notification_id", table="notifications"),
        within("user_id", table="memberships", key="user_id"),
        Index("message_replies_organization_id_at_idx", "organization_id", "at"),
        Index("message_replies_notification_id_idx", "notification_id"),
        CheckConstraint(one_of("via", "link", "sms", "voice"), name="via"),
        CheckConstraint(one_of("outcome", "taken", "refused"), name="outcome"),
    )


class DeliveryTurn(Base, Owned):
    """When an operator's messages had their last turn: no operator's storm holds up another's."""

    __tablename__ = "delivery_turns"
    TITLE: ClassVar[str] = "served_at"

    organization_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    lane: Mapped[str] = mapped_column(primary_key=True)
    served_at: Mapped[datetime] = mapped_column()
    __table_args__ = (of_organization(), CheckConstraint(one_of("lane", *LANES), name="lane"))


class ProviderBreaker(Base):
    """A provider that fails is left alone for a while; every process knows from here."""

    __tablename__ = "provider_breakers"
    TITLE: ClassVar[str] = "provider"

    provider: Mapped[str] = mapped_column(primary_key=True, info=about("mail, sms:…, voice:…"))
    failures: Mapped[int] = mapped_column(
        server_default="0", default=0, info=about("How often it failed without a success since.")
    )
    open_until: Mapped[datetime | None] = mapped_column(info=about("Left alone until then."))
    fault: Mapped[str | None] = mapped_column(info=about("What failed last."))
    changed_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
