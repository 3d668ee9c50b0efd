"""The API: every table at /api/v1/<table>, readings, and the document that describes them."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Flask
from sqlalchemy import Engine

from hub.api import (
    addresses,
    alert_acts,
    bulk,
    documents,
    duty,
    gate,
    index,
    lists,
    reveal,
    rows,
    rules,
    suspense,
    telemetry,
)
from hub.api.answers import or_page
from hub.api.caller import SignedIn
from hub.api.limits import CALLER, Rate
from hub.api.parts import EXTENSION, Api
from hub.cache import Cache
from hub.settings import HubSettings

__all__ = ["ROOT", "mount", "or_page"]

ROOT = "/api/v1"
ROOMS = (
    *(index, telemetry, suspense, duty, lists, rows, bulk, reveal, documents, alert_acts),
    rules,
)


def mount(
    app: Flask,
    settings: HubSettings,
    engine: Engine,
    visitor: Callable[[], SignedIn | None],
    cache: Cache,
    rate: Rate = CALLER,
) -> None:
    """Add the API to an application; `visitor` tells who is signed in to its pages.

    `or_page` wraps the application's error handlers, so that errors under /api are problems.
    """
    app.extensions[EXTENSION] = Api(settings, engine, visitor, cache, rate)
    blueprint = Blueprint("api", __name__, url_prefix=ROOT)
    addresses.teach(app)
    gate.guard(blueprint)
    for room in ROOMS:
        room.serve(blueprint)
    app.register_blueprint(blueprint)
