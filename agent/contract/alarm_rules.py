"""Alarm rules as both programs read them: levels with setpoint, deadband, delays and priority.

Shape of a rule of kind ``limit``, as it stands in the database and in an agent's rule bundle::

    {"levels": {"lo":   {"setpoint": 150, "deadband": 10, "on_delay_s": 10, "off_delay_s": 60,
                         "priority": 3},
                "lolo": {"setpoint": 80, "priority": 2}},
     "blind_after_s": 60}

A value at or beyond a setpoint is in alarm; it is out of alarm once it lies farther than the
deadband on the safe side. Only ``setpoint`` and ``priority`` (1 worst … 4 advice) are needed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

LEVELS: Final = ("lolo", "lo", "hi", "hihi")
OUTER: Final = frozenset({"lolo", "hihi"})
BLIND_AFTER_S: Final = 60.0  #: without a reading for this long, delays stop counting
LONGEST_DELAY_S: Final = 7 * 86_400


class RuleError(ValueError):
    """A rule cannot be used; `faults` lists, in sentences, everything that is wrong with it."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(" ".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Level:
    """One limit of a rule."""

    name: str  #: lolo, lo, hi or hihi
    setpoint: float  #: in the tag's unit
    priority: int  #: 1 worst … 4 advice
    deadband: float = 0.0  #: in the tag's unit, on the safe side of the setpoint
    on_delay_s: float = 0.0
    off_delay_s: float = 0.0

    @property
    def side(self) -> int:
        """-1 for a limit below which, +1 for one above which lies the alarm."""
        return -1 if self.name in {"lolo", "lo"} else 1

    @property
    def release(self) -> float:
        """Last value, going back, that is still in alarm."""
        return self.setpoint - self.side * self.deadband

    @property
    def severity(self) -> tuple[int, bool]:
        """Sorts the worst level first: by priority, then the outer limit."""
        return (self.priority, self.name not in OUTER)


@dataclass(frozen=True, slots=True)
class LimitRule:
    """When readings lie too low or too high, and how badly."""

    levels: tuple[Level, ...]  #: in the order of `LEVELS`
    blind_after_s: float = BLIND_AFTER_S

    def level(self, name: str) -> Level | None:
        """The level of that name, if the rule has it."""
        return next((level for level in self.levels if level.name == name), None)

    @property
    def longest_off_delay_s(self) -> float:
        """How far apart two spells may lie and still be one."""
        return max(level.off_delay_s for level in self.levels)

    def to_json(self) -> dict[str, Any]:
        """What `parse_rule` reads."""
        return {
            "levels": {
                level.name: {
                    "setpoint": level.setpoint,
                    "deadband": level.deadband,
                    "on_delay_s": level.on_delay_s,
                    "off_delay_s": level.off_delay_s,
                    "priority": level.priority,
                }
                for level in self.levels
            },
            "blind_after_s": self.blind_after_s,
        }


def parse_rule(
    kind: str, params: Mapping[str, Any], *, blind_after_s: float = BLIND_AFTER_S
) -> LimitRule:
    """Read a rule; raises `RuleError` with every fault.

    `blind_after_s` holds where the rule itself does not say: it follows from how often the gauge
    is read.
    """
    if kind != "limit":
        raise RuleError([f"The kind of rule {kind!r} is not known; use limit."])
    faults: list[str] = []
    levels = _levels(params.get("levels"), faults)
    _no_others(params, {"levels", "blind_after_s"}, "a rule", faults)
    blind = _number(params, "blind_after_s", "The rule", faults, default=blind_after_s, low=0.001)
    if not faults:
        _check_order(levels, faults)
    if not faults:
        _check_deadbands(levels, faults)
    if faults:
        raise RuleError(faults)
    return LimitRule(tuple(levels), blind)


def _levels(given: object, faults: list[str]) -> list[Level]:
    if not isinstance(given, Mapping) or not given:
        faults.append(f"A limit rule needs at least one level: {', '.join(LEVELS)}.")
        return []
    _no_others(given, set(LEVELS), "a limit rule", faults)
    return [_level(name, given[name], faults) for name in LEVELS if name in given]


def _level(name: str, given: object, faults: list[str]) -> Level:
    if not isinstance(given, Mapping):
        faults.append(f"{name} must be a table with setpoint and priority, not {given!r}.")
        return Level(name, 0.0, 4)
    known = {"setpoint", "deadband", "on_delay_s", "off_delay_s", "priority"}
    _no_others(given, known, name, faults)
    priority = _number(given, "priority", name, faults, low=1, high=4)
    if priority != int(priority):
        faults.append(f"{name}: priority must be 1, 2, 3 or 4, not {priority}.")
    delay = {"default": 0.0, "low": 0.0, "high": float(LONGEST_DELAY_S)}
    return Level(
        name,
        _number(given, "setpoint", name, faults),
        int(priority),
        _number(given, "deadband", name, faults, default=0.0, low=0.0),
        _number(given, "on_delay_s", name, faults, **delay),
        _number(given, "off_delay_s", name, faults, **delay),
    )


def _number(
    given: Mapping[str, Any],
    key: str,
    where: str,
    faults: list[str],
    *,
    default: float | None = None,
    low: float = -math.inf,
    high: float = math.inf,
) -> float:
    value = given.get(key, default)
    if value is None:
        faults.append(f"{where}: {key} is missing.")
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        faults.append(f"{where}: {key} must be a number, not {value!r}.")
        return 0.0
    if not low <= value <= high:
        span = f"at least {low:g}" if high == math.inf else f"between {low:g} and {high:g}"
        faults.append(f"{where}: {key} must be {span}, not {value:g}.")
    return float(value)


def _no_others(given: Mapping[str, Any], known: set[str], where: str, faults: list[str]) -> None:
    faults.extend(
        f"{key!r} is not known in {where}; use {', '.join(sorted(known))}."
        for key in given
        if key not in known
    )


def _check_order(levels: list[Level], faults: list[str]) -> None:
    for lower, upper in itertools.pairwise(levels):
        if lower.setpoint >= upper.setpoint:
            faults.append(
                f"{lower.name} must lie below {upper.name}, "
                f"but {lower.name} is {lower.setpoint:g} and {upper.name} {upper.setpoint:g}."
            )
        if lower.side == upper.side:
            outer, inner = (lower, upper) if lower.side < 0 else (upper, lower)
            if outer.priority > inner.priority:
                faults.append(
                    f"{outer.name} is the worse of the two: its priority must not be "
                    f"milder than that of {inner.name}."
                )


def _check_deadbands(levels: list[Level], faults: list[str]) -> None:
    lows = [level for level in levels if level.side < 0]
    highs = [level for level in levels if level.side > 0]
    if not lows or not highs:
        return
    for level, opposite in [(low, highs[0]) for low in lows] + [(high, lows[-1]) for high in highs]:
        if (level.release - opposite.setpoint) * level.side <= 0:
            faults.append(
                f"{level.name}: the deadband of {level.deadband:g} reaches {level.release:g}, "
                f"beyond {opposite.name} at {opposite.setpoint:g}, so it could never end first."
            )
