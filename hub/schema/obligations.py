"""What agencies are owed: their rules as data, and what one incident owes by each of them."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    CheckConstraint,
    Computed,
    FetchedValue,
    Index,
    SmallInteger,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.amounts import search_text
from hub.schema.base import (
    Authored,
    Base,
    Keyed,
    Owned,
    about,
    of_organization,
    one_of,
    within,
)
from hub.schema.courses import filled

DEADLINE_KINDS = ("immediate", "hours", "days", "working_days", "next_business_day")
CLOCKS = ("discovery", "occurrence", "cleanup", "discharge_stopped")
FOLLOW_UP_CLOCKS = ("discovery", "occurrence", "deadline", "told", "cleanup", "discharge_stopped")
VERIFICATIONS = ("verified", "partial", "unverified")
NOTICE_STATUSES = (*("potential", "due", "notified", "written_due", "filed", "waived", "lapsed"),)
METHODS = ("phone", "online", "email", "fax", "letter", "in_person")


class AgencyRule(Base, Keyed, Owned, Authored):
    """A rule by which an agency is told of an incident. No legal advice: confirm with counsel.

    Beside the core tables because the law is not in the program: what is shipped is a beginning
    that an operator changes, verifies every year, and answers for. Every version is kept.
    """

    __tablename__ = "agency_rules"
    TITLE: ClassVar[str] = "code"
    GROUP: ClassVar[str] = "Compliance"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("code", "jurisdiction", "agency", "asks_when", "deadline_kind", "deadline_n"),
        *("verification", "reverify_on", "enabled", "version"),
    )
    SEARCHED: ClassVar[tuple[str, ...]] = ("code", "jurisdiction", "agency", "asks_when")
    FACETS: ClassVar[tuple[str, ...]] = ("jurisdiction", "verification", "category", "enabled")

    code: Mapped[str] = mapped_column(info=about("Short name of the rule: nm-ocd-major."))
    jurisdiction: Mapped[str] = mapped_column(info=about("Where it holds, in words."))
    state: Mapped[str | None] = mapped_column(
        info=about("Two-letter state it holds in; empty where it holds everywhere.")
    )
    agency: Mapped[str] = mapped_column(info=about("Who is told."))
    category: Mapped[str] = mapped_column(info=about("What it is about."))
    asks_when: Mapped[str] = mapped_column(info=about("What it asks for, in words."))
    logic: Mapped[str] = mapped_column(
        info=about("The same as a condition: released >= 25 OR fire.", label="Condition")
    )
    written: Mapped[bool] = mapped_column(
        server_default="false",
        default=False,
        info=about(
            "Whether the first thing owed is a written report, not a call.", label="In writing"
        ),
    )
    deadline_kind: Mapped[str] = mapped_column(
        info=about("How its time is counted.", label="Deadline", choices=DEADLINE_KINDS)
    )
    deadline_n: Mapped[int | None] = mapped_column(
        SmallInteger, info=about("How many of them.", label="How many")
    )
    clock: Mapped[str] = mapped_column(
        server_default="discovery",
        default="discovery",
        info=about("What starts its clock.", label="Clock starts with", choices=CLOCKS),
    )
    follow_up: Mapped[str | None] = mapped_column(
        info=about("What is owed in writing afterwards.", label="Then in writing")
    )
    follow_up_kind: Mapped[str | None] = mapped_column(
        info=about(
            "How the time for that is counted.",
            label="Time for that",
            choices=DEADLINE_KINDS[1:4],
        )
    )
    follow_up_n: Mapped[int | None] = mapped_column(
        SmallInteger, info=about("How many of them.", label="How many for that")
    )
    follow_up_clock: Mapped[str] = mapped_column(
        server_default="discovery",
        default="discovery",
        info=about(
            "What starts the clock of that.",
            label="That clock starts with",
            choices=FOLLOW_UP_CLOCKS,
        ),
    )
    form: Mapped[str | None] = mapped_column(info=about("The form that is used."))
    contact: Mapped[str] = mapped_column(info=about("Whom to call, and the number."))
    citation: Mapped[str] = mapped_column(info=about("Where it is written."))
    verification: Mapped[str] = mapped_column(
        server_default="unverified",
        default="unverified",
        info=about("Whether somebody read the rule's own text.", choices=VERIFICATIONS),
    )
    verified_on: Mapped[date | None] = mapped_column(info=about("When it was last read."))
    reverify_on: Mapped[date | None] = mapped_column(
        Computed("verified_on + 365", persisted=True),
        info=about("When it is to be read again: a year later."),
    )
    params: Mapped[dict[str, Any] | None] = mapped_column(
        info=about(
            'Numbers its condition names that change by the year: {"damage_threshold": 50000}.',
            label="Its own numbers",
        )
    )
    note: Mapped[str | None] = mapped_column(info=about("What is doubtful about it."))
    enabled: Mapped[bool] = mapped_column(
        server_default="true", default=True, info=about("Whether it is in force here.")
    )
    version: Mapped[int] = mapped_column(
        FetchedValue(), server_default="1", info=filled("Counts its changes.")
    )
    search_text: Mapped[Any] = search_text(*SEARCHED)
    __table_args__ = (
        of_organization(),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "code"),
        Index("agency_rules_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint("code ~ '^[a-z0-9-]{3,60}$'", name="code"),
        CheckConstraint("state ~ '^[A-Z]{2}$'", name="state"),
        CheckConstraint("agency <> ''", name="agency"),
        CheckConstraint("logic <> ''", name="logic"),
        CheckConstraint("citation <> ''", name="citation"),
        CheckConstraint(one_of("deadline_kind", *DEADLINE_KINDS), name="deadline_kind"),
        CheckConstraint(
            "(deadline_n IS NULL) = (deadline_kind IN ('immediate', 'next_business_day'))",
            name="deadline",
        ),
        CheckConstraint("deadline_n BETWEEN 1 AND 3650", name="deadline_n"),
        CheckConstraint(one_of("clock", *CLOCKS), name="clock"),
        CheckConstraint(one_of("follow_up_kind", *DEADLINE_KINDS[1:4]), name="follow_up_kind"),
        CheckConstraint("(follow_up_kind IS NULL) = (follow_up_n IS NULL)", name="follow_up"),
        CheckConstraint("follow_up_n BETWEEN 1 AND 3650", name="follow_up_n"),
        CheckConstraint(one_of("follow_up_clock", *FOLLOW_UP_CLOCKS), name="follow_up_clock"),
        CheckConstraint(one_of("verification", *VERIFICATIONS), name="verification"),
    )


class AgencyRuleVersion(Base, Owned):
    """An agency's rule as it stood at some time: what an obligation of then was judged by."""

    __tablename__ = "agency_rule_versions"
    TITLE: ClassVar[str] = "version"

    rule_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(info=about("When it came to stand."))
    changed_by: Mapped[uuid.UUID | None] = mapped_column(info=about("Who wrote it so."))
    body: Mapped[dict[str, Any]] = mapped_column(info=about("The rule's row."))
    __table_args__ = (of_organization(), within("rule_id", table="agency_rules"))


