"""Verbs that enrol: org add, user add, agent add, agent revoke."""

from __future__ import annotations

import argparse
import getpass
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hub.cli.screen import CommandError, Exit, Screen
from hub.console.passwords import hash_password
from hub.database import Actor, act_for, connect
from hub.schema import ContactChannel, Membership, Organization, User
from hub.settings import HubSettings, load
from hub.standards import begin_office


@contextmanager
def keeper_session(settings: HubSettings) -> Iterator[Session]:
    """A transaction of the installation's keeper, who stands above all organizations."""
    engine = connect(settings.database.admin_url, "owner", pool=1)
    try:
        with Session(engine) as session, session.begin():
            act_for(session.connection(), None, command_line())
            yield session
    finally:
        engine.dispose()


def command_line() -> Actor:
    """Who acts at this machine's command line, as the audit trail shall say."""
    return Actor(door="command line", address=f"{getpass.getuser()}@{socket.gethostname()}")


def organization_named(session: Session, slug: str) -> Organization:
    """The organization of a short name; raises `CommandError` with the names there are."""
    found = session.scalar(select(Organization).where(Organization.slug == slug))
    if found is None:
        known = ", ".join(session.scalars(select(Organization.slug).order_by(Organization.slug)))
        raise CommandError(
            f"there is no organization {slug!r}; there are: {known or 'none yet, add one'}"
        )
    return found


def org_add(asked: argparse.Namespace, screen: Screen) -> int:
    """Add an operator."""
    try:
        ZoneInfo(asked.timezone)
    except (ZoneInfoNotFoundError, ValueError) as fault:
        raise CommandError(
            f"{asked.timezone!r} is not a time zone; write it like America/Chicago"
        ) from fault
    with keeper_session(load(asked.settings)) as session:
        organization = Organization(name=asked.name, slug=asked.slug, timezone=asked.timezone)
        session.add(organization)
        try:
            session.flush()
        except IntegrityError as fault:
            raise CommandError(
                f"the short name {asked.slug!r} cannot be used: it is taken, or holds something "
                "other than small letters, digits and hyphens"
            ) from fault
        accounts, rates = begin_office(session.connection(), organization.id)
        answer = {"id": organization.id, "name": asked.name, "slug": asked.slug}
    begun = {"accounts": accounts, "tax_rates": rates}
    screen.answer(
        answer | begun,
        f"Added {asked.name} ({asked.slug}), with {accounts} accounts and {rates} tax rates.",
    )
    return Exit.DONE


def user_add(asked: argparse.Namespace, screen: Screen) -> int:
    """Add a person to an operator; a person already known gets one more membership."""
    settings = load(asked.settings)
    with keeper_session(settings) as session:
        organization = organization_named(session, asked.organization)
        person, password = _person(session, asked)
        session.add(Membership(organization_id=organization.id, user_id=person.id, role=asked.role))
        try:
            session.flush()
        except IntegrityError as fault:
            raise CommandError(
                f"{asked.email} already works for {asked.organization}; nothing was changed"
            ) from fault
        if asked.notify:
            session.add(
                ContactChannel(
                    organization_id=organization.id,
                    user_id=person.id,
                    kind="email",
                    address=asked.email,
                    worst_priority=asked.notify,
                )
            )
    words = f"Added {asked.email} as {asked.role} of {asked.organization}."
    if asked.role == "pumper":
        words += " A pumper sees only what is assigned: `wellflow-hub user assign`."
    if password:
        words += f"\nPassword (shown only now): {password}"
    screen.answer({"email": asked.email, "role": asked.role, "password": password}, words)
    return Exit.DONE


def _person(session: Session, asked: argparse.Namespace) -> tuple[User, str | None]:
    """The person of this address, new if need be, and the password when one was made up."""
    known = session.scalar(select(User).where(func.lower(User.email) == asked.email.lower()))
    if known is not None:
        return known, None
    password, made_up = new_password(asked.password_file)
    try:
        person = User(email=asked.email, name=asked.name, password_hash=hash_password(password))
    except ValueError as fault:
        raise CommandError(str(fault)) from fault
    session.add(person)
    try:
        session.flush()
    except IntegrityError as fault:
        raise CommandError(f"{asked.email!r} is not an e-mail address") from fault
    return person, password if made_up else None


def new_password(file: str | None) -> tuple[str, bool]:
    """A new password, and whether we made it up: from a file, the terminal, or chance."""
    if file:
        path = Path(file)
        try:
            return path.read_text(encoding="utf-8").strip(), False
        except OSError as fault:
            raise CommandError(f"{path} cannot be read: {fault.strerror}") from fault
    if sys.stdin.isatty() and (typed := getpass.getpass("Password (empty: make one up): ")):
        return typed, False
    return secrets.token_urlsafe(12), True
