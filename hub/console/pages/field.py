"""The pumper's form on a phone: the site's pages, kept by the phone when it has no signal.

What the phone sends is taken up in the transaction that stores it. An id that came before is
answered as taken and changes nothing; what was typed while somebody else was signed in is refused.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

from flask import Blueprint, Response, abort, request, send_from_directory, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.orm import Session

from agent.contract.entry import LARGEST_ENTRY, Entry, entry_body
from agent.contract.fieldform import desk, frame
from agent.contract.fieldform import pages as drawn
from agent.contract.fieldform.desk import Outcome, Visit
from agent.contract.fieldform.fields import Form, reported
from agent.contract.fieldform.frame import Door
from agent.contract.fieldform.page import stop_page
from agent.contract.fieldwords import LANGUAGES, say
from agent.contract.stopsheet import Stop, StopSheet
from agent.contract.wire import dump
from hub.console import assets
from hub.console.assets import FOLDER, FOR_EVER
from hub.console.context import console, now, records, visitor
from hub.console.gate import anyone, needs
from hub.console.packing import packed
from hub.console.pages import field_photos
from hub.console.pages.field_photos import TONGUE, owner
from hub.permissions import Action
from hub.production import entries, routes
from hub.production.entries import OFF_ROUTE
from hub.production.late import keep_late
from hub.production.refusals import spoken
from hub.production.sheets import sheet_of
from hub.schema import FieldEntry

pages = Blueprint("field", __name__, url_prefix="/field")
pages.after_request(packed)

BASE: Final = "/field/"
#: A photo of a spill or an injury says where it is, if the person lets the phone tell.
PLACE_OF_REPORTS: Final = "camera=(), geolocation=(self), microphone=()"
_DONE: Final = text(
    """
    SELECT DISTINCT lease_id FROM field_entries
    WHERE production_date = :day AND state IN ('taken', 'conflict')
    """
)
_BEFORE: Final = text(
    """
    SELECT entry_id FROM field_entries
    WHERE lease_id = :stop AND production_date = :day AND person_id = :person AND state = 'taken'
    ORDER BY received_at DESC LIMIT 1
    """
)
_KNOWN: Final = text("SELECT state, faults FROM field_entries WHERE entry_id = :entry")
_TONGUE: Final = text("SELECT locale FROM users WHERE id = :person")


@pages.get("/")
@needs(Action.ENTER)
def route() -> ResponseReturnValue:
    """The stops of whoever asks, in order."""
    with records() as session:
        door, sheet = _door(session), _own(session)
        done = set(session.scalars(_DONE, {"day": reported(sheet, now())}))
    return _page(drawn.route_page(door, sheet, done))


def _own(session: Session, only: list[uuid.UUID] | None = None) -> StopSheet:
    """The sheet in the order of whoever asks."""
    return sheet_of(session, now(), only).ordered(routes.order_of(session))


@pages.get("/order")
@needs(Action.ENTER)
def order() -> ResponseReturnValue:
    """The stops, to be moved up and down."""
    with records() as session:
        return _page(drawn.order_page(_door(session), _own(session)))


@pages.post("/order")
@needs(Action.ENTER)
def move() -> ResponseReturnValue:
    """Move one stop a place up or down, for whoever asks."""
    form, _ = _sent()
    if form.get("owner") != owner():
        return _told(401, state="another person is signed in")
    try:
        stop = uuid.UUID(form.get("stop"))
    except ValueError:
        abort(400, "This names no stop; load the page again.")
    with records() as session:
        routes.keep_order(session, _own(session).moved(stop, form.get("to")))
    return Response(status=303, headers={"Location": f"{BASE}order"})


@pages.get("/stop/<uuid:stop>")
@needs(Action.ENTER)
def stop_form(stop: uuid.UUID) -> ResponseReturnValue:
    """The form of one stop."""
    with records() as session:
        visit = _visit(session, stop)
        before = _before(session, visit.stop, reported(visit.sheet, now()))
    return _page(stop_page(desk.blank(visit, replaces=before)))


@pages.post("/stop/<uuid:stop>")
@needs(Action.ENTER)
def save(stop: uuid.UUID) -> ResponseReturnValue:
    """Take an entry, from the form itself or from a phone that kept it."""
    (form, files), script = _sent(), "application/json" in request.headers.get("Accept", "")
    if form.get("owner") and form.get("owner") != owner():
        return _told(401, state="another person is signed in")
    with records() as session:
        visit = _visit_or_none(session, stop, alone=script)
        outcome = None if visit is None else _take(session, visit, form)
        entry = None if outcome is None else outcome.entry
        why = field_photos.keep(session, entry.id, files) if entry is not None else ""
    if visit is None or outcome is None:
        return _kept_for_the_office(stop, form)
    if script:
        said = {"state": "taken"} if entry is not None else {"faults": dict(outcome.faults)}
        return _told(200 if entry is not None else 422, id=form.get("id"), **said)
    return _shown(visit, outcome, why)


def _shown(visit: Visit, outcome: Outcome, why: str) -> ResponseReturnValue:
    """What a browser without script is answered; `why` a photo that came along was not taken."""
    if why:
        sentence = say(visit.door.language, "photo_refused_plain", why=why)
        return _page(drawn.message_page(visit.door, sentence), 422)
    if outcome.entry is not None:
        return Response(status=303, headers={"Location": _next(visit)})
    if outcome.view is None:
        return _page(drawn.message_page(visit.door, "".join(outcome.faults.values()), "fault"), 409)
    return _page(stop_page(outcome.view), 422 if outcome.faults else 200)


def _take(session: Session, visit: Visit, form: Form) -> Outcome:
    """Store and take up what was sent; an id that is known is taken as it was."""
    outcome = desk.receive(visit, form)
    entry = outcome.entry
    if entry is None:
        return outcome
    if len(dump(entry_body(entry))) > LARGEST_ENTRY:
        return Outcome(faults={"": say(visit.door.language, "fault_lines", most="50")})
    known = session.execute(_KNOWN, {"entry": entry.id}).first()
    if known is None:
        session.execute(_stored(entry))
        became = entries.take(session, entry)
        state, faults = became.state, became.faults
    else:
        state, faults = known.state, known.faults or {}
    if state != "refused":
        return outcome
    return desk.returned(visit, form, entry, spoken(faults, visit.door.language))


def _stored(entry: Entry) -> Insert:
    values = {
        "organization_id": visitor().organization_id,
        "entry_id": entry.id,
        "door": "console",
        "body": entry_body(entry),
        "saved_at": datetime.fromtimestamp(entry.saved / 1000, UTC),
    }
    return insert(FieldEntry).values(**values).on_conflict_do_nothing()


def _kept_for_the_office(stop: uuid.UUID, form: Form) -> Response:
    """Answer for a stop that left the route: the office has what was typed, the phone goes on."""
    sent, who = form.get("id"), visitor()
    kept = _key(sent) and keep_late(
        console().engine, who.organization_id, who.user_id, stop, form, now()
    )
    if not kept:
        abort(404)
    if "application/json" in request.headers.get("Accept", ""):
        return _told(200, id=sent, state="refused", reason=OFF_ROUTE)
    with records() as session:
        door = _door(session)
    return _page(drawn.message_page(door, door.say("off_route")), 409)


def _key(words: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(words)
    except ValueError:
        return None


def _visit(session: Session, stop: uuid.UUID) -> Visit:
    """One person at one stop."""
    return _visit_or_none(session, stop) or abort(404)


def _visit_or_none(session: Session, stop: uuid.UUID, *, alone: bool = False) -> Visit | None:
    """One person at one stop of the route, if it is one; `alone`, without the others of the route,
    which a script knows.
    """
    sheet = _own(session, [stop] if alone else None)
    found = sheet.find(stop)
    if found is None:
        return None
    return Visit(_door(session), sheet, found, visitor().user_id, now())


def _before(session: Session, stop: Stop, day: date) -> uuid.UUID | None:
    asked = {"stop": stop.stop, "day": day, "person": visitor().user_id}
    found: uuid.UUID | None = session.scalar(_BEFORE, asked)
    return found


def _door(session: Session) -> Door:
    language = request.args.get("lang") or request.form.get("lang")
    language = language or request.cookies.get(TONGUE) or ""
    if language not in LANGUAGES:
        locale = session.scalar(_TONGUE, {"person": visitor().user_id}) or "en"
        language = locale[:2] if locale[:2] in LANGUAGES else "en"
    head = (
        f'<link rel="manifest" href="{url_for("field.manifest")}">'
        f'<script src="{BASE}phone.js?{console().assets.digest}" defer></script>'
    )
    return Door("hub", BASE, language, visitor().name, head=head, owner=owner())


def _sent() -> tuple[Form, Sequence[bytes]]:
    try:
        return field_photos.sent()
    except ValueError:
        abort(400, "This is no form.")


def _next(visit: Visit) -> str:
    stops = [stop.stop for stop in visit.sheet.stops]
    place = stops.index(visit.stop.stop) + 1
    return f"{BASE}stop/{stops[place]}" if place < len(stops) else BASE


def _page(text: str, status: int = 200) -> Response:
    response = Response(text, status, mimetype="text/html")
    response.headers["Permissions-Policy"] = PLACE_OF_REPORTS
    if (language := request.args.get("lang")) in LANGUAGES:
        response.set_cookie(TONGUE, language, max_age=31_536_000, path=BASE, samesite="Lax")
    return response


def _told(status: int, **body: Any) -> Response:
    return Response(json.dumps(body), status, mimetype="application/json")


@pages.get("/<name>")
@anyone
def static(name: str) -> ResponseReturnValue:
    """A file of the form, which holds nothing of anybody."""
    if name == "phone.js":
        return send_from_directory(FOLDER, "field.js", mimetype="text/javascript")
    if name not in frame.FILES:
        abort(404)
    kind = frame.FILES[name].partition(";")[0]
    response = Response(frame.static(name), mimetype=kind)
    response.headers["Cache-Control"] = FOR_EVER
    return response


@pages.get("/worker.js")
@anyone
def worker() -> ResponseReturnValue:
    """The script that serves the pages without signal."""
    return assets.worker("field-worker.js")


@pages.get("/manifest.webmanifest")
@anyone
def manifest() -> ResponseReturnValue:
    """What makes the form an application of the home screen."""
    body = {
        "name": "WellFlow field",
        "short_name": "WellFlow",
        "start_url": BASE,
        "scope": BASE,
        "display": "standalone",
        "background_color": "#f6f6f4",
        "theme_color": "#17506a",
        "icons": [
            {"src": console().assets.url("icon.svg"), "sizes": "any", "type": "image/svg+xml"}
        ],
    }
    return Response(json.dumps(body), mimetype="application/manifest+json")
