"""The agent's clock: what it trusts, when it moves, and that a move waits for what is re-timed."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from agent.clock import Clock
from agent.contract.blocks import ClockState, thaw
from tests.outboxes import T0, fresh, lines, live, put, readings

SECOND, MINUTE = 1000, 60_000


@dataclass
class Box:
    """A box: true time, how far its system clock is off, and whether a time service runs."""

    true: int = T0
    off: int = 0  #: milliseconds its system clock is ahead of true time
    up: int = 50_000  #: monotonic milliseconds
    disciplined: bool = False

    def clock(self, last_known_ms: int = 0) -> Clock:
        return Clock(
            last_known_ms,
            wall=lambda: self.true + self.off,
            mono=lambda: self.up,
            synchronised=lambda: self.disciplined,
        )

    def wait(self, ms: int) -> None:
        self.true += ms
        self.up += ms


def hear(box: Box, clock: Clock, *, late: int = 0, old: bool = False) -> int:
    """The hub's time arrives, so late; returns the step that is due, and makes it."""
    step = clock.heard_hub(box.true - late, may_be_old=old)
    if step:
        clock.settled(step)
    return step


# ------------------------------------------------------------------------------ starting


def test_without_any_trace_of_time_it_was_never_set() -> None:
    clock = Box().clock()
    assert (clock.state, clock.confirmed) == (ClockState.NEVER, False)


def test_a_clock_not_behind_its_own_file_is_held_but_not_confirmed() -> None:
    clock = Box().clock(T0 - MINUTE)
    assert (clock.state, clock.confirmed) == (ClockState.HOLDING, False)


def test_a_clock_behind_its_own_file_is_not_believed() -> None:
    assert Box(off=-MINUTE).clock(T0).state == ClockState.NEVER


def test_a_disciplined_clock_is_set_at_once() -> None:
    clock = Box(disciplined=True).clock()
    assert (clock.state, clock.confirmed, clock.now_ms()) == (ClockState.SET, True, T0)


def test_each_start_is_another_boot() -> None:
    assert Box().clock().boot != Box().clock().boot


def test_time_runs_on_the_monotonic_clock() -> None:
    box = Box()
    clock = box.clock()
    box.wait(5 * SECOND)
    assert (clock.now_ms(), clock.mono_ms()) == (T0 + 5 * SECOND, 55_000)
    box.off += MINUTE
    assert clock.now_ms() == T0 + 5 * SECOND


# --------------------------------------------------------------------- the hub's time


@pytest.mark.parametrize("known", [0, T0 - MINUTE])
def test_the_hub_confirms_a_clock_that_agrees(known: int) -> None:
    box = Box(off=1500)
    clock = box.clock(known)
    assert clock.heard_hub(T0) == 0
    assert (clock.state, clock.confirmed) == (ClockState.SET, True)
    assert clock.now_ms() == T0 + 1500


@pytest.mark.parametrize("off", [-3_000, 3_000, -400 * 86_400_000, 86_400_000])
def test_the_hub_corrects_a_clock_that_is_off_once_all_is_retimed(off: int) -> None:
    box = Box(off=off)
    clock = box.clock()
    assert clock.heard_hub(T0) == -off
    assert (clock.confirmed, clock.now_ms()) == (False, T0 + off)
    clock.settled(-off)
    assert (clock.state, clock.confirmed) == (ClockState.STEPPED, True)
    assert clock.now_ms() == T0


def test_a_step_that_could_not_be_made_is_due_again() -> None:
    box = Box(off=-MINUTE)
    clock = box.clock()
    assert clock.heard_hub(T0) == MINUTE
    box.wait(5 * SECOND)
    assert clock.tick() == MINUTE
    assert not clock.confirmed


def test_a_late_message_does_not_set_a_confirmed_clock_back() -> None:
    box = Box()
    clock = box.clock()
    hear(box, clock)
    for late in (10 * SECOND, 30 * SECOND, 10 * MINUTE):
        box.wait(SECOND)
        assert hear(box, clock, late=late) == 0
    assert (clock.confirmed, clock.now_ms()) == (True, box.true)


