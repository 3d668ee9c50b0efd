"""The side that reads: stages readings, commits them, freezes them into numbered blocks."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence

from agent.contract.blocks import Block, ClockState, Sample, Stamp, freeze, retime, to_columns
from agent.contract.control import Declaration, DeclaredTag
from agent.contract.wire import LIVE_CUT
from agent.outbox.base import READINGS, UNSURE, Base, chance, is_unsure
from agent.outbox.file import Limits

BATCH = 64
LARGEST_BLOCK = LIVE_CUT  #: bytes; a block is never cut again, and must fit any message
Key = tuple[int, str, int, int]  #: configuration epoch, boot, clock state, UTC less monotonic ms


class Intake(Base):
    """Streams of one program start after another, and what is read into them."""

    def __init__(self, connection: sqlite3.Connection, limits: Limits) -> None:
        """Load what an earlier start staged and did not freeze."""
        super().__init__(connection, limits)
        self._fresh: list[Sample] = []
        self._staged: list[tuple[Key, list[Sample]]] = []
        self._key: Key | None = None  # of the last commit
        self._cut_due = 0
        self._life = 0  # this program start's first stream
        self._load_staged()

    # ------------------------------------------------------------------ a program's life

    def begin_life(self, now_ms: int) -> str:
        """Seal what an earlier start left and open a new stream; returns its id."""
        with self.lock:
            if self._staged and self._live() is None:
                with self._transaction():
                    self._open_stream(now_ms)  # a rescued file may have lost its streams
            with self._transaction():
                self.database.execute(
                    "UPDATE streams SET closed = next - 1 WHERE closed IS NULL AND lane <> ?",
                    (READINGS,),
                )
            opened = self.seal(now_ms)
            self._life = self._live() or 0
        return opened

    def seal(self, now_ms: int) -> str:
        """Close the live stream where it stands and open a new one; ids and numbers stay.

        What was read until now is frozen into the stream that was live: should this be an old image
        of the disk (or memory), the hub knows that stream's next number, with these readings in it.
        """
        with self.lock:
            with self._transaction():
                opened = self._turn_over(now_ms)
            self._turned_over()
        return opened

    def _turn_over(self, now_ms: int) -> str:
        self._freeze_staged((self._key, self._fresh) if self._key and self._fresh else None)
        self.database.execute(
            "UPDATE streams SET closed = next - 1 WHERE closed IS NULL AND lane = ?", (READINGS,)
        )
        return self._open_stream(now_ms)[1]

    def _turned_over(self) -> None:
        self._staged = []
        self._fresh = [] if self._key else self._fresh

    def _live(self, lane: str = READINGS) -> int | None:
        row = self.database.execute(
            "SELECT seq FROM streams WHERE closed IS NULL AND lane = ?", (lane,)
        ).fetchone()
        return row[0] if row else None

    def declare(
        self, devices: tuple[str, ...], tags: tuple[DeclaredTag, ...], now_ms: int
    ) -> Declaration:
        """Number a configuration: the same one keeps its epoch, a changed one gets a later.

        Epochs are milliseconds where the clock allows, and up to a minute beyond by chance, so that
        a restored image does not give the number of a declaration it has forgotten to another.
        """
        digest = Declaration(0, devices, tags).digest
        with self._transaction():
            newest = self.database.execute(
                "SELECT epoch, digest FROM configs ORDER BY epoch DESC LIMIT 1"
            ).fetchone() or (0, "")
            if newest[1] == digest:
                return Declaration(newest[0], devices, tags)
            declaration = Declaration(max(newest[0], now_ms) + chance(), devices, tags)
            self.database.execute(
                "INSERT INTO configs VALUES (?, ?, ?)",
                (declaration.epoch, digest, declaration.to_bytes()),
            )
            return declaration

    def declaration(self, epoch: int) -> bytes:
        """The message that declares an epoch, or that it is gone."""
        with self.lock:
            row = self.database.execute(
                "SELECT declaration FROM configs WHERE epoch = ?", (epoch,)
            ).fetchone()
        return bytes(row[0]) if row else Declaration(epoch, gone=True).to_bytes()

    # ------------------------------------------------------------------------ records in

    def record(
        self, lane: str, lines: Iterable[bytes], at: int, keep: Mapping[str, bytes] | None = None
    ) -> None:
        """Freeze records, each under a number of its own, on disk when this returns.

        Their stream opens with the first of a program's life. What `keep` holds (see `keep`) is
        committed with them, so that a restart neither forgets nor repeats one. `at` is UTC
        milliseconds. Raises `sqlite3.Error`, and then nothing of it was kept.
        """
        with self._transaction():
            seq = self._live(lane) or self._open_stream(at, lane=lane)[0]
            for line in lines:
                self._append_line(seq, line, 0, at, at)
            self._keep(keep or {})

    def keep(self, what: Mapping[str, bytes]) -> None:
        """Keep some bytes under their keys, for the next start of the program."""
        with self._transaction():
            self._keep(what)

    def _keep(self, what: Mapping[str, bytes]) -> None:
        self.database.executemany(
            "INSERT INTO kept VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET body = excluded.body",
            list(what.items()),
        )

    def kept(self, key: str) -> bytes | None:
        """What was kept under a key."""
        with self.lock:
            row = self.database.execute("SELECT body FROM kept WHERE key = ?", (key,)).fetchone()
        return bytes(row[0]) if row else None

    # ----------------------------------------------------------------------- readings in

    def stage(self, samples: Iterable[Sample]) -> None:
        """Take readings; they survive a crash after the next `commit`."""
        with self.lock:
            self._fresh.extend(samples)

    def commit(self, stamp: Stamp, now_ms: int, *, cut: bool = False) -> bool:
        """Write what was staged to disk, and freeze a block when one is due (or `cut`).

        `stamp` tells the configuration, boot and clock the readings belong to; its start and mono
        are those of one instant. Returns whether a block was frozen. On `sqlite3.OperationalError`
        (disk full) nothing is lost: the readings stay staged for the next try.
        """
        with self.lock:
            samples, self._fresh = self._fresh, []
            try:
                return self._commit(samples, stamp, now_ms, cut=cut)
            except sqlite3.Error:
                self._fresh = samples + self._fresh
                raise

    def _commit(self, samples: list[Sample], stamp: Stamp, now_ms: int, *, cut: bool) -> bool:
        self._key = key = (stamp.config, stamp.boot, int(stamp.clock), stamp.start - stamp.mono)
        if not samples and not self._staged:
            return False
        staged = sum(len(rows) for _, rows in self._staged) + len(samples)
        waits = 0 < self._cut_due - now_ms <= self.limits.cut_ms  # else the clock was set back
        due = cut or staged >= self.limits.cut_points or not waits
        with self._transaction():
            if due:
                self._freeze_staged((key, samples) if samples else None)
            elif samples:
                self._write_staged(key, samples)
        if due:
            self._staged = []
            self._cut_due = now_ms + self.limits.cut_ms
        elif samples:
            self._staged.append((key, samples))
        return due

    def _write_staged(self, key: Key, samples: list[Sample]) -> None:
        body = json.dumps([(s.tag, s.at, s.value, int(s.quality)) for s in samples])
        self.database.execute(
            "INSERT INTO staged (config, boot, clock, lag, body) VALUES (?, ?, ?, ?, ?)",
            (*key, body),
        )

    def _load_staged(self) -> None:
        for *key, body in self.database.execute(
            "SELECT config, boot, clock, lag, body FROM staged ORDER BY id"
        ):
            samples = [Sample(*item) for item in json.loads(body)]
            self._staged.append(((key[0], key[1], key[2], key[3]), samples))

    def _freeze_staged(self, more: tuple[Key, list[Sample]] | None = None) -> None:
        groups: dict[Key, list[Sample]] = {}
        for key, samples in [*self._staged, *([more] if more else [])]:
            groups.setdefault(key, []).extend(samples)
        live = self._live() or 0
        for key, samples in groups.items():
            for piece in _pieces(samples, 4 * self.limits.cut_points):
                self._append(live, key, piece)
        self.database.execute("DELETE FROM staged")

    def _append(self, seq: int, key: Key, samples: Sequence[Sample]) -> None:
        block = _block(key, samples)
        line = freeze(block)
        if len(line) > LARGEST_BLOCK and len(samples) > 1:
            for half in _pieces(samples, (len(samples) + 1) // 2):
                self._append(seq, key, half)
            return
        end = max(column.times[-1] for column in block.columns)
        self._append_line(seq, line, block.readings, block.stamp.start, end)

    def retime(self, boot: str, step_ms: int, clock: ClockState) -> int:
        """Shift what this boot stamped with an unconfirmed clock and never sent; returns blocks."""
        with self.lock:
            with self._transaction():
                moved = sum(
                    self._retime_block(*row, step_ms, clock)
                    for row in self._never_sent()
                    if is_unsure(row[2], boot)
                )
                self.database.execute(
                    "UPDATE streams SET opened = opened + ? WHERE closed IS NULL", (step_ms,)
                )
                staged = self._retimed(boot, step_ms, clock)
                self.database.execute("DELETE FROM staged")
                for kept in staged:
                    self._write_staged(*kept)
            self._staged = staged
            self._fresh = _shifted(self._fresh, step_ms)
            self._key = None  # it was that of another clock
        return moved

    def _never_sent(self) -> Iterator[tuple[int, int, bytes]]:
        """Blocks of this life that never left the box, a few at a time: there may be very many."""
        rows = [(self._life, 0, b"")]
        while rows:
            rows = self.database.execute(
                "SELECT stream, first, body FROM blocks JOIN streams ON seq = stream"
                " WHERE (stream, first) > (?, ?) AND gap IS NULL AND first > sent"
                f" ORDER BY stream, first LIMIT {BATCH}",
                rows[-1][:2],
            ).fetchall()
            yield from rows

    def _retime_block(
        self, stream: int, first: int, body: bytes, step_ms: int, clock: ClockState
    ) -> int:
        retimed = retime(body, step_ms, clock)
        self.bytes += len(retimed) - len(body)
        return self.database.execute(
            "UPDATE blocks SET body = ?, start = start + ?, end = end + ?"
            " WHERE stream = ? AND first = ?",
            (retimed, step_ms, step_ms, stream, first),
        ).rowcount

    def _retimed(
        self, boot: str, step_ms: int, clock: ClockState
    ) -> list[tuple[Key, list[Sample]]]:
        return [
            ((key[0], boot, int(clock), key[3] + step_ms), _shifted(samples, step_ms))
            if key[1] == boot and key[2] in UNSURE
            else (key, samples)
            for key, samples in self._staged
        ]


def _shifted(samples: Iterable[Sample], step_ms: int) -> list[Sample]:
    return [Sample(s.tag, s.at + step_ms, s.value, s.quality) for s in samples]


def _pieces(samples: Sequence[Sample], size: int) -> Iterator[Sequence[Sample]]:
    for start in range(0, len(samples), size):
        yield samples[start : start + size]


def _block(key: Key, samples: Sequence[Sample]) -> Block:
    config, boot, clock, lag = key
    start = min(sample.at for sample in samples)
    return Block(Stamp(config, boot, clock, start, start - lag), to_columns(samples))
