"""Every kind of rule through the database: late, shuffled, restarted, beside each other."""

from __future__ import annotations

import math
import random
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from agent.contract.alarms import Rows, Samples, State, evaluate, merge
from hub.alerts import engine, rules, watches
from hub.alerts.backtest import Stretch, backtest
from hub.alerts.episodes import fold
from hub.alerts.instants import to_instant, to_ms
from hub.database import tenant_session
from hub.schema import Alert, AlertRule, Tag
from tests.alerting import Gauge, rule_of, touch, watch
from tests.cast import Cast
from tests.servers.postgres import Database
from tests.telemetry import Point, store

START = datetime(2024, 6, 1, 11, 50, tzinfo=UTC)
ALARM = {"alarm": {"priority": 3, "on_delay_s": 20, "off_delay_s": 60}}
SIDES = {
    "lo": {"setpoint": -4, "priority": 3, "off_delay_s": 60},
    "hi": {"setpoint": 4, "priority": 2, "on_delay_s": 20},
}
KINDS: list[tuple[str, dict[str, Any]]] = [
    ("limit", {"levels": {"lo": {"setpoint": 95, "priority": 2, "off_delay_s": 60}}}),
    ("limit", {"levels": {"hi": {"setpoint": 102, "priority": 2}}, "most_per_hour": 2}),
    ("rate", {"window_s": 300, "per": "min", "levels": SIDES}),
    ("flatline", {"levels": {"alarm": {"setpoint": 3, "priority": 4}}}),
    ("bad_value", {"stuck_at": [0], "levels": ALARM}),
    ("digital", {"states": [100], "levels": ALARM}),
    ("deviation", {"window_s": 600, "floor": 0.5, "levels": SIDES}),
    ("deviation", {"from": "cusum", "window_s": 600, "floor": 1, "levels": SIDES}),
]
Reading = tuple[int, float, float | None]  #: which tag, second, value


def add(gauge: Gauge, kind: str, params: dict[str, Any], **fields: Any) -> uuid.UUID:
    """One more rule on the gauge's tag."""
    with Session(gauge.database.engine("owner")) as session, session.begin():
        made = rules.create(
            session, gauge.operator.id, gauge.tag, kind, params, kind=kind, **fields
        ).id
    touch(gauge.database, made, START)
    return made


def name_of(database: Database, tag: int) -> str:
    with Session(database.engine("owner")) as session:
        return session.get_one(Tag, tag).name


def arrive(gauge: Gauge, readings: list[Reading]) -> None:
    points = [
        Point(gauge.operator.tags[n], gauge.at(s), v, 16 if v is None else 0)
        for n, s, v in readings
    ]
    store(gauge.database, gauge.operator, points)


def restless(seed: int) -> list[Reading]:
    """Two hours of one gauge that does everything, and of a second beside it."""
    chance = random.Random(seed)
    found: list[Reading] = []
    value = 100.0
    for step in range(720):
        at = step * 10.0
        part = step // 60 % 6
        value = {
            0: 100 + chance.gauss(0, 0.4),
            1: 100 + 6 * math.sin(step / 4),
            2: value,
            3: value + chance.choice([-1.5, 0.5]),
            4: 0.0,
            5: 90 + chance.gauss(0, 1),
        }[part]
        value = round(value, 1)
        found.append((0, at, None if chance.random() < 0.02 else value))
        if step % 3 == 0:
            found.append((1, at + 0.5, float(chance.random() < 0.7)))
    return found


def truth(gauge: Gauge, readings: list[Reading]) -> dict[uuid.UUID, list[tuple[object, ...]]]:
    """What the evaluator finds in all readings in order, by rule."""
    with Session(gauge.database.engine("work")) as session:
        found = watches.of_agent(session, gauge.operator.agents[0])
    assert found.faults == {}
    begin = State(at=to_ms(START))
    episodes: dict[uuid.UUID, list[tuple[object, ...]]] = {}
    for watched in found.watches:
        parts = [_samples(gauge, readings, tag) for tag in watched.tags]
        taken: Samples | Rows = merge(parts) if watched.operands else parts[0]
        end, changes = evaluate(watched.rule, begin, taken)
        episodes[watched.id] = [
            (to_instant(e.raised_at), e.cleared_at and to_instant(e.cleared_at), e.extreme)
            for e in fold(begin, changes, end)
        ]
    return episodes


