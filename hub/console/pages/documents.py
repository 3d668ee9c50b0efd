"""Files: kept by their content, in versions, and sent only to those who may see their row."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from hub import documents
from hub.console.context import actor, console, records
from hub.console.forms import Form
from hub.console.gate import needs
from hub.console.live import still
from hub.console.pages.record import row_of, title_of
from hub.console.tables import insist
from hub.errors import HubError
from hub.permissions import Action
from hub.register import rows
from hub.register.catalog import RESOURCES
from hub.register.errors import Missing

pages = Blueprint("documents", __name__, url_prefix="/documents")

ENVELOPE: Final = 64 * 1024  #: what a form wraps around a file
TABLE: Final = "documents"
#: What a document can be about, by its database rule.
ABOUT: Final = RESOURCES["document_links"].fields["table_name"].choices or tuple(RESOURCES)


@pages.get("/new")
@needs(Action.SEE)
def add() -> ResponseReturnValue:
    """The form for one more file; the address may say what it is about."""
    insist(RESOURCES[TABLE], "add")
    return _form({"kind": "other"}, {})


@pages.post("")
@needs(Action.SEE)
def create() -> ResponseReturnValue:
    """Keep a file, linked to the row it is about."""
    insist(RESOURCES[TABLE], "add")
    request.max_content_length = console().settings.documents.max_bytes + ENVELOPE
    form = Form(request.form)
    details = _details(form)
    about = _about()
    if about is not None:
        details["about"] = (about[:2],)
    made = None if form.faults else _keep(form, details, None)
    if made is None:
        return _form(request.form, form.faults, 422)
    flash("The file is kept.")
    return redirect(url_for("record.page", table=TABLE, key=made), 303)


@pages.post("/<uuid:document_id>/version")
@needs(Action.SEE)
def replace(document_id: uuid.UUID) -> ResponseReturnValue:
    """Keep a file as the next version of a document; the former one stays."""
    insist(RESOURCES[TABLE], "add")
    request.max_content_length = console().settings.documents.max_bytes + ENVELOPE
    with records() as session:
        row_of(session, RESOURCES[TABLE], str(document_id))
    form = Form(request.form)
    made = _keep(form, {}, document_id)
    if made is None:
        flash(" ".join(form.faults.values()))
        return redirect(url_for("record.page", table=TABLE, key=document_id), 303)
    flash("The new version is kept; the former one stays.")
    return redirect(url_for("record.page", table=TABLE, key=made), 303)


@pages.get("/<uuid:document_id>/content")
@needs(Action.SEE)
def content(document_id: uuid.UUID) -> ResponseReturnValue:
    """The file, to be saved; that it was opened stays in the audit trail."""
    insist(RESOURCES[TABLE], "see")
    settings = console().settings.documents
    try:
        with records() as session:
            row, stream = documents.open_document(session, actor(), settings, document_id)
            named = documents.headers(row)
    except documents.NoDocumentError:
        abort(404)
    except documents.StoreError as fault:
        abort(409, str(fault))
    return Response(_pieces(stream), headers=named, direct_passthrough=True)


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    with stream:
        while piece := stream.read(1 << 16):
            yield piece


def _details(form: Form) -> dict[str, Any]:
    fields = RESOURCES[TABLE].fields
    return {
        "title": form.text("title"),
        "kind": form.choice("kind", fields["kind"].choices),
        "note": form.text("note", longest=2000) or None,
        "expires_on": form.day("expires_on"),
        "retention_until": form.day("retention_until"),
    }


def _keep(form: Form, details: Mapping[str, Any], former: uuid.UUID | None) -> uuid.UUID | None:
    """Store the file and its row; None where the form or the file has a fault."""
    file = request.files.get("file")
    if file is None or not file.filename:
        form.fault("file", "Choose a file.")
        return None
    said = documents.Details(file_name=file.filename, **details)
    settings = console().settings.documents
    stream: Any = file.stream
    try:
        with records() as session:
            return documents.add_document(session, actor(), settings, stream, said, former).id
    except documents.NotYoursError as fault:
        abort(403, str(fault))
    except HubError as fault:
        form.fault("file", str(fault))
    return None


def _about() -> tuple[str, uuid.UUID, str] | None:
    """The row that the address or the form says the file is about: table, key and name."""
    table, words = request.values.get("table", ""), request.values.get("row", "")
    if table not in ABOUT or table not in RESOURCES:
        return None
    insist(RESOURCES[table], "see")
    with records() as session:
        try:
            row = rows.get(session, RESOURCES[table], words)
        except Missing:
            return None
        key = uuid.UUID(str(row["id"]))
        return table, key, title_of(session, RESOURCES[table], row["id"])


def _form(
    values: Mapping[str, Any], faults: Mapping[str, str], status: int = 200
) -> ResponseReturnValue:
    return still(
        "document_form.html",
        status,
        values=values,
        faults=faults,
        about=_about(),
        resource=RESOURCES[TABLE],
        kinds=RESOURCES[TABLE].fields["kind"].choices,
        largest=console().settings.documents.max_bytes,
    )
