"""Verbs for people who work here: user list, role, end, password, assign."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Row, Select, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from agent.contract.pins import PinError
from hub.cli.register import keeper_session, new_password, organization_named
from hub.cli.screen import CommandError, Exit, Screen
from hub.console import pins
from hub.console.passwords import hash_password
from hub.schema import Lease, LeaseAssignment, Membership, Organization, User
from hub.schema import Session as SignIn
from hub.settings import load


def user_list(asked: argparse.Namespace, screen: Screen) -> int:
    """List who works for an operator, as what, and on which leases."""
    with keeper_session(load(asked.settings)) as session:
        organization = organization_named(session, asked.organization)
        rows = [_line(row) for row in session.execute(_people(organization))]
    screen.answer(rows, screen.table(rows))
    return Exit.DONE


def _people(organization: Organization) -> Select[str, str, str, datetime | None, int]:
    leases = (
        select(func.count())
        .where(LeaseAssignment.membership_id == Membership.id)
        .where(func.coalesce(LeaseAssignment.to_day, date.max) >= func.current_date())
        .scalar_subquery()
    )
    return (
        select(User.email, User.name, Membership.role, Membership.ended_at, leases)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organization_id == organization.id)
        .order_by(Membership.ended_at.desc(), func.lower(User.email))
    )


def _line(row: Row[str, str, str, datetime | None, int]) -> dict[str, object]:
    email, name, role, ended, leases = row
    return {"email": email, "name": name, "role": role, "leases": leases, "ended": ended}


def user_role(asked: argparse.Namespace, screen: Screen) -> int:
    """Give a person another role with an operator; a person who left comes back."""
    with keeper_session(load(asked.settings)) as session:
        member = _member(session, asked)
        member.role, member.ended_at = asked.role, None
        _settle(session)
    screen.answer(
        {"email": asked.email, "role": asked.role},
        f"{asked.email} is {asked.role} of {asked.organization}.",
    )
    return Exit.DONE


def user_end(asked: argparse.Namespace, screen: Screen) -> int:
    """End a person's work for an operator; what they did stays under their name."""
    with keeper_session(load(asked.settings)) as session:
        member = _member(session, asked)
        member.ended_at = member.ended_at or datetime.now(UTC)
        _settle(session)
    words = f"{asked.email} no longer works for {asked.organization}."
    screen.answer({"email": asked.email, "ended": True}, words)
    return Exit.DONE


def user_password(asked: argparse.Namespace, screen: Screen) -> int:
    """Set a person's password, and sign them out everywhere."""
    password, made_up = new_password(asked.password_file)
    try:
        hashed = hash_password(password)
    except ValueError as fault:
        raise CommandError(str(fault)) from fault
    with keeper_session(load(asked.settings)) as session:
        person = _person(session, asked.email)
        person.password_hash = hashed
        ended = session.execute(
            delete(SignIn).where(SignIn.user_id == person.id).returning(SignIn.id)
        ).all()
    words = f"The password of {asked.email} is set; {len(ended)} sign-ins were ended."
    if made_up:
        words += f"\nPassword (shown only now): {password}"
    answer = {"email": asked.email, "password": password if made_up else None}
    screen.answer(answer | {"sign_ins_ended": len(ended)}, words)
    return Exit.DONE


def user_pin(asked: argparse.Namespace, screen: Screen) -> int:
    """Set the PIN with which a person signs in at the operator's sites, or take it away."""
    pin, made_up = ("", False) if asked.remove else _new_pin(asked.pin_file)
    with keeper_session(load(asked.settings)) as session:
        member = _member(session, asked)
        if pin:
            try:
                pins.keep(session, member.organization_id, member.id, pin)
            except PinError as fault:
                raise CommandError(str(fault)) from fault
        else:
            pins.end(session, member.id)
    words = f"{asked.email} has {'a new PIN' if pin else 'no PIN any more'} at the sites"
    words += f" of {asked.organization}; they learn it within minutes of a link."
    if made_up:
        words += f"\nPIN (shown only now): {pin}"
    answer = {"email": asked.email, "pin": pin if made_up else None, "removed": not pin}
    screen.answer(answer, words)
    return Exit.DONE


