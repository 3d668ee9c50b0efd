"""Keeps the outbox within its bound, losing the least and naming what goes.

In this order: receipted blocks are evicted, oldest first; then the oldest photos go, for a picture
may be lost and no reading for its sake; then the oldest blocks that were never sent are thinned to
one reading in ten; then they give way to a gap that counts them. Blocks that may be at the hub
already are never thinned; only when nothing else is left do they become a gap
"released", and the hub keeps what it had of them. Alarms and field entries are neither thinned nor
dropped; receipted ones go for space only when no reading is left to go before them.
"""

from __future__ import annotations

import logging
import shutil
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from agent.contract.blocks import freeze, thaw, thin
from agent.outbox.base import HEARD, PHOTOS, READINGS, Base

log = logging.getLogger(__name__)

KEEP_ONE_OF = 10
REMEMBER = 4  #: times as long as receipted blocks are kept, their stream is remembered
MOST_REMEMBERED = 500  #: streams, whatever their age
BATCH = 64


@dataclass(frozen=True, slots=True)
class Freed:
    """What keeping the bound cost: blocks evicted, readings thinned away, readings dropped, and
    parts of photos dropped.
    """

    evicted: int = 0
    thinned: int = 0
    dropped: int = 0
    photo_parts: int = 0

    def __add__(self, other: Freed) -> Freed:
        return Freed(
            self.evicted + other.evicted,
            self.thinned + other.thinned,
            self.dropped + other.dropped,
            self.photo_parts + other.photo_parts,
        )


