"""Agents, what they declare, what they sent, and the proof that all of it is here."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.base import Authored, Base, Keyed, Owned, about, of_organization, one_of, within

#: thinned: to save space, never sent; released: receipted, then evicted, and asked for after a
#: restore; moved: sent again under another stream after a fork; lost: damaged or dropped at the
#: agent; lost_with_disk: announced once, and gone with the disk that held it.
GAP_REASONS = ("thinned", "released", "moved", "lost", "lost_with_disk")


class Agent(Base, Keyed, Owned, Authored):
    """A box at a well site, with an account at the broker."""

    __tablename__ = "agents"

    name: Mapped[str] = mapped_column(
        unique=True, info=about("Account at the broker and name in every topic; never reused.")
    )
    shard: Mapped[int] = mapped_column(
        SmallInteger, info=about("Which ingest shard takes its messages; fixed at enrolment.")
    )
    well_id: Mapped[uuid.UUID | None] = mapped_column(info=about("Well or pad it stands at."))
    revoked_at: Mapped[datetime | None] = mapped_column(info=about("When its account ended."))
    online: Mapped[bool] = mapped_column(server_default="false", info=about("Birth seen, no will."))
    status_at: Mapped[datetime | None] = mapped_column(info=about("When it last said so."))
    heard_at: Mapped[datetime | None] = mapped_column(info=about("When anything last arrived."))
    boot: Mapped[str | None] = mapped_column(info=about("Id of its current program start."))
    software: Mapped[str | None] = mapped_column(info=about("Version it runs."))
    clock: Mapped[int | None] = mapped_column(SmallInteger, info=about("State of its clock."))
    clock_skew_ms: Mapped[int | None] = mapped_column(
        Integer, info=about("Its time less the hub's at the last birth.", unit="ms")
    )
    config_epoch: Mapped[int | None] = mapped_column(BigInteger, info=about("Epoch it runs."))
    backlog: Mapped[dict[str, Any] | None] = mapped_column(info=about("What it has yet to send."))
    __table_args__ = (
        of_organization(),
        within("well_id", table="wells"),
        UniqueConstraint("organization_id", "id"),
        CheckConstraint("name ~ '^[a-z0-9][a-z0-9_.-]{1,62}$'", name="name"),
        CheckConstraint("shard BETWEEN 0 AND 63", name="shard"),
    )


class AgentEvent(Base, Keyed, Owned):
    """Something about an agent that a person should know: its outbox went back, a disk was lost."""

    __tablename__ = "agent_events"
    TITLE: ClassVar[str] = "kind"

    agent_id: Mapped[uuid.UUID] = mapped_column()
    at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    kind: Mapped[str] = mapped_column(info=about("outbox_went_back, fork, lost_with_disk …"))
    text: Mapped[str] = mapped_column(info=about("One sentence for a person."))
    detail: Mapped[dict[str, Any] | None] = mapped_column()
    __table_args__ = (
        of_organization(),
        within("agent_id", table="agents"),
        Index("agent_events_agent_id_at_idx", "agent_id", "at"),
    )


class ConfigEpoch(Base, Owned):
    """One declaration of an agent's devices and tags, kept for ever: blocks name its number."""

    __tablename__ = "config_epochs"
    TITLE: ClassVar[str] = "epoch"

    agent_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    digest: Mapped[str] = mapped_column(info=about("Tells two declarations of a number apart."))
    declaration: Mapped[dict[str, Any]] = mapped_column(info=about("As it was declared."))
    declared_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    __table_args__ = (
        of_organization(),
        within("agent_id", table="agents"),
        UniqueConstraint("organization_id", "agent_id", "epoch"),
    )


class Tag(Base, Owned):
    """One measured quantity of one agent, linked by a person to a well or a piece of equipment."""

    __tablename__ = "tags"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    agent_id: Mapped[uuid.UUID] = mapped_column()
    name: Mapped[str] = mapped_column(info=about("As the agent's configuration names it."))
    device: Mapped[str] = mapped_column(info=about("Device it is read from."))
    unit: Mapped[str] = mapped_column(info=about("Engineering unit of its readings."))
    description: Mapped[str] = mapped_column(server_default="")
    interval_ms: Mapped[int] = mapped_column(info=about("How often a reading is due.", unit="ms"))
    low: Mapped[float | None] = mapped_column(Double, info=about("Bottom of the gauge's range."))
    high: Mapped[float | None] = mapped_column(Double, info=about("Top of the gauge's range."))
    measure: Mapped[str | None] = mapped_column(
        info=about("What it measures, in the trade's words: tubing_pressure, casing_pressure …")
    )
    well_id: Mapped[uuid.UUID | None] = mapped_column(info=about("Well it belongs to."))
    equipment_id: Mapped[uuid.UUID | None] = mapped_column(info=about("Equipment it belongs to."))
    linked_at: Mapped[datetime | None] = mapped_column(info=about("When a person linked it."))
    linked_by: Mapped[uuid.UUID | None] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    __table_args__ = (
        of_organization(),
        within("agent_id", table="agents"),
        within("well_id", table="wells"),
        within("equipment_id", table="equipment"),
        UniqueConstraint("agent_id", "name"),
        UniqueConstraint("organization_id", "id"),
        Index("tags_well_id_idx", "organization_id", "well_id"),
    )


