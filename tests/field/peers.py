"""Modbus servers that are not ours, and one that says whatever a test tells it to."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

Registers = Mapping[int, list[int]]  # first address -> words


def _registers(blocks: Registers) -> list[SimData]:
    return [
        SimData(address, values=list(words), datatype=DataType.REGISTERS)
        for address, words in sorted(blocks.items())
    ] or [SimData(60_000, values=[0], datatype=DataType.REGISTERS)]


def _bits(blocks: Mapping[int, list[bool]]) -> list[SimData]:
    return [
        SimData(address, values=list(bits), datatype=DataType.BITS)
        for address, bits in sorted(blocks.items())
    ] or [SimData(60_000, values=[False], datatype=DataType.BITS)]


def pymodbus_device(
    unit: int,
    *,
    holding: Registers | None = None,
    inputs: Registers | None = None,
    coils: Mapping[int, list[bool]] | None = None,
    discretes: Mapping[int, list[bool]] | None = None,
) -> SimDevice:
    """A unit whose tables are separate, as the standard has them."""
    tables = (_bits(coils or {}), _bits(discretes or {}))
    return SimDevice(unit, (*tables, _registers(holding or {}), _registers(inputs or {})))


@asynccontextmanager
async def pymodbus_tcp(*devices: SimDevice, port: int = 0) -> AsyncIterator[int]:
    """A Modbus TCP server by pymodbus; gives its port."""
    server = ModbusTcpServer(list(devices), address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    try:
        yield server.transport.sockets[0].getsockname()[1]
    finally:
        await server.shutdown()


#: (unit, function code and what follows) -> all bytes of the answer after the transaction number,
#: None to keep silent, or an exception to close the connection.
Script = Callable[[int, bytes], "bytes | None"]


def framed(unit: int, pdu: bytes, *, length: int | None = None) -> bytes:
    """What follows the transaction number in a Modbus TCP frame."""
    return struct.pack(">HHB", 0, len(pdu) + 1 if length is None else length, unit) + pdu


@asynccontextmanager
async def scripted_tcp(
    script: Script, *, late: Callable[[], Awaitable[None]] | None = None
) -> AsyncIterator[int]:
    """A server that answers by a script, after waiting for `late`; gives its port."""
    connections: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(writer)
        with contextlib.suppress(OSError, EOFError):
            while True:
                head = await reader.readexactly(7)
                pdu = await reader.readexactly(int.from_bytes(head[4:6], "big") - 1)
                if late is not None:
                    await late()
                answer = script(head[6], pdu)
                if answer is not None:
                    writer.write(head[:2] + answer)
        connections.discard(writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in list(connections):
            writer.close()
        while connections:
            await asyncio.sleep(0.001)
