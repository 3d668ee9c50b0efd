"""Registers and bits <-> engineering values. Pure: no clock, no network.

Data comes as `agent.modbus` delivers it: two bytes for each register as they stood on the wire,
one byte (0 or 1) for each bit of a table of bits.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from operator import itemgetter

from agent.contract.blocks import Quality
from agent.equipment import GaugeSettings, Kind, is_bits

#: (data, offset of the gauge in registers or bits) -> (value or None, quality)
Decode = Callable[[bytes, int], tuple[float | None, int]]
_Take = Callable[[bytes], float]

_FORMATS: dict[Kind, str] = {
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}
_FLOATS = ("float32", "float64")
_FLOAT32_MAX = 3.4028235e38
_GOOD, _RANGE = int(Quality.GOOD), int(Quality.OUT_OF_RANGE)


def width(gauge: GaugeSettings) -> int:
    """How many bytes of data a gauge takes."""
    return gauge.size if is_bits(gauge.table) else gauge.size * 2


def decoder(gauge: GaugeSettings) -> Decode:
    """Make the function that reads this gauge out of an answer's data.

    Its quality is SHORT when the data ends before the gauge, NOT_A_NUMBER for NaN and infinity,
    OUT_OF_RANGE (with the value) outside the gauge's range.
    """
    take, size = _taker(gauge), width(gauge)
    per_step = 1 if is_bits(gauge.table) else 2
    scale, shift, decimals = gauge.scale, gauge.offset, gauge.decimals
    low = -math.inf if gauge.low is None else gauge.low
    high = math.inf if gauge.high is None else gauge.high

    def decode(data: bytes, offset: int) -> tuple[float | None, int]:
        start = offset * per_step
        chunk = data[start : start + size]
        if len(chunk) < size:
            return None, int(Quality.SHORT)
        value = take(chunk) * scale + shift
        if not math.isfinite(value):
            return None, int(Quality.NOT_A_NUMBER)
        value = round(value, decimals)
        return value, _GOOD if low <= value <= high else _RANGE

    return decode


def _taker(gauge: GaugeSettings) -> _Take:
    if is_bits(gauge.table):
        return lambda chunk: float(chunk[0])
    if gauge.kind == "bit":
        mask = _bit_mask(gauge)
        return lambda chunk: float(bool(int.from_bytes(chunk, "big") & mask))
    arrange, code = _arrangement(gauge)
    unpack = struct.Struct(code).unpack
    if arrange is None:
        return lambda chunk: float(unpack(chunk)[0])
    return lambda chunk: float(unpack(bytes(arrange(chunk)))[0])


def _bit_mask(gauge: GaugeSettings) -> int:
    bit = gauge.bit if gauge.byte_order == "big" else gauge.bit ^ 8
    return 1 << bit


def _arrangement(gauge: GaugeSettings) -> tuple[Callable[[bytes], tuple[int, ...]] | None, str]:
    """How to order the bytes before unpacking, and the code to unpack them with.

    A single register has no word order; where both orders agree, the code alone is enough.
    """
    words = gauge.word_order if gauge.size > 1 else gauge.byte_order
    code = ("<" if words == "little" else ">") + _FORMATS[gauge.kind]
    if words == gauge.byte_order:
        return None, code
    # Swapping the two bytes of every word makes CDAB into DCBA, and BADC into ABCD.
    return itemgetter(*(index ^ 1 for index in range(gauge.size * 2))), code


def encode(gauge: GaugeSettings, value: float) -> bytes:
    """Engineering value -> data as it would stand on the wire; the opposite of `decoder`.

    Whole-number kinds are rounded and held within what they can express; a `bit` gives a register
    with only that bit.
    """
    raw = (value - gauge.offset) / gauge.scale
    if is_bits(gauge.table):
        return bytes([_is_on(raw)])
    if gauge.kind == "bit":
        return (_bit_mask(gauge) if _is_on(raw) else 0).to_bytes(2, "big")
    arrange, code = _arrangement(gauge)
    packed = struct.pack(code, (_float if gauge.kind in _FLOATS else _whole)(gauge.kind, raw))
    return packed if arrange is None else bytes(arrange(packed))


def _is_on(raw: float) -> bool:
    return not math.isnan(raw) and abs(raw) > 0.5


def _whole(kind: Kind, raw: float) -> int:
    bits = int(kind.lstrip("uint"))
    low, high = (
        (0, 2**bits - 1) if kind.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    )
    return 0 if math.isnan(raw) else round(min(max(raw, low), high))


def _float(kind: Kind, raw: float) -> float:
    too_large = kind == "float32" and math.isfinite(raw) and abs(raw) > _FLOAT32_MAX
    return math.copysign(math.inf, raw) if too_large else raw


def raw_text(gauge: GaugeSettings, data: bytes | None, offset: int) -> str:
    """Show a gauge's registers as they stood on the wire: "42C8 0000", or "1" for a bit."""
    if data is None:
        return ""
    if is_bits(gauge.table):
        return str(data[offset]) if offset < len(data) else ""
    start = offset * 2
    return data[start : start + width(gauge)].hex(" ", 2).upper()
