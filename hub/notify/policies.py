"""A policy as it is followed: its steps, which is next and when, and the coming messages (pure)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta, tzinfo
from typing import Any, Final

from hub.notify.wallclock import Window, window

#: By priority, how often people are reminded when a policy says nothing: what is critical never
#: falls silent while it stands and nobody has taken it on.
REMIND_EVERY: Final[Mapping[int, timedelta]] = {1: timedelta(minutes=15), 2: timedelta(hours=1)}
#: Alerts of this priority and worse wait for nobody's hours.
URGENT: Final = 2
#: By priority, within which time a person should have been reached, unless the rule says more.
RESPOND_WITHIN: Final[Mapping[int, timedelta]] = {
    1: timedelta(minutes=15),
    2: timedelta(hours=1),
    3: timedelta(hours=12),
    4: timedelta(days=2),
}


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a step names."""

    kind: str  #: user, role, rotation or site_manager
    id: uuid.UUID | None = None  #: of the person or the rotation
    role: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a policy."""

    targets: tuple[Target, ...]
    channel_class: str = "own"
    wait: timedelta = timedelta(minutes=5)  #: for an acknowledgement
    times: int = 1
    window: Window | None = None
    worst_only: int = 4
    still_active: bool = False

    def fits(self, priority: int, *, active: bool) -> bool:
        """Whether it is for an alert of this priority that stands, or has cleared."""
        return priority <= self.worst_only and (active or not self.still_active)


@dataclass(frozen=True, slots=True)
class Policy:
    """Steps in their order, and what follows the last."""

    name: str
    steps: tuple[Step, ...]
    rounds: int = 3
    remind_every: timedelta | None = None
    bundle: timedelta = timedelta(0)
    fallback: uuid.UUID | None = None

    def reminds(self, priority: int) -> timedelta | None:
        """How often people are reminded once all rounds are done."""
        return self.remind_every or REMIND_EVERY.get(priority)


#: What holds for an operator who set up nothing: every channel by the priority it is for, at once,
#: and again until somebody takes it on.
BUILT_IN: Final = Policy("by channel", (Step((), "all", timedelta(minutes=15)),), rounds=1)


@dataclass(frozen=True, slots=True)
class Place:
    """How far an alert has come in a policy."""

    round: int = 0
    step: int = 0  #: `len(steps)` stands for the reminders after the last round
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Due:
    """A place and when it is due."""

    place: Place
    at: datetime


def first(
    policy: Policy, priority: int, now: datetime, zone: tzinfo, *, active: bool = True
) -> Due | None:
    """Where an alert begins; due later than now where every step waits for its hours."""
    return _from(policy, Place(), priority, now, zone, active=active)


def following(
    policy: Policy,
    done: Place,
    priority: int,
    now: datetime,
    zone: tzinfo,
    *,
    active: bool = True,
) -> Due | None:
    """What comes after a step that was just done; None when the policy is at its end.

    A step outside its hours is passed over while another one is open. So a chain never stands still
    without an instant at which it goes on.
    """
    if done.step >= len(policy.steps):
        every = policy.reminds(priority)
        return Due(replace(done, turn=done.turn + 1), now + every) if every and active else None
    step = policy.steps[done.step]
    at = now + step.wait
    if done.turn + 1 < step.times:
        due = step.window.opening(at, zone) if step.window else at
        if due == at and step.fits(priority, active=active):
            return Due(replace(done, turn=done.turn + 1), due)
    return _from(policy, Place(done.round, done.step + 1), priority, at, zone, active=active)


def _from(
    policy: Policy, place: Place, priority: int, at: datetime, zone: tzinfo, *, active: bool
) -> Due | None:
    """The first step from a place on that is open at an instant, in this round or a later one.

    Where none is, everybody is reminded of what cannot wait; for the rest the first step to open is
    due then.
    """
    waiting: list[Due] = []
    for round_ in range(place.round, policy.rounds):
        for number in range(place.step if round_ == place.round else 0, len(policy.steps)):
            step = policy.steps[number]
            if not step.fits(priority, active=active):
                continue
            opens = step.window.opening(at, zone) if step.window else at
            due = Due(Place(round_, number), opens)
            if opens == at:
                return due
            waiting.append(due)
    reminds = active and policy.reminds(priority) is not None
    if waiting and not (reminds and priority <= URGENT):
        return min(waiting, key=lambda due: due.at)
    return Due(Place(policy.rounds, len(policy.steps)), at) if reminds else None


def timeline(
    policy: Policy, priority: int, start: datetime, zone: tzinfo, most: int = 12
) -> Iterator[Due]:
    """What is due, and when, for an alert that nobody takes on."""
    due = first(policy, priority, start, zone)
    while due is not None and most > 0:
        yield due
        most -= 1
        due = following(policy, due.place, priority, due.at, zone)


# ------------------------------------------------------------------------------- as it is kept


def to_json(policy: Policy) -> dict[str, Any]:
    """A policy as a version of it is kept."""
    return {
        "name": policy.name,
        "rounds": policy.rounds,
        "remind_every_s": _seconds(policy.remind_every),
        "bundle_s": _seconds(policy.bundle),
        "fallback": str(policy.fallback) if policy.fallback else None,
        "steps": [_step_json(step) for step in policy.steps],
    }


def _step_json(step: Step) -> dict[str, Any]:
    hours = step.window
    return {
        "class": step.channel_class,
        "wait_s": _seconds(step.wait),
        "times": step.times,
        "window": hours and [hours.begins.isoformat(), hours.ends.isoformat(), sorted(hours.days)],
        "worst_only": step.worst_only,
        "still_active": step.still_active,
        "targets": [
            {"kind": target.kind, "id": target.id and str(target.id), "role": target.role}
            for target in step.targets
        ],
    }


def from_json(kept: Mapping[str, Any]) -> Policy:
    """A policy from a version of it."""
    return Policy(
        name=kept["name"],
        steps=tuple(_step(step) for step in kept["steps"]),
        rounds=kept["rounds"],
        remind_every=_span(kept["remind_every_s"]),
        bundle=timedelta(seconds=kept["bundle_s"]),
        fallback=uuid.UUID(kept["fallback"]) if kept["fallback"] else None,
    )


def _step(kept: Mapping[str, Any]) -> Step:
    hours = kept["window"]
    return Step(
        targets=tuple(
            Target(t["kind"], uuid.UUID(t["id"]) if t["id"] else None, t["role"])
            for t in kept["targets"]
        ),
        channel_class=kept["class"],
        wait=timedelta(seconds=kept["wait_s"]),
        times=kept["times"],
        window=_window(hours) if hours else None,
        worst_only=kept["worst_only"],
        still_active=kept["still_active"],
    )


def _window(kept: Sequence[Any]) -> Window | None:
    begins, ends, days = kept
    return window(time.fromisoformat(begins), time.fromisoformat(ends), days)


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else int(span.total_seconds())


def _span(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
