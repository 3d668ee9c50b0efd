"""A box at a well site: outbox, clock and sender of the product, run as the agent runs them."""

from __future__ import annotations

import copy
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agent.clock import Clock
from agent.contract.blocks import ClockState, Sample, Stamp
from agent.contract.control import Birth, DeclaredTag, parse_answer, parse_heartbeat
from agent.contract.records import Record, freeze_record
from agent.outbox import Limits, Outbox, StreamInfo
from agent.publisher import Pace, Sender
from tests.protocol.broker import Letter

if TYPE_CHECKING:
    from tests.protocol.ledger import Ledger
    from tests.protocol.world import World

PACE = Pace(patience=8, most_patience=24, announce_again=4, announce_slowest=16, spread=12)
TAGS = ("casing", "tubing", "flow")
RECORDS = 0.15  #: alarms or entries in a step
YEAR = 365 * 86_400_000


class PowerCutError(Exception):
    """The box loses power here and now."""


class WatchedOutbox(Outbox):
    """An outbox that tells the bookkeeper what it freezes, or declares gone, under which number."""

    ledger: Ledger
    moving: tuple[str, int, int] | None = None

    def _append_row(self, seq: int, gap: str | None, body: bytes, *what: int) -> None:
        stream, number = self.database.execute(
            "SELECT id, next FROM streams WHERE seq = ?", (seq,)
        ).fetchone()
        super()._append_row(seq, gap, body, *what)
        if body:
            self.ledger.frozen(stream, number, body)
        if self.moving:
            self.ledger.told_again(stream, number, *self.moving)

    def _rows_above(self, seq: int, above: int) -> Iterator[Any]:
        stream = self.database.execute("SELECT id FROM streams WHERE seq = ?", (seq,)).fetchone()[0]
        for row in super()._rows_above(seq, above):
            self.moving = (stream, row[0], row[1])
            yield row
        self.moving = None


@dataclass
class Disk:
    """A copy of a box's disk, and of its memory where it was taken with it."""

    image: bytes | None
    held: list[int] = field(default_factory=list)
    memory: dict[str, Any] | None = None


