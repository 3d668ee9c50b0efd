"""What people do in an incident: report, declare, decide, write down, record a call."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, Response, abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub import documents
from hub.console import cells, record_form
from hub.console import incident_state as state
from hub.console.context import actor, console, now, records, visitor
from hub.console.forms import Form
from hub.console.gate import needs
from hub.console.live import still
from hub.console.pages.documents import ENVELOPE
from hub.console.pages.incidents import address_of, incident_of, notice_of, notice_page
from hub.console.tables import insist
from hub.errors import HubError
from hub.incidents import opening
from hub.incidents.facts import COLUMNS
from hub.incidents.opening import Report, ReportError, Where
from hub.incidents.reckon import reckon
from hub.permissions import Action
from hub.register import changes, rows
from hub.register.catalog import RESOURCES
from hub.register.errors import Conflict, Forbidden, Missing, Refused
from hub.schema import Alert, Incident, IncidentAction
from hub.schema.incidents import INCIDENT_CLASSES

pages = Blueprint("incident_acts", __name__, url_prefix="/incidents")

REPORTS: Final = (("spill", "a spill or leak"), ("injury", "somebody hurt"), ("fire", "a fire"))
#: Columns of the facts form that rules are not judged by.
BESIDE: Final = (
    *("description", "place", "lat", "lon", "discovered_at", "recovered", "contained"),
    *("first_aid_cases", "medical_cases", "restricted_cases", "days_away_cases"),
    *("discharge_stopped_at", "cleanup_ended_on", "root_cause", "severity", "correction"),
)
MEANWHILE: Final = "Somebody changed this incident meanwhile; look at it again before you decide."


@contextlib.contextmanager
def saying() -> Iterator[None]:
    """Tell a refusal in one sentence above the page a person comes back to."""
    try:
        yield
    except Refused as refused:
        flash(" ".join(refused.faults.values()))
    except Conflict:
        flash(MEANWHILE)
    except Missing:
        abort(404)
    except Forbidden as fault:
        abort(403, str(fault))


def change(incident_id: uuid.UUID, values: Mapping[str, Any], version: int | None = None) -> None:
    """Change an incident's fields as the visitor, and reckon anew what it owes."""
    with records() as session:
        changes.update(session, actor(), RESOURCES["incidents"], incident_id, values, version)
        reckon(session, session.get_one(Incident, incident_id, populate_existing=True))


def back(incident_id: uuid.UUID) -> Response:
    """To the incident's page."""
    return Response(status=303, headers={"Location": address_of(incident_id)})


# ------------------------------------------------------------------------------------- beginning


@pages.get("/new")
@needs(Action.SEE)
def new() -> ResponseReturnValue:
    """The form of a report."""
    insist(RESOURCES["incidents"], "add")
    return _report_form({"at": _local(now())}, {})


@pages.post("/new")
@needs(Action.SEE)
def report() -> ResponseReturnValue:
    """Take a report: a spill, an injury, a fire."""
    insist(RESOURCES["incidents"], "add")
    form = Form(request.form)
    told = _report(form)
    if not form.faults:
        try:
            with records() as session:
                made = opening.open_from_report(session, told).id
            flash("Reported. What agencies are owed stands below; tell the rest as you learn it.")
            return redirect(address_of(made), 303)
        except ReportError as fault:
            form.fault("kind", f"{str(fault)[:1].upper()}{str(fault)[1:]}.")
    return _report_form(dict(request.form), form.faults, 422)


def _report(form: Form) -> Report:
    kind = form.choice("kind", [key for key, _words in REPORTS])
    summary = form.text("summary", required=True)
    with records() as session:
        offered = [key for key, _words in state.places(session)]
    column, _, key = form.choice("where", offered).partition(":")
    place = {f"{column}_id": uuid.UUID(key)} if key else {}
    lat, lon = form.position()
    return Report(
        visitor().organization_id,
        kind,
        summary,
        _instant(form, "at") or now(),
        Where(**place) if not form.faults else Where(),
        lat,
        lon,
    )


def _report_form(
    values: Mapping[str, str], faults: Mapping[str, str], status: int = 200
) -> Response:
    with records() as session:
        offered = state.places(session)
    return still(
        "incident_report.html", status, values=values, faults=faults, kinds=REPORTS, places=offered
    )


@pages.post("/declare/<uuid:alert_id>")
@needs(Action.ACKNOWLEDGE)
def declare(alert_id: uuid.UUID) -> ResponseReturnValue:
    """Say that an alert is an incident; who says so leads."""
    insist(RESOURCES["incidents"], "add")
    form = Form(request.form)
    chosen = form.choice("incident_class", INCIDENT_CLASSES) if form.raw("incident_class") else None
    if form.faults:
        abort(400, "Choose what it is from the list.")
    with records() as session:
        alert = session.get(Alert, alert_id) or abort(404)
        made = opening.declare(session, alert, visitor().user_id, chosen).id
    return redirect(address_of(made), 303)


