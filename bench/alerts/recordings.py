"""What the default templates find, and spare people, on recordings of real wells.

Recordings are those that come with the program, or those of the folder in WELLFLOW_RECORDINGS: CSV
files named ``class<label>_<well>_<start>.csv.gz`` as of the 3W dataset, at any constant step.

Nobody knows field setpoints for these wells. So each gauge gets its limits as a gauge in the field
would: fitted to its own first hour, of that no more than what is labelled normal. Everything the
templates raise counts, advice too.
"""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from agent.contract.alarm_rules import Rule, parse_rule
from agent.contract.alarms import Change, Samples, State, evaluate
from agent.contract.blocks import Quality
from agent.simulator.recording import BUNDLED
from bench.alerts.figure import CannotMeasureError, Figure, Line
from hub.alerts.templates import History, UnfitError, fit, load

#: What each column measures, as a person linking the gauge would say.
MEASURES: Final = {
    "P-PDG": "downhole_pressure",
    "P-TPT": "tubing_pressure",
    "P-MON-CKP": "line_pressure",
    "P-JUS-CKGL": "gas_lift_pressure",
    "T-TPT": "tubing_temperature",
    "T-JUS-CKP": "line_temperature",
    "T-JUS-CKGL": "line_temperature",
    "QGL": "gas_lift_rate",
}
LEARNT_S: Final = 3600
WITHIN_S: Final = 120
EARLY_S: Final = 120  #: a label set late by so much does not make a find a false one
ABRUPT: Final = frozenset({"2", "6"})
UNSTABLE: Final = frozenset({"3", "4"})
NORMAL: Final = frozenset({"0", "0.0"})
#: A limit put right into the swings, with the delays that every template has.
DELAYS: Final = {"on_delay_s": 60, "off_delay_s": 300}
MOST_RAISES: Final = 2  #: an hour, as in every template
MOST_PER_HOUR, WORST_PER_HOUR = 1.0, 3.0


@dataclass(frozen=True, slots=True)
class Recording:
    """One file: its gauges, and the label of every row."""

    name: str
    step_s: float
    columns: Mapping[str, list[float | None]]
    labels: list[str]

    @property
    def label(self) -> str:
        """What kind of event it is of."""
        return self.name[5]

    @property
    def begins(self) -> int | None:
        """First row labelled as the event; None where there is no row before it."""
        event = (n for n, label in enumerate(self.labels) if label not in {*NORMAL, ""})
        return next(event, None) or None

    @property
    def normal_until(self) -> int:
        """Last row labelled normal before the event."""
        rows = [n for n in range(self.begins or 0) if self.labels[n] in NORMAL]
        return rows[-1] if rows else 0

    @property
    def learnt(self) -> int:
        """Rows from which templates are fitted: of the first hour what is labelled normal."""
        hour = round(LEARNT_S / self.step_s)
        return min(hour, self.normal_until + 1) if self.normal_until else hour

    @property
    def hours(self) -> float:
        """How long it lasts."""
        return len(self.labels) * self.step_s / 3600

    def samples(self, column: str) -> Samples:
        """A gauge as the evaluator takes it; a blank is a gauge that gives no number."""
        values = self.columns[column]
        marks = [int(Quality.NOT_A_NUMBER) if v is None else 0 for v in values]
        return Samples([round(n * self.step_s * 1000) for n in range(len(values))], values, marks)


@dataclass(slots=True)
class Raised:
    """What one gauge's rules raised in one recording, by rule: seconds at which it was certain."""

    column: str
    rules: dict[str, list[float]] = field(default_factory=dict)
    frozen: bool = False  #: whether the limits knew at the end that they do not know

    @property
    def count(self) -> int:
        """How often a person would have been told."""
        return sum(len(at) for at in self.rules.values())


def measure(*, quick: bool) -> Figure:
    """Judge every recording with the default templates."""
    recordings = list(read_all())
    if not recordings:
        raise CannotMeasureError(f"there are no recordings in {folder()}")
    if quick:
        recordings = recordings[:20]
    lines = [*_abrupt(recordings), *_unstable(recordings), *_swings(recordings), *_dead(recordings)]
    note = f"{len(recordings)} recordings, {sum(r.hours for r in recordings):.0f} h."
    return Figure("On recordings of real wells, with the default templates", tuple(lines), note)


