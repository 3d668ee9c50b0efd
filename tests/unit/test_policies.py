"""Which step of a policy is next, and when; how a person is reached."""

from __future__ import annotations

import itertools
import uuid
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.notify.policies import (
    BUILT_IN,
    Place,
    Policy,
    Step,
    Target,
    first,
    following,
    from_json,
    timeline,
    to_json,
)
from hub.notify.preferences import Away, Person, Reach, faults, pick, stand_in, when
from hub.notify.wallclock import Window, zone_of

ZONE = zone_of("America/Chicago")
NIGHT = Window(time(22), time(6))
NOON = datetime(2026, 6, 3, 17, tzinfo=UTC)
SAM, ANA, LUZ = (uuid.UUID(int=number) for number in (1, 2, 3))
MINUTE = timedelta(minutes=1)


def target(user: uuid.UUID) -> tuple[Target, ...]:
    return (Target("user", user),)


CHAIN = Policy(
    "day and night",
    (
        Step(target(SAM), "push", 5 * MINUTE),
        Step(target(SAM), "sms", 10 * MINUTE, times=2),
        Step(target(ANA), "voice", 15 * MINUTE, window=NIGHT),
        Step(target(LUZ), "voice", 15 * MINUTE, worst_only=1),
    ),
    rounds=2,
)


def minutes(policy: Policy, priority: int, start: datetime, most: int) -> list[tuple[int, int]]:
    return [
        (int((due.at - start).total_seconds() // 60), due.place.step)
        for due in timeline(policy, priority, start, ZONE, most)
    ]


def test_by_day_a_step_for_the_night_is_passed_over() -> None:
    told = minutes(CHAIN, 1, NOON, 6)
    assert told == [(0, 0), (5, 1), (15, 1), (25, 3), (40, 0), (45, 1)]


def test_by_night_it_is_taken() -> None:
    midnight = NOON + timedelta(hours=12)
    assert minutes(CHAIN, 1, midnight, 5) == [(0, 0), (5, 1), (15, 1), (25, 2), (40, 3)]


def test_a_step_for_worse_alerts_is_left_out() -> None:
    assert 3 not in [step for _, step in minutes(CHAIN, 2, NOON, 20) if step < len(CHAIN.steps)]


def test_after_the_last_round_critical_alerts_are_reminded_of_for_ever() -> None:
    told = [item for item in minutes(CHAIN, 1, NOON, 40) if item[1] == len(CHAIN.steps)]
    assert len(told) > 20
    gaps = {after[0] - before[0] for before, after in itertools.pairwise(told)}
    assert gaps == {15}


def test_advice_ends_after_its_rounds_and_what_waited_for_its_hours() -> None:
    assert minutes(CHAIN, 4, NOON, 100) == [
        *((0, 0), (5, 1), (15, 1), (25, 0), (30, 1), (40, 1)),
        (600, 2),  # 22:00
    ]


def test_what_waits_for_the_night_is_due_when_the_night_begins() -> None:
    policy = Policy("night", (Step(target(ANA), window=NIGHT),), rounds=1)
    due = first(policy, 3, NOON, ZONE)
    assert due is not None
    assert due.at == datetime(2026, 6, 4, 3, tzinfo=UTC)  # 22:00 in Chicago


def test_what_cannot_wait_for_the_night_goes_to_everybody_at_once() -> None:
    policy = Policy("night", (Step(target(ANA), window=NIGHT),), rounds=1)
    due = first(policy, 1, NOON, ZONE)
    assert due is not None
    assert (due.at, due.place.step) == (NOON, len(policy.steps))


def test_a_step_only_for_what_still_stands_is_left_out_once_it_cleared() -> None:
    policy = Policy("x", (Step(target(SAM)), Step(target(ANA), still_active=True)), rounds=1)
    assert following(policy, Place(), 2, NOON, ZONE, active=False) is None
    due = following(policy, Place(), 2, NOON, ZONE, active=True)
    assert due is not None
    assert due.place == Place(0, 1)


def test_the_built_in_policy_reminds_of_what_is_critical_and_of_nothing_slight() -> None:
    assert minutes(BUILT_IN, 1, NOON, 4) == [(0, 0), (15, 1), (30, 1), (45, 1)]
    assert len(minutes(BUILT_IN, 3, NOON, 4)) == 1


steps = st.builds(
    Step,
    targets=st.just(target(SAM)),
    channel_class=st.sampled_from(["own", "all", "sms"]),
    wait=st.integers(30, 7200).map(lambda seconds: timedelta(seconds=seconds)),
    times=st.integers(1, 3),
    window=st.none() | st.just(NIGHT) | st.just(Window(time(6), time(18), frozenset({1, 2}))),
    worst_only=st.integers(1, 4),
    still_active=st.booleans(),
)
chains = st.builds(
    Policy,
    name=st.just("any"),
    steps=st.lists(steps, min_size=1, max_size=5).map(tuple),
    rounds=st.integers(1, 4),
    remind_every=st.none() | st.just(timedelta(minutes=7)),
)


@settings(deadline=None, max_examples=60)
@given(chains, st.integers(1, 4), st.integers(0, 7 * 24))
def test_a_chain_always_has_its_next_instant_and_comes_to_its_end(
    policy: Policy, priority: int, hours: int
) -> None:
    start = NOON + timedelta(hours=hours)
    told = list(timeline(policy, priority, start, ZONE, 400))
    for before, after in itertools.pairwise(told):
        assert before.at < after.at
        assert (before.place.round, before.place.step) <= (after.place.round, after.place.step)
    regular = [due for due in told if due.place.step < len(policy.steps)]
    assert len(regular) <= policy.rounds * sum(step.times for step in policy.steps)
    for due in regular:
        step = policy.steps[due.place.step]
        assert priority <= step.worst_only
        assert step.window is None or step.window.holds(due.at, ZONE)
    if policy.reminds(priority):
        assert told[-1].place.step == len(policy.steps)


@settings(deadline=None, max_examples=60)
@given(chains)
def test_a_policy_is_kept_as_it_is(policy: Policy) -> None:
    assert from_json(to_json(policy)) == policy


# ------------------------------------------------------------------------------------- people

PUSH, TEXT, CALL, MAIL = (
    Reach(uuid.UUID(int=10 + number), kind, worst)
    for number, (kind, worst) in enumerate([("push", 3), ("sms", 2), ("voice", 1), ("email", 4)])
)


def person(*channels: Reach, **more: object) -> Person:
    return Person(SAM, "Sam Reyes", ZONE, "manager", channels, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "priority", "picked"),
    [
        ("own", 1, "push"),
        ("sms", 1, "sms"),
        ("voice", 1, "voice"),
        ("voice", 2, "email"),  # the call is for priority 1 only: the next in the order
        ("own", 4, "email"),
    ],
)
def test_what_a_step_asks_for_is_tried_first(wanted: str, priority: int, picked: str) -> None:
    sam = person(PUSH, TEXT, CALL, MAIL, order={2: ("voice", "email")})
    assert [channel.kind for channel in pick(sam, wanted, priority)] == [picked]


def test_text_messages_that_are_used_up_go_by_the_next_channel_and_are_never_dropped() -> None:
    sam = person(TEXT, MAIL)
    assert [c.kind for c in pick(sam, "sms", 2, sms_left=False)] == ["email"]
    assert [c.kind for c in pick(person(TEXT), "sms", 2, sms_left=False)] == ["sms"]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.builds(
            Reach,
            st.uuids(),
            st.sampled_from(["push", "sms", "voice", "email"]),
            st.integers(1, 4),
            st.booleans(),
        ),
        max_size=5,
    ),
    st.sampled_from(["own", "all", "push", "sms", "voice", "email"]),
    st.integers(1, 4),
    st.booleans(),
    st.dictionaries(st.integers(1, 4), st.lists(st.sampled_from(["push", "fax"])).map(tuple)),
)
def test_whoever_has_any_channel_is_reached_over_one(
    channels: list[Reach],
    wanted: str,
    priority: int,
    left: bool,
    order: dict[int, tuple[str, ...]],
) -> None:
    picked = pick(person(*channels, order=order), wanted, priority, sms_left=left)
    assert bool(picked) == bool(channels)
    assert set(picked) <= set(channels)


