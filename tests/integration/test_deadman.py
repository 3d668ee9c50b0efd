"""The hub watches itself, and calls outside only while it would really wake somebody."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from hub import deadman
from hub.__main__ import main
from hub.deadman import Beat, Progress
from hub.jobs import runner
from hub.notify import turns
from tests.alerting import settings
from tests.cast import Cast
from tests.servers.postgres import Database
from tests.telemetry import Point, store
from tests.webhooks import Answer, Receiver

LOOPS = (
    *("store-0", "store-1", "judge", "deliver-people-1", "deliver-endpoints-1"),
    *("escalate", "jobs"),
)


@pytest.fixture
def outside() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


def go_on(database: Database, *loops: str) -> None:
    progress = Progress("hub@test")
    for loop in loops:
        progress.note(loop)
    with database.engine("work").begin() as connection:
        progress.write(connection)


def test_what_is_needed_has_the_names_of_what_the_processes_do(database: Database) -> None:
    """A name nothing answers to would keep the call outside silent for ever."""
    engine, told, stop = database.engine("work"), settings(database), threading.Event()
    loops = runner._loops(engine, told, stop)
    for lane in turns.LANES:
        loops += runner._deliverers(engine, told, stop, lane).loops
    named = {Beat("work", loop.name, datetime.now(UTC), 1).kind for loop in loops}
    assert set(deadman.NEEDED) - named == {"store"}
    assert Beat("ingest", "store-3", datetime.now(UTC), 1).kind == "store"


def test_it_calls_outside_only_while_everything_goes_on(
    database: Database, cast: Cast, outside: Receiver
) -> None:
    told = settings(database, WELLFLOW_HEARTBEAT_URL=outside.url)
    work = database.engine("work")
    assert deadman.call_outside(work, told) == "starting"
    go_on(database, *LOOPS)
    assert deadman.call_outside(work, told).startswith("called in")
    assert [hook.path for hook in outside.got] == ["/hook"]

    later = datetime.now(UTC) + timedelta(minutes=3)
    assert "judge of hub@test has not gone on" in deadman.call_outside(work, told, later)
    with work.begin() as connection:
        connection.execute(text("DELETE FROM process_beats WHERE loop LIKE 'store%'"))
    assert "nothing does the work of 'store'" in deadman.call_outside(work, told)

    go_on(database, *LOOPS)
    store(database, cast.bluebonnet, [Point(cast.bluebonnet.tags[0], datetime.now(UTC), 1.0)])
    with database.admin() as admin:
        admin.execute("UPDATE ingest_batches SET received_at = now() - interval '3 minutes'")
    assert "waited for judgement" in deadman.call_outside(work, told)
    assert len(outside.got) == 1


def test_an_address_that_leads_elsewhere_or_lies_is_not_followed(
    database: Database, cast: Cast, outside: Receiver
) -> None:
    go_on(database, *LOOPS)
    work = database.engine("work")
    told = settings(database, WELLFLOW_HEARTBEAT_URL=outside.url)
    outside.answer = lambda _hook: Answer(302, {"Location": "http://127.0.0.1:1/"})
    assert "redirect" in deadman.call_outside(work, told)
    outside.answer = lambda _hook: Answer(500)
    assert "answers 500" in deadman.call_outside(work, told)
    strict = settings(
        database, WELLFLOW_HEARTBEAT_URL=outside.url, WELLFLOW_WEBHOOK_ALLOW_PRIVATE="false"
    )
    assert "https" in deadman.call_outside(work, strict)


def test_status_tells_what_stands_still(
    database: Database, cast: Cast, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    for name, value in {
        "DATABASE_URL": database.url,
        "MQTT_URL": "mqtt://hub:x@127.0.0.1:1",
        "SECRET_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    }.items():
        monkeypatch.setenv(f"WELLFLOW_{name}", value)
    go_on(database, *LOOPS)
    assert main(["status", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["ok"]
    assert {loop["loop"] for loop in said["loops"]} == set(LOOPS)
    assert "no key yet" in said["agents"][0]["rules"]
    with database.admin() as admin:
        admin.execute(
            "UPDATE process_beats SET at = now() - interval '1 hour' WHERE loop = 'judge'"
        )
    assert main(["status"]) == 1
    assert "judge" in capsys.readouterr().out
