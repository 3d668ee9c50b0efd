"""Alarms of a site and field entries: stored once, by the rules of every stream, or set aside."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from agent.contract.blocks import Stamp
from agent.contract.photos import PART, cut, part_body
from agent.contract.records import Record, freeze_record, new_id
from hub.alerts import rules
from hub.ingest.replay import replay_at
from tests.cast import Cast
from tests.ingest.box import Box, Stream, now_ms, tags
from tests.ingest.hub import Rows, running, wait_until
from tests.servers.mosquitto import Mosquitto
from tests.servers.postgres import Database
from tests.sitework import Alarm, entry

pytestmark = pytest.mark.mosquitto

NAME, SHARD = "bluebonnet-pad-2", 2
HIGH = {"levels": {"hihi": {"setpoint": 800, "priority": 1}}}


@pytest.fixture
def box(database: Database, broker: Mosquitto, cast: Cast) -> Iterator[Box]:
    with running(database, broker):
        made = Box(broker.url(NAME), NAME, SHARD)
        made.declare(tags("plc.tubing", "plc.casing"))
        yield made
        made.close()


@pytest.fixture
def rows(database: Database, cast: Cast) -> Iterator[Rows]:
    made = Rows(database)
    yield made
    made.close()


@pytest.fixture
def rule(database: Database, cast: Cast, box: Box, rows: Rows) -> uuid.UUID:
    """A rule on the box's first tag."""
    find = "SELECT id FROM tags WHERE name = 'plc.tubing' AND device = 'plc'"
    wait_until(lambda: rows.one(find) is not None, "the tag is declared")
    with Session(database.engine("owner")) as session, session.begin():
        made = rules.create(session, cast.bluebonnet.id, rows.one(find), "Tubing high", HIGH)
        return made.id


def test_alarms_and_entries_are_stored_once_whatever_is_sent_again(
    box: Box, rows: Rows, rule: uuid.UUID
) -> None:
    now = now_ms()
    alarm, alarms, entries = Alarm(rule, now - 10_000), Stream(), Stream()
    alarms.add(alarm.line("raised", now - 9_000))
    alarms.add(alarm.line("cleared", now - 1_000))
    gauge = entry(now, {"tank": "Bravo 1", "top": "18' 2\""})
    entries.add(gauge)
    box.send(1, stream=alarms, lane="a")
    box.send(1, stream=entries, lane="e")
    box.wait_receipt(1, alarms)
    box.send(1, 2, stream=alarms, lane="a")  # cut anew
    box.send(2, stream=alarms, lane="h")  # the lane says nothing
    copy = Stream()  # the same entry by another stream, as after a restored image
    copy.add(gauge)
    box.send(1, stream=copy, lane="e")
    box.wait_receipt(2, alarms)
    box.wait_receipt(1, copy)

    kept = rows.all(
        "SELECT kind, spell, level, value, raised_at < certain_at FROM site_alarms ORDER BY at"
    )
    assert kept == [
        ("raised", alarm.spell, "hihi", 900.0, True),
        ("cleared", alarm.spell, "hihi", 900.0, True),
    ]
    found = rows.all("SELECT body->>'tank', door, state FROM field_entries")
    assert found == [("Bravo 1", "agent", "new")]
    ledger = rows.all(
        "SELECT readings, from_time = to_time FROM ingest_batches WHERE stream = %s", alarms.id
    )
    assert ledger == [(0, True), (0, True)]
    assert rows.quarantine() == []


def test_an_entry_that_came_by_another_door_first_counts_once(
    box: Box, rows: Rows, cast: Cast
) -> None:
    made = new_id()
    rows.run(
        "INSERT INTO field_entries (organization_id, entry_id, door, body, saved_at)"
        " VALUES (%s, %s, 'console', '{\"tank\": 1}', now())",
        cast.bluebonnet.id,
        made,
    )
    box.stream.add(entry(now_ms(), {"tank": 1}, made))
    box.send(1, lane="e")
    box.wait_receipt(1)
    assert rows.all("SELECT door FROM field_entries") == [("console",)]


def test_what_cannot_be_stored_is_set_aside_and_holds_nothing_up(
    database: Database, box: Box, rows: Rows, cast: Cast, rule: uuid.UUID
) -> None:
    now = now_ms()
    stranger = Alarm(new_id(), now)
    stamp = Stamp(1_000, box.boot, 1, now, 1)
    odd = [
        stranger.line("raised", now),
        freeze_record(Record("hologram", new_id(), stamp, {})),
        b'{"r":"alarm","i":"no id"}',
        freeze_record(Record("entry", new_id(), stamp, {"note": "half \ud800 a pair"})),
        freeze_record(Record("alarm", new_id(), stamp, {"what": "raised"})),
    ]
    for line in odd:
        box.stream.add(line)
    ahead = Alarm(rule, now + 600_000)
    box.stream.add(ahead.line("raised", now + 600_000))
    box.send(1, 6, lane="a")
    box.wait_receipt(6)
    assert rows.quarantine() == [
        ("unknown_rule", 1),
        ("unknown_record", 2),
        ("broken_record", 3),
        ("broken_record", 4),
        ("broken_record", 5),
    ]
    # A clock that is ahead wakes people all the same, at the time at which it was heard.
    placed = rows.one("SELECT certain_at <= now() AND raised_at <= now() FROM site_alarms")
    assert placed is True

    item = rows.one("SELECT id FROM quarantine WHERE code = 'unknown_rule'")
    assert "rule" in replay_at(database.url, item).remaining[0]


def test_what_a_site_tells_of_itself_becomes_an_event_of_its_agent(box: Box, rows: Rows) -> None:
    body = {"what": "alone", "said": "No hub was heard for 12 minutes; the horn sounded here."}
    line = freeze_record(Record("site", new_id(), Stamp(1_000, box.boot, 1, now_ms(), 1), body))
    box.stream.add(line)
    box.stream.add(line)
    box.send(1, 2, lane="a")
    box.wait_receipt(2)
    assert rows.all("SELECT kind, text FROM agent_events") == [("site_alone", body["said"])]


def test_parts_of_photos_are_kept_once_and_a_broken_one_is_set_aside(box: Box, rows: Rows) -> None:
    stamp = Stamp(1_000, box.boot, 1, now_ms(), 1)
    bodies = [part_body(part) for part in cut(uuid.uuid4(), bytes(2 * PART))]
    for body in (*bodies, bodies[1], bodies[0] | {"of": 0}):
        box.stream.add(freeze_record(Record("photo", new_id(), stamp, body)))
    box.send(1, 4, lane="b")
    box.wait_receipt(4)
    assert rows.all("SELECT part, parts, length(content) FROM entry_photo_parts ORDER BY part") == [
        (1, 2, PART),
        (2, 2, PART),
    ]
    assert rows.quarantine() == [("broken_record", 4)]
