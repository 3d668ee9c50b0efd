"""Alarms judged at the site and at the hub are one alert, whoever knew first, whatever is late."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.alerts.episodes import Episode
from hub.alerts.sitespells import Told, gather, join
from hub.schema.base import uuid7
from tests.alerting import Gauge, steady, watch
from tests.cast import Cast
from tests.servers.postgres import Database

LOW = {"levels": {"lo": {"setpoint": 100, "priority": 1, "on_delay_s": 5, "off_delay_s": 10}}}
START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=30)


@dataclass
class Site:
    """What the agent of a gauge's tag tells of one alarm."""

    gauge: Gauge
    raised: float  #: seconds after the gauge's start
    spell: uuid.UUID = field(default_factory=uuid7)

    def tell(self, kind: str, certain: float, at: float | None = None, **more: str) -> None:
        """A record arrives, as ingest stores it."""
        gauge = self.gauge
        agent = gauge.operator.agents[0]
        with gauge.database.admin() as admin:
            admin.execute(
                "INSERT INTO site_alarms (organization_id, agent_id, record_id, spell, rule_id,"
                " rule_version, tag_id, kind, level, priority, value, extreme, raised_at, at,"
                " certain_at, said_by, note) VALUES (%s, %s, %s, %s, %s, 1, %s, %s, 'lo', 1, 50,"
                " 50, %s, %s, %s, %s, %s)",
                [
                    gauge.operator.id,
                    agent,
                    uuid7(),
                    self.spell,
                    gauge.rule,
                    gauge.tag,
                    kind,
                    gauge.at(self.raised),
                    gauge.at(self.raised if kind == "raised" else certain if at is None else at),
                    gauge.at(certain),
                    more.get("by"),
                    more.get("note"),
                ],
            )
            number = admin.execute(
                "SELECT coalesce(max(last), 0) + 1 FROM ingest_batches WHERE stream = 'alarms'"
            ).fetchone()[0]
            admin.execute(
                "INSERT INTO ingest_batches (organization_id, agent_id, stream, first, last,"
                " checksum, readings, day, from_time, to_time)"
                " VALUES (%s, %s, 'alarms', %s, %s, 0, 0, %s, %s, %s)",
                [
                    gauge.operator.id,
                    agent,
                    number,
                    number,
                    gauge.at(certain).date(),
                    gauge.at(certain),
                    gauge.at(certain),
                ],
            )

    def lack(self, blocks: int) -> None:
        """The agent has announced blocks that have not come; the rest reaches to now."""
        gauge = self.gauge
        with gauge.database.admin() as admin:
            admin.execute(
                "INSERT INTO streams (organization_id, agent_id, stream, number, announced)"
                " VALUES (%s, %s, 's1', (SELECT coalesce(max(last), 0) FROM ingest_batches"
                " WHERE stream = 's1'), 0) ON CONFLICT (agent_id, stream) DO UPDATE"
                " SET number = excluded.number",
                [gauge.operator.id, gauge.operator.agents[0]],
            )
            admin.execute(
                "UPDATE streams SET announced = number + %s WHERE stream = 's1'", [blocks]
            )

    def announce(self, stream: str, missing: int) -> None:
        """The agent has said how many blocks of a stream there are; so many have not come."""
        gauge = self.gauge
        with gauge.database.admin() as admin:
            admin.execute(
                "INSERT INTO streams (organization_id, agent_id, stream, number, announced)"
                " VALUES (%s, %s, %s, %s, 1) ON CONFLICT (agent_id, stream) DO UPDATE"
                " SET number = excluded.number",
                [gauge.operator.id, gauge.operator.agents[0], stream, 1 - missing],
            )

    def unsettled(self) -> int:
        with self.gauge.database.admin() as admin:
            query = "SELECT count(*) FROM site_alarms WHERE settled_at IS NULL"
            return int(admin.execute(query).fetchone()[0])


@pytest.fixture
def gauge(database: Database, cast: Cast) -> Gauge:
    return watch(database, cast.bluebonnet, START, LOW)


def pages(gauge: Gauge) -> list[tuple[str, str]]:
    return [told for told in gauge.told() if told[0] == "raised"]


