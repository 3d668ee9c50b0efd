"""Rules that can never fire, always fire, contradict one another, or reach nobody: in sentences.

A *fault* stands against saving; a *warning* is shown beside the rule for as long as it holds. What
is looked at is the rule as it would judge: with the tank's height, the gauge's range, what the
gauge showed lately, and the other rules of the gauge.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from agent.contract.alarm_lint import Context, find
from agent.contract.alarm_rules import Rule, RuleError
from hub.alerts import silence, watches
from hub.alerts.rule_reach import Reach, reached
from hub.alerts.rules import EVALUATED
from hub.schema import Tag

LOOKED_BACK: Final = timedelta(days=7)
MOST_VALUES: Final = 2_000
LEAST_VALUES: Final = 24
_SHARES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)

_HOURS: Final = text(
    """
    SELECT average FROM reading_hours
    WHERE tag_id = :tag AND bucket >= :since AND n_good > 0 ORDER BY bucket LIMIT :most
    """
)
_POINTS: Final = text(
    """
    SELECT value FROM reading_points
    WHERE tag_id = :tag AND time >= :since AND quality = 0 AND value IS NOT NULL
    ORDER BY time DESC LIMIT :most
    """
)


#: What an alarm needs beside its limits, and why; advice needs none of it.
NEEDED: Final[Mapping[str, str]] = {
    "cause": "Say what usually causes it: whoever is woken looks there first.",
    "consequence": "Say what follows if nobody acts. If nothing does, it is advice, not an alarm.",
    "action": "Say what to do. An alarm nobody can act on is none: make it advice.",
    "respond_within_s": "Say within what time acting still helps.",
}


@dataclass(slots=True)
class Checked:
    """What is wrong with a rule, what should be known of it, and who would be told."""

    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    told: list[Reach] = field(default_factory=list)  #: by priority, the worst first


@dataclass(frozen=True, slots=True)
class Place:
    """Where a rule stands that watches no single gauge."""

    organization_id: uuid.UUID
    well_id: uuid.UUID | None = None


def check(
    session: Session,
    kind: str,
    params: Mapping[str, Any],
    tag: Tag | None,
    now: datetime,
    *,
    advisory: bool = False,
    rule_id: uuid.UUID | None = None,
    place: Place | None = None,
) -> Checked:
    """Look at a rule as it would be saved; `rule_id` is the rule itself where it was saved before.

    What the parameters alone have wrong is for `hub.alerts.rules.normal` to refuse.
    """
    found = Checked()
    rule = None
    if tag is not None and kind in EVALUATED:
        rule = _judge(session, kind, params, tag, rule_id, now, found)
    elif tag is not None and kind == "stale":
        found.faults += _silence(params, tag)
    where = Place(tag.organization_id, tag.well_id) if tag is not None else place
    if where is not None and not advisory:
        _tell(session, where, _priorities(rule, params), now, found)
    return found


def _judge(
    session: Session,
    kind: str,
    params: Mapping[str, Any],
    tag: Tag,
    rule_id: uuid.UUID | None,
    now: datetime,
    found: Checked,
) -> Rule | None:
    try:
        watches.tried(session, tag, kind, params)  # a condition's gauges are there
        rule = watches.read_for(session, tag, kind, params)
    except RuleError as fault:
        found.faults += fault.faults
        return None
    context = Context(
        tag.low,
        tag.high,
        tag.interval_ms / 1000,
        _quantiles(session, tag, now),
        [
            (row.name, other)
            for row, other in watches.beside(session, tag)
            if row.id != rule_id and (not row.advisory or row.kind == "bad_value")
        ],
        _ranges(session, tag, rule),
    )
    for finding in find(rule, context):
        (found.faults if finding.useless else found.warnings).append(finding.sentence)
    return rule


def _silence(params: Mapping[str, Any], tag: Tag) -> list[str]:
    try:
        wanted = silence.read(params)
    except RuleError as fault:
        return list(fault.faults)
    beat = tag.interval_ms / 1000
    if wanted.after_s is None or wanted.after_s > beat:
        return []
    why = f"after_s: the gauge is read every {beat:g} s, so it would always fire."
    return [f"{why} Use at least {3 * beat:g} s: three readings missed."]


def _quantiles(session: Session, tag: Tag, now: datetime) -> dict[float, float]:
    """What the gauge showed lately: by the hour over a week, else reading by reading."""
    asked = {"tag": tag.id, "since": now - LOOKED_BACK, "most": MOST_VALUES}
    values = sorted(session.scalars(_HOURS, asked))
    if len(values) < LEAST_VALUES:
        values = sorted(session.scalars(_POINTS, asked))
    if len(values) < LEAST_VALUES:
        return {}
    return {share: values[round(share * (len(values) - 1))] for share in _SHARES}


def _ranges(session: Session, tag: Tag, rule: Rule) -> dict[str, tuple[float | None, float | None]]:
    """What the gauges of a condition can show."""
    if not rule.tags:
        return {}
    named = select(Tag.name, Tag.low, Tag.high).where(
        Tag.agent_id == tag.agent_id, Tag.name.in_(rule.tags)
    )
    return {row.name: (row.low, row.high) for row in session.execute(named)}


def _priorities(rule: Rule | None, params: Mapping[str, Any]) -> set[int]:
    """The priorities a rule's alarms can have."""
    if rule is not None:
        return {level.priority for level in rule.levels}
    levels = params.get("levels")
    listed = list(levels.values()) if isinstance(levels, Mapping) else [params]
    found = {one.get("priority") for one in listed if isinstance(one, Mapping)}
    return {one for one in found if isinstance(one, int) and 1 <= one <= 4} or {4}


def _tell(
    session: Session, where: Place, priorities: set[int], now: datetime, found: Checked
) -> None:
    found.told = reached(session, where.organization_id, where.well_id, priorities, now)
    for reach in found.told:
        if reach.reaches_nobody:
            found.warnings.append(
                f"It would page nobody: no working channel takes alerts of priority"
                f" {reach.priority}, by the policy that holds here. Add one under Channels, change"
                " the policy, or make it advice."
            )
