"""If-Match: a change is made to the row as the caller read it, or refused with what changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from sqlalchemy.orm import Session

from hub import trail
from hub.api.conditional import Tags, read_tags, version_read
from hub.api.problems import MALFORMED, STALE, UNCONDITIONAL, Problem
from hub.api.represent import represent, tag_of, told, trail_key
from hub.register import rows as register
from hub.register.fields import Resource
from hub.register.values import to_json

Row = dict[str, Any]
MOST_CHANGES = 50


def matched(session: Session, resource: Resource, key: str, values: Mapping[str, Any]) -> Row:
    """The row to change, as it was when the caller read it.

    Raises `Missing`, or `Problem`: 428 without If-Match, 400 for one that is none, 412 when the row
    is another by now.
    """
    row = register.get(session, resource, key)
    tag = tag_of(resource, row)
    tags = asked_for(tag)
    if tags.anything or tag in tags.strong:
        return row
    raise stale(session, resource, {"row_version": version_read(tags)}, row, values)


def asked_for(tag: str) -> Tags:
    """What If-Match names; `tag` is the row's own, told to whom sends none.

    Raises `Problem`: 428 without the header, 400 for one that is none.
    """
    header = request.headers.get("If-Match")
    if header is None:
        raise Problem(UNCONDITIONAL, headers={"ETag": f'"{tag}"'})
    try:
        return read_tags(header)
    except ValueError as error:
        raise Problem(MALFORMED, f"If-Match cannot be read: {error}.") from None


def stale(
    session: Session,
    resource: Resource,
    read: Mapping[str, Any],
    now: Mapping[str, Any],
    values: Mapping[str, Any],
) -> Problem:
    """The refusal of a late change: the row as it is, what differs, and who changed what since."""
    shown = represent(resource, now)
    return Problem(
        STALE,
        headers={"ETag": f'"{tag_of(resource, now)}"'},
        more={
            "conflicts": _conflicts(resource, values, now),
            "changes": _since(session, resource, read.get("row_version"), now),
            "current": shown,
        },
    )


def _conflicts(
    resource: Resource, values: Mapping[str, Any], now: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Fields that were sent with another value than the row has by now; sealed ones unseen."""
    found = []
    for name, yours in values.items():
        field = resource.fields[name]
        theirs = None if field.sealed else to_json(field, now.get(name))
        if field.sealed or str(yours) != str(theirs):
            shown = "(sealed)" if field.sealed else to_json(field, yours)
            found.append({"field": name, "yours": shown, "theirs": theirs})
    return found


def _since(
    session: Session, resource: Resource, version: int | None, now: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Changes since a version was read, the newest first: each counted the version up by one."""
    if version is None or not resource.versioned:
        return []
    behind = int(now["row_version"]) - version
    if behind < 1:
        return []
    most = min(behind, MOST_CHANGES)
    found = trail.history(session, resource.name, trail_key(now[resource.key]), most)
    return [told(resource, one) for one in found if one.verb == "update"]
