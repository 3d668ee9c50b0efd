"""Alarm templates: rules as somebody of the trade would begin with them, fitted to one gauge.

They stand in config/alarm_templates, one file per subject. A number of a template may be written
out, refer to an attribute (``{of = "tank_height", plus = -1}``), or be left to the gauge:

* ``{usual = 6, least = 0.05}``, a setpoint: six spreads from the median of the gauge's own normal
  readings, at least this share of its span; below for lo and lolo, above for hi and hihi;
* ``{span = 0.01}``: this share of the gauge's span;
* ``{range = 0.9}``: this share of the way through the gauge's range.

The span is what the gauge usually shows, counted from 0, and no more than its range. Robust figures
are used throughout: a few hours of trouble in the history must not make trouble look normal.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any, Final

from agent.contract.alarm_kinds import KINDS
from agent.contract.alarm_rules import RuleError, parse_rule

MAD_TO_SIGMA: Final = 1.4826
LEAST_READINGS: Final = 30
_BELOW: Final = frozenset({"lo", "lolo"})
_FITTED: Final = frozenset({"usual", "span", "range"})
_WORDS: Final = ("title", "cause", "consequence", "action")


class UnfitError(ValueError):
    """A template cannot be fitted to a gauge; the sentence says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Template:
    """One rule to begin with."""

    name: str  #: as rules name it
    title: str
    kind: str
    measures: tuple[str, ...]  #: what a gauge it fits measures; empty: anything
    equipment: tuple[str, ...]  #: kinds of equipment it is for; empty: any
    default: bool  #: whether every fitting gauge begins with it
    params: Mapping[str, Any]
    cause: str
    consequence: str
    action: str
    respond_within_s: int
    latch: bool = False
    capture_fleeting: bool = False
    advisory: bool = False

    def suits(self, measure: str | None, equipment: str | None = None) -> bool:
        """Whether it is for gauges of a measure, on a kind of equipment."""
        fits = not self.measures or measure in self.measures
        return fits and (not self.equipment or equipment in self.equipment)


@dataclass(frozen=True, slots=True)
class History:
    """What a gauge showed while all was well."""

    median: float
    spread: float  #: robust: 1.4826 times the median distance from the median
    low: float  #: 1st percentile
    high: float  #: 99th percentile
    count: int

    @classmethod
    def of(cls, values: Iterable[float | None]) -> History | None:
        """From good readings; None when they are too few to tell anything."""
        known = sorted(value for value in values if value is not None)
        if len(known) < LEAST_READINGS:
            return None
        middle = median(known)
        spread = MAD_TO_SIGMA * median([abs(value - middle) for value in known])
        return cls(middle, spread, _at(known, 0.01), _at(known, 0.99), len(known))

    @property
    def is_still(self) -> bool:
        """Whether the gauge never moved: what it shows is no measure of what is usual."""
        return self.low == self.high


@dataclass(frozen=True, slots=True)
class GaugeRange:
    """What a gauge can show, as far as it was configured."""

    low: float | None = None
    high: float | None = None


def load() -> Mapping[str, Template]:
    """Every template by name; raises `ValueError` with what is wrong in which file."""
    return _load(_folder())


def fit(
    template: Template, gauge: GaugeRange | None = None, history: History | None = None
) -> dict[str, Any]:
    """The parameters of a rule for one gauge; raises `UnfitError`.

    References to attributes are left in: they follow the equipment, and are resolved whenever the
    rule is read.
    """
    place = _Place(template, gauge or GaugeRange(), history)
    params = {key: place.fill(value) for key, value in template.params.items()}
    levels = {
        name: {key: place.fill(value, name) for key, value in level.items()}
        for name, level in template.params["levels"].items()
    }
    return params | {"levels": levels}


# -------------------------------------------------------------------------------------- fitting


