"""Content that no row speaks of is removed: uploads that were not finished, deleted documents."""

from __future__ import annotations

import logging
import uuid
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from hub.documents.shelf import hold_shelf
from hub.documents.store import store_of
from hub.schema import Document, Organization
from hub.settings import HubSettings

LOG = logging.getLogger(__name__)

#: How old content must be: longer than any upload takes, so that none is swept from under its row.
GRACE: Final = timedelta(hours=24)


def sweep(engine: Engine, settings: HubSettings, now: datetime | None = None) -> int:
    """Remove orphaned content of every operator; gives how many. `engine` acts as wellflow_work."""
    before = (now or datetime.now(UTC)) - GRACE
    with Session(engine) as session, session.begin():
        organizations = session.scalars(select(Organization.id)).all()
    return sum(_sweep(engine, settings, organization, before) for organization in organizations)


def _sweep(engine: Engine, settings: HubSettings, organization: uuid.UUID, before: datetime) -> int:
    """Sweep one shelf while nobody puts on it."""
    store = store_of(settings.documents, organization)
    with Session(engine) as session, session.begin():
        hold_shelf(session, organization, alone=True)
        listed = select(Document.sha256).where(Document.organization_id == organization)
        spoken_of = {bytes(sha256).hex() for sha256 in session.scalars(listed)}
        orphans = [sha256 for sha256 in store.kept(before) if sha256 not in spoken_of]
        for sha256 in orphans:
            store.delete(sha256)
    if orphans:
        LOG.info("%d orphaned documents of %s removed", len(orphans), organization)
    return len(orphans)
