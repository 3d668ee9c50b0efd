"""Who is told of an alert, when and in which order: policies, rotations, what a person prefers."""

from __future__ import annotations

import uuid
from datetime import date, datetime, time
from typing import Any, ClassVar

from sqlalchemy import (
    CheckConstraint,
    Index,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

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
from hub.schema.tenancy import ROLES

#: How a step reaches people: by one kind of channel, by what each prefers, or by all they have.
CHANNEL_CLASSES = ("own", "all", "push", "sms", "voice", "email")
#: Whom a step is for; `site_manager`: those whose route the well is on, else the managers.
TARGETS = ("user", "role", "rotation", "site_manager")
LANGUAGES = ("en", "es")
#: Monday is 1, as ISO 8601 counts.
WEEKDAYS = "ARRAY[1, 2, 3, 4, 5, 6, 7]::smallint[]"


class EscalationPolicy(Base, Keyed, Owned, Authored):
    """Whom to tell of alerts of some priorities, and in which order: of one rule, of one piece of
    equipment, on one well or lease, or everywhere.
    """

    __tablename__ = "escalation_policies"

    name: Mapped[str] = mapped_column(info=about("What people call it."))
    note: Mapped[str] = mapped_column(server_default="", default="", info=about("Why it is so."))
    priorities: Mapped[list[int]] = mapped_column(
        ARRAY(SmallInteger), info=about("Of which priorities it tells: 1 worst … 4 advice.")
    )
    lease_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("Only for wells of this lease; empty for all.", label="Lease")
    )
    well_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("Only for this well; empty for all.", label="Well")
    )
    equipment_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("Only for this equipment and what is part of it; empty for all.")
    )
    rule_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("Only for this alert rule and those that follow it.", label="Alert rule")
    )
    rounds: Mapped[int] = mapped_column(
        SmallInteger, server_default="3", default=3, info=about("How often its steps are gone.")
    )
    remind_every_s: Mapped[int | None] = mapped_column(
        info=about("After the last round, how often everybody is told again.", unit="s")
    )
    bundle_s: Mapped[int] = mapped_column(
        server_default="0",
        default=0,
        info=about("How long alerts of priority 2 and lower are gathered.", unit="s"),
    )
    fallback_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("Who is told when a step finds nobody; empty for the owners.", label="Fallback")
    )
    version: Mapped[int] = mapped_column(
        server_default="1", default=1, info=about("Counts its changes; alerts keep to theirs.")
    )
    ended_at: Mapped[datetime | None] = mapped_column(info=about("Not used since."))
    __table_args__ = (
        of_organization(),
        within("lease_id", table="leases"),
        within("well_id", table="wells"),
        within("equipment_id", table="equipment"),
        within("rule_id", table="alert_rules"),
        within("fallback_id", table="memberships", key="user_id"),
        UniqueConstraint("organization_id", "id"),
        CheckConstraint("name <> ''", name="name"),
        CheckConstraint(
            "cardinality(priorities) > 0 AND priorities <@ ARRAY[1, 2, 3, 4]::smallint[]",
            name="priorities",
        ),
        CheckConstraint(
            "num_nonnulls(lease_id, well_id, equipment_id, rule_id) <= 1", name="one_place"
        ),
        CheckConstraint("rounds BETWEEN 1 AND 20", name="rounds"),
        CheckConstraint("remind_every_s >= 60", name="remind_every_s"),
        CheckConstraint("bundle_s BETWEEN 0 AND 900", name="bundle_s"),
    )


