"""What every table shares: keys, times, authorship, and the words that explain a column."""

from __future__ import annotations

import os
import time
import uuid
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    ForeignKeyConstraint,
    MetaData,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMES = {
    "pk": "%(table_name)s_pkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
}

Instant = TIMESTAMP(timezone=True)


def uuid7() -> uuid.UUID:
    """Make a version 7 UUID (RFC 9562 §5.7): time-ordered, so that keys arrive in index order."""
    stamp = time.time_ns() // 1_000_000
    bits = stamp << 80 | 0x7 << 76 | int.from_bytes(os.urandom(10)) & ~(0xF << 76)
    return uuid.UUID(int=bits & ~(0x3 << 62) | 0x2 << 62)


class Base(DeclarativeBase):
    """Root of all tables."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        datetime: Instant,
        uuid.UUID: Uuid(as_uuid=True),
        dict[str, Any]: JSONB,
    }

    #: Column shown wherever a row of this table is named.
    TITLE: ClassVar[str] = "name"
    #: Heading under which the register lists this table; empty for tables it does not serve.
    GROUP: ClassVar[str] = ""
    #: Columns a list shows, the ones full-text search looks in, and the ones offered as facets.
    LISTED: ClassVar[tuple[str, ...]] = ()
    SEARCHED: ClassVar[tuple[str, ...]] = ()
    FACETS: ClassVar[tuple[str, ...]] = ()


def about(
    help_text: str,
    *,
    unit: str | None = None,
    label: str | None = None,
    choices: tuple[str, ...] = (),
    sealed: bool = False,
) -> dict[str, Any]:
    """Explain a column: one sentence for the person at the form, and what its values are.

    `unit` of its values, `label` where the column's name reads badly, `choices` where only these
    texts are allowed (the CHECK says the same), `sealed` where the table keeps the value encrypted:
    such a column is written, never read back.
    """
    told = {"unit": unit, "label": label, "choices": choices, "sealed": sealed}
    return {"help": help_text} | {name: value for name, value in told.items() if value}


def one_of(column: str, *values: str) -> str:
    """Condition of a CHECK that allows only these texts."""
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({listed})"


def within(*columns: str, table: str, key: str = "id") -> ForeignKeyConstraint:
    """Reference a row of the same organization: a cross-tenant reference cannot exist.

    `columns` ends with the referencing column; ``organization_id`` is put in front.
    """
    return ForeignKeyConstraint(
        ["organization_id", *columns],
        [f"{table}.organization_id", f"{table}.{key}"],
        ondelete="RESTRICT",
    )


def part_of(*columns: str, table: str, key: str = "id") -> ForeignKeyConstraint:
    """Reference the row this one is a line of: it goes when that one goes."""
    return ForeignKeyConstraint(
        ["organization_id", *columns],
        [f"{table}.organization_id", f"{table}.{key}"],
        ondelete="CASCADE",
    )


class Keyed:
    """A row with a UUID of its own."""

    id: Mapped[uuid.UUID] = mapped_column(
        primary_key=True,
        default=uuid7,
        server_default=text("gen_random_uuid()"),
        sort_order=-2,
        info=about("Its key, the same for ever."),
    )


class Owned:
    """A row that belongs to one organization; row level security keys on this column."""

    organization_id: Mapped[uuid.UUID] = mapped_column(
        nullable=False, info=about("The operator this row belongs to."), sort_order=-1
    )


def of_organization() -> ForeignKeyConstraint:
    """Reference the organization itself."""
    return ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="RESTRICT")


class Dated:
    """When a row came and was last changed."""

    created_at: Mapped[datetime] = mapped_column(
        server_default=func.now(), sort_order=90, info=about("When it was entered.")
    )
    updated_at: Mapped[datetime] = mapped_column(
        server_default=func.now(),
        onupdate=func.now(),
        sort_order=91,
        info=about("When it was last changed."),
    )


class Authored(Dated):
    """Who made and last changed a row, and which version of it this is (for lost updates)."""

    created_by: Mapped[uuid.UUID | None] = mapped_column(
        sort_order=92, info=about("Who entered it; empty for the product itself.")
    )
    updated_by: Mapped[uuid.UUID | None] = mapped_column(
        sort_order=93, info=about("Who last changed it; empty for the product itself.")
    )
    row_version: Mapped[int] = mapped_column(
        server_default="1",
        default=1,
        sort_order=94,
        info=about("Counts its changes, so that a lost update can be refused."),
    )


Big = BigInteger
