"""Group the gauges of a device into few requests. Pure.

Two neighbours share a request when the registers between them are few (`max_gap`), none of these
lies in a hole, the request stays within the device's limit, and nothing learned at run time cuts
them apart. Registers that a gauge itself needs are never holes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from agent.equipment import (
    BITS_PER_REGISTER,
    TABLES,
    DeviceSettings,
    GaugeSettings,
    Hole,
    Table,
    is_bits,
)


@dataclass(frozen=True, slots=True)
class Place:
    """A gauge in an answer, and how many registers (or bits) from its start it stands."""

    gauge: GaugeSettings
    offset: int


@dataclass(frozen=True, slots=True)
class Request:
    """One read: `count` registers (or bits) of a table from `address` on."""

    table: Table
    address: int
    count: int
    places: tuple[Place, ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        """Tag numbers of its gauges."""
        return tuple(place.gauge.number for place in self.places)

    @property
    def span(self) -> str:
        """What it reads, for people: "holding 100-119"."""
        last = self.address + self.count - 1
        return f"{self.table} {self.address}" + (f"-{last}" if last > self.address else "")


def plan(
    gauges: Iterable[GaugeSettings],
    device: DeviceSettings,
    *,
    holes: Collection[Hole] = (),
    cuts: Collection[int] = (),
) -> tuple[Request, ...]:
    """Requests that read every gauge exactly once.

    `holes` are added to those of the device; a gauge whose number is in `cuts` starts a request.
    """
    requests: list[Request] = []
    block: list[GaugeSettings] = []
    avoid = (*device.holes, *holes)
    for gauge in sorted(gauges, key=_position):
        if block and not (gauge.number not in cuts and _fits(block, gauge, device, avoid)):
            requests.append(_request(block))
            block = []
        block.append(gauge)
    if block:
        requests.append(_request(block))
    return tuple(requests)


def _position(gauge: GaugeSettings) -> tuple[int, int, int]:
    return TABLES.index(gauge.table), gauge.address, gauge.number


def _fits(
    block: list[GaugeSettings],
    gauge: GaugeSettings,
    device: DeviceSettings,
    holes: Collection[Hole],
) -> bool:
    first = block[0]
    if gauge.table != first.table:
        return False
    bits = is_bits(gauge.table)
    limit = device.max_bits if bits else device.max_registers
    max_gap = device.max_gap * (BITS_PER_REGISTER if bits else 1)
    end = max(member.end for member in block)
    if gauge.address - end > max_gap or max(end, gauge.end) - first.address > limit:
        return False
    return not any(
        hole.table == gauge.table and hole.first < gauge.address and hole.last >= end
        for hole in holes
    )


def _request(block: list[GaugeSettings]) -> Request:
    start = block[0].address
    places = tuple(Place(gauge, gauge.address - start) for gauge in block)
    return Request(block[0].table, start, max(g.end for g in block) - start, places)


def halves(request: Request) -> tuple[Request, Request]:
    """Split a request of at least two gauges into two, to find out which part is refused."""
    gauges = [place.gauge for place in request.places]
    middle = len(gauges) // 2
    return _request(gauges[:middle]), _request(gauges[middle:])


def opening(request: Request) -> Request:
    """The smallest request that shows whether a device is there: the first gauge of another."""
    return _request([request.places[0].gauge])
