"""From committed readings to alerts: raised, cleared, acknowledged, frozen, in event time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from hub.alerts.lifecycle import acknowledge, isa_state
from hub.database import tenant_session
from tests.alerting import Gauge, steady, watch
from tests.cast import Cast
from tests.servers.postgres import Database

START = datetime(2024, 6, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def gauge(database: Database, cast: Cast) -> Gauge:
    """Tubing pressure of Bluebonnet 1H, low below 100 psi."""
    return watch(database, cast.bluebonnet, START)


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
    assert gauge.events() == ["raised"]
    assert gauge.told() == [("raised", "queued")]
    assert gauge.unjudged() == 0


def test_an_alert_clears_and_waits_to_be_acknowledged(gauge: Gauge, cast: Cast) -> None:
    gauge.run((1, 95), (2, 150))
    alert = gauge.alert()
    assert (alert.condition, alert.cleared_at, alert.closed_at) == ("normal", gauge.at(2), None)
    assert isa_state(alert, gauge.at(3)) == "D"
    with tenant_session(gauge.database.engine("app"), cast.bluebonnet.id) as session:
        acknowledge(session, alert.id, cast.bluebonnet.manager, "saw it", gauge.at(9))
    assert gauge.alert().closed_at == gauge.at(9)
    assert gauge.events() == ["raised", "cleared", "acknowledged", "closed"]
