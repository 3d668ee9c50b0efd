"""Who would be told of a rule's alarms: by policies, rotations and preferences as they are now."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from hub.notify import coverage
from hub.notify.coverage import Told
from hub.notify.messages import duration
from hub.notify.runs import About

MOST_SHOWN: Final = 6
_TOGETHER: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Reach:
    """Who would be told of an alarm of one priority, if nobody took it on before."""

    priority: int
    turns: tuple[Told, ...]  #: those that reach somebody, in order of time

    @property
    def reaches_nobody(self) -> bool:
        """Whether no message would go out."""
        return not self.turns

    @property
    def first(self) -> list[str]:
        """Who is told before anybody else, by name."""
        if not self.turns:
            return []
        soonest = min(turn.after for turn in self.turns)
        return list(dict.fromkeys(t.name for t in self.turns if t.after - soonest <= _TOGETHER))

    @property
    def in_words(self) -> str:
        """All of it: push to Sam Reyes at once; call to Kim Ott after 10 min."""
        if not self.turns:
            return "nobody"
        parts = [f"{turn.sentence} {_when(turn.after)}" for turn in self.turns[:MOST_SHOWN]]
        return "; ".join(dict.fromkeys(parts))


def reached(
    session: Session,
    organization: uuid.UUID,
    about: About,
    priorities: Iterable[int],
    now: datetime,
) -> list[Reach]:
    """Who is told, by priority, the worst first."""
    return [
        Reach(priority, tuple(turn for turn in turns if turn.kinds))
        for priority in sorted(set(priorities))
        for turns in (coverage.told(session, organization, priority, about, now),)
    ]


def first_told(told: Sequence[Reach]) -> dict[str, set[int]]:
    """The priorities of which each person is told before anybody else."""
    found: dict[str, set[int]] = {}
    for reach in told:
        for name in reach.first:
            found.setdefault(name, set()).add(reach.priority)
    return found


def to_json(told: Sequence[Reach]) -> list[dict[str, Any]]:
    """It for programs."""
    return [
        {
            "priority": reach.priority,
            "turns": [
                {
                    "who": turn.name,
                    "by": list(turn.kinds),
                    "after_s": round(turn.after.total_seconds()),
                    "note": turn.note,
                }
                for turn in reach.turns
            ],
        }
        for reach in told
    ]


def _when(after: timedelta) -> str:
    seconds = round(after.total_seconds())
    return "at once" if seconds < 1 else f"after {duration(seconds)}"
