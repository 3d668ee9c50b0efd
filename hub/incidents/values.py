"""What may be known of a fact: a number between two ends, yes or no or unknown, a word (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

#: Yes, no, or nobody knows.
Truth = bool | None


@dataclass(frozen=True, slots=True)
class Interval:
    """A number that lies between two ends; without an upper end nobody knows how much it may be."""

    low: Decimal
    high: Decimal | None

    def __add__(self, other: Interval) -> Interval:
        """Both together."""
        high = None if self.high is None or other.high is None else self.high + other.high
        return Interval(self.low + other.low, high)

    def times(self, factor: Decimal) -> Interval:
        """The same in another unit."""
        return Interval(self.low * factor, None if self.high is None else self.high * factor)

    def __str__(self) -> str:
        if self.high is None:
            return "unknown" if self.low == 0 else f"{plain(self.low)} or more"
        if self.low == self.high:
            return plain(self.low)
        return f"{plain(self.low)} to {plain(self.high)}"


Value = Interval | bool | date | str | None

ZERO = Interval(Decimal(0), Decimal(0))
ANY = Interval(Decimal(0), None)


def exactly(number: Decimal | int) -> Interval:
    """A number that is known."""
    return Interval(Decimal(number), Decimal(number))


def possible(low: Decimal | None, best: Decimal | None, high: Decimal | None) -> Interval:
    """All that a volume may be, of what was told of it."""
    if low is None and best is None and high is None:
        return ANY
    least = low if low is not None else best if best is not None else Decimal(0)
    most = high if high is not None else best
    return Interval(least, most)


def expected(low: Decimal | None, best: Decimal | None, high: Decimal | None) -> Interval:
    """What a volume is taken for: the best estimate, or all that it may be where there is none."""
    return exactly(best) if best is not None else possible(low, best, high)


def plain(number: Decimal) -> str:
    """A number without the zeros a database pads it with."""
    text = f"{number.normalize():f}"
    return text if text != "-0" else "0"


def invert(truth: Truth) -> Truth:
    """The contrary; of what nobody knows nothing is known."""
    return None if truth is None else not truth


def all_of(truths: list[Truth]) -> Truth:
    """Whether all hold (Kleene): one no decides, else one unknown."""
    if any(truth is False for truth in truths):
        return False
    return None if any(truth is None for truth in truths) else True


def any_of(truths: list[Truth]) -> Truth:
    """Whether one holds (Kleene): one yes decides, else one unknown."""
    if any(truth is True for truth in truths):
        return True
    return None if any(truth is None for truth in truths) else False
