"""Whether a reading can be believed at all: no number, outside the transducer's range, stuck.

A transmitter of 4…20 mA drives its current to 3.6 mA or less, or to 21 mA or more, when it fails
(NAMUR NE 43); and an input that nothing is connected to reads exactly nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agent.contract.alarm_state import Samples
from agent.contract.blocks import Quality
from agent.contract.signals.stage import GOOD, Memory, Stage, is_good, signal

LOOP_LOW_MA: Final = 3.6
LOOP_HIGH_MA: Final = 21.0

BELIEVED, NO_NUMBER, BELOW, ABOVE, STUCK, MARKED = range(6)  #: what a reading is

#: These are about the device, not about the gauge: whether it is there is not known.
_NOT_ASKED: Final = frozenset({int(Quality.NO_ANSWER), int(Quality.NOT_READ)})


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a reading cannot be believed: one of the numbers above, 0 when it can."""

    low: float
    high: float
    stuck_at: frozenset[float]  #: values that a gauge in order never reads exactly

    @property
    def key(self) -> str:
        """Names what the memory is of."""
        return "doubt"

    @property
    def reach_s(self) -> float:
        """Nothing is remembered."""
        return 0.0

    def fresh(self) -> Memory:
        """Nothing is remembered."""
        return {}

    def derive(self, memory: Memory, samples: Samples, start: int, stop: int) -> Samples:  # noqa: ARG002
        """The reason at each reading; not known while the device does not answer."""
        pairs = zip(samples.values[start:stop], samples.qualities[start:stop], strict=True)
        told = [None if q in _NOT_ASKED else float(self.of(v, q)) for v, q in pairs]
        return signal(samples.times[start:stop], told)

    def of(self, value: float | None, quality: int) -> int:
        """What one reading is."""
        if value is None or not is_good(value, GOOD):
            return NO_NUMBER
        if value < self.low:
            return BELOW
        if value > self.high:
            return ABOVE
        if value in self.stuck_at:
            return STUCK
        return BELIEVED if quality == GOOD else MARKED

    def spares(self, values: list[float]) -> bool:
        """Whether all of these good values can be believed, seen at once."""
        return (
            self.low <= min(values)
            and max(values) <= self.high
            and not any(stuck in values for stuck in self.stuck_at)
        )


@dataclass(frozen=True, slots=True)
class Sieve:
    """Readings as they are, those that cannot be believed marked as not good.

    So every rule on the gauge knows that it does not know, and none takes a dead gauge for a low
    value.
    """

    doubt: Doubt

    @property
    def key(self) -> str:
        """Names what the memory is of."""
        return "sieve"

    @property
    def reach_s(self) -> float:
        """Nothing is remembered."""
        return 0.0

    def fresh(self) -> Memory:
        """Nothing is remembered."""
        return {}

    def derive(self, memory: Memory, samples: Samples, start: int, stop: int) -> Samples:  # noqa: ARG002
        """The same readings with marks."""
        values, qualities = samples.values[start:stop], samples.qualities[start:stop]
        if any(qualities) or not self._spares(values):
            doubt, range_ = self.doubt, int(Quality.OUT_OF_RANGE)
            qualities = [
                range_ if q == GOOD and doubt.of(v, q) else q
                for v, q in zip(values, qualities, strict=True)
            ]
        return Samples(samples.times[start:stop], values, qualities)

    def _spares(self, values: object) -> bool:
        try:
            return self.doubt.spares(values)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return False


@dataclass(frozen=True, slots=True)
class StillSieve:
    """Readings as they are, marked as not good once the gauge has stood still for too long."""

    still: Stage  #: a `Flat`
    minutes: float

    @property
    def key(self) -> str:
        """Names what the memory is of."""
        return f"sieve {self.still.key}"

    @property
    def reach_s(self) -> float:
        """How long it must stand still."""
        return self.minutes * 60

    def fresh(self) -> Memory:
        """As the stillness begins."""
        return self.still.fresh()

    def derive(self, memory: Memory, samples: Samples, start: int, stop: int) -> Samples:
        """The same readings with marks."""
        still = self.still.derive(memory, samples, start, stop).values
        pairs = zip(samples.qualities[start:stop], still, strict=True)
        marks = [
            int(Quality.OUT_OF_RANGE)
            if q == GOOD and minutes is not None and minutes >= self.minutes
            else q
            for q, minutes in pairs
        ]
        return Samples(samples.times[start:stop], samples.values[start:stop], marks)
