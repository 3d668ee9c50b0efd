"""The operations of one table as OpenAPI describes them: paths, parameters, every status (pure)."""

from __future__ import annotations

from typing import Any

from hub.api.bodies import JSON, MERGE_PATCH
from hub.api.common import (
    ETAG,
    LINK,
    LOCATION,
    REPLAYED,
    UNCHANGED,
    answer,
    header,
    refusals,
)
from hub.api.filters import parameters
from hub.api.schemas import IDENTITY, Schema, component, ref
from hub.api.tables import CSV, XLSX, numbered, possible
from hub.register.fields import Resource
from hub.register.revealing import revealable

Operation = dict[str, Any]

BY_KEY = {"$ref": "#/components/parameters/IdempotencyKey"}
IF_MATCH = {"$ref": "#/components/parameters/IfMatch"}
IF_NONE_MATCH = {"$ref": "#/components/parameters/IfNoneMatch"}
FILE: Schema = {"type": "string", "format": "binary"}


def query(name: str, description: str, schema: Schema, **more: Any) -> Operation:
    """A query parameter."""
    return {"name": name, "in": "query", "description": description, "schema": schema} | more


FLAG: Schema = {"type": "boolean", "default": False}
PARAMETERS: dict[str, Operation] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "A name of your own for this change; a repeat gets the first answer.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "required": True,
        "description": "ETag of the row as you read it, or * for whatever it is now.",
        "schema": {"type": "string"},
        "example": "*",
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "ETag you have; 304 when it still stands.",
        "schema": {"type": "string"},
    },
    "Cursor": query(
        "cursor",
        "From `next` or `previous` of a page; use those addresses whole.",
        {"type": "string", "maxLength": 2000},
    ),
    "Limit": query(
        "limit", "Rows of a page.", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
    ),
    "Count": query("count", "Also tell how many rows there are, up to 10,000.", FLAG),
    "Titles": query("titles", "Also tell the titles of the rows that references name.", FLAG),
    "DryRun": query(
        "dry_run",
        "true: only tell what would be done. false: do it, all or nothing.",
        {"type": "boolean", "default": True},
    ),
    "Before": query(
        "before",
        "Only changes with a smaller id; use `next` of a page.",
        {"type": "integer", "minimum": 1, "maximum": 999_999_999},
    ),
    "HistoryLimit": query(
        "limit",
        "How many changes, the newest first.",
        {"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
    ),
}


def of_table(resource: Resource) -> dict[str, Operation]:
    """Paths of one table with their operations."""
    name, at = resource.name, f"/{resource.name}"
    one = f"{at}/{{id}}"
    key = {"parameters": [_key(resource)]}
    paths: dict[str, Operation] = {
        at: {"get": _list(resource)},
        one: key | {"get": _read(resource)},
        f"{one}/history": key | {"get": _history(resource)},
    }
    if possible(name, "export"):
        paths |= {f"{at}.csv": {"get": _file(resource, "csv", CSV)}}
        paths |= {f"{at}.xlsx": {"get": _file(resource, "xlsx", XLSX)}}
    if possible(name, "add"):
        paths[at]["post"] = _create(resource)
        paths[f"{at}/import"] = {"post": _import(resource)}
    if possible(name, "edit") or possible(name, "approve"):
        paths[one]["patch"] = _change(resource)
    if possible(name, "remove"):
        paths[one]["delete"] = _remove(resource)
    if revealable(resource) and possible(name, "reveal"):
        paths[f"{one}/reveal/{{field}}"] = key | {"post": _reveal(resource)}
    return paths


def _key(resource: Resource) -> Operation:
    whole = numbered(resource)
    schema: Schema = {"type": "integer", "minimum": 1} if whole else {"type": "string"}
    example = 17 if whole else IDENTITY
    kind = schema if whole else schema | {"format": "uuid"}
    return {
        "name": "id",
        "in": "path",
        "required": True,
        "description": f"Id of the {resource.singular}.",
        "schema": kind,
        "example": example,
    }


def _operation(resource: Resource, verb: str, summary: str, **more: Any) -> Operation:
    named = {"operationId": f"{verb}_{resource.name}", "tags": [resource.group]}
    return named | {"summary": summary} | more


