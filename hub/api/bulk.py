"""Tables taken away as files, and taken in from files."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from hub.api import bodies, lists
from hub.api.addresses import IMPORT, add
from hub.api.answers import Answer
from hub.api.arguments import Arguments
from hub.api.once import once
from hub.api.parts import api, caller, secret_key
from hub.api.problems import MEDIA, Problem
from hub.api.tables import CSV, XLSX, entered
from hub.register import export, importing
from hub.register.importing import Report

LARGEST_FILE: Final = 32 * 1024 * 1024
KINDS: Final = (CSV, XLSX)


def serve(blueprint: Blueprint) -> None:
    """Add the addresses of files."""
    add(blueprint, ".csv", csv, "export")
    add(blueprint, ".xlsx", xlsx, "export")
    add(blueprint, f"/{IMPORT}", take_in, "add", method="POST")


def csv(table: str) -> Response:
    """All rows of a list as CSV."""
    return _file(table, "csv", f"{CSV}; charset=utf-8")


def xlsx(table: str) -> Response:
    """All rows of a list as a workbook."""
    return _file(table, "xlsx", XLSX)


def _file(table: str, kind: export.Format, content_type: str) -> Response:
    resource, who = entered(table), caller()
    who.must("export", table)
    query = lists.asked(resource)
    pieces = export.write(api().engine, who.organization_id, who.actor, resource, query, kind)
    sent = Response(pieces, content_type=content_type)
    sent.headers["Content-Disposition"] = f'attachment; filename="{table}.{kind}"'
    sent.headers["Cache-Control"] = "no-store"
    return sent


def take_in(table: str) -> Response:
    """The rows of a file: tried, or stored when `dry_run` is false."""
    request.max_content_length = LARGEST_FILE
    resource = entered(table)
    caller().must("add", table)
    given = Arguments(request.args, ("dry_run",))
    trying = given.one("dry_run") is None or given.flag("dry_run")
    if request.mimetype not in KINDS:
        kinds = " or ".join(KINDS)
        sentence = f"An import takes {kinds}; what was sent is {request.mimetype or 'untyped'}."
        raise Problem(MEDIA, sentence, headers={"Accept-Post": ", ".join(KINDS)})
    header, lines = importing.read_table(request.get_data())

    def make(session: Session) -> Answer:
        take = importing.plan if trying else importing.apply
        mapping = importing.guess(resource, header)
        report = take(session, caller().actor, resource, lines, mapping, secret_key=secret_key())
        unused = [name for place, name in enumerate(header) if place not in mapping]
        return Answer(200, bodies.write(told(report, unused)))

    return once(make)


def told(report: Report, unused: list[str]) -> dict[str, Any]:
    """What a file's lines would do, or did."""
    return {
        "stored": report.stored,
        "lines": report.lines,
        "new": report.new,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "bad": report.bad,
        "unused_columns": unused,
        "faults": [
            {"line": one.line, "field": one.column, "detail": one.sentence} for one in report.faults
        ],
    }
