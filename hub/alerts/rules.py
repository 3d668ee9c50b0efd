"""Alert rules: how people make and change what the evaluator watches (`hub.alerts.watches`).

Whoever changes what a rule judges makes a new version of it; the evaluator judges with a version
from the moment it stands, and never goes back with it over what was judged before. The database
keeps what every version said, so that any of them can be restored.

A rule of a class of equipment, a well or the whole operator is a parent: `hub.alerts.fanout` keeps
one rule per fitting tag in step with it. One of those that a person changes is detached.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from agent.contract.alarm_rules import BLIND_AFTER_S, RuleError, parse_rule
from hub.alerts import fanout, silence
from hub.alerts.kinds import OFFICE
from hub.errors import HubError
from hub.schema import AlertRule, AlertRuleVersion, Tag
from hub.schema.alerting import OFFICE_KINDS, SAMPLE_KINDS

#: What of a rule changes what it judges; all else is words for people.
JUDGED: Final = frozenset(
    {"params", "enabled", "tag_id", "kind", "latch", "capture_fleeting", "advisory"}
)
#: What a restored version brings back; where a rule stands, and whose child it is, stay.
RESTORED: Final = (
    *("name", "params", "enabled", "cause", "consequence", "action", "respond_within_s"),
    *("template", "latch", "capture_fleeting", "advisory", "measure", "unit"),
)
#: Judged sample by sample; silence is found by the clock, not by a reading.
EVALUATED: Final = tuple(kind for kind in SAMPLE_KINDS if kind != "stale")


class UnknownRuleError(HubError):
    """There is no such rule, or it belongs to another operator."""


_MARK_FAULTED = text(
    "UPDATE alert_rules SET faulted_at = :now, fault = :fault WHERE id = :id AND faulted_at IS NULL"
)


def mark_faulted(session: Session, rule_id: uuid.UUID, fault: str, now: datetime) -> None:
    """Set a rule aside until a person changes it; the others go on."""
    session.execute(_MARK_FAULTED, {"id": rule_id, "fault": fault[:1000], "now": now})


def blind_after_s(interval_ms: int) -> float:
    """Without a reading for this long a gauge counts as silent: three beats, at least a minute."""
    return max(BLIND_AFTER_S, 3 * interval_ms / 1000)


def judged_params(rule: Any) -> dict[str, Any]:
    """A rule's parameters as the evaluator reads them: what stands in columns of its own with them.

    `rule` is an `AlertRule`, or a row with its columns.
    """
    flags = {name: True for name in ("latch", "capture_fleeting") if getattr(rule, name)}
    return {**rule.params, **flags}


def create(
    session: Session,
    organization_id: uuid.UUID,
    tag_id: int | None,
    name: str,
    params: Mapping[str, Any],
    *,
    kind: str = "limit",
    by: uuid.UUID | None = None,
    **fields: Any,
) -> AlertRule:
    """Make a rule; `fields` are words, flags, and for a rule without a tag what it watches.

    A rule of a class, a well or the operator makes its children at once. Raises `RuleError` with
    every fault of the parameters and of what is watched.
    """
    rule = AlertRule(
        organization_id=organization_id,
        tag_id=tag_id,
        name=name,
        kind=kind,
        params=normal(kind, params),
        created_by=by,
        updated_by=by,
        **fields,
    )
    _check_watched(session, rule)
    session.add(rule)
    session.flush()
    if is_parent(rule):
        fanout.keep_in_step(session, [rule.id])
    return rule


def change(
    session: Session, rule_id: uuid.UUID, *, by: uuid.UUID | None = None, **fields: Any
) -> AlertRule:
    """Change a rule: params, enabled, words, flags.

    What changes the judgement makes a new version and gives a rule that failed another chance. A
    parent takes its children with it; a child is detached from its parent.
    Raises `RuleError` with every fault, `UnknownRuleError` where there is no such rule.
    """
    rule = _locked(session, rule_id)
    if "params" in fields:
        fields["params"] = normal(rule.kind, fields["params"])
    changed = {name for name, value in fields.items() if getattr(rule, name) != value}
    for name in changed:
        setattr(rule, name, fields[name])
    if changed & JUDGED:
        rule.version += 1
        rule.faulted_at = rule.fault = None
    if changed and rule.parent_id is not None:
        rule.detached = True
    if changed:
        rule.updated_by = by
        rule.row_version += 1
    session.flush()
    if changed and is_parent(rule):
        fanout.keep_in_step(session, [rule.id])
    return rule


def restore(
    session: Session, rule_id: uuid.UUID, number: int, *, by: uuid.UUID | None = None
) -> AlertRule:
    """Bring back what a rule said in an earlier version, as a new one.

    Raises `UnknownRuleError` where there is no such rule or version, `RuleError` where what it said
    then cannot be taken any more.
    """
    return change(session, rule_id, by=by, **said(session, rule_id, number))


def said(session: Session, rule_id: uuid.UUID, number: int) -> dict[str, Any]:
    """What restoring a version would change a rule to. Raises `UnknownRuleError`."""
    kept = session.get(AlertRuleVersion, (rule_id, number))
    if kept is None:
        raise UnknownRuleError(f"there is no version {number} of alert rule {rule_id}")
    return {name: kept.said[name] for name in RESTORED if name in kept.said}


def follow_parent(
    session: Session, rule_id: uuid.UUID, *, by: uuid.UUID | None = None
) -> AlertRule:
    """Let a detached rule follow its parent again. Raises `UnknownRuleError`."""
    rule = _locked(session, rule_id)
    if rule.parent_id is None:
        raise UnknownRuleError(f"alert rule {rule_id} has no parent to follow")
    rule.detached, rule.updated_by = False, by
    rule.row_version += 1
    session.flush()
    fanout.keep_in_step(session, [rule.parent_id])
    session.refresh(rule)
    return rule


def versions(session: Session, rule_id: uuid.UUID) -> list[AlertRuleVersion]:
    """What a rule said, newest first."""
    listed = select(AlertRuleVersion).where(AlertRuleVersion.rule_id == rule_id)
    return list(session.scalars(listed.order_by(AlertRuleVersion.number.desc())))


def is_parent(rule: AlertRule) -> bool:
    """Whether it makes rules for tags instead of judging itself."""
    return rule.scope != "tag" and rule.kind in SAMPLE_KINDS


def _locked(session: Session, rule_id: uuid.UUID) -> AlertRule:
    rule = session.get(AlertRule, rule_id, with_for_update=True)
    if rule is None:
        raise UnknownRuleError(f"there is no alert rule {rule_id}; it may have been removed")
    return rule


def normal(kind: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Checked parameters, with every default written out but the one that follows the gauge.

    Raises `RuleError` with every fault.
    """
    if kind == "stale":
        return silence.read(params).to_json()
    if kind in OFFICE:
        return OFFICE[kind].read(params).to_json()
    written = parse_rule(kind, params).to_json()
    return {name: value for name, value in written.items() if name == "levels" or name in params}


def _check_watched(session: Session, rule: AlertRule) -> None:
    """Refuse a rule that watches nothing that is there."""
    faults = []
    scope = rule.scope or "tag"
    if scope == "tag" and rule.kind in OFFICE_KINDS:
        faults.append("It looks at the office's rows: it watches a well or the operator, no tag.")
    elif scope == "tag" and (rule.tag_id is None or session.get(Tag, rule.tag_id) is None):
        faults.append(f"There is no tag {rule.tag_id}; choose one of this operator's tags.")
    if scope != "tag" and rule.kind in SAMPLE_KINDS:
        if rule.kind == "expression":
            faults.append("An expression names its gauges itself; it watches one tag.")
        if not rule.measure:
            faults.append("Say what is measured, so that it watches the gauges it is meant for.")
        if rule.kind in {"limit", "rate"} and not rule.unit:
            faults.append("Say the unit of the limits: gauges in another unit get no rule.")
    if faults:
        raise RuleError(faults)
