"""Business associates: who owns, buys, delivers, regulates."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.amounts import Money, search_text
from hub.schema.base import Authored, Base, Keyed, Owned, about, of_organization, one_of, within

PARTNER_KINDS = ("company", "individual", "trust", "estate", "government")
W9_STATUSES = ("missing", "requested", "received", "expired")
TAX_CLASSES = (
    "individual",
    "c_corporation",
    "s_corporation",
    "partnership",
    "trust_estate",
    "government",
    "foreign",
)
PAY_METHODS = ("check", "ach", "wire", "in_kind")
HOLD_CODES = (
    "none",
    "no_w9",
    "title_dispute",
    "unlocated",
    "minimum",
    "legal",
    "child_support",
)
DELIVERIES = ("mail", "email", "portal")


class Partner(Base, Keyed, Owned, Authored):
    """A business associate: an owner of an interest, a purchaser, a vendor, an agency."""

    __tablename__ = "partners"
    GROUP: ClassVar[str] = "Finance"
    LISTED: ClassVar[tuple[str, ...]] = (
        "code",
        "name",
        "kind",
        "hold_code",
        "pay_method",
        "active",
    )
    SEARCHED: ClassVar[tuple[str, ...]] = ("name", "code", "contact_name", "email")
    FACETS: ClassVar[tuple[str, ...]] = ("kind", "hold_code", "w9_status", "active")

    code: Mapped[str] = mapped_column(info=about("Short code in the accounts, used once."))
    name: Mapped[str] = mapped_column(info=about("Legal name, as on the W-9."))
    kind: Mapped[str] = mapped_column(
        server_default="company", info=about("What it is by law.", choices=PARTNER_KINDS)
    )
    working_interest: Mapped[bool] = mapped_column(
        server_default="false", info=about("Shares the costs of a property.")
    )
    royalty: Mapped[bool] = mapped_column(
        server_default="false", info=about("Owns a royalty, free of costs.")
    )
    overriding: Mapped[bool] = mapped_column(
        server_default="false", info=about("Owns an overriding royalty carved out of a lease.")
    )
    purchaser: Mapped[bool] = mapped_column(
        server_default="false", info=about("Buys oil or gas from us.")
    )
    vendor: Mapped[bool] = mapped_column(server_default="false", info=about("Sends us invoices."))
    regulator: Mapped[bool] = mapped_column(
        server_default="false", info=about("An agency that permits or taxes.")
    )
    landowner: Mapped[bool] = mapped_column(
        server_default="false", info=about("Owns the surface we work on.")
    )
    tax_id_enc: Mapped[bytes | None] = mapped_column(
        LargeBinary,
        deferred=True,
        info=about("EIN or SSN, kept sealed.", label="Tax id", sealed=True),
    )
    tax_id_last4: Mapped[str | None] = mapped_column(
        info=about("Last four digits of the tax id.", label="Tax id ends in") | {"filled": True}
    )
    w9_status: Mapped[str] = mapped_column(
        server_default="missing",
        info=about("Where its Form W-9 stands.", label="W-9", choices=W9_STATUSES),
    )
    tax_class: Mapped[str | None] = mapped_column(
        info=about("Federal tax classification on the W-9.", choices=TAX_CLASSES)
    )
    backup_withholding: Mapped[bool] = mapped_column(
        server_default="false", info=about("The IRS told us to withhold from payments.")
    )
    state_withholding: Mapped[bool] = mapped_column(
        server_default="false", info=about("Withhold income tax for the property's state.")
    )
    min_pay: Mapped[Decimal | None] = mapped_column(
        Money,
        info=about(
            "Owed amounts below this wait; empty takes the minimum of the property's state.",
            unit="USD",
            label="Minimum payment",
        ),
    )
    pay_method: Mapped[str] = mapped_column(
        server_default="check", info=about("How it is paid.", choices=PAY_METHODS)
    )
    hold_code: Mapped[str] = mapped_column(
        server_default="none", info=about("Why its payments are held.", choices=HOLD_CODES)
    )
    netting_allowed: Mapped[bool] = mapped_column(
        server_default="false", info=about("Its bills may be netted from its revenue.")
    )
    contact_name: Mapped[str | None] = mapped_column(info=about("Whom to ask for."))
    email: Mapped[str | None] = mapped_column(info=about("E-mail address for statements."))
    phone: Mapped[str | None] = mapped_column(info=about("Number with country code, +1…"))
    billing_address: Mapped[str | None] = mapped_column(info=about("Where bills are sent."))
    remit_address: Mapped[str | None] = mapped_column(info=about("Where payments are sent."))
    delivery: Mapped[str] = mapped_column(
        server_default="mail", info=about("How statements reach it.", choices=DELIVERIES)
    )
    notes: Mapped[str | None] = mapped_column(info=about("Anything else worth knowing."))
    active: Mapped[bool] = mapped_column(
        server_default="true", info=about("Offered in forms; history keeps those that are not.")
    )
    merged_into_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The associate this one turned out to be a duplicate of.")
    )
    search_text: Mapped[Any] = search_text("name", "code", "contact_name", "email")
    __table_args__ = (
        of_organization(),
        within("merged_into_id", table="partners"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "code"),
        Index("partners_name_idx", "organization_id", "name"),
        Index("partners_kind_idx", "organization_id", "kind"),
        Index("partners_hold_code_idx", "organization_id", "hold_code"),
        Index("partners_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint("code = btrim(code) AND code <> ''", name="code"),
        CheckConstraint(one_of("kind", *PARTNER_KINDS), name="kind"),
        CheckConstraint("tax_id_last4 ~ '^[0-9]{4}$'", name="tax_id_last4"),
        CheckConstraint(one_of("w9_status", *W9_STATUSES), name="w9_status"),
        CheckConstraint(one_of("tax_class", *TAX_CLASSES), name="tax_class"),
        CheckConstraint("min_pay >= 0", name="min_pay"),
        CheckConstraint(one_of("pay_method", *PAY_METHODS), name="pay_method"),
        CheckConstraint(one_of("hold_code", *HOLD_CODES), name="hold_code"),
        CheckConstraint("email ~ '^[^@ ]+@[^@ ]+$'", name="email"),
        CheckConstraint(one_of("delivery", *DELIVERIES), name="delivery"),
        CheckConstraint("merged_into_id <> id", name="merged_into_id"),
    )
