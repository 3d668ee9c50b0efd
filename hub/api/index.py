"""What there is: the tables a caller may see, and the document that describes them all."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for
from sqlalchemy import select

from hub.api import bodies, document
from hub.api.answers import of_body
from hub.api.arguments import Arguments
from hub.api.parts import caller, records
from hub.api.tables import served
from hub.schema import Organization


def serve(blueprint: Blueprint) -> None:
    """Add the addresses of the index and the document."""
    blueprint.add_url_rule("/", view_func=index, strict_slashes=False)
    blueprint.add_url_rule("/openapi.json", view_func=openapi)


def index() -> Response:
    """Who is asked for, and where each table is."""
    Arguments(request.args, ())
    who = caller()
    with records() as session:
        operator = session.scalars(select(Organization.name)).one()
    root = request.path.rstrip("/")
    tables = [
        {
            "name": table.name,
            "title": table.plural,
            "group": table.group,
            "href": f"{root}/{table.name}",
        }
        for table in served()
        if who.sees(table.name)
    ]
    body = {
        "operator": operator,
        "role": who.actor.role,
        "document": url_for(".openapi"),
        "tables": tables,
    }
    return of_body(bodies.write(body), weak=True)


def openapi() -> Response:
    """The OpenAPI document; the same for everybody."""
    return of_body(document.written(), weak=False)
