"""What came from the broker, who sent it, and how the hub writes its instants."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_MS = 86_400_000
EARLIEST = 946_684_800_000  #: 2000-01-01 in UTC milliseconds; nothing here was read before
LATEST = 4_102_444_800_000  #: 2100-01-01


@dataclass(frozen=True, slots=True)
class Ticket:
    """How a message is acknowledged: the connection it came by, and its place there."""

    connection: int
    place: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message as the broker delivered it."""

    topic: str
    payload: bytes
    at: int  #: UTC milliseconds at which it arrived
    fresh: bool = True  #: sent just now: not kept by the broker, nor delivered a second time
    ticket: Ticket | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """An enrolled agent, as the database knows it."""

    id: uuid.UUID
    organization: uuid.UUID
    name: str
    shard: int
    revoked: bool = False


def instant(milliseconds: int) -> datetime:
    """UTC milliseconds -> instant, brought into the years 2000 to 2100."""
    return EPOCH + timedelta(milliseconds=min(max(milliseconds, EARLIEST), LATEST))


def believable(milliseconds: int) -> datetime | None:
    """UTC milliseconds -> instant, or None outside the years 2000 to 2100."""
    return instant(milliseconds) if EARLIEST <= milliseconds <= LATEST else None
