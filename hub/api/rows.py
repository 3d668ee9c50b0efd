"""Single rows: read, made, changed, deleted, and what happened to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from hub import trail
from hub.api import bodies, strict
from hub.api.addresses import add
from hub.api.answers import Answer, of_body, tagged
from hub.api.arguments import Arguments
from hub.api.once import once
from hub.api.parts import caller, records, secret_key
from hub.api.preconditions import matched, stale
from hub.api.problems import refuse
from hub.api.represent import represent, tag_of, told, trail_key
from hub.api.tables import entered
from hub.register import changes
from hub.register import rows as register
from hub.register.errors import Conflict
from hub.register.fields import Resource

Values = dict[str, Any]
MOST_CHANGES: Final = 200
LAST: Final = 999_999_999


def serve(blueprint: Blueprint) -> None:
    """Add the addresses of single rows."""
    add(blueprint, "", create, "add", method="POST")
    add(blueprint, "/<key:key>", read, "see")
    add(blueprint, "/<key:key>", change, "edit", "approve", method="PATCH")
    add(blueprint, "/<key:key>", remove, "remove", method="DELETE")
    add(blueprint, "/<key:key>/history", history, "see")


def read(table: str, key: str) -> Response:
    """One row."""
    resource = entered(table)
    caller().must("see", table)
    Arguments(request.args, ())
    with records() as session:
        row = register.get(session, resource, key)
    return tagged(represent(resource, row), tag_of(resource, row), weak=False)


def create(table: str) -> Response:
    """A new row."""
    resource = entered(table)
    caller().must("add", table)
    Arguments(request.args, ())
    sent = bodies.read_object(request.get_data(), request.mimetype, bodies.JSON)
    values = _values(resource, sent, new=True)

    def make(session: Session) -> Answer:
        row = changes.create(session, caller().actor, resource, values, secret_key=secret_key())
        place = f"{request.path}/{row[resource.key]}"
        headers = {"Location": place, "ETag": f'"{tag_of(resource, row)}"'}
        return Answer(201, bodies.write(represent(resource, row)), headers)

    return once(make)


def change(table: str, key: str) -> Response:
    """A row changed in the fields that were sent."""
    resource = entered(table)
    caller().must_any(("edit", "approve"), table)
    Arguments(request.args, ())
    sent = bodies.read_object(request.get_data(), request.mimetype, bodies.MERGE_PATCH, bodies.JSON)
    values = _values(resource, sent, new=False)
    with records() as session:
        row = matched(session, resource, key, values)
        merged = _merge_objects(resource, row, values)
        try:
            row = changes.update(
                session,
                caller().actor,
                resource,
                row[resource.key],
                merged,
                row.get("row_version"),
                secret_key=secret_key(),
            )
        except Conflict as conflict:
            raise stale(session, resource, row, conflict.current, values) from conflict
    return Answer(
        200,
        bodies.write(represent(resource, row)),
        {"ETag": f'"{tag_of(resource, row)}"'},
    ).response()


def remove(table: str, key: str) -> Response:
    """A row deleted."""
    resource = entered(table)
    caller().must("remove", table)
    Arguments(request.args, ())
    with records() as session:
        row = matched(session, resource, key, {})
        try:
            changes.remove(
                session, caller().actor, resource, row[resource.key], row.get("row_version")
            )
        except Conflict as conflict:
            raise stale(session, resource, row, conflict.current, {}) from conflict
    return Answer(204).response()


def history(table: str, key: str) -> Response:
    """What happened to a row, the newest first; a deleted row keeps its history."""
    resource = entered(table)
    caller().must("see", table)
    given = Arguments(request.args, ("limit", "before"))
    limit = given.whole("limit", 50, 1, MOST_CHANGES)
    before = given.whole("before", LAST, 1, LAST) if given.one("before") is not None else None
    with records() as session:
        wanted = register.key_of(resource, key)
        found = trail.history(session, table, trail_key(wanted), limit, before=before)
        if not found or found[0].verb != "delete":
            register.get(session, resource, wanted)
    more = f"{request.path}?limit={limit}&before={found[-1].id}" if len(found) == limit else None
    body = {"rows": [told(resource, one) for one in found], "next": more}
    return of_body(bodies.write(body), weak=True)


def _values(resource: Resource, sent: Mapping[str, Any], *, new: bool) -> Values:
    """What was sent, by field, in the form its kind takes; raises `Problem` with every fault."""
    faults = {}
    values = {}
    for name, raw in sent.items():
        sentence = _closed(resource, name, new=new) or strict.fault(resource.fields[name], raw)
        if sentence:
            faults[name[:60]] = sentence
        else:
            values[name] = strict.plain(resource.fields[name], raw)
    if faults:
        refuse(faults)
    return values


def _closed(resource: Resource, name: str, *, new: bool) -> str | None:
    """Why a field cannot be given here."""
    field = resource.fields.get(name)
    if field is None:
        return f"{resource.name} has no field “{name[:60]}”."
    if new and not field.settable_on_create:
        return f"{name} is kept by the hub; leave it out."
    if not new and not field.editable:
        return f"{name} cannot be changed; leave it out."
    return None


def _merge_objects(resource: Resource, row: Mapping[str, Any], values: Values) -> Values:
    """JSON fields merged member by member, as RFC 7396 says."""
    return {
        name: merged(row.get(name), value) if resource.fields[name].kind == "json" else value
        for name, value in values.items()
    }


def merged(target: Any, patch: Any) -> Any:
    """A value with a merge patch laid over it (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name), value)
    return found
