"""What cannot be accepted is set aside with its reason, settled, and holds up nothing."""

from __future__ import annotations

import json
import uuid
import zlib
from collections.abc import Callable, Iterator

import pytest

from agent.contract import wire
from agent.contract.blocks import Block as FrozenBlock
from agent.contract.blocks import Sample, Stamp, freeze, to_columns
from hub.ingest.quarantine import CODES
from hub.ingest.replay import ReplayError, replay_at
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
    made.declare(TAGS)
    yield made
    made.close()


@pytest.fixture
def rows(database: Database, cast: Cast) -> Iterator[Rows]:
    made = Rows(database)
    yield made
    made.close()


def good_still_gets_through(box: Box, rows: Rows) -> None:
    """The next good block is stored and receipted."""
    before = len(rows.readings())
    number = box.freeze()
    box.send(number)
    box.wait_receipt(number)
    assert len(rows.readings()) == before + 2


def line_at(box: Box, at: int, tag: int = 1) -> bytes:
    sample = Sample(tag, at, 7.5)
    return freeze(FrozenBlock(Stamp(EPOCH, box.boot, 1), to_columns([sample])))


def edited(line: bytes, **changes: object) -> bytes:
    return json.dumps(json.loads(line) | changes).encode()


#: Name -> the line of a block with that fault, and the code it gets.
BAD_BLOCKS: dict[str, tuple[Callable[[Box], bytes], str]] = {
    "not JSON": (lambda box: b"{half a block", "broken_block"),
    "no object": (lambda box: b"[1,2]", "broken_block"),
    "NaN": (lambda box: line_at(box, now_ms()).replace(b"75", b"NaN"), "broken_block"),
    "infinite": (
        lambda box: edited(line_at(box, now_ms()), g=[[1, 0, None, [0.5]]]).replace(
            b"0.5", b"1e999"
        ),
        "not_a_number",
    ),
    "good without a value": (
        lambda box: edited(line_at(box, now_ms()), g=[[1, 0, None, [None]]]),
        "no_value",
    ),
    "unknown tag number": (lambda box: line_at(box, now_ms(), 99), "unknown_tag"),
    "ahead": (lambda box: line_at(box, now_ms() + 180_000), "ahead"),
    "before 2000": (lambda box: line_at(box, 86_400_000), "absurd_time"),
    "a time no calendar has": (lambda box: line_at(box, -(2**52)), "absurd_time"),
    "a bomb": (
        lambda box: edited(line_at(box, now_ms()), t=[[0, 1, 999_999]]),
        "broken_block",
    ),
}


@pytest.mark.parametrize("name", BAD_BLOCKS)
def test_a_bad_block_is_set_aside_and_its_number_settled(name: str, box: Box, rows: Rows) -> None:
    make, code = BAD_BLOCKS[name]
    line = make(box)
    first = box.freeze()
    box.stream.add(line)
    box.freeze()
    box.send(first, first + 2)
    receipt = box.wait_receipt(first + 2)
    assert receipt.checksum == box.stream.after[-1]
    assert rows.quarantine() == [(code, first + 1)]
    payload, reason = rows.all("SELECT payload, reason FROM quarantine")[0]
    assert bytes(payload) == line
    assert CODES[code] in reason
    assert f"block {first + 1} of stream {box.stream.id}" in reason
    assert len(rows.readings()) == 4
    assert rows.all("SELECT quarantined, readings FROM ingest_batches") == [(1, 4)]
    good_still_gets_through(box, rows)


def test_the_good_readings_of_a_block_are_kept(box: Box, rows: Rows) -> None:
    at = now_ms()
    samples = [Sample(1, at, 1.5), Sample(99, at, 2.5), Sample(2, at + 300_000, 3.5)]
    line = freeze(FrozenBlock(Stamp(EPOCH, box.boot, 1), to_columns(samples)))
    box.stream.add(line)
    box.send(1)
    box.wait_receipt(1)
    assert rows.readings() == [("plc.tubing", 1.5, 0)]
    assert rows.quarantine() == [("unknown_tag", 1)]
    reason = rows.one("SELECT reason FROM quarantine")
    assert "1 unknown tag (tag number 99)" in reason
    assert "1 ahead (tag number 2 at 20" in reason


def inflating_to(size: int) -> bytes:
    head = wire.dump({"v": 1, "s": "big", "n": [1, 1], "p": 0})
    return b"\x01" + zlib.compress(head + b"\n" + b" " * size)


