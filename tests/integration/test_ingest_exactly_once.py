"""From the broker into rows: every reading once, whatever way it was cut, repeated or resent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cast import Cast
from tests.ingest.box import Box, Stream, tags
from tests.ingest.hub import Rows, Running, running, settings_for, wait_until
from tests.servers.mosquitto import Mosquitto
from tests.servers.postgres import Database

pytestmark = pytest.mark.mosquitto

NAME = "bluebonnet-pad-2"
SHARD = 2


@pytest.fixture
def box(broker: Mosquitto, cast: Cast) -> Iterator[Box]:
    made = Box(broker.url(NAME), NAME, SHARD)
    yield made
    made.close()


@pytest.fixture
def hub(database: Database, broker: Mosquitto, cast: Cast) -> Iterator[Running]:
    with running(database, broker) as started:
        yield started


@pytest.fixture
def rows(database: Database, cast: Cast) -> Rows:
    return Rows(database)


def test_a_reading_travels_from_the_broker_into_every_table(
    hub: Running, box: Box, rows: Rows, cast: Cast
) -> None:
    box.declare(tags("plc.tubing", "plc.casing"))
    box.birth()
    box.freeze([(1, 100.5), (2, None)], count=2)
    box.send(1)
    receipt = box.wait_receipt(1)
    assert receipt.checksum == box.stream.after[1]
    assert rows.readings() == [
        ("plc.casing", None, 16),
        ("plc.tubing", 100.5, 0),
        ("plc.casing", None, 16),
        ("plc.tubing", 101.5, 0),
    ]
    assert {org for (org,) in rows.all("SELECT DISTINCT organization_id FROM readings")} == {
        cast.bluebonnet.id
    }
    wait_until(
        lambda: (
            rows.all("SELECT value, quality FROM readings_latest ORDER BY tag_id")
            == [(101.5, 0), (None, 16)]
        ),
        "newest readings",
    )
    ledger = "SELECT first, last, readings, quarantined, judged_at FROM ingest_batches"
    assert rows.all(ledger) == [(1, 1, 4, 0, None)]
    assert rows.all("SELECT stream, number, announced FROM streams") == [(box.stream.id, 1, 1)]
    agent = "SELECT online, boot, software, config_epoch FROM agents WHERE name = %s"
    assert rows.all(agent, NAME) == [(True, box.boot, "0.1.0", 1000)]
    wait_until(
        lambda: bool(rows.one("SELECT heard_at IS NOT NULL FROM agents WHERE name = %s", NAME)),
        "heard",
    )


def test_repeated_recut_and_overlapping_messages_store_nothing_twice(
    hub: Running, box: Box, rows: Rows
) -> None:
    box.declare(tags("plc.tubing", "plc.casing"))
    for _ in range(9):
        box.freeze(count=3)
    for first, last in [(1, 3), (1, 3), (2, 5), (1, 6), (4, 4), (6, 9), (7, 8), (1, 9)]:
        box.send(first, last)
    box.wait_receipt(9)
    assert len(rows.readings()) == 9 * 6
    assert rows.doubles() == 0
    ranges = rows.all("SELECT first, last FROM ingest_batches ORDER BY first")
    assert ranges == [(1, 3), (4, 5), (6, 6), (7, 9)]


def test_the_lane_says_nothing_about_a_streams_numbers(hub: Running, box: Box, rows: Rows) -> None:
    box.declare(tags("plc.tubing", "plc.casing"))
    for _ in range(4):
        box.freeze()
    box.send(1, 2, lane="t")
    box.send(1, 4, lane="h")
    box.wait_receipt(4)
    assert len(rows.readings()) == 8


def test_a_hole_is_asked_for_and_holds_up_no_other_stream(
    hub: Running, box: Box, rows: Rows
) -> None:
    box.declare(tags("plc.tubing", "plc.casing"))
    other = Stream()
    for _ in range(6):
        box.freeze()
        box.freeze(stream=other)
    box.send(1, 2)
    box.send(5, 6)
    box.send(1, 6, stream=other)
    box.wait_want(3)
    box.wait_receipt(6, other)
    assert box.receipt() is not None
    assert len(rows.readings()) == 2 * 2 + 6 * 2
    box.send(3, 6)
    box.wait_receipt(6)
    assert len(rows.readings()) == 24
    assert rows.doubles() == 0


def test_gaps_are_kept_with_their_reason(hub: Running, box: Box, rows: Rows) -> None:
    box.declare(tags("plc.tubing", "plc.casing"))
    for _ in range(6):
        box.freeze()
    box.stream.lose(2, 4, "thinned", 6)
    box.send(1, 6)
    receipt = box.wait_receipt(6)
    assert receipt.checksum == box.stream.after[6]
    assert rows.all("SELECT first, last, reason, readings FROM stream_gaps") == [
        (2, 4, "thinned", 6)
    ]
    assert len(rows.readings()) == 3 * 2


def test_another_history_under_the_same_stream_is_a_fork(
    hub: Running, box: Box, rows: Rows
) -> None:
    box.declare(tags("plc.tubing", "plc.casing"))
    box.freeze()
    box.send(1)
    box.wait_receipt(1)
    clone = Stream(box.stream.id)
    box.freeze([(1, 7.0)], stream=clone)
    box.freeze([(1, 8.0)], stream=clone)
    box.send(1, 2, stream=clone)
    box.wait(lambda: any(r.fork for a in box.answers for r in a.receipts))
    assert len(rows.readings()) == 2
    assert rows.one("SELECT kind FROM agent_events") == "fork"


def test_blocks_sent_again_after_a_fork_are_looked_up_first(
    hub: Running, box: Box, rows: Rows
) -> None:
    from agent.contract.blocks import mark_maybe  # noqa: PLC0415

    box.declare(tags("plc.tubing", "plc.casing"))
    box.freeze(count=3)
    box.freeze(count=3)
    box.send(1)
    box.wait_receipt(1)
    moved = Stream()
    for part in (box.stream.parts[0], box.stream.parts[1], box.stream.parts[1]):
        assert isinstance(part, bytes)
        moved.add(mark_maybe(part))
    box.send(1, 3, stream=moved)
    box.wait_receipt(3, moved)
    assert len(rows.readings()) == 12
    assert rows.doubles() == 0
    assert rows.one("SELECT sum(readings) FROM ingest_batches") == 12


def test_two_consumers_of_one_shard_store_each_reading_once(
    database: Database, broker: Mosquitto, cast: Cast, rows: Rows
) -> None:
    with (
        running(database, broker, client_id="east"),
        running(database, broker, client_id="west"),
    ):
        boxes = [Box(broker.url(NAME), NAME, SHARD) for _ in range(2)]
        boxes[0].declare(tags("plc.tubing", "plc.casing"))
        for box in boxes:
            box.at += 30_000 * boxes.index(box)
            for _ in range(40):
                box.freeze(count=5, step_ms=10)
            for number in range(1, 41):
                box.send(number)
        for box in boxes:
            box.wait_receipt(40)
            box.close()
    assert len(rows.readings()) == 2 * 40 * 10
    assert rows.doubles() == 0
    assert rows.one("SELECT count(*) FROM ingest_batches") == 80


def test_what_one_process_may_answer_survives_the_end_of_another(
    database: Database, broker: Mosquitto, cast: Cast, box: Box
) -> None:
    """The process with the lower epoch takes over the higher one, or agents would ignore it."""
    with running(database, broker, client_id="east") as east:
        with running(database, broker, client_id="west") as west:
            wait_until(lambda: east.ingest.epoch.number == west.ingest.epoch.number, "one epoch")
        box.declare(tags("plc.tubing", "plc.casing"))
        box.freeze()
        box.send(1)
        box.wait_receipt(1)
        assert box.answers[-1].epoch == west.ingest.epoch.number


def test_a_process_that_was_away_gets_what_the_broker_kept(
    database: Database, broker: Mosquitto, box: Box, rows: Rows
) -> None:
    with running(database, broker):
        box.declare(tags("plc.tubing", "plc.casing"))
        box.freeze()
        box.send(1)
        box.wait_receipt(1)
    for _ in range(5):
        box.freeze()
        box.send(box.stream.last)
    with running(database, broker):
        box.wait_receipt(6)
    assert len(rows.readings()) == 12
    epochs = [epoch for (epoch,) in rows.all("SELECT epoch FROM ingest_epochs ORDER BY epoch")]
    assert len(epochs) == 2
    assert {answer.epoch for answer in box.answers} <= set(epochs)


def test_settings_name_the_shards_a_process_takes(
    database: Database, broker: Mosquitto, cast: Cast, box: Box, rows: Rows
) -> None:
    environ = {"WELLFLOW_MQTT_FIRST_SHARD": "5", "WELLFLOW_MQTT_LAST_SHARD": "9"}
    elsewhere = Running(
        settings_for(database.url, broker.url(), client_id="far", **environ)
    ).ready()
    box.wait(lambda: any(beat.shards == (5, 9) for beat in box.heartbeats))
    box.declare(tags("plc.tubing"))
    with running(database, broker, client_id="near"):
        box.declare(tags("plc.tubing"), 1001)
        box.freeze([(1, 1.0)], config=1001)
        box.send(1)
        box.wait_receipt(1)
    elsewhere.stop()
    assert elsewhere.ingest.count.messages == 0
