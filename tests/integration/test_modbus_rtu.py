"""Modbus RTU over a pseudo-terminal pair: our own site at the other end, and pymodbus's server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pymodbus.server import ModbusSerialServer

from agent.bus import RefusedError, ShortError, SilentError, UnreachableError
from agent.equipment import DeviceSettings, GaugeSettings, SerialPort, TcpPort
from agent.look import Row, _look
from agent.modbus import ModbusBus
from agent.settings import AgentSettings
from agent.simulator import Faults, SimulatedDevice, Site, SitePlan
from agent.simulator.server import checksum
from tests.field.peers import pymodbus_device
from tests.field.settings import gauges_at, site


def ptys_work() -> bool:
    """Whether this machine can make pseudo-terminals."""
    try:
        for fd in os.openpty():
            os.close(fd)
    except OSError:
        return False
    return True


pytestmark = pytest.mark.skipif(not ptys_work(), reason="no pseudo-terminals on this machine")


def go(main: Coroutine[Any, Any, Any]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(30):
            return await main

    return asyncio.run(bounded())


def line(folder: Path) -> SerialPort:
    return SerialPort("line", str(folder / "line"), 9600)


def two_units(folder: Path) -> AgentSettings:
    devices = [DeviceSettings(f"well-{n}", "line", n, 1.0, 0.3) for n in (1, 2)]
    gauges = (
        *gauges_at(devices[0], range(10)),
        GaugeSettings(
            11, "well-1.p", "well-1", "input", 4, "float32", word_order="little", high=50.0
        ),
        *gauges_at(devices[1], [0], 12),
    )
    return site(devices, gauges, (line(folder),))


COUNTERS = SitePlan(
    devices={name: SimulatedDevice("count_reads", strict=True) for name in ("well-1", "well-2")}
)


@asynccontextmanager
async def on_the_line(folder: Path) -> AsyncIterator[tuple[Site, ModbusBus]]:
    settings = two_units(folder)
    async with Site(settings, COUNTERS) as running:
        bus = ModbusBus(settings.ports[0])
        try:
            yield running, bus
        finally:
            bus.close()


async def look(settings: AgentSettings) -> dict[str, Row]:
    rows = await _look(settings, {d.name for d in settings.devices}, ModbusBus)
    return {row.tag: row for row in rows}


# ---------------------------------------------------------------------------- our site on a line


def test_two_units_share_a_line(tmp_path: Path) -> None:
    async def main() -> dict[str, Row]:
        async with Site(two_units(tmp_path), COUNTERS):
            return await look(two_units(tmp_path))

    rows = go(main())
    assert [rows[f"well-1.g{n}"].value for n in range(10)] == [1] * 10
    assert (rows["well-1.p"].value, rows["well-1.p"].raw) == (1.0, "0000 3F80")
    assert rows["well-2.g0"].value == 1
    assert {row.quality for row in rows.values()} == {"good"}


def test_a_silent_unit_leaves_the_other_one_readable(tmp_path: Path) -> None:
    async def main() -> dict[str, Row]:
        async with Site(two_units(tmp_path), COUNTERS) as running:
            running.faults.set("well-1", Faults(silent=True))
            return await look(two_units(tmp_path))

    rows = go(main())
    assert {rows[f"well-1.g{n}"].quality for n in range(10)} == {"no answer"}
    assert rows["well-1.p"].quality == "not read"
    assert rows["well-2.g0"].quality == "good"


def test_a_wrong_unit_id_is_silence_on_a_line(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_the_line(tmp_path) as (_, bus):
            with pytest.raises(SilentError):
                await bus.read(9, "holding", 0, 1, 0.2)
            assert await bus.read(1, "holding", 0, 1, 2) == b"\x00\x01"

    go(main())


def test_refusals_short_answers_and_other_units_answers(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_the_line(tmp_path) as (running, bus):
            running.faults.set("well-1", Faults(illegal=(3,)))
            with pytest.raises(RefusedError, match="illegal address"):
                await bus.read(1, "holding", 0, 10, 2)
            running.faults.set("well-1", Faults(short=2))
            with pytest.raises(ShortError):
                await bus.read(1, "holding", 0, 10, 2)
            running.faults.set("well-1", Faults(answers_as=2))
            with pytest.raises(SilentError):
                await bus.read(1, "holding", 0, 10, 0.2)
            running.faults.set("well-1")
            assert len(await bus.read(1, "holding", 0, 10, 2)) == 20

    go(main())


def test_a_late_answer_does_not_reach_the_next_unit(tmp_path: Path) -> None:
    async def main() -> bytes:
        async with on_the_line(tmp_path) as (running, bus):
            running.faults.set("well-1", Faults(delay_s=0.12))
            with pytest.raises(SilentError):
                await bus.read(1, "holding", 0, 1, 0.1)
            return await bus.read(2, "holding", 0, 1, 2)

    assert go(main()) == b"\x00\x01"


def test_a_line_that_is_not_there_and_then_is(tmp_path: Path) -> None:
    async def main() -> None:
        bus = ModbusBus(line(tmp_path))
        with pytest.raises(UnreachableError, match="No such file"):
            await bus.read(1, "holding", 0, 1, 1)
        async with Site(two_units(tmp_path), COUNTERS):
            answer = b""
            while not answer:
                with contextlib.suppress(UnreachableError):
                    answer = await bus.read(1, "holding", 0, 1, 2)
                await asyncio.sleep(0.02)
        bus.close()
        assert answer == b"\x00\x01"

    go(main())


# ----------------------------------------------------------------------- servers that are not ours


def test_a_serial_server_by_others_at_the_end_of_a_socat_pair(tmp_path: Path) -> None:
    if shutil.which("socat") is None:
        pytest.skip("socat is not installed (apt install socat)")
    ours, theirs = tmp_path / "line", tmp_path / "theirs"
    pair = subprocess.Popen(
        ["socat", f"pty,raw,echo=0,link={ours}", f"pty,raw,echo=0,link={theirs}"]
    )

    async def main() -> tuple[bytes, bytes]:
        while not (ours.exists() and theirs.exists()):
            await asyncio.sleep(0.01)
        unit = pymodbus_device(1, holding={0: [1, 2, 3]}, coils={0: [True, False, True]})
        server = ModbusSerialServer(unit, port=str(theirs), baudrate=9600)
        await server.serve_forever(background=True)
        bus = ModbusBus(line(tmp_path))
        try:
            return await bus.read(1, "holding", 0, 3, 5), await bus.read(1, "coil", 0, 3, 5)
        finally:
            bus.close()
            await server.shutdown()

    try:
        registers, coils = go(main())
    finally:
        pair.terminate()
        pair.wait(5)
    assert registers == b"\x00\x01\x00\x02\x00\x03"
    assert coils == b"\x01\x00\x01"


def test_rtu_frames_through_a_serial_device_server() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while question := await reader.readexactly(8):
                assert checksum(question[:-2]) == question[-2:]
                body = question[:2] + b"\x02" + question[2:4]  # each register holds its address
                writer.write(body + checksum(body))
        writer.close()

    async def main() -> bytes:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        bus = ModbusBus(TcpPort("pad", "127.0.0.1", port, rtu_frames=True))
        try:
            return await bus.read(7, "input", 513, 1, 5)
        finally:
            bus.close()
            await asyncio.sleep(0.05)
            server.close()

    assert go(main()) == b"\x02\x01"


def test_the_checksum_is_the_one_of_the_specification() -> None:
    assert checksum(bytes.fromhex("010300000001")) == bytes.fromhex("840A")
