"""The rows of streams, locked for one transaction: who holds a row decides what is stored.

Rows are made before they are locked, because a lock on a missing row protects nothing: two
processes that see the first message of a stream would both store it. Both steps go in the order
of the key, so that no two transactions can wait for each other.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from hub.ingest.arrays import plain, texts
from hub.ingest.arrival import Sender
from hub.ingest.link import Db
from hub.ingest.streams import StreamRow

Key = tuple[uuid.UUID, str]

_MAKE = """
    INSERT INTO streams (organization_id, agent_id, stream)
    SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::text[]) AS k (organization, agent, stream)
     ORDER BY agent, stream
    ON CONFLICT DO NOTHING
"""
_LOCK = """
    SELECT s.agent_id, s.stream, s.number, s.checksum, s.announced, s.closed, s.updated_at
      FROM streams s
      JOIN unnest(%s::uuid[], %s::text[]) AS k (agent, stream)
        ON s.agent_id = k.agent AND s.stream = k.stream
     ORDER BY s.agent_id, s.stream
       FOR UPDATE OF s
"""
_WRITE = """
    UPDATE streams s
       SET number = k.number, checksum = k.checksum, announced = k.announced, closed = k.closed,
           updated_at = now()
      FROM unnest(%s::uuid[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
           AS k (agent, stream, number, checksum, announced, closed)
     WHERE s.agent_id = k.agent AND s.stream = k.stream
"""
_LOCK_ALL_OF = """
    SELECT FROM streams WHERE agent_id = ANY(%s::uuid[]) ORDER BY agent_id, stream FOR UPDATE
"""


class StreamRows:
    """The locked rows of one transaction, as they were and as they will be written."""

    def __init__(self, connection: Db, wanted: Iterable[tuple[Sender, str]]) -> None:
        """Make and lock the rows of these streams."""
        self._before: dict[Key, StreamRow] = {}
        self._after: dict[Key, StreamRow] = {}
        self.changed_at: dict[Key, datetime] = {}
        keys = {(sender.id, stream): sender.organization for sender, stream in wanted}
        if keys:
            agents = plain(agent for agent, _ in keys)
            streams = texts(stream for _, stream in keys)
            connection.execute(_MAKE, (plain(keys.values()), agents, streams))
            for agent, stream, *row, changed in connection.execute(_LOCK, (agents, streams)):
                self._before[agent, stream] = self._after[agent, stream] = StreamRow(*row)
                self.changed_at[agent, stream] = changed

    def __getitem__(self, key: Key) -> StreamRow:
        return self._after[key]

    def __setitem__(self, key: Key, row: StreamRow) -> None:
        self._after[key] = row

    def write(self, connection: Db) -> None:
        """Write the rows that changed."""
        changed = [(key, row) for key, row in self._after.items() if row != self._before[key]]
        if changed:
            keys, rows = zip(*changed, strict=True)
            values = (
                plain(agent for agent, _ in keys),
                texts(stream for _, stream in keys),
                plain(row.number for row in rows),
                plain(row.checksum for row in rows),
                plain(row.announced for row in rows),
                plain(row.closed for row in rows),
            )
            connection.execute(_WRITE, values)


def lock_all_of(connection: Db, agents: Iterable[uuid.UUID]) -> None:
    """Lock all streams of these agents: nobody else is storing their readings meanwhile."""
    connection.execute(_LOCK_ALL_OF, (list(agents),))
