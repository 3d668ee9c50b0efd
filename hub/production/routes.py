"""The order in which a person drives the stops: kept per person, used at both doors."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hub.production.clocks import acting, operator_of
from hub.schema import RouteOrder


def order_of(session: Session) -> list[uuid.UUID]:
    """The order of whoever acts, first stop first; empty where none was set."""
    own = select(RouteOrder.stops).where(RouteOrder.membership_id == acting(session).membership_id)
    return list(session.scalar(own) or ())


def keep_order(session: Session, stops: Sequence[uuid.UUID]) -> None:
    """Set the order of whoever acts."""
    values = {
        "organization_id": operator_of(session).id,
        "membership_id": acting(session).membership_id,
        "stops": list(stops),
    }
    made = insert(RouteOrder).values(**values)
    changed = {"stops": made.excluded.stops, "changed_at": func.now()}
    session.execute(made.on_conflict_do_update(index_elements=["membership_id"], set_=changed))