@dataclass(frozen=True, slots=True)
class _Place:
    """A template at one gauge."""

    template: Template
    gauge: GaugeRange
    history: History | None

    def fill(self, value: Any, level: str = "") -> Any:
        """A number for what the template leaves to the gauge; anything else as it stands."""
        if not isinstance(value, Mapping) or not _FITTED & set(value):
            return value
        if "range" in value:
            return _rounded(self._through_range(float(value["range"])))
        if "span" in value:
            return _rounded(float(value["span"]) * self._span())
        return _rounded(self._usual(value, level))

    def _usual(self, wanted: Mapping[str, Any], level: str) -> float:
        history = self._known()
        if history.is_still:
            raise UnfitError(
                f"{self.template.title}: the gauge has not moved in its history, so what is usual"
                " for it cannot be told; look whether it is alive, or enter a limit by hand."
            )
        reach = max(
            float(wanted["usual"]) * history.spread, float(wanted.get("least", 0)) * self._span()
        )
        # What it showed for a whole percent of the time while all was well is no alarm either.
        if level in _BELOW:
            return min(history.median - reach, history.low - 0.1 * reach)
        return max(history.median + reach, history.high + 0.1 * reach)

    def _through_range(self, share: float) -> float:
        low, high = self.gauge.low, self.gauge.high
        if low is None or high is None:
            raise UnfitError(
                f"{self.template.title}: it follows the gauge's range, which is not configured;"
                " enter low and high of the gauge, or the limit by hand."
            )
        return low + share * (high - low)

    def _span(self) -> float:
        low, high = self.gauge.low, self.gauge.high
        configured = None if low is None or high is None else high - low
        if self.history is not None and not self.history.is_still:
            usual = max(
                abs(self.history.low), abs(self.history.high), self.history.high - self.history.low
            )
            return usual if configured is None else min(usual, configured)
        if configured is not None:
            return configured
        return abs(self._known().median)

    def _known(self) -> History:
        if self.history is None:
            raise UnfitError(
                f"{self.template.title}: it follows what is usual for the gauge, and there are too"
                " few readings yet; wait for an hour of them, or enter the limit by hand."
            )
        return self.history


def _rounded(value: float) -> float:
    """Four digits: a setpoint that people can read."""
    return float(f"{value:.4g}")


def _at(ordered: list[float], share: float) -> float:
    return ordered[round(share * (len(ordered) - 1))]


# -------------------------------------------------------------------------------------- reading


@cache
def _load(folder: Path) -> Mapping[str, Template]:
    found: dict[str, Template] = {}
    for path in sorted(folder.glob("*.toml")):
        with path.open("rb") as file:
            written = tomllib.load(file)
        for name, body in written.items():
            if name in found:
                raise ValueError(f"{path.name}: there are two templates {name}; rename one.")
            found[name] = _template(name, body, path.name)
    if not found:
        raise ValueError(f"There are no alarm templates in {folder}.")
    return found


def _template(name: str, body: Mapping[str, Any], file: str) -> Template:
    where = f"{file}: {name}"
    missing = [word for word in (*_WORDS, "kind", "respond_within_s") if not body.get(word)]
    if missing:
        raise ValueError(f"{where}: {missing[0]} is missing; an alarm nobody can act on is none.")
    known = set(Template.__slots__) | {"params"}
    strange = sorted(set(body) - known)
    if strange:
        raise ValueError(f"{where}: {strange[0]!r} is not known; use {', '.join(sorted(known))}.")
    template = Template(
        name=name,
        title=body["title"],
        kind=body["kind"],
        measures=tuple(body.get("measures", ())),
        equipment=tuple(body.get("equipment", ())),
        default=bool(body.get("default", False)),
        params=body.get("params", {}),
        cause=body["cause"],
        consequence=body["consequence"],
        action=body["action"],
        respond_within_s=int(body["respond_within_s"]),
        latch=bool(body.get("latch", False)),
        capture_fleeting=bool(body.get("capture_fleeting", False)),
        advisory=bool(body.get("advisory", False)),
    )
    _check(template, where)
    return template


def _check(template: Template, where: str) -> None:
    """A template must make a rule for an ordinary gauge of each measure it is for."""
    if template.kind not in KINDS:
        return
    ordinary = History(100.0, 1.0, 97.0, 103.0, 1000)
    try:
        params = fit(template, GaugeRange(0.0, 200.0), ordinary)
        for measure in template.measures or (None,):
            parse_rule(template.kind, params, measure=measure)
    except (RuleError, UnfitError, KeyError, TypeError) as fault:
        raise ValueError(f"{where}: {fault}") from fault


def _folder() -> Path:
    """Where they lie: beside the package in a checkout, inside it in a wheel."""
    packed = Path(__file__).parents[1] / "_config" / "alarm_templates"
    checkout = Path(__file__).parents[2] / "config" / "alarm_templates"
    return packed if packed.is_dir() else checkout
