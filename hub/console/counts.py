"""The three numbers beside the navigation: alerts that wait, agents gone silent, quarantine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Select, bindparam, func, select

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


def _waiting() -> Select[int, int, int]:
    """The three numbers in one question; `late` is the instant before which to be heard is late."""
    told = select(func.count()).where(
        Alert.closed_at.is_(None),
        Alert.ack == "unacked",
        Alert.shelved_until.is_(None),
        Alert.suppressed_by.is_(None),
        Alert.out_of_service_until.is_(None),
    )
    unheard = ~Agent.online | Agent.heard_at.is_(None) | (Agent.heard_at < bindparam("late"))
    silent = select(func.count()).where(Agent.revoked_at.is_(None), unheard)
    aside = select(func.count()).where(Quarantine.settled_at.is_(None))
    return select(told.scalar_subquery(), silent.scalar_subquery(), aside.scalar_subquery())


WAITING: Final = _waiting()


def counts() -> Counts:
    """The numbers of the visitor's operator, asked at most every few seconds."""
    key = (visitor().organization_id, "counts", visitor().route)
    return console().cache.take(key, KEPT_S, _count)


def _count() -> Counts:
    with records() as session:
        return Counts(*session.execute(WAITING, {"late": now() - AGENT_SILENT_AFTER}).one())
