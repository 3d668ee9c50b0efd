"""A row as the API shows it, its entity tag, and what happened to it (pure)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from hub.api.bodies import write
from hub.api.conditional import body_tag, row_tag, shape_of
from hub.api.schemas import served
from hub.register.fields import Resource
from hub.register.values import to_json
from hub.trail import Change, row_key


def represent(resource: Resource, row: Mapping[str, Any]) -> dict[str, Any]:
    """Every field that may be read, null where there is nothing; references as keys."""
    return {field.name: to_json(field, row[field.name]) for field in served(resource)}


def tag_of(resource: Resource, row: Mapping[str, Any]) -> str:
    """A row's entity tag: of its version, or of what it shows where versions are not counted."""
    if resource.versioned:
        return row_tag(row["row_version"], shape_of(field.name for field in served(resource)))
    return body_tag(write(represent(resource, row)))


def told(resource: Resource, change: Change) -> dict[str, Any]:
    """One entry of a row's history."""
    return {
        "id": change.id,
        "at": change.at,
        "user_id": change.user_id,
        "user_name": change.user_name,
        "door": change.door,
        "address": change.address,
        "verb": change.verb,
        "before": _known(resource, change.before),
        "after": _known(resource, change.after),
    }


def _known(resource: Resource, columns: Mapping[str, Any]) -> dict[str, Any]:
    """The columns the API serves; those it only takes in are named without their value."""
    found = {name: value for name, value in columns.items() if name in resource.fields}
    return {
        name: "(sealed)" if resource.fields[name].sealed and value is not None else value
        for name, value in found.items()
    }


def trail_key(key: Any) -> uuid.UUID:
    """How the trail names a row, by its key."""
    return key if isinstance(key, uuid.UUID) else row_key(key)
