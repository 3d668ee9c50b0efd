"""Where something is: latitude and longitude, by one rule in whatever table they stand."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from sqlalchemy import CheckConstraint, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.base import about

Degrees: Final = Numeric(9, 6)  #: six decimals are a tenth of a metre


def degrees(words: str) -> Mapped[Decimal | None]:
    """Declare a latitude or longitude; `words` say whose."""
    return mapped_column(Degrees, info=about(words, unit="deg"))


def position(name: str, lat: str = "lat", lon: str = "lon") -> CheckConstraint:
    """Keep a position on the globe and whole: both, or neither."""
    return CheckConstraint(
        f"{lat} BETWEEN -90 AND 90 AND {lon} BETWEEN -180 AND 180"
        f" AND ({lat} IS NULL) = ({lon} IS NULL)",
        name=name,
    )
