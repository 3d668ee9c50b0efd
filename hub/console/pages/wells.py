"""A well: its values now, its charts, its alerts; and the form that names it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, abort, flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hub.console import bands, fleet_state, spans, standing
from hub.console.charts import chart_data
from hub.console.context import console, now, records, visitor
from hub.console.fleet_state import Cell
from hub.console.forms import Form
from hub.console.gate import POLL, needs
from hub.console.gauges import Gauge, current, gauges, of_well
from hub.console.live import show, still
from hub.console.pages.fleet import BANDS_KEPT_S, forget_fleet
from hub.permissions import Action
from hub.schema import Alert, Lease, Well
from hub.schema.assets import WELL_STATUSES, WELL_TYPES
from hub.schema.base import uuid7

pages = Blueprint("wells", __name__, url_prefix="/wells")

PAST_ALERTS = 12


@pages.get("/<uuid:well_id>")
@needs(Action.SEE)
def page(well_id: uuid.UUID) -> ResponseReturnValue:
    """The well now and over a span of time."""
    with records() as session:
        well = session.get(Well, well_id) or abort(404)
        lease = session.get(Lease, well.lease_id) if well.lease_id else None
        owned = gauges(session, of_well(well_id))
        tags = [gauge.tag_id for gauge in owned]
        limits, usual = bands.limits(session, tags), _usual(session, well_id, tags)
        cells = [fleet_state.place_on_band(g, limits.get(g.tag_id), usual, now()) for g in owned]
        alerts = standing.open_alerts(session, Alert.well_id == well_id)
        past = standing.journal(
            session, PAST_ALERTS, None, Alert.well_id == well_id, Alert.closed_at.is_not(None)
        )
    span = spans.read_span(request.args, visitor().zone, now())
    reporting = current(owned)
    return show(
        "well.html",
        (well.row_version, _state(cells), alerts, past),
        well=well,
        lease=lease,
        cells=cells,
        alerts=alerts,
        past=past,
        trends={},
        blind=sum(gauge.blind(now()) for gauge in reporting),
        reporting=reporting,
        heard=max((gauge.time for gauge in owned if gauge.time), default=None),
        span=span,
        ranges=spans.RANGES,
        span_fields=span.local(visitor().zone),
    )


def _usual(session: Session, well_id: uuid.UUID, tags: list[int]) -> dict[int, bands.Band]:
    """Where the well's gauges normally are; changes slowly, so it is kept for a while."""
    key = (visitor().organization_id, "bands", well_id)
    return console().cache.take(key, BANDS_KEPT_S, lambda: bands.usual(session, tags, now()))


def _state(cells: list[Cell]) -> list[object]:
    """What of the values a refresh would show anew."""
    return [(cell.gauge, cell.bar, cell.trouble) for cell in cells]


@pages.get("/<uuid:well_id>/series")
@needs(Action.SEE)
def series(well_id: uuid.UUID) -> ResponseReturnValue:
    """The charts' data; 304 when no newer reading came than the chart already shows."""
    span = spans.read_span(request.args, visitor().zone, now())
    with records() as session:
        if session.get(Well, well_id) is None:
            abort(404)
        return answer_series(session, gauges(session, of_well(well_id)), span)


def answer_series(session: Session, owned: list[Gauge], span: spans.Span) -> Response:
    """Chart data with the mark by which the chart asks again."""
    newest = max((gauge.time for gauge in owned if gauge.time), default=None)
    mark = f"{newest}|{span.key or (span.start, span.end)}"
    if request.headers.get(POLL) == mark:
        return Response(status=304, headers={POLL: mark})
    response = jsonify(chart_data(session, owned, span))
    response.headers[POLL] = mark
    return response


# ------------------------------------------------------------------------------------ the form


@pages.get("/new")
@needs(Action.EDIT_WELLS)
def add() -> ResponseReturnValue:
    """An empty form."""
    return _form(None, {"well_type": "oil", "status": "producing"}, {})


@pages.post("/new")
@needs(Action.EDIT_WELLS)
def create() -> ResponseReturnValue:
    """Add a well."""
    form = Form(request.form)
    well = Well(id=uuid7(), organization_id=visitor().organization_id, **_read(form))
    well.created_by = visitor().user_id
    if form.faults or not _store(form, lambda session: session.add(well)):
        return _form(None, request.form, form.faults, 422)
    flash(f"Added {well.name}.")
    return redirect(url_for("wells.page", well_id=well.id), 303)


@pages.get("/<uuid:well_id>/edit")
@needs(Action.EDIT_WELLS)
def edit(well_id: uuid.UUID) -> ResponseReturnValue:
    """The form with what is known."""
    with records() as session:
        well = session.get(Well, well_id) or abort(404)
        known = {name: getattr(well, name) for name in FIELDS} | {"row_version": well.row_version}
        return _form(well, known, {})


@pages.post("/<uuid:well_id>/edit")
@needs(Action.EDIT_WELLS)
def change(well_id: uuid.UUID) -> ResponseReturnValue:
    """Change a well, unless somebody else has changed it meanwhile."""
    form = Form(request.form)
    values = _read(form)
    with records() as session:
        known = session.get(Well, well_id) or abort(404)

    def write(session: Session) -> None:
        well = session.get_one(Well, well_id, with_for_update=True)
        if form.raw("row_version") != str(well.row_version):
            form.fault("name", "Somebody else changed this well meanwhile. Load the page again.")
            return
        for name, value in values.items():
            setattr(well, name, value)
        well.updated_by, well.row_version = visitor().user_id, well.row_version + 1

    if form.faults or not _store(form, write):
        return _form(known, request.form, form.faults, 422)
    return redirect(url_for("wells.page", well_id=well_id), 303)


FIELDS = ("name", "site", "well_type", "status", "lat", "lon", "api14")


def _read(form: Form) -> dict[str, Any]:
    lat, lon = form.position()
    values: dict[str, Any] = {
        "name": form.text("name", required=True, longest=80),
        "site": form.text("site", longest=80) or None,
        "well_type": form.choice("well_type", WELL_TYPES),
        "status": form.choice("status", WELL_STATUSES),
        "lat": lat,
        "lon": lon,
        "api14": form.text("api14").replace("-", "") or None,
    }
    if values["api14"] and not (len(values["api14"]) == 14 and values["api14"].isdigit()):
        form.fault("api14", "An API number has 14 digits, like 42-389-12345-00-00.")
    return values


def _store(form: Form, write: Callable[[Session], None]) -> bool:
    """Write in a transaction; note the fault when the name or API number is taken."""
    try:
        with records() as session:
            write(session)
    except IntegrityError as fault:
        taken = "api14" if "api14" in str(fault.orig) else "name"
        form.fault(taken, "Another well has this already.")
    forget_fleet()
    return not form.faults


def _form(
    well: Well | None, values: Any, faults: dict[str, str], status: int = 200
) -> ResponseReturnValue:
    return still(
        "well_form.html",
        status,
        well=well,
        values=values,
        faults=faults,
        types=WELL_TYPES,
        statuses=WELL_STATUSES,
    )
