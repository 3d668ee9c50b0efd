"""How fast the evaluator judges: samples per second on one core, and what one more rule costs."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from typing import Any, Final

from agent.contract.alarm_rules import Rule, parse_rule
from agent.contract.alarms import Rows, Samples, State, evaluate, merge
from bench.alerts.figure import Figure, Line

LEAST: Final = 500_000  #: samples of limit rules per second and core
DAY: Final = 86_400
MESSAGE: Final = 10  #: readings of one gauge in one message, as they come live

_SIDES: Final = {
    "lo": {"setpoint": 100, "deadband": 5, "on_delay_s": 30, "off_delay_s": 300, "priority": 3},
    "hi": {"setpoint": 200, "deadband": 5, "on_delay_s": 30, "off_delay_s": 300, "priority": 3},
}
_FAR: Final = {
    name: level | {"setpoint": 50 if name == "hi" else -50} for name, level in _SIDES.items()
}
_ALARM: Final = {"alarm": {"on_delay_s": 60, "priority": 3}}
KINDS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "limit": ("limit", {"levels": _SIDES}),
    "rate": ("rate", {"window_s": 600, "levels": {"lo": _FAR["lo"] | {"setpoint": -5000}}}),
    "flatline": ("flatline", {"levels": {"alarm": {"setpoint": 60, "priority": 4}}}),
    "bad_value": ("bad_value", {"stuck_at": [0], "levels": _ALARM}),
    "digital": ("digital", {"states": [0], "levels": _ALARM}),
    "deviation": ("deviation", {"floor": 1, "levels": _FAR}),
    "expression": ("expression", {"condition": "a < 100 and b > 140", "levels": _ALARM}),
}


def measure(*, quick: bool) -> Figure:
    """A day of one gauge at one reading a second, over and over."""
    samples = _day(DAY // 8 if quick else DAY)
    rounds = 3 if quick else 5
    lines = [_bulk(samples, rounds)]
    bare = 0.0
    for name, (kind, params) in KINDS.items():
        rule = parse_rule(kind, params)
        taken: Samples | Rows = merge([samples, samples]) if rule.tags else samples
        cost = min(_timed(lambda r=rule, t=taken: evaluate(r, State(), t)) for _ in range(rounds))  # type: ignore[misc]
        each = cost / len(samples.times) * 1e6
        bare = bare or each
        lines.append(Line(f"  one more rule: {name}", f"{each:.2f} us per sample", value=each))
    lines.append(_live(samples))
    return Figure("The evaluator, one core", tuple(lines), "A day of one gauge, once a second.")


def _bulk(samples: Samples, rounds: int) -> Line:
    """Ten rules with limits near enough that some readings are looked at one by one."""
    rules = [_limit(n) for n in range(10)]

    def all_of_them() -> None:
        for rule in rules:
            evaluate(rule, State(), samples)

    took = min(_timed(all_of_them) for _ in range(rounds))
    speed = len(rules) * len(samples.times) / took
    return Line(
        "limit rules in bulk",
        f"{speed:,.0f} samples/s",
        f">= {LEAST:,}",
        speed >= LEAST,
        speed,
    )


def _live(samples: Samples) -> Line:
    """Readings as they come live: ten at a time, the state saved and taken up in between."""
    rule = _limit(0)
    portions = [_part(samples, n, n + MESSAGE) for n in range(0, 20_000 // 2, MESSAGE)]
    body = State().to_json()

    def run() -> None:
        nonlocal body
        for portion in portions:
            state, _ = evaluate(rule, State.from_json(body), portion)
            body = state.to_json()

    took = _timed(run)
    each = took / len(portions) * 1e6
    return Line("  live, per message and rule, state saved", f"{each:.1f} us", value=each)


def _limit(number: int) -> Rule:
    levels = {
        "lo": _SIDES["lo"] | {"setpoint": 100 + number},
        "hi": _SIDES["hi"] | {"setpoint": 200 - number},
    }
    return parse_rule("limit", {"levels": levels})


def _day(count: int) -> Samples:
    """A pressure with noise, a slow swing, and an hour's trouble twice a day."""
    chance = random.Random(4)
    values: list[float | None] = []
    for second in range(count):
        trouble = 60 * math.sin(second / 40) if second % (count // 2) < count // 24 else 0.0
        swing = 10 * math.sin(second / 7000)
        values.append(round(150 + swing + chance.gauss(0, 2) + trouble, 2))
    return Samples([second * 1000 for second in range(count)], values, [0] * count)


def _part(samples: Samples, start: int, stop: int) -> Samples:
    return Samples(
        samples.times[start:stop], samples.values[start:stop], samples.qualities[start:stop]
    )


def _timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
