"""A backtest counts what the engine would have recorded, and writes nothing."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from agent.contract.alarm_rules import parse_rule
from hub.__main__ import main
from hub.alerts import rules
from hub.alerts.backtest import Stretch, backtest, stretch
from hub.alerts.instants import to_instant, to_ms
from hub.database import tenant_session
from hub.schema import Tag
from tests.alerting import Gauge, watch
from tests.cast import Cast, Operator, engage
from tests.servers.postgres import Database, Server, migrated
from tests.telemetry import Point, store

SETTINGS = {
    "WELLFLOW_MQTT_URL": "mqtt://hub:secret@127.0.0.1:1",
    "WELLFLOW_SECRET_KEY": base64.b64encode(bytes(range(32))).decode(),
}
START = datetime(2026, 3, 2, 6, tzinfo=UTC)
RULE: dict[str, Any] = {
    "levels": {
        "lo": {"setpoint": 100, "deadband": 4, "on_delay_s": 20, "off_delay_s": 40, "priority": 3},
        "lolo": {"setpoint": 80, "off_delay_s": 10, "priority": 2},
    }
}


def tried(gauge: Gauge, until: int, **shape: int) -> list[tuple[float, float | None, str]]:
    """Begin, end and level of what a backtest from the rule's beginning finds, in seconds."""
    start = to_ms(gauge.start)
    span = Stretch(gauge.tag, start, start + until * 1000, shape.get("every", 10_000), UTC)
    with tenant_session(gauge.database.engine("app"), gauge.operator.id) as session:
        tag = session.get_one(Tag, gauge.tag)
        rule = parse_rule("limit", RULE, blind_after_s=rules.blind_after_s(tag.interval_ms))
        found = backtest(session, rule, span)
    return [
        (
            (to_instant(a.raised_at) - gauge.start).total_seconds(),
            None if a.cleared_at is None
            else (to_instant(a.cleared_at) - gauge.start).total_seconds(),
            a.level,
        )
        for a in found.listed
    ]  # fmt: skip


READINGS = st.lists(
    st.tuples(
        st.integers(1, 90),
        st.one_of(st.none(), st.sampled_from([60.0, 79.0, 95.0, 100.0, 102.0, 110.0, 130.0])),
    ),
    min_size=1,
    max_size=60,
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=READINGS, chunk=st.integers(1, 20), every=st.sampled_from([1, 36, 10_000]))
def test_it_finds_exactly_what_the_engine_records(
    database: Database, cast: Cast, steps: list[tuple[int, float | None]], chunk: int, every: int
) -> None:
    """On the same readings, however they are cut into messages and into slices."""
    with database.admin() as admin:
        admin.execute("TRUNCATE readings, ingest_batches, streams, alerts, alert_rules CASCADE")
    gauge = watch(database, cast.bluebonnet, START, RULE)
    points, second = [], 0
    for step, value in steps:
        second += step
        points.append((float(second), value))
    for n in range(0, len(points), chunk):
        gauge.arrive(*points[n : n + chunk], stream=f"s{n}")
    gauge.judge(second + 1)
    assert tried(gauge, second + 1, every=every) == gauge.spans()


def year(operator: Operator, minutes: int) -> list[Point]:
    """A gauge read every minute that mostly behaves."""
    pick = random.Random(7)
    now = datetime.now(UTC).replace(microsecond=0)
    return [
        Point(
            operator.tags[0],
            now - timedelta(minutes=minutes - n),
            pick.gauss(300, 2) - (150 if n % 7000 < 30 else 0),
        )
        for n in range(minutes)
    ]


@pytest.fixture(scope="module")
def quarter(plain_server: Server) -> Iterator[Gauge]:
    """Ninety days of one gauge, read every minute, and a rule made today."""
    database = plain_server.fresh(migrated)
    operator = engage(database.engine("owner")).bluebonnet
    store(database, operator, year(operator, 129_000))
    with database.engine("owner").begin() as connection:
        connection.execute(text("UPDATE tags SET interval_ms = 60000"))
    low = {"levels": {"lo": {"setpoint": 200, "priority": 2}}}
    yield watch(database, operator, datetime.now(UTC), low, respond_within_s=1800)
    plain_server.drop(database)


