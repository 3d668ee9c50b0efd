"""Ingest on every storage tier: late, repeated and doubtful readings, and the audit of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent.contract.blocks import mark_maybe
from hub.audit import audit
from hub.database import Tier
from tests.cast import Cast
from tests.ingest.box import Box, Stream, tags
from tests.ingest.hub import Rows, running
from tests.servers.mosquitto import Mosquitto
from tests.servers.postgres import Database

pytestmark = pytest.mark.mosquitto

NAME = "bluebonnet-pad-2"
SHARD = 2
DAY_MS = 86_400_000


@pytest.fixture
def rows(tiered: Database, tiered_cast: Cast) -> Iterator[Rows]:
    made = Rows(tiered)
    yield made
    made.close()


def test_late_and_doubtful_readings_are_stored_once(
    tiered: Database, broker: Mosquitto, tiered_cast: Cast, rows: Rows
) -> None:
    with running(tiered, broker):
        box = Box(broker.url(NAME), NAME, SHARD)
        box.declare(tags("plc.tubing", "plc.casing"))
        box.at -= 90 * DAY_MS
        for _ in range(4):
            box.freeze(count=30, step_ms=3_600_000)
        box.send(1, 2)
        box.wait_receipt(2)
        if tiered.tier is Tier.COMMUNITY:
            rows.run("SELECT compress_chunk(c) FROM show_chunks('readings') c")
        box.send(1, 4, lane="h")
        box.wait_receipt(4)
        moved = Stream()
        for part in box.stream.parts:
            assert isinstance(part, bytes)
            moved.add(mark_maybe(part))
        box.freeze(count=3, stream=moved)
        box.send(1, 5, stream=moved)
        box.wait_receipt(5, moved)
        box.close()
    assert len(rows.readings()) == 4 * 60 + 6
    assert rows.doubles() == 0
    report = audit(tiered.engine("owner"))
    assert report.sentences == []
    assert report.to_json()["readings"] == {"ledgered": 246, "stored": 246}