class IncidentNotice(Base, Keyed, Owned, Authored):
    """What an agency is owed about an incident, its deadline, and the record of having told it.

    A row each, because one spill is told to several agencies, each within a time of its own.
    Nothing is ever sent to an agency by the program: a person calls, and notes whom and when.
    """

    __tablename__ = "incident_notices"
    TITLE: ClassVar[str] = "authority"
    GROUP: ClassVar[str] = "Operations"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("incident_id", "authority", "rule", "status", "required_by", "done_at"),
        *("written_required_by", "filed_at", "reference"),
    )
    FACETS: ClassVar[tuple[str, ...]] = ("status", "authority")

    incident_id: Mapped[uuid.UUID] = mapped_column(info=about("The incident.", label="Incident"))
    authority: Mapped[str] = mapped_column(info=about("Who is told.", label="Agency"))
    rule: Mapped[str] = mapped_column(info=about("The rule that asks for it: 19.15.29.7 NMAC …"))
    required_by: Mapped[datetime | None] = mapped_column(
        info=about("Until when; empty while what starts its clock has not happened.")
    )
    done_at: Mapped[datetime | None] = mapped_column(info=about("When it was told."))
    told_to: Mapped[str | None] = mapped_column(info=about("The person who took it."))
    method: Mapped[str | None] = mapped_column(info=about("How it was told.", choices=METHODS))
    reference: Mapped[str | None] = mapped_column(info=about("The agency's reference number."))
    status: Mapped[str] = mapped_column(
        server_default="due",
        default="due",
        info=about("Where it stands.", choices=NOTICE_STATUSES),
    )
    rule_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The rule; empty for what was added by hand.", label="Agency rule")
    )
    rule_version: Mapped[int | None] = mapped_column(info=about("Version it was judged by."))
    facts_hash: Mapped[str | None] = mapped_column(info=about("SHA-256 of the facts then."))
    because: Mapped[str | None] = mapped_column(info=about("What in the facts asks for it."))
    clock_start: Mapped[datetime | None] = mapped_column(info=about("When its time began."))
    clock_basis: Mapped[str | None] = mapped_column(info=about("What it counts from, in words."))
    written: Mapped[bool] = mapped_column(
        server_default="false",
        default=False,
        info=about("Whether a written report is all that is owed."),
    )
    follow_up: Mapped[str | None] = mapped_column(info=about("What is owed in writing afterwards."))
    written_required_by: Mapped[datetime | None] = mapped_column(
        info=about("Until when that is owed; empty while what starts its clock has not happened.")
    )
    filed_at: Mapped[datetime | None] = mapped_column(info=about("When it was filed in writing."))
    filed_reference: Mapped[str | None] = mapped_column(info=about("Reference of what was filed."))
    document_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("What was filed.", label="Document")
    )
    waived_reason: Mapped[str | None] = mapped_column(info=about("Why nobody is told."))
    told_by: Mapped[uuid.UUID | None] = mapped_column(FetchedValue(), info=filled("Who told them."))
    filed_by: Mapped[uuid.UUID | None] = mapped_column(FetchedValue(), info=filled("Who filed it."))
    waived_by: Mapped[uuid.UUID | None] = mapped_column(
        FetchedValue(), info=filled("Who decided that nobody is told.")
    )
    reminded: Mapped[int] = mapped_column(
        SmallInteger,
        server_default="0",
        default=0,
        info=about("How much of its time had passed at the last reminder.", unit="%"),
    )
    missed_at: Mapped[datetime | None] = mapped_column(info=about("When its time was found over."))
    __table_args__ = (
        of_organization(),
        within("incident_id", table="incidents"),
        within("rule_id", table="agency_rules"),
        within("document_id", table="documents"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("incident_id", "rule_id"),
        Index("incident_notices_required_by_idx", "organization_id", "required_by"),
        CheckConstraint("authority <> ''", name="authority"),
        CheckConstraint("rule <> ''", name="rule"),
        CheckConstraint(one_of("status", *NOTICE_STATUSES), name="status"),
        CheckConstraint(one_of("method", *METHODS), name="method"),
        CheckConstraint(
            "done_at IS NULL OR told_to <> '' AND method IS NOT NULL AND reference <> ''"
            " AND told_to IS NOT NULL AND reference IS NOT NULL",
            name="told",
        ),
        CheckConstraint(
            "filed_at IS NULL OR filed_reference <> '' AND filed_reference IS NOT NULL",
            name="filed",
        ),
        CheckConstraint("reminded BETWEEN 0 AND 100", name="reminded"),
    )