def envelope(version: int, stream: str, first: int, last: int, rest: bytes = b"") -> bytes:
    head = wire.dump({"v": version, "s": stream, "n": [first, last], "p": 0})
    return wire.encode(head + b"\n" + rest)


#: Name -> payload with a readable envelope of stream "whole", numbers 1 to 3, and its code.
BAD_MESSAGES = {
    "a later version": (envelope(9, "whole", 1, 3, b"\xff\xfe"), "unknown_version"),
    "fewer lines than numbers": (envelope(1, "whole", 1, 3, b"{}"), "broken_message"),
    "no checksum": (wire.encode(b'{"v":1,"s":"whole","n":[1,3]}\n{}\n{}\n{}'), "broken_message"),
    "a gap beyond any column": (
        wire.encode(b'{"v":1,"s":"whole","n":[1,3],"p":0,"gaps":[[1,3,"lost",-1,0,0,0]]}'),
        "broken_message",
    ),
    "too large": (
        b"\x00" + envelope(1, "whole", 1, 3)[1:] + b"x" * wire.MAX_MESSAGE,
        "too_large",
    ),
}


@pytest.mark.parametrize("name", BAD_MESSAGES)
def test_an_unreadable_message_is_set_aside_whole_and_settled(
    name: str, box: Box, rows: Rows
) -> None:
    payload, code = BAD_MESSAGES[name]
    box.publish("up/t", payload)
    whole = Stream("whole")
    receipt = box.wait_receipt(3, whole)
    assert receipt.checksum == -1, "whoever continues the stream sets the checksum"
    assert rows.quarantine() == [(code, None)]
    assert bytes(rows.one("SELECT payload FROM quarantine")) == payload
    assert rows.all("SELECT first, last, readings, quarantined FROM ingest_batches") == [
        (1, 3, 0, 3)
    ]
    for _ in range(4):
        box.freeze(stream=whole)
    box.send(4, stream=whole)
    box.wait_receipt(4, whole)
    good_still_gets_through(box, rows)


def test_a_stream_settled_whole_is_not_settled_across_a_hole(box: Box, rows: Rows) -> None:
    box.publish("up/t", envelope(9, "whole", 4, 6))
    box.wait_want(1, Stream("whole"))
    assert rows.quarantine() == []


def test_what_inflates_too_far_is_settled(box: Box, rows: Rows) -> None:
    box.publish("up/t", inflating_to(3 * wire.MAX_PLAIN))
    box.wait_receipt(1, Stream("big"))
    assert rows.quarantine() == [("broken_message", None)]
    good_still_gets_through(box, rows)


NOT_OURS = {
    "empty": ("up/t", b""),
    "noise": ("up/t", b"\x01\x02\x03"),
    "an unknown codec": ("up/t", b"\x07{}"),
    "no envelope": ("up/h", wire.encode(b'{"hello":"world"}')),
    "a stream name with a zero": ("up/t", envelope(1, "a\0b", 1, 1, b"{}")),
    "an unknown door": ("up/x", wire.encode(b"{}")),
    "a broken birth": ("st", wire.encode(b'{"v":1,"on":1,"boot":5}')),
    "a birth with numbers no column holds": (
        "st",
        wire.encode(
            wire.dump(
                {
                    "v": 1,
                    "on": 1,
                    "boot": "b",
                    "software": "s",
                    "at": 1,
                    "clock": 1,
                    "config": 1,
                    "streams": [{"stream": "s", "next": 10**30, "oldest": 1}],
                }
            )
        ),
    ),
    "a broken configuration": ("up/d", wire.encode(b'{"v":1,"k":"config"}')),
    "a configuration with a text for a number": (
        "up/d",
        wire.encode(
            b'{"v":1,"k":"config","epoch":5,"tags":[{"number":"one","name":"a","device":"d",'
            b'"unit":"psi","interval_ms":1000}]}'
        ),
    ),
}


@pytest.mark.parametrize("name", NOT_OURS)
def test_what_cannot_be_settled_is_kept_once_and_the_agent_is_told(
    name: str, box: Box, rows: Rows
) -> None:
    door, payload = NOT_OURS[name]
    for _ in range(3):
        box.publish(door, payload)
    box.wait(lambda: len(box.refusals) >= 1)
    good_still_gets_through(box, rows)
    assert len(rows.quarantine()) == 1
    assert rows.one("SELECT agent_id IS NOT NULL FROM quarantine")


