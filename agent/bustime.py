"""How long a serial line needs for its requests: told before a single byte is sent. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from agent.equipment import SerialPort, is_bits
from agent.planner import Request

_REQUEST_BYTES = 8  # unit, function, address, count, checksum
_ANSWER_BYTES = 5  # unit, function, byte count, checksum
_SILENCE_CHARACTERS = 3.5  # that part one frame from the next
_FAST_SILENCE_S = 0.00175  # the same above 19,200 baud, by the specification
_THINKING_S = 0.005  # what a quick device takes before it answers


def request_seconds(request: Request, port: SerialPort) -> float:
    """Least time one request and its answer keep the line busy, in seconds."""
    payload = (request.count + 7) // 8 if is_bits(request.table) else request.count * 2
    character = (1 + 8 + (port.parity != "none") + port.stop_bits) / port.baud
    silence = _FAST_SILENCE_S if port.baud > 19_200 else _SILENCE_CHARACTERS * character
    frames = (_REQUEST_BYTES + _ANSWER_BYTES + payload) * character
    return frames + 2 * silence + _THINKING_S + port.pause_ms / 1000


def load(rounds: Iterable[tuple[float, tuple[Request, ...]]], port: SerialPort) -> float:
    """Which part of the line's time is needed: 1.0 is all of it.

    Each round is (interval in seconds, its requests).
    """
    return sum(
        sum(request_seconds(request, port) for request in requests) / interval
        for interval, requests in rounds
    )
