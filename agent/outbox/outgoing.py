"""The side that sends: cuts messages, remembers what left and what the hub has."""

from __future__ import annotations

import zlib

from agent.contract.blocks import mark_maybe
from agent.contract.wire import Gap, Message
from agent.outbox.base import Base, StreamInfo


class Outgoing(Base):
    """Messages out of the streams, and the hub's receipts for them."""

    def take(self, stream: str, start: int, max_bytes: int) -> Message | None:
        """Cut a message from number `start` on: whole blocks, at least one, to about `max_bytes`.

        Notes, before it returns, that these numbers may leave the box: from now on they are never
        thinned or re-timed. What was evicted and is asked for again comes as a gap "released" in
        its place. None when there is nothing.
        """
        with self._transaction():
            info = self.stream(stream)
            if info is None or start > info.issued:
                return None
            message = self._cut(info, start, max_bytes)
            self.database.execute(
                "UPDATE streams SET sent = max(sent, ?) WHERE seq = ?", (message.last, info.seq)
            )
        return message

    def _cut(self, info: StreamInfo, start: int, max_bytes: int) -> Message:
        gaps: list[Gap] = []
        before = 0  # in front of a gap there is nothing to compare
        if start <= info.floor:
            floor_sum = self._one("SELECT floor_sum FROM streams WHERE seq = ?", info.seq)
            gaps.append(Gap(start, info.floor, "released", 0, 0, 0, floor_sum))
        first = max(start, info.floor + 1)
        running = self._checksum(info, first - 1)
        if not gaps:
            before = running
        lines, last = self._gather(info.seq, first, running, max_bytes, gaps)
        return Message(info.id, start, last, before, tuple(lines), tuple(gaps), info.closed)

    def _gather(
        self, seq: int, first: int, running: int, max_bytes: int, gaps: list[Gap]
    ) -> tuple[list[bytes], int]:
        lines: list[bytes] = []
        last = first - 1
        rows = self.database.execute(
            "SELECT first, last, gap, body, readings, start, end, sum FROM blocks"
            " WHERE stream = ? AND last >= ? ORDER BY first",
            (seq, first),
        )
        size, unsummed = 0, []
        for number, end_number, gap, body, readings, start, end, known in rows:
            if size and size + len(body) > max_bytes:
                break
            size += len(body) + 1
            if gap:
                running = running if known is None else known
                gaps.append(Gap(max(number, first), end_number, gap, readings, start, end, running))
            else:
                running = zlib.crc32(body, running)
                lines.append(bytes(body))
            if known is None:
                unsummed.append((running, seq, number))
            last = end_number
        self.database.executemany(
            "UPDATE blocks SET sum = ? WHERE stream = ? AND first = ?", unsummed
        )
        return lines, last

    def _checksum(self, info: StreamInfo, number: int) -> int:
        """Running checksum after `number`, continued from the last one that is known."""
        base, running = (
            self.database.execute(
                "SELECT last, sum FROM blocks WHERE stream = ? AND last <= ? AND sum IS NOT NULL"
                " ORDER BY first DESC LIMIT 1",
                (info.seq, number),
            ).fetchone()
            or self.database.execute(
                "SELECT floor, floor_sum FROM streams WHERE seq = ?", (info.seq,)
            ).fetchone()
        )
        for gap, body in self.database.execute(
            "SELECT gap, body FROM blocks WHERE stream = ? AND first > ? AND last <= ?"
            " ORDER BY first",
            (info.seq, base, number),
        ):
            running = running if gap else zlib.crc32(body, running)
        return int(running)

    def checksum_at(self, stream: str, number: int) -> int | None:
        """Running checksum after a number, or None where it is no longer known."""
        with self.lock:
            info = self.stream(stream)
            if info is None or number < info.floor or number > info.issued:
                return None
            inside = self._one(
                "SELECT count(*) FROM blocks WHERE stream = ? AND first <= ? AND last > ?",
                info.seq,
                number,
                number,
            )
            return None if inside else self._checksum(info, number)

    def receipted(self, stream: str, number: int) -> None:
        """Set how far the hub has a stream; what is receipted may be evicted, not forgotten."""
        with self._transaction():
            self.database.execute(
                "UPDATE streams SET receipted = min(?, next - 1) WHERE id = ?", (number, stream)
            )

    def ended(self, stream: str) -> None:
        """Note that the hub has heard a stream close: once empty it may be forgotten."""
        with self._transaction():
            self.database.execute(
                "UPDATE streams SET ended = 1 WHERE id = ? AND closed IS NOT NULL", (stream,)
            )

    def fork(self, stream: str, now_ms: int) -> int:
        """Part ways with a history the hub knows under the same id; returns blocks moved.

        What the hub had not receipted moves to the live stream (a new one, if this was it), marked
        so that the hub looks each reading up first; a gap "moved" stands in its place.
        """
        with self._transaction():
            info = self.stream(stream)
            if info is None:
                return 0
            if info.live:
                self._close_live()
                self._open_stream(now_ms)
            above = max(info.receipted, info.floor)
            rows = self.database.execute(
                "DELETE FROM blocks WHERE stream = ? AND last > ? AND gap IS NULL"
                " RETURNING first, body, readings, start, end",
                (info.seq, above),
            ).fetchall()
            self.database.execute(
                "DELETE FROM blocks WHERE stream = ? AND first > ?", (info.seq, above)
            )
            if info.issued > above:
                self.database.execute(
                    "INSERT INTO blocks VALUES (?, ?, ?, 'moved', x'', 0, 0, 0, NULL)",
                    (info.seq, above + 1, info.issued),
                )
            for _, body, readings, start, end in sorted(rows):
                self.bytes -= len(body)
                self._append_line(mark_maybe(body), readings, start, end)
            return len(rows)
