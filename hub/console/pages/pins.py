"""PINs for the sites: an owner or manager sets and ends them, everybody changes their own."""

from __future__ import annotations

import uuid

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from agent.contract.pins import PinError
from hub.console import pins
from hub.console.context import records, visitor
from hub.console.forms import Form
from hub.console.gate import needs
from hub.console.pages import account, people
from hub.permissions import Action

pages = Blueprint("pins", __name__)

LEARN = "The sites learn it within minutes of a link."


@pages.post("/people/<uuid:member_id>/pin")
@needs(Action.EDIT_PINS)
def give(member_id: uuid.UUID) -> ResponseReturnValue:
    """Set or renew somebody's PIN; one that is made up is shown this once."""
    form = Form(request.form)
    typed = form.raw("pin")
    pin = typed or pins.by_chance()
    name = _allowed(member_id, form)
    if not form.faults:
        try:
            with records() as session:
                pins.keep(session, visitor().organization_id, member_id, pin)
        except PinError as refused:
            form.fault("pin", str(refused))
    if form.faults:
        return people.person_page(member_id, {}, form.faults)
    if not typed:
        return people.person_page(member_id, {}, {}, made_pin=pin)
    flash(f"{name} has this PIN now. {LEARN}")
    return redirect(url_for("people.page", member_id=member_id), 303)


@pages.post("/people/<uuid:member_id>/pin/end")
@needs(Action.EDIT_PINS)
def end(member_id: uuid.UUID) -> ResponseReturnValue:
    """Take somebody's PIN away: who is signed in at a site with it is out when the site hears."""
    form = Form(request.form)
    name = _allowed(member_id, form, ends=True)
    if form.faults:
        return people.person_page(member_id, {}, form.faults)
    with records() as session:
        gone = pins.end(session, member_id)
    said = f"{name} has no PIN any more. {LEARN}" if gone else f"{name} had no PIN."
    flash(said)
    return redirect(url_for("people.page", member_id=member_id), 303)


def _allowed(member_id: uuid.UUID, form: Form, *, ends: bool = False) -> str:
    """Whose PIN it is; notes why it may not be set, where it may not."""
    with records() as session:
        person = people.member(session, member_id)
    if person is None:
        abort(404)
    sentence = pins.refusal(person, visitor().role)
    if sentence and not (ends and person.role != "owner"):
        form.fault("pin", sentence)
    return str(person.name)


@pages.post("/account/pin")
@needs(Action.ENTER)
def change_own() -> ResponseReturnValue:
    """Set or change one's own PIN, with the password."""
    form = Form(request.form)
    pin, mine = form.raw("pin"), visitor().membership_id
    if pin != form.raw("pin_again"):
        form.fault("pin_again", "This is not the same as above.")
    elif sentence := account.wrong_password(form.given.get("pin_password", "")):
        form.fault("pin_password", sentence)
    if not form.faults:
        try:
            with records() as session:
                pins.keep(session, visitor().organization_id, mine, pin)
        except PinError as refused:
            form.fault("pin", str(refused))
    if form.faults:
        return account.shown(form.faults)
    flash(f"Your PIN is changed. {LEARN}")
    return redirect(url_for("account.page"), 303)
