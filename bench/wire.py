"""Bytes per reading on the wire, for the recordings of real wells that ship with the simulator.

Live: a row a second, cut every 5 s, one block to a message. History: the same blocks in messages
of 64 KiB before deflating. Values are in field units, rounded as a gauge would be configured.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path

import agent.simulator
from agent.contract.blocks import Block, Sample, Stamp, freeze, to_columns
from agent.contract.wire import HISTORY_CUT, Message, pack

FOLDER = Path(agent.simulator.__file__).parent / "recordings"
START = 1_700_000_000_000
ROWS_PER_BLOCK = 5
PSI = 6894.757293168  #: Pa


def bytes_per_reading() -> list[tuple[str, int, float, float]]:
    """Each recording: its name, readings, bytes per reading live and as history."""
    return [_measured(path) for path in sorted(FOLDER.glob("*.csv.gz"))]


def _measured(path: Path) -> tuple[str, int, float, float]:
    blocks = list(_blocks(path))
    lines = [freeze(block) for block in blocks]
    readings = sum(block.readings for block in blocks)
    live = sum(len(pack(Message("0" * 16, n, n, 0, (line,)))) for n, line in enumerate(lines, 1))
    history = sum(len(pack(message)) for message in _history(lines))
    return path.name.split(".")[0], readings, live / readings, history / readings


def _history(lines: list[bytes]) -> Iterator[Message]:
    first, size, held = 1, 0, list[bytes]()
    for number, line in enumerate(lines, 1):
        if held and size + len(line) > HISTORY_CUT:
            yield Message("0" * 16, first, number - 1, 0, tuple(held))
            first, size, held = number, 0, []
        held.append(line)
        size += len(line) + 1
    yield Message("0" * 16, first, len(lines), 0, tuple(held))


def _blocks(path: Path) -> Iterator[Block]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    for start in range(0, len(rows), ROWS_PER_BLOCK):
        samples = list(_samples(rows[start : start + ROWS_PER_BLOCK], start))
        if samples:
            at = samples[0].at
            yield Block(Stamp(1, "00000000", 1, at, at - START), to_columns(samples))


def _samples(rows: Iterable[dict[str, str]], first: int) -> Iterator[Sample]:
    for number, row in enumerate(rows, first):
        for tag, (column, text) in enumerate(row.items()):
            if column not in {"timestamp", "class"} and text:
                yield Sample(tag, START + 1000 * number, _field_unit(column, float(text)))


def _field_unit(column: str, value: float) -> float:
    """Psi and degrees Fahrenheit to a tenth, gas lift to a thousandth of its unit."""
    if column.startswith("P-"):
        return round(value / PSI, 1)
    return round(value * 1.8 + 32, 1) if column.startswith("T-") else round(value, 3)