def _samples(gauge: Gauge, readings: list[Reading], tag: int) -> Samples:
    own = sorted((s, v) for n, s, v in readings if gauge.operator.tags[n] == tag and s > 0)
    times = [to_ms(gauge.at(s)) for s, _ in own]
    return Samples(times, [v for _, v in own], [16 if v is None else 0 for _, v in own])


def found(gauge: Gauge) -> dict[uuid.UUID, list[tuple[object, ...]]]:
    by_rule: dict[uuid.UUID, list[tuple[object, ...]]] = {}
    for alert in gauge.alerts():
        if alert.retracted_at is None:
            row = (alert.raised_at, alert.cleared_at, alert.extreme)
            by_rule.setdefault(alert.rule_id, []).append(row)
    return by_rule


def replayed(gauge: Gauge) -> dict[uuid.UUID, int]:
    """How many alarms a backtest over the same readings finds, by rule."""
    counts: dict[uuid.UUID, int] = {}
    with tenant_session(gauge.database.engine("app"), gauge.operator.id) as session:
        tag = session.get_one(Tag, gauge.tag)
        for rule in session.scalars(select(AlertRule)):
            found = watches.tried(session, tag, rule.kind, rules.judged_params(rule))
            span = Stretch(
                *(tag.id, to_ms(START), to_ms(gauge.at(7300)), tag.interval_ms, UTC),
                tags=found.tags if found.rule.tags else (),
            )
            counts[rule.id] = backtest(session, found.rule, span).alarms
    return counts


@pytest.mark.parametrize("seed", [1, 2])
def test_shuffled_arrival_gives_the_same_episodes_for_every_kind(
    database: Database, cast: Cast, seed: int
) -> None:
    kind, params = KINDS[0]
    gauge = watch(database, cast.bluebonnet, START, params)
    for kind, params in KINDS[1:]:
        add(gauge, kind, params)
    names = [name_of(database, tag) for tag in gauge.operator.tags[:2]]
    condition = f'"{names[0]}" < 97 and "{names[1]}" = 1'
    add(gauge, "expression", {"condition": condition, "levels": ALARM})
    readings = restless(seed)
    messages = [readings[n : n + 100] for n in range(0, len(readings), 100)]
    random.Random(seed).shuffle(messages)
    for number, message in enumerate(messages):
        arrive(gauge, message)
        gauge.judge(7200 + number / 100)
    expected = truth(gauge, readings)
    assert found(gauge) == {rule: told for rule, told in expected.items() if told}
    assert sum(1 for told in expected.values() if told) >= 8
    assert gauge.unjudged() == 0
    assert replayed(gauge) == {rule: len(told) for rule, told in expected.items()}
    with gauge.database.admin() as admin:
        size = admin.execute("SELECT max(length(state::text)) FROM alert_checkpoints").fetchone()
        faults = admin.execute("SELECT fault FROM alert_rules WHERE fault IS NOT NULL").fetchall()
    assert faults == []
    assert size is not None
    assert size[0] < 6000


def test_a_dead_gauge_is_told_as_dead_and_never_as_low(database: Database, cast: Cast) -> None:
    gauge = watch(database, cast.bluebonnet, START)  # low at 100
    dead = add(gauge, "bad_value", {"stuck_at": [0], "levels": ALARM})
    gauge.run(*[(n * 10, 150.0) for n in range(1, 4)], *[(n * 10, 0.0) for n in range(4, 12)])
    alert = gauge.alert()
    assert (alert.rule_id, alert.kind, alert.level, alert.setpoint) == (
        dead,
        "bad_value",
        "alarm",
        None,
    )
    assert alert.message.endswith("reads exactly 0, as a dead input does")