class Space(Base):
    """The outbox's bound."""

    #: Where thinning has come to, as (stream, number); what lies before was looked at already.
    _thinned_to = (0, 0)
    _bound = 0

    def keep_bound(self, now_ms: int | None, free_bytes: int | None = None) -> Freed:
        """Evict, thin and drop until the outbox fits; call it every few seconds.

        `now_ms` is None while the clock is not confirmed: then nothing goes for its age.
        `free_bytes` is what the file system has left (see `free_space`); a full disk counts as a
        full outbox, whatever its own bound says.
        """
        freed = Freed() if now_ms is None else self._age(now_ms)
        bound = self.limits.max_bytes
        if free_bytes is not None and free_bytes < self.limits.min_free_bytes:
            bound = min(bound, self.bytes - 1)
        self._bound = bound
        while self.bytes > bound:
            step = self._make_room()
            if step is None:
                break
            freed += step
        self._shrink()
        return freed

    def _age(self, now_ms: int) -> Freed:
        old = now_ms - self.limits.keep_receipted_ms
        freed = self._evict(lambda end: end < old) or Freed()
        self._forget_empty(now_ms)
        return freed

    def _make_room(self) -> Freed | None:
        full = lambda _: self.bytes > self._bound  # noqa: E731 - said twice below
        for lane in (READINGS, PHOTOS):
            if (evicted := self._evict(full, f"lane = '{lane}'")) is not None:
                return evicted
        for sent in (False, True):
            if (given_up := self._drop(sent=sent, lane=PHOTOS)) is not None:
                return given_up
        if (thinned := self._thin()) is not None:
            return thinned
        if (dropped := self._drop(sent=False)) is not None:
            return dropped
        if (released := self._drop(sent=True)) is not None:
            return released
        return self._evict(full)

    def _evict(self, due: Callable[[int], bool], which: str = "true") -> Freed | None:
        """Delete a batch of the oldest receipted blocks of each stream while they are due.

        `due` is asked with the time a block ends, and may look at what is left.
        """
        evicted = 0
        with self._transaction():
            for seq, floor, receipted in self.database.execute(
                "SELECT seq, floor, receipted FROM streams"
                f" WHERE receipted > floor AND {which} ORDER BY seq"
            ).fetchall():
                evicted += self._evict_from(seq, floor, receipted, due)
        return Freed(evicted=evicted) if evicted else None

    def _evict_from(self, seq: int, floor: int, receipted: int, due: Callable[[int], bool]) -> int:
        evicted = 0
        while evicted < BATCH:
            row = self.database.execute(
                "SELECT last, end, sum, body FROM blocks WHERE stream = ? AND first = ?",
                (seq, floor + 1),
            ).fetchone()
            if row is None or row[0] > receipted or not due(row[1]):
                break
            self._raise_floor(seq, floor, row[0], row[2], row[3])
            floor, evicted = row[0], evicted + 1
        return evicted

    def _raise_floor(self, seq: int, floor: int, last: int, known: int | None, body: bytes) -> None:
        running = known
        if known is None:  # the hub had it from another copy of this file
            running = self._one("SELECT floor_sum FROM streams WHERE seq = ?", seq)
            running = zlib.crc32(body, running) if body else running
        self.database.execute("DELETE FROM blocks WHERE stream = ? AND first = ?", (seq, floor + 1))
        self.database.execute(
            "UPDATE streams SET floor = ?, floor_sum = ? WHERE seq = ?", (last, running, seq)
        )
        self.bytes -= len(body)

    def _thin(self) -> Freed | None:
        """Rewrite a batch of the oldest blocks that were never sent, under their own numbers."""
        with self._transaction():
            rows = self.database.execute(
                "SELECT stream, first, body FROM blocks JOIN streams ON seq = stream"
                " WHERE (stream, first) > (?, ?) AND lane = 't' AND gap IS NULL AND first > sent"
                " AND instr(body, '\"thin\"') = 0 AND instr(body, '\"maybe\"') = 0"
                f" ORDER BY stream, first LIMIT {BATCH}",
                self._thinned_to,
            ).fetchall()
            gone, reached = 0, self._thinned_to
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
                reached = (stream, first)
            self.add_to_meta("thinned", gone)
        self._thinned_to = reached  # only now that it is committed
        return Freed(thinned=gone) if rows else None

    def _drop(self, *, sent: bool, lane: str = READINGS) -> Freed | None:
        """Replace a batch of the oldest blocks by gaps that count what they held."""
        which = "last > receipted" if sent else "first > sent AND instr(body, '\"maybe\"') = 0"
        with self._transaction():
            rows = self.database.execute(
                "SELECT stream, first, readings, start, end, length(body) FROM blocks"
                f" JOIN streams ON seq = stream WHERE lane = ? AND gap IS NULL AND {which}"
                f" ORDER BY stream, first LIMIT {BATCH}",
                (lane,),
            ).fetchall()
            reason = "released" if sent else "thinned"
            dropped = gone = 0
            for stream, first, readings, start, end, size in rows:
                if self.bytes <= self._bound:
                    break
                self.database.execute(
                    "UPDATE blocks SET gap = ?, body = x'' WHERE stream = ? AND first = ?",
                    (reason, stream, first),
                )
                self._merge_gap(stream, first, readings, start, end)
                self.bytes -= size
                dropped, gone = dropped + readings, gone + 1
            self.add_to_meta("dropped", dropped)
        parts = gone if lane == PHOTOS else 0
        return Freed(dropped=dropped, photo_parts=parts) if rows else None

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
        """Forget closed streams of which nothing is kept and whose end the hub has confirmed.

        One that held readings is remembered for long after: a hub restored from an old backup
        lacks them, and only who remembers the stream can tell it that they were released.
        """
        empty = "closed IS NOT NULL AND floor >= closed AND receipted >= closed"
        with self._transaction():
            self.database.execute(
                f"UPDATE streams SET ended = ? WHERE {empty} AND ended = {HEARD}", (now_ms,)
            )
            rows = self.database.execute(
                f"SELECT seq, id FROM streams WHERE {empty} AND ended >= {HEARD} AND (closed = 0"
                " OR ended < ?"
                " OR seq <= (SELECT seq FROM streams ORDER BY seq DESC LIMIT 1 OFFSET ?))",
                (now_ms - REMEMBER * self.limits.keep_receipted_ms, MOST_REMEMBERED),
            ).fetchall()
            for seq, stream in rows:
                if stream in self.confirmed:
                    self.database.execute("DELETE FROM streams WHERE seq = ?", (seq,))

    def has_room(self, size: int) -> bool:
        """Whether a photo of so many bytes can be taken and no reading is likely to go for it.

        Photos may fill a quarter of the bound, what waits in all a half, and the disk keeps twice
        what is to stay free. Raises `sqlite3.Error`.
        """
        line = size * 4 // 3
        with self.lock:
            waits = dict(
                self.database.execute(
                    "SELECT lane, sum(length(body)) FROM blocks JOIN streams ON seq = stream"
                    " WHERE last > receipted GROUP BY lane"
                ).fetchall()
            )
            free = self.free_space()
        fits = waits.get(PHOTOS, 0) + line <= self.limits.max_bytes // 4
        fits = fits and sum(waits.values()) + line <= self.limits.max_bytes // 2
        return fits and (free is None or free - 2 * line >= 2 * self.limits.min_free_bytes)

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
