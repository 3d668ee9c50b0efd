"""The audit agrees when all is well, and names what is missing when something is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from hub.audit import Report, audit
from tests.cast import Cast
from tests.ingest.box import Box, Stream, now_ms, tags
from tests.ingest.hub import Rows, running
from tests.servers.mosquitto import Mosquitto
from tests.servers.postgres import Database

pytestmark = pytest.mark.mosquitto

NAME = "bluebonnet-pad-2"
SHARD = 2


@pytest.fixture
def rows(database: Database, cast: Cast) -> Iterator[Rows]:
    made = Rows(database)
    yield made
    made.close()


@pytest.fixture
def box(database: Database, broker: Mosquitto, cast: Cast) -> Iterator[Box]:
    """A box whose twelve blocks, over a midnight, have been stored in messages of three."""
    with running(database, broker):
        made = Box(broker.url(NAME), NAME, SHARD)
        made.declare(tags("plc.tubing", "plc.casing"))
        made.at = now_ms() // 86_400_000 * 86_400_000 - 6_000
        for _ in range(12):
            made.freeze()
        for first in (1, 4, 7, 10):
            made.send(first, first + 2)
        made.wait_receipt(12)
        yield made
        made.close()


def held(database: Database, **more: int) -> Report:
    return audit(database.engine("owner"), **more)  # type: ignore[arg-type]


def day_of(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).date().isoformat()


def test_when_all_is_well_the_three_accounts_agree(database: Database, box: Box) -> None:
    report = held(database)
    assert report.ok
    assert report.exit_code == 0
    assert report.sentences == []
    found = next(agent for agent in report.agents if agent.name == NAME)
    assert [(day.ledgered, day.stored) for day in found.days] == [(12, 12), (12, 12)]
    assert found.missing == []
    told = json.loads(json.dumps(report.to_json()))
    assert told["readings"] == {"ledgered": 24, "stored": 24}
    assert [agent["name"] for agent in told["agents"]] == sorted(
        ["bluebonnet-pad-1", NAME, "cimarron-pad-1", "cimarron-pad-2"]
    )


def test_one_deleted_reading_is_named_by_agent_and_day(
    database: Database, box: Box, rows: Rows
) -> None:
    rows.run(
        "DELETE FROM readings WHERE (tag_id, time) ="
        " (SELECT tag_id, time FROM readings ORDER BY time DESC LIMIT 1)"
    )
    report = held(database)
    assert report.exit_code == 1
    (sentence,) = report.sentences
    today = day_of(now_ms() // 86_400_000 * 86_400_000)
    assert f"{NAME}, {today}: 11 readings are stored but the ledger counts 12" in sentence


def test_a_reading_stored_twice_is_named(database: Database, box: Box, rows: Rows) -> None:
    rows.run("INSERT INTO readings SELECT * FROM readings ORDER BY time LIMIT 1")
    (sentence,) = held(database).sentences
    assert "13 readings are stored but the ledger counts 12" in sentence
    assert "stored twice" in sentence


@pytest.mark.parametrize(("first", "blocks"), [(4, "4 to 6"), (10, "10 to 12"), (1, "1 to 3")])
def test_one_deleted_ledger_row_is_named_by_its_blocks(
    database: Database, box: Box, rows: Rows, first: int, blocks: str
) -> None:
    rows.run("DELETE FROM ingest_batches WHERE first = %s", first)
    report = held(database)
    assert report.exit_code == 1
    assert any(
        f"{NAME}, stream {box.stream.id}: the ledger has no row for blocks {blocks}" in sentence
        for sentence in report.sentences
    )
    assert any("the ledger counts" in sentence for sentence in report.sentences)


def test_a_changed_checksum_and_a_ledger_ahead_of_its_stream_are_named(
    database: Database, box: Box, rows: Rows
) -> None:
    rows.run("UPDATE ingest_batches SET checksum = 1 WHERE last = 12")
    (sentence,) = held(database).sentences
    assert "checksum after block 12 differs" in sentence
    rows.run("UPDATE streams SET number = 9")
    (sentence,) = held(database).sentences
    assert "the ledger goes to block 12, the stream's row to 9" in sentence


def test_ledger_rows_that_overlap_are_named(database: Database, box: Box, rows: Rows) -> None:
    rows.run("UPDATE ingest_batches SET first = 3 WHERE first = 4")
    (sentence,) = held(database).sentences
    assert "blocks 3 to 3 stand in the ledger twice" in sentence


def test_what_is_missing_for_a_reason_is_listed_with_its_cause(
    database: Database, box: Box
) -> None:
    other = Stream()
    for _ in range(6):
        box.freeze(stream=other)
    other.lose(2, 3, "thinned", 4)
    box.send(1, 4, stream=other)
    box.wait_receipt(4, other)
    box.birth(box.stream, other)
    box.wait(lambda: len(box.answers[-1].receipts) == 2)
    report = held(database)
    assert report.ok
    found = next(agent for agent in report.agents if agent.name == NAME)
    assert {(gap.first, gap.last, gap.cause, gap.readings) for gap in found.missing} == {
        (2, 3, "thinned", 4),
        (5, 6, "not_yet_sent", None),
    }


def test_what_is_older_than_it_must_be_kept_is_not_missed(
    database: Database, box: Box, rows: Rows
) -> None:
    rows.run("DELETE FROM readings")
    rows.run("UPDATE readings_state SET kept_from = now() + interval '2 days'")
    report = held(database)
    assert report.ok
    found = next(agent for agent in report.agents if agent.name == NAME)
    assert all(day.expired for day in found.days)


def test_one_agent_or_the_last_days_can_be_asked_for(database: Database, box: Box) -> None:
    report = audit(database.engine("owner"), agent=NAME, days=0)
    assert [agent.name for agent in report.agents] == [NAME]
    assert [day.ledgered for day in report.agents[0].days] == [12]
    assert not audit(database.engine("owner"), agent="nobody").ok


def test_readings_of_no_tag_are_named(database: Database, box: Box, rows: Rows) -> None:
    rows.run(
        "INSERT INTO readings (time, value, organization_id, tag_id, quality)"
        " SELECT time, value, organization_id, 999999, quality FROM readings LIMIT 1"
    )
    assert any("whose tag does not exist" in sentence for sentence in held(database).sentences)
