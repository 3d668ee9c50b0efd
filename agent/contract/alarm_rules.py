"""Alarm rules as both programs read them: a signal, and levels on it.

Shape of a rule, as it stands in the database and in an agent's rule bundle::

    {"levels": {"lo":   {"setpoint": 150, "deadband": 10, "on_delay_s": 10, "off_delay_s": 60,
                         "priority": 3},
                "lolo": {"setpoint": {"of": "range_low", "plus": 5}, "priority": 2}},
     "blind_after_s": 60}

A signal at or beyond a setpoint is in alarm; it is out of alarm once it lies farther than the
deadband on the safe side. Only ``setpoint`` and ``priority`` (1 worst … 4 advice) are needed. With
``most_per_hour`` an alarm that keeps coming back is raised no more often than that: the last one
stays for an hour, as one alarm that stands instead of many. The kind of a rule says what its signal
is (`alarm_kinds`); that of ``limit`` is the value itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from agent.contract.alarm_kinds import KINDS, ONE, SETTINGS, SIDED, Circumstances, Shape
from agent.contract.rule_params import Given, Reference
from agent.contract.signals.doubt import Doubt, Sieve, StillSieve
from agent.contract.signals.slope import Slope
from agent.contract.signals.stage import Stage

LEVELS: Final = (*SIDED, *ONE)
OUTER: Final = frozenset({"lolo", "hihi"})
BLIND_AFTER_S: Final = 60.0  #: without a reading for this long, delays stop counting
LONGEST_DELAY_S: Final = 7 * 86_400
LONGEST_BLIND_S: Final = 366 * 86_400


class RuleError(ValueError):
    """A rule cannot be used; `faults` lists, in sentences, everything that is wrong with it."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(" ".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Level:
    """One limit of a rule."""

    name: str  #: lolo, lo, hi or hihi; alarm where there can be only one
    setpoint: float  #: in the signal's unit
    priority: int  #: 1 worst … 4 advice
    deadband: float = 0.0  #: in the signal's unit, on the safe side of the setpoint
    on_delay_s: float = 0.0
    off_delay_s: float = 0.0
    reference: Reference | None = None  #: where the setpoint comes from, if not written out

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
class Rule:
    """When a signal lies too low or too high, and how badly."""

    levels: tuple[Level, ...]  #: in the order of `LEVELS`
    blind_after_s: float = BLIND_AFTER_S
    kind: str = "limit"
    stages: tuple[Stage, ...] = ()  #: from readings to the signal
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)  #: of its kind
    tags: tuple[str, ...] = ()  #: the gauges of a condition, by name, in the order of its rows
    latch: bool = False  #: stands until a person resets it
    capture_fleeting: bool = False  #: even what is over before the on-delay is raised
    most_per_hour: int = 0  #: the last of so many in an hour stays for an hour
    resolved: bool = True  #: False where a number stands elsewhere and was not looked up
    has_setpoints: bool = True  #: False where the setpoint means nothing to people

    def level(self, name: str) -> Level | None:
        """The level of that name, if the rule has it."""
        return next((level for level in self.levels if level.name == name), None)

    @property
    def longest_off_delay_s(self) -> float:
        """How far apart two spells may lie and still be one."""
        return max(level.off_delay_s for level in self.levels)

    def guarded(self, others: Iterable[Rule]) -> Rule:
        """The rule as it judges beside the others of its gauge.

        What a `bad_value` does not believe, and a `flatline` with ``blinds`` takes for dead, is no
        evidence for it.
        """
        if self.kind in {"bad_value", "expression"}:
            return self
        sieves = tuple(sieve for other in others for sieve in other.sieves(self.kind))
        return replace(self, stages=(*sieves, *self.stages)) if sieves else self

    def sieves(self, kind: str) -> tuple[Stage, ...]:
        """What this rule keeps from another of a kind, on the same gauge."""
        stage = self.stages[-1] if self.stages else None
        if isinstance(stage, Doubt):
            return (Sieve(stage),)
        if stage is not None and self.settings.get("blinds") and kind != "flatline":
            return (StillSieve(stage, self.levels[0].setpoint),)
        return ()

    def written_out(self) -> dict[str, Any]:
        """What `parse_rule` reads without knowing any attribute: every number as it is now."""
        levels = tuple(replace(level, reference=None) for level in self.levels)
        body = replace(self, levels=levels).to_json()
        stage = self.stages[-1] if self.stages else None
        return body | ({"to": stage.to} if isinstance(stage, Slope) and "to" in body else {})

    def to_json(self) -> dict[str, Any]:
        """What `parse_rule` reads."""
        flags = {name: True for name in _FLAGS if getattr(self, name)}
        levels = {level.name: self._level_json(level) for level in self.levels}
        most = {"most_per_hour": self.most_per_hour} if self.most_per_hour else {}
        rest = {**self.settings, **flags, **most, "blind_after_s": self.blind_after_s}
        return {"levels": levels, **rest}

    def _level_json(self, level: Level) -> dict[str, Any]:
        setpoint = level.reference.to_json() if level.reference else level.setpoint
        limit = {"setpoint": setpoint, "deadband": level.deadband} if self.has_setpoints else {}
        return limit | {
            "on_delay_s": level.on_delay_s,
            "off_delay_s": level.off_delay_s,
            "priority": level.priority,
        }