def _shared(*names: str) -> list[Operation]:
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def _list(resource: Resource) -> Operation:
    page = answer(
        f"A page of {resource.plural.lower()}.",
        ref(component(resource.name, "Page")),
        ETag=ETAG,
        Link=LINK,
    )
    given = [*_shared("Cursor", "Limit", "Count", "Titles"), IF_NONE_MATCH]
    return _operation(
        resource,
        "list",
        f"List {resource.plural.lower()}",
        description=resource.help,
        parameters=given + parameters(resource, facets=True),
        responses={"200": page, "304": UNCHANGED} | refusals(422),
    )


def _file(resource: Resource, ending: str, kind: str) -> Operation:
    named = header("attachment, with a file name.")
    return _operation(
        resource,
        f"export_{ending}",
        f"Take {resource.plural.lower()} away as {ending.upper()}",
        description="The same filters, search and order as the list; all rows of them.",
        parameters=parameters(resource, facets=False),
        responses={"200": answer("The file.", FILE, kind, Content_Disposition=named)}
        | refusals(422),
    )


def _read(resource: Resource) -> Operation:
    row = answer(f"The {resource.singular}.", ref(component(resource.name)), ETag=ETAG)
    return _operation(
        resource,
        "read",
        f"Read one {resource.singular}",
        parameters=[IF_NONE_MATCH],
        responses={"200": row, "304": UNCHANGED} | refusals(404, 422),
    )


def _history(resource: Resource) -> Operation:
    return _operation(
        resource,
        "history",
        f"What happened to one {resource.singular}",
        parameters=_shared("HistoryLimit", "Before"),
        responses={"200": answer("The newest change first.", ref("History"))} | refusals(404, 422),
    )


def _json(schema: Schema, *kinds: str) -> Operation:
    return {"required": True, "content": {kind: {"schema": schema} for kind in kinds}}


def _create(resource: Resource) -> Operation:
    made = answer(
        f"The new {resource.singular}.",
        ref(component(resource.name)),
        ETag=ETAG,
        Location=LOCATION,
        Idempotency_Replayed=REPLAYED,
    )
    return _operation(
        resource,
        "create",
        f"Add a {resource.singular}",
        parameters=[BY_KEY],
        requestBody=_json(ref(component(resource.name, "Create")), JSON),
        responses={"201": made} | refusals(400, 409, 413, 415, 422),
    )


def _change(resource: Resource) -> Operation:
    row = answer("The row as it is now.", ref(component(resource.name)), ETag=ETAG)
    return _operation(
        resource,
        "change",
        f"Change a {resource.singular}",
        description="RFC 7396: send the fields that change; null empties one.",
        parameters=[IF_MATCH],
        requestBody=_json(ref(component(resource.name, "Patch")), MERGE_PATCH, JSON),
        responses={"200": row} | refusals(400, 404, 409, 412, 413, 415, 422, 428),
    )


def _remove(resource: Resource) -> Operation:
    return _operation(
        resource,
        "delete",
        f"Delete a {resource.singular}",
        parameters=[IF_MATCH],
        responses={"204": {"description": "It is gone; its history stays."}}
        | refusals(400, 404, 409, 412, 422, 428),
    )


def _import(resource: Resource) -> Operation:
    told = answer("What is, or would be, done.", ref("ImportReport"), Idempotency_Replayed=REPLAYED)
    return _operation(
        resource,
        "import",
        f"Take in {resource.plural.lower()} from a CSV or XLSX file",
        parameters=[*_shared("DryRun"), BY_KEY],
        requestBody={"required": True, "content": {CSV: {"schema": FILE}, XLSX: {"schema": FILE}}},
        responses={"200": told} | refusals(400, 409, 413, 415, 422),
    )


def _reveal(resource: Resource) -> Operation:
    field = {
        "name": "field",
        "in": "path",
        "required": True,
        "description": "The sealed field.",
        "schema": {"type": "string", "enum": revealable(resource)},
    }
    return _operation(
        resource,
        "reveal",
        f"See one sealed value of a {resource.singular}; the trail keeps who did",
        parameters=[field],
        responses={"200": answer("The value, once.", ref("Revealed"))} | refusals(404, 422),
    )
