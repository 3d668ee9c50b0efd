"""The outbox: readings in, numbered blocks out, through receipts, restarts and forks."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable

import pytest

from agent.contract.blocks import ClockState, Stamp, thaw
from agent.contract.control import Declaration, DeclaredTag, parse_declaration
from agent.contract.wire import Gap, Message, checksum
from agent.outbox import Limits, Outbox
from tests.outboxes import (
    ROOMY,
    T0,
    all_values,
    fill,
    fresh,
    gaps,
    lines,
    live,
    messages,
    parts,
    put,
    readings,
    sample,
    values,
)


def restarted(outbox: Outbox) -> Outbox:
    """The same bytes in the hands of a new program."""
    return Outbox.in_memory(ROOMY, outbox.image())


# ------------------------------------------------------------------------------- lives


def test_each_start_opens_a_new_stream_and_closes_the_old_at_its_highest_number() -> None:
    outbox = fresh()
    fill(outbox, 4)
    first = live(outbox).id
    again = restarted(outbox)
    second = again.begin_life(T0 + 60_000)
    old, new = again.streams()
    assert (old.id, old.closed, old.next) == (first, 4, 5)
    assert (new.id, new.closed, new.next) == (second, None, 1)
    assert second != first


def test_a_start_opens_a_new_stream_even_if_the_last_one_is_empty() -> None:
    outbox = fresh()
    empty = live(outbox).id
    assert restarted(outbox).begin_life(T0) != empty


def test_two_copies_of_one_file_open_different_streams() -> None:
    outbox = fresh()
    assert restarted(outbox).begin_life(T0) != restarted(outbox).begin_life(T0)


def test_what_was_staged_is_frozen_into_the_old_stream() -> None:
    outbox = fresh()
    put(outbox, [0])
    put(outbox, [1, 2], cut=False)
    put(outbox, [3], cut=False)
    again = restarted(outbox)
    again.begin_life(T0 + 60_000)
    old, new = again.streams()
    assert old.closed == 2
    assert values(again, old.id) == [0, 1, 2, 3]
    assert values(again, new.id) == []
    put(again, [4])
    assert all_values(again) == [0, 1, 2, 3, 4]


def test_sealing_keeps_ids_and_numbers_and_the_staged_in_place() -> None:
    outbox = fresh()
    fill(outbox, 2)
    put(outbox, [6], cut=False)
    sealed, kept = live(outbox).id, lines(outbox, live(outbox).id)
    opened = outbox.seal(T0 + 5000)
    assert live(outbox).id == opened
    after = lines(outbox, sealed)
    assert {n: after[n] for n in kept} == kept
    assert values(outbox, sealed) == [*range(7)]


def test_blocks_are_cut_after_their_time_or_their_readings() -> None:
    outbox = fresh(Limits(cut_ms=5000, cut_points=10))
    stamp = Stamp(1, "boot-a", ClockState.SET, T0, 1000)
    frozen = []
    for second in range(12):
        outbox.stage([sample(second)])
        frozen.append(outbox.commit(stamp, T0 + 1000 * second))
    assert [n for n, cut in enumerate(frozen) if cut] == [0, 5, 10]
    outbox.stage([sample(n) for n in range(12, 22)])
    assert outbox.commit(stamp, T0 + 12_000)


def test_readings_of_different_clock_states_do_not_share_a_block() -> None:
    outbox = fresh()
    put(outbox, [0])
    put(outbox, [1], cut=False, clock=ClockState.HOLDING)
    put(outbox, [2], cut=False, clock=ClockState.SET)
    outbox.seal(T0)
    blocks = [thaw(line) for line in lines(outbox, outbox.streams()[0].id).values()]
    assert [block.stamp.clock for block in blocks] == [1, 2, 1]


def test_values_qualities_and_monotonic_time_come_back_as_they_went_in() -> None:
    outbox = fresh()
    put(outbox, [5])
    (block,) = (thaw(line) for line in lines(outbox, live(outbox).id).values())
    assert readings(lines(outbox, live(outbox).id).values()) == [sample(5)]
    assert (block.stamp.start, block.stamp.mono) == (T0 + 5000, 6000)


# ------------------------------------------------------------------------- messages out


def test_take_notes_that_numbers_left_before_it_returns() -> None:
    outbox = fresh()
    fill(outbox, 5)
    stream = live(outbox).id
    message = outbox.take(stream, 1, 1)
    assert message is not None
    assert message.last == 1
    assert live(outbox).sent == 1
    assert live(restarted(outbox)).sent == 1


def test_the_same_numbers_are_the_same_bytes_whenever_and_however_cut() -> None:
    outbox = fresh()
    fill(outbox, 9)
    stream = live(outbox).id
    one_by_one = [message.lines[0] for message in messages(outbox, stream, size=1)]
    assert len(one_by_one) == 9
    assert [*lines(outbox, stream).values()] == one_by_one
    again = restarted(outbox)
    again.begin_life(T0)
    assert [*lines(again, stream).values()] == one_by_one


def test_the_running_checksum_goes_through_all_cuts() -> None:
    outbox = fresh()
    fill(outbox, 8)
    stream = live(outbox).id
    running = {0: 0}
    for number, part in parts(outbox, stream):
        running[number] = checksum(part, running[number - 1])
    for start in range(1, 9):
        message = outbox.take(stream, start, 300)
        assert message is not None
        assert message.before == running[start - 1]
    assert [outbox.checksum_at(stream, n) for n in range(10)] == [
        *(running[n] for n in range(9)),
        None,
    ]


def test_a_message_holds_at_least_one_block_and_ends_where_the_stream_does() -> None:
    outbox = fresh()
    fill(outbox, 3)
    stream = live(outbox).id
    assert outbox.take(stream, 4, 4096) is None
    assert outbox.take("no such stream", 1, 4096) is None
    whole = outbox.take(stream, 2, 1_000_000)
    assert isinstance(whole, Message)
    assert (whole.first, whole.last, whole.closed) == (2, 3, None)
    outbox.seal(T0)
    closed = outbox.take(stream, 3, 1)
    assert closed is not None
    assert closed.closed == 3


def test_what_was_evicted_and_is_asked_for_comes_as_a_gap_in_its_place() -> None:
    outbox = fresh(Limits(keep_receipted_ms=0))
    fill(outbox, 6)
    stream = live(outbox).id
    sent = [part for _, part in parts(outbox, stream)]
    running = outbox.checksum_at(stream, 4)
    outbox.receipted(stream, 4)
    outbox.keep_bound(T0 + 3_600_000)
    outbox.receipted(stream, 0)
    (first, gap), *rest = parts(outbox, stream)
    assert first == 1
    assert gap == Gap(1, 4, "released", 0, 0, 0, running or 0)
    assert rest == [(5, sent[4]), (6, sent[5])]
    assert gaps(outbox, stream, 3) == [Gap(3, 4, "released", 0, 0, 0, running or 0)]


def test_a_receipt_frees_nothing_and_may_be_taken_back() -> None:
    outbox = fresh()
    fill(outbox, 3)
    stream = live(outbox).id
    outbox.receipted(stream, 3)
    assert (live(outbox).waiting, outbox.status().readings_waiting) == (0, 0)
    outbox.receipted(stream, 1)
    assert live(outbox).waiting == 2
    assert values(outbox, stream) == [*range(9)]


# -------------------------------------------------------------------------------- time


def test_only_what_was_never_sent_is_retimed() -> None:
    outbox = fresh()
    for number in range(3):
        put(outbox, [number], clock=ClockState.HOLDING)
    put(outbox, [3])  # confirmed already
    put(outbox, [4], clock=ClockState.HOLDING, boot="boot-b")
    put(outbox, [5], clock=ClockState.HOLDING, cut=False)
    outbox.stage([sample(6)])
    stream = live(outbox).id
    outbox.take(stream, 1, 1)
    assert outbox.retime("boot-a", 7000, ClockState.STEPPED) == 2
    outbox.commit(Stamp(1, "boot-a", ClockState.STEPPED, T0 + 7000, 1000), T0, cut=True)
    shifts = {
        int(s.value or 0): s.at - (T0 + 1000 * int(s.value or 0))
        for s in readings(lines(outbox, stream).values())
    }
    assert shifts == {0: 0, 1: 7000, 2: 7000, 3: 0, 4: 0, 5: 7000, 6: 7000}
    states = [thaw(line).stamp.clock for line in lines(outbox, stream).values()]
    assert states[:5] == [2, 3, 3, 1, 2]
    assert outbox.bytes == restarted(outbox).bytes


def test_a_retimed_stage_is_on_disk_with_its_new_time() -> None:
    outbox = fresh()
    put(outbox, [0])
    put(outbox, [1], clock=ClockState.NEVER, cut=False)
    outbox.retime("boot-a", 9000, ClockState.STEPPED)
    again = restarted(outbox)
    again.begin_life(T0)
    found = readings(lines(again, again.streams()[0].id).values())
    assert [s.at for s in found] == [T0, T0 + 1000 + 9000]


def test_the_newest_time_on_disk_is_known_after_a_restart() -> None:
    outbox = fresh()
    fill(outbox, 4)
    assert restarted(outbox).last_known_ms() == T0 + 11_000


# ------------------------------------------------------------------------------- forks


def test_a_fork_moves_what_is_not_receipted_and_leaves_a_gap() -> None:
    outbox = fresh()
    fill(outbox, 5)
    stream = live(outbox).id
    before = lines(outbox, stream)
    outbox.receipted(stream, 2)
    assert outbox.fork(stream, 2, 9, T0 + 1000) == 3
    assert lines(outbox, stream) == {1: before[1], 2: before[2]}
    (gap,) = gaps(outbox, stream)
    assert (gap.first, gap.last, gap.reason) == (3, 5, "moved")
    (moved,) = [s for s in outbox.streams() if s.after]
    assert (moved.closed, moved.next) == (3, 4)
    found = [thaw(line) for line in lines(outbox, moved.id).values()]
    assert all(block.maybe for block in found)
    assert values(outbox, moved.id) == [*range(6, 15)]


def test_the_fork_of_a_live_stream_takes_the_staged_along_and_opens_a_new_one() -> None:
    outbox = fresh()
    fill(outbox, 2)
    stream = live(outbox).id
    put(outbox, [6], cut=False)
    outbox.receipted(stream, 1)
    assert outbox.fork(stream, 1, 9, T0) == 2
    put(outbox, [7])
    assert live(outbox).id != stream
    assert values(outbox, live(outbox).id) == [7]
    assert sorted(all_values(outbox)) == [*range(8)]
    old = outbox.stream(stream)
    assert old is not None
    assert old.closed == 3


def test_a_fork_of_nothing_leaves_no_stream_behind() -> None:
    outbox = fresh()
    fill(outbox, 2)
    stream = live(outbox).id
    outbox.seal(T0)
    assert outbox.fork(stream, 2, 9, T0) == 0
    assert len(outbox.streams()) == 2
    assert outbox.fork("no such stream", 0, 0, T0) == 0


# ---------------------------------------------------------------------- configurations


def test_the_same_configuration_keeps_its_epoch_and_a_changed_one_gets_a_later() -> None:
    outbox = fresh()
    tag = DeclaredTag(1, "bravo.pressure", "bravo", "psi", 1000)
    first = outbox.declare(("bravo",), (tag,), T0)
    assert restarted(outbox).declare(("bravo",), (tag,), T0 + 1).epoch == first.epoch
    other = outbox.declare(("bravo", "alpha"), (tag,), T0 - 1_000_000)
    assert other.epoch > first.epoch
    assert parse_declaration(outbox.declaration(first.epoch)) == first
    assert parse_declaration(outbox.declaration(other.epoch)) == other


def test_an_epoch_nobody_knows_is_declared_gone() -> None:
    assert parse_declaration(fresh().declaration(99)) == Declaration(99, gone=True)


# ------------------------------------------------------------------- failures, threads


class Failing:
    """A connection whose n-th statement fails, as on a dying disk."""

    def __init__(self, connection: sqlite3.Connection, good: int) -> None:
        self.connection, self.good = connection, good
        self.failed = False

    def execute(self, sql: str, parameters: object = ()) -> sqlite3.Cursor:
        self.good -= 1
        if self.good == -1:
            self.failed = True
            raise sqlite3.OperationalError("disk I/O error")
        return self.connection.execute(sql, parameters)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> object:
        return getattr(self.connection, name)


ACTIONS: dict[str, Callable[[Outbox], object]] = {
    "commit": lambda outbox: put(outbox, [], cut=False),
    "cut": lambda outbox: put(outbox, []),
    "seal": lambda outbox: outbox.seal(T0),
    "take": lambda outbox: outbox.take(live(outbox).id, 1, 4096),
    "retime": lambda outbox: outbox.retime("boot-a", 0, ClockState.SET),
    "fork": lambda outbox: outbox.fork(live(outbox).id, 1, 9, T0),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_whichever_statement_fails_nothing_is_lost_or_doubled(action: str) -> None:
    for good in range(100):
        outbox = fresh()
        fill(outbox, 3)
        put(outbox, [9], cut=False)
        outbox.stage([sample(10)])
        held = outbox.database
        failing = Failing(held, good)
        outbox.database = failing  # type: ignore[assignment]
        try:
            ACTIONS[action](outbox)
        except sqlite3.OperationalError:
            assert outbox.status().readings_waiting == 11, f"statement {good}"
        outbox.database = held
        put(outbox, [11])
        assert sorted(all_values(outbox)) == [*range(12)], f"statement {good}"
        assert outbox.bytes == restarted(outbox).bytes
        if not failing.failed:
            return
    pytest.fail("an action of a hundred statements")


def test_on_a_full_disk_readings_stay_staged_until_there_is_room() -> None:
    outbox = fresh()
    pages = outbox.database.execute("PRAGMA page_count").fetchone()[0]
    outbox.database.execute(f"PRAGMA max_page_count = {pages}")
    outbox.stage([sample(n) for n in range(5000)])
    with pytest.raises(sqlite3.OperationalError, match="full"):
        put(outbox, [])
    assert outbox.status().readings_waiting == 5000
    outbox.database.execute("PRAGMA max_page_count = 100000")
    put(outbox, [])
    assert all_values(outbox) == [*range(5000)]


def test_one_thread_stages_while_another_sends() -> None:
    outbox = fresh(Limits(cut_ms=0, min_free_bytes=0))
    stream, count = live(outbox).id, 300

    def stage() -> None:
        for number in range(count):
            put(outbox, [number], cut=number % 3 == 0)
        put(outbox, [])

    thread = threading.Thread(target=stage)
    thread.start()
    taken: list[bytes] = []
    following = 1
    while thread.is_alive() or following <= live(outbox).issued:
        if (message := outbox.take(stream, following, 2048)) is not None:
            taken.extend(message.lines)
            following = message.last + 1
            outbox.receipted(stream, message.last)
    thread.join()
    assert [int(s.value or 0) for s in readings(taken)] == [*range(count)]
