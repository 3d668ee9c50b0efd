"""Alerts: what stands, is kept quiet, is over; the journal, and one alert's whole story."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from flask import Blueprint, Response, abort, request
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from hub.alerts import lifecycle
from hub.console import spans, standing
from hub.console.alert_story import story
from hub.console.context import now, records, visitor
from hub.console.gate import POLL, needs
from hub.console.gauges import gauges
from hub.console.live import show
from hub.console.pages.wells import answer_series
from hub.console.standing import AlertRow
from hub.console.words import SEVERITIES
from hub.incidents.opening import class_of, incident_of
from hub.permissions import Action
from hub.schema import Alert, AlertRule, Tag, Well
from hub.schema.incidents import INCIDENT_CLASSES

pages = Blueprint("alerts", __name__, url_prefix="/alerts")

PER_PAGE = 50
AROUND = timedelta(hours=2)
FLOOD, FLOOD_TIME = 10, timedelta(minutes=10)  #: more than so many in that time (ISA-18.2)
SHELVES = ((1, "1 h"), (8, "8 h"), (24, "1 day"), (72, "3 days"), (168, "7 days"))


@pages.get("")
@needs(Action.SEE)
def index() -> ResponseReturnValue:
    """What stands, worst first; several can be acknowledged or shelved at once."""
    with records() as session:
        rows = standing.open_alerts(session)
        told = [row for row in rows if not row.quiet]
        lines = standing.trends(session, told, now())
    fresh = [row for row in rows if now() - row.detected_at <= FLOOD_TIME]
    flood = len(fresh) if len(fresh) > FLOOD else 0
    return show(
        "alerts.html",
        (rows, lines, flood > 0),
        alerts=told,
        trends=lines,
        waiting=sum(row.unacknowledged for row in told),
        quiet=len(rows) - len(told),
        flood=flood,
        first=min(fresh, key=lambda row: row.raised_at, default=None),
    )


@pages.get("/shelved")
@needs(Action.SEE)
def shelved() -> ResponseReturnValue:
    """What is kept quiet, by what, and until when: shelved, suppressed, out of service."""
    with records() as session:
        rows = [row for row in standing.open_alerts(session) if row.quiet]
    return show("alerts_shelved.html", rows, alerts=rows)


@pages.get("/cleared")
@needs(Action.SEE)
def cleared() -> ResponseReturnValue:
    """What is over: what nobody has acknowledged yet, and the last day's."""
    with records() as session:
        rows = standing.recently_cleared(session, now() - timedelta(days=1))
    return show("alerts_cleared.html", rows, alerts=rows)


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
        if row.seen_at is None and row.closed_at is None and POLL not in request.headers:
            lifecycle.see(session, lifecycle.locked(session, alert_id), visitor().user_id, now())
        incident = incident_of(session, alert_id)
        looks_like = class_of(session.get_one(Alert, alert_id))
    return show(
        "alert.html",
        (row, told, incident and incident.id),
        alert=row,
        story=told,
        rule=rule,
        shelves=SHELVES,
        incident=incident,
        looks_like=looks_like,
        classes=INCIDENT_CLASSES,
    )


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
