"""JSON in and out: strict about what it takes, exact about numbers (pure).

Numbers with a point arrive as `Decimal`, never as binary fractions; NaN, infinities, a key given
twice, text the database cannot keep (U+0000, half of a surrogate pair) are refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from hub.api.problems import MALFORMED, MEDIA, Problem, refuse

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
DEEPEST = 20


class _UnreadableError(ValueError):
    """A text that is no JSON we take; its words say why."""


def read_object(body: bytes, media_type: str, *allowed: str) -> dict[str, Any]:
    """Read a request's JSON object.

    Raises `Problem`: 415 for another media type, 400 for text that is no JSON, 422 for JSON that is
    no object.
    """
    if media_type not in allowed:
        kinds = " or ".join(allowed)
        sentence = f"This address takes {kinds}; what was sent is {media_type or 'untyped'}."
        raise Problem(MEDIA, sentence, headers={"Accept-Post": ", ".join(allowed)})
    found = _parse(body)
    if not isinstance(found, dict):
        refuse({}, "The body must be a JSON object: names of fields with their values.")
    _check_texts(found)
    return found


def _parse(body: bytes) -> Any:
    try:
        return json.loads(
            body.decode("utf-8"),
            parse_float=_decimal,
            parse_constant=_no_constant,
            object_pairs_hook=_pairs,
        )
    except UnicodeDecodeError:
        raise Problem(MALFORMED, "The body is not UTF-8 text.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Problem(MALFORMED, f"The body is not JSON: {error.msg} at {where}.") from None
    except _UnreadableError as error:
        raise Problem(MALFORMED, f"The body is not JSON that can be taken: {error}.") from None
    except (ValueError, RecursionError):
        raise Problem(
            MALFORMED, "The body holds a number too long or is nested too deep."
        ) from None


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise _UnreadableError(f"{text[:40]} is no number") from None


def _no_constant(text: str) -> Any:
    raise _UnreadableError(f"{text} is no number in JSON")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _UnreadableError(f"“{twice[:60]}” stands there twice")
    return found


def _check_texts(found: dict[str, Any]) -> None:
    faults = {}
    for name, value in found.items():
        if not _keepable(name):
            refuse({}, "A field's name holds a character that cannot be stored.")
        for text, depth in _texts(value):
            if depth > DEEPEST:
                faults[name] = f"{name} is nested deeper than {DEEPEST} levels."
                break
            if not _keepable(text):
                faults[name] = (
                    f"{name} holds a character that cannot be stored (U+0000 or half a pair)."
                )
                break
    if faults:
        refuse(faults)


def _texts(value: Any, depth: int = 0) -> Iterator[tuple[str, int]]:
    """Every text in a value with its depth; too deep a value yields one and ends there."""
    if depth > DEEPEST:
        yield "", depth
    elif isinstance(value, str):
        yield value, depth
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, depth + 1)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name, depth
            yield from _texts(item, depth + 1)


def _keepable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def write(value: Any) -> bytes:
    """Write JSON as UTF-8."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
