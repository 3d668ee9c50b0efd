"""What a rule would have done: alarms over a stretch of readings, and their figures (pure).

The evaluator is the one that judges live, so what is counted here is what would have been recorded.
Readings are taken in slices and only counts and a bounded list of alarms are kept: months of a
gauge that is read every second need no more memory than a day of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from agent.contract.alarm_rules import Rule
from agent.contract.alarms import Change, Rows, Samples, State, advance

DAY_MS: Final = 86_400_000
FLEETING_MS: Final = 60_000
LONG_MS: Final = 600_000
MOST_LISTED: Final = 2_000
#: ISA-18.2: more than ten alarms in ten minutes are a flood.
FLOOD_MS: Final = 600_000
_PORTION: Final = 512  #: readings whose signal is made at once
_LEAST_PORTION: Final = 4


@dataclass(slots=True)
class Alarm:
    """One alarm as it would have been raised; times are UTC milliseconds."""

    raised_at: int
    level: str
    priority: int  #: the worst it reached
    extreme: float
    cleared_at: int | None = None

    def lasted_ms(self, now: int) -> int:
        """How long it lasted, or has lasted by then."""
        return (now if self.cleared_at is None else self.cleared_at) - self.raised_at


@dataclass(slots=True)
class Figures:
    """The alarms of one rule over one stretch of readings."""

    start: int  #: UTC milliseconds
    end: int
    first: int | None = None  #: the first reading
    readings: int = 0
    good: int = 0
    alarms: int = 0
    fleeting: int = 0  #: lasted less than a minute
    long: int = 0  #: lasted longer than ten minutes
    longest_ms: int = 0
    total_ms: int = 0  #: that an alarm stood
    fullest: int = 0  #: most alarms within ten minutes
    by_priority: Counter[int] = field(default_factory=Counter)
    by_day: Counter[date] = field(default_factory=Counter)
    most: int = MOST_LISTED
    listed: list[Alarm] = field(default_factory=list)  #: the first `most`
    standing: bool = False  #: the last one still stands at the end
    _recent: list[int] = field(default_factory=list)

    @property
    def begun(self) -> int:
        """From where on there are readings: a gauge may be younger than the stretch."""
        return self.start if self.first is None else self.first

    @property
    def days(self) -> float:
        """How much time there are readings of."""
        return (self.end - self.begun) / DAY_MS

    @property
    def per_day(self) -> float:
        """Alarms a day, on average."""
        return self.alarms / self.days if self.days else 0.0

    @property
    def fleeting_share(self) -> float:
        """Share of the alarms that lasted less than a minute."""
        return self.fleeting / self.alarms if self.alarms else 0.0

    @property
    def standing_share(self) -> float:
        """Share of the time in which an alarm stood."""
        return self.total_ms / (self.end - self.begun) if self.end > self.begun else 0.0

    def of(self, priorities: Collection[int]) -> int:
        """Alarms of these priorities."""
        return sum(n for priority, n in self.by_priority.items() if priority in priorities)

    def add(self, alarm: Alarm, zone: tzinfo = UTC) -> None:
        """Count an alarm; they come in order of time."""
        lasted = alarm.lasted_ms(self.end)
        self.alarms += 1
        self.fleeting += lasted < FLEETING_MS
        self.long += lasted > LONG_MS
        self.longest_ms = max(self.longest_ms, lasted)
        self.total_ms += lasted
        self.standing = alarm.cleared_at is None
        self.by_priority[alarm.priority] += 1
        self.by_day[_day(alarm.raised_at, zone)] += 1
        self._recent = [at for at in self._recent if at > alarm.raised_at - FLOOD_MS]
        self._recent.append(alarm.raised_at)
        self.fullest = max(self.fullest, len(self._recent))
        if len(self.listed) < self.most:
            self.listed.append(alarm)


def _day(at: int, zone: tzinfo) -> date:
    return datetime.fromtimestamp(at / 1000, zone).date()


class Replay:
    """Judges slices of readings, in order of time, as if the rule had been made at `start`."""

    def __init__(
        self, rule: Rule, start: int, end: int, zone: tzinfo = UTC, most: int = MOST_LISTED
    ) -> None:
        self.rule = rule
        self.figures = Figures(start, end, most=most)
        self._zone = zone
        self._state = State(at=start)
        self._standing: Alarm | None = None

    def take(self, samples: Samples | Rows) -> None:
        """Judge one slice."""
        if self.figures.first is None and samples.times:
            self.figures.first = max(samples.times[0], self.figures.start)
        marks = samples.qualities if isinstance(samples, Samples) else _marks(samples)
        self.figures.readings += len(marks)
        self.figures.good += sum(1 for quality in marks if not quality)
        index, stop, portion = 0, len(samples.times), _PORTION
        while index < stop:
            end = min(index + portion, stop) if self.rule.stages else stop
            self._state, changes, index = advance(self.rule, self._state, samples, index, end)
            # What lies behind a change is made again: of a rule that chatters, less is wasted so.
            portion = max(portion // 2, _LEAST_PORTION) if changes else min(portion * 2, _PORTION)
            for change in changes:
                self._follow(change)

    def finish(self) -> Figures:
        """What came of it; an alarm that still stands counts to the end."""
        if self._standing is not None:
            self.figures.add(self._standing, self._zone)
            self._standing = None
        return self.figures

    def _follow(self, change: Change) -> None:
        if change.kind == "raised":
            priority = self._priority(change.level)
            self._standing = Alarm(change.at, change.level, priority, change.extreme)
        alarm = self._standing
        if alarm is None:
            return
        alarm.extreme, alarm.level = change.extreme, change.level
        alarm.priority = min(alarm.priority, self._priority(change.level))
        if change.kind == "cleared":
            alarm.cleared_at = change.at
            self.figures.add(alarm, self._zone)
            self._standing = None

    def _priority(self, level: str) -> int:
        found = self.rule.level(level)
        return 4 if found is None else found.priority


def _marks(rows: Rows) -> list[int]:
    return [reading[1] for row in rows.readings for reading in row if reading is not None]


def replay(
    rule: Rule,
    slices: Iterable[Samples | Rows],
    start: int,
    end: int,
    *,
    zone: tzinfo = UTC,
    most: int = MOST_LISTED,
) -> Figures:
    """What a rule would have done with these readings; `most` alarms are listed."""
    run = Replay(rule, start, end, zone, most)
    for samples in slices:
        run.take(samples)
    return run.finish()


def columns(figures: Figures, zone: tzinfo = UTC) -> list[tuple[date, int]]:
    """Alarms of every day of the stretch, in order; days without one too."""
    first, last = _day(figures.begun, zone), _day(figures.end, zone)
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [(day, figures.by_day.get(day, 0)) for day in days]


def in_words(figures: Figures) -> str:
    """The one sentence that matters: how often, and how many of them were worth it."""
    days = f"{figures.days:.0f} days" if figures.days >= 1.5 else f"{figures.days * 24:.0f} hours"
    if not figures.readings:
        return f"There are no readings in these {days}."
    if not figures.alarms:
        return f"It would not have fired in these {days}."
    times = "once" if figures.alarms == 1 else f"{figures.alarms:,} times"
    long = "none" if not figures.long else f"{figures.long:,}"
    return f"It would have fired {times} in {days}, {long} lasting more than 10 minutes."


def lasting(ms: int) -> str:
    """A length of time in words people use."""
    seconds = ms / 1000
    for unit, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{seconds / unit:.3g} {word}"
    return f"{seconds:.0f} s"


def to_json(figures: Figures) -> dict[str, object]:
    """All of it for programs."""
    return {
        "from": _iso(figures.start),
        "to": _iso(figures.end),
        "days": round(figures.days, 3),
        "readings": figures.readings,
        "good_readings": figures.good,
        "alarms": figures.alarms,
        "per_day": round(figures.per_day, 3),
        "under_60_s": figures.fleeting,
        "over_10_min": figures.long,
        "longest_s": figures.longest_ms / 1000,
        "standing_share": round(figures.standing_share, 5),
        "most_in_10_min": figures.fullest,
        "still_standing": figures.standing,
        "by_priority": {str(key): figures.by_priority[key] for key in sorted(figures.by_priority)},
        "by_day": {day.isoformat(): count for day, count in sorted(figures.by_day.items())},
        "list": [
            {
                "raised_at": _iso(alarm.raised_at),
                "cleared_at": None if alarm.cleared_at is None else _iso(alarm.cleared_at),
                "level": alarm.level,
                "priority": alarm.priority,
                "extreme": alarm.extreme,
            }
            for alarm in figures.listed
        ],
    }


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
