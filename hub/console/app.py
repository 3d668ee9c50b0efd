"""The application: its parts, its pages, its errors."""

from __future__ import annotations

import hmac
import secrets
from typing import cast

from flask import Flask, current_app, g, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from hub import api
from hub.cache import open_cache
from hub.console import assets, gate, security, signin, speech
from hub.console.context import Console, Replay
from hub.console.intake import Intake
from hub.console.pages import (
    account,
    acts,
    agency_rules,
    agents,
    alert_acts,
    alert_load,
    alerts,
    carriers,
    channels,
    documents,
    escalation,
    features,
    field,
    field_photos,
    fleet,
    history,
    imports,
    incident_acts,
    incidents,
    keys,
    log,
    oncall,
    out_of_service,
    people,
    pins,
    preferences,
    production,
    quarantine,
    reach,
    record,
    register,
    replies,
    rotations,
    rule_trial,
    rules,
    storms,
    suspense,
    wells,
)
from hub.console.who import Visitor
from hub.settings import HubSettings

SENTENCES = {
    400: ("Not understood", "The request could not be understood; go back and try again."),
    403: ("Not allowed", "You may not do this."),
    404: ("Not found", "There is no such page, or it belongs to another operator."),
    409: ("Too late", "Somebody has changed this meanwhile."),
    405: ("Not possible", "This address does not take that kind of request."),
    413: ("Too large", "What was sent is too large."),
}
ROOMS = (
    *(fleet, wells, alerts, alert_acts, alert_load),
    *(agents, quarantine, rules, rule_trial, channels, signin),
    production,
    *(register, record, acts, history, imports, documents),
    *(people, pins, keys, features, account, suspense),
    *(incidents, incident_acts, agency_rules),
    *(oncall, rotations, escalation, preferences, storms, out_of_service),
    *(log, reach, replies, carriers, field, field_photos),
)


def create_app(settings: HubSettings, engine: Engine, replay: Replay | None = None) -> Flask:
    """Make the console; `engine` acts as wellflow_app.

    `replay` takes a quarantined message in again; without it the page names the command.
    """
    app = Flask(__name__, static_folder=None)
    files = assets.Assets()
    cache = open_cache(settings.cache, settings.secret_key)
    app.extensions["wellflow"] = Console(settings, engine, files, cache, replay)
    app.extensions["wellflow.intake"] = Intake(engine, settings.secret_key)
    _sign_notes(app, settings)
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    security.protect(app, settings.web.public_url)
    gate.identify(app)
    speech.teach(app)
    for room in ROOMS:
        app.register_blueprint(room.pages)
    app.register_blueprint(assets.serve(files))
    api.mount(app, settings, engine, lambda: cast(Visitor | None, g.visitor), cache)
    app.register_error_handler(HTTPException, api.or_page(_known_error))
    app.register_error_handler(OperationalError, api.or_page(_no_database))
    app.register_error_handler(PoolTimeout, api.or_page(_no_database))
    app.register_error_handler(Exception, api.or_page(_unknown_error))
    _behind_proxies(app, settings.web.trusted_proxies)
    return app


def _sign_notes(app: Flask, settings: HubSettings) -> None:
    """Sign the cookie that carries one note ("Saved.") to the next page; it carries nothing else.

    The key is derived, so that what is signed here can stand for nothing sealed elsewhere.
    """
    app.secret_key = hmac.digest(settings.secret_key, b"wellflow console notes", "sha256")
    app.config.update(
        SESSION_COOKIE_NAME="wellflow-note",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.web.public_url.startswith("https://"),
    )


def _behind_proxies(app: Flask, number_of: int) -> None:
    """Believe this many proxies about the visitor's address, the scheme and the host."""
    if number_of:
        fixed = ProxyFix(app.wsgi_app, x_for=number_of, x_proto=number_of, x_host=number_of)
        app.wsgi_app = fixed  # type: ignore[method-assign]


def _known_error(error: HTTPException) -> ResponseReturnValue:
    """One plain sentence for what a person can run into."""
    code = error.code or 500
    if code < 400 or error.response is not None:
        return error.get_response()
    title, sentence = SENTENCES.get(code, ("Not possible", "This cannot be done."))
    own = code in {400, 403, 409} and error.description != type(error).description
    return _say(code, title, str(error.description) if own else sentence)


def _no_database(error: Exception) -> ResponseReturnValue:
    """The database is away: said so, for nobody here can mend it."""
    current_app.logger.error("no database at %s: %s", request.path, error)
    sentence = "The hub cannot reach its database. Agents keep their data; try again in a minute."
    return _say(503, "Not available", sentence)


def _unknown_error(error: Exception) -> ResponseReturnValue:
    """A fault of ours: logged with a number that the page shows, and nothing else given away."""
    number = secrets.token_hex(4)
    current_app.logger.error("fault %s at %s", number, request.path, exc_info=error)
    return _say(
        500,
        "Something broke",
        f"The console failed on this page. It is in the hub's log as fault {number}.",
    )


def _say(code: int, title: str, sentence: str) -> ResponseReturnValue:
    page = render_template("sentence.html", code=code, title=title, sentence=sentence)
    return page, code
