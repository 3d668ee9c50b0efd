"""The side that sends: cuts messages, remembers what left and what the hub has."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from agent.contract.blocks import mark_maybe
from agent.contract.wire import Gap, Message
from agent.outbox.base import HEARD, StreamInfo, is_unsure
from agent.outbox.intake import BATCH, Intake

Row = tuple[int, int, str | None, bytes, int, int, int]
_COLUMNS = "first, last, gap, body, readings, start, end"
UNCOMPARED = {"released", "moved"}  #: gaps that tell of no loss at this box
GAP_BYTES = 100  #: what a gap takes in a message at most


class Outgoing(Intake):
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
        after = self.database.execute(
            "SELECT id, next - 1 FROM streams WHERE seq = ?", (info.after,)
        ).fetchone()
        return Message(info.id, start, last, before, tuple(lines), tuple(gaps), info.closed, after)

    def _gather(
        self, seq: int, first: int, running: int, max_bytes: int, gaps: list[Gap]
    ) -> tuple[list[bytes], int]:
        lines: list[bytes] = []
        last = first - 1
        rows = self.database.execute(
            "SELECT first, last, gap, body, readings, start, end, sum FROM blocks"
            " WHERE stream = ?1 AND last >= ?2 AND first >= coalesce("
            "(SELECT max(first) FROM blocks WHERE stream = ?1 AND first <= ?2), 0)"
            " ORDER BY first",
            (seq, first),
        )
        size, unsummed = 0, []
        for number, end_number, gap, body, readings, start, end, known in rows:
            if size and size + len(body) > max_bytes:
                break
            size += GAP_BYTES if gap else len(body) + 1
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
        base, running = self._last_known_sum(info.seq, number)
        for gap, body in self._rows_between(info.seq, base, number):
            running = running if gap else zlib.crc32(body, running)
        return running

    def _last_known_sum(self, seq: int, number: int) -> tuple[int, int]:
        last, known = (
            self.database.execute(
                "SELECT last, sum FROM blocks WHERE stream = ?1 AND first <= ?2 AND last <= ?2"
                " AND sum IS NOT NULL ORDER BY first DESC LIMIT 1",
                (seq, number),
            ).fetchone()
            or self.database.execute(
                "SELECT floor, floor_sum FROM streams WHERE seq = ?", (seq,)
            ).fetchone()
        )
        return int(last), int(known)

    def _rows_between(self, seq: int, above: int, number: int) -> Iterator[tuple[str, bytes]]:
        return self.database.execute(
            "SELECT gap, body FROM blocks WHERE stream = ? AND first > ? AND last <= ?"
            " ORDER BY first",
            (seq, above, number),
        )

    def checksum_at(self, stream: str, number: int) -> int | None:
        """Running checksum after a number, or None where it is not known (any more).

        Not inside a gap, nor beyond what forked away, nor below what was evicted.
        """
        with self.lock:
            info = self.stream(stream)
            if info is None or not info.floor <= number <= info.issued:
                return None
            inside = self._one(
                "SELECT coalesce((SELECT last FROM blocks WHERE stream = ?1 AND first <= ?2"
                " ORDER BY first DESC LIMIT 1), ?2) <> ?2",
                info.seq,
                number,
            )
            base, running = self._last_known_sum(info.seq, number)
            if inside or base == number:
                return None if inside else running
            gaps = {gap for gap, _ in self._rows_between(info.seq, base, number)}
            return None if gaps & {"moved", "lost"} else self._checksum(info, number)

    def receipted(self, stream: str, number: int) -> None:
        """Set how far the hub has a stream; what is receipted may be evicted, not forgotten."""
        with self._transaction():
            self.database.execute(
                "UPDATE streams SET receipted = min(?1, next - 1),"
                " sent = max(sent, min(?1, next - 1)),"
                f" ended = CASE WHEN ?1 < receipted THEN min(ended, {HEARD}) ELSE ended END"
                " WHERE id = ?2",
                (number, stream),
            )

    def ended(self, stream: str) -> None:
        """Note that the hub knows a stream's end: long after it is empty it is forgotten."""
        self.confirmed.add(stream)
        with self._transaction():
            self.database.execute(
                f"UPDATE streams SET ended = {HEARD}"
                " WHERE id = ? AND closed IS NOT NULL AND ended = 0",
                (stream,),
            )

    def fork(self, stream: str, above: int, theirs: int, now_ms: int) -> int:
        """Part ways with a history the hub knows under the same id; returns blocks moved.

        What lies above `above` (up to there both histories are the same) moves to a stream of its
        own, marked so that the hub looks each reading up first; a gap "moved" stands in its place,
        and goes first, so that the hub takes nothing more under the old numbers. `theirs` is the
        hub's number.
        """
        with self.lock:
            info = self.stream(stream)
            live = info is not None and info.live and info.readings
            with self._transaction():
                if live:
                    self._turn_over(now_ms)
                self.database.execute(  # one of records: the next record opens another
                    "UPDATE streams SET closed = next - 1 WHERE id = ? AND closed IS NULL",
                    (stream,),
                )
                moved = self._part(stream, above, theirs, now_ms)
            if live:
                self._turned_over()
        return moved

    def _part(self, stream: str, above: int, theirs: int, now_ms: int) -> int:
        if (info := self.stream(stream)) is None:
            return 0
        above = self._common(info, above, theirs)
        to, _ = self._open_stream(now_ms, info.seq, info.lane)
        moved = sum(self._move(to, *row[2:]) for row in self._rows_above(info.seq, above))
        self.database.execute("UPDATE streams SET closed = next - 1 WHERE seq = ?", (to,))
        self.database.execute("DELETE FROM streams WHERE seq = ? AND closed = 0", (to,))
        self.database.execute(
            "DELETE FROM blocks WHERE stream = ? AND first > ?", (info.seq, above)
        )
        if info.issued > above:
            self.database.execute(
                "INSERT INTO blocks VALUES (?, ?, ?, 'moved', x'', 0, 0, 0, NULL)",
                (info.seq, above + 1, info.issued),
            )
        return moved

    def _common(self, info: StreamInfo, above: int, theirs: int) -> int:
        """Last number to leave in its place when histories part above `above`.

        A gap is not torn apart: one that tells of a loss moves whole, to be told whole. A block
        that an unconfirmed clock stamped before this program started stays if the hub is beyond it:
        both copies cut it before they parted, and the hub has its readings re-timed, where it would
        not find them. Only the hub's last may be what a copy had staged when it started.
        """
        retimed = theirs if info.seq < self._life else 0
        for first, last, gap, body, *_ in self._rows_above(info.seq, above):
            if first <= above and gap not in UNCOMPARED:
                return first - 1
            if first > above and (gap or last >= retimed or not is_unsure(body)):
                return above
            above = last
        return above

    def _rows_above(self, seq: int, above: int) -> Iterator[Row]:
        """Rows of a stream that reach above a number, a few at a time: there may be very many."""
        rows: list[Row] = self.database.execute(
            f"SELECT {_COLUMNS} FROM blocks WHERE stream = ?1 AND last > ?2"
            " AND first = (SELECT max(first) FROM blocks WHERE stream = ?1 AND first <= ?2)",
            (seq, above),
        ).fetchall()
        yield from rows
        while True:
            rows = self.database.execute(
                f"SELECT {_COLUMNS} FROM blocks WHERE stream = ? AND first > ?"
                f" ORDER BY first LIMIT {BATCH}",
                (seq, rows[-1][1] if rows else above),
            ).fetchall()
            if not rows:
                return
            yield from rows

    def _move(self, to: int, gap: str | None, body: bytes, *what: int) -> int:
        """Append a block, or a gap that still has to be told, to another stream."""
        if gap is None:
            self.bytes -= len(body)
            self._append_line(to, mark_maybe(body), *what)
        elif gap != "moved":
            self._append_row(to, gap, b"", *what)
        return int(gap is None)
