"""Filters of a list: what fields can be asked, as documented and as requests obey (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from hub.api import strict
from hub.api.problems import refuse
from hub.api.schemas import CLOCK, INSTANT, STORABLE, Schema, component, ref, value_schema
from hub.register.fields import Field, Resource
from hub.register.query import ASKED, MOST_FILTERS, UNSORTED

#: Parameters of a list that are no filters.
WORDS: Final = frozenset({"q", "sort", "cursor", "limit"})
#: Characters of one parameter.
LONGEST: Final = 4000
#: Something to see, and nothing a line cannot hold.
WORDS_OF_A_LINE: Final = r"^[^\u0000-\u001f\u007f]*[^\s\u0000-\u001f\u007f][^\u0000-\u001f\u007f]*$"
_ASK_TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": WORDS_OF_A_LINE}
_ASK_NUMBER: Schema = {"type": "string", "pattern": r"^-?\d{1,12}(\.\d{1,10})?$"}
#: Schemas of what is asked, by kind of field; texts of an address all.
ASK_SCHEMAS: Final[dict[str, Schema]] = {
    "AskText": _ASK_TEXT,
    "AskPart": _ASK_TEXT | {"maxLength": 100},
    "AskNumber": _ASK_NUMBER,
    "AskBoolean": {"type": "boolean"},
    "AskDate": {"type": "string", "format": "date"},
    "AskInstant": {"type": "string", "format": "date-time", "pattern": INSTANT},
    "AskTime": {"type": "string", "pattern": CLOCK},
    "AskId": {"type": "string", "format": "uuid"},
    "AskSeveral": {"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": STORABLE},
}
_KINDS: Final = {
    "decimal": "AskNumber",
    "double": "AskNumber",
    "boolean": "AskBoolean",
    "date": "AskDate",
    "instant": "AskInstant",
    "time": "AskTime",
    "reference": "AskId",
    "uuid": "AskId",
}


def asked(resource: Resource) -> Iterator[tuple[Field, str]]:
    """Every field of a table with each thing that it can be asked."""
    for field in resource.readable:
        for op in ASKED[field.kind]:
            if field.nullable or op != "is_null":
                yield field, op


def name_of(field: Field, op: str) -> str:
    """How an address names a condition."""
    return field.name if op == "eq" else f"{field.name}__{op}"


def filter_schema(resource: Resource) -> Schema:
    """The object whose members are a list's conditions, each a parameter of its own."""
    return {
        "type": "object",
        "description": f"At most {MOST_FILTERS} conditions; all of them hold for the rows listed.",
        "properties": {name_of(field, op): _ask(field, op) for field, op in asked(resource)},
        "additionalProperties": False,
        "maxProperties": MOST_FILTERS,
    }


def _ask(field: Field, op: str) -> Schema:
    if op == "is_null":
        return ref("AskBoolean")
    if op == "contains":
        return ref("AskPart")
    if op == "in":
        return ref("AskSeveral")
    if field.kind in {"choice", "integer"} or field.holds is int:
        return value_schema(field)
    return ref(_KINDS.get(field.kind, "AskText"))


def parameters(resource: Resource, *, facets: bool) -> list[dict[str, Any]]:
    """Parameters that choose and order the rows of a list."""
    sortable = [f.name for f in resource.readable if f.kind not in UNSORTED]
    given: list[dict[str, Any]] = [
        {
            "name": "filter",
            "in": "query",
            "style": "form",
            "explode": True,
            "description": "Conditions, each as a parameter: `?status=producing&depth__gte=100`.",
            "schema": ref(component(resource.name, "Filter")),
        },
        {
            "name": "sort",
            "in": "query",
            "description": "Field to order by; with - in front the last first.",
            "schema": {"type": "string", "enum": [*sortable, *(f"-{name}" for name in sortable)]},
        },
    ]
    if resource.searchable:
        words = ref("AskText")
        found = {"name": "q", "in": "query", "description": "Words to search for.", "schema": words}
        given.append(found)
    if facets and resource.facets:
        given.append(_facets(resource))
    return given


def _facets(resource: Resource) -> dict[str, Any]:
    names = {"type": "string", "enum": list(resource.facets)}
    return {
        "name": "facets",
        "in": "query",
        "style": "form",
        "explode": False,
        "description": "Fields whose values to count, with commas between.",
        "schema": {"type": "array", "items": names, "minItems": 1, "uniqueItems": True},
    }


def check(resource: Resource, pairs: Iterable[tuple[str, str]]) -> None:
    """Refuse parameters that are blank, or not of the form the document gives them."""
    faults: dict[str, str] = {}
    for name, value in pairs:
        sentence = _fault(resource, name, value)
        if sentence:
            faults.setdefault(name[:60], sentence)
    if faults:
        refuse(faults)


def _fault(resource: Resource, name: str, value: str) -> str | None:
    if not value.strip():
        return f"{name[:60]} is empty; leave it out."
    if len(value) > LONGEST:
        return f"{name[:60]} takes at most {LONGEST:,} characters."
    field_name, _, op = name.partition("__")
    field = resource.fields.get(field_name)
    if name == "q" and not strict.PLAIN.fullmatch(value):
        return "q takes 1 to 200 plain characters to search for."
    if name in WORDS or field is None or op in {"in", "contains"}:
        return None
    if op == "is_null":
        return None if value in {"true", "false"} else f"{name} takes true or false."
    return strict.text_fault(field, value)
