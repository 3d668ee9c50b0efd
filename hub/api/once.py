"""Idempotency keys: a change asked for again under its name is answered, not done, again.

The stored answer is written in the transaction of the change, so that there is never one without
the other. Refusals are not stored: nothing was done, and a repeat is judged anew.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Final

from flask import Response, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.api.answers import Answer
from hub.api.parts import caller, records
from hub.api.problems import CONFLICT, MALFORMED, REFUSED, Problem
from hub.schema.platform import IdempotencyKey

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
KEY: Final = re.compile(r"[!-~]{1,200}")


def once(make: Callable[[Session], Answer]) -> Response:
    """Do a change in a transaction of its own, at most once for an idempotency key.

    Raises `Problem`: 400 for a key that is none, 409 while the first request is still being done,
    422 for a key that stood for something else.
    """
    given = request.headers.get(HEADER)
    with records() as session:
        if given is None:
            return make(session).response()
        answer = _again(session, _name(given), make)
    return answer.response()


def _name(given: str) -> str:
    if not KEY.fullmatch(given):
        raise Problem(MALFORMED, f"{HEADER} takes 1 to 200 visible ASCII characters.")
    return f"{caller().identity}:{given}"


def _again(session: Session, name: str, make: Callable[[Session], Answer]) -> Answer:
    lock = func.pg_try_advisory_xact_lock(
        func.hashtextextended(f"{caller().organization_id}{name}", 0)
    )
    if not session.scalar(select(lock)):
        raise Problem(CONFLICT, f"A request with this {HEADER} is being done; ask again shortly.")
    asked = _fingerprint()
    stored = session.scalar(select(IdempotencyKey).where(IdempotencyKey.key == name))
    if stored is not None:
        return _stored(stored, asked)
    answer = make(session)
    session.add(
        IdempotencyKey(
            organization_id=caller().organization_id,
            key=name,
            method=request.method,
            path=request.full_path,
            body_hash=asked,
            status=answer.status,
            headers=dict(answer.headers),
            response=answer.body.decode(),
        )
    )
    return answer


def _stored(stored: IdempotencyKey, asked: bytes) -> Answer:
    same = (request.method, request.full_path, asked)
    if same != (stored.method, stored.path, stored.body_hash):
        sentence = f"This {HEADER} already stood for another request; take a new one."
        raise Problem(REFUSED, sentence)
    headers = dict(stored.headers or {}) | {REPLAYED: "true"}
    return Answer(stored.status or 200, (stored.response or "").encode(), headers)


def _fingerprint() -> bytes:
    """Digest of what was sent and of its kind."""
    return hashlib.sha256(request.mimetype.encode() + b"\n" + request.get_data()).digest()
