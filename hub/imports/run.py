"""One file, from its path to the register: all of it or nothing, or only told what would happen."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from hub.database import Actor, tenant_session
from hub.imports import owners, partners, production, wells
from hub.imports.columns import fixed, match, units
from hub.imports.lines import Line, lines
from hub.imports.report import Report
from hub.register.sheets import read_table

#: What a verb takes, and the table its rows go to.
KINDS: Final[Mapping[str, str]] = {
    "wells": "wells",
    "production": "production_records",
    "partners": "partners",
    "owners": "ownership_decks",
}

#: Told how many lines are settled, and of how many.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What to import, and how."""

    kind: str  #: one of `KINDS`
    told: tuple[str, ...] = ()  #: "Column=field", before what is guessed
    dry_run: bool = False  #: do everything, and take it back
    skip_bad: bool = False  #: store the rest although lines are bad
    add_wells: bool = False  #: production: make wells that are not known
    record_kind: str | None = None  #: production: instead of guessing
    given: tuple[str, ...] = ()  #: "field=value" of every line


class _TakeBackError(Exception):
    """Leaves the transaction so that nothing of it stays."""


def run(
    engine: Engine,
    organization: uuid.UUID,
    actor: Actor,
    path: Path,
    order: Order,
    secret_key: bytes,
    progress: Progress = lambda _done, _of: None,
) -> Report:
    """Import a file; raises `MappingError` and what reading it raises.

    With bad lines, or as a dry run, everything is taken back, and the report tells what would have
    been done: the database itself has judged every row.
    """
    header, rows = read_table(path)
    given = fixed(order.kind, order.given)
    places = match(order.kind, header, order.told, given)
    in_units = units(header, places, order.told)
    report = _begin(order.kind, header, places)
    listed = list(lines(rows, places, given))
    report.lines = len(listed)
    try:
        with tenant_session(engine, organization, actor) as session:
            _take(session, organization, listed, report, order, secret_key, progress, in_units)
            report.bad.sort(key=lambda bad: bad.line)
            if order.dry_run or (report.bad and not order.skip_bad):
                raise _TakeBackError
            _note(session, path, report)
    except _TakeBackError:
        return report
    report.stored = report.added + report.changed > 0
    return report


def _begin(kind: str, header: Iterable[str], places: Mapping[str, int]) -> Report:
    named = {place: field for field, place in places.items()}
    report = Report(kind)
    for place, heading in enumerate(header):
        if place in named:
            report.mapping[heading] = named[place]
        elif heading:
            report.ignored.append(heading)
    return report


def _take(
    session: Session,
    organization: uuid.UUID,
    listed: list[Line],
    report: Report,
    order: Order,
    secret_key: bytes,
    progress: Progress,
    in_units: Mapping[str, str],
) -> None:
    done = 0

    def step(count: int) -> None:
        nonlocal done
        done += count
        progress(done, len(listed))

    common: tuple[Any, ...] = (session, organization, listed, report, step)
    if order.kind == "wells":
        wells.take(*common)
    elif order.kind == "partners":
        partners.take(*common, secret_key=secret_key)
    elif order.kind == "owners":
        owners.take(*common)
    else:
        production.take(*common, kind=order.record_kind, add_wells=order.add_wells, units=in_units)


def _note(session: Session, path: Path, report: Report) -> None:
    """Keep in the trail that a file was imported; the trail has every row of it beside."""
    counts = f"added {report.added}, changed {report.changed}, of {report.lines} lines"
    session.execute(
        text(
            "SELECT note_in_trail(:table, NULL, 'import',"
            " jsonb_build_object('file', CAST(:file AS text), 'outcome', CAST(:outcome AS text)))"
        ),
        {"table": KINDS[report.kind], "file": path.name, "outcome": counts},
    )
