"""Makes, changes and deletes rows: all faults told at once, nothing half-saved, no update lost.

Every change runs in a savepoint of its own: what is refused leaves the session's transaction as it
was. Deferred rules are checked before it ends, so that a commit does not fail afterwards.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, select, text
from sqlalchemy import types as kinds
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hub.database import Actor
from hub.permissions import MATRIX, Verb, allowed
from hub.register import rows
from hub.register.catalog import RESOURCES, table_of
from hub.register.errors import Conflict, Forbidden, InUse, Missing, Refused, ValueRefused
from hub.register.fields import Field, Resource
from hub.register.meaning import meaning_faults
from hub.register.refusals import ROW, refusal, still_used
from hub.register.sealing import sealed
from hub.register.together import more_faults
from hub.register.usage import in_use
from hub.register.values import parse
from hub.schema import Organization
from hub.schema.base import uuid7

Row = dict[str, Any]

#: A change of status to one of these makes the row count: it takes the right to approve.
APPROVING: Final = frozenset(
    {"approved", "accepted", "posted", "filed", "verified", "issued", "paid", "reversed"}
)
_DOING: Final[Mapping[Verb, str]] = {
    "add": "add",
    "edit": "change",
    "remove": "delete",
    "approve": "approve",
}


def create(
    session: Session,
    actor: Actor,
    resource: Resource,
    values: Mapping[str, Any],
    *,
    secret_key: bytes | None = None,
) -> Row:
    """Make a row and answer it as it now stands.

    `secret_key` seals fields that are kept encrypted. Raises `Forbidden` or `Refused`.
    """
    permit(actor, resource, "add")
    if not resource.creatable:
        raise Refused({ROW: f"{resource.plural} are not made in the register."})
    given = read(session, resource, values, making=True)
    permit_status(actor, resource, given, None)
    with whole(session, resource, given), refusing(session, resource, values):
        key = insert(session, resource, dict(given), secret_key)
        settle(session)
    return rows.get(session, resource, key)


def update(
    session: Session,
    actor: Actor,
    resource: Resource,
    key: Any,
    values: Mapping[str, Any],
    version: int | None,
    *,
    secret_key: bytes | None = None,
) -> Row:
    """Change fields of a row and answer it as it now stands.

    `version` is the row's version the person saw; None changes it whatever it is by now. Raises
    `Missing`, `Forbidden`, `Conflict` or `Refused`.
    """
    permit_either(actor, resource)
    current = lock(session, resource, key)
    given = read(session, resource, values, making=False, before=current)
    permit_change(actor, resource, given, current)
    check_version(session, resource, current, given, version)
    changed = differing(resource, given, current)
    if not changed:
        return current
    with whole(session, resource, given, current), refusing(session, resource, changed):
        write(session, resource, current, changed, secret_key)
        settle(session)
    return rows.get(session, resource, key)


def remove(
    session: Session, actor: Actor, resource: Resource, key: Any, version: int | None
) -> None:
    """Delete a row; raises `Missing`, `Forbidden`, `Conflict`, `InUse` or `Refused`."""
    permit(actor, resource, "remove")
    current = lock(session, resource, key)
    check_version(session, resource, current, {}, version)
    gone = table_of(resource).delete().where(_is(resource, current))
    try:
        with refusing(session, resource, {}, passing=still_used):
            session.execute(gone)
            settle(session)
    except DBAPIError as fault:
        raise InUse(in_use(session, resource, current)) from fault


def insert(session: Session, resource: Resource, given: Row, secret_key: bytes | None) -> Any:
    """Insert a row of values as the columns take them, and answer its key."""
    table = table_of(resource)
    if "organization_id" in table.c:
        given["organization_id"] = _organization()
    if isinstance(table.c[resource.key].type, kinds.Uuid):
        given[resource.key] = uuid7()
        given = sealed(resource, given, given[resource.key], secret_key)
    made = session.execute(table.insert().values(given).returning(table.c[resource.key]))
    return made.scalar_one()


def write(
    session: Session,
    resource: Resource,
    current: Mapping[str, Any],
    changed: Row,
    secret_key: bytes | None,
) -> None:
    """Update a row with values as the columns take them."""
    kept = sealed(resource, changed, current[resource.key], secret_key)
    session.execute(table_of(resource).update().where(_is(resource, current)).values(kept))


def _is(resource: Resource, row: Mapping[str, Any]) -> ColumnElement[bool]:
    """The condition that finds a row by all of its primary key."""
    columns = table_of(resource).c
    names = [resource.key, *([resource.beside] if resource.beside else [])]
    return and_(*(columns[name] == row[name] for name in names))


# ----------------------------------------------------------------------------------- permission


def permit(actor: Actor, resource: Resource, verb: Verb) -> None:
    """Raise `Forbidden` unless the person's role allows this with the table."""
    if not allowed(actor.role, resource.name, verb):
        raise Forbidden(f"{_as(actor)} you may not {_DOING.get(verb, verb)} {_many(resource)}.")


