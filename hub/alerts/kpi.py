"""How many alarms people get, against what a person can answer (ISA-18.2-2016, EEMUA 191).

An "operating position" is here a person on call: what counts is what was sent to that person, each
alarm once however many of their channels it went to. What nobody was told of loads nobody.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

PERIOD: Final = timedelta(days=30)  #: shorter says little
SLOT: Final = timedelta(minutes=10)
FLOOD: Final = 10  #: more alarms than this in a slot are a flood
CHATTER: Final = 3  #: so many alarms of one rule in a slot chatter
FLEETING: Final = timedelta(minutes=1)  #: over within it, and not chattering
STALE_AFTER: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Target:
    """What is good, and what is too much."""

    name: str
    good: float
    most: float
    unit: str = ""

    def verdict(self, value: float) -> str:
        """ok, caution or critical: the tone it is shown in."""
        return "ok" if value <= self.good else "caution" if value <= self.most else "critical"


PER_DAY: Final = Target("Alarms a day", 150, 300)
PER_HOUR: Final = Target("Alarms an hour", 6, 12)
PER_SLOT: Final = Target("Alarms in 10 min, on average", 1, 2)
FLOODS: Final = Target("Time in flood", 1, 2, "%")
TOP_TEN: Final = Target("Share of the ten worst rules", 5, 20, "%")
STALE: Final = Target("Standing longer than a day", 5, 10)
CHATTERING: Final = Target("Chattering rules", 0, 0)
FLEETING_RULES: Final = Target("Fleeting rules", 0, 0)
MIX: Final = {1: 5.0, 2: 15.0, 3: 80.0}  #: per cent of priority 1, 2, and 3 with 4


@dataclass(frozen=True, slots=True)
class Load:
    """What one person got in a period."""

    user_id: uuid.UUID | None
    name: str
    alarms: int
    per_day: float
    worst_hour: int
    worst_slot: int
    flood_percent: float

    @property
    def per_hour(self) -> float:
        """Alarms an hour, on average."""
        return self.per_day / 24

    @property
    def tone(self) -> str:
        """How it stands against the targets: the worst of them."""
        verdicts = (PER_DAY.verdict(self.per_day), FLOODS.verdict(self.flood_percent))
        return next((tone for tone in ("critical", "caution") if tone in verdicts), "ok")


@dataclass(frozen=True, slots=True)
class Nuisance:
    """What one rule raised on one gauge in a period, and how much of it came and went.

    *Chattering* are alarms of which three or more began within ten minutes; *fleeting* is what was
    over within a minute and did not repeat at once (ISA-18.2).
    """

    rule_id: uuid.UUID
    rule: str
    gauge: str  #: its tag; empty for what watches none
    place: str
    alarms: int
    chattering: int
    fleeting: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What an operator's alarms come to in a period."""

    since: datetime
    alarms: int
    mix: Mapping[int, float]  #: per cent by priority, 4 with 3
    top_ten_percent: float
    nuisances: tuple[Nuisance, ...]  #: rules that chatter or are fleeting, the worst first
    stale: int
    people: tuple[Load, ...]

    @property
    def chattering(self) -> int:
        """Rules that chatter."""
        return sum(one.chattering > 0 for one in self.nuisances)

    @property
    def fleeting(self) -> int:
        """Rules with alarms that come and go."""
        return sum(one.fleeting > 0 for one in self.nuisances)


_SENT = text(
    """
    SELECT c.user_id, coalesce(u.name, c.address) AS name, n.alert_id, min(n.created_at) AS at
    FROM notifications n
    JOIN contact_channels c ON c.id = n.channel_id
    LEFT JOIN users u ON u.id = c.user_id
    WHERE n.created_at > :since AND n.created_at <= :now AND n.alert_id IS NOT NULL
      AND n.kind IN ('raised', 'level') AND n.state IN ('sent', 'delivered')
    GROUP BY c.user_id, coalesce(u.name, c.address), n.alert_id
    """
)

