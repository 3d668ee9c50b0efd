"""Kill agent, ingest, work, broker and database, each several times; then count every reading.

1. Raise a whole installation on loopback; four devices serve counters and write down what they
   served; ten alarm rules wait for ten of the counters.
2. Kill one part after another with SIGKILL, in shuffled rounds, and start it again.
3. Let it drain. Every value served must be stored exactly once, but for those read within the
   last second before a kill of the agent; the audit must agree; each alarm must be there once and
   have arrived.
4. Back up, run on, restore. Every value must be back: the agent sends again what the backup lacks.

Bounded to about five minutes. Exit 0 when all holds, 1 when not, 3 when it cannot be run here.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.chaos.plant import PARTS, Plant
from bench.chaos.verdict import Alarms, Counted, alarms, count
from hub.errors import HubError

DRAIN_S = 40.0
SETTLE_S = 5.0  #: of undisturbed running after the last kill


class Chaos:
    """One run: the plant, its kills, and what was found."""

    def __init__(self, plant: Plant, chance: random.Random) -> None:
        """Nothing has been killed yet."""
        self.plant, self.chance = plant, chance
        self.kills: dict[str, list[int]] = {part: [] for part in PARTS}
        self.start = time.monotonic()

    def say(self, words: str) -> None:
        """One line with the seconds since the start."""
        print(f"{time.monotonic() - self.start:6.1f} s  {words}", file=sys.stderr, flush=True)

    def strike(self, rounds: int) -> None:
        """Kill every part once in each round, in an order of its own."""
        for number in range(1, rounds + 1):
            parts = list(PARTS)
            self.chance.shuffle(parts)
            self.say(f"round {number} of {rounds}: {', '.join(parts)}")
            for part in parts:
                time.sleep(self.chance.uniform(1.5, 3.5))
                self.kills[part].append(time.time_ns() // 1_000_000)
                self.plant.kill(part)
                time.sleep(self.chance.uniform(0.3, 1.5))
                self.plant.start(part)
                self._look_after()

    def _look_after(self) -> None:
        """A part that ended by itself is started again, as a supervisor would, and named."""
        for part in ("ingest", "work", "agent", "site"):
            child = self.plant.children.get(part)
            if child is not None and not child.alive:
                self.say(f"{part} ended by itself (exit {child.process.returncode})")
                self.plant.start(part)

    def drained(self) -> Counted:
        """Wait until everything served a moment ago is stored, or patience ends."""
        until = time.time_ns() // 1_000_000
        deadline = time.monotonic() + DRAIN_S
        while True:
            self._look_after()
            found = count(self.plant, until, self.kills["agent"])
            if found.ok or found.doubled or time.monotonic() > deadline:
                return found
            time.sleep(1)

    def judged(self) -> Alarms:
        """Wait until every alarm that is due is there and has arrived, or patience ends."""
        deadline = time.monotonic() + DRAIN_S
        while True:
            found = alarms(self.plant)
            if found.ok or time.monotonic() > deadline:
                return found
            time.sleep(1)

    def audit(self) -> dict[str, Any]:
        """What `wellflow-hub audit --json` answers."""
        child = self.plant.run_hub("audit", "--json")
        return last_json(child.log)

    def restored(self, seconds: float) -> Counted:
        """Back up, run on, restore, and let the agent send again what the backup lacks."""
        copy = self.plant.folder / "backup.zip"
        self._verb("backup", str(copy))
        self.say(f"backed up {copy.stat().st_size // 1024} kB; running on for {seconds:.0f} s")
        time.sleep(seconds)
        before = self.plant.query("SELECT count(*) FROM readings")[0][0]
        for part in ("ingest", "work"):
            self.plant.stop(part)
        self.plant.owner.dispose()
        self._verb("restore", str(copy), "--replace")
        after = self.plant.query("SELECT count(*) FROM readings")[0][0]
        self.say(f"restored: {after} readings, where {before} had been; starting the hub again")
        if after == before:
            raise HubError("the backup holds as much as the database; nothing was put to the test")
        for part in ("ingest", "work"):
            self.plant.start(part)
        return self.drained()

    def _verb(self, *words: str) -> None:
        child = self.plant.run_hub(*words)
        if child.process.returncode:
            raise HubError(f"{words[0]} failed:\n{child.tail()}")


def last_json(log: Path) -> dict[str, Any]:
    """The JSON object a verb printed last; its log holds what earlier calls printed too."""
    lines = log.read_text(encoding="utf-8").splitlines()
    found: dict[str, Any] = json.loads(next(line for line in reversed(lines) if line[:1] == "{"))
    return found


def run(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The whole course of events; returns the report."""
    plant = Plant(folder)
    chaos = Chaos(plant, random.Random(options.seed))
    try:
        chaos.say("raising database, broker, hub, site and agent")
        plant.raise_up()
        chaos.strike(options.rounds)
        time.sleep(SETTLE_S)
        chaos.say("letting it drain")
        report: dict[str, Any] = {"seed": options.seed}
        report["kills"] = {part: len(at) for part, at in chaos.kills.items()}
        report["after_kills"] = _told(chaos, "after the kills", chaos.drained())
        report["alarms"] = _told(chaos, "alarms", chaos.judged())
        report["audit"] = _audit(chaos)
        if options.after_backup:
            report["after_restore"] = _told(
                chaos, "after the restore", chaos.restored(options.after_backup)
            )
            report["audit_after_restore"] = _audit(chaos)
        report["seconds"] = round(time.monotonic() - chaos.start, 1)
        return report
    finally:
        plant.end()


def _told(chaos: Chaos, when: str, found: Counted | Alarms) -> dict[str, Any]:
    shown = asdict(found) | {"ok": found.ok}
    chaos.say(f"{when}: " + ", ".join(f"{key} {_short(value)}" for key, value in shown.items()))
    return shown


def _short(value: object) -> object:
    return len(value) if isinstance(value, list | tuple) else value


def _audit(chaos: Chaos) -> dict[str, Any]:
    found = chaos.audit()
    chaos.say(f"audit: ok {found['ok']}, {found['readings']}")
    return {"ok": found["ok"], "faults": found["faults"], **found["readings"]}


def main() -> int:
    """Run it in a folder that the database's account may pass."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3, help="how often each part is killed")
    options.add_argument("--after-backup", type=float, default=120.0, metavar="SECONDS")
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options.add_argument("--keep", action="store_true", help="keep the folder with all logs")
    chosen = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="wellflow-chaos-", dir="/var/tmp"))
    folder.chmod(0o755)
    try:
        report = run(chosen, folder)
    except HubError as fault:
        print(f"chaos cannot go on: {fault}", file=sys.stderr)
        return 3
    finally:
        if chosen.keep:
            print(f"kept: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(report, default=str))
    found = [part for part in report.values() if isinstance(part, dict) and "ok" in part]
    return 0 if all(part["ok"] for part in found) else 1


if __name__ == "__main__":
    sys.exit(main())
