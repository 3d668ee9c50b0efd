"""What amounts of the trade are kept in: exact decimals, never binary fractions."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import CheckConstraint, Computed, Numeric, Text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.base import about

Volume = Numeric(14, 4)  #: barrels or Mcf
Rate = Numeric(14, 4)  #: barrels or Mcf a day
Price = Numeric(14, 6)  #: money for one barrel or Mcf
Money = Numeric(16, 2)  #: cents foot; nothing is rounded twice
Interest = Numeric(12, 10)  #: a share of the whole, 0 to 1

CURRENCY: Final = "USD"

#: What stands in a unit's place where a number has none: a share of the whole, a quotient.
OF_ONE: Final = "of 1"
RATIO: Final = "ratio"
#: Where each row says its own: the unit stands in the column of this name, or with its gauge.
ITS_UNIT: Final = "in its unit"

PRODUCTS = ("oil", "gas", "ngl")


def month(column: str) -> CheckConstraint:
    """Refuse any day but the first: a month is kept as its first day."""
    return CheckConstraint(f"extract(day FROM {column}) = 1", name=f"{column}_is_month")


def title(expression: str) -> Mapped[str]:
    """Declare the line a row is named by, put together by the database from its other columns.

    `expression` is written as PostgreSQL prints it, so that a migration can be compared with it.
    """
    return mapped_column(
        Text,
        Computed(expression, persisted=True),
        info=about("How this row is called in lists."),
        sort_order=80,
    )


def search_text(*columns: str) -> Mapped[Any]:
    """Declare the words of a row's columns, for full-text search; the database keeps them."""
    words = " || ' '::text || ".join(f"COALESCE({column}, ''::text)" for column in columns)
    return mapped_column(
        TSVECTOR,
        Computed(f"to_tsvector('simple'::regconfig, {words})", persisted=True),
        deferred=True,
        info=about("Words of this row, for search."),
        sort_order=95,
    )


def label_of_month(column: str) -> str:
    """Expression for a month as "2026-03", the way PostgreSQL prints it back."""
    year = f"EXTRACT(year FROM {column})::text"
    return f"{year} || '-'::text || lpad(EXTRACT(month FROM {column})::text, 2, '0'::text)"
