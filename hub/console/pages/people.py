"""People: who works for the operator, as what, and which leases are on a pumper's route."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Row, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hub.console import cells, pins, record_form
from hub.console.context import now, records, visitor
from hub.console.forms import Form
from hub.console.gate import needs
from hub.console.live import still
from hub.console.passwords import hash_password
from hub.permissions import ROLES, Action
from hub.register.catalog import RESOURCES
from hub.register.values import parse
from hub.schema import LeaseAssignment, Membership, User

pages = Blueprint("people", __name__, url_prefix="/people")

LONGEST_EMAIL = 320


@pages.get("")
@needs(Action.SEE_PEOPLE)
def index() -> ResponseReturnValue:
    """Everybody who works here, those who left at the end."""
    return _page({}, {})


@pages.post("")
@needs(Action.EDIT_PEOPLE)
def add() -> ResponseReturnValue:
    """Take somebody on; a person new to this hub gets a first password, shown this once."""
    form = Form(request.form)
    email = form.text("email", required=True, longest=LONGEST_EMAIL)
    role = form.choice("role", ROLES)
    name = form.text("name", longest=120)
    password = secrets.token_urlsafe(12)
    if email and not _is_email(email):
        form.fault("email", "Write an e-mail address, like name@example.com.")
    if not form.faults:
        try:
            made = _take_on(email, name or email.partition("@")[0], role, password)
        except DBAPIError as fault:
            form.fault("email", _sentence(fault))
    if form.faults:
        return _page(request.form, form.faults, 422)
    if made:
        return _page({}, {}, first=(email, password))
    flash(f"{email} works here now, as {role}, with the password they have.")
    return redirect(url_for("people.index"), 303)


def _take_on(email: str, name: str, role: str, password: str) -> bool:
    """Add the membership; answers whether the person is new to this hub."""
    statement = text("SELECT is_new FROM member_add(:email, :name, :role, :hash)")
    values = {"email": email, "name": name, "role": role, "hash": hash_password(password)}
    with records() as session:
        return bool(session.scalar(statement, values))


def _is_email(words: str) -> bool:
    name, _, domain = words.rpartition("@")
    return bool(name and "." in domain) and not any(sign.isspace() for sign in words)


def _sentence(fault: DBAPIError) -> str:
    """The product's own sentence for a rule of its own; anything else is a fault of ours."""
    diagnosis = getattr(fault.orig, "diag", None)
    if getattr(fault.orig, "sqlstate", "") != "23514" or diagnosis is None:
        raise fault
    return str(diagnosis.message_primary)


@pages.post("/<uuid:member_id>")
@needs(Action.EDIT_PEOPLE)
def change(member_id: uuid.UUID) -> ResponseReturnValue:
    """Give somebody another role, let them go, or take them back."""
    form = Form(request.form)
    role = form.choice("role", ROLES)
    ends = form.raw("act") == "end"
    with records() as session:
        member = session.get(Membership, member_id) or abort(404)
        person = session.get(User, member.user_id)
        name = person.name if person else "This person"
        version = str(member.row_version)
    if form.raw("row_version") != version:
        form.fault("role", f"Somebody else changed {name} meanwhile; look again.")
    if not form.faults:
        try:
            with records() as session:
                _set(session, member_id, role, now() if ends else None)
        except DBAPIError as fault:
            form.fault("role", _sentence(fault))
    said = f"{name} does not work here any more." if ends else f"{name} is {role} now."
    flash(" ".join(form.faults.values()) or said)
    return redirect(url_for("people.index"), 303)


def _set(session: Session, member_id: uuid.UUID, role: str, ended: datetime | None) -> None:
    member = session.get_one(Membership, member_id, with_for_update=True)
    member.role, member.ended_at = role, ended


def _page(
    values: Mapping[str, Any],
    faults: Mapping[str, str],
    status: int = 200,
    first: tuple[str, str] | None = None,
) -> ResponseReturnValue:
    with records() as session:
        people = _people(session)
    named = {"values": values, "faults": faults, "roles": ROLES, "first": first}
    return still("people.html", status, people=people, **named)


def member(session: Session, member_id: uuid.UUID) -> Row[Any] | None:
    """One person of the operator, with name, role and end; None where there is no such."""
    return next(iter(_people(session, Membership.id == member_id)), None)


