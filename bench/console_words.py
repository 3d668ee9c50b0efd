"""What the console's bench asked, how long it took, and the table that tells it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from typing import Any

from bench.console_data import Size

LIST_MS, WELL_MS = 100.0, 150.0
#: Of a list that the database has to look through the years for (docs/register.md).
FAR_MS = 1_000.0
#: Who asks: a manager, or a pumper with ten wells on the route.
MANAGER, PUMPER = "alice", "gus"


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to ask: where, and the bare statement of the same rows."""

    table: str
    door: str  #: console, api, or a pumper's console
    shape: str  #: first page, deep page, filtered …
    url: str
    bare: Any = None
    limit_ms: float = LIST_MS
    person: str = MANAGER


@dataclass(frozen=True, slots=True)
class Answer:
    """How long it took, in milliseconds."""

    question: Question
    median: float
    p95: float
    bare_median: float | None
    bare_p95: float | None
    status: int

    @property
    def good(self) -> bool:
        """Whether it was answered, and within its limit."""
        return self.status == 200 and self.p95 <= self.question.limit_ms


def as_json(name: str, size: Size, answers: list[Answer]) -> str:
    """Everything that was measured."""
    told = [asdict(replace(a, question=replace(a.question, bare=None))) for a in answers]
    return json.dumps({"server": name, "size": asdict(size), "answers": told})


def words(name: str, size: Size, answers: Iterable[Answer]) -> Iterator[str]:
    """A line for each table and door with its slowest shape, as soon as the table is measured."""
    yield (
        f"{name}: {size.wells} wells, {size.wells * 365.25 * size.years / 1e6:.2f} million daily"
        f" records, {size.reading_days * 1440 * 50 / 1e6:.1f} million readings (ms)\n"
        f"{'table':<26}{'door':<9}{'median':>8}{'p95':>8}   {'bare median':>11}{'p95':>8}   slowest"
    )
    told: list[Answer] = []
    for table, found in groupby(answers, lambda answer: answer.question.table):
        measured = list(found)
        told += measured
        yield from _table(table, measured)
    yield from _summary(told)


def _table(table: str, answers: list[Answer]) -> Iterator[str]:
    """A line for each door; every shape of the daily records."""
    groups: dict[str, list[Answer]] = {}
    for answer in answers:
        shape = f" {answer.question.shape}" if table == "production_records" else ""
        groups.setdefault(answer.question.door + shape, []).append(answer)
    for door, found in groups.items():
        yield _line(table, door, found)


def _summary(answers: list[Answer]) -> Iterator[str]:
    worst = max(answers, key=lambda answer: answer.p95 / answer.question.limit_ms)
    bad = [answer for answer in answers if not answer.good]
    yield (
        f"{len(answers)} lists and pages, {len(bad)} beyond the limit or not answered;"
        f" slowest p95 {worst.p95:.0f} ms: {worst.question.url[:60]}"
    )
    yield from (f"  {a.status} {a.p95:>6.0f} ms  {a.question.url[:110]}" for a in bad)


def _line(table: str, door: str, found: list[Answer]) -> str:
    slowest = max(found, key=lambda answer: answer.p95)
    bare = [a for a in found if a.bare_median is not None]
    beside = (
        f"{statistics.median(a.bare_median or 0 for a in bare):>11.1f}"
        f"{max(a.bare_p95 or 0 for a in bare):>8.1f}"
        if bare
        else f"{'':>19}"
    )
    median = statistics.median(answer.median for answer in found)
    door, _, shape = door.partition(" ")
    return (
        f"{table:<26}{door:<9}{median:>8.1f}{slowest.p95:>8.1f}   {beside}"
        f"   {shape or slowest.question.shape}"
    )
