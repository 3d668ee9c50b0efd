"""One row: what it is, what belongs to it, and the forms that add, change and remove it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from hub.console import cells, record_form, steps
from hub.console.cells import Cell
from hub.console.context import actor, console, records, visitor
from hub.console.live import still
from hub.console.pages.fleet import forget_fleet
from hub.console.record_form import Found
from hub.console.related import linked_documents, related
from hub.console.tables import can, can_on, on_table
from hub.register import changes, rows
from hub.register.errors import Conflict, Forbidden, Missing, Refused, ValueRefused
from hub.register.fields import Field, Resource
from hub.register.revealing import revealable
from hub.register.values import parse
from hub.trail import history

pages = Blueprint("record", __name__, url_prefix="/register")

KEPT = ("created_at", "created_by", "updated_at", "updated_by", "row_version", "id")
Values = dict[str, Any]


def title_of(session: Session, resource: Resource, key: Any) -> str:
    """The name of a row wherever it is spoken of."""
    return rows.titles(session, resource, [key]).get(key) or str(key)[:8]


def row_of(session: Session, resource: Resource, words: str) -> Values:
    """The row that an address names; 404 where there is none, or none for this visitor."""
    try:
        return rows.get(session, resource, words)
    except Missing:
        abort(404)


# ------------------------------------------------------------------------------------------- see


@pages.get("/<table>/<key>")
@on_table("see")
def page(resource: Resource, key: str) -> ResponseReturnValue:
    """A row, its fields under headings, what refers to it, and its next steps."""
    with records() as session:
        row = row_of(session, resource, key)
        key = row[resource.key]
        fields = list(resource.fields.values())
        named = cells.titles(session, [row], fields)
        shown = record_form.grouped(fields)
        fact = _facts(resource, row, named)
        groups = [(heading, [fact(field) for field in those]) for heading, those in shown]
        title = title_of(session, resource, key)
    return still(
        "record.html",
        resource=resource,
        can=can_on(resource),
        key=key,
        title=title,
        standing=row.get("status"),
        editable=bool(record_form.taken(resource, new=False)),
        groups=groups,
        kept=[fact(resource.fields[name]) for name in KEPT if name in row],
        steps=steps.steps(resource, row),
        task_url=url_for("wells.page", well_id=key) if resource.name == "wells" else None,
    )


@pages.get("/<table>/<key>/related")
@on_table("see")
def related_to(resource: Resource, key: str) -> ResponseReturnValue:
    """The rows of other tables that refer to this one; loaded beside it."""
    with records() as session:
        row = row_of(session, resource, key)
        full, empty = related(session, resource, row[resource.key])
        papers = linked_documents(session, resource, row[resource.key])
    if "HX-Request" in request.headers:
        return render_template("record_related.html", related=full, empty=empty, papers=papers)
    title = f"What belongs to this {resource.singular}"
    return still("record_related_page.html", title=title, related=full, empty=empty, papers=papers)


def _facts(
    resource: Resource, row: Mapping[str, Any], named: cells.Titles
) -> Callable[[Field], Cell]:
    """How each field of a row is told."""
    revealed = revealable(resource) if can(resource, "reveal") else []

    def fact(field: Field) -> Cell:
        if field.sealed:
            return cells.sealed(field, row, reveal=field.name in revealed)
        return cells.cell(field, row.get(field.name), named, units=True)

    return fact


# ----------------------------------------------------------------------------------- add, change


@pages.get("/<table>/new")
@on_table("add")
def add(resource: Resource) -> ResponseReturnValue:
    """An empty form; the address may already say some fields. A document begins with its file."""
    if resource.name == "documents":
        return redirect(url_for("documents.add"), 303)
    fields = record_form.taken(resource, new=True)
    values = {field.name: request.args.get(field.name, "")[:200] for field in fields}
    return _form(resource, None, values)


@pages.post("/<table>/new")
@on_table("add")
def create(resource: Resource) -> ResponseReturnValue:
    """Add a row, or say every fault beside its field."""
    fields = record_form.taken(resource, new=True)
    with records() as session:
        found = record_form.look_up(session, fields, request.form)
    values = record_form.given(fields, request.form) | found.keys
    faults = _open_faults(resource, values, found, None)
    if not faults:
        try:
            with records() as session:
                sent = {name: words for name, words in values.items() if words}
                made = changes.create(session, actor(), resource, sent, secret_key=_secret())
        except Refused as refused:
            faults = refused.faults
        except Forbidden as fault:
            abort(403, str(fault))
    if faults:
        return _form(resource, None, values, faults, found)
    _forget()
    flash(f"Added the {resource.singular}.")
    return redirect(url_for("record.page", table=resource.name, key=made[resource.key]), 303)


@pages.get("/<table>/<key>/edit")
@on_table("edit")
def edit(resource: Resource, key: str) -> ResponseReturnValue:
    """The form with what is known."""
    with records() as session:
        row = row_of(session, resource, key)
    fields = record_form.taken(resource, new=False)
    return _form(resource, row, record_form.stored(fields, row, visitor().zone))


@pages.post("/<table>/<key>/edit")
@on_table("edit")
def change(resource: Resource, key: str) -> ResponseReturnValue:
    """Change what the person changed; a row changed meanwhile is shown, not overwritten."""
    fields = record_form.taken(resource, new=False)
    with records() as session:
        row = row_of(session, resource, key)
        found = record_form.look_up(session, fields, request.form)
    values = record_form.given(fields, request.form) | found.keys
    mine = record_form.changed(values, record_form.was(request.form))
    faults = _open_faults(resource, mine, found, row)
    if not faults and mine:
        try:
            _update(resource, row[resource.key], mine)
        except Refused as refused:
            faults = refused.faults
        except Conflict as conflict:
            return _conflict(resource, conflict.current, mine)
    if faults:
        return _form(resource, row, values, faults, found)
    flash("Saved." if mine else "Nothing was changed.")
    return redirect(url_for("record.page", table=resource.name, key=row[resource.key]), 303)


def _open_faults(
    resource: Resource, values: Mapping[str, str], found: Found, row: Values | None
) -> dict[str, str]:
    """References that stay open, and with them whatever else is wrong: all faults at once."""
    if not found.faults:
        return {}
    told = {
        name: words
        for name, words in values.items()
        if name not in found.faults and (words or row is not None)
    }
    with records() as session:
        faults = changes.faults_of(session, resource, told, making=row is None, before=row)
    return faults | found.faults


def _update(resource: Resource, key: Any, mine: Mapping[str, str]) -> None:
    try:
        with records() as session:
            version = _version() if resource.versioned else None
            changes.update(session, actor(), resource, key, mine, version, secret_key=_secret())
    except Missing:
        abort(404)
    except Forbidden as fault:
        abort(403, str(fault))
    _forget()


def _secret() -> bytes:
    """What seals the values that are kept encrypted."""
    return console().settings.secret_key


def _version() -> int:
    """The version of the row that the form showed."""
    words = request.form.get("row_version", "")
    return int(words) if words.isascii() and words.isdigit() and len(words) < 10 else 0


def _form(
    resource: Resource,
    row: Values | None,
    values: Mapping[str, str],
    faults: Mapping[str, str] | None = None,
    found: Found | None = None,
) -> ResponseReturnValue:
    """The form, again with everything typed where something in it could not be taken."""
    fields = record_form.taken(resource, new=row is None)
    faults = faults or {}
    again = found is not None
    key = row[resource.key] if row else None
    with records() as session:
        named = _titles(session, fields, values)
        title = title_of(session, resource, key) if row else ""
    groups = record_form.entries(
        fields,
        values,
        named,
        faults,
        request.form if again else None,
        found.options if found else {},
    )
    if row:
        _mask(groups, row)
    before = request.form.get("was", "{}") if again else json.dumps(values)
    version = request.form.get("row_version") if again else (row or {}).get("row_version")
    where = {"table": resource.name, "key": key} if row else {"table": resource.name}
    return still(
        "record_form.html",
        422 if faults else 200,
        resource=resource,
        key=key,
        title=title,
        groups=groups,
        faults=_named_faults(resource, faults),
        action=url_for("record.change" if row else "record.create", **where),
        back=url_for("record.page" if row else "register.index_of", **where),
        was=before,
        version=version,
    )


def _titles(
    session: Session, fields: Iterable[Field], values: Mapping[str, str]
) -> dict[tuple[str, str], str]:
    """The names of the rows that the form's references point to."""
    row: Values = {}
    pointing = [field for field in fields if field.reference and values.get(field.name)]
    for field in pointing:
        try:
            row[field.name] = parse(field, values[field.name])
        except ValueRefused:
            continue
    return cells.titles(session, [row], pointing)


