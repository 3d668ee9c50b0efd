"""PINs for the sites: set, renewed and ended; only hashes are kept, and no page reads those."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from agent.contract.pins import SHORTEST, PinError, hash_pin
from hub.permissions import Action, may
from hub.schema import FieldPin


def by_chance() -> str:
    """A PIN that is not among the first anybody tries."""
    while True:
        pin = f"{secrets.randbelow(10**SHORTEST):0{SHORTEST}d}"
        try:
            hash_pin(pin)
        except PinError:
            continue
        return pin


def keep(session: Session, organization: uuid.UUID, member: uuid.UUID, pin: str) -> None:
    """Set or renew the PIN of a membership; raises `PinError` where it is too simple."""
    hashed = hash_pin(pin)
    key = {"organization_id": organization, "membership_id": member}
    made = insert(FieldPin).values(**key, pin_hash=hashed)
    changed = {"pin_hash": hashed, "set_at": func.now()}
    session.execute(made.on_conflict_do_update(index_elements=["membership_id"], set_=changed))


def end(session: Session, member: uuid.UUID) -> bool:
    """Take a PIN away; whether there was one."""
    gone = delete(FieldPin).where(FieldPin.membership_id == member).returning(FieldPin.id)
    return bool(session.execute(gone).all())


def set_at(session: Session, member: uuid.UUID | None) -> datetime | None:
    """When somebody's PIN was set; None where there is none, or it is not for this eye."""
    return session.scalar(select(FieldPin.set_at).where(FieldPin.membership_id == member))


def refusal(person: Any, actor_role: str) -> str:
    """Why somebody's PIN may not be set by a person of this role, in a sentence; else empty."""
    if person.ended_at is not None:
        return f"{person.name} does not work here any more, so no site lets them in."
    if not may(person.role, Action.ENTER):
        return (
            f"{person.name} is {person.role} here, and only pumpers, managers and owners enter a"
            " day: give them another role first."
        )
    if person.role == "owner" and actor_role != "owner":
        return f"{person.name} is an owner: only an owner sets an owner's PIN."
    return ""
