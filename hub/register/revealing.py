"""One sealed value in the clear: for whom the matrix allows, and the audit trail keeps who asked.

Sealed columns cannot be read at all; functions of the database hand out one value of one row, to an
owner or accountant, and note it in the trail in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Select, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hub import seal
from hub.database import Actor
from hub.permissions import allowed
from hub.register import rows
from hub.register.errors import Forbidden, Missing, Refused
from hub.register.fields import Resource
from hub.register.refusals import refusal

#: By table: the sealed column that its function hands out.
OPENED: Final[Mapping[str, str]] = {
    "bank_accounts": "account_enc",
    "partners": "tax_id_enc",
    "organizations": "tax_id_enc",
}


def revealable(resource: Resource) -> list[str]:
    """Fields of a table that can be shown, one at a time."""
    return [OPENED[resource.name]] if resource.name in OPENED else []


def reveal(
    session: Session, actor: Actor, resource: Resource, key: Any, field: str, secret_key: bytes
) -> str | None:
    """The value of a sealed field, None where there is none.

    Noted in the trail by the transaction of `session`, so commit before the value is shown. Raises
    `Forbidden`, `Missing` for a row or field that is none, or `Refused` for a value sealed with
    another key.
    """
    if not allowed(actor.role, resource.name, "reveal"):
        raise Forbidden(f"As {actor.role} you may not see sealed values of {resource.plural}.")
    if field not in revealable(resource):
        raise Missing(f"{resource.plural} have no sealed field “{field[:60]}”.")
    row = rows.get(session, resource, key)
    sealed = _sealed(session, resource, row[resource.key])
    if sealed is None:
        return None
    try:
        return seal.unseal(secret_key, sealed, resource.name, row[resource.key]).decode()
    except seal.SealError:
        label = resource.fields[field].label
        sentence = f"{label} was sealed with a key that is not here; enter it again."
        raise Refused({field: sentence}) from None


def _sealed(session: Session, resource: Resource, key: Any) -> bytes | None:
    """The bytes as the database keeps them; its function notes who asked."""
    try:
        with session.begin_nested():
            found = session.scalar(_asking(resource, key))
    except DBAPIError as fault:
        told = refusal(fault, resource, {})
        if told is None:
            raise
        raise told from fault
    return None if found is None else bytes(found)


def _asking(resource: Resource, key: Any) -> Select[Any]:
    if resource.name == "bank_accounts":
        return select(func.reveal_bank_account(key))
    return select(func.reveal_tax_id(resource.name, key))
