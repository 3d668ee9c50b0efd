"""Keeps the outbox within its bound, losing the least and naming what goes.

In this order: receipted blocks are evicted, oldest first; then the oldest blocks that were never
sent are thinned to one reading in ten; then they give way to a gap that counts them. Blocks that
may be at the hub already are never thinned; only when nothing else is left do they become a gap
"released", and the hub keeps what it had of them.
"""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass

from agent.contract.blocks import freeze, thaw, thin
from agent.outbox.base import Base

log = logging.getLogger(__name__)

KEEP_ONE_OF = 10
REMEMBER = 4  #: times as long as receipted blocks are kept, their stream is remembered
MOST_REMEMBERED = 500  #: streams, whatever their age
BATCH = 64


@dataclass(frozen=True, slots=True)
class Freed:
    """What keeping the bound cost: blocks evicted, readings thinned away, readings dropped."""

    evicted: int = 0
    thinned: int = 0
    dropped: int = 0

    def __add__(self, other: Freed) -> Freed:
        return Freed(
            self.evicted + other.evicted,
            self.thinned + other.thinned,
            self.dropped + other.dropped,
        )


class Space(Base):
    """The outbox's bound."""

    #: Where thinning has come to, as (stream, number); what lies before was looked at already.
    _thinned_to = (0, 0)
    _bound = 0

    def keep_bound(self, now_ms: int, free_bytes: int | None = None) -> Freed:
        """Evict, thin and drop until the outbox fits; call it every few seconds.

        `free_bytes` is what the file system has left (see `free_space`); a full disk counts as a
        full outbox, whatever its own bound says.
        """
        freed = self._evict("end < ?", now_ms - self.limits.keep_receipted_ms) or Freed()
        bound = self.limits.max_bytes
        if free_bytes is not None and free_bytes < self.limits.min_free_bytes:
            bound = min(bound, self.bytes - 1)
        self._bound = bound
        while self.bytes > bound:
            step = self._make_room()
            if step is None:
                break
            freed += step
        self._forget_empty(now_ms)
        self._shrink()
        return freed

    def _make_room(self) -> Freed | None:
        if (evicted := self._evict("?", 1)) is not None:
            return evicted
        if (thinned := self._thin()) is not None:
            return thinned
        if (dropped := self._drop(sent=False)) is not None:
            return dropped
        return self._drop(sent=True)

    def _evict(self, condition: str, parameter: int) -> Freed | None:
        """Delete a batch of the oldest receipted blocks."""
        with self._transaction():
            rows = self.database.execute(
                "SELECT stream, first, last, length(body) FROM blocks JOIN streams ON seq = stream"
                f" WHERE last <= receipted AND {condition} ORDER BY stream, first LIMIT {BATCH}",
                (parameter,),
            ).fetchall()
            evicted = 0
            for stream, first, last, size in rows:
                if parameter == 1 and self.bytes <= self._bound:
                    break
                if not self._lowest(stream, first):
                    continue  # a block too young for its age stands before it
                self._raise_floor(stream, first, last)
                self.bytes -= size
                evicted += 1
        return Freed(evicted=evicted) if evicted else None

    def _lowest(self, stream: int, first: int) -> bool:
        return first == self._one("SELECT floor + 1 FROM streams WHERE seq = ?", stream)

    def _raise_floor(self, stream: int, first: int, last: int) -> None:
        running = self._checksum_of(stream, last)
        self.database.execute("DELETE FROM blocks WHERE stream = ? AND first = ?", (stream, first))
        self.database.execute(
            "UPDATE streams SET floor = ?, floor_sum = ? WHERE seq = ?", (last, running, stream)
        )

    def _checksum_of(self, stream: int, last: int) -> int:
        return self._one(
            "SELECT coalesce((SELECT sum FROM blocks WHERE stream = ? AND last = ?), 0)",
            stream,
            last,
        )

    def _thin(self) -> Freed | None:
        """Rewrite a batch of the oldest blocks that were never sent, under their own numbers."""
        with self._transaction():
            rows = self.database.execute(
                "SELECT stream, first, body FROM blocks JOIN streams ON seq = stream"
                " WHERE (stream, first) > (?, ?)"
                " AND gap IS NULL AND first > sent AND instr(body, '\"thin\"') = 0"
                f" ORDER BY stream, first LIMIT {BATCH}",
                self._thinned_to,
            ).fetchall()
            gone = 0
            for stream, first, body in rows:
                if self.bytes <= self._bound:
                    break
                block = thin(thaw(body), KEEP_ONE_OF)
                line = freeze(block)
                self.database.execute(
                    "UPDATE blocks SET body = ?, readings = ? WHERE stream = ? AND first = ?",
                    (_marked(line), block.readings, stream, first),
                )
                self.bytes += len(_marked(line)) - len(body)
                gone += block.thinned
                self._thinned_to = (stream, first)
            self.add_to_meta("thinned", gone)
        return Freed(thinned=gone) if rows else None

    def _drop(self, *, sent: bool) -> Freed | None:
        """Replace a batch of the oldest blocks by gaps that count what they held."""
        which = "last > receipted" if sent else "first > sent"
        with self._transaction():
            rows = self.database.execute(
                "SELECT stream, first, readings, start, end, length(body) FROM blocks"
                f" JOIN streams ON seq = stream WHERE gap IS NULL AND {which}"
                f" ORDER BY stream, first LIMIT {BATCH}"
            ).fetchall()
            reason = "released" if sent else "thinned"
            dropped = 0
            for stream, first, readings, start, end, size in rows:
                if self.bytes <= self._bound:
                    break
                self.database.execute(
                    "UPDATE blocks SET gap = ?, body = x'' WHERE stream = ? AND first = ?",
                    (reason, stream, first),
                )
                self._merge_gap(stream, first, readings, start, end)
                self.bytes -= size
                dropped += readings
            self.add_to_meta("dropped", dropped)
        return Freed(dropped=dropped) if rows else None

    def _merge_gap(self, stream: int, first: int, readings: int, start: int, end: int) -> None:
        """Join a new gap to the one before it, where neither was sent."""
        before = self.database.execute(
            "SELECT b.first, b.start FROM blocks b JOIN blocks g USING (stream)"
            " JOIN streams ON seq = stream"
            " WHERE stream = ? AND g.first = ? AND b.last = g.first - 1 AND b.gap = g.gap"
            " AND b.sum IS NULL AND g.sum IS NULL AND b.first > sent",
            (stream, first),
        ).fetchone()
        if before is None:
            return
        self.database.execute("DELETE FROM blocks WHERE stream = ? AND first = ?", (stream, first))
        self.database.execute(
            "UPDATE blocks SET last = ?, readings = readings + ?, start = min(start, ?),"
            " end = max(end, ?) WHERE stream = ? AND first = ?",
            (first, readings, start, end, stream, before[0]),
        )

    def _forget_empty(self, now_ms: int) -> None:
        """Forget closed streams of which nothing is kept and whose end the hub has heard.

        One that held readings is remembered for long after: a hub restored from an old backup
        lacks them, and only who remembers the stream can tell it that they were released.
        """
        long_ago = now_ms - REMEMBER * self.limits.keep_receipted_ms
        with self._transaction():
            self.database.execute(
                "DELETE FROM streams WHERE closed IS NOT NULL AND floor >= closed"
                " AND receipted >= closed AND ended AND (closed = 0"
                " OR (SELECT s.opened FROM streams s WHERE s.seq > streams.seq"
                " ORDER BY s.seq LIMIT 1) < ?"
                " OR seq <= (SELECT seq FROM streams ORDER BY seq DESC LIMIT 1 OFFSET ?))",
                (long_ago, MOST_REMEMBERED),
            )

    def _shrink(self) -> None:
        with self.lock:
            if self._one("PRAGMA freelist_count") > 256:
                self.database.execute("PRAGMA incremental_vacuum(256)").fetchall()

    def free_space(self) -> int | None:
        """Bytes left on the outbox's file system; None without a file."""
        with self.lock:
            path = self.database.execute("PRAGMA database_list").fetchone()[2]
        return shutil.disk_usage(path).free if path else None


def _marked(line: bytes) -> bytes:
    """A block of so few readings that nothing went is marked all the same, or it comes up again."""
    return line if b'"thin"' in line else line[:-1] + b',"thin":0}'
