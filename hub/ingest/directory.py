"""What a worker remembers of the database between transactions: agents, and numbers of tags.

Agents are asked for again after two seconds, so that adding and revoking take effect at once.
What a configuration's numbers mean never changes, so that is remembered until the connection
fails: afterwards the database may be an older copy of itself.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from hub.ingest.arrival import Sender
from hub.ingest.link import Db

AGENT_S = 2.0
MOST_AGENTS = 20_000
MOST_CONFIGS = 20_000
GONE = "gone"  #: digest of a configuration that its agent no longer knows

_AGENTS = """
    SELECT name, id, organization_id, shard, revoked_at IS NOT NULL
      FROM agents WHERE name = ANY(%s)
"""
_CONFIG = """
    SELECT e.digest, array_agg(t.number) FILTER (WHERE t.number IS NOT NULL),
           array_agg(t.tag_id) FILTER (WHERE t.number IS NOT NULL)
      FROM config_epochs e LEFT JOIN config_epoch_tags t USING (agent_id, epoch)
     WHERE e.agent_id = %s AND e.epoch = %s
     GROUP BY e.digest
"""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Which tag each number of a configuration means."""

    tags: Mapping[int, int]
    gone: bool = False  #: the agent no longer knows it either


class Directory:
    """A bounded memory of agents and configurations; one per worker, not shared."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with nothing known."""
        self._clock = clock
        self._agents: dict[str, tuple[float, Sender | None]] = {}
        self._configs: dict[tuple[uuid.UUID, int], Numbers] = {}

    def forget(self) -> None:
        """Ask for everything again."""
        self._agents.clear()
        self._configs.clear()

    def senders(self, connection: Db, names: Iterable[str]) -> dict[str, Sender | None]:
        """The enrolled agents of these names; None for a name nobody has."""
        now, wanted = self._clock(), set(names)
        stale = [name for name in wanted if self._agents.get(name, (0.0, None))[0] <= now]
        if stale:
            self._ask(connection, stale, now + AGENT_S)
        return {name: self._agents[name][1] for name in wanted}

    def _ask(self, connection: Db, names: list[str], until: float) -> None:
        if len(self._agents) > MOST_AGENTS:
            self._agents = {n: entry for n, entry in self._agents.items() if entry[0] >= until}
        self._agents.update((name, (until, None)) for name in names)
        for name, *rest in connection.execute(_AGENTS, [names]):
            self._agents[name] = (until, Sender(rest[0], rest[1], name, rest[2], rest[3]))

    def numbers(self, connection: Db, agent: uuid.UUID, epoch: int) -> Numbers | None:
        """What an agent's configuration numbers; None for one the hub does not know."""
        key = (agent, epoch)
        if key not in self._configs:
            row = connection.execute(_CONFIG, key).fetchone()
            if row is None:
                return None
            digest, numbers, tags = row
            found = Numbers(dict(zip(numbers or (), tags or (), strict=True)), digest == GONE)
            if found.gone:
                return found
            if len(self._configs) > MOST_CONFIGS:
                self._configs.clear()
            self._configs[key] = found
        return self._configs[key]