class Box:
    """One box, from program start to program start."""

    def __init__(self, world: World, name: str, disk: Disk) -> None:
        """Boot from a disk."""
        self.world, self.name = world, name
        self.booted = world.now
        self.off = 0  #: what its system clock is wrong by, in ms
        self.disciplined_from = 0
        self.boot(disk)

    # ------------------------------------------------------------------------ its clock

    def wall(self) -> int:
        """The system's clock."""
        return self.world.now + (0 if self.synchronised() else self.off)

    def mono(self) -> int:
        """Milliseconds since it was switched on."""
        return self.world.now - self.booted

    def synchronised(self) -> bool:
        """Whether a time service disciplines the system's clock."""
        return self.world.step >= self.disciplined_from

    def _wind_clock(self) -> None:
        rng, kind = self.world.rng, self.world.rng.choice(self.world.plan.clocks)
        self.booted = self.world.now - rng.randint(0, 5000)
        self.off, self.disciplined_from = 0, 0
        if kind == "unconfirmed":
            self.disciplined_from = self.world.plan.steps * 9
        elif kind in {"wrong", "late"}:
            self.off = rng.choice((-50 * YEAR, -3_600_000, -7_000, 9_000, 3_600_000))
            far = self.world.plan.steps * 9
            self.disciplined_from = far if kind == "wrong" else self.world.step + 30

    # ----------------------------------------------------------------- switching on and off

    def boot(self, disk: Disk) -> None:
        """Switch on and start the program on a disk."""
        self._wind_clock()
        self.held = list(disk.held)
        self.staged: list[int] = []
        self.connected = False
        self.connect_at = self.world.step + 1
        self.outbox = self._open(disk.image)
        self.clock = Clock(
            self.outbox.last_known_ms(),
            wall=self.wall,
            mono=self.mono,
            synchronised=self.synchronised,
        )
        now = self.clock.now_ms()
        self.outbox.begin_life(now)
        self.config = self.outbox.declare(("pad",), self._tags(), now).epoch
        self.sender = Sender(self.outbox, self.clock, self._birth, pace=PACE, chance=self.world.rng)
        self.world.trace(self.name, "starts; streams {}", self._names())

    def _open(self, image: bytes | None) -> WatchedOutbox:
        plan = self.world.plan
        limits = Limits(
            max_bytes=plan.max_bytes,
            keep_receipted_ms=int(plan.keep_receipted_s * 1000),
            cut_ms=4000,
            cut_points=plan.cut_points,
        )
        outbox = WatchedOutbox.in_memory(limits, image)
        outbox.ledger = self.world.ledger
        return outbox

    def _tags(self) -> tuple[DeclaredTag, ...]:
        names = list(TAGS)
        if self.world.faulty and self.world.chance(self.world.plan.reconfigure):
            self.world.rng.shuffle(names)
        return tuple(DeclaredTag(n, name, "pad", "psi", 1000) for n, name in enumerate(names, 1))

    def disk(self) -> Disk:
        """Copy the disk."""
        return Disk(self.outbox.image(), list(self.held))

    def power_cut(self, disk: Disk | None = None) -> None:
        """Lose power, and come back on the same disk or another."""
        disk = disk or self.disk()
        self.world.ledger.replaced(self.held, disk.held)
        self.switch_off()
        self.boot(disk)

    def switch_off(self) -> None:
        """Lose power for good."""
        self.world.broker.disconnect(self)
        self.outbox.close()

    def with_memory(self) -> Disk:
        """Copy disk and memory, as a snapshot of a virtual machine does."""
        memory = {
            "outbox": _memory_of(self.outbox, "limits database lock ledger bytes moving"),
            "sender": _memory_of(self.sender, "_outbox _clock _birth _pace _chance"),
            "clock": _memory_of(self.clock, "_wall _mono _synchronised"),
            "box": (self.config, list(self.staged), self.mono(), self.off, self.disciplined_from),
        }
        return Disk(self.outbox.image(), list(self.held), memory)

    def resume(self, disk: Disk) -> None:
        """Go on from a copy of disk and memory: nothing tells the program that time has passed."""
        assert disk.memory is not None
        self.world.ledger.replaced(self.held, disk.held)
        self.switch_off()
        memory = copy.deepcopy(disk.memory)
        self.held = list(disk.held)
        self.config, self.staged, mono, off, self.disciplined_from = memory["box"]
        slept = self.world.now - mono - self.booted
        self.booted, self.off = self.world.now - mono, off if self.synchronised() else off - slept
        self.outbox = self._open(disk.image)
        vars(self.outbox).update(memory["outbox"])
        vars(self.clock).update(memory["clock"])
        vars(self.sender).update(memory["sender"], _outbox=self.outbox)
        self.lost()
        self.world.trace(self.name, "resumes; streams {}", self._names())

    def _names(self) -> str:
        return " ".join(
            f"{s.id[:6]}[{s.floor + 1}..{s.issued} at {s.receipted}]" for s in self.outbox.streams()
        )

    # ------------------------------------------------------------------------- its loops

    def live_a_little(self) -> None:
        """Read, commit, hear, send; power may go between any two of these."""
        self._follow_clock(self.clock.tick)
        self._read()
        with self._errors_kept():
            self._commit()
        self._may_cut("after a commit")
        if self.world.step % 4 == 0:
            with self._errors_kept():
                self._keep_bound()
        self._connection()
        self._hear()
        self._may_cut("before sending")
        with self._errors_kept():
            self._send()

    def _may_cut(self, when: str) -> None:
        if self.world.faulty and self.world.chance(self.world.plan.power_cut / 3):
            self.world.trace(self.name, "loses power {}", when)
            raise PowerCutError

    @contextmanager
    def _errors_kept(self) -> Iterator[None]:
        """Let a statement of the outbox fail at any point, as on a full disk."""
        fails = self.world.faulty and self.world.chance(self.world.plan.disk_error)
        if fails:
            _fail_once(self.outbox.database, self.world.rng.randint(1, 60))
        try:
            yield
        except sqlite3.OperationalError as fault:
            self.world.trace(self.name, "meets a disk error: {}", fault)
        finally:
            if fails:
                self.outbox.database.set_progress_handler(None, 0)
                self.outbox.database.set_trace_callback(None)

    def _read(self) -> None:
        if not self.world.reading:
            return
        for tag in range(1, self.world.rng.randint(1, len(TAGS)) + 1):
            ago = self.world.rng.randint(0, 900)  # every answer has a millisecond of its own
            value = self.world.ledger.read(self.world.now - ago)
            self.staged.append(value)
            self.outbox.stage([Sample(tag, self.clock.now_ms() - ago, float(value))])
        if self.world.rng.random() < RECORDS:
            with self._errors_kept():
                self._record()

    def _record(self) -> None:
        """An alarm or a field entry: on disk at once, or not at all."""
        value = self.world.ledger.read(self.world.now)
        self.world.ledger.records.add(value)
        now, mono = self.clock.now_ms(), self.clock.mono_ms()
        stamp = Stamp(self.config, self.clock.boot, self.clock.state, now, mono)
        record = Record("entry", uuid.UUID(int=value), stamp, {"n": value})
        self.outbox.record(self.world.rng.choice("ae"), [freeze_record(record)], now)
        self.held.append(value)
        self.world.ledger.committed.add(value)

    def _commit(self) -> None:
        if self.world.reading and self.world.rng.random() < 0.5:
            return
        self._may_cut("before a commit")
        now, mono = self.clock.now_ms(), self.clock.mono_ms()
        stamp = Stamp(self.config, self.clock.boot, self.clock.state, now, mono)
        self.outbox.commit(stamp, now, cut=not self.world.reading)
        self.held += self.staged
        self.world.ledger.committed.update(self.staged)
        self.staged = []

    def _keep_bound(self) -> None:
        now = self.clock.now_ms() if self.clock.confirmed else None
        freed = self.outbox.keep_bound(now)
        self.world.ledger.counts["evicted"] += freed.evicted
        self.world.ledger.counts["thinned"] += freed.thinned
        self.world.ledger.counts["dropped"] += freed.dropped

    def _follow_clock(self, look: Callable[[], int]) -> None:
        step_ms = look()
        if not step_ms:
            return
        with self._errors_kept():
            moved = 0
            if not self.clock.is_set:
                moved = self.outbox.retime(self.clock.boot, step_ms, ClockState.STEPPED)
            self.clock.settled(step_ms)
            self.world.trace(self.name, "steps its clock {} ms; {} blocks", step_ms, moved)

    # ------------------------------------------------------------------------ its connection

    def _connection(self) -> None:
        world = self.world
        if self.connected and world.faulty and world.chance(world.plan.link_cut):
            world.trace(self.name, "loses its connection")
            world.broker.disconnect(self)
            self.lost(world.outage())
        if not self.connected and world.step >= self.connect_at:
            self.connected = True
            world.broker.connect(self)
            world.trace(self.name, "connects")
            self.sender.on_connect(world.seconds, self.config)

    def lost(self, steps: int = 0) -> None:
        """The connection is gone; try again after some steps."""
        self.connected = False
        self.connect_at = self.world.step + (steps or self.world.rng.randint(1, 8))
        self.sender.on_disconnect()

    def _hear(self) -> None:
        for letter in self.world.broker.take_answers(self):
            with self._errors_kept():
                self._take(letter)

    def _take(self, letter: Letter) -> None:
        now = self.world.seconds
        if letter.door == "ack":
            answer = parse_answer(letter.payload)
            self._follow_clock(lambda: self.clock.heard_hub(answer.at, may_be_old=True))
            self.sender.on_answer(answer, now)
        else:
            beat = parse_heartbeat(letter.payload)
            self._follow_clock(lambda: self.clock.heard_hub(beat.at))
            self.sender.on_heartbeat(beat, now)

    def _send(self) -> None:
        if self.world.faulty and self.world.chance(self.world.plan.seal):
            self.sender._seal()
        while (out := self.sender.next(self.world.seconds)) is not None:
            self._may_cut("while sending")
            self.world.note_sent(self.name, out.door, out.payload)
            self.world.broker.publish(Letter(out.door, out.payload), retain=out.retain)

    def _birth(self, streams: tuple[StreamInfo, ...]) -> Birth:
        return Birth(
            self.clock.boot,
            "0",
            self.clock.now_ms(),
            int(self.clock.state),
            self.config,
            tuple(stream.state() for stream in streams),
        )

    def agrees_with(self, epoch: int) -> bool:
        """Whether it is connected and has nothing left to ask the hub of this epoch."""
        sender = self.sender
        return sender.connected and sender.epoch == epoch and sender._announce_at is None

    def waiting(self) -> list[str]:
        """What is not frozen yet, and streams of which the hub has not receipted everything."""
        streams = [s.id for s in self.outbox.streams() if s.receipted < s.issued]
        return streams + ["staged"] * bool(self.staged or self.outbox._staged)


def _memory_of(thing: object, apart_from: str) -> dict[str, Any]:
    """What a part of the program keeps in memory, without what it is connected to."""
    return {
        key: copy.deepcopy(value)
        for key, value in vars(thing).items()
        if key not in apart_from.split()
    }


def _fail_once(database: sqlite3.Connection, steps: int) -> None:
    """Let the statement fail that comes to a certain step; one that ends a transaction does not.

    SQLite would interrupt a COMMIT only after it took effect, which no disk does.
    """
    statements = [""]
    once = iter((1,))

    def interrupt() -> int:
        word = statements[-1].split(" ", 1)[0]
        return 0 if word in {"BEGIN", "COMMIT", "ROLLBACK"} else next(once, 0)

    database.set_trace_callback(statements.append)
    database.set_progress_handler(interrupt, steps)
