"""Rules judged on readings that anybody can follow."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from agent.contract.alarm_rules import Rule
from agent.contract.alarms import Samples, State, evaluate

S = 1000
MIN = 60 * S
Told = list[tuple[str, str, float, float]]


def readings(step_s: float, values: Iterable[float | None], start_s: float = 0) -> Samples:
    listed = list(values)
    times = [round((start_s + step_s * n) * S) for n in range(len(listed))]
    return Samples(times, listed, [16 if v is None else 0 for v in listed])


def joined(*parts: Samples) -> Samples:
    return Samples(
        [t for part in parts for t in part.times],
        [v for part in parts for v in part.values],
        [q for part in parts for q in part.qualities],
    )


def told(rule: Rule, samples: Any) -> Told:
    """Kind, level, minute, value of everything that happened."""
    _, changes = evaluate(rule, State(), samples)
    return [
        (c.kind, c.level, c.at / MIN, c.value if c.value is not None else math.nan) for c in changes
    ]


def kinds(rule: Rule, samples: Any) -> list[str]:
    return [one[0] for one in told(rule, samples)]


ALARM = {"alarm": {"priority": 3}}
