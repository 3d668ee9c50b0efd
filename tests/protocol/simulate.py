"""Runs many seeds, or replays one: ``python -m tests.protocol.simulate --seed 17 --trace``."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import fields

from tests.protocol.judge import Outcome, judge
from tests.protocol.plan import KINDS, only, plan_for
from tests.protocol.world import play

FIGURES = [f.name for f in fields(Outcome) if f.type == "int" and f.name != "drained_in"]


def outcome(seed: int, *, ram: bool = False) -> Outcome:
    """Play one seed and judge it."""
    return judge(play(plan_for(seed, ram=ram)))


def retell(seed: int, *, ram: bool = False, last: int | None = None) -> str:
    """What happened in one seed, event by event."""
    world = play(plan_for(seed, ram=ram), tracing=True)
    events = world.events if last is None else world.events[-last:]
    return "\n".join([str(world.plan), *events, *judge(world).faults])


def _one(job: tuple[int, bool]) -> tuple[int, Outcome | str]:
    seed, ram = job
    try:
        return seed, outcome(seed, ram=ram)
    except Exception as fault:  # noqa: BLE001 - told with its seed by whoever asked
        return seed, f"{type(fault).__name__}: {fault}"


def run_many(
    seeds: Iterable[int], *, ram: bool = False, processes: int = 2
) -> Iterator[tuple[int, Outcome | str]]:
    """Play many seeds, some at a time."""
    jobs = [(seed, ram) for seed in seeds]
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        yield from pool.imap_unordered(_one, jobs, chunksize=10)


def main() -> int:
    """Read the command line; returns 1 if any run lost, doubled or held up anything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="replay one seed")
    parser.add_argument("--trace", action="store_true", help="print every event")
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--ram", action="store_true", help="with snapshots of disk and memory")
    parser.add_argument("--only", nargs="+", choices=list(KINDS), help="these faults, no others")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    if options.only:
        return _table_of(options)
    if options.seed is not None:
        print(retell(options.seed, ram=options.ram) if options.trace else outcome(options.seed))
        return 0
    return _many(options)


def _table_of(options: argparse.Namespace) -> int:
    seeds = [options.seed] if options.seed is not None else range(options.seeds)
    for seed in seeds:
        world = play(only(seed, *options.only), tracing=options.trace)
        print("\n".join([*world.events, f"seed {seed}: {judge(world)}"]))
    return 0


def _many(options: argparse.Namespace) -> int:
    total: Counter[str] = Counter()
    bad, began = 0, time.monotonic()
    seeds = range(options.first, options.first + options.seeds)
    for seed, result in run_many(seeds, ram=options.ram, processes=options.processes):
        if isinstance(result, str) or result.faults:
            bad += 1
            print(f"seed {seed}: {result if isinstance(result, str) else result.faults}")
        if isinstance(result, Outcome):
            total.update({name: getattr(result, name) for name in FIGURES})
    print(f"{options.seeds} seeds in {time.monotonic() - began:.0f} s; {bad} bad")
    print(" ".join(f"{name}={total[name]}" for name in FIGURES))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
