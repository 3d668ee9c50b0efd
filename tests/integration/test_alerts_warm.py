"""A rule that was just made, changed or switched on begins with what the stored readings say."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from hub.alerts import bench, rules, upkeep
from tests.alerting import Gauge, touch, watch
from tests.cast import Cast
from tests.servers.postgres import Database

START = datetime(2024, 6, 1, 11, 30, tzinfo=UTC)
LOW = {"levels": {"lo": {"setpoint": 100, "priority": 2, "on_delay_s": 60, "off_delay_s": 60}}}
FALLING = {
    "window_s": 600,
    "per": "min",
    "levels": {"lo": {"setpoint": -1, "priority": 2, "off_delay_s": 30}},
}
Reading = tuple[float, float | None]


def of(gauge: Gauge) -> list[tuple[float, float | None, str]]:
    """Begin, end and origin of the alerts of a gauge's rule, in seconds after its start."""
    return [
        (
            (a.raised_at - gauge.start).total_seconds(),
            a.cleared_at and (a.cleared_at - gauge.start).total_seconds(),
            a.origin,
        )
        for a in gauge.alerts()
        if a.rule_id == gauge.rule and a.retracted_at is None
    ]


def test_a_window_is_full_when_the_rule_is_made(database: Database, cast: Cast) -> None:
    gauge = watch(database, cast.bluebonnet, START, FALLING, kind="rate")
    gauge.arrive(*((s, 5000.0) for s in range(-1200, -600, 10)))
    gauge.arrive(*((s, 5000.0 - 0.5 * (s + 600)) for s in range(-600, 0, 10)))
    gauge.judge(0)
    gauge.run((2, 4699.0))
    [(began, ended, origin)] = of(gauge)
    assert (began < 0, ended, origin) == (True, None, "live")
    assert gauge.told() == [("raised", "queued")]


def test_what_was_over_by_then_is_nobodys_and_what_stands_is_told_once(
    database: Database, cast: Cast
) -> None:
    gauge = watch(database, cast.bluebonnet, START, LOW)
    gauge.arrive((-9000, 90), (-8900, 90), (-8800, 150), (-8700, 150))
    gauge.arrive(*((s, 90.0) for s in range(-7200, 0, 30)))
    gauge.judge(1)
    gauge.run((20, 90), (50, 90))
    assert of(gauge) == [(-7200, None, "live")]
    assert gauge.told() == [("raised", "queued")]


def test_what_ends_at_once_and_began_long_ago_is_history(database: Database, cast: Cast) -> None:
    gauge = watch(database, cast.bluebonnet, START, LOW)
    gauge.arrive(*((s, 90.0) for s in range(-7200, -1200, 30)))
    gauge.arrive(*((s, 150.0) for s in range(1200, 1400, 30)))
    gauge.judge(1400)
    assert of(gauge) == [(-7200, 1200, "historical")]
    assert gauge.told() == []


def test_switched_on_again_it_begins_after_what_it_said_before(
    database: Database, cast: Cast
) -> None:
    gauge = watch(database, cast.bluebonnet, START, LOW)
    gauge.run((10, 90), (40, 90), (70, 90))
    for enabled, at in ((False, 100), (True, 300)):
        with Session(database.engine("owner")) as session, session.begin():
            rules.change(session, gauge.rule, enabled=enabled)
        touch(database, gauge.rule, gauge.at(at))
        upkeep.settle_rules_off(database.engine("work"), gauge.at(at))
        gauge.arrive((at + 30, 90))
        gauge.judge(at + 31)
    assert of(gauge) == [(10, 100, "live"), (100, None, "live")]
    assert [kind for kind, _ in gauge.told()] == ["raised", "raised"]


def test_a_new_level_of_a_standing_alarm_is_told_on_the_same_alert(
    database: Database, cast: Cast
) -> None:
    gauge = watch(database, cast.bluebonnet, START, LOW)
    gauge.run(*((s, 90.0) for s in range(0, 120, 30)))
    deeper = {"setpoint": 95, "priority": 1, "on_delay_s": 60}
    with Session(database.engine("owner")) as session, session.begin():
        params = {"levels": LOW["levels"] | {"lolo": deeper}}
        rules.change(session, gauge.rule, params=params)
    gauge.run((120, 90))
    alert = gauge.alert()
    assert (of(gauge), alert.level, alert.priority) == ([(0, None, "live")], "lolo", 1)
    assert [kind for kind, _ in gauge.told()] == ["raised", "level"]


def readings_of(seed: int) -> list[Reading]:
    """Two hours before the rule was made, and one after."""
    chance, value, listed = random.Random(seed), 120.0, []
    for s in range(-7200, 3600, 20):
        if chance.random() < 0.05:
            value = chance.choice([90.0, 95.0, 105.0, 120.0, 150.0])
        listed.append((float(s), None if chance.random() < 0.02 else value + chance.gauss(0, 1)))
    return listed


@pytest.mark.parametrize("seed", [3, 4])
def test_readings_of_the_window_that_come_late_have_their_say(
    database: Database, cast: Cast, seed: int
) -> None:
    listed = readings_of(seed)
    messages = [listed[n : n + 60] for n in range(0, len(listed), 60)]
    orders = [messages, random.Random(seed).sample(messages, len(messages))]
    found = []
    for tag, order in zip(cast.bluebonnet.tags[:2], orders, strict=True):
        gauges = [
            watch(database, cast.bluebonnet, START, params, kind=kind, tag=tag)
            for kind, params in (("limit", LOW), ("rate", FALLING))
        ]
        for number, message in enumerate(order):
            gauges[0].arrive(*message, stream=f"s{tag}")
            gauges[0].judge(3600 + number / 100)
        found.append([[(b, e) for b, e, _ in of(gauge)] for gauge in gauges])
    assert found[0] == found[1]
    assert found[0] != [[], []]


def test_many_rules_at_once_take_turns_and_miss_nothing(
    database: Database, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "MOST_WARMED", 0)
    gauges = [watch(database, cast.bluebonnet, START, LOW) for _ in range(3)]
    gauges[0].arrive(*((s, 150.0) for s in range(-300, 0, 30)))
    for at in (10, 80, 150):
        gauges[0].arrive((at, 90))
        gauges[0].judge(at + 1)
        gauges[0].arrive((at + 20, 150 if at == 150 else 90))
    gauges[0].judge(200)
    assert [of(gauge) for gauge in gauges] == [[(10, None, "live")]] * 3