class ConfigEpochTag(Base, Owned):
    """Which tag a number means in one configuration epoch."""

    __tablename__ = "config_epoch_tags"
    TITLE: ClassVar[str] = "number"

    agent_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    tag_id: Mapped[int] = mapped_column()
    __table_args__ = (
        of_organization(),
        within("tag_id", table="tags"),
        ForeignKeyConstraint(
            ["organization_id", "agent_id", "epoch"],
            ["config_epochs.organization_id", "config_epochs.agent_id", "config_epochs.epoch"],
            ondelete="RESTRICT",
        ),
    )


class Reading(Base, Owned):
    """One value of one tag at one instant. No unique index: the stream row makes it exactly once.

    A hypertable or a table partitioned by time; the app role reads it only through the
    security-barrier views `reading_points`, `reading_hours` and `reading_days`.
    """

    __tablename__ = "readings"
    TITLE: ClassVar[str] = "tag_id"

    time: Mapped[datetime] = mapped_column(primary_key=True, info=about("When it was read."))
    value: Mapped[float | None] = mapped_column(Double, info=about("In the tag's unit."))
    tag_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    quality: Mapped[int] = mapped_column(SmallInteger, info=about("0 good; 16 and up: no value."))


class ReadingAside(Base, Owned):
    """A reading that came after the retention of its time had passed.

    Its hour's rollup is final, so it is kept here; `reading_points` shows it.
    """

    __tablename__ = "readings_aside"
    TITLE: ClassVar[str] = "tag_id"

    time: Mapped[datetime] = mapped_column(primary_key=True, info=about("When it was read."))
    value: Mapped[float | None] = mapped_column(Double, info=about("In the tag's unit."))
    tag_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    quality: Mapped[int] = mapped_column(SmallInteger, info=about("0 good; 16 and up: no value."))
    __table_args__ = (of_organization(), within("tag_id", table="tags"))


class ReadingsState(Base):
    """How far the readings are rolled up and how far back they are kept; one row."""

    __tablename__ = "readings_state"
    TITLE: ClassVar[str] = "kept_from"

    one: Mapped[bool] = mapped_column(primary_key=True, server_default="true")
    rolled_to: Mapped[datetime] = mapped_column(
        server_default=text("'-infinity'"), info=about("Hours before it are in the hub's rollups.")
    )
    kept_from: Mapped[datetime] = mapped_column(
        server_default=text("'-infinity'"), info=about("Raw readings before it were dropped.")
    )
    __table_args__ = (CheckConstraint("one", name="one"),)


class LatestReading(Base, Owned):
    """The newest reading of each tag."""

    __tablename__ = "readings_latest"
    TITLE: ClassVar[str] = "tag_id"

    tag_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    time: Mapped[datetime] = mapped_column()
    value: Mapped[float | None] = mapped_column(Double)
    quality: Mapped[int] = mapped_column(SmallInteger)
    received_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    __table_args__ = (
        of_organization(),
        within("tag_id", table="tags"),
        {"postgresql_with": {"fillfactor": 50}},
    )


class Stream(Base, Owned):
    """One numbered run of blocks from one program start of an agent.

    `number` is the highest stored without a gap: only blocks above it are ever stored.
    """

    __tablename__ = "streams"
    TITLE: ClassVar[str] = "stream"

    agent_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    stream: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, server_default="0")
    checksum: Mapped[int] = mapped_column(BigInteger, server_default="0")
    announced: Mapped[int] = mapped_column(
        BigInteger, server_default="0", info=about("Highest number the agent said it had issued.")
    )
    closed: Mapped[int | None] = mapped_column(BigInteger, info=about("Its last number."))
    opened_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    __table_args__ = (of_organization(), within("agent_id", table="agents"))


