"""Incidents: the board with its clocks, one incident's page, its file, and what is read out."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, abort, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.console import incident_state as state
from hub.console.context import console, now, records, visitor
from hub.console.gate import needs
from hub.console.live import show, still
from hub.console.tables import can
from hub.documents.store import store_of
from hub.incidents import dossier, script
from hub.incidents.candidates import candidates_of
from hub.incidents.clocks import discovery
from hub.incidents.opening import tell
from hub.incidents.paper import incident_pdf, sheet_pdf
from hub.incidents.photos import of_timeline
from hub.incidents.promotion import of_incident
from hub.incidents.site import place_of
from hub.incidents.timeline import timeline
from hub.permissions import Action
from hub.register.catalog import RESOURCES
from hub.schema import AgencyRule, Incident, IncidentEvent, IncidentNotice, User

pages = Blueprint("incidents", __name__, url_prefix="/incidents")


@pages.get("")
@needs(Action.SEE)
def index() -> ResponseReturnValue:
    """The board: what is open, the most urgent clock first, and what was closed last."""
    with records() as session:
        cards = state.board(session)
    done = [card for card in cards if card.closed_at is not None]
    return show(
        "incidents.html",
        cards,
        columns=state.in_columns(cards),
        done=done,
        open=len(cards) - len(done),
        late=sum(1 for card in cards if card.due is not None and card.due <= now()),
        can_add=can(RESOURCES["incidents"], "add"),
        left=left_until,
    )


def left_until(at: datetime) -> str:
    """How long until then, at the instant of this request."""
    return state.left((at - now()).total_seconds())


def incident_of(session: Session, incident_id: uuid.UUID) -> Incident:
    """The incident an address names; 404 where there is none, or none for this visitor."""
    return session.get(Incident, incident_id) or abort(404)


@pages.get("/<uuid:incident_id>")
@needs(Action.SEE)
def page(incident_id: uuid.UUID) -> ResponseReturnValue:
    """One incident: what is owed, its clock, what happened, and what comes next."""
    with records() as session:
        incident = incident_of(session, incident_id)
        note_view(session, incident)
        place = place_of(session, incident.organization_id, incident.id)
        notices = dossier.notices_of(session, incident)
        candidates = candidates_of(session, incident)
        told: dict[str, Any] = {
            "incident": incident,
            "place": place,
            "notices": notices,
            "candidates": sorted(candidates, key=lambda one: one.at),
            "start": discovery(candidates, incident.clock_choice, incident.clock_reason),
            "entries": list(reversed(timeline(session, incident))),
            "alerts": of_incident(session, incident),
            "actions": dossier.actions_of(session, incident),
            "members": state.members(session),
            "others": state.recurrences(session, incident.id),
            "answers": _answers(session, incident),
            "commander": session.get(User, incident.commander_id or uuid.UUID(int=0)),
        }
    moves = Incident.MOVES.get(incident.status, ())
    return still(
        "incident.html",
        moves=[(status, state.MOVES[status]) for status in moves],
        labels=script.LABELS,
        decides=visitor().role in {"owner", "manager"},
        can_add=can(RESOURCES["incident_events"], "add"),
        can_edit=can(RESOURCES["incidents"], "edit"),
        can_record=can(RESOURCES["incident_notices"], "edit"),
        due_of=due_of,
        left=left_until,
        **told,
    )


def note_view(session: Session, incident: Incident) -> None:
    """The first time a person looks at an incident is when that person knew."""
    seen = session.scalar(
        select(IncidentEvent.id)
        .where(
            IncidentEvent.incident_id == incident.id,
            IncidentEvent.created_by == visitor().user_id,
        )
        .limit(1)
    )
    if seen is None and can(RESOURCES["incident_events"], "add"):
        tell(session, incident, "viewed", None)


def due_of(notice: IncidentNotice) -> datetime | None:
    """What a notice's clock runs to now: the call, or what follows in writing."""
    return notice.written_required_by if notice.status == "written_due" else notice.required_by


def _answers(session: Session, incident: Incident) -> dict[str, str | None]:
    known = dossier.known_answers(session, incident, None)
    return {name: answer for name, answer in known.items() if name != "caller"}


# -------------------------------------------------------------------------------------- notices