def folder() -> Path:
    """Where the recordings lie."""
    return Path(os.environ.get("WELLFLOW_RECORDINGS") or BUNDLED)


def read_all() -> Iterator[Recording]:
    """Every recording of the folder."""
    for path in sorted(folder().glob("class*_*.csv.gz")):
        yield read(path)


@cache
def read(path: Path) -> Recording:
    """One recording, as a table of columns."""
    with gzip.open(path, "rt", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name in MEASURES]
    columns = {name: [float(row[name]) if row[name] else None for row in rows] for name in names}
    first, second = (datetime.fromisoformat(row["timestamp"]) for row in rows[:2])
    labels = [row["class"] or "" for row in rows]
    return Recording(path.name, (second - first).total_seconds(), columns, labels)


# ------------------------------------------------------------------------------------ judging


def rules_of(recording: Recording, column: str) -> dict[str, Rule]:
    """The default rules of one gauge, as it would have them in the field."""
    measured = MEASURES[column]
    history = History.of(recording.columns[column][: recording.learnt])
    found: dict[str, Rule] = {}
    for name, template in load().items():
        if not template.default or not template.suits(measured) or template.equipment:
            continue
        try:
            params = fit(template, None, history)
        except UnfitError:
            continue
        found[name] = parse_rule(template.kind, params, measure=measured)
    guards = [rule for rule in found.values() if rule.sieves("limit")]
    return {name: rule.guarded(guards) for name, rule in found.items()}


def judge(recording: Recording, column: str) -> Raised:
    """Everything the default rules of one gauge raise."""
    raised = Raised(column)
    samples = recording.samples(column)
    for name, rule in rules_of(recording, column).items():
        state, changes = evaluate(rule, State(), samples)
        raised.rules[name] = certain(changes)
        raised.frozen |= rule.kind == "limit" and state.condition == "unknown"
    return raised


def certain(changes: list[Change]) -> list[float]:
    """Seconds at which something was raised."""
    return [change.seen_at / 1000 for change in changes if change.kind == "raised"]


# ------------------------------------------------------------------------------------ figures


def _abrupt(recordings: list[Recording]) -> list[Line]:
    """Events that begin at a labelled moment."""
    waits: list[float | None] = []
    false, normal_h = 0, 0.0
    for recording in recordings:
        if recording.label not in ABRUPT or recording.begins is None:
            continue
        begins = recording.begins * recording.step_s
        quiet_until = recording.normal_until * recording.step_s - EARLY_S
        at = sorted(
            moment
            for column in recording.columns
            if _lives(recording, column)
            for moments in judge(recording, column).rules.values()
            for moment in moments
        )
        false += sum(moment < quiet_until for moment in at)
        normal_h += max(0.0, quiet_until) / 3600
        waits.append(next((m - begins for m in at if m >= quiet_until), None))
    if not waits:
        return []
    found = sorted(wait for wait in waits if wait is not None and wait <= WITHIN_S)
    all_found = len(found) == len(waits)
    latest = f", after {found[len(found) // 2]:.0f} s (median), {found[-1]:.0f} s" if found else ""
    return [
        Line(
            "abrupt events (2, 6) found in time",
            f"{len(found)} of {len(waits)}{latest}",
            f"all within {WITHIN_S} s",
            all_found,
            len(found) / len(waits),
        ),
        Line("raised while all was normal", f"{false} in {normal_h:.1f} h", value=float(false)),
    ]


def _unstable(recordings: list[Recording]) -> list[Line]:
    """Wells that swing for hours: how often each gauge calls."""
    rates: list[tuple[float, str]] = []
    count, hours = 0, 0.0
    for recording in recordings:
        if recording.label not in UNSTABLE:
            continue
        for column in recording.columns:
            if _lives(recording, column):
                raised = judge(recording, column).count
                rates.append((raised / recording.hours, f"{recording.name[:25]} {column}"))
                count, hours = count + raised, hours + recording.hours
    return _per_hour("unstable wells (3, 4), default templates", count, hours, rates)


