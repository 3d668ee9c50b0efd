"""What an alarm says that is not about a value and its limit: one sentence per kind (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from agent.contract.alarm_rules import Rule
from agent.contract.signals.doubt import ABOVE, BELOW, MARKED, NO_NUMBER, STUCK
from agent.contract.signals.slope import Slope

_UNITS: Final = {"degF": "°F", "degC": "°C", "m3": "m³", "ft3": "ft³", "m3/h": "m³/h", "1": ""}
_DOUBTS: Final = {
    NO_NUMBER: "gives no number",
    BELOW: "reads below what its gauge can show",
    ABOVE: "reads above what its gauge can show",
    STUCK: "reads exactly {stuck}, as a dead input does",
    MARKED: "is outside the range of its gauge",
}
_SIDES: Final = {"lolo": -1, "lo": -1, "hi": 1, "hihi": 1}
_MUCH: Final = {"lolo": "far ", "hihi": "far "}


@dataclass(frozen=True, slots=True)
class Watched:
    """What a rule watches beside the value itself."""

    kind: str
    unit: str  #: of the signal
    gauge_unit: str
    settings: Mapping[str, Any]
    to: float | None = None  #: the value whose reaching is awaited


def watched(rule: Rule, gauge_unit: str) -> Watched | None:
    """What a rule watches; None where it is the value itself."""
    if rule.kind == "limit":
        return None
    stage = rule.stages[-1] if rule.stages else None
    to = stage.to if isinstance(stage, Slope) else None
    unit = signal_unit(rule.kind, rule.settings, gauge_unit)
    return Watched(rule.kind, unit, gauge_unit, rule.settings, to)


def signal_unit(kind: str, settings: Mapping[str, Any], gauge_unit: str) -> str:
    """Unit of what a kind of rule compares with its setpoints."""
    if kind == "rate":
        return "h" if "to" in settings else f"{gauge_unit}/{settings.get('per', 'h')}"
    if kind == "deviation":
        return gauge_unit if settings.get("in") == "unit" else "spreads"
    plain = kind in {"bad_value", "digital", "expression"}
    return {"flatline": "min"}.get(kind, "" if plain else gauge_unit)


def sentence(
    seen: Watched,
    quantity: str,
    rule: str,
    level: str,
    *,
    value: float | None,
    worst: float | None,
    setpoint: float | None,
) -> str:
    """What is wrong; `value` when it was certain, `worst` so far, both in the signal's unit."""
    told = value if worst is None else worst
    return _SENTENCES[seen.kind](_Told(seen, quantity, rule, level, value, told, setpoint))


@dataclass(frozen=True, slots=True)
class _Told:
    seen: Watched
    quantity: str
    rule: str
    level: str
    value: float | None
    worst: float | None
    setpoint: float | None

    @property
    def size(self) -> str:
        return number(abs(self.worst or 0.0))

    @property
    def limit(self) -> str:
        return "" if self.setpoint is None else f", limit {number(abs(self.setpoint))}"


def _rate(told: _Told) -> str:
    seen = told.seen
    if seen.to is None:
        way = "falling" if _SIDES.get(told.level, 1) < 0 else "rising"
        return f"{told.quantity} {way} {told.size} {unit(seen.unit)}{told.limit}"
    reached = with_unit(seen.to, seen.gauge_unit)
    if not told.worst:
        return f"{told.quantity} has reached {reached}"
    return f"{told.quantity} reaches {reached} in {told.size} h{told.limit} h"


def _flatline(told: _Told) -> str:
    still = minutes(told.worst or 0.0)
    at = told.seen.settings.get("at")
    if at is not None:
        value = with_unit(float(at), told.seen.gauge_unit)
        return f"{told.quantity} has read exactly {value} for {still}"
    return f"{told.quantity} has not moved for {still}"


def _bad_value(told: _Told) -> str:
    stuck = told.seen.settings.get("stuck_at") or [0.0]
    why = _DOUBTS.get(round(told.value or 0), "cannot be believed")
    return f"{told.quantity} {why.format(stuck=' or '.join(map(number, stuck)))}"


def _digital(told: _Told) -> str:
    settings = told.seen.settings
    if "states" in settings:
        states = " or ".join(map(str, settings["states"]))
        return f"{told.rule} ({told.quantity.lower()} is {states})"
    span = minutes(settings["window_s"] / 60)
    verb = "started" if settings["count"] == "starts" else "changed"
    return f"{told.quantity} {verb} {told.size} times in {span}{told.limit}"


def _deviation(told: _Told) -> str:
    below = _SIDES.get(told.level, 1) < 0
    if told.seen.settings.get("in") == "unit":
        way = "below" if below else "above"
        return f"{told.quantity} {told.size} {unit(told.seen.unit)} {way} usual{told.limit}"
    way = f"{_MUCH.get(told.level, '')}{'lower' if below else 'higher'} than usual"
    if told.seen.settings.get("from") == "cusum":
        return f"{told.quantity} creeps {'down' if below else 'up'}: {way} for some time"
    return f"{told.quantity} {way}: {told.size} times its spread{told.limit}"


def _expression(told: _Told) -> str:
    return f"{told.rule} ({told.seen.settings['condition']})"


_SENTENCES: Final[dict[str, Callable[[_Told], str]]] = {
    "rate": _rate,
    "flatline": _flatline,
    "bad_value": _bad_value,
    "digital": _digital,
    "deviation": _deviation,
    "expression": _expression,
}


# ---------------------------------------------------------------------------------- numbers


def unit(name: str) -> str:
    """A unit as people write it."""
    of, per, time = name.rpartition("/")
    return f"{_UNITS.get(of, of)}/{time}" if per and name not in _UNITS else _UNITS.get(name, name)


def with_unit(value: float | None, name: str) -> str:
    """A value and its unit, with no more digits than a person needs."""
    return "" if value is None else f"{number(value)} {unit(name)}".strip()


def minutes(value: float) -> str:
    """A length of time: 62 min, 4.2 h."""
    return f"{value:.0f} min" if value < 120 else f"{value / 60:.3g} h"


def number(value: float) -> str:
    """At most three decimals, fewer for larger values."""
    size = abs(value)
    places = 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 1 else 3
    text = f"{round(value, places) + 0.0:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
