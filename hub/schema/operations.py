"""Alert rules, alerts, and the notifications that follow from them; the jobs' slots."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.base import Authored, Base, Keyed, Owned, about, of_organization, one_of, within

CONDITIONS = ("normal", "pending_on", "active", "pending_off", "unknown")
LEVELS = ("lolo", "lo", "hi", "hihi")
ACKS = ("none", "unacked", "acked")
NOTIFICATION_STATES = ("queued", "leased", "sent", "delivered", "failed", "dead", "cancelled")


class AlertRule(Base, Keyed, Owned, Authored):
    """When a tag's readings become an alert, and what the person woken by it should do."""

    __tablename__ = "alert_rules"

    name: Mapped[str] = mapped_column(info=about("What is wrong, in a few words."))
    kind: Mapped[str] = mapped_column(server_default="limit")
    tag_id: Mapped[int] = mapped_column(info=about("The tag it watches."))
    params: Mapped[dict[str, Any]] = mapped_column(
        info=about("Levels with setpoint, deadband, delays and priority.")
    )
    version: Mapped[int] = mapped_column(server_default="1", default=1)
    enabled: Mapped[bool] = mapped_column(server_default="true", default=True)
    cause: Mapped[str] = mapped_column(server_default="", info=about("What usually causes it."))
    consequence: Mapped[str] = mapped_column(server_default="", info=about("What follows if …"))
    action: Mapped[str] = mapped_column(server_default="", info=about("What to do."))
    respond_within_s: Mapped[int | None] = mapped_column(
        info=about("Time in which acting still helps.", unit="s")
    )
    faulted_at: Mapped[datetime | None] = mapped_column(info=about("When judging it failed."))
    fault: Mapped[str | None] = mapped_column(info=about("Why judging it failed."))
    __table_args__ = (
        of_organization(),
        within("tag_id", table="tags"),
        UniqueConstraint("organization_id", "id"),
        Index("alert_rules_tag_id_idx", "tag_id"),
        CheckConstraint(one_of("kind", "limit"), name="kind"),
    )


class AlertCheckpoint(Base, Owned):
    """State of the evaluator for one rule at an instant of event time, so that late data can be
    judged again from there.
    """

    __tablename__ = "alert_checkpoints"
    TITLE: ClassVar[str] = "rule_id"

    rule_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True, info=about("Judged through here."))
    rule_version: Mapped[int] = mapped_column()
    kept: Mapped[bool] = mapped_column(
        server_default="false",
        info=about("Kept for late data; the others only bridge messages that overlap."),
    )
    state: Mapped[dict[str, Any]] = mapped_column()
    __table_args__ = (of_organization(), within("rule_id", table="alert_rules"))


