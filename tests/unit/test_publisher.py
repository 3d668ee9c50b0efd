"""The sender's rules on announcing, watermarks, order and patience, each as an example."""

from __future__ import annotations

from agent.contract.control import (
    Answer,
    Declaration,
    Heartbeat,
    StreamState,
    parse_declaration,
)
from agent.contract.wire import unpack
from tests.outboxes import T0, fill, live, put
from tests.sender import (
    CONFIG,
    EPOCH,
    WINDOW,
    Site,
    announced,
    one_by_one,
    ready,
    spans,
    times_sent,
)

# ----------------------------------------------------------- 1: announce, then be answered


def test_on_connect_the_configuration_and_every_stream_are_announced() -> None:
    site = Site()
    fill(site.outbox, 2)
    site.outbox.seal(T0)
    declared, status = site.connect()
    assert declared.door == "up/d"
    assert parse_declaration(declared.payload) == Declaration(CONFIG, gone=True)
    assert (status.door, status.retain) == ("st", True)
    (streams,) = announced([status])
    old, new = site.outbox.streams()
    assert streams == (StreamState(old.id, 3, 1, 2), StreamState(new.id, 1, 1, None))


def test_nothing_is_said_before_there_is_a_broker() -> None:
    site = Site()
    fill(site.outbox, 2)
    assert site.pump() == []


def test_streams_are_announced_again_and_more_slowly_until_answered() -> None:
    site = Site()
    site.connect()
    at = []
    for _ in range(120):
        site.wait(1)
        at += [site.now - 100] * len(site.births())
    assert at == [5, 15, 35, 65, 95]
    site.settle()
    assert len(site.births()) <= 1
    site.wait(300)
    assert site.pump() == []


def test_nothing_of_a_stream_is_sent_before_the_hub_said_where_it_stands() -> None:
    site = Site()
    fill(site.outbox, 2)
    site.outbox.seal(T0)
    fill(site.outbox, 2)
    old, new = site.outbox.streams()
    site.connect()
    assert site.data() == []
    site.answer(site.receipt(new.id, 0))
    assert {message.stream for message in site.data()} == {new.id}
    site.answer(site.receipt(old.id, 0))
    assert {message.stream for message in site.data()} == {old.id}


def test_an_answer_for_some_streams_leaves_the_others_announced() -> None:
    site = Site()
    for _ in range(2):
        fill(site.outbox, 1)
        site.outbox.seal(T0)
    first, second, third = site.outbox.streams()
    site.connect()
    site.answer(site.receipt(first.id, 0), site.receipt(third.id, 0))
    site.wait(5)
    (streams,) = site.births()
    assert [state.stream for state in streams] == [second.id, third.id]


# ------------------------------------------------------------------ 2: epochs, watermarks


def test_an_answer_of_a_lower_epoch_is_ignored() -> None:
    site = ready(2)
    sent = site.data()
    assert len(sent) == 1
    ghost = Answer(EPOCH - 1, T0, (site.receipt(live(site.outbox).id, 2),))
    site.sender.on_answer(ghost, site.now)
    assert live(site.outbox).receipted == 0
    site.answer(*ghost.receipts)
    assert live(site.outbox).receipted == 2


def test_a_new_epoch_announces_everything_and_sends_nothing_meanwhile() -> None:
    site = ready(2)
    site.data()
    site.settle(2)
    put(site.outbox, [6])
    site.sender.on_heartbeat(Heartbeat(EPOCH + 1, T0, (0, 63)), site.now)
    sent = site.pump()
    assert [one.door for one in sent] == ["st"]
    site.sender.on_heartbeat(Heartbeat(EPOCH, T0, (0, 63)), site.now)
    assert site.sender.epoch == EPOCH + 1
    assert site.pump() == []


