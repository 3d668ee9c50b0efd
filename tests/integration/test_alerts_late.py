"""Late readings: history is recorded and wakes nobody; what still stands is told."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.alerts import rules, upkeep
from hub.alerts.lifecycle import acknowledge
from hub.alerts.upkeep import watch_clocks
from hub.database import tenant_session
from tests.alerting import Gauge, steady, watch
from tests.cast import Cast
from tests.servers.postgres import Database
from tests.telemetry import store

START = datetime(2024, 6, 1, 12, 0, tzinfo=UTC)
HOUR = 3600.0
SLOW = {"levels": {"lo": {"setpoint": 100, "priority": 2, "off_delay_s": 120}}}


@pytest.fixture
def gauge(database: Database, cast: Cast) -> Gauge:
    """Tubing pressure of Bluebonnet 1H, low below 100 psi."""
    return watch(database, cast.bluebonnet, START)


def take_on(gauge: Gauge, seconds: float) -> None:
    with tenant_session(gauge.database.engine("app"), gauge.operator.id) as session:
        acknowledge(session, gauge.alerts()[-1].id, gauge.operator.manager, None, gauge.at(seconds))


def test_what_began_and_ended_long_ago_is_history(gauge: Gauge) -> None:
    gauge.arrive((10, 95), (20, 150), (30, 150))
    gauge.judge(2 * HOUR)
    alert = gauge.alert()
    assert (alert.origin, alert.ack, alert.condition) == ("historical", "none", "normal")
    assert alert.closed_at == gauge.at(2 * HOUR)
    assert gauge.told() == []
    assert gauge.events() == ["raised", "cleared"]


def test_what_began_within_the_live_window_is_told_although_it_is_over(gauge: Gauge) -> None:
    gauge.arrive((10, 95), (20, 150))
    gauge.judge(10 + 899)
    assert gauge.alert().origin == "live"
    assert gauge.told() == [("raised", "queued"), ("cleared", "queued")]


def test_the_live_window_can_be_set(gauge: Gauge) -> None:
    gauge.arrive((10, 95), (20, 150))
    gauge.judge(300, live_window_s=60)
    assert gauge.alert().origin == "historical"


def test_what_began_long_ago_and_still_stands_is_told(gauge: Gauge) -> None:
    gauge.arrive(*steady(95, [10, 20, 2 * HOUR - 5]))
    gauge.judge(2 * HOUR)
    assert (gauge.alert().origin, gauge.told()) == ("live", [("raised", "queued")])


def test_a_backlog_pages_only_once_it_has_reached_the_present(gauge: Gauge) -> None:
    """An outage of three hours drains oldest first while the alarm still stands."""
    now = 3 * HOUR
    for start in range(0, 3 * 3600, 600):
        gauge.arrive(*steady(95, range(start + 10, start + 601, 10)))
        gauge.judge(now + start / 100)
        drained_to = start + 600
        if now + start / 100 - drained_to > 900:
            assert gauge.told() == [], drained_to
            assert gauge.alert().origin == "historical"
    assert gauge.told() == [("raised", "queued")]
    alert = gauge.alert()
    assert (alert.origin, alert.ack, alert.raised_at) == ("live", "unacked", gauge.at(10))
    assert gauge.events() == ["raised", "announced"]


def test_a_backlog_that_ends_well_pages_nobody(gauge: Gauge) -> None:
    gauge.arrive(*steady(95, range(10, 1000, 10)))
    gauge.judge(3 * HOUR)
    assert gauge.alert().condition == "active"
    gauge.arrive(*steady(150, range(1000, 10800, 10)))
    gauge.judge(3 * HOUR + 1)
    alert = gauge.alert()
    assert (alert.condition, alert.origin) == ("normal", "historical")
    assert alert.closed_at is not None
    assert gauge.told() == []


def test_a_level_that_worsened_in_the_backlog_is_told_once_it_is_the_present(
    database: Database, cast: Cast
) -> None:
    levels = {"lo": {"setpoint": 100, "priority": 3}, "lolo": {"setpoint": 50, "priority": 1}}
    gauge = watch(database, cast.bluebonnet, START, {"levels": levels})
    gauge.run((1, 95))
    take_on(gauge, 2)
    gauge.arrive(*steady(40, range(60, 3600, 60)))
    gauge.judge(3 * HOUR)
    assert (gauge.alert().level, gauge.alert().ack) == ("lolo", "acked")
    gauge.arrive(*steady(40, range(3600, 10800, 60)))
    gauge.judge(3 * HOUR + 1)
    assert gauge.alert().ack == "unacked"
    assert [kind for kind, _ in gauge.told()] == ["raised", "level"]


def test_newest_first_the_present_pages_and_the_backlog_only_corrects(gauge: Gauge) -> None:
    gauge.run((10, 150))
    gauge.arrive((2 * HOUR, 95))
    gauge.judge(2 * HOUR + 1)
    assert gauge.told() == [("raised", "queued")]
    gauge.arrive(*steady(150, range(20, 3600, 10)), *steady(94, range(3600, 7200, 10)))
    gauge.judge(2 * HOUR + 2)
    alert = gauge.alert()
    assert alert.raised_at == gauge.at(3600)
    assert gauge.told() == [("raised", "queued")]
    assert gauge.events() == ["raised", "adjusted"]


def test_late_readings_can_take_an_alert_back(database: Database, cast: Cast) -> None:
    """Two low readings a minute apart; what lay between them comes later and was normal."""
    params = {"levels": {"lo": {"setpoint": 100, "priority": 2, "on_delay_s": 50}}}
    gauge = watch(database, cast.bluebonnet, START, params)
    gauge.arrive((10, 95), (60, 95), (61, 150))
    gauge.judge(62)
    with database.engine("work").begin() as connection:
        connection.exec_driver_sql("UPDATE notifications SET state = 'sent' WHERE kind = 'raised'")
    gauge.arrive(*steady(150, [20, 30, 40]))
    gauge.judge(70)
    alert = gauge.alert()
    assert (alert.retracted_at, alert.closed_at) == (gauge.at(70), gauge.at(70))
    assert gauge.spans() == []
    assert gauge.told()[-1] == ("retracted", "queued")
    assert gauge.events() == ["raised", "cleared", "retracted"]


def test_late_readings_can_split_an_alert_and_the_standing_one_keeps_what_was_said(
    gauge: Gauge,
) -> None:
    gauge.run((10, 95), (60, 95))
    take_on(gauge, 61)
    gauge.arrive(*steady(150, [30, 35]))
    gauge.judge(62)
    first, second = gauge.alerts()
    assert gauge.spans() == [(10, 30, "lo"), (60, None, "lo")]
    assert (first.ack, second.ack) == ("unacked", "acked")
    assert second.closed_at is None
    assert len([kind for kind, _ in gauge.told() if kind == "raised"]) == 2


def test_late_readings_can_join_two_alerts(database: Database, cast: Cast) -> None:
    gauge = watch(database, cast.bluebonnet, START, SLOW)
    gauge.run((10, 95), (20, 150), (80, 150), (140, 150), (160, 95))
    assert gauge.spans() == [(10, 20, "lo"), (160, None, "lo")]
    gauge.arrive(*steady(95, [60, 120]))
    gauge.judge(161)
    assert gauge.spans() == [(10, None, "lo")]
    joined = next(alert for alert in gauge.alerts() if alert.retracted_at is not None)
    assert gauge.events(joined)[-1] == "retracted"
    assert "retracted" not in [kind for kind, _ in gauge.told()]


def test_late_readings_can_show_that_a_cleared_alert_goes_on(
    database: Database, cast: Cast
) -> None:
    gauge = watch(database, cast.bluebonnet, START, SLOW)
    gauge.run((10, 95))
    take_on(gauge, 11)
    gauge.run((20, 150), (80, 150), (140, 150))
    assert gauge.alert().closed_at is not None
    gauge.arrive((100, 95))
    gauge.judge(141)
    alert = gauge.alert()
    assert (alert.condition, alert.cleared_at, alert.closed_at) == ("pending_off", None, None)
    assert (alert.ack, gauge.events()[-1]) == ("unacked", "reopened")
    assert [kind for kind, state in gauge.told() if state == "queued"] == ["raised"]


def test_a_closed_alert_can_turn_out_to_be_a_later_one(database: Database, cast: Cast) -> None:
    """What it stood for vanishes, and shortly after it something begins and stands."""
    lo = {"setpoint": 100, "priority": 2, "on_delay_s": 50}
    lolo = {"setpoint": 10, "priority": 1, "off_delay_s": 120}
    gauge = watch(database, cast.bluebonnet, START, {"levels": {"lo": lo, "lolo": lolo}})
    gauge.run((10, 95), (60, 95))
    take_on(gauge, 60.6)
    gauge.run((61, 150))
    assert gauge.alert().closed_at is not None
    gauge.arrive((30, 150), (100, 95), (150, 95))
    gauge.judge(151)
    assert gauge.spans() == [(100, None, "lo")]
    assert (gauge.alert().ack, gauge.alert().closed_at) == ("unacked", None)
    assert gauge.events()[-2:] == ["adjusted", "reopened"]


def test_an_older_episode_does_not_displace_the_open_one(gauge: Gauge) -> None:
    gauge.run((500, 95))
    gauge.arrive((10, 90), (20, 150))
    gauge.judge(501)
    first, second = gauge.alerts()
    assert (first.raised_at, second.closed_at) == (gauge.at(10), None)
    assert first.closed_at is not None


def test_what_was_over_before_the_rule_was_made_is_not_judged(gauge: Gauge) -> None:
    gauge.arrive((-50, 95), (-40, 150))
    gauge.judge(1)
    assert gauge.alerts() == []
    assert gauge.unjudged() == 0


def test_overlapping_messages_are_judged_once(gauge: Gauge, cast: Cast) -> None:
    """Messages of an agent overlap by milliseconds: each begins before the last has ended."""
    other = watch(gauge.database, cast.bluebonnet, START, tag=cast.bluebonnet.tags[1])
    for start in range(0, 100, 5):
        mine = gauge.points([(start + i + 0.004, 95) for i in range(5)])
        theirs = other.points([(start + i - 0.996, 150) for i in range(5)])
        store(gauge.database, gauge.operator, [*mine, *theirs])
        gauge.judge(start + 5)
    assert gauge.spans() == [(0.004, None, "lo")]
    with gauge.database.admin() as admin:
        (count,) = admin.execute("SELECT count(*) FROM alert_checkpoints").fetchone()
    assert count <= 14


def test_a_rule_that_had_failed_takes_up_what_it_missed(gauge: Gauge) -> None:
    """It was set aside for nine hours: what happened meanwhile is history, what stands is told."""
    gauge.run((1, 150))
    with Session(gauge.database.engine("work")) as session, session.begin():
        rules.mark_faulted(session, gauge.rule, "broken", gauge.at(2))
    gauge.arrive((3600, 95), (3700, 150), (7 * HOUR, 90), (7 * HOUR + 60, 150), (9 * HOUR, 85))
    gauge.judge(9 * HOUR + 1)
    assert (gauge.alerts(), gauge.unjudged()) == ([], 0)
    with tenant_session(gauge.database.engine("app"), gauge.operator.id) as session:
        params = {"levels": {"lo": {"setpoint": 100, "priority": 1}}}
        rules.change(session, gauge.rule, params=params)
    gauge.arrive((9 * HOUR + 5, 84))
    gauge.judge(9 * HOUR + 6)
    assert gauge.spans() == [
        (3600, 3700, "lo"),
        (7 * HOUR, 7 * HOUR + 60, "lo"),
        (9 * HOUR, None, "lo"),
    ]
    assert [alert.origin for alert in gauge.alerts()] == ["historical", "historical", "live"]
    assert gauge.told() == [("raised", "queued")]


def test_a_clock_that_runs_behind_keeps_nobody_from_being_told(gauge: Gauge) -> None:
    with gauge.database.engine("ingest").begin() as connection:
        connection.exec_driver_sql("UPDATE agents SET clock_skew_ms = -1800000")
    gauge.arrive((10, 95), (20, 150))
    gauge.judge(21 + 1800)
    assert gauge.alert().origin == "live"
    assert [kind for kind, _ in gauge.told()] == ["raised", "cleared"]


def announces(gauge: Gauge, blocks: int, stored: int, stream: str = "s1") -> None:
    """The site has announced so many blocks of a stream, of which so many are stored."""
    with gauge.database.engine("owner").begin() as connection:
        connection.execute(
            text(
                "INSERT INTO streams (organization_id, agent_id, stream, number, announced)"
                " VALUES (:o, :a, :s, :n, :all)"
                " ON CONFLICT (agent_id, stream) DO UPDATE SET number = :n, announced = :all"
            ),
            {
                "o": gauge.operator.id,
                "a": gauge.operator.agents[0],
                "s": stream,
                "n": stored,
                "all": blocks,
            },
        )


def drained(gauge: Gauge, stored: int, *values: tuple[float, float | None]) -> None:
    gauge.arrive(*values)
    announces(gauge, 3, stored)


def test_nobody_is_paged_for_what_the_next_block_of_a_backlog_clears(gauge: Gauge) -> None:
    drained(gauge, 2, *steady(95, range(10, 6601, 10)))  # ten minutes ago it still stood
    gauge.judge(2 * HOUR)
    assert (gauge.alert().condition, gauge.told()) == ("active", [])
    assert gauge.events() == ["raised", "held"]
    drained(gauge, 3, *steady(150, range(6610, 7201, 10)))
    gauge.judge(2 * HOUR + 1)
    watch_clocks(gauge.database.engine("work"), gauge.at(2 * HOUR + 300))
    assert (gauge.alert().condition, gauge.alert().origin) == ("normal", "historical")
    assert gauge.told() == []


def test_what_stands_when_the_site_has_caught_up_is_told_once(gauge: Gauge) -> None:
    drained(gauge, 2, *steady(95, range(10, 6601, 10)))
    gauge.judge(2 * HOUR)
    drained(gauge, 3, *steady(95, range(6610, 6701, 10)))  # all it has; its gauge stopped then
    gauge.judge(2 * HOUR + 1)
    alert = gauge.alert()
    assert (alert.origin, alert.ack, gauge.told()) == ("live", "unacked", [("raised", "queued")])
    watch_clocks(gauge.database.engine("work"), gauge.at(2 * HOUR + 300))
    assert gauge.told() == [("raised", "queued")]


def test_a_backlog_that_stalls_keeps_an_alarm_for_two_minutes_at_most(gauge: Gauge) -> None:
    drained(gauge, 2, *steady(95, range(10, 6601, 10)))
    gauge.judge(2 * HOUR)
    work = gauge.database.engine("work")
    upkeep.freeze_silent(work, gauge.at(2 * HOUR + 1))  # nobody sees how it stands now
    watch_clocks(work, gauge.at(2 * HOUR + 119))
    assert gauge.told() == []
    watch_clocks(work, gauge.at(2 * HOUR + 121))
    alert = gauge.alert()
    assert (alert.origin, alert.ack, gauge.told()) == ("live", "unacked", [("raised", "queued")])
    drained(gauge, 3, *steady(95, range(6610, 7201, 10)))
    gauge.judge(2 * HOUR + 130)
    assert gauge.told() == [("raised", "queued")]


def test_a_live_alarm_is_not_held_up_by_a_backlog_beside_it(gauge: Gauge) -> None:
    announces(gauge, 9, 1, "old")
    gauge.arrive((2 * HOUR - 30, 150), (2 * HOUR - 1, 95))
    gauge.judge(2 * HOUR)
    assert gauge.told() == [("raised", "queued")]


@pytest.mark.parametrize("seed", range(6))
def test_in_whatever_order_a_backlog_comes_what_it_clears_itself_pages_nobody(
    gauge: Gauge, seed: int
) -> None:
    blocks = [(start, start + 600) for start in range(0, 7200, 600)]
    random.Random(seed).shuffle(blocks)
    for stored, (start, end) in enumerate(blocks, 1):
        low = 6000 <= start < 6600
        gauge.arrive(*steady(95 if low else 150, range(start + 10, end + 1, 10)))
        announces(gauge, len(blocks), stored)
        gauge.judge(2 * HOUR + stored)
    assert [span[:2] for span in gauge.spans()] == [(6010, 6610)]
    assert gauge.told() == []
