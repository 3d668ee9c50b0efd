"""Alert rules, the evaluator's checkpoints, alerts and what happened to them."""

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
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.amounts import ITS_UNIT
from hub.schema.base import (
    Authored,
    Base,
    Keyed,
    Owned,
    about,
    of_organization,
    one_of,
    part_of,
    within,
)

CONDITIONS = ("normal", "pending_on", "active", "pending_off", "unknown")
LEVELS = ("lolo", "lo", "hi", "hihi", "alarm")
ACKS = ("none", "unacked", "acked")
#: Judged sample by sample, on the hub and at the site.
SAMPLE_KINDS = (
    "limit",
    "rate",
    "stale",
    "flatline",
    "bad_value",
    "digital",
    "deviation",
    "expression",
)
#: Judged from the office's rows.
OFFICE_KINDS = (
    *("production_variance", "mass_balance", "due_date", "financial", "meta", "missing_entry"),
    "ticket_mismatch",
)
SCOPES = ("tag", "equipment_class", "well", "organization")
DETECTORS = ("hub", "site")


class AlertRule(Base, Keyed, Owned, Authored):
    """When readings or the office's rows become an alert, and what whoever it wakes should do.

    A rule of scope tag is what the evaluator judges. A rule of readings for a class of equipment, a
    well or the whole operator is a parent: it makes one rule of scope tag per fitting tag.
    """

    __tablename__ = "alert_rules"

    name: Mapped[str] = mapped_column(info=about("What is wrong, in a few words."))
    kind: Mapped[str] = mapped_column(server_default="limit")
    scope: Mapped[str] = mapped_column(
        server_default="tag", default="tag", info=about("How much it watches.", choices=SCOPES)
    )
    tag_id: Mapped[int | None] = mapped_column(info=about("The tag it watches."))
    well_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The well it watches."))
    equipment_class: Mapped[str | None] = mapped_column(
        info=about("The kind of equipment it watches.")
    )
    measure: Mapped[str | None] = mapped_column(
        info=about("What is measured on what it watches; a parent's tags have this measure.")
    )
    unit: Mapped[str | None] = mapped_column(
        info=about("Unit of a parent's limits; tags in another unit get no rule.")
    )
    parent_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The rule that made this one."))
    detached: Mapped[bool] = mapped_column(
        server_default="false",
        default=False,
        info=about("Changed by a person; the parent lets it be."),
    )
    template: Mapped[str | None] = mapped_column(info=about("The template it began with."))
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
    latch: Mapped[bool] = mapped_column(
        server_default="false",
        default=False,
        info=about("Its alerts stand until somebody resets them."),
    )
    capture_fleeting: Mapped[bool] = mapped_column(
        server_default="false",
        default=False,
        info=about("Also what ends before the on-delay becomes an alert."),
    )
    advisory: Mapped[bool] = mapped_column(
        server_default="false", default=False, info=about("Advice: shown, and never pages.")
    )
    faulted_at: Mapped[datetime | None] = mapped_column(info=about("When judging it failed."))
    fault: Mapped[str | None] = mapped_column(info=about("Why judging it failed."))
    __table_args__ = (
        of_organization(),
        within("tag_id", table="tags"),
        within("well_id", table="wells"),
        within("parent_id", table="alert_rules"),
        UniqueConstraint("organization_id", "id"),
        Index("alert_rules_tag_id_idx", "tag_id"),
        Index(
            "alert_rules_child_key",
            "organization_id",
            "parent_id",
            "tag_id",
            unique=True,
            postgresql_where=text("parent_id IS NOT NULL"),
        ),
        Index(
            "alert_rules_kind_idx",
            "organization_id",
            "kind",
            postgresql_where=text("tag_id IS NULL"),
        ),
        CheckConstraint(one_of("kind", *SAMPLE_KINDS, *OFFICE_KINDS), name="kind"),
        CheckConstraint(one_of("scope", *SCOPES), name="scope"),
        CheckConstraint(
            "(scope = 'tag') = (tag_id IS NOT NULL) AND (scope = 'well') = (well_id IS NOT NULL)"
            " AND (scope = 'equipment_class') = (equipment_class IS NOT NULL)",
            name="watched",
        ),
        CheckConstraint(
            "(parent_id IS NULL OR scope = 'tag' AND parent_id <> id)"
            " AND (parent_id IS NOT NULL OR NOT detached)",
            name="parent_id",
        ),
    )


