"""A bus made of memory: units with registers, faults, and a record of every question."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from agent.bus import RefusedError, ShortError, SilentError, UnreachableError
from agent.equipment import Table, is_bits

ILLEGAL_ADDRESS = 2


@dataclass
class MemoryUnit:
    """A unit where register n holds n, unless it is illegal or keeps silent there."""

    delay: float = 0.01
    alive: bool = True
    illegal: set[int] = field(default_factory=set)
    mute: set[int] = field(default_factory=set)
    limit: int = 125  #: answers only so many registers
    truncates: bool = False
    code: int = ILLEGAL_ADDRESS


@dataclass(frozen=True)
class Asked:
    """One question as the bus saw it."""

    at: float
    unit: int
    address: int
    count: int
    took: float


class MemoryBus:
    """Stands where a port stands."""

    def __init__(self, **units: MemoryUnit) -> None:
        """Units are named u1, u2 … by their unit id."""
        self.units = {int(name[1:]): unit for name, unit in units.items()}
        self.reachable = True
        self.asked: list[Asked] = []
        self.under_way = 0

    async def read(
        self, unit: int, table: Table, address: int, count: int, timeout_s: float
    ) -> bytes:
        assert self.under_way == 0, "two questions at once on one port"
        self.under_way = 1
        start = asyncio.get_running_loop().time()
        try:
            if not self.reachable:
                raise UnreachableError("Connection refused")
            return await self._answer(unit, table, address, count, timeout_s)
        finally:
            self.under_way = 0
            took = asyncio.get_running_loop().time() - start
            self.asked.append(Asked(start, unit, address, count, took))

    async def _answer(
        self, unit: int, table: Table, address: int, count: int, timeout_s: float
    ) -> bytes:
        its = self.units.get(unit)
        wanted = set(range(address, address + count))
        if its is None or not its.alive or its.delay > timeout_s or wanted & its.mute:
            await asyncio.sleep(timeout_s)
            raise SilentError(f"no answer within {timeout_s:g} s")
        await asyncio.sleep(its.delay)
        if wanted & its.illegal or (count > its.limit and not its.truncates):
            raise RefusedError(its.code)
        if count > its.limit:
            raise ShortError("too few bytes")
        if is_bits(table):
            return bytes(number & 1 for number in range(address, address + count))
        return b"".join(number.to_bytes(2, "big") for number in range(address, address + count))

    def close(self) -> None:
        """Nothing to let go of."""

    def per_unit(self) -> dict[int, list[Asked]]:
        """Questions by unit."""
        out: dict[int, list[Asked]] = defaultdict(list)
        for asked in self.asked:
            out[asked.unit].append(asked)
        return out


def at(seconds: float, do: Callable[[], None]) -> None:
    """Let something happen at a moment of the loop's time."""
    asyncio.get_running_loop().call_at(seconds, do)
