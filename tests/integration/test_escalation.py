"""Who is told of an alert, when, in which order: steps are rows that are due, for any worker."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import time, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.notify import coverage, digests, escalation, people, reach, rosters, routing, runs
from hub.notify.keeping import Scope
from hub.notify.policies import Step, Target
from hub.notify.wallclock import Window
from tests.cast import Cast
from tests.oncall import MINUTE, NOON, Office, office, to
from tests.servers.postgres import Database


@pytest.fixture
def house(database: Database, cast: Cast) -> Office:
    return office(database, cast)


def test_without_a_policy_whoever_has_a_channel_for_it_is_told_and_reminded(house: Office) -> None:
    house.channel(house.alice, worst=1)
    house.channel(None, "webhook")
    alert = house.alert(2)
    house.take(14)
    house.take(15)
    assert house.told() == [(0, "Bob", "email"), (0, "shared", "webhook"), (15, "Bob", "email")]
    house.acknowledge(alert, 16)
    house.take(300)
    assert len(house.told()) == 3


def test_steps_are_taken_when_they_are_due_and_not_after_somebody_took_it_on(
    house: Office,
) -> None:
    for user, kind in ((house.bob, "sms"), (house.alice, "voice")):
        house.channel(user, kind)
    house.policy(
        to(house.bob, "email"), to(house.bob, "sms", 10), to(house.alice, "voice"), rounds=1
    )
    alert = house.alert(1)
    assert house.told() == [(0, "Bob", "email")]
    for minute in (4, 5, 14, 15):
        house.take(minute)
    expected = [(0, "Bob", "email"), (5, "Bob", "sms"), (15, "Alice", "voice")]
    assert house.told() == expected
    house.acknowledge(alert, 16)
    house.take(600)
    assert house.told() == expected
    (run,) = house.rows("SELECT due_at, end_reason FROM escalation_runs")
    assert run == (None, "stopped")


def test_a_worse_level_begins_anew_at_what_holds_for_it(house: Office) -> None:
    house.channel(house.alice, "voice")
    house.policy(to(house.bob, minutes=60), priorities=[3])
    house.policy(to(house.alice, "voice"), priorities=[1])
    alert = house.alert(3)
    with Session(house.database.engine("work")) as session, session.begin():
        at = NOON + MINUTE
        routing.page(session, house.notice(alert, 1, at, "level"), at)
    assert house.told() == [(0, "Bob", "email"), (1, "Alice", "voice")]
    house.take(6.5)
    assert house.told()[2:] == [(6.5, "Alice", "voice")]


def test_many_workers_take_each_step_once(house: Office) -> None:
    house.policy(to(house.bob), rounds=5)
    for number in range(8):
        house.alert(2, number=number)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: house.take(5), range(4)))
    told = sum(1 for minute, *_ in house.told() if minute == 5)
    assert 2 <= told <= 2 + 3, "10 in 10 minutes, and one more for each that runs beside"
    assert house.rows("SELECT count(*) FROM pages WHERE at > :noon", noon=NOON)[0][0] == 8


def test_a_step_whose_alert_is_being_acknowledged_is_passed_over(house: Office) -> None:
    house.policy(to(house.bob))
    alert = house.alert(2)
    with house.owner() as session, session.begin():
        session.execute(text("SELECT FROM alerts WHERE id = :id FOR UPDATE"), {"id": alert})
        assert house.take(5) == 0  # it does not wait
    assert house.take(5) == 1


def test_a_step_that_fails_holds_up_no_other(
    house: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.policy(to(house.bob))
    first, second = house.alert(1), house.alert(2)
    whole = escalation.telling.step

    def fail(session: Session, notice: object, *rest: object, **more: object) -> int:
        if notice.alert_id == first:  # type: ignore[attr-defined]
            raise ValueError("a step that cannot be taken")
        return whole(session, notice, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(escalation.telling, "step", fail)
    house.take(5)
    due = dict(house.rows("SELECT alert_id, due_at FROM escalation_runs"))
    assert due[first] == NOON + 6 * MINUTE
    assert due[second] == NOON + 10 * MINUTE


def test_the_owner_is_told_of_a_step_that_is_overdue(house: Office) -> None:
    house.channel(house.alice)
    house.policy(to(house.bob))
    house.alert(3)
    engine = house.database.engine("work")
    assert escalation.overdue(engine, NOON + 6 * MINUTE) == 0
    assert escalation.overdue(engine, NOON + 6.1 * MINUTE) == 1
    assert escalation.overdue(engine, NOON + 7 * MINUTE) == 0, "told once"
    assert house.told()[-1] == (6.1, "Alice", "email")
    with Session(engine) as session:
        found = reach.shortcomings(session, house.organization, NOON + 7 * MINUTE)
    assert [item.key for item in found] == ["overdue"]


def test_whoever_is_on_call_is_told_and_the_owner_where_nobody_is(house: Office) -> None:
    house.channel(house.alice)
    house.channel(house.carl)
    field = house.rotation(house.bob, house.carl)
    house.policy(Step((Target("rotation", field),), wait=timedelta(days=1)))
    house.alert(2)
    house.alert(2, NOON + timedelta(days=1))
    assert [name for _, name, _ in house.told()] == ["Bob", "Carl"]
    house.rows("UPDATE rotation_layers SET ends_on = '2026-06-05' RETURNING 1")
    house.alert(2, NOON + timedelta(days=5))
    assert house.told()[-1][1] == "Alice"


def test_one_who_cannot_be_reached_takes_nobody_else_down(house: Office) -> None:
    house.policy(Step((Target("user", house.carl), Target("user", house.bob))))
    house.alert(2)
    assert house.told() == [(0, "Bob", "email")]
    noted = house.rows("SELECT manner, reason FROM pages ORDER BY manner")
    assert noted == [("nobody", "has no channel"), ("told", "")]


def test_who_is_away_is_stood_in_for(house: Office) -> None:
    house.channel(house.carl)
    house.prefer(
        house.bob,
        away_from=NOON - MINUTE,
        away_until=NOON + 10 * MINUTE,
        delegate_id=house.carl,
    )
    house.policy(to(house.bob, minutes=20))
    house.alert(1)
    house.take(20)
    assert [name for _, name, _ in house.told()] == ["Carl", "Bob"]


def test_text_messages_over_the_days_number_go_by_the_next_channel(house: Office) -> None:
    house.channel(house.bob, "sms")
    house.prefer(house.bob, most_sms_a_day=1, channels={"2": ["sms", "email"]})
    house.policy(to(house.bob))
    house.alert(2)
    house.alert(2, NOON + MINUTE)
    house.alert(2, NOON + timedelta(days=1))
    assert [kind for *_, kind in house.told()] == ["sms", "email", "sms"]


def test_what_came_in_quiet_hours_is_told_at_their_end_and_critical_at_once(
    house: Office,
) -> None:
    house.prefer(house.bob, quiet_from=time(11), quiet_to=time(13), digest_at=time(7))
    house.policy(to(house.bob, minutes=600))
    slight, worse = house.alert(3), house.alert(1)
    assert len(house.told()) == 1
    house.acknowledge(worse, 1)
    engine = house.database.engine("work")
    digests.send_due(engine, NOON + 59 * MINUTE)
    digests.send_due(engine, NOON + 60 * MINUTE)
    digests.send_due(engine, NOON + 61 * MINUTE)
    told = house.rows("SELECT kind, subject, body FROM notifications WHERE kind = 'digest'")
    assert len(told) == 1
    assert "Tubing pressure low 0" in str(told[0].body)
    house.acknowledge(slight, 62)


def test_what_was_learned_late_is_in_the_mornings_digest(house: Office) -> None:
    house.prefer(house.bob, digest_at=time(12, 30))
    alert = house.alert(3)
    house.acknowledge(alert, 1)
    house.rows("UPDATE alerts SET origin = 'historical' RETURNING 1")
    engine = house.database.engine("work")
    digests.send_due(engine, NOON)
    digests.send_due(engine, NOON + 31 * MINUTE)
    (told,) = house.rows("SELECT body FROM notifications WHERE kind = 'digest'")
    assert "Learned late" in str(told.body)


def test_what_comes_within_seconds_is_told_together(house: Office) -> None:
    house.policy(to(house.bob), bundle=timedelta(seconds=30))
    house.alert(2, number=1)
    house.alert(3, NOON + timedelta(seconds=20), number=2)
    house.alert(1, NOON + timedelta(seconds=21), number=3)
    assert len(house.told()) == 1, "what is critical waits for nothing"
    house.turn(0.4)
    house.turn(0.51)
    (told,) = house.rows("SELECT body FROM notifications WHERE kind = 'bundle'")
    assert all(f"low {number}" in str(told.body) for number in (1, 2))


def test_a_night_step_waits_for_the_night_with_an_instant(house: Office) -> None:
    night = Window(time(22), time(6))
    house.policy(to(house.bob, window=night), rounds=1)
    house.alert(3)
    assert house.told() == []
    (run,) = house.rows("SELECT due_at FROM escalation_runs")
    assert run.due_at == NOON + timedelta(hours=10)
    house.take(600)
    assert house.told() == [(600, "Bob", "email")]


# ---------------------------------------------------------------------------- before it is needed


def test_the_coming_messages_are_told_beforehand(house: Office) -> None:
    house.channel(house.bob, "sms")
    house.channel(house.alice, "voice")
    house.policy(to(house.bob, "email"), to(house.bob, "sms", 10), to(house.alice, "voice"))
    with Session(house.database.engine("work")) as session:
        told = coverage.told(session, house.organization, 1, now=NOON)
    assert [(item.after / MINUTE, item.sentence) for item in told[:3]] == [
        (0, "mail to Bob"),
        (5, "SMS to Bob"),
        (15, "call to Alice"),
    ]


def around(house: Office) -> list[tuple[str, dict[str, uuid.UUID]]]:
    """Everywhere, lease, well, what the equipment is part of, equipment, parent rule, rule."""
    own = house.cast.bluebonnet
    skid, pump = (
        house.rows(
            "INSERT INTO equipment (organization_id, name, kind)"
            " VALUES (:o, :n, 'pump_jack') RETURNING id",
            o=own.id,
            n=name,
        )[0].id
        for name in ("Skid", "Pump")
    )
    house.rows("UPDATE equipment SET parent_id = :p WHERE id = :e RETURNING 1", p=skid, e=pump)
    house.rows("UPDATE tags SET equipment_id = :e WHERE id = :t RETURNING 1", e=pump, t=own.tags[0])
    (parent,) = house.rows(
        "INSERT INTO alert_rules (organization_id, name, kind, params, scope, measure, unit)"
        " VALUES (:o, 'All', 'limit', '{}', 'organization', 'x', 'psi') RETURNING id",
        o=own.id,
    )
    rule = house.gauge.rule
    house.rows(
        "UPDATE alert_rules SET parent_id = :p WHERE id = :r RETURNING 1", p=parent.id, r=rule
    )
    return [
        ("everywhere", {}),
        ("lease", {"lease_id": own.lease}),
        ("well", {"well_id": own.wells[0]}),
        ("skid", {"equipment_id": skid}),
        ("pump", {"equipment_id": pump}),
        ("parent", {"rule_id": parent.id}),
        ("rule", {"rule_id": rule}),
    ]


def test_the_narrowest_policy_is_followed_and_of_two_the_older(house: Office) -> None:
    own, places, followed = house.cast.bluebonnet, around(house), []
    for number, (name, place) in enumerate(places):
        house.policy(to(house.bob), name=name, place=place)
        house.policy(to(house.bob), name=f"{name}, younger", place=place)
        alert = house.alert(2, NOON + number * MINUTE, number)
        (run,) = house.rows(
            "SELECT v.snapshot->>'name' AS name FROM escalation_runs r"
            " JOIN policy_versions v ON v.id = r.policy_version_id WHERE r.alert_id = :a",
            a=alert,
        )
        followed.append(run.name)
    assert followed == [name for name, _ in places]
    with Session(house.database.engine("work")) as session:
        chosen = runs.choose_for(session, own.id, 2, runs.About(own.wells[1], None, None))
        assert chosen.policy.name in {"lease", "everywhere"}
        place = Scope((2,), rule_id=house.gauge.rule)
        remarks = coverage.lint_place(session, own.id, place, (2, 3), None)
    assert [remark.blocks for remark in remarks] == [False, False]
    assert "“rule” is for the same alerts of priority 2, 3" in remarks[0].sentence
    assert "so “rule” is followed" in remarks[0].sentence


def test_what_is_wrong_with_a_policy_is_said(house: Office) -> None:
    field = house.rotation(house.bob)
    house.rows("UPDATE rotation_layers SET ends_on = '2026-06-10' RETURNING 1")
    policy = runs.Policy(
        "odd",
        (
            to(house.carl, minutes=20),
            to(house.bob, worst_only=1),
            Step((Target("rotation", field),)),
            Step(()),
        ),
    )
    with Session(house.database.engine("work")) as session:
        crew = people.crew(session, house.organization)
        remarks = coverage.lint_policy(session, crew, policy, [2, 3], NOON)
    said = " ".join(remark.sentence for remark in remarks if remark.blocks)
    assert "Step 2 is never reached" in said
    assert "Carl has no channel" in said
    assert "No channel of Bob is proven" in said
    assert "nobody is on call at times in Field" in said
    assert "Step 4 names nobody" in said


def test_the_next_one_on_call_is_told_with_what_the_one_before_says(house: Office) -> None:
    house.channel(house.carl)
    house.channel(house.alice)
    field = house.rotation(house.bob, house.carl)
    house.rows(
        "INSERT INTO rotation_handoffs (organization_id, rotation_id, at, note)"
        " VALUES (:o, :r, '2026-06-04 12:00+00', 'the separator gauge sticks') RETURNING 1",
        o=house.organization,
        r=field,
    )
    engine = house.database.engine("work")
    morning = NOON + timedelta(hours=19)
    rosters.watch(engine, morning)
    rosters.watch(engine, morning + MINUTE)
    (told,) = house.rows("SELECT body FROM notifications WHERE kind = 'handoff'")
    assert "the separator gauge sticks" in str(told.body)
    house.rows("UPDATE rotation_layers SET ends_on = '2026-06-05' RETURNING 1")
    rosters.watch(engine, morning + 2 * MINUTE)
    rosters.watch(engine, morning + 3 * MINUTE)
    gaps = house.rows("SELECT body FROM notifications WHERE kind = 'gap'")
    assert len(gaps) == 1
    assert "Nobody is on call for Field" in str(gaps[0].body)


def test_whoever_is_counted_on_is_asked_weekly_and_named_if_they_do_not_answer(
    house: Office,
) -> None:
    house.channel(house.alice)
    house.policy(to(house.bob))
    engine = house.database.engine("work")
    assert reach.watch(engine, NOON) == 1
    assert reach.watch(engine, NOON + timedelta(hours=23)) == 0
    assert house.told() == [(0, "Bob", "email")]
    assert reach.watch(engine, NOON + timedelta(hours=25)) == 0
    assert house.told()[-1][1:] == ("Alice", "email")
    with Session(engine) as session:
        found = reach.shortcomings(session, house.organization, NOON + timedelta(hours=26))
    assert [item.sentence for item in found] == [
        "Bob did not answer the question of Wed 03 Jun whether they can be reached."
    ]
    later = NOON + timedelta(days=8)
    house.rows("UPDATE contact_channels SET proven_at = :at RETURNING 1", at=later)
    reach.watch(engine, later)
    with Session(engine) as session:
        assert reach.shortcomings(session, house.organization, later) == []