def test_an_alarm_of_the_site_stands_before_any_reading_of_it_came(gauge: Gauge) -> None:
    gauge.run(*steady(500, range(20)))
    site = Site(gauge, 30)
    site.tell("raised", 35)
    gauge.judge(36)
    alert = gauge.alert()
    assert (alert.detected_by, alert.origin, alert.level) == ("site", "live", "lo")
    assert gauge.spans() == [(30, None, "lo")]
    assert len(pages(gauge)) == 1

    gauge.arrive(*steady(500, range(20, 30)))  # readings from before it take nothing back
    gauge.judge(37)
    gauge.arrive(*steady(50, range(30, 34)))
    gauge.judge(38)
    assert gauge.spans() == [(30, None, "lo")]
    gauge.arrive(*steady(50, range(34, 45)))
    gauge.judge(46)
    assert site.unsettled() == 0
    gauge.arrive(*steady(500, range(45, 60)))
    gauge.judge(61)
    assert gauge.spans() == [(30, 45, "lo")]
    assert (gauge.alert().id, len(pages(gauge))) == (alert.id, 1)


def test_the_hub_first_then_the_site(gauge: Gauge) -> None:
    gauge.run(*steady(500, range(10)), *steady(50, range(10, 20)))
    site = Site(gauge, 10)
    site.tell("raised", 15)
    gauge.judge(21)
    site.tell("cleared", 40, at=30)
    gauge.judge(41)  # the readings of its end are still on their way
    assert gauge.alert().detected_by == "hub"
    assert gauge.spans() == [(10, 30, "lo")]
    gauge.arrive(*steady(50, range(20, 30)))
    gauge.judge(42)
    assert gauge.spans() == [(10, 30, "lo")]
    gauge.arrive(*steady(500, range(30, 45)))
    gauge.judge(46)
    assert gauge.spans() == [(10, 30, "lo")]
    assert len(pages(gauge)) == 1
    assert site.unsettled() == 0


def test_what_the_hub_judges_otherwise_is_taken_back(gauge: Gauge) -> None:
    gauge.run(*steady(500, range(10)))
    Site(gauge, 12).tell("raised", 17)
    gauge.judge(18)
    assert gauge.spans() == [(12, None, "lo")]
    gauge.arrive(*steady(500, range(10, 30)))
    gauge.judge(31)
    assert gauge.spans() == []
    assert gauge.alert().retracted_at is not None


def test_an_alarm_that_comes_late_wakes_nobody_and_is_one_with_its_backlog(gauge: Gauge) -> None:
    gauge.run(*steady(500, range(10)))
    now = 7200
    site = Site(gauge, 20)
    site.tell("raised", 25)
    site.tell("cleared", 60, at=50)
    gauge.judge(now)
    assert gauge.spans() == [(20, 50, "lo")]
    assert gauge.alert().origin == "historical"
    site.lack(3)
    # What is new comes before the backlog, in a stream of its own.
    gauge.arrive(*steady(500, range(now, now + 30)), stream="live")
    gauge.judge(now + 31)
    assert gauge.spans() == [(20, 50, "lo")]
    gauge.arrive(*steady(500, range(10, 20)), *steady(50, range(20, 50)))
    gauge.judge(now + 32)
    gauge.arrive(*steady(500, range(50, 70)))
    site.lack(0)
    gauge.judge(now + 33)
    assert gauge.spans() == [(20, 50, "lo")]
    assert gauge.told() == []
    assert site.unsettled() == 0


def test_one_that_still_stands_is_told_when_the_link_is_back(gauge: Gauge) -> None:
    gauge.run(*steady(500, range(10)))
    now = 7200
    site = Site(gauge, 20)
    site.tell("raised", 25)
    site.lack(3)
    gauge.judge(now)
    assert pages(gauge) == []
    gauge.arrive(*steady(50, range(now, now + 10)), stream="live")
    gauge.judge(now + 11)
    assert gauge.spans() == [(20, None, "lo")]
    assert len(pages(gauge)) == 1
    gauge.arrive(*steady(500, range(10, 20)), *steady(50, range(20, 120)))
    site.lack(0)
    gauge.judge(now + 12)
    assert gauge.spans() == [(20, None, "lo")]
    assert len(pages(gauge)) == 1


