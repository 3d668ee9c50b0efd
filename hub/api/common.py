"""What every operation of the document shares: problems, headers, small schemas (pure)."""

from __future__ import annotations

from typing import Any

from hub.api.problems import KINDS, MEDIA_TYPE, STALE
from hub.api.schemas import INSTANT, Schema, ref
from hub.schema.platform import TRAIL_VERBS

TEXT: Schema = {"type": "string"}
AT: Schema = {"type": "string", "format": "date-time", "pattern": INSTANT}
LINKED: Schema = {"type": ["string", "null"], "format": "uri-reference"}
UUID: Schema = {"type": "string", "format": "uuid"}


def record(required: Schema, **optional: Schema) -> Schema:
    """An object with exactly these members."""
    return {
        "type": "object",
        "properties": required | optional,
        "required": list(required),
        "additionalProperties": False,
    }


def _or_null(schema: Schema) -> Schema:
    return schema | {"type": [schema["type"], "null"]}


def _list_of(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


FAULT = record({"field": TEXT, "detail": TEXT})
PROBLEM: Schema = {
    "type": "object",
    "description": "Why a request was refused (RFC 9457).",
    "properties": {
        "type": {"type": "string", "enum": [kind.type for kind in KINDS]},
        "title": TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": TEXT | {"description": "One sentence: what is wrong and what to do."},
        "errors": _list_of(FAULT) | {"description": "The fields at fault, each with a sentence."},
    },
    "required": ["type", "title", "status", "detail"],
}
CHANGE = record(
    {
        "id": {"type": "integer"},
        "at": AT,
        "user_id": _or_null(UUID),
        "user_name": _or_null(TEXT),
        "door": TEXT | {"description": "console, api, import, command line, or a job's name."},
        "address": TEXT,
        "verb": {"type": "string", "enum": list(TRAIL_VERBS)},
        "before": {"type": "object", "description": "The changed fields as they were."},
        "after": {"type": "object", "description": "The changed fields as they became."},
    }
)
DIFFERENCE = record({"field": TEXT, "yours": {}, "theirs": {}})
STALE_PROBLEM: Schema = {
    "allOf": [
        ref("Problem"),
        {
            "type": "object",
            "properties": {
                "conflicts": _list_of(DIFFERENCE)
                | {"description": "Fields you send whose value is another by now."},
                "changes": _list_of(ref("Change"))
                | {"description": "What happened to the row since the version you read."},
                "current": {"type": "object", "description": "The row as it is now."},
            },
        },
    ]
}
COUNT = record(
    {
        "number": {"type": "integer", "minimum": 0},
        "capped": {"type": "boolean", "description": "There are more than this."},
    }
)
FACET = record(
    {"value": {}, "label": TEXT, "count": {"type": "integer"}, "capped": {"type": "boolean"}}
)
NUMBERS: Schema = {"type": "array", "items": {"type": ["number", "null"]}}
TAG: Schema = {
    "tag": {"type": "integer"},
    "name": TEXT,
    "unit": TEXT,
    "measure": _or_null(TEXT),
    "well_id": _or_null(UUID),
}
COURSE = record(
    TAG | {"times": _list_of(AT), "average": NUMBERS, "minimum": NUMBERS, "maximum": NUMBERS}
)
READINGS = record(
    {
        "from": AT,
        "to": AT,
        "source": {"type": "string", "enum": ["points", "hours", "days"]},
        "step_s": {"type": "number", "x-unit": "s"},
        "tags": _list_of(COURSE),
    }
)
LATEST = record(
    {
        "rows": _list_of(
            record(
                TAG
                | {
                    "time": AT,
                    "value": {"type": ["number", "null"]},
                    "quality": {"type": "integer"},
                    "received_at": AT,
                }
            )
        )
    }
)
NUMBER: Schema = {"type": "integer", "minimum": 0}
DAY: Schema = {"type": "string", "format": "date"}
SUSPENSE = record(
    {
        "rows": _list_of(
            record(
                {
                    "partner_id": {"type": "string", "format": "uuid"},
                    "partner": TEXT,
                    "reason": TEXT | {"description": "A hold code, below_minimum or unstated."},
                    "shares": NUMBER | {"description": "Distributions."},
                    "net": TEXT | {"description": "Their sum in USD."},
                    "since": DAY,
                    "until": DAY,
                }
            )
        )
    }
)
IMPORT_FAULT = record(
    {
        "line": NUMBER | {"description": "1 is the heading, 0 all lines together."},
        "field": TEXT,
        "detail": TEXT,
    }
)
IMPORT_REPORT = record(
    {
        "stored": {"type": "boolean", "description": "Whether anything was taken in."},
        "lines": NUMBER,
        "new": NUMBER,
        "changed": NUMBER,
        "unchanged": NUMBER,
        "bad": NUMBER | {"description": "Lines at fault."},
        "unused_columns": _list_of(TEXT),
        "faults": _list_of(IMPORT_FAULT) | {"description": "At most 1,000."},
    }
)
REVEALED = record({"field": TEXT, "value": _or_null(TEXT)})
SCHEMAS: dict[str, Schema] = {
    "Problem": PROBLEM,
    "StaleProblem": STALE_PROBLEM,
    "Change": CHANGE,
    "History": record({"rows": _list_of(ref("Change")), "next": LINKED}),
    "Count": COUNT,
    "Facet": FACET,
    "Readings": READINGS,
    "Latest": LATEST,
    "Suspense": SUSPENSE,
    "ImportReport": IMPORT_REPORT,
    "Revealed": REVEALED,
}


def header(description: str, schema: Schema | None = None) -> dict[str, Any]:
    """A header of an answer."""
    return {"description": description, "schema": schema or TEXT}


ETAG = header("Entity tag; send it back in If-None-Match or If-Match.")
LINK = header("Next and previous page (RFC 8288).")
LOCATION = header("Where the new row is.", {"type": "string", "format": "uri-reference"})
REPLAYED = header("true: the stored answer of an earlier request with this key.")
RETRY = header("Seconds to wait.", {"type": "integer", "minimum": 1})
HEADERS_OF: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": header("Bearer: an API key is needed.")},
    412: {"ETag": ETAG},
    429: {"Retry-After": RETRY},
    503: {"Retry-After": RETRY},
}


def problem_responses() -> dict[str, Any]:
    """Every refusal, by the name that operations refer to it with."""
    return {
        f"Problem{kind.status}": {
            "description": kind.title,
            "headers": HEADERS_OF.get(kind.status, {}),
            "content": {
                MEDIA_TYPE: {"schema": ref("StaleProblem" if kind is STALE else "Problem")}
            },
        }
        for kind in KINDS
    }


def refusals(*statuses: int) -> dict[str, Any]:
    """References to refusals; those that any operation can meet are always among them."""
    every = sorted({*statuses, 401, 403, 429, 500, 503})
    return {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in every}


def answer(
    description: str, schema: Schema, kind: str = "application/json", **headers: dict[str, Any]
) -> dict[str, Any]:
    """A successful answer with a body."""
    named = {name.replace("_", "-"): told for name, told in headers.items()}
    return {"description": description, "headers": named, "content": {kind: {"schema": schema}}}


UNCHANGED = {"description": "What you have still stands.", "headers": {"ETag": ETAG}}