def test_an_unknown_agent_is_set_aside_without_organization_and_never_answered(
    hub: Running, broker: Mosquitto, box: Box, rows: Rows
) -> None:
    broker.allow("stranger", "secret")
    stranger = Box(broker.url("stranger"), "stranger", 7)
    stranger.declare(TAGS)
    stranger.freeze()
    stranger.send(1)
    wait_until(lambda: len(rows.quarantine()) == 2, "set aside")
    good_still_gets_through(box, rows)
    assert {code for code, _ in rows.quarantine()} == {"unknown_agent"}
    assert rows.one("SELECT count(organization_id) FROM quarantine") == 0
    assert stranger.answers == []
    stranger.close()


def test_an_unknown_agent_that_never_tires_fills_nothing(
    hub: Running, broker: Mosquitto, box: Box, rows: Rows
) -> None:
    broker.allow("stranger", "secret")
    stranger = Box(broker.url("stranger"), "stranger", 7)
    for _ in range(60):
        stranger.freeze()
        stranger.send(stranger.stream.last)
    good_still_gets_through(box, rows)
    wait_until(lambda: hub.ingest.count.messages >= 62, "all taken")
    assert len(rows.quarantine()) == 20
    stranger.close()


def test_an_agent_enrolled_while_it_knocks_is_let_in(
    hub: Running, broker: Mosquitto, rows: Rows, cast: Cast
) -> None:
    broker.allow("newcomer", "secret")
    newcomer = Box(broker.url("newcomer"), "newcomer", 7)
    newcomer.declare(TAGS)
    wait_until(lambda: len(rows.quarantine()) == 1, "set aside")
    rows.run(
        "INSERT INTO agents (organization_id, name, shard) VALUES (%s, 'newcomer', 7)",
        cast.bluebonnet.id,
    )

    def let_in() -> bool:
        newcomer.birth()
        return bool(newcomer.answers)

    wait_until(let_in, "answered")
    newcomer.close()


def test_a_revoked_agent_is_refused_within_seconds(hub: Running, box: Box, rows: Rows) -> None:
    box.freeze()
    box.send(1)
    box.wait_receipt(1)
    rows.run("UPDATE agents SET revoked_at = now() WHERE name = %s", NAME)

    def refused() -> bool:
        box.freeze()
        box.send(box.stream.last)
        return ("revoked_agent", None) in rows.quarantine()

    wait_until(refused, "refused", 5.0)
    stored, answers = len(rows.readings()), len(box.answers)
    box.freeze()
    box.send(box.stream.last)
    wait_until(lambda: len(rows.quarantine()) >= 2, "set aside")
    assert len(rows.readings()) == stored
    assert len(box.answers) == answers


def test_an_agent_on_another_shard_than_its_own_is_refused(
    hub: Running, box: Box, rows: Rows
) -> None:
    box.freeze()
    box.publish("up/t", box.stream.message(1, 1), shard=9)
    wait_until(lambda: rows.quarantine() == [("wrong_shard", None)], "set aside")
    box.wait(lambda: any("on shard 2" in text for text in box.refusals))
    assert rows.readings() == []


def test_an_agent_cannot_speak_for_another(
    hub: Running, broker: Mosquitto, box: Box, rows: Rows, cast: Cast
) -> None:
    """The broker drops it; if it did not, the topic would still decide whose readings they are."""
    liar = Box(broker.url("cimarron-pad-1"), "cimarron-pad-1", 1)
    liar.name, liar.shard = NAME, SHARD
    liar.freeze()
    liar.publish("up/t", liar.stream.message(1, 1))
    liar.close()
    other = Box(broker.url("cimarron-pad-1"), "cimarron-pad-1", 1)
    other.declare(TAGS)
    other.freeze()
    other.send(1)
    other.wait_receipt(1)
    owners = rows.all("SELECT DISTINCT organization_id FROM readings")
    assert owners == [(cast.cimarron.id,)]
    assert rows.one("SELECT count(*) FROM streams WHERE agent_id = %s", box_id(rows, NAME)) == 0
    other.close()


def box_id(rows: Rows, name: str) -> uuid.UUID:
    found = rows.one("SELECT id FROM agents WHERE name = %s", name)
    assert isinstance(found, uuid.UUID)
    return found