def _new_pin(file: str | None) -> tuple[str, bool]:
    """A PIN from a file, or one of chance, and whether it is of chance."""
    if file:
        return new_password(file)
    return pins.by_chance(), True


def user_assign(asked: argparse.Namespace, screen: Screen) -> int:
    """Put leases on a person's route, or take them off it."""
    with keeper_session(load(asked.settings)) as session:
        member = _member(session, asked)
        leases = _leases(session, member, asked.lease, everything=asked.all)
        today = _today(session, member)
        for lease in leases:
            if asked.end:
                _take_off(session, member, lease, asked.to_day or today - timedelta(days=1))
            else:
                _put_on(session, member, lease, asked.from_day or today, asked.to_day)
        _settle(session)
        names = [lease.name for lease in leases]
    done = "off" if asked.end else "on"
    answer = {"email": asked.email, "leases": names, "assigned": not asked.end}
    screen.answer(answer, f"{done.title()} the route of {asked.email}: {', '.join(names)}.")
    return Exit.DONE


def _today(session: Session, member: Membership) -> date:
    """The day it is where the operator works; routes change with it."""
    organization = session.get_one(Organization, member.organization_id)
    return datetime.now(ZoneInfo(organization.timezone)).date()


def _put_on(
    session: Session, member: Membership, lease: Lease, first: date, last: date | None
) -> None:
    """Assign a lease that is not on the route already."""
    if _running(session, member, lease):
        return
    session.add(
        LeaseAssignment(
            organization_id=member.organization_id,
            membership_id=member.id,
            lease_id=lease.id,
            from_day=first,
            to_day=last,
        )
    )


def _take_off(session: Session, member: Membership, lease: Lease, last: date) -> None:
    """End what is running; what would begin only later is removed."""
    for assignment in _running(session, member, lease):
        if assignment.from_day > last:
            session.delete(assignment)
        else:
            assignment.to_day = last


def _running(session: Session, member: Membership, lease: Lease) -> Sequence[LeaseAssignment]:
    return session.scalars(
        select(LeaseAssignment).where(
            LeaseAssignment.membership_id == member.id,
            LeaseAssignment.lease_id == lease.id,
            func.coalesce(LeaseAssignment.to_day, date.max) >= func.current_date(),
        )
    ).all()


def _leases(
    session: Session, member: Membership, names: Sequence[str], *, everything: bool
) -> list[Lease]:
    """The operator's leases of these names; raises `CommandError` for one there is not."""
    known = select(Lease).where(Lease.organization_id == member.organization_id)
    listed = list(session.scalars(known.order_by(Lease.name)))
    if everything:
        return listed
    if not names:
        raise CommandError("name at least one --lease, or say --all")
    found = []
    for name in names:
        fitting = [
            lease for lease in listed if name.lower() in {lease.name.lower(), lease.property_no}
        ]
        if not fitting:
            raise CommandError(f"there is no lease {name!r}; give its name, or its property number")
        if len(fitting) > 1:
            raise CommandError(f"several leases are called {name!r}; give a property number")
        found += fitting
    return found


def _person(session: Session, email: str) -> User:
    found = session.scalar(select(User).where(func.lower(User.email) == email.lower()))
    if found is None:
        raise CommandError(
            f"nobody here signs in as {email}; `wellflow-hub user add` adds a person"
        )
    return found


def _member(session: Session, asked: argparse.Namespace) -> Membership:
    """The person's membership of the operator; raises `CommandError` where there is none."""
    organization = organization_named(session, asked.organization)
    person = _person(session, asked.email)
    member = session.scalar(
        select(Membership).where(
            Membership.organization_id == organization.id, Membership.user_id == person.id
        )
    )
    if member is None:
        raise CommandError(f"{asked.email} does not work for {asked.organization}; add them first")
    return member


def _settle(session: Session) -> None:
    """Write now, so that a rule of the database is told in its own words."""
    try:
        session.flush()
    except IntegrityError as fault:
        sentence = getattr(getattr(fault.orig, "diag", None), "message_primary", None)
        raise CommandError(str(sentence or fault.orig)) from fault
