"""The outbox as the rest of the agent uses it.

A reading is staged in memory, committed with its neighbours about once a second, and frozen into a
block every few seconds. Once frozen, a number always means the same bytes. Every program start
opens a new stream with a random id, so that a box that went back in time (a restored image, a
cloned card, a disk that lied about a flush) cannot hide its new readings behind old numbers; the
stream before is closed at the highest number this file holds, and drains.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.outbox.base import StreamInfo
from agent.outbox.file import Limits, open_file, prepare
from agent.outbox.outgoing import Outgoing
from agent.outbox.space import Space


@dataclass(frozen=True, slots=True)
class Status:
    """How full the outbox is and what waits in it."""

    bytes: int
    blocks_waiting: int
    readings_waiting: int
    records_waiting: int  #: alarms and field entries
    oldest_waiting_ms: int | None
    streams: int
    thinned: int  #: readings thinned away since the file was made
    dropped: int  #: readings dropped, each named in a gap


class Outbox(Outgoing, Space):
    """The store between gauges and hub. Safe to use from several threads."""

    @classmethod
    def open(cls, path: Path, limits: Limits | None = None) -> Outbox:
        """Open or create the file; raises `OutboxError` when it cannot be written."""
        return cls(open_file(path), limits or Limits())

    @classmethod
    def in_memory(cls, limits: Limits, image: bytes | None = None) -> Outbox:
        """Make one without a file, from an image of another where given."""
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        if image:
            connection.deserialize(image)
        return cls(prepare(connection), limits)

    def image(self) -> bytes:
        """The file as bytes, as a copy of the disk would hold it."""
        with self.lock:
            return self.database.serialize()

    def close(self) -> None:
        """Close the file; what was staged and not committed is lost, as in a power cut."""
        with self.lock:
            self.database.close()

    def status(self) -> Status:
        """How full it is and what waits."""
        with self.lock:
            waiting = [self._waiting(info) for info in self.streams() if info.waiting]
            staged = sum(len(samples) for _, samples in self._staged) + len(self._fresh)
            return Status(
                self.bytes,
                sum(blocks for blocks, _, _ in waiting),
                sum(readings for _, readings, _ in waiting) + staged,
                sum(i.waiting for i in self.streams() if not (i.readings or i.photos)),
                min((oldest for _, _, oldest in waiting if oldest), default=None),
                self._one("SELECT count(*) FROM streams"),
                self._meta("thinned"),
                self._meta("dropped"),
            )

    def photos_waiting(self) -> int:
        """How many photos the hub does not have to their last part: entry and SHA-256 of each."""
        with self.lock:
            return self._one(
                "SELECT count(DISTINCT substr(body, instr(body, '\"entry\"'), 121))"
                " FROM blocks JOIN streams ON seq = stream"
                " WHERE lane = 'b' AND first > receipted AND gap IS NULL"
            )

    def asked(self) -> list[tuple[int, dict[str, Any]]]:
        """What people ask of the running agent and nobody has answered, oldest first."""
        with self.lock:
            rows = self.database.execute("SELECT id, body FROM asks WHERE said IS NULL").fetchall()
        return [(number, json.loads(body)) for number, body in rows]

    def answer(self, number: int, said: str) -> None:
        """Answer what was asked; older answers are forgotten."""
        with self._transaction():
            self.database.execute("UPDATE asks SET said = ? WHERE id = ?", (said, number))
            self.database.execute(
                "DELETE FROM asks WHERE said IS NOT NULL AND id < ?", (number - 20,)
            )

    def _waiting(self, info: StreamInfo) -> tuple[int, int, int | None]:
        blocks, readings, oldest = self.database.execute(
            "SELECT count(*), coalesce(sum(readings), 0), min(start) FROM blocks"
            " WHERE stream = ? AND first > ? AND gap IS NULL",
            (info.seq, info.receipted),
        ).fetchone()
        return blocks, readings, oldest

    def last_known_ms(self) -> int:
        """Newest time on disk: the clock cannot truly be behind it."""
        with self.lock:
            return self._one(
                "SELECT max(coalesce((SELECT max(end) FROM blocks), 0),"
                " coalesce((SELECT max(opened) FROM streams), 0))"
            )
