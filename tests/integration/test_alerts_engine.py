"""From committed readings to alerts: raised, cleared, acknowledged, frozen, in event time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from hub.alerts import bench, rules, upkeep
from hub.alerts.lifecycle import UnknownAlertError, acknowledge, isa_state
from hub.database import tenant_session
from hub.schema import AlertRule, ContactChannel
from tests.alerting import Gauge, rule_of, touch, watch
from tests.cast import Cast, Operator
from tests.servers.postgres import Database

START = datetime(2024, 6, 1, 12, 0, tzinfo=UTC)
TWO_LEVELS = {
    "levels": {
        "lo": {"setpoint": 100, "priority": 3},
        "lolo": {"setpoint": 50, "priority": 1},
    }
}


@pytest.fixture
def gauge(database: Database, cast: Cast) -> Gauge:
    """Tubing pressure of Bluebonnet 1H, low below 100 psi."""
    return watch(database, cast.bluebonnet, START)


@pytest.fixture
def bluebonnet(cast: Cast) -> Operator:
    return cast.bluebonnet


def take_on(gauge: Gauge, seconds: float, note: str | None = None) -> tuple[bool, int]:
    """Bob acknowledges the newest alert."""
    operator = gauge.operator
    with tenant_session(gauge.database.engine("app"), operator.id) as session:
        alert = gauge.alerts()[-1]
        done = acknowledge(session, alert.id, operator.manager, note, gauge.at(seconds))
    return done.changed, done.cancelled


def mark_sent(gauge: Gauge) -> None:
    with gauge.database.engine("work").begin() as connection:
        connection.exec_driver_sql("UPDATE notifications SET state = 'sent'")


def test_it_works(gauge: Gauge) -> None:
    gauge.arrive((1, 150), (2, 95), (3, 90))
    assert gauge.judge(4) == 1
    alert = gauge.alert()
    assert (alert.condition, alert.ack, alert.origin, alert.level) == (
        "active",
        "unacked",
        "live",
        "lo",
    )
    assert (alert.raised_at, alert.value, alert.extreme) == (gauge.at(2), 95, 90)
    assert alert.message == "Tubing pressure low: 90 psi, limit 100 psi"
    assert isa_state(alert, gauge.at(4)) == "B"
    assert gauge.events() == ["raised"]
    assert gauge.told() == [("raised", "queued")]
    assert gauge.unjudged() == 0


def test_an_alert_goes_on_over_many_messages(gauge: Gauge) -> None:
    gauge.run(*[(second, 90 - second) for second in range(1, 8)])
    assert gauge.spans() == [(1, None, "lo")]
    assert gauge.alert().extreme == 83
    assert gauge.told() == [("raised", "queued")]


def test_it_clears_and_waits_to_be_acknowledged(gauge: Gauge) -> None:
    gauge.run((1, 95), (2, 150))
    alert = gauge.alert()
    assert (alert.condition, alert.cleared_at, alert.closed_at) == ("normal", gauge.at(2), None)
    assert isa_state(alert, gauge.at(3)) == "D"
    take_on(gauge, 9, "saw it")
    assert gauge.alert().closed_at == gauge.at(9)
    assert gauge.events() == ["raised", "cleared", "acknowledged", "closed"]


def test_an_acknowledged_alert_closes_as_it_clears(gauge: Gauge) -> None:
    gauge.run((1, 95))
    mark_sent(gauge)
    take_on(gauge, 2)
    assert isa_state(gauge.alert(), gauge.at(2)) == "C"
    gauge.run((3, 150))
    alert = gauge.alert()
    assert (alert.condition, alert.ack) == ("normal", "acked")
    assert alert.closed_at is not None
    assert gauge.told() == [("raised", "sent"), ("cleared", "queued")]


def test_acknowledging_cancels_what_is_queued_and_never_moves_the_condition(gauge: Gauge) -> None:
    gauge.run((1, 95))
    assert take_on(gauge, 2, "on my way") == (True, 1)
    alert = gauge.alert()
    assert (alert.condition, alert.ack, alert.acked_by) == (
        "active",
        "acked",
        gauge.operator.manager,
    )
    assert gauge.told() == [("raised", "cancelled")]


def test_acknowledging_twice_is_acknowledging_once(gauge: Gauge) -> None:
    gauge.run((1, 95))
    take_on(gauge, 2, "first")
    assert take_on(gauge, 3, "second") == (False, 0)
    assert gauge.alert().ack_note == "first"
    assert gauge.events() == ["raised", "acknowledged"]


def test_nobody_acknowledges_another_operators_alert(gauge: Gauge, cast: Cast) -> None:
    gauge.run((1, 95))
    with (
        pytest.raises(UnknownAlertError),
        tenant_session(gauge.database.engine("app"), cast.cimarron.id) as session,
    ):
        acknowledge(session, gauge.alert().id, cast.cimarron.manager)
    assert gauge.alert().ack == "unacked"


def test_a_new_episode_supersedes_one_that_nobody_acknowledged(gauge: Gauge) -> None:
    gauge.run((1, 95), (2, 150), (3, 94))
    first, second = gauge.alerts()
    assert (first.closed_at is not None, first.ack) == (True, "unacked")
    assert (second.closed_at, second.condition) == (None, "active")
    assert gauge.events(first) == ["raised", "cleared", "superseded"]
    assert gauge.told() == [("raised", "cancelled"), ("cleared", "queued"), ("raised", "queued")]


def test_a_worse_level_asks_again_and_a_milder_one_does_not(
    database: Database, bluebonnet: Operator
) -> None:
    gauge = watch(database, bluebonnet, START, TWO_LEVELS)
    gauge.run((1, 95))
    take_on(gauge, 1.5)
    gauge.run((2, 45))
    worse = gauge.alert()
    assert (worse.level, worse.priority, worse.setpoint, worse.ack) == ("lolo", 1, 50, "unacked")
    assert worse.message == "Tubing pressure very low: 45 psi, limit 50 psi"
    take_on(gauge, 2.6)
    gauge.run((3, 90))
    milder = gauge.alert()
    assert (milder.level, milder.priority, milder.ack) == ("lo", 3, "acked")
    gauge.run((4, 40))
    assert gauge.alert().ack == "unacked"
    assert [kind for kind, _ in gauge.told()] == ["raised", "level", "level"]
    assert gauge.events() == [
        *("raised", "acknowledged", "level", "acknowledged", "level", "level"),
    ]


def test_a_level_reached_and_left_within_one_message_is_told(
    database: Database, bluebonnet: Operator
) -> None:
    gauge = watch(database, bluebonnet, START, TWO_LEVELS)
    gauge.arrive((1, 95), (2, 45), (3, 90))
    gauge.judge(4)
    (page,) = gauge.notifications()
    assert (page.body["priority"], page.body["level"]) == (1, "lolo")
    assert gauge.alert().level == "lo"


def test_readings_that_are_not_good_freeze_an_alert(gauge: Gauge) -> None:
    gauge.run((1, 95), (2, None), (3, None))
    frozen = gauge.alert()
    assert (frozen.condition, frozen.frozen_since) == ("unknown", gauge.at(2))
    assert isa_state(frozen, gauge.at(3)) == "B"
    gauge.run((4, 94))
    thawed = gauge.alert()
    assert (thawed.condition, thawed.frozen_since) == ("active", None)
    assert gauge.events() == ["raised", "frozen", "unfrozen"]
    assert gauge.told() == [("raised", "queued")]


def test_a_silent_gauge_does_not_leave_an_alert_looking_watched(gauge: Gauge) -> None:
    work = gauge.database.engine("work")
    gauge.run((1, 95))
    assert upkeep.freeze_silent(work, gauge.at(60)) == 0
    assert upkeep.freeze_silent(work, gauge.at(62)) == 1
    assert upkeep.freeze_silent(work, gauge.at(63)) == 0
    silent = gauge.alert()
    assert (silent.condition, silent.frozen_since) == ("unknown", gauge.at(1))
    gauge.run((100, 95))
    assert (gauge.alert().condition, gauge.alert().frozen_since) == ("active", None)
    assert gauge.events() == ["raised", "frozen", "unfrozen"]
    assert gauge.told() == [("raised", "queued")]


def test_readings_of_the_past_do_not_end_the_silence(gauge: Gauge) -> None:
    gauge.run((1, 95))
    upkeep.freeze_silent(gauge.database.engine("work"), gauge.at(3600))
    gauge.arrive((2, 95), (3, 95))
    gauge.judge(3600)
    assert gauge.alert().condition == "unknown"
    assert gauge.events() == ["raised", "frozen"]


def test_a_clock_that_runs_behind_is_not_silence(gauge: Gauge) -> None:
    with gauge.database.engine("ingest").begin() as connection:
        connection.exec_driver_sql("UPDATE agents SET clock_skew_ms = -600000")
    gauge.arrive((1, 95))
    gauge.judge(601)
    assert upkeep.freeze_silent(gauge.database.engine("work"), gauge.at(620)) == 0


def test_a_rule_that_cannot_be_read_is_set_aside_and_the_others_go_on(
    gauge: Gauge, bluebonnet: Operator
) -> None:
    other = watch(gauge.database, bluebonnet, START, tag=bluebonnet.tags[1])
    with Session(gauge.database.engine("owner")) as session, session.begin():
        session.execute(
            update(AlertRule).where(AlertRule.id == gauge.rule).values(params={"levels": {}})
        )
    gauge.arrive((1, 95))
    other.arrive((1, 95))
    gauge.judge(2)
    assert rule_of(gauge).fault == "A limit rule needs at least one level: lolo, lo, hi, hihi."
    assert [alert.rule_id for alert in gauge.alerts()] == [other.rule]
    assert gauge.unjudged() == 0


def test_a_rule_whose_judgement_fails_is_set_aside_until_it_is_changed(
    gauge: Gauge, bluebonnet: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = watch(gauge.database, bluebonnet, START, tag=bluebonnet.tags[1])
    begin = bench.outcome.begin

    def fails_for_one(scene: bench.outcome.Scene, episode: bench.Episode) -> object:
        begin(scene, episode)
        if scene.watch.id == gauge.rule:
            raise ZeroDivisionError("out of pencils")
        return None

    monkeypatch.setattr(bench.outcome, "begin", fails_for_one)
    gauge.arrive((1, 95))
    other.arrive((1, 95))
    gauge.judge(2)
    assert [alert.rule_id for alert in gauge.alerts()] == [other.rule]
    failed = rule_of(gauge)
    assert (failed.fault, failed.faulted_at) == (
        "ZeroDivisionError: out of pencils",
        gauge.at(2),
    )
    assert gauge.unjudged() == 0

    monkeypatch.undo()
    with tenant_session(gauge.database.engine("app"), bluebonnet.id) as session:
        rules.change(
            session, gauge.rule, params={"levels": {"lo": {"setpoint": 99, "priority": 2}}}
        )
    touch(gauge.database, gauge.rule, gauge.at(3))
    gauge.run((4, 95))
    assert {alert.rule_id for alert in gauge.alerts()} == {other.rule, gauge.rule}


def test_an_alert_whose_rule_failed_is_frozen(gauge: Gauge) -> None:
    gauge.run((1, 95))
    with Session(gauge.database.engine("work")) as session, session.begin():
        rules.mark_faulted(session, gauge.rule, "broken", gauge.at(2))
    assert upkeep.freeze_silent(gauge.database.engine("work"), gauge.at(3)) == 1
    assert gauge.alert().frozen_since == gauge.at(2)


def test_a_new_rule_judges_from_when_it_was_made(database: Database, bluebonnet: Operator) -> None:
    gauge = watch(database, bluebonnet, START)
    touch(database, gauge.rule, gauge.at(10))
    gauge.arrive((5, 95), (6, 150), (11, 94))
    gauge.judge(12)
    assert gauge.spans() == [(11, None, "lo")]


def test_a_changed_rule_takes_a_standing_alert_on(gauge: Gauge, bluebonnet: Operator) -> None:
    gauge.run((1, 95), (2, 94))
    with tenant_session(gauge.database.engine("app"), bluebonnet.id) as session:
        params = {"levels": {"lo": {"setpoint": 80, "priority": 1}}}
        changed = rules.change(session, gauge.rule, params=params)
        assert changed.version == 2
    gauge.run((3, 70))
    alert = gauge.alert()
    assert (alert.raised_at, alert.priority, alert.setpoint) == (gauge.at(1), 1, 80)
    gauge.run((4, 85))
    assert gauge.spans() == [(1, 4, "lo")]


def test_changing_a_rules_words_makes_no_new_version(gauge: Gauge, bluebonnet: Operator) -> None:
    with tenant_session(gauge.database.engine("app"), bluebonnet.id) as session:
        before = session.get_one(AlertRule, gauge.rule).row_version
        changed = rules.change(session, gauge.rule, action="Call the pumper.")
        assert (changed.version, changed.row_version) == (1, before + 1)


def test_switching_a_rule_off_closes_its_alert_and_on_again_begins_anew(
    gauge: Gauge, bluebonnet: Operator
) -> None:
    app, work = gauge.database.engine("app"), gauge.database.engine("work")
    gauge.run((1, 95))
    with tenant_session(app, bluebonnet.id) as session:
        rules.change(session, gauge.rule, enabled=False)
    assert upkeep.settle_rules_off(work, gauge.at(5)) == 1
    assert (gauge.alert().closed_at, gauge.told()) == (gauge.at(5), [("raised", "cancelled")])
    gauge.run((6, 150), (7, 90))
    with tenant_session(app, bluebonnet.id) as session:
        rules.change(session, gauge.rule, enabled=True)
    touch(gauge.database, gauge.rule, gauge.at(8))
    gauge.run((9, 90))
    assert [begin for begin, _, _ in gauge.spans()] == [1, 7], "it knows the reading before"


def test_when_nobody_is_to_be_told_the_alert_says_so(gauge: Gauge) -> None:
    with Session(gauge.database.engine("owner")) as session, session.begin():
        session.execute(update(ContactChannel).values(worst_priority=1))
    gauge.run((1, 95))
    assert gauge.told() == []
    assert gauge.events() == ["raised", "nobody_to_tell"]


def test_checkpoints_are_kept_by_the_hour_and_do_not_pile_up(gauge: Gauge) -> None:
    for minute in range(150):
        gauge.arrive((minute * 60, 150), (minute * 60 + 30, 150))
        gauge.judge(minute * 60 + 31)
    with gauge.database.admin() as admin:
        rows = admin.execute("SELECT at, kept FROM alert_checkpoints ORDER BY at").fetchall()
    kept = [(at - START).total_seconds() for at, kept in rows if kept]
    assert kept == [0, 3570, 7170]
    assert len(rows) - len(kept) <= 3


def test_old_checkpoints_are_forgotten_but_the_newest(gauge: Gauge) -> None:
    for hour in range(4):
        gauge.arrive((hour * 3600 + 1, 150))
        gauge.judge(hour * 3600 + 2)
    work = gauge.database.engine("work")
    assert upkeep.prune_checkpoints(work, START + timedelta(days=30)) == 0
    upkeep.prune_checkpoints(work, START + timedelta(days=60))
    with gauge.database.admin() as admin:
        rows = admin.execute("SELECT at FROM alert_checkpoints").fetchall()
    assert rows == [(gauge.at(3 * 3600 + 1),)]