class EscalationStep(Base, Keyed, Owned, Authored):
    """One step of a policy: how it reaches its people, and how long it waits for an answer."""

    __tablename__ = "escalation_steps"
    TITLE: ClassVar[str] = "position"

    policy_id: Mapped[uuid.UUID] = mapped_column(info=about("The policy."))
    position: Mapped[int] = mapped_column(SmallInteger, info=about("1 is the first."))
    channel_class: Mapped[str] = mapped_column(
        server_default="own",
        default="own",
        info=about("How people are reached.", choices=CHANNEL_CLASSES),
    )
    ack_timeout_s: Mapped[int] = mapped_column(
        server_default="300",
        default=300,
        info=about("How long an acknowledgement is waited for.", unit="s"),
    )
    times: Mapped[int] = mapped_column(
        SmallInteger, server_default="1", default=1, info=about("How often it is done in a row.")
    )
    window_from: Mapped[time | None] = mapped_column(
        info=about("Only from this local time on; outside it waits.")
    )
    window_to: Mapped[time | None] = mapped_column(info=about("Only until this local time."))
    window_days: Mapped[list[int] | None] = mapped_column(
        ARRAY(SmallInteger), info=about("Only on these days; 1 is Monday.")
    )
    worst_only: Mapped[int] = mapped_column(
        SmallInteger,
        server_default="4",
        default=4,
        info=about("Only for alerts of priority 1 … this one.", label="Only for priority"),
    )
    still_active: Mapped[bool] = mapped_column(
        server_default="false",
        default=False,
        info=about("Only while what is wrong still stands."),
    )
    __table_args__ = (
        of_organization(),
        part_of("policy_id", table="escalation_policies"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("policy_id", "position"),
        CheckConstraint("position >= 1", name="position"),
        CheckConstraint(one_of("channel_class", *CHANNEL_CLASSES), name="channel_class"),
        CheckConstraint("ack_timeout_s BETWEEN 30 AND 604800", name="ack_timeout_s"),
        CheckConstraint("times BETWEEN 1 AND 20", name="times"),
        CheckConstraint("(window_from IS NULL) = (window_to IS NULL)", name="window_times"),
        CheckConstraint(
            f"cardinality(window_days) > 0 AND window_days <@ {WEEKDAYS}", name="window_days"
        ),
        CheckConstraint("worst_only BETWEEN 1 AND 4", name="worst_only"),
    )


class EscalationTarget(Base, Keyed, Owned, Authored):
    """Whom a step is for: a person, everybody of a role, who is on call, who looks after the
    well.
    """

    __tablename__ = "escalation_targets"
    TITLE: ClassVar[str] = "kind"

    step_id: Mapped[uuid.UUID] = mapped_column(info=about("The step."))
    kind: Mapped[str] = mapped_column(info=about("Whom it names.", choices=TARGETS))
    user_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The person.", label="Person"))
    role: Mapped[str | None] = mapped_column(info=about("The role.", choices=ROLES))
    rotation_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("Whoever is on call there.", label="Rotation")
    )
    __table_args__ = (
        of_organization(),
        part_of("step_id", table="escalation_steps"),
        within("user_id", table="memberships", key="user_id"),
        within("rotation_id", table="rotations"),
        UniqueConstraint("organization_id", "id"),
        Index("escalation_targets_step_id_idx", "step_id"),
        CheckConstraint(one_of("kind", *TARGETS), name="kind"),
        CheckConstraint(one_of("role", *ROLES), name="role"),
        CheckConstraint(
            "(user_id IS NOT NULL) = (kind = 'user') AND (role IS NOT NULL) = (kind = 'role')"
            " AND (rotation_id IS NOT NULL) = (kind = 'rotation')",
            name="target",
        ),
    )


class PolicyVersion(Base, Keyed, Owned):
    """A policy as it stood: an alert keeps to the version under which it was raised."""

    __tablename__ = "policy_versions"
    TITLE: ClassVar[str] = "number"

    policy_id: Mapped[uuid.UUID] = mapped_column(info=about("The policy."))
    number: Mapped[int] = mapped_column(info=about("1, 2, 3 …"))
    snapshot: Mapped[dict[str, Any]] = mapped_column(info=about("Its steps and whom they name."))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    created_by: Mapped[uuid.UUID | None] = mapped_column(info=about("Who saved it."))
    __table_args__ = (
        of_organization(),
        within("policy_id", table="escalation_policies"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("policy_id", "number"),
    )


class Rotation(Base, Keyed, Owned, Authored):
    """People who are on call in turn, on the clock of one time zone."""

    __tablename__ = "rotations"

    name: Mapped[str] = mapped_column(info=about("What people call it."))
    timezone: Mapped[str] = mapped_column(info=about("IANA time zone of its hand-offs."))
    note: Mapped[str] = mapped_column(server_default="", default="", info=about("What to know."))
    ended_at: Mapped[datetime | None] = mapped_column(info=about("Not used since."))
    __table_args__ = (
        of_organization(),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "name"),
        CheckConstraint("name <> ''", name="name"),
        CheckConstraint("timezone <> ''", name="timezone"),
    )


