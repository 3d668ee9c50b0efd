"""Where a simulated gauge's values come from: a wave, a counter, a recording or a model."""

from __future__ import annotations

import math
import zlib
from typing import Protocol

from agent.equipment import GaugeSettings

_WAVE_S = 600.0  # a slow swing, so that a chart shows something within minutes


class Source(Protocol):
    """Values of one device."""

    def value(self, gauge: GaugeSettings, seconds: float, /) -> float:
        """A gauge's engineering value, `seconds` of site time after the start; NaN for none."""
        ...


def short_name(gauge: GaugeSettings) -> str:
    """A gauge's name within its device."""
    return gauge.name.rpartition(".")[2]


class Wave:
    """Swings slowly within each gauge's range; for gauges that nothing better is known of."""

    def value(self, gauge: GaugeSettings, seconds: float) -> float:
        """A value inside the range; switches stay off."""
        if gauge.kind in {"bool", "bit"}:
            return 0.0
        low = 0.0 if gauge.low is None else gauge.low
        high = low + 100.0 if gauge.high is None else gauge.high
        phase = zlib.crc32(gauge.name.encode()) % 628 / 100
        swing = math.sin(2 * math.pi * seconds / _WAVE_S + phase)
        return low + (high - low) * (0.5 + 0.2 * swing)


class CountSeconds:
    """Counts seconds of site time, from 1."""

    def value(self, _gauge: GaugeSettings, seconds: float, /) -> float:
        """The same for every gauge of the device."""
        return float(int(seconds) + 1)


class CountReads:
    """Counts how often each gauge was read, from 1: no two readings are the same."""

    def __init__(self) -> None:
        """Start at 0, which is never served."""
        self._counts: dict[int, int] = {}

    def value(self, gauge: GaugeSettings, _seconds: float, /) -> float:
        """The next number."""
        count = self._counts[gauge.number] = self._counts.get(gauge.number, 0) + 1
        return float(count)
