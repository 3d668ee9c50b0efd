"""Revenue: what a purchaser paid for a month's sales, and every owner's share of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, FetchedValue, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.amounts import (
    OF_ONE,
    PRODUCTS,
    Interest,
    Money,
    Price,
    Volume,
    label_of_month,
    month,
    search_text,
    title,
)
from hub.schema.base import Authored, Base, Keyed, Owned, about, of_organization, one_of, within
from hub.schema.courses import Approved, filled, four_eyes
from hub.schema.ownership import INTEREST_TYPES
from hub.schema.partners import HOLD_CODES

RUN_STATUSES = ("draft", "approved", "posted", "reversed")
DISTRIBUTION_STATUSES = (
    "draft",
    "calculated",
    "approved",
    "posted",
    "paid",
    "suspended",
    "released",
    "reversed",
    "escheated",
)
PAY_CODES = ("pay", "suspend", "minimum", "in_kind", "net_jib")
DEDUCTION_KINDS = ("tax", "deduction", "adjustment")
VOLUME_UNIT = "bbl or Mcf"


class SalesStatement(Base, Keyed, Owned, Authored):
    """What a purchaser says it bought: volume, price and value of one property's month.

    It exists because revenue is shared from the purchaser's figures, which differ from our own
    run tickets; both stand, and are compared.
    """

    __tablename__ = "sales_statements"
    TITLE: ClassVar[str] = "statement_no"
    GROUP: ClassVar[str] = "Finance"
    SORT: ClassVar[str] = "-period"
    LISTED: ClassVar[tuple[str, ...]] = (
        "statement_no",
        "purchaser_id",
        "lease_id",
        "product",
        "period",
        "volume",
        "gross_value",
    )
    SEARCHED: ClassVar[tuple[str, ...]] = ("statement_no",)
    FACETS: ClassVar[tuple[str, ...]] = ("product", "period")

    purchaser_id: Mapped[uuid.UUID] = mapped_column(info=about("Who bought."))
    statement_no: Mapped[str] = mapped_column(info=about("Number on the statement or check."))
    lease_id: Mapped[uuid.UUID] = mapped_column(info=about("The property."))
    product: Mapped[str] = mapped_column(
        server_default="oil", info=about("What was sold.", choices=PRODUCTS)
    )
    period: Mapped[date] = mapped_column(info=about("Month of the sales; its first day."))
    received_on: Mapped[date | None] = mapped_column(info=about("When the money came."))
    volume: Mapped[Decimal] = mapped_column(Volume, info=about("Volume sold.", unit=VOLUME_UNIT))
    price: Mapped[Decimal | None] = mapped_column(
        Price, info=about("Price of one unit.", unit="USD per bbl or Mcf")
    )
    gravity_or_btu: Mapped[Decimal | None] = mapped_column(
        Price, info=about("Gravity of oil, or heating value of gas.", unit="°API or Btu/cf")
    )
    gross_value: Mapped[Decimal] = mapped_column(
        Money, info=about("Volume times price, before taxes and deductions.", unit="USD")
    )
    taxes: Mapped[Decimal] = mapped_column(
        Money, server_default="0", info=about("Taxes the purchaser paid for us.", unit="USD")
    )
    deductions: Mapped[Decimal] = mapped_column(
        Money, server_default="0", info=about("Trucking, gathering and other.", unit="USD")
    )
    net_value: Mapped[Decimal] = mapped_column(
        Money, info=about("What the purchaser paid.", unit="USD")
    )
    search_text: Mapped[Any] = search_text("statement_no")
    __table_args__ = (
        of_organization(),
        within("purchaser_id", table="partners"),
        within("lease_id", table="leases"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint(
            "organization_id", "purchaser_id", "statement_no", "lease_id", "product", "period"
        ),
        Index("sales_statements_lease_idx", "organization_id", "lease_id", "period"),
        Index("sales_statements_period_idx", "organization_id", "period"),
        Index("sales_statements_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint(one_of("product", *PRODUCTS), name="product"),
        month("period"),
        CheckConstraint("net_value = gross_value - taxes - deductions", name="net_value"),
    )


class RevenueRun(Base, Keyed, Owned, Authored, Approved):
    """One month's revenue of one product of one property, shared among its owners as one.

    It exists because distributions mean nothing alone: every column of them foots to the run, and
    they are approved, posted and reversed together.

    | status | may become | what it means |
    |---|---|---|
    | draft | approved | distributions may change; may be deleted |
    | approved | draft, posted | foots to the cent; another than its maker approved it |
    | posted | reversed | in the books of its accounting month |
    | reversed | none | undone by a posted run that names it; both count |
    """

    __tablename__ = "revenue_runs"
    GROUP: ClassVar[str] = "Finance"
    SORT: ClassVar[str] = "-period"
    LISTED: ClassVar[tuple[str, ...]] = (
        "name",
        "lease_id",
        "product",
        "purchaser_id",
        "gross_value",
        "net_value",
        "status",
    )
    FACETS: ClassVar[tuple[str, ...]] = ("status", "product", "period")
    MOVES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "draft": ("approved",),
        "approved": ("draft", "posted"),
        "posted": ("reversed",),
    }
    LATER: ClassVar[tuple[str, ...]] = ("note",)

    period: Mapped[date] = mapped_column(info=about("Month of production; its first day."))
    accounting_period: Mapped[date] = mapped_column(
        info=about("Month it is booked in; its first day.")
    )
    lease_id: Mapped[uuid.UUID] = mapped_column(info=about("The property."))
    product: Mapped[str] = mapped_column(
        server_default="oil", info=about("What was sold.", choices=PRODUCTS)
    )
    purchaser_id: Mapped[uuid.UUID] = mapped_column(info=about("Who bought."))
    sales_statement_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The purchaser's statement it shares.")
    )
    deck_id: Mapped[uuid.UUID] = mapped_column(
        info=about("The revenue deck in effect in the month of production.")
    )
    volume: Mapped[Decimal] = mapped_column(Volume, info=about("Volume sold.", unit=VOLUME_UNIT))
    price: Mapped[Decimal] = mapped_column(
        Price, info=about("Price of one unit.", unit="USD per bbl or Mcf")
    )
    gross_value: Mapped[Decimal] = mapped_column(
        Money, info=about("Value before taxes and deductions.", unit="USD")
    )
    taxes: Mapped[Decimal] = mapped_column(
        Money, server_default="0", info=about("All taxes on it.", unit="USD")
    )
    deductions: Mapped[Decimal] = mapped_column(
        Money, server_default="0", info=about("Trucking, gathering and other.", unit="USD")
    )
    adjustments: Mapped[Decimal] = mapped_column(
        Money, server_default="0", info=about("Corrections added.", unit="USD")
    )
    net_value: Mapped[Decimal] = mapped_column(
        Money, info=about("What the owners share.", unit="USD")
    )
    status: Mapped[str] = mapped_column(
        server_default="draft", info=about("Where it stands.", choices=RUN_STATUSES)
    )
    posted_at: Mapped[datetime | None] = mapped_column(
        FetchedValue(), info=filled("When it went into the books.")
    )
    reverses_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The posted run this one undoes.")
    )
    note: Mapped[str | None] = mapped_column(info=about("Anything else worth knowing."))
    name: Mapped[str] = title("product || ' '::text || " + label_of_month("period"))
    __table_args__ = (
        of_organization(),
        within("lease_id", table="leases"),
        within("purchaser_id", table="partners"),
        within("sales_statement_id", table="sales_statements"),
        within("deck_id", table="ownership_decks"),
        within("reverses_id", table="revenue_runs"),
        UniqueConstraint("organization_id", "id"),
        Index("revenue_runs_lease_idx", "organization_id", "lease_id", "period"),
        Index("revenue_runs_period_idx", "organization_id", "period"),
        Index("revenue_runs_status_idx", "organization_id", "status", "period"),
        Index("revenue_runs_reverses_key", "organization_id", "reverses_id", unique=True),
        month("period"),
        month("accounting_period"),
        CheckConstraint(one_of("product", *PRODUCTS), name="product"),
        CheckConstraint(
            "net_value = gross_value - taxes - deductions + adjustments", name="net_value"
        ),
        CheckConstraint(one_of("status", *RUN_STATUSES), name="status"),
        CheckConstraint("reverses_id <> id", name="reverses_id"),
        four_eyes("draft"),
    )


class RevenueDistribution(Base, Keyed, Owned, Authored, Approved):
    """One owner's share of a revenue run: a line of a check stub.

    | status | may become | what it means |
    |---|---|---|
    | draft | calculated, approved | may change while its run is a draft |
    | calculated | draft, approved | figures are complete |
    | approved | calculated, posted | follows its run |
    | posted | paid, suspended, reversed | owed to the owner |
    | suspended | released, escheated, reversed | held; the hold code says why |
    | released | paid, suspended, reversed | to be paid with the next payment |
    | paid | released, reversed | the payment it names was issued; released if that is void |
    | reversed | none | follows its run |
    | escheated | none | handed to the state as unclaimed |
    """

    __tablename__ = "revenue_distributions"
    GROUP: ClassVar[str] = "Finance"
    SORT: ClassVar[str] = "-id"
    LISTED: ClassVar[tuple[str, ...]] = (
        "run_id",
        "partner_id",
        "interest_type",
        "decimal_interest",
        "gross_value",
        "net",
        "pay_code",
        "status",
    )
    FACETS: ClassVar[tuple[str, ...]] = ("status", "pay_code", "interest_type", "hold_code")
    OPEN: ClassVar[tuple[str, ...]] = ("draft", "calculated")
    MOVES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "draft": ("calculated", "approved"),
        "calculated": ("draft", "approved"),
        "approved": ("calculated", "posted"),
        "posted": ("paid", "suspended", "reversed"),
        "suspended": ("released", "escheated", "reversed"),
        "released": ("paid", "suspended", "reversed"),
        "paid": ("released", "reversed"),
    }
    LATER: ClassVar[tuple[str, ...]] = ("payment_id", "hold_code", "note")

    run_id: Mapped[uuid.UUID] = mapped_column(info=about("The run it is part of."))
    deck_id: Mapped[uuid.UUID] = mapped_column(info=about("The deck the interest is from."))
    partner_id: Mapped[uuid.UUID] = mapped_column(info=about("Whose share it is."))
    interest_type: Mapped[str] = mapped_column(
        server_default="WI",
        info=about("Kind of interest.", label="Interest", choices=INTEREST_TYPES),
    )
    decimal_interest: Mapped[Decimal] = mapped_column(
        Interest,
        info=about("Share of the whole, up to ten decimals.", unit=OF_ONE, label="Decimal"),
    )
    owner_volume: Mapped[Decimal] = mapped_column(
        Volume, info=about("The owner's part of the volume.", unit=VOLUME_UNIT)
    )
    price: Mapped[Decimal] = mapped_column(
        Price, info=about("Price of one unit.", unit="USD per bbl or Mcf")
    )
    gross_value: Mapped[Decimal] = mapped_column(
        Money, info=about("The owner's part of the value.", unit="USD")
    )
    taxes: Mapped[Decimal] = mapped_column(
        Money, server_default="0", info=about("The owner's part of the taxes.", unit="USD")
    )
    deductions: Mapped[Decimal] = mapped_column(
        Money, server_default="0", info=about("The owner's part of the deductions.", unit="USD")
    )
    adjustments: Mapped[Decimal] = mapped_column(
        Money, server_default="0", info=about("Corrections added.", unit="USD")
    )
    net: Mapped[Decimal] = mapped_column(Money, info=about("What the owner is due.", unit="USD"))
    pay_code: Mapped[str] = mapped_column(
        server_default="pay", info=about("What happens to it.", choices=PAY_CODES)
    )
    hold_code: Mapped[str] = mapped_column(
        server_default="none", info=about("Why it is held, if it is.", choices=HOLD_CODES)
    )
    payment_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The payment it is part of."))
    status: Mapped[str] = mapped_column(
        server_default="draft", info=about("Where it stands.", choices=DISTRIBUTION_STATUSES)
    )
    reverses_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The distribution this one undoes.")
    )
    note: Mapped[str | None] = mapped_column(info=about("Anything else worth knowing."))
    name: Mapped[str] = title(
        "interest_type || ' '::text || decimal_interest::text || ' '::text || net::text"
    )
    __table_args__ = (
        of_organization(),
        ForeignKeyConstraint(
            ["organization_id", "run_id"],
            ["revenue_runs.organization_id", "revenue_runs.id"],
            ondelete="CASCADE",
        ),
        within("deck_id", table="ownership_decks"),
        within("partner_id", table="partners"),
        within("payment_id", table="owner_payments"),
        within("reverses_id", table="revenue_distributions"),
        UniqueConstraint("organization_id", "id"),
        Index("revenue_distributions_run_idx", "organization_id", "run_id"),
        Index("revenue_distributions_partner_idx", "organization_id", "partner_id", "status"),
        Index("revenue_distributions_status_idx", "organization_id", "status"),
        Index("revenue_distributions_payment_idx", "organization_id", "payment_id"),
        Index("revenue_distributions_net_idx", "organization_id", "net"),
        Index("revenue_distributions_reverses_key", "organization_id", "reverses_id", unique=True),
        CheckConstraint(one_of("interest_type", *INTEREST_TYPES), name="interest_type"),
        CheckConstraint("decimal_interest > 0 AND decimal_interest <= 1", name="decimal_interest"),
        CheckConstraint("net = gross_value - taxes - deductions + adjustments", name="net"),
        CheckConstraint(one_of("pay_code", *PAY_CODES), name="pay_code"),
        CheckConstraint(one_of("hold_code", *HOLD_CODES), name="hold_code"),
        CheckConstraint("status <> 'suspended' OR hold_code <> 'none'", name="held_why"),
        CheckConstraint("status <> 'paid' OR payment_id IS NOT NULL", name="paid_by"),
        CheckConstraint(one_of("status", *DISTRIBUTION_STATUSES), name="status"),
        CheckConstraint("reverses_id <> id", name="reverses_id"),
        four_eyes("draft", "calculated"),
    )


class RevenueDeduction(Base, Keyed, Owned, Authored):
    """One tax, deduction or adjustment of one owner's distribution.

    It exists because a check stub must name each of them (severance tax, trucking, compression …)
    and every column must foot to the purchaser's statement; the sums alone stand on the
    distribution.
    """

    __tablename__ = "revenue_deductions"
    TITLE: ClassVar[str] = "code"
    GROUP: ClassVar[str] = "Finance"
    SORT: ClassVar[str] = "-id"
    LISTED: ClassVar[tuple[str, ...]] = ("distribution_id", "kind", "code", "whole", "amount")
    FACETS: ClassVar[tuple[str, ...]] = ("kind", "code")

    distribution_id: Mapped[uuid.UUID] = mapped_column(info=about("The share it is taken from."))
    kind: Mapped[str] = mapped_column(
        server_default="tax", info=about("Which sum it is part of.", choices=DEDUCTION_KINDS)
    )
    code: Mapped[str] = mapped_column(info=about("severance, trucking, gathering …"))
    whole: Mapped[Decimal] = mapped_column(
        Money, info=about("For all owners together, at 8/8.", unit="USD")
    )
    amount: Mapped[Decimal] = mapped_column(
        Money, info=about("This owner's part of it.", unit="USD")
    )
    __table_args__ = (
        of_organization(),
        ForeignKeyConstraint(
            ["organization_id", "distribution_id"],
            ["revenue_distributions.organization_id", "revenue_distributions.id"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "distribution_id", "kind", "code"),
        CheckConstraint(one_of("kind", *DEDUCTION_KINDS), name="kind"),
    )
