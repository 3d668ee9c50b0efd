"""Lease production from stocks: what stands in the tanks and left them tells what was made (pure).

production = closing stock - opening stock + runs + lease use + BS&W drawn + other - received.
Where an agency wants whole barrels, stocks and dispositions are rounded first and production
follows, so that the form always foots.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

ZERO: Final = Decimal(0)
WHOLE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class Movements:
    """A lease's stocks and what left or came, over a day or a month; barrels."""

    opening: Decimal
    closing: Decimal
    runs: Decimal = ZERO
    lease_use: Decimal = ZERO
    drawn: Decimal = ZERO  #: BS&W taken off the bottom
    other: Decimal = ZERO
    received: Decimal = ZERO

    @property
    def left(self) -> Decimal:
        """All that went out."""
        return self.runs + self.lease_use + self.drawn + self.other

    @property
    def produced(self) -> Decimal:
        """What the lease made; less than nothing where something is missing or wrong."""
        return self.closing - self.opening + self.left - self.received

    def in_whole_barrels(self) -> Movements:
        """The same as an agency's form shows it: every figure whole, and it still foots."""
        return Movements(
            **{
                field.name: getattr(self, field.name).quantize(WHOLE, ROUND_HALF_UP)
                for field in fields(self)
            }
        )


@dataclass(frozen=True, slots=True)
class TankDay:
    """One tank, from one production day's end to the next; barrels, None where nobody knows."""

    opening: Decimal | None
    closing: Decimal | None
    ticketed: Decimal = ZERO  #: gross observed volume of its run tickets
    telemetry_opening: Decimal | None = None
    telemetry_closing: Decimal | None = None

    @property
    def keyed_change(self) -> Decimal | None:
        """Rise of the level between the two gauges keyed in."""
        return _difference(self.closing, self.opening)

    @property
    def telemetry_change(self) -> Decimal | None:
        """The same by the tank's own gauge."""
        return _difference(self.telemetry_closing, self.telemetry_opening)

    @property
    def unexplained(self) -> Decimal | None:
        """Barrels by which the two disagree; None unless both are known.

        More than nothing: more was keyed than the gauge saw.
        """
        return _difference(self.keyed_change, self.telemetry_change)

    @property
    def made(self) -> Decimal | None:
        """What came into the tank by keyed gauges and tickets."""
        change = self.keyed_change
        return None if change is None else change + self.ticketed


def _difference(later: Decimal | None, earlier: Decimal | None) -> Decimal | None:
    return None if later is None or earlier is None else later - earlier


def missing(stocks: Mapping[str, Decimal | None]) -> list[str]:
    """Names of tanks whose stock nobody entered, in order."""
    return sorted(name for name, stock in stocks.items() if stock is None)
