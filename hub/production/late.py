"""What a phone kept for a stop that left its owner's route, or is not worked any more: kept for the
office.

Who entered it does not see the lease any more, so it is not taken up; it is put where it belongs
and waits as refused, with all that was typed. The phone lets go of it and goes on.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Engine, select
from sqlalchemy.dialects.postgresql import insert

from agent.contract.entry import LARGEST_ENTRY
from agent.contract.fieldform.fields import Form, body_of
from agent.contract.fieldform.places import placed
from agent.contract.wire import dump
from hub.database import Actor, tenant_session
from hub.production.entries import OFF_ROUTE, refuse
from hub.production.sheets import sheet_of
from hub.schema import FieldEntry

#: Who keeps it: the product itself, which sees every lease of the operator.
KEEPER: Final = Actor(door="late entry")


def keep_late(
    engine: Engine,
    organization: uuid.UUID,
    person: uuid.UUID,
    stop: uuid.UUID,
    form: Form,
    now: datetime,
) -> bool:
    """Keep what was typed for a stop; False where the operator has no such stop.

    What came before under the same id changes nothing. `engine` acts as wellflow_app.
    """
    with tenant_session(engine, organization, KEEPER) as session:
        sheet = sheet_of(session, now, [stop], ended=True)
        found = sheet.find(stop)
        if found is None:
            return False
        here = placed(form, found)
        body = body_of(here.form, sheet, found, str(person), now).body
        if here.gone:
            body["note"] = _with(body.get("note", ""), here.gone)
        if len(dump(body)) > LARGEST_ENTRY:
            return False
        made = insert(FieldEntry).values(
            organization_id=organization,
            entry_id=uuid.UUID(str(body["id"])),
            door="console",
            body=body,
            saved_at=datetime.fromtimestamp(body["saved"] / 1000, UTC),
        )
        key = session.scalar(made.on_conflict_do_nothing().returning(FieldEntry.id))
        if key is not None:
            row = session.scalars(select(FieldEntry).where(FieldEntry.id == key)).one()
            refuse(session, row, {"stop": OFF_ROUTE})
        return True


def _with(note: str, gone: Mapping[str, str]) -> str:
    """The note, and after it what has no field at the stop any more: the office can place it."""
    return "\n".join([*filter(None, [note]), *(f"{name}: {typed}" for name, typed in gone.items())])
