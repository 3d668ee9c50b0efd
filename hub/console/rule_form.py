"""The form of a limit rule: four levels as fields, and faults brought to the field they concern."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from agent.contract.alarm_kinds import SIDED as LEVELS
from agent.contract.alarm_rules import LONGEST_DELAY_S, RuleError, parse_rule
from hub.console.forms import Form
from hub.schema import AlertRule

PARTS = ("setpoint", "deadband", "on_delay_s", "off_delay_s")
WORDS = ("cause", "consequence", "action")
LONGEST_WORDS = 1000
#: What a new level is offered: off-delay does most against chattering, so none goes without.
USUAL = {"on_delay_s": "10", "off_delay_s": "300", "deadband": "0"}
USUAL_PRIORITY = {"lolo": "2", "lo": "3", "hi": "3", "hihi": "2"}


def read_rule(form: Form) -> dict[str, Any]:
    """What the form says, checked by the evaluator's own reader; faults stand in the form."""
    params = {"levels": {name: read for name in LEVELS if (read := _level(form, name))}}
    values: dict[str, Any] = {
        "name": form.text("name", required=True, longest=120),
        "enabled": form.raw("enabled") == "yes",
        "params": params,
        "respond_within_s": _minutes(form),
    }
    values |= {word: form.text(word, longest=LONGEST_WORDS) for word in WORDS}
    if not form.faults:
        _check(form, params)
    return values


def _level(form: Form, name: str) -> dict[str, Any]:
    """One level's parameters; none where its setpoint is empty."""
    longest = float(LONGEST_DELAY_S)
    setpoint = form.number(f"{name}-setpoint")
    others = {
        "deadband": form.number(f"{name}-deadband", low=0),
        "on_delay_s": form.number(f"{name}-on_delay_s", low=0, high=longest),
        "off_delay_s": form.number(f"{name}-off_delay_s", low=0, high=longest),
    }
    if setpoint is None:
        return {}
    priority = form.choice(f"{name}-priority", ("1", "2", "3", "4"))
    known = {key: value for key, value in others.items() if value is not None}
    return {"setpoint": setpoint, "priority": int(priority or 4), **known}


def _minutes(form: Form) -> int | None:
    minutes = form.number("respond_within", low=1, high=60 * 24 * 30)
    return None if minutes is None else round(minutes * 60)


def _check(form: Form, params: Mapping[str, Any]) -> None:
    try:
        parse_rule("limit", params)
    except RuleError as fault:
        place_faults(form, fault.faults)


def place_faults(form: Form, sentences: Iterable[str]) -> None:
    """Bring each sentence to the level it names first; what names none concerns the whole rule."""
    for sentence in sentences:
        word = sentence.replace(":", " ").split()[0]
        form.fault(f"{word}-setpoint" if word in LEVELS else "levels", sentence)


def known_values(rule: AlertRule) -> dict[str, str]:
    """The form's fields as a rule has them."""
    values = {word: getattr(rule, word) for word in ("name", *WORDS)}
    values |= {"enabled": "yes" if rule.enabled else "", "row_version": str(rule.row_version)}
    if rule.respond_within_s:
        values["respond_within"] = f"{rule.respond_within_s / 60:g}"
    for name, level in rule.params.get("levels", {}).items():
        for part in (*PARTS, "priority"):
            if level.get(part) is not None:
                values[f"{name}-{part}"] = f"{level[part]:g}"
    return blank_values() | values


def blank_values() -> dict[str, str]:
    """The form's fields for a new rule: delays that keep a wavering gauge from waking people."""
    blank = {"enabled": "yes", "name": ""}
    for name in LEVELS:
        blank |= {f"{name}-{part}": text for part, text in USUAL.items()}
        blank[f"{name}-priority"] = USUAL_PRIORITY[name]
    return blank