def test_an_alert_of_a_rate_says_how_fast(database: Database, cast: Cast) -> None:
    params = {"window_s": 300, "levels": {"lo": {"setpoint": -60, "priority": 2}}}
    gauge = watch(database, cast.bluebonnet, START, params, kind="rate")
    gauge.arrive(*[(n * 10, 200.0 - n / 4) for n in range(1, 60)])
    gauge.judge(600)
    alert = gauge.alert()
    assert (alert.kind, alert.setpoint, alert.value) == ("rate", -60, pytest.approx(-90))
    assert alert.message.endswith("falling 90 psi/h, limit 60")
    assert [row.kind for row in gauge.notifications()][:1] == ["raised"]


def test_advice_is_shown_and_calls_nobody(database: Database, cast: Cast) -> None:
    gauge = watch(database, cast.bluebonnet, START, advisory=True)
    gauge.run((1, 150), (2, 90), (3, 150))
    alert = gauge.alert()
    assert (alert.ack, alert.closed_at is not None) == ("none", True)
    assert gauge.notifications() == []


def test_a_fleeting_gas_alarm_is_raised_and_latched(database: Database, cast: Cast) -> None:
    params = {"levels": {"hi": {"setpoint": 10, "priority": 1, "on_delay_s": 30}}}
    gauge = watch(database, cast.bluebonnet, START, params, latch=True, capture_fleeting=True)
    gauge.run((1, 0), (2, 12), (3, 14), (4, 2), (5, 1))
    alert = gauge.alert()
    assert (alert.latched, alert.extreme, alert.cleared_at) == (True, 14, gauge.at(4))
    assert alert.closed_at is None


def test_a_condition_that_names_no_gauge_of_the_agent_is_set_aside(
    database: Database, cast: Cast
) -> None:
    params = {"condition": "nowhere > 3", "levels": ALARM}
    gauge = watch(database, cast.bluebonnet, START, params, kind="expression")
    gauge.run((1, 150))
    assert (rule_of(gauge).fault or "").startswith("The condition names nowhere, which is no gauge")


def test_a_setpoint_follows_the_height_of_the_tank(database: Database, cast: Cast) -> None:
    level = {"setpoint": {"of": "tank_height", "plus": -1}, "priority": 1}
    gauge = watch(database, cast.bluebonnet, START, {"levels": {"hi": level}})
    equipment = uuid.uuid4()
    with database.engine("owner").begin() as owner:
        owner.execute(
            text(
                "INSERT INTO equipment (id, organization_id, name, kind)"
                " VALUES (:e, :o, 'T', 'tank_oil')"
            ),
            {"e": equipment, "o": gauge.operator.id},
        )
        owner.execute(
            text("UPDATE tags SET unit = 'ft', equipment_id = :e WHERE id = :t"),
            {"e": equipment, "t": gauge.tag},
        )
    gauge.run((1, 18.5))
    assert "tank height, which is not known here" in (rule_of(gauge).fault or "")
    with database.engine("owner").begin() as owner:
        owner.execute(
            text(
                "INSERT INTO tanks (organization_id, name, contents, equipment_id, capacity_bbl,"
                " height_in, lease_id) SELECT :o, 'T', 'oil', :e, 400, 240, id FROM leases"
                " WHERE organization_id = :o LIMIT 1"
            ),
            {"e": equipment, "o": gauge.operator.id},
        )
        owner.execute(text("UPDATE alert_rules SET faulted_at = NULL, fault = NULL"))
    gauge.run((2, 18.5), (3, 19.5))
    assert (gauge.alert().setpoint, rule_of(gauge).fault) == (19, None)


def test_a_restart_takes_up_a_window_where_it_was(database: Database, cast: Cast) -> None:
    params = {"levels": {"alarm": {"setpoint": 5, "priority": 4}}}
    gauge = watch(database, cast.bluebonnet, START, params, kind="flatline")
    for n in range(1, 40):
        gauge.arrive((n * 10, 120.0))
        assert engine.judge_pending(database.engine("work"), gauge.at(n * 10 + 1)) == 1
    assert gauge.alert().raised_at == gauge.at(310)
    with Session(database.engine("owner")) as session:
        kinds = session.scalars(select(Alert.kind).join(AlertRule, AlertRule.id == Alert.rule_id))
        assert set(kinds) == {"flatline"}
