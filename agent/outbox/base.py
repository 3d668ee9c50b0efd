"""What both sides of the outbox share: the connection, its lock, transactions, and streams."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from agent.contract.blocks import ClockState, parse
from agent.contract.control import StreamState
from agent.outbox.file import Limits


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """One stream as the outbox holds it."""

    seq: int
    id: str
    closed: int | None
    next: int
    receipted: int
    sent: int
    floor: int
    after: int  #: seq of the stream it forked from; the hub must have that to its end first
    lane: str = "t"  #: what it holds: t readings, a alarms, e field entries, b parts of photos

    @property
    def live(self) -> bool:
        """Whether it still takes new blocks."""
        return self.closed is None

    @property
    def readings(self) -> bool:
        """Whether it holds readings, which may be thinned; records never are."""
        return self.lane == READINGS

    @property
    def photos(self) -> bool:
        """Whether it holds parts of photos, the first to go for space."""
        return self.lane == PHOTOS

    @property
    def issued(self) -> int:
        """Its highest number so far."""
        return self.next - 1

    @property
    def waiting(self) -> int:
        """How many numbers the hub does not have yet."""
        return max(0, self.issued - max(self.receipted, self.floor))

    def state(self) -> StreamState:
        """As it is announced."""
        return StreamState(self.id, self.next, self.floor + 1, self.closed)


READINGS = "t"  #: the lane of a stream that holds readings
PHOTOS = "b"  #: and of one that holds parts of photos
HEARD = 1  #: in `ended`: the hub has heard a stream's end
UNSURE = (int(ClockState.NEVER), int(ClockState.HOLDING))

_INFO = "SELECT seq, id, closed, next, receipted, sent, floor, after, lane FROM streams"


class Base:
    """A connection several threads use one after the other, and the streams in it."""

    def __init__(self, connection: sqlite3.Connection, limits: Limits) -> None:
        """Use a prepared connection."""
        self.limits = limits
        self.database = connection
        self.lock = threading.RLock()
        self.confirmed: set[str] = set()  # streams whose end the hub knows in its present epoch
        self.bytes = self._one("SELECT coalesce(sum(length(body)), 0) FROM blocks")

    def streams(self) -> list[StreamInfo]:
        """All streams kept, oldest first; the last is the one that takes new readings."""
        order = "closed IS NULL, lane = 't', seq"
        with self.lock:
            rows = self.database.execute(f"{_INFO} ORDER BY {order}").fetchall()
        return [StreamInfo(*row) for row in rows]

    def stream(self, stream: str) -> StreamInfo | None:
        """One stream by its id."""
        with self.lock:
            row = self.database.execute(f"{_INFO} WHERE id = ?", (stream,)).fetchone()
        return StreamInfo(*row) if row else None

    def _open_stream(self, now_ms: int, after: int = 0, lane: str = READINGS) -> tuple[int, str]:
        stream = os.urandom(8).hex()
        seq = self.database.execute(
            "INSERT INTO streams (id, opened, after, lane) VALUES (?, ?, ?, ?)",
            (stream, now_ms, after, lane),
        ).lastrowid
        return seq or 0, stream

    def _append_line(self, seq: int, line: bytes, readings: int, start: int, end: int) -> None:
        self._append_row(seq, None, line, readings, start, end)
        self.bytes += len(line)

    def _append_row(
        self, seq: int, gap: str | None, body: bytes, readings: int, start: int, end: int
    ) -> None:
        self.database.execute(
            "INSERT INTO blocks SELECT seq, next, next, ?, ?, ?, ?, ?, NULL FROM streams"
            " WHERE seq = ?",
            (gap, body, readings, start, end, seq),
        )
        self.database.execute("UPDATE streams SET next = next + 1 WHERE seq = ?", (seq,))

    def add_to_meta(self, key: str, amount: int) -> None:
        """Count something for ever (inside a transaction of the caller)."""
        self.database.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = value + ?",
            (key, amount, amount),
        )

    def _meta(self, key: str) -> int:
        return self._one("SELECT coalesce((SELECT value FROM meta WHERE key = ?), 0)", key)

    def _one(self, sql: str, *parameters: object) -> int:
        return int(self.database.execute(sql, parameters).fetchone()[0])

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self.lock:
            kept = self.bytes
            try:
                self.database.execute("BEGIN IMMEDIATE")
                yield
                self.database.execute("COMMIT")
            except BaseException:
                self.bytes = kept
                if self.database.in_transaction:  # some errors have ended it already
                    self.database.execute("ROLLBACK")
                raise


def is_unsure(body: bytes, boot: str | None = None) -> bool:
    """Whether a clock that was not confirmed stamped this block (in a certain boot)."""
    head = parse(body)
    return head["k"] in UNSURE and boot in {None, head["b"]}


def chance() -> int:
    """A number between 1 and 65,536 that two copies of a box hardly draw both."""
    return int.from_bytes(os.urandom(2), "big") + 1
