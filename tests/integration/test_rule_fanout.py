"""A rule of a class, a well or the operator keeps one rule per fitting tag in step with it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from agent.contract.alarm_rules import RuleError
from hub.alerts import fanout, rules
from hub.alerts.fanout import Kept
from hub.alerts.rule_checks import refuse
from hub.database import Actor, tenant_session
from hub.schema import AlertRule
from tests.cast import Cast
from tests.servers.postgres import Database

HIGH = {"levels": {"hi": {"setpoint": 900, "priority": 2, "off_delay_s": 60}}}
NOW = datetime.now(UTC)
PRESSURE = {"measure": "tubing_pressure", "unit": "psi"}


def parent(database: Database, cast: Cast, scope: str = "organization", **more: Any) -> uuid.UUID:
    """A parent rule of Bluebonnet."""
    where = {"well": {"well_id": cast.bluebonnet.wells[0]}} | {
        "equipment_class": {"equipment_class": "pump_jack"}
    }
    fields = PRESSURE | where.get(scope, {}) | {"action": "Call Bob."} | more
    with Session(database.engine("owner")) as session, session.begin():
        made = rules.create(
            session, cast.bluebonnet.id, None, "Tubing high", HIGH, scope=scope, **fields
        )
        return made.id


def children(database: Database, of: uuid.UUID) -> list[AlertRule]:
    """Its children, by tag."""
    listed = select(AlertRule).where(AlertRule.parent_id == of).order_by(AlertRule.tag_id)
    with Session(database.engine("owner")) as session:
        return list(session.scalars(listed))


def change(database: Database, rule: uuid.UUID, **fields: Any) -> None:
    with Session(database.engine("owner")) as session, session.begin():
        rules.change(session, rule, **fields)


def sql(database: Database, statement: str, *values: object) -> None:
    with database.admin() as admin:
        admin.execute(statement, values)


def test_every_fitting_tag_of_this_operator_gets_a_rule_at_once(
    database: Database, cast: Cast
) -> None:
    made = parent(database, cast)
    (child,) = children(database, made)
    assert child.tag_id == cast.bluebonnet.tags[0], "and neither casing nor another operator's"
    assert (child.name, child.params, child.action) == (
        "Tubing high",
        {"levels": {"hi": {**HIGH["levels"]["hi"], "deadband": 0.0, "on_delay_s": 0.0}}},
        "Call Bob.",
    )
    assert (child.scope, child.enabled, child.detached) == ("tag", True, False)


def test_a_class_of_equipment_and_a_well_find_their_tags(database: Database, cast: Cast) -> None:
    by_class, by_well = parent(database, cast, "equipment_class"), parent(database, cast, "well")
    assert [len(children(database, one)) for one in (by_class, by_well)] == [0, 1]
    sql(
        database,
        "UPDATE tags SET equipment_id = %s WHERE id = %s",
        cast.bluebonnet.equipment[0],
        cast.bluebonnet.tags[0],
    )
    assert fanout.keep_all(database.engine("work")) == Kept(1, 0, 0)
    assert len(children(database, by_class)) == 1


def test_a_limit_in_psi_is_not_put_on_a_gauge_in_bar(database: Database, cast: Cast) -> None:
    sql(database, "UPDATE tags SET unit = 'bar' WHERE id = %s", cast.bluebonnet.tags[0])
    made = parent(database, cast)
    assert children(database, made) == []
    with Session(database.engine("owner")) as session:
        assert fanout.other_units(session, made) == {"bar": 1}


def test_children_follow_their_parent_and_alerts_know_the_new_version(
    database: Database, cast: Cast
) -> None:
    made = parent(database, cast)
    other = {"levels": {"hi": {"setpoint": 950, "priority": 1}}}
    change(database, made, params=other, action="Call Alice.")
    (child,) = children(database, made)
    assert child.params["levels"]["hi"]["setpoint"] == 950
    assert (child.action, child.version) == ("Call Alice.", 2)
    change(database, made, cause="A closed valve.")
    (child,) = children(database, made)
    assert (child.cause, child.version) == ("A closed valve.", 2), "words judge nothing anew"
    change(database, made, enabled=False)
    assert [child.enabled for child in children(database, made)] == [False]


def test_a_tag_that_no_longer_fits_switches_its_rule_off_and_back_on(
    database: Database, cast: Cast
) -> None:
    made, work = parent(database, cast), database.engine("work")
    tag = cast.bluebonnet.tags[0]
    sql(database, "UPDATE tags SET measure = 'casing_pressure' WHERE id = %s", tag)
    assert fanout.keep_all(work) == Kept(0, 0, 1)
    assert [child.enabled for child in children(database, made)] == [False]
    sql(database, "UPDATE tags SET measure = 'tubing_pressure' WHERE id = %s", tag)
    assert fanout.keep_all(work) == Kept(0, 1, 0)
    assert [child.enabled for child in children(database, made)] == [True]


def test_what_a_person_changed_is_detached_until_it_may_follow_again(
    database: Database, cast: Cast
) -> None:
    made = parent(database, cast)
    (child,) = children(database, made)
    mine = {"levels": {"hi": {"setpoint": 700, "priority": 2}}}
    change(database, child.id, params=mine)
    change(database, made, params={"levels": {"hi": {"setpoint": 990, "priority": 2}}})
    (child,) = children(database, made)
    assert (child.detached, child.params["levels"]["hi"]["setpoint"]) == (True, 700)
    with Session(database.engine("owner")) as session, session.begin():
        followed = rules.follow_parent(session, child.id)
        assert (followed.detached, followed.params["levels"]["hi"]["setpoint"]) == (False, 990)


def test_every_version_is_kept_and_can_be_restored(database: Database, cast: Cast) -> None:
    person = cast.bluebonnet.manager
    app, actor = database.engine("app"), Actor(user_id=person, role="manager")
    with tenant_session(app, cast.bluebonnet.id, actor) as session:
        made = rules.create(session, cast.bluebonnet.id, cast.bluebonnet.tags[0], "High", HIGH)
        rule = made.id
    for fields in (
        {"action": "Call."},
        {"params": {"levels": {"hi": {"setpoint": 5, "priority": 1}}}},
    ):
        with tenant_session(app, cast.bluebonnet.id, actor) as session:
            rules.change(session, rule, by=person, **fields)
    with tenant_session(app, cast.bluebonnet.id, actor) as session:
        kept = rules.versions(session, rule)
        assert [(v.number, v.version, v.made_by) for v in kept] == [
            (3, 2, person),
            (2, 1, person),
            (1, 1, person),
        ]
        restored = rules.restore(session, rule, 1, by=person)
        assert (restored.params["levels"]["hi"]["setpoint"], restored.action) == (900, "")
        assert restored.version == 3
        assert [v.number for v in rules.versions(session, rule)] == [4, 3, 2, 1]


def test_a_parent_that_could_watch_anything_is_refused_with_every_fault(
    database: Database, cast: Cast
) -> None:
    with pytest.raises(RuleError) as fault:
        parent(database, cast, measure=None, unit=None)
    assert len(fault.value.faults) == 2


def counted(database: Database) -> tuple[Any, ...]:
    """Everything that says something of the children."""
    with Session(database.engine("owner")) as session:
        judged = func.sum(AlertRule.version)
        rows = session.execute(
            select(AlertRule.parent_id, AlertRule.tag_id, AlertRule.enabled, AlertRule.params)
            .where(AlertRule.parent_id.is_not(None))
            .order_by(AlertRule.parent_id, AlertRule.tag_id)
        ).all()
        return session.scalar(select(judged)), *(tuple(row) for row in rows)


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["measure", "unit", "well", "enabled", "setpoint"]), st.integers(0, 2)
    ),
    max_size=8,
)


def test_a_parent_that_cannot_do_its_work_on_a_gauge_is_told_and_on_none_refused(
    database: Database, cast: Cast
) -> None:
    first, second = cast.bluebonnet.tags[:2]
    sql(
        database,
        "UPDATE tags SET measure = 'tubing_pressure', unit = 'psi', low = 0,"
        " high = CASE WHEN id = %s THEN 3000 ELSE 500 END WHERE id = ANY(%s)",
        first,
        [first, second],
    )
    sql(database, "UPDATE tags SET measure = NULL WHERE NOT id = ANY(%s)", [first, second])
    key = parent(database, cast)
    app = database.engine("app")
    with tenant_session(app, cast.bluebonnet.id) as session:
        rule = session.get_one(AlertRule, key)
        [told] = [one for one in refuse(session, rule, HIGH, NOW) if "page nobody" not in one]
        assert "on 1 of its 2 gauges" in told
        assert "hi: 900 lies above what the gauge can show (0 to 500)" in told
        higher = {"levels": {"hi": {"setpoint": 4000, "priority": 2}}}
        with pytest.raises(RuleError, match="So it is on every gauge that it watches"):
            refuse(session, rule, higher, NOW)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(moves=MOVES)
def test_keeping_in_step_twice_is_keeping_in_step_once(
    database: Database, cast: Cast, moves: list[tuple[str, int]]
) -> None:
    """Whatever happened to tags and parents: exactly the fitting tags have a rule that is on."""
    work, tags = database.engine("work"), cast.bluebonnet.tags
    made = parent(database, cast)
    for what, n in moves:
        if what in {"measure", "unit"}:
            value = (("tubing_pressure", "oil_level", "x"), ("psi", "PSI", "bar"))[what == "unit"][
                n
            ]
            sql(database, f"UPDATE tags SET {what} = %s WHERE id = %s", value, tags[0])
        elif what == "well":
            well = cast.bluebonnet.wells[0] if n else None
            sql(database, "UPDATE tags SET well_id = %s WHERE id = %s", well, tags[n])
        elif what == "enabled":
            change(database, made, enabled=bool(n))
        else:
            level = {"setpoint": 900 + n, "priority": 2}
            change(database, made, params={"levels": {"hi": level}})
        fanout.keep_all(work)
    fanout.keep_all(work)
    once = counted(database)
    assert fanout.keep_all(work) == Kept(0, 0, 0)
    assert counted(database) == once
    with Session(database.engine("owner")) as session:
        fitting = session.scalars(
            text(
                "SELECT t.id FROM tags t, alert_rules p WHERE p.id = :p AND p.enabled"
                " AND t.measure = p.measure AND lower(t.unit) = lower(p.unit)"
                " AND t.organization_id = p.organization_id AND t.well_id IS NOT NULL ORDER BY 1"
            ),
            {"p": made},
        ).all()
    on = [child.tag_id for child in children(database, made) if child.enabled]
    assert on == list(fitting)
