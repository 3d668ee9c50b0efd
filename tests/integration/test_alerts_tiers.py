"""Judgement reads the same readings on every storage tier."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.alerting import steady, watch
from tests.cast import Cast
from tests.servers.postgres import Database

START = datetime(2024, 6, 3, 23, 0, tzinfo=UTC)


def test_alerts_across_days_late_and_in_order(tiered: Database, tiered_cast: Cast) -> None:
    gauge = watch(tiered, tiered_cast.bluebonnet, START)
    day = 86_400.0
    gauge.arrive(*steady(150, range(10, 1000, 10)), (1000, 95))
    gauge.judge(1001)
    gauge.arrive(*steady(150, [9 * day, 9 * day + 10]))
    gauge.judge(9 * day + 11)
    assert gauge.spans() == [(1000, 9 * day, "lo")]
    gauge.arrive(*steady(150, [2000, 2010]), *steady(90, [3 * day, 3 * day + 60]))
    gauge.judge(9 * day + 12)
    assert gauge.spans() == [(1000, 2000, "lo"), (3 * day, 9 * day, "lo")]
    assert gauge.unjudged() == 0
