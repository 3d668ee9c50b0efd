"""The registers of a simulated device: built from its gauges at the moment they are read."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from agent.equipment import DeviceSettings, GaugeSettings, Table, is_bits
from agent.gauges import decoder, encode
from agent.simulator.faults import Faults
from agent.simulator.sources import Source, short_name

Served = list[tuple[GaugeSettings, float | None]]


class IllegalAddressError(Exception):
    """An address this device does not have."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A gauge's part of an answer."""

    gauge: GaugeSettings
    at: int  #: bytes from the start of the answer; negative when it begins before
    whole: bool  #: all of its bytes are in the answer


class Image:
    """What a device would answer."""

    def __init__(
        self,
        device: DeviceSettings,
        gauges: Iterable[GaugeSettings],
        source: Source,
        *,
        strict: bool = False,
    ) -> None:
        """`strict`: registers between gauges do not exist, instead of holding 0."""
        self.device = device
        self._gauges = tuple(gauges)
        self._source = source
        self._legal = _legal(self._gauges, strict=strict)
        self._pieces: dict[tuple[Table, int, int], list[_Piece]] = {}
        self._held: dict[int, float] = {}
        self._decoders = {gauge.number: decoder(gauge) for gauge in self._gauges}

    def read(
        self, table: Table, address: int, count: int, seconds: float, faults: Faults
    ) -> tuple[bytes, Served]:
        """Data (two bytes for a register, one for a bit) and what gauges it holds.

        Raises `IllegalAddressError`.
        """
        wanted = range(address, address + count)
        if not self._legal[table].issuperset(wanted) or not set(faults.illegal).isdisjoint(wanted):
            raise IllegalAddressError
        step = 1 if is_bits(table) else 2
        data = bytearray(count * step)
        served: Served = []
        for piece in self._pieces_of(table, address, count, step):
            encoded = encode(piece.gauge, self._value(piece.gauge, seconds, faults))
            _lay(data, encoded, piece)
            if piece.whole:
                value, _ = self._decoders[piece.gauge.number](encoded, 0)
                served.append((piece.gauge, value))
        return bytes(data), served

    def _value(self, gauge: GaugeSettings, seconds: float, faults: Faults) -> float:
        name = short_name(gauge)
        if faults.hits(faults.frozen, name) and gauge.number in self._held:
            return self._held[gauge.number]
        value = self._held[gauge.number] = self._source.value(gauge, seconds)
        return math.nan if faults.hits(faults.nan, name) else value

    def _pieces_of(self, table: Table, address: int, count: int, step: int) -> list[_Piece]:
        key = (table, address, count)
        if key not in self._pieces:
            if len(self._pieces) > 1000:  # someone is scanning
                self._pieces.clear()
            self._pieces[key] = [
                _Piece(
                    gauge,
                    (gauge.address - address) * step,
                    gauge.address >= address and gauge.end <= address + count,
                )
                for gauge in self._gauges
                if gauge.table == table and gauge.address < address + count and gauge.end > address
            ]
        return self._pieces[key]


def _legal(gauges: tuple[GaugeSettings, ...], *, strict: bool) -> dict[Table, set[int]]:
    legal: dict[Table, set[int]] = {
        "holding": set(),
        "input": set(),
        "coil": set(),
        "discrete": set(),
    }
    for gauge in gauges:
        legal[gauge.table].update(range(gauge.address, gauge.end))
    if not strict:
        for addresses in legal.values():
            if addresses:
                addresses.update(range(min(addresses), max(addresses) + 1))
    return legal


def _lay(data: bytearray, encoded: bytes, piece: _Piece) -> None:
    """Lay a gauge's bytes over an answer; bits that share a register are joined."""
    joined = piece.gauge.kind == "bit"
    for index, byte in enumerate(encoded, piece.at):
        if 0 <= index < len(data):
            data[index] = data[index] | byte if joined else byte
