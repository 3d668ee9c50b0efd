"""The kinds of rules that readings drive: which signal each watches, and what levels it can have.

| kind | signal | levels |
|---|---|---|
| ``limit`` | the value | lolo lo hi hihi |
| ``rate`` | slope over a window, per hour; with ``to``: hours until that value | lolo lo hi hihi |
| ``flatline`` | minutes without moving, or at one value | alarm |
| ``bad_value`` | whether, and why, the reading cannot be believed | alarm |
| ``digital`` | whether the state is one of some; or how often it changed | alarm; hi hihi |
| ``deviation`` | distance from what is usual | lolo lo hi hihi |
| ``expression`` | whether a condition over several gauges holds | alarm |
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from agent.contract.rule_params import Given
from agent.contract.signals import formula
from agent.contract.signals.condition import Condition
from agent.contract.signals.doubt import LOOP_HIGH_MA, LOOP_LOW_MA, Doubt
from agent.contract.signals.flat import Flat, default_minutes
from agent.contract.signals.slope import Slope
from agent.contract.signals.stage import Stage
from agent.contract.signals.switch import ChangeCount, InState
from agent.contract.signals.usual import Cusum, Ewma, Hampel, Season, Usual

SIDED: Final = ("lolo", "lo", "hi", "hihi")
ONE: Final = ("alarm",)

PER_S: Final = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
BASELINES: Final = ("hampel", "ewma", "cusum", "season")
_WINDOW_S: Final = {"hampel": 600.0, "ewma": 6 * 3600.0, "cusum": 6 * 3600.0, "season": 1.0}
#: An input that reads exactly nothing; and what a failed transmitter drives its output to, in
#: shares of its range below and above it.
_BELOW_RANGE: Final = (4.0 - LOOP_LOW_MA) / 16
_ABOVE_RANGE: Final = (LOOP_HIGH_MA - 20.0) / 16


@dataclass(frozen=True, slots=True)
class Shape:
    """What a kind comes to with its parameters."""

    levels: tuple[str, ...]  #: those it can have
    stages: tuple[Stage, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)  #: with defaults, beside the levels
    setpoint: float | None = None  #: of every level, where it follows from the kind
    usual_setpoint: float | None = None  #: where the rule does not say
    tags: tuple[str, ...] = ()  #: gauges of a condition


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a rule does not say itself."""

    blind_after_s: float
    measure: str | None = None


def _limit(given: Given, around: Circumstances) -> Shape:  # noqa: ARG001
    return Shape(SIDED)


def _rate(given: Given, around: Circumstances) -> Shape:  # noqa: ARG001
    window = given.window("window_s", 600.0)
    least = given.number("min_points", default=5, low=2, high=10_000)
    settings: dict[str, Any] = {"window_s": window, "min_points": int(least)}
    if given.values.get("to") is None:
        per = given.choice("per", tuple(PER_S), "h")
        stage = Slope(window, int(least), PER_S[per])
        return Shape(SIDED, (stage,), settings | {"per": per})
    to, reference = given.number_or_reference("to")
    falling = given.flag("falling")
    settings |= {"to": reference.to_json() if reference else to, "falling": falling}
    return Shape(("lolo", "lo"), (Slope(window, int(least), 3600.0, to, falling),), settings)


def _flatline(given: Given, around: Circumstances) -> Shape:
    tolerance = given.number("tolerance", default=0.0, low=0.0)
    at = given.optional("at")
    settings = {"tolerance": tolerance, "blinds": given.flag("blinds")}
    return Shape(
        ONE,
        (Flat(tolerance, at, round(around.blind_after_s * 1000)),),
        settings | ({} if at is None else {"at": at}),
        usual_setpoint=default_minutes(around.measure),
    )


def _bad_value(given: Given, around: Circumstances) -> Shape:  # noqa: ARG001
    bounds = given.optional("low"), given.optional("high")
    settings: dict[str, Any] = {
        k: v for k, v in zip(("low", "high"), bounds, strict=True) if v is not None
    }
    low, high = (-math.inf if bounds[0] is None else bounds[0]), bounds[1]
    high = math.inf if high is None else high
    if given.flag("loop_ma"):
        low, high = max(low, LOOP_LOW_MA), min(high, LOOP_HIGH_MA)
        settings["loop_ma"] = True
    scaled = given.numbers("scaled")
    if scaled:
        if len(scaled) != 2 or scaled[0] >= scaled[1]:
            given.fault(f"scaled must be the values at 4 and 20 mA, not {list(scaled)}.")
        else:
            span = scaled[1] - scaled[0]
            low = max(low, scaled[0] - _BELOW_RANGE * span)
            high = min(high, scaled[1] + _ABOVE_RANGE * span)
            settings["scaled"] = list(scaled)
    stuck = given.numbers("stuck_at")
    if low >= high:
        given.fault(f"low must lie below high, but low is {low:g} and high {high:g}.")
    return Shape(
        ONE, (Doubt(low, high, frozenset(stuck)),), settings | {"stuck_at": list(stuck)}, 1.0
    )


