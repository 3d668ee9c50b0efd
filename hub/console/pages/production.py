"""The office's day: what every lease came to, the grid of its wells, and entries that wait."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from hub.console import production_state as state
from hub.console.context import actor, now, records, visitor
from hub.console.gate import needs
from hub.console.live import still
from hub.console.tables import can, insist
from hub.errors import HubError
from hub.permissions import Action
from hub.production import desk, grid, photos
from hub.production.checks import checks_of
from hub.production.clocks import operator_of
from hub.production.daily import EXPLAINED
from hub.production.entries import OFFICE
from hub.register.catalog import RESOURCES
from hub.schema import FieldEntry, Lease

pages = Blueprint("production", __name__, url_prefix="/production")
TABLE = "production_records"
HEADS = ("day", "note")  #: fields of an entry that stand in no line


def _day(session: Session) -> date:
    """The day that is asked for; the last one that ended where none is."""
    last = _last(session)
    try:
        return min(date.fromisoformat(request.args.get("day", "")), last + timedelta(days=1))
    except ValueError:
        return last


def _last(session: Session) -> date:
    """The last day that has ended."""
    return operator_of(session).clock.closed(now())


@pages.get("")
@needs(Action.SEE)
def day() -> ResponseReturnValue:
    """What every lease made in one day, and what is open of it."""
    insist(RESOURCES[TABLE], "see")
    with records() as session:
        chosen = _day(session)
        lines = state.lines_of(session, chosen)
        return still(
            "production_day.html",
            rows=lines,
            sums=state.sums_of(lines),
            open_leases=sum(bool(line.open) for line in lines),
            state=state.month_state(session, chosen),
            pictured=photos.entries_with_photos(session, chosen),
            **_around(session, "day", chosen),
        )


@pages.get("/reconciliation")
@needs(Action.SEE)
def reconciliation() -> ResponseReturnValue:
    """Each tank and meter of a day: what was keyed beside what its own gauge saw."""
    insist(RESOURCES[TABLE], "see")
    with records() as session:
        chosen = _day(session)
        return still(
            "production_reconciliation.html",
            rows=checks_of(session, chosen),
            explained=EXPLAINED,
            **_around(session, "reconciliation", chosen),
        )


def _around(session: Session, tab: str, chosen: date) -> dict[str, Any]:
    """What every page about a day has: its tab, the days beside it, how many entries wait."""
    step, last = timedelta(days=1), _last(session)
    later = chosen + step if chosen <= last else None
    waiting = len(desk.waiting(session))
    return {"tab": tab, "day": chosen, "earlier": chosen - step, "later": later, "waiting": waiting}


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
    locked = grid.why_locked(session, chosen)
    return still(
        "production_grid.html",
        422 if sent else 200,
        rows=rows,
        fields=fields,
        sent=sent,
        locked=locked,
        full=len(rows) == grid.MOST,
        can_edit=can(RESOURCES[TABLE], "edit") and visitor().role in OFFICE and not locked,
        **_around(session, "grid", chosen),
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
        with _told():
            outcome = desk.choose(session, found, keep_first=request.form.get("keep") != "second")
        if outcome.state not in ("set_aside", "taken"):
            return _entry(session, found, dict(outcome.faults) or {"": outcome.reason}, {})
    flash("The first entry was kept." if outcome.state == "set_aside" else "The second was taken.")
    return redirect(url_for("production.entries"), 303)


@pages.post("/entries/<uuid:field_entry_id>/aside")
@needs(Action.SEE)
def set_aside(field_entry_id: uuid.UUID) -> ResponseReturnValue:
    """Let a refused entry wait no more, for a reason."""
    insist(RESOURCES[TABLE], "edit")
    with records() as session:
        found = _found(session, field_entry_id)
        with _told():
            desk.set_aside(session, found, request.form.get("why", ""))
    flash("The entry was set aside; what was entered is kept.")
    return redirect(url_for("production.entries"), 303)


@pages.post("/entries/<uuid:field_entry_id>/mend")
@needs(Action.SEE)
def mend(field_entry_id: uuid.UUID) -> ResponseReturnValue:
    """Enter a refused entry anew, with its fields put right."""
    insist(RESOURCES[TABLE], "edit")
    given = {name: words for name, words in request.form.items() if "." in name or name in HEADS}
    with records() as session:
        found = _found(session, field_entry_id)
        with _told():
            outcome = desk.mend(session, found, given)
        if outcome.state == "refused":
            return _entry(session, found, dict(outcome.faults) or {"": outcome.reason}, given)
    if outcome.state == "conflict":
        flash("Mended; but somebody entered this stop and day before: choose between the two.")
    else:
        flash("The entry was taken up.")
    return redirect(url_for("production.entries"), 303)


@contextmanager
def _told() -> Iterator[None]:
    """What the desk refuses is answered in its sentence."""
    try:
        yield
    except HubError as refused:
        abort(409, str(refused))


def _found(session: Session, key: uuid.UUID) -> FieldEntry:
    found = session.get(FieldEntry, key)
    if found is None:
        abort(404)
    return found


def _entry(
    session: Session, found: FieldEntry, faults: dict[str, str], given: dict[str, str]
) -> ResponseReturnValue:
    stop = desk.stop_of(session, found.lease_id)
    cells = desk.cells(found.body, stop, faults)
    other = desk.other_of(session, found) if found.state == "conflict" else None
    lease = session.get(Lease, found.lease_id) if found.lease_id else None
    return still(
        "production_entry.html",
        422 if request.method == "POST" else 200,
        entry=found,
        other=other,
        lease=lease,
        people=desk.people_of(session, found, other),
        cells=[cell for cell in cells if "." in cell.path or cell.path in HEADS],
        pairs=desk.pairs(other.body, found.body, stop) if other else [],
        pictures=photos.shown(session, found),
        given=given,
        general=desk.of_no_field(cells, faults),
        can_edit=can(RESOURCES[TABLE], "edit"),
        can_choose=visitor().role in OFFICE,
        tab="entries",
        waiting=len(desk.waiting(session)),
    )
