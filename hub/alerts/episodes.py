"""What the evaluator found, as episodes; and which of them are alerts we already know (pure).

Late data can lengthen an episode, split it, join two, make one appear or vanish. An alert keeps its
identity, and with it what people said to it, as long as its episode still overlaps it in time.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from agent.contract.alarms import Change, Condition, Spell, State


@dataclass(frozen=True, slots=True)
class Step:
    """A change of level within an episode."""

    at: int
    seen_at: int
    level: str
    worse: bool


@dataclass(frozen=True, slots=True)
class Episode:
    """One spell of one rule, as far as it was judged; times are UTC milliseconds."""

    raised_at: int
    first: str  #: the level in force when it began, or when judging it was taken up again
    level: str  #: in force at its end, or now
    value: float  #: when it was certain
    extreme: float
    steps: tuple[Step, ...] = ()
    cleared_at: int | None = None
    frozen_since: int | None = None
    condition: Condition = "active"

    @property
    def open(self) -> bool:
        """Whether it goes on."""
        return self.cleared_at is None


@dataclass(frozen=True, slots=True)
class Known:
    """An alert that stands in the database."""

    id: uuid.UUID
    raised_at: int
    cleared_at: int | None

    @property
    def open(self) -> bool:
        """Whether its condition had not cleared."""
        return self.cleared_at is None


@dataclass(slots=True)
class Matching:
    """Which episode is which alert; both lists in order of time."""

    pairs: list[tuple[Known, Episode]] = field(default_factory=list)
    new: list[Episode] = field(default_factory=list)
    gone: list[Known] = field(default_factory=list)


def fold(start: State, changes: Iterable[Change], end: State) -> list[Episode]:
    """Gather changes into episodes; the first may have been open in `start`, the last in `end`."""
    done: list[Episode] = []
    current = _continued(start.spell, start)
    for change in changes:
        if change.kind == "raised":
            value = change.value or 0.0
            current = Episode(change.at, change.level, change.level, value, change.extreme)
        if current is None:
            continue
        current = replace(current, extreme=change.extreme, level=change.level)
        if change.kind == "level":
            step = Step(change.at, change.seen_at, change.level, change.worse)
            current = replace(current, steps=(*current.steps, step))
        elif change.kind == "cleared":
            done.append(replace(current, cleared_at=change.at, condition="normal"))
            current = None
    if current is not None and end.spell is not None:
        done.append(_still_open(current, end))
    return done


def _continued(spell: Spell | None, state: State) -> Episode | None:
    if spell is None:
        return None
    extreme = _extreme(spell, state)
    return Episode(spell.raised_at, spell.level, spell.level, spell.value, extreme)


def _still_open(episode: Episode, end: State) -> Episode:
    assert end.spell is not None
    return replace(
        episode,
        level=end.spell.level,
        extreme=_extreme(end.spell, end),
        frozen_since=end.frozen_since,
        condition=end.condition,
    )


def _extreme(spell: Spell, state: State) -> float:
    worst = state.low if spell.level in {"lolo", "lo"} else state.high
    return spell.value if worst is None else worst


def match(known: Sequence[Known], episodes: Sequence[Episode], tolerance_ms: int) -> Matching:
    """Find for each episode the alert it is: the open one first, then by longest overlap.

    Two that lie no farther apart than `tolerance_ms` count as touching.
    """
    candidates = [
        (_closeness(alert, episode, tolerance_ms), alert, episode)
        for alert, episode in product(known, episodes)
    ]
    candidates = [candidate for candidate in candidates if candidate[0][1] >= 0]
    candidates.sort(key=lambda c: (*(-part for part in c[0]), c[2].raised_at, c[1].raised_at))
    taken: dict[uuid.UUID, Episode] = {}
    placed: set[int] = set()
    for _, alert, episode in candidates:
        if alert.id not in taken and episode.raised_at not in placed:
            taken[alert.id] = episode
            placed.add(episode.raised_at)
    pairs = [(alert, taken[alert.id]) for alert in known if alert.id in taken]
    return Matching(
        sorted(pairs, key=lambda pair: pair[1].raised_at),
        [episode for episode in episodes if episode.raised_at not in placed],
        [alert for alert in known if alert.id not in taken],
    )


def _closeness(alert: Known, episode: Episode, tolerance_ms: int) -> tuple[int, float]:
    """Whether both still go on, and how long they overlap; negative when they do not touch."""
    start = max(alert.raised_at, episode.raised_at)
    end = min(
        float("inf") if alert.cleared_at is None else alert.cleared_at,
        float("inf") if episode.cleared_at is None else episode.cleared_at,
    )
    return int(alert.open and episode.open), end - start + tolerance_ms
