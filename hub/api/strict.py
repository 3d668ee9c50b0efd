"""What JSON may say for a field: the form its schema documents, nothing near it (pure).

Forms and spreadsheets are read generously, because people typed them. A program is told at once
that “3/31/2026” or “yes” is not what it meant; `hub.register.values` then judges the value itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from hub.api.schemas import CLOCK
from hub.api.tables import largest
from hub.register.fields import Field

DECIMAL: Final = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")
#: What an address may ask of numbers and words.
ASKED: Final = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,10})?")
WHOLE: Final = re.compile(r"-?[0-9]{1,19}")
PLAIN: Final = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,200}")
DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
TIME: Final = re.compile(CLOCK, flags=re.ASCII)
UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def fault(field: Field, raw: Any) -> str | None:
    """Why a JSON value is not of the form its field takes; None when it is, or is null."""
    if raw is None:
        return None if field.nullable else f"{field.name} cannot be null."
    if field.kind == "array":
        return _array(field, raw)
    if field.choices and field.kind == "choice":
        known = isinstance(raw, str) and raw in field.choices
        return None if known else f"{field.name} takes one of {', '.join(field.choices)}."
    if _kind(field) == "integer":
        return _integer(field, raw)
    takes, form = FORMS[_kind(field)]
    return None if takes(raw) else f"{field.name} takes {form}."


def text_fault(field: Field, text: str) -> str | None:
    """Why the text of a parameter is not of the form its field takes; None when it is."""
    kind = _kind(field)
    if kind == "integer":
        return _integer(field, int(text) if WHOLE.fullmatch(text) else text)
    if kind in {"double", "decimal"}:
        return None if ASKED.fullmatch(text) else f"{field.name} takes a number like 1234.5."
    if kind in {"text", "long_text"}:
        return None if PLAIN.fullmatch(text) else f"{field.name} takes 1 to 200 plain characters."
    if kind == "boolean":
        return None if text in {"true", "false"} else f"{field.name} takes true or false."
    if kind == "instant":
        text = text.replace(" ", "+")  # what an unescaped plus has become
    return fault(field, text)


def plain(field: Field, raw: Any) -> Any:
    """A JSON value as the register takes it: inside of JSON fields, numbers are JSON's own."""
    return _floats(raw) if field.kind == "json" else raw


def _kind(field: Field) -> str:
    if field.kind == "reference":
        return "integer" if field.holds is int else "uuid"
    return field.kind


def _integer(field: Field, raw: Any) -> str | None:
    most = largest(field)
    known = _whole(raw) and -most - 1 <= raw <= most
    return None if known else f"{field.name} takes a whole number from {-most - 1} to {most}."


def _array(field: Field, raw: Any) -> str | None:
    takes, form = FORMS[field.item or "text"]
    if not isinstance(raw, list) or not all(takes(item) for item in raw):
        return f"{field.name} takes a list, each entry {form}."
    strange = [item for item in raw if field.choices and item not in field.choices]
    return f"{field.name} takes of {', '.join(field.choices)} only." if strange else None


def _floats(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [_floats(item) for item in value]
    if isinstance(value, dict):
        return {name: _floats(item) for name, item in value.items()}
    return value


def _number(raw: Any) -> bool:
    return isinstance(raw, int | Decimal) and not isinstance(raw, bool)


def _whole(raw: Any) -> bool:
    if isinstance(raw, Decimal):
        return abs(raw) < 2**63 and raw == raw.to_integral_value()
    return isinstance(raw, int) and not isinstance(raw, bool)


def _text_of(form: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda raw: isinstance(raw, str) and form.fullmatch(raw) is not None


def _is_text(raw: Any) -> bool:
    return isinstance(raw, str)


FORMS: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "text": (_is_text, "text"),
    "long_text": (_is_text, "text"),
    "choice": (_is_text, "text"),
    "integer": (_whole, "a whole number"),  # of lists; fields of their own have bounds
    "decimal": (
        lambda raw: _number(raw) or (isinstance(raw, str) and bool(DECIMAL.fullmatch(raw))),
        'a decimal number, best as text: "1234.5"',
    ),
    "double": (lambda raw: _number(raw) and math.isfinite(float(raw)), "a number"),
    "boolean": (lambda raw: isinstance(raw, bool), "true or false"),
    "date": (_text_of(DAY), "a day as 2026-03-31"),
    "instant": (_text_of(INSTANT), "an instant with its offset, as 2026-03-31T07:00:00-05:00"),
    "time": (_text_of(TIME), "a time of day as 07:00"),
    "uuid": (_text_of(UUID), "an id: 36 characters, as 01957a7e-9c00-7d3a-8b1e-3f2a6c5d4e01"),
    "json": (lambda _raw: True, "JSON"),
    "binary": (lambda _raw: False, "nothing"),
}
