"""What survives: deliverers killed at every step, a provider that fails, people who answer.

Every page must be delivered at least once, a repeat must be known by its key, and no call may begin
after somebody took the alert on.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from bench.alerts.figure import Figure, Line
from bench.alerts.house import House, open_house
from hub.alerts import engine
from hub.alerts.lifecycle import acknowledge
from hub.database import tenant_session
from hub.schema.base import uuid7
from tests.telemetry import Point, store
from tests.webhooks import Answer, Hook, Receiver

ALERTS: Final = 120
WEBHOOKS: Final = 3
WORKERS: Final = 3
#: Share of calls that the provider refuses, cuts off, or answers too late.
FAILS: Final = 0.3
#: Chance that a message is a deliverer's last, when it may die at any step.
DIES: Final = 0.1


@dataclass
class Provider:
    """Takes some calls, and fails at others in every way it can."""

    luck: random.Random
    calls: list[tuple[float, str, str, bool]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, hook: Hook) -> Answer:
        """Take a call or not; what was taken is noted with its time, alert and key."""
        alert = str(json.loads(hook.payload)["alert_id"])
        with self.lock:
            fate = self.luck.random()
            taken = fate > FAILS / 2  # of those that fail, half were heard all the same
            self.calls.append((time.time(), alert, hook.headers["Idempotency-Key"], taken))
        if fate < FAILS / 2:
            return Answer(503, {"Retry-After": "0"})
        if fate < FAILS:
            time.sleep(0.6)  # heard, but the answer comes too late
        return Answer(204)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was counted."""

    owed: int  #: messages about alerts that nobody took on before they were sent
    delivered: int
    calls: int
    repeats: int  #: calls under a key that was taken before
    strays: int  #: messages that came under more than one key
    acknowledged: int
    late: int  #: calls that began after the acknowledgement
    kills: int


def measure(*, quick: bool) -> Figure:
    """Deliverers that die at each step in turn, then at any, while people answer."""
    alerts = 30 if quick else ALERTS
    provider = Provider(random.Random(11))
    receiver = Receiver(provider.answer)
    try:
        with open_house() as house:
            found = run(house, receiver, provider, alerts)
    finally:
        receiver.stop()
    return _figure(found)


def _figure(found: Outcome) -> Figure:
    lines = (
        Line("deliverers killed", f"{found.kills}", value=found.kills),
        Line(
            "pages delivered at least once",
            f"{found.delivered} of {found.owed}",
            "all",
            found.delivered == found.owed,
            found.delivered,
        ),
        Line("calls", f"{found.calls}", value=found.calls),
        Line("repeats, known by their key", f"{found.repeats}", value=found.repeats),
        Line("under another key", f"{found.strays}", "0", found.strays == 0, found.strays),
        Line("alerts taken on meanwhile", f"{found.acknowledged}", value=found.acknowledged),
        Line("calls begun after that", f"{found.late}", "0", found.late == 0, found.late),
    )
    note = f"{WORKERS} deliverers, {WEBHOOKS} addresses; {FAILS:.0%} of calls fail."
    return Figure("Killed at every step of a delivery", lines, note)


def run(house: House, receiver: Receiver, provider: Provider, alerts: int) -> Outcome:
    """Raise alerts, deliver them with deliverers that die, take a third of them on meanwhile."""
    tags = _furnish(house, receiver.url, alerts)
    crew = _Crew(house)
    begun: dict[str, int] = {}
    try:
        for number, tag in enumerate(tags):
            raised = _raise(house, tag)
            if number % 3 == 0:
                time.sleep(provider.luck.uniform(0, 0.1))
                begun[str(raised)] = _take_on(house, raised)
        crew.until(lambda: _waiting(house) == 0)
    finally:
        kills = crew.stop()
    return _count(house, provider, begun, kills)


def _count(house: House, provider: Provider, begun: dict[str, int], kills: int) -> Outcome:
    with house.database.engine("owner").connect() as connection:
        rows = connection.execute(
            text("SELECT alert_id, idempotency_key AS key, state FROM notifications")
        ).all()
        attempts = Counter(
            str(alert)
            for alert in connection.scalars(
                text(
                    "SELECT n.alert_id FROM notification_attempts a"
                    " JOIN notifications n ON n.id = a.notification_id"
                )
            )
        )
    owed = {row.key for row in rows if str(row.alert_id) not in begun}
    heard = Counter(key for _, _, key, taken in provider.calls if taken)
    calls = Counter(alert for _, alert, _, _ in provider.calls)
    late = sum(max(attempts[a], calls[a]) - n for a, n in begun.items() if attempts[a] > n)
    known = {row.key for row in rows}
    return Outcome(
        owed=len(owed),
        delivered=len(owed & set(heard)),
        calls=len(provider.calls),
        repeats=sum(count - 1 for count in heard.values()),
        strays=len(set(heard) - known),
        acknowledged=len(begun),
        late=late,
        kills=kills,
    )


class _Crew:
    """Deliverers that die again and again, kept by a process of their own."""

    def __init__(self, house: House) -> None:
        command = [sys.executable, "-m", "bench.alerts.mortal", str(WORKERS), str(DIES)]
        self.keeper = subprocess.Popen(
            command,
            env=os.environ | house.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def until(self, done: Callable[[], bool], patience_s: float = 300.0) -> None:
        """Go on until a condition holds."""
        ends = time.monotonic() + patience_s
        while time.monotonic() < ends and not done():
            time.sleep(0.1)

    def stop(self) -> int:
        """End them all; gives how many died before."""
        told, _ = self.keeper.communicate("stop\n", timeout=30)
        return int(told.split()[-1])


def _waiting(house: House) -> int:
    with house.database.engine("owner").connect() as connection:
        question = "SELECT count(*) FROM notifications WHERE state IN ('queued', 'leased')"
        return int(connection.scalar(text(question)) or 0)


def _raise(house: House, tag: int) -> uuid.UUID:
    """Let a gauge pass its limit; gives the alert."""
    store(house.database, house.operator, [Point(tag, datetime.now(UTC), 90.0)])
    while engine.judge_pending(house.database.engine("work")):
        continue
    with house.database.engine("owner").connect() as connection:
        question = text("SELECT id FROM alerts WHERE tag_id = :tag")
        return uuid.UUID(str(connection.scalar(question, {"tag": tag})))


def _take_on(house: House, alert: uuid.UUID) -> int:
    """Acknowledge; gives how many attempts had begun when that was decided, under its lock."""
    counted = text(
        "SELECT count(*) FROM notification_attempts a"
        " JOIN notifications n ON n.id = a.notification_id WHERE n.alert_id = :alert"
    )
    app = house.database.engine("app")
    with tenant_session(app, house.operator.id) as session:
        acknowledge(session, alert, house.operator.manager)
        return int(session.scalar(counted, {"alert": alert}) or 0)


def _furnish(house: House, url: str, alerts: int) -> list[int]:
    """A gauge and a rule for each alert; webhooks, and nothing else."""
    with Session(house.database.engine("owner")) as session, session.begin():
        tags = house.add_gauges(session, alerts, watched=alerts)
        session.execute(text("UPDATE contact_channels SET enabled = false"))
        for number in range(WEBHOOKS):
            house.add_webhook(session, f"{url}/{number}", uuid7())
    return tags
