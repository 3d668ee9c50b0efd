"""The outbox's bound: what goes first, what goes never, and that each loss is named in place."""

from __future__ import annotations

import pytest

from agent.contract.blocks import thaw
from agent.contract.wire import Gap
from agent.outbox import Limits, Outbox
from tests.outboxes import (
    DAY_MS,
    T0,
    all_values,
    fill,
    fresh,
    gaps,
    lines,
    live,
    parts,
    readings,
)

BLOCKS, PER_BLOCK = 60, 40
TOTAL = BLOCKS * PER_BLOCK


def full(fraction: float) -> tuple[Outbox, str]:
    """An outbox whose bound is a fraction of what it holds; with its stream."""
    whole = fresh()
    fill(whole, BLOCKS, per_block=PER_BLOCK)
    limits = Limits(max_bytes=int(whole.bytes * fraction), min_free_bytes=0)
    return Outbox.in_memory(limits, whole.image()), live(whole).id


def lost(outbox: Outbox, stream: str) -> tuple[int, int]:
    """Readings that blocks say were thinned, and readings that gaps count."""
    thinned = sum(thaw(line).thinned for line in lines(outbox, stream).values())
    return thinned, sum(gap.readings for gap in gaps(outbox, stream))


def sent_up_to(outbox: Outbox, stream: str, number: int) -> dict[int, bytes]:
    """Send up to a number; returns what left."""
    out: dict[int, bytes] = {}
    while len(out) < number:
        message = outbox.take(stream, len(out) + 1, 1)
        assert message is not None
        out[message.last] = message.lines[0]
    return out


def test_within_its_bound_nothing_goes() -> None:
    outbox, stream = full(1.0)
    outbox.receipted(stream, 10)
    freed = outbox.keep_bound(None)
    assert (freed.evicted, freed.thinned, freed.dropped) == (0, 0, 0)
    assert len(all_values(outbox)) == TOTAL


def test_receipted_blocks_go_before_anything_is_thinned() -> None:
    outbox, stream = full(0.6)
    outbox.receipted(stream, 40)
    freed = outbox.keep_bound(None)
    assert (freed.thinned, freed.dropped) == (0, 0)
    assert outbox.bytes <= outbox.limits.max_bytes
    assert [n for n, _ in parts(outbox, stream, freed.evicted + 1)] == [
        *range(freed.evicted + 1, BLOCKS + 1)
    ]
    assert 20 < freed.evicted < 30


def test_blocks_are_thinned_before_any_is_dropped_and_each_tells_how_much() -> None:
    outbox, stream = full(0.7)
    freed = outbox.keep_bound(None)
    assert (freed.evicted, freed.dropped) == (0, 0)
    assert outbox.bytes <= outbox.limits.max_bytes
    kept = lines(outbox, stream)
    assert sorted(kept) == [*range(1, BLOCKS + 1)]
    held = [thaw(line) for line in kept.values()]
    assert all(b.readings + b.thinned == PER_BLOCK for b in held)
    assert held[0].readings == PER_BLOCK // 10
    assert held[-1].readings == PER_BLOCK  # the oldest go first
    assert sum(b.thinned for b in held) == freed.thinned == outbox.status().thinned


def test_every_drop_is_counted_in_a_gap_in_its_place() -> None:
    outbox, stream = full(0.2)
    original = Outbox.in_memory(outbox.limits, outbox.image())
    freed = outbox.keep_bound(None)
    assert freed.dropped > 0
    assert outbox.bytes <= outbox.limits.max_bytes
    (gap,) = gaps(outbox, stream)
    kept = lines(outbox, stream)
    assert (gap.first, gap.last, gap.reason) == (1, min(kept) - 1, "thinned")
    assert sorted(kept) == [*range(gap.last + 1, BLOCKS + 1)]
    assert gap.readings == freed.dropped == outbox.status().dropped
    gone = [
        s.at
        for n, line in lines(original, stream).items()
        if n <= gap.last
        for s in readings([line])
    ]
    assert (gap.start, gap.end) == (min(gone), max(gone))
    assert len(gone) == gap.last * PER_BLOCK


def test_readings_kept_thinned_and_dropped_make_up_all_that_were_read() -> None:
    outbox, stream = full(0.2)
    freed = outbox.keep_bound(None)
    kept = len(all_values(outbox))
    assert kept + freed.thinned + freed.dropped == TOTAL
    thinned, dropped = lost(outbox, stream)
    assert dropped == freed.dropped
    assert thinned <= freed.thinned


def test_nothing_that_was_sent_is_thinned() -> None:
    outbox, stream = full(0.85)
    left = sent_up_to(outbox, stream, 20)
    outbox.keep_bound(None)
    assert {n: line for n, line in lines(outbox, stream).items() if n <= 20} == left
    assert min(n for n, line in lines(outbox, stream).items() if thaw(line).thinned) == 21


