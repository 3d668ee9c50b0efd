"""Alerts: what stands, the journal, one alert's whole story, and the act of acknowledging."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from flask import Blueprint, Response, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from hub.alerts import lifecycle
from hub.console import spans, standing
from hub.console.alert_story import story
from hub.console.context import now, records, visitor
from hub.console.forms import Form
from hub.console.gate import needs
from hub.console.gauges import gauges
from hub.console.live import show
from hub.console.pages.fleet import forget_fleet
from hub.console.pages.wells import answer_series
from hub.console.standing import AlertRow
from hub.console.words import SEVERITIES
from hub.permissions import Action
from hub.schema import Alert, AlertRule, Tag, Well

pages = Blueprint("alerts", __name__, url_prefix="/alerts")

PER_PAGE = 50
LONGEST_NOTE = 500
AROUND = timedelta(hours=2)


@pages.get("")
@needs(Action.SEE)
def index() -> ResponseReturnValue:
    """What stands, worst first; several can be acknowledged at once."""
    with records() as session:
        rows = standing.open_alerts(session)
        lines = standing.trends(session, rows, now())
    return show(
        "alerts.html",
        (rows, lines),
        alerts=rows,
        trends=lines,
        waiting=sum(row.unacknowledged for row in rows),
    )


@pages.get("/journal")
@needs(Action.SEE)
def journal() -> ResponseReturnValue:
    """Everything that happened, newest first, a page at a time."""
    with records() as session:
        rows = standing.journal(session, PER_PAGE + 1, _before(), *_narrowed())
        well = _well(session)
    more = rows[PER_PAGE - 1] if len(rows) > PER_PAGE else None
    return show(
        "journal.html",
        rows,
        alerts=rows[:PER_PAGE],
        well=well,
        priority=_priority(),
        older=more and f"{more.raised_at.isoformat()}_{more.id}",
        first="before" not in request.args,
    )


def _narrowed() -> list[ColumnElement[bool]]:
    """What the address narrows the journal to."""
    conditions: list[ColumnElement[bool]] = []
    if (priority := _priority()) is not None:
        conditions.append(Alert.priority == priority)
    if (well := _uuid(request.args.get("well", ""))) is not None:
        conditions.append(Alert.well_id == well)
    return conditions


def _priority() -> int | None:
    word = request.args.get("priority", "")
    return int(word) if word in {str(priority) for priority in SEVERITIES} else None


def _well(session: Session) -> Well | None:
    well = _uuid(request.args.get("well", ""))
    return session.get(Well, well) if well is not None else None


def _before() -> tuple[datetime, uuid.UUID] | None:
    """The last alert of the page before: when it began, and which."""
    at, _, alert = request.args.get("before", "").partition("_")
    alert_id = _uuid(alert)
    try:
        began = datetime.fromisoformat(at)
    except ValueError:
        return None
    return None if alert_id is None or began.tzinfo is None else (began, alert_id)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


# ------------------------------------------------------------------------------------ one alert


@pages.get("/<uuid:alert_id>")
@needs(Action.SEE)
def page(alert_id: uuid.UUID) -> ResponseReturnValue:
    """The whole story: what happened, when who knew, who was told, what was said."""
    with records() as session:
        row = standing.alert(session, alert_id) or abort(404)
        told = story(session, alert_id, row)
        rule = session.scalar(select(AlertRule).join(Alert).where(Alert.id == alert_id))
    return show("alert.html", (row, told), alert=row, story=told, rule=rule)


def around(row: AlertRow, at: datetime) -> spans.Span:
    """The time around an alert: two hours before it to two hours after, or to now."""
    end = min((row.cleared_at or at) + AROUND, at)
    return spans.Span(row.raised_at - AROUND, max(end, row.raised_at + AROUND / 8), None)


@pages.get("/<uuid:alert_id>/series")
@needs(Action.SEE)
def series(alert_id: uuid.UUID) -> Response:
    """The course of the alert's tag around it."""
    with records() as session:
        row = standing.alert(session, alert_id) or abort(404)
        return answer_series(session, gauges(session, Tag.id == row.tag_id), around(row, now()))


# --------------------------------------------------------------------------------- acknowledging


@pages.post("/<uuid:alert_id>/acknowledge")
@needs(Action.ACKNOWLEDGE)
def acknowledge(alert_id: uuid.UUID) -> ResponseReturnValue:
    """Take one alert; what is still queued about it is not sent any more."""
    taken = _take([alert_id])
    if not taken:
        abort(404)
    return _back(url_for("alerts.page", alert_id=alert_id))


@pages.post("/acknowledge")
@needs(Action.ACKNOWLEDGE)
def acknowledge_many() -> ResponseReturnValue:
    """Take all that are ticked, with one note."""
    chosen = [found for text in request.form.getlist("alert") if (found := _uuid(text))]
    _take(chosen)
    return _back(url_for("alerts.index"))


def _take(chosen: Iterable[uuid.UUID]) -> int:
    """Acknowledge these alerts as far as there are such; answers how many there were."""
    note = Form(request.form).text("note")[:LONGEST_NOTE] or None
    known = cancelled = 0
    with records() as session:
        for alert_id in chosen:
            try:
                done = lifecycle.acknowledge(session, alert_id, visitor().user_id, note)
            except lifecycle.UnknownAlertError:
                continue
            known, cancelled = known + 1, cancelled + done.cancelled
    forget_fleet()
    return known


def _back(otherwise: str) -> ResponseReturnValue:
    """To the page the person was on: a live page shows it at once, another is loaded again."""
    if "HX-Request" in request.headers:
        return Response(status=204, headers={"HX-Trigger": "refresh"})
    known = {"fleet": url_for("fleet.index"), "alerts": url_for("alerts.index")}
    return redirect(known.get(request.form.get("back", ""), otherwise), 303)
