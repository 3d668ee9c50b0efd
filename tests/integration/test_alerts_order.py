"""Whatever order readings arrive in, the alerts are in the end those of the readings in order."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agent.contract.alarm_rules import parse_rule
from agent.contract.alarms import Samples, State, evaluate
from hub.alerts.episodes import fold
from hub.alerts.instants import to_instant, to_ms
from tests.alerting import Gauge, rule_of, watch
from tests.cast import Cast
from tests.servers.postgres import Database

START = datetime(2024, 6, 1, 11, 30, tzinfo=UTC)
PARAMS = {
    "levels": {
        "lo": {"setpoint": 100, "priority": 3, "deadband": 5, "on_delay_s": 30, "off_delay_s": 90},
        "lolo": {"setpoint": 50, "priority": 1, "on_delay_s": 0, "off_delay_s": 20},
        "hi": {"setpoint": 200, "priority": 2, "on_delay_s": 10, "off_delay_s": 0},
    }
}

Reading = tuple[float, float | None]


@pytest.fixture
def gauge(database: Database, cast: Cast) -> Iterator[Gauge]:
    return watch(database, cast.bluebonnet, START, PARAMS)


def forget(gauge: Gauge) -> None:
    with gauge.database.admin() as admin:
        admin.execute(
            "TRUNCATE readings, ingest_batches, readings_latest, alert_checkpoints,"
            " notification_attempts, notifications, alert_events, alerts CASCADE"
        )
        admin.execute("UPDATE alert_rules SET faulted_at = NULL, fault = NULL")


@st.composite
def recordings(draw: st.DrawFn) -> list[list[Reading]]:
    """Messages of readings in order of time, up to four hours of them."""
    messages: list[list[Reading]] = []
    at = 0.0
    steps = st.sampled_from([1, 5, 10, 10, 10, 30, 60, 200, 3000])
    values = st.sampled_from([150, 150, 150, 102, 90, 90, 60, 40, 30, 210, 250, None])
    for _ in range(draw(st.integers(1, 12))):
        message: list[Reading] = []
        for _ in range(draw(st.integers(1, 8))):
            at += draw(steps)
            message += [(at, draw(values))]
        messages.append(message)
    return messages


def expected(gauge: Gauge, readings: list[Reading]) -> list[tuple[object, ...]]:
    """What the evaluator finds in all readings in order."""
    rule = parse_rule("limit", PARAMS)
    points = gauge.points(sorted(readings))
    samples = Samples(
        [to_ms(p.at) for p in points], [p.value for p in points], [p.quality for p in points]
    )
    begin = State(at=to_ms(START))
    end, changes = evaluate(rule, begin, samples)
    return [
        (
            to_instant(episode.raised_at),
            None if episode.cleared_at is None else to_instant(episode.cleared_at),
            episode.level,
            episode.value,
            episode.extreme,
            episode.condition,
        )
        for episode in fold(begin, changes, end)
    ]


def found(gauge: Gauge) -> list[tuple[object, ...]]:
    return [
        (a.raised_at, a.cleared_at, a.level, a.value, a.extreme, a.condition)
        for a in gauge.alerts()
        if a.retracted_at is None
    ]


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(recordings(), st.randoms(use_true_random=False), st.integers(1, 4))
@example(  # very low ends while low, long on its way, has not come: then very low again
    [[(1.0, 40), (2.0, 102), (12.0, 102), (22.0, 102)], [(23.0, 40)]], random.Random(0), 1
)
@example([[(11.0, 90), (41.0, 102)], [(42.0, 150)], [(1.0, 150)]], random.Random(1), 1)
def test_the_order_of_arrival_does_not_matter(
    gauge: Gauge, messages: list[list[Reading]], chance: random.Random, together: int
) -> None:
    forget(gauge)
    readings = [reading for message in messages for reading in message]
    late = list(messages)
    chance.shuffle(late)
    now = readings[-1][0] + 1
    for start in range(0, len(late), together):
        for message in late[start : start + together]:
            gauge.arrive(*message)
        gauge.judge(now + start * 0.01)
    assert found(gauge) == expected(gauge, readings)
    assert (gauge.unjudged(), rule_of(gauge).fault) == (0, None)
    still_open = [alert for alert in gauge.alerts() if alert.closed_at is None]
    assert len(still_open) <= 1
