"""A rule that follows the season of its gauge: four weeks of hours tell what is usual now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from agent.contract.alarms import Samples, State, evaluate
from hub.alerts import rules, seasons, watches
from hub.database import tenant_session
from hub.schema import Tag
from tests.cast import Cast, Operator
from tests.servers.postgres import Database

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
PARAMS: dict[str, Any] = {
    "from": "season",
    "floor": 1,
    "levels": {"hi": {"setpoint": 6, "priority": 4, "on_delay_s": 0}},
}


def warm_afternoons(database: Database, operator: Operator) -> None:
    """Four weeks of a temperature: 60 at night, 90 from 18 to 22 UTC, 10 less at weekends."""
    with database.engine("owner").begin() as owner:
        owner.execute(
            text(
                """
                INSERT INTO rolled_hours (bucket, organization_id, tag_id, n, n_good, total)
                SELECT t, :org, :tag, 60, 60, 60 * (
                    CASE WHEN extract(hour FROM t AT TIME ZONE 'UTC') BETWEEN 18 AND 22
                         THEN 90 ELSE 60 END
                    - CASE WHEN extract(isodow FROM t AT TIME ZONE 'UTC') >= 6 THEN 10 ELSE 0 END
                    + extract(day FROM t)::integer % 3)
                FROM generate_series(CAST(:since AS timestamptz), :until, interval '1 hour') t
                """
            ),
            {
                "org": operator.id,
                "tag": operator.tags[0],
                "since": TODAY - timedelta(days=40),
                "until": TODAY + timedelta(hours=1),
            },
        )
        owner.execute(text("UPDATE readings_state SET rolled_to = :t"), {"t": TODAY})


def test_what_is_usual_at_noon_is_unusual_at_night(database: Database, cast: Cast) -> None:
    own = cast.bluebonnet
    warm_afternoons(database, own)
    with Session(database.engine("owner")) as session, session.begin():
        made = rules.create(
            session, own.id, own.tags[0], "Far from usual", PARAMS, kind="deviation"
        )
        assert "figures" not in made.params, "they follow the gauge and are not kept"
    with Session(database.engine("work")) as session:
        (watch,) = watches.of_agent(session, own.agents[0]).watches
    monday = TODAY - timedelta(days=TODAY.weekday())

    def raised(day: int, hour: int, value: float) -> bool:
        at = round((monday + timedelta(days=day, hours=hour)).timestamp() * 1000)
        _, changes = evaluate(watch.rule, State(), Samples([at, at + 60_000], [value] * 2, [0, 0]))
        return any(change.kind == "raised" for change in changes)

    assert not raised(1, 20, 91)
    assert raised(1, 3, 91)
    assert not raised(1, 3, 61)
    assert raised(5, 3, 61), "a Saturday is ten cooler"
    assert len(watch.rule.written_out()["figures"]) == 48, "a site gets them in numbers"


def test_the_console_sees_the_same_figures_and_none_of_another_operator(
    database: Database, cast: Cast
) -> None:
    own, other = cast.bluebonnet, cast.cimarron
    warm_afternoons(database, own)
    with tenant_session(database.engine("app"), own.id) as session:
        tag = session.get_one(Tag, own.tags[0])
        found = watches.tried(session, tag, "deviation", PARAMS)
        assert found.rule.written_out()["figures"][20][0] == 91
    with tenant_session(database.engine("app"), other.id) as session:
        assert seasons.figures(session, own.tags[0], TODAY) == [None] * 48


def test_an_hour_seen_too_seldom_judges_nothing() -> None:
    told = seasons.usual([(False, 7, 60.0)] * 4 + [(False, 8, 60.0)] * 4 + [(False, 8, 70.0)])
    assert told[7] is None
    assert told[8] == [60.0, 0.0]
