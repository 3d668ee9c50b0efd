"""Tanks: levels as people read them off a tape, and barrels by strapping table; exact arithmetic.

Levels are inches above the bottom, volumes barrels of 42 US gallons, both `Decimal`. A tape is read
in feet, inches and quarters, written ``14' 3 1/4"``, ``14-3-1`` (the last figure counts quarters)
or in inches alone.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Final

from agent.contract.errors import ContractError

INCHES_PER_FOOT: Final = 12
QUARTER: Final = Decimal("0.25")
STORED: Final = Decimal("0.0001")  #: volumes are kept with four decimals of a barrel
HIGHEST_IN: Final = 960  #: 80 ft: no tank of a lease is higher

_FEET = re.compile(
    r"""(?P<feet>\d{1,2})\s*(?:'|ft|f)\s*
        (?:(?P<inches>\d{1,2}(?:\.\d+)?)\s*
           (?:(?P<over>\d{1,2})\s*/\s*(?P<under>\d{1,2})\s*)?
           (?:"|''|in|i)?)?""",
    re.VERBOSE,
)
_DASHES = re.compile(r"(?P<feet>\d{1,2})-(?P<inches>\d{1,2})(?:-(?P<quarters>[0-3]))?")
_INCHES = re.compile(
    r'(?P<inches>\d{1,3}(?:\.\d+)?)(?:\s+(?P<over>\d{1,2})\s*/\s*(?P<under>\d{1,2}))?\s*(?:"|in)?'
)


class LevelError(ContractError):
    """A level cannot be read, or a table cannot tell what it holds; the text is one sentence."""


def inches(feet: int, inch: int, quarters: int = 0) -> Decimal:
    """A reading of three figures in inches; raises `LevelError` where one is out of its range."""
    if not 0 <= inch < INCHES_PER_FOOT:
        raise LevelError(f"{inch} in is not below a foot; enter 0 to 11 in beside the feet.")
    if not 0 <= quarters <= 3:
        raise LevelError(f"{quarters} quarters are not below an inch; enter 0, 1, 2 or 3.")
    if feet < 0:
        raise LevelError("A level below the bottom is not possible; read the tape again.")
    return _checked(Decimal(feet * INCHES_PER_FOOT + inch) + quarters * QUARTER)


def parse_level(words: str) -> Decimal:
    """A level as written by a person, in inches; raises `LevelError`."""
    text = words.strip().lower()
    if found := _DASHES.fullmatch(text):
        return inches(int(found["feet"]), int(found["inches"]), int(found["quarters"] or 0))
    found = _FEET.fullmatch(text) or _INCHES.fullmatch(text)
    if found is None:
        raise LevelError(f"{words!r} is not a level; write it as 14' 3 1/4\" or in inches.")
    parts = found.groupdict()
    inch = Decimal(parts["inches"] or 0) + _fraction(parts)
    if "feet" in parts and inch >= INCHES_PER_FOOT:
        raise LevelError(f"{inch:f} in is not below a foot; enter 0 to 11 in beside the feet.")
    return _checked(Decimal(parts.get("feet") or 0) * INCHES_PER_FOOT + inch)


def _fraction(parts: dict[str, str | None]) -> Decimal:
    over, under = parts.get("over"), parts.get("under")
    if over is None or under is None:
        return Decimal(0)
    if int(under) not in {2, 4, 8, 16} or int(over) >= int(under):
        raise LevelError(f"{over}/{under} is no part of an inch that a tape shows.")
    return Decimal(over) / Decimal(under)


def _checked(level: Decimal) -> Decimal:
    if level > HIGHEST_IN:
        raise LevelError(f"{level:f} in is higher than any tank; check feet and inches.")
    return level


def show_level(level: Decimal) -> str:
    """A level as the tape shows it, to the quarter: 14' 3 1/4"."""
    quarters = int((level / QUARTER).to_integral_value(ROUND_HALF_UP))
    feet, rest = divmod(quarters, INCHES_PER_FOOT * 4)
    inch, part = divmod(rest, 4)
    words = ("", " 1/4", " 1/2", " 3/4")[part]
    return f"{feet}' {inch}{words}\""


@dataclass(frozen=True, slots=True)
class StrapTable:
    """What a tank holds by level: lines of (inches, barrels) that rise in both."""

    levels: tuple[Decimal, ...]
    volumes: tuple[Decimal, ...]

    @classmethod
    def of(cls, lines: Iterable[tuple[Decimal, Decimal]]) -> StrapTable:
        """A table from its lines in any order; raises `LevelError` naming the first fault."""
        ordered = sorted(lines)
        if faults := strap_faults(ordered):
            raise LevelError(faults[0])
        return cls(tuple(level for level, _ in ordered), tuple(volume for _, volume in ordered))

    def volume(self, level: Decimal) -> Decimal:
        """Barrels up to a level, interpolated between two lines, never beyond them.

        Raises `LevelError` below the first line and above the last: what a tank holds there is
        not known, and a guess would be paid for.
        """
        if not self.levels[0] <= level <= self.levels[-1]:
            raise LevelError(self._beyond(level))
        above = bisect_left(self.levels, level)
        if self.levels[above] == level:
            return self.volumes[above]
        low, high = self.levels[above - 1], self.levels[above]
        first, last = self.volumes[above - 1], self.volumes[above]
        return (first + (last - first) * (level - low) / (high - low)).quantize(STORED)

    def _beyond(self, level: Decimal) -> str:
        if level < self.levels[0]:
            return (
                f"The strapping table begins at {show_level(self.levels[0])};"
                f" {show_level(level)} lies below it."
            )
        return (
            f"The strapping table of this tank ends at {show_level(self.levels[-1])},"
            f" and {show_level(level)} lies above it: check the gauge."
        )


def strap_faults(lines: Sequence[tuple[Decimal, Decimal]]) -> list[str]:
    """Everything wrong with a table whose lines are in order of level, a sentence each."""
    faults: list[str] = []
    if len(lines) < 2:
        faults.append("A strapping table needs at least two lines, the bottom and the top.")
    if lines and (lines[0][0] < 0 or lines[0][1] < 0):
        faults.append("A strapping table begins at 0 in or above, with 0 bbl or more.")
    for (low, first), (high, last) in pairwise(lines):
        if high == low:
            faults.append(f"{show_level(low)} stands in the strapping table twice.")
        elif last <= first:
            faults.append(
                f"The strapping table must rise: {show_level(high)} holds {last:f} bbl and"
                f" {show_level(low)} already {first:f} bbl."
            )
    return faults
