"""Quarantine: what the hub could not accept, why, its bytes, and what is done with it."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.console import payloads
from hub.console.context import console, now, records, visitor
from hub.console.gate import needs
from hub.console.live import show, still
from hub.errors import HubError
from hub.permissions import Action
from hub.schema import Agent, Quarantine, User

pages = Blueprint("quarantine", __name__, url_prefix="/quarantine")

LISTED = 200


@pages.get("")
@needs(Action.SEE_QUARANTINE)
def index() -> ResponseReturnValue:
    """What waits for a decision, or what was decided."""
    settled = request.args.get("show") == "settled"
    with records() as session:
        rows = _listed(session, settled=settled)
    return show("quarantine.html", rows, rows=rows, settled=settled, most=LISTED)


def _listed(session: Session, *, settled: bool) -> list[dict[str, Any]]:
    column = Quarantine.settled_at
    listed = (
        select(
            Quarantine.id,
            Quarantine.received_at,
            Quarantine.code,
            Quarantine.reason,
            Quarantine.topic,
            Quarantine.settled_at,
            Quarantine.settlement,
            func.length(Quarantine.payload).label("bytes"),
            Agent.id.label("agent_id"),
            Agent.name.label("agent"),
            User.name.label("person"),
        )
        .outerjoin(Agent, Agent.id == Quarantine.agent_id)
        .outerjoin(User, User.id == Quarantine.settled_by)
        .where(column.is_not(None) if settled else column.is_(None))
        .order_by(Quarantine.received_at.desc(), Quarantine.id)
        .limit(LISTED)
    )
    return [row._asdict() for row in session.execute(listed)]


@pages.get("/<uuid:item_id>")
@needs(Action.SEE_QUARANTINE)
def page(item_id: uuid.UUID) -> ResponseReturnValue:
    """One message or block: the reason, and the bytes as they came."""
    with records() as session:
        item = session.get(Quarantine, item_id) or abort(404)
        agent = session.get(Agent, item.agent_id) if item.agent_id else None
        person = session.get(User, item.settled_by) if item.settled_by else None
    return still(
        "quarantine_item.html",
        item=item,
        agent=agent,
        person=person,
        shown=payloads.show(item.payload),
    )


@pages.post("/<uuid:item_id>/replay")
@needs(Action.SETTLE_QUARANTINE)
def replay(item_id: uuid.UUID) -> ResponseReturnValue:
    """Take it in again, now that its cause is gone."""
    item = _waiting(item_id)
    again = console().replay
    if again is None:
        flash(f"This process cannot replay. Run: wellflow-hub quarantine replay {item.id}")
    else:
        try:
            flash(again(item.id, visitor().user_id))
        except HubError as fault:
            flash(f"It was not taken in: {fault}")
    _forget()
    return redirect(url_for("quarantine.page", item_id=item_id), 303)


@pages.post("/<uuid:item_id>/discard")
@needs(Action.SETTLE_QUARANTINE)
def discard(item_id: uuid.UUID) -> ResponseReturnValue:
    """Settle it without taking it in; the bytes stay."""
    _waiting(item_id)
    with records() as session:
        item = session.get_one(Quarantine, item_id, with_for_update=True)
        if item.settled_at is None:
            item.settled_at, item.settled_by = now(), visitor().user_id
            item.settlement = "discarded"
    _forget()
    flash("Discarded. Its bytes are kept with what was decided.")
    return redirect(url_for("quarantine.index"), 303)


def _waiting(item_id: uuid.UUID) -> Quarantine:
    """The row, if nobody has settled it yet; 404 if there is none."""
    with records() as session:
        item = session.get(Quarantine, item_id) or abort(404)
    if item.settled_at is not None:
        abort(409, "Somebody has settled this already.")
    return item


def _forget() -> None:
    console().cache.drop((visitor().organization_id, "counts"))
