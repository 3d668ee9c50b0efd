"""An outbox in the hands of a test: readings in by number, and what comes out again."""

from __future__ import annotations

from collections.abc import Iterable

from agent.contract.blocks import ClockState, Sample, Stamp, thaw
from agent.contract.wire import Gap, Message
from agent.outbox import Limits, Outbox, StreamInfo

T0 = 1_750_000_000_000  #: UTC milliseconds of reading 0
DAY_MS = 86_400_000
ROOMY = Limits(min_free_bytes=0)


def sample(number: int, t0: int = T0) -> Sample:
    """A reading that tells its number: one a second, the value is the number."""
    return Sample(1, t0 + 1000 * number, float(number))


def put(
    outbox: Outbox,
    numbers: Iterable[int],
    *,
    t0: int = T0,
    cut: bool = True,
    boot: str = "boot-a",
    clock: ClockState = ClockState.SET,
) -> None:
    """Stage and commit readings; they become one block if `cut`."""
    outbox.stage([sample(number, t0) for number in numbers])
    outbox.commit(Stamp(1, boot, clock, t0, 1000), t0, cut=cut)


def fill(outbox: Outbox, blocks: int, *, per_block: int = 3, t0: int = T0) -> None:
    """Freeze so many blocks of consecutive readings from 0 on."""
    for block in range(blocks):
        put(outbox, range(block * per_block, (block + 1) * per_block), t0=t0)


def fresh(limits: Limits = ROOMY) -> Outbox:
    """An outbox without a file whose life has begun."""
    outbox = Outbox.in_memory(limits)
    outbox.begin_life(T0)
    return outbox


def live(outbox: Outbox) -> StreamInfo:
    """The stream that takes new blocks."""
    return outbox.streams()[-1]


def messages(outbox: Outbox, stream: str, start: int = 1, size: int = 4096) -> list[Message]:
    """All that can be cut from a stream, in order."""
    out: list[Message] = []
    while (message := outbox.take(stream, start, size)) is not None:
        out.append(message)
        start = message.last + 1
    return out


def parts(outbox: Outbox, stream: str, start: int = 1) -> list[tuple[int, bytes | Gap]]:
    """Blocks and gaps of a stream with their numbers."""
    return [part for message in messages(outbox, stream, start) for part in message.parts()]


def gaps(outbox: Outbox, stream: str, start: int = 1) -> list[Gap]:
    """Gaps of a stream."""
    return [part for _, part in parts(outbox, stream, start) if isinstance(part, Gap)]


def lines(outbox: Outbox, stream: str, start: int = 1) -> dict[int, bytes]:
    """Blocks of a stream as they would be sent, by number."""
    return {n: part for n, part in parts(outbox, stream, start) if isinstance(part, bytes)}


def readings(blocks: Iterable[bytes]) -> list[Sample]:
    """What blocks hold, in their order."""
    return [s for line in blocks for column in thaw(line).columns for s in column.samples()]


def values(outbox: Outbox, stream: str) -> list[int]:
    """Numbers of the readings in a stream."""
    return [int(s.value or 0) for s in readings(lines(outbox, stream).values())]


def all_values(outbox: Outbox) -> list[int]:
    """Numbers of all readings frozen in any stream."""
    return [value for info in outbox.streams() for value in values(outbox, info.id)]
