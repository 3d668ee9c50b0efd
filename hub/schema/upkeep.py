"""What is repaired, and what went wrong: work orders, incidents, notices to agencies."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Index, Numeric, SmallInteger, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.amounts import Volume, search_text
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
from hub.schema.places import AUTHORITIES

WORK_KINDS = (
    *("preventive", "predictive", "corrective", "emergency", "inspection", "calibration"),
    "regulatory_test",
)
WORK_STATUSES = (
    *("requested", "planned", "scheduled", "in_progress", "waiting_parts", "done", "cancelled"),
)
WORK_TRIGGERS = ("request", "time", "run_hours", "alert", "incident")
FAILURE_CAUSES = (
    *("rod_part", "tubing_leak", "pump_stuck", "gas_interference", "scale", "paraffin"),
    *("corrosion", "motor", "belt", "seal", "electrical", "controls", "wear", "other"),
)
INCIDENT_CLASSES = (
    *("spill", "release_gas", "fire", "well_control", "injury", "near_miss", "vehicle", "h2s"),
    *("equipment_failure", "security_theft", "regulatory_violation", "landowner"),
)
INCIDENT_STATUSES = ("open", "contained", "investigating", "remediation", "closed")
FLUIDS = ("oil", "produced_water", "condensate", "chemical", "gas")
INJURY_CLASSES = ("none", "first_aid", "medical", "restricted", "days_away", "fatality")


class MaintenanceRecord(Base, Keyed, Owned, Authored):
    """A work order: what is to be done to a piece of equipment, a well or a facility, and was."""

    __tablename__ = "maintenance_records"
    TITLE: ClassVar[str] = "work_order_no"
    GROUP: ClassVar[str] = "Operations"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("work_order_no", "summary", "kind", "priority", "equipment_id", "well_id"),
        *("scheduled_on", "status", "next_due_on"),
    )
    SEARCHED: ClassVar[tuple[str, ...]] = (
        *("work_order_no", "summary", "description", "performed_by"),
    )
    FACETS: ClassVar[tuple[str, ...]] = ("status", "kind", "priority", "failure_cause")

    work_order_no: Mapped[str] = mapped_column(
        info=about("Number of the work order.", label="Work order")
    )
    summary: Mapped[str] = mapped_column(info=about("What is to be done, in a few words."))
    kind: Mapped[str] = mapped_column(
        server_default="corrective",
        default="corrective",
        info=about("What sort of work.", choices=WORK_KINDS),
    )
    status: Mapped[str] = mapped_column(
        server_default="requested",
        default="requested",
        info=about("Where it stands.", choices=WORK_STATUSES),
    )
    priority: Mapped[int] = mapped_column(
        SmallInteger,
        server_default="3",
        default=3,
        info=about("1 at once … 4 when there is time."),
    )
    equipment_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The equipment.", label="Equipment")
    )
    well_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The well.", label="Well"))
    facility_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The facility.", label="Facility")
    )
    triggered_by: Mapped[str] = mapped_column(
        server_default="request",
        default="request",
        info=about("What called for it.", choices=WORK_TRIGGERS),
    )
    alert_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The alert that called for it.", label="Alert")
    )
    incident_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The incident that called for it.", label="Incident")
    )
    failure_mode: Mapped[str | None] = mapped_column(info=about("What it did, or did not do."))
    failure_cause: Mapped[str | None] = mapped_column(
        info=about("What had failed.", choices=FAILURE_CAUSES)
    )
    description: Mapped[str | None] = mapped_column(info=about("What was found and done."))
    performed_by: Mapped[str | None] = mapped_column(info=about("Who did it."))
    parts_used: Mapped[list[str] | None] = mapped_column(
        ARRAY(Text), info=about("Parts that were put in.")
    )
    scheduled_on: Mapped[date | None] = mapped_column(info=about("Day it is planned for."))
    started_at: Mapped[datetime | None] = mapped_column(info=about("When work began."))
    completed_at: Mapped[datetime | None] = mapped_column(info=about("When it was done."))
    downtime_hours: Mapped[Decimal | None] = mapped_column(
        Numeric(8, 2), info=about("How long production stood still for it.", unit="h")
    )
    deferred_bbl: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("Oil not produced meanwhile.", unit="bbl")
    )
    next_due_on: Mapped[date | None] = mapped_column(info=about("Day it is due again."))
    next_due_hours: Mapped[Decimal | None] = mapped_column(
        Numeric(10, 1), info=about("Run hours at which it is due again.", unit="h")
    )
    search_text: Mapped[Any] = search_text(*SEARCHED)
    __table_args__ = (
        of_organization(),
        within("equipment_id", table="equipment"),
        within("well_id", table="wells"),
        within("facility_id", table="facilities"),
        within("alert_id", table="alerts"),
        within("incident_id", table="incidents"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "work_order_no"),
        Index("maintenance_records_scheduled_on_idx", "organization_id", "scheduled_on"),
        Index("maintenance_records_next_due_on_idx", "organization_id", "next_due_on"),
        Index("maintenance_records_equipment_id_idx", "organization_id", "equipment_id"),
        Index("maintenance_records_well_id_idx", "organization_id", "well_id"),
        Index("maintenance_records_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint("work_order_no <> ''", name="work_order_no"),
        CheckConstraint("summary <> ''", name="summary"),
        CheckConstraint(one_of("kind", *WORK_KINDS), name="kind"),
        CheckConstraint(one_of("status", *WORK_STATUSES), name="status"),
        CheckConstraint("priority BETWEEN 1 AND 4", name="priority"),
        CheckConstraint(one_of("triggered_by", *WORK_TRIGGERS), name="triggered_by"),
        CheckConstraint(one_of("failure_cause", *FAILURE_CAUSES), name="failure_cause"),
        CheckConstraint("num_nonnulls(equipment_id, well_id, facility_id) > 0", name="subject"),
        CheckConstraint("completed_at >= started_at", name="completed_at"),
        CheckConstraint("status <> 'done' OR completed_at IS NOT NULL", name="done"),
        CheckConstraint("downtime_hours >= 0", name="downtime_hours"),
        CheckConstraint("deferred_bbl >= 0", name="deferred_bbl"),
        CheckConstraint("next_due_hours >= 0", name="next_due_hours"),
    )


class Incident(Base, Keyed, Owned, Authored):
    """Something that went wrong: a spill, an injury, a fire, a theft; from report to closing."""

    __tablename__ = "incidents"
    TITLE: ClassVar[str] = "incident_no"
    GROUP: ClassVar[str] = "Operations"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("incident_no", "incident_class", "severity", "occurred_at", "lease_id", "well_id"),
        *("fluid", "released", "status"),
    )
    SEARCHED: ClassVar[tuple[str, ...]] = (
        *("incident_no", "summary", "description", "place", "root_cause"),
    )
    FACETS: ClassVar[tuple[str, ...]] = ("incident_class", "severity", "status", "fluid")
    SORT: ClassVar[str] = "-occurred_at"

    incident_no: Mapped[str] = mapped_column(info=about("Its number.", label="Incident number"))
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
        server_default="open",
        default="open",
        info=about("Where it stands.", choices=INCIDENT_STATUSES),
    )
    summary: Mapped[str] = mapped_column(info=about("What happened, in one line."))
    description: Mapped[str | None] = mapped_column(info=about("What happened."))
    occurred_at: Mapped[datetime] = mapped_column(info=about("When it happened."))
    discovered_at: Mapped[datetime | None] = mapped_column(
        info=about("When it was found; deadlines run from here.")
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
    fluid: Mapped[str | None] = mapped_column(info=about("What was released.", choices=FLUIDS))
    released: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("How much got out; barrels, of gas Mcf.", unit="bbl or Mcf")
    )
    recovered: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("How much was recovered.", unit="bbl or Mcf")
    )
    contained: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("How much stayed in the containment.", unit="bbl or Mcf")
    )
    inside_containment: Mapped[bool | None] = mapped_column(
        info=about("Whether all of it stayed in the containment.")
    )
    reached_water: Mapped[bool | None] = mapped_column(
        info=about("Whether it reached a watercourse.")
    )
    injured: Mapped[int] = mapped_column(
        SmallInteger, server_default="0", default=0, info=about("People hurt.")
    )
    injury_class: Mapped[str] = mapped_column(
        server_default="none",
        default="none",
        info=about("The worst of it, as OSHA records it.", choices=INJURY_CLASSES),
    )
    root_cause: Mapped[str | None] = mapped_column(info=about("Why it happened."))
    closed_at: Mapped[datetime | None] = mapped_column(info=about("When it was closed."))
    search_text: Mapped[Any] = search_text(*SEARCHED)
    __table_args__ = (
        of_organization(),
        within("lease_id", table="leases"),
        within("well_id", table="wells"),
        within("facility_id", table="facilities"),
        within("equipment_id", table="equipment"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "incident_no"),
        Index("incidents_occurred_at_idx", "organization_id", "occurred_at"),
        Index("incidents_well_id_idx", "organization_id", "well_id"),
        Index("incidents_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint("incident_no <> ''", name="incident_no"),
        CheckConstraint("summary <> ''", name="summary"),
        CheckConstraint(one_of("incident_class", *INCIDENT_CLASSES), name="incident_class"),
        CheckConstraint("severity BETWEEN 1 AND 5", name="severity"),
        CheckConstraint(one_of("status", *INCIDENT_STATUSES), name="status"),
        CheckConstraint(one_of("fluid", *FLUIDS), name="fluid"),
        CheckConstraint(one_of("injury_class", *INJURY_CLASSES), name="injury_class"),
        CheckConstraint("discovered_at >= occurred_at", name="discovered_at"),
        CheckConstraint("released >= 0", name="released"),
        CheckConstraint("recovered BETWEEN 0 AND released", name="recovered"),
        CheckConstraint("contained BETWEEN 0 AND released", name="contained"),
        CheckConstraint("injured >= 0", name="injured"),
        CheckConstraint("injured > 0 OR injury_class = 'none'", name="injury"),
        CheckConstraint("status <> 'closed' OR closed_at IS NOT NULL", name="closed_at"),
    )


class IncidentNotice(Base, Keyed, Owned, Authored):
    """A notice an agency is owed about an incident, with its deadline.

    A row each, because one spill is told to several agencies, each within a time of its own.
    """

    __tablename__ = "incident_notices"
    TITLE: ClassVar[str] = "authority"
    GROUP: ClassVar[str] = "Operations"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("incident_id", "authority", "rule", "required_by", "done_at", "reference"),
    )
    FACETS: ClassVar[tuple[str, ...]] = ("authority",)

    incident_id: Mapped[uuid.UUID] = mapped_column(info=about("The incident.", label="Incident"))
    authority: Mapped[str] = mapped_column(info=about("Who is told.", choices=AUTHORITIES))
    rule: Mapped[str] = mapped_column(info=about("The rule that asks for it: 19.15.29.7 NMAC …"))
    required_by: Mapped[datetime] = mapped_column(info=about("Until when."))
    done_at: Mapped[datetime | None] = mapped_column(info=about("When it was told."))
    told_to: Mapped[str | None] = mapped_column(info=about("Who took it."))
    reference: Mapped[str | None] = mapped_column(info=about("The agency's reference."))
    __table_args__ = (
        of_organization(),
        part_of("incident_id", table="incidents"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("incident_id", "authority", "rule"),
        Index("incident_notices_required_by_idx", "organization_id", "required_by"),
        CheckConstraint(one_of("authority", *AUTHORITIES), name="authority"),
        CheckConstraint("rule <> ''", name="rule"),
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
