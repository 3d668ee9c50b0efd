"""Operators, the people who work for them, and their sign-ins."""

from __future__ import annotations

import uuid
from datetime import datetime, time
from typing import ClassVar

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.base import Authored, Base, Dated, Keyed, Owned, about, of_organization, one_of

ROLES = ("owner", "manager", "pumper", "accountant", "viewer")


class Organization(Base, Keyed, Authored):
    """An operator: the tenant every other row belongs to."""

    __tablename__ = "organizations"

    name: Mapped[str] = mapped_column(info=about("Legal name of the operator."))
    slug: Mapped[str] = mapped_column(unique=True, info=about("Short name used in addresses."))
    timezone: Mapped[str] = mapped_column(
        server_default="America/Chicago", info=about("IANA time zone of the production day.")
    )
    production_day_start: Mapped[time] = mapped_column(
        server_default=text("'07:00'"), info=about("Local time at which a production day begins.")
    )
    closed_at: Mapped[datetime | None] = mapped_column(info=about("When the operator left."))
    __table_args__ = (CheckConstraint("slug ~ '^[a-z0-9][a-z0-9-]{1,40}$'", name="slug"),)


class User(Base, Keyed, Authored):
    """A person. People stand outside organizations: contract pumpers serve several operators."""

    __tablename__ = "users"

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
    TITLE: ClassVar[str] = "role"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))
    role: Mapped[str] = mapped_column(info=about("What the person may see and do."))
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
