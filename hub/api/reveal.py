"""One sealed value in the clear: for whom the matrix allows, one at a time, kept in the trail."""

from __future__ import annotations

from flask import Blueprint, Response, request

from hub.api import bodies
from hub.api.addresses import add
from hub.api.answers import Answer
from hub.api.arguments import Arguments
from hub.api.parts import caller, records, secret_key
from hub.api.tables import entered
from hub.register import revealing


def serve(blueprint: Blueprint) -> None:
    """Add the address of sealed values."""
    add(
        blueprint,
        "/<key:key>/reveal/<field>",
        reveal,
        "reveal",
        method="POST",
        where=lambda table: bool(revealing.revealable(table)),
    )


def reveal(table: str, key: str, field: str) -> Response:
    """A sealed value; no cache, and no idempotency key, keeps this answer."""
    resource = entered(table)
    caller().must("reveal", table)
    Arguments(request.args, ())
    with records() as session:
        value = revealing.reveal(
            session, caller().actor, resource, key, field, secret_key=secret_key()
        )
    told = bodies.write({"field": field, "value": value})
    return Answer(200, told, {"Cache-Control": "no-store"}).response()
