"""The form of a rule: levels and settings as fields; each fault stands at the field it concerns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from agent.contract.alarm_rules import LONGEST_DELAY_S, RuleError
from hub.alerts import rules as book
from hub.alerts.kinds.office import Setting
from hub.alerts.rule_checks import NEEDED
from hub.console.forms import Form
from hub.console.rule_fields import SIDED, RuleForm, form_of_rule
from hub.schema import AlertRule

PARTS: Final = ("setpoint", "deadband", "on_delay_s", "off_delay_s")
WORDS: Final = ("cause", "consequence", "action")
FLAGS: Final = ("latch", "capture_fleeting", "advisory")
LONGEST_WORDS: Final = 1000
#: What a new level is offered: off-delay does most against chattering, so none goes without.
USUAL: Final = {"on_delay_s": "10", "off_delay_s": "300", "deadband": "0"}
USUAL_PRIORITY: Final = {"lolo": "2", "lo": "3", "hi": "3", "hihi": "2", "alarm": "3"}
_REFERENCE: Final = re.compile(
    r"(?P<of>[a-z][a-z_]+)(?:\s*\*\s*(?P<times>[\d.]+))?(?:\s*(?P<sign>[+-])\s*(?P<plus>[\d.]+))?"
)
#: A fault of the whole rule that names one of these belongs to its field.
_SENTENCE_FIELDS: Final = re.compile(r"(?:The rule: )?([a-z_]+)[: ]")


def read_rule(form: Form, shape: RuleForm) -> dict[str, Any]:
    """What the form says, checked by the evaluator's own reader; faults stand in the form."""
    advisory = form.raw("advisory") == "yes"
    needed = not advisory
    values: dict[str, Any] = {
        "name": form.text("name", required=True, longest=120),
        "enabled": form.raw("enabled") == "yes",
        "params": read_params(form, shape),
        "respond_within_s": _minutes(form, required=needed),
    }
    values |= {name: form.raw(name) == "yes" for name in FLAGS}
    for word in WORDS:
        values[word] = form.text(word, longest=LONGEST_WORDS)
        if needed and not values[word]:
            form.fault(word, NEEDED[word])
    if "params" in values and not set(form.faults) - {*WORDS, "respond_within", "name"}:
        check_params(form, shape, values["params"])
    return values


def read_params(form: Form, shape: RuleForm) -> dict[str, Any]:
    """The parameters as typed: what cannot be read is a fault of the form."""
    params: dict[str, Any] = dict(shape.fixed or {})
    for setting in shape.settings:
        value = _setting(form, setting)
        if value is not None:
            params[setting.name] = value
    if shape.levels:
        levels = {name: read for name in shape.levels if (read := _level(form, shape, name))}
        params["levels"] = levels
    return params


def _setting(form: Form, setting: Setting) -> Any:
    name = f"set-{setting.name}"
    if setting.form == "flag":
        return True if form.raw(name) == "yes" else None
    if setting.form == "choice":
        return form.choice(name, setting.choices)
    if setting.form == "text":
        return form.text(name, longest=2000, required=True) or None
    if setting.form == "clock":
        return form.text(name, longest=8) or None
    if setting.form == "list":
        return _numbers(form, name)
    return _number_or_reference(form, name)


def _numbers(form: Form, name: str) -> list[float] | None:
    found: list[float] = []
    for word in form.raw(name).replace(";", ",").split(","):
        try:
            found += [float(word)] if word.strip() else []
        except ValueError:
            form.fault(name, f"“{word.strip()[:40]}” is not a number.")
    return found or None


def _number_or_reference(form: Form, name: str, **span: float) -> float | dict[str, Any] | None:
    """A number; or words like `tank_height - 1`, that follow an attribute of what is watched."""
    words = form.raw(name)
    found = _REFERENCE.fullmatch(words.lower())
    if found is None or words.lower() in {"nan", "inf", "infinity"} or "_" not in found["of"]:
        return form.number(name, **span)
    reference: dict[str, Any] = {"of": found["of"]}
    if found["times"]:
        reference["times"] = float(found["times"])
    if found["plus"]:
        reference["plus"] = float(found["plus"]) * (-1 if found["sign"] == "-" else 1)
    return reference


