"""What is repaired: work orders."""

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
    within,
)

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
