"""What a port can be asked, and what can go wrong with the answer."""

from __future__ import annotations

from typing import ClassVar, Protocol

from agent.contract.blocks import Quality
from agent.equipment import Table

#: Exceptions that name the address or the count: part of the request may still be readable.
_ABOUT_ADDRESSES = {2, 3}
#: A gateway's word for a unit behind it that kept silent: no different from silence itself.
TARGET_SILENT = 0x0B

_MEANINGS = {
    1: "illegal function",
    2: "illegal address",
    3: "illegal value",
    4: "device failure",
    5: "busy with a long command",
    6: "busy",
    8: "memory parity error",
    10: "no way to this unit",
    11: "unit behind the gateway silent",
}


class BusError(Exception):
    """A question that was not answered with data; `quality` is what its gauges get."""

    quality: ClassVar[Quality] = Quality.NO_ANSWER
    partial: bool = False  #: asking for less may succeed


class UnreachableError(BusError):
    """The port itself: no connection, no such serial line."""


class SilentError(BusError):
    """The unit did not answer in time."""


class NotAskedError(BusError):
    """The unit has been silent; nothing was asked this time."""

    quality = Quality.NOT_READ


class ShortError(BusError):
    """The answer held too few bytes."""

    quality = Quality.SHORT
    partial = True


class RefusedError(BusError):
    """The unit answered with an exception."""

    quality = Quality.REFUSED

    def __init__(self, code: int) -> None:
        super().__init__(_MEANINGS.get(code, f"exception {code}"))
        self.code = code
        self.partial = code in _ABOUT_ADDRESSES


class Bus(Protocol):
    """One Modbus TCP endpoint or serial line; its owner asks one question at a time."""

    async def read(
        self, unit: int, table: Table, address: int, count: int, timeout_s: float
    ) -> bytes:
        """Read registers (two bytes each, as on the wire) or bits (one byte each).

        Raises `BusError`.
        """
        ...

    async def write(
        self, unit: int, table: Table, address: int, value: int, timeout_s: float
    ) -> None:
        """Write one coil or one holding register; raises `BusError`."""
        ...

    def close(self) -> None:
        """Let go of the connection or line."""
        ...
