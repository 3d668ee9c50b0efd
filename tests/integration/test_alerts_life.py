"""The life of an alert: what people do to it, what is due by the clock, who is told."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hub.alerts import lifecycle, service, upkeep
from hub.alerts.axes import RefusedError
from hub.alerts.lifecycle import isa_state
from hub.database import tenant_session
from hub.schema import Alert, AlertHold
from tests.alerting import Gauge, watch
from tests.cast import Cast
from tests.servers.postgres import Database

START = datetime(2024, 6, 1, 12, 0, tzinfo=UTC)
CRITICAL = {"levels": {"lo": {"setpoint": 100, "priority": 1}}}
TWO_LEVELS = {
    "levels": {"lo": {"setpoint": 100, "priority": 3}, "lolo": {"setpoint": 50, "priority": 1}}
}
HOUR = 3600.0


@pytest.fixture
def gauge(database: Database, cast: Cast) -> Gauge:
    """Tubing pressure of Bluebonnet 1H, low below 100 psi, priority 2."""
    return watch(database, cast.bluebonnet, START)


def person(gauge: Gauge, act: Callable[[Session, uuid.UUID], Any]) -> Any:
    """Bob, a manager, does something to the newest alert."""
    with tenant_session(gauge.database.engine("app"), gauge.operator.id) as session:
        return act(session, gauge.alerts()[-1].id)


def shelve(gauge: Gauge, seconds: float, until: float, *, by: uuid.UUID | None = None) -> Any:
    who = by or gauge.operator.manager
    return person(
        gauge,
        lambda session, alert: lifecycle.shelve(
            session, alert, who, gauge.at(until), "pigging today", gauge.at(seconds)
        ),
    )


def take_on(gauge: Gauge, seconds: float, **more: Any) -> Any:
    return person(
        gauge,
        lambda session, alert: lifecycle.acknowledge(
            session, alert, gauge.operator.manager, None, gauge.at(seconds), **more
        ),
    )


def clock(gauge: Gauge, seconds: float) -> int:
    return upkeep.watch_clocks(gauge.database.engine("work"), gauge.at(seconds))


def letter(gauge: Gauge, seconds: float) -> str:
    return isa_state(gauge.alerts()[-1], gauge.at(seconds))


def test_a_shelved_alarm_is_quiet_and_comes_back_with_the_ack_it_had(gauge: Gauge) -> None:
    gauge.run((1, 95))
    assert shelve(gauge, 2, HOUR) == 1
    assert letter(gauge, 3) == "E"
    assert gauge.told() == [("raised", "cancelled")]
    assert clock(gauge, HOUR - 1) == 0
    clock(gauge, HOUR)
    back = gauge.alert()
    assert (back.shelved_until, back.ack, letter(gauge, HOUR)) == (None, "unacked", "B")
    assert gauge.told() == [("raised", "cancelled"), ("raised", "queued")]
    assert gauge.events() == ["raised", "shelved", "shelf_over", "told_again"]


def test_a_shelf_is_for_the_alarm_and_not_for_one_episode_of_it(gauge: Gauge) -> None:
    gauge.run((1, 95))
    shelve(gauge, 2, HOUR)
    gauge.run((3, 150), (4, 90))
    assert letter(gauge, 5) == "E"
    assert [state for _, state in gauge.told()].count("queued") == 0
    clock(gauge, HOUR)
    assert gauge.told()[-1] == ("raised", "queued")


def test_what_got_worse_than_what_was_shelved_is_told(database: Database, cast: Cast) -> None:
    gauge = watch(database, cast.bluebonnet, START, TWO_LEVELS)
    gauge.run((1, 95))
    shelve(gauge, 2, HOUR)
    gauge.run((3, 40))
    worse = gauge.alert()
    assert (worse.shelved_until, worse.priority, worse.ack) == (None, 1, "unacked")
    assert "queued" in {state for _, state in gauge.told()}
    assert "shelf_passed" in gauge.events()


def test_a_critical_alarm_is_shelved_by_a_manager_for_an_hour_and_not_renewed(
    database: Database, cast: Cast
) -> None:
    gauge = watch(database, cast.bluebonnet, START, CRITICAL)
    gauge.run((1, 95))
    with pytest.raises(RefusedError, match="Only a manager"):
        shelve(gauge, 2, HOUR / 2, by=cast.bluebonnet.pumper)
    with pytest.raises(RefusedError, match="60 min at most"):
        shelve(gauge, 2, 2 * HOUR)
    shelve(gauge, 2, HOUR)
    with pytest.raises(RefusedError, match="let it come back first"):
        shelve(gauge, 1800, HOUR + 1800)
    clock(gauge, HOUR)
    with pytest.raises(RefusedError, match="acknowledge it before"):
        shelve(gauge, HOUR + 1, HOUR + 1800)


def test_not_even_a_program_of_the_hub_shelves_a_critical_alarm_for_longer(
    gauge: Gauge,
) -> None:
    with (
        pytest.raises(IntegrityError, match="critical_shelf"),
        Session(gauge.database.engine("owner")) as session,
        session.begin(),
    ):
        session.add(
            AlertHold(
                organization_id=gauge.operator.id,
                kind="shelf",
                dedup_key="some alarm",
                priority=1,
                since=START,
                until=START + timedelta(minutes=61),
                reason="why not",
            )
        )


def test_an_acknowledgement_lapses_while_it_still_stands(gauge: Gauge) -> None:
    gauge.run((1, 95))
    take_on(gauge, 2)
    assert clock(gauge, 4 * HOUR) == 0
    clock(gauge, 4 * HOUR + 2)
    assert gauge.alert().ack == "unacked"
    assert gauge.told() == [("raised", "cancelled"), ("raised", "queued")]
    assert gauge.events() == ["raised", "acknowledged", "ack_lapsed", "told_again"]


def test_with_an_arrival_time_it_lasts_until_after_that(gauge: Gauge) -> None:
    gauge.run((1, 95))
    take_on(gauge, 2, eta=gauge.at(5 * HOUR))
    assert clock(gauge, 5 * HOUR) == 0
    assert clock(gauge, 5.5 * HOUR) == 2  # asks again, and is told


def test_who_gives_it_back_lets_it_be_told_again(gauge: Gauge) -> None:
    gauge.run((1, 95))
    take_on(gauge, 2)
    person(
        gauge,
        lambda session, alert: lifecycle.unacknowledge(
            session, alert, gauge.operator.manager, "truck broke down", gauge.at(60)
        ),
    )
    clock(gauge, 61)
    assert gauge.told()[-1] == ("raised", "queued")
    assert gauge.alert().ack == "unacked"


def test_a_latched_alarm_stands_until_it_is_reset(database: Database, cast: Cast) -> None:
    gauge = watch(database, cast.bluebonnet, START, latch=True)
    gauge.run((1, 95))
    with pytest.raises(RefusedError, match="still there"):
        person(gauge, lambda s, a: lifecycle.reset(s, a, gauge.operator.manager))
    gauge.run((2, 150))
    take_on(gauge, 3)
    assert (letter(gauge, 4), gauge.alert().closed_at) == ("C", None)
    person(gauge, lambda s, a: lifecycle.reset(s, a, gauge.operator.manager, None, gauge.at(9)))
    assert gauge.alert().closed_at == gauge.at(9)


def test_what_is_out_of_service_records_and_tells_nobody_until_it_is_back(gauge: Gauge) -> None:
    def take_out(session: Session) -> uuid.UUID:
        hold = service.out_of_service(
            session,
            gauge.operator.id,
            {"tag_id": gauge.tag},
            gauge.operator.manager,
            gauge.at(HOUR),
            "transmitter calibration",
            gauge.at(0),
            papers={"permit": "PTW 118"},
        )
        return hold.id

    with tenant_session(gauge.database.engine("app"), gauge.operator.id) as session:
        hold = take_out(session)
    gauge.run((1, 95))
    assert letter(gauge, 2) == "G"
    assert gauge.told() == []
    with tenant_session(gauge.database.engine("app"), gauge.operator.id) as session:
        assert service.in_service(session, hold, gauge.operator.manager, gauge.at(60))
    clock(gauge, 61)
    assert gauge.told() == [("raised", "queued")]


def test_a_pumper_takes_nothing_out_of_service(gauge: Gauge, cast: Cast) -> None:
    with (
        pytest.raises(RefusedError, match="Only a manager"),
        tenant_session(gauge.database.engine("app"), gauge.operator.id) as session,
    ):
        service.out_of_service(
            session,
            gauge.operator.id,
            {"tag_id": gauge.tag},
            cast.bluebonnet.pumper,
            gauge.at(HOUR),
            "because",
            gauge.at(0),
        )


def test_a_critical_episode_known_only_afterwards_asks_to_be_looked_into(
    database: Database, cast: Cast
) -> None:
    gauge = watch(database, cast.bluebonnet, START, CRITICAL)
    gauge.arrive((1, 95), (2, 150))
    gauge.judge(5 * HOUR)
    late = gauge.alert()
    assert (late.origin, late.ack, late.to_review) == ("historical", "none", True)
    assert gauge.told() == []
    assert person(gauge, lambda s, a: lifecycle.review(s, a, gauge.operator.manager, "no spill"))
    assert gauge.alert().reviewed_by == gauge.operator.manager


# ---------------------------------------------------------------------------- every order of acts

ACTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["low", "fine", "dumb", "ack", "unack", "shelve", "unshelve", "out", "clock", "reset"]
        ),
        st.integers(1, 4000),
    ),
    min_size=3,
    max_size=14,
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(acts=ACTS)
def test_whatever_is_done_in_whatever_order(acts: list[tuple[str, int]], gauge: Gauge) -> None:
    forget(gauge)
    second = 0.0
    for act, wait in acts:
        second += wait
        before = {alert.id: alert for alert in gauge.alerts()}
        do(gauge, act, second)
        for alert in gauge.alerts():
            check(gauge, act, before.get(alert.id), alert)
    keys = [alert.dedup_key for alert in gauge.alerts() if alert.closed_at is None]
    assert len(keys) == len(set(keys)), "at most one open alert per key"


def do(gauge: Gauge, act: str, second: float) -> None:
    values = {"low": 95.0, "fine": 150.0, "dumb": None}
    if act in values:
        gauge.run((second, values[act]))
    elif act == "clock":
        clock(gauge, second)
    elif gauge.alerts():
        try:
            _by_person(gauge, act, second)
        except RefusedError:
            return


def _by_person(gauge: Gauge, act: str, second: float) -> None:
    who, now = gauge.operator.manager, gauge.at(second)
    if act == "ack":
        take_on(gauge, second)
    elif act == "unack":
        person(gauge, lambda s, a: lifecycle.unacknowledge(s, a, who, None, now))
    elif act == "shelve":
        shelve(gauge, second, second + 1800)
    elif act == "unshelve":
        person(gauge, lambda s, a: lifecycle.unshelve(s, a, who, None, now))
    elif act == "reset":
        person(gauge, lambda s, a: lifecycle.reset(s, a, who, None, now))
    elif act == "out":
        subject, until = {"tag_id": gauge.tag}, now + timedelta(hours=1)
        person(
            gauge,
            lambda s, _: service.out_of_service(
                s, gauge.operator.id, subject, who, until, "calibration", now
            ),
        )


def check(gauge: Gauge, act: str, before: Alert | None, after: Alert) -> None:
    assert after.raised_at <= after.detected_at
    if after.closed_at is not None:
        assert after.condition == "normal"
    if after.ack == "acked" or after.closed_at is not None:
        assert not waiting_pages(gauge, after.id), "nobody is paged for what is taken up or closed"
    if before is None:
        return
    if act in {"ack", "unack", "shelve", "unshelve", "out", "clock", "reset"}:
        assert after.condition == before.condition
    if act in {"low", "fine", "dumb"}:
        shelf = (before.shelved_until, before.out_of_service_until, before.shelf_reason)
        assert shelf == (after.shelved_until, after.out_of_service_until, after.shelf_reason)


def waiting_pages(gauge: Gauge, alert_id: uuid.UUID) -> int:
    with gauge.database.engine("owner").connect() as connection:
        return int(
            connection.scalar(
                text(
                    "SELECT count(*) FROM notifications WHERE alert_id = :a"
                    " AND kind IN ('raised', 'level') AND state IN ('queued', 'leased')"
                ),
                {"a": alert_id},
            )
        )


def forget(gauge: Gauge) -> None:
    """Begin anew: hypothesis runs several examples on one database."""
    with gauge.database.engine("owner").begin() as connection:
        for table in (
            *("notification_attempts", "notifications", "alert_events", "alert_holds"),
            *("alerts", "alert_checkpoints", "ingest_batches", "readings", "readings_latest"),
            "streams",
        ):
            connection.execute(text(f"TRUNCATE {table} CASCADE"))
    with Session(gauge.database.engine("owner")) as session:
        assert session.scalars(select(Alert)).all() == []