# ---------------------------------------------------------------------------------------- course


@pages.post("/<uuid:incident_id>/status")
@needs(Action.SEE)
def move(incident_id: uuid.UUID) -> ResponseReturnValue:
    """Take the next step; the database says what is missing for it."""
    insist(RESOURCES["incidents"], "edit")
    form = Form(request.form)
    values = {"status": form.choice("status", tuple(state.MOVES))}
    if values["status"] == "not_an_incident":
        values["not_incident_reason"] = form.text("reason", longest=1000)
    with saying():
        change(incident_id, values)
        flash(f"The incident is {values['status'].replace('_', ' ')} now.")
    return back(incident_id)


@pages.post("/<uuid:incident_id>/roles")
@needs(Action.SEE)
def roles(incident_id: uuid.UUID) -> ResponseReturnValue:
    """Say who leads and who writes down."""
    values = {name: request.form.get(name, "") for name in ("commander_id", "scribe_id")}
    with saying():
        change(incident_id, values)
        with records() as session:
            named = [m.name for m in state.members(session) if str(m.id) in values.values()]
            note = f"Commander and scribe: {', '.join(named) or 'nobody'}."
            opening.tell(session, incident_of(session, incident_id), "role", note)
    return back(incident_id)


@pages.post("/<uuid:incident_id>/clock")
@needs(Action.SEE)
def clock(incident_id: uuid.UUID) -> ResponseReturnValue:
    """Choose what deadlines count from, and say why."""
    values = {name: request.form.get(name, "") for name in ("clock_choice", "clock_reason")}
    with saying():
        change(incident_id, values)
    return back(incident_id)


@pages.post("/<uuid:incident_id>/review")
@needs(Action.SEE)
def review(incident_id: uuid.UUID) -> ResponseReturnValue:
    """Write the root cause and what the review found."""
    values = {name: request.form.get(name, "") for name in ("root_cause", "review")}
    with saying():
        change(incident_id, values)
        with records() as session:
            incident = incident_of(session, incident_id)
            opening.tell(session, incident, "review", incident.review)
    return back(incident_id)


# -------------------------------------------------------------------------------------- timeline


@pages.post("/<uuid:incident_id>/entries")
@needs(Action.SEE)
def entry(incident_id: uuid.UUID) -> ResponseReturnValue:
    """Add to the timeline: words, a photo, a position."""
    insist(RESOURCES["incident_events"], "add")
    with records() as session:
        incident_of(session, incident_id)
    request.max_content_length = console().settings.documents.max_bytes + ENVELOPE
    form = Form(request.form)
    note = form.text("note", longest=4000)
    lat, lon = form.position()
    at = _instant(form, "happened_at")
    file = request.files.get("photo")
    if not note and (file is None or not file.filename) and lat is None:
        form.fault("note", "Write what happened, add a photo, or a position.")
    if form.faults:
        flash(" ".join(form.faults.values()))
        return back(incident_id)
    values: dict[str, Any] = {"lat": lat, "lon": lon}
    if at is not None:
        values["happened_at"] = at
    try:
        with records() as session:
            incident = incident_of(session, incident_id)
            kind = "comment" if note else "position"
            if file is not None and file.filename:
                values["document_id"] = _keep(session, incident, file, note)
                kind = "photo"
            opening.tell(session, incident, kind, note or None, **values)
    except HubError as fault:
        flash(str(fault))
    return back(incident_id)


def _keep(session: Session, incident: Incident, file: Any, note: str) -> uuid.UUID:
    """Keep a photo as a document of the incident; answers its key."""
    said = documents.Details(
        title=note[:120] or f"{incident.incident_no}: {file.filename}"[:120],
        kind="photo",
        file_name=file.filename,
        about=(("incidents", incident.id),),
    )
    settings = console().settings.documents
    return documents.add_document(session, actor(), settings, file.stream, said).id


# ----------------------------------------------------------------------------------------- facts


def _fact_fields() -> list[Any]:
    names = {*COLUMNS, *BESIDE}
    return [f for f in record_form.taken(RESOURCES["incidents"], new=False) if f.name in names]


@pages.get("/<uuid:incident_id>/facts")
@needs(Action.SEE)
def facts(incident_id: uuid.UUID) -> ResponseReturnValue:
    """The form of everything that rules are judged by."""
    insist(RESOURCES["incidents"], "edit")
    with records() as session:
        row = _row(session, incident_id)
    return _facts_form(row, record_form.stored(_fact_fields(), row, visitor().zone), {})


