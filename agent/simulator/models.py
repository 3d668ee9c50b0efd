"""Small physical models: a rod-pumped well with its pump-off controller, and a stock tank.

Oilfield units throughout: feet, psi, barrels, barrels per day. A model advances when it is asked,
so an idle site costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from random import Random

from agent.equipment import GaugeSettings
from agent.simulator.sources import Wave, short_name

_DAY_S = 86_400.0
_MOST_STEP_S = 5.0
_LONGEST_LEAP_S = 86_400.0  # a model that was not asked for longer starts over from there

# The well: a 1.75 in pump with a 100 in stroke, a thousand feet of annulus holding 48 bbl.
_BPD_PER_SPM = 0.1166 * 1.75**2 * 100
_ANNULUS_BBL_PER_FT = 0.048
_PSI_PER_FT = 0.35
_RESERVOIR_PSI = 900.0
_INFLOW_BPD_PER_PSI = 0.2
_PUMP_FULL_FT = 60.0  # less fluid than this above the pump leaves it partly empty
_PUMPED_OFF = 70.0  # percent of fillage at which the controller stops
_REST_S = 900.0
_WATER_CUT = 0.35


class _Model:
    """Something that advances in time and has named values."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._at = 0.0
        self._wave = Wave()

    def value(self, gauge: GaugeSettings, seconds: float) -> float:
        """The model's value of that name; a wave for names it does not know."""
        self.advance(seconds)
        read: Callable[[], float] | None = getattr(self, f"_{short_name(gauge)}", None)
        return self._wave.value(gauge, seconds) if read is None else float(read())

    def advance(self, seconds: float) -> None:
        """Advance to `seconds` of site time."""
        self._at = max(self._at, seconds - _LONGEST_LEAP_S)
        while self._at < seconds:
            step = min(_MOST_STEP_S, seconds - self._at)
            self._at += step
            self.step(step)

    def step(self, seconds: float) -> None:
        """Advance by a few seconds."""
        raise NotImplementedError

    def _noise(self, size: float) -> float:
        return self._random.gauss(0.0, size)


class RodPump(_Model):
    """A beam pumping unit: fluid rises in the annulus, the pump draws it down, and rests."""

    def __init__(self, seed: int, *, fluid_ft: float = 400.0, spm: float = 7.2) -> None:
        """Begin pumping with `fluid_ft` above the pump."""
        super().__init__(seed)
        self.fluid_ft = fluid_ft
        self.running = True
        self.full_spm = spm
        self.rest_s = 0.0
        self.counted = 0.0
        self.ran_s = 0.0

    def step(self, seconds: float) -> None:
        """Balance inflow and displacement; stop when pumped off, start after the rest."""
        inflow = _INFLOW_BPD_PER_PSI * max(0.0, _RESERVOIR_PSI - self._intake_psi())
        net = inflow - self.rate_bpd()
        self.fluid_ft = max(0.0, self.fluid_ft + net * seconds / _DAY_S / _ANNULUS_BBL_PER_FT)
        if self.running:
            self.counted += self.full_spm * seconds / 60
            self.ran_s += seconds
            if self._pump_fillage() < _PUMPED_OFF:
                self.running, self.rest_s = False, _REST_S
        else:
            self.rest_s -= seconds
            self.running = self.rest_s <= 0
        if int(self._at / _DAY_S) != int((self._at - seconds) / _DAY_S):
            self.ran_s = 0.0

    def rate_bpd(self) -> float:
        """What it lifts, oil and water together, in bbl/d."""
        return _BPD_PER_SPM * self._spm() * self._fill() if self.running else 0.0

    def oil_bpd(self) -> float:
        """What reaches the stock tank, in bbl/d."""
        return self.rate_bpd() * (1 - _WATER_CUT)

    def _fill(self) -> float:
        return min(1.0, self.fluid_ft / _PUMP_FULL_FT)

    def _intake_psi(self) -> float:
        return 45.0 + _PSI_PER_FT * self.fluid_ft

    def _pump_running(self) -> float:
        return float(self.running)

    def _controller_fault(self) -> float:
        return 0.0

    def _spm(self) -> float:
        return self.full_spm if self.running else 0.0

    def _pump_fillage(self) -> float:
        return 100.0 * self._fill()

    def _peak_load(self) -> float:
        return (21_500.0 + 800 * self._fill() + self._noise(90)) if self.running else 9_800.0

    def _minimum_load(self) -> float:
        return (7_400.0 - 500 * self._fill() + self._noise(60)) if self.running else 9_800.0

    def _motor_current(self) -> float:
        return (24.0 + 9 * self._fill() + self._noise(0.8)) if self.running else 0.0

    def _tubing_pressure(self) -> float:
        return 118.0 + (22.0 if self.running else 0.0) + self._noise(1.5)

    def _casing_pressure(self) -> float:
        return 45.0 + 0.004 * self.fluid_ft + self._noise(0.2)

    def _fluid_level(self) -> float:
        return self.fluid_ft

    def _run_hours_today(self) -> float:
        return self.ran_s / 3600

    def _strokes(self) -> float:
        return float(int(self.counted))


class StockTank(_Model):
    """A 500 bbl stock tank that fills from its wells and is hauled away when nearly full."""

    _FT_PER_BBL = 1 / 21.0
    _HAULED_AT_FT = 21.5
    _HAUL_BPD = 4_000.0
    _HEEL_FT = 2.0
    _SWITCH_FT = 22.0

    def __init__(self, seed: int, wells: Iterable[RodPump] = (), *, level_ft: float = 8.4) -> None:
        """Without wells it fills by 60 bbl/d."""
        super().__init__(seed)
        self.wells = tuple(wells)
        self.level_ft = level_ft
        self.hauling = False

    def step(self, seconds: float) -> None:
        """Fill, or empty while a truck is loading."""
        for well in self.wells:
            well.advance(self._at)
        inflow = sum(well.oil_bpd() for well in self.wells) if self.wells else 60.0
        outflow = self._HAUL_BPD if self.hauling else 0.0
        self.level_ft += (inflow - outflow) * seconds / _DAY_S * self._FT_PER_BBL
        if self.level_ft >= self._HAULED_AT_FT:
            self.hauling = True
        elif self.level_ft <= self._HEEL_FT:
            self.hauling = False

    def _oil_level(self) -> float:
        return self.level_ft + self._noise(0.004)

    def _water_level(self) -> float:
        return 0.6 + self._noise(0.004)

    def _tank_temperature(self) -> float:
        return 78.0 + 11 * math.sin(2 * math.pi * self._at / _DAY_S) + self._noise(0.1)

    def _battery_voltage(self) -> float:
        return 12.9 + 0.7 * math.sin(2 * math.pi * self._at / _DAY_S) + self._noise(0.02)

    def _high_level_switch(self) -> float:
        return float(self.level_ft >= self._SWITCH_FT)
