"""The operator of a session: its production days, and for how long pumpers enter."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from agent.contract.production_day import ProductionClock
from hub.database import Actor
from hub.schema import Organization


@dataclass(frozen=True, slots=True)
class Operator:
    """Whose session it is."""

    id: uuid.UUID
    clock: ProductionClock
    entry_days: int

    def first_day(self, current: date) -> date:
        """The first day for which a pumper may enter while this one goes on."""
        return current - timedelta(days=self.entry_days - 1)


def operator_of(session: Session) -> Operator:
    """The operator of a session; raises `LookupError` for a session without one."""
    found = session.execute(
        select(
            Organization.id,
            Organization.timezone,
            Organization.production_day_start,
            Organization.entry_days,
        ).where(
            Organization.id
            == text("nullif(current_setting('app.organization_id', true), '')::uuid")
        )
    ).one_or_none()
    if found is None:
        raise LookupError("this session is for no operator")
    clock = ProductionClock(ZoneInfo(found.timezone), found.production_day_start)
    return Operator(found.id, clock, found.entry_days)


def acting(session: Session) -> Actor:
    """Who acts in a session, as the database was told when its transaction began."""
    row = session.execute(
        text(
            "SELECT nullif(current_setting('app.user_id', true), '')::uuid AS person,"
            " nullif(current_setting('app.membership_id', true), '')::uuid AS membership,"
            " coalesce(current_setting('app.role', true), '') AS role,"
            " coalesce(current_setting('app.door', true), '') AS door,"
            " coalesce(current_setting('app.address', true), '') AS address"
        )
    ).one()
    return Actor(row.person, row.membership, row.role, row.door, row.address)