def test_the_first_message_a_confirmed_clock_hears_may_be_late() -> None:
    box = Box(disciplined=True)
    clock = box.clock()
    box.disciplined = False
    assert hear(box, clock, late=30 * SECOND) == 0
    assert clock.now_ms() == box.true


def test_an_earlier_message_after_a_late_one_sets_the_clock_forward() -> None:
    box = Box(off=-MINUTE)
    clock = box.clock()
    assert hear(box, clock, late=20 * SECOND) == 40 * SECOND
    box.wait(SECOND)
    assert hear(box, clock) == 20 * SECOND
    assert clock.now_ms() == box.true


def test_a_confirmed_clock_that_runs_ahead_is_set_back_after_a_minute() -> None:
    box = Box()
    clock = box.clock()
    hear(box, clock)
    box.true -= MINUTE  # the hub was ahead, and was put right
    steps = []
    for _ in range(30):
        box.wait(10 * SECOND)
        steps.append(hear(box, clock))
    made = [(n, step) for n, step in enumerate(steps) if step]
    assert sum(step for _, step in made) == -MINUTE
    assert made[0][0] >= 5
    assert clock.now_ms() == box.true


def test_what_a_broker_may_have_kept_confirms_but_never_corrects() -> None:
    box = Box(off=-MINUTE)
    clock = box.clock()
    assert hear(box, clock, old=True) == 0
    assert (clock.state, clock.now_ms()) == (ClockState.NEVER, T0 - MINUTE)
    agreeing = Box().clock()
    assert agreeing.heard_hub(T0, may_be_old=True) == 0
    assert agreeing.confirmed


def test_a_disciplined_clock_is_confirmed_but_not_corrected_by_the_hub() -> None:
    box = Box(disciplined=True)
    clock = box.clock()
    assert clock.heard_hub(T0 + MINUTE) == 0
    assert (clock.state, clock.now_ms()) == (ClockState.SET, T0)


# --------------------------------------------------------------------- the system's time


def test_a_time_service_that_comes_up_sets_the_clock() -> None:
    box = Box(off=-MINUTE)
    clock = box.clock()
    assert clock.tick() == 0
    box.off, box.disciplined = 0, True
    assert clock.tick() == MINUTE
    assert not clock.confirmed
    clock.settled(MINUTE)
    assert (clock.state, clock.confirmed, clock.now_ms()) == (ClockState.STEPPED, True, T0)
    assert clock.tick() == 0


def test_a_time_service_that_agrees_confirms_without_a_step() -> None:
    box = Box()
    clock = box.clock()
    box.disciplined = True
    assert clock.tick() == 0
    assert (clock.state, clock.confirmed) == (ClockState.SET, True)


def test_a_jump_of_the_system_clock_is_followed_only_when_synchronised() -> None:
    box = Box()
    clock = box.clock()
    hear(box, clock)
    box.off = MINUTE
    assert clock.tick() == 0
    assert clock.now_ms() == T0
    box.disciplined = True
    box.off = 2 * MINUTE
    step = clock.tick()
    assert not clock.confirmed
    clock.settled(step)
    assert (step, clock.now_ms(), clock.state) == (2 * MINUTE, T0 + 2 * MINUTE, ClockState.STEPPED)


def test_a_synchronised_clock_is_followed_smoothly() -> None:
    box = Box(disciplined=True)
    clock = box.clock()
    for _ in range(20):
        box.wait(SECOND)
        box.off += 100
        assert clock.tick() == 0
    assert (clock.state, clock.now_ms()) == (ClockState.SET, box.true + box.off)


# -------------------------------------------------------------------- with the outbox


def test_a_step_retimes_what_was_not_sent_to_true_time() -> None:
    box = Box(off=-MINUTE)
    clock, outbox = box.clock(), fresh()
    put(outbox, range(3), t0=clock.now_ms(), boot=clock.boot, clock=clock.state)
    step = clock.heard_hub(T0)
    assert outbox.retime(clock.boot, step, ClockState.STEPPED) == 1
    clock.settled(step)
    (line,) = lines(outbox, live(outbox).id).values()
    assert [s.at for s in readings([line])] == [T0, T0 + SECOND, T0 + 2 * SECOND]
    assert thaw(line).stamp.clock == ClockState.STEPPED == clock.state