@pages.post("/<uuid:incident_id>/facts")
@needs(Action.SEE)
def save_facts(incident_id: uuid.UUID) -> ResponseReturnValue:
    """Take changed facts; what cannot be taken is said beside its field, and nothing is lost."""
    insist(RESOURCES["incidents"], "edit")
    values = record_form.given(_fact_fields(), request.form)
    changed = record_form.changed(values, record_form.was(request.form))
    faults: Mapping[str, str] = {}
    try:
        change(incident_id, changed)
    except Refused as refused:
        faults = refused.faults
    except Missing:
        abort(404)
    except Forbidden as fault:
        abort(403, str(fault))
    if faults:
        with records() as session:
            row = _row(session, incident_id)
        return _facts_form(row, values, faults, 422)
    flash("Saved; what agencies are owed is reckoned anew.")
    return back(incident_id)


def _row(session: Session, incident_id: uuid.UUID) -> dict[str, Any]:
    try:
        return rows.get(session, RESOURCES["incidents"], incident_id)
    except Missing:
        abort(404)


def _facts_form(
    row: Mapping[str, Any],
    values: Mapping[str, str],
    faults: Mapping[str, str],
    status: int = 200,
) -> Response:
    fields = _fact_fields()
    with records() as session:
        named = cells.titles(session, [row], fields)
    return still(
        "incident_facts.html",
        status,
        row=row,
        groups=record_form.entries(fields, values, named, faults, own=state.FACTS),
        faults=faults,
        was=record_form.stored(fields, row, visitor().zone),
        known={field.name for field in fields},
    )


# --------------------------------------------------------------------------------------- notices


@pages.post("/<uuid:incident_id>/notices/<uuid:notice_id>")
@needs(Action.SEE)
def record(incident_id: uuid.UUID, notice_id: uuid.UUID) -> ResponseReturnValue:
    """Record what an agency was told, what was filed, or why nobody is told."""
    insist(RESOURCES["incident_notices"], "edit")
    with records() as session:
        notice_of(session, incident_id, notice_id)
    act = request.form.get("act", "")
    names = {
        "told": ("done_at", "told_to", "method", "reference"),
        "filed": ("filed_at", "filed_reference"),
        "waive": ("waived_reason",),
    }.get(act) or abort(400)
    typed = {name: request.form.get(name, "").strip() for name in names}
    values: dict[str, Any] = typed | ({"status": "waived"} if act == "waive" else {})
    faults = {name: "This is needed." for name, words in typed.items() if not words}
    if not faults:
        try:
            with records() as session:
                resource = RESOURCES["incident_notices"]
                changes.update(session, actor(), resource, notice_id, values, None)
                reckon(session, incident_of(session, incident_id))
            flash("Recorded.")
            return back(incident_id)
        except Refused as refused:
            faults = dict(refused.faults)
        except Forbidden as fault:
            abort(403, str(fault))
    return notice_page(incident_id, notice_id, typed, faults, 422)


# --------------------------------------------------------------------------------------- actions


@pages.post("/<uuid:incident_id>/actions")
@needs(Action.SEE)
def add_action(incident_id: uuid.UUID) -> ResponseReturnValue:
    """Add something to be done so that it does not happen again."""
    names = ("measure", "assigned_to", "due_on")
    values = {name: words for name in names if (words := request.form.get(name, "").strip())}
    with saying(), records() as session:
        incident_of(session, incident_id)
        given = {**values, "incident_id": str(incident_id)}
        changes.create(session, actor(), RESOURCES["incident_actions"], given)
    return back(incident_id)


@pages.post("/<uuid:incident_id>/actions/<uuid:action_id>/done")
@needs(Action.SEE)
def action_done(incident_id: uuid.UUID, action_id: uuid.UUID) -> ResponseReturnValue:
    """Say that a corrective action is done."""
    with saying(), records() as session:
        wanted = select(IncidentAction.id).where(
            IncidentAction.id == action_id, IncidentAction.incident_id == incident_id
        )
        if session.scalar(wanted) is None:
            abort(404)
        day = now().astimezone(visitor().zone).date().isoformat()
        values = {"done_on": day}
        changes.update(session, actor(), RESOURCES["incident_actions"], action_id, values, None)
    return back(incident_id)


# ----------------------------------------------------------------------------------------- words


def _local(at: datetime) -> str:
    return at.astimezone(visitor().zone).strftime("%Y-%m-%dT%H:%M")


def _instant(form: Form, name: str) -> datetime | None:
    """A time on the operator's clock, or None for an empty field."""
    words = form.raw(name)
    if not words:
        return None
    try:
        local = datetime.fromisoformat(words)
    except ValueError:
        form.fault(name, f"“{words[:40]}” is no time; write it like 2026-03-31T14:30.")
        return None
    return local if local.tzinfo else local.replace(tzinfo=visitor().zone)
