"""Alert rules as programs send and read them: fields, what each takes, and what is told beside."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from hub.alerts.rule_checks import NEEDED, Checked
from hub.alerts.rule_reach import to_json
from hub.api.common import AT, TEXT, UUID, record
from hub.api.problems import refuse
from hub.schema import AlertRule
from hub.schema.alerting import OFFICE_KINDS, SAMPLE_KINDS, SCOPES

Values = dict[str, Any]
LONGEST_NAME: Final = 120
LONGEST_WORDS: Final = 1000
LONGEST_RESPOND_S: Final = 30 * 86_400
KINDS: Final = (*SAMPLE_KINDS, *OFFICE_KINDS)

_FLAG: Final = {"type": "boolean"}
_WORDS: Final = {"type": "string", "maxLength": LONGEST_WORDS}
_NAME: Final = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}
_PARAMS: Final = {"type": "object", "description": "As docs/alerts.md tells, by kind."}
_RESPOND: Final = {
    "type": ["integer", "null"],
    "minimum": 60,
    "maximum": LONGEST_RESPOND_S,
    "x-unit": "s",
}
_OR_NONE: Final = {"type": ["string", "null"]}
_TAG: Final = {"type": ["integer", "null"], "minimum": 1, "maximum": 2**31 - 1}

#: What can be said of a rule at any time.
CHANGED: Final[Mapping[str, Mapping[str, Any]]] = {
    "name": _NAME,
    "params": _PARAMS,
    "enabled": _FLAG,
    "cause": _WORDS,
    "consequence": _WORDS,
    "action": _WORDS,
    "respond_within_s": _RESPOND,
    "latch": _FLAG,
    "capture_fleeting": _FLAG,
    "advisory": _FLAG,
}
#: What is said once: what it looks at and where.
PLACED: Final[Mapping[str, Mapping[str, Any]]] = {
    "kind": {"type": "string", "enum": list(KINDS)},
    "scope": {"type": "string", "enum": list(SCOPES), "default": "tag"},
    "tag_id": _TAG,
    "well_id": _OR_NONE | {"format": "uuid"},
    "equipment_class": _OR_NONE | {"maxLength": LONGEST_NAME},
    "measure": _OR_NONE | {"maxLength": LONGEST_NAME},
    "unit": _OR_NONE | {"maxLength": LONGEST_NAME},
}
_KEPT: Final[Mapping[str, Mapping[str, Any]]] = {
    "id": UUID,
    "version": {"type": "integer", "description": "Counts what changed its judgement."},
    "parent_id": _OR_NONE | {"format": "uuid"},
    "detached": _FLAG,
    "template": _OR_NONE,
    "faulted_at": AT | {"type": ["string", "null"]},
    "fault": _OR_NONE,
    "created_at": AT,
    "updated_at": AT,
    "row_version": {"type": "integer"},
}
FIELDS: Final = (*_KEPT, *PLACED, *CHANGED)
TOLD: Final = record(
    {
        "priority": {"type": "integer", "minimum": 1, "maximum": 4},
        "turns": {
            "type": "array",
            "items": record(
                {
                    "who": TEXT,
                    "by": {"type": "array", "items": TEXT},
                    "after_s": {"type": "integer", "x-unit": "s"},
                    "note": TEXT,
                }
            ),
        },
    }
)
ROW: Final = record({name: dict(s) for name, s in {**_KEPT, **PLACED, **CHANGED}.items()})
ONE: Final = record(
    {
        **ROW["properties"],
        "faults": {"type": "array", "items": TEXT},
        "warnings": {"type": "array", "items": TEXT},
        "told": {"type": "array", "items": TOLD},
    }
)


def row(rule: AlertRule) -> Values:
    """A rule as it stands."""
    return {name: getattr(rule, name) for name in FIELDS}


def whole(rule: AlertRule, checked: Checked) -> Values:
    """A rule with what is wrong with it, what should be known, and who would be told."""
    beside = {"faults": checked.faults, "warnings": checked.warnings}
    return row(rule) | beside | {"told": to_json(checked.told)}


def read(sent: Mapping[str, Any], takes: Mapping[str, Mapping[str, Any]]) -> Values:
    """What was sent, each field as its kind takes it; raises `Problem` with every fault."""
    faults: dict[str, str] = {}
    values: Values = {}
    for name, given in sent.items():
        if name not in takes:
            faults[name[:60]] = f"{name[:60]} cannot be given here; use {', '.join(takes)}."
            continue
        sentence = _fault(name, given, takes[name])
        if sentence:
            faults[name] = sentence
        else:
            values[name] = plain(given)
    if faults:
        refuse(faults)
    return values


def needs_words(values: Mapping[str, Any]) -> dict[str, str]:
    """Fields an alarm cannot do without, each with why; advice can."""
    if values.get("advisory"):
        return {}
    return {name: why for name, why in NEEDED.items() if not values.get(name)}


def plain(value: Any) -> Any:
    """Numbers as a rule's parameters hold them: JSON's own."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list) else value


_IS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, Mapping),
    "null": lambda value: value is None,
}
_WORD: Final = {"string": "text", "integer": "a whole number", "boolean": "true or false"}


def _fault(name: str, given: Any, schema: Mapping[str, Any]) -> str:
    """What is wrong with a value; empty when it can be taken."""
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(_IS[kind](given) for kind in kinds):
        return f"{name} must be {_WORD.get(kinds[0], 'an object')}."
    if "enum" in schema and given not in schema["enum"]:
        return f"{name} must be one of {', '.join(schema['enum'])}."
    if isinstance(given, str):
        return _text_fault(name, given, schema)
    low, high = schema.get("minimum"), schema.get("maximum")
    if isinstance(given, int) and low is not None and high is not None and not low <= given <= high:
        return f"{name} must be from {low} to {high}."
    return ""


def _text_fault(name: str, given: str, schema: Mapping[str, Any]) -> str:
    if len(given) > schema.get("maxLength", LONGEST_WORDS):
        return f"{name} must be at most {schema.get('maxLength', LONGEST_WORDS)} characters."
    if schema.get("minLength") and not given.strip():
        return f"{name} is needed."
    if schema.get("format") == "uuid":
        try:
            uuid.UUID(given)
        except ValueError:
            return f"{name} must be an id."
    return ""