def _digital(given: Given, around: Circumstances) -> Shape:  # noqa: ARG001
    if given.values.get("count") is None:
        states = given.numbers("states")
        if not states or any(state != round(state) for state in states):
            given.fault("states must be a list of whole numbers, or say count.")
        found = frozenset(round(state) for state in states)
        return Shape(ONE, (InState(found),), {"states": sorted(found)}, 1.0)
    window = given.window("window_s", 3600.0)
    if given.choice("count", ("changes", "starts"), "changes") == "starts":
        return Shape(
            ("hi", "hihi"),
            (ChangeCount(window, "starts"),),
            {"count": "starts", "window_s": window},
        )
    settings = {"count": "changes", "window_s": window}
    return Shape(("hi", "hihi"), (ChangeCount(window, "changes"),), settings)


def _deviation(given: Given, around: Circumstances) -> Shape:  # noqa: ARG001
    source = given.choice("from", BASELINES, "hampel")
    floor = given.number("floor", default=0.0, low=0.0)
    in_unit = given.choice("in", ("spreads", "unit"), "spreads") == "unit"
    settings: dict[str, Any] = {"from": source, "floor": floor}
    settings["in"] = "unit" if in_unit else "spreads"
    if source == "season":
        if "figures" not in given.values:  # they follow the gauge, and are filled in before judging
            return Shape(SIDED, (Season((None,) * 24, floor, in_unit),), settings)
        figures = _figures(given)
        listed = [None if one is None else list(one) for one in figures]
        return Shape(SIDED, (Season(figures, floor, in_unit),), settings | {"figures": listed})
    window = given.window("window_s", _WINDOW_S[source])
    settings["window_s"] = window
    if source == "cusum":
        slack = given.number("slack", default=1.0, low=0.0, high=10.0)
        if in_unit:
            given.fault("A cusum is told in spreads.")
        return Shape(SIDED, (Cusum(window, floor, False, slack),), settings | {"slack": slack})
    stage = (Hampel if source == "hampel" else Ewma)(window, floor, in_unit)
    return Shape(SIDED, (stage,), settings)


def _figures(given: Given) -> tuple[Usual | None, ...]:
    listed = given.values.get("figures")
    if not isinstance(listed, Sequence) or len(listed) not in {24, 48}:
        given.fault("figures must be 24 pairs of median and spread, one per hour of UTC, or 48.")
        return ()
    found: list[Usual | None] = []
    for hour, pair in enumerate(listed):
        if pair is None:
            found.append(None)
            continue
        one = Given({"figures": pair}, given.where, given.faults).numbers("figures")
        if len(one) != 2 or one[1] < 0:
            given.fault(f"figures: hour {hour} must be a median and a spread, not {pair!r}.")
            return ()
        found.append((one[0], one[1]))
    return tuple(found)


def _expression(given: Given, around: Circumstances) -> Shape:
    align = given.window("align_s", around.blind_after_s)
    text = given.text("condition")
    settings = {"condition": text} | ({"align_s": align} if "align_s" in given.values else {})
    try:
        found = formula.read(text) if text else None
    except formula.FormulaError as fault:
        given.fault(f"condition: {fault}")
        found = None
    if found is None:
        return Shape(ONE, (), settings, 1.0)
    stage = Condition(found, round(align * 1000))
    return Shape(ONE, (stage,), settings, 1.0, tags=found.tags)


KINDS: Final[Mapping[str, Callable[[Given, Circumstances], Shape]]] = {
    "limit": _limit,
    "rate": _rate,
    "flatline": _flatline,
    "bad_value": _bad_value,
    "digital": _digital,
    "deviation": _deviation,
    "expression": _expression,
}

#: Parameters of each kind beside levels, blind_after_s, latch and capture_fleeting.
SETTINGS: Final[Mapping[str, frozenset[str]]] = {
    "limit": frozenset(),
    "rate": frozenset({"window_s", "min_points", "per", "to", "falling"}),
    "flatline": frozenset({"tolerance", "at", "blinds"}),
    "bad_value": frozenset({"low", "high", "loop_ma", "scaled", "stuck_at"}),
    "digital": frozenset({"states", "count", "window_s"}),
    "deviation": frozenset({"from", "window_s", "floor", "in", "slack", "figures"}),
    "expression": frozenset({"condition", "align_s"}),
}
