"""Sign in, sign out, sign out everywhere, and switch to another operator."""

from __future__ import annotations

import uuid
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Request,
    abort,
    current_app,
    g,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from hub.console import sessions
from hub.console.context import console
from hub.console.gate import anyone, cookie_name, needs, over_https
from hub.permissions import Action

pages = Blueprint("signin", __name__)

WRONG = "That address and password do not belong together."
TOO_MANY = "Too many failed sign-ins. Wait 15 minutes and try again."
NOWHERE = "You do not work for any operator here. Ask the operator's owner to add you."
LONGEST_EMAIL = 320


@pages.get("/sign-in")
@anyone
def form() -> ResponseReturnValue:
    """The door."""
    if g.visitor is not None:
        return redirect(_next(request), 303)
    return _door("", "", 200)


@pages.post("/sign-in")
@anyone
def enter() -> ResponseReturnValue:
    """Check the password; one answer for every failure, whether or not the account exists."""
    engine = console().engine
    email = request.form.get("email", "").strip().replace("\0", "")[:LONGEST_EMAIL]
    account, address = f"account:{email.lower()}", f"address:{request.remote_addr}"
    if not sessions.allowed(engine, account, address):
        return _refuse(email, TOO_MANY, 429)
    user_id = sessions.check_password(engine, email, request.form.get("password", ""))
    if user_id is None:
        sessions.failed(engine, account, address)
        return _refuse(email, WRONG, 401)
    sessions.succeeded(engine, account)
    return _welcome(user_id, email)


def _refuse(email: str, fault: str, status: int) -> ResponseReturnValue:
    current_app.logger.warning("sign-in refused from %s: %s", request.remote_addr, fault)
    return _door(email, fault, status)


def _door(email: str, fault: str, status: int) -> ResponseReturnValue:
    return render_template("signin.html", email=email, fault=fault, next=_next(request)), status


def _welcome(user_id: uuid.UUID, email: str) -> ResponseReturnValue:
    """Open a new session, end the one this browser had, and set the cookie."""
    web, engine = console().settings.web, console().engine
    if former := request.cookies.get(cookie_name()):
        sessions.close_session(engine, former)
    browser = request.headers.get("User-Agent", "")
    address = request.remote_addr or ""
    token = sessions.open_session(engine, user_id, web.session_hours, address, browser)
    if token is None:
        return _refuse(email, NOWHERE, 403)
    response = redirect(_next(request), 303)
    response.set_cookie(
        cookie_name(),
        token,
        max_age=web.session_hours * 3600,
        path="/",
        secure=over_https(),
        httponly=True,
        samesite="Lax",
    )
    return response


def _next(incoming: Request) -> str:
    """Where to go after sign-in: a path of our own, else the fleet."""
    wanted = incoming.values.get("next", "")
    parts = urlsplit(wanted)
    foreign = not wanted.startswith("/") or wanted.startswith(("//", "/\\"))
    return "/" if foreign or parts.netloc or not wanted.isprintable() else wanted


@pages.post("/sign-out")
@anyone
def leave() -> ResponseReturnValue:
    """End this browser's session."""
    if token := request.cookies.get(cookie_name()):
        sessions.close_session(console().engine, token)
    return _gone()


@pages.post("/sign-out-everywhere")
@anyone
def leave_everywhere() -> ResponseReturnValue:
    """End every session of this person: a lost phone, a shared computer."""
    if token := request.cookies.get(cookie_name()):
        sessions.close_all_sessions(console().engine, token)
    return _gone()


def _gone() -> ResponseReturnValue:
    response = redirect(url_for("signin.form"), 303)
    response.delete_cookie(
        cookie_name(), path="/", secure=over_https(), httponly=True, samesite="Lax"
    )
    return response


@pages.post("/work-for/<uuid:organization_id>")
@needs(Action.SEE)
def work_for(organization_id: uuid.UUID) -> ResponseReturnValue:
    """Turn to another operator this person works for."""
    token = request.cookies.get(cookie_name(), "")
    if not sessions.switch(console().engine, token, organization_id):
        abort(404)
    return redirect("/", 303)
