"""What is held for each owner, and why: the suspense ledger."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Response, request

from hub.api.answers import of_body
from hub.api.arguments import Arguments
from hub.api.bodies import write
from hub.api.parts import caller, records
from hub.register.suspense import held


def serve(blueprint: Blueprint) -> None:
    """Add the address of the ledger."""
    blueprint.add_url_rule("/suspense", view_func=suspense)


def suspense() -> Response:
    """Per owner and reason: how many shares are held, and their sum."""
    caller().must_read("revenue_distributions", like="revenue_distributions")
    Arguments(request.args, ())
    with records() as session:
        rows = [asdict(one) | {"net": f"{one.net:f}"} for one in held(session)]
    return of_body(write({"rows": rows}), weak=True)
