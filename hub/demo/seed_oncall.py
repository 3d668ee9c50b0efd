"""Who the demo wakes: a policy, a weekly rotation, and channels that were answered on."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hub.demo import operator
from hub.notify import keeping
from hub.notify.keeping import Scope
from hub.notify.policies import Policy, Step, Target
from hub.notify.schedules import Layer, Roster
from hub.schema import ContactChannel, EscalationPolicy, Membership, User

_MINUTE = timedelta(minutes=1)


def fill(session: Session, organization: uuid.UUID, now: datetime | None = None) -> None:
    """Set up who is told, once: the manager by name, then who is on call, then the owner."""
    if session.scalar(
        select(EscalationPolicy.id).where(EscalationPolicy.organization_id == organization)
    ):
        return
    moment = now or datetime.now(UTC)
    people = _people(session, organization)
    session.execute(
        update(ContactChannel)
        .where(ContactChannel.organization_id == organization, ContactChannel.kind == "email")
        .values(proven_at=moment, verified_at=moment)
    )
    manager, pumper = people[operator.MANAGER.email], people[operator.PEOPLE[1].email]
    monday = moment.date() - timedelta(days=moment.isoweekday() - 1 + 7)
    roster = Roster(operator.TIMEZONE, (Layer((pumper, manager), monday, time(7), 7),))
    field = keeping.save_rotation(session, organization, "Field on call", roster)
    steps = (
        Step((Target("user", manager),), "email", 5 * _MINUTE),
        Step((Target("rotation", field),), "own", 5 * _MINUTE),
        Step((Target("role", role="owner"),), "all", 15 * _MINUTE),
    )
    policy = Policy("Day and night", steps, rounds=2)
    keeping.save_policy(session, organization, policy, Scope((1, 2)), by=manager)


def _people(session: Session, organization: uuid.UUID) -> dict[str, uuid.UUID]:
    listed = (
        select(User.email, User.id)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organization_id == organization)
    )
    return dict(session.execute(listed).all())
