"""A well site's side of the contract, by hand: it sends exactly what a test tells it to."""

from __future__ import annotations

import secrets
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from agent.contract.blocks import Block, Sample, Stamp, freeze, to_columns
from agent.contract.control import (
    Answer,
    Birth,
    Death,
    Declaration,
    DeclaredTag,
    Heartbeat,
    Receipt,
    StreamState,
    parse_answer,
    parse_heartbeat,
)
from agent.contract.wire import HUB_TOPICS, Gap, Message, checksum, pack

PATIENCE_S = 15.0
EPOCH = 1_000  #: the configuration epoch boxes declare


def tags(*names: str) -> tuple[DeclaredTag, ...]:
    """Declared tags numbered from 1."""
    return tuple(
        DeclaredTag(n, name, "plc", "psi", 1000, low=0.0, high=3000.0)
        for n, name in enumerate(names, 1)
    )


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class Stream:
    """One stream's frozen parts and its running checksums."""

    id: str = field(default_factory=lambda: secrets.token_hex(8))
    parts: list[bytes | Gap] = field(default_factory=list)
    after: list[int] = field(default_factory=lambda: [0])  #: checksum after each number
    closed: int | None = None

    @property
    def last(self) -> int:
        """Highest number issued."""
        return len(self.parts)

    def add(self, line: bytes) -> int:
        """Freeze a line under the next number."""
        self.parts.append(line)
        self.after.append(zlib.crc32(line, self.after[-1]))
        return self.last

    def lose(self, first: int, last: int, reason: str, readings: int) -> None:
        """Put a gap in the place of some numbers."""
        times = (now_ms() - 1000, now_ms())
        gap = Gap(first, last, reason, readings, *times, self.after[last])
        for number in range(first, last + 1):
            self.parts[number - 1] = gap

    def message(self, first: int, last: int) -> bytes:
        """The payload that carries these numbers."""
        lines = tuple(p for p in self.parts[first - 1 : last] if isinstance(p, bytes))
        gaps = tuple(dict.fromkeys(p for p in self.parts[first - 1 : last] if isinstance(p, Gap)))
        message = Message(self.id, first, last, self.after[first - 1], lines, gaps, self.closed)
        assert not gaps or checksum(gaps[0], 0) == gaps[0].checksum
        return pack(message)

    def state(self) -> StreamState:
        """How a birth announces it."""
        return StreamState(self.id, self.last + 1, 1, self.closed)


class Box:
    """One agent at a real broker."""

    def __init__(self, url: str, name: str, shard: int, *, newest: bool = True) -> None:
        """Connect with the account of the url; by MQTT 3.1.1 unless `newest`."""
        self.name, self.shard = name, shard
        self.boot = secrets.token_hex(4)
        self.stream = Stream()
        self.at = now_ms() - 60_000  #: time of the next reading
        self.answers: list[Answer] = []
        self.heartbeats: list[Heartbeat] = []
        self._heard = threading.Condition()
        self._subscribed = threading.Event()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            f"{name}-{self.boot}",
            protocol=MQTTProtocolVersion.MQTTv5 if newest else MQTTProtocolVersion.MQTTv311,
        )
        parts = urlsplit(url)
        self._client.username_pw_set(unquote(parts.username or ""), unquote(parts.password or ""))
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: client.subscribe(
            [(f"wf/1/{shard}/{name}/dn/ack", 1), (HUB_TOPICS, 0)]
        )
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.max_inflight_messages_set(200)
        self._client.connect(parts.hostname or "", parts.port or 1883)
        self._client.loop_start()
        assert self._subscribed.wait(PATIENCE_S)

    def close(self) -> None:
        """Leave without a word."""
        self._client.disconnect()
        self._client.loop_stop()

    # --------------------------------------------------------------------------- sending

    def publish(
        self, door: str, payload: bytes, *, retain: bool = False, shard: int | None = None
    ) -> None:
        """Publish on one of its own topics and wait until the broker has it."""
        topic = f"wf/1/{self.shard if shard is None else shard}/{self.name}/{door}"
        info = self._client.publish(topic, payload, qos=1, retain=retain)
        info.wait_for_publish(PATIENCE_S)
        assert info.is_published()

    def declare(
        self, declared: tuple[DeclaredTag, ...], epoch: int = EPOCH, *, gone: bool = False
    ) -> None:
        """Declare a configuration."""
        devices = tuple(sorted({tag.device for tag in declared}))
        self.publish("up/d", Declaration(epoch, devices, declared, gone).to_bytes())

    def birth(self, *streams: Stream, config: int = EPOCH, retain: bool = True) -> None:
        """Announce itself and its streams."""
        states = tuple(stream.state() for stream in streams or (self.stream,))
        backlog = {"blocks": 0, "bytes": 0}
        born = Birth(self.boot, "0.1.0", now_ms(), 1, config, states, backlog)
        self.publish("st", born.to_bytes(), retain=retain)

    def death(self) -> None:
        """Say farewell."""
        self.publish("st", Death(self.boot).to_bytes(), retain=True)

    def freeze(
        self,
        rows: Sequence[tuple[int, float | None]] = ((1, 100.5), (2, 200.25)),
        *,
        count: int = 1,
        config: int = EPOCH,
        stream: Stream | None = None,
        step_ms: int = 1000,
    ) -> int:
        """Freeze `count` readings of each (tag number, value) into a block; answers its number."""
        samples = [
            Sample(tag, self.at + i * step_ms, None if value is None else value + i, 0)
            if value is not None
            else Sample(tag, self.at + i * step_ms, None, 16)
            for tag, value in rows
            for i in range(count)
        ]
        self.at += count * step_ms
        line = freeze(Block(Stamp(config, self.boot, 1, mono=1), to_columns(samples)))
        return (stream or self.stream).add(line)

    def send(
        self, first: int, last: int | None = None, *, lane: str = "t", stream: Stream | None = None
    ) -> None:
        """Send numbers of a stream as one message."""
        payload = (stream or self.stream).message(first, last or first)
        self.publish(f"up/{lane}", payload)

    # -------------------------------------------------------------------------- hearing

    def _on_message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        with self._heard:
            if message.topic.startswith("wf/1/hub/"):
                self.heartbeats.append(parse_heartbeat(message.payload))
            else:
                self.answers.append(parse_answer(message.payload))
            self._heard.notify_all()

    def wait(self, condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
        """Wait until something heard makes a condition true."""
        with self._heard:
            held = self._heard.wait_for(condition, patience_s)
        assert held, f"not heard within {patience_s} s; heard {self.answers}"

    def receipt(self, stream: Stream | None = None) -> Receipt | None:
        """The newest receipt of a stream."""
        wanted = (stream or self.stream).id
        found = [r for a in self.answers for r in a.receipts if r.stream == wanted]
        return found[-1] if found else None

    def wait_receipt(self, number: int, stream: Stream | None = None) -> Receipt:
        """Wait until a stream is receipted up to a number."""

        def reached() -> bool:
            receipt = self.receipt(stream)
            return receipt is not None and receipt.number >= number

        self.wait(reached)
        receipt = self.receipt(stream)
        assert receipt is not None
        return receipt

    def wait_want(self, number: int, stream: Stream | None = None) -> None:
        """Wait until the hub asks for a number."""
        wanted = ((stream or self.stream).id, number)
        self.wait(lambda: any(wanted in answer.wants for answer in self.answers))

    @property
    def refusals(self) -> list[str]:
        """Sentences of refusal heard so far."""
        return [text for answer in self.answers for text in answer.refused]
