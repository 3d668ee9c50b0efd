"""Silence becomes alarms: sites, devices, gauges, safety points; and what explains what."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.alerts import rules, service, upkeep, watchkeeping
from hub.alerts.lifecycle import isa_state
from hub.schema import Alert, AlertRule
from tests.alerting import Gauge, watch
from tests.cast import Cast
from tests.servers.postgres import Database

START = datetime(2024, 6, 1, 12, 0, tzinfo=UTC)
CRITICAL = {"levels": {"lo": {"setpoint": 100, "priority": 1}}}
STALE = {"levels": {"alarm": {"priority": 3}}, "after_s": 120}


@pytest.fixture
def gauge(database: Database, cast: Cast) -> Gauge:
    """Tubing pressure of Bluebonnet 1H, low below 100 psi."""
    return watch(database, cast.bluebonnet, START)


def hear(gauge: Gauge, seconds: float) -> None:
    """The operator's agents said something at that second."""
    with gauge.database.engine("owner").begin() as connection:
        connection.execute(
            text(
                "UPDATE agents SET heard_at = CASE WHEN id ="
                " (SELECT agent_id FROM tags WHERE id = :t) THEN CAST(:at AS timestamptz) END"
            ),
            {"at": gauge.at(seconds), "t": gauge.tag},
        )


def look(gauge: Gauge, seconds: float, started: float = -3600) -> None:
    """One round of the watch at that second."""
    engine, now = gauge.database.engine("work"), gauge.at(seconds)
    watchkeeping.watch_operator(
        engine, gauge.operator.id, "America/Chicago", now, gauge.at(started)
    )


def standing(gauge: Gauge) -> dict[str, Alert]:
    """Alerts that stand, by the template or kind of their rule."""
    with Session(gauge.database.engine("owner")) as session:
        rows = session.query(Alert, AlertRule).join(AlertRule, AlertRule.id == Alert.rule_id)
        return {
            rule.template or rule.kind: alert for alert, rule in rows if alert.condition != "normal"
        }


def stale_rule(gauge: Gauge, params: dict[str, Any] | None = None) -> uuid.UUID:
    with Session(gauge.database.engine("owner")) as session, session.begin():
        made = rules.create(
            session, gauge.operator.id, gauge.tag, "Gauge silent", params or STALE, kind="stale"
        )
        return made.id


def test_a_silent_gauge_of_a_site_that_speaks(gauge: Gauge) -> None:
    stale_rule(gauge)
    gauge.run((1, 150))
    hear(gauge, 121)
    look(gauge, 121)
    assert standing(gauge) == {}
    hear(gauge, 130)
    look(gauge, 130)
    silent = standing(gauge)["stale"]
    assert silent.message == "Tubing pressure silent: no reading since 07:00"
    assert (silent.raised_at, silent.priority, silent.setpoint) == (gauge.at(1), 3, None)
    assert gauge.told() == [("raised", "queued")]
    look(gauge, 140)
    gauge.run((150, 150))
    hear(gauge, 151)
    look(gauge, 151)
    assert standing(gauge) == {}
    assert gauge.told()[-1] == ("cleared", "queued")


def test_a_site_offline_is_one_alarm_and_its_gauges_are_frozen(gauge: Gauge) -> None:
    stale_rule(gauge)
    hear(gauge, 1)
    gauge.run((1, 95))
    for second in (130, 200, 302, 320):
        look(gauge, second)
        upkeep.freeze_silent(gauge.database.engine("work"), gauge.at(second))
    found = standing(gauge)
    assert set(found) == {"site_offline", "limit"}
    assert found["site_offline"].message.startswith("Site offline: bluebonnet-pad-1 was last heard")
    assert found["limit"].condition == "unknown"
    assert len(gauge.told()) == 2, "the low pressure when it began, and the site"
    hear(gauge, 400)
    gauge.run((400, 95))
    look(gauge, 401)
    assert {name: alert.condition for name, alert in standing(gauge).items()} == {"limit": "active"}


def test_blind_is_not_normal_where_lives_or_spills_are_at_stake(
    database: Database, cast: Cast
) -> None:
    gauge = watch(database, cast.bluebonnet, START, CRITICAL)
    hear(gauge, 1)
    gauge.run((1, 150))
    look(gauge, 100)
    assert standing(gauge) == {}
    look(gauge, 130)
    lost = standing(gauge)["safety_lost"]
    assert lost.message.startswith("Safety monitoring lost at ")
    assert lost.priority == 2
    with database.engine("owner").begin() as connection:
        connection.execute(text("UPDATE tags SET measure = 'h2s' WHERE id = :t"), {"t": gauge.tag})
    look(gauge, 145)
    assert standing(gauge)["safety_lost"].priority == 1
    look(gauge, 400)
    found = standing(gauge)
    assert set(found) == {"safety_lost", "site_offline"}
    assert found["safety_lost"].suppressed_by is None
    assert found["safety_lost"].first_out_id == found["site_offline"].first_out_id


