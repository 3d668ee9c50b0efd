"""Whether anybody would be told, and in time: looked at before a policy or a rotation is saved.

What stands against saving is a *fault*; what should be known is a *warning*. Both are sentences for
the person at the form.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from hub.notify import policies, runs
from hub.notify.messages import duration
from hub.notify.people import Crew, Recipient, as_recipients, crew, recipients
from hub.notify.policies import RESPOND_WITHIN, Policy, Target
from hub.notify.preferences import Person, pick, when
from hub.notify.runs import About, Chosen
from hub.notify.schedules import Roster, Slot, holes, slots

#: A channel nobody answered on for so long is not known to work.
PROVEN_FOR: Final = timedelta(days=35)
#: How far a rotation is looked at for holes.
LOOK_AHEAD: Final = timedelta(days=56)
#: Holes nearer than this are told of.
WARN_AHEAD: Final = timedelta(hours=48)
MOST_TOLD: Final = 12
#: An alert of which only the priority is known.
NOTHING: Final = About()
#: Each kind of channel in a word.
WAYS: Final = {"sms": "SMS", "voice": "call", "email": "mail", "apprise": "message"}


@dataclass(frozen=True, slots=True)
class Told:
    """One person's turn, if nobody takes an alert on before."""

    at: datetime
    after: timedelta  #: since the alert
    user_id: uuid.UUID | None  #: empty for a channel of nobody's own
    name: str
    kinds: tuple[str, ...]
    note: str = ""

    @property
    def sentence(self) -> str:
        """It in a few words: push to Sam Reyes."""
        kinds = " and ".join(WAYS.get(kind, kind) for kind in self.kinds) or "nothing"
        return f"{kinds} to {self.name}" + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence about a policy or a rotation."""

    sentence: str
    blocks: bool = True  #: it cannot be saved so


def told(
    session: Session,
    organization: uuid.UUID,
    priority: int,
    about: About = NOTHING,
    now: datetime | None = None,
) -> list[Told]:
    """Who would be told of an alert raised now, when and how, if nobody took it on: the next dozen
    messages. Empty when it would reach nobody.
    """
    moment = now or datetime.now(UTC)
    chosen = runs.choose_for(session, organization, priority, about)
    return foreseen(session, crew(session, organization), chosen, priority, moment)


def foreseen(
    session: Session, found: Crew, chosen: Chosen, priority: int, start: datetime
) -> list[Told]:
    """The coming messages of a policy."""
    listed: list[Told] = [
        Told(start, timedelta(0), None, "a shared channel", (channel.kind,))
        for channel in found.shared
        if channel.worst_priority >= priority and not channel.broken
    ]
    for due in policies.timeline(chosen.policy, priority, start, found.zone, MOST_TOLD):
        for recipient in _whom(session, found, chosen, due, priority):
            turn = _turn(recipient, chosen, due, priority, start)
            if turn is not None:
                listed.append(turn)
        if len(listed) >= MOST_TOLD:
            break
    return listed[:MOST_TOLD]


def _whom(
    session: Session, found: Crew, chosen: Chosen, due: policies.Due, priority: int
) -> list[Recipient]:
    """Whom a step reaches at its time; in the last resort whoever is left."""
    if chosen.is_built_in:
        meant = [
            person.id
            for person in found.people.values()
            if any(c.worst_priority >= priority for c in person.channels)
        ]
        return as_recipients(found, meant, due.at)
    steps = chosen.policy.steps
    some = steps if due.place.step >= len(steps) else (steps[due.place.step],)
    listed: dict[uuid.UUID, Recipient] = {}
    for step in some:
        if step.fits(priority, active=True):
            for recipient in recipients(session, found, step, chosen.well_id, due.at):
                listed.setdefault(recipient.person.id, recipient)
    reached = [r for r in listed.values() if r.person.channels]
    if reached and due.place.step < len(steps):
        return reached
    extra = as_recipients(found, found.last_resort(chosen.policy.fallback), due.at)
    return reached + [r for r in extra if r.person.id not in listed]


def _turn(
    recipient: Recipient, chosen: Chosen, due: policies.Due, priority: int, start: datetime
) -> Told | None:
    person = recipient.person
    steps = chosen.policy.steps
    channel_class = steps[due.place.step].channel_class if due.place.step < len(steps) else "own"
    if chosen.is_built_in:
        channel_class = "all"
    later = when(person, priority, due.at)
    kinds = tuple(dict.fromkeys(c.kind for c in pick(person, channel_class, priority)))
    at = later.later or due.at
    note = "in a digest" if later.later else ""
    if recipient.stands_in_for is not None:
        note = "stands in"
    return Told(at, at - start, person.id, person.name, kinds, note)


# ---------------------------------------------------------------------------------- policies


def lint_policy(
    session: Session,
    found: Crew,
    policy: Policy,
    priorities: Sequence[int],
    now: datetime,
    *,
    well: uuid.UUID | None = None,
) -> list[Remark]:
    """What is wrong with a policy somebody wants to save."""
    if not policy.steps:
        return [Remark("A policy needs at least one step: without any it tells nobody.")]
    remarks = [*_lint_steps(session, found, policy, priorities, well, now)]
    remarks += _lint_people(session, found, policy, well, now)
    remarks += _lint_stand_ins(found, now)
    for priority in sorted(set(priorities)):
        remarks += _lint_time(session, found, policy, priority, well, now)
    if not found.last_resort(policy.fallback):
        remarks.append(Remark("No owner has a channel: nobody is told when a step finds nobody."))
    return list(dict.fromkeys(remarks))


def lint_place(
    session: Session,
    organization: uuid.UUID,
    place: object,
    priorities: Sequence[int],
    policy_id: uuid.UUID | None,
) -> list[Remark]:
    """Other policies for the very same alerts: only the oldest of them is ever followed.

    `place` has the columns of `runs.PLACES`.
    """
    remarks, older = [], True
    for row in runs.policies_of(session, organization):
        if row.id == policy_id:
            older = False
            continue
        shared = sorted(set(row.priorities) & set(priorities))
        if not shared or runs.place_of(row) != runs.place_of(place):
            continue
        followed = (
            f"“{row.name}” is followed" if older else f"this one is followed, not “{row.name}”"
        )
        remarks.append(
            Remark(
                f"“{row.name}” is for the same alerts of priority {_listed(shared)}: the older of"
                f" the two holds, so {followed}. End one, or narrow it.",
                blocks=False,
            )
        )
    return remarks


def _lint_steps(
    session: Session,
    found: Crew,
    policy: Policy,
    priorities: Sequence[int],
    well: uuid.UUID | None,
    now: datetime,
) -> Iterable[Remark]:
    for number, step in enumerate(policy.steps, 1):
        if not step.targets:
            yield Remark(f"Step {number} names nobody; say whom it is for, or take it away.")
            continue
        if not any(step.fits(priority, active=True) for priority in priorities):
            yield Remark(
                f"Step {number} is never reached: it is only for priority {step.worst_only} and"
                f" worse, and the policy is for {_listed(sorted(priorities))}."
            )
        for target in step.targets:
            sentence = _nobody(found, target, now)
            if sentence:
                yield Remark(f"Step {number}: {sentence}")
        if not recipients(session, found, step, well, now) and not _is_rotation(step.targets):
            yield Remark(f"Step {number} reaches nobody now.", blocks=False)


def _nobody(found: Crew, target: Target, now: datetime) -> str:
    """Why a target names nobody; empty when it names somebody."""
    if target.kind == "user" and target.id not in found.people:
        return "the person it names no longer works here."
    if target.kind == "role" and not found.of_role(target.role):
        return f"nobody here is {target.role}."
    if target.kind == "rotation":
        if target.id not in found.rotations:
            return "the rotation it names is no longer used."
        roster = found.rotations[target.id]
        if holes(roster, now, now + LOOK_AHEAD):
            return f"nobody is on call at times in {found.rotation_names[target.id]}."
    return ""


def _is_rotation(targets: Sequence[Target]) -> bool:
    return any(target.kind == "rotation" for target in targets)


def _lint_people(
    session: Session, found: Crew, policy: Policy, well: uuid.UUID | None, now: datetime
) -> Iterable[Remark]:
    for user in sorted(on_duty_of(session, found, policy, well, now), key=str):
        yield from _lint_person(found.people[user], now, policy)


def _lint_person(person: Person, now: datetime, policy: Policy | None = None) -> Iterable[Remark]:
    if not person.channels:
        yield Remark(f"{person.name} has no channel: nothing would reach them.")
        return
    if not any(is_proven(c.proven_at, now) for c in person.channels):
        yield Remark(
            f"No channel of {person.name} is proven: send a test to one, and let them answer it."
        )
    for channel_class in {step.channel_class for step in policy.steps} if policy else ():
        kinds = {channel.kind for channel in person.channels}
        if channel_class not in {"own", "all"} and channel_class not in kinds:
            yield Remark(
                f"{person.name} has no {channel_class}; they are told by"
                f" {pick(person, channel_class, 1)[0].kind} instead.",
                blocks=False,
            )


def is_proven(proven_at: datetime | None, now: datetime) -> bool:
    """Whether a channel was answered on lately enough."""
    return proven_at is not None and now - proven_at <= PROVEN_FOR


def _lint_stand_ins(found: Crew, now: datetime) -> Iterable[Remark]:
    for person in found.people.values():
        seen, current = [person.id], person
        while current.away is not None and current.away.ends > now:
            if current.away.delegate in seen:
                names = " → ".join(found.people[user].name for user in seen)
                yield Remark(f"Stand-ins go round in a circle: {names} → {person.name}.")
                break
            seen.append(current.away.delegate)
            if current.away.delegate not in found.people:
                break
            current = found.people[current.away.delegate]


def _lint_time(
    session: Session,
    found: Crew,
    policy: Policy,
    priority: int,
    well: uuid.UUID | None,
    now: datetime,
) -> Iterable[Remark]:
    """Whether the last person to hear of an alert still hears of it in time."""
    chosen = Chosen(policy, uuid.UUID(int=0), well)
    last = timedelta(0)
    named: set[uuid.UUID] = set()
    for due in policies.timeline(policy, priority, now, found.zone, 200):
        if due.place.round > 0 or due.place.step >= len(policy.steps):
            break
        for recipient in _whom(session, found, chosen, due, priority):
            if recipient.person.id not in named:
                named.add(recipient.person.id)
                last = max(last, due.at - now)
    if not named:
        yield Remark(f"Nobody would be told of priority {priority} now.", blocks=priority <= 2)
    within = RESPOND_WITHIN[priority]
    if last > within:
        yield Remark(
            f"Priority {priority}: the last person is told after"
            f" {duration(int(last.total_seconds()))}; acting helps within"
            f" {duration(int(within.total_seconds()))}.",
            blocks=False,
        )


def on_duty_of(
    session: Session, found: Crew, policy: Policy, well: uuid.UUID | None, now: datetime
) -> set[uuid.UUID]:
    """Everybody a policy counts on: who is named, and all who take turns."""
    users: set[uuid.UUID] = set()
    for step in policy.steps:
        users.update(r.person.id for r in recipients(session, found, step, well, now))
        for target in step.targets:
            if target.kind == "rotation" and target.id in found.rotations:
                users |= members(found.rotations[target.id])
    return users & set(found.people)


def members(roster: Roster) -> set[uuid.UUID]:
    """Everybody who takes turns in a rotation."""
    return {user for layer in roster.layers for user in layer.people}


# --------------------------------------------------------------------------------- rotations


def lint_roster(found: Crew, roster: Roster, now: datetime) -> list[Remark]:
    """What stands against saving a rotation: holes, and people who cannot be reached."""
    if not any(layer.people for layer in roster.layers):
        return [Remark("A rotation needs at least one person.")]
    remarks = []
    for slot in holes(roster, now, now + LOOK_AHEAD)[:3]:
        span = f"{_local(slot.begins, roster)} to {_local(slot.ends, roster)}"
        remarks.append(Remark(f"Nobody is on call from {span}."))
    for user in sorted(members(roster), key=str):
        person = found.people.get(user)
        if person is None:
            remarks.append(Remark("Somebody in it no longer works here."))
        else:
            remarks += _lint_person(person, now)
    return remarks


def gaps(found: Crew, roster: Roster, start: datetime, end: datetime) -> list[Slot]:
    """Stretches in which nobody who can be reached is on call."""
    return [
        slot
        for slot in slots(roster, start, end)
        if slot.user is None
        or slot.user not in found.people
        or not found.people[slot.user].channels
    ]


def _local(at: datetime, roster: Roster) -> str:
    return at.astimezone(roster.zone).strftime("%a %d %b %H:%M")


def _listed(values: Sequence[object]) -> str:
    return ", ".join(str(value) for value in values)
