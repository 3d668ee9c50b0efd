"""Answering a message without signing in: its link opens a page, and only its button acts.

Programs that look at mail open every link in it; so opening never acknowledges.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from hub.alerts import answers
from hub.console.context import console
from hub.console.forms import Form
from hub.console.gate import anyone
from hub.notify import links, messages

pages = Blueprint("replies", __name__, url_prefix="/m")


@pages.get("/<token>")
@anyone
def page(token: str) -> ResponseReturnValue:
    """What the message was about, and the button to answer it."""
    message = answers.opened(console().engine, token)
    refusal = answers.hindrance(message, datetime.now(UTC))
    if refusal is None:
        answers.note_opened(console().engine, message, request.remote_addr or "")
    return _page(message, refusal=refusal, status=404 if message is None else 200)


@pages.post("/<token>")
@anyone
def answer(token: str) -> ResponseReturnValue:
    """Take the alert on, or prove the channel."""
    form = Form(request.form)
    eta = form.raw("eta")
    choice = form.raw("choice")
    said = answers.Said(
        "link",
        choice if choice in answers.CHOICES else "seen",
        int(eta) if eta in {str(minutes) for minutes in answers.ETAS_MIN} else None,
        form.raw("note")[: answers.LONGEST_NOTE],
        request.remote_addr or "",
    )
    answered = answers.take(console().engine, token, said)
    message = answers.opened(console().engine, token)
    return _page(message, answered=answered, status=200 if answered.taken else 409)


@pages.post("/<token>/shown/<int:attempt>")
@anyone
def shown(token: str, attempt: int) -> ResponseReturnValue:
    """A browser shows a push: that is its receipt."""
    statement = text("SELECT message_receipt(:hash, :attempt, 'push', NULL, 'shown', true)")
    with console().engine.begin() as connection:
        connection.execute(statement, {"hash": links.hashed(token), "attempt": min(attempt, 9999)})
    return "", 204


def _page(
    message: Any,
    *,
    refusal: str | None = None,
    answered: answers.Answered | None = None,
    status: int = 200,
) -> Response:
    body = {} if message is None else dict(message.body)
    page = render_template(
        "answer.html",
        message=message,
        refusal=refusal,
        answered=answered,
        headline=messages.headline(body) if body else "",
        rows=messages.rows(body) if body else [],
        advice=messages.advice(body) if body else [],
        choices=answers.CHOICES,
        etas=answers.ETAS_MIN,
    )
    response = make_response(page, status)
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
