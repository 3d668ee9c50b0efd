"""The register: every table as a list with search, filters, facets, saved views and export."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from hub.console import addresses, cells, listing, row_pages
from hub.console.addresses import Pairs
from hub.console.context import actor, console, records, visitor
from hub.console.gate import needs
from hub.console.live import still
from hub.console.tables import can, can_on, on_table
from hub.permissions import Action
from hub.register import export, rows, saved
from hub.register.catalog import RESOURCES, groups
from hub.register.errors import Forbidden, Missing, Refused
from hub.register.fields import Field, Resource
from hub.register.query import NUMBERS, Query, parse_query

pages = Blueprint("register", __name__, url_prefix="/register")

COUNTS_KEPT_S = 20.0
OFF = frozenset({"inactive", "deactivated", "sold", "plugged", "retired", "void", "superseded"})
MEDIA: dict[str, tuple[export.Format, str]] = {
    "csv": ("csv", "text/csv"),
    "xlsx": ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


@pages.get("")
@needs(Action.SEE)
def index() -> ResponseReturnValue:
    """All tables under their headings, with how many rows each has."""
    seen = {
        heading: [table for table in tables if can(table, "see")]
        for heading, tables in groups().items()
    }
    counts = _counts([table for tables in seen.values() for table in tables])
    shelves = {
        heading: [{"resource": table, "count": counts[table.name]} for table in tables]
        for heading, tables in seen.items()
        if tables
    }
    return still("register_index.html", groups=shelves, number_of=len(counts))


def _counts(tables: list[Resource]) -> dict[str, str]:
    """Rows per table, as far as they are counted; kept for a while, per what a person sees."""

    def count() -> dict[str, str]:
        with records() as session:
            found = rows.counts(session, tables)
        return {name: listing.counted(one.number, capped=one.capped) for name, one in found.items()}

    person = visitor()
    whose = person.user_id if person.role == "pumper" else None
    key = (person.organization_id, "register", person.role, whose)
    return console().cache.take(key, COUNTS_KEPT_S, count)


# ----------------------------------------------------------------------------------------- a list


def asked_pairs() -> Pairs:
    """What the address says, without the fields left empty."""
    given = [pair for pair in request.args.items(multi=True) if not pair[0].endswith("-title")]
    return addresses.clean(given)


@pages.get("/<table>")
@on_table("see")
def index_of(resource: Resource) -> ResponseReturnValue:
    """The rows of one table as the address asks for them."""
    pairs = asked_pairs()
    base = url_for("register.index_of", table=resource.name)
    if len(pairs) != len(list(request.args.items(multi=True))):
        return redirect(addresses.address(base, pairs), 303)
    faults: dict[str, str] = {}
    try:
        query = parse_query(resource, pairs, visitor().zone)
    except Refused as refused:
        faults, query = refused.faults, Query()
    with records() as session:
        found = rows.find(session, resource, query, _needed(resource))
        context = _list_context(session, resource, pairs, query, found.rows)
    turns = _turns(base, pairs, found.previous_cursor, found.next_cursor)
    status = 422 if faults else 200
    return still("register_list.html", status, faults=faults, **context, **turns)


def _list_context(
    session: Session, resource: Resource, pairs: Pairs, query: Query, found: list[dict[str, Any]]
) -> dict[str, Any]:
    base = url_for("register.index_of", table=resource.name)
    shown = listing.columns(resource)
    filtered = _filter_titles(session, resource, pairs)
    referred = cells.titles(session, found, shown)  # one question per table, not per row
    kept = addresses.kept(pairs)
    named = dict(pairs)
    return {
        "resource": resource,
        "can": can_on(resource),
        "base": base,
        "words": named.get("q", ""),
        "sort": named.get("sort", ""),
        "keep": [pair for pair in kept if pair[0] != "q"],
        "searched": ", ".join(resource.fields[name].label.lower() for name in resource.searched)
        or resource.plural.lower(),
        "heads": listing.heads(resource, base, pairs, query.order),
        "chips": listing.chips(resource, base, pairs, _namer(filtered)),
        "asked": listing.asked(resource, pairs),
        "titles": {key: title for (_, key), title in filtered.items()},
        "rows": [_row(resource, shown, row, referred) for row in found],
        "views": _views(session, resource, kept),
        "query_text": urlencode(kept),
        "sharing": visitor().role in saved.SHARERS,
        "export": lambda kind: _export_url(resource, kind, kept),
        "numbers": NUMBERS,
        "facets_url": addresses.address(
            url_for("register.facets_of", table=resource.name), addresses.without(kept)
        ),
    }


def _needed(resource: Resource) -> set[str]:
    """The columns a list needs of its rows: those it shows, and what says that one is over."""
    return {field.name for field in listing.columns(resource)} | {"status"}


def _row(
    resource: Resource, shown: list[Field], row: Mapping[str, Any], named: cells.Titles
) -> dict[str, Any]:
    address = row_pages.record_page(resource.name, row[resource.key])
    return {"html": cells.line(shown, row, named, address), "off": row.get("status") in OFF}


def _turns(base: str, pairs: Pairs, before: str | None, after: str | None) -> dict[str, str | None]:
    def to(cursor: str | None) -> str | None:
        return addresses.address(base, addresses.at(pairs, cursor)) if cursor else None

    started = any(name == "cursor" for name, _ in pairs)
    first = addresses.address(base, addresses.without(pairs)) if started else None
    return {"first_url": first, "previous_url": to(before), "next_url": to(after)}


def _export_url(resource: Resource, kind: str, kept: Pairs) -> str:
    return addresses.address(
        url_for("register.export_of", table=resource.name, kind=kind), addresses.without(kept)
    )


def _filter_titles(
    session: Session, resource: Resource, pairs: Pairs
) -> dict[tuple[str, str], str]:
    """The names of the rows that filters refer to."""
    asked: list[dict[str, Any]] = []
    fields: list[Field] = []
    for _, name, operator, value in addresses.filters(pairs):
        field = resource.fields.get(name)
        if field is not None and field.reference and operator in {"eq", "ne"}:
            fields.append(field)
            asked.append({name: _identifier(value)})
    return cells.titles(session, asked, fields)


def _identifier(words: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(words)
    except ValueError:
        return None


def _namer(titles: Mapping[tuple[str, str], str]) -> Any:
    def name(field: Field, key: str) -> str:
        return titles.get((str(field.reference), key), "unknown")

    return name


# ------------------------------------------------------------------------------- counts, choices


@pages.get("/<table>/facets")
@on_table("see")
def facets_of(resource: Resource) -> ResponseReturnValue:
    """How many rows there are, and how many per value of each facet; loaded beside the list."""
    pairs = addresses.without(asked_pairs())
    base = url_for("register.index_of", table=resource.name)
    try:
        query = parse_query(resource, pairs, visitor().zone)
    except Refused:
        return ""
    with records() as session:
        number, found = rows.summary(session, resource, query)
    facets = [
        (resource.fields[name], listing.facet(resource.fields[name], values, base, pairs))
        for name, values in found.items()
        if values
    ]
    total = listing.counted(number.number, capped=number.capped)
    noun = resource.singular if number.number == 1 else resource.plural.lower()
    told: dict[str, Any] = {"total": total, "noun": noun, "facets": facets}
    if "HX-Request" in request.headers:
        return render_template("register_facets.html", **told)
    return still("register_facets_page.html", resource=resource, **told)


@pages.get("/<table>/suggest")
@on_table("see")
def suggest(resource: Resource) -> ResponseReturnValue:
    """Rows whose name has the words typed into a field that refers to this table."""
    words = next((v for k, v in request.args.items() if k.endswith("-title") or k == "q"), "")
    with records() as session:
        found = rows.suggest(session, resource, words[:100]) if words.strip() else []
    return render_template("register_options.html", found=found, words=words.strip())


# ------------------------------------------------------------------------------------ taking away


@pages.get("/<table>/export.<kind>")
@on_table("export")
def export_of(resource: Resource, kind: str) -> ResponseReturnValue:
    """The list as seen, whole, as a file."""
    if kind not in MEDIA:
        abort(404)
    try:
        query = parse_query(resource, addresses.without(asked_pairs()), visitor().zone)
    except Refused as refused:
        abort(400, " ".join(refused.faults.values()))
    whose = visitor().organization_id
    try:
        made = export.write(console().engine, whose, actor(), resource, query, MEDIA[kind][0])
    except Refused as refused:
        abort(409, " ".join(refused.faults.values()))
    response = Response(made, mimetype=MEDIA[kind][1])
    response.headers["Content-Disposition"] = f'attachment; filename="{resource.name}.{kind}"'
    return response


# ------------------------------------------------------------------------------------ saved views


def _views(session: Session, resource: Resource, kept: Pairs) -> list[dict[str, Any]]:
    base = url_for("register.index_of", table=resource.name)
    return [
        {
            "id": view.id,
            "name": view.name,
            "shared": view.user_id is None,
            "mine": view.user_id is not None or visitor().role in saved.SHARERS,
            "url": addresses.address(base, parse_qsl(view.query)),
            "on": tuple(parse_qsl(view.query)) == kept,
        }
        for view in saved.views(session, actor(), resource)
    ]


@pages.post("/<table>/views")
@on_table("see")
def save_view(resource: Resource) -> ResponseReturnValue:
    """Keep a list's filters, words and order under a name."""
    query = request.form.get("query", "")[:4000]
    shared = request.form.get("shared") == "yes"
    name = request.form.get("name", "").strip()
    try:
        with records() as session:
            saved.keep(session, actor(), resource, name, query, shared=shared)
    except Refused as refused:
        flash(" ".join(refused.faults.values()))
    else:
        flash(f"The view “{name}” is kept.")
    base = url_for("register.index_of", table=resource.name)
    return redirect(addresses.address(base, parse_qsl(query)), 303)


@pages.post("/views/<uuid:view_id>/forget")
@needs(Action.SEE)
def forget_view(view_id: uuid.UUID) -> ResponseReturnValue:
    """Forget a view of one's own."""
    try:
        with records() as session:
            table = saved.forget(session, actor(), view_id)
    except Missing:
        abort(404)
    except Forbidden as fault:
        abort(403, str(fault))
    flash("The view is forgotten.")
    target = RESOURCES.get(table)
    return redirect(url_for("register.index_of", table=target.name if target else "wells"), 303)
