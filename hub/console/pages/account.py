"""One's own account: the operators one works for, the password, the PIN at the sites."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from hub.console import pins, sessions
from hub.console.context import console, records, visitor
from hub.console.gate import cookie_name, needs
from hub.console.live import still
from hub.console.passwords import MAX_LENGTH, MIN_LENGTH
from hub.permissions import Action

pages = Blueprint("account", __name__, url_prefix="/account")

TOO_MANY = "Too many wrong passwords. Wait 15 minutes and try again."


@pages.get("")
@needs(Action.SEE)
def page() -> ResponseReturnValue:
    """Who one is here."""
    return shown({})


def shown(faults: Mapping[str, str]) -> ResponseReturnValue:
    """The page of one's account, with what is wrong in its forms."""
    with records() as session:
        pin_set_at = pins.set_at(session, visitor().membership_id)
    return still("account.html", 422 if faults else 200, faults=faults, pin_set_at=pin_set_at)


@pages.post("/password")
@needs(Action.SEE)
def change_password() -> ResponseReturnValue:
    """Change the password; every other browser of this person is signed out."""
    faults = _faults(request.form)
    if faults:
        return shown(faults)
    token = request.cookies.get(cookie_name(), "")
    ended = sessions.change_password(console().engine, token, request.form["new"])
    flash(
        f"The password is changed; {ended} other browsers were signed out."
        if ended
        else "The password is changed."
    )
    return redirect(url_for("account.page"), 303)


def _faults(form: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with the three passwords; the old one is checked as slowly as at the door."""
    new = form.get("new", "")
    if not MIN_LENGTH <= len(new) <= MAX_LENGTH:
        return {"new": f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters."}
    if new != form.get("again", ""):
        return {"again": "This is not the same as above."}
    sentence = wrong_password(form.get("current", ""))
    return {"current": sentence} if sentence else {}


def wrong_password(given: str) -> str:
    """Why this does not prove who one is, looked at as slowly as at the door; else empty."""
    engine, email = console().engine, visitor().email
    account = f"account:{email.lower()}"
    if not sessions.allowed(engine, account):
        return TOO_MANY
    if sessions.check_password(engine, email, given) is None:
        sessions.failed(engine, account)
        return "This is not your password."
    sessions.succeeded(engine, account)
    return ""
