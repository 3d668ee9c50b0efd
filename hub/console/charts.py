"""What a chart draws: values over time with gaps kept open, limits, and the spells of alerts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from agent.contract.alarm_rules import Rule
from hub.console import bands, words
from hub.console.gauges import Gauge
from hub.console.spans import Span
from hub.notify.messages import LEVEL_WORDS
from hub.readings import Series, series
from hub.schema import Alert

POINTS = 720


def chart_data(session: Session, gauges: Sequence[Gauge], span: Span) -> dict[str, Any]:
    """One chart per gauge, in their order; times are seconds since 1970."""
    tags = [gauge.tag_id for gauge in gauges]
    lines = series(session, tags, span.start, span.end, POINTS) if tags else {}
    rules, spells = bands.limits(session, tags), _spells(session, tags, span)
    return {
        "from": span.start.timestamp(),
        "to": span.end.timestamp(),
        "charts": [
            _line(gauge, lines.get(gauge.tag_id))
            | {"limits": _limits(rules.get(gauge.tag_id)), "spells": spells.get(gauge.tag_id, [])}
            for gauge in gauges
        ],
    }


def _line(gauge: Gauge, found: Series | None) -> dict[str, Any]:
    """One gauge's values; a null stands wherever readings are missing, so that no line spans it."""
    line = {"tag": gauge.tag_id, "name": gauge.title, "unit": gauge.unit_word}
    columns: dict[str, list[float | None]] = {"t": [], "avg": [], "min": [], "max": []}
    step = found.resolution.step.total_seconds() if found else 0.0
    widest = max(words.silent_after(gauge.interval_ms).total_seconds(), 1.5 * step)
    last: float | None = None
    for at, average, low, high in _rows(found):
        if last is not None and at - last > widest:
            _append(columns, last + 0.001, None, None, None)
        _append(columns, at, average, low, high)
        last = at
    return line | columns


def _rows(found: Series | None) -> Iterable[tuple[float, float | None, float | None, float | None]]:
    if found is None:
        return []
    seconds = (at / 1000 for at in found.times)
    return zip(seconds, found.average, found.minimum, found.maximum, strict=True)


def _append(columns: dict[str, list[float | None]], *row: float | None) -> None:
    for column, value in zip(columns.values(), row, strict=True):
        column.append(value if value is None else float(f"{value:.14g}"))


def _limits(rule: Rule | None) -> list[dict[str, Any]]:
    return [
        {
            "at": level.setpoint,
            "side": level.side,
            "tone": words.SEVERITIES[level.priority].tone,
            "text": LEVEL_WORDS[level.name],
        }
        for level in (rule.levels if rule else ())
    ]


def _spells(session: Session, tags: Sequence[int], span: Span) -> dict[int, list[dict[str, Any]]]:
    """When alerts stood, per tag: the shaded stretches of a chart."""
    listed = select(Alert).where(
        Alert.tag_id.in_(tags),
        Alert.raised_at <= span.end,
        Alert.raised_at >= span.start - timedelta(days=30),
        Alert.retracted_at.is_(None),
        or_(Alert.cleared_at.is_(None), Alert.cleared_at >= span.start),
    )
    found: dict[int, list[dict[str, Any]]] = {}
    for alert in session.scalars(listed):
        if alert.tag_id is None:
            continue
        end = alert.cleared_at or alert.closed_at
        found.setdefault(alert.tag_id, []).append(
            {
                "from": alert.raised_at.timestamp(),
                "to": end.timestamp() if end else None,
                "tone": words.SEVERITIES[alert.priority].tone,
                "text": alert.message,
            }
        )
    return found