class Alert(Base, Keyed, Owned):
    """One episode of one rule: six independent axes, from which the ISA-18.2 state is derived."""

    __tablename__ = "alerts"
    TITLE: ClassVar[str] = "message"
    GROUP: ClassVar[str] = "Operations"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("raised_at", "message", "level", "priority", "well_id", "condition", "ack"),
        "cleared_at",
    )
    SEARCHED: ClassVar[tuple[str, ...]] = ("message",)
    FACETS: ClassVar[tuple[str, ...]] = ("condition", "priority", "level", "ack", "well_id")
    SORT: ClassVar[str] = "-raised_at"

    rule_id: Mapped[uuid.UUID] = mapped_column(info=about("The rule that raised it."))
    rule_version: Mapped[int] = mapped_column(info=about("Version of the rule that judged last."))
    tag_id: Mapped[int] = mapped_column(info=about("The tag whose readings raised it."))
    well_id: Mapped[uuid.UUID | None] = mapped_column(info=about("Well of the tag when raised."))
    dedup_key: Mapped[str] = mapped_column(info=about("At most one open alert per key."))
    level: Mapped[str] = mapped_column(
        info=about("Which limit was passed: lolo, lo, hi or hihi.", choices=LEVELS)
    )
    priority: Mapped[int] = mapped_column(SmallInteger, info=about("1 worst … 4 advice."))
    message: Mapped[str] = mapped_column(info=about("What is wrong, with value and limit."))
    origin: Mapped[str] = mapped_column(
        info=about("live, or historical: known only afterwards", choices=("live", "historical"))
    )
    setpoint: Mapped[float] = mapped_column(Double, info=about("The limit that was passed."))
    value: Mapped[float | None] = mapped_column(Double, info=about("Value that raised it."))
    extreme: Mapped[float | None] = mapped_column(Double, info=about("Worst value so far."))

    announced_level: Mapped[str | None] = mapped_column(
        info=about("Level that people were told of last; empty while nobody was told.")
    )

    condition: Mapped[str] = mapped_column(info=about("Whether it stands.", choices=CONDITIONS))
    raised_at: Mapped[datetime] = mapped_column(info=about("Event time at which it began."))
    detected_at: Mapped[datetime] = mapped_column(info=about("When the hub knew."))
    cleared_at: Mapped[datetime | None] = mapped_column(info=about("Event time at which it ended."))
    frozen_since: Mapped[datetime | None] = mapped_column(info=about("No good data since."))
    ack: Mapped[str] = mapped_column(
        server_default="unacked",
        info=about("Whether somebody took it up.", label="Acknowledged", choices=ACKS),
    )
    acked_at: Mapped[datetime | None] = mapped_column(info=about("When somebody took it up."))
    acked_by: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("users.id"), info=about("Who took it up.")
    )
    ack_note: Mapped[str | None] = mapped_column(info=about("What that person said."))
    latched: Mapped[bool] = mapped_column(
        server_default="false", info=about("Stands until somebody resets it.")
    )
    shelved_until: Mapped[datetime | None] = mapped_column(
        info=about("Not shown as standing before.")
    )
    shelved_by: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("users.id"), info=about("Who shelved it.")
    )
    shelf_reason: Mapped[str | None] = mapped_column(info=about("Why it was shelved."))
    suppressed_by: Mapped[str | None] = mapped_column(info=about("What keeps it quiet."))
    out_of_service_until: Mapped[datetime | None] = mapped_column(
        info=about("Its gauge is out of service until then.")
    )
    closed_at: Mapped[datetime | None] = mapped_column(info=about("Nothing more will happen."))
    retracted_at: Mapped[datetime | None] = mapped_column(
        info=about("When late readings showed that it did not happen.")
    )
    row_version: Mapped[int] = mapped_column(
        server_default="1", default=1, info=about("Counts its changes.")
    )
    __table_args__ = (
        of_organization(),
        within("rule_id", table="alert_rules"),
        within("tag_id", table="tags"),
        within("well_id", table="wells"),
        UniqueConstraint("organization_id", "id"),
        Index(
            "alerts_open_key",
            "organization_id",
            "dedup_key",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index("alerts_organization_id_raised_at_idx", "organization_id", "raised_at"),
        Index("alerts_rule_id_raised_at_idx", "rule_id", "raised_at"),
        Index("alerts_rule_id_cleared_at_idx", "rule_id", "cleared_at"),
        CheckConstraint(one_of("condition", *CONDITIONS), name="condition"),
        CheckConstraint(one_of("ack", "none", "unacked", "acked"), name="ack"),
        CheckConstraint(one_of("origin", "live", "historical"), name="origin"),
        CheckConstraint(one_of("level", "lolo", "lo", "hi", "hihi"), name="level"),
        CheckConstraint("priority BETWEEN 1 AND 4", name="priority"),
        CheckConstraint("cleared_at >= raised_at", name="cleared_at"),
    )


class AlertEvent(Base, Owned):
    """What happened to an alert: appended, never changed."""

    __tablename__ = "alert_events"
    TITLE: ClassVar[str] = "kind"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    alert_id: Mapped[uuid.UUID] = mapped_column()
    at: Mapped[datetime] = mapped_column(server_default=text("now()"), info=about("Hub time."))
    event_time: Mapped[datetime | None] = mapped_column(info=about("When it happened on site."))
    kind: Mapped[str] = mapped_column(info=about("raised, level, cleared, acknowledged, …"))
    actor: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id"))
    note: Mapped[str | None] = mapped_column()
    before: Mapped[dict[str, Any] | None] = mapped_column()
    after: Mapped[dict[str, Any] | None] = mapped_column()
    __table_args__ = (
        of_organization(),
        within("alert_id", table="alerts"),
        Index("alert_events_alert_id_idx", "alert_id", "id"),
    )


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


class JobRun(Base):
    """One due time of one periodic job: whoever inserts the row runs it."""

    __tablename__ = "job_runs"
    TITLE: ClassVar[str] = "job"

    job: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime] = mapped_column(primary_key=True)
    worker: Mapped[str] = mapped_column()
    started_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    finished_at: Mapped[datetime | None] = mapped_column()
    outcome: Mapped[str | None] = mapped_column(info=about("done or failed"))
    detail: Mapped[str | None] = mapped_column()


class Installation(Base):
    """Facts about this database: its storage tier, when it was last restored."""

    __tablename__ = "installation"
    TITLE: ClassVar[str] = "key"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any]] = mapped_column()
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