def test_what_was_sent_is_released_only_when_nothing_else_is_left() -> None:
    outbox, stream = full(0.3)
    left = sent_up_to(outbox, stream, 40)
    freed = outbox.keep_bound(None)
    assert outbox.bytes <= outbox.limits.max_bytes
    found = gaps(outbox, stream)
    released = [gap for gap in found if gap.reason == "released"]
    thinned = [gap for gap in found if gap.reason == "thinned"]
    assert [(g.first, g.last) for g in thinned] == [(41, BLOCKS)]
    assert released[0].first == 1
    assert released[-1].last < 41
    still = {n: line for n, line in lines(outbox, stream).items() if n <= 40}
    assert still.items() <= left.items()
    assert sum(gap.readings for gap in found) == freed.dropped


def test_the_running_checksum_goes_on_across_what_was_released() -> None:
    outbox, stream = full(0.3)
    sent_up_to(outbox, stream, BLOCKS)
    sums = [outbox.checksum_at(stream, n) for n in range(BLOCKS + 1)]
    outbox.keep_bound(None)
    found = gaps(outbox, stream)
    assert found
    assert [gap.checksum for gap in found] == [sums[gap.last] for gap in found]
    assert outbox.checksum_at(stream, BLOCKS) == sums[BLOCKS]


def test_a_full_disk_counts_as_a_full_outbox() -> None:
    outbox, stream = full(10.0)
    outbox.limits = Limits(min_free_bytes=1000)
    outbox.receipted(stream, BLOCKS)
    assert outbox.keep_bound(None, free_bytes=1000).evicted == 0
    assert outbox.keep_bound(None, free_bytes=999).evicted > 0


def test_receipted_blocks_are_kept_for_seven_days_then_go() -> None:
    outbox, stream = full(1.0)
    newest = T0 + 1000 * (TOTAL - 1)
    outbox.receipted(stream, BLOCKS)
    assert outbox.keep_bound(T0 + 7 * DAY_MS).evicted == 0
    half = outbox.keep_bound(T0 + 7 * DAY_MS + 1000 * (TOTAL // 2)).evicted
    assert half == BLOCKS // 2
    assert outbox.keep_bound(newest + 7 * DAY_MS + 1).evicted == BLOCKS - half
    assert outbox.bytes == 0


def test_age_takes_nothing_unreceipted_and_nothing_by_an_unconfirmed_clock() -> None:
    outbox, stream = full(1.0)
    assert outbox.keep_bound(T0 + 400 * DAY_MS).evicted == 0
    outbox.receipted(stream, BLOCKS)
    assert outbox.keep_bound(None).evicted == 0


def test_after_eviction_the_stream_says_what_it_can_still_send() -> None:
    outbox, stream = full(0.5)
    outbox.receipted(stream, 50)
    evicted = outbox.keep_bound(None).evicted
    info = live(outbox)
    assert info.state().oldest == evicted + 1
    assert info.waiting == 10
    (number, gap), *_ = parts(outbox, stream)
    assert number == 1
    assert isinstance(gap, Gap)
    assert (gap.last, gap.reason) == (evicted, "released")


def test_an_empty_closed_stream_is_forgotten_once_the_hub_knows_its_end() -> None:
    outbox = fresh()
    empty = live(outbox).id
    outbox.seal(T0)
    outbox.keep_bound(T0 + 1)
    assert outbox.stream(empty) is not None
    outbox.ended(empty)
    outbox.keep_bound(T0 + 2)
    assert outbox.stream(empty) is None


def test_a_stream_that_held_readings_is_remembered_long_after_it_is_empty() -> None:
    outbox, stream = full(1.0)
    outbox.seal(T0)
    outbox.receipted(stream, BLOCKS)
    outbox.ended(stream)
    emptied = T0 + 8 * DAY_MS
    outbox.keep_bound(emptied)
    assert outbox.bytes == 0
    outbox.keep_bound(emptied + 27 * DAY_MS)
    assert outbox.stream(stream) is not None
    outbox.keep_bound(emptied + 29 * DAY_MS)
    assert outbox.stream(stream) is None


@pytest.mark.parametrize("fraction", [0.7, 0.2])
def test_what_was_thinned_or_dropped_is_the_same_after_a_restart(fraction: float) -> None:
    outbox, stream = full(fraction)
    outbox.keep_bound(None)
    again = Outbox.in_memory(outbox.limits, outbox.image())
    again.begin_life(T0)
    again.keep_bound(None)
    assert parts(again, stream) == parts(outbox, stream)
