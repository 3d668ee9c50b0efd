"""The sockets and serial lines of a simulated site: frames around what a `Slave` answers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
import tty
from pathlib import Path

from agent.simulator.slave import Reply, Slave

_HEADER = struct.Struct(">HHHB")  # transaction, protocol, length, unit
_LONGEST_PDU = 253
_QUESTION = 8  # bytes of an RTU question: unit, function, address, count, checksum


class TcpServer:
    """Modbus TCP on one address."""

    def __init__(self, slave: Slave, host: str, port: int) -> None:
        """Port 0 takes a free one."""
        self._slave = slave
        self.host, self.port = host, port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Listen; raises OSError when the address cannot be had."""
        self._server = await asyncio.start_server(self._serve, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the address and every connection."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._connections):
            writer.close()
        while self._connections:
            await asyncio.sleep(0.001)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                while await self._answer(reader, writer):
                    pass
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        transaction, protocol, length, unit = _HEADER.unpack(await reader.readexactly(_HEADER.size))
        if protocol or not 1 < length <= _LONGEST_PDU + 1:
            return False
        reply = self._slave.answer(unit, await reader.readexactly(length - 1))
        if reply is None:
            return True
        if reply.delay_s:  # a slow unit does not keep the others behind its gateway from answering
            loop = asyncio.get_running_loop()
            loop.call_later(reply.delay_s, _send, writer, transaction, reply)
            return True
        _send(writer, transaction, reply)
        await writer.drain()
        return True


def _send(writer: asyncio.StreamWriter, transaction: int, reply: Reply) -> None:
    if not writer.is_closing():
        writer.write(_HEADER.pack(transaction, 0, len(reply.pdu) + 1, reply.unit) + reply.pdu)
        reply.sent()


class SerialServer:
    """Modbus RTU at one end of a line: a pseudo-terminal whose other end has a path."""

    def __init__(self, slave: Slave, path: Path) -> None:
        """`path` becomes a link to the terminal that the agent opens."""
        self._slave = slave
        self._path = path
        self._buffer = b""
        self._fds: tuple[int, int] | None = None
        self._late: set[asyncio.TimerHandle] = set()

    async def start(self) -> None:
        """Open the terminal; raises OSError where there are none, or something stands at path."""
        ours, theirs = os.openpty()
        tty.setraw(ours)
        tty.setraw(theirs)  # held open, so that the agent may come and go
        os.set_blocking(ours, False)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.is_symlink():
            self._path.unlink()
        self._path.symlink_to(os.ttyname(theirs))
        self._fds = ours, theirs
        asyncio.get_running_loop().add_reader(ours, self._read)

    async def stop(self) -> None:
        """Close both ends and remove the link."""
        for handle in self._late:
            handle.cancel()
        if self._fds is not None:
            asyncio.get_running_loop().remove_reader(self._fds[0])
            for fd in self._fds:
                os.close(fd)
            self._path.unlink(missing_ok=True)
            self._fds = None

    def _read(self) -> None:
        assert self._fds is not None
        with contextlib.suppress(OSError):
            self._buffer += os.read(self._fds[0], 1024)
        while len(self._buffer) >= _QUESTION:
            frame = self._buffer[:_QUESTION]
            if checksum(frame[:-2]) != frame[-2:]:
                self._buffer = self._buffer[1:]  # find the start of the next question
                continue
            self._buffer = self._buffer[_QUESTION:]
            self._answer(self._slave.answer(frame[0], frame[1:-2]))

    def _answer(self, reply: Reply | None) -> None:
        if reply is None:
            return
        if reply.delay_s:
            loop = asyncio.get_running_loop()
            self._late.add(loop.call_later(reply.delay_s, self._send, reply))
        else:
            self._send(reply)

    def _send(self, reply: Reply) -> None:
        assert self._fds is not None
        body = bytes([reply.unit]) + reply.pdu
        os.write(self._fds[0], body + checksum(body))
        reply.sent()


def checksum(body: bytes) -> bytes:
    """CRC-16 of a serial frame, low byte first."""
    crc = 0xFFFF
    for byte in body:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")
