"""On call: who it is now, the week, hand-offs and what is said at them, and who stands in."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hub.console.context import now, records, visitor
from hub.console.forms import Form
from hub.console.gate import needs
from hub.console.live import still
from hub.notify import coverage, keeping, rosters
from hub.notify.people import Crew, crew
from hub.notify.schedules import Roster, Slot, slots
from hub.notify.wallclock import instant
from hub.permissions import Action, may
from hub.schema import RotationHandoff, RotationOverride

pages = Blueprint("oncall", __name__, url_prefix="/oncall")

_DAY = timedelta(days=1)
LONGEST_NOTE = 500


@dataclass(frozen=True, slots=True)
class Cell:
    """One stretch of a day, as the calendar shows it."""

    begins: datetime
    ends: datetime
    clock: str
    name: str
    stands_in: bool
    is_mine: bool


@pages.get("")
@needs(Action.SEE)
def index() -> ResponseReturnValue:
    """Who is on call now, who comes next, and the week."""
    return _page()


def _page(faults: Sequence[str] = (), status: int = 200) -> Response:
    with records() as session:
        found = crew(session, visitor().organization_id)
        monday = _monday(request.args.get("week", ""), found)
        listed = rosters.who_is_on(session, found.id, now())
        for item in listed:
            item["days"] = _days(found, item["roster"], monday)
            item["note"] = _note(session, item)
            item["warnings"] = coverage.gaps(found, item["roster"], now(), now() + 2 * _DAY)
        standing = _overrides(session, found)
    days = [monday + number * _DAY for number in range(7)]
    return still(
        "oncall.html",
        status,
        rotations=listed,
        days=days,
        today=now().astimezone(found.zone).date(),
        before=monday - 7 * _DAY,
        after=monday + 7 * _DAY,
        overrides=standing,
        faults=faults,
    )


def _monday(asked: str, found: Crew) -> date:
    try:
        day = date.fromisoformat(asked)
    except ValueError:
        day = now().astimezone(found.zone).date()
    day = min(max(day, date(2000, 1, 3)), date(2100, 1, 1))
    return day - (day.isoweekday() - 1) * _DAY


def _days(found: Crew, roster: Roster, monday: date) -> list[list[Cell]]:
    """The stretches of each day of a week, cut at midnight on the rotation's clock."""
    week = []
    for number in range(7):
        day = monday + number * _DAY
        start = instant(day, time(0), roster.zone)
        end = instant(day + _DAY, time(0), roster.zone)
        week.append([_cell(found, slot, roster) for slot in slots(roster, start, end)])
    return week


def _cell(found: Crew, slot: Slot, roster: Roster) -> Cell:
    person = found.people.get(slot.user) if slot.user else None
    return Cell(
        slot.begins,
        slot.ends,
        f"{slot.begins.astimezone(roster.zone):%H:%M}",
        person.name if person else "",
        slot.stands_in,
        slot.user == visitor().user_id,
    )


def _note(session: Session, item: dict[str, Any]) -> str:
    """What is to be said at the next hand-off of a rotation."""
    if item["next"] is None:
        return ""
    said = session.scalar(
        select(RotationHandoff.note).where(
            RotationHandoff.rotation_id == item["id"], RotationHandoff.at == item["next"].begins
        )
    )
    return said or ""


def _overrides(session: Session, found: Crew) -> list[dict[str, Any]]:
    listed = session.scalars(
        select(RotationOverride)
        .where(RotationOverride.withdrawn_at.is_(None), RotationOverride.ends_at > now())
        .order_by(RotationOverride.starts_at)
        .limit(50)
    )
    return [
        {
            "row": row,
            "rotation": found.rotation_names.get(row.rotation_id, ""),
            "name": _name(found, row.user_id),
            "instead": _name(found, row.replaces_id),
        }
        for row in listed
    ]


def _name(found: Crew, user: uuid.UUID | None) -> str:
    return found.people[user].name if user in found.people else ""


# --------------------------------------------------------------------------------- standing in


@pages.get("/<uuid:rotation_id>/cover")
@needs(Action.HAND_OVER)
def cover(rotation_id: uuid.UUID) -> ResponseReturnValue:
    """The form for somebody who stands in, filled in for the stretch that was tapped."""
    return _cover_form(rotation_id, request.args, {})


def _cover_form(
    rotation_id: uuid.UUID, values: Any, faults: dict[str, str], status: int = 200
) -> Response:
    with records() as session:
        found = crew(session, visitor().organization_id)
        if rotation_id not in found.rotations:
            abort(404)
        people = [(str(p.id), p.name) for p in found.people.values() if p.channels]
        name = found.rotation_names[rotation_id]
    return still(
        "oncall_cover.html",
        status,
        rotation_id=rotation_id,
        rotation=name,
        people=people,
        values=values,
        faults=faults,
        zone=found.rotations[rotation_id].zone_name,
    )