def permit_either(actor: Actor, resource: Resource) -> None:
    """Raise `Forbidden` unless the role may change rows of the table in some way."""
    if not allowed(actor.role, resource.name, "approve"):
        permit(actor, resource, "edit")


def permit_status(
    actor: Actor, resource: Resource, given: Mapping[str, Any], before: object
) -> bool:
    """Whether this is the step that makes a row count; raises `Forbidden` without the right to."""
    status = given.get("status")
    stepping = status in APPROVING and status != before and approved(resource)
    if stepping:
        permit(actor, resource, "approve")
    return stepping


def approved(resource: Resource) -> bool:
    """Whether rows of the table are approved at all; a permit's approval is an agency's."""
    return any("p" in letters for letters in MATRIX.get(resource.name, {}).values())


def permit_change(
    actor: Actor, resource: Resource, given: Mapping[str, Any], current: Mapping[str, Any]
) -> None:
    """Raise `Forbidden` unless the role allows this change: a step that counts is an approval."""
    stepping = permit_status(actor, resource, given, current.get("status"))
    if not stepping or set(differing(resource, given, current)) - {"status"}:
        permit(actor, resource, "edit")


def _as(actor: Actor) -> str:
    return f"As {actor.role}" if actor.role else "Without a role"


def _many(resource: Resource) -> str:
    words = resource.plural
    return words if words[:2].isupper() else words[:1].lower() + words[1:]


# -------------------------------------------------------------------------------------- reading


