"""The form of a rotation: layers of people who take turns; saved only without holes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, time
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import IntegrityError

from hub.console.context import now, records, visitor
from hub.console.forms import Form
from hub.console.gate import needs
from hub.console.live import still
from hub.console.oncall_form import DAYS, known, wall, window_of, window_values
from hub.notify import coverage, keeping
from hub.notify.people import Crew, crew
from hub.notify.schedules import Layer, Roster
from hub.notify.wallclock import is_zone
from hub.permissions import Action

pages = Blueprint("rotations", __name__, url_prefix="/rotations")

LAYERS = 3
PEOPLE = 8


@pages.get("/new")
@needs(Action.EDIT_ONCALL)
def new() -> ResponseReturnValue:
    """An empty form: one layer that begins today at seven."""
    with records() as session:
        found = crew(session, visitor().organization_id)
    day = now().astimezone(found.zone).date()
    values = {
        "timezone": str(visitor().zone),
        "l1-starts": day.isoformat(),
        "l1-handoff": "07:00",
        "l1-every": "7",
    }
    return _page(found, values)


@pages.get("/<uuid:rotation_id>")
@needs(Action.EDIT_ONCALL)
def edit(rotation_id: uuid.UUID) -> ResponseReturnValue:
    """The form as the rotation stands."""
    with records() as session:
        found = crew(session, visitor().organization_id)
    roster = found.rotations.get(rotation_id) or abort(404)
    return _page(found, _values(found.rotation_names[rotation_id], roster), rotation_id)


@pages.post("/new")
@needs(Action.EDIT_ONCALL)
def create() -> ResponseReturnValue:
    """Save a new rotation."""
    return _save(None)


@pages.post("/<uuid:rotation_id>")
@needs(Action.EDIT_ONCALL)
def change(rotation_id: uuid.UUID) -> ResponseReturnValue:
    """Save a rotation; it holds from now on."""
    return _save(rotation_id)


@pages.post("/<uuid:rotation_id>/end")
@needs(Action.EDIT_ONCALL)
def end(rotation_id: uuid.UUID) -> ResponseReturnValue:
    """Use a rotation no longer; refused while a policy names it."""
    with records() as session:
        used = keeping.used_in(session, rotation_id)
        if used:
            abort(409, f"The policy “{used[0]}” still names this rotation; change that first.")
        with known():
            keeping.end_rotation(session, rotation_id, now())
    flash("The rotation is used no longer.")
    return redirect(url_for("oncall.index"), 303)


def _save(rotation_id: uuid.UUID | None) -> ResponseReturnValue:
    form = Form(request.form)
    with records() as session:
        found = crew(session, visitor().organization_id)
        if rotation_id is not None and rotation_id not in found.rotations:
            abort(404)
        name, roster = form.text("name", required=True, longest=60), _read(form)
        remarks = [] if form.faults else coverage.lint_roster(found, roster, now())
        refused = bool(form.faults or [remark for remark in remarks if remark.blocks])
        if not refused:
            try:
                with session.begin_nested():
                    keeping.save_rotation(session, found.id, name, roster, rotation_id)
            except IntegrityError:
                form.fault("name", "There is a rotation of that name already.")
    if refused or form.faults:
        said = [remark.sentence for remark in remarks]
        return _page(found, request.form, rotation_id, form.faults, said, 422)
    flash(f"{name} is saved.")
    return redirect(url_for("oncall.index"), 303)


def _read(form: Form) -> Roster:
    zone = form.raw("timezone")
    if not is_zone(zone):
        form.fault("timezone", "Write a time zone like America/Chicago.")
    layers = [layer for n in range(1, LAYERS + 1) if (layer := _layer(form, f"l{n}")) is not None]
    return Roster(zone, tuple(layers))


def _layer(form: Form, prefix: str) -> Layer | None:
    named = [form.identifier(f"{prefix}-person-{n}") for n in range(1, PEOPLE + 1)]
    people = tuple(user for user in named if user is not None)
    if not people:
        return None
    return Layer(
        people=people,
        starts_on=form.day(f"{prefix}-starts") or date(2024, 1, 1),
        handoff_at=wall(form, f"{prefix}-handoff") or time(7),
        every_days=int(form.number(f"{prefix}-every", low=1, high=62) or 7),
        ends_on=form.day(f"{prefix}-ends"),
        window=window_of(form, prefix),
    )


def _values(name: str, roster: Roster) -> dict[str, str]:
    values = {"name": name, "timezone": roster.zone_name}
    for number, layer in enumerate(roster.layers, 1):
        values |= {
            f"l{number}-starts": layer.starts_on.isoformat(),
            f"l{number}-ends": layer.ends_on.isoformat() if layer.ends_on else "",
            f"l{number}-handoff": f"{layer.handoff_at:%H:%M}",
            f"l{number}-every": str(layer.every_days),
            **window_values(f"l{number}", layer.window),
        }
        for place, user in enumerate(layer.people, 1):
            values[f"l{number}-person-{place}"] = str(user)
    return values


def _page(
    found: Crew,
    values: Any,
    rotation_id: uuid.UUID | None = None,
    faults: dict[str, str] | None = None,
    remarks: Sequence[str] = (),
    status: int = 200,
) -> Response:
    people = [("", "-"), *((str(p.id), p.name) for p in found.people.values())]
    return still(
        "rotation.html",
        status,
        rotation_id=rotation_id,
        values=values,
        faults=faults or {},
        remarks=remarks,
        people=people,
        layers=range(1, LAYERS + 1),
        places=range(1, PEOPLE + 1),
        days=DAYS,
    )
