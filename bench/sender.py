"""The cheapest publisher there is: MQTT 3.1.1 packets made by hand, so that it costs no core."""

from __future__ import annotations

import socket
import struct
import threading

ANSWER_S = 10.0


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">H", len(data)) + data


def _packet(kind: int, body: bytes) -> bytes:
    length, size = bytearray(), len(body)
    while True:
        size, digit = divmod(size, 128)
        length.append(digit | (0x80 if size else 0))
        if not size:
            return bytes([kind]) + bytes(length) + body


class Sender:
    """One connection that publishes with QoS 1."""

    def __init__(self, port: int, client: str, name: str, password: str) -> None:
        """Sign in; raises `ConnectionError` when the broker does not let us."""
        self._socket = socket.create_connection(("127.0.0.1", port), ANSWER_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        greeting = _text("MQTT") + bytes([4, 0xC2]) + struct.pack(">H", 0)
        self._socket.sendall(
            _packet(0x10, greeting + _text(client) + _text(name) + _text(password))
        )
        if self._socket.recv(4) != b"\x20\x02\x00\x00":
            raise ConnectionError("the broker does not let the load in")
        self._socket.settimeout(None)
        self._number = 0
        threading.Thread(target=self._drain, daemon=True).start()

    def publish(self, topic: str, payload: bytes) -> None:
        """Hand a message to the broker."""
        self._number = self._number % 65_535 + 1
        body = _text(topic) + struct.pack(">H", self._number) + payload
        self._socket.sendall(_packet(0x32, body))

    def _drain(self) -> None:
        """Take the broker's confirmations; what counts here are the hub's receipts."""
        while self._socket.recv(65_536):
            pass

    def close(self) -> None:
        """Leave."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
