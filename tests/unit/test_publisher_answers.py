"""The sender's rules on wants, forks, configurations and the broker, each as an example."""

from __future__ import annotations

from agent.contract.blocks import thaw
from agent.contract.control import (
    Receipt,
    parse_declaration,
)
from agent.contract.wire import unpack
from agent.outbox import Outbox, StreamInfo
from tests.outboxes import ROOMY, T0, all_values, fill, fresh, gaps, lines, live, put
from tests.sender import (
    CONFIG,
    Clock,
    Site,
    announced,
    one_by_one,
    ready,
    spans,
)

# ------------------------------------------------------------------------------- 5: wants


def test_a_want_is_obeyed_once_until_a_receipt_comes() -> None:
    site = ready()
    stream = live(site.outbox).id
    sent = one_by_one(site, 5)
    site.answer(site.receipt(stream, 1), wants=((stream, 3),))
    (again,) = site.data()
    assert (again.first, again.last) == (3, 5)
    assert again.lines == tuple(line for message in sent[2:] for line in message.lines)
    site.answer(wants=((stream, 3),))
    assert site.data() == []
    site.answer(site.receipt(stream, 2), wants=((stream, 3),))
    assert spans(site.data()) == [(stream, 3, 5)]


def test_a_want_of_what_is_receipted_or_was_never_sent_changes_nothing() -> None:
    site = ready()
    stream = live(site.outbox).id
    one_by_one(site, 5)
    site.answer(site.receipt(stream, 3))
    site.answer(wants=((stream, 2), (stream, 3), (stream, 6), ("no such stream", 1)))
    assert site.data() == []


def test_a_want_never_holds_up_another_stream() -> None:
    site = ready(3)
    old = live(site.outbox).id
    site.outbox.seal(T0)
    new = live(site.outbox).id
    site.pump()
    site.settle()
    site.data()
    put(site.outbox, [9])
    site.answer(wants=((old, 2),))
    assert spans(site.data()) == [(new, 1, 1), (old, 2, 3)]
    for _ in range(3):
        site.answer(wants=((old, 2),))
    put(site.outbox, [10])
    assert spans(site.data()) == [(new, 2, 2)]


def test_a_want_before_the_stream_was_answered_is_ignored() -> None:
    site = Site()
    fill(site.outbox, 3)
    stream = live(site.outbox).id
    site.connect()
    site.answer(wants=((stream, 2),))
    assert site.data() == []


# ------------------------------------------------------------------------------- 6: forks


def forked(receipt: Receipt, site: Site) -> tuple[StreamInfo, StreamInfo]:
    """Take a receipt of another history; returns the old stream and the one it moved to."""
    site.answer(receipt)
    old = site.outbox.stream(receipt.stream)
    moved = [info for info in site.outbox.streams() if info.after]
    assert old is not None
    assert old.closed is not None
    assert live(site.outbox).id != old.id
    return old, moved[0]


def test_a_receipt_beyond_what_was_issued_moves_what_was_not_receipted() -> None:
    site = ready(5)
    stream = live(site.outbox).id
    site.data()
    site.settle(2)
    old, moved = forked(Receipt(stream, 9, 12345), site)
    assert (old.issued, moved.issued) == (5, 3)
    assert sorted(all_values(site.outbox)) == [*range(15)]
    assert all(thaw(line).maybe for line in lines(site.outbox, moved.id).values())
    assert [(g.first, g.last, g.reason) for g in gaps(site.outbox, stream)] == [(3, 5, "moved")]


def test_a_receipt_with_another_checksum_is_a_fork() -> None:
    site = ready(5)
    stream = live(site.outbox).id
    site.data()
    site.settle(2)
    right = site.receipt(stream, 4)
    forked(Receipt(stream, 4, right.checksum ^ 1), site)
    assert sorted(all_values(site.outbox)) == [*range(15)]


def test_a_receipt_that_says_fork_is_one() -> None:
    site = ready(5)
    stream = live(site.outbox).id
    site.data()
    forked(Receipt(stream, 2, site.receipt(stream, 2).checksum, fork=True), site)


def test_a_program_that_has_just_started_moves_what_its_file_says_is_not_receipted() -> None:
    outbox = fresh()
    fill(outbox, 5)
    stream = live(outbox).id
    outbox.take(stream, 1, 100_000)
    outbox.receipted(stream, 2)
    image = Outbox.in_memory(ROOMY, outbox.image())
    image.begin_life(T0)
    site = Site(image)
    site.connect()
    site.answer(Receipt(stream, 9, 12345))
    (moved,) = [info for info in image.streams() if info.after]
    assert moved.issued == 3


def test_what_its_file_calls_receipted_is_not_believed_below_another_history() -> None:
    outbox = fresh()
    fill(outbox, 5)
    stream = live(outbox).id
    outbox.take(stream, 1, 100_000)
    outbox.receipted(stream, 5)
    image = Outbox.in_memory(ROOMY, outbox.image())
    image.begin_life(T0)
    site = Site(image)
    site.connect()
    site.answer(Receipt(stream, 3, 12345))
    (moved,) = [info for info in image.streams() if info.after]
    assert moved.issued == 5


def test_what_moved_is_announced_and_goes_after_the_gap_it_left() -> None:
    site = ready(5)
    stream = live(site.outbox).id
    site.data()
    site.settle(2)
    _, moved = forked(Receipt(stream, 3, 12345), site)
    sent = site.pump()
    assert moved.id in {state.stream for state in announced(sent)[-1]}
    site.settle()
    assert moved.id not in {message.stream for message in site.data()}
    site.answer(site.receipt(moved.id, 0), Receipt(stream, 5, -1))
    assert spans(site.data()) == [(moved.id, 1, 3)]


def test_a_matching_receipt_is_no_fork() -> None:
    site = ready(5)
    site.data()
    site.settle(5)
    assert len(site.outbox.streams()) == 1


# ----------------------------------------------------- the clock, configurations, the broker


def test_an_unconfirmed_clock_announces_but_sends_nothing() -> None:
    site = Site(clock=Clock(confirmed=False))
    fill(site.outbox, 2)
    assert [one.door for one in site.connect()] == ["up/d", "st"]
    site.settle()
    assert site.data() == []
    assert live(site.outbox).sent == 0
    site.clock.confirmed = True
    assert spans(site.data()) == [(live(site.outbox).id, 1, 2)]


def test_an_unknown_configuration_is_declared_and_what_used_it_sent_again() -> None:
    site = ready(3)
    stream = live(site.outbox).id
    site.data()
    site.settle(1)
    site.answer(configs=(CONFIG,))
    declared, *data = site.pump()
    assert parse_declaration(declared.payload).epoch == CONFIG
    assert spans([unpack(one.payload) for one in data]) == [(stream, 2, 3)]


def test_after_a_disconnect_it_says_nothing_and_then_goes_on_from_the_receipt() -> None:
    site = ready(4)
    stream = live(site.outbox).id
    first = site.data()
    site.settle(1)
    site.sender.on_disconnect()
    put(site.outbox, [12])
    assert site.pump() == []
    sent = site.connect()
    assert [one.door for one in sent[:2]] == ["up/d", "st"]
    (again,) = [unpack(one.payload) for one in sent[2:]]
    assert (again.stream, again.first, again.last) == (stream, 2, 5)
    assert again.lines[:3] == first[0].lines[1:]


def test_a_change_in_the_birth_is_published_soon() -> None:
    site = ready()
    assert site.pump() == []
    site.sender.announce(site.now)
    assert len(site.births()) == 1
    assert site.pump() == []