def test_what_the_database_refuses_is_set_aside_and_the_rest_goes_on(
    hub: Running, box: Box, rows: Rows
) -> None:
    rows.run("ALTER TABLE readings ADD CHECK (value <> 666)")
    box.freeze()
    box.freeze([(1, 666.0)])
    for _ in range(8):
        box.freeze()
    for number in range(1, 11):
        box.send(number)
    box.wait_receipt(10)
    assert rows.quarantine() == [("refused_by_database", None)]
    assert "violates check constraint" in rows.one("SELECT reason FROM quarantine")
    assert len(rows.readings()) == 9 * 2


def test_what_cannot_even_be_set_aside_stays_with_the_agent(
    hub: Running, box: Box, rows: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    rows.run("ALTER TABLE ingest_batches ADD CONSTRAINT odd CHECK (first <> 1)")
    other = Stream("other")
    box.freeze()
    box.send(1)
    for number in (1, 2):
        box.freeze(stream=other, count=number)
    wait_until(lambda: "nor can it be set aside" in caplog.text, "given up")
    rows.run("ALTER TABLE ingest_batches DROP CONSTRAINT odd")
    box.send(1, 2, stream=other)
    box.wait_receipt(2, other)
    box.send(1)
    box.wait_receipt(1)
    assert len(rows.readings()) == 2 + 2 + 4


# ------------------------------------------------------------------------------------ replay


def test_a_block_of_an_unknown_tag_is_replayed_once_it_is_known(
    box: Box, rows: Rows, database: Database, cast: Cast
) -> None:
    at = now_ms() - 5_000
    samples = [Sample(1, at, 1.5), Sample(3, at, 2.5), Sample(3, at + 1000, 3.5)]
    box.stream.add(freeze(FrozenBlock(Stamp(EPOCH, box.boot, 1), to_columns(samples))))
    box.send(1)
    box.wait_receipt(1)
    item = rows.one("SELECT id FROM quarantine")
    first = replay_at(database.url, item, cast.bluebonnet.manager)
    assert (first.stored, len(first.remaining)) == (0, 1)
    rows.run(
        "INSERT INTO tags (organization_id, agent_id, name, device, unit, interval_ms)"
        " SELECT organization_id, id, 'plc.oil', 'plc', 'bbl', 1000 FROM agents WHERE name = %s",
        NAME,
    )
    rows.run(
        "INSERT INTO config_epoch_tags (organization_id, agent_id, epoch, number, tag_id)"
        " SELECT organization_id, agent_id, %s, 3, id FROM tags WHERE name = 'plc.oil'",
        EPOCH,
    )
    second = replay_at(database.url, item, cast.bluebonnet.manager)
    assert (second.stored, second.remaining) == (2, ())
    assert [value for _, value, _ in rows.readings()] == [2.5, 1.5, 3.5]
    assert rows.doubles() == 0
    assert rows.all("SELECT settlement, settled_by FROM quarantine") == [
        ("replayed", cast.bluebonnet.manager)
    ]
    assert rows.one("SELECT sum(readings) FROM ingest_batches") == 3
    with pytest.raises(ReplayError, match="settled already"):
        replay_at(database.url, item)


def test_a_whole_message_is_replayed(box: Box, rows: Rows, database: Database) -> None:
    for _ in range(3):
        box.freeze(count=2)
    wait_until(lambda: rows.one("SELECT count(*) FROM config_epochs") == 1, "declared")
    rows.run(  # as a hub that did not know the lane set it aside
        "INSERT INTO quarantine (organization_id, agent_id, topic, code, reason, stream, payload)"
        " SELECT organization_id, id, 'wf/1/2/' || name || '/up/b', 'unknown_lane', 'later', %s, %s"
        " FROM agents WHERE name = %s",
        box.stream.id,
        box.stream.message(1, 3),
        NAME,
    )
    item = rows.one("SELECT id FROM quarantine")
    assert replay_at(database.url, item).stored == 12
    assert len(rows.readings()) == 12
    assert rows.doubles() == 0


def test_what_is_no_message_cannot_be_replayed(box: Box, rows: Rows, database: Database) -> None:
    box.publish("up/t", b"\x01\x02\x03")
    box.wait(lambda: bool(box.refusals))
    with pytest.raises(ReplayError, match="discard it"):
        replay_at(database.url, rows.one("SELECT id FROM quarantine"))
    with pytest.raises(ReplayError, match="nothing in quarantine"):
        replay_at(database.url, uuid.uuid4())


def test_a_replay_that_cannot_reach_the_database_says_so() -> None:
    with pytest.raises(ReplayError, match="database"):
        replay_at("postgresql://nobody@127.0.0.1:1/none", uuid.uuid4())