def _mask(groups: list[tuple[str, list[record_form.Entry]]], row: Mapping[str, Any]) -> None:
    for _, group in groups:
        for one in group:
            if one.field.sealed:
                one.masked = cells.masked(one.field, row)


def _named_faults(resource: Resource, faults: Mapping[str, str]) -> list[dict[str, str]]:
    """The summary above the form; a fault of no field in it is said of the whole row."""
    named = []
    for name, sentence in faults.items():
        field = resource.fields.get(name)
        named.append({"name": name, "label": field.label if field else "", "sentence": sentence})
    return named


# -------------------------------------------------------------------------------------- conflict


def _conflict(resource: Resource, current: Values, mine: Mapping[str, str]) -> ResponseReturnValue:
    """Yours and theirs side by side, field by field; what you typed stays in the form."""
    zone = visitor().zone
    before = record_form.was(request.form)
    fields = [resource.fields[name] for name in before if name in resource.fields]
    theirs = record_form.stored(fields, current, zone)
    moved = record_form.changed(theirs, before)
    clashes = [n for n in mine if n in moved and moved[n] != mine[n] and not _sealed(resource, n)]
    key = current[resource.key]
    with records() as session:
        named = _titles(session, fields, theirs) | _titles(session, fields, mine)
        said = _said(resource, named)
        last = history(session, resource.name, key, 1)
        title = title_of(session, resource, key)
    kept = [(name, value) for name, value in mine.items() if name not in clashes]
    return still(
        "record_conflict.html",
        409,
        resource=resource,
        key=key,
        title=title,
        by=last[0] if last else None,
        clashes=[
            {
                "field": resource.fields[name],
                "yours": mine[name],
                "theirs": theirs[name],
                "yours_shown": said(name, mine[name]).html,
                "theirs_shown": said(name, theirs[name]).html,
            }
            for name in clashes
        ],
        mine=[said(name, value) for name, value in kept],
        others=[said(name, value) for name, value in moved.items() if name not in clashes],
        kept=kept,
        was=json.dumps(theirs),
        version=current.get("row_version"),
        action=url_for("record.change", table=resource.name, key=key),
        back=url_for("record.page", table=resource.name, key=key),
    )


def _sealed(resource: Resource, name: str) -> bool:
    return resource.fields[name].sealed


def _said(resource: Resource, named: cells.Titles) -> Any:
    def say(name: str, words: str) -> Cell:
        field = resource.fields[name]
        if field.sealed and words:
            return Cell(field, cells.HIDDEN, "")
        return cells.cell(field, parse(field, words, visitor().zone), named, units=True)

    return say


def _forget() -> None:
    """Drop the kept answers that a change may have made old."""
    forget_fleet()