_RAISED = text(
    """
    SELECT a.rule_id, a.priority, a.raised_at, a.cleared_at, r.name AS rule,
           coalesce(t.name, '') AS gauge, coalesce(w.name, a.subject, '') AS place
    FROM alerts a
    JOIN alert_rules r ON r.id = a.rule_id
    LEFT JOIN tags t ON t.id = a.tag_id
    LEFT JOIN wells w ON w.id = a.well_id
    WHERE a.raised_at > :since AND a.raised_at <= :now AND a.retracted_at IS NULL
    ORDER BY a.raised_at, a.id
    """
)

_STALE = text(
    """
    SELECT count(*) FROM alerts
    WHERE closed_at IS NULL AND condition <> 'normal' AND raised_at < :before
    """
)


def figures(session: Session, now: datetime, period: timedelta = PERIOD) -> Figures:
    """The figures of what the session may see."""
    values = {"since": now - period, "now": now}
    raised = session.execute(_RAISED, values).all()
    stale = session.scalar(_STALE, {"before": now - STALE_AFTER}) or 0
    by_rule = Counter(row.rule_id for row in raised)
    top = sum(count for _, count in by_rule.most_common(10))
    return Figures(
        since=now - period,
        alarms=len(raised),
        mix=_mix(row.priority for row in raised),
        top_ten_percent=100 * top / len(raised) if raised else 0.0,
        nuisances=tuple(nuisances(raised)),
        stale=int(stale),
        people=tuple(_people(session.execute(_SENT, values).all(), period)),
    )


def _mix(priorities: Iterable[int]) -> dict[int, float]:
    counted = Counter(min(priority, 3) for priority in priorities)
    whole = sum(counted.values()) or 1
    return {priority: 100 * counted[priority] / whole for priority in MIX}


def nuisances(raised: Iterable[Any]) -> list[Nuisance]:
    """Rules and gauges whose alarms chatter or are fleeting, the worst first."""
    grouped: dict[tuple[uuid.UUID, str], list[Any]] = defaultdict(list)
    for row in raised:
        grouped[row.rule_id, row.gauge].append(row)
    found = []
    for (rule_id, gauge), rows in grouped.items():
        chattering, fleeting = coming_and_going([(r.raised_at, r.cleared_at) for r in rows])
        if chattering or fleeting:
            last = rows[-1]
            found.append(
                Nuisance(rule_id, last.rule, gauge, last.place, len(rows), chattering, fleeting)
            )
    return sorted(found, key=lambda one: (-one.chattering, -one.fleeting, one.rule, one.gauge))


def coming_and_going(spells: Sequence[tuple[datetime, datetime | None]]) -> tuple[int, int]:
    """How many alarms of one rule and gauge chatter, and how many more are fleeting."""
    ordered = sorted(spells, key=lambda spell: spell[0])
    chatter: set[int] = set()
    first = 0
    for last, (begun, _) in enumerate(ordered):
        while begun - ordered[first][0] >= SLOT:
            first += 1
        if last - first + 1 >= CHATTER:
            chatter.update(range(first, last + 1))
    fleeting = sum(
        n not in chatter and ended is not None and ended - begun < FLEETING
        for n, (begun, ended) in enumerate(ordered)
    )
    return len(chatter), fleeting


def _people(rows: Sequence[Any], period: timedelta) -> list[Load]:
    got: dict[tuple[uuid.UUID | None, str], list[datetime]] = defaultdict(list)
    for row in rows:
        got[row.user_id, row.name].append(row.at)
    loads = [load(user, name, instants, period) for (user, name), instants in got.items()]
    return sorted(loads, key=lambda one: -one.alarms)


def load(
    user_id: uuid.UUID | None, name: str, instants: Sequence[datetime], period: timedelta
) -> Load:
    """What a person got, from when each alarm was first sent to them."""
    slots = Counter(instant.timestamp() // SLOT.total_seconds() for instant in instants)
    floods = sum(count > FLOOD for count in slots.values())
    return Load(
        user_id,
        name,
        len(instants),
        len(instants) / (period / timedelta(days=1)),
        worst(instants, timedelta(hours=1)),
        worst(instants, SLOT),
        100 * floods / (period / SLOT),
    )


def worst(instants: Iterable[datetime], length: timedelta) -> int:
    """The most instants within any stretch of this length."""
    ordered = sorted(instants)
    first = most = 0
    for last, instant in enumerate(ordered):
        while instant - ordered[first] >= length:
            first += 1
        most = max(most, last - first + 1)
    return most
