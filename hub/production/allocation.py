"""A lease's measured volume, shared out to its wells by their tests (pure).

theoretical = rate of the well's test a day x hours on / 24; the measured volume is shared in
proportion and by largest remainder, so that the wells' volumes sum to it exactly (published
example: wells testing 200 and 100 bbl/d of 10,000 bbl get 6,666.67 and 3,333.33).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from hub.errors import HubError
from hub.shares import CENT, split

HOURS: Final = Decimal(24)
#: Beyond these a test, a meter or an hour is wrong more often than the reservoir.
USUAL_FACTOR: Final = (Decimal("0.85"), Decimal("1.15"))


class AllocationError(HubError):
    """A measured volume has no wells to go to; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class Producer:
    """One well on one day."""

    well_id: uuid.UUID
    rate: Decimal  #: of its test, per 24 h
    hours_on: Decimal


@dataclass(frozen=True, slots=True)
class Allocation:
    """What each well made, and how far the tests were from the measured volume."""

    measured: Decimal
    theoretical: Mapping[uuid.UUID, Decimal]
    allocated: Mapping[uuid.UUID, Decimal]

    @property
    def factor(self) -> Decimal | None:
        """Measured over theoretical, to six decimals; None where the tests say nothing flowed."""
        total = sum(self.theoretical.values(), Decimal(0))
        return (self.measured / total).quantize(Decimal("0.000001")) if total else None

    @property
    def unusual(self) -> bool:
        """Whether a person should look: the factor has left its usual band."""
        low, high = USUAL_FACTOR
        return self.factor is not None and not low <= self.factor <= high


def allocate(measured: Decimal, producers: Sequence[Producer], step: Decimal = CENT) -> Allocation:
    """Share a day's volume out; a well that was not on gets nothing.

    Raises `AllocationError` where something was measured and no test says from which well.
    """
    theoretical = {p.well_id: p.rate * p.hours_on / HOURS for p in producers}
    if measured and not any(theoretical.values()):
        raise AllocationError(
            f"{measured:f} were measured, but by tests and hours no well produced: enter a well"
            " test or the hours on."
        )
    return Allocation(measured, theoretical, split(measured, theoretical, step))
