"""How soon somebody is told: from a committed reading to the notification in the provider's hands.

The real work process runs beside 100 sites of 100 tags that keep reporting, with ten rules on each
site; at random moments one gauge passes its limit, and a webhook on loopback notes when the message
arrived.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from bench.alerts.figure import Figure, Line
from bench.alerts.house import House, open_house
from hub.schema.base import uuid7
from tests.telemetry import Point, store
from tests.webhooks import Answer, Hook, Receiver

SITES: Final = 100
TAGS: Final = 100  #: of each site
RULES: Final = 10  #: of each site
ALARMS: Final = 100
TARGET_S: Final = 1.0
PATIENCE_S: Final = 120.0
#: Every site reports all its tags once in so many seconds.
EVERY_S: Final = 10.0
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


@dataclass(frozen=True, slots=True)
class Wait:
    """One alarm's way, in seconds."""

    judged: float  #: from the commit of its reading until the hub knew
    told: float  #: from the commit until the provider had the message


def _figure(waits: list[Wait], alarms: int) -> Figure:
    found = sorted(wait.told for wait in waits)
    p50, p95 = (found[int(share * (len(found) - 1))] for share in (0.5, 0.95))
    judged = sorted(wait.judged for wait in waits)[int(0.95 * (len(found) - 1))]
    lines = (
        Line("told of", f"{len(found)} of {alarms}", "all", len(found) == alarms, len(found)),
        Line("half of them within", f"{p50:.3f} s", value=p50),
        Line("95 of 100 within", f"{p95:.3f} s", f"<= {TARGET_S:g} s", p95 <= TARGET_S, p95),
        Line("  known to the hub within", f"{judged:.3f} s", value=judged),
        Line("the slowest", f"{found[-1]:.3f} s", value=found[-1]),
    )
    load = " ".join(f"{part:.1f}" for part in os.getloadavg()[:2])
    note = (
        f"{SITES * TAGS:,} tags at {SITES * TAGS / EVERY_S:,.0f} readings/s, {SITES * RULES:,}"
        f" rules without delays; {os.cpu_count()} cores, load {load}."
    )
    return Figure("From committed reading to the provider", lines, note)


def _run(house: House, receiver: Receiver, arrived: dict[str, float], alarms: int) -> list[Wait]:
    sites = _furnish(house, receiver.url)
    worker = house.start_worker()
    stop = threading.Event()
    noise = threading.Thread(target=_noise, args=(house, sites, stop))
    try:
        for site, tags in sites.items():
            _report(house, site, tags)
        _wait_until(house, "SELECT count(*) = 0 FROM ingest_batches WHERE judged_at IS NULL")
        noise.start()
        committed = _alarms(house, sites, alarms)
        _wait_until(house, "SELECT count(sent_at) >= :n FROM notifications", n=alarms)
    finally:
        stop.set()
        noise.join(60)
        _end(worker)
    with house.database.engine("owner").connect() as connection:
        rows = connection.execute(text("SELECT id, tag_id, detected_at FROM alerts")).all()
    return [
        Wait(
            row.detected_at.timestamp() - committed[row.tag_id],
            arrived[str(row.id)] - committed[row.tag_id],
        )
        for row in rows
        if str(row.id) in arrived
    ]


def _alarms(house: House, sites: dict[uuid.UUID, list[int]], alarms: int) -> dict[int, float]:
    """Let gauges pass their limit at random moments; the instants at which that was committed."""
    chance = random.Random(7)
    watched = [(site, tag) for site, tags in sites.items() for tag in tags[:RULES]]
    committed = {}
    for site, tag in chance.sample(watched, alarms):
        time.sleep(chance.uniform(0.3, 0.9))
        point = Point(tag, datetime.now(UTC), LOW)
        store(house.database, house.operator, [point], stream="alarm", agent=site)
        committed[tag] = time.time()
        house.wake("wellflow_judge")
    return committed


def _noise(house: House, sites: dict[uuid.UUID, list[int]], stop: threading.Event) -> None:
    """Let every site report the gauges that nobody plays with, in one message each."""
    for site, tags in itertools.cycle(sites.items()):
        if stop.wait(EVERY_S / SITES):
            return
        _report(house, site, tags[RULES:])


def _report(house: House, site: uuid.UUID, tags: list[int]) -> None:
    now = datetime.now(UTC)
    points = [Point(tag, now, QUIET) for tag in tags]
    store(house.database, house.operator, points, stream="all", agent=site)
    house.wake("wellflow_judge")


def _furnish(house: House, url: str) -> dict[uuid.UUID, list[int]]:
    """Sites, their tags and rules, and one webhook; nothing else is told."""
    with Session(house.database.engine("owner")) as session, session.begin():
        sites = {
            site: house.add_gauges(session, TAGS, watched=RULES, agent=site)
            for site in house.add_agents(session, SITES)
        }
        session.execute(text("UPDATE contact_channels SET enabled = false"))
        house.add_webhook(session, url, uuid7())
    return sites


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
