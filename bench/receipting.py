"""A hub that keeps nothing: it judges and receipts what an agent sends, for measuring the agent."""

from __future__ import annotations

import threading
import time
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from agent.contract import control, wire
from hub.ingest.streams import StreamRow, announce, judge


class ReceiptingHub:
    """Answers one agent as the real ingest would, and counts what it would have stored."""

    def __init__(self, port: int) -> None:
        """Connect to a broker on loopback."""
        self.lock = threading.Lock()
        self.messages = self.bytes = 0
        self._rows: dict[str, StreamRow] = {}
        self._epoch = int(time.time() * 1000)
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, "receipting-hub", protocol=MQTTProtocolVersion.MQTTv5
        )
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.subscribe("wf/1/+/+/st", 1)
        self._client.subscribe("wf/1/+/+/up/+", 1)
        self._client.loop_start()

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

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
        with self.lock:
            self.messages += 1
            self.bytes += len(payload)
        receipt = verdict.receipt(message.stream)
        return (receipt,) if receipt else ()
