"""The rules of a stream, as decisions without a database: what to store, what to answer.

Identity is (agent, stream, number). Whoever holds the lock on a stream's row asks here what a
message means for it, and then stores exactly what the verdict names. Each rule was found by
simulation; `docs/architecture.md` tells which fault each one closes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.contract.control import Receipt, StreamState
from agent.contract.wire import Gap, Message, checksum

#: Checksum of a stream after a message that could be settled but not read: adopt the next one.
UNKNOWN = -1
_UNCOMPARED = {"released", "moved"}


@dataclass(frozen=True, slots=True)
class StreamRow:
    """What the hub knows of a stream; a new stream starts with the defaults."""

    number: int = 0  #: highest number stored without a gap
    checksum: int = 0  #: running checksum there
    announced: int = 0  #: highest number the agent ever said it had issued
    closed: int | None = None  #: its last number, once it takes no more


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a message means: parts to store, the stream's new row, and how to answer."""

    row: StreamRow
    stored: tuple[tuple[int, bytes | Gap], ...] = ()  #: (number, block line or gap)
    want: int | None = None  #: a number is missing: ask for it, store nothing
    fork: bool = False  #: the message continues another history: store nothing

    def receipt(self, stream: str) -> Receipt | None:
        """The receipt to publish after commit; none when a number is wanted instead."""
        if self.want is not None:
            return None
        return Receipt(stream, self.row.number, self.row.checksum, self.fork)


def judge(row: StreamRow, message: Message, parent: StreamRow | None = None) -> Verdict:
    """Decide about a message under the lock of its stream's row.

    `parent` is the row of the stream it forked from, if its agent still knows of one. Until that is
    stored to its end nothing of this one is: what is on its way under the old numbers could be
    stored after its copy here had been looked up.

    Only parts above the row's number are stored, so re-cut, overlapping and repeated deliveries
    are safe. A message that starts beyond the next number is not stored: the agent is asked for
    what lies between. Raises `WireError` when lines and numbers do not match; `settle` then.
    """
    parts = message.parts()
    if message.last <= row.number:
        return Verdict(_closing(row, message))
    too_early = (
        parent is not None and message.after is not None and parent.number < message.after[1]
    )
    if message.first > row.number + 1 or too_early:
        return Verdict(row, want=row.number + 1)
    fresh = [(number, part) for number, part in parts if _end(number, part) > row.number]
    if _forked(row, message, parts, fresh[0]):
        return Verdict(row, fork=True)
    after = _before(row, message, parts)
    for _, part in fresh:
        after = checksum(part, after)
    stored = tuple(_trimmed(number, part, row.number) for number, part in fresh)
    return Verdict(_closing(replace(row, number=message.last, checksum=after), message), stored)


def settle(row: StreamRow, first: int, last: int) -> Verdict:
    """Advance past a message whose envelope is readable but whose content is not.

    Its bytes go to quarantine whole, so that it is not sent for ever.
    """
    if last <= row.number:
        return Verdict(row)
    if first > row.number + 1:
        return Verdict(row, want=row.number + 1)
    return Verdict(replace(row, number=last, checksum=UNKNOWN))


def _end(number: int, part: bytes | Gap) -> int:
    return part.last if isinstance(part, Gap) else number


def _before(row: StreamRow, message: Message, parts: list[tuple[int, bytes | Gap]]) -> int:
    running = message.before
    for number, part in parts:
        if _end(number, part) > row.number:
            break
        running = checksum(part, running)
    return running


def _forked(
    row: StreamRow,
    message: Message,
    parts: list[tuple[int, bytes | Gap]],
    first_fresh: tuple[int, bytes | Gap],
) -> bool:
    """Whether the message continues a history other than the one stored.

    What was evicted or moved at the agent has no checksum to compare. Any other gap was made before
    it was ever sent: only in another history can the hub stand in the middle of it.
    """
    number, part = first_fresh
    if row.checksum == UNKNOWN or (isinstance(part, Gap) and part.reason in _UNCOMPARED):
        return False
    return number <= row.number or _before(row, message, parts) != row.checksum


def _trimmed(number: int, part: bytes | Gap, above: int) -> tuple[int, bytes | Gap]:
    if isinstance(part, Gap) and number <= above:
        return above + 1, replace(part, first=above + 1)
    return number, part


def _closing(row: StreamRow, message: Message) -> StreamRow:
    announced = max(row.announced, message.last)
    closed = row.closed if message.closed is None else message.closed
    return replace(row, announced=announced, closed=closed)


@dataclass(frozen=True, slots=True)
class Announcement:
    """What an announced stream means: its new row, and what a person should be told."""

    row: StreamRow
    went_back: bool = False  #: the agent has issued less than is stored: a restored or cloned disk
    lost: tuple[int, int] | None = None  #: numbers that were announced and went with a disk

    def receipt(self, stream: str) -> Receipt:
        """The answer: where the hub stands; the agent continues from there."""
        return Receipt(stream, self.row.number, self.row.checksum)


def announce(row: StreamRow, state: StreamState) -> Announcement:
    """Take note of a stream an agent says it keeps.

    A close below the hub's number means that the box went back in time. A close below what was
    announced before means that a disk took the rest with it: those numbers get a name.
    A retained birth may be old; whoever hears one must not believe its `went_back`.
    """
    issued = state.next - 1
    if state.closed is None:
        new = replace(row, announced=max(row.announced, issued))
        return Announcement(new, went_back=issued < row.number)
    new = replace(row, announced=max(row.announced, issued), closed=state.closed)
    reached = max(state.closed, row.number)
    lost = (reached + 1, row.announced) if row.announced > reached else None
    return Announcement(new, went_back=state.closed < row.number, lost=lost)
