"""What was spent, for which property, and how it is split."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import (
    CHAR,
    CheckConstraint,
    FetchedValue,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.amounts import CURRENCY, OF_ONE, Interest, Money, month, search_text
from hub.schema.base import Authored, Base, Keyed, Owned, about, of_organization, one_of, within
from hub.schema.courses import Approved, filled, four_eyes

EXPENSE_STATUSES = (
    "draft",
    "submitted",
    "approved",
    "posted",
    "billed",
    "paid",
    "reversed",
    "void",
)
ALLOCATION_METHODS = ("per_well", "percentage", "fixed", "by_days", "by_volume")


class Expense(Base, Keyed, Owned, Authored, Approved):
    """One line of an invoice.

    The same line of the same vendor's invoice is booked once. A posted expense stands: to undo it,
    enter another with the opposite amount that names it in `reverses_id`, and post that.

    | status | may become | what it means |
    |---|---|---|
    | draft | submitted, void | may change; may be deleted |
    | submitted | draft, approved, void | waits for a second person |
    | approved | posted, void | another than its maker approved it |
    | posted | billed, paid, reversed | in the books of its accounting month |
    | billed | paid, reversed | partners were billed their share |
    | paid | reversed | the vendor has the money |
    | reversed | none | undone by a posted row that names it; both count |
    | void | none | withdrawn before it was posted; does not count |
    """

    __tablename__ = "expenses"
    TITLE: ClassVar[str] = "description"
    GROUP: ClassVar[str] = "Finance"
    SORT: ClassVar[str] = "-invoice_date"
    LISTED: ClassVar[tuple[str, ...]] = (
        "invoice_date",
        "vendor_id",
        "invoice_no",
        "description",
        "account_id",
        "lease_id",
        "gross",
        "status",
    )
    SEARCHED: ClassVar[tuple[str, ...]] = ("description", "invoice_no")
    FACETS: ClassVar[tuple[str, ...]] = ("status", "billable", "accounting_period")
    MOVES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "draft": ("submitted", "void"),
        "submitted": ("draft", "approved", "void"),
        "approved": ("posted", "void"),
        "posted": ("billed", "paid", "reversed"),
        "billed": ("paid", "reversed"),
        "paid": ("reversed",),
    }
    LATER: ClassVar[tuple[str, ...]] = ("notes",)

    vendor_id: Mapped[uuid.UUID] = mapped_column(info=about("Who sent the invoice."))
    invoice_no: Mapped[str] = mapped_column(info=about("Number on the invoice."))
    line_no: Mapped[int] = mapped_column(server_default="1", info=about("Line of the invoice."))
    invoice_date: Mapped[date] = mapped_column(info=about("Date on the invoice."))
    service_period: Mapped[date] = mapped_column(
        info=about(
            "Month the work was done in; its first day. Partners share by that month's deck."
        )
    )
    accounting_period: Mapped[date] = mapped_column(
        info=about("Month it is booked in; its first day.")
    )
    description: Mapped[str] = mapped_column(info=about("What was bought or done."))
    account_id: Mapped[uuid.UUID] = mapped_column(info=about("Account it is booked to."))
    afe_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("Authority for expenditure it draws on.", label="AFE")
    )
    lease_id: Mapped[uuid.UUID | None] = mapped_column(info=about("Property it is for."))
    well_id: Mapped[uuid.UUID | None] = mapped_column(info=about("Well it is for, if one."))
    completion_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("Completion of that well, if it matters.")
    )
    maintenance_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("Work order it pays for, if one.", label="Work order")
    )
    gross: Mapped[Decimal] = mapped_column(
        Money, info=about("Amount for all owners together; negative for a credit.", unit="USD")
    )
    currency: Mapped[str] = mapped_column(
        CHAR(3), server_default=CURRENCY, info=about("Currency of the invoice.")
    )
    billable: Mapped[bool] = mapped_column(
        server_default="true", info=about("Partners bear their share of it.")
    )
    status: Mapped[str] = mapped_column(
        server_default="draft", info=about("Where it stands.", choices=EXPENSE_STATUSES)
    )
    posted_at: Mapped[datetime | None] = mapped_column(
        FetchedValue(), info=filled("When it went into the books.")
    )
    reverses_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The posted expense this one undoes.")
    )
    notes: Mapped[str | None] = mapped_column(info=about("Anything else worth knowing."))
    search_text: Mapped[Any] = search_text("description", "invoice_no")
    __table_args__ = (
        of_organization(),
        within("vendor_id", table="partners"),
        within("account_id", table="accounts"),
        within("afe_id", table="afes"),
        within("lease_id", table="leases"),
        within("well_id", table="wells"),
        within("completion_id", table="completions"),
        within("maintenance_id", table="maintenance_records"),
        within("reverses_id", table="expenses"),
        UniqueConstraint("organization_id", "id"),
        Index(
            "expenses_invoice_key",
            "organization_id",
            "vendor_id",
            text("lower(invoice_no)"),
            "line_no",
            unique=True,
            postgresql_where=text("reverses_id IS NULL AND status NOT IN ('void', 'reversed')"),
        ),
        Index(
            "expenses_reverses_key",
            "organization_id",
            "reverses_id",
            unique=True,
            postgresql_where=text("status <> 'void'"),
        ),
        Index("expenses_invoice_date_idx", "organization_id", "invoice_date"),
        Index("expenses_status_idx", "organization_id", "status", "invoice_date"),
        Index("expenses_accounting_period_idx", "organization_id", "accounting_period"),
        Index("expenses_vendor_idx", "organization_id", "vendor_id", "invoice_date"),
        Index("expenses_lease_idx", "organization_id", "lease_id", "service_period"),
        Index("expenses_gross_idx", "organization_id", "gross"),
        Index("expenses_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint("invoice_no = btrim(invoice_no) AND invoice_no <> ''", name="invoice_no"),
        CheckConstraint("line_no > 0", name="line_no"),
        month("service_period"),
        month("accounting_period"),
        CheckConstraint("gross <> 0", name="gross"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        CheckConstraint(one_of("status", *EXPENSE_STATUSES), name="status"),
        CheckConstraint("reverses_id <> id", name="reverses_id"),
        four_eyes("draft", "submitted", "void"),
    )


class ExpenseAllocation(Base, Keyed, Owned, Authored):
    """The part of an expense that one property bears.

    It exists because one invoice often serves several properties (a compressor, a pulling unit);
    the parts sum to the expense, to the cent, before it is posted.
    """

    __tablename__ = "expense_allocations"
    TITLE: ClassVar[str] = "method"
    GROUP: ClassVar[str] = "Finance"
    SORT: ClassVar[str] = "-id"
    LISTED: ClassVar[tuple[str, ...]] = ("expense_id", "lease_id", "method", "share", "amount")
    FACETS: ClassVar[tuple[str, ...]] = ("method",)

    expense_id: Mapped[uuid.UUID] = mapped_column(info=about("The expense that is split."))
    lease_id: Mapped[uuid.UUID] = mapped_column(info=about("The property that bears this part."))
    well_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The well it is for, if one."))
    method: Mapped[str] = mapped_column(
        server_default="percentage",
        info=about("How the part was found.", choices=ALLOCATION_METHODS),
    )
    share: Mapped[Decimal | None] = mapped_column(
        Interest, info=about("Share of the expense; empty for a fixed amount.", unit=OF_ONE)
    )
    amount: Mapped[Decimal] = mapped_column(
        Money, info=about("What this property bears.", unit="USD")
    )
    __table_args__ = (
        of_organization(),
        ForeignKeyConstraint(
            ["organization_id", "expense_id"],
            ["expenses.organization_id", "expenses.id"],
            ondelete="CASCADE",
        ),
        within("lease_id", table="leases"),
        within("well_id", table="wells"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint(
            "organization_id",
            "expense_id",
            "lease_id",
            "well_id",
            name="expense_allocations_once_key",
            postgresql_nulls_not_distinct=True,
        ),
        Index("expense_allocations_lease_idx", "organization_id", "lease_id"),
        CheckConstraint(one_of("method", *ALLOCATION_METHODS), name="method"),
        CheckConstraint("share >= 0 AND share <= 1", name="share"),
    )
