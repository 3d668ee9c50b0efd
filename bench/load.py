"""Agents by the hundred over a few connections: messages made beforehand, sent within a window."""

from __future__ import annotations

import random
import secrets
import threading
import time
import uuid
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from agent.contract.blocks import Block, Sample, Stamp, freeze, to_columns
from agent.contract.control import Declaration, DeclaredTag, parse_answer
from agent.contract.wire import HUB_TOPICS, Address, Message, pack
from bench.sender import Sender

TAGS = 30
CONFIG = 1_000
CONNECTIONS = 4
WINDOW = 600  #: messages on their way without a receipt, of all agents together
PATIENCE_S = 120.0

Row = tuple[uuid.UUID, datetime, int, int, float]


@dataclass
class Site:
    """One simulated agent: its gauges wander, its stream grows."""

    name: str
    shard: int
    seed: int
    stream: str = field(default_factory=lambda: secrets.token_hex(8))
    number: int = 0
    checksum: int = 0
    at: int = 0  #: UTC milliseconds of its next reading
    sent: dict[int, float] = field(default_factory=dict)  #: number -> when it was sent

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.values = [self.chance.uniform(100, 2000) for _ in range(TAGS)]

    def topic(self, door: str) -> str:
        """One of its topics."""
        return Address(self.shard, self.name, door).topic

    def declaration(self) -> bytes:
        """Its tags, numbered from 1."""
        tags = tuple(
            DeclaredTag(n, f"plc.gauge_{n}", "plc", "psi", 1000) for n in range(1, TAGS + 1)
        )
        return Declaration(CONFIG, ("plc",), tags).to_bytes()

    def next(self, scans: int) -> tuple[list[Sample], bytes]:
        """Read all gauges `scans` times, a second apart, and freeze that into one message."""
        samples = []
        for _ in range(scans):
            self.values = [value + self.chance.gauss(0, 0.4) for value in self.values]
            samples += [
                Sample(n, self.at, round(value, 1)) for n, value in enumerate(self.values, 1)
            ]
            self.at += 1000
        line = freeze(Block(Stamp(CONFIG, "bench", 1), to_columns(samples)))
        self.number += 1
        payload = pack(Message(self.stream, self.number, self.number, self.checksum, (line,)))
        self.checksum = zlib.crc32(line, self.checksum)
        return samples, payload


@dataclass
class Parcel:
    """A message ready to be sent."""

    site: Site
    number: int
    payload: bytes


@dataclass
class Load:
    """The messages of one round and the rows they stand for."""

    parcels: list[Parcel]
    samples: list[tuple[Site, list[Sample]]]

    @property
    def readings(self) -> int:
        """How many readings there are."""
        return sum(len(samples) for _, samples in self.samples)

    def rows(self, organization: uuid.UUID, tags: dict[tuple[str, int], int]) -> list[Row]:
        """The same readings as rows of the table, ready in memory."""
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        return [
            (
                organization,
                epoch + timedelta(milliseconds=sample.at),
                tags[site.name, sample.tag],
                0,
                sample.value or 0.0,
            )
            for site, samples in self.samples
            for sample in samples
        ]


def make_load(sites: Sequence[Site], rounds: int, scans: int) -> Load:
    """`rounds` messages of every site, one site after the other as they would come."""
    parcels, everything = [], []
    for _ in range(rounds):
        for site in sites:
            samples, payload = site.next(scans)
            parcels.append(Parcel(site, site.number, payload))
            everything.append((site, samples))
    return Load(parcels, everything)


class Crowd:
    """All sites at the broker, over a few connections of an account that may speak for them."""

    def __init__(self, port: int, password: str, sites: Sequence[Site]) -> None:
        """Connect and listen for receipts."""
        self._sites = {site.stream: site for site in sites}
        self._heard = threading.Condition()
        self.receipts: dict[str, int] = dict.fromkeys(self._sites, 0)
        self.latencies: list[tuple[Site, int, float]] = []  #: site, number, seconds to its receipt
        self._waiting = 0
        self._alive = threading.Event()
        self._ear = self._listen(port, password)
        self._senders = [
            Sender(port, f"bench-{secrets.token_hex(4)}", "hub", password)
            for _ in range(CONNECTIONS)
        ]

    def _listen(self, port: int, password: str) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            f"bench-{secrets.token_hex(4)}",
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        client.username_pw_set("hub", password)
        subscribed = threading.Event()
        client.on_connect = lambda c, *_: c.subscribe([("wf/1/+/+/dn/ack", 1), (HUB_TOPICS, 0)])
        client.on_subscribe = lambda *_: subscribed.set()
        client.on_message = self._on_message
        client.connect("127.0.0.1", port)
        client.loop_start()
        if not subscribed.wait(10):
            raise TimeoutError("the broker does not take the subscription")
        return client

    def await_hub(self) -> None:
        """Wait for a sign of life of the hub: from then on the broker keeps what is for it."""
        if not self._alive.wait(PATIENCE_S):
            raise TimeoutError("the hub does not come up")

    def close(self) -> None:
        """Leave."""
        for sender in self._senders:
            sender.close()
        self._ear.disconnect()
        self._ear.loop_stop()

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish something."""
        self._senders[0].publish(topic, payload)

    def _on_message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        now = time.perf_counter()
        if message.topic.startswith(HUB_TOPICS.rstrip("+")):
            self._alive.set()
            return
        answer = parse_answer(bytes(message.payload))
        with self._heard:
            for receipt in answer.receipts:
                if receipt.stream in self.receipts:
                    self._take(receipt.stream, receipt.number, now)
            self._heard.notify_all()

    def _take(self, stream: str, number: int, now: float) -> None:
        site, before = self._sites[stream], self.receipts[stream]
        for each in range(before + 1, number + 1):
            self.latencies.append((site, each, now - site.sent.pop(each, now)))
        self._waiting -= max(0, number - before)
        self.receipts[stream] = max(before, number)

    def send(self, parcels: Sequence[Parcel]) -> float:
        """Send all as fast as the window allows; seconds until the last one is receipted."""
        start = time.perf_counter()
        for parcel in parcels:
            with self._heard:
                if not self._heard.wait_for(lambda: self._waiting < WINDOW, PATIENCE_S):
                    raise TimeoutError(f"{self._waiting} messages wait for a receipt")
                self._waiting += 1
            self._send_one(parcel)
        self.await_all()
        return time.perf_counter() - start

    def _send_one(self, parcel: Parcel) -> None:
        parcel.site.sent[parcel.number] = time.perf_counter()
        # One connection per agent: the broker keeps the order of one connection only.
        sender = self._senders[zlib.crc32(parcel.site.name.encode()) % len(self._senders)]
        sender.publish(parcel.site.topic("up/t"), parcel.payload)

    def await_all(self) -> None:
        """Wait until everything sent is receipted."""
        with self._heard:
            if not self._heard.wait_for(lambda: self._waiting <= 0, PATIENCE_S):
                raise TimeoutError(f"{self._waiting} messages were never receipted")

    def trickle(self, sites: Sequence[Site], seconds: int, scans: int) -> Iterator[int]:
        """Live load: every site sends `scans` scans every `scans` seconds, spread evenly."""
        start = time.perf_counter()
        for turn in range(seconds // scans):
            for place, site in enumerate(sites):
                due = start + turn * scans + place * scans / len(sites)
                time.sleep(max(0.0, due - time.perf_counter()))
                site.at = time.time_ns() // 1_000_000 - (scans - 1) * 1000
                samples, payload = site.next(scans)
                with self._heard:
                    self._waiting += 1
                self._send_one(Parcel(site, site.number, payload))
                yield len(samples)
