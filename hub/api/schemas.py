"""JSON Schema (2020-12) of a table from the catalog: as read, as created, as changed (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hub.api.tables import largest
from hub.register.fields import Field, Resource

Schema = dict[str, Any]

INSTANT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$"
CLOCK = r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?$"
STORABLE = r"^[^\u0000\ud800-\udfff]*$"
MOST_DIGITS = 20
IDENTITY = "01957a7e-9c00-7d3a-8b1e-3f2a6c5d4e01"
EXAMPLES: dict[str, Any] = {
    "integer": 3,
    "decimal": "1234.5",
    "double": 12.5,
    "boolean": True,
    "date": "2026-03-31",
    "instant": "2026-03-31T14:02:07Z",
    "time": "07:00",
    "uuid": IDENTITY,
    "reference": IDENTITY,
}
#: What the columns are that every table has.
SHARED: dict[str, str] = {
    "id": "Key of the row.",
    "created_at": "When the row was made.",
    "updated_at": "When the row was last changed.",
    "created_by": "Who made the row.",
    "updated_by": "Who last changed the row.",
    "row_version": "How often the row was written; its ETag begins with it.",
}


def component(table: str, suffix: str = "") -> str:
    """Name of a table's schema among the components."""
    return "".join(word.capitalize() for word in table.split("_")) + suffix


def ref(name: str) -> Schema:
    """A reference to a component schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def value_schema(field: Field) -> Schema:
    """What the values of a field look like, null apart."""
    if field.choices and field.kind == "choice":
        return {"type": "string", "enum": list(field.choices)}
    if field.kind == "decimal":
        return _decimal(field)
    if field.kind == "array":
        return {"type": "array", "items": _items(field)}
    if field.kind == "integer" or field.holds is int:
        return {"type": "integer", "minimum": -largest(field) - 1, "maximum": largest(field)}
    return dict(_KINDS[field.kind]) if field.kind in _KINDS else _text(field)


def _text(field: Field) -> Schema:
    longest = {"maxLength": field.max_length} if field.max_length else {}
    return {"type": "string", "pattern": STORABLE} | longest


def _decimal(field: Field) -> Schema:
    scale = MOST_DIGITS if field.scale is None else field.scale
    whole = MOST_DIGITS if field.precision is None else field.precision - scale
    point = rf"(\.\d{{1,{scale}}})?" if scale else ""
    pattern = rf"^-?\d{{1,{max(whole, 1)}}}{point}$"
    return {"type": "string", "format": "decimal", "pattern": pattern}


def _items(field: Field) -> Schema:
    if field.choices:
        return {"type": "string", "enum": list(field.choices)}
    return dict(_KINDS.get(field.item or "", {"type": "string", "pattern": STORABLE}))


_KINDS: dict[str, Schema] = {
    "double": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "instant": {"type": "string", "format": "date-time"},
    "time": {"type": "string", "pattern": CLOCK},
    "uuid": {"type": "string", "format": "uuid"},
    "reference": {"type": "string", "format": "uuid"},
    "json": {},
}


def _explained(field: Field, schema: Schema) -> Schema:
    """The schema with what people read: title, sentence, unit, table referred to, example."""
    example = EXAMPLES.get(field.kind) if not field.choices and field.holds is not int else None
    told = {
        "title": field.label,
        "description": field.help or SHARED.get(field.name),
        "x-unit": field.unit,
        "x-reference": field.reference,
        "examples": None if example is None else [example],
    }
    return schema | {name: value for name, value in told.items() if value}


def _or_null(field: Field, schema: Schema) -> Schema:
    """The schema, or null where the field may be empty."""
    if not field.nullable or "type" not in schema:
        return schema
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    more: Schema = {"type": [*kinds, "null"]}
    if "enum" in schema:
        more["enum"] = [*schema["enum"], None]
    return schema | more


def served(resource: Resource) -> list[Field]:
    """Fields whose value is served: sealed values and bytes are not."""
    return [field for field in resource.readable if field.kind != "binary"]


def row_schema(resource: Resource) -> Schema:
    """A row as it is read: every field stands there, null where there is nothing."""
    fields = served(resource)
    return {
        "type": "object",
        "title": resource.singular,
        "description": resource.help,
        "properties": {field.name: _read(field) for field in fields},
        "required": [field.name for field in fields],
        "additionalProperties": False,
    }


def _read(field: Field) -> Schema:
    schema = value_schema(field)
    if field.kind == "instant":
        schema["pattern"] = INSTANT
    schema.pop("maxLength", None)
    given = field.editable or field.settable_on_create
    return _explained(field, _or_null(field, schema)) | ({} if given else {"readOnly": True})


def create_schema(resource: Resource) -> Schema:
    """What a new row is made from."""
    fields = [field for field in resource.fields.values() if field.settable_on_create]
    needed = [field.name for field in fields if field.required]
    return _written(resource, fields) | ({"required": needed} if needed else {})


def patch_schema(resource: Resource) -> Schema:
    """What a row can be changed in (RFC 7396: a field left out stays as it is)."""
    return _written(resource, (field for field in resource.fields.values() if field.editable))


def _written(resource: Resource, fields: Iterable[Field]) -> Schema:
    return {
        "type": "object",
        "title": resource.singular,
        "properties": {field.name: _write(field) for field in fields},
        "additionalProperties": False,
    }


def _write(field: Field) -> Schema:
    schema = value_schema(field)
    if field.kind == "decimal":
        schema["type"] = ["string", "number"]
    if not field.nullable and schema.get("type") == "string" and "enum" not in schema:
        schema["minLength"] = 1
    sealed = {"writeOnly": True} if field.sealed else {}
    return _explained(field, _or_null(field, schema)) | sealed
