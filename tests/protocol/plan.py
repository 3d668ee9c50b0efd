"""What goes wrong in one run, how often, and how large everything is."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

#: Clocks a box may have: disciplined; right but unconfirmed; wrong until the hub is heard; wrong
#: until a time service comes.
CLOCKS = ("set", "unconfirmed", "wrong", "late")


@dataclass(frozen=True, slots=True)
class Plan:
    """One run: sizes, and the chance of each fault (per message, or per step)."""

    seed: int
    steps: int = 300  #: of a second each: how long things go wrong
    #: per message, on the way up and on the way down
    drop: float = 0.0
    repeat: float = 0.0
    reorder: float = 0.0
    stale: float = 0.0  #: delivered once more, much later
    #: per step
    link_cut: float = 0.0
    session_lost: float = 0.0  #: the broker forgets what it queued for the hub
    hub_crash: float = 0.0  #: per transaction, before or after its commit
    restore: float = 0.0  #: the hub's database comes back from a backup
    power_cut: float = 0.0
    image: float = 0.0  #: the box comes back from a copy of its disk
    lying_disk: float = 0.0  #: a power cut takes commits that the disk had confirmed
    twin: float = 0.0  #: a copy of the box runs beside it for a while, under the same account
    ram: float = 0.0  #: the box comes back from a copy of its disk and memory
    disk_error: float = 0.0  #: a statement of the outbox fails
    seal: float = 0.0  #: the live stream is sealed without an outage
    reconfigure: float = 0.0  #: chance that a program start finds another configuration
    outages: tuple[int, ...] = (1, 4, 12)  #: steps a cut or a crash lasts
    backup: float = 0.05
    backups_kept: int = 1  #: a restore takes any of so many
    consumers: int = 1
    split: bool = False  #: two consumers share the messages instead of each getting all
    max_bytes: int = 1_000_000
    keep_receipted_s: float = 100_000.0
    clocks: tuple[str, ...] = ("set",)
    window: int = 4
    seal_after: int = 6
    cut_points: int = 6

    @property
    def may_release(self) -> bool:
        """Whether what left the box may be gone from it before the hub has it for good."""
        aged = self.keep_receipted_s < 100_000 or not {"wrong", "late"}.isdisjoint(self.clocks)
        return self.max_bytes < 1_000_000 or (aged and self.restore > 0)


Tweak = Callable[[random.Random], dict[str, object]]


def _often(name: str, *rates: float) -> Tweak:
    return lambda rng: {name: rng.choice(rates)}


#: Every kind of fault, by name: what it does to a plan.
KINDS: dict[str, Tweak] = {
    "drop": _often("drop", 0.02, 0.1, 0.3),
    "repeat": _often("repeat", 0.05, 0.3),
    "reorder": _often("reorder", 0.05, 0.4),
    "stale": _often("stale", 0.02, 0.1),
    "link": lambda rng: {
        "link_cut": rng.choice((0.01, 0.05)),
        "outages": rng.choice(((1, 4, 12), (1, 60), (30, 120))),
    },
    "session": _often("session_lost", 0.01, 0.05),
    "hub": _often("hub_crash", 0.02, 0.1),
    "restore": lambda rng: {
        "restore": rng.choice((0.005, 0.02)),
        "backups_kept": rng.choice((1, 1, 4)),
    },
    "power": _often("power_cut", 0.01, 0.05),
    "image": _often("image", 0.004, 0.015),
    "lying": _often("lying_disk", 0.004, 0.02),
    "twin": _often("twin", 0.004, 0.01),
    "errors": _often("disk_error", 0.02, 0.1),
    "seal": _often("seal", 0.01, 0.05),
    "config": _often("reconfigure", 0.5),
    "consumers": lambda rng: {"consumers": 2, "split": rng.random() < 0.4},
    "bound": lambda rng: {"max_bytes": rng.choice((1500, 3000, 6000))},
    "short": lambda rng: {"keep_receipted_s": rng.choice((20.0, 100.0))},
    "clock": lambda rng: {"clocks": tuple(rng.sample(CLOCKS, 2))},
}


def plan_for(seed: int, *, ram: bool = False) -> Plan:
    """Draw a plan: a few kinds of faults, many, or all of them."""
    rng = random.Random(seed)
    names = list(KINDS)
    wanted = rng.choice((2, 4, 8, 12, len(names)))
    plan = only(seed, *rng.sample(names, wanted))
    sizes = {
        "steps": rng.choice((90, 150, 300)),
        "window": rng.choice((1, 2, 4, 8)),
        "seal_after": rng.choice((2, 6, 12)),
        "cut_points": rng.choice((3, 6, 12)),
    }
    plan = replace(plan, **sizes)
    return replace(plan, ram=rng.choice((0.005, 0.015))) if ram else plan


def only(seed: int, *kinds: str) -> Plan:
    """Make a plan with certain kinds of faults and no others."""
    rng = random.Random(f"{seed}/{kinds}")
    plan = Plan(seed)
    for kind in kinds:
        plan = replace(plan, **KINDS[kind](rng))  # type: ignore[arg-type]
    return plan
