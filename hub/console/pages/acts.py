"""What is asked twice before it is done: remove a row, give it another status, reveal a secret."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from hub.console import steps
from hub.console.context import actor, console, records
from hub.console.live import still
from hub.console.pages.record import row_of, title_of
from hub.console.tables import can, insist, on_table
from hub.register import changes
from hub.register.errors import Conflict, Forbidden, InUse, Missing, Refused
from hub.register.fields import Resource
from hub.register.revealing import reveal as unseal
from hub.register.revealing import revealable

pages = Blueprint("acts", __name__, url_prefix="/register")

MEANWHILE = "Somebody changed this row meanwhile; look at it again before you decide."
#: Statuses that put a row out of use without losing it.
RESTING = ("inactive", "deactivated", "retired", "plugged", "sold", "expired", "void")


def _version() -> int:
    words = request.form.get("row_version", "")
    return int(words) if words.isascii() and words.isdigit() and len(words) < 10 else 0


# ---------------------------------------------------------------------------------------- remove


@pages.get("/<table>/<key>/remove")
@on_table("remove")
def ask_remove(resource: Resource, key: str) -> ResponseReturnValue:
    """Whether it is really to go."""
    return _ask_remove(resource, key, [])


def _ask_remove(resource: Resource, key: str, faults: list[str]) -> ResponseReturnValue:
    with records() as session:
        row = row_of(session, resource, key)
        title = title_of(session, resource, row[resource.key])
    return still(
        "record_confirm.html",
        422 if faults else 200,
        resource=resource,
        key=key,
        title=title,
        version=row.get("row_version"),
        question=f"Remove {title}?",
        sentence=f"The {resource.singular} is gone from every list. Its history is kept.",
        verb="Remove it",
        faults=faults,
        instead=_instead(resource, key, row),
    )


def _instead(resource: Resource, key: str, row: dict[str, Any]) -> dict[str, str] | None:
    """Putting a row out of use, where its table knows a status for that."""
    field = resource.fields.get("status")
    resting = [s for s in RESTING if field and field.editable and s in field.choices]
    if not resting or not can(resource, "edit") or row.get("status") in RESTING:
        return None
    url = url_for("acts.ask_step", table=resource.name, key=key, status=resting[0])
    return {"url": url, "words": f"Only set it to {resting[0].replace('_', ' ')}"}


@pages.post("/<table>/<key>/remove")
@on_table("remove")
def remove(resource: Resource, key: str) -> ResponseReturnValue:
    """Remove the row, unless something refers to it or somebody changed it meanwhile."""
    with records() as session:
        row = row_of(session, resource, key)
    try:
        with records() as session:
            changes.remove(session, actor(), resource, row[resource.key], _version())
    except Missing:
        abort(404)
    except Forbidden as fault:
        abort(403, str(fault))
    except Conflict:
        return _ask_remove(resource, key, [MEANWHILE])
    except InUse as fault:
        return _ask_remove(resource, key, [str(fault)])
    except Refused as refused:
        return _ask_remove(resource, key, list(refused.faults.values()))
    flash(f"Removed the {resource.singular}.")
    return redirect(url_for("register.index_of", table=resource.name), 303)


# ----------------------------------------------------------------------------------- next status


@pages.get("/<table>/<key>/status/<status>")
@on_table("see")
def ask_step(resource: Resource, key: str, status: str) -> ResponseReturnValue:
    """Whether the row is really to take this step."""
    return _ask_step(resource, key, _allowed_step(resource, status), [])


def _allowed_step(resource: Resource, status: str) -> steps.Step:
    field = resource.fields.get("status")
    if field is None or not field.editable or status not in field.choices:
        abort(404)
    asked = steps.step(resource, status)
    insist(resource, asked.verb)
    return asked


def _ask_step(
    resource: Resource, key: str, step: steps.Step, faults: list[str]
) -> ResponseReturnValue:
    with records() as session:
        row = row_of(session, resource, key)
        title = title_of(session, resource, row[resource.key])
    now, then = (str(word).replace("_", " ") for word in (row.get("status"), step.status))
    return still(
        "record_confirm.html",
        422 if faults else 200,
        resource=resource,
        key=key,
        title=title,
        version=row.get("row_version"),
        question=f"{step.words}: {title}?",
        sentence=f"The {resource.singular} is {now} and becomes {then}.",
        verb=step.words,
        faults=faults,
        instead=None,
    )


@pages.post("/<table>/<key>/status/<status>")
@on_table("see")
def take_step(resource: Resource, key: str, status: str) -> ResponseReturnValue:
    """Give the row its new status, unless the database's rules or another change stand against."""
    step = _allowed_step(resource, status)
    with records() as session:
        row = row_of(session, resource, key)
    try:
        with records() as session:
            values = {"status": status}
            changes.update(session, actor(), resource, row[resource.key], values, _version())
    except Missing:
        abort(404)
    except Forbidden as fault:
        abort(403, str(fault))
    except Conflict:
        return _ask_step(resource, key, step, [MEANWHILE])
    except Refused as refused:
        return _ask_step(resource, key, step, list(refused.faults.values()))
    flash(f"The {resource.singular} is {status.replace('_', ' ')} now.")
    return redirect(url_for("record.page", table=resource.name, key=key), 303)


# ---------------------------------------------------------------------------------------- reveal


@pages.post("/<table>/<key>/reveal/<field>")
@on_table("see")
def reveal(resource: Resource, key: str, field: str) -> ResponseReturnValue:
    """Show one sealed value, once; that it was looked at stays in the audit trail."""
    known = resource.fields.get(field)
    if known is None or field not in revealable(resource):
        abort(404)
    insist(resource, "reveal")
    with records() as session:
        row = row_of(session, resource, key)
        title = title_of(session, resource, row[resource.key])
    try:
        with records() as session:
            value = unseal(
                session, actor(), resource, row[resource.key], field, console().settings.secret_key
            )
    except Missing:
        abort(404)
    except Forbidden as fault:
        abort(403, str(fault))
    except Refused as refused:
        abort(409, " ".join(refused.faults.values()))
    if value is None:
        abort(409, f"{known.label} is empty.")
    return still(
        "record_reveal.html", resource=resource, key=key, title=title, field=known, value=value
    )
