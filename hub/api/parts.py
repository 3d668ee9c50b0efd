"""What every endpoint can reach: the engine, who is signed in, the rates, the settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from flask import current_app, g
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from hub.api.caller import Caller, SignedIn
from hub.api.limits import CALLER, Rate
from hub.cache import Cache
from hub.database import tenant_session
from hub.settings import HubSettings

EXTENSION = "wellflow-api"


@dataclass(frozen=True, slots=True)
class Api:
    """The parts the API is made of."""

    settings: HubSettings
    engine: Engine  #: acts as wellflow_app
    visitor: Callable[[], SignedIn | None]  #: who is signed in to the console in this request
    cache: Cache
    rate: Rate = CALLER


def api() -> Api:
    """The parts of the API that serves this request."""
    return cast(Api, current_app.extensions[EXTENSION])


def secret_key() -> bytes:
    """What seals and opens secrets of rows."""
    return api().settings.secret_key


def caller() -> Caller:
    """Who makes this request; endpoints run only for somebody known."""
    return cast(Caller, g.caller)


@contextmanager
def records() -> Iterator[Session]:
    """A session that sees the caller's rows; commits on leaving, rolls back on an error."""
    who = caller()
    with tenant_session(api().engine, who.organization_id, who.actor) as session:
        yield session
