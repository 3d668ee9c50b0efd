"""Who is on call: turns by the local clock, layers over one another, and who stands in (pure).

Turn k of a layer begins at its hand-off time on the day `starts_on + k * every_days`, resolved to
UTC for that very day. The end of a turn is the beginning of the next, so there can be neither a gap
nor an overlap, whatever the clocks do.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from hub.notify.wallclock import Window, instant, zone_of

_DAY = timedelta(days=1)
_LOOK_AHEAD = timedelta(days=64)  #: longer than the longest turn


@dataclass(frozen=True, slots=True)
class Layer:
    """People who take turns."""

    people: tuple[uuid.UUID, ...]
    starts_on: date
    handoff_at: time
    every_days: int = 7
    ends_on: date | None = None
    window: Window | None = None  #: only within these hours

    def begins(self, turn: int, zone: tzinfo) -> datetime:
        """When a turn begins; 0 is the first."""
        return instant(self.starts_on + turn * self.every_days * _DAY, self.handoff_at, zone)

    def turn(self, at: datetime, zone: tzinfo) -> int:
        """Number of the turn in which an instant lies; negative before the first."""
        days = (at.astimezone(zone).date() - self.starts_on).days
        number = days // self.every_days
        return number - 1 if self.begins(number, zone) > at else number

    def who(self, at: datetime, zone: tzinfo) -> uuid.UUID | None:
        """Whose turn it is."""
        turn = self.turn(at, zone)
        if turn < 0 or not self.people or self._is_over(at, zone):
            return None
        if self.window is not None and not self.window.holds(at, zone):
            return None
        return self.people[turn % len(self.people)]

    def _is_over(self, at: datetime, zone: tzinfo) -> bool:
        return self.ends_on is not None and at >= instant(
            self.ends_on + _DAY, self.handoff_at, zone
        )

    def boundaries(self, start: datetime, end: datetime, zone: tzinfo) -> Iterator[datetime]:
        """Every instant between two at which it could pass to somebody else."""
        turn = max(self.turn(start, zone) + 1, 0)
        while (begins := self.begins(turn, zone)) < end:
            yield begins
            turn += 1
        if self.ends_on is not None:
            yield instant(self.ends_on + _DAY, self.handoff_at, zone)
        if self.window is not None:
            first, last = start.astimezone(zone).date() - _DAY, end.astimezone(zone).date()
            for span in self.window.spans(first, last, zone):
                yield from span


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody is on call instead."""

    user: uuid.UUID
    begins: datetime
    ends: datetime
    replaces: uuid.UUID | None = None  #: only where this person would be


@dataclass(frozen=True, slots=True)
class Roster:
    """A rotation as it is worked out: layers from the lowest, overrides as they were entered."""

    zone_name: str
    layers: tuple[Layer, ...]
    overrides: tuple[Override, ...] = ()

    @property
    def zone(self) -> tzinfo:
        """The zone of its hand-offs."""
        return zone_of(self.zone_name)


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of time and who is on call in it; nobody where `user` is empty."""

    begins: datetime
    ends: datetime
    user: uuid.UUID | None
    stands_in: bool = False  #: by an override


def planned(roster: Roster, at: datetime) -> uuid.UUID | None:
    """Who would be on call without overrides: the highest layer that has somebody."""
    for layer in reversed(roster.layers):
        found = layer.who(at, roster.zone)
        if found is not None:
            return found
    return None


def on_call(roster: Roster, at: datetime) -> uuid.UUID | None:
    """Who is on call at an instant; the override entered last wins."""
    who = planned(roster, at)
    for override in roster.overrides:
        if override.begins <= at < override.ends and override.replaces in {None, who}:
            who = override.user
    return who


def slots(roster: Roster, start: datetime, end: datetime) -> list[Slot]:
    """Who is on call from one instant to another, without gap or overlap, in order."""
    edges = {start}
    for layer in roster.layers:
        edges.update(layer.boundaries(start, end, roster.zone))
    for override in roster.overrides:
        edges.update((override.begins, override.ends))
    inside = sorted(edge for edge in edges if start <= edge < end)
    found: list[Slot] = []
    for begins, ends in zip(inside, [*inside[1:], end], strict=True):
        who = on_call(roster, begins)
        stands_in = who != planned(roster, begins)
        last = found[-1] if found else None
        if last is not None and (last.user, last.stands_in) == (who, stands_in):
            found[-1] = Slot(last.begins, ends, who, stands_in)
        else:
            found.append(Slot(begins, ends, who, stands_in))
    return found


def next_handoff(roster: Roster, at: datetime) -> Slot | None:
    """The next stretch that somebody else, or nobody, is on call in; None if nothing changes."""
    now = on_call(roster, at)
    coming = slots(roster, at, at + _LOOK_AHEAD)
    return next((slot for slot in coming if slot.user != now), None)


def holes(roster: Roster, start: datetime, end: datetime) -> list[Slot]:
    """The stretches in which nobody is on call."""
    return [slot for slot in slots(roster, start, end) if slot.user is None]
