"""How one person is told of an alert: now or later, and over which of their channels (pure).

Whatever a person prefers, priority 1 reaches them, over some channel, at any hour. What they may do
is hand over: to a stand-in while they are away, or their turn on call to somebody else.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, tzinfo
from typing import Final

from hub.notify.policies import URGENT
from hub.notify.wallclock import Window, next_at

#: Kinds of channel that reach one person, in the order tried where nothing else is said.
LADDER: Final = ("push", "sms", "voice", "email", "webhook", "apprise")
#: Kinds that wake nobody up, or cost nothing, come first for what can wait.
QUIET_LADDER: Final = ("email", "push", "sms", "voice", "webhook", "apprise")


@dataclass(frozen=True, slots=True)
class Reach:
    """One channel of a person."""

    id: uuid.UUID
    kind: str
    worst_priority: int = 3
    broken: bool = False
    proven_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Away:
    """When a person is away, and who stands in."""

    begins: datetime
    ends: datetime
    delegate: uuid.UUID


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may be told, with what they prefer and where they are reached."""

    id: uuid.UUID
    name: str
    zone: tzinfo
    role: str = ""
    channels: tuple[Reach, ...] = ()
    language: str = "en"
    order: Mapping[int, tuple[str, ...]] = field(default_factory=dict)  #: kinds, by priority
    quiet: Window | None = None
    digest_at: time = time(7)
    most_sms: int | None = None  #: a day
    away: Away | None = None
    says: bool = False  #: whether they said anything about how they want to be told


@dataclass(frozen=True, slots=True)
class When:
    """Whether a person is told at once, or at an instant in a digest, and why."""

    later: datetime | None = None
    reason: str = ""


def when(person: Person, priority: int, now: datetime) -> When:
    """Now, at the end of the quiet hours, or at the hour of the digest.

    Who has said nothing about how they want to be told is told at once of what their channels are
    for, as it was before anybody could say.
    """
    if priority <= URGENT or not person.says:
        return When()
    if priority >= 4:
        return When(next_at(person.digest_at, now, person.zone), "advice is told in the digest")
    if person.quiet is not None and person.quiet.holds(now, person.zone):
        return When(person.quiet.closing(now, person.zone), "quiet hours")
    return When()


def stand_in(
    people: Mapping[uuid.UUID, Person], user: uuid.UUID, now: datetime
) -> tuple[uuid.UUID, uuid.UUID | None]:
    """Who is told in a person's stead, and for whom; the person themself where that leads nowhere.

    Stand-ins who are away have stand-ins of their own; a circle of them ends at the first person.
    """
    seen, current = {user}, user
    while True:
        person = people.get(current)
        if person is None:
            return user, None
        away = person.away
        if away is None or not away.begins <= now < away.ends:
            return current, (user if current != user else None)
        if away.delegate in seen:
            return user, None
        seen.add(away.delegate)
        current = away.delegate


def pick(
    person: Person, channel_class: str, priority: int, *, sms_left: bool = True
) -> list[Reach]:
    """The channels over which a person is told; empty only where they have none at all.

    What a step or a person asks for is tried first. Where that leaves nothing (no such channel,
    only for worse alerts, broken, the day's text messages used up) the next kind is taken: a page
    is never dropped for what somebody prefers.
    """
    usable = _usable(person.channels, priority)
    if channel_class == "all":
        return _without_spent(usable, sms_left=sms_left)
    kinds = kinds_in_order(person, priority)
    if channel_class != "own":
        kinds = (channel_class, *_after(channel_class, kinds))
    for allowed in (kinds, LADDER):
        for kind in allowed:
            found = [channel for channel in usable if channel.kind == kind]
            if found and (sms_left or kind != "sms"):
                return found
    return usable


def kinds_in_order(person: Person, priority: int) -> tuple[str, ...]:
    """The kinds of channel in which a person wants to be told, else the usual order."""
    usual = LADDER if priority <= URGENT else QUIET_LADDER
    return person.order.get(priority) or usual


def _after(kind: str, kinds: Sequence[str]) -> tuple[str, ...]:
    """The kinds that come after one, then those before it."""
    if kind not in kinds:
        return tuple(kinds)
    place = list(kinds).index(kind)
    return (*kinds[place + 1 :], *kinds[:place])


def _usable(channels: Sequence[Reach], priority: int) -> list[Reach]:
    """Channels that are for this priority and work; with none, those that do either, then any."""
    meant = [channel for channel in channels if channel.worst_priority >= priority]
    for some in (meant, channels):
        sound = [channel for channel in some if not channel.broken]
        if sound:
            return sound
    return list(meant or channels)


def _without_spent(channels: list[Reach], *, sms_left: bool) -> list[Reach]:
    if sms_left:
        return channels
    others = [channel for channel in channels if channel.kind != "sms"]
    return others or channels


def faults(person: Person, kinds: Mapping[int, Sequence[str]], *, on_duty: bool) -> list[str]:
    """What stands against preferences somebody wants to save, each in a sentence.

    `on_duty`: whether anybody counts on them, by a policy, a rotation or their role.
    """
    found = []
    have = {channel.kind for channel in person.channels}
    for priority, wanted in sorted(kinds.items()):
        strange = [kind for kind in wanted if kind not in LADDER]
        if strange:
            found.append(f"“{strange[0]}” is no kind of channel.")
        if priority <= URGENT and wanted and have and not have & set(wanted):
            listed = ", ".join(sorted(have))
            found.append(
                f"Priority {priority} would reach you over no channel you have ({listed}); keep"
                " one of them in its list."
            )
    if on_duty and person.away is None and not have:
        found.append("Enter a telephone number or an address first: people count on reaching you.")
    return found
