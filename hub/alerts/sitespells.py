"""Alarms as a site told of them, laid over what the hub has judged by itself (pure).

The hub judges the same readings by the same rules, so where it has judged, its word holds. Beyond
that, while readings are on their way, an alarm stands on the site's record alone; and it stands on
that for good where its readings will never come. Both are one episode where they touch.

All times are UTC milliseconds.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from hub.alerts.episodes import Episode, Step


@dataclass(frozen=True, slots=True)
class Told:
    """One record of a site about one of its alarms."""

    spell: uuid.UUID
    kind: str  #: raised, level, cleared, frozen, unfrozen
    level: str
    value: float | None
    extreme: float | None
    raised_at: int
    at: int
    certain_at: int
    stands: bool = False  #: readings of its time will never come


@dataclass(slots=True)
class SiteSpell:
    """One alarm of a site, from its first record to its last."""

    id: uuid.UUID
    raised_at: int
    first: str
    level: str
    value: float
    extreme: float
    certain_at: int  #: when it was certain that it began
    newest: int  #: its last record
    stands: bool = False
    steps: list[Step] = field(default_factory=list)
    cleared_at: int | None = None
    frozen_since: int | None = None

    @property
    def open(self) -> bool:
        """Whether it goes on as far as the site has told."""
        return self.cleared_at is None

    def beyond(self, horizon: int) -> bool:
        """Whether the hub cannot judge yet, or ever, that it began."""
        return self.stands or self.certain_at > horizon

    def episode(self) -> Episode:
        """The alarm as an episode of its own."""
        frozen = self.frozen_since if self.open else None
        condition = "normal" if not self.open else "unknown" if frozen else "active"
        return Episode(
            self.raised_at,
            self.first,
            self.level,
            self.value,
            self.extreme,
            tuple(self.steps),
            self.cleared_at,
            frozen,
            condition,  # type: ignore[arg-type]
        )


def gather(records: Iterable[Told]) -> list[SiteSpell]:
    """Put records of alarms together, whatever the order they came in; in order of beginning."""
    spells: dict[uuid.UUID, SiteSpell] = {}
    for told in sorted(records, key=lambda told: (told.certain_at, told.kind != "raised")):
        spell = spells.get(told.spell)
        if spell is None:
            value = told.value or 0.0
            extreme = value if told.extreme is None else told.extreme
            spell = spells[told.spell] = SiteSpell(
                told.spell,
                told.raised_at,
                told.level,
                told.level,
                value,
                extreme,
                told.certain_at,
                told.certain_at,
            )
        _take(spell, told)
    return sorted(spells.values(), key=lambda spell: spell.raised_at)


def _take(spell: SiteSpell, told: Told) -> None:
    spell.newest = max(spell.newest, told.certain_at)
    spell.stands = spell.stands or told.stands
    spell.raised_at = min(spell.raised_at, told.raised_at)
    if told.extreme is not None:
        spell.extreme = told.extreme
    if told.kind == "level":
        at = max(told.at, spell.raised_at)
        spell.steps.append(Step(at, told.certain_at, told.level, worse=True))
        spell.level = told.level
    elif told.kind == "cleared":
        spell.cleared_at = max(told.at, spell.raised_at)
    elif told.kind == "frozen":
        spell.frozen_since = max(told.at, spell.raised_at)
    elif told.kind == "unfrozen":
        spell.frozen_since = None


def join(
    episodes: Sequence[Episode], spells: Iterable[SiteSpell], horizon: int, tolerance_ms: int
) -> tuple[list[Episode], dict[int, list[uuid.UUID]]]:
    """Lay a site's alarms over the hub's episodes, which hold up to `horizon`.

    Gives the episodes, and by their beginning which alarms of the site each of them is. An alarm
    that the hub could judge, and did not find, is left out.
    """
    joined = list(episodes)
    places: dict[int, list[uuid.UUID]] = {}
    for spell in spells:
        index = _touching(joined, spell, tolerance_ms)
        if index is not None:
            joined[index] = _both(joined[index], spell, horizon)
        elif spell.beyond(horizon):
            joined.append(spell.episode())
            index = len(joined) - 1
        else:
            continue
        ids = places.setdefault(index, [])
        ids.append(spell.id)
    by_start = {joined[index].raised_at: ids for index, ids in places.items()}
    return sorted(joined, key=lambda episode: episode.raised_at), by_start


def _touching(episodes: Sequence[Episode], spell: SiteSpell, tolerance_ms: int) -> int | None:
    """The episode that overlaps it longest, or lies no farther away than the tolerance."""
    best, longest = None, -1.0
    for index, episode in enumerate(episodes):
        start = max(episode.raised_at, spell.raised_at)
        end = min(_end(episode.cleared_at), _end(spell.cleared_at))
        if end - start + tolerance_ms > longest:
            best, longest = index, end - start + tolerance_ms
    return best if longest >= 0 else None


def _end(cleared_at: int | None) -> float:
    return float("inf") if cleared_at is None else cleared_at


def _both(episode: Episode, spell: SiteSpell, horizon: int) -> Episode:
    """What the hub judged, and beyond its horizon what the site told."""
    raised = min(episode.raised_at, spell.raised_at) if spell.beyond(horizon) else episode.raised_at
    news = tuple(step for step in spell.steps if step.seen_at > horizon)
    known = {(step.at, step.level) for step in episode.steps}
    steps = (*episode.steps, *(step for step in news if (step.at, step.level) not in known))
    both = replace(episode, raised_at=raised, steps=steps)
    if spell.newest <= horizon and not spell.stands:
        return both
    if spell.cleared_at is not None and episode.open:
        end = max(spell.cleared_at, raised)
        return replace(both, cleared_at=end, frozen_since=None, condition="normal")
    if spell.open and not episode.open and spell.newest > horizon:
        return replace(both, cleared_at=None, level=spell.level, condition="active")
    return replace(both, level=spell.level) if news and both.open else both