def _swings(recordings: list[Recording]) -> list[Line]:
    """The same wells under a limit put right into their swings, with and without delays."""
    plain = count = 0
    hours = 0.0
    rates: list[tuple[float, str]] = []
    for recording in recordings:
        if recording.label not in UNSTABLE:
            continue
        for column in recording.columns:
            if _lives(recording, column):
                samples = recording.samples(column)
                calm = len(certain(evaluate(_crowded(samples, **DELAYS), State(), samples)[1]))
                plain += len(certain(evaluate(_crowded(samples), State(), samples)[1]))
                rates.append((calm / recording.hours, f"{recording.name[:25]} {column}"))
                count, hours = count + calm, hours + recording.hours
    if not rates:
        return []
    factor = plain / count if count else float("inf")
    told = f"{plain / hours:.2f} per hour, {factor:.0f} times as many"
    return [
        *_per_hour("  limit in the swings (75 %), default delays", count, hours, rates),
        Line("  the same limit, plain", told, value=factor),
    ]


def _per_hour(what: str, count: int, hours: float, rates: list[tuple[float, str]]) -> list[Line]:
    if not rates:
        return []
    worst, where = max(rates)
    mean = count / hours
    return [
        Line(
            what,
            f"{mean:.2f} per hour and tag",
            f"<= {MOST_PER_HOUR:g}",
            mean <= MOST_PER_HOUR,
            mean,
        ),
        Line(
            "  at worst",
            f"{worst:.2f} ({where})",
            f"<= {WORST_PER_HOUR:g}",
            worst <= WORST_PER_HOUR,
            worst,
        ),
    ]


def _dead(recordings: list[Recording]) -> list[Line]:
    """Gauges that are blank, at exactly 0, or stand still for the whole recording."""
    dead, told, low = 0, 0, 0
    still, still_told = 0, 0
    for recording in recordings:
        for column, values in recording.columns.items():
            measured = MEASURES[column]
            if "pressure" not in measured or len(set(values)) > 1:
                continue
            raised = judge(recording, column)
            low += len(raised.rules.get("pressure_unusual", [])) + _as_low(recording, column)
            if set(values) <= {None, 0.0}:
                dead += 1
                told += bool(raised.rules["dead_gauge"])
            elif recording.hours > 1:
                still += 1
                still_told += bool(raised.rules["frozen_gauge"])
    if not dead + still:
        return []
    return [
        Line("dead gauges told as dead", f"{told} of {dead}", "all", told == dead, float(told)),
        Line(
            "frozen gauges told as frozen",
            f"{still_told} of {still}",
            "all",
            still_told == still,
            float(still_told),
        ),
        Line("of these told as low pressure", f"{low}", "0", low == 0, float(low)),
    ]


def _as_low(recording: Recording, column: str) -> int:
    """How often a low limit that somebody entered by hand takes a dead gauge for a low pressure."""
    values = recording.columns[column]
    if any(values):
        return 0  # a frozen gauge may stand on either side of whatever was entered
    levels = {"lo": {"setpoint": 1e6, "priority": 2} | DELAYS}
    guards = [rule for rule in rules_of(recording, column).values() if rule.sieves("limit")]
    rule = parse_rule("limit", {"levels": levels}).guarded(guards)
    return len(certain(evaluate(rule, State(), recording.samples(column))[1]))


def _lives(recording: Recording, column: str) -> bool:
    return len({value for value in recording.columns[column] if value is not None}) > 1


def _crowded(samples: Samples, **delays: Any) -> Rule:
    """A limit at the third quartile; with delays also a deadband of a quarter of the range."""
    good = sorted(value for value in samples.values if value is not None)
    level: dict[str, Any] = {"setpoint": good[len(good) * 3 // 4], "priority": 3} | delays
    more = {"most_per_hour": MOST_RAISES} if delays else {}
    if delays:
        level["deadband"] = 0.25 * (good[-1] - good[0])
    return parse_rule("limit", {"levels": {"hi": level}} | more)
