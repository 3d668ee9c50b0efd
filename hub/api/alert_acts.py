"""What programs do to alerts: acknowledge, give back, shelve, unshelve, reset, tell of an arrival.

Each is asked of one alert, answers with the alert as it stands then, and changes nothing when it is
asked again.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from hub.alerts import lifecycle, service
from hub.alerts.axes import RefusedError
from hub.alerts.lifecycle import UnknownAlertError
from hub.api import bodies
from hub.api.answers import Answer
from hub.api.arguments import Arguments
from hub.api.common import answer, record, refusals
from hub.api.once import once
from hub.api.operations import BY_KEY
from hub.api.parts import caller
from hub.api.problems import MISSING, Problem, refuse
from hub.api.represent import represent
from hub.api.schemas import IDENTITY, component, ref
from hub.api.tables import entered
from hub.permissions import Action
from hub.register import rows as register
from hub.schema import Alert

TABLE: Final = "alerts"
LONGEST: Final = 500
TEXT: Final = {"type": "string", "maxLength": LONGEST}
INSTANT: Final = {"type": "string", "format": "date-time"}
Said = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that can be done to an alert."""

    summary: str
    takes: Mapping[str, Mapping[str, Any]]
    needed: tuple[str, ...]
    do: Callable[[Session, uuid.UUID, uuid.UUID, Said], object]


def _acknowledge(session: Session, alert: uuid.UUID, who: uuid.UUID, said: Said) -> object:
    return lifecycle.acknowledge(
        session, alert, who, said.get("note"), via="api", eta=said.get("eta")
    )


def _unacknowledge(session: Session, alert: uuid.UUID, who: uuid.UUID, said: Said) -> object:
    return lifecycle.unacknowledge(session, alert, who, said.get("note"))


def _shelve(session: Session, alert: uuid.UUID, who: uuid.UUID, said: Said) -> object:
    return lifecycle.shelve(session, alert, who, said["until"], said["reason"], via="api")


def _unshelve(session: Session, alert: uuid.UUID, who: uuid.UUID, said: Said) -> object:
    return lifecycle.unshelve(session, alert, who, said.get("note"))


def _reset(session: Session, alert: uuid.UUID, who: uuid.UUID, said: Said) -> object:
    lifecycle.reset(session, alert, who, said.get("note"))
    return None


def _arrived(session: Session, alert: uuid.UUID, who: uuid.UUID, said: Said) -> object:
    return lifecycle.arrive(session, alert, who, said.get("at"), said.get("note"))


def _take_out(session: Session, alert_id: uuid.UUID, who: uuid.UUID, said: Said) -> object:
    alert = session.get_one(Alert, alert_id)
    kinds = dict(zip(KINDS, service.SUBJECTS, strict=True))
    able = service.subjects_of(alert)
    name = kinds.get(said["what"]) if "what" in said else next(iter(able), None)
    if name is None or name not in able:
        known = ", ".join(kind for kind, column in kinds.items() if column in able)
        raise RefusedError(f"This alert is about {known or 'nothing that can go out of service'}.")
    papers = {"permit": said["permit"]} if "permit" in said else None
    subject = {name: getattr(alert, name)}
    return service.out_of_service(
        session, alert.organization_id, subject, who, said["until"], said["reason"], papers=papers
    )


def _put_back(session: Session, alert_id: uuid.UUID, who: uuid.UUID, _said: Said) -> object:
    for hold in service.holds_on(session, session.get_one(Alert, alert_id)):
        service.in_service(session, hold.id, who)
    return None


#: What can go out of service, as programs name it; in the order of `service.SUBJECTS`.
KINDS: Final = ("gauge", "equipment", "well", "facility", "site")

