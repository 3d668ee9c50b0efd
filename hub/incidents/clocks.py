"""When something owed to an agency is due: hours, days, working days, the next business day (pure).

Calendar days are counted from the minute: fifteen days after 14:30 is 14:30, which is never later
than the law. Working days end at 17:00 local time, while an agency's office still answers; they
leave out Saturdays, Sundays, and the public holidays of the state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import holidays
from holidays.countries.united_states import UnitedStates

OFFICE_CLOSES: Final = time(17)
#: Time zone of most of each state; the operator's own where the state is not in the list.
ZONES: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("TX", "OK", "KS", "LA", "ND", "SD", "NE", "AR", "MS", "AL"), "America/Chicago"
    ),
    **dict.fromkeys(("NM", "CO", "WY", "MT", "UT", "ID"), "America/Denver"),
    **dict.fromkeys(("CA", "NV", "OR", "WA"), "America/Los_Angeles"),
    **dict.fromkeys(("OH", "PA", "WV", "NY", "MI", "KY", "VA"), "America/New_York"),
    "AZ": "America/Phoenix",
    "AK": "America/Anchorage",
}
#: Shares of the time given at which people are reminded.
REMINDERS: Final = (25, 50, 75, 90)


@dataclass(frozen=True, slots=True)
class Term:
    """How long an agency gives: kind and how many."""

    kind: str  #: immediate, hours, days, working_days, next_business_day
    n: int | None = None

    def __str__(self) -> str:
        if self.kind == "immediate":
            return "at once"
        if self.kind == "next_business_day":
            return "by the next business day"
        unit = {"hours": "hour", "days": "day", "working_days": "working day"}[self.kind]
        return f"within {self.n} {unit}{'' if self.n == 1 else 's'}"


def zone_of(state: str | None, fallback: str) -> ZoneInfo:
    """The time zone an agency's office works in."""
    return ZoneInfo(ZONES.get(state or "", fallback))


def due_at(start: datetime, term: Term, state: str | None, zone: ZoneInfo) -> datetime:
    """When a term that began at `start` ends, in UTC."""
    local = start.astimezone(zone)
    if term.kind == "immediate":
        end = local
    elif term.kind == "hours":
        return start.astimezone(UTC) + timedelta(hours=term.n or 0)
    elif term.kind == "days":
        end = (local.replace(tzinfo=None) + timedelta(days=term.n or 0)).replace(tzinfo=zone)
    else:
        days = 1 if term.kind == "next_business_day" else term.n or 1
        day = after_working_days(local.date(), days, state)
        end = datetime.combine(day, OFFICE_CLOSES, zone)
    return end.astimezone(UTC)


def after_working_days(day: date, n: int, state: str | None) -> date:
    """The n-th day after `day` on which the state's offices are open."""
    while n:
        day += timedelta(days=1)
        if is_working_day(day, state):
            n -= 1
    return day


def is_working_day(day: date, state: str | None) -> bool:
    """Whether the offices of a state, or of the United States, are open."""
    return day.weekday() < 5 and day not in _calendar(state)


@lru_cache(maxsize=64)
def _calendar(state: str | None) -> holidays.HolidayBase:
    """The public holidays of a state; of the United States where it is none of them."""
    known = state if state in UnitedStates.subdivisions else None
    return UnitedStates(subdiv=known)  # type: ignore[no-untyped-call]


def share_passed(start: datetime, due: datetime, now: datetime) -> int:
    """How much of a term has passed, in per cent; 100 and more once it is over."""
    whole = (due - start).total_seconds()
    if whole <= 0:
        return 100
    return max(0, int((now - start).total_seconds() * 100 // whole))


def reminder_due(start: datetime, due: datetime, now: datetime, reminded: int) -> int | None:
    """The share at which people are to be reminded now; None where nothing new has passed."""
    passed = share_passed(start, due, now)
    reached = [share for share in REMINDERS if share <= passed]
    return reached[-1] if reached and reached[-1] > reminded else None


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something a clock could count from."""

    choice: str  #: one of CLOCK_CHOICES
    at: datetime
    human: bool  #: whether a person knew by then
    said: str


@dataclass(frozen=True, slots=True)
class Start:
    """What a clock counts from, in words, and what an agency may say to that."""

    at: datetime
    basis: str
    warning: str | None = None


def discovery(candidates: Sequence[Candidate], choice: str, reason: str | None) -> Start:
    """What deadlines that run from discovery count from.

    The earliest hour at which a person knew, unless people chose another and said why; an alarm
    alone where nobody has looked yet. An earlier alarm is warned of: an agency may hold that the
    operator should have known.
    """
    human = sorted((c for c in candidates if c.human), key=lambda c: c.at)
    alarms = sorted((c for c in candidates if not c.human), key=lambda c: c.at)
    chosen = next((c for c in candidates if c.choice == choice), None)
    if choice != "earliest" and chosen is not None:
        basis = f"{chosen.said}, chosen because: {reason}"
    elif human:
        chosen = human[0]
        basis = f"{chosen.said}, the earliest hour at which a person knew"
    else:
        chosen = alarms[-1]
        basis = f"{chosen.said}; nobody has looked at it yet"
    warning = None
    if alarms and alarms[0].at < chosen.at:
        warning = (
            f"An alarm was earlier ({alarms[0].said}). An agency may hold that you should have"
            " known from then on."
        )
    return Start(chosen.at, basis, warning)
