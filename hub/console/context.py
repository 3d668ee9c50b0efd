"""What every page can reach: settings, engine, kept answers, static files, and the visitor."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from flask import current_app, g, request
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from hub.cache import Cache
from hub.console.assets import Assets
from hub.console.who import Visitor
from hub.database import Actor, tenant_session
from hub.settings import HubSettings

#: Given the row and the person who asks, takes a quarantined message in again and says in one
#: sentence what came of it; raises `HubError` when it cannot. Only ingest may store, so this is
#: handed in.
Replay = Callable[[uuid.UUID, uuid.UUID], str]


@dataclass(frozen=True, slots=True)
class Console:
    """The parts one application is made of."""

    settings: HubSettings
    engine: Engine
    assets: Assets
    cache: Cache
    replay: Replay | None  #: takes a quarantined message in again; answers what came of it


def console() -> Console:
    """The parts of the application that serves this request."""
    return cast(Console, current_app.extensions["wellflow"])


def visitor() -> Visitor:
    """The person who asks; pages run only for a signed-in person."""
    return cast(Visitor, g.visitor)


def now() -> datetime:
    """The instant of this request: one for all that a page says."""
    if "now" not in g:
        g.now = datetime.now(UTC)
    return cast(datetime, g.now)


def actor() -> Actor:
    """The person who asks, as the database and its audit trail are told."""
    person = visitor()
    address = request.remote_addr or ""
    return Actor(person.user_id, person.membership_id, person.role, "console", address)


@contextmanager
def records() -> Iterator[Session]:
    """A session that sees the visitor's organization and nothing else, and acts as the visitor."""
    with tenant_session(console().engine, visitor().organization_id, actor()) as session:
        yield session
