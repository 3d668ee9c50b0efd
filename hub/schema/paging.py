"""Whose turn it is to be told of an alert, and what each person was told: now, merged or later."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.base import Base, Keyed, Owned, about, of_organization, one_of, within

#: Why a run is over: somebody took the alert on or it closed, or every step was taken.
RUN_ENDS = ("stopped", "exhausted")
#: How a person was told: at once, in one message with others, during a flood, in a digest; or not.
MANNERS = ("told", "bundle", "storm", "digest", "nobody")


class EscalationRun(Base, Keyed, Owned):
    """An alert on its way through a policy: the next step is due at an instant, whoever does it.

    There is no lease: a step only writes rows, so the row's lock is held for as long as it takes,
    and a worker that dies lets go of it.
    """

    __tablename__ = "escalation_runs"
    TITLE: ClassVar[str] = "due_at"

    alert_id: Mapped[uuid.UUID] = mapped_column(info=about("The alert."))
    policy_version_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The policy as it stood when it began; empty for the built-in one.")
    )
    priority: Mapped[int] = mapped_column(SmallInteger, info=about("1 worst … 4 advice."))
    kind: Mapped[str] = mapped_column(info=about("raised or level"))
    occasion: Mapped[str] = mapped_column(info=about("What tells this page from another."))
    subject: Mapped[str] = mapped_column(info=about("What the messages say, in a line."))
    body: Mapped[dict[str, Any]] = mapped_column(info=about("What the messages say."))
    step_no: Mapped[int] = mapped_column(
        SmallInteger, server_default="0", default=0, info=about("The step that is due, from 0.")
    )
    turn: Mapped[int] = mapped_column(
        SmallInteger, server_default="0", default=0, info=about("How often that step was done.")
    )
    round: Mapped[int] = mapped_column(
        SmallInteger, server_default="0", default=0, info=about("How often all steps were done.")
    )
    pages: Mapped[int] = mapped_column(
        server_default="0", default=0, info=about("How often people were told so far.")
    )
    started_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    due_at: Mapped[datetime | None] = mapped_column(
        info=about("When the next step is due; empty once it is over.")
    )
    ended_at: Mapped[datetime | None] = mapped_column(info=about("When it was over."))
    end_reason: Mapped[str | None] = mapped_column(info=about("Why.", choices=RUN_ENDS))
    audited_at: Mapped[datetime | None] = mapped_column(
        info=about("When the owner was told that a step is overdue.")
    )
    __table_args__ = (
        of_organization(),
        within("alert_id", table="alerts"),
        within("policy_version_id", table="policy_versions"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "alert_id"),
        Index("escalation_runs_due_idx", "due_at", postgresql_where=text("ended_at IS NULL")),
        CheckConstraint("priority BETWEEN 1 AND 4", name="priority"),
        CheckConstraint(one_of("end_reason", *RUN_ENDS), name="end_reason"),
        CheckConstraint("(ended_at IS NULL) = (due_at IS NOT NULL)", name="due_at"),
    )


class Page(Base, Keyed, Owned):
    """One person's turn of being told of one alert, whatever came of it."""

    __tablename__ = "pages"
    TITLE: ClassVar[str] = "at"

    alert_id: Mapped[uuid.UUID] = mapped_column(info=about("The alert."))
    user_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("Who; empty where a step found nobody.", label="Person")
    )
    channel_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("A channel of nobody's own: a mailbox several people read.", label="Channel")
    )
    for_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("For whom that person stood in.", label="Instead of")
    )
    priority: Mapped[int] = mapped_column(SmallInteger, info=about("1 worst … 4 advice."))
    kind: Mapped[str] = mapped_column(info=about("raised, level or reminder"))
    step_no: Mapped[int] = mapped_column(SmallInteger, info=about("The step, from 0."))
    manner: Mapped[str] = mapped_column(info=about("How it is told.", choices=MANNERS))
    reason: Mapped[str] = mapped_column(server_default="", default="", info=about("Why so."))
    at: Mapped[datetime] = mapped_column(info=about("When it was this person's turn."))
    due_at: Mapped[datetime | None] = mapped_column(info=about("When it is told, if not at once."))
    done_at: Mapped[datetime | None] = mapped_column(info=about("When a message was written."))
    __table_args__ = (
        of_organization(),
        within("alert_id", table="alerts"),
        within("user_id", table="memberships", key="user_id"),
        within("channel_id", table="contact_channels"),
        within("for_id", table="memberships", key="user_id"),
        UniqueConstraint("organization_id", "id"),
        Index("pages_user_id_at_idx", "organization_id", "user_id", "channel_id", "at"),
        Index("pages_alert_id_idx", "alert_id"),
        Index(
            "pages_due_idx",
            "due_at",
            postgresql_where=text("done_at IS NULL AND due_at IS NOT NULL"),
        ),
        CheckConstraint("priority BETWEEN 1 AND 4", name="priority"),
        CheckConstraint(one_of("manner", *MANNERS), name="manner"),
    )


