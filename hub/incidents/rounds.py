"""What the work process does about incidents every half minute, for one operator after the other.

Operators without agencies' rules are given those that are shipped; alerts become incidents; what
open incidents owe is reckoned anew; clocks that passed a mark are noted in timelines.
"""

from __future__ import annotations

import logging
import uuid
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hub.database import tenant_session
from hub.incidents import reminders
from hub.incidents.promotion import ACTOR, promote
from hub.incidents.reckon import reckon_open
from hub.schema import AgencyRule
from hub.standards import begin_incidents

LOG = logging.getLogger(__name__)

_OPERATORS: Final = text("SELECT id FROM organizations WHERE closed_at IS NULL ORDER BY id")
_ONE_AT_A_TIME: Final = text(
    "SELECT pg_advisory_xact_lock(1229867347, hashtext(CAST(:organization AS text)))"
)


def go_round(engine: Engine, now: datetime | None = None) -> int:
    """One round; gives how many alerts became, or joined, incidents."""
    moment = now or datetime.now(UTC)
    made = 0
    for organization in operators(engine):
        try:
            with tenant_session(engine, organization, ACTOR) as session:
                equip(session, organization)
            made += promote(engine, organization, moment)
            with tenant_session(engine, organization, ACTOR) as session:
                reckon_for(session, organization, moment)
        except DBAPIError:
            LOG.exception("incidents of %s could not be looked at; it is tried again", organization)
    return made


def operators(engine: Engine) -> list[uuid.UUID]:
    """Every operator that is at work."""
    with engine.begin() as connection:
        return list(connection.scalars(_OPERATORS))


def equip(session: Session, organization: uuid.UUID) -> None:
    """Give an operator that has none the rules that are shipped."""
    session.execute(_ONE_AT_A_TIME, {"organization": organization})
    if session.scalar(select(AgencyRule.id).limit(1)) is None:
        begin_incidents(session.connection(), organization)


def reckon_for(session: Session, organization: uuid.UUID, now: datetime) -> None:
    """Reckon an operator's open incidents, and note which marks their clocks have passed."""
    session.execute(_ONE_AT_A_TIME, {"organization": organization})
    reckon_open(session, organization)
    reminders.note(session, organization, now)
