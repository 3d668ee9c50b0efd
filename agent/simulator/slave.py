"""Answers Modbus questions from the images of the devices behind one port."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from agent.bus import TARGET_SILENT
from agent.equipment import MAX_BITS, MAX_REGISTERS, Table, is_bits
from agent.simulator.faults import FaultBook, Faults
from agent.simulator.image import IllegalAddressError, Image, Served

_TABLES: dict[int, Table] = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
_ADDRESSES = 65_536
_ILLEGAL_FUNCTION, _ILLEGAL_ADDRESS, _ILLEGAL_VALUE = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back over the wire, when, and what it serves."""

    unit: int
    pdu: bytes
    delay_s: float = 0.0
    sent: Callable[[], None] = lambda: None  #: to be called as the reply goes out


class Slave:
    """All devices behind one port."""

    def __init__(
        self,
        images: Iterable[Image],
        faults: FaultBook,
        seconds: Callable[[], float],
        served: Callable[[Image, Served], None],
        *,
        gateway: bool,
    ) -> None:
        """`gateway`: says of unknown units that they are silent; on a serial line none answers."""
        self._images: dict[int, list[Image]] = {}
        for image in images:
            self._images.setdefault(image.device.unit, []).append(image)
        self._faults = faults
        self._seconds = seconds
        self._served = served
        self._gateway = gateway

    def answer(self, unit: int, pdu: bytes) -> Reply | None:
        """Answer one question (function code and what follows); None for silence."""
        images = self._images.get(unit)
        if images is None:
            return Reply(unit, _exception(pdu[0], TARGET_SILENT)) if self._gateway else None
        faults = self._faults.of(images[0].device.name)
        if faults.silent:
            return None
        code = faults.exception or _objection(pdu)
        body, sent = (
            (_exception(pdu[0], code), _nothing) if code else self._serve(images, pdu, faults)
        )
        seen = unit if faults.answers_as is None else faults.answers_as
        return Reply(seen, body, faults.delay_s, sent)

    def _serve(
        self, images: list[Image], pdu: bytes, faults: Faults
    ) -> tuple[bytes, Callable[[], None]]:
        table, address, count = _TABLES[pdu[0]], *struct.unpack(">HH", pdu[1:])
        for image in images:
            try:
                data, served = image.read(table, address, count, self._seconds(), faults)
            except IllegalAddressError:
                continue
            body = _packed(table, data)
            body = body[: max(0, len(body) - faults.short)]
            usable = faults.short == 0 and faults.answers_as is None
            sent = partial(self._served, image, served) if usable else _nothing
            return bytes([pdu[0], len(body)]) + body, sent
        return _exception(pdu[0], _ILLEGAL_ADDRESS), _nothing


def _nothing() -> None:
    """An answer that serves no value."""


def _objection(pdu: bytes) -> int:
    """The exception a question deserves; 0 for one that can be answered."""
    if pdu[0] not in _TABLES or len(pdu) != 5:
        return _ILLEGAL_FUNCTION
    address, count = struct.unpack(">HH", pdu[1:])
    if not 1 <= count <= (MAX_BITS if is_bits(_TABLES[pdu[0]]) else MAX_REGISTERS):
        return _ILLEGAL_VALUE
    return _ILLEGAL_ADDRESS if address + count > _ADDRESSES else 0


def _exception(function: int, code: int) -> bytes:
    return bytes([function | 0x80, code])


def _packed(table: Table, data: bytes) -> bytes:
    if not is_bits(table):
        return data
    packed = bytearray((len(data) + 7) // 8)
    for index, bit in enumerate(data):
        packed[index >> 3] |= bit << (index & 7)
    return bytes(packed)
