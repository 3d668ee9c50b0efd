"""Poll once and show what the registers hold: `wellflow-agent read`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from agent.bus import Bus
from agent.contract.blocks import Quality
from agent.equipment import DeviceSettings, PortSettings
from agent.gauges import decoder, raw_text
from agent.modbus import ModbusBus
from agent.rounds import Answer, Round
from agent.screen import paint, table
from agent.settings import AgentSettings

_HEADS = ("tag", "raw", "value", "unit", "quality")


@dataclass(frozen=True, slots=True)
class Row:
    """One tag as it was read."""

    number: int
    tag: str
    raw: str  #: registers as they stood on the wire, in hexadecimal
    value: float | None
    unit: str
    quality: str  #: good, out of range, no answer …
    reason: str  #: what the device or the port said


def look(
    settings: AgentSettings,
    devices: Iterable[str] = (),
    *,
    connect: Callable[[PortSettings], Bus] = ModbusBus,
) -> list[Row]:
    """Read every gauge once, of these devices or of all, in the order of the file."""
    wanted = set(devices) or {device.name for device in settings.devices}
    rows = asyncio.run(_look(settings, wanted, connect))
    return sorted(rows, key=lambda row: row.number)


async def _look(
    settings: AgentSettings, wanted: set[str], connect: Callable[[PortSettings], Bus]
) -> list[Row]:
    ports = [_look_at(settings, port, wanted, connect) for port in settings.ports]
    return [row for rows in await asyncio.gather(*ports) for row in rows]


async def _look_at(
    settings: AgentSettings,
    port: PortSettings,
    wanted: set[str],
    connect: Callable[[PortSettings], Bus],
) -> list[Row]:
    bus = connect(port)
    rows: list[Row] = []
    try:
        for device in settings.devices:
            if device.port == port.name and device.name in wanted:
                rows += await _read(settings, device, bus)
    finally:
        bus.close()
    return rows


async def _read(settings: AgentSettings, device: DeviceSettings, bus: Bus) -> list[Row]:
    now_ms = lambda: time.time_ns() // 1_000_000  # noqa: E731 - as short as its name
    round_ = Round(device, settings.gauges_of(device.name), now_ms)
    outcome = await round_.read(bus, asyncio.get_running_loop().time())
    return [row for answer in outcome.answers for row in _rows(answer)]


def _rows(answer: Answer) -> Iterable[Row]:
    for place in answer.request.places:
        gauge = place.gauge
        value, quality = (
            (None, int(answer.quality))
            if answer.data is None
            else decoder(gauge)(answer.data, place.offset)
        )
        yield Row(
            gauge.number,
            gauge.name,
            raw_text(gauge, answer.data, place.offset),
            value,
            gauge.unit,
            Quality(quality).name.lower().replace("_", " "),
            "" if answer.fault is None else str(answer.fault),
        )


def show(rows: list[Row], decimals: dict[str, int]) -> str:
    """The table for people; `decimals` is the resolution of each tag."""
    return table(
        _HEADS,
        [
            (
                row.tag,
                row.raw,
                "" if row.value is None else f"{row.value:.{decimals[row.tag]}f}",
                row.unit,
                _quality(row),
            )
            for row in rows
        ],
        right=("value",),
    )


def _quality(row: Row) -> str:
    text = f"{row.quality}: {row.reason}" if row.reason else row.quality
    color = "green" if row.quality == "good" else "red" if row.value is None else "yellow"
    return paint(text, color)
