"""A hub without a database: it judges and receipts what an agent sends, and counts it."""

from __future__ import annotations

import time
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from agent.contract import control, wire
from agent.contract.blocks import Block, thaw
from hub.ingest.streams import StreamRow, announce, judge
from tests.servers.mosquitto import HUB, Mosquitto


class ReceiptingHub:
    """Answers one agent as the real ingest would, and counts what it would have stored."""

    def __init__(self, broker: Mosquitto) -> None:
        """Connect with the hub's account."""
        self.messages = self.bytes = self.readings = self.doubled = 0
        self._seen: set[tuple[int, int]] = set()
        self._rows: dict[str, StreamRow] = {}
        self._epoch = int(time.time() * 1000)
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, "receipting-hub", protocol=MQTTProtocolVersion.MQTTv5
        )
        self._client.username_pw_set(HUB, broker.accounts[HUB])
        if broker.tls:
            self._client.tls_set(broker.ca_file)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_message = self._on_message
        self._client.on_connect = self._on_connect
        self._client.connect("localhost", broker.port)
        self._client.loop_start()

    def __enter__(self) -> ReceiptingHub:
        return self

    def __exit__(self, *fault: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: paho.Client, *_: Any) -> None:
        client.subscribe([("wf/1/+/+/st", 1), ("wf/1/+/+/up/+", 1)])

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        address = wire.parse_topic(message.topic)
        if address.door == "st":
            receipts = self._announced(bytes(message.payload))
        elif address.door in {"up/t", "up/h"}:
            receipts = self._stored(bytes(message.payload))
        else:
            return
        answer = control.Answer(self._epoch, time.time_ns() // 1_000_000, receipts)
        topic = wire.Address(address.shard, address.agent, "dn/ack").topic
        self._client.publish(topic, answer.to_bytes(), 1)

    def _announced(self, payload: bytes) -> tuple[control.Receipt, ...]:
        status = control.parse_status(payload)
        if isinstance(status, control.Death):
            return ()
        found = [
            (state.stream, announce(self._rows.get(state.stream, StreamRow()), state))
            for state in status.streams
        ]
        self._rows.update((stream, one.row) for stream, one in found)
        return tuple(one.receipt(stream) for stream, one in found)

    def _stored(self, payload: bytes) -> tuple[control.Receipt, ...]:
        message = wire.unpack(payload)
        verdict = judge(self._rows.get(message.stream, StreamRow()), message)
        self._rows[message.stream] = verdict.row
        self.messages += 1
        self.bytes += len(payload)
        for _, part in verdict.stored:
            if isinstance(part, bytes):
                self._store(thaw(part))
        receipt = verdict.receipt(message.stream)
        return (receipt,) if receipt else ()

    def _store(self, block: Block) -> None:
        for column in block.columns:
            for at in column.times:
                self.doubled += (column.tag, at) in self._seen
                self._seen.add((column.tag, at))
        self.readings += block.readings
