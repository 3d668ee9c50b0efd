"""What agents shall run, from the database to the broker, where it is retained for them.

A bundle counts as published once the broker has it; until then, and after every new connection that
broke off before, it is published again. An agent that says at its birth that it runs another gets
it once more, whatever the broker kept.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any, Final, Protocol

from agent.contract.wire import Address
from hub.ingest.link import Db

LOOK_S: Final = 2.0
AGAIN_S: Final = 60.0

_DUE: Final = """
    SELECT s.id, a.name, a.shard, s.epoch, s.bundle
      FROM site_rules s JOIN agents a ON a.id = s.agent_id
     WHERE s.epoch > s.published AND a.shard BETWEEN %s AND %s AND a.revoked_at IS NULL
     ORDER BY s.epoch LIMIT 200
"""
_PUBLISHED: Final = "UPDATE site_rules SET published = greatest(published, %s) WHERE id = %s"


class Sent(Protocol):
    """A publication on its way."""

    def is_published(self) -> bool: ...  # noqa: D102


class Publisher(Protocol):
    """The way to the broker; None while there is none."""

    def retain(self, topic: str, payload: bytes) -> Sent | None: ...  # noqa: D102


@dataclass(slots=True)
class _Flight:
    epoch: int
    sent: Sent
    at: float


class Desired:
    """Publishes what is due for the agents of some shards; one per process."""

    def __init__(self, publisher: Publisher, shards: tuple[int, int]) -> None:
        """Start with nothing on its way."""
        self._publisher, self._shards = publisher, shards
        self._flights: dict[uuid.UUID, _Flight] = {}
        self._looked_at = float("-inf")

    @property
    def due(self) -> bool:
        """Whether it is time to look."""
        return time.monotonic() - self._looked_at >= LOOK_S

    def look(self, connection: Db) -> None:
        """Note what the broker has, publish what it has not; raises `psycopg.Error`."""
        self._looked_at = time.monotonic()
        for row, flight in list(self._flights.items()):
            if flight.sent.is_published():
                connection.execute(_PUBLISHED, (flight.epoch, row))
                del self._flights[row]
        for row, *what in connection.execute(_DUE, self._shards).fetchall():
            self._publish(row, *what)

    def _publish(self, row: uuid.UUID, *what: Any) -> None:
        agent, shard, epoch, bundle = what
        flight = self._flights.get(row)
        if flight and flight.epoch == epoch and self._looked_at - flight.at < AGAIN_S:
            return
        sent = self._publisher.retain(Address(shard, agent, "dn/cfg").topic, bytes(bundle))
        if sent is not None:
            self._flights[row] = _Flight(epoch, sent, self._looked_at)
