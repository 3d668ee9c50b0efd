"""Rules that can never fire, always fire, contradict one another, or reach nobody: in sentences.

A *fault* stands against saving; a *warning* is shown beside the rule for as long as it holds.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from agent.contract.alarm_lint import Context, lint
from agent.contract.alarm_rules import Level, Rule, RuleError, parse_rule
from hub.schema import AlertRule, Tag

_VALUE_KINDS: Final = frozenset({"limit"})


@dataclass(slots=True)
class Checked:
    """What is wrong with a rule, and what should be known of it."""

    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def check(
    session: Session,
    kind: str,
    params: Mapping[str, Any],
    tag: Tag | None,
    *,
    advisory: bool = False,
    rule_id: uuid.UUID | None = None,
    organization_id: uuid.UUID | None = None,
) -> Checked:
    """Look at a rule as it would be saved; `rule_id` is the rule itself where it was saved before.

    Parameters that cannot be read are somebody else's to refuse.
    """
    found = Checked()
    rule = _read(kind, params)
    if rule is not None and tag is not None and kind in _VALUE_KINDS:
        for level in rule.levels:
            _within_range(level, tag, found)
        for name, other in _others(session, tag, rule_id):
            _against(rule, name, other, found)
    if rule is not None and tag is not None and not found.faults:
        known = Context(tag.low, tag.high, tag.interval_ms / 1000)
        found.warnings += lint(rule, known)
    owner = tag.organization_id if tag is not None else organization_id
    if owner is not None and not advisory:
        worst = [level.priority for level in rule.levels] if rule else [params.get("priority", 4)]
        _reaches_somebody(session, owner, min(worst, default=4), found)
    return found


def _read(kind: str, params: Mapping[str, Any]) -> Rule | None:
    try:
        return parse_rule(kind, params)
    except RuleError:
        return None


def _within_range(level: Level, tag: Tag, found: Checked) -> None:
    """Beyond its range a gauge's reading counts as bad, so no limit there can be passed."""
    if level.reference is not None:
        return
    bounds = (tag.low, tag.high) if level.side < 0 else (tag.high, tag.low)
    far, near = bounds
    if far is not None and (level.setpoint - far) * level.side > 0:
        found.faults.append(
            f"{level.name}: it can never fire: the gauge's range ends at {far:g}, before"
            f" {level.setpoint:g}. Set it within the range, or correct the range at the agent."
        )
    elif near is not None and (level.setpoint - near) * level.side <= 0:
        found.faults.append(
            f"{level.name}: it would always fire: everything the gauge can show from {near:g} on"
            f" is beyond {level.setpoint:g}."
        )
    elif near is not None and (level.release - near) * level.side <= 0 and level.deadband:
        found.faults.append(
            f"{level.name}: once raised it could never end: the deadband of {level.deadband:g}"
            f" reaches the end of the gauge's range at {near:g}."
        )


def _others(session: Session, tag: Tag, rule_id: uuid.UUID | None) -> Iterable[tuple[str, Rule]]:
    listed = select(AlertRule).where(
        AlertRule.tag_id == tag.id,
        AlertRule.kind == "limit",
        AlertRule.enabled,
        AlertRule.advisory.is_(False),
    )
    for rule in session.scalars(listed.order_by(AlertRule.created_at)):
        read = _read(rule.kind, rule.params)
        if rule.id != rule_id and read is not None:
            yield rule.name, read


def _against(rule: Rule, name: str, other: Rule, found: Checked) -> None:
    """Two rules of one tag: whatever it shows, one of them would stand; or both say the same."""
    for level in rule.levels:
        for theirs in other.levels:
            if level.side != theirs.side and (theirs.setpoint - level.setpoint) * level.side >= 0:
                found.faults.append(
                    f"{level.name}: it contradicts “{name}”: with {level.name} at"
                    f" {level.setpoint:g} and its {theirs.name} at {theirs.setpoint:g}, one of the"
                    " two stands whatever the gauge shows."
                )
            elif level.name == theirs.name and level.setpoint == theirs.setpoint:
                found.warnings.append(
                    f"“{name}” watches the same gauge at the same {level.name}: people are told"
                    " twice of one thing."
                )


_REACHED: Final = text(
    """
    SELECT coalesce(u.name, c.address) AS name, max(c.worst_priority) AS worst
    FROM contact_channels c LEFT JOIN users u ON u.id = c.user_id
    WHERE c.organization_id = :organization AND c.enabled AND c.broken_at IS NULL
    GROUP BY 1 ORDER BY 1
    """
)


def people_told(session: Session, organization: uuid.UUID) -> dict[str, int]:
    """Who is told at all, and of which worst priority on."""
    rows = session.execute(_REACHED, {"organization": organization})
    return {row.name: row.worst for row in rows}


def _reaches_somebody(
    session: Session, organization: uuid.UUID, priority: int, found: Checked
) -> None:
    if not any(worst >= priority for worst in people_told(session, organization).values()):
        found.warnings.append(
            f"It would page nobody: no working channel takes alerts of priority {priority}. Add one"
            " under Channels, or make it advice."
        )
