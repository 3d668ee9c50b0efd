"""The port over real sockets: against a server by others, and against one that misbehaves."""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Coroutine
from typing import Any

import pytest

from agent.bus import BusError, RefusedError, ShortError, SilentError, UnreachableError
from agent.contract.blocks import Quality
from agent.equipment import GaugeSettings, TcpPort
from agent.look import Row, _look
from agent.modbus import ModbusBus
from tests.field.peers import framed, pymodbus_device, pymodbus_tcp, scripted_tcp
from tests.field.settings import device, site

GOOD = "good"


def go(main: Coroutine[Any, Any, Any]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(30):
            return await main

    return asyncio.run(bounded())


def words(code: str, value: float) -> list[int]:
    """Registers of a value by the standard library alone, high word first."""
    packed = struct.pack(">" + code, value)
    return list(struct.unpack(f">{len(packed) // 2}H", packed))


def gauge(number: int, address: int, kind: str, table: str = "holding", **more: object):
    return GaugeSettings(number, f"well-1.g{number}", "well-1", table, address, kind, **more)


async def look(port: TcpPort, gauges: list[GaugeSettings], **limits: object) -> dict[int, Row]:
    settings = site([device(1, **limits)], gauges, (port,))
    rows = await _look(settings, {"well-1"}, ModbusBus)
    return {row.number: row for row in rows}


# ------------------------------------------------------------------ a server that is not ours


def test_every_type_and_order_from_a_server_by_others() -> None:
    swapped = [int.from_bytes(w.to_bytes(2, "big"), "little") for w in words("f", 12.5)]
    holding = {
        0: words("h", -5) + words("H", 65_000) + words("i", -70_000) + words("I", 4_000_000_000),
        10: words("q", -(2**40)) + words("Q", 2**50) + words("f", 123.456) + words("d", -1e-6),
        30: words("f", 12.5)[::-1] + swapped + swapped[::-1],
        40: [*words("Q", 2**50)[::-1], 0b0000_0100_0000_0000],
    }
    gauges = [
        gauge(1, 0, "int16"),
        gauge(2, 1, "uint16", scale=0.1, decimals=1),
        gauge(3, 2, "int32"),
        gauge(4, 4, "uint32"),
        gauge(5, 10, "int64"),
        gauge(6, 14, "uint64"),
        gauge(7, 18, "float32"),
        gauge(8, 20, "float64", decimals=9),
        gauge(9, 30, "float32", word_order="little"),
        gauge(10, 32, "float32", byte_order="little"),
        gauge(11, 34, "float32", byte_order="little", word_order="little"),
        gauge(12, 40, "uint64", word_order="little"),
        gauge(13, 44, "bit", bit=10),
        gauge(14, 44, "bit", bit=9),
        gauge(15, 7, "bool", "coil"),
        gauge(16, 8, "bool", "coil"),
        gauge(17, 3, "bool", "discrete"),
        gauge(18, 100, "uint16", "input"),
    ]
    unit = pymodbus_device(
        1,
        holding=holding,
        inputs={100: [77]},
        coils={0: [False] * 8 + [True]},
        discretes={3: [True]},
    )

    async def main() -> dict[int, Row]:
        async with pymodbus_tcp(unit) as port:
            return await look(TcpPort("pad", "127.0.0.1", port), gauges)

    rows = go(main())
    expected = [-5, 6500, -70_000, 4e9, -(2**40), 2**50, 123.456, -1e-6, 12.5, 12.5, 12.5]
    expected += [2**50, 1, 0, 0, 1, 1, 77]
    assert [rows[number].value for number in range(1, 19)] == expected
    assert {row.quality for row in rows.values()} == {GOOD}
    assert rows[1].raw == "FFFB"
    assert rows[7].raw == "42F6 E979"


def test_an_illegal_address_inside_a_block_takes_only_its_own_gauge() -> None:
    unit = pymodbus_device(1, holding={0: [10, 11, 12], 4: [14, 15]})
    gauges = [gauge(n + 1, n, "uint16") for n in range(6)]

    async def main() -> dict[int, Row]:
        async with pymodbus_tcp(unit) as port:
            return await look(TcpPort("pad", "127.0.0.1", port), gauges)

    rows = go(main())
    assert [rows[n].value for n in range(1, 7)] == [10, 11, 12, None, 14, 15]
    assert (rows[4].quality, rows[4].reason) == ("refused", "illegal address")


def test_a_wrong_unit_id_is_told_by_the_server() -> None:
    async def main() -> dict[int, Row]:
        async with pymodbus_tcp(pymodbus_device(2, holding={0: [1]})) as port:
            return await look(TcpPort("pad", "127.0.0.1", port), [gauge(1, 0, "uint16")])

    assert go(main())[1].quality == "refused"


def test_a_full_block_of_125_registers_and_2000_coils() -> None:
    unit = pymodbus_device(
        1, holding={0: list(range(125))}, coils={0: [n % 3 == 0 for n in range(2000)]}
    )

    async def main() -> tuple[bytes, bytes]:
        async with pymodbus_tcp(unit) as port:
            bus = ModbusBus(TcpPort("pad", "127.0.0.1", port))
            try:
                return (
                    await bus.read(1, "holding", 0, 125, 5),
                    await bus.read(1, "coil", 0, 2000, 5),
                )
            finally:
                bus.close()

    registers, coils = go(main())
    assert struct.unpack(">125H", registers) == tuple(range(125))
    assert list(coils) == [int(n % 3 == 0) for n in range(2000)]


# --------------------------------------------------------------------- what goes wrong on a link


async def ask(port: int, *, timeout_s: float = 2.0, table: str = "holding", count: int = 2) -> Any:
    bus = ModbusBus(TcpPort("pad", "127.0.0.1", port))
    try:
        return await bus.read(1, table, 0, count, timeout_s)
    except BusError as fault:
        return fault
    finally:
        bus.close()


def answered_with(script: Any, **how: Any) -> Any:
    async def main() -> Any:
        async with scripted_tcp(script) as port:
            return await ask(port, **how)

    return go(main())


def test_nothing_listens() -> None:
    fault = go(ask(1))
    assert isinstance(fault, UnreachableError)
    assert str(fault) == "Connection refused"


def test_silence_ends_at_the_timeout() -> None:
    fault = answered_with(lambda _unit, _pdu: None, timeout_s=0.2)
    assert isinstance(fault, SilentError)
    assert str(fault) == "no answer within 0.2 s"


@pytest.mark.parametrize(
    "pdu",
    [
        b"\x03\x02\x00\x01",  # one register where two were asked for
        b"\x03\x04\x00\x01",  # says four bytes, holds two
        b"\x03\x00",
        b"\x03",
    ],
)
def test_too_few_bytes(pdu: bytes) -> None:
    fault = answered_with(lambda unit, _: framed(unit, pdu))
    assert isinstance(fault, ShortError), fault
    assert fault.quality == Quality.SHORT


@pytest.mark.parametrize(
    ("code", "kind", "says"),
    [
        (1, RefusedError, "illegal function"),
        (2, RefusedError, "illegal address"),
        (6, RefusedError, "busy"),
        (10, RefusedError, "no way to this unit"),
        (11, SilentError, "the gateway had no answer from the unit"),
        (99, RefusedError, "exception 99"),
    ],
)
def test_exceptions(code: int, kind: type[BusError], says: str) -> None:
    fault = answered_with(lambda unit, pdu: framed(unit, bytes([pdu[0] | 0x80, code])))
    assert type(fault) is kind
    assert str(fault) == says


@pytest.mark.parametrize(
    "answer",
    [
        lambda unit, _: framed(unit + 1, b"\x03\x04\x00\x01\x00\x02"),  # another unit
        lambda unit, _: framed(unit, b"\x04\x04\x00\x01\x00\x02"),  # another function
        lambda unit, _: framed(unit, b"\x03\x06\x00\x01\x00\x02\x00\x03"),  # another count
        lambda unit, _: framed(unit, b"\x55\x01\x02\x03"),  # an unknown function
        lambda unit, _: framed(unit, b"\x83"),  # an exception without its code
        lambda unit, _: b"\xff\xff" + framed(unit, b"\x03\x04\x00\x01\x00\x02")[2:],  # no Modbus
        lambda unit, _: b"\x00",
    ],
)
def test_what_is_no_answer_is_no_answer(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    fault = answered_with(answer, timeout_s=0.2)
    assert isinstance(fault, SilentError)
    assert caplog.records == []


def test_a_late_answer_is_not_taken_for_the_next_question() -> None:
    """The unit answers the first question when the second is already under way."""
    asked = 0

    async def main() -> list[Any]:
        second = asyncio.Event()

        async def late() -> None:
            if asked == 0:
                await second.wait()

        def script(unit: int, pdu: bytes) -> bytes:
            nonlocal asked
            asked += 1
            return framed(unit, b"\x03\x02" + asked.to_bytes(2, "big"))

        async with scripted_tcp(script, late=late) as port:
            bus = ModbusBus(TcpPort("pad", "127.0.0.1", port))
            with pytest.raises(SilentError):
                await bus.read(1, "holding", 0, 1, 0.1)
            asyncio.get_running_loop().call_later(0.1, second.set)
            answers = [await bus.read(1, "holding", 0, 1, 5), await bus.read(1, "holding", 0, 1, 5)]
            bus.close()
            return answers

    assert go(main()) == [b"\x00\x02", b"\x00\x03"]


def test_a_connection_that_breaks_ends_the_question_at_once() -> None:
    def hang_up(_unit: int, _pdu: bytes) -> bytes:
        raise EOFError

    fault = answered_with(hang_up, timeout_s=20)
    assert isinstance(fault, UnreachableError)


def test_a_server_that_returns_is_asked_again() -> None:
    unit = pymodbus_device(1, holding={0: [7]})

    async def main() -> list[Any]:
        seen: list[Any] = []
        async with pymodbus_tcp(unit) as port:
            bus = ModbusBus(TcpPort("pad", "127.0.0.1", port))
            seen.append(await bus.read(1, "holding", 0, 1, 2))
        with pytest.raises(BusError):
            await bus.read(1, "holding", 0, 1, 0.2)
        async with pymodbus_tcp(pymodbus_device(1, holding={0: [8]}), port=port):
            while len(seen) < 2:
                try:
                    seen.append(await bus.read(1, "holding", 0, 1, 2))
                except UnreachableError:
                    await asyncio.sleep(0.05)
        bus.close()
        return seen

    assert go(main()) == [b"\x00\x07", b"\x00\x08"]


def test_an_endpoint_that_does_not_answer_costs_a_beat_no_time_twice() -> None:
    """An address nobody answers at: the first question waits, the next ones are told at once."""

    async def main() -> list[float]:
        port = TcpPort("pad", "192.0.2.1", connect_timeout_s=1.0)  # reserved, leads nowhere
        bus = ModbusBus(port)
        took = []
        for _ in range(3):
            start = asyncio.get_running_loop().time()
            with pytest.raises(UnreachableError):
                await bus.read(1, "holding", 0, 1, 0.1)
            took.append(asyncio.get_running_loop().time() - start)
        bus.close()
        return took

    assert max(go(main())[1:]) < 0.05


def test_pymodbus_says_nothing_about_faults(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    answered_with(lambda _unit, _pdu: None, timeout_s=0.05)
    go(ask(1))
    assert caplog.records == []
