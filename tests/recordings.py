"""Recorded events of real wells, as samples with their labels."""

from __future__ import annotations

import csv
import gzip
import statistics
from dataclasses import dataclass
from functools import cache

from agent.contract.alarms import Samples
from agent.simulator.recording import BUNDLED, names

STEP_S = 10


@dataclass(frozen=True)
class Recorded:
    """One column of one recording; row n was read 10 n seconds after the start."""

    name: str
    values: tuple[float | None, ...]
    labels: tuple[str, ...]

    @property
    def samples(self) -> Samples:
        """As the evaluator takes it, starting at 0."""
        times = [row * STEP_S * 1000 for row in range(len(self.values))]
        return Samples(times, self.values, [16 if v is None else 0 for v in self.values])

    @property
    def event_begins(self) -> tuple[float, float]:
        """Second of the last row labelled normal, and of the first labelled as the event.

        What lies between was labelled as neither.
        """
        event = next(n for n, label in enumerate(self.labels) if label not in {"", "0.0", "0"})
        normal = [n for n, label in enumerate(self.labels[:event]) if label in {"0.0", "0"}]
        return normal[-1] * STEP_S, event * STEP_S

    @property
    def baseline(self) -> float:
        """Median of the first five minutes."""
        return statistics.median(v for v in self.values[:30] if v is not None)

    @property
    def good(self) -> list[float]:
        """All values, sorted."""
        return sorted(v for v in self.values if v is not None)

    @property
    def hours(self) -> float:
        """How long it lasts."""
        return len(self.values) * STEP_S / 3600


@cache
def recorded(name: str, column: str) -> Recorded:
    """One column of a recording that comes with the program."""
    with gzip.open(BUNDLED / f"{name}.csv.gz", "rt", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return Recorded(
        name,
        tuple(float(row[column]) if row[column] else None for row in rows),
        tuple(row["class"] for row in rows),
    )


def of_class(number: int) -> list[str]:
    """Recordings of one kind of event."""
    return [name for name in names() if name.startswith(f"class{number}_")]
