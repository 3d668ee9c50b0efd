"""The work process: woken by a commit, not stopped by failures, stopped cleanly."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import text

from hub.jobs import runner
from hub.jobs.runner import Gang, Loop
from hub.jobs.schedule import SCHEDULE, Job
from hub.jobs.slots import Slots
from hub.settings import HubSettings
from tests.alerting import Gauge, settings, watch
from tests.cast import Cast
from tests.servers.mail import Mailbox
from tests.servers.postgres import Database

NOW = datetime(2024, 6, 1, 12, 0, 30, tzinfo=UTC)


def wait_for(condition: Callable[[], bool], patience_s: float = 20) -> None:
    until = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


@contextmanager
def working(told: HubSettings) -> Iterator[threading.Thread]:
    stop = threading.Event()
    process = threading.Thread(target=runner.run, args=(told, stop))
    process.start()
    try:
        yield process
    finally:
        stop.set()
        process.join(30)
    assert not process.is_alive()


def listening(database: Database) -> list[int]:
    """Backends that listen."""
    with database.admin() as admin:
        rows = admin.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'wellflow-work-listen' AND query LIKE 'LISTEN wellflow_del%'"
        ).fetchall()
    return [pid for (pid,) in rows]


@pytest.fixture
def gauge(database: Database, cast: Cast) -> Gauge:
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    return watch(database, cast.bluebonnet, start)


@pytest.fixture
def told(database: Database, mailbox: Mailbox) -> HubSettings:
    return settings(database, mail_port=mailbox.port)


def arrive_and_notify(gauge: Gauge, value: float) -> None:
    gauge.arrive(((datetime.now(UTC) - gauge.start).total_seconds(), value))
    with gauge.database.engine("ingest").begin() as connection:
        connection.execute(text("NOTIFY wellflow_judge"))


def test_a_commit_becomes_a_letter(gauge: Gauge, told: HubSettings, mailbox: Mailbox) -> None:
    with working(told):
        wait_for(lambda: bool(listening(gauge.database)))
        arrive_and_notify(gauge, 95)
        (letter,) = mailbox.wait_for(1)
        assert letter.message["To"] == "bob@example.com"
        wait_for(lambda: gauge.told() == [("raised", "sent")])
    assert gauge.unjudged() == 0


def test_it_goes_on_when_its_connections_are_cut(
    gauge: Gauge, told: HubSettings, mailbox: Mailbox
) -> None:
    with working(told):
        wait_for(lambda: bool(listening(gauge.database)))
        with gauge.database.admin() as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name LIKE 'wellflow-work%'"
            )
        arrive_and_notify(gauge, 95)
        mailbox.wait_for(1)


def test_a_loop_goes_on_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "POLL_S", 0.01)
    stop, turns = threading.Event(), []

    def turn() -> bool:
        turns.append(len(turns))
        if len(turns) == 1:
            raise RuntimeError("the first turn fails")
        if len(turns) == 3:
            stop.set()
        return True

    Loop("test", turn, stop).run()
    assert turns == [0, 1, 2]


def job(run: Callable[..., object]) -> Job:
    trigger = IntervalTrigger(minutes=1, start_date=NOW - timedelta(days=1), timezone=UTC)
    return Job("count", trigger, "counts", run, timedelta(minutes=2))


def runs(database: Database) -> list[tuple[datetime, str | None, str | None]]:
    with database.admin() as admin:
        rows = admin.execute("SELECT due_at, outcome, detail FROM job_runs ORDER BY due_at")
        return [(due, outcome, detail) for due, outcome, detail in rows.fetchall()]


def test_one_of_all_workers_runs_a_job_once(database: Database, told: HubSettings) -> None:
    ran: list[str] = []
    counting = job(lambda _engine, _settings: ran.append("x"))
    workers = [Slots(database.engine("work"), told, f"w{n}") for n in range(3)]
    for moment in (NOW, NOW + timedelta(seconds=1), NOW + timedelta(minutes=1)):
        assert [slots.run_if_due(counting, moment) for slots in workers].count(True) <= 1
    assert len(ran) == 2
    assert [outcome for _, outcome, _ in runs(database)] == ["done", "done"]


def test_a_job_that_fails_is_recorded_and_comes_up_again(
    database: Database, told: HubSettings
) -> None:
    slots = Slots(database.engine("work"), told, "w")
    failing = job(lambda _engine, _settings: 1 / 0)
    assert slots.run_if_due(failing, NOW)
    assert not slots.run_if_due(failing, NOW + timedelta(seconds=5))
    assert slots.run_if_due(failing, NOW + timedelta(minutes=1))
    assert [(outcome, detail) for _, outcome, detail in runs(database)] == 2 * [
        ("failed", "ZeroDivisionError: division by zero")
    ]


@pytest.mark.parametrize("scheduled", SCHEDULE, ids=lambda scheduled: scheduled.name)
def test_every_job_of_the_schedule_runs_on_a_fresh_database(
    database: Database, told: HubSettings, scheduled: Job
) -> None:
    assert Slots(database.engine("work"), told, "w").run_if_due(scheduled)
    ((_, outcome, detail),) = runs(database)
    assert (outcome, detail) == ("done", detail)


def test_a_message_wakes_one_deliverer_and_who_is_busy_looks_again() -> None:
    stop = threading.Event()
    gang = Gang([Loop(name, lambda: False, stop, rests=True) for name in "abc"])

    def woken() -> list[str]:
        return [loop.name for loop in gang.loops if loop.wake.is_set()]

    gang.set()
    assert woken() == ["a"]
    gang.set()
    assert woken() == ["a", "b"]
    for loop in gang.loops:
        loop.rests = False  # all are sending
    gang.set()
    assert woken() == ["a", "b", "c"]
