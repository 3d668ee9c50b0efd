"""What is out of service: the list, taking something out, and putting it back."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.alerts import service
from hub.alerts.axes import RefusedError
from hub.console.context import now, records, visitor
from hub.console.forms import Form
from hub.console.gate import needs
from hub.console.live import still
from hub.console.pages.fleet import forget_fleet
from hub.permissions import Action, may
from hub.schema import Agent, Alert, Equipment, Facility, Tag, Well

pages = Blueprint("out_of_service", __name__, url_prefix="/alerts/out-of-service")

LENGTHS: Final = {"4": "4 h", "12": "12 h", "24": "1 day", "72": "3 days", "168": "7 days"}
LENGTHS_LONG: Final = {"720": "30 days", "2160": "90 days"}
OFFERED: Final = 500  #: of each kind; what is not in the list has an alert or a register page
LONGEST_NOTE: Final = 500
_OF_KIND: Final = (
    ("Wells", "well_id", Well),
    ("Equipment", "equipment_id", Equipment),
    ("Facilities", "facility_id", Facility),
    ("Sites", "agent_id", Agent),
)
Choice = tuple[str, str]  #: what a form sends, and its words


@pages.get("")
@needs(Action.SEE)
def index() -> ResponseReturnValue:
    """What is out of service, since when, why, and until when."""
    return _page({}, {})


@pages.post("")
@needs(Action.TAKE_OUT)
def take_out() -> ResponseReturnValue:
    """Take one thing out of service for a time."""
    form = Form(request.form)
    with records() as session:
        known = {key for _, choices in _choices(session) for key, _ in choices}
    what = form.choice("what", known)
    hours = form.choice("hours", LENGTHS | LENGTHS_LONG)
    reason = form.text("reason", required=True, longest=LONGEST_NOTE)
    permit = form.text("permit", longest=100)
    if not form.faults:
        column, _, key = what.partition(":")
        subject = {column: int(key) if column == "tag_id" else uuid.UUID(key)}
        until = now() + timedelta(hours=int(hours))
        try:
            with records() as session:
                organization, who = visitor().organization_id, visitor().user_id
                papers = {"permit": permit} if permit else None
                service.out_of_service(
                    session, organization, subject, who, until, reason, now(), papers=papers
                )
        except RefusedError as why:
            form.fault("reason", str(why))
    if form.faults:
        return _page(request.form.to_dict(), form.faults, 422)
    forget_fleet()
    flash("It is out of service: its alarms are recorded, and nobody is told.")
    return redirect(url_for("out_of_service.index"), 303)


@pages.post("/<uuid:hold_id>/back")
@needs(Action.TAKE_OUT)
def put_back(hold_id: uuid.UUID) -> ResponseReturnValue:
    """Put something back in service; what still stands is told."""
    with records() as session:
        if not service.in_service(session, hold_id, visitor().user_id, now()):
            abort(404)
    forget_fleet()
    flash("It is back in service; what still stands is told now.")
    return redirect(url_for("out_of_service.index"), 303)


def _page(given: dict[str, str], faults: dict[str, str], status: int = 200) -> ResponseReturnValue:
    with records() as session:
        rows = service.listed(session)
        able = may(visitor().role, Action.TAKE_OUT)
        choices = [(title, listed) for title, listed in _choices(session) if able and listed]
    page = still(
        "out_of_service.html",
        rows=rows,
        at=now(),
        choices=choices,
        lengths=LENGTHS | LENGTHS_LONG,
        given=given,
        faults=faults,
    )
    return page, status


def _choices(session: Session) -> Iterator[tuple[str, list[Choice]]]:
    """What can be taken out: first what the alert in the address is about, then by kind."""
    yield "This alert", _of_alert(session, request.values.get("alert", ""))
    for title, column, table in _OF_KIND:
        rows = session.execute(select(table.id, table.name).order_by(table.name).limit(OFFERED))
        yield title, [(f"{column}:{row.id}", row.name) for row in rows]


def _of_alert(session: Session, written: str) -> list[Choice]:
    try:
        alert = session.get(Alert, uuid.UUID(written))
    except ValueError:
        return []
    tag = session.get(Tag, alert.tag_id) if alert is not None and alert.tag_id else None
    return [] if tag is None else [(f"tag_id:{tag.id}", f"{tag.description or tag.name} (gauge)")]