def test_a_hub_that_just_started_says_nothing_of_silence(gauge: Gauge) -> None:
    stale_rule(gauge)
    hear(gauge, 1)
    gauge.run((1, 150))
    look(gauge, 900, started=800)
    assert standing(gauge) == {}
    look(gauge, 1101, started=800)
    assert set(standing(gauge)) == {"site_offline"}


def test_a_child_that_comes_after_its_parent_wakes_nobody(gauge: Gauge) -> None:
    """The pump stops; a minute later the pressure is low because of it."""
    with gauge.database.engine("owner").begin() as connection:
        connection.execute(
            text(
                "UPDATE tags SET measure = CASE id WHEN :t THEN 'tubing_pressure' ELSE 'run_state'"
                " END, well_id = (SELECT well_id FROM tags WHERE id = :t) WHERE agent_id ="
                " (SELECT agent_id FROM tags WHERE id = :t)"
            ),
            {"t": gauge.tag},
        )
    with Session(gauge.database.engine("owner")) as session, session.begin():
        pump = session.scalar(
            text("SELECT id FROM tags WHERE measure = 'run_state' ORDER BY id LIMIT 1")
        )
        rules.create(
            session,
            gauge.operator.id,
            pump,
            "Pump stopped",
            {"levels": {"alarm": {"priority": 2}}, "states": [0]},
            kind="digital",
        )
        session.execute(text("UPDATE alert_rules SET created_at = :s"), {"s": START})
    other = Gauge(gauge.database, gauge.operator, START, pump, gauge.rule)
    other.arrive((1, 1), (10, 0), stream="s2")
    gauge.judge(11)
    gauge.run((60, 95))
    by_kind = standing(gauge)
    assert by_kind["limit"].suppressed_by == by_kind["digital"].message
    assert isa_state(by_kind["limit"], gauge.at(61)) == "F"
    assert len(gauge.told()) == 1
    hear(gauge, 70)
    look(gauge, 70)
    found = standing(gauge)
    assert found["limit"].first_out_id == found["digital"].id
    other.arrive((80, 1), stream="s2")
    gauge.judge(81)
    gauge.arrive((81, 95))
    gauge.judge(82)
    hear(gauge, 85)
    look(gauge, 85)
    assert standing(gauge)["limit"].suppressed_by is None
    upkeep.watch_clocks(gauge.database.engine("work"), gauge.at(100))
    assert [kind for kind, _ in gauge.told()] == ["raised", "cleared"], "the grace is not over"
    upkeep.watch_clocks(gauge.database.engine("work"), gauge.at(146))
    assert [kind for kind, _ in gauge.told()] == ["raised", "cleared", "raised"]


def test_what_was_not_put_back_in_service_is_asked_for(gauge: Gauge) -> None:
    with Session(gauge.database.engine("owner")) as session, session.begin():
        hold = service.out_of_service(
            session,
            gauge.operator.id,
            {"tag_id": gauge.tag},
            gauge.operator.manager,
            gauge.at(600),
            "calibration",
            gauge.at(0),
            papers={"permit": "PTW 118"},
        )
        key = hold.id
    hear(gauge, 590)
    look(gauge, 590)
    assert standing(gauge) == {}
    hear(gauge, 601)
    look(gauge, 601)
    asked = standing(gauge)["forgot_to_restore"]
    assert asked.message.endswith("was to be back in service 07:10 (permit PTW 118)")
    with Session(gauge.database.engine("owner")) as session, session.begin():
        service.in_service(session, key, gauge.operator.manager, gauge.at(620))
    look(gauge, 630)
    assert standing(gauge) == {}


def test_planned_downtime_is_out_of_service_until_it_ends(gauge: Gauge) -> None:
    with gauge.database.engine("owner").begin() as connection:
        well = connection.scalar(
            text(
                "UPDATE tags SET well_id = (SELECT id FROM wells WHERE organization_id = :o"
                " ORDER BY name LIMIT 1) WHERE id = :t RETURNING well_id"
            ),
            {"o": gauge.operator.id, "t": gauge.tag},
        )
        connection.execute(
            text(
                "INSERT INTO downtime_events (organization_id, well_id, started_at, reason_code)"
                " VALUES (:o, :w, :s, 'PLN-WO')"
            ),
            {"o": gauge.operator.id, "w": well, "s": START - timedelta(hours=1)},
        )
    hear(gauge, 1)
    look(gauge, 1)
    gauge.run((2, 95))
    assert isa_state(gauge.alert(), gauge.at(3)) == "G"
    assert gauge.told() == []
    with gauge.database.engine("owner").begin() as connection:
        connection.execute(text("UPDATE downtime_events SET ended_at = :e"), {"e": gauge.at(10)})
    hear(gauge, 11)
    look(gauge, 11)
    upkeep.watch_clocks(gauge.database.engine("work"), gauge.at(12))
    assert gauge.told() == [("raised", "queued")]