def test_the_first_answer_of_an_epoch_sets_the_watermark_down() -> None:
    site = ready(6)
    site.data()
    site.settle(6)
    stream = live(site.outbox).id
    site.epoch += 1  # restored from a backup
    site.answer(site.receipt(stream, 2))
    assert live(site.outbox).receipted == 2
    assert spans(site.data()) == [(stream, 3, 6)]


def test_later_answers_of_an_epoch_only_raise_it() -> None:
    site = ready(6)
    site.data()
    stream = live(site.outbox).id
    site.settle(4)
    site.answer(site.receipt(stream, 2))
    assert live(site.outbox).receipted == 4
    site.answer(site.receipt(stream, 6))
    assert live(site.outbox).receipted == 6
    assert site.data() == []


# ---------------------------------------------------------------- 3: order, and the backlog


def test_the_live_stream_goes_first_and_then_the_oldest() -> None:
    site = Site()
    for _ in range(2):
        fill(site.outbox, 2)
        site.outbox.seal(T0)
    fill(site.outbox, 2)
    first, second, third = site.outbox.streams()
    site.connect()
    site.settle()
    sent = [one for one in site.pump() if one.door != "st"]
    assert [one.door for one in sent] == ["up/t", "up/h", "up/h"]
    assert spans([unpack(one.payload) for one in sent]) == [
        (third.id, 1, 2),
        (first.id, 1, 2),
        (second.id, 1, 2),
    ]
    put(site.outbox, [6])
    assert spans(site.data()) == [(third.id, 3, 3)]


def test_a_live_stream_with_a_backlog_is_sealed_and_keeps_its_numbers() -> None:
    site = ready(30)
    stream = live(site.outbox).id
    sent = site.pump()
    old, new = site.outbox.streams()
    assert (old.id, old.closed, new.issued) == (stream, 30, 0)
    assert [state.stream for state in announced(sent)[-1]][-1] == new.id
    history = [unpack(one.payload) for one in sent if one.door == "up/h"]
    assert [(m.stream, m.first, m.closed) for m in history] == [(stream, 1, 30)]
    put(site.outbox, [90])
    assert spans(site.data()) == [(new.id, 1, 1)]


def test_a_live_stream_that_keeps_up_is_not_sealed() -> None:
    site = ready(20)
    stream = live(site.outbox).id
    site.data()
    assert live(site.outbox).id == stream
    assert len(site.outbox.streams()) == 1


# -------------------------------------------------------------------- 4: window, patience


def test_at_most_a_window_of_messages_is_on_its_way() -> None:
    site = ready()
    stream = live(site.outbox).id
    sent = one_by_one(site, WINDOW + 4)
    assert spans(sent) == [(stream, n, n) for n in range(1, WINDOW + 1)]
    site.settle(3)
    assert spans(site.data()) == [(stream, WINDOW + 1, WINDOW + 4)]


def test_a_full_window_does_not_hold_up_another_stream() -> None:
    site = ready(2)
    old = live(site.outbox).id
    site.outbox.seal(T0)
    site.connect()
    site.settle()
    site.pump()
    assert len(one_by_one(site, WINDOW + 2)) == WINDOW
    site.answer(wants=((old, 1),))
    assert spans(site.data()) == [(old, 1, 2)]


def test_without_a_receipt_in_time_it_asks_and_goes_back_to_the_last() -> None:
    site = ready(4)
    stream = live(site.outbox).id
    first = site.data()
    site.settle(2)
    site.wait(14.9)
    assert site.pump() == []
    site.wait(0.2)
    sent = site.pump()
    assert [one.door for one in sent] == ["st"]
    site.answer(site.receipt(stream, 2))
    (again,) = site.data()
    assert (again.first, again.last) == (3, 4)
    assert again.lines == first[0].lines[2:]


def test_patience_doubles_up_to_its_bound_and_a_receipt_restores_it() -> None:
    site = ready(1)
    assert times_sent(site, 230) == [0, 15, 45, 105, 165, 225]
    site.settle(1)
    put(site.outbox, [3])
    assert times_sent(site, 50) == [0, 15, 45]
