"""The edge to pymodbus: one connection or serial line, one question at a time.

Timeouts, retries and decoding are ours: pymodbus closes a link after a few silent units, which
would cost the healthy ones behind it their beat, and prints frames on every fault. It is used for
its framing and transports, with an answer type that keeps the bytes as they came.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import termios
from collections.abc import Awaitable, Callable

from pymodbus import FramerType
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.client.base import ModbusBaseClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU

from agent.bus import TARGET_SILENT, RefusedError, ShortError, SilentError, UnreachableError
from agent.equipment import PortSettings, SerialPort, Table, is_bits

logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL + 1)

_FIRST_RETRY_S, _LONGEST_RETRY_S = 0.5, 10.0
_OUR_OWN_TIMEOUT = 86_400.0  # pymodbus never gives up before we do
_DEAF_AFTER_S = 10.0  # without any answer the connection itself is doubted
_DEAF_SILENCES = 3
_LATE_S = 0.05  # on a line without transaction numbers a late answer must not meet a new question
_SERIAL_OPEN_S = 3.0


class _Bytes(ModbusPDU):
    """An answer with data, its bytes untouched."""

    rtu_byte_count_pos = 2
    payload = b""
    declared = 0

    def decode(self, data: bytes) -> None:
        """Keep the bytes; what is wrong with them is told by whoever asked."""
        self.declared = data[0] if data else 0
        self.payload = data[1:]


class _Coils(_Bytes):
    function_code = 1


class _Discretes(_Bytes):
    function_code = 2


class _Holdings(_Bytes):
    function_code = 3


class _Inputs(_Bytes):
    function_code = 4


class _Garbled(ModbusPDU):
    """An answer that makes no sense; pymodbus would drop the connection over it."""


class _Decoder(DecodePDU):
    def __init__(self) -> None:
        super().__init__(is_server=False)
        for answer in (_Coils, _Discretes, _Holdings, _Inputs):
            self.register(answer)

    def decode(self, frame: bytes) -> ModbusPDU | None:
        """Decode a frame; never None."""
        return super().decode(frame) or _Garbled()


_WRITES: dict[Table, int] = {"coil": 5, "holding": 6}
_CODES: dict[Table, int] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}


class ModbusBus:
    """A port that connects by itself, and again when it has to."""

    def __init__(self, settings: PortSettings) -> None:
        """Prepare; the connection is made at the first question."""
        self._settings = settings
        self._client: ModbusBaseClient | None = None
        self._connecting: asyncio.Task[ModbusBaseClient] | None = None
        self._reason = "not connected yet"
        self._retry_s = _FIRST_RETRY_S
        self._retry_at = 0.0
        self._silences = 0
        self._heard_at = 0.0
        self._rest_until = 0.0
        self._asking = False

    async def read(
        self, unit: int, table: Table, address: int, count: int, timeout_s: float
    ) -> bytes:
        """Read registers (two bytes each, as on the wire) or bits (one byte each).

        Raises `BusError`.
        """
        client = await self._connected(timeout_s)
        await self._rest()
        answer = await self._ask(client, _question(client, unit, table, address, count), timeout_s)
        self._heard()
        return _data(answer, table, count)

    async def write(
        self, unit: int, table: Table, address: int, value: int, timeout_s: float
    ) -> None:
        """Write one coil or one holding register; raises `BusError`."""
        client = await self._connected(timeout_s)
        await self._rest()
        answer = await self._ask(client, _command(client, unit, table, address, value), timeout_s)
        self._heard()
        if isinstance(answer, ExceptionResponse):
            if answer.exception_code == TARGET_SILENT:
                raise SilentError("the gateway had no answer from the unit")
            raise RefusedError(answer.exception_code)
        if answer.function_code != _WRITES[table]:
            raise SilentError("what came was no answer to the command")

    def close(self) -> None:
        """Let go of the connection or line."""
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        if self._client is not None:
            self._client.close()
            self._client = None

    # -------------------------------------------------------------------------- one question

    async def _ask(
        self, client: ModbusBaseClient, question: Callable[[], Awaitable[ModbusPDU]], wait: float
    ) -> ModbusPDU:
        self._asking = True
        try:
            async with asyncio.timeout(wait):
                return await question()
        except TimeoutError:
            self._silent()
            raise SilentError(f"no answer within {wait:g} s") from None
        except (ModbusException, OSError) as fault:
            raise UnreachableError(self._lost(str(fault))) from fault
        finally:
            self._asking = False
            if not client.connected:
                self._client = None

    async def _rest(self) -> None:
        if (left := self._rest_until - _now()) > 0:
            await asyncio.sleep(left)
        self._rest_until = _now() + self._settings.pause_ms / 1000

    def _heard(self) -> None:
        self._silences = 0
        self._heard_at = _now()
        self._rest_until = self._heard_at + self._settings.pause_ms / 1000

    def _silent(self) -> None:
        self._silences += 1
        now = _now()
        if not _has_transaction_numbers(self._settings):
            self._rest_until = max(self._rest_until, now + _LATE_S)
        if self._silences >= _DEAF_SILENCES and now - self._heard_at > _DEAF_AFTER_S:
            self._silences, self._heard_at = 0, now
            if self._client is not None:
                self._client.close()
                self._client = None

    # -------------------------------------------------------------------------- the connection

    async def _connected(self, wait: float) -> ModbusBaseClient:
        """The connection, made if need be; waits for it once, then says what is wrong at once."""
        if self._client is not None and self._client.connected:
            return self._client
        if self._connecting is None:
            if _now() < self._retry_at:
                raise UnreachableError(self._reason)
            self._connecting = asyncio.create_task(self._connect())
            await asyncio.wait({self._connecting}, timeout=wait)
        if not self._connecting.done():
            raise UnreachableError("no answer to the connection yet")
        task, self._connecting = self._connecting, None
        try:
            self._client = task.result()
        except (OSError, termios.error, ValueError) as fault:
            raise UnreachableError(self._lost(_reason(fault))) from fault
        self._retry_s, self._heard_at = _FIRST_RETRY_S, _now()
        return self._client

    async def _connect(self) -> ModbusBaseClient:
        client = _client(self._settings, self._on_link)
        # The way pymodbus connects, except that the cause of a failure is not swallowed.
        async with asyncio.timeout(getattr(self._settings, "connect_timeout_s", _SERIAL_OPEN_S)):
            client.ctx.transport, _ = await client.ctx.call_create()
        await asyncio.sleep(0)  # a serial line is set up in the loop's next turn
        return client

    def _on_link(self, connected: bool) -> None:  # noqa: FBT001 - pymodbus calls it so
        """A link that breaks ends the question under way; pymodbus would wait for its time-out."""
        client = self._client
        if not connected and self._asking and client is not None:
            future = client.ctx.response_future
            if not future.done():
                future.set_exception(ConnectionResetError("the connection was closed"))

    def _lost(self, reason: str) -> str:
        self._reason = reason
        self._retry_at = _now() + self._retry_s
        self._retry_s = min(self._retry_s * 2, _LONGEST_RETRY_S)
        return reason


def _now() -> float:
    return asyncio.get_running_loop().time()


def _has_transaction_numbers(settings: PortSettings) -> bool:
    return not isinstance(settings, SerialPort) and not settings.rtu_frames


def _client(settings: PortSettings, on_link: Callable[[bool], None]) -> ModbusBaseClient:
    client: ModbusBaseClient
    if isinstance(settings, SerialPort):
        client = AsyncModbusSerialClient(
            settings.path,
            baudrate=settings.baud,
            parity=settings.parity[0].upper(),
            stopbits=settings.stop_bits,
            handle_local_echo=settings.echo,
            reconnect_delay=0,
            timeout=_OUR_OWN_TIMEOUT,
            retries=0,
            trace_connect=on_link,
        )
    else:
        client = AsyncModbusTcpClient(
            settings.host,
            port=settings.port,
            framer=FramerType.RTU if settings.rtu_frames else FramerType.SOCKET,
            reconnect_delay=0,
            timeout=_OUR_OWN_TIMEOUT,
            retries=0,
            trace_connect=on_link,
        )
    client.ctx.framer.decoder = _Decoder()
    return client


def _question(
    client: ModbusBaseClient, unit: int, table: Table, address: int, count: int
) -> Callable[[], Awaitable[ModbusPDU]]:
    ask = {
        "coil": client.read_coils,
        "discrete": client.read_discrete_inputs,
        "holding": client.read_holding_registers,
        "input": client.read_input_registers,
    }[table]
    return lambda: ask(address, count=count, device_id=unit)


def _command(
    client: ModbusBaseClient, unit: int, table: Table, address: int, value: int
) -> Callable[[], Awaitable[ModbusPDU]]:
    if table == "coil":
        return lambda: client.write_coil(address, bool(value), device_id=unit)
    return lambda: client.write_register(address, value, device_id=unit)


def _data(answer: ModbusPDU, table: Table, count: int) -> bytes:
    if isinstance(answer, ExceptionResponse):
        if answer.exception_code == TARGET_SILENT:
            raise SilentError("the gateway had no answer from the unit")
        raise RefusedError(answer.exception_code)
    if not isinstance(answer, _Bytes) or answer.function_code != _CODES[table]:
        raise SilentError("what came was no answer to the question")
    wanted = (count + 7) // 8 if is_bits(table) else count * 2
    if min(answer.declared, len(answer.payload)) < wanted:
        raise ShortError(f"{len(answer.payload)} bytes where {wanted} were asked for")
    if len(answer.payload) > wanted:
        raise SilentError("what came was the answer to another question")
    return _spread(answer.payload, count) if is_bits(table) else answer.payload


def _spread(packed: bytes, count: int) -> bytes:
    """Eight bits in a byte, lowest first -> one byte for each bit."""
    return bytes(packed[index >> 3] >> (index & 7) & 1 for index in range(count))


def _reason(fault: Exception) -> str:
    number = getattr(fault, "errno", None) or 0
    if isinstance(fault, TimeoutError) and not number:
        return "no answer to the connection"
    if number == errno.EAGAIN:
        return "another program has it open"
    if number == errno.EACCES:
        return "Permission denied; serial lines belong to the group dialout"
    if number > 0:
        return os.strerror(number)
    return getattr(fault, "strerror", None) or str(fault) or type(fault).__name__
