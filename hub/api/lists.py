"""Lists: a page of a table's rows, with the neighbours' addresses, counts, facets and titles."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from hub.api import filters
from hub.api.addresses import add
from hub.api.answers import of_body
from hub.api.arguments import Arguments
from hub.api.bodies import write
from hub.api.parts import caller, records
from hub.api.problems import refuse
from hub.api.represent import represent
from hub.api.tables import entered
from hub.register import rows as register
from hub.register.fields import Resource
from hub.register.query import Query, parse_query
from hub.register.rows import Facet

MOST: Final = 200
#: Parameters that ask for something beside the rows; the others choose rows.
BESIDE: Final = ("count", "facets", "titles")
Pairs = list[tuple[str, str]]


def serve(blueprint: Blueprint) -> None:
    """Add the addresses of lists."""
    add(blueprint, "", page, "see")


def page(table: str) -> Response:
    """A page of a list."""
    resource = entered(table)
    caller().must("see", table)
    beside = Arguments(request.args.copy(), {*request.args})
    counted, titled = beside.flag("count"), beside.flag("titles")
    names = _facet_names(resource, beside.one("facets"))
    beside.whole("limit", 1, 1, MOST)
    query = asked(resource)
    with records() as session:
        found = register.find(session, resource, query)
        body: dict[str, Any] = {
            "rows": [represent(resource, row) for row in found.rows],
            "next": _address(found.next_cursor),
            "previous": _address(found.previous_cursor),
        }
        if counted:
            count = register.count(session, resource, query)
            body["count"] = {"number": count.number, "capped": count.capped}
        if names:
            body["facets"] = _facets(session, resource, query, names)
        if titled:
            body["titles"] = titles(session, resource, found.rows)
    return of_body(write(body), weak=True, headers=_links(body))


def asked(resource: Resource) -> Query:
    """The rows an address asks for; raises `Problem` or `Refused` with every fault."""
    pairs = [(name, value) for name, value in request.args.items(multi=True) if name not in BESIDE]
    filters.check(resource, pairs)
    return parse_query(resource, pairs)


def _facet_names(resource: Resource, given: str | None) -> list[str]:
    names = [] if given is None else given.split(",")
    strange = [name for name in names if name not in resource.facets]
    if strange:
        known = ", ".join(resource.facets) or "none"
        refuse({"facets": f"facets takes of this table: {known}."})
    return names


def _facets(
    session: Session, resource: Resource, query: Query, names: list[str]
) -> dict[str, list[dict[str, Any]]]:
    found = register.facets(session, resource, query)
    return {name: [_facet(one) for one in found[name]] for name in names}


def _facet(one: Facet) -> dict[str, Any]:
    return {"value": one.value, "label": one.label, "count": one.count, "capped": one.capped}


def titles(
    session: Session, resource: Resource, rows: list[dict[str, Any]]
) -> dict[str, dict[str, str]]:
    """By table: what the rows are called that these name, of tables the caller may see."""
    found = register.references(session, resource, rows)
    return {
        f"{table}": {f"{key}": title for key, title in named.items()}
        for table, named in found.items()
        if caller().sees(table)
    }


def _address(cursor: str | None) -> str | None:
    """The address of a neighbour: this one, from another place."""
    if cursor is None:
        return None
    pairs: Pairs = [pair for pair in request.args.items(multi=True) if pair[0] != "cursor"]
    return f"{request.path}?{urlencode([*pairs, ('cursor', cursor)])}"


def _links(body: dict[str, Any]) -> dict[str, str]:
    """Neighbours as RFC 8288 names them."""
    named = {"next": body["next"], "prev": body["previous"]}
    links = [f'<{address}>; rel="{name}"' for name, address in named.items() if address]
    return {"Link": ", ".join(links)} if links else {}
