"""What people do to alerts: take them, give them back, shelve, reset, say who is there."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from flask import Blueprint, Response, abort, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from hub.alerts import lifecycle
from hub.alerts.axes import RefusedError
from hub.alerts.lifecycle import UnknownAlertError
from hub.console.context import now, records, visitor
from hub.console.forms import Form
from hub.console.gate import needs
from hub.console.pages.fleet import forget_fleet
from hub.permissions import Action

pages = Blueprint("alert_acts", __name__, url_prefix="/alerts")

LONGEST_NOTE = 500
LONGEST_SHELF_H = 24 * 30
LONGEST_ETA_MIN = 24 * 60

Act = Callable[[Session, uuid.UUID], object]


@pages.post("/<uuid:alert_id>/acknowledge")
@needs(Action.ACKNOWLEDGE)
def acknowledge(alert_id: uuid.UUID) -> ResponseReturnValue:
    """Take one alert; what is still queued about it is not sent any more."""
    return _one(alert_id, _taking())


@pages.post("/<uuid:alert_id>/unacknowledge")
@needs(Action.ACKNOWLEDGE)
def unacknowledge(alert_id: uuid.UUID) -> ResponseReturnValue:
    """Give one alert back: it asks again."""
    note = _note()
    return _one(alert_id, lambda s, a: lifecycle.unacknowledge(s, a, visitor().user_id, note))


@pages.post("/<uuid:alert_id>/shelve")
@needs(Action.ACKNOWLEDGE)
def shelve(alert_id: uuid.UUID) -> ResponseReturnValue:
    """Put one alarm aside for some hours."""
    return _one(alert_id, _shelving())


@pages.post("/<uuid:alert_id>/unshelve")
@needs(Action.ACKNOWLEDGE)
def unshelve(alert_id: uuid.UUID) -> ResponseReturnValue:
    """Take one alarm off the shelf."""
    return _one(alert_id, lambda s, a: lifecycle.unshelve(s, a, visitor().user_id, _note()))


@pages.post("/<uuid:alert_id>/reset")
@needs(Action.ACKNOWLEDGE)
def reset(alert_id: uuid.UUID) -> ResponseReturnValue:
    """Reset a latched alarm that is over."""
    return _one(alert_id, lambda s, a: lifecycle.reset(s, a, visitor().user_id, _note()))


@pages.post("/<uuid:alert_id>/arrived")
@needs(Action.ACKNOWLEDGE)
def arrived(alert_id: uuid.UUID) -> ResponseReturnValue:
    """Say that somebody is on site."""
    return _one(alert_id, lambda s, a: lifecycle.arrive(s, a, visitor().user_id, note=_note()))


@pages.post("/<uuid:alert_id>/review")
@needs(Action.ACKNOWLEDGE)
def review(alert_id: uuid.UUID) -> ResponseReturnValue:
    """Say that a critical alert known only afterwards was looked into."""
    return _one(alert_id, lambda s, a: lifecycle.review(s, a, visitor().user_id, _note()))


@pages.post("/acknowledge")
@needs(Action.ACKNOWLEDGE)
def many() -> ResponseReturnValue:
    """Take all that are ticked with one note, or shelve them with one reason."""
    act = _shelving() if request.form.get("act") == "shelve" else _taking()
    _do(_chosen(), act)
    return _back(url_for("alerts.index"))


def _taking() -> Act:
    note, eta = _note(), _eta()
    who = visitor().user_id
    return lambda session, alert: lifecycle.acknowledge(session, alert, who, note, eta=eta)


def _shelving() -> Act:
    reason, who = _note() or "", visitor().user_id
    hours = Form(request.form).number("hours", low=0, high=LONGEST_SHELF_H) or 1.0
    until = now() + timedelta(hours=min(hours, LONGEST_SHELF_H))
    return lambda session, alert: lifecycle.shelve(session, alert, who, until, reason, now())


def _note() -> str | None:
    return Form(request.form).text("note")[:LONGEST_NOTE] or None


def _eta() -> datetime | None:
    """When that person expects to be there, from minutes."""
    minutes = Form(request.form).number("eta_min", low=0, high=LONGEST_ETA_MIN)
    return None if not minutes else now() + timedelta(minutes=min(minutes, LONGEST_ETA_MIN))


def _chosen() -> list[uuid.UUID]:
    found = []
    for word in request.form.getlist("alert"):
        try:
            found.append(uuid.UUID(word))
        except ValueError:
            continue
    return found


def _one(alert_id: uuid.UUID, act: Act) -> ResponseReturnValue:
    if not _do([alert_id], act):
        abort(404)
    return _back(url_for("alerts.page", alert_id=alert_id))


def _do(chosen: Iterable[uuid.UUID], act: Act) -> int:
    """Do something to each of these alerts as far as there are such; answers how many there were.

    What is refused is said in one sentence each; the others are done.
    """
    known, refused = 0, []
    for alert_id in chosen:
        try:
            with records() as opened:
                act(opened, alert_id)
        except UnknownAlertError:
            continue
        except RefusedError as why:
            refused.append(str(why))
        known += 1
    for sentence in dict.fromkeys(refused):
        flash(sentence, "bad")
    forget_fleet()
    return known


def _back(otherwise: str) -> ResponseReturnValue:
    """To the page the person was on: a live page shows it at once, another is loaded again."""
    known = {"fleet": url_for("fleet.index"), "alerts": url_for("alerts.index")}
    known |= {"shelved": url_for("alerts.shelved"), "cleared": url_for("alerts.cleared")}
    place = known.get(request.form.get("back", ""), otherwise)
    if "HX-Request" not in request.headers:
        return redirect(place, 303)
    if session.get("_flashes"):  # what was refused is said on the whole page
        return Response(status=204, headers={"HX-Redirect": place})
    return Response(status=204, headers={"HX-Trigger": "refresh"})
