"""What an all-seeing bookkeeper knows: every reading, where it lay, and how it was lost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from agent.contract.blocks import thaw
from agent.contract.records import is_record, thaw_record


@dataclass
class Ledger:
    """Readings are told apart by their values: whole numbers that never repeat."""

    true_times: dict[int, int] = field(default_factory=dict)  #: value -> UTC ms it was read at
    records: set[int] = field(default_factory=set)  #: those that no readings are, but records
    committed: set[int] = field(default_factory=set)  #: some disk confirmed them
    died: set[int] = field(default_factory=set)  #: on a disk that was replaced
    #: stored once, but not in a backup so old that agents no longer know of their streams
    outlived: set[int] = field(default_factory=set)
    #: stored once, but not in a backup older than what left a box is kept there
    aged: set[int] = field(default_factory=set)
    #: what any box ever froze under a number: (stream, number) -> versions of its values
    contents: defaultdict[tuple[str, int], list[set[int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    messages: int = 0
    blocks_sent: int = 0
    counts: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def read(self, at: int) -> int:
        """Take a new reading; returns its value."""
        value = len(self.true_times) + 1
        self.true_times[value] = at
        return value

    def frozen(self, stream: str, number: int, line: bytes) -> None:
        """Note what a box froze under a number."""
        self.contents[stream, number].append(values_of(line))

    def told_again(self, stream: str, number: int, earlier: str, first: int, last: int) -> None:
        """Note that a block or a gap moved to another stream, where it has one number."""
        versions = self.contents[earlier, first]
        if last > first:
            versions = [self.ever_in(earlier, first, last)]
        self.contents[stream, number] += versions

    def ever_in(self, stream: str, first: int, last: int) -> set[int]:
        """All that was ever frozen under some numbers."""
        places = (self.contents[stream, number] for number in range(first, last + 1))
        return {value for versions in places for version in versions for value in version}

    def twofold(self) -> set[int]:
        """What lies under a number that a copy of the box used for something else."""
        return {
            value
            for versions in self.contents.values()
            if len(versions) > 1
            for value in set().union(*versions) - set.intersection(*versions)
        }

    def replaced(self, gone: Iterable[int], left: Iterable[int]) -> None:
        """Note that a disk is gone; what is on the one that takes its place did not die."""
        self.died |= set(gone) - set(left)


def values_of(line: bytes) -> set[int]:
    """The readings of a block, or the number of a record."""
    if is_record(line):
        return {int(thaw_record(line).body["n"])}
    return {int(v) for column in thaw(line).columns for v in column.values if v is not None}
