"""Import a spreadsheet in three steps: the file, what its columns are, what every line would do."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from hub.console.context import actor, console, visitor
from hub.console.intake import Intake, Job, Work
from hub.console.live import still
from hub.console.tables import can_on, on_table
from hub.database import tenant_session
from hub.register import importing
from hub.register.errors import Refused
from hub.register.export import unguarded
from hub.register.fields import Field, Resource
from hub.register.headings import guess, importable, lacking
from hub.register.sheets import MOST_BYTES

pages = Blueprint("imports", __name__, url_prefix="/register/<table>/import")

ENVELOPE: Final = 64 * 1024  #: what a form wraps around a file
SHOWN: Final = 200  #: faults shown; the rest as a number
SAMPLE: Final = 3


@pages.get("")
@on_table("add")
def begin(resource: Resource) -> ResponseReturnValue:
    """The file, and which columns the table takes."""
    return _begin(resource, "")


def _begin(resource: Resource, fault: str) -> ResponseReturnValue:
    return still(
        "import_begin.html",
        422 if fault else 200,
        resource=resource,
        can=can_on(resource),
        fault=fault,
        fields=_fields(resource),
        takes=_takes,
        largest=MOST_BYTES,
    )


def _fields(resource: Resource) -> list[Field]:
    """What a new row may tell: needed fields first."""
    told = [f for f in importable(resource) if f.settable_on_create and f.name != resource.key]
    return sorted(told, key=lambda one: not one.required)


def _takes(field: Field) -> str:
    """What a column may hold, in a few words."""
    if field.choices:
        return ", ".join(field.choices)
    if field.reference:
        return "name of one"
    words = {
        "date": "day: 2026-03-31 or 3/31/2026",
        "instant": "day and time",
        "time": "time: 07:00",
        "boolean": "yes or no",
        "integer": "whole number",
        "decimal": "number",
        "double": "number",
        "array": "list: a, b, c",
        "json": "JSON",
    }.get(field.kind, "text")
    return f"{words}, {field.unit}" if field.unit else words


@pages.get("/columns.csv")
@on_table("add")
def sample(resource: Resource) -> ResponseReturnValue:
    """An empty spreadsheet with the columns this table takes."""
    line = io.StringIO()
    csv.writer(line).writerow([field.name for field in _fields(resource)])
    response = Response("\ufeff" + line.getvalue(), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{resource.name}-empty.csv"'
    return response


@pages.post("")
@on_table("add")
def upload(resource: Resource) -> ResponseReturnValue:
    """Read the file and guess what its columns are; nothing is tried yet."""
    request.max_content_length = MOST_BYTES + ENVELOPE
    file = request.files.get("file")
    if file is None or not file.filename:
        return _begin(resource, "Choose a file first.")
    try:
        header, rows = importing.read_table(file.read())
    except Refused as refused:
        return _begin(resource, " ".join(refused.faults.values()))
    if not rows:
        return _begin(resource, "The file has a head and no lines below it.")
    person = visitor()
    key = _intake().add(
        person.organization_id,
        person.user_id,
        resource.name,
        file.filename[:120],
        (header, rows),
        guess(resource, header),
    )
    return redirect(_here(resource, key), 303)


def _intake() -> Intake:
    found: Intake = current_app.extensions["wellflow.intake"]
    return found


def _here(resource: Resource, key: uuid.UUID) -> str:
    return url_for("imports.page", table=resource.name, import_id=key)


def _job(resource: Resource, import_id: uuid.UUID) -> Job:
    person = visitor()
    job = _intake().find(import_id, person.organization_id, person.user_id)
    if job is None or job.table != resource.name:
        abort(404)
    return job


# ---------------------------------------------------------------------------------- the columns


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file, the field it becomes, and its first cells."""

    title: str
    field: str
    sample: list[str]


@pages.get("/<uuid:import_id>")
@on_table("add")
def page(resource: Resource, import_id: uuid.UUID) -> ResponseReturnValue:
    """Where the file stands: its columns, its progress, or what its lines would do."""
    job = _job(resource, import_id)
    if request.args.get("step") == "columns" and not job.running:
        _intake().forget_result(job)
        job = _job(resource, import_id)
    if job.running or job.report or job.fault:
        return _report(resource, job)
    return _columns(resource, job, "")


