"""The six axes of an alarm's life, and every move on them (pure).

Condition, acknowledgement, latch, shelf, suppression and service are independent of each other. The
evaluator moves the condition and the latch; people acknowledge, shelve and take out of service;
other alarms suppress. No move of one party touches an axis of another. The state of ISA-18.2 is
derived, never stored.

Each move takes axes and gives new ones, with what follows for the messages: `stop` those that wait,
`tell` people (again), say that it `still` stands. One that is not allowed raises `RefusedError`
with a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from hub.errors import HubError

Condition = Literal["normal", "pending_on", "active", "pending_off", "unknown"]
Ack = Literal["none", "unacked", "acked"]
IsaState = Literal["A", "B", "C", "D", "E", "F", "G"]

CRITICAL: Final = 1  #: the priority whose shelves are short, and a manager's
CRITICAL_SHELF: Final = timedelta(hours=1)
ETA_GRACE: Final = timedelta(minutes=30)  #: an acknowledgement lasts so long past its arrival time
MANAGERS: Final = frozenset({"owner", "manager"})


class RefusedError(HubError):
    """What was asked of an alarm is not allowed; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a priority means to an operator."""

    priority: int
    ack_valid_for: timedelta | None  #: None: an acknowledgement lasts as long as the alarm
    longest_shelf: timedelta
    auto_ack_on_clear: bool = False
    release_grace: timedelta = timedelta(seconds=60)


#: Where an operator says nothing else.
TERMS: Final = {
    1: Terms(1, timedelta(minutes=30), CRITICAL_SHELF),
    2: Terms(2, timedelta(hours=4), timedelta(hours=24)),
    3: Terms(3, timedelta(hours=24), timedelta(days=7)),
    4: Terms(4, None, timedelta(days=30), auto_ack_on_clear=True),
}


@dataclass(frozen=True, slots=True)
class Axes:
    """Where an alarm stands on each axis; the names are those of the table."""

    condition: Condition = "normal"
    ack: Ack = "none"
    ack_until: datetime | None = None
    latched: bool = False
    shelved_until: datetime | None = None
    shelf_count: int = 0
    suppressed_by: str | None = None
    out_of_service_until: datetime | None = None
    tell_at: datetime | None = None  #: what kept it quiet is over: told then, if it still stands
    closed: bool = False

    @classmethod
    def of(cls, alert: Any) -> Axes:
        """The axes of a row."""
        names = [field.name for field in fields(cls) if field.name != "closed"]
        values = {name: getattr(alert, name) for name in names}
        values["latched"], values["shelf_count"] = bool(alert.latched), alert.shelf_count or 0
        return cls(**values, closed=alert.closed_at is not None)

    @property
    def stands(self) -> bool:
        """Whether what is wrong is still wrong, or has to be reset, or nobody can see whether."""
        return not self.closed and (self.condition != "normal" or self.latched)

    def shelved(self, now: datetime) -> bool:
        """Whether it is on the shelf."""
        return self.shelved_until is not None and self.shelved_until > now

    def out_of_service(self, now: datetime) -> bool:
        """Whether its gauge is out of service."""
        return self.out_of_service_until is not None and self.out_of_service_until > now

    def muted(self, now: datetime) -> bool:
        """Whether nobody is to be told of it for now."""
        return (
            self.suppressed_by is not None
            or self.shelved(now)
            or self.out_of_service(now)
            or (self.tell_at is not None and self.tell_at > now)
        )


@dataclass(frozen=True, slots=True)
class Move:
    """New axes, and what follows for the messages."""

    axes: Axes
    stop: bool = False  #: what waits to be sent about it is cancelled
    tell: bool = False  #: people are told, or told again, until somebody acknowledges
    still: bool = False  #: who took it up is told that it still stands; nobody is to answer


def isa_state(axes: Axes, now: datetime) -> IsaState:
    """The state in the letters of ISA-18.2, first match wins.

    G out of service, F suppressed, E shelved, B unacknowledged, C acknowledged, D returned to
    normal unacknowledged, A normal.
    """
    if axes.out_of_service(now):
        return "G"
    if axes.suppressed_by is not None:
        return "F"
    if axes.shelved(now):
        return "E"
    if axes.stands:
        return "B" if axes.ack == "unacked" else "C"
    return "D" if axes.ack == "unacked" and not axes.closed else "A"


# ------------------------------------------------------------------------------- acknowledgement


def acknowledge(axes: Axes, now: datetime, terms: Terms, eta: datetime | None = None) -> Move:
    """Somebody takes it up; with an arrival time it holds until a while after that."""
    if axes.ack == "acked" or axes.closed:
        return Move(axes)
    until = None if terms.ack_valid_for is None else now + terms.ack_valid_for
    if until is not None and eta is not None:
        until = max(until, eta + ETA_GRACE)
    closed = axes.condition == "normal" and not axes.latched
    taken = replace(axes, ack="acked", ack_until=None if closed else until, closed=closed)
    return Move(_settled(taken), stop=True)


def unacknowledge(axes: Axes, now: datetime) -> Move:
    """It asks again: the acknowledgement lapsed, a worse level came, or was taken back."""
    if axes.closed or axes.ack != "acked":
        return Move(axes)
    return _told_again(replace(axes, ack="unacked", ack_until=None), now)


def lapse(axes: Axes, now: datetime) -> Move:
    """The time of an acknowledgement is over: if it still stands, it asks again."""
    if axes.ack_until is None or axes.ack_until > now:
        return Move(axes)
    if not axes.stands:
        return Move(replace(axes, ack_until=None))
    return unacknowledge(axes, now)


# --------------------------------------------------------------------------- condition and latch


def observe(axes: Axes, condition: Condition, terms: Terms) -> Move:
    """The evaluator says how it stands; what is over closes, unless somebody must see it."""
    if axes.closed:
        return Move(axes)
    ack = axes.ack
    if condition == "normal" and ack == "unacked" and terms.auto_ack_on_clear:
        ack = "none"
    closed = condition == "normal" and not axes.latched and ack != "unacked"
    seen = replace(axes, condition=condition, ack=ack, closed=closed)
    return Move(_settled(seen), stop=closed)


def worsen(axes: Axes, now: datetime, *, past_shelf: bool = False) -> Move:
    """It got worse: it asks again, and what was shelved as less bad comes off the shelf."""
    if axes.closed:
        return Move(axes)
    worse = replace(axes, ack="unacked", ack_until=None)
    if past_shelf and worse.shelved(now):
        worse = replace(worse, shelved_until=None)
    return Move(worse, tell=worse.stands and not worse.muted(now))


def reset(axes: Axes) -> Move:
    """A person resets a latched alarm that is over; it closes. Raises `RefusedError`."""
    if not axes.latched:
        raise RefusedError("This alarm does not latch: there is nothing to reset.")
    if axes.condition != "normal":
        raise RefusedError("What raised this alarm is still there; reset it once that is over.")
    ack: Ack = "acked" if axes.ack == "unacked" else axes.ack
    return Move(_settled(replace(axes, latched=False, ack=ack, closed=True)), stop=True)


# -------------------------------------------------------------------------------------- the shelf


def shelve(axes: Axes, now: datetime, until: datetime, terms: Terms, role: str) -> Move:
    """Put it aside for a time. Raises `RefusedError`.

    A critical alarm (priority 1) is shelved by a manager, for an hour at most, and not again while
    it is on the shelf: it comes back in between, and everybody sees that it does.
    """
    longest = terms.longest_shelf
    if axes.closed:
        raise RefusedError("This alarm is over and closed: there is nothing to shelve.")
    if until <= now:
        raise RefusedError("A shelf must end later than now; choose a later time.")
    if terms.priority == CRITICAL:
        longest = min(longest, CRITICAL_SHELF)
        _refuse_critical(axes, now, role)
    if until - now > longest:
        raise RefusedError(
            f"An alarm of priority {terms.priority} is shelved for {spoken(longest)} at most;"
            " choose an earlier end."
        )
    aside = replace(axes, shelved_until=until, shelf_count=axes.shelf_count + 1, tell_at=None)
    return Move(aside, stop=True)


def _refuse_critical(axes: Axes, now: datetime, role: str) -> None:
    if role not in MANAGERS:
        raise RefusedError("Only a manager shelves a critical alarm; acknowledge it instead.")
    if axes.shelved(now):
        raise RefusedError(
            "A critical alarm on the shelf is not shelved for longer: let it come back first."
        )
    if axes.shelf_count and axes.ack == "unacked":
        raise RefusedError(
            "This critical alarm was on the shelf before; acknowledge it before shelving it again."
        )


def unshelve(axes: Axes, now: datetime) -> Move:
    """Take it off the shelf, early or at its end; its acknowledgement is as it was."""
    if axes.shelved_until is None:
        return Move(axes)
    return _told_again(replace(axes, shelved_until=None), now)


# ------------------------------------------------------------------------ suppression and service


def suppress(axes: Axes, by: str) -> Move:
    """Another alarm explains it: it is kept, and told to nobody."""
    if axes.closed or axes.suppressed_by == by:
        return Move(axes)
    return Move(replace(axes, suppressed_by=by, tell_at=None), stop=True)


def release(axes: Axes, now: datetime, grace: timedelta) -> Move:
    """What suppressed it is over; if it still stands after a while, it is told."""
    if axes.suppressed_by is None:
        return Move(axes)
    return Move(_settled(replace(axes, suppressed_by=None, tell_at=now + grace)))


def take_out(axes: Axes, until: datetime) -> Move:
    """Its gauge goes out of service; the evaluator keeps recording."""
    if axes.closed or axes.out_of_service_until == until:
        return Move(axes)
    return Move(replace(axes, out_of_service_until=until, tell_at=None), stop=True)


def put_back(axes: Axes, now: datetime) -> Move:
    """Its gauge is in service again."""
    if axes.out_of_service_until is None:
        return Move(axes)
    return _told_again(replace(axes, out_of_service_until=None), now)


def due(axes: Axes, now: datetime) -> Move:
    """The wait is over: what still stands, and nothing else keeps quiet, is told."""
    if axes.tell_at is None or axes.tell_at > now:
        return Move(axes)
    waited = replace(axes, tell_at=None)
    news = waited.stands and not waited.muted(now)
    return Move(waited, tell=news and waited.ack == "unacked", still=news and waited.ack == "acked")


def _told_again(axes: Axes, now: datetime) -> Move:
    """What stands is told by the work process in its next round, wherever the move was made."""
    return Move(_settled(replace(axes, tell_at=now)))


def _settled(axes: Axes) -> Axes:
    """What is over has nothing left to tell."""
    return axes if axes.stands else replace(axes, tell_at=None, ack_until=None)


def spoken(length: timedelta) -> str:
    """A length of time as people say it: 90 s, 60 min, 8 h, 7 days."""
    seconds = round(length.total_seconds())
    for size, word in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:g} {word}"
    return f"{seconds} s"
