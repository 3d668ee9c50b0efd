"""Several workers, and workers that die: nothing twice, nothing missed."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from hub.alerts import engine
from tests.alerting import Gauge, watch
from tests.cast import Cast
from tests.servers.postgres import Database
from tests.telemetry import Point, store

ROOT = Path(__file__).resolve().parents[2]
START = datetime(2024, 6, 1, 12, 0, tzinfo=UTC)

JUDGE = """
import sys
from datetime import datetime
from hub.alerts.engine import judge_pending
from hub.database import connect
print("ready", flush=True)
judge_pending(connect(sys.argv[1], "work"), datetime.fromisoformat(sys.argv[2]))
print("judged", flush=True)
"""


def judging(gauge: Gauge, seconds: float) -> subprocess.Popen[str]:
    """A worker in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", JUDGE, gauge.database.url, gauge.at(seconds).isoformat()],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def wait_until_blocked(database: Database) -> None:
    """Wait until some session waits for a lock."""
    until = time.monotonic() + 20
    with database.admin() as admin:
        while True:
            row = admin.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ).fetchone()
            if row and row[0]:
                return
            assert time.monotonic() < until, "nobody waits for a lock"
            time.sleep(0.02)


def test_a_worker_killed_between_commit_and_judgement_still_pages(
    database: Database, cast: Cast
) -> None:
    gauge = watch(database, cast.bluebonnet, START)
    gauge.arrive((1, 150), (2, 95))
    with database.admin() as admin, admin.transaction():
        admin.execute("LOCK TABLE alerts IN ACCESS EXCLUSIVE MODE")
        worker = judging(gauge, 3)
        wait_until_blocked(database)
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)
    assert worker.stdout is not None
    assert worker.stdout.read() == "ready\n"
    worker.stdout.close()
    assert (gauge.alerts(), gauge.unjudged()) == ([], 1)
    assert gauge.judge(4) == 1
    assert gauge.spans() == [(2, None, "lo")]
    assert gauge.told() == [("raised", "queued")]


def test_a_slow_agent_delays_no_other(database: Database, cast: Cast) -> None:
    slow = watch(database, cast.bluebonnet, START)
    quick = watch(database, cast.cimarron, START)
    slow.arrive((1, 95))
    quick.arrive((1, 95))
    lock = text("SELECT pg_advisory_xact_lock(1245922375, hashtext(CAST(:a AS text)))")
    with database.engine("work").begin() as connection:
        connection.execute(lock, {"a": slow.operator.agents[0]})
        assert quick.judge(2) == 1
        assert slow.unjudged() == 1
    assert slow.judge(2) == 1
    assert len(slow.alerts()) == 2


def test_workers_at_once_never_double(database: Database, cast: Cast) -> None:
    """Six workers judge while two sites send; every alert and page is there once."""
    gauges = [watch(database, operator, START) for operator in cast.operators]
    done = threading.Event()
    now = START.replace(minute=5)

    def work() -> None:
        while not done.is_set() or engine.judge_pending(database.engine("work"), now):
            engine.judge_pending(database.engine("work"), now)

    with ThreadPoolExecutor() as pool:
        workers = [pool.submit(work) for _ in range(6)]
        for second in range(10, 70):
            for gauge in gauges:
                value = 95.0 if second % 10 < 5 else 150.0
                store(database, gauge.operator, [Point(gauge.tag, gauge.at(second), value)])
        done.set()
        for worker in workers:
            worker.result(60)
    assert gauges[0].unjudged() == 0
    assert sorted(gauges[0].spans()) == sorted(
        2 * [(begin, begin + 5, "lo") for begin in range(10, 70, 10)]
    )
    raised = [kind for kind in gauges[0].events() if kind == "raised"]
    assert len(raised) == 12
    assert len([kind for kind, _ in gauges[0].told() if kind == "raised"]) == 12
