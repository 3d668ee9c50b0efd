"""Bank accounts, and the payments that owners receive."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, FetchedValue, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.amounts import Money, search_text, title
from hub.schema.base import Authored, Base, Keyed, Owned, about, of_organization, one_of, within
from hub.schema.courses import Approved, filled, four_eyes
from hub.schema.partners import PAY_METHODS

OWNER_KINDS = ("org", "partner")
ACCOUNT_TYPES = ("checking", "savings", "money_market")
BANK_STATUSES = ("pending_verification", "verified", "frozen", "closed")
PAYMENT_STATUSES = ("draft", "approved", "issued", "cleared", "void")


class BankAccount(Base, Keyed, Owned, Authored, Approved):
    """Where money is paid to, or from: an account of ours or of a partner.

    A payee's changed account is the classic fraud: whatever number is entered waits 48 hours, and
    another person than the one who entered it verifies it, best by calling a number already known.

    | status | may become | what it means |
    |---|---|---|
    | pending_verification | verified, closed | entered; waits for its hold and a second person |
    | verified | pending_verification, frozen, closed | may be paid; another number makes it wait |
    | frozen | pending_verification, closed | nothing is paid until it is verified anew |
    | closed | none | kept for the record |
    """

    __tablename__ = "bank_accounts"
    GROUP: ClassVar[str] = "Finance"
    LISTED: ClassVar[tuple[str, ...]] = (
        "name",
        "owner_kind",
        "partner_id",
        "bank_name",
        "account_last4",
        "is_primary",
        "status",
    )
    SEARCHED: ClassVar[tuple[str, ...]] = ("name", "bank_name")
    FACETS: ClassVar[tuple[str, ...]] = ("status", "owner_kind", "account_type")
    OPEN: ClassVar[tuple[str, ...]] = ("pending_verification",)
    MOVES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "pending_verification": ("verified", "closed"),
        "verified": ("pending_verification", "frozen", "closed"),
        "frozen": ("pending_verification", "closed"),
    }
    LATER: ClassVar[tuple[str, ...]] = (
        *("name", "account_type", "bank_name", "routing", "account_enc", "account_last4"),
        *("fingerprint", "is_primary", "notes"),
    )

    name: Mapped[str] = mapped_column(info=about("What people call it."))
    owner_kind: Mapped[str] = mapped_column(
        server_default="org",
        info=about("Ours (org), or a partner's.", label="Owner", choices=OWNER_KINDS),
    )
    partner_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The partner it belongs to; empty for our own.")
    )
    account_type: Mapped[str] = mapped_column(
        server_default="checking", info=about("Kind of account.", choices=ACCOUNT_TYPES)
    )
    bank_name: Mapped[str] = mapped_column(info=about("The bank."))
    routing: Mapped[str] = mapped_column(
        info=about("Routing number, nine digits; the last is a check digit.", label="Routing no.")
    )
    account_enc: Mapped[bytes] = mapped_column(
        LargeBinary,
        deferred=True,
        info=about("Account number, kept sealed.", label="Account number", sealed=True),
    )
    account_last4: Mapped[str] = mapped_column(
        info=about("Last four digits of the account number.", label="Account ends in")
        | {"filled": True}
    )
    fingerprint: Mapped[bytes | None] = mapped_column(
        LargeBinary,
        deferred=True,
        info=about("Keyed digest of routing and account number, to find the same account twice."),
    )
    is_primary: Mapped[bool] = mapped_column(
        server_default="false", info=about("Used unless another is named; one for each owner.")
    )
    number_entered_by: Mapped[uuid.UUID | None] = mapped_column(
        FetchedValue(), info=filled("Who entered the number that stands.")
    )
    change_hold_until: Mapped[datetime] = mapped_column(
        server_default=text("now() + '48:00:00'::interval"),
        info=filled("Nothing is paid before: 48 hours after the number was entered."),
    )
    status: Mapped[str] = mapped_column(
        server_default="pending_verification",
        info=about("Whether money may move.", choices=BANK_STATUSES),
    )
    notes: Mapped[str | None] = mapped_column(info=about("How it was verified."))
    search_text: Mapped[Any] = search_text("name", "bank_name")
    __table_args__ = (
        of_organization(),
        within("partner_id", table="partners"),
        UniqueConstraint("organization_id", "id"),
        Index(
            "bank_accounts_fingerprint_key",
            "organization_id",
            "fingerprint",
            unique=True,
            postgresql_where=text("status <> 'closed'"),
        ),
        Index(
            "bank_accounts_primary_key",
            "organization_id",
            text("coalesce(partner_id, organization_id)"),
            unique=True,
            postgresql_where=text("is_primary AND status <> 'closed'"),
        ),
        Index("bank_accounts_name_idx", "organization_id", "name"),
        Index("bank_accounts_partner_idx", "organization_id", "partner_id"),
        Index("bank_accounts_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint(one_of("owner_kind", *OWNER_KINDS), name="owner_kind"),
        CheckConstraint("(owner_kind = 'partner') = (partner_id IS NOT NULL)", name="owner"),
        CheckConstraint(one_of("account_type", *ACCOUNT_TYPES), name="account_type"),
        CheckConstraint("aba_valid(routing)", name="routing"),
        CheckConstraint("account_last4 ~ '^[0-9]{1,4}$'", name="account_last4"),
        CheckConstraint(one_of("status", *BANK_STATUSES), name="status"),
        CheckConstraint(
            "status IN ('pending_verification', 'closed') OR approved_at IS NOT NULL"
            " AND number_entered_by IS NOT NULL AND approved_by <> number_entered_by",
            name="four_eyes",
        ),
    )


class OwnerPayment(Base, Keyed, Owned, Authored, Approved):
    """One check or transfer to one owner, for all the distributions it pays.

    It exists because owners are paid once a month for many properties, and the check's number,
    date and account are facts of the payment, not of any one share. Numbers have no gaps.

    | status | may become | what it means |
    |---|---|---|
    | draft | approved | distributions may be added; may be deleted |
    | approved | issued, void | numbered; its amount is the sum of its distributions |
    | issued | cleared, void | sent; its distributions are paid |
    | cleared | none | the bank has paid it |
    | void | none | stopped; keeps its number |
    """

    __tablename__ = "owner_payments"
    GROUP: ClassVar[str] = "Finance"
    SORT: ClassVar[str] = "-pay_date"
    LISTED: ClassVar[tuple[str, ...]] = (
        "name",
        "partner_id",
        "pay_date",
        "method",
        "amount",
        "status",
    )
    FACETS: ClassVar[tuple[str, ...]] = ("status", "method")
    MOVES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "draft": ("approved",),
        "approved": ("issued", "void"),
        "issued": ("cleared", "void"),
    }
    LATER: ClassVar[tuple[str, ...]] = ("cleared_on", "note")

    number: Mapped[int | None] = mapped_column(
        FetchedValue(), info=filled("Payment number, drawn as it is approved.")
    )
    partner_id: Mapped[uuid.UUID] = mapped_column(info=about("Who is paid."))
    bank_account_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The payee's account, for transfers.")
    )
    pay_date: Mapped[date] = mapped_column(info=about("Date of the payment."))
    method: Mapped[str] = mapped_column(
        server_default="check", info=about("How it is paid.", choices=PAY_METHODS)
    )
    amount: Mapped[Decimal] = mapped_column(
        Money, server_default="0", info=about("Sum of its distributions.", unit="USD")
    )
    cleared_on: Mapped[date | None] = mapped_column(info=about("When the bank paid it."))
    status: Mapped[str] = mapped_column(
        server_default="draft", info=about("Where it stands.", choices=PAYMENT_STATUSES)
    )
    note: Mapped[str | None] = mapped_column(info=about("Anything else worth knowing."))
    name: Mapped[str] = title("COALESCE('Payment '::text || number::text, 'Draft payment'::text)")
    __table_args__ = (
        of_organization(),
        within("partner_id", table="partners"),
        within("bank_account_id", table="bank_accounts"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "number"),
        Index("owner_payments_pay_date_idx", "organization_id", "pay_date"),
        Index("owner_payments_partner_idx", "organization_id", "partner_id", "pay_date"),
        Index("owner_payments_status_idx", "organization_id", "status", "pay_date"),
        CheckConstraint("number > 0", name="number"),
        CheckConstraint(one_of("method", *PAY_METHODS), name="method"),
        CheckConstraint("amount >= 0", name="amount"),
        CheckConstraint(one_of("status", *PAYMENT_STATUSES), name="status"),
        CheckConstraint("status = 'draft' OR number IS NOT NULL", name="numbered"),
        four_eyes("draft"),
    )