def test_quiet_hours_hold_for_priority_3_and_never_for_1_and_2() -> None:
    sam = person(MAIL, quiet=NIGHT, says=True)
    midnight = NOON + timedelta(hours=12)
    assert when(sam, 1, midnight).later is None
    assert when(sam, 2, midnight).later is None
    assert when(sam, 3, midnight).later == datetime(2026, 6, 4, 11, tzinfo=UTC)  # 06:00
    assert when(sam, 3, NOON).later is None
    assert when(sam, 4, NOON).later == datetime(2026, 6, 4, 12, tzinfo=UTC)  # 07:00


def test_who_said_nothing_is_told_at_once_of_what_their_channels_are_for() -> None:
    assert when(person(MAIL), 4, NOON).later is None


def away(user: uuid.UUID, delegate: uuid.UUID) -> Person:
    gone = Away(NOON - MINUTE, NOON + MINUTE, delegate)
    return Person(user, str(user), ZONE, away=gone, says=True)


def test_stand_ins_of_stand_ins_are_found_and_a_circle_leads_back() -> None:
    here = Person(LUZ, "Luz", ZONE)
    people = {SAM: away(SAM, ANA), ANA: away(ANA, LUZ), LUZ: here}
    assert stand_in(people, SAM, NOON) == (LUZ, SAM)
    assert stand_in(people, SAM, NOON + MINUTE) == (SAM, None)
    circle = people | {ANA: away(ANA, SAM)}
    assert stand_in(circle, SAM, NOON) == (SAM, None)
    gone = {SAM: away(SAM, uuid.UUID(int=99))}
    assert stand_in(gone, SAM, NOON) == (SAM, None)


def test_priority_1_cannot_be_muted() -> None:
    sam = person(MAIL)
    assert not faults(sam, {1: ("email",), 3: ("push",)}, on_duty=True)
    assert "Priority 1 would reach you" in faults(sam, {1: ("push",)}, on_duty=True)[0]
    assert "no kind of channel" in faults(sam, {3: ("fax",)}, on_duty=True)[0]
    assert "count on reaching you" in faults(person(), {}, on_duty=True)[0]
