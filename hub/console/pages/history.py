"""History: what became of one row, and the audit trail of the whole operator."""

from __future__ import annotations

import uuid

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.console import addresses, past
from hub.console.context import records
from hub.console.gate import needs
from hub.console.live import still
from hub.console.pages.record import row_of, title_of
from hub.console.tables import on_table
from hub.permissions import Action
from hub.register.catalog import RESOURCES
from hub.register.fields import Resource
from hub.schema import Membership, User
from hub.trail import history, recent

pages = Blueprint("history", __name__)

PER_PAGE = 50
LARGEST = 2**62


def _before() -> int | None:
    """The entry from which to read on, older ones only."""
    words = request.args.get("before", "")
    number = int(words) if words.isascii() and words.isdigit() and len(words) < 20 else 0
    return number if 0 < number < LARGEST else None


@pages.get("/register/<table>/<key>/history")
@on_table("see")
def of_row(resource: Resource, key: str) -> ResponseReturnValue:
    """Every change of a row: who, when, from where, before and after."""
    with records() as session:
        row = row_of(session, resource, key)
        known = row[resource.key]
        trail_key = known if isinstance(known, uuid.UUID) else uuid.UUID(int=known)
        found = history(session, resource.name, trail_key, PER_PAGE + 1, before=_before())
        steps = past.told(session, found[:PER_PAGE])
        title = title_of(session, resource, known)
    more = None
    if len(found) > PER_PAGE:
        last = steps[-1].id
        more = url_for("history.of_row", table=resource.name, key=key, before=last)
    return still(
        "record_history.html", steps=steps, more=more, resource=resource, key=key, title=title
    )


@pages.get("/trail")
@needs(Action.SEE_TRAIL)
def trail() -> ResponseReturnValue:
    """Every change for this operator through any door, newest first."""
    asked = _asked()
    with records() as session:
        found = recent(
            session,
            PER_PAGE + 1,
            before=_before(),
            table=asked["table"] or None,
            user_id=_identifier(asked["who"]),
        )
        steps = past.told(session, found[:PER_PAGE], with_rows=True)
        people = _people(session)
    kept = addresses.clean(asked.items())
    here, older = url_for("history.trail"), None
    if len(found) > PER_PAGE:
        older = addresses.address(here, (*kept, ("before", str(steps[-1].id))))
    names = sorted({*RESOURCES, *past.OTHERS}, key=lambda name: past.table_words(name).lower())
    return still(
        "trail.html",
        steps=steps,
        asked=asked,
        filtered=bool(kept),
        tables=[(name, past.table_words(name)) for name in names],
        people=people,
        first=_before() is None,
        newest=addresses.address(here, kept),
        older=older,
    )


def _asked() -> dict[str, str]:
    table = request.args.get("table", "")
    known = table in RESOURCES or table in past.OTHERS
    who = _identifier(request.args.get("who", ""))
    return {"table": table if known else "", "who": str(who) if who else ""}


def _identifier(words: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(words)
    except ValueError:
        return None


def _people(session: Session) -> list[tuple[str, str]]:
    listed = (
        select(User.id, User.name)
        .join(Membership, Membership.user_id == User.id)
        .order_by(func.lower(User.name))
    )
    return [(str(person), name) for person, name in session.execute(listed)]