_OF_EVERY_KIND: Final = ("levels", "blind_after_s", "most_per_hour")
_FLAGS: Final = ("latch", "capture_fleeting")
_OF_SETPOINT: Final = frozenset({"setpoint", "deadband"})
_LEVEL_KEYS: Final = frozenset({"setpoint", "deadband", "on_delay_s", "off_delay_s", "priority"})


def parse_rule(
    kind: str,
    params: Mapping[str, Any],
    *,
    blind_after_s: float = BLIND_AFTER_S,
    attributes: Mapping[str, float | None] | None = None,
    measure: str | None = None,
) -> Rule:
    """Read a rule; raises `RuleError` with every fault.

    `blind_after_s` holds where the rule itself does not say: it follows from how often the gauge
    is read. `attributes` are the numbers that setpoints may refer to; without them a rule that
    refers to any can be checked and kept, but not judged. `measure` gives a flatline its usual
    length.
    """
    if kind not in KINDS:
        raise RuleError([f"The kind of rule {kind!r} is not known; use {', '.join(KINDS)}."])
    given = Given(params, "The rule", [], attributes)
    given.no_others({*_OF_EVERY_KIND, *_FLAGS, *SETTINGS[kind]}, "a rule")
    longest = float(LONGEST_BLIND_S)
    blind = given.number("blind_after_s", default=blind_after_s, low=0.001, high=longest)
    blind = min(blind, longest)  # what was refused must not stop the other faults from being told
    shape = KINDS[kind](given, Circumstances(blind, measure))
    flags = {name: given.flag(name) for name in _FLAGS}
    levels = _levels(kind, shape, replace(given, faults=(faults := [])))
    most = given.number("most_per_hour", default=0, low=0, high=60)
    rule = Rule(
        levels,
        blind,
        kind,
        shape.stages,
        shape.settings,
        shape.tags,
        most_per_hour=int(most),
        resolved=not given.unresolved,
        has_setpoints=shape.setpoint is None,
        **flags,
    )
    faults += given.faults
    _check(rule, faults, resolved=attributes is not None)
    if faults:
        raise RuleError(faults)
    return rule


def _check(rule: Rule, faults: list[str], *, resolved: bool) -> None:
    """What no level alone can have wrong; references that were not resolved are left out."""
    levels = [level for level in rule.levels if resolved or level.reference is None]
    for check in (_check_order, _check_deadbands):
        if not faults:
            check(levels, faults)


def _levels(kind: str, shape: Shape, given: Given) -> tuple[Level, ...]:
    written = given.values.get("levels")
    if not isinstance(written, Mapping) or not written:
        article = "An" if kind[0] in "aeiou" else "A"
        names = ", ".join(shape.levels)
        given.faults.append(f"{article} {kind} rule needs at least one level: {names}.")
        return ()
    Given(written, "", given.faults).no_others(shape.levels, f"a {kind} rule")
    return tuple(
        _level(name, written[name], shape, given) for name in shape.levels if name in written
    )


def _level(name: str, written: object, shape: Shape, rule: Given) -> Level:
    if not isinstance(written, Mapping):
        needs = "priority" if shape.setpoint is not None else "setpoint and priority"
        rule.faults.append(f"{name} must be a table with {needs}, not {written!r}.")
        return Level(name, 0.0, 4)
    given = Given(written, name, rule.faults, rule.attributes, rule.unresolved)
    given.no_others(_LEVEL_KEYS - (_OF_SETPOINT if shape.setpoint is not None else set()))
    priority = given.number("priority", low=1, high=4)
    if priority != int(priority):
        given.fault(f"priority must be 1, 2, 3 or 4, not {priority}.")
    setpoint, reference = _setpoint(given, shape)
    delay = {"default": 0.0, "low": 0.0, "high": float(LONGEST_DELAY_S)}
    return Level(
        name,
        setpoint,
        int(priority),
        given.number("deadband", default=0.0, low=0.0),
        given.number("on_delay_s", **delay),
        given.number("off_delay_s", **delay),
        reference,
    )


def _setpoint(given: Given, shape: Shape) -> tuple[float, Reference | None]:
    if shape.setpoint is not None:
        return shape.setpoint, None
    if given.values.get("setpoint") is None and shape.usual_setpoint is not None:
        return shape.usual_setpoint, None
    return given.number_or_reference("setpoint")


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
