"""Holds what the site served against what the database has."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.chaos.plant import Plant

LAST_SECOND_MS = 1_000
SLACK_MS = 50  #: between the site's note and the agent's stamp
QUIET_S = 10.0  #: the devices are read every second

Value = tuple[str, float]  #: tag and count; every count of a tag is served once

_STORED = """
    SELECT t.name, r.value, count(*) FROM readings r JOIN tags t ON t.id = r.tag_id
     WHERE r.value IS NOT NULL GROUP BY 1, 2
"""
_ALERTS = """
    SELECT r.name, (min(f.first_at) IS NOT NULL)::int, count(a.id),
           min(a.raised_at) IS NOT DISTINCT FROM min(f.first_at)
      FROM alert_rules r
      JOIN LATERAL (SELECT min(time) AS first_at FROM readings
                     WHERE tag_id = r.tag_id
                       AND value >= (r.params->'levels'->'hi'->>'setpoint')::float) f ON true
      LEFT JOIN alerts a ON a.rule_id = r.id
     GROUP BY 1 ORDER BY 1
"""
_PAGES = """
    SELECT idempotency_key, state FROM notifications WHERE kind = 'raised'
"""


@dataclass(frozen=True, slots=True)
class Served:
    """One value the site handed out, and when (wall milliseconds)."""

    value: Value
    at: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What became of the values served."""

    served: int
    stored: int
    doubled: Sequence[Value] = ()
    missing: Sequence[Served] = ()  #: not stored, and no kill of the agent explains it
    excused: int = 0  #: not stored, read within the last second before a kill of the agent
    quiet_s: float = 0.0  #: since the newest of them; a site nobody asks any more proves nothing

    @property
    def ok(self) -> bool:
        """Whether every value is there exactly once, and new ones keep coming."""
        return not self.missing and not self.doubled and self.quiet_s < QUIET_S


@dataclass(frozen=True, slots=True)
class Alarms:
    """What became of the rules whose counters crossed their limits."""

    due: int
    faults: Sequence[str] = field(default_factory=list)
    pages: int = 0  #: notifications of a raise
    delivered: int = 0  #: of those, with a letter in the mailbox
    letters: int = 0  #: letters in the mailbox; a repeat carries the same key

    @property
    def ok(self) -> bool:
        """Whether each alarm is there once, and so is its page, and it arrived."""
        return not self.faults and self.due == self.pages == self.delivered


def served_until(journal: Path, until_ms: int) -> list[Served]:
    """What the site wrote down before a moment."""
    found = []
    with journal.open(encoding="utf-8") as lines:
        for line in lines:
            if not line.endswith("\n"):
                break  # being written at this moment
            note = json.loads(line)
            if note["ms"] <= until_ms:
                found.append(Served((note["tag"], float(note["value"])), int(note["ms"])))
    return found


def count(plant: Plant, until_ms: int, agent_kills: Iterable[int]) -> Counted:
    """Compare values served before a moment with those stored."""
    kills = list(agent_kills)
    stored: Counter[Value] = Counter()
    for tag, value, times in plant.query(_STORED):
        stored[str(tag), float(str(value))] = int(str(times))
    served = served_until(plant.journal, until_ms)
    absent = [one for one in served if one.value not in stored]
    missing = [one for one in absent if not _excused(one.at, kills)]
    return Counted(
        len(served),
        sum(1 for one in served if one.value in stored),
        [value for value, times in stored.items() if times > 1],
        missing,
        len(absent) - len(missing),
        round((until_ms - max((one.at for one in served), default=0)) / 1000, 1),
    )


def _excused(at: int, kills: Sequence[int]) -> bool:
    return any(kill - LAST_SECOND_MS - SLACK_MS <= at <= kill + SLACK_MS for kill in kills)


def alarms(plant: Plant) -> Alarms:
    """Each rule whose counter crossed its limit has one alert, raised when it did, and its page."""
    rows = plant.query(_ALERTS)
    faults = [
        f"{name}: {number} alerts instead of {due}"
        if number != due
        else f"{name}: raised at another moment"
        for name, due, number, on_time in rows
        if number != due or not on_time
    ]
    due = sum(int(str(row[1])) for row in rows)
    pages = plant.query(_PAGES)
    letters = Counter(str(letter.message["Message-ID"]) for letter in plant.office.letters())
    arrived = sum(1 for key, _ in pages if any(str(key) in name for name in letters))
    return Alarms(due, faults, len(pages), arrived, sum(letters.values()))
