"""Births, deaths and configurations: who is there, what they keep, and what their numbers mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from agent.contract.control import Birth, DeclaredTag, StreamState
from tests.cast import Cast
from tests.ingest.box import EPOCH, Box, Stream, now_ms, tags
from tests.ingest.hub import Rows, Running, running, wait_until
from tests.servers.mosquitto import Mosquitto
from tests.servers.postgres import Database

pytestmark = pytest.mark.mosquitto

NAME = "bluebonnet-pad-2"
SHARD = 2
TAGS = tags("plc.tubing", "plc.casing")


@pytest.fixture
def hub(database: Database, broker: Mosquitto, cast: Cast) -> Iterator[Running]:
    with running(database, broker) as started:
        yield started


@pytest.fixture
def box(broker: Mosquitto, hub: Running) -> Iterator[Box]:
    made = Box(broker.url(NAME), NAME, SHARD)
    yield made
    made.close()


@pytest.fixture
def rows(database: Database, cast: Cast) -> Iterator[Rows]:
    made = Rows(database)
    yield made
    made.close()


def agent(rows: Rows, *columns: str) -> tuple[object, ...]:
    return rows.all(f"SELECT {', '.join(columns)} FROM agents WHERE name = %s", NAME)[0]


def tag_rows(rows: Rows, *columns: str) -> list[tuple[object, ...]]:
    return rows.all(
        f"SELECT {', '.join(columns)} FROM tags t JOIN agents a ON a.id = t.agent_id"
        " WHERE a.name = %s ORDER BY t.id",
        NAME,
    )


# -------------------------------------------------------------------------- births and deaths


def test_a_birth_is_taken_down_and_every_stream_answered(
    hub: Running, box: Box, rows: Rows
) -> None:
    old, older = Stream(), Stream()
    old.closed = 0
    box.birth(older, old, box.stream)
    for stream in (older, old, box.stream):
        assert box.wait_receipt(0, stream).number == 0
    assert agent(rows, "online", "boot", "software", "clock", "config_epoch") == (
        (True, box.boot, "0.1.0", 1, EPOCH)
    )
    skew, backlog = agent(rows, "clock_skew_ms", "backlog")
    assert isinstance(skew, int)
    assert abs(skew) < 5_000
    assert backlog == {"blocks": 0, "bytes": 0}
    assert rows.one("SELECT count(*) FROM streams") == 3


def test_only_the_will_of_the_present_start_means_gone(hub: Running, box: Box, rows: Rows) -> None:
    box.birth()
    box.wait_receipt(0)
    present, box.boot = box.boot, "an-earlier-one"
    box.death()
    box.boot = present
    box.birth()
    box.wait(lambda: len(box.answers) >= 2)
    assert agent(rows, "online") == (True,)
    box.death()
    wait_until(lambda: agent(rows, "online") == (False,), "gone")


def test_a_kept_birth_tells_nothing_of_now(
    database: Database, broker: Mosquitto, cast: Cast, rows: Rows
) -> None:
    box = Box(broker.url(NAME), NAME, SHARD)
    states = (StreamState(box.stream.id, 1, 1),)
    birth = Birth(box.boot, "0.1.0", now_ms() - 86_400_000, 1, EPOCH, states, {})
    box.publish("st", birth.to_bytes(), retain=True)
    with running(database, broker):
        box.wait_receipt(0)
    assert agent(rows, "online", "clock_skew_ms", "heard_at") == (True, None, None)
    box.close()


def test_a_birth_the_broker_kept_of_a_revoked_agent_is_no_news(
    database: Database, broker: Mosquitto, cast: Cast, rows: Rows
) -> None:
    gone = Box(broker.url("bluebonnet-pad-1"), "bluebonnet-pad-1", 1)
    gone.birth()
    gone.close()
    rows.run("UPDATE agents SET revoked_at = now() WHERE name = 'bluebonnet-pad-1'")
    box = Box(broker.url(NAME), NAME, SHARD)
    with running(database, broker):
        box.birth()
        box.wait_receipt(0)
        box.publish("st", b"", retain=True)
        box.declare(TAGS)
        wait_until(lambda: len(tag_rows(rows, "t.id")) == 2, "registered")
    box.close()
    assert rows.quarantine() == []


def answers_about(box: Box, stream: str) -> int:
    return len([a for a in box.answers if any(r.stream == stream for r in a.receipts)])


def test_a_box_that_went_back_in_time_is_told_of_once(hub: Running, box: Box, rows: Rows) -> None:
    box.declare(TAGS)
    for _ in range(5):
        box.freeze()
    box.send(1, 5)
    box.wait_receipt(5)
    restored = Stream(box.stream.id, box.stream.parts[:2], box.stream.after[:3], closed=2)
    fresh = Stream()
    for times in (1, 2):  # each answered before the next: two at once get one answer
        box.birth(restored, fresh)
        box.wait(lambda: answers_about(box, fresh.id) >= times)  # noqa: B023 - waited for here
    assert box.receipt() is not None
    assert rows.all("SELECT kind, detail->>'issued', detail->>'stored' FROM agent_events") == [
        ("outbox_went_back", "2", "5")
    ]


def test_a_late_birth_of_a_sound_box_raises_no_alarm(hub: Running, box: Box, rows: Rows) -> None:
    box.declare(TAGS)
    box.freeze()
    before = (StreamState(box.stream.id, 1, 1),)
    late = Birth(box.boot, "0.1.0", now_ms() - 60_000, 1, EPOCH, before, {})
    box.send(1)
    box.wait_receipt(1)
    box.publish("st", late.to_bytes(), retain=True)
    box.wait(lambda: len(box.answers) >= 2)
    assert rows.one("SELECT count(*) FROM agent_events") == 0


def test_what_a_replaced_disk_took_gets_a_name(hub: Running, box: Box, rows: Rows) -> None:
    box.declare(TAGS)
    for _ in range(6):
        box.freeze()
    box.birth()
    box.send(1, 3)
    box.wait_receipt(3)
    kept = Stream(box.stream.id, box.stream.parts[:4], box.stream.after[:5], closed=4)
    for fresh in (Stream(), Stream()):  # each answered before the next: two at once get one answer
        box.birth(kept, fresh)
        box.wait(lambda: answers_about(box, fresh.id) > 0)  # noqa: B023 - waited for here
    assert rows.all("SELECT first, last, reason FROM stream_gaps") == [(5, 6, "lost_with_disk")]
    assert rows.all("SELECT kind FROM agent_events") == [("lost_with_disk",)]
    assert rows.all("SELECT announced, closed FROM streams WHERE stream = %s", kept.id) == [(4, 4)]
    box.send(4, stream=kept)
    box.wait_receipt(4, kept)


# -------------------------------------------------------------------------------- declarations


def test_a_configuration_registers_its_tags(hub: Running, box: Box, rows: Rows) -> None:
    box.declare(TAGS)
    box.declare(TAGS)
    wait_until(lambda: len(tag_rows(rows, "t.id")) == 2, "registered")
    assert tag_rows(rows, "t.name", "t.unit", "t.interval_ms", "t.low", "t.high", "t.well_id") == [
        ("plc.tubing", "psi", 1000, 0.0, 3000.0, None),
        ("plc.casing", "psi", 1000, 0.0, 3000.0, None),
    ]
    assert rows.one("SELECT count(*) FROM config_epochs") == 1
    numbers = "SELECT number, epoch FROM config_epoch_tags ORDER BY number"
    assert rows.all(numbers) == [(1, EPOCH), (2, EPOCH)]


def test_a_changed_configuration_keeps_tags_and_what_people_linked(
    hub: Running, box: Box, rows: Rows, cast: Cast
) -> None:
    box.declare(TAGS)
    wait_until(lambda: len(tag_rows(rows, "t.id")) == 2, "registered")
    rows.run(
        "UPDATE tags SET well_id = %s, description = 'by hand' WHERE name = 'plc.tubing'"
        " AND agent_id = (SELECT id FROM agents WHERE name = %s)",
        cast.bluebonnet.wells[0],
        NAME,
    )
    renumbered = (
        DeclaredTag(1, "plc.casing", "plc", "psi", 1000),
        DeclaredTag(2, "plc.tubing", "plc2", "kPa", 5000, "from the file", -1.0, 1.0),
        DeclaredTag(3, "plc.oil", "plc", "bbl", 60_000),
    )
    box.declare(renumbered, EPOCH + 1)
    wait_until(lambda: len(tag_rows(rows, "t.id")) == 3, "registered")
    assert tag_rows(rows, "t.name", "t.device", "t.unit", "t.interval_ms", "t.description") == [
        ("plc.tubing", "plc2", "kPa", 5000, "by hand"),
        ("plc.casing", "plc", "psi", 1000, ""),
        ("plc.oil", "plc", "bbl", 60_000, ""),
    ]
    assert tag_rows(rows, "t.well_id")[0] == (cast.bluebonnet.wells[0],)
    event = rows.all("SELECT kind, detail->>'was', detail->>'is' FROM agent_events")
    assert event == [("unit_changed", "psi", "kPa")]
    box.freeze([(1, 1.0), (2, 2.0)], config=EPOCH)
    box.freeze([(1, 3.0), (2, 4.0)], config=EPOCH + 1)
    box.send(1, 2)
    box.wait_receipt(2)
    assert [(name, value) for name, value, _ in rows.readings()] == [
        ("plc.casing", 2.0),
        ("plc.tubing", 1.0),
        ("plc.casing", 3.0),
        ("plc.tubing", 4.0),
    ]


def test_a_configuration_that_comes_late_undoes_nothing(hub: Running, box: Box, rows: Rows) -> None:
    box.declare(tuple(replace(tag, unit="kPa") for tag in TAGS), EPOCH + 1)
    wait_until(lambda: len(tag_rows(rows, "t.id")) == 2, "registered")
    box.declare((*TAGS, replace(TAGS[0], number=3, name="plc.gone")), EPOCH)
    wait_until(lambda: len(tag_rows(rows, "t.id")) == 3, "registered")
    assert tag_rows(rows, "t.unit") == [("kPa",), ("kPa",), ("psi",)]


def test_one_number_for_two_configurations_is_refused(hub: Running, box: Box, rows: Rows) -> None:
    box.declare(TAGS)
    box.declare(tags("plc.other"))
    box.wait(lambda: bool(box.refusals))
    assert "a second time" in box.refusals[0]
    assert rows.quarantine() == [("config_conflict", None)]
    assert len(tag_rows(rows, "t.id")) == 2


def test_blocks_of_an_unknown_configuration_wait_for_it(hub: Running, box: Box, rows: Rows) -> None:
    box.declare(TAGS)
    box.freeze()
    box.freeze(config=EPOCH + 7)
    box.freeze(config=EPOCH + 7)
    box.send(1, 3)
    box.wait(lambda: any(a.configs == (EPOCH + 7,) for a in box.answers))
    assert box.wait_receipt(1).number == 1
    assert len(rows.readings()) == 2
    box.declare(TAGS, EPOCH + 7)
    box.send(2, 3)
    box.wait_receipt(3)
    assert len(rows.readings()) == 6
    assert rows.quarantine() == []


def test_blocks_of_a_configuration_that_is_gone_are_settled(
    hub: Running, box: Box, rows: Rows
) -> None:
    box.freeze(config=EPOCH + 7)
    box.send(1)
    box.wait(lambda: any(a.configs for a in box.answers))
    box.declare((), EPOCH + 7, gone=True)
    box.send(1)
    box.wait_receipt(1)
    assert rows.quarantine() == [("config_gone", 1)]
    assert "no longer knows" in rows.one("SELECT reason FROM quarantine")


def test_a_configuration_found_again_replaces_its_gravestone(
    hub: Running, box: Box, rows: Rows
) -> None:
    box.declare((), gone=True)
    box.declare(TAGS)
    box.declare((), gone=True)
    box.freeze()
    box.send(1)
    box.wait_receipt(1)
    assert len(rows.readings()) == 2


def test_readings_of_tags_nobody_linked_are_kept(hub: Running, box: Box, rows: Rows) -> None:
    box.declare(TAGS)
    box.freeze()
    box.send(1)
    box.wait_receipt(1)
    assert rows.one("SELECT count(*) FROM tags WHERE well_id IS NULL AND linked_at IS NULL") == 2
    assert len(rows.readings()) == 2
