"""The rules that raise the most: what comes and goes, the computed fix, and the weekly report."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from hub.alerts import badactors, kpi, weekly
from hub.database import tenant_session
from hub.schema import AlertRule
from tests.alerting import Gauge, watch
from tests.cast import engage
from tests.console import Visitor, open_console, read, signed_in
from tests.servers.postgres import Server, migrated

#: A Monday, four in the morning in Chicago, where Bluebonnet's day begins.
MONDAY = datetime(2026, 6, 1, 9, tzinfo=UTC)
RULE = {"levels": {"lo": {"setpoint": 100, "priority": 2}}}


def swings() -> Iterator[tuple[float, float | None]]:
    """Eight hours read every half minute: swings for an hour, a long low, and one short dip."""
    for n in range(960):
        second = n * 30.0
        if n < 120:
            yield second, 98.0 if n % 4 < 2 else 102.0
        elif 300 <= n < 360:
            yield second, 60.0
        else:
            yield second, 80.0 if n == 600 else 130.0 + n % 2


@pytest.fixture(scope="module")
def gauge(plain_server: Server) -> Iterator[Gauge]:
    """A gauge that chatters on the Sunday before."""
    database = plain_server.fresh(migrated)
    own = engage(database.engine("owner")).bluebonnet
    found = watch(database, own, MONDAY - timedelta(hours=20), RULE, respond_within_s=1800)
    with database.admin() as admin:
        admin.execute("UPDATE tags SET interval_ms = 30000")
        admin.execute("UPDATE organizations SET timezone = 'America/Chicago'")
    found.arrive(*swings())
    found.judge(960 * 30.0)
    yield found
    plain_server.drop(database)


@pytest.fixture
def as_it_was(gauge: Gauge) -> Iterator[Gauge]:
    """With the rule as it was made, and nothing sent of it."""
    yield gauge
    with gauge.database.admin() as admin:
        admin.execute("DELETE FROM notifications WHERE kind = 'report'")


def reports(gauge: Gauge) -> list[Any]:
    return [one for one in gauge.notifications() if one.kind == "report"]


def test_what_comes_and_goes_is_counted_by_rule_and_gauge(gauge: Gauge) -> None:
    with tenant_session(gauge.database.engine("app"), gauge.operator.id) as session:
        found = kpi.figures(session, MONDAY)
        (one,) = found.nuisances
        (actor,) = badactors.worst(session, MONDAY)
    assert (one.rule_id, one.gauge) == (gauge.rule, "plc.tubing_pressure")
    assert (one.alarms, one.chattering, one.fleeting) == (32, 30, 1)
    assert (found.chattering, found.fleeting) == (1, 1)
    assert (actor.alarms, actor.chattering, actor.fleeting) == (32, 30, 1)
    assert actor.share_percent == 100


def test_managers_are_written_to_once_a_week_with_the_fix(as_it_was: Gauge) -> None:
    gauge = as_it_was
    work = gauge.database.engine("work")
    eight = datetime(2026, 6, 1, 8, tzinfo=ZoneInfo("America/Chicago"))
    assert weekly.send_due(work, eight - timedelta(minutes=1)) == 0, "it is not eight yet"
    assert weekly.send_due(work, eight) == 1
    (sent,) = reports(gauge)
    assert sent.user_id == gauge.operator.manager, "the pumper cannot change rules"
    assert "32 alarms, 100 % of 1 rules" in sent.subject
    (line,) = sent.body["paragraphs"]
    assert line.startswith("“Tubing pressure low”, Bluebonnet 1H: 32 alarms, 30 of them chattering")
    after = int(line.rpartition("Fix: ")[2].split()[0])
    assert after <= 3
    assert sent.body["path"] == "/alerts/load"
    for later in (timedelta(minutes=1), timedelta(hours=5), timedelta(days=2)):
        assert weekly.send_due(work, eight + later) == 0, later
    assert weekly.send_due(work, eight + timedelta(days=7)) == 0, "a week without an alarm"


def test_an_operator_whose_managers_have_no_channel_holds_up_nobody(as_it_was: Gauge) -> None:
    database = as_it_was.database
    eight = datetime(2026, 6, 1, 13, tzinfo=UTC)
    with database.admin() as admin:
        admin.execute("UPDATE contact_channels SET enabled = false")
    assert weekly.send_due(database.engine("work"), eight) == 0
    with database.admin() as admin:
        admin.execute("UPDATE contact_channels SET enabled = true")
    assert weekly.send_due(database.engine("work"), eight) == 1


def test_a_fix_is_accepted_with_one_click_and_can_be_taken_back(as_it_was: Gauge) -> None:
    gauge = as_it_was
    alice: Visitor = signed_in(open_console(gauge.database), "alice")
    with gauge.database.admin() as admin:  # the page looks at the last month
        shift = datetime.now(UTC) - MONDAY
        admin.execute("UPDATE readings SET time = time + %s", [shift - timedelta(hours=1)])
        admin.execute(
            "UPDATE alerts SET raised_at = raised_at + %s, detected_at = detected_at + %s,"
            " cleared_at = cleared_at + %s",
            [shift - timedelta(hours=1)] * 3,
        )
    words = read(alice.get("/alerts/load"))
    assert "What comes and goes" in words
    page = f"/alerts/load/{gauge.rule}"
    words = read(alice.get(page))
    assert "Alarms 32 3 Long alarms, all of them kept 2 2" in words
    assert alice.post(page).status_code == 303
    with Session(gauge.database.engine("owner")) as session:
        rule = session.get_one(AlertRule, gauge.rule)
        level = rule.params["levels"]["lo"]
        assert rule.version == 2
        assert (level["setpoint"], level["priority"]) == (100, 2), "a setpoint is never moved"
        assert level["off_delay_s"] > 0 or level["deadband"] > 0
    assert alice.post(page).status_code == 303, "a second click finds nothing to change"
    assert alice.post(f"/rules/{gauge.rule}/restore", {"number": "1"}).status_code == 303
    with Session(gauge.database.engine("owner")) as session:
        assert session.get_one(AlertRule, gauge.rule).params["levels"] == {
            "lo": {"setpoint": 100, "deadband": 0, "on_delay_s": 0, "off_delay_s": 0, "priority": 2}
        }
    with gauge.database.admin() as admin:  # of what its range says now, the rule is of no use
        admin.execute("UPDATE tags SET low = 0, high = 50")
    refused = read(alice.get(str(alice.post(page).location)))
    assert "stays as it is: lo: 100 holds for all that the gauge can show" in refused
    refused = read(
        alice.get(str(alice.post(f"/rules/{gauge.rule}/restore", {"number": "2"}).location))
    )
    assert "Version 2 cannot be restored: lo: 100 holds for all" in refused
    with Session(gauge.database.engine("owner")) as session:
        assert session.get_one(AlertRule, gauge.rule).version == 3
    assert signed_in(open_console(gauge.database), "carl").post(page).status_code == 403
