"""The addresses of alert rules as the document of the API tells them (pure)."""

from __future__ import annotations

from typing import Any, Final

from hub.api.bodies import JSON, MERGE_PATCH
from hub.api.common import (
    AT,
    ETAG,
    LOCATION,
    REPLAYED,
    TEXT,
    UNCHANGED,
    answer,
    record,
    refusals,
)
from hub.api.operations import BY_KEY, IF_MATCH, IF_NONE_MATCH, query
from hub.api.rule_bodies import CHANGED, KINDS, ONE, PLACED, ROW, TOLD
from hub.api.rules import MOST, TABLE, TRIED
from hub.api.schemas import IDENTITY

TAG: Final = "Alert rules"
_UUID: Final = {"type": "string", "format": "uuid"}
_NUMBER: Final = {"type": "integer"}
_SUGGESTION: Final = record(
    {
        "levels": {"type": "object"},
        "alarms_before": _NUMBER,
        "alarms": _NUMBER,
        "long_alarms_kept": _NUMBER,
        "reasons": {"type": "array", "items": TEXT},
    }
)
_TRIED: Final = {
    "type": "object",
    "description": "Figures of the replay, what is wrong with the rule, and who would be told.",
    "properties": {
        "tag_id": _NUMBER,
        "from": AT,
        "to": AT,
        "days": {"type": "number", "x-unit": "d"},
        "readings": _NUMBER,
        "alarms": _NUMBER,
        "per_day": {"type": "number"},
        "under_60_s": _NUMBER,
        "over_10_min": _NUMBER,
        "longest_s": {"type": "number", "x-unit": "s"},
        "shortened": TEXT | {"description": "Why less was replayed than was asked for."},
        "faults": {"type": "array", "items": TEXT},
        "warnings": {"type": "array", "items": TEXT},
        "told": {"type": "array", "items": TOLD},
        "suggestion": _SUGGESTION,
    },
}
_KEY: Final = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "Id of the rule.",
    "schema": _UUID,
    "example": IDENTITY,
}


def paths() -> dict[str, Any]:
    """Every address of rules."""
    one, key = f"/{TABLE}/{{id}}", {"parameters": [_KEY]}
    return {
        f"/{TABLE}": {"get": _list(), "post": _create()},
        f"/{TABLE}/backtest": {"post": _backtest()},
        one: key | {"get": _read(), "patch": _change()},
        f"{one}/versions": key | {"get": _versions()},
        f"{one}/restore": key | {"post": _restore()},
    }


def _operation(name: str, summary: str, good: dict[str, Any], *bad: int, **more: Any) -> Any:
    told = {"operationId": name, "summary": summary, "tags": [TAG]}
    return told | {"responses": good | refusals(422, *bad)} | more


def _takes(schema: Any, *kinds: str) -> dict[str, Any]:
    return {"required": True, "content": {kind: {"schema": schema} for kind in kinds or (JSON,)}}


def _list() -> Any:
    page = record({"rows": {"type": "array", "items": ROW}, "next": {"type": ["string", "null"]}})
    asked = [
        query("limit", "Rules of a page.", _NUMBER | {"minimum": 1, "maximum": MOST}),
        query("after", "`next` of the page before.", _UUID),
        query("tag", "Only of this tag.", _NUMBER | {"minimum": 1, "maximum": 999_999_999}),
        query("kind", "Only of this kind.", {"type": "string", "enum": list(KINDS)}),
    ]
    good = {"200": answer("A page of rules.", page, ETag=ETAG), "304": UNCHANGED}
    return _operation("list_alert_rules", "List rules", good, parameters=[IF_NONE_MATCH, *asked])


def _create() -> Any:
    takes = {name: dict(schema) for name, schema in {**PLACED, **CHANGED}.items()}
    needed = {name: takes.pop(name) for name in ("name", "kind", "params")}
    made = answer("The new rule.", ONE, ETag=ETAG, Location=LOCATION, Idempotency_Replayed=REPLAYED)
    return _operation(
        "create_alert_rule",
        "Make a rule; it judges from now on",
        {"201": made},
        *(400, 409, 413, 415),
        parameters=[BY_KEY],
        requestBody=_takes(record(needed, **takes)),
    )


def _read() -> Any:
    good = {"200": answer("The rule, what is wrong with it, and who is told.", ONE, ETag=ETAG)}
    return _operation("read_alert_rule", "Read one rule", good, 404)


def _change() -> Any:
    takes = record({}, **{name: dict(schema) for name, schema in CHANGED.items()})
    return _operation(
        "change_alert_rule",
        "Change a rule; parameters are merged member by member",
        {"200": answer("The rule as it is now.", ONE, ETag=ETAG)},
        *(400, 404, 412, 413, 415, 428),
        parameters=[IF_MATCH],
        requestBody=_takes(takes, MERGE_PATCH, JSON),
    )


def _versions() -> Any:
    said = {"number": _NUMBER, "version": _NUMBER, "said": {"type": "object"}, "made_at": AT}
    rows = record({"rows": {"type": "array", "items": record(said)}})
    good = {"200": answer("The newest first.", rows, ETag=ETAG), "304": UNCHANGED}
    name = "list_alert_rule_versions"
    return _operation(name, "What a rule said before", good, 404, parameters=[IF_NONE_MATCH])


def _restore() -> Any:
    return _operation(
        "restore_alert_rule",
        "Let an earlier version hold again, as a new one",
        {"200": answer("The rule as it is now.", ONE, ETag=ETAG)},
        *(400, 404, 409, 413, 415),
        parameters=[BY_KEY],
        requestBody=_takes(record({"number": _NUMBER | {"minimum": 1, "maximum": 2**31 - 1}})),
    )


def _backtest() -> Any:
    return _operation(
        "backtest_alert_rule",
        "What a rule would have done over stored readings; nothing is written",
        {"200": answer("Figures.", _TRIED)},
        *(400, 413, 415),
        description="A rule as it stands (`rule_id`), or one that is not saved: `kind`, `params`"
        " and `tag_id`; what is given beside a rule takes the place of its own.",
        requestBody=_takes(record({}, **TRIED)),
    )
