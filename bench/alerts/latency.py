"""How soon somebody is told: from a committed reading to the notification in the provider's hands.

The real work process runs beside 10,000 tags that keep reporting and 1,000 rules on them; at random
moments one gauge passes its limit, and a webhook on loopback notes when the message arrived.
"""

from __future__ import annotations

import json
import random
import subprocess
import threading
import time
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from bench.alerts.figure import Figure, Line
from bench.alerts.house import House, open_house
from hub.schema.base import uuid7
from tests.telemetry import Point, store
from tests.webhooks import Answer, Hook, Receiver

TAGS: Final = 10_000
RULES: Final = 1_000
ALARMS: Final = 200
TARGET_S: Final = 1.0
PATIENCE_S: Final = 120.0
#: Every tag reports once in so many seconds, a twentieth of them in each message.
EVERY_S: Final = 10.0
PARTS: Final = 20
QUIET, LOW = 150.0, 90.0


def measure(*, quick: bool) -> Figure:
    """Gauges that pass their limit while all others report as always."""
    alarms = 30 if quick else ALARMS
    arrived: dict[str, float] = {}

    def note(hook: Hook) -> Answer:
        arrived.setdefault(str(json.loads(hook.payload)["alert_id"]), time.time())
        return Answer(204)

    receiver = Receiver(note)
    try:
        with open_house() as house:
            waits = _run(house, receiver, arrived, alarms)
    finally:
        receiver.stop()
    return _figure(waits, alarms)


def _figure(waits: list[float], alarms: int) -> Figure:
    found = sorted(waits)
    p50, p95 = (found[int(share * (len(found) - 1))] for share in (0.5, 0.95))
    lines = (
        Line("told of", f"{len(found)} of {alarms}", "all", len(found) == alarms, len(found)),
        Line("half of them within", f"{p50:.3f} s", value=p50),
        Line("95 of 100 within", f"{p95:.3f} s", f"<= {TARGET_S:g} s", p95 <= TARGET_S, p95),
        Line("the slowest", f"{found[-1]:.3f} s", value=found[-1]),
    )
    note = f"{TAGS:,} tags at {TAGS / EVERY_S:,.0f} readings/s, {RULES:,} rules, no delays."
    return Figure("From committed reading to the provider", lines, note)


def _run(house: House, receiver: Receiver, arrived: dict[str, float], alarms: int) -> list[float]:
    tags = _furnish(house, receiver.url)
    worker = house.start_worker()
    stop = threading.Event()
    noise = threading.Thread(target=_noise, args=(house, tags[RULES:], stop))
    try:
        _report(house, tags[:RULES], QUIET)
        _wait_until(house, "SELECT count(*) = 0 FROM ingest_batches WHERE judged_at IS NULL")
        noise.start()
        committed = _alarms(house, tags[:RULES], alarms)
        _wait_until(house, "SELECT count(sent_at) >= :n FROM notifications", n=alarms)
    finally:
        stop.set()
        noise.join(60)
        _end(worker)
    with house.database.engine("owner").connect() as connection:
        rows = connection.execute(text("SELECT id, tag_id FROM alerts")).all()
    return [arrived[str(row.id)] - committed[row.tag_id] for row in rows if str(row.id) in arrived]


def _alarms(house: House, tags: list[int], alarms: int) -> dict[int, float]:
    """Let gauges pass their limit at random moments; the instants at which that was committed."""
    chance = random.Random(7)
    committed = {}
    for tag in chance.sample(tags, alarms):
        time.sleep(chance.uniform(0.02, 0.2))
        store(house.database, house.operator, [Point(tag, datetime.now(UTC), LOW)], stream="alarm")
        house.wake("wellflow_judge")
        committed[tag] = time.time()
    return committed


def _noise(house: House, tags: list[int], stop: threading.Event) -> None:
    """Let all other tags report, in messages of one part each."""
    number = 0
    while not stop.wait(EVERY_S / PARTS):
        _report(house, tags[number % PARTS :: PARTS], QUIET)
        number += 1


def _report(house: House, tags: list[int], value: float) -> None:
    now = datetime.now(UTC)
    store(house.database, house.operator, [Point(tag, now, value) for tag in tags], stream="all")
    house.wake("wellflow_judge")


def _furnish(house: House, url: str) -> list[int]:
    """Tags, rules on the first of them, and one webhook; nothing else is told."""
    with Session(house.database.engine("owner")) as session, session.begin():
        tags = house.add_gauges(session, TAGS, watched=RULES)
        session.execute(text("UPDATE contact_channels SET enabled = false"))
        house.add_webhook(session, url, uuid7())
    return tags


def _wait_until(house: House, question: str, **values: int) -> None:
    until = time.monotonic() + PATIENCE_S
    with house.database.engine("owner").connect() as connection:
        while not connection.scalar(text(question), values):
            connection.rollback()
            if time.monotonic() > until:
                return
            time.sleep(0.05)


def _end(worker: subprocess.Popen[bytes]) -> None:
    worker.terminate()
    try:
        worker.wait(30)
    except subprocess.TimeoutExpired:
        worker.kill()
