"""Order of arrival: two hours of outage and a shuffled backlog, and the episodes are the same."""

from __future__ import annotations

import math
import random
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from bench.alerts.figure import Figure, Line
from hub.alerts import engine, rules
from tests import cast as people
from tests.cast import Operator
from tests.servers import postgres
from tests.servers.postgres import Database
from tests.telemetry import Point, store

START = datetime(2024, 6, 1, 6, 0, tzinfo=UTC)
STEP = timedelta(seconds=10)
MESSAGE = timedelta(minutes=5)
OUTAGE = (timedelta(hours=2), timedelta(hours=4))
WINDOW = timedelta(seconds=engine.LIVE_WINDOW_S)
RULE = {
    "levels": {
        "lo": {"setpoint": 100, "deadband": 5, "on_delay_s": 30, "off_delay_s": 60, "priority": 3},
        "lolo": {"setpoint": 60, "on_delay_s": 10, "off_delay_s": 60, "priority": 1},
    }
}
Episode = tuple[int, datetime, datetime | None, str]


@dataclass(frozen=True, slots=True)
class Message:
    """Readings that travel together, and when they arrive."""

    at: datetime
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one way of arriving."""

    episodes: frozenset[Episode]
    pages: tuple[tuple[datetime, datetime, datetime | None], ...]  #: told, raised, cleared
    historical: int


def measure(*, quick: bool) -> Figure:
    """Replay the same readings in order, and with an outage and a shuffled backlog."""
    folder = Path(tempfile.mkdtemp(prefix="wellflow-order-", dir="/var/tmp"))
    folder.chmod(0o755)
    server = postgres.embedded(folder / "plain")
    try:
        hours = 5 if quick else 8
        tags = 2
        ordered = _run(server, _in_order(hours, tags))
        late = [_run(server, _after_outage(hours, tags, seed)) for seed in range(1 if quick else 3)]
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return _figure(ordered, late)


def _figure(ordered: Outcome, late: Sequence[Outcome]) -> Figure:
    differing = sum(len(ordered.episodes ^ other.episodes) for other in late)
    lost = sum(len(ordered.episodes - other.episodes) for other in late)
    old = sum(_is_old(page) for other in late for page in other.pages)
    runs = f"{len(late)} shuffled backlogs of two hours"
    return Figure(
        "Order of arrival",
        (
            Line("episodes, in order", str(len(ordered.episodes)), value=len(ordered.episodes)),
            Line(f"differing after {runs}", str(differing), "0", differing == 0, differing),
            Line("lost", str(lost), "0", lost == 0, lost),
            Line("live pages for what was over", str(old), "0", old == 0, old),
            Line("live pages", ", ".join(str(len(other.pages)) for other in late)),
            Line("recorded as history", ", ".join(str(other.historical) for other in late)),
        ),
        "Real database and engine; every message is judged as it arrives. A page is too old when"
        " what it tells of began and ended longer ago than the live window.",
    )


def _is_old(page: tuple[datetime, datetime, datetime | None]) -> bool:
    told, raised, cleared = page
    over = cleared is not None and told - cleared > WINDOW
    return told - raised > WINDOW and over


def _values(tag: int, hours: int) -> Iterable[Point]:
    """A well that slugs, with a long fall now and then."""
    chance = random.Random(tag)
    for n in range(int(timedelta(hours=hours) / STEP)):
        swing = 120 + 35 * math.sin(n / (17 + tag)) + chance.gauss(0, 3)
        fall = -70 if n % 700 > 640 else 0
        yield Point(tag, START + n * STEP, round(swing + fall, 2))


def _in_order(hours: int, tags: int) -> Any:
    def plan(numbers: Sequence[int]) -> list[Message]:
        cut: dict[datetime, list[Point]] = {}
        for tag in numbers[:tags]:
            for point in _values(tag, hours):
                due = START + ((point.at - START) // MESSAGE + 1) * MESSAGE
                cut.setdefault(due, []).append(point)
        return [Message(at, points) for at, points in sorted(cut.items())]

    return plan


def _after_outage(hours: int, tags: int, seed: int) -> Any:
    def plan(numbers: Sequence[int]) -> list[Message]:
        messages = _in_order(hours, tags)(numbers)
        begin, end = START + OUTAGE[0], START + OUTAGE[1]
        held = [m for m in messages if begin < m.at <= end]
        random.Random(seed).shuffle(held)
        backlog = [
            Message(end + timedelta(seconds=3 * n), m.points) for n, m in enumerate(held, start=1)
        ]
        rest = [m for m in messages if not begin < m.at <= end]
        return sorted([*rest, *backlog], key=lambda message: message.at)

    return plan


def _run(server: postgres.Server, plan: Any) -> Outcome:
    database = server.fresh(postgres.migrated)
    try:
        operator = people.engage(database.engine("owner")).bluebonnet
        tags = _watch(database, operator)
        for number, message in enumerate(plan(tags)):
            store(database, operator, message.points, stream=f"s{number}")
            while engine.judge_pending(database.engine("work"), message.at):
                pass
        return _outcome(database)
    finally:
        server.drop(database)


def _watch(database: Database, operator: Operator) -> list[int]:
    with Session(database.engine("owner")) as session, session.begin():
        for tag in operator.tags[:2]:
            rules.create(session, operator.id, tag, "Tubing pressure low", RULE)
        session.execute(text("UPDATE alert_rules SET created_at = :at"), {"at": START})
    return list(operator.tags)


def _outcome(database: Database) -> Outcome:
    with database.engine("owner").connect() as connection:
        alerts = connection.execute(
            text(
                "SELECT id, tag_id, raised_at, cleared_at, level, origin FROM alerts"
                " WHERE retracted_at IS NULL"
            )
        ).all()
        pages = connection.execute(
            text("SELECT alert_id, created_at FROM notifications WHERE kind IN ('raised', 'level')")
        ).all()
    by_id = {row.id: row for row in alerts}
    return Outcome(
        frozenset((row.tag_id, row.raised_at, row.cleared_at, row.level) for row in alerts),
        tuple(
            (page.created_at, by_id[page.alert_id].raised_at, by_id[page.alert_id].cleared_at)
            for page in pages
            if page.alert_id in by_id
        ),
        sum(row.origin == "historical" for row in alerts),
    )
