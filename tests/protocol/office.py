"""A small hub: rows per stream and readings in memory, driving the product's own stream rules."""

from __future__ import annotations

import uuid
from collections import defaultdict, deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from agent.contract.blocks import Block, ClockState, thaw
from agent.contract.control import (
    Birth,
    Declaration,
    Heartbeat,
    parse_declaration,
    parse_status,
)
from agent.contract.records import Record, is_record, thaw_record
from agent.contract.wire import Gap, Message, unpack
from agent.outbox.space import REMEMBER
from hub.ingest import streams
from hub.ingest.arrival import Sender
from hub.ingest.receipts import Answers, Wanted
from hub.ingest.streams import StreamRow
from tests.protocol.broker import Letter
from tests.protocol.ledger import Ledger, values_of

if TYPE_CHECKING:
    from tests.protocol.world import World

#: Gaps that say a reading is gone. "moved" does not: it must be found under another number.
LOSSES = {"thinned", "released", "lost"}
BEAT_EVERY = 4  #: steps
AGENT = Sender(uuid.UUID(int=1), uuid.UUID(int=2), "box", 0)


def _count() -> defaultdict[int, int]:
    return defaultdict(int)


@dataclass
class Database:
    """What the hub has committed."""

    epoch: int = 0
    copied_at: int = 0  #: UTC ms
    rows: dict[str, StreamRow] = field(default_factory=dict)
    times: dict[int, int] = field(default_factory=dict)  #: value -> UTC ms stored with it
    counts: defaultdict[int, int] = field(default_factory=_count)  #: value -> times stored
    guessed: defaultdict[int, int] = field(default_factory=_count)  #: by a clock never confirmed
    places: set[tuple[str, int, int]] = field(default_factory=set)  #: (tag, UTC ms, value)
    gaps: list[tuple[str, Gap]] = field(default_factory=list)
    thinned: dict[tuple[str, int], tuple[int, set[int]]] = field(default_factory=dict)
    configs: dict[int, Declaration] = field(default_factory=dict)
    heard: dict[str, int] = field(default_factory=dict)  #: highest number any message spoke of

    def copy(self, at: int) -> Database:
        """A backup."""
        return Database(
            self.epoch,
            at,
            dict(self.rows),
            dict(self.times),
            self.counts.copy(),
            self.guessed.copy(),
            set(self.places),
            list(self.gaps),
            dict(self.thinned),
            dict(self.configs),
            dict(self.heard),
        )

    @property
    def stored(self) -> set[int]:
        """Values of the readings that are stored."""
        return self.counts.keys() | self.guessed.keys()

    def declared_gone(self, ledger: Ledger) -> tuple[set[int], set[int]]:
        """Readings that a gap says are gone; those apart that it says the hub once had."""
        declared: set[int] = set()
        released: set[int] = set()
        for stream, gap in self.gaps:
            if gap.reason in LOSSES:
                which = released if gap.reason == "released" else declared
                which |= ledger.ever_in(stream, gap.first, gap.last)
        for place, (count, left) in self.thinned.items():
            for version in ledger.contents[place]:
                if left <= version and len(version - left) == count:
                    declared |= version - left
        return declared, released

    def accounted(self, ledger: Ledger) -> set[int]:
        """Readings that are stored or said to be gone."""
        return self.stored.union(*self.declared_gone(ledger))