def _level(form: Form, shape: RuleForm, name: str) -> dict[str, Any]:
    """One level's parameters; none where its setpoint is empty."""
    longest = float(LONGEST_DELAY_S)
    others = {
        "on_delay_s": form.number(f"{name}-on_delay_s", low=0, high=longest),
        "off_delay_s": form.number(f"{name}-off_delay_s", low=0, high=longest),
    }
    if shape.setpoint:
        others["deadband"] = form.number(f"{name}-deadband", low=0)
        setpoint = _number_or_reference(form, f"{name}-setpoint")
        if setpoint is None:
            return {}
        others |= {"setpoint": setpoint}  # type: ignore[dict-item]
    priority = form.choice(f"{name}-priority", ("1", "2", "3", "4"))
    known = {key: value for key, value in others.items() if value is not None}
    return {"priority": int(priority or 4), **known}


def _minutes(form: Form, *, required: bool) -> int | None:
    minutes = form.number("respond_within", low=1, high=60 * 24 * 30)
    if minutes is None and required:
        form.fault("respond_within", NEEDED["respond_within_s"])
    return None if minutes is None else round(minutes * 60)


def check_params(form: Form, shape: RuleForm, params: Mapping[str, Any]) -> None:
    """Let the kind's own reader find what is wrong."""
    try:
        book.normal(shape.kind, params)
    except RuleError as fault:
        place_faults(form, shape, fault.faults)


def place_faults(form: Form, shape: RuleForm, sentences: Iterable[str]) -> None:
    """Bring each sentence to the field it names first; what names none concerns the whole rule."""
    settings = {setting.name for setting in shape.settings}
    for sentence in sentences:
        found = _SENTENCE_FIELDS.match(sentence)
        word = found[1] if found else ""
        if word in shape.levels:
            place = f"{word}-setpoint" if shape.setpoint else f"{word}-on_delay_s"
        else:
            place = f"set-{word}" if word in settings else "levels"
        form.fault(place, sentence)


def known_values(rule: AlertRule) -> dict[str, str]:
    """The form's fields as a rule has them."""
    _, shape = form_of_rule(rule)
    values = {word: getattr(rule, word) for word in ("name", *WORDS)}
    values |= {name: "yes" if getattr(rule, name) else "" for name in (*FLAGS, "enabled")}
    values["row_version"] = str(rule.row_version)
    if rule.respond_within_s:
        values["respond_within"] = f"{rule.respond_within_s / 60:g}"
    return blank_values(shape) | values | values_of(rule.params)


def values_of(params: Mapping[str, Any]) -> dict[str, str]:
    """The form's fields of a rule's parameters."""
    values: dict[str, str] = {}
    for name, value in params.items():
        if name != "levels":
            values[f"set-{name}"] = in_words(value)
    for name, level in params.get("levels", {}).items():
        for part in (*PARTS, "priority"):
            if level.get(part) is not None:
                values[f"{name}-{part}"] = in_words(level[part])
    return values


def in_words(value: Any) -> str:
    """A parameter as people type it."""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, int | float):
        return f"{value:.10g}"
    if isinstance(value, Mapping) and "of" in value:
        times, plus = value.get("times", 1), value.get("plus", 0)
        factor = "" if times == 1 else f" * {times:g}"
        return f"{value['of']}{factor}" + (
            f" {'-' if plus < 0 else '+'} {abs(plus):g}" if plus else ""
        )
    if isinstance(value, list):
        return ", ".join(in_words(one) for one in value)
    return str(value)


def blank_values(shape: RuleForm) -> dict[str, str]:
    """The form's fields for a new rule: delays that keep a wavering gauge from waking people."""
    blank = {"enabled": "yes", "name": ""}
    for name in shape.levels or SIDED:
        blank |= {f"{name}-{part}": text for part, text in USUAL.items()}
        blank[f"{name}-priority"] = USUAL_PRIORITY[name]
    return blank | {f"set-{setting.name}": setting.usual for setting in shape.settings}
