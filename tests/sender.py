"""The agent's sender in the hands of a test, which plays the broker and the hub."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from agent.contract.control import (
    Answer,
    Birth,
    Receipt,
    StreamState,
    parse_status,
)
from agent.contract.wire import Message, unpack
from agent.outbox import Outbox, StreamInfo
from agent.publisher import Outgoing, Pace, Sender
from tests.outboxes import T0, fill, fresh, put

EPOCH = 1000
CONFIG = 7
WINDOW = 16


@dataclass
class Clock:
    """True time, confirmed or not."""

    confirmed: bool = True

    def now_ms(self) -> int:
        return T0


def birth(streams: tuple[StreamInfo, ...]) -> Birth:
    states = tuple(info.state() for info in streams)
    return Birth("boot-a", "1.0", T0, 1, CONFIG, states)


@dataclass
class Site:
    """A sender with its outbox, and a hub that answers when the test says so."""

    outbox: Outbox = field(default_factory=fresh)
    clock: Clock = field(default_factory=Clock)
    now: float = 100.0
    epoch: int = EPOCH

    def __post_init__(self) -> None:
        chance = random.Random(3)
        self.sender = Sender(self.outbox, self.clock, birth, pace=Pace(), chance=chance)

    def connect(self) -> list[Outgoing]:
        self.sender.on_connect(self.now, CONFIG)
        return self.pump()

    def pump(self) -> list[Outgoing]:
        """All that is sent now."""
        out = []
        while (one := self.sender.next(self.now)) is not None:
            out.append(one)
            assert len(out) < 1000
        return out

    def data(self) -> list[Message]:
        """The data messages that are sent now."""
        return [unpack(one.payload) for one in self.pump() if one.door in {"up/t", "up/h"}]

    def births(self) -> list[tuple[StreamState, ...]]:
        """The announcements that are made now."""
        return announced(self.pump())

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def receipt(self, stream: str, number: int) -> Receipt:
        """What a hub that stored our history says."""
        return Receipt(stream, number, self.outbox.checksum_at(stream, number) or 0)

    def answer(self, *receipts: Receipt, **others: tuple[object, ...]) -> None:
        answer = Answer(self.epoch, T0, receipts, **others)  # type: ignore[arg-type]
        self.sender.on_answer(answer, self.now)

    def settle(self, number: int = 0) -> None:
        """Answer every stream with what is receipted, or with `number`."""
        self.answer(*(self.receipt(s.id, max(s.receipted, number)) for s in self.outbox.streams()))


def announced(sent: list[Outgoing]) -> list[tuple[StreamState, ...]]:
    found = [parse_status(one.payload) for one in sent if one.door == "st"]
    return [status.streams for status in found if isinstance(status, Birth)]


def ready(blocks: int = 0) -> Site:
    """A site whose live stream was announced and answered; it holds so many blocks."""
    site = Site()
    site.connect()
    site.settle()
    site.pump()
    fill(site.outbox, blocks)
    return site


def spans(sent: list[Message]) -> list[tuple[str, int, int]]:
    return [(message.stream, message.first, message.last) for message in sent]


def one_by_one(site: Site, count: int) -> list[Message]:
    """Freeze and send one block after another."""
    sent = []
    for number in range(count):
        put(site.outbox, [number])
        sent += site.data()
    return sent


def times_sent(site: Site, seconds: int) -> list[int]:
    """When data leaves, in whole seconds, while the hub only answers where it stands."""
    at, start = [], site.now
    while site.now - start < seconds:
        sent = site.pump()
        if announced(sent):
            site.settle()
            sent += site.pump()
        at += [int(site.now - start)] * sum(one.door == "up/t" for one in sent)
        site.wait(1 / 16)
    return at