ACTS: Final[Mapping[str, Act]] = {
    "acknowledge": Act(
        "Take an alert on; with eta, when somebody will be on site",
        {"note": TEXT, "eta": INSTANT},
        (),
        _acknowledge,
    ),
    "unacknowledge": Act("Give an alert back: it asks again", {"note": TEXT}, (), _unacknowledge),
    "shelve": Act(
        "Put an alarm aside until a time, with a reason",
        {"until": INSTANT, "reason": TEXT},
        ("until", "reason"),
        _shelve,
    ),
    "unshelve": Act("Take an alarm off the shelf", {"note": TEXT}, (), _unshelve),
    "reset": Act("Reset a latched alarm that is over", {"note": TEXT}, (), _reset),
    "arrived": Act(
        "Say that somebody is on site, or since when",
        {"at": INSTANT, "note": TEXT},
        (),
        _arrived,
    ),
    "take-out-of-service": Act(
        "Take what an alert is about (gauge, equipment, well, facility or site) out of service",
        {"until": INSTANT, "reason": TEXT, "what": TEXT, "permit": TEXT},
        ("until", "reason"),
        _take_out,
    ),
    "put-in-service": Act("Put back in service whatever keeps an alert quiet", {}, (), _put_back),
}


def serve(blueprint: Blueprint) -> None:
    """Add the addresses of acts."""
    for name in ACTS:
        blueprint.add_url_rule(
            f"/{TABLE}/<key:key>/{name}",
            f"{name}-{TABLE}",
            act,
            methods=["POST"],
            defaults={"name": name},
        )


def act(key: str, name: str) -> Response:
    """Do one thing to one alert; answers with the alert."""
    resource, wanted = entered(TABLE), ACTS[name]
    caller().must_act(Action.ACKNOWLEDGE, TABLE)
    Arguments(request.args, ())
    who = caller().actor.user_id
    assert who is not None, "a person or a key's maker asks"

    def make(session: Session) -> Answer:
        row = register.get(session, resource, key)
        said = _read(wanted)  # what is not there is not found, whatever was said to it
        try:
            wanted.do(session, row[resource.key], who, said)
        except UnknownAlertError:
            raise Problem(MISSING) from None
        except RefusedError as why:
            refuse({}, str(why))
        session.expire_all()
        return Answer(200, bodies.write(represent(resource, register.get(session, resource, key))))

    return once(make)


def _read(wanted: Act) -> dict[str, Any]:
    """What was sent, with instants read; raises `Problem` with every fault."""
    sent: dict[str, Any] = {}
    if request.get_data() or wanted.needed:
        sent = bodies.read_object(request.get_data(), request.mimetype, bodies.JSON)
    faults: dict[str, str] = {}
    said: dict[str, Any] = {}
    for name, given in sent.items():
        if name not in wanted.takes:
            faults[name[:60]] = f"{name[:60]} is not known here; use {', '.join(wanted.takes)}."
        elif given is not None:
            said[name] = _value(name, given, wanted.takes[name], faults)
    for name in wanted.needed:
        if name not in said and name not in faults:
            faults[name] = f"{name} is needed."
    if faults:
        refuse(faults)
    return said


def _value(name: str, given: object, schema: Mapping[str, Any], faults: dict[str, str]) -> Any:
    if not isinstance(given, str) or len(given) > LONGEST:
        faults[name] = f"{name} must be text of at most {LONGEST} characters."
        return None
    if schema is TEXT:
        return given.strip() or None
    try:
        instant: datetime | None = datetime.fromisoformat(given)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        faults[name] = f"{name} must be an instant with its zone, like 2026-03-31T14:00:00Z."
        return None
    return instant.astimezone(UTC)


def paths() -> dict[str, Any]:
    """These addresses as the document of the API tells them."""
    return {f"/{TABLE}/{{id}}/{name}": _told(name, wanted) for name, wanted in ACTS.items()}


def _told(name: str, wanted: Act) -> dict[str, Any]:
    body = record(
        {key: dict(wanted.takes[key]) for key in wanted.needed},
        **{key: dict(value) for key, value in wanted.takes.items() if key not in wanted.needed},
    )
    key = {
        "name": "id",
        "in": "path",
        "required": True,
        "description": "Id of the alert.",
        "schema": {"type": "string", "format": "uuid"},
        "example": IDENTITY,
    }
    post = {
        "operationId": f"{name}_alert",
        "summary": wanted.summary,
        "tags": [entered(TABLE).group],
        "parameters": [BY_KEY],
        "requestBody": {
            "required": bool(wanted.needed),
            "content": {bodies.JSON: {"schema": body}},
        },
        "responses": {"200": answer("The alert as it stands now.", ref(component(TABLE)))}
        | refusals(400, 404, 409, 413, 415, 422),
    }
    return {"parameters": [key], "post": post}
