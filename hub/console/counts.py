"""The three numbers beside the navigation: alerts that wait, agents gone silent, quarantine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from hub.console.context import console, now, records, visitor
from hub.schema import Agent, Alert, Quarantine

KEPT_S = 3.0
AGENT_SILENT_AFTER = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Counts:
    """What waits for a person."""

    unacknowledged: int
    silent_agents: int
    quarantined: int


def is_silent(heard_at: datetime | None, at: datetime, *, online: bool) -> bool:
    """Whether an agent that should report does not: gone from the broker, or long unheard."""
    return not online or heard_at is None or at - heard_at > AGENT_SILENT_AFTER


def counts() -> Counts:
    """The numbers of the visitor's operator, asked at most every few seconds."""
    key = (visitor().organization_id, "counts", visitor().route)
    return console().cache.take(key, KEPT_S, _count)


def _count() -> Counts:
    waiting = select(func.count()).where(
        Alert.closed_at.is_(None),
        Alert.ack == "unacked",
        Alert.shelved_until.is_(None),
        Alert.suppressed_by.is_(None),
        Alert.out_of_service_until.is_(None),
    )
    aside = select(func.count()).where(Quarantine.settled_at.is_(None))
    listed = select(Agent.heard_at, Agent.online).where(Agent.revoked_at.is_(None))
    with records() as session:
        unacked, quarantined = session.execute(
            select(waiting.scalar_subquery(), aside.scalar_subquery())
        ).one()
        agents = session.execute(listed).all()
    silent = sum(is_silent(heard, now(), online=online) for heard, online in agents)
    return Counts(unacked, silent, quarantined)