class StreamGap(Base, Keyed, Owned):
    """Numbers of a stream that will never come, and why: loss is data, not silence."""

    __tablename__ = "stream_gaps"
    TITLE: ClassVar[str] = "reason"

    agent_id: Mapped[uuid.UUID] = mapped_column()
    stream: Mapped[str] = mapped_column()
    first: Mapped[int] = mapped_column(BigInteger)
    last: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(info=about("thinned, released, moved, lost …"))
    readings: Mapped[int] = mapped_column(BigInteger, server_default="0")
    from_time: Mapped[datetime | None] = mapped_column()
    to_time: Mapped[datetime | None] = mapped_column()
    found_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    __table_args__ = (
        of_organization(),
        within("agent_id", table="agents"),
        UniqueConstraint("agent_id", "stream", "first", "last"),
        CheckConstraint(one_of("reason", *GAP_REASONS), name="reason"),
    )


class IngestBatch(Base, Owned):
    """The ledger: one row per stored message and UTC day of its readings.

    Written in the transaction that stores the readings. `judged_at` says that the alert evaluator
    has committed what follows from them; `rolled_at` that the hub-kept rollups include them.
    """

    __tablename__ = "ingest_batches"
    TITLE: ClassVar[str] = "stream"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    agent_id: Mapped[uuid.UUID] = mapped_column()
    stream: Mapped[str] = mapped_column()
    first: Mapped[int] = mapped_column(BigInteger, info=about("First number stored."))
    last: Mapped[int] = mapped_column(BigInteger, info=about("Last number stored."))
    checksum: Mapped[int] = mapped_column(BigInteger, info=about("Of the stream after `last`."))
    readings: Mapped[int] = mapped_column(info=about("Readings stored for this day."))
    quarantined: Mapped[int] = mapped_column(server_default="0", info=about("Blocks set aside."))
    day: Mapped[datetime] = mapped_column(info=about("UTC midnight of the readings' day."))
    from_time: Mapped[datetime] = mapped_column()
    to_time: Mapped[datetime] = mapped_column()
    received_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    judged_at: Mapped[datetime | None] = mapped_column()
    rolled_at: Mapped[datetime | None] = mapped_column()
    __table_args__ = (
        of_organization(),
        within("agent_id", table="agents"),
        Index(
            "ingest_batches_unjudged_idx",
            "agent_id",
            "id",
            postgresql_where=text("judged_at IS NULL"),
        ),
        Index("ingest_batches_unrolled_idx", "id", postgresql_where=text("rolled_at IS NULL")),
        Index("ingest_batches_agent_id_day_idx", "agent_id", "day"),
        Index("ingest_batches_agent_id_stream_last_idx", "agent_id", "stream", "last"),
    )


class Quarantine(Base, Keyed):
    """A message or block the hub could not accept, with the reason and the raw bytes.

    Without a known agent there is no organization: such rows are for the installation's keeper.
    """

    __tablename__ = "quarantine"
    TITLE: ClassVar[str] = "reason"

    organization_id: Mapped[uuid.UUID | None] = mapped_column()
    agent_id: Mapped[uuid.UUID | None] = mapped_column()
    received_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    topic: Mapped[str] = mapped_column()
    code: Mapped[str] = mapped_column(info=about("not_ours, too_large, unknown_tag, ahead …"))
    reason: Mapped[str] = mapped_column(info=about("One sentence: what, where, what to do."))
    stream: Mapped[str | None] = mapped_column()
    number: Mapped[int | None] = mapped_column(BigInteger, info=about("Block, where one is meant."))
    payload: Mapped[bytes] = mapped_column(LargeBinary, info=about("Raw bytes, as they came."))
    settled_at: Mapped[datetime | None] = mapped_column(info=about("When a person dealt with it."))
    settled_by: Mapped[uuid.UUID | None] = mapped_column()
    settlement: Mapped[str | None] = mapped_column(info=about("replayed or discarded"))
    __table_args__ = (
        of_organization(),
        within("agent_id", table="agents"),
        Index("quarantine_organization_id_received_at_idx", "organization_id", "received_at"),
    )


class IngestEpoch(Base):
    """The start of an ingest process. Epochs only rise, also past a restored backup."""

    __tablename__ = "ingest_epochs"
    TITLE: ClassVar[str] = "process"

    epoch: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    process: Mapped[str] = mapped_column()
    first_shard: Mapped[int] = mapped_column(SmallInteger)
    last_shard: Mapped[int] = mapped_column(SmallInteger)
    started_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