class AlertRuleVersion(Base, Owned):
    """What a rule said, every time it was changed: appended by the database, never changed."""

    __tablename__ = "alert_rule_versions"
    TITLE: ClassVar[str] = "number"

    rule_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(
        primary_key=True, autoincrement=False, info=about("Counts the changes of the rule.")
    )
    version: Mapped[int] = mapped_column(info=about("The version that alerts name."))
    said: Mapped[dict[str, Any]] = mapped_column(info=about("The rule's columns as they stood."))
    made_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    made_by: Mapped[uuid.UUID | None] = mapped_column(info=about("Who changed it."))
    __table_args__ = (
        of_organization(),
        part_of("rule_id", table="alert_rules"),
        Index("alert_rule_versions_organization_id_idx", "organization_id"),
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
    kind: Mapped[str] = mapped_column(
        server_default="limit", default="limit", info=about("Kind of the rule that raised it.")
    )
    subject: Mapped[str] = mapped_column(
        server_default="", default="", info=about("What it is about, in words.")
    )
    tag_id: Mapped[int | None] = mapped_column(info=about("The tag whose readings raised it."))
    well_id: Mapped[uuid.UUID | None] = mapped_column(info=about("Well of the tag when raised."))
    equipment_id: Mapped[uuid.UUID | None] = mapped_column(info=about("Equipment it is about."))
    facility_id: Mapped[uuid.UUID | None] = mapped_column(info=about("Facility it is about."))
    agent_id: Mapped[uuid.UUID | None] = mapped_column(info=about("Agent that sees it."))
    dedup_key: Mapped[str] = mapped_column(info=about("At most one open alert per key."))
    level: Mapped[str] = mapped_column(
        info=about("Which limit was passed; alarm where there is only one.", choices=LEVELS)
    )
    priority: Mapped[int] = mapped_column(SmallInteger, info=about("1 worst … 4 advice."))
    message: Mapped[str] = mapped_column(info=about("What is wrong, with value and limit."))
    origin: Mapped[str] = mapped_column(
        info=about("live, or historical: known only afterwards", choices=("live", "historical"))
    )
    detected_by: Mapped[str] = mapped_column(
        server_default="hub",
        default="hub",
        info=about("Who judged first: the hub, or the agent at the site.", choices=DETECTORS),
    )
    first_out_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The alert that began first of those that stand together.")
    )
    setpoint: Mapped[float | None] = mapped_column(
        Double,
        info=about("The limit that was passed; empty where there is none.", unit=ITS_UNIT),
    )
    value: Mapped[float | None] = mapped_column(
        Double, info=about("Value that raised it, as its gauge says it.", unit=ITS_UNIT)
    )
    extreme: Mapped[float | None] = mapped_column(
        Double, info=about("Worst value so far, likewise.", unit=ITS_UNIT)
    )

    announced_level: Mapped[str | None] = mapped_column(
        info=about("Level that people were told of last; empty while nobody was told.")
    )

    condition: Mapped[str] = mapped_column(info=about("Whether it stands.", choices=CONDITIONS))
    raised_at: Mapped[datetime] = mapped_column(info=about("Event time at which it began."))
    detected_at: Mapped[datetime] = mapped_column(info=about("When the hub knew."))
    seen_at: Mapped[datetime | None] = mapped_column(info=about("When a person first saw it."))
    seen_by: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("users.id"), info=about("Who saw it first.")
    )
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
    ack_via: Mapped[str | None] = mapped_column(
        info=about("Door it was said through: console, api, link, sms, voice, site, entry.")
    )
    ack_until: Mapped[datetime | None] = mapped_column(
        info=about("If it still stands then, it asks again.", label="Acknowledged until")
    )
    eta: Mapped[datetime | None] = mapped_column(
        info=about("When that person expects to be there.", label="Expected on site")
    )
    arrived_at: Mapped[datetime | None] = mapped_column(
        info=about("When somebody was there.", label="Arrived on site")
    )
    arrived_by: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("users.id"), info=about("Who was there.")
    )
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
    shelf_count: Mapped[int] = mapped_column(
        SmallInteger, server_default="0", default=0, info=about("How often it was shelved.")
    )
    suppressed_by: Mapped[str | None] = mapped_column(info=about("What keeps it quiet."))
    suppressed_cause_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The alert that keeps it quiet.", label="Suppressed by alert")
    )
    suppressed_at: Mapped[datetime | None] = mapped_column(info=about("Kept quiet since then."))
    tell_at: Mapped[datetime | None] = mapped_column(
        info=about("What kept it quiet is over: it is told then, if it still stands.")
    )
    out_of_service_until: Mapped[datetime | None] = mapped_column(
        info=about("Its gauge is out of service until then.")
    )
    closed_at: Mapped[datetime | None] = mapped_column(info=about("Nothing more will happen."))
    retracted_at: Mapped[datetime | None] = mapped_column(
        info=about("When late readings showed that it did not happen.")
    )
    to_review: Mapped[bool] = mapped_column(
        server_default="false",
        default=False,
        info=about("Critical, and known only afterwards: somebody has to look into it."),
    )
    reviewed_at: Mapped[datetime | None] = mapped_column(info=about("When somebody did."))
    reviewed_by: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("users.id"), info=about("Who looked into it.")
    )
    digested_at: Mapped[datetime | None] = mapped_column(
        info=about("When people were told of it among others, after the link was back.")
    )
    row_version: Mapped[int] = mapped_column(
        server_default="1", default=1, info=about("Counts its changes.")
    )
    __table_args__ = (
        of_organization(),
        within("rule_id", table="alert_rules"),
        within("tag_id", table="tags"),
        within("well_id", table="wells"),
        within("equipment_id", table="equipment"),
        within("facility_id", table="facilities"),
        within("agent_id", table="agents"),
        within("first_out_id", table="alerts"),
        within("suppressed_cause_id", table="alerts"),
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
        Index("alerts_agent_id_idx", "agent_id", postgresql_where=text("closed_at IS NULL")),
        Index(
            "alerts_ack_until_idx",
            "ack_until",
            postgresql_where=text("closed_at IS NULL AND ack_until IS NOT NULL"),
        ),
        CheckConstraint(one_of("condition", *CONDITIONS), name="condition"),
        CheckConstraint(one_of("ack", "none", "unacked", "acked"), name="ack"),
        CheckConstraint(one_of("origin", "live", "historical"), name="origin"),
        CheckConstraint(one_of("level", *LEVELS), name="level"),
        CheckConstraint(one_of("detected_by", *DETECTORS), name="detected_by"),
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
