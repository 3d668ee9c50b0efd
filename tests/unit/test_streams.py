"""The rules of a stream, one by one, and what they promise together: each number exactly once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.contract.control import Receipt, StreamState
from agent.contract.errors import WireError
from agent.contract.wire import Gap, Message, checksum
from hub.ingest.streams import UNKNOWN, StreamRow, Verdict, announce, judge, settle

Part = tuple[int, bytes | Gap]


def gap(first: int, last: int, reason: str = "released", after: int = 4711) -> Gap:
    return Gap(first, last, reason, 10 * (last - first + 1), 1000, 2000, after)


class History:
    """One history of a stream: its blocks and gaps by number, and the checksum after each."""

    def __init__(self, *parts: bytes | Gap) -> None:
        self.parts: list[Part] = []
        self.after = {0: 0}
        number, running = 1, 0
        for part in parts:
            self.parts.append((number, part))
            running = checksum(part, running)
            number = part.last + 1 if isinstance(part, Gap) else number + 1
            self.after[number - 1] = running
        self.last = number - 1

    def cut(self, first: int, last: int, closed: int | None = None) -> Message:
        """The message of the parts that begin within first to last."""
        parts = [(number, part) for number, part in self.parts if first <= number <= last]
        lines = tuple(part for _, part in parts if isinstance(part, bytes))
        gaps = tuple(part for _, part in parts if isinstance(part, Gap))
        start, (end, tail) = parts[0][0], parts[-1]
        reach = tail.last if isinstance(tail, Gap) else end
        return Message("s", start, reach, self.after[start - 1], lines, gaps, closed)

    def row(self, number: int) -> StreamRow:
        """The row of a hub that has stored it up to a number."""
        return StreamRow(number, self.after[number], number)


FIVE = History(b"one", b"two", b"three", b"four", b"five")
OTHER = History(b"one", b"zwei", b"drei", b"four", b"five")


# ------------------------------------------------------------------------- what is stored


def test_the_first_message_of_a_stream_is_stored_whole() -> None:
    verdict = judge(StreamRow(), FIVE.cut(1, 3))
    assert verdict == Verdict(FIVE.row(3), ((1, b"one"), (2, b"two"), (3, b"three")))
    assert verdict.receipt("s") == Receipt("s", 3, FIVE.after[3])


def test_the_next_message_continues() -> None:
    assert judge(FIVE.row(3), FIVE.cut(4, 5)) == Verdict(FIVE.row(5), ((4, b"four"), (5, b"five")))


@pytest.mark.parametrize(("first", "last"), [(1, 3), (2, 2), (3, 3)])
def test_a_repeat_is_receipted_and_not_stored(first: int, last: int) -> None:
    verdict = judge(FIVE.row(3), FIVE.cut(first, last))
    assert verdict == Verdict(FIVE.row(3))
    assert verdict.receipt("s") == Receipt("s", 3, FIVE.after[3])


def test_of_an_overlap_only_what_is_new_is_stored() -> None:
    assert judge(FIVE.row(2), FIVE.cut(1, 4)) == Verdict(FIVE.row(4), ((3, b"three"), (4, b"four")))


def test_what_lies_beyond_the_next_number_is_not_stored_but_asked_for() -> None:
    verdict = judge(FIVE.row(1), FIVE.cut(3, 5))
    assert verdict == Verdict(FIVE.row(1), want=2)
    assert verdict.receipt("s") is None


def test_lines_that_do_not_make_up_the_numbers_raise() -> None:
    with pytest.raises(WireError):
        judge(StreamRow(), replace(FIVE.cut(1, 3), lines=(b"one",)))


def test_a_message_can_close_its_stream_even_as_a_repeat() -> None:
    closed = replace(FIVE.row(5), closed=5)
    assert judge(FIVE.row(4), FIVE.cut(5, 5, closed=5)).row == closed
    assert judge(FIVE.row(5), FIVE.cut(5, 5, closed=5)).row == closed
    assert judge(closed, FIVE.cut(4, 5)).row == closed


def test_what_was_announced_is_never_forgotten() -> None:
    row = replace(FIVE.row(1), announced=4)
    assert judge(row, FIVE.cut(2, 2)).row.announced == 4
    assert judge(row, FIVE.cut(2, 5)).row.announced == 5


# ----------------------------------------------------------------------------------- forks


def test_a_continuation_of_another_history_is_a_fork() -> None:
    verdict = judge(FIVE.row(3), OTHER.cut(4, 5))
    assert verdict == Verdict(FIVE.row(3), fork=True)
    assert verdict.receipt("s") == Receipt("s", 3, FIVE.after[3], fork=True)


@pytest.mark.parametrize(("stored", "kept"), [(0, 0), (3, 0), (4, 5), (9, 5)])
def test_nothing_of_a_fork_is_stored_before_the_stream_it_left(stored: int, kept: int) -> None:
    fork = replace(FIVE.cut(1, 5), after=("parent", 4))
    verdict = judge(StreamRow(), fork, StreamRow(number=stored))
    assert len(verdict.stored) == kept
    assert verdict.want == (None if kept else 1)


def test_a_fork_whose_parent_its_agent_forgot_is_stored() -> None:
    assert len(judge(StreamRow(), FIVE.cut(1, 5), None).stored) == 5


def test_an_overlap_shows_a_fork_in_what_is_stored_already() -> None:
    assert judge(FIVE.row(3), OTHER.cut(2, 5)).fork
    assert judge(FIVE.row(3), OTHER.cut(1, 5)).fork


def test_an_overlap_that_agrees_where_the_hub_stands_is_no_fork() -> None:
    assert not judge(FIVE.row(1), OTHER.cut(1, 5)).fork


def test_another_history_that_brings_nothing_new_changes_nothing() -> None:
    assert judge(FIVE.row(3), OTHER.cut(1, 3)) == Verdict(FIVE.row(3))


# ------------------------------------------------------------------------------------ gaps


def test_a_gap_stands_for_its_numbers_and_carries_the_checksum_on() -> None:
    holed = History(b"one", gap(2, 4), b"five")
    verdict = judge(holed.row(1), holed.cut(2, 5))
    assert verdict.stored == ((2, gap(2, 4)), (5, b"five"))
    assert verdict.row == StreamRow(5, checksum(b"five", 4711), 5)


@pytest.mark.parametrize("reason", ["released", "moved"])
def test_a_gap_in_front_of_what_was_evicted_or_moved_is_never_a_fork(reason: str) -> None:
    message = Message("s", 3, 5, 999, (b"five",), (gap(3, 4, reason),))
    verdict = judge(FIVE.row(2), message)
    assert not verdict.fork
    assert verdict.row == StreamRow(5, checksum(b"five", 4711), 5)


@pytest.mark.parametrize("reason", ["thinned", "lost"])
def test_a_gap_in_front_with_a_checksum_to_compare_is_compared(reason: str) -> None:
    message = Message("s", 3, 4, 999, (), (gap(3, 4, reason),))
    assert judge(FIVE.row(2), message).fork
    assert not judge(FIVE.row(2), replace(message, before=FIVE.after[2])).fork


@pytest.mark.parametrize("reason", ["released", "moved"])
def test_a_gap_that_straddles_the_hubs_number_is_trimmed(reason: str) -> None:
    message = Message("s", 1, 5, 0, (b"five",), (gap(1, 4, reason),))
    verdict = judge(FIVE.row(2), message)
    assert verdict.stored == ((3, replace(gap(1, 4, reason), first=3)), (5, b"five"))
    assert verdict.row == StreamRow(5, checksum(b"five", 4711), 5)


@pytest.mark.parametrize("reason", ["thinned", "lost"])
def test_a_gap_never_sent_cannot_straddle_the_number_of_its_own_history(reason: str) -> None:
    message = Message("s", 1, 4, 0, (), (gap(1, 4, reason),))
    assert judge(FIVE.row(2), message) == Verdict(FIVE.row(2), fork=True)


def test_a_gap_that_ends_where_the_hub_stands_is_a_repeat() -> None:
    message = Message("s", 1, 4, 0, (b"four",), (gap(1, 3, after=FIVE.after[3]),))
    assert judge(FIVE.row(3), message).stored == ((4, b"four"),)


# ---------------------------------------------------------------------------- settle


def test_what_cannot_be_read_is_passed_and_the_next_checksum_adopted() -> None:
    settled = settle(FIVE.row(2), 3, 4)
    assert (settled.row.number, settled.row.checksum, settled.stored) == (4, UNKNOWN, ())
    assert settled.receipt("s") == Receipt("s", 4, UNKNOWN)
    assert judge(settled.row, FIVE.cut(5, 5)).row == FIVE.row(5)


def test_a_repeat_of_what_cannot_be_read_changes_nothing() -> None:
    assert settle(FIVE.row(3), 2, 3) == Verdict(FIVE.row(3))


def test_what_cannot_be_read_waits_for_what_lies_before_it() -> None:
    assert settle(FIVE.row(1), 3, 4) == Verdict(FIVE.row(1), want=2)


def test_an_overlap_after_settling_is_stored_from_where_the_hub_stands() -> None:
    settled = settle(FIVE.row(2), 3, 3).row
    assert judge(settled, FIVE.cut(2, 5)).stored == ((4, b"four"), (5, b"five"))


# -------------------------------------------------------------------------- announcing


def test_an_announcement_raises_what_was_issued_and_is_answered_with_the_hubs_number() -> None:
    told = announce(FIVE.row(3), StreamState("s", next=9, oldest=2))
    assert told.row == replace(FIVE.row(3), announced=8)
    assert (told.went_back, told.lost) == (False, None)
    assert told.receipt("s") == Receipt("s", 3, FIVE.after[3])


def test_an_older_announcement_takes_nothing_back() -> None:
    row = replace(FIVE.row(3), announced=8)
    assert announce(row, StreamState("s", next=5, oldest=1)).row == row


def test_a_box_that_issued_less_than_is_stored_went_back() -> None:
    assert announce(FIVE.row(3), StreamState("s", next=3, oldest=1)).went_back
    assert not announce(FIVE.row(3), StreamState("s", next=4, oldest=1)).went_back


def test_a_close_below_what_is_stored_went_back() -> None:
    told = announce(FIVE.row(3), StreamState("s", next=3, oldest=1, closed=2))
    assert (told.went_back, told.lost, told.row.closed) == (True, None, 2)


def test_a_close_below_what_was_announced_names_what_went_with_the_disk() -> None:
    row = replace(FIVE.row(3), announced=9)
    assert announce(row, StreamState("s", next=6, oldest=4, closed=5)).lost == (6, 9)
    assert announce(row, StreamState("s", next=3, oldest=1, closed=2)).lost == (4, 9)


def test_a_close_at_what_was_announced_loses_nothing() -> None:
    told = announce(replace(FIVE.row(3), announced=5), StreamState("s", 6, 4, closed=5))
    assert (told.went_back, told.lost) == (False, None)
    assert told.row == StreamRow(3, FIVE.after[3], 5, closed=5)


def test_an_empty_stream_can_be_closed() -> None:
    told = announce(StreamRow(), StreamState("s", next=1, oldest=1, closed=0))
    assert (told.row, told.went_back, told.lost) == (StreamRow(closed=0), False, None)


# ------------------------------------------------------------------------ all together


@st.composite
def histories(draw: st.DrawFn) -> History:
    parts: list[bytes | Gap] = []
    number = 1
    kinds = st.one_of(st.binary(min_size=1, max_size=4), st.integers(1, 4))
    for kind in draw(st.lists(kinds, min_size=1, max_size=12)):
        if isinstance(kind, bytes):
            parts.append(b"%d:%s" % (number, kind.hex().encode()))
            number += 1
        else:
            reason = draw(st.sampled_from(["thinned", "released", "moved", "lost"]))
            after = draw(st.integers(0, 2**32 - 1))
            parts.append(gap(number, number + kind - 1, reason, after))
            number += kind
    return History(*parts)


@given(histories(), st.data())
def test_however_it_is_cut_and_repeated_each_number_is_stored_once(
    history: History, data: st.DataObject
) -> None:
    """Any cut, overlap, repetition and order; at the end the agent sends what is wanted."""
    starts = [number for number, _ in history.parts]
    cuts = st.tuples(st.sampled_from(starts), st.sampled_from(starts)).map(sorted)
    row, stored = StreamRow(), []
    for first, last in data.draw(st.lists(cuts, max_size=20)):
        verdict = judge(row, history.cut(first, last))
        assert not verdict.fork
        assert verdict.want == (row.number + 1 if first > row.number + 1 else None)
        row = verdict.row
        stored += verdict.stored
        assert row.checksum == history.after[row.number]
    if row.number < history.last:
        verdict = judge(row, history.cut(row.number + 1, history.last))
        row, stored = verdict.row, stored + list(verdict.stored)
    assert stored == history.parts
    assert (row.number, row.checksum) == (history.last, history.after[history.last])


@given(histories(), st.data())
def test_what_the_agent_evicts_meanwhile_stands_in_its_place_once(
    history: History, data: st.DataObject
) -> None:
    """Sent again after an eviction: one gap over the front, wherever the hub stands in it."""
    ends = [number for number in history.after if number]
    stands = data.draw(st.sampled_from(ends))
    evicted = data.draw(st.sampled_from(ends))
    front = gap(1, evicted, "released", history.after[evicted])
    rest = [part for number, part in history.parts if number > evicted]
    verdict = judge(history.row(stands), History(front, *rest).cut(1, history.last))
    numbers = []
    for number, part in verdict.stored:
        numbers += range(number, (part.last if isinstance(part, Gap) else number) + 1)
    assert not verdict.fork
    assert numbers == list(range(stands + 1, history.last + 1))
    assert verdict.row.checksum == history.after[history.last]
