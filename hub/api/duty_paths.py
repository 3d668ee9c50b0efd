"""The addresses of `hub.api.duty` as the document of the API tells them (pure)."""

from __future__ import annotations

from typing import Any, Final

from hub.api.common import AT, DAY, ETAG, TEXT, UNCHANGED, UUID, answer, record, refusals
from hub.api.duty import MOST, SENT_MOST
from hub.api.operations import FLAG, IF_NONE_MATCH, query
from hub.schema.holds import HOLD_KINDS
from hub.schema.notifying import NOTIFICATION_STATES
from hub.schema.oncall import CHANNEL_CLASSES, TARGETS

TAG: Final = "On call and messages"
_TEXT_OR: Final = {"type": ["string", "null"]}
_ID_OR: Final = _TEXT_OR | {"format": "uuid"}
_AT_OR: Final = AT | {"type": ["string", "null"]}
_WHOLE: Final = {"type": "integer"}
_WHOLE_OR: Final = {"type": ["integer", "null"]}
_YES: Final = {"type": "boolean"}
_HOURS: Final = {
    "type": ["object", "null"],
    "description": "On the clock of the rotation or the operator; days: 1 is Monday.",
    "properties": {
        "from": _TEXT_OR,
        "to": _TEXT_OR,
        "days": {"type": "array", "items": _WHOLE},
    },
}


def _list(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


_HOLD: Final = record(
    {
        "id": UUID,
        "kind": {"type": "string", "enum": list(HOLD_KINDS)},
        "since": AT,
        "until": AT,
        "reason": TEXT,
        "permit": _TEXT_OR,
        "priority": _WHOLE_OR,
        "alert_id": _ID_OR | {"description": "Of a shelf: the alarm, by its newest episode."},
        "tag_id": _WHOLE_OR,
        "equipment_id": _ID_OR,
        "well_id": _ID_OR,
        "facility_id": _ID_OR,
        "agent_id": _ID_OR,
        "subject": _TEXT_OR,
        "place": _TEXT_OR,
        "user_id": _ID_OR | {"description": "Who did it; null for a plan of the office."},
        "person": _TEXT_OR,
        "planned": _YES | {"description": "Follows planned downtime or a work order."},
        "ended_at": _AT_OR,
    }
)
_TURN: Final = record(
    {
        "rotation_id": UUID,
        "rotation": TEXT,
        "timezone": TEXT,
        "user_id": _ID_OR | {"description": "null: nobody is on call."},
        "person": _TEXT_OR,
        "reachable": _YES | {"description": "Whether that person has a channel."},
        "stands_in": _YES,
        "until": _AT_OR | {"description": "null: no change within 64 days."},
        "next_user_id": _ID_OR,
        "next_person": _TEXT_OR,
    }
)
_ROTATION: Final = record(
    {
        "id": UUID,
        "name": TEXT,
        "timezone": TEXT,
        "layers": _list(
            record(
                {
                    "starts_on": DAY,
                    "ends_on": DAY | {"type": ["string", "null"]},
                    "handoff_at": TEXT,
                    "every_days": _WHOLE,
                    "hours": _HOURS,
                    "people": _list(record({"user_id": UUID, "person": _TEXT_OR})),
                }
            )
        ),
    }
)
_STEP: Final = record(
    {
        "targets": _list(
            record(
                {
                    "kind": {"type": "string", "enum": list(TARGETS)},
                    "user_id": _ID_OR,
                    "rotation_id": _ID_OR,
                    "role": _TEXT_OR,
                }
            )
        ),
        "channel_class": {"type": "string", "enum": list(CHANNEL_CLASSES)},
        "ack_timeout_s": _WHOLE | {"x-unit": "s"},
        "times": _WHOLE,
        "hours": _HOURS,
        "worst_only": _WHOLE,
        "still_active": _YES,
    }
)
_POLICY: Final = record(
    {
        "id": UUID,
        "name": TEXT,
        "note": TEXT,
        "version": _WHOLE,
        "priorities": _list(_WHOLE),
        "lease_id": _ID_OR,
        "well_id": _ID_OR,
        "equipment_id": _ID_OR,
        "rule_id": _ID_OR,
        "fallback_id": _ID_OR,
        "steps": _list(_STEP),
        "rounds": _WHOLE,
        "remind_every_s": _WHOLE_OR | {"x-unit": "s"},
        "bundle_s": _WHOLE | {"x-unit": "s"},
    }
)
_MESSAGE: Final = record(
    {
        "id": UUID,
        "created_at": AT,
        "kind": TEXT,
        "subject": TEXT,
        "state": {"type": "string", "enum": list(NOTIFICATION_STATES)},
        "priority": _WHOLE_OR,
        "step": _WHOLE_OR,
        "is_test": _YES,
        "alert_id": _ID_OR,
        "instead_of_id": _ID_OR | {"description": "The message it went out in place of."},
        "attempts": _WHOLE,
        "sent_at": _AT_OR,
        "delivered_at": _AT_OR,
        "fault": _TEXT_OR,
        "channel": TEXT,
        "address": _TEXT_OR,
        "label": _TEXT_OR,
        "user_id": _ID_OR,
        "person": _TEXT_OR,
        "provider": _TEXT_OR,
        "detail": _TEXT_OR,
    }
)
_NEXT: Final = "`next` of the page before."


def paths() -> dict[str, Any]:
    """Every address."""
    rows: list[tuple[str, str, dict[str, Any], list[Any]]] = [
        ("alert_holds", "What people keep quiet", _HOLD, _holds()),
        ("on_call", "Who is on call, now or at an instant", _TURN, _on_call()),
        ("rotations", "The rotations in use", _ROTATION, []),
        ("escalation_policies", "The policies in use, with their steps", _POLICY, []),
        ("notifications", "The delivery log, the newest first", _MESSAGE, _sent()),
    ]
    return {f"/{row[0]}": {"get": _operation(*row)} for row in rows}


def _operation(name: str, summary: str, row: dict[str, Any], asked: list[Any]) -> dict[str, Any]:
    paged = any(one["name"] == "after" for one in asked)
    body = {"rows": _list(row)} | ({"next": _ID_OR} if paged else {})
    more = {"at": AT} if name == "on_call" else {}
    good = {"200": answer("What there is.", record(body, **more), ETag=ETAG), "304": UNCHANGED}
    return {
        "operationId": f"list_{name}",
        "summary": summary,
        "tags": [TAG],
        "parameters": [IF_NONE_MATCH, *asked],
        "responses": good | refusals(422),
    }


def _limit(most: int) -> Any:
    schema = _WHOLE | {"minimum": 1, "maximum": most, "default": 50}
    return query("limit", "Rows of a page.", schema)


def _holds() -> list[Any]:
    return [
        query("kind", "Only of this kind.", {"type": "string", "enum": list(HOLD_KINDS)}),
        query("ended", "Also those that are over.", FLAG),
        _limit(MOST),
        query("after", _NEXT, UUID),
    ]


def _on_call() -> list[Any]:
    return [query("at", "Then, instead of now; within three years.", AT)]


def _sent() -> list[Any]:
    return [
        query(
            "state", "Only in this state.", {"type": "string", "enum": list(NOTIFICATION_STATES)}
        ),
        query("alert", "Only about this alert.", UUID),
        query("user", "Only to this person.", UUID),
        query("since", "Only those owed since then.", AT),
        _limit(SENT_MOST),
        query("after", _NEXT, UUID),
    ]
