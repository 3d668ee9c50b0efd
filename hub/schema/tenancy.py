"""Operators, the people who work for them, and their sign-ins."""

from __future__ import annotations

import uuid
from datetime import datetime, time
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    Numeric,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.base import Authored, Base, Dated, Keyed, Owned, about, of_organization, one_of

ROLES = ("owner", "manager", "pumper", "accountant", "viewer")


class Organization(Base, Keyed, Authored):
    """An operator: the tenant every other row belongs to."""

    __tablename__ = "organizations"
    GROUP: ClassVar[str] = "Company"
    LISTED: ClassVar[tuple[str, ...]] = ("name", "legal_name", "timezone", "phone", "email")

    name: Mapped[str] = mapped_column(info=about("Name of the operator."))
    slug: Mapped[str] = mapped_column(unique=True, info=about("Short name used in addresses."))
    timezone: Mapped[str] = mapped_column(
        server_default="America/Chicago", info=about("IANA time zone of the production day.")
    )
    production_day_start: Mapped[time] = mapped_column(
        server_default=text("'07:00'"), info=about("Local time at which a production day begins.")
    )
    closed_at: Mapped[datetime | None] = mapped_column(info=about("When the operator left."))
    legal_name: Mapped[str | None] = mapped_column(info=about("Name as registered."))
    tax_id_enc: Mapped[bytes | None] = mapped_column(
        LargeBinary,
        deferred=True,
        info=about("EIN, kept sealed.", label="Tax id", sealed=True),
    )
    tax_id_last4: Mapped[str | None] = mapped_column(
        info=about("Last four digits of the tax id.", label="Tax id ends in")
    )
    phone: Mapped[str | None] = mapped_column(info=about("Telephone, with country code."))
    email: Mapped[str | None] = mapped_column(info=about("Address for mail to the operator."))
    contact_name: Mapped[str | None] = mapped_column(info=about("Who to ask for."))
    address: Mapped[str | None] = mapped_column(info=about("Street, or post-office box."))
    city: Mapped[str | None] = mapped_column(info=about("Town."))
    state: Mapped[str | None] = mapped_column(info=about("Two-letter state."))
    postal_code: Mapped[str | None] = mapped_column(info=about("ZIP code."))
    currency: Mapped[str] = mapped_column(
        server_default="USD", default="USD", info=about("Currency of all amounts, three letters.")
    )
    pressure_base_psia: Mapped[Decimal] = mapped_column(
        Numeric(6, 3),
        server_default=text("14.65"),
        default=Decimal("14.65"),
        info=about(
            "Pressure at which gas is counted: Texas and Oklahoma 14.65, North Dakota and Colorado"
            " 14.73, Louisiana 15.025.",
            unit="psia",
        ),
    )
    fiscal_year_start: Mapped[int] = mapped_column(
        SmallInteger,
        server_default="1",
        default=1,
        info=about("Month in which the fiscal year begins, 1 for January."),
    )
    entry_days: Mapped[int] = mapped_column(
        SmallInteger,
        server_default="3",
        default=3,
        info=about(
            "Days for which a pumper may enter and correct: the current one and those before.",
            unit="d",
        ),
    )
    is_demo: Mapped[bool] = mapped_column(
        server_default="false", default=False, info=about("Whether its data are made up.")
    )
    settings: Mapped[dict[str, Any]] = mapped_column(
        server_default=text("'{}'"),
        default=dict,
        info=about("What else the operator has set; checked by the feature that reads it."),
    )
    __table_args__ = (
        CheckConstraint("slug ~ '^[a-z0-9][a-z0-9-]{1,40}$'", name="slug"),
        CheckConstraint("tax_id_last4 ~ '^[0-9]{4}$'", name="tax_id_last4"),
        CheckConstraint("email ~ '^[^@ ]+@[^@ ]+$'", name="email"),
        CheckConstraint("state ~ '^[A-Z]{2}$'", name="state"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        CheckConstraint("pressure_base_psia BETWEEN 14 AND 16", name="pressure_base_psia"),
        CheckConstraint("fiscal_year_start BETWEEN 1 AND 12", name="fiscal_year_start"),
        CheckConstraint("entry_days BETWEEN 1 AND 62", name="entry_days"),
        CheckConstraint("jsonb_typeof(settings) = 'object'", name="settings"),
    )


class User(Base, Keyed, Authored):
    """A person. People stand outside organizations: contract pumpers serve several operators."""

    __tablename__ = "users"
    GROUP: ClassVar[str] = "Company"
    LISTED: ClassVar[tuple[str, ...]] = ("name", "email", "phone", "disabled_at")
    SEARCHED: ClassVar[tuple[str, ...]] = ("name", "email")

    email: Mapped[str] = mapped_column(info=about("Address used to sign in."))
    name: Mapped[str] = mapped_column(info=about("Full name."))
    phone: Mapped[str | None] = mapped_column(info=about("Number with country code, +1…"))
    password_hash: Mapped[str | None] = mapped_column(
        deferred=True, info=about("Argon2id hash; read only by `sign_in_lookup`.")
    )
    locale: Mapped[str] = mapped_column(server_default="en", info=about("Language of pages."))
    disabled_at: Mapped[datetime | None] = mapped_column(info=about("May no longer sign in."))
    __table_args__ = (
        Index("users_email_key", text("lower(email)"), unique=True),
        CheckConstraint("email ~ '^[^@ ]+@[^@ ]+$'", name="email"),
    )


class Membership(Base, Keyed, Owned, Authored):
    """One person's role with one operator."""

    __tablename__ = "memberships"
    TITLE: ClassVar[str] = "user_id"
    GROUP: ClassVar[str] = "Company"
    LISTED: ClassVar[tuple[str, ...]] = ("user_id", "role", "created_at", "ended_at")
    FACETS: ClassVar[tuple[str, ...]] = ("role",)

    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="RESTRICT"), info=about("The person.", label="Person")
    )
    role: Mapped[str] = mapped_column(info=about("What the person may see and do.", choices=ROLES))
    ended_at: Mapped[datetime | None] = mapped_column(info=about("When the work ended."))
    __table_args__ = (
        of_organization(),
        UniqueConstraint("organization_id", "user_id"),
        UniqueConstraint("organization_id", "id"),
        CheckConstraint(one_of("role", *ROLES), name="role"),
    )


class Session(Base, Keyed, Dated):
    """A signed-in browser. Belongs to a person; names the operator it is working for."""

    __tablename__ = "sessions"
    TITLE: ClassVar[str] = "user_id"

    token_hash: Mapped[bytes] = mapped_column(
        LargeBinary, unique=True, info=about("SHA-256 of the cookie; the cookie is not kept.")
    )
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    organization_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE")
    )
    expires_at: Mapped[datetime] = mapped_column()
    last_seen_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    address: Mapped[str | None] = mapped_column(info=about("Network address at sign-in."))
    browser: Mapped[str | None] = mapped_column(info=about("What the browser called itself."))


class SignInFailure(Base):
    """Failed sign-ins per address and account in the current window, to slow down guessing."""

    __tablename__ = "sign_in_failures"
    TITLE: ClassVar[str] = "key"

    key: Mapped[str] = mapped_column(primary_key=True, info=about("account:… or address:…"))
    failures: Mapped[int] = mapped_column(server_default="0")
    window_start: Mapped[datetime] = mapped_column(server_default=text("now()"))
