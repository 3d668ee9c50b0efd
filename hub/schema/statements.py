"""Joint interest billing: what each partner owes for the costs of a property."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, FetchedValue, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.amounts import OF_ONE, Interest, Money, label_of_month, month, search_text, title
from hub.schema.base import Authored, Base, Keyed, Owned, about, of_organization, one_of, within
from hub.schema.courses import Approved, filled, four_eyes

JIB_STATUSES = ("draft", "approved", "sent", "partially_paid", "paid", "disputed", "void")


class JibStatement(Base, Keyed, Owned, Authored, Approved):
    """A joint interest bill: one partner's share of the costs of a month.

    Its number is drawn as it is approved, without gaps; a void statement keeps its number.

    | status | may become | what it means |
    |---|---|---|
    | draft | approved | lines may change; may be deleted |
    | approved | sent, void | numbered, its charges are the sum of its lines; it stands |
    | sent | partially_paid, paid, disputed, void | the partner has it |
    | partially_paid | paid, disputed | part of it was paid |
    | paid | none | settled |
    | disputed | sent, partially_paid, paid, void | the partner objects |
    | void | none | withdrawn; the next revision replaces it |
    """

    __tablename__ = "jib_statements"
    GROUP: ClassVar[str] = "Finance"
    SORT: ClassVar[str] = "-period"
    LISTED: ClassVar[tuple[str, ...]] = (
        "number",
        "partner_id",
        "lease_id",
        "period",
        "closing_balance",
        "due_date",
        "status",
    )
    FACETS: ClassVar[tuple[str, ...]] = ("status", "period")
    MOVES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "draft": ("approved",),
        "approved": ("sent", "void"),
        "sent": ("partially_paid", "paid", "disputed", "void"),
        "partially_paid": ("paid", "disputed"),
        "disputed": ("sent", "partially_paid", "paid", "void"),
    }
    LATER: ClassVar[tuple[str, ...]] = ("paid_amount", "sent_at", "document_id", "dispute_note")

    number: Mapped[int | None] = mapped_column(
        FetchedValue(), info=filled("Statement number, drawn as it is approved.")
    )
    partner_id: Mapped[uuid.UUID] = mapped_column(info=about("Who is billed."))
    lease_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The property; empty for all of the partner's properties.")
    )
    period: Mapped[date] = mapped_column(info=about("Month that is billed; its first day."))
    revision: Mapped[int] = mapped_column(
        server_default="0", info=about("0 first, 1 and on where it replaces a void one.")
    )
    invoice_date: Mapped[date] = mapped_column(info=about("Date of the bill."))
    due_date: Mapped[date] = mapped_column(
        info=about("Last day to pay, 15 or 30 days on as the operating agreement says.")
    )
    opening_balance: Mapped[Decimal] = mapped_column(
        Money, server_default="0", info=about("Owed before this month.", unit="USD")
    )
    current_charges: Mapped[Decimal] = mapped_column(
        Money, server_default="0", info=about("Sum of the lines.", unit="USD")
    )
    payments: Mapped[Decimal] = mapped_column(
        Money, server_default="0", info=about("Paid since the last bill.", unit="USD")
    )
    netted: Mapped[Decimal] = mapped_column(
        Money, server_default="0", info=about("Taken from the partner's revenue.", unit="USD")
    )
    closing_balance: Mapped[Decimal] = mapped_column(
        Money,
        server_default="0",
        info=about("Opening balance and charges less payments and netting.", unit="USD"),
    )
    paid_amount: Mapped[Decimal] = mapped_column(
        Money, server_default="0", info=about("Received against this bill.", unit="USD")
    )
    sent_at: Mapped[datetime | None] = mapped_column(info=about("When the partner was sent it."))
    status: Mapped[str] = mapped_column(
        server_default="draft", info=about("Where it stands.", choices=JIB_STATUSES)
    )
    dispute_note: Mapped[str | None] = mapped_column(info=about("What the partner objects to."))
    document_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The bill as it was sent."))
    name: Mapped[str] = title(
        "COALESCE('JIB '::text || number::text, 'Draft JIB'::text) || ' '::text || "
        + label_of_month("period")
    )
    search_text: Mapped[Any] = search_text("number::text", "dispute_note")
    __table_args__ = (
        of_organization(),
        within("partner_id", table="partners"),
        within("lease_id", table="leases"),
        within("document_id", table="documents"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "number"),
        UniqueConstraint(
            "organization_id",
            "partner_id",
            "lease_id",
            "period",
            "revision",
            postgresql_nulls_not_distinct=True,
        ),
        Index("jib_statements_period_idx", "organization_id", "period"),
        Index("jib_statements_status_idx", "organization_id", "status", "due_date"),
        Index("jib_statements_due_date_idx", "organization_id", "due_date"),
        Index("jib_statements_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint("number > 0", name="number"),
        month("period"),
        CheckConstraint("revision >= 0", name="revision"),
        CheckConstraint("due_date >= invoice_date", name="due_date"),
        CheckConstraint(
            "closing_balance = opening_balance + current_charges - payments - netted",
            name="closing_balance",
        ),
        CheckConstraint("paid_amount >= 0", name="paid_amount"),
        CheckConstraint("status <> 'paid' OR paid_amount >= closing_balance", name="paid_in_full"),
        CheckConstraint(one_of("status", *JIB_STATUSES), name="status"),
        CheckConstraint("status = 'draft' OR number IS NOT NULL", name="numbered"),
        four_eyes("draft"),
    )


class JibStatementLine(Base, Keyed, Owned, Authored):
    """One expense on a bill, and the partner's share of it.

    It exists because a bill that cannot be traced line by line to invoices, interests and decks
    cannot be audited; lines of an approved statement stand.
    """

    __tablename__ = "jib_statement_lines"
    TITLE: ClassVar[str] = "description"
    GROUP: ClassVar[str] = "Finance"
    SORT: ClassVar[str] = "-id"
    LISTED: ClassVar[tuple[str, ...]] = (
        "statement_id",
        "line_no",
        "description",
        "account_id",
        "gross",
        "interest",
        "net",
    )
    SEARCHED: ClassVar[tuple[str, ...]] = ("description",)

    statement_id: Mapped[uuid.UUID] = mapped_column(info=about("The bill it stands on."))
    line_no: Mapped[int] = mapped_column(info=about("Place on the bill."))
    expense_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The expense that is shared."))
    afe_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("Authority for expenditure it draws on.", label="AFE")
    )
    account_id: Mapped[uuid.UUID] = mapped_column(info=about("Account it is booked to."))
    deck_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The billing deck the interest is from.")
    )
    description: Mapped[str] = mapped_column(info=about("What the partner reads."))
    gross: Mapped[Decimal] = mapped_column(
        Money, info=about("Amount for all owners together.", unit="USD")
    )
    interest: Mapped[Decimal] = mapped_column(
        Interest, info=about("The partner's share of it.", unit=OF_ONE)
    )
    net: Mapped[Decimal] = mapped_column(
        Money, info=about("What the partner bears; shares of one expense sum to it.", unit="USD")
    )
    search_text: Mapped[Any] = search_text("description")
    __table_args__ = (
        of_organization(),
        ForeignKeyConstraint(
            ["organization_id", "statement_id"],
            ["jib_statements.organization_id", "jib_statements.id"],
            ondelete="CASCADE",
        ),
        within("expense_id", table="expenses"),
        within("afe_id", table="afes"),
        within("account_id", table="accounts"),
        within("deck_id", table="ownership_decks"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "statement_id", "line_no"),
        Index("jib_statement_lines_expense_idx", "organization_id", "expense_id"),
        Index("jib_statement_lines_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint("line_no > 0", name="line_no"),
        CheckConstraint("interest >= 0 AND interest <= 1", name="interest"),
    )


class NumberSeries(Base):
    """The last number drawn of a series of papers.

    It exists because statement numbers have no gaps: a sequence loses a number when a transaction
    fails, a row that is locked as the last step of an approval does not. Only the database's own
    triggers touch it.
    """

    __tablename__ = "number_series"
    TITLE: ClassVar[str] = "series"

    organization_id: Mapped[uuid.UUID] = mapped_column(
        primary_key=True, info=about("The operator this row belongs to.")
    )
    series: Mapped[str] = mapped_column(primary_key=True, info=about("What is numbered."))
    last_number: Mapped[int] = mapped_column(
        server_default="0", info=about("The number drawn last; 0 before the first.")
    )
    __table_args__ = (
        of_organization(),
        CheckConstraint("last_number >= 0", name="last_number"),
    )
