"""Taxes on production: the rates, with their sources, and what was computed and filed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import ClassVar

from sqlalchemy import CheckConstraint, Index, Numeric, UniqueConstraint, column, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.amounts import ITS_UNIT, Money, Price, Volume, label_of_month, month, title
from hub.schema.base import Authored, Base, Keyed, Owned, about, of_organization, one_of, within
from hub.schema.courses import Course

TAX_KINDS = (
    "severance_oil",
    "severance_gas",
    "extraction",
    "gross_production",
    "conservation",
    "school",
    "regulatory_fee",
    "petroleum_excise",
    "ad_valorem",
    "depletion_cost",
    "depletion_percentage",
    "franchise",
)
TAXED_PRODUCTS = ("all", "oil", "gas", "ngl")
RATE_KINDS = ("pct", "per_unit", "tiered")
RATE_UNITS = ("fraction", "USD/bbl", "USD/Mcf")
INTEREST_CLASSES = ("all", "working", "non_working")
VERIFICATIONS = ("verified", "secondary", "unverified")
PAYERS = ("purchaser", "operator")
TAX_STATUSES = ("computed", "reviewed", "filed", "paid", "amended")


class TaxRate(Base, Keyed, Owned, Authored):
    """A rate of tax, for whom and from when, and where the law says so.

    It exists because a rate depends on the class of well, on the class of interest and on the price
    of oil, changes by the year, and must name its source: what is not verified blocks filing. Every
    operator has rates of its own, begun from config/tax_rates.toml, because its accountant answers
    for them: one operator's correction must not change another's tax.
    """

    __tablename__ = "tax_rates"
    GROUP: ClassVar[str] = "Finance"
    SORT: ClassVar[str] = "authority"
    LISTED: ClassVar[tuple[str, ...]] = (
        "authority",
        "tax_kind",
        "product",
        "well_class",
        "interest_class",
        "rate",
        "unit",
        "valid_from",
        "verification",
    )
    FACETS: ClassVar[tuple[str, ...]] = ("authority", "tax_kind", "product", "verification")

    authority: Mapped[str] = mapped_column(info=about("State or county that levies it: TX, ND …"))
    tax_kind: Mapped[str] = mapped_column(info=about("Which tax.", choices=TAX_KINDS))
    product: Mapped[str] = mapped_column(
        server_default="all", info=about("What is taxed.", choices=TAXED_PRODUCTS)
    )
    well_class: Mapped[str] = mapped_column(
        server_default="all", info=about("Class of well: all, stripper, incapable, new …")
    )
    interest_class: Mapped[str] = mapped_column(
        server_default="all", info=about("Whose share it is on.", choices=INTEREST_CLASSES)
    )
    price_from: Mapped[Decimal] = mapped_column(
        Price,
        server_default="0",
        info=about("Holds when last quarter's oil price is above this.", unit="USD per bbl"),
    )
    band_from: Mapped[Decimal] = mapped_column(
        Money,
        server_default="0",
        info=about("Lower end of the income band of a tiered rate.", unit="USD"),
    )
    rate_kind: Mapped[str] = mapped_column(
        server_default="pct",
        info=about("Of value, by volume, or by bands of income.", choices=RATE_KINDS),
    )
    rate: Mapped[Decimal] = mapped_column(
        Numeric(14, 10), info=about("0.046 for 4.6 %; or money for one unit.", unit=ITS_UNIT)
    )
    unit: Mapped[str] = mapped_column(
        server_default="fraction", info=about("What the rate is in.", choices=RATE_UNITS)
    )
    pressure_base: Mapped[Decimal | None] = mapped_column(
        Numeric(6, 3), info=about("Pressure at which the taxed gas is measured.", unit="psia")
    )
    valid_from: Mapped[date] = mapped_column(info=about("First day it holds."))
    valid_to: Mapped[date | None] = mapped_column(
        info=about("Last day it holds; empty while it still does.")
    )
    citation: Mapped[str] = mapped_column(info=about("The law or bulletin it is from."))
    citation_url: Mapped[str | None] = mapped_column(info=about("Where that can be read."))
    verification: Mapped[str] = mapped_column(
        server_default="unverified",
        info=about(
            "verified: read in the law; secondary: read elsewhere; unverified: check it first.",
            choices=VERIFICATIONS,
        ),
    )
    verified_at: Mapped[date | None] = mapped_column(info=about("When the source was last read."))
    note: Mapped[str | None] = mapped_column(info=about("Exceptions, credits, conditions."))
    name: Mapped[str] = title("authority || ' '::text || tax_kind || ' '::text || rate::text")
    __table_args__ = (
        of_organization(),
        UniqueConstraint("organization_id", "id"),
        ExcludeConstraint(
            (column("organization_id"), "="),
            (column("authority"), "="),
            (column("tax_kind"), "="),
            (column("product"), "="),
            (column("well_class"), "="),
            (column("interest_class"), "="),
            (column("price_from"), "="),
            (column("band_from"), "="),
            (text("daterange(valid_from, valid_to, '[]')"), "&&"),
            using="gist",
            name="tax_rates_no_overlap",
        ),
        Index("tax_rates_authority_idx", "organization_id", "authority", "tax_kind"),
        CheckConstraint(one_of("tax_kind", *TAX_KINDS), name="tax_kind"),
        CheckConstraint(one_of("product", *TAXED_PRODUCTS), name="product"),
        CheckConstraint(one_of("interest_class", *INTEREST_CLASSES), name="interest_class"),
        CheckConstraint("price_from >= 0", name="price_from"),
        CheckConstraint("band_from >= 0", name="band_from"),
        CheckConstraint(one_of("rate_kind", *RATE_KINDS), name="rate_kind"),
        CheckConstraint("rate >= 0 AND (unit <> 'fraction' OR rate <= 1)", name="rate"),
        CheckConstraint(one_of("unit", *RATE_UNITS), name="unit"),
        CheckConstraint("(rate_kind = 'per_unit') = (unit <> 'fraction')", name="rate_unit"),
        CheckConstraint("pressure_base BETWEEN 10 AND 20", name="pressure_base"),
        CheckConstraint("valid_to >= valid_from", name="valid_to"),
        CheckConstraint(one_of("verification", *VERIFICATIONS), name="verification"),
        CheckConstraint(
            "verification <> 'verified' OR verified_at IS NOT NULL", name="verified_when"
        ),
    )


class TaxRecord(Base, Keyed, Owned, Authored, Course):
    """The tax on one product of one property in one month.

    | status | may become | what it means |
    |---|---|---|
    | computed | reviewed | may change; may be deleted |
    | reviewed | computed, filed | checked; filing needs a verified rate |
    | filed | paid, amended | declared to the authority |
    | paid | amended | the authority has the money |
    | amended | none | replaced by the next revision |
    """

    __tablename__ = "tax_records"
    GROUP: ClassVar[str] = "Finance"
    SORT: ClassVar[str] = "-period"
    LISTED: ClassVar[tuple[str, ...]] = (
        "period",
        "lease_id",
        "authority",
        "tax_kind",
        "product",
        "taxable_value",
        "tax",
        "status",
    )
    FACETS: ClassVar[tuple[str, ...]] = ("status", "tax_kind", "product", "period")
    OPEN: ClassVar[tuple[str, ...]] = ("computed",)
    MOVES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "computed": ("reviewed",),
        "reviewed": ("computed", "filed"),
        "filed": ("paid", "amended"),
        "paid": ("amended",),
    }
    LATER: ClassVar[tuple[str, ...]] = ("paid_on", "compliance_report_id", "note")

    period: Mapped[date] = mapped_column(info=about("Month of production; its first day."))
    lease_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The property; empty for a tax on all of them.")
    )
    authority: Mapped[str] = mapped_column(info=about("State or county that levies it: TX, ND …"))
    tax_kind: Mapped[str] = mapped_column(info=about("Which tax.", choices=TAX_KINDS))
    product: Mapped[str] = mapped_column(
        server_default="all", info=about("What is taxed.", choices=TAXED_PRODUCTS)
    )
    revision: Mapped[int] = mapped_column(
        server_default="0", info=about("0 first, 1 and on where it amends an earlier one.")
    )
    volume: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("Volume taxed.", unit="bbl or Mcf")
    )
    gross_value: Mapped[Decimal] = mapped_column(
        Money, server_default="0", info=about("Value of the sales.", unit="USD")
    )
    exempt_value: Mapped[Decimal] = mapped_column(
        Money, server_default="0", info=about("Part that is exempt.", unit="USD")
    )
    deductible_cost: Mapped[Decimal] = mapped_column(
        Money, server_default="0", info=about("Costs the law lets us deduct.", unit="USD")
    )
    taxable_value: Mapped[Decimal] = mapped_column(
        Money, server_default="0", info=about("Value less exemptions and costs.", unit="USD")
    )
    rate_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The rate it was computed with."))
    tax: Mapped[Decimal] = mapped_column(Money, info=about("The tax.", unit="USD"))
    paid_by: Mapped[str] = mapped_column(
        server_default="purchaser", info=about("Who pays it to the authority.", choices=PAYERS)
    )
    due_date: Mapped[date | None] = mapped_column(info=about("Last day to file and pay."))
    paid_on: Mapped[date | None] = mapped_column(info=about("When it was paid."))
    compliance_report_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The report it was filed with.", label="Filed with")
    )
    status: Mapped[str] = mapped_column(
        server_default="computed", info=about("Where it stands.", choices=TAX_STATUSES)
    )
    note: Mapped[str | None] = mapped_column(info=about("Anything else worth knowing."))
    name: Mapped[str] = title(
        "authority || ' '::text || tax_kind || ' '::text || " + label_of_month("period")
    )
    __table_args__ = (
        of_organization(),
        within("lease_id", table="leases"),
        within("rate_id", table="tax_rates"),
        within("compliance_report_id", table="compliance_reports"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint(
            "organization_id",
            "lease_id",
            "period",
            "authority",
            "product",
            "tax_kind",
            "revision",
            name="tax_records_period_key",
            postgresql_nulls_not_distinct=True,
        ),
        Index("tax_records_period_idx", "organization_id", "period"),
        Index("tax_records_status_idx", "organization_id", "status", "period"),
        month("period"),
        CheckConstraint(one_of("tax_kind", *TAX_KINDS), name="tax_kind"),
        CheckConstraint(one_of("product", *TAXED_PRODUCTS), name="product"),
        CheckConstraint("revision >= 0", name="revision"),
        CheckConstraint(
            "taxable_value = gross_value - exempt_value - deductible_cost", name="taxable_value"
        ),
        CheckConstraint(one_of("paid_by", *PAYERS), name="paid_by"),
        CheckConstraint(one_of("status", *TAX_STATUSES), name="status"),
    )
