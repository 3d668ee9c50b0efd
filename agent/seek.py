"""Find out what answers on a port: unit ids, and which of their registers can be read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass

from agent.bus import Bus, BusError, RefusedError, SilentError, UnreachableError
from agent.equipment import MAX_BITS, MAX_REGISTERS, Table, is_bits

QUESTIONS = 600  #: of one unit, then its scan ends
_NO_SUCH_UNIT = 10  # a gateway that knows no way to it
_GIVE_UP_SILENCES = 3

#: Told after each question: (done, of how many, what is asked).
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Span:
    """Registers or bits that can be read, first to last."""

    table: Table
    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.table} {self.first}-{self.last}"


async def units(
    bus: Bus, ids: Iterable[int], timeout_s: float, progress: Progress
) -> AsyncIterator[int]:
    """The unit ids that answer anything, even a refusal; raises `UnreachableError`."""
    ids = list(ids)
    for done, unit in enumerate(ids):
        progress(done, len(ids), f"unit {unit}")
        if await _answers(bus, unit, timeout_s):
            yield unit
    progress(len(ids), len(ids), "")


async def _answers(bus: Bus, unit: int, timeout_s: float) -> bool:
    try:
        await bus.read(unit, "holding", 0, 1, timeout_s)
    except UnreachableError:
        raise
    except RefusedError as refused:
        return refused.code != _NO_SUCH_UNIT
    except SilentError:
        return False
    except BusError:
        return True
    return True


async def spans(
    bus: Bus, unit: int, wanted: Span, timeout_s: float, progress: Progress
) -> list[Span]:
    """The readable parts of a range, found by halving what is refused.

    Ends early after `QUESTIONS` questions or a few silences; raises `UnreachableError`.
    """
    table, size = wanted.table, wanted.last - wanted.first + 1
    block = MAX_BITS if is_bits(table) else MAX_REGISTERS
    todo = [
        (first, min(block, wanted.last - first + 1))
        for first in range(wanted.first, wanted.last + 1, block)
    ][::-1]
    found: list[Span] = []
    silences = asked = 0
    while todo and asked < QUESTIONS and silences < _GIVE_UP_SILENCES:
        first, count = todo.pop()
        progress(first - wanted.first, size, f"unit {unit}, {table} {first}")
        asked += 1
        try:
            await bus.read(unit, table, first, count, timeout_s)
        except UnreachableError:
            raise
        except BusError as fault:
            silences = silences + 1 if isinstance(fault, SilentError) else 0
            todo += _parts(first, count) if fault.partial else []
        else:
            silences = 0
            _join(found, Span(table, first, first + count - 1))
    progress(size, size, "")
    return found


def _parts(first: int, count: int) -> list[tuple[int, int]]:
    """The halves of a block, the later one first; none of a single register."""
    half = count // 2
    return [(first + half, count - half), (first, half)] if half else []


def _join(found: list[Span], span: Span) -> None:
    if found and found[-1].last + 1 == span.first:
        found[-1] = Span(span.table, found[-1].first, span.last)
    else:
        found.append(span)