def _people(session: Session, *which: Any) -> list[Row[Any]]:
    leases = (
        select(func.count())
        .where(LeaseAssignment.membership_id == Membership.id, _running())
        .scalar_subquery()
    )
    listed = (
        select(
            Membership.id,
            Membership.user_id,
            Membership.role,
            Membership.created_at,
            Membership.ended_at,
            Membership.row_version,
            User.name,
            User.email,
            leases.label("leases"),
        )
        .join(User, User.id == Membership.user_id)
        .where(*which)
        .order_by(Membership.ended_at.is_not(None), func.lower(User.name))
    )
    return list(session.execute(listed))


def _running() -> Any:
    """Assignments that hold today, or will."""
    return LeaseAssignment.to_day.is_(None) | (LeaseAssignment.to_day >= _today())


def _today() -> Any:
    return now().astimezone(visitor().zone).date()


# ------------------------------------------------------------------------------------- one person


@pages.get("/<uuid:member_id>")
@needs(Action.SEE_PEOPLE)
def page(member_id: uuid.UUID) -> ResponseReturnValue:
    """One person, and the leases on their route."""
    return person_page(member_id, {}, {})


def person_page(
    member_id: uuid.UUID,
    values: Mapping[str, str],
    faults: Mapping[str, str],
    options: list[tuple[str, str]] | None = None,
    *,
    made_pin: str = "",
) -> ResponseReturnValue:
    """The page of one person, with what is wrong in its forms, or a PIN that was just made up."""
    with records() as session:
        found = member(session, member_id)
        if found is None:
            abort(404)
        assigned = _assigned(session, member_id)
        pin_set_at = pins.set_at(session, member_id)
    field = RESOURCES["lease_assignments"].fields["lease_id"]
    return still(
        "person.html",
        422 if faults else 200,
        person=found,
        pin_set_at=pin_set_at,
        made_pin=made_pin,
        assigned=assigned,
        values=values,
        faults=faults,
        options=options or [],
        lease_field=field,
        today=_today().isoformat(),
    )


def _assigned(session: Session, member_id: uuid.UUID) -> list[dict[str, Any]]:
    listed = (
        select(LeaseAssignment)
        .where(LeaseAssignment.membership_id == member_id)
        .order_by(LeaseAssignment.to_day.desc().nulls_first(), LeaseAssignment.from_day.desc())
    )
    found = list(session.scalars(listed))
    field = RESOURCES["lease_assignments"].fields["lease_id"]
    named = cells.titles(session, [{"lease_id": one.lease_id} for one in found], [field])
    return [
        {
            "id": one.id,
            "lease": named.get(("leases", str(one.lease_id)), ""),
            "from_day": one.from_day,
            "to_day": one.to_day,
            "over": one.to_day is not None and one.to_day < _today(),
        }
        for one in found
    ]


@pages.post("/<uuid:member_id>/leases")
@needs(Action.ASSIGN_LEASES)
def assign(member_id: uuid.UUID) -> ResponseReturnValue:
    """Put a lease on somebody's route."""
    fields = RESOURCES["lease_assignments"].fields
    form = Form(request.form)
    with records() as session:
        session.get(Membership, member_id) or abort(404)
        found = record_form.look_up(session, [fields["lease_id"]], request.form)
    form.faults.update(found.faults)
    if not found.faults and not found.keys.get("lease_id"):
        form.fault("lease_id", "Choose a lease.")
    day = form.day("from_day") or _today()
    if not form.faults:
        lease = parse(fields["lease_id"], found.keys["lease_id"])
        try:
            with records() as session:
                session.add(
                    LeaseAssignment(
                        organization_id=visitor().organization_id,
                        membership_id=member_id,
                        lease_id=lease,
                        from_day=day,
                    )
                )
        except DBAPIError as fault:
            if getattr(fault.orig, "sqlstate", "") not in {"23505", "23503"}:
                raise
            form.fault("lease_id", "This lease is on the route from that day on already.")
    if form.faults:
        return person_page(member_id, request.form, form.faults, found.options.get("lease_id"))
    flash("The lease is on the route.")
    return redirect(url_for("people.page", member_id=member_id), 303)


@pages.post("/<uuid:member_id>/leases/<uuid:assignment_id>/end")
@needs(Action.ASSIGN_LEASES)
def unassign(member_id: uuid.UUID, assignment_id: uuid.UUID) -> ResponseReturnValue:
    """Take a lease off a route: from yesterday on, or altogether where it began today."""
    with records() as session:
        one = session.get(LeaseAssignment, assignment_id)
        if one is None or one.membership_id != member_id:
            abort(404)
        yesterday = _today().fromordinal(_today().toordinal() - 1)
        if one.from_day > yesterday:
            session.delete(one)
        else:
            one.to_day = yesterday
    flash("The lease is off the route.")
    return redirect(url_for("people.page", member_id=member_id), 303)
