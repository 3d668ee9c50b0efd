"""What the evaluator takes in, remembers and gives out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

ChangeKind = Literal["raised", "level", "cleared", "frozen", "unfrozen"]
Condition = Literal["normal", "pending_on", "active", "pending_off", "unknown"]

NORMAL, PENDING_ON, ACTIVE, PENDING_OFF = range(4)


@dataclass(frozen=True, slots=True)
class Samples:
    """Readings of one tag in order of time; the three sequences have the same length."""

    times: Sequence[int]  #: UTC milliseconds
    values: Sequence[float | None]
    qualities: Sequence[int]


#: A reading of one tag among several: value and quality.
Reading = tuple[float | None, int]


@dataclass(frozen=True, slots=True)
class Rows:
    """Readings of several tags, one row for each instant at which any of them was read."""

    times: Sequence[int]  #: UTC milliseconds, each once
    readings: Sequence[Sequence[Reading | None]]  #: one place per tag; None: not read then


def merge(parts: Sequence[Samples]) -> Rows:
    """Put the readings of several tags into rows, in order of time."""
    rows: dict[int, list[Reading | None]] = {}
    for place, part in enumerate(parts):
        for at, value, quality in zip(part.times, part.values, part.qualities, strict=True):
            row = rows.get(at)
            if row is None:
                row = rows[at] = [None] * len(parts)
            row[place] = (value, quality)
    times = sorted(rows)
    return Rows(times, [rows[at] for at in times])


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened to a spell."""

    kind: ChangeKind
    at: int  #: when it began: the first sample of the delay that has elapsed
    seen_at: int  #: the sample at which it was certain
    level: str
    value: float | None  #: the value of that sample
    extreme: float  #: the worst value of the spell so far
    raised_at: int  #: names the spell
    worse: bool = False  #: of a change of level: to one that needs a new look


@dataclass(slots=True)
class Phase:
    """Where one level stands."""

    phase: int = NORMAL
    since: int = 0  #: when the pending change began
    held: int = 0  #: milliseconds of the delay that have been seen


@dataclass(slots=True)
class Spell:
    """An alarm that was raised and is not cleared."""

    raised_at: int
    value: float  #: the value at which it was certain
    level: str
    ended: int | None = None  #: when the last level that ended so far did


@dataclass(slots=True)
class State:
    """All that later samples need to know of the earlier ones."""

    at: int = -1  #: newest sample; -1 before the first
    good: bool = False  #: whether the newest sample was good
    frozen_since: int | None = None  #: first of the samples at the end that are not good
    low: float | None = None  #: extremes since any level last left NORMAL
    high: float | None = None
    phases: dict[str, Phase] = field(default_factory=dict)  #: levels that are not NORMAL
    spell: Spell | None = None
    raises: list[int] = field(default_factory=list)  #: of the last hour, where they are counted
    #: What each stage of the rule remembers: its key and its memory. Never changed in place.
    memory: list[Any] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """A small JSON object; equal for equal states."""
        spell = self.spell
        body: dict[str, Any] = {
            "at": self.at,
            "good": self.good,
            "frozen_since": self.frozen_since,
            "low": self.low,
            "high": self.high,
            "phases": {name: asdict(phase) for name, phase in self.phases.items()},
            "spell": None if spell is None else asdict(spell),
        }
        # A program that knows of limits only must be able to take up the state of a limit.
        return (
            body
            | ({"raises": self.raises} if self.raises else {})
            | ({"memory": self.memory} if self.memory else {})
        )

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> State:
        """Take up a saved state; raises KeyError or TypeError when it is not one."""
        phases = {name: Phase(**phase) for name, phase in body["phases"].items()}
        spell = None if body["spell"] is None else Spell(**body["spell"])
        return cls(**(body | {"phases": phases, "spell": spell}))

    def copy(self) -> State:
        """A state of its own, to walk on with."""
        phases = {name: replace(phase) for name, phase in self.phases.items()}
        spell = self.spell and replace(self.spell)
        return replace(self, phases=phases, spell=spell, raises=list(self.raises))

    @property
    def since(self) -> int:
        """Earliest event time that a later change can still name."""
        begun = [phase.since for phase in self.phases.values() if phase.phase == PENDING_ON]
        return min([*begun, self.at, *([self.spell.raised_at] if self.spell else [])])

    @property
    def condition(self) -> Condition:
        """Where the rule as a whole stands."""
        if self.frozen_since is not None:
            return "unknown"
        phases = {phase.phase for phase in self.phases.values()}
        raised = self.spell is not None and (PENDING_ON in phases or not phases)
        if ACTIVE in phases or raised:
            return "active"
        if PENDING_OFF in phases:
            return "pending_off"
        return "pending_on" if PENDING_ON in phases else "normal"
