"""What the form of a rule asks for, by what is watched: levels, and settings beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hub.alerts.kinds import OFFICE
from hub.alerts.kinds.office import Setting
from hub.alerts.rules import EVALUATED
from hub.schema import AlertRule

SIDED: Final = ("lolo", "lo", "hi", "hihi")
UPPER: Final = ("hi", "hihi")
LOWER: Final = ("lolo", "lo")
ALARM: Final = ("alarm",)


@dataclass(frozen=True, slots=True)
class RuleForm:
    """One sort of rule as people choose it."""

    kind: str
    title: str
    does: str  #: one sentence for the person who chooses
    levels: tuple[str, ...] = ()
    setpoint: str = ""  #: what a level's setpoint is in; empty where it has none
    settings: tuple[Setting, ...] = ()
    fixed: Mapping[str, Any] | None = None  #: parameters that make it this sort

    @property
    def of_office(self) -> bool:
        """Whether it looks at the office's rows instead of readings."""
        return self.kind in OFFICE

    @property
    def is_tried(self) -> bool:
        """Whether it can be replayed over stored readings: whether readings drive it."""
        return self.kind in EVALUATED


WINDOW: Final = Setting("window_s", "Window", "s", "600", "Over how much time")

FORMS: Final[Mapping[str, RuleForm]] = {
    "limit": RuleForm(
        "limit", "Limit", "A value lies too low or too high.", SIDED, "in the gauge's unit"
    ),
    "rate": RuleForm(
        "rate",
        "Rate of change",
        "A value rises or falls too fast, by its slope over a window.",
        SIDED,
        "in the gauge's unit per time",
        (
            WINDOW,
            Setting("min_points", "Readings it needs", "", "5"),
            Setting("per", "Per", "", "h", form="choice", choices=("s", "min", "h", "d")),
        ),
    ),
    "time_to": RuleForm(
        "rate",
        "Time until a value",
        "At its present slope a value will be reached soon: a tank will be full in 4 hours.",
        LOWER,
        "hours left",
        (
            Setting("to", "Until it reaches", "unit", "", "A number, or tank_height - 1"),
            WINDOW,
            Setting("min_points", "Readings it needs", "", "5"),
            Setting("falling", "It falls to that value", form="flag"),
        ),
    ),
    "flatline": RuleForm(
        "flatline",
        "Stuck gauge",
        "A value has not moved for longer than such a gauge does.",
        ALARM,
        "minutes without moving",
        (
            Setting("tolerance", "Moves within", "unit", "0"),
            Setting("at", "Only at the value", "unit", "", "Empty: at any value", form="optional"),
            Setting("blinds", "Its limits then tell nothing", form="flag"),
        ),
    ),
    "bad_value": RuleForm(
        "bad_value",
        "Bad readings",
        "A reading cannot be believed: no value, beyond what the transmitter can send, stuck at 0.",
        ALARM,
        "",
        (
            Setting("low", "Not below", "unit", "", form="optional"),
            Setting("high", "Not above", "unit", "", form="optional"),
            Setting("stuck_at", "Stuck at", "unit", "", "Values, with commas", form="list"),
        ),
    ),
    "digital": RuleForm(
        "digital",
        "State",
        "A state is one that needs a person: tripped, open, running.",
        ALARM,
        "",
        (Setting("states", "States", "", "1", "Whole numbers, with commas", form="list"),),
    ),
    "cycling": RuleForm(
        "digital",
        "Cycling",
        "Something starts, or changes its state, too often.",
        UPPER,
        "times within the window",
        (
            Setting("count", "Counts", "", "starts", form="choice", choices=("starts", "changes")),
            Setting("window_s", "Window", "s", "3600"),
        ),
    ),
    "deviation": RuleForm(
        "deviation",
        "Far from usual",
        "A value is far from what is usual for it, whatever that is.",
        SIDED,
        "spreads from usual",
        (
            Setting(
                "from",
                "Usual is",
                "",
                "hampel",
                "hampel: the last minutes; ewma, cusum: hours; season: this hour of the day",
                form="choice",
                choices=("hampel", "ewma", "cusum", "season"),
            ),
            WINDOW,
            Setting("floor", "Spread is at least", "unit", "0"),
        ),
    ),
    "expression": RuleForm(
        "expression",
        "Condition over several gauges",
        "A condition holds: casing_pressure > 300 and not run_state.",
        ALARM,
        "",
        (Setting("condition", "Condition", "", "", "and, or, not, < <= > >= = !=", form="text"),),
    ),
    "stale": RuleForm(
        "stale",
        "Silence",
        "A gauge has sent nothing for too long, or nobody has entered a reading by a time of day.",
        ALARM,
        "",
        (
            Setting(
                "after_s",
                "Silent for",
                "s",
                "",
                "Empty: three of the gauge's own intervals, at least a minute",
                form="optional",
            ),
            Setting(
                "by",
                "Expected each day by",
                "",
                "",
                "For what people enter, in place of the seconds: 10:00, by the operator's clock",
                form="clock",
            ),
        ),
    ),
} | {
    name: RuleForm(name, kind.title, kind.does, settings=kind.settings)
    for name, kind in OFFICE.items()
}


def form_of(kind: str, params: Mapping[str, Any]) -> tuple[str, RuleForm]:
    """The form that shows a rule, and its name."""
    name = kind
    if kind == "rate" and params.get("to") is not None:
        name = "time_to"
    elif kind == "digital" and params.get("count") is not None:
        name = "cycling"
    return name, FORMS.get(name, FORMS["limit"])


def form_of_rule(rule: AlertRule) -> tuple[str, RuleForm]:
    """The form of a rule as it stands."""
    return form_of(rule.kind, rule.params)