def test_readings_that_were_dropped_at_the_site_leave_its_word(gauge: Gauge) -> None:
    gauge.run(*steady(500, range(10)))
    site = Site(gauge, 20)
    site.tell("raised", 25)
    site.tell("cleared", 60, at=50)
    with gauge.database.admin() as admin:
        admin.execute(
            "INSERT INTO stream_gaps (organization_id, agent_id, stream, first, last, reason,"
            " readings, from_time, to_time) VALUES (%s, %s, 's1', 100, 104, 'thinned', 60, %s, %s)",
            [gauge.operator.id, gauge.operator.agents[0], gauge.at(10), gauge.at(70)],
        )
    gauge.arrive(*steady(500, range(71, 90)))
    gauge.judge(91)
    assert gauge.spans() == [(20, 50, "lo")]
    assert site.unsettled() == 0
    gauge.arrive(*steady(500, [15, 72.5]), stream="late")
    gauge.judge(92)
    assert gauge.spans() == [(20, 50, "lo")]


def test_acknowledged_on_site_is_acknowledged(gauge: Gauge) -> None:
    gauge.run(*steady(500, range(10)))
    site = Site(gauge, 12)
    site.tell("raised", 17)
    site.tell("acknowledged", 18, by="Carl", note="on my way")
    gauge.judge(19)
    alert = gauge.alert()
    assert (alert.ack, alert.ack_via, alert.condition) == ("acked", "site", "active")
    assert alert.ack_note == "Carl on site: on my way"
    assert [state for kind, state in gauge.told() if kind == "raised"] == ["cancelled"]


ORDERS = [(0, 1, 2, 3), (0, 2, 1, 3), (1, 0, 3, 2), (2, 0, 3, 1), (3, 1, 2, 0), (1, 3, 0, 2)]


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_of_arrival_gives_one_alert(gauge: Gauge, order: Sequence[int]) -> None:
    gauge.run(*steady(500, range(10)))
    site = Site(gauge, 10)
    site.lack(0)
    site.announce("a", 1)
    steps = [
        lambda: site.tell("raised", 15),
        lambda: site.tell("cleared", 40, at=30),
        lambda: gauge.arrive(*steady(50, range(10, 30)), stream="a"),
        lambda: gauge.arrive(*steady(500, range(30, 45)), stream="b"),
    ]
    for number, step in enumerate(order):
        steps[step]()
        if step == 2:
            site.announce("a", 0)
        gauge.judge(50 + number)
    assert gauge.spans() == [(10, 30, "lo")]
    assert len(pages(gauge)) <= 1
    assert site.unsettled() == 0


# ------------------------------------------------------------------------------------- pure

TOLERANCE = 10


def told(spell: int, kind: str, certain: int, raised: int, at: int | None = None) -> Told:
    began = raised if kind == "raised" else certain if at is None else at
    return Told(uuid.UUID(int=spell), kind, "lo", 50.0, 40.0, raised, began, certain)


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(1, 60)), max_size=5),
    st.integers(0, 500),
    st.randoms(use_true_random=False),
)
@settings(max_examples=200, deadline=None)
def test_a_site_that_judged_as_the_hub_did_changes_nothing(
    stretches: list[tuple[int, int]], horizon: int, shuffle: object
) -> None:
    """The same alarms seen from both sides stay what they are, wherever the hub has come to."""
    episodes, records, end = [], [], -TOLERANCE - 1
    for number, (start, length) in enumerate(sorted(stretches)):
        if start <= end + TOLERANCE:
            continue
        end = start + length
        records.append(told(number, "raised", start, start))
        records.append(told(number, "cleared", end, start, end))
        if start <= horizon:
            over = end if end <= horizon else None
            episodes.append(
                Episode(
                    start,
                    "lo",
                    "lo",
                    50.0,
                    40.0,
                    (),
                    over,
                    None,
                    "active" if over is None else "normal",
                )
            )
    shuffle.shuffle(records)  # type: ignore[attr-defined]
    joined, places = join(episodes, gather(records), horizon, TOLERANCE)
    spans = [(e.raised_at, e.cleared_at) for e in joined]
    assert spans == sorted((r.raised_at, r.at) for r in records if r.kind == "cleared")
    assert sum(map(len, places.values())) == len(records) // 2