class Office:
    """The database, its backups, and the processes that write to it."""

    def __init__(self, world: World) -> None:
        """Start the processes on an empty database."""
        self.world = world
        self.database = Database()
        #: until when, and how old: a backup of a hub that has not caught up is as old as the one
        #: that it came from
        self.catching_up = (0, 0)
        self.backups: list[Database] = [self.database.copy(world.now)]
        self.processes = [Ingest(self, f"ingest{n}") for n in range(world.plan.consumers)]

    def back_up(self) -> None:
        """Keep a backup, and the ones before as far as the plan says."""
        at = self.catching_up[1] if self.world.now < self.catching_up[0] else self.world.now
        self.backups = [*self.backups, self.database.copy(at)][-self.world.plan.backups_kept :]

    def restore(self) -> None:
        """Bring a backup back, with all processes stopped, and start them again."""
        world, before = self.world, self.database
        backup = world.rng.choice(self.backups)
        self.database = backup.copy(world.now)
        kept = world.plan.keep_receipted_s * 1000
        self.catching_up = (world.now + round(REMEMBER * kept), backup.copied_at)
        world.trace("hub", "is restored from a backup")
        if world.now - backup.copied_at > kept:
            gone = before.accounted(world.ledger) - backup.accounted(world.ledger)
            world.ledger.aged |= gone
            if world.now - backup.copied_at > REMEMBER * kept:
                world.ledger.outlived |= gone
        for process in self.processes:
            process.start()

    def step(self) -> None:
        """Every process does some work; none sees what another commits in the meantime."""
        for process in self.processes:
            process.begin()
        for process in self.processes:
            process.work()


