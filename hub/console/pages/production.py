"""The office's day: what every lease came to, the grid of its wells, and entries that wait."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.console.context import actor, now, records, visitor
from hub.console.gate import needs
from hub.console.live import still
from hub.console.tables import can, insist
from hub.errors import HubError
from hub.permissions import Action
from hub.production import desk, grid, photos
from hub.production.clocks import operator_of
from hub.production.entries import OFFICE
from hub.register.catalog import RESOURCES
from hub.schema import DailyClose, FieldEntry, Lease

pages = Blueprint("production", __name__, url_prefix="/production")
TABLE = "production_records"


def _day(session: Session) -> date:
    """The day that is asked for; the last one that ended where none is."""
    last = operator_of(session).clock.closed(now())
    try:
        return min(date.fromisoformat(request.args.get("day", "")), last + timedelta(days=1))
    except ValueError:
        return last


@pages.get("")
@needs(Action.SEE)
def day() -> ResponseReturnValue:
    """What every lease made in one day, and what is open of it."""
    insist(RESOURCES[TABLE], "see")
    with records() as session:
        chosen = _day(session)
        closes = session.execute(
            select(DailyClose, Lease.name)
            .join(Lease, Lease.id == DailyClose.lease_id)
            .where(DailyClose.production_date == chosen)
            .order_by(DailyClose.state.desc(), Lease.name)
        ).all()
        waiting = len(desk.waiting(session))
        pictured = photos.entries_with_photos(session, chosen)
    return still(
        "production_day.html",
        closes=closes,
        pictured=pictured,
        waiting=waiting,
        tab="day",
        **_around(chosen),
    )


def _around(chosen: date) -> dict[str, Any]:
    step = timedelta(days=1)
    return {"day": chosen, "earlier": chosen - step, "later": chosen + step}


@pages.get("/grid")
@needs(Action.SEE)
def daily_grid() -> ResponseReturnValue:
    """Wells by fields for one day, to be filled in."""
    insist(RESOURCES[TABLE], "see")
    with records() as session:
        return _grid(session, _day(session), None)


@pages.post("/grid")
@needs(Action.SEE)
def save_grid() -> ResponseReturnValue:
    """Save the rows that were changed; what is refused stays in its cell, marked."""
    insist(RESOURCES[TABLE], "edit")
    with records() as session:
        chosen = _day(session)
        sent = grid.save(session, actor(), chosen, request.form)
        if sent.faults:
            return _grid(session, chosen, sent)
    flash(f"{sent.saved} rows saved." if sent.saved != 1 else "1 row saved.")
    return redirect(url_for("production.daily_grid", day=chosen.isoformat()), 303)


def _grid(session: Session, chosen: date, sent: grid.Saved | None) -> ResponseReturnValue:
    rows = grid.rows_of(session, operator_of(session), chosen, sent)
    fields = [(name, RESOURCES[TABLE].fields[name]) for name in grid.FIELDS]
    return still(
        "production_grid.html",
        422 if sent else 200,
        rows=rows,
        fields=fields,
        sent=sent,
        tab="grid",
        waiting=len(desk.waiting(session)),
        can_edit=can(RESOURCES[TABLE], "edit") and visitor().role in OFFICE,
        **_around(chosen),
    )


# ------------------------------------------------------------------------------------- entries


@pages.get("/entries")
@needs(Action.SEE)
def entries() -> ResponseReturnValue:
    """Entries that were refused or stand beside another's."""
    insist(RESOURCES[TABLE], "see")
    with records() as session:
        listed = desk.waiting(session)
    return still("production_entries.html", rows=listed, tab="entries", waiting=len(listed))


@pages.get("/entries/<uuid:field_entry_id>")
@needs(Action.SEE)
def entry(field_entry_id: uuid.UUID) -> ResponseReturnValue:
    """One entry: beside the one it meets, or as a form to mend it."""
    insist(RESOURCES[TABLE], "see")
    with records() as session:
        found = _found(session, field_entry_id)
        return _entry(session, found, dict(found.faults or {}), {})


@pages.post("/entries/<uuid:field_entry_id>/choose")
@needs(Action.SEE)
def choose(field_entry_id: uuid.UUID) -> ResponseReturnValue:
    """Keep the first or the second of two entries."""
    insist(RESOURCES[TABLE], "edit")
    with records() as session:
        found = _found(session, field_entry_id)
        try:
            outcome = desk.choose(session, found, keep_first=request.form.get("keep") != "second")
        except desk.DeskError as refused:
            abort(409, str(refused))
        if outcome.state == "refused":
            return _entry(session, found, dict(outcome.faults), {})
    flash("The first entry was kept." if outcome.state == "set_aside" else "The second was taken.")
    return redirect(url_for("production.entries"), 303)


@pages.post("/entries/<uuid:field_entry_id>/mend")
@needs(Action.SEE)
def mend(field_entry_id: uuid.UUID) -> ResponseReturnValue:
    """Enter a refused entry anew, with its fields put right."""
    insist(RESOURCES[TABLE], "edit")
    given = {name: words for name, words in request.form.items() if "." in name or name == "day"}
    with records() as session:
        found = _found(session, field_entry_id)
        try:
            outcome = desk.mend(session, found, given)
        except HubError as refused:
            abort(409, str(refused))
        if outcome.state != "taken":
            faults = dict(outcome.faults) or {"": outcome.reason}
            return _entry(session, found, faults, given)
    flash("The entry was taken up.")
    return redirect(url_for("production.entries"), 303)


def _found(session: Session, key: uuid.UUID) -> FieldEntry:
    found = session.get(FieldEntry, key)
    if found is None:
        abort(404)
    return found


def _entry(
    session: Session, found: FieldEntry, faults: dict[str, str], given: dict[str, str]
) -> ResponseReturnValue:
    names = desk.names_of(session, found.lease_id)
    other = desk.other_of(session, found) if found.state == "conflict" else None
    lease = session.get(Lease, found.lease_id) if found.lease_id else None
    return still(
        "production_entry.html",
        422 if request.method == "POST" else 200,
        entry=found,
        other=other,
        lease=lease,
        people=desk.people_of(session, found, other),
        cells=desk.cells(found.body, names, faults),
        pairs=desk.pairs(other.body, found.body, names) if other else [],
        pictures=photos.shown(session, found),
        given=given,
        general=[faults[name] for name in ("", "person", "stop", "replaces") if name in faults],
        can_edit=can(RESOURCES[TABLE], "edit"),
        can_choose=visitor().role in OFFICE,
        tab="entries",
        waiting=len(desk.waiting(session)),
    )
