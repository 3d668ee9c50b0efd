"""Counts every reading at the end of a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.protocol.world import World

#: What must not be.
CRIMES = ("lost", "doubled", "mistimed", "unnamed", "thinned_records")


@dataclass
class Outcome:
    """What became of the readings of one run."""

    readings: int = 0
    stored: int = 0
    lost: int = 0  #: committed, on no replaced disk, not stored, in no declared gap
    doubled: int = 0
    #: stored at its true time, and again at the time of a clock never confirmed: an old copy of a
    #: disk holds what was re-timed elsewhere, and nobody can tell that it is the same
    guessed_too: int = 0
    stuck: list[str] = field(default_factory=list)
    died: int = 0  #: not stored, and only ever on a disk that was replaced
    thinned: int = 0  #: not stored, and declared
    released: int = 0  #: not stored, declared as receipted once and evicted
    #: went with a restored database, aged away at the box, and a copy of the box used its number:
    #: nobody is left who knows that there were two
    hidden: int = 0
    untrue: int = 0  #: stored, and yet declared as gone
    mistimed: int = 0  #: stamped by a confirmed clock, and yet seconds off
    records: int = 0  #: alarms and entries among the readings
    thinned_records: int = 0  #: declared as gone to save space, though records never go
    unnamed: int = 0  #: streams that ended early without anyone saying so
    messages: int = 0
    blocks: int = 0
    blocks_sent: int = 0
    drained_in: int = 0
    examples: dict[str, list[int]] = field(default_factory=dict)

    @property
    def faults(self) -> list[str]:
        """What must not be."""
        out = [f"{len(self.stuck)} streams stuck: {' '.join(self.stuck)}"] if self.stuck else []
        counts = {n: getattr(self, n) for n in CRIMES}
        return out + [f"{c} {n} {self.examples.get(n, '')}" for n, c in counts.items() if c]


def judge(world: World) -> Outcome:
    """Find out what became of every reading."""
    ledger, database = world.ledger, world.office.database
    stored = database.stored
    missing = ledger.committed - stored
    declared, released = database.declared_gone(ledger)
    if not world.plan.may_release:
        released = set()
    released |= ledger.outlived
    died = missing & ledger.died
    unexplained = missing - ledger.died - declared - released
    hidden = unexplained & ledger.aged & ledger.twofold()
    unexplained -= hidden
    counts, guessed = database.counts, database.guessed
    doubled = [v for times in (counts, guessed) for v, count in times.items() if count > 1]
    mistimed = [] if world.plan.ram else list(_mistimed(world))
    return Outcome(
        readings=len(ledger.committed),
        stored=len(stored),
        lost=len(unexplained),
        doubled=len(doubled),
        guessed_too=len(counts.keys() & guessed.keys()),
        stuck=_stuck(world),
        died=len(died),
        thinned=len((missing - died) & declared),
        released=len((missing - died - declared) & released),
        hidden=len(hidden),
        untrue=len(stored & declared),
        records=len(ledger.records & ledger.committed),
        thinned_records=len(ledger.records & (missing - died) & declared),
        mistimed=len(mistimed),
        unnamed=ledger.counts["unnamed"],
        messages=ledger.messages,
        blocks=len(ledger.contents),
        blocks_sent=ledger.blocks_sent,
        drained_in=world.drained_in or 0,
        examples={
            "lost": sorted(unexplained)[:12],
            "doubled": sorted(doubled)[:12],
            "mistimed": mistimed[:12],
        },
    )


def _stuck(world: World) -> list[str]:
    """Streams the living box still waits for, or of which the hub knows another end."""
    box, rows = world.boxes[0], world.office.database.rows
    if world.drained_in is None:
        return [stream[:6] for stream in box.waiting()] or ["something"]
    return [
        f"{s.id[:6]} ends at {s.issued}, the hub is at {rows[s.id].number if s.id in rows else 0}"
        for s in box.outbox.streams()
        if s.issued and (s.id not in rows or rows[s.id].number < s.issued)
    ]


def _mistimed(world: World) -> Iterator[int]:
    database = world.office.database
    for value, at in database.times.items():
        if at and abs(at - world.ledger.true_times[value]) > 4000:
            yield value
