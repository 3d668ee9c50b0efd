"""Every invariant of an alarm's life, on the pure moves: whatever is done, in whatever order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hub.alerts import axes
from hub.alerts.axes import CRITICAL_SHELF, TERMS, Axes, Move, RefusedError

START = datetime(2024, 6, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ROLES = ("owner", "manager", "pumper", "accountant", "viewer", "")


class Life(RuleBasedStateMachine):
    """One alarm, everything that can be done to it, and a copy of the axes before each move."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.axes = Axes()
        self.terms = TERMS[2]
        self.told_since_ack = False
        self.shelved_since: datetime | None = None

    @initialize(priority=st.integers(1, 4), latch=st.booleans())
    def begin(self, priority: int, latch: bool) -> None:
        """It is raised."""
        self.terms = TERMS[priority]
        self.axes = Axes(condition="active", ack="unacked", latched=latch)

    def move(self, made: Move, *touches: str) -> None:
        """Take a move over; it must not have touched any other axis."""
        before, after = self.axes, made.axes
        follows = {"closed", "tell_at", "ack_until"}
        for name in Axes.__slots__:
            if name not in {*touches, *follows}:
                assert getattr(before, name) == getattr(after, name), name
        if after.ack != "unacked" or after.closed:
            assert not made.tell, "nobody is paged for what is taken up or closed"
        if after.ack == "acked" and before.ack != "acked":
            assert made.stop
        if after.closed and not before.closed:
            assert made.stop
        if made.tell:
            assert after.stands
            assert not after.muted(self.now)
        if before.closed:
            assert (after.closed, after.condition, after.ack) == (True, "normal", before.ack)
        self.axes = after

    @rule(minutes=st.integers(0, 600))
    def time_passes(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    @rule(condition=st.sampled_from(["normal", "pending_off", "active", "unknown"]))
    def evaluator(self, condition: axes.Condition) -> None:
        self.move(axes.observe(self.axes, condition, self.terms), "condition", "ack")

    @rule(eta=st.none() | st.integers(1, 900))
    def acknowledge(self, eta: int | None) -> None:
        was = self.axes.ack
        arrival = None if eta is None else self.now + eta * MINUTE
        self.move(axes.acknowledge(self.axes, self.now, self.terms, arrival), "ack")
        if arrival and self.axes.ack_until and was != "acked":
            assert self.axes.ack_until > arrival

    @rule()
    def unacknowledge(self) -> None:
        self.move(axes.unacknowledge(self.axes, self.now), "ack")

    @rule()
    def lapse(self) -> None:
        was = self.axes
        self.move(axes.lapse(self.axes, self.now), "ack")
        if was.ack_until is not None and was.ack_until <= self.now and was.stands:
            assert self.axes.ack == "unacked"

    @rule(past=st.booleans())
    def worsen(self, past: bool) -> None:
        self.move(axes.worsen(self.axes, self.now, past_shelf=past), "ack", "shelved_until")

    @rule()
    def reset(self) -> None:
        was = self.axes
        try:
            self.move(axes.reset(was), "latched", "ack")
        except RefusedError:
            assert not was.latched or was.condition != "normal"
            return
        assert self.axes.closed

    @rule(minutes=st.integers(-10, 60 * 24 * 40), role=st.sampled_from(ROLES))
    def shelve(self, minutes: int, role: str) -> None:
        was, until = self.axes, self.now + minutes * MINUTE
        try:
            made = axes.shelve(was, self.now, until, self.terms, role)
        except RefusedError:
            return
        assert made.stop
        assert timedelta() < until - self.now <= self.terms.longest_shelf
        if self.terms.priority == 1:
            assert role in axes.MANAGERS
            assert until - self.now <= CRITICAL_SHELF
            assert not was.shelved(self.now), "a critical shelf is never made longer"
            assert was.shelf_count == 0 or was.ack != "unacked", "nor renewed unseen"
        self.move(made, "shelved_until", "shelf_count")

    @rule()
    def unshelve(self) -> None:
        self.move(axes.unshelve(self.axes, self.now), "shelved_until")

    @rule(by=st.sampled_from(["site offline", "power fail"]))
    def suppress(self, by: str) -> None:
        self.move(axes.suppress(self.axes, by), "suppressed_by")

    @rule(seconds=st.integers(0, 600))
    def release(self, seconds: int) -> None:
        was = self.axes.suppressed_by
        self.move(axes.release(self.axes, self.now, timedelta(seconds=seconds)), "suppressed_by")
        if was is not None and seconds and self.axes.stands:
            assert self.axes.muted(self.now), "nothing is told before the grace is over"

    @rule(minutes=st.integers(1, 600))
    def take_out(self, minutes: int) -> None:
        self.move(axes.take_out(self.axes, self.now + minutes * MINUTE), "out_of_service_until")

    @rule()
    def put_back(self) -> None:
        self.move(axes.put_back(self.axes, self.now), "out_of_service_until")

    @rule()
    def due(self) -> None:
        was = self.axes
        self.move(axes.due(self.axes, self.now))
        if was.tell_at is not None and was.tell_at <= self.now:
            assert self.axes.tell_at is None

    @precondition(lambda self: self.axes.shelved_until is not None)
    @rule()
    def shelf_ends(self) -> None:
        """What comes back from a shelf, still standing, is told with the acknowledgement it had."""
        assert self.axes.shelved_until is not None
        self.now = max(self.now, self.axes.shelved_until)
        ack = self.axes.ack
        self.move(axes.unshelve(self.axes, self.now), "shelved_until")
        assert self.axes.ack == ack
        if self.axes.stands:
            assert self.axes.tell_at == self.now

    @invariant()
    def letters_follow(self) -> None:
        """The letter is derived, first match wins."""
        letter, here = axes.isa_state(self.axes, self.now), self.axes
        if here.out_of_service(self.now):
            assert letter == "G"
        elif here.suppressed_by:
            assert letter == "F"
        elif here.shelved(self.now):
            assert letter == "E"
        elif here.stands:
            assert letter == ("B" if here.ack == "unacked" else "C")
        else:
            assert letter == ("D" if here.ack == "unacked" and not here.closed else "A")

    @invariant()
    def closed_is_over(self) -> None:
        """Nothing closes while it stands, is latched, or waits for a person."""
        if self.axes.closed:
            assert self.axes.condition == "normal"
            assert not self.axes.latched
            assert self.axes.ack != "unacked"
            assert self.axes.tell_at is None
            assert self.axes.ack_until is None


Life.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestLife = Life.TestCase


def test_an_arrival_time_makes_an_acknowledgement_last_until_after_it() -> None:
    raised = Axes(condition="active", ack="unacked")
    arrival = START + timedelta(hours=3)
    taken = axes.acknowledge(raised, START, TERMS[1], arrival).axes
    assert taken.ack_until == arrival + timedelta(minutes=30)
    assert axes.lapse(taken, arrival).axes.ack == "acked"
    assert axes.lapse(taken, arrival + timedelta(minutes=31)).axes.ack == "unacked"


@pytest.mark.parametrize(
    ("given", "asked", "sentence"),
    [
        ({}, (-1, "manager"), "A shelf must end later than now; choose a later time."),
        (
            {},
            (61, "owner"),
            "An alarm of priority 1 is shelved for 60 min at most; choose an earlier end.",
        ),
        (
            {},
            (30, "pumper"),
            "Only a manager shelves a critical alarm; acknowledge it instead.",
        ),
        (
            {"shelved_until": START + 5 * MINUTE, "shelf_count": 1},
            (30, "manager"),
            "A critical alarm on the shelf is not shelved for longer: let it come back first.",
        ),
        (
            {"shelf_count": 1},
            (30, "manager"),
            "This critical alarm was on the shelf before; acknowledge it before shelving it again.",
        ),
        (
            {"closed": True, "condition": "normal"},
            (30, "manager"),
            "This alarm is over and closed: there is nothing to shelve.",
        ),
    ],
)
def test_why_a_critical_alarm_is_not_shelved(
    given: dict[str, object], asked: tuple[int, str], sentence: str
) -> None:
    here = replace(Axes(condition="active", ack="unacked"), **given)  # type: ignore[arg-type]
    minutes, role = asked
    with pytest.raises(RefusedError) as refused:
        axes.shelve(here, START, START + minutes * MINUTE, TERMS[1], role)
    assert str(refused.value) == sentence


def test_what_got_worse_comes_off_the_shelf_it_was_put_on_for_less() -> None:
    shelved = Axes(condition="active", ack="acked", shelved_until=START + 60 * MINUTE)
    kept = axes.worsen(shelved, START)
    assert (kept.axes.shelved_until, kept.axes.ack, kept.tell) == (
        START + 60 * MINUTE,
        "unacked",
        False,
    )
    past = axes.worsen(shelved, START, past_shelf=True)
    assert (past.axes.shelved_until, past.axes.ack, past.tell) == (None, "unacked", True)


def test_advice_that_is_over_closes_by_itself() -> None:
    raised = Axes(condition="active", ack="unacked")
    assert axes.observe(raised, "normal", TERMS[4]).axes.closed
    assert not axes.observe(raised, "normal", TERMS[3]).axes.closed


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(45, "45 s"), (90, "90 s"), (1800, "30 min"), (3600, "60 min"), (28_800, "8 h"),
     (86_400, "24 h"), (604_800, "7 days")],
)  # fmt: skip
def test_lengths_as_people_say_them(seconds: int, said: str) -> None:
    assert axes.spoken(timedelta(seconds=seconds)) == said