def asked(gauge: Gauge, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, Any]:
    """Exit code and answer of the verb."""
    code = main(["backtest", "--json", "--organization", "bluebonnet", *more])
    captured = capsys.readouterr()
    return code, json.loads(captured.out) if captured.out else captured.err


@pytest.fixture
def told(quarter: Gauge, monkeypatch: pytest.MonkeyPatch) -> Gauge:
    """The command line knows the database."""
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("WELLFLOW_DATABASE_URL", quarter.database.url)
    return quarter


def test_ninety_days_of_a_gauge_at_the_command_line(
    told: Gauge, capsys: pytest.CaptureFixture[str]
) -> None:
    code, (found,) = asked(told, capsys, "--rule", str(told.rule))
    assert code == 0
    assert (found["alarms"], found["over_10_min"], found["under_60_s"]) == (19, 19, 0)
    assert found["longest_s"] == 30 * 60
    assert found["readings"] > 128_000
    assert sum(found["by_day"].values()) == len(found["list"]) == 19
    with told.database.admin() as admin:
        counts = admin.execute(
            "SELECT (SELECT count(*) FROM alerts), (SELECT count(*) FROM alert_checkpoints),"
            " (SELECT count(*) FROM alert_rules), (SELECT count(*) FROM notifications)"
        ).fetchone()
    assert counts == (0, 0, 1, 0), "nothing was written"


def test_unsaved_parameters_can_be_tried_and_gate_a_script(
    told: Gauge, capsys: pytest.CaptureFixture[str]
) -> None:
    inside = json.dumps({"levels": {"hi": {"setpoint": 300, "priority": 2}}})
    wanted = ["--tag", "plc.tubing_pressure", "--params", inside, "--days", "10"]
    code, (found,) = asked(told, capsys, *wanted, "--at-most", "24")
    assert code == 1
    assert found["per_day"] > 100
    assert asked(told, capsys, *wanted)[0] == 0
    code, words = asked(told, capsys, "--tag", "plc.tubing_pressure", "--params", "{")
    assert (code, "no JSON" in words) == (1, True)
    code, words = asked(told, capsys, "--tag", "nothing", "--params", inside)
    assert (code, "no tag 'nothing'" in words) == (1, True)


def test_a_suggestion_takes_the_chatter_and_keeps_what_is_long(
    told: Gauge, capsys: pytest.CaptureFixture[str]
) -> None:
    inside = json.dumps({"levels": {"lo": {"setpoint": 297, "priority": 2}}})
    more = ["--tag", "plc.tubing_pressure", "--params", inside, "--days", "30", "--suggest"]
    _, (found,) = asked(told, capsys, *more)
    better = found["suggestion"]
    assert better["long_alarms_kept"] >= 6
    assert better["alarms"] < found["alarms"] / 10
    assert better["alarms"] >= better["long_alarms_kept"]


def test_a_gauge_of_another_operator_cannot_be_named(
    told: Gauge, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["backtest", "--json", "--organization", "cimarron", "--rule", str(told.rule)])
    assert code == 1
    assert "no rule" in capsys.readouterr().err


def test_only_what_is_kept_is_replayed_and_that_is_said(database: Database, cast: Cast) -> None:
    now = datetime.now(UTC)
    with database.admin() as admin:
        admin.execute("UPDATE readings_state SET kept_from = %s", [now - timedelta(days=20)])
    with tenant_session(database.engine("app"), cast.bluebonnet.id) as session:
        tag = session.get_one(Tag, cast.bluebonnet.tags[0])
        span = stretch(session, tag, now)
        assert round((span.end - span.start) / 86_400_000) == 20
        assert "kept since" in span.shortened
        fast = stretch(session, tag, now, most=86_400)
        assert round((fast.end - fast.start) / 86_400_000, 3) == 1, (
            "a day of a gauge read each second"
        )
        assert "backtest" in fast.shortened
