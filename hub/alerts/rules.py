"""Alert rules: what the evaluator watches, and how people change it.

Whoever changes what a rule judges makes a new version of it; the evaluator judges with a version
from the moment it stands, and never goes back with it over what was judged before.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from agent.contract.alarm_rules import BLIND_AFTER_S, Rule, RuleError, parse_rule
from hub.errors import HubError
from hub.notify.messages import Facts
from hub.schema import AlertRule, Tag

#: What of a rule changes what it judges; all else is words for people.
JUDGED: Final = frozenset({"params", "enabled", "tag_id", "kind"})


class UnknownRuleError(HubError):
    """There is no such rule, or it belongs to another operator."""


@dataclass(frozen=True, slots=True)
class Watch:
    """One enabled rule as the evaluator uses it."""

    id: uuid.UUID
    organization_id: uuid.UUID
    version: int
    tag_id: int
    well_id: uuid.UUID | None
    since: datetime  #: when this version was made
    silent_after_ms: int  #: a newest reading older than this is no longer the present
    skew_ms: int  #: how far the agent's clock is ahead of the hub's
    rule: Rule
    facts: Facts


@dataclass(slots=True)
class Watches:
    """The rules of one agent's tags, and those that cannot be read, with the reason."""

    watches: list[Watch] = field(default_factory=list)
    faults: dict[uuid.UUID, str] = field(default_factory=dict)


_OF_AGENT = text(
    """
    SELECT r.id, r.organization_id, r.name, r.kind, r.params, r.version, r.tag_id, r.cause,
           r.consequence, r.action, r.respond_within_s,
           CASE WHEN r.version = 1 THEN r.created_at ELSE r.updated_at END AS since,
           t.name AS tag, t.unit, t.description, t.measure, t.interval_ms, t.well_id,
           w.name AS well, o.name AS organization, o.timezone, a.name AS agent,
           coalesce(a.clock_skew_ms, 0) AS skew_ms
    FROM alert_rules r
    JOIN tags t ON t.id = r.tag_id
    JOIN agents a ON a.id = t.agent_id
    JOIN organizations o ON o.id = r.organization_id
    LEFT JOIN wells w ON w.id = t.well_id
    WHERE t.agent_id = :agent AND r.enabled AND r.faulted_at IS NULL
    ORDER BY r.id
    """
)

_MARK_FAULTED = text(
    "UPDATE alert_rules SET faulted_at = :now, fault = :fault WHERE id = :id AND faulted_at IS NULL"
)


def of_agent(session: Session, agent_id: uuid.UUID) -> Watches:
    """The enabled rules of an agent's tags that have not failed."""
    found = Watches()
    for row in session.execute(_OF_AGENT, {"agent": agent_id}):
        try:
            rule = _read(row.kind, orjson.dumps(row.params), blind_after_s(row.interval_ms))
        except RuleError as fault:
            found.faults[row.id] = str(fault)
            continue
        found.watches.append(
            Watch(
                row.id,
                row.organization_id,
                row.version,
                row.tag_id,
                row.well_id,
                row.since,
                round(blind_after_s(row.interval_ms) * 1000),
                row.skew_ms,
                rule,
                _facts(row),
            )
        )
    return found


def mark_faulted(session: Session, rule_id: uuid.UUID, fault: str, now: datetime) -> None:
    """Set a rule aside until a person changes it; the others go on."""
    session.execute(_MARK_FAULTED, {"id": rule_id, "fault": fault[:1000], "now": now})


def blind_after_s(interval_ms: int) -> float:
    """Without a reading for this long a gauge counts as silent: three beats, at least a minute."""
    return max(BLIND_AFTER_S, 3 * interval_ms / 1000)


def create(
    session: Session,
    organization_id: uuid.UUID,
    tag_id: int,
    name: str,
    params: Mapping[str, Any],
    *,
    by: uuid.UUID | None = None,
    **words: Any,
) -> AlertRule:
    """Make a rule; `words` are cause, consequence, action, respond_within_s.

    Raises `RuleError` with every fault of the parameters.
    """
    _check_tag(session, tag_id)
    rule = AlertRule(
        organization_id=organization_id,
        tag_id=tag_id,
        name=name,
        params=_normal("limit", params),
        created_by=by,
        updated_by=by,
        **words,
    )
    session.add(rule)
    session.flush()
    return rule


def change(
    session: Session, rule_id: uuid.UUID, *, by: uuid.UUID | None = None, **fields: Any
) -> AlertRule:
    """Change a rule: params, enabled, name, cause, consequence, action, respond_within_s.

    What changes the judgement makes a new version and gives a rule that failed another chance.
    Raises `RuleError` with every fault, `UnknownRuleError` where there is no such rule.
    """
    rule = session.get(AlertRule, rule_id, with_for_update=True)
    if rule is None:
        raise UnknownRuleError(f"there is no alert rule {rule_id}; it may have been removed")
    if "params" in fields:
        fields["params"] = _normal(rule.kind, fields["params"])
    changed = {name for name, value in fields.items() if getattr(rule, name) != value}
    for name in changed:
        setattr(rule, name, fields[name])
    if changed & JUDGED:
        rule.version += 1
        rule.faulted_at = rule.fault = None
    if changed:
        rule.updated_by = by
        rule.row_version += 1
    session.flush()
    return rule


def _normal(kind: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Checked parameters, with every default written out but the one that follows the gauge."""
    written = parse_rule(kind, params).to_json()
    return {name: value for name, value in written.items() if name == "levels" or name in params}


def _check_tag(session: Session, tag_id: int) -> None:
    if session.get(Tag, tag_id) is None:
        raise RuleError([f"There is no tag {tag_id}; choose one of this operator's tags."])


@lru_cache(maxsize=10_000)
def _read(kind: str, params: bytes, blind: float) -> Rule:
    return parse_rule(kind, orjson.loads(params), blind_after_s=blind)


def _facts(row: Any) -> Facts:
    return Facts(
        organization=row.organization,
        timezone=row.timezone,
        place=row.well or row.agent,
        tag=row.tag,
        quantity=row.description or _measure(row.measure) or row.tag,
        unit=row.unit,
        rule=row.name,
        cause=row.cause,
        consequence=row.consequence,
        action=row.action,
        respond_within_s=row.respond_within_s,
    )


def _measure(measure: str | None) -> str:
    return (measure or "").replace("_", " ").capitalize()