def _columns(resource: Resource, job: Job, fault: str) -> ResponseReturnValue:
    rows = _intake().rows(job)[:SAMPLE]
    columns = [
        Column(title, job.mapping.get(place, ""), _sample(rows, place))
        for place, title in enumerate(job.header)
    ]
    return still(
        "import_map.html",
        422 if fault else 200,
        resource=resource,
        file=job,
        fault=fault,
        columns=columns,
        fields=importable(resource),
        missing=[field.label for field in lacking(resource, job.mapping)],
    )


def _sample(rows: list[list[Any]], place: int) -> list[str]:
    cells = [row[place] for row in rows if place < len(row)]
    return [unguarded(str(cell))[:40] for cell in cells if cell not in {None, ""}]


@pages.post("/<uuid:import_id>/try")
@on_table("add")
def plan(resource: Resource, import_id: uuid.UUID) -> ResponseReturnValue:
    """Try every line and take all of it back."""
    job = _job(resource, import_id)
    if not job.running:
        chosen = {
            place: request.form.get(f"column-{place}", "") for place in range(len(job.header))
        }
        mapping = {place: name for place, name in chosen.items() if name in resource.fields}
        _intake().forget_result(job, mapping)
        job = _job(resource, import_id)
        if missing := lacking(resource, mapping):
            needed = ", ".join(field.label for field in missing)
            return _columns(resource, job, f"Say which columns hold what is needed: {needed}.")
        _start(resource, job, storing=False)
    return redirect(_here(resource, job.id), 303)


# -------------------------------------------------------------------------------------- the work


@pages.post("/<uuid:import_id>/store")
@on_table("add")
def store(resource: Resource, import_id: uuid.UUID) -> ResponseReturnValue:
    """Store the lines that can be taken, all in one transaction."""
    job = _job(resource, import_id)
    if job.report is not None and not job.report.stored:
        _start(resource, job, storing=True)
    return redirect(_here(resource, job.id), 303)


def _start(resource: Resource, job: Job, *, storing: bool) -> None:
    _intake().start(job, _work(resource, job, storing=storing), storing=storing)


def _work(resource: Resource, job: Job, *, storing: bool) -> Work:
    """The work as a thread does it: without the request, with all it knew."""
    engine, secret_key = console().engine, console().settings.secret_key
    who = replace(actor(), door="import")

    intake = _intake()

    def work(progress: Callable[[int, int], None]) -> importing.Report:
        told: dict[str, Any] = {"secret_key": secret_key, "progress": progress}
        what = (who, resource, intake.rows(job), job.mapping)
        with tenant_session(engine, job.organization_id, who) as session:
            if not storing:
                return importing.plan(session, *what, **told)
            report = importing.apply(session, *what, skip_bad=True, **told)
            if report.stored:
                intake.settle(session, job, report)
            return report

    return work


@pages.get("/<uuid:import_id>/progress")
@on_table("add")
def progress(resource: Resource, import_id: uuid.UUID) -> ResponseReturnValue:
    """The part of the page that changes while the file is being worked on."""
    job = _job(resource, import_id)
    return render_template("import_work.html", **_told(resource, job))


def _report(resource: Resource, job: Job) -> ResponseReturnValue:
    return still("import_report.html", **_told(resource, job))


def _told(resource: Resource, job: Job) -> dict[str, Any]:
    report = job.report
    work: dict[str, Any] = {
        "running": job.running,
        "storing": job.storing,
        "done": job.done,
        "total": job.lines,
        "fault": job.fault,
        "stored": bool(report and report.stored),
    }
    if report is not None:
        faults = report.faults[:SHOWN]
        work |= {
            "lines": faults,
            "more_lines": len(report.faults) - len(faults),
            "good": report.good if report.new + report.changed else 0,
            "faulty": report.bad,
            "tiles": [
                ("Lines", report.lines, ""),
                ("New", report.new, ""),
                ("Changed", report.changed, ""),
                ("As they are", report.unchanged, ""),
                ("Cannot be taken", report.bad, "warning"),
            ],
        }
    return {"resource": resource, "file": job, "work": work}