@pages.post("/<uuid:rotation_id>/cover")
@needs(Action.HAND_OVER)
def stand_in(rotation_id: uuid.UUID) -> ResponseReturnValue:
    """Enter that somebody stands in; whoever is no manager may give and take only their own."""
    form = Form(request.form)
    with records() as session:
        found = crew(session, visitor().organization_id)
        roster = found.rotations.get(rotation_id) or abort(404)
        values = _read_cover(form, found, roster)
        if not form.faults:
            keeping.stand_in(session, found.id, rotation_id=rotation_id, **values)
    if form.faults:
        return _cover_form(rotation_id, request.form, form.faults, 422)
    flash(f"{_name(found, values['user_id'])} is on call then.")
    return redirect(url_for("oncall.index", week=values["starts_at"].date()), 303)


def _read_cover(form: Form, found: Crew, roster: Roster) -> dict[str, Any]:
    user = form.identifier("person")
    begins, ends = (_moment(form, name, roster) for name in ("from", "until"))
    person = found.people.get(user) if user else None
    if person is None:
        form.fault("person", "Choose who stands in.")
    elif not any(coverage.is_proven(c.proven_at, now()) for c in person.channels):
        form.fault(
            "person",
            f"No channel of {person.name} is proven: send a test to one, and let them answer it.",
        )
    if begins and ends and ends <= begins:
        form.fault("until", "It has to end after it begins.")
    if begins and ends and ends - begins > 92 * _DAY:
        form.fault("until", "Use at most three months; change the rotation itself for more.")
    if begins and ends and not _allowed(roster, user, begins, ends):
        form.fault(
            "person", "As no manager you may give your own hours away, or take those of others."
        )
    return {
        "user_id": user,
        "starts_at": begins,
        "ends_at": ends,
        "reason": form.text("reason"),
        "created_by": visitor().user_id,
    }


def _allowed(roster: Roster, user: uuid.UUID | None, begins: datetime, ends: datetime) -> bool:
    """Managers may put anybody on call; others take hours on, or give away their own."""
    me = visitor().user_id
    if may(visitor().role, Action.EDIT_ONCALL) or user == me:
        return True
    return all(slot.user == me for slot in slots(roster, begins, ends))


def _moment(form: Form, name: str, roster: Roster) -> datetime | None:
    """A local day and time of the rotation's clock, as `datetime-local` writes it."""
    words = form.raw(name)
    try:
        local = datetime.fromisoformat(words)
    except ValueError:
        form.fault(name, "Write a day and a time, like 2026-03-31T07:00.")
        return None
    if local.tzinfo is not None:
        return local.astimezone(UTC)
    return instant(local.date(), local.time(), roster.zone)


@pages.post("/overrides/<uuid:override_id>/withdraw")
@needs(Action.HAND_OVER)
def withdraw(override_id: uuid.UUID) -> ResponseReturnValue:
    """Take an override back; whoever is no manager only what they entered."""
    with records() as session:
        row = session.get(RotationOverride, override_id, with_for_update=True) or abort(404)
        mine = row.created_by == visitor().user_id
        if not (mine or may(visitor().role, Action.EDIT_ONCALL)):
            abort(403, "Only a manager, or whoever entered it, may take it back.")
        row.withdrawn_at = row.withdrawn_at or now()
    flash("Taken back: the rotation holds again.")
    return redirect(url_for("oncall.index"), 303)


@pages.post("/<uuid:rotation_id>/note")
@needs(Action.HAND_OVER)
def note(rotation_id: uuid.UUID) -> ResponseReturnValue:
    """Keep what the next one on call is told at the hand-off."""
    form = Form(request.form)
    words = form.text("note", longest=LONGEST_NOTE)
    if form.faults:
        return _page(list(form.faults.values()), 422)
    with records() as session:
        listed = rosters.who_is_on(session, visitor().organization_id, now())
        item = next((item for item in listed if item["id"] == rotation_id), None) or abort(404)
        if item["next"] is None:
            abort(409, "There is no hand-off in the next two months.")
        session.execute(
            insert(RotationHandoff)
            .values(
                organization_id=visitor().organization_id,
                rotation_id=rotation_id,
                at=item["next"].begins,
                note=words,
            )
            .on_conflict_do_update(index_elements=["rotation_id", "at"], set_={"note": words})
        )
    flash("It is told at the hand-off.")
    return redirect(url_for("oncall.index"), 303)
