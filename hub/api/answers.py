"""Answers: JSON with its headers, problems, and what becomes of each error under /api."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Response, current_app, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from hub.api import bodies, problems
from hub.api.conditional import body_tag, unchanged
from hub.api.problems import Problem
from hub.register.errors import Conflict, Forbidden, InUse, Missing, Refused

#: A client may keep an answer but asks each time whether it still stands.
KEPT = "private, no-cache"
PREFIX = "/api/"


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON answer before it is sent, so that it can be stored and given again."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """What is sent."""
        sent = Response(self.body, self.status, dict(self.headers))
        if self.body:
            sent.content_type = bodies.JSON
        else:
            del sent.headers["Content-Type"]
        sent.headers.setdefault("Cache-Control", KEPT)
        return sent


def tagged(
    value: Any, tag: str, *, weak: bool, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON answer with its entity tag, or 304 when the caller has it."""
    return of_body(bodies.write(value), tag, weak=weak, headers=headers)


def of_body(
    body: bytes, tag: str = "", *, weak: bool, headers: Mapping[str, str] | None = None
) -> Response:
    """JSON text with its entity tag (by default of its bytes), or 304 when the caller has it."""
    name = tag or body_tag(body)
    known = {"ETag": f'{"W/" if weak else ""}"{name}"'} | dict(headers or {})
    if unchanged(request.headers.get("If-None-Match"), name):
        return Answer(304, b"", known).response()
    return Answer(200, body, known).response()


def of_problem(problem: Problem) -> Response:
    """A refusal as application/problem+json."""
    sent = Response(bodies.write(problem.body), problem.kind.status, dict(problem.headers))
    sent.content_type = problems.MEDIA_TYPE
    sent.headers["Cache-Control"] = "no-store"
    if problem.kind.status == 401:
        sent.headers["WWW-Authenticate"] = 'Bearer realm="WellFlow"'
    return sent


def or_page(
    page: Callable[[Any], ResponseReturnValue],
) -> Callable[[Any], ResponseReturnValue]:
    """An error handler that answers a problem under /api and the console's page elsewhere."""

    def answer(error: Exception) -> ResponseReturnValue:
        if not request.path.startswith(PREFIX):
            return page(error)
        return of_problem(problem_behind(error))

    return answer


def problem_behind(error: Exception) -> Problem:
    """What an error means to the caller; what nobody foresaw is logged under a number."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, OperationalError | PoolTimeout):
        current_app.logger.error("no database at %s: %s", request.path, error)
        return Problem(problems.AWAY, headers={"Retry-After": "30"})
    if isinstance(error, HTTPException):
        return _of_http(error)
    return _of_register(error) or _unforeseen(error)


def _of_http(error: HTTPException) -> Problem:
    code = error.code or 500
    own = code in {403, 409, 413} and error.description != type(error).description
    problem = problems.of_status(code, str(error.description) if own else "")
    kept = {"Allow", "Location"}
    problem.headers = {name: value for name, value in error.get_headers() if name in kept}
    return problem


def _of_register(error: Exception) -> Problem | None:
    match error:
        case Refused():
            return Problem(problems.REFUSED, next(iter(error.faults.values()), ""), error.faults)
        case Forbidden():
            return Problem(problems.FORBIDDEN, str(error))
        case Missing():
            return Problem(problems.MISSING, str(error))
        case InUse():
            return Problem(problems.CONFLICT, str(error))
        case Conflict():
            return Problem(problems.STALE)
    return None


def _unforeseen(error: Exception) -> Problem:
    number = secrets.token_hex(4)
    current_app.logger.error("fault %s at %s", number, request.path, exc_info=error)
    return Problem(problems.FAULT, f"The hub failed on this request; its log has it as {number}.")
