"""The ledger: one row per stored message and UTC day of its readings, and the gaps it declared."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, get_args

import numpy as np

from agent.contract.wire import Gap, GapReason
from hub.ingest.arrays import plain, texts
from hub.ingest.arrival import DAY_MS, Sender, believable
from hub.ingest.link import Db
from hub.ingest.screen import Readings

_REASONS = frozenset(get_args(GapReason))
_INSERT = """
    INSERT INTO ingest_batches (organization_id, agent_id, stream, first, last, checksum,
                                readings, quarantined, day, from_time, to_time)
    SELECT organization, agent, stream, first, last, checksum, readings, quarantined,
           to_timestamp(day / 1000.0), to_timestamp(since / 1000.0), to_timestamp(until / 1000.0)
      FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[],
                  %s::int[], %s::int[], %s::bigint[], %s::bigint[], %s::bigint[])
           AS k (organization, agent, stream, first, last, checksum, readings, quarantined,
                 day, since, until)
"""
_INSERT_GAP = """
    INSERT INTO stream_gaps (organization_id, agent_id, stream, first, last, reason, readings,
                             from_time, to_time)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (agent_id, stream, first, last) DO NOTHING
    RETURNING true
"""


@dataclass(slots=True, eq=False)
class Deposit:
    """One message's part in a transaction: its numbers, and the readings they brought."""

    sender: Sender
    stream: str
    first: int
    last: int
    checksum: int
    received: int  #: UTC milliseconds
    readings: list[Readings] = field(default_factory=list)
    maybe: list[Readings] = field(default_factory=list)  #: to be looked up before storing
    quarantined: int = 0  #: blocks set aside, whole or in part
    records: list[int] = field(default_factory=list)  #: when they happened, UTC milliseconds

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Its ledger rows; always at least one, so that the numbers stay contiguous."""
        days = self._days() or [self._without_readings()]
        for place, (count, first, last) in enumerate(days):
            yield (
                self.sender.organization,
                self.sender.id,
                self.stream,
                self.first,
                self.last,
                self.checksum,
                count,
                0 if place else self.quarantined,
                first - first % DAY_MS,
                first,
                last,
            )

    def _without_readings(self) -> tuple[int, int, int]:
        """The time of what is in it that no readings are: an alarm is judged with its time."""
        times = self.records or [self.received]
        return 0, min(times), max(times)

    def _days(self) -> list[tuple[int, int, int]]:
        """Readings, first and last time of each UTC day."""
        parts = [part.times for part in self.readings if len(part)]
        if not parts:
            return []
        times = parts[0] if len(parts) == 1 else np.concatenate(parts)
        first, last = int(times.min()), int(times.max())
        if first // DAY_MS == last // DAY_MS:
            return [(len(times), first, last)]
        days = times // DAY_MS
        groups = (times[days == day] for day in np.unique(days))
        return [(len(group), int(group.min()), int(group.max())) for group in groups]


def write(connection: Db, deposits: Iterable[Deposit]) -> None:
    """Write the ledger rows of a transaction."""
    rows = [row for deposit in deposits for row in deposit.rows()]
    if rows:
        columns = list(zip(*rows, strict=True))
        streams = texts(columns.pop(2))
        values = [plain(column) for column in columns]
        connection.execute(_INSERT, [*values[:2], streams, *values[2:]])


def write_gap(connection: Db, sender: Sender, stream: str, gap: Gap) -> bool:
    """Write down numbers that will never come; whether that was news."""
    reason = gap.reason if gap.reason in _REASONS else "lost"
    times = (believable(gap.start), believable(gap.end))
    return _gap(connection, sender, stream, (gap.first, gap.last, reason, gap.readings), times)


def write_lost_with_disk(
    connection: Db, sender: Sender, stream: str, first: int, last: int
) -> bool:
    """Name the numbers that were announced and went with a disk; whether that was news."""
    return _gap(connection, sender, stream, (first, last, "lost_with_disk", 0), (None, None))


def _gap(
    connection: Db,
    sender: Sender,
    stream: str,
    what: tuple[int, int, str, int],
    times: Sequence[datetime | None],
) -> bool:
    values = (sender.organization, sender.id, stream, *what, *times)
    return connection.execute(_INSERT_GAP, values).fetchone() is not None


def replay_stream(item: uuid.UUID) -> str:
    """The name under which the ledger keeps what was replayed from quarantine."""
    return f"replay:{item}"
