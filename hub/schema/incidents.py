"""Incidents from first suspicion to closing: timeline, alerts, and what is done about them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import (
    CheckConstraint,
    FetchedValue,
    Index,
    Numeric,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
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
    part_of,
    within,
)
from hub.schema.courses import Course, filled
from hub.schema.incident_facts import IncidentFacts, fact_checks
from hub.schema.positions import degrees, position

INCIDENT_CLASSES = (
    *("spill", "release_gas", "fire", "well_control", "injury", "near_miss", "vehicle", "h2s"),
    *("equipment_failure", "security_theft", "regulatory_violation", "landowner"),
)
INCIDENT_STATUSES = (
    *("suspected", "confirmed", "not_an_incident", "contained", "remediating", "resolved"),
    *("reviewed", "closed"),
)
INCIDENT_ORIGINS = ("entered", "declared", "reported", "promoted")
CLOCK_CHOICES = (*("earliest", "alarm_raised", "alarm_detected", "first_view", "discovered"),)
INCIDENT_EVENTS = (
    *("opened", "status", "facts", "alert", "notice", "reminder", "missed", "comment", "photo"),
    *("position", "viewed", "call", "role", "review"),
)
PROMOTION_KINDS = (*("priority", "mass_balance", "tank_high_high", "site_down", "unanswered"),)


class Incident(Base, Keyed, Owned, IncidentFacts, Authored, Course):
    """Something that went wrong: a spill, an injury, a fire, a theft; from report to closing."""

    __tablename__ = "incidents"
    TITLE: ClassVar[str] = "incident_no"
    GROUP: ClassVar[str] = "Operations"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("incident_no", "summary", "incident_class", "severity", "occurred_at", "lease_id"),
        *("well_id", "fluid", "released", "status"),
    )
    SEARCHED: ClassVar[tuple[str, ...]] = (
        *("incident_no", "summary", "description", "place", "root_cause"),
    )
    FACETS: ClassVar[tuple[str, ...]] = ("incident_class", "severity", "status", "fluid")
    SORT: ClassVar[str] = "-occurred_at"
    MOVES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "suspected": ("confirmed", "not_an_incident"),
        "confirmed": ("contained", "remediating", "resolved", "not_an_incident"),
        "not_an_incident": ("suspected",),
        "contained": ("confirmed", "remediating", "resolved"),
        "remediating": ("contained", "resolved"),
        "resolved": ("remediating", "reviewed"),
        "reviewed": ("resolved", "closed"),
    }
    OPEN: ClassVar[tuple[str, ...]] = (
        *("suspected", "confirmed", "contained", "remediating", "resolved", "reviewed"),
    )
    LATER: ClassVar[tuple[str, ...]] = ("not_incident_reason", "correction")

    incident_no: Mapped[str] = mapped_column(
        server_default="",
        info=about("Its number; the next free one if left empty.", label="Incident number"),
    )
    incident_class: Mapped[str] = mapped_column(
        info=about("What it was.", label="Class", choices=INCIDENT_CLASSES)
    )
    severity: Mapped[int] = mapped_column(
        SmallInteger,
        server_default="2",
        default=2,
        info=about("1 no harm, 2 first aid or < 1 bbl, 3 medical or < 25 bbl, 4 major, 5 fatal."),
    )
    status: Mapped[str] = mapped_column(
        server_default="suspected",
        default="suspected",
        info=about("Where it stands.", choices=INCIDENT_STATUSES),
    )
    summary: Mapped[str] = mapped_column(info=about("What happened, in one line."))
    description: Mapped[str | None] = mapped_column(info=about("What happened."))
    occurred_at: Mapped[datetime] = mapped_column(info=about("When it happened."))
    discovered_at: Mapped[datetime | None] = mapped_column(
        info=about("When a person first knew of it, as declared; deadlines run from here.")
    )
    lease_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The lease.", label="Lease"))
    well_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The well.", label="Well"))
    facility_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The facility.", label="Facility")
    )
    equipment_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The equipment.", label="Equipment")
    )
    place: Mapped[str | None] = mapped_column(info=about("Where exactly."))
    lat: Mapped[Decimal | None] = degrees("Latitude of where it happened.")
    lon: Mapped[Decimal | None] = degrees("Longitude of where it happened.")

    root_cause: Mapped[str | None] = mapped_column(info=about("Why it happened."), sort_order=20)
    review: Mapped[str | None] = mapped_column(
        info=about("What the review found: what went well, what did not, what changes."),
        sort_order=20,
    )
    commander_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("Who leads: decides, and answers for the facts.", label="Commander"),
        sort_order=21,
    )
    scribe_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("Who writes down what happens.", label="Scribe"), sort_order=21
    )
    origin: Mapped[str] = mapped_column(
        server_default="entered",
        default="entered",
        info=filled("How it came to be an incident.") | {"choices": INCIDENT_ORIGINS},
        sort_order=22,
    )
    promotion_rule_id: Mapped[uuid.UUID | None] = mapped_column(
        info=filled("The rule by which alerts became it.", label="Opened by"), sort_order=22
    )
    recurrence_of_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The incident it is a recurrence of.", label="Recurrence of"), sort_order=22
    )
    clock_choice: Mapped[str] = mapped_column(
        server_default="earliest",
        default="earliest",
        info=about("What deadlines that run from discovery count from.", choices=CLOCK_CHOICES),
        sort_order=23,
    )
    clock_reason: Mapped[str | None] = mapped_column(
        info=about("Why they count from there, if not from the earliest."), sort_order=23
    )
    not_incident_reason: Mapped[str | None] = mapped_column(
        info=about("Why it is no incident after all."), sort_order=24
    )
    correction: Mapped[str | None] = mapped_column(
        info=about("Why a fact is made milder; kept in the timeline, then empty again."),
        sort_order=24,
    )
    confirmed_at: Mapped[datetime | None] = mapped_column(
        FetchedValue(), info=filled("When it was confirmed."), sort_order=25
    )
    contained_at: Mapped[datetime | None] = mapped_column(
        FetchedValue(), info=filled("When it was contained."), sort_order=25
    )
    resolved_at: Mapped[datetime | None] = mapped_column(
        FetchedValue(), info=filled("When it was resolved."), sort_order=25
    )
    reviewed_at: Mapped[datetime | None] = mapped_column(
        FetchedValue(), info=filled("When its review was done."), sort_order=25
    )
    closed_at: Mapped[datetime | None] = mapped_column(
        FetchedValue(), info=filled("When it was closed."), sort_order=25
    )
    search_text: Mapped[Any] = search_text(*SEARCHED)
    __table_args__ = (
        of_organization(),
        within("lease_id", table="leases"),
        within("well_id", table="wells"),
        within("facility_id", table="facilities"),
        within("equipment_id", table="equipment"),
        within("commander_id", table="memberships", key="user_id"),
        within("scribe_id", table="memberships", key="user_id"),
        within("promotion_rule_id", table="promotion_rules"),
        within("recurrence_of_id", table="incidents"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "incident_no"),
        Index("incidents_occurred_at_idx", "organization_id", "occurred_at"),
        Index("incidents_well_id_idx", "organization_id", "well_id"),
        Index("incidents_status_idx", "organization_id", "status"),
        Index("incidents_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint("incident_no <> ''", name="incident_no"),
        CheckConstraint("summary <> ''", name="summary"),
        CheckConstraint(one_of("incident_class", *INCIDENT_CLASSES), name="incident_class"),
        CheckConstraint("severity BETWEEN 1 AND 5", name="severity"),
        CheckConstraint(one_of("status", *INCIDENT_STATUSES), name="status"),
        CheckConstraint(one_of("origin", *INCIDENT_ORIGINS), name="origin"),
        CheckConstraint(one_of("clock_choice", *CLOCK_CHOICES), name="clock_choice"),
        CheckConstraint(
            "clock_choice = 'earliest' OR COALESCE(clock_reason, '') <> ''", name="clock_reason"
        ),
        CheckConstraint("discovered_at >= occurred_at", name="discovered_at"),
        position("position"),
        CheckConstraint("recurrence_of_id <> id", name="recurrence_of_id"),
        *fact_checks(),
    )


class IncidentAlert(Base, Owned):
    """An alert that belongs to an incident; to one at most."""

    __tablename__ = "incident_alerts"
    TITLE: ClassVar[str] = "alert_id"

    alert_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, info=about("The alert."))
    incident_id: Mapped[uuid.UUID] = mapped_column(info=about("The incident."))
    joined_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), info=about("When it joined.")
    )
    because: Mapped[str] = mapped_column(info=about("Why it belongs to it, in one sentence."))
    __table_args__ = (
        of_organization(),
        within("alert_id", table="alerts"),
        within("incident_id", table="incidents"),
        Index("incident_alerts_incident_id_idx", "organization_id", "incident_id"),
        CheckConstraint("because <> ''", name="because"),
    )


class IncidentEvent(Base, Keyed, Owned, Authored):
    """What happened in an incident, and what people did and saw: appended, never changed."""

    __tablename__ = "incident_events"
    TITLE: ClassVar[str] = "kind"
    GROUP: ClassVar[str] = "Operations"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("incident_id", "happened_at", "kind", "note", "created_by", "document_id"),
    )
    SEARCHED: ClassVar[tuple[str, ...]] = ("note",)
    FACETS: ClassVar[tuple[str, ...]] = ("kind",)
    SORT: ClassVar[str] = "-happened_at"

    incident_id: Mapped[uuid.UUID] = mapped_column(info=about("The incident.", label="Incident"))
    happened_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), info=about("When it happened, as told.")
    )
    kind: Mapped[str] = mapped_column(
        server_default="comment",
        default="comment",
        info=about("What sort of entry.", choices=INCIDENT_EVENTS),
    )
    note: Mapped[str | None] = mapped_column(info=about("What happened, in words."))
    before: Mapped[dict[str, Any] | None] = mapped_column(info=about("What was before."))
    after: Mapped[dict[str, Any] | None] = mapped_column(info=about("What is now."))
    document_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("A photo or paper.", label="Document")
    )
    lat: Mapped[Decimal | None] = degrees("Latitude of where it was seen.")
    lon: Mapped[Decimal | None] = degrees("Longitude of where it was seen.")
    accuracy_m: Mapped[Decimal | None] = mapped_column(
        Numeric(8, 1), info=about("How far off the position may be.", unit="m")
    )
    # The clock, not the transaction's beginning: entries of one transaction keep their order.
    created_at: Mapped[datetime] = mapped_column(
        server_default=func.clock_timestamp(), info=about("When it was written."), sort_order=90
    )
    search_text: Mapped[Any] = search_text(*SEARCHED)
    __table_args__ = (
        of_organization(),
        within("incident_id", table="incidents"),
        within("document_id", table="documents"),
        UniqueConstraint("organization_id", "id"),
        Index("incident_events_incident_id_idx", "organization_id", "incident_id", "created_at"),
        Index("incident_events_happened_at_idx", "organization_id", "happened_at"),
        Index("incident_events_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint(one_of("kind", *INCIDENT_EVENTS), name="kind"),
        CheckConstraint("kind <> 'comment' OR note <> ''", name="note"),
        position("position"),
        CheckConstraint("accuracy_m >= 0", name="accuracy_m"),
    )


class IncidentAction(Base, Keyed, Owned, Authored):
    """Something to be done so that an incident does not happen again.

    A row each, because each has somebody to do it and a day.
    """

    __tablename__ = "incident_actions"
    TITLE: ClassVar[str] = "measure"
    GROUP: ClassVar[str] = "Operations"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("incident_id", "measure", "assigned_to", "due_on", "done_on"),
    )
    SEARCHED: ClassVar[tuple[str, ...]] = ("measure", "assigned_to")

    incident_id: Mapped[uuid.UUID] = mapped_column(info=about("The incident.", label="Incident"))
    measure: Mapped[str] = mapped_column(info=about("What is to be done."))
    assigned_to: Mapped[str | None] = mapped_column(info=about("Who does it."))
    due_on: Mapped[date | None] = mapped_column(info=about("By when."))
    done_on: Mapped[date | None] = mapped_column(info=about("When it was done."))
    search_text: Mapped[Any] = search_text(*SEARCHED)
    __table_args__ = (
        of_organization(),
        part_of("incident_id", table="incidents"),
        UniqueConstraint("organization_id", "id"),
        Index("incident_actions_incident_id_idx", "organization_id", "incident_id"),
        Index("incident_actions_due_on_idx", "organization_id", "due_on"),
        Index("incident_actions_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint("measure <> ''", name="measure"),
    )


class PromotionRule(Base, Keyed, Owned, Authored):
    """When alerts become an incident without anybody declaring it.

    Beside the alert rules because they judge alerts, not readings, and an operator says for itself
    how soon an alert is more than an alert.
    """

    __tablename__ = "promotion_rules"
    GROUP: ClassVar[str] = "Operations"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("name", "kind", "amount", "minutes", "incident_class", "severity", "enabled"),
    )
    FACETS: ClassVar[tuple[str, ...]] = ("kind", "enabled")

    name: Mapped[str] = mapped_column(info=about("When alerts become an incident, in words."))
    kind: Mapped[str] = mapped_column(info=about("What is looked at.", choices=PROMOTION_KINDS))
    amount: Mapped[Decimal | None] = mapped_column(
        Numeric(12, 2),
        info=about(
            "Of a priority: the least urgent; of a loss: barrels; of a site: wells.",
            unit="priority, bbl or wells",
        ),
    )
    minutes: Mapped[int | None] = mapped_column(
        SmallInteger, info=about("How long it must have lasted.", unit="min")
    )
    incident_class: Mapped[str] = mapped_column(
        info=about("What it is taken for.", label="Class", choices=INCIDENT_CLASSES)
    )
    severity: Mapped[int] = mapped_column(
        SmallInteger, server_default="3", default=3, info=about("1 no harm … 5 fatal.")
    )
    enabled: Mapped[bool] = mapped_column(
        server_default="true", default=True, info=about("Whether it is in force.")
    )
    note: Mapped[str | None] = mapped_column(info=about("Why it is so."))
    __table_args__ = (
        of_organization(),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "name"),
        CheckConstraint("name <> ''", name="name"),
        CheckConstraint(one_of("kind", *PROMOTION_KINDS), name="kind"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("minutes BETWEEN 0 AND 10080", name="minutes"),
        CheckConstraint(one_of("incident_class", *INCIDENT_CLASSES), name="incident_class"),
        CheckConstraint("severity BETWEEN 1 AND 5", name="severity"),
    )
