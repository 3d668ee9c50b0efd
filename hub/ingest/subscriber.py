"""The hub's edge to the broker: a persistent session, acknowledged by hand, after the commit.

MQTT 5 where the broker speaks it, else 3.1.1. A client is thrown away when its connection ends;
what it had not acknowledged the broker delivers again.
"""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from agent.contract.wire import VERSION
from hub.ingest.arrival import Arrival, Ticket
from hub.ingest.receipts import now_ms
from hub.ingest.worker import Pause
from hub.settings import MqttSettings

log = logging.getLogger(__name__)

KEEP_ALIVE_S = 30
ANSWER_WITHIN_S = 5.0
LOOK_S = 0.1
LONGEST_PAUSE_S = 15.0
IN_FLIGHT = 200  #: messages the broker may deliver ahead of our acknowledgements
LARGEST = 1024 * 1024  #: bytes; the broker keeps larger ones from us
SESSION_S = 7 * 86_400  #: for which the broker keeps what it holds for us
SETTLE_S = 2.0  #: after which what a kept session delivers has been sent just now
FILTERS_AT_ONCE = 8  #: some brokers take no more in one request


class Acknowledgements:
    """Acknowledges in the order of arrival, as MQTT asks, whatever order the workers end in."""

    def __init__(self, client: paho.Client) -> None:
        """Serve one connection."""
        self._client = client
        self._lock = threading.Lock()
        self._waiting: deque[tuple[int, int]] = deque()  # place, message id
        self._done: set[int] = set()
        self._places = 0

    def arrived(self, mid: int) -> int:
        """Note a message; answers its place."""
        with self._lock:
            self._places += 1
            self._waiting.append((self._places, mid))
            return self._places

    def done(self, places: Sequence[int]) -> None:
        """Acknowledge these as soon as all before them are."""
        with self._lock:
            self._done.update(places)
            while self._waiting and self._waiting[0][0] in self._done:
                place, mid = self._waiting.popleft()
                self._done.discard(place)
                self._client.ack(mid, 1)


@dataclass
class _Connection:
    number: int
    client: paho.Client
    acknowledgements: Acknowledgements
    asked_at: float
    greeted_at: float | None = None
    kept_session: bool = False
    unconfirmed: int = 0  # subscriptions
    lost: str | None = None


