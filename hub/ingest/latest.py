"""The newest reading of each tag: kept in memory, written at most once a second.

Written with every transaction it would cost a third of the speed. A crash loses at most what the
last second brought, so each worker repairs the tags it may have missed when it connects.
"""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable, Sequence

import numpy as np

from hub.ingest.arrays import Column, plain
from hub.ingest.arrival import Sender
from hub.ingest.link import Db
from hub.ingest.screen import Readings

EVERY_S = 1.0
SOON_S = 0.2  #: the soonest after a write that an empty queue is a reason to write again

_UPSERT = """
    INSERT INTO readings_latest AS l (organization_id, tag_id, time, value, quality)
    SELECT organization, tag, to_timestamp(at / 1000.0), value, quality
      FROM unnest(%s::uuid[], %s::int[], %s::bigint[], %s::float8[], %s::smallint[])
           AS k (organization, tag, at, value, quality)
    ON CONFLICT (tag_id) DO UPDATE
       SET time = excluded.time, value = excluded.value, quality = excluded.quality,
           received_at = now()
     WHERE l.time < excluded.time
"""
# Whoever edits an agent in the console is not waited for; the next second says it again.
_HEARD = """
    UPDATE agents a SET heard_at = to_timestamp(k.at / 1000.0)
      FROM unnest(%s::uuid[], %s::bigint[]) AS k (id, at)
     WHERE a.id = k.id
       AND (a.heard_at IS NULL OR a.heard_at < to_timestamp(k.at / 1000.0))
       AND a.id IN (SELECT id FROM agents WHERE id = ANY(%s::uuid[])
                       FOR NO KEY UPDATE SKIP LOCKED)
"""
# Agents heard in the ledger's last ten seconds, and of each of their tags the newest reading.
_REPAIR = """
    WITH heard AS (
        SELECT agent_id, min(from_time) AS since FROM ingest_batches
         WHERE id > (SELECT max(id) - 5000 FROM ingest_batches)
           AND received_at > (SELECT received_at - interval '10 seconds' FROM ingest_batches
                               ORDER BY id DESC LIMIT 1)
           AND readings > 0
         GROUP BY agent_id)
    INSERT INTO readings_latest AS l (organization_id, tag_id, time, value, quality)
    SELECT t.organization_id, t.id, r.time, r.value, r.quality
      FROM heard h JOIN tags t ON t.agent_id = h.agent_id
     CROSS JOIN LATERAL (SELECT time, value, quality FROM readings
                          WHERE tag_id = t.id AND time >= h.since
                          ORDER BY time DESC LIMIT 1) r
     ORDER BY t.id
    ON CONFLICT (tag_id) DO UPDATE
       SET time = excluded.time, value = excluded.value, quality = excluded.quality
     WHERE l.time < excluded.time
"""


class Latest:
    """What one worker has yet to write: newest readings, and when agents were heard."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with nothing to write."""
        self._clock = clock
        self._pending: list[Readings] = []
        self._heard: dict[uuid.UUID, int] = {}
        self._written_at = 0.0

    @property
    def waiting(self) -> bool:
        """Whether there is anything to write."""
        return bool(self._pending or self._heard)

    def due(self, *, idle: bool) -> bool:
        """Whether to write now; `idle` when nothing more is queued."""
        return self._clock() - self._written_at >= (SOON_S if idle else EVERY_S)

    def forget(self) -> None:
        """Drop what is waiting: after an outage the numbers of tags may mean something else."""
        self._pending, self._heard = [], {}

    def note(self, readings: Sequence[Readings], heard: Sequence[tuple[Sender, int]]) -> None:
        """Take note of readings that are committed, and of agents heard (UTC milliseconds)."""
        self._pending += _front(readings)
        self._heard = _merged(self._heard, heard)

    def write(
        self,
        connection: Db,
        readings: Sequence[Readings],
        heard: Sequence[tuple[Sender, int]],
    ) -> None:
        """Write what is waiting, and what this transaction brought."""
        if parts := [*self._pending, *_front(readings)]:
            connection.execute(_UPSERT, _newest(parts))
        if agents := _merged(self._heard, heard):
            ids = plain(agents)
            connection.execute(_HEARD, (ids, plain(agents.values()), ids))

    def written(self) -> None:
        """The transaction that wrote it has committed."""
        self.forget()
        self._written_at = self._clock()


def repair(connection: Db) -> None:
    """Bring the newest readings up to what was stored just before an earlier crash."""
    connection.execute(_REPAIR)


def _front(readings: Sequence[Readings]) -> list[Readings]:
    """Of each part only those readings that can be the newest of their tag."""
    return [part.at(part.newest) for part in readings if len(part)]


def _merged(
    known: dict[uuid.UUID, int], heard: Sequence[tuple[Sender, int]]
) -> dict[uuid.UUID, int]:
    merged = dict(known)
    for sender, at in heard:
        merged[sender.id] = max(at, merged.get(sender.id, 0))
    return merged


def _newest(parts: Sequence[Readings]) -> tuple[Column, ...]:
    """The newest reading of each tag as columns of an INSERT, in order of the tags."""
    tags = np.concatenate([part.tags for part in parts])
    times = np.concatenate([part.times for part in parts])
    order = np.lexsort((times, tags))
    last = order[np.append(tags[order][1:] != tags[order][:-1], True)]
    values = np.concatenate([part.values for part in parts])[last]
    qualities = np.concatenate([part.qualities for part in parts])[last]
    owner = np.repeat(np.arange(len(parts)), list(map(len, parts)))[last]
    return (
        plain(parts[place].organization for place in owner.tolist()),
        plain(tags[last].tolist()),
        plain(times[last].tolist()),
        plain(None if math.isnan(value) else value for value in values.tolist()),
        plain(qualities.tolist()),
    )