def faults_of(
    session: Session,
    resource: Resource,
    values: Mapping[str, Any],
    *,
    making: bool,
    before: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Every field at fault, for a row that is refused anyhow, with its sentence."""
    try:
        given = read(session, resource, values, making=making, before=before)
    except Refused as refused:
        return refused.faults
    return more_faults(session, resource, given, before, {})


def read(
    session: Session,
    resource: Resource,
    values: Mapping[str, Any],
    *,
    making: bool,
    before: Mapping[str, Any] | None = None,
) -> Row:
    """The values as the columns take them; raises `Refused` with a sentence per bad field.

    `before` is the row they are to change: rules between fields are told of with what it holds.
    """
    zone = _Zone(session)
    given: Row = {}
    faults: dict[str, str] = {}
    for name, raw in values.items():
        try:
            _read_one(resource, name, raw, zone, given, making=making)
        except ValueRefused as fault:
            faults[name] = str(fault)
    if making:
        for field in resource.fields.values():
            if field.required and field.name not in values:
                faults[field.name] = f"{field.label} is needed."
    faults = meaning_faults(resource.name, given, before) | faults
    if faults:
        raise Refused(more_faults(session, resource, given, before, faults))
    return given


class _Zone:
    """The operator's clock, looked up once and only where a time names no offset."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.known: ZoneInfo | None = None

    def get(self) -> ZoneInfo:
        """The operator's time zone."""
        self.known = self.known or zone_of(self.session)
        return self.known


def zone_of(session: Session) -> ZoneInfo:
    """Time zone of the operator whose session this is."""
    chosen = select(Organization.timezone).where(Organization.id == _organization())
    return ZoneInfo(session.scalar(chosen) or "UTC")


def organization_of(session: Session) -> uuid.UUID:
    """The operator whose session this is; raises `Missing` for a session without one."""
    found = session.scalar(select(_organization()))
    if found is None:
        raise Missing("This session is for no operator.")
    return cast(uuid.UUID, found)


def _read_one(
    resource: Resource, name: str, raw: Any, zone: _Zone, given: Row, *, making: bool
) -> None:
    field = resource.fields.get(name)
    if field is None:
        raise ValueRefused(f"{resource.plural} have no field “{name[:60]}”.")
    if not (field.settable_on_create if making else field.editable):
        raise ValueRefused(_not_set(field, making=making))
    if field.sealed and raw == "":
        return  # a form shows nothing of what is sealed, so nothing typed means: as it was
    value = parse(field, raw, zone.get() if field.kind == "instant" else None)
    if value is None and not field.nullable:
        if making:
            return  # the column's default stands in
        raise ValueRefused(f"{field.label} is needed.")
    given[name] = value


def _not_set(field: Field, *, making: bool) -> str:
    if making or not field.settable_on_create:
        return f"{field.label} is filled in by WellFlow; leave it out."
    return f"{field.label} stays as it was when the row was made; leave it out."


def _organization() -> Any:
    """The organization of this transaction."""
    return func.nullif(func.current_setting("app.organization_id", True), "").cast(kinds.Uuid)


# ------------------------------------------------------------------------------------- versions


def lock(session: Session, resource: Resource, key: Any) -> Row:
    """The row of this key, held until the transaction ends; raises `Missing`."""
    table = table_of(resource)
    chosen = select(*(table.c[field.name] for field in resource.readable)).where(
        table.c[resource.key] == rows.key_of(resource, key)
    )
    try:
        with session.begin_nested():
            found = session.execute(chosen.with_for_update(of=table)).mappings().one_or_none()
    except DBAPIError as fault:
        told = refusal(fault, resource, {})
        if told is None:
            raise
        raise Forbidden(f"{resource.plural} are not changed here.") from fault
    if found is None:
        rows.get(session, resource, key)  # raises `Missing`, unless the row may only be looked at
        raise Forbidden(f"You may not change this {resource.singular}.")
    return dict(found)


def check_version(
    session: Session,
    resource: Resource,
    current: Mapping[str, Any],
    given: Mapping[str, Any],
    version: int | None,
) -> None:
    """Raise `Conflict` when the row is no longer the version the person saw."""
    if version is None or not resource.versioned or version == current["row_version"]:
        return
    changed = {
        name: (value, current.get(name))
        for name, value in differing(resource, given, current).items()
    }
    raise Conflict(_who_changed(session, resource, current), changed, current)


def _who_changed(session: Session, resource: Resource, current: Mapping[str, Any]) -> str:
    who = "Somebody else"
    person = current.get("updated_by")
    if person is not None and "users" in RESOURCES:
        who = rows.titles(session, RESOURCES["users"], [person]).get(person, who)
    when = current.get("updated_at")
    at = f" at {when:%Y-%m-%d %H:%M} UTC" if isinstance(when, datetime) else ""
    return (
        f"{who} changed this {resource.singular} meanwhile{at};"
        " look at the difference and save again."
    )


def differing(resource: Resource, given: Mapping[str, Any], current: Mapping[str, Any]) -> Row:
    """The values given that are others than the row's; a secret always is."""
    return {
        name: value
        for name, value in given.items()
        if resource.fields[name].sealed or value != current[name]
    }


# ------------------------------------------------------------------------------------- refusals


@contextmanager
def refusing(
    session: Session,
    resource: Resource,
    given: Mapping[str, Any],
    *,
    passing: Callable[[DBAPIError], bool] = lambda _fault: False,
) -> Iterator[None]:
    """A savepoint in which the database's refusals become sentences; `passing` ones stay errors."""
    try:
        with session.begin_nested():
            yield
    except DBAPIError as fault:
        told = None if passing(fault) else refusal(fault, resource, given)
        if told is None:
            raise
        raise told from fault


@contextmanager
def whole(
    session: Session,
    resource: Resource,
    given: Mapping[str, Any],
    before: Mapping[str, Any] | None = None,
) -> Iterator[None]:
    """Tell with what the database refused first whatever else it would refuse."""
    try:
        yield
    except Refused as refused:
        faults = more_faults(session, resource, given, before, refused.faults)
        raise Refused(faults) from refused


def settle(session: Session) -> None:
    """Check now what is deferred to the end of the transaction."""
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
