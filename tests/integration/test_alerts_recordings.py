"""Recorded wells through the database: late, shuffled, after an outage."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from agent.contract.alarm_rules import parse_rule
from agent.contract.alarms import Samples, State, evaluate
from hub.alerts.episodes import Episode, fold
from hub.alerts.instants import to_instant, to_ms
from tests.alerting import Gauge, watch
from tests.cast import Cast
from tests.recordings import STEP_S, Recorded, of_class, recorded
from tests.servers.postgres import Database

START = datetime(2024, 6, 1, 11, 50, tzinfo=UTC)
LIVE_WINDOW_S = 900
MESSAGE = 30  #: rows


def jumpy(recording: Recorded) -> dict[str, object]:
    """A limit placed right into the swings, without any delay: as many episodes as can be."""
    good = recording.good
    return {"levels": {"hi": {"setpoint": good[len(good) * 3 // 4], "priority": 2}}}


def truth(gauge: Gauge, recording: Recorded, params: dict[str, object]) -> list[Episode]:
    begin = State(at=to_ms(START))
    points = gauge.points(rows(recording))
    samples = Samples(
        [to_ms(p.at) for p in points], [p.value for p in points], [p.quality for p in points]
    )
    end, changes = evaluate(parse_rule("limit", params), begin, samples)
    return fold(begin, changes, end)


def rows(recording: Recorded) -> list[tuple[float, float | None]]:
    return [((n + 1) * STEP_S, value) for n, value in enumerate(recording.values)]


def messages(recording: Recorded) -> list[list[tuple[float, float | None]]]:
    listed = rows(recording)
    return [listed[start : start + MESSAGE] for start in range(0, len(listed), MESSAGE)]


def spans(episodes: list[Episode]) -> list[tuple[object, ...]]:
    return [
        (to_instant(e.raised_at), e.cleared_at and to_instant(e.cleared_at), e.extreme)
        for e in episodes
    ]


def found(gauge: Gauge) -> list[tuple[object, ...]]:
    kept = [alert for alert in gauge.alerts() if alert.retracted_at is None]
    return [(alert.raised_at, alert.cleared_at, alert.extreme) for alert in kept]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", of_class(4) + of_class(6))
def test_shuffled_arrival_gives_the_same_episodes(
    database: Database, cast: Cast, name: str, seed: int
) -> None:
    recording = recorded(name, "P-TPT")
    params = jumpy(recording)
    gauge = watch(database, cast.bluebonnet, START, params)
    late = messages(recording)
    random.Random(seed).shuffle(late)
    end = rows(recording)[-1][0]
    for number, message in enumerate(late):
        gauge.arrive(*message)
        gauge.judge(end + number / 100)
    assert found(gauge) == spans(truth(gauge, recording, params))


@pytest.mark.parametrize(("name", "seed"), [(of_class(4)[0], 3), (of_class(3)[0], 4)])
def test_an_outage_pages_for_nothing_that_is_over(
    database: Database, cast: Cast, name: str, seed: int
) -> None:
    """The link is down for the second quarter; then the newest comes first, the rest anyhow."""
    recording = recorded(name, "P-TPT")
    params = jumpy(recording)
    gauge = watch(database, cast.bluebonnet, START, params)
    every = messages(recording)
    down, up = len(every) // 4, len(every) // 2
    for message in every[:down]:
        gauge.arrive(*message)
        gauge.judge(message[-1][0] + 1)
    backlog = every[down:up]
    random.Random(seed).shuffle(backlog)
    for number, message in enumerate(every[up:]):
        gauge.arrive(*message)
        for late in backlog[3 * number : 3 * number + 3]:
            gauge.arrive(*late)
        gauge.judge(message[-1][0] + 1)
    episodes = truth(gauge, recording, params)
    assert found(gauge) == spans(episodes)
    pages = [row for row in gauge.notifications() if row.kind == "raised"]
    for page in pages:
        assert is_news(to_ms(page.created_at), episodes), page.body["raised_at"]
    historical = [alert for alert in gauge.alerts() if alert.origin == "historical"]
    assert historical
    paged = {page.alert_id for page in pages}
    assert not paged & {alert.id for alert in historical}


def is_news(at: int, episodes: list[Episode]) -> bool:
    """Whether, in truth, something began or stood within the live window before an instant."""
    window = at - LIVE_WINDOW_S * 1000
    return any(e.raised_at <= at and (e.cleared_at or at) >= window for e in episodes)
