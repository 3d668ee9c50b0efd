"""What costs are booked to: the chart of accounts, and authorities for expenditure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.amounts import Money, search_text
from hub.schema.base import Authored, Base, Keyed, Owned, about, of_organization, one_of, within
from hub.schema.courses import Approved, four_eyes

ACCOUNT_KINDS = ("operating", "overhead", "tax", "capital", "revenue", "balance")
AFE_KINDS = ("drilling", "completion", "recompletion", "workover", "facility", "plugging", "other")
AFE_STATUSES = ("draft", "approved", "closed", "cancelled")


class Account(Base, Keyed, Owned, Authored):
    """One line of the chart of accounts.

    It exists because an expense's kind decides whether partners are billed for it and where it
    stands in the lease operating statement; a free text on the expense could not be summed.
    """

    __tablename__ = "accounts"
    GROUP: ClassVar[str] = "Finance"
    LISTED: ClassVar[tuple[str, ...]] = ("code", "name", "kind", "billable", "active")
    SEARCHED: ClassVar[tuple[str, ...]] = ("name", "code")
    FACETS: ClassVar[tuple[str, ...]] = ("kind", "billable", "active")

    code: Mapped[str] = mapped_column(info=about("Account number, four to six digits."))
    name: Mapped[str] = mapped_column(info=about("What is booked here."))
    kind: Mapped[str] = mapped_column(
        server_default="operating",
        info=about("Where it stands in the lease statement.", choices=ACCOUNT_KINDS),
    )
    billable: Mapped[bool] = mapped_column(
        server_default="true", info=about("Partners bear their share of it.")
    )
    active: Mapped[bool] = mapped_column(server_default="true", info=about("Offered in forms."))
    search_text: Mapped[Any] = search_text("name", "code")
    __table_args__ = (
        of_organization(),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "code"),
        Index("accounts_name_idx", "organization_id", "name"),
        Index("accounts_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint("code ~ '^[0-9]{4,6}$'", name="code"),
        CheckConstraint(one_of("kind", *ACCOUNT_KINDS), name="kind"),
    )


class Afe(Base, Keyed, Owned, Authored, Approved):
    """An authority for expenditure: a budget the partners agreed to before the work.

    It exists because capital work is approved, billed and compared with its budget as one, over
    many expenses and months.

    | status | may become | what it means |
    |---|---|---|
    | draft | approved, cancelled | may change; may be deleted |
    | approved | closed, cancelled | costs may be booked to it |
    | closed, cancelled | none | nothing more is booked to it |
    """

    __tablename__ = "afes"
    TITLE: ClassVar[str] = "number"
    GROUP: ClassVar[str] = "Finance"
    LISTED: ClassVar[tuple[str, ...]] = (
        "number",
        "description",
        "kind",
        "lease_id",
        "budget",
        "status",
    )
    SEARCHED: ClassVar[tuple[str, ...]] = ("number", "description")
    FACETS: ClassVar[tuple[str, ...]] = ("status", "kind")
    MOVES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "draft": ("approved", "cancelled"),
        "approved": ("closed", "cancelled"),
    }
    LATER: ClassVar[tuple[str, ...]] = ("closed_on",)

    number: Mapped[str] = mapped_column(info=about("Number the partners know it by."))
    description: Mapped[str] = mapped_column(info=about("The work it pays for."))
    kind: Mapped[str] = mapped_column(
        server_default="workover", info=about("What work it is.", choices=AFE_KINDS)
    )
    lease_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The property it is for."))
    well_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The well it is for, if one."))
    budget: Mapped[Decimal] = mapped_column(
        Money, info=about("What the work may cost, all owners together.", unit="USD")
    )
    opened_on: Mapped[date | None] = mapped_column(info=about("When the work began."))
    closed_on: Mapped[date | None] = mapped_column(info=about("When the last cost was booked."))
    status: Mapped[str] = mapped_column(
        server_default="draft", info=about("Where it stands.", choices=AFE_STATUSES)
    )
    search_text: Mapped[Any] = search_text("number", "description")
    __table_args__ = (
        of_organization(),
        within("lease_id", table="leases"),
        within("well_id", table="wells"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "number"),
        Index("afes_status_idx", "organization_id", "status"),
        Index("afes_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint(one_of("kind", *AFE_KINDS), name="kind"),
        CheckConstraint("budget >= 0", name="budget"),
        CheckConstraint("closed_on >= opened_on", name="closed_on"),
        CheckConstraint(one_of("status", *AFE_STATUSES), name="status"),
        four_eyes("draft", "cancelled"),
    )
