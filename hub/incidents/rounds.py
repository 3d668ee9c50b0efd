"""What the work process does about incidents every half minute, for every operator.

Operators without agencies' rules are given those that are shipped; alerts become incidents; what
open incidents owe is reckoned anew; clocks that passed a mark are noted in timelines.
"""

from __future__ import annotations

import logging
import uuid
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hub.incidents import reminders
from hub.incidents.promotion import promote
from hub.incidents.reckon import reckon_open
from hub.standards import begin_incidents

LOG = logging.getLogger(__name__)

_WITHOUT_RULES: Final = text(
    """
    SELECT o.id FROM organizations o
    WHERE NOT EXISTS (SELECT FROM agency_rules r WHERE r.organization_id = o.id)
    ORDER BY o.id
    """
)
_OPEN: Final = text(
    """
    SELECT DISTINCT organization_id FROM incidents WHERE status NOT IN ('closed', 'not_an_incident')
    """
)
_ONE_AT_A_TIME: Final = text(
    "SELECT pg_advisory_xact_lock(1229867347, hashtext(CAST(:organization AS text)))"
)


def go_round(engine: Engine, now: datetime | None = None) -> int:
    """One round; gives how many alerts became, or joined, incidents."""
    moment = now or datetime.now(UTC)
    equip(engine)
    made = promote(engine, moment)
    for organization in _all(engine, _OPEN):
        try:
            reckon_for(engine, organization, moment)
        except DBAPIError:
            LOG.exception("what %s owes could not be reckoned; it is tried again", organization)
    return made


def equip(engine: Engine) -> int:
    """Give operators that have none the rules that are shipped; gives how many operators."""
    lacking = _all(engine, _WITHOUT_RULES)
    for organization in lacking:
        with engine.begin() as connection:
            connection.execute(_ONE_AT_A_TIME, {"organization": organization})
            begin_incidents(connection, organization)
    return len(lacking)


def reckon_for(engine: Engine, organization: uuid.UUID, now: datetime) -> None:
    """Reckon an operator's open incidents, and note which marks their clocks have passed."""
    with Session(engine) as session, session.begin():
        session.execute(_ONE_AT_A_TIME, {"organization": organization})
        reckon_open(session, organization)
        reminders.note(session, organization, now)


def _all(engine: Engine, question: object) -> list[uuid.UUID]:
    with engine.begin() as connection:
        return list(connection.scalars(question))  # type: ignore[call-overload]
