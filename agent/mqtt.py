"""The thin edge to the broker: paho, one client per connection, events into one queue.

A client is thrown away when its connection ends. Nothing of an earlier connection is sent again
behind our back; the sender decides what is sent again.
"""

from __future__ import annotations

import logging
import queue
import random
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from agent.contract.wire import HUB_TOPICS, Address
from agent.settings import MqttSettings

log = logging.getLogger(__name__)

KEEP_ALIVE = 30  #: seconds
ANSWER_WITHIN = 5.0  #: seconds for the broker to answer a greeting


class Link:
    """One connection to the broker at a time; what happens on it comes out of `events`."""

    def __init__(self, account: MqttSettings, shard: int, agent: str, will: bytes) -> None:
        """Remember how to connect; `connect` does it."""
        self.account, self.shard, self.agent, self._will = account, shard, agent, will
        self.events: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._client: paho.Client | None = None
        self._protocol = MQTTProtocolVersion.MQTTv5
        self._asked_at: float | None = None
        self._complaint = ""

    def topic(self, door: str) -> str:
        """Topic of one of this agent's doors."""
        return Address(self.shard, self.agent, door).topic

    def connect(self) -> bool:
        """Try to connect; False, with one line said, when it failed at once."""
        self.close()
        try:
            client = self._new_client()
            client.connect(self.account.host, self.account.port, KEEP_ALIVE)
        except ssl.SSLError as fault:
            self._complain(f"TLS failed ({fault.reason or fault}); is ca_file the right one?")
            return False
        except (OSError, ValueError) as fault:
            self._complain(f"it cannot be reached ({fault})")
            return False
        self._client, self._asked_at = client, time.monotonic()
        client.loop_start()
        return True

    def overdue(self) -> bool:
        """Whether the broker has taken the connection but not answered; try the other version.

        A broker that speaks only MQTT 3.1.1 may leave a version 5 greeting without an answer.
        """
        if self._asked_at is None or time.monotonic() - self._asked_at < ANSWER_WITHIN:
            return False
        self._complain(f"no answer to MQTT {self._protocol.name[-2:]}; trying another version")
        self._other_version()
        return True

    def _other_version(self) -> None:
        newest = self._protocol is MQTTProtocolVersion.MQTTv5
        self._protocol = MQTTProtocolVersion.MQTTv311 if newest else MQTTProtocolVersion.MQTTv5

    def _new_client(self) -> paho.Client:
        account = self.account
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            self.agent,
            clean_session=None if self._protocol is MQTTProtocolVersion.MQTTv5 else True,
            protocol=self._protocol,
            reconnect_on_failure=False,  # we make a new client instead
        )
        client.connect_timeout = ANSWER_WITHIN
        client.username_pw_set(account.username, account.password)
        if account.tls:
            client.tls_set(
                _text(account.ca_file), _text(account.client_cert), _text(account.client_key)
            )
        client.will_set(self.topic("st"), self._will, qos=1, retain=True)
        client.max_inflight_messages_set(40)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def publish(self, door: str, payload: bytes, *, retain: bool) -> bool:
        """Hand a message over; False when there is no connection."""
        if self._client is None:
            return False
        info = self._client.publish(self.topic(door), payload, qos=1, retain=retain)
        return info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def close(self) -> None:
        """End the connection without the last will."""
        client, self._client, self._asked_at = self._client, None, None
        if client is None:
            return
        client.on_disconnect = None
        client.disconnect()
        client.loop_stop()

    def _on_connect(
        self, client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        self._asked_at = None
        if reason.is_failure:
            client.on_disconnect = None  # the end that follows says less than the refusal
            self._refused(reason)
            return
        self._complaint = ""
        doors = ("dn/ack", "dn/cfg")
        client.subscribe([*((self.topic(door), 1) for door in doors), (HUB_TOPICS, 0)])
        log.info("connected to %s", self.account.url)
        self.events.put(("connected", b""))

    def _refused(self, reason: ReasonCode) -> None:
        if reason == "Unsupported protocol version":
            self._other_version()
        hint = "; are this account's name and password right?" if _is_account(reason) else ""
        self._lost(f"it answered {str(reason).lower()}{hint}")

    def _on_disconnect(
        self, _client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        self._lost(f"the connection ended: {str(reason).lower()}")

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        self.events.put((message.topic, bytes(message.payload)))

    def _lost(self, why: str) -> None:
        self._complain(why)
        self.events.put(("lost", b""))

    def _complain(self, why: str) -> None:
        """Say what is wrong once per change, not once per try."""
        if why != self._complaint:
            log.warning("broker %s: %s; readings are kept here meanwhile", self.account.url, why)
        self._complaint = why


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _is_account(reason: ReasonCode) -> bool:
    return str(reason) in {"Not authorized", "Bad user name or password", "Banned"}


@dataclass
class Backoff:
    """Growing, random waits between tries, in seconds."""

    first: float = 1.0
    most: float = 60.0
    _step: float = 0.0

    def next(self) -> float:
        """The wait before the next try."""
        self._step = min(max(self.first, 2 * self._step), self.most)
        return self._step * random.uniform(0.5, 1.0)  # noqa: S311 (spreads load)

    def reset(self) -> None:
        """Start again from the first wait."""
        self._step = 0.0
