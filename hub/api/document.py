"""The OpenAPI 3.1 document of the whole API, made from the catalog (pure)."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

from hub.api import alert_acts, bodies, documents, duty_paths, rule_paths
from hub.api.common import (
    LINKED,
    SCHEMAS,
    TEXT,
    UNCHANGED,
    answer,
    problem_responses,
    record,
    refusals,
)
from hub.api.filters import ASK_SCHEMAS, filter_schema
from hub.api.operations import IF_NONE_MATCH, PARAMETERS, of_table, query
from hub.api.schemas import (
    Schema,
    component,
    create_schema,
    patch_schema,
    ref,
    row_schema,
)
from hub.api.tables import possible, served
from hub.api.telemetry import MOST_POINTS, MOST_TAGS, POINTS
from hub.register.fields import Resource

Document = dict[str, Any]

DESCRIPTION = """\
Everything the office keeps, for programs. Decimals are text, so that no digit is lost; instants are
RFC 3339 in UTC; a field without a value is null. Changes ask for the ETag of what was read, and
every refusal is a problem (RFC 9457) with one sentence per field. `docs/api.md` explains it by
example.
"""
COOKIES = ("wellflow", "__Host-wellflow")


@cache
def document() -> Document:
    """The document; the same for everybody, for it tells of tables and not of rows."""
    paths: Document = _paths()
    for resource in served():
        paths |= of_table(resource)
    paths |= documents.paths()
    paths |= alert_acts.paths()
    paths |= rule_paths.paths()
    paths |= duty_paths.paths()
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "WellFlow",
            "version": version("wellflow"),
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"key": []}, *({f"session_{n}": []} for n in range(len(COOKIES)))],
        "tags": [
            {"name": name}
            for name in dict.fromkeys(
                [*(r.group for r in served()), rule_paths.TAG, duty_paths.TAG]
            )
        ],
        "paths": paths,
        "components": _components(),
    }


@cache
def written() -> bytes:
    """The document as it is sent."""
    return bodies.write(document())


def _components() -> Document:
    schemas: dict[str, Schema] = SCHEMAS | ASK_SCHEMAS
    for resource in served():
        schemas |= _of(resource)
    return {
        "schemas": schemas,
        "parameters": PARAMETERS,
        "responses": problem_responses(),
        "securitySchemes": {
            "key": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "wf_<prefix>_<secret>",
                "description": "An API key; it belongs to one operator.",
            }
        }
        | {
            f"session_{n}": {
                "type": "apiKey",
                "in": "cookie",
                "name": name,
                "description": "The console's own session; changes must come from its own pages.",
            }
            for n, name in enumerate(COOKIES)
        },
    }


def _of(resource: Resource) -> dict[str, Schema]:
    name = resource.name
    made = {
        component(name): row_schema(resource),
        component(name, "Page"): page_schema(resource),
        component(name, "Filter"): filter_schema(resource),
    }
    if possible(name, "add"):
        made[component(name, "Create")] = create_schema(resource)
    if possible(name, "edit") or possible(name, "approve"):
        made[component(name, "Patch")] = patch_schema(resource)
    return made


def page_schema(resource: Resource) -> Schema:
    """A page of a list, with what was asked for beside it."""
    counted = {"type": "object", "additionalProperties": {"type": "array", "items": ref("Facet")}}
    titles = {"type": "object", "additionalProperties": TEXT}
    return record(
        {
            "rows": {"type": "array", "items": ref(component(resource.name))},
            "next": LINKED,
            "previous": LINKED,
        },
        count=ref("Count"),
        facets=counted,
        titles={"type": "object", "additionalProperties": titles},
    )


def _paths() -> Document:
    index = record(
        {
            "operator": TEXT,
            "role": TEXT,
            "document": TEXT,
            "tables": {
                "type": "array",
                "items": record({"name": TEXT, "title": TEXT, "group": TEXT, "href": TEXT}),
            },
        }
    )
    return {
        "/": {"get": _plain("index", "What there is for you", {"200": answer("…", index)})},
        "/openapi.json": {
            "get": _plain(
                "document",
                "This document",
                {"200": answer("The document.", {"type": "object"}), "304": UNCHANGED},
                parameters=[IF_NONE_MATCH],
                security=[],
            )
        },
        "/readings": {
            "get": _plain(
                "readings",
                "How tags ran between two instants",
                {"200": answer("Buckets.", ref("Readings")), "304": UNCHANGED},
                404,
                422,
                parameters=_readings(),
            )
        },
        "/latest": {
            "get": _plain(
                "latest",
                "The newest reading of each tag",
                {"200": answer("Newest readings.", ref("Latest")), "304": UNCHANGED},
                404,
                422,
                parameters=[
                    query("well", "Only of this well.", {"type": "string", "format": "uuid"})
                ],
            )
        },
        "/suspense": {"get": _suspense()},
    }


def _suspense() -> Document:
    found = {"200": answer("Owners and reasons.", ref("Suspense")), "304": UNCHANGED}
    return _plain("suspense", "What is held for each owner, and why", found)


def _plain(name: str, summary: str, good: Document, *statuses: int, **more: Any) -> Document:
    every = good | refusals(422, *statuses)
    return {"operationId": name, "summary": summary, "responses": every} | more


def _readings() -> list[Document]:
    instant = {"type": "string", "format": "date-time", "pattern": r"^20\d\d-.*Z$"}
    tags = {
        "type": "array",
        "minItems": 1,
        "maxItems": MOST_TAGS,
        "items": {"type": "integer", "minimum": 1},
    }
    points = {"type": "integer", "minimum": 1, "maximum": MOST_POINTS, "default": POINTS}
    return [
        query(
            "tag",
            "Numbers of tags, as `latest` tells them.",
            tags,
            required=True,
            style="form",
            explode=True,
        ),
        query("from", "From this instant; by default a day before `to`.", instant),
        query("to", "To before this instant; by default now.", instant),
        query("points", "About how many buckets.", points, **{"x-unit": "buckets"}),
    ]
