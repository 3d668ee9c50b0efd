"""One's own account: the operators one works for, and the password."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from hub.console import sessions
from hub.console.context import console, visitor
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
    return still("account.html", faults={})


@pages.post("/password")
@needs(Action.SEE)
def change_password() -> ResponseReturnValue:
    """Change the password; every other browser of this person is signed out."""
    faults = _faults(request.form)
    if faults:
        return still("account.html", 422, faults=faults)
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
    engine, email = console().engine, visitor().email
    account = f"account:{email.lower()}"
    if not sessions.allowed(engine, account):
        return {"current": TOO_MANY}
    if sessions.check_password(engine, email, form.get("current", "")) is None:
        sessions.failed(engine, account)
        return {"current": "This is not your password."}
    sessions.succeeded(engine, account)
    return {}
