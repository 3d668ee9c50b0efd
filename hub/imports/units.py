"""Volumes in the units that files have them in, brought to barrels and thousand cubic feet (pure).

A cubic metre is 6.28981077 barrels of 42 US gallons and 35.3146667 cubic feet. Gas of a *standard*
cubic metre is at 15 °C and 101.325 kPa (ISO 13443); at 60 °F, 288.7056 K, and the same pressure,
14.696 psia, it takes 288.7056 / 288.15 of that room. Liquids are taken as they are: between 15 °C
and 60 °F they differ by less than 0.06 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from hub.register.errors import ValueRefused
from hub.register.values import plain_number

BARRELS: Final = Decimal("6.28981077")
MCF: Final = Decimal("0.0353146667") * Decimal("288.7056") / Decimal("288.15")
#: Pressure base of gas that came in standard cubic metres, psia.
METRIC_BASE: Final = Decimal("14.696")
_TIMES: Final = {"": 1, "thousand_": 10**3, "mill_": 10**6, "bill_": 10**9}
_LIQUIDS: Final = {"oil_bbl", "water_bbl"}

#: By unit: how many of the field's own it is, for liquids and for gas; none where it measures none.
UNITS: Final[Mapping[str, tuple[Decimal | None, Decimal | None]]] = {
    "bbl": (Decimal(1), None),
    "mbbl": (Decimal(1000), None),
    "mcf": (None, Decimal(1)),
    "mmcf": (None, Decimal(1000)),
    **{f"{many}sm3": (BARRELS * times, MCF * times) for many, times in _TIMES.items()},
}


def factor(field: str, unit: str) -> Decimal | None:
    """How many of a field's own unit one of this is; None where it is no unit of such a field."""
    liquid, gas = UNITS.get(unit, (None, None))
    return liquid if field in _LIQUIDS else gas if field == "gas_mcf" else None


def metric(unit: str) -> bool:
    """Whether gas in this unit is at the metric pressure base."""
    return unit.endswith("sm3")


def converted(label: str, raw: Any, times: Decimal) -> Decimal:
    """A volume in its field's own unit, at the four decimals kept; raises `ValueRefused`."""
    try:
        value = Decimal(plain_number(raw)) * times
    except ValueError as fault:
        raise ValueRefused(f"{label} {fault}.") from None
    return value.quantize(Decimal("0.0001"), ROUND_HALF_EVEN)