class Ingest:
    """One ingest process."""

    def __init__(self, office: Office, name: str) -> None:
        """Start for the first time."""
        self.office, self.world, self.name = office, office.world, name
        self.session: deque[Letter] = deque()
        self.start()

    @property
    def database(self) -> Database:
        """What is committed."""
        return self.office.database

    def start(self) -> None:
        """Take an epoch above every other, and the queue the broker kept."""
        self.epoch = self.new_epoch()
        self.down_until: int | None = None
        self.session = self.world.broker.subscribe(self.name)
        self.wanted = Wanted(lambda: self.world.seconds)
        self.world.trace(self.name, "starts in epoch {}", self.epoch % 10_000_000)

    def new_epoch(self) -> int:
        """Make an epoch that also a restored backup cannot repeat: it takes a moment to start."""
        self.world.now += 1
        self.database.epoch = max(self.database.epoch + 1, self.world.now)
        return self.database.epoch

    def crash(self, when: str) -> None:
        """Die; the broker delivers again what was not acknowledged."""
        self.down_until = self.world.step + self.world.outage()
        self.world.trace(self.name, "dies {}", when)

    def begin(self) -> None:
        """Come back after a crash, show a sign of life."""
        if self.down_until is not None and self.world.step >= self.down_until:
            self.start()
        if self.down_until is None and self.world.step % BEAT_EVERY == 0:
            self.epoch = max(self.epoch, self.database.epoch)  # another process may have ended
            beat = Heartbeat(self.epoch, self.world.now, (0, 63))
            self.world.broker.answer(Letter("hub", beat.to_bytes()))

    def work(self) -> None:
        """One transaction: read some messages, commit, acknowledge, answer."""
        if self.down_until is not None or not self.session:
            return
        world = self.world
        batch = list(self.session)[: world.rng.randint(1, 6)]
        if world.faulty and world.chance(world.plan.hub_crash / 2):
            self.crash("before a commit")
            return
        answers = Answers()
        for letter in batch:
            self.take(letter, answers)
        if world.faulty and world.chance(world.plan.hub_crash / 2):
            self.crash("after a commit, before its answer")
            return
        for _ in batch:
            self.session.popleft()
        for _, payload in answers.messages(self.epoch, world.now):
            world.trace_answer(self.name, payload)
            world.broker.answer(Letter("ack", payload))

    # --------------------------------------------------------------------------- messages

    def take(self, letter: Letter, answers: Answers) -> None:
        """Store one message, within the transaction."""
        if letter.door == "st":
            self.take_status(letter, answers)
        elif letter.door == "up/d":
            self.take_declaration(parse_declaration(letter.payload))
        else:
            self.take_data(unpack(letter.payload), letter.door, answers)

    def take_declaration(self, declaration: Declaration) -> None:
        """Learn which tags a configuration numbers; that it is forgotten only if nobody knew it."""
        if declaration.gone:
            self.database.configs.setdefault(declaration.epoch, declaration)
        else:
            self.database.configs[declaration.epoch] = declaration

    def take_status(self, letter: Letter, answers: Answers) -> None:
        """Answer every stream of a birth."""
        birth = parse_status(letter.payload)
        assert isinstance(birth, Birth)
        for state in birth.streams:
            stream = state.stream
            told = streams.announce(self.row(stream), state)
            self.database.rows[stream] = told.row
            self.hear(stream, state.next - 1)
            if state.closed is not None:
                self.expect_a_name(stream, max(state.closed, told.row.number), told.lost)
            if told.lost:
                self.database.rows[stream] = replace(told.row, announced=told.lost[0] - 1)
            answers.receipt(AGENT, told.receipt(stream))

    def expect_a_name(self, stream: str, end: int, lost: tuple[int, int] | None) -> None:
        """Numbers that were announced above a stream's end must be named when it closes."""
        if self.database.heard[stream] > end:
            self.database.heard[stream] = end
            self.world.ledger.counts["named" if lost else "unnamed"] += 1

    def take_data(self, message: Message, door: str, answers: Answers) -> None:
        """Store what is new of a message."""
        key = self.key(message.stream, door)
        parent = self.row(self.key(message.after[0], door)) if message.after else None
        verdict = streams.judge(self.row(key), message, parent)
        lines = {n: part for n, part in verdict.stored if isinstance(part, bytes)}
        blocks = {n: thaw(line) for n, line in lines.items() if not is_record(line)}
        unknown = {b.stamp.config for b in blocks.values()} - self.database.configs.keys()
        for config in unknown:
            answers.config(AGENT, config)
        if unknown:
            return
        self.database.rows[key] = verdict.row
        for number, part in verdict.stored:
            if isinstance(part, Gap):
                self.database.gaps.append((message.stream, part))
            elif is_record(part):
                self.store_record(thaw_record(part))
            else:
                self.store(message.stream, number, blocks[number], values_of(part))
        self.conclude(message, key, verdict, answers)

    def conclude(
        self, message: Message, key: str, verdict: streams.Verdict, answers: Answers
    ) -> None:
        """Answer a message."""
        if verdict.want is not None and self.wanted.may_ask((AGENT.id, key), verdict.want):
            answers.want(AGENT, message.stream, verdict.want)
        if receipt := verdict.receipt(message.stream):
            answers.receipt(AGENT, receipt)
        if verdict.want is None and not verdict.fork:
            self.hear(message.stream, message.last)

    def key(self, stream: str, door: str) -> str:
        """Name a stream's row: the stream's id; the lane it came by says nothing."""
        return stream

    def row(self, key: str) -> StreamRow:
        """A stream's row, under its lock."""
        return self.database.rows.get(key, StreamRow())

    def hear(self, stream: str, number: int) -> None:
        """Remember, beside the product's own row, how far a stream was said to go."""
        self.database.heard[stream] = max(number, self.database.heard.get(stream, 0))

    def store_record(self, record: Record) -> None:
        """Store a record; one that may be here already is looked up first."""
        database, value = self.database, int(record.body["n"])
        assert value == record.id.int
        if record.maybe and value in database.stored:
            return
        sure = record.stamp.clock in {ClockState.SET, ClockState.STEPPED}
        database.counts[value] += 1
        database.times[value] = record.stamp.start if sure else database.times.get(value, 0)

    def store(self, stream: str, number: int, block: Block, values: set[int]) -> None:
        """Store a block's readings; one that may be here already is looked up first."""
        database = self.database
        tags = {t.number: t.name for t in database.configs[block.stamp.config].tags}
        if block.thinned:
            database.thinned[stream, number] = (block.thinned, values)
        sure = block.stamp.clock in {ClockState.SET, ClockState.STEPPED}
        counts = database.counts if sure else database.guessed
        for sample in (s for column in block.columns for s in column.samples()):
            value = int(sample.value or 0)
            tag = tags.get(sample.tag, f"{block.stamp.config}?{sample.tag}")
            place = (tag, sample.at, value)
            if block.maybe and place in database.places:
                continue
            database.places.add(place)
            counts[value] += 1
            database.times[value] = sample.at if sure else database.times.get(value, 0)
