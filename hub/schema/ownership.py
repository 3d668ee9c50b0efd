"""Who owns what share of a property, from when to when."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import ClassVar

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Text,
    UniqueConstraint,
    column,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.amounts import OF_ONE, PRODUCTS, Interest, title
from hub.schema.base import Authored, Base, Keyed, Owned, about, of_organization, one_of, within
from hub.schema.courses import Approved, four_eyes

DECK_PRODUCTS = ("all", *PRODUCTS)
DECK_KINDS = ("revenue", "billing")
PAYOUTS = ("none", "before", "after")
INTEREST_TYPES = ("WI", "RI", "ORRI", "NPRI", "NPI", "PP", "MI", "UMI")
PAY_STATUSES = ("pay", "suspend", "minimum", "in_kind", "net_jib")

#: Two decks overlap when they share a product and a side of payout: "all" and "none" cover every
#: one of them, so each stands for a range of numbers.
PRODUCT_SPAN = (
    "CASE product WHEN 'all' THEN int4range(1, 4) WHEN 'oil' THEN int4range(1, 2)"
    " WHEN 'gas' THEN int4range(2, 3) ELSE int4range(3, 4) END"
)
PAYOUT_SPAN = (
    "CASE payout WHEN 'none' THEN int4range(1, 3) WHEN 'before' THEN int4range(1, 2)"
    " ELSE int4range(2, 3) END"
)
#: Stands for "the whole lease" where no completion is named.
WHOLE_LEASE = "coalesce(completion_id, '00000000-0000-0000-0000-000000000000')"


class OwnershipDeck(Base, Keyed, Owned, Authored, Approved):
    """A division of interest: the parties of a property and their shares over one span of time.

    It exists beside `lease_partners` because a share means nothing alone: the lines of a deck are
    approved together, sum to exactly 1, and hold for the same days. A deck of a completion stands
    before the one of its lease.

    | status | may become | what it means |
    |---|---|---|
    | draft | approved | lines may change; it may be deleted |
    | approved | superseded | sums to 1; only `effective_to` may still be set, once |
    | superseded | none | replaced by another deck for the same days; kept for the record |
    """

    __tablename__ = "ownership_decks"
    GROUP: ClassVar[str] = "Finance"
    SORT: ClassVar[str] = "-effective_from"
    LISTED: ClassVar[tuple[str, ...]] = (
        "name",
        "lease_id",
        "product",
        "deck_kind",
        "effective_from",
        "effective_to",
        "status",
    )
    FACETS: ClassVar[tuple[str, ...]] = ("status", "deck_kind", "product")
    MOVES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "draft": ("approved",),
        "approved": ("superseded",),
    }
    LATER: ClassVar[tuple[str, ...]] = ("effective_to", "note")

    lease_id: Mapped[uuid.UUID] = mapped_column(info=about("The property it divides."))
    completion_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("One completion of the property; empty for all of it.")
    )
    product: Mapped[str] = mapped_column(
        server_default="all", info=about("What it divides.", choices=DECK_PRODUCTS)
    )
    deck_kind: Mapped[str] = mapped_column(
        server_default="revenue",
        info=about("Divides revenue, or bills costs.", label="Kind", choices=DECK_KINDS),
    )
    payout: Mapped[str] = mapped_column(
        server_default="none",
        info=about("Before or after payout; none where it makes no difference.", choices=PAYOUTS),
    )
    effective_from: Mapped[date] = mapped_column(info=about("First day it holds."))
    effective_to: Mapped[date | None] = mapped_column(
        info=about("Last day it holds; empty while it still does.")
    )
    status: Mapped[str] = mapped_column(
        server_default="draft",
        info=about("Where it stands.", choices=("draft", "approved", "superseded")),
    )
    note: Mapped[str | None] = mapped_column(
        info=about("Title opinion or division order it is from.")
    )
    name: Mapped[str] = title(
        "deck_kind || ' '::text || product || ' from '::text"
        " || EXTRACT(year FROM effective_from)::text || '-'::text"
        " || lpad(EXTRACT(month FROM effective_from)::text, 2, '0'::text) || '-'::text"
        " || lpad(EXTRACT(day FROM effective_from)::text, 2, '0'::text)"
    )
    __table_args__ = (
        of_organization(),
        within("lease_id", table="leases"),
        within("completion_id", table="completions"),
        UniqueConstraint("organization_id", "id"),
        ExcludeConstraint(
            (column("organization_id"), "="),
            (column("lease_id"), "="),
            (text(WHOLE_LEASE), "="),
            (column("deck_kind"), "="),
            (text(f"({PRODUCT_SPAN})"), "&&"),
            (text(f"({PAYOUT_SPAN})"), "&&"),
            (text("daterange(effective_from, effective_to, '[]')"), "&&"),
            where=text("status = 'approved'"),
            using="gist",
            name="ownership_decks_no_overlap",
        ),
        Index("ownership_decks_from_idx", "organization_id", "effective_from"),
        Index("ownership_decks_lease_idx", "organization_id", "lease_id", "effective_from"),
        Index("ownership_decks_status_idx", "organization_id", "status", "effective_from"),
        CheckConstraint(one_of("product", *DECK_PRODUCTS), name="product"),
        CheckConstraint(one_of("deck_kind", *DECK_KINDS), name="deck_kind"),
        CheckConstraint(one_of("payout", *PAYOUTS), name="payout"),
        CheckConstraint("effective_to >= effective_from", name="effective_to"),
        CheckConstraint(one_of("status", "draft", "approved", "superseded"), name="status"),
        four_eyes("draft"),
    )


class LeasePartner(Base, Keyed, Owned, Authored):
    """One line of a deck: the share one party owns in one kind of interest.

    The lines of an approved deck stand; a change of ownership is a new deck.
    """

    __tablename__ = "lease_partners"
    GROUP: ClassVar[str] = "Finance"
    SORT: ClassVar[str] = "-id"
    LISTED: ClassVar[tuple[str, ...]] = (
        "deck_id",
        "partner_id",
        "interest_type",
        "decimal_interest",
        "pay_status",
    )
    FACETS: ClassVar[tuple[str, ...]] = ("interest_type", "pay_status")

    deck_id: Mapped[uuid.UUID] = mapped_column(info=about("The deck this line belongs to."))
    partner_id: Mapped[uuid.UUID] = mapped_column(info=about("Whose share it is."))
    interest_type: Mapped[str] = mapped_column(
        server_default="WI",
        info=about(
            "WI working, RI royalty, ORRI overriding, NPRI non-participating royalty, NPI net"
            " profits, PP production payment, MI mineral, UMI unleased mineral.",
            label="Interest",
            choices=INTEREST_TYPES,
        ),
    )
    decimal_interest: Mapped[Decimal] = mapped_column(
        Interest,
        info=about("Share of the whole, up to ten decimals.", unit=OF_ONE, label="Decimal"),
    )
    burdened_by_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The associate whose interest bears this one.")
    )
    pay_status: Mapped[str] = mapped_column(
        server_default="pay", info=about("What happens to its revenue.", choices=PAY_STATUSES)
    )
    cost_free: Mapped[bool] = mapped_column(
        server_default="false", info=about("Bears no cost after production.")
    )
    tax_exempt: Mapped[list[str]] = mapped_column(
        ARRAY(Text),
        server_default=text("'{}'::text[]"),
        info=about("Kinds of tax this owner does not bear."),
    )
    name: Mapped[str] = title("interest_type || ' '::text || decimal_interest::text")
    __table_args__ = (
        of_organization(),
        ForeignKeyConstraint(
            ["organization_id", "deck_id"],
            ["ownership_decks.organization_id", "ownership_decks.id"],
            ondelete="CASCADE",
        ),
        within("partner_id", table="partners"),
        within("burdened_by_id", table="partners"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint(
            "organization_id",
            "deck_id",
            "partner_id",
            "interest_type",
            "burdened_by_id",
            name="lease_partners_once_key",
            postgresql_nulls_not_distinct=True,
        ),
        Index("lease_partners_partner_idx", "organization_id", "partner_id"),
        CheckConstraint(one_of("interest_type", *INTEREST_TYPES), name="interest_type"),
        CheckConstraint("decimal_interest > 0 AND decimal_interest <= 1", name="decimal_interest"),
        CheckConstraint(one_of("pay_status", *PAY_STATUSES), name="pay_status"),
    )
