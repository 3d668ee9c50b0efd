"""Who gets through to a page: each view declares what it needs; a test finds one that forgot."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from flask import Flask, Response, abort, g, redirect, request, url_for

from hub.console import sessions
from hub.console.context import console
from hub.permissions import Action

P = ParamSpec("P")
R = TypeVar("R")

POLL = "HX-PTag"  #: the header by which a page that refreshes itself is known


def cookie_name() -> str:
    """Name of the cookie; over https its prefix keeps other hosts of the domain from setting it."""
    return "__Host-wellflow" if over_https() else "wellflow"


def over_https() -> bool:
    """Whether people reach the console over https."""
    return console().settings.web.public_url.startswith("https://")


def identify(app: Flask) -> None:
    """Find out, before each request that reads the cookie's session, who asks."""

    @app.before_request
    def look_up() -> None:
        token = request.cookies.get(cookie_name())
        asks_itself = POLL in request.headers
        g.visitor = None
        if token and request.endpoint != "static.file":
            g.visitor = sessions.lookup(console().engine, token, used=not asks_itself)


def anyone(view: Callable[P, R]) -> Callable[P, R]:
    """Open to people who have not signed in."""
    cast(Any, view).needs = None
    return view


def needs(action: Action) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Open to signed-in people whose role allows `action`; others get one plain sentence."""

    def guard(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if g.visitor is None:
                return cast(R, to_the_door())
            if not g.visitor.may(action):
                abort(403, f"As {g.visitor.role} you may not {action.value}.")
            return view(*args, **kwargs)

        cast(Any, guarded).needs = action
        return guarded

    return guard


def to_the_door() -> Response:
    """Send a browser to sign in, and back here afterwards."""
    if "application/json" in request.headers.get("Accept", ""):
        return Response(status=401)
    if request.method not in {"GET", "HEAD"}:
        return cast(Response, redirect(url_for("signin.form"), 303))
    here = request.full_path.rstrip("?")
    door = url_for("signin.form", next=None if here == "/" else here)
    if "HX-Request" in request.headers:
        return Response(status=401, headers={"HX-Redirect": door})
    return cast(Response, redirect(door, 303))