class Subscriber(threading.Thread):
    """Keeps a connection to the broker, and hands over what arrives."""

    def __init__(
        self,
        settings: MqttSettings,
        client_id: str,
        shards: tuple[int, int],
        take: Callable[[Arrival], Any],
    ) -> None:
        """`take` is called on the network's thread with each arrival; it may wait."""
        super().__init__(name="broker", daemon=True)
        self.subscribed = threading.Event()
        self._settings, self._client_id, self._shards, self._take = (
            settings,
            client_id,
            shards,
            take,
        )
        self._address = urlsplit(settings.url)
        self._protocol = MQTTProtocolVersion.MQTTv5
        self._connection: _Connection | None = None
        self._numbers = 0
        self._end = threading.Event()
        self._complaint = ""

    @property
    def place(self) -> str:
        """The broker's address without the password, for people."""
        port = self._port
        return f"{self._address.scheme}://{self._address.hostname}:{port}"

    @property
    def _port(self) -> int:
        return self._address.port or (8883 if self._tls else 1883)

    @property
    def _tls(self) -> bool:
        return self._address.scheme == "mqtts"

    def finish(self, patience_s: float = 10.0) -> None:
        """End the connection; the broker keeps the session."""
        self._end.set()
        if self.is_alive():
            self.join(patience_s)

    # ------------------------------------------------------------------------- outlet

    def acknowledge(self, tickets: Sequence[Ticket]) -> None:
        """Acknowledge what came by the present connection; the rest will come again."""
        connection = self._connection
        if connection is not None:
            number = connection.number
            places = [ticket.place for ticket in tickets if ticket.connection == number]
            connection.acknowledgements.done(places)

    def publish(self, topic: str, payload: bytes, *, qos: int = 1) -> None:
        """Publish, if there is a connection; whoever waits for an answer asks again."""
        connection = self._connection
        if connection is None or connection.greeted_at is None:
            return
        connection.client.publish(topic, payload, qos=qos)

    def retain(self, topic: str, payload: bytes) -> paho.MQTTMessageInfo | None:
        """Publish what the broker shall keep for whoever comes; None without a connection."""
        connection = self._connection
        if connection is None or connection.greeted_at is None:
            return None
        return connection.client.publish(topic, payload, qos=1, retain=True)

    # ------------------------------------------------------------------ staying connected

    def run(self) -> None:
        """Connect, and connect again after a random wait, until told to finish."""
        pause = Pause(LONGEST_PAUSE_S)
        while not self._end.is_set():
            if self._connect():
                self._stay(pause)
            self._disconnect()
            self._end.wait(pause.next())

    def _connect(self) -> bool:
        try:
            client = self._new_client()
            self._numbers += 1
            self._connection = _Connection(
                self._numbers, client, Acknowledgements(client), time.monotonic()
            )
            version5 = self._protocol is MQTTProtocolVersion.MQTTv5
            client.connect(
                self._address.hostname or "",
                self._port,
                KEEP_ALIVE_S,
                clean_start=False if version5 else paho.MQTT_CLEAN_START_FIRST_ONLY,
                properties=_greeting() if version5 else None,
            )
        except ssl.SSLError as fault:
            self._complain(
                f"TLS failed ({fault.reason or fault}); is mqtt.ca_file the authority that signed "
                "the broker's certificate, and the host name the one in it?"
            )
            return False
        except (OSError, ValueError) as fault:
            self._complain(f"it cannot be reached ({fault})")
            return False
        client.loop_start()
        return True

    def _new_client(self) -> paho.Client:
        version5 = self._protocol is MQTTProtocolVersion.MQTTv5
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            self._client_id,
            clean_session=None if version5 else False,
            protocol=self._protocol,
            reconnect_on_failure=False,  # a new client is made instead
            manual_ack=True,
        )
        client.connect_timeout = ANSWER_WITHIN_S
        if self._address.username:
            password = unquote(self._address.password or "")
            client.username_pw_set(unquote(self._address.username), password)
        if self._tls:
            client.tls_set_context(ssl.create_default_context(cafile=self._settings.ca_file))
        client.max_inflight_messages_set(100)
        client.on_socket_open = _without_delay
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _stay(self, pause: Pause) -> None:
        connection = self._connection
        while connection and connection.lost is None and not self._end.wait(LOOK_S):
            if connection.greeted_at is not None:
                pause.reset()
            elif time.monotonic() - connection.asked_at > ANSWER_WITHIN_S:
                self._complain(f"no answer to MQTT {self._version}; trying the other version")
                self._other_version()
                return
        if connection and connection.lost:
            self._complain(connection.lost)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self.subscribed.clear()
        if connection is not None:
            connection.client.on_disconnect = None
            connection.client.disconnect()
            connection.client.loop_stop()

    @property
    def _version(self) -> str:
        return "5" if self._protocol is MQTTProtocolVersion.MQTTv5 else "3.1.1"

    def _other_version(self) -> None:
        version5 = self._protocol is MQTTProtocolVersion.MQTTv5
        self._protocol = MQTTProtocolVersion.MQTTv311 if version5 else MQTTProtocolVersion.MQTTv5

    def _complain(self, why: str) -> None:
        """Say what is wrong once per change, not once per try."""
        if why != self._complaint:
            log.warning("broker %s: %s", self.place, why)
        self._complaint = why

    # ----------------------------------------------------- events, on the network's thread

    def _on_connect(
        self, client: paho.Client, _data: Any, flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        connection = self._connection
        if connection is None or connection.client is not client:
            return
        if reason.is_failure:
            connection.lost = self._refusal(reason)
            return
        connection.kept_session = bool(flags.session_present)
        connection.greeted_at = time.monotonic()
        for filters in _chunks(list(_filters(self._shards))):
            client.subscribe([(topic, 1) for topic in filters])
            connection.unconfirmed += 1

    def _refusal(self, reason: ReasonCode) -> str:
        if reason == "Unsupported protocol version":
            self._other_version()
        if str(reason) in {"Not authorized", "Bad user name or password"}:
            return (
                f"it refuses the account {unquote(self._address.username or '')!r} "
                f"({str(reason).lower()}); correct user and password in mqtt.url"
            )
        return f"it answered {str(reason).lower()}"

    def _on_subscribe(
        self, client: paho.Client, _data: Any, _mid: int, reasons: list[ReasonCode], _props: Any
    ) -> None:
        connection = self._connection
        if connection is None or connection.client is not client:
            return
        if refused := [reason for reason in reasons if reason.is_failure]:
            connection.lost = (
                f"it refuses the subscription ({str(refused[0]).lower()}); may the hub's account "
                "read wf/#?"
            )
            return
        connection.unconfirmed -= 1
        if not connection.unconfirmed:
            log.info("subscribed at %s with MQTT %s", self.place, self._version)
            self._complaint = ""
            self.subscribed.set()

    def _on_disconnect(
        self, client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        connection = self._connection
        if connection is not None and connection.client is client and connection.lost is None:
            connection.lost = f"the connection ended: {str(reason).lower()}"

    def _on_message(self, client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        connection = self._connection
        if connection is None or connection.client is not client:
            return
        ticket = None
        if message.qos:
            place = connection.acknowledgements.arrived(message.mid)
            ticket = Ticket(connection.number, place)
        settled = time.monotonic() - (connection.greeted_at or 0.0) > SETTLE_S
        fresh = not (message.retain or message.dup) and (settled or not connection.kept_session)
        arrival = Arrival(_topic(message), bytes(message.payload), now_ms(), fresh, ticket)
        try:
            self._take(arrival)
        except Exception as fault:  # paho would end its thread without a word
            log.exception("an arrival on %s cannot be taken", arrival.topic)
            connection.lost = f"an arrival cannot be taken ({fault})"


def _without_delay(_client: paho.Client, _data: Any, connection: Any) -> None:
    """Send small packets at once: an answer must not wait for the acknowledgement before it."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _topic(message: paho.MQTTMessage) -> str:
    try:
        return message.topic
    except UnicodeDecodeError:
        return "a topic that is not UTF-8"


def _greeting() -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = SESSION_S
    properties.ReceiveMaximum = IN_FLIGHT
    properties.MaximumPacketSize = LARGEST
    return properties


def _filters(shards: tuple[int, int]) -> Iterator[str]:
    for shard in range(shards[0], shards[1] + 1):
        yield f"wf/{VERSION}/{shard}/+/st"
        yield f"wf/{VERSION}/{shard}/+/up/+"


def _chunks(filters: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(filters), FILTERS_AT_ONCE):
        yield filters[start : start + FILTERS_AT_ONCE]