@pages.get("/<uuid:incident_id>/notices/<uuid:notice_id>")
@needs(Action.SEE)
def notice(incident_id: uuid.UUID, notice_id: uuid.UUID) -> ResponseReturnValue:
    """What one agency is owed: the script to read out, and the form that records the call."""
    return notice_page(incident_id, notice_id, {}, {})


def notice_page(
    incident_id: uuid.UUID,
    notice_id: uuid.UUID,
    values: dict[str, str],
    faults: dict[str, str],
    status: int = 200,
) -> Response:
    """The page of a notice, with what was typed if it could not be taken."""
    with records() as session:
        incident, row = notice_of(session, incident_id, notice_id)
        caller = session.get(User, visitor().user_id)
        sheet = dossier.sheets(session, incident, caller, [row])[row.id]
        rule = session.get(AgencyRule, row.rule_id) if row.rule_id else None
    due = due_of(row)
    return still(
        "incident_notice.html",
        status,
        incident=incident,
        notice=row,
        sheet=sheet,
        rule=rule,
        due=due,
        left=left_until(due) if due else "",
        values=values,
        faults=faults,
        can_record=can(RESOURCES["incident_notices"], "edit"),
        decides=visitor().role in {"owner", "manager"},
        methods=[(m, m.replace("_", " ")) for m in methods()],
        here=now().astimezone(visitor().zone).strftime("%Y-%m-%dT%H:%M"),
    )


def methods() -> tuple[str, ...]:
    """How an agency can be told."""
    return tuple(RESOURCES["incident_notices"].fields["method"].choices)


def notice_of(
    session: Session, incident_id: uuid.UUID, notice_id: uuid.UUID
) -> tuple[Incident, IncidentNotice]:
    """The notice an address names, with its incident; 404 where they do not belong together."""
    incident = incident_of(session, incident_id)
    row = session.get(IncidentNotice, notice_id) or abort(404)
    if row.incident_id != incident.id:
        abort(404)
    return incident, row


# ---------------------------------------------------------------------------------------- files


@pages.get("/<uuid:incident_id>/file.json")
@needs(Action.SEE)
def as_json(incident_id: uuid.UUID) -> ResponseReturnValue:
    """The incident file as JSON."""
    told = _file(incident_id)
    body = json.dumps(told, ensure_ascii=False, indent=1)
    return _download(body.encode(), "application/json", told, "json")


@pages.get("/<uuid:incident_id>/file.pdf")
@needs(Action.SEE)
def as_pdf(incident_id: uuid.UUID) -> ResponseReturnValue:
    """The incident file as PDF."""
    told = _file(incident_id)
    shelf = store_of(console().settings.documents, visitor().organization_id)
    photos = of_timeline(told["timeline"], shelf.open)
    return _download(incident_pdf(told, photos), "application/pdf", told, "pdf")


def _file(incident_id: uuid.UUID) -> dict[str, Any]:
    with records() as session:
        incident = incident_of(session, incident_id)
        return dossier.dossier(session, incident, session.get(User, visitor().user_id))


def _download(body: bytes, media_type: str, told: dict[str, Any], ending: str) -> Response:
    name = "".join(c if c.isalnum() or c in "-_" else "_" for c in told["incident"]["incident_no"])
    return Response(
        body,
        mimetype=media_type,
        headers={"Content-Disposition": f'attachment; filename="incident-{name}.{ending}"'},
    )


@pages.get("/<uuid:incident_id>/notices/<uuid:notice_id>/script.pdf")
@needs(Action.SEE)
def script_pdf(incident_id: uuid.UUID, notice_id: uuid.UUID) -> ResponseReturnValue:
    """The call script or worksheet of one notice, to print."""
    with records() as session:
        incident, row = notice_of(session, incident_id, notice_id)
        caller = session.get(User, visitor().user_id)
        sheet = dossier.sheets(session, incident, caller, [row])[row.id]
    told = {"incident": {"incident_no": f"{incident.incident_no}-call"}}
    return _download(sheet_pdf(sheet, incident.incident_no), "application/pdf", told, "pdf")


def address_of(incident_id: uuid.UUID) -> str:
    """The page of an incident."""
    return url_for("incidents.page", incident_id=incident_id)
