"""What agencies allow, and what they are told: permits with limits and conditions, reports."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import (
    CheckConstraint,
    Computed,
    Index,
    LargeBinary,
    Numeric,
    SmallInteger,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.amounts import ITS_UNIT, Money, Volume, label_of_month, month, search_text, title
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

PERMIT_TYPES = (
    *("drilling", "recompletion", "injection_uic", "disposal", "flaring_venting_exception", "air"),
    *("npdes_stormwater", "spcc_plan", "pit", "surface_use", "road", "pipeline_row", "plugging"),
    *("h2s_contingency", "surface_commingling", "bond"),
)
PERMIT_STATUSES = (
    *("draft", "submitted", "approved", "active", "renewal_due", "expired", "revoked", "closed"),
)
LIMIT_PERIODS = ("instant", "hour", "day", "month", "year", "in_all")
CONDITION_STATUSES = ("open", "met", "waived")
REPORT_FORMS = (
    *("form_pr", "form_1002a", "otc_300r", "c115", "form_5", "form_5b", "form_7", "ogor_a"),
    *("ogor_b", "ogor_c", "severance_tax", "royalty_report", "emissions", "spcc", "other"),
)
REPORT_STATUSES = (
    *("not_due", "draft", "ready", "exported", "filed", "accepted", "rejected", "amended"),
    "waived",
)
PRODUCTS = ("oil", "condensate", "gas", "casinghead_gas", "water", "ngl", "co2")


class Permit(Base, Keyed, Owned, Authored):
    """A permission, plan or bond an agency gave, with the day it ends."""

    __tablename__ = "permits"
    TITLE: ClassVar[str] = "permit_no"
    GROUP: ClassVar[str] = "Compliance"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("permit_no", "permit_type", "authority", "lease_id", "well_id", "expires_on", "status"),
    )
    SEARCHED: ClassVar[tuple[str, ...]] = ("permit_no", "authority", "subject", "note")
    FACETS: ClassVar[tuple[str, ...]] = ("permit_type", "authority", "status")

    permit_no: Mapped[str] = mapped_column(
        info=about("Number on the permit, or the application's.", label="Permit number")
    )
    permit_type: Mapped[str] = mapped_column(
        info=about("What it permits.", label="Type", choices=PERMIT_TYPES)
    )
    authority: Mapped[str] = mapped_column(info=about("Agency.", choices=AUTHORITIES))
    status: Mapped[str] = mapped_column(
        server_default="draft",
        default="draft",
        info=about("Where it stands.", choices=PERMIT_STATUSES),
    )
    subject: Mapped[str | None] = mapped_column(info=about("What it is about, in one line."))
    lease_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The lease it is for.", label="Lease")
    )
    well_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The well it is for.", label="Well")
    )
    facility_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The facility it is for.", label="Facility")
    )
    applied_on: Mapped[date | None] = mapped_column(info=about("Day of the application."))
    granted_on: Mapped[date | None] = mapped_column(info=about("Day it was granted."))
    expires_on: Mapped[date | None] = mapped_column(info=about("Last day it is valid."))
    notice_days: Mapped[int] = mapped_column(
        SmallInteger,
        server_default="60",
        default=60,
        info=about("Days before its end at which renewal is due.", unit="d"),
    )
    renew_by: Mapped[date | None] = mapped_column(
        Computed("expires_on - notice_days", persisted=True),
        info=about("Day from which renewal is due."),
    )
    cost: Mapped[Decimal | None] = mapped_column(Money, info=about("Fee paid.", unit="USD"))
    bond_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The bond that secures it; itself a permit of type bond.", label="Bond")
    )
    bond_amount: Mapped[Decimal | None] = mapped_column(
        Money, info=about("Sum of the bond.", unit="USD")
    )
    note: Mapped[str | None] = mapped_column(info=about("What else to know."))
    search_text: Mapped[Any] = search_text(*SEARCHED)
    __table_args__ = (
        of_organization(),
        within("lease_id", table="leases"),
        within("well_id", table="wells"),
        within("facility_id", table="facilities"),
        within("bond_id", table="permits"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "authority", "permit_no"),
        Index("permits_expires_on_idx", "organization_id", "expires_on"),
        Index("permits_well_id_idx", "organization_id", "well_id"),
        Index("permits_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint("permit_no <> ''", name="permit_no"),
        CheckConstraint(one_of("permit_type", *PERMIT_TYPES), name="permit_type"),
        CheckConstraint(one_of("authority", *AUTHORITIES), name="authority"),
        CheckConstraint(one_of("status", *PERMIT_STATUSES), name="status"),
        CheckConstraint("expires_on >= granted_on", name="expires_on"),
        CheckConstraint("granted_on >= applied_on", name="granted_on"),
        CheckConstraint("notice_days BETWEEN 0 AND 730", name="notice_days"),
        CheckConstraint("cost >= 0", name="cost"),
        CheckConstraint("bond_amount > 0", name="bond_amount"),
        CheckConstraint("bond_id <> id", name="bond_id"),
    )


class PermitLimit(Base, Keyed, Owned, Authored):
    """One figure a permit must not be exceeded by: an injection pressure, a flare volume.

    A row each, because alert rules and reports compare readings with it.
    """

    __tablename__ = "permit_limits"
    TITLE: ClassVar[str] = "quantity"
    GROUP: ClassVar[str] = "Compliance"
    LISTED: ClassVar[tuple[str, ...]] = ("permit_id", "quantity", "maximum", "unit", "per")
    FACETS: ClassVar[tuple[str, ...]] = ("unit", "per")

    permit_id: Mapped[uuid.UUID] = mapped_column(info=about("The permit.", label="Permit"))
    quantity: Mapped[str] = mapped_column(
        info=about("What is limited: injection pressure, flared gas, chlorides …")
    )
    minimum: Mapped[Decimal | None] = mapped_column(
        Numeric(16, 4), info=about("Least allowed.", unit=ITS_UNIT)
    )
    maximum: Mapped[Decimal | None] = mapped_column(
        Numeric(16, 4), info=about("Most allowed.", unit=ITS_UNIT)
    )
    unit: Mapped[str] = mapped_column(info=about("Unit of the limit: psig, bbl, Mcf, mg/L …"))
    per: Mapped[str] = mapped_column(
        server_default="instant",
        default="instant",
        info=about("Over what time it counts.", choices=LIMIT_PERIODS),
    )
    __table_args__ = (
        of_organization(),
        part_of("permit_id", table="permits"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("permit_id", "quantity", "per"),
        Index("permit_limits_quantity_idx", "organization_id", "quantity"),
        CheckConstraint("quantity <> ''", name="quantity"),
        CheckConstraint("unit <> ''", name="unit"),
        CheckConstraint(one_of("per", *LIMIT_PERIODS), name="per"),
        CheckConstraint("minimum <= maximum", name="range"),
    )


class PermitCondition(Base, Keyed, Owned, Authored):
    """Something a permit asks for, often by a day: a test, a notice, a report.

    A row each, because each falls due and is met on its own.
    """

    __tablename__ = "permit_conditions"
    TITLE: ClassVar[str] = "condition"
    GROUP: ClassVar[str] = "Compliance"
    LISTED: ClassVar[tuple[str, ...]] = ("permit_id", "condition", "due_on", "status", "met_on")
    SEARCHED: ClassVar[tuple[str, ...]] = ("condition", "note")
    FACETS: ClassVar[tuple[str, ...]] = ("status",)

    permit_id: Mapped[uuid.UUID] = mapped_column(info=about("The permit.", label="Permit"))
    condition: Mapped[str] = mapped_column(info=about("What is asked for."))
    due_on: Mapped[date | None] = mapped_column(info=about("Day by which it must be met."))
    every_months: Mapped[int | None] = mapped_column(
        SmallInteger, info=about("Months after which it is due again.", unit="months")
    )
    status: Mapped[str] = mapped_column(
        server_default="open",
        default="open",
        info=about("Where it stands.", choices=CONDITION_STATUSES),
    )
    met_on: Mapped[date | None] = mapped_column(info=about("Day it was met."))
    note: Mapped[str | None] = mapped_column(info=about("How it was met, or why it was waived."))
    search_text: Mapped[Any] = search_text(*SEARCHED)
    __table_args__ = (
        of_organization(),
        part_of("permit_id", table="permits"),
        UniqueConstraint("organization_id", "id"),
        Index("permit_conditions_permit_id_idx", "organization_id", "permit_id"),
        Index("permit_conditions_due_on_idx", "organization_id", "due_on"),
        Index("permit_conditions_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint("condition <> ''", name="condition"),
        CheckConstraint(one_of("status", *CONDITION_STATUSES), name="status"),
        CheckConstraint("every_months BETWEEN 1 AND 120", name="every_months"),
        CheckConstraint("status <> 'met' OR met_on IS NOT NULL", name="met_on"),
    )


class ComplianceReport(Base, Keyed, Owned, Authored):
    """A report owed to an agency for a month; once filed, its figures stand."""

    __tablename__ = "compliance_reports"
    TITLE: ClassVar[str] = "title"
    GROUP: ClassVar[str] = "Compliance"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("title", "authority", "lease_id", "period", "due_on", "status", "filed_at"),
    )
    SEARCHED: ClassVar[tuple[str, ...]] = ("form_code", "authority", "confirmation", "note")
    FACETS: ClassVar[tuple[str, ...]] = ("form_code", "authority", "status")
    SORT: ClassVar[str] = "-due_on"

    authority: Mapped[str] = mapped_column(info=about("Agency.", choices=AUTHORITIES))
    form_code: Mapped[str] = mapped_column(
        info=about("Which form or return.", label="Form", choices=REPORT_FORMS)
    )
    period: Mapped[date] = mapped_column(info=about("The month, as its first day."))
    lease_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The lease, where the form is by lease.", label="Lease")
    )
    facility_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The facility, where the form is by facility.", label="Facility")
    )
    well_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The well, where the form is by well; with none, it is the operator's.")
    )
    revision: Mapped[int] = mapped_column(
        SmallInteger,
        server_default="0",
        default=0,
        info=about("0 the original, 1 the first amendment …"),
    )
    amends_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The filed report this one amends.", label="Amends")
    )
    status: Mapped[str] = mapped_column(
        server_default="draft",
        default="draft",
        info=about("Where it stands.", choices=REPORT_STATUSES),
    )
    due_on: Mapped[date | None] = mapped_column(info=about("Last day to file it."))
    layout_version: Mapped[str | None] = mapped_column(
        info=about("Which edition of the form it follows.")
    )
    findings: Mapped[list[Any] | None] = mapped_column(
        JSONB, info=about("What the check before filing found.")
    )
    export_document_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The file that was made for the agency.", label="Exported file")
    )
    export_sha256: Mapped[bytes | None] = mapped_column(
        LargeBinary, info=about("SHA-256 of that file, as it was filed.")
    )
    filed_at: Mapped[datetime | None] = mapped_column(info=about("When it was filed."))
    filed_by: Mapped[uuid.UUID | None] = mapped_column(info=about("Who filed it."))
    confirmation: Mapped[str | None] = mapped_column(info=about("The agency's confirmation."))
    note: Mapped[str | None] = mapped_column(info=about("What else to know."))
    title: Mapped[str] = title(f"(form_code || ' '::text) || ({label_of_month('period')})")
    search_text: Mapped[Any] = search_text(*SEARCHED)
    __table_args__ = (
        of_organization(),
        within("lease_id", table="leases"),
        within("facility_id", table="facilities"),
        within("well_id", table="wells"),
        within("amends_id", table="compliance_reports"),
        within("export_document_id", table="documents"),
        UniqueConstraint("organization_id", "id"),
        Index(
            "compliance_reports_key",
            *("organization_id", "form_code", "lease_id", "facility_id", "well_id", "period"),
            "revision",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        Index("compliance_reports_due_on_idx", "organization_id", "due_on"),
        Index("compliance_reports_period_idx", "organization_id", "period"),
        Index("compliance_reports_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint(one_of("authority", *AUTHORITIES), name="authority"),
        CheckConstraint(one_of("form_code", *REPORT_FORMS), name="form_code"),
        CheckConstraint(one_of("status", *REPORT_STATUSES), name="status"),
        CheckConstraint("num_nonnulls(lease_id, facility_id, well_id) <= 1", name="one_subject"),
        CheckConstraint("revision BETWEEN 0 AND 99", name="revision"),
        CheckConstraint("amends_id <> id", name="amends_id"),
        CheckConstraint("octet_length(export_sha256) = 32", name="export_sha256"),
        CheckConstraint(
            "status NOT IN ('filed', 'accepted') OR filed_at IS NOT NULL", name="filed_at"
        ),
        month("period"),
    )


class ReportLine(Base, Keyed, Owned, Authored):
    """One line of a compliance report: what a well or lease made of a product, and where it went.

    A row each, because agencies check and amend by line.
    """

    __tablename__ = "compliance_report_lines"
    TITLE: ClassVar[str] = "line_no"
    GROUP: ClassVar[str] = "Compliance"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("report_id", "line_no", "well_id", "product", "produced", "disposed"),
        *("disposition_code", "days_produced"),
    )
    FACETS: ClassVar[tuple[str, ...]] = ("product", "disposition_code")

    report_id: Mapped[uuid.UUID] = mapped_column(info=about("The report.", label="Report"))
    line_no: Mapped[int] = mapped_column(
        SmallInteger, info=about("Place in the report: 1, 2, 3 …", label="Line")
    )
    lease_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The lease.", label="Lease"))
    well_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The well.", label="Well"))
    completion_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The completion."))
    product: Mapped[str] = mapped_column(info=about("Product.", choices=PRODUCTS))
    opening_stock: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("On hand at the start of the month.", unit="bbl")
    )
    produced: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("Produced; barrels, of gas Mcf.", unit="bbl or Mcf")
    )
    disposed: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("Sold or otherwise disposed of.", unit="bbl or Mcf")
    )
    disposition_code: Mapped[str | None] = mapped_column(
        info=about("The agency's code of where it went.")
    )
    closing_stock: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("On hand at the end of the month.", unit="bbl")
    )
    days_produced: Mapped[int | None] = mapped_column(
        SmallInteger, info=about("Days it produced.", unit="d")
    )
    remark: Mapped[str | None] = mapped_column(info=about("What the agency is told of it."))
    __table_args__ = (
        of_organization(),
        part_of("report_id", table="compliance_reports"),
        within("lease_id", table="leases"),
        within("well_id", table="wells"),
        within("completion_id", table="completions"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("report_id", "line_no"),
        Index("compliance_report_lines_line_no_idx", "organization_id", "line_no"),
        CheckConstraint("line_no > 0", name="line_no"),
        CheckConstraint(one_of("product", *PRODUCTS), name="product"),
        CheckConstraint("produced >= 0", name="produced"),
        CheckConstraint("days_produced BETWEEN 0 AND 31", name="days_produced"),
    )
