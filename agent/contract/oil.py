"""Net oil of a run: gravity and volume at 60 °F, without sediment and water; exact arithmetic.

The operator's own estimate: the volume that is paid is the purchaser's ticket. Volume correction
is the 1980 form of ASTM D1250 for crude oil, which over 30 to 42 °API and 45 to 100 °F agrees with
the form of 2004 within 0.00001 (computed side by side). The pressure in a stock tank is the
atmosphere's, so no correction for pressure; that of the tank's shell is below 0.05 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from agent.contract.errors import ContractError
from agent.contract.tanks import StrapTable

BASE_F: Final = 60
CENT_BBL: Final = Decimal("0.01")  #: tickets are written in hundredths of a barrel
#: Density of water at 60 °F in kg/m³, and the coefficient of crude oil, of ASTM D1250.
WATER: Final = Decimal("999.016")
CRUDE: Final = Decimal("341.0957")
#: How much more it widens when it is warmer still.
BEND: Final = Decimal("0.8")
#: A hydrometer's glass widens by so much per °F above 60, and by that per square of it.
GLASS: Final = Decimal("0.00001278")
GLASS_BEND: Final = Decimal("0.0000000062")
_STEPS: Final = 30
METHOD: Final = "ASTM D1250 (1980), crude oil"


class OilError(ContractError):
    """Gravity, temperature or BS&W that no crude oil has; the text is one sentence."""


def density_60f(gravity: Decimal) -> Decimal:
    """Density at 60 °F in kg/m³ of an oil of this gravity (°API at 60 °F)."""
    return Decimal("141.5") / (Decimal("131.5") + gravity) * WATER


def correction(gravity: Decimal, temperature_f: Decimal) -> Decimal:
    """Volume at 60 °F of one barrel at a temperature (CTL), to five decimals; °API at 60 °F.

    Raises `OilError` outside what the tables of crude oil cover.
    """
    _check(gravity, temperature_f)
    return _factor(density_60f(gravity), temperature_f).quantize(Decimal("0.00001"), ROUND_HALF_UP)


def _factor(density: Decimal, temperature_f: Decimal) -> Decimal:
    expansion = CRUDE / (density * density)
    above = temperature_f - BASE_F
    return (-expansion * above * (1 + BEND * expansion * above)).exp()


def gravity_60f(observed: Decimal, temperature_f: Decimal) -> Decimal:
    """Gravity at 60 °F (°API, one decimal) from a hydrometer read at a temperature.

    The glass of the hydrometer widens too, which is corrected first. Raises `OilError`.
    """
    _check(observed, temperature_f)
    above = temperature_f - BASE_F
    glass = 1 - GLASS * above - GLASS_BEND * above * above
    read = density_60f(observed) * glass
    density = read
    for _ in range(_STEPS):  # converges to the last digit within ten
        density = read / _factor(density, temperature_f)
    gravity = Decimal("141.5") / (density / WATER) - Decimal("131.5")
    return gravity.quantize(Decimal("0.1"), ROUND_HALF_UP)


def _check(gravity: Decimal, temperature_f: Decimal) -> None:
    if not 0 <= gravity <= 100:
        raise OilError(f"A gravity of {gravity:f} °API is not possible; enter 0 to 100.")
    if not -58 <= temperature_f <= 302:
        raise OilError(f"{temperature_f:f} °F is not possible in a tank; enter -58 to 302.")


@dataclass(frozen=True, slots=True)
class Run:
    """What was read at one run out of a tank."""

    opening_in: Decimal
    closing_in: Decimal
    opening_f: Decimal
    closing_f: Decimal
    observed_gravity: Decimal  #: °API
    observed_gravity_f: Decimal
    sediment_water_pct: Decimal


@dataclass(frozen=True, slots=True)
class NetOil:
    """What follows from it; barrels."""

    opening_bbl: Decimal  #: observed, by strapping table
    closing_bbl: Decimal
    gravity_60f: Decimal  #: °API
    gross_standard_bbl: Decimal  #: at 60 °F, with sediment and water
    net_standard_bbl: Decimal  #: without

    @property
    def gross_observed_bbl(self) -> Decimal:
        """Barrels as they ran."""
        return self.opening_bbl - self.closing_bbl


def net_oil(run: Run, table: StrapTable) -> NetOil:
    """Volumes of a run; raises `OilError` or `tanks.LevelError` with the figure that is wrong.

    Each volume is corrected at its own temperature, then their difference is what ran
    (43 CFR 3174.12(a) names what a ticket must show of it).
    """
    if run.closing_in > run.opening_in:
        raise OilError("The closing gauge is above the opening one: oil does not run back.")
    if not 0 <= run.sediment_water_pct <= 100:
        raise OilError(f"BS&W of {run.sediment_water_pct:f} % is not possible; enter 0 to 100.")
    opening, closing = table.volume(run.opening_in), table.volume(run.closing_in)
    gravity = gravity_60f(run.observed_gravity, run.observed_gravity_f)
    gross = opening * correction(gravity, run.opening_f) - closing * correction(
        gravity, run.closing_f
    )
    net = gross * (1 - run.sediment_water_pct / 100)
    return NetOil(opening, closing, gravity, _ticket(gross), _ticket(net))


def _ticket(volume: Decimal) -> Decimal:
    return max(volume, Decimal(0)).quantize(CENT_BBL, ROUND_HALF_UP)


def at_pressure_base(mcf: Decimal, measured_psia: Decimal, wanted_psia: Decimal) -> Decimal:
    """The same gas at another pressure base, Mcf to three decimals (Boyle: V2 = V1 * P1 / P2)."""
    return (mcf * measured_psia / wanted_psia).quantize(Decimal("0.001"), ROUND_HALF_UP)