class Storm(Base, Keyed, Owned):
    """A flood of pages for one person: they are told in one message that is renewed."""

    __tablename__ = "storms"
    TITLE: ClassVar[str] = "began_at"

    user_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The person.", label="Person"))
    channel_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("Or a channel of nobody's own.", label="Channel")
    )
    began_at: Mapped[datetime] = mapped_column(info=about("When it began."))
    due_at: Mapped[datetime] = mapped_column(info=about("When its message is renewed next."))
    told_at: Mapped[datetime | None] = mapped_column(info=about("When it last was."))
    messages: Mapped[int] = mapped_column(
        server_default="0", default=0, info=about("How many messages so far.")
    )
    pages: Mapped[int] = mapped_column(
        server_default="0", default=0, info=about("How many pages they stand for.")
    )
    ended_at: Mapped[datetime | None] = mapped_column(info=about("When it was over."))
    __table_args__ = (
        of_organization(),
        within("user_id", table="memberships", key="user_id"),
        within("channel_id", table="contact_channels"),
        UniqueConstraint("organization_id", "id"),
        Index(
            "storms_open_key",
            *("organization_id", "user_id", "channel_id"),
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("storms_due_idx", "due_at", postgresql_where=text("ended_at IS NULL")),
        CheckConstraint("num_nonnulls(user_id, channel_id) = 1", name="recipient"),
    )


class Digest(Base, Keyed, Owned):
    """What one person was told at their hour: whoever writes the row sends it."""

    __tablename__ = "digests"
    TITLE: ClassVar[str] = "due_at"

    user_id: Mapped[uuid.UUID] = mapped_column(info=about("The person.", label="Person"))
    due_at: Mapped[datetime] = mapped_column(info=about("Their hour."))
    from_at: Mapped[datetime] = mapped_column(info=about("It tells of what came since here."))
    made_at: Mapped[datetime] = mapped_column(info=about("When it was put together."))
    body: Mapped[dict[str, Any]] = mapped_column(info=about("What it said."))
    __table_args__ = (
        of_organization(),
        within("user_id", table="memberships", key="user_id"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "user_id", "due_at"),
    )


class ReachCheck(Base, Keyed, Owned):
    """The weekly question to a person on call, and whether they tapped back in time."""

    __tablename__ = "reach_checks"
    TITLE: ClassVar[str] = "asked_at"

    user_id: Mapped[uuid.UUID] = mapped_column(info=about("The person.", label="Person"))
    asked_at: Mapped[datetime] = mapped_column(info=about("When the page was written."))
    due_at: Mapped[datetime] = mapped_column(info=about("Answered by then, or missed."))
    answered_at: Mapped[datetime | None] = mapped_column(info=about("When the person answered."))
    missed_at: Mapped[datetime | None] = mapped_column(info=about("When it counted as missed."))
    __table_args__ = (
        of_organization(),
        within("user_id", table="memberships", key="user_id"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "user_id", "asked_at"),
    )
