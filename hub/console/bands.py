"""Where a gauge normally is: between its alarm limits, else where it has been of late."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, text
from sqlalchemy.orm import Session

from agent.contract.alarm_rules import Rule, RuleError, parse_rule
from hub.schema import AlertRule

LOOKED_BACK = timedelta(days=7)
Band = tuple[float, float]

_USUAL = text(
    """
    SELECT tag_id,
           percentile_cont(0.05) WITHIN GROUP (ORDER BY average) AS low,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY average) AS high
    FROM reading_hours
    WHERE tag_id = ANY(:tags) AND bucket >= :since AND n_good > 0
    GROUP BY tag_id
    """
).bindparams(bindparam("tags"), bindparam("since"))


def usual(session: Session, tag_ids: Sequence[int], now: datetime) -> dict[int, Band]:
    """Where nine of ten hourly averages of the last seven days lay, per tag."""
    if not tag_ids:
        return {}
    values = {"tags": list(tag_ids), "since": now - LOOKED_BACK}
    rows = session.execute(_USUAL, values)
    return {row.tag_id: (row.low, row.high) for row in rows if row.low is not None}


def limits(session: Session, tag_ids: Iterable[int] | None = None) -> dict[int, Rule]:
    """The enabled limit rule of each tag; where several watch one tag, the newest."""
    listed = select(AlertRule.tag_id, AlertRule.kind, AlertRule.params).where(
        AlertRule.enabled, AlertRule.kind == "limit"
    )
    if tag_ids is not None:
        listed = listed.where(AlertRule.tag_id.in_(list(tag_ids)))
    found: dict[int, Rule] = {}
    for tag_id, kind, params in session.execute(listed.order_by(AlertRule.created_at)):
        rule = _read(kind, params)
        if rule is not None:
            found[tag_id] = rule
    return found


def _read(kind: str, params: Mapping[str, Any]) -> Rule | None:
    try:
        return parse_rule(kind, params, attributes={})
    except RuleError:
        return None


def band(rule: Rule | None, seen: Band | None) -> Band | None:
    """The normal band: limits where there are any, the missing side from what was seen."""
    low = _setpoint(rule, "lo", "lolo")
    high = _setpoint(rule, "hi", "hihi")
    if low is None:
        low = None if seen is None else seen[0]
    if high is None:
        high = None if seen is None else seen[1]
    if low is None or high is None:
        return None
    return (low, high) if low <= high else (high, low)


def _setpoint(rule: Rule | None, *names: str) -> float | None:
    for name in names if rule is not None else ():
        level = rule.level(name) if rule is not None else None
        if level is not None:
            return level.setpoint
    return None


def worst_beyond(rule: Rule | None, value: float | None) -> int | None:
    """Priority of the worst limit a value lies at or beyond; None within all limits."""
    if rule is None or value is None:
        return None
    beyond = [level.priority for level in rule.levels if (value - level.setpoint) * level.side >= 0]
    return min(beyond, default=None)