class RotationLayer(Base, Keyed, Owned, Authored):
    """One layer of a rotation: whose turn it is, day by day; a higher one covers a lower one."""

    __tablename__ = "rotation_layers"
    TITLE: ClassVar[str] = "position"

    rotation_id: Mapped[uuid.UUID] = mapped_column(info=about("The rotation."))
    position: Mapped[int] = mapped_column(SmallInteger, info=about("1 is the lowest."))
    starts_on: Mapped[date] = mapped_column(info=about("Day of the first person's hand-off."))
    ends_on: Mapped[date | None] = mapped_column(info=about("Last day; empty for no end."))
    handoff_at: Mapped[time] = mapped_column(info=about("Local time of the hand-off."))
    every_days: Mapped[int] = mapped_column(
        SmallInteger, server_default="7", default=7, info=about("Length of a turn.", unit="d")
    )
    window_from: Mapped[time | None] = mapped_column(
        info=about("Only from this local time on, each day.")
    )
    window_to: Mapped[time | None] = mapped_column(info=about("Only until this local time."))
    window_days: Mapped[list[int] | None] = mapped_column(
        ARRAY(SmallInteger), info=about("Only on days with these numbers; 1 is Monday.")
    )
    __table_args__ = (
        of_organization(),
        part_of("rotation_id", table="rotations"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("rotation_id", "position"),
        CheckConstraint("position >= 1", name="position"),
        CheckConstraint("ends_on >= starts_on", name="ends_on"),
        CheckConstraint("every_days BETWEEN 1 AND 62", name="every_days"),
        CheckConstraint("(window_from IS NULL) = (window_to IS NULL)", name="window_times"),
        CheckConstraint(
            f"cardinality(window_days) > 0 AND window_days <@ {WEEKDAYS}", name="window_days"
        ),
    )


class RotationMember(Base, Keyed, Owned, Authored):
    """A person's place in the turns of a layer."""

    __tablename__ = "rotation_members"
    TITLE: ClassVar[str] = "position"

    layer_id: Mapped[uuid.UUID] = mapped_column(info=about("The layer."))
    position: Mapped[int] = mapped_column(SmallInteger, info=about("1 has the first turn."))
    user_id: Mapped[uuid.UUID] = mapped_column(info=about("The person.", label="Person"))
    __table_args__ = (
        of_organization(),
        part_of("layer_id", table="rotation_layers"),
        within("user_id", table="memberships", key="user_id"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("layer_id", "position"),
        CheckConstraint("position >= 1", name="position"),
    )


class RotationOverride(Base, Keyed, Owned, Authored):
    """Somebody is on call instead of whoever it would be; of two, the one entered last holds."""

    __tablename__ = "rotation_overrides"
    TITLE: ClassVar[str] = "starts_at"

    rotation_id: Mapped[uuid.UUID] = mapped_column(info=about("The rotation."))
    user_id: Mapped[uuid.UUID] = mapped_column(info=about("Who is on call.", label="Person"))
    replaces_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("Only where this person would be; empty for whoever.", label="Instead of")
    )
    starts_at: Mapped[datetime] = mapped_column(info=about("From here."))
    ends_at: Mapped[datetime] = mapped_column(info=about("Until here."))
    reason: Mapped[str] = mapped_column(server_default="", default="", info=about("Why."))
    withdrawn_at: Mapped[datetime | None] = mapped_column(info=about("Taken back."))
    __table_args__ = (
        of_organization(),
        within("rotation_id", table="rotations"),
        within("user_id", table="memberships", key="user_id"),
        within("replaces_id", table="memberships", key="user_id"),
        UniqueConstraint("organization_id", "id"),
        Index("rotation_overrides_rotation_id_idx", "rotation_id", "ends_at"),
        CheckConstraint("ends_at > starts_at", name="ends_at"),
        CheckConstraint("replaces_id <> user_id", name="replaces_id"),
    )


class RotationHandoff(Base, Keyed, Owned):
    """One hand-off: who comes after whom, what the one says to the other, and that it was told."""

    __tablename__ = "rotation_handoffs"
    TITLE: ClassVar[str] = "at"

    rotation_id: Mapped[uuid.UUID] = mapped_column(info=about("The rotation."))
    at: Mapped[datetime] = mapped_column(info=about("When."))
    from_id: Mapped[uuid.UUID | None] = mapped_column(info=about("Who goes off call."))
    to_id: Mapped[uuid.UUID | None] = mapped_column(info=about("Who comes on call."))
    note: Mapped[str] = mapped_column(
        server_default="", default="", info=about("What the next one should know.")
    )
    told_at: Mapped[datetime | None] = mapped_column(info=about("When the next one was told."))
    __table_args__ = (
        of_organization(),
        within("rotation_id", table="rotations"),
        within("from_id", table="memberships", key="user_id"),
        within("to_id", table="memberships", key="user_id"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("rotation_id", "at"),
    )


class NotifyPreference(Base, Keyed, Owned, Authored):
    """How a person wants to be told by one operator; P1 reaches them whatever stands here."""

    __tablename__ = "notify_preferences"
    TITLE: ClassVar[str] = "user_id"

    user_id: Mapped[uuid.UUID] = mapped_column(info=about("The person.", label="Person"))
    language: Mapped[str] = mapped_column(
        server_default="en", default="en", info=about("Of the messages.", choices=LANGUAGES)
    )
    timezone: Mapped[str | None] = mapped_column(
        info=about("IANA time zone of the times here; empty for the operator's.")
    )
    channels: Mapped[dict[str, Any]] = mapped_column(
        server_default=text("'{}'"),
        default=dict,
        info=about('By priority, the kinds of channel in their order: {"1": ["voice", "sms"]}.'),
    )
    quiet_from: Mapped[time | None] = mapped_column(
        info=about("Priority 3 waits from this local time on.")
    )
    quiet_to: Mapped[time | None] = mapped_column(info=about("… until this one."))
    digest_at: Mapped[time] = mapped_column(
        server_default=text("'07:00'"),
        default=time(7),
        info=about("Local time of the daily digest."),
    )
    most_sms_a_day: Mapped[int | None] = mapped_column(
        SmallInteger,
        info=about("Further ones go by the next channel.", label="Text messages a day, at most"),
    )
    away_from: Mapped[datetime | None] = mapped_column(info=about("Away from here."))
    away_until: Mapped[datetime | None] = mapped_column(info=about("… until here."))
    delegate_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("Who is told instead meanwhile.", label="Stand-in")
    )
    __table_args__ = (
        of_organization(),
        within("user_id", table="memberships", key="user_id"),
        within("delegate_id", table="memberships", key="user_id"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "user_id"),
        CheckConstraint(one_of("language", *LANGUAGES), name="language"),
        CheckConstraint("jsonb_typeof(channels) = 'object'", name="channels"),
        CheckConstraint("(quiet_from IS NULL) = (quiet_to IS NULL)", name="quiet"),
        CheckConstraint("most_sms_a_day >= 0", name="most_sms_a_day"),
        CheckConstraint("away_until > away_from", name="away_until"),
        CheckConstraint("num_nonnulls(away_from, away_until, delegate_id) IN (0, 3)", name="away"),
        CheckConstraint("delegate_id <> user_id", name="delegate_id"),
    )
