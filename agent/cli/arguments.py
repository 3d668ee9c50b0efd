"""Words of the command line that mean more than a text."""

from __future__ import annotations

from argparse import ArgumentTypeError

from agent.equipment import TABLES
from agent.seek import Span


def unit_ids(text: str) -> list[int]:
    """Unit ids from "1-32" or "1,5,17"; raises `ArgumentTypeError`."""
    try:
        ids = [unit for part in text.split(",") for unit in _range(part)]
    except ValueError:
        ids = []
    if not ids or not all(0 <= unit <= 255 for unit in ids):
        raise ArgumentTypeError(f"{text!r} is not like 1-32 or 1,5,17, within 0 to 255")
    return ids


def register_span(text: str) -> Span:
    """A part of a table from "holding:0-999"; raises `ArgumentTypeError`."""
    name, _, part = text.partition(":")
    table = next((table for table in TABLES if table == name), None)
    try:
        addresses = _range(part)
    except ValueError:
        addresses = range(0)
    if table is None or not addresses or not 0 <= addresses[0] <= addresses[-1] <= 65_535:
        raise ArgumentTypeError(f"{text!r} is not like holding:0-999")
    return Span(table, addresses[0], addresses[-1])


def endpoint(text: str) -> tuple[str, int]:
    """Host and port from "10.0.0.5:502" or "[::1]:502"; raises `ArgumentTypeError`."""
    host, colon, port = text.rpartition(":")
    if not colon or port.endswith("]"):
        host, port = text, "502"
    if not port.isdecimal() or not 1 <= int(port) <= 65_535:
        raise ArgumentTypeError(f"{text!r} is not like 10.0.0.5 or 10.0.0.5:502")
    return host.strip("[]"), int(port)


def positive(text: str) -> float:
    """A number above 0; raises `ArgumentTypeError`."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e6:
        raise ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def _range(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)
