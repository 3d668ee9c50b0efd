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
from hub.alerts import fanout, rules, silence, watches
from hub.alerts.rule_reach import Reach, reached
from hub.alerts.rules import EVALUATED
from hub.notify.runs import About
from hub.schema import AlertRule, Tag
from hub.schema.alerting import SAMPLE_KINDS

LOOKED_BACK: Final = timedelta(days=7)
MOST_VALUES: Final = 2_000
LEAST_VALUES: Final = 24
MOST_GAUGES: Final = 40  #: of a parent's gauges that are looked at one by one
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
    equipment_id: uuid.UUID | None = None
    #: What it makes rules for, where it is a parent: scope, measure, unit, class of equipment.
    scope: str = "tag"
    measure: str | None = None
    unit: str | None = None
    equipment_class: str | None = None

    @classmethod
    def of(cls, rule: AlertRule) -> Place:
        """Where a saved rule stands."""
        return cls(
            rule.organization_id,
            rule.well_id,
            None,
            rule.scope,
            rule.measure,
            rule.unit,
            rule.equipment_class,
        )


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
    elif tag is None and place is not None and place.measure and kind in SAMPLE_KINDS:
        _of_gauges(session, kind, params, place, rule_id, found)
    if tag is not None:
        place = Place(tag.organization_id, tag.well_id, tag.equipment_id)
    if place is not None and not advisory:
        about = About(place.well_id, place.equipment_id, rule_id)
        _tell(session, place.organization_id, about, _priorities(rule, params), now, found)
    return found


def refuse(
    session: Session, rule: AlertRule, params: Mapping[str, Any], now: datetime
) -> list[str]:
    """What should be known of a saved rule if it said this; by whatever door it came to say so.

    Raises `RuleError` with what stands against it.
    """
    tag = session.get(Tag, rule.tag_id) if rule.tag_id is not None else None
    found = check(
        session,
        rule.kind,
        params,
        tag,
        now,
        advisory=rule.advisory,
        rule_id=rule.id,
        place=Place.of(rule),
    )
    if found.faults:
        raise RuleError(found.faults)
    return found.warnings


def refuse_restored(session: Session, rule_id: uuid.UUID, number: int, now: datetime) -> list[str]:
    """As `refuse`, for what a rule said in an earlier version; what was switched off may be.

    Raises `UnknownRuleError` too.
    """
    said = rules.said(session, rule_id, number)
    rule = session.get_one(AlertRule, rule_id)
    if not said.get("enabled", rule.enabled):
        return []
    return refuse(session, rule, said.get("params", rule.params), now)


def _of_gauges(
    session: Session,
    kind: str,
    params: Mapping[str, Any],
    place: Place,
    rule_id: uuid.UUID | None,
    found: Checked,
) -> None:
    """What the rules a parent makes could not do: on some gauges to be known, on all a fault."""
    keys = fanout.fitting(
        session,
        *(place.scope, place.measure or "", place.unit, place.well_id, place.equipment_class),
        MOST_GAUGES,
    )
    useless: list[tuple[str, str]] = []
    for tag in session.scalars(select(Tag).where(Tag.id.in_(keys)).order_by(Tag.id)):
        of_tag = Checked()
        if kind == "stale":
            of_tag.faults += _silence(params, tag)
        else:
            _judge(session, kind, params, tag, rule_id, None, of_tag)
        if of_tag.faults:
            useless.append((tag.name, of_tag.faults[0]))
    if not useless:
        return
    if len(useless) == len(keys):
        found.faults.append(f"{useless[0][1]} So it is on every gauge that it watches.")
        return
    named = ", ".join(name for name, _ in useless[:3]) + (", …" if len(useless) > 3 else "")
    whose = "its" if len(keys) < MOST_GAUGES else "the first"
    many = f"{len(useless)} of {whose} {len(keys)} gauges"
    found.warnings.append(f"It can do nothing on {many} ({named}): {useless[0][1]}")


def _judge(
    session: Session,
    kind: str,
    params: Mapping[str, Any],
    tag: Tag,
    rule_id: uuid.UUID | None,
    now: datetime | None,
    found: Checked,
) -> Rule | None:
    """Look at a rule on one gauge; without `now` what the gauge showed lately is left out."""
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
        {} if now is None else _quantiles(session, tag, now),
        [
            (row.name, other)
            for row, other in watches.beside(session, tag)
            if (rule_id is None or rule_id not in {row.id, row.parent_id})
            and (not row.advisory or row.kind == "bad_value")
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
    session: Session,
    organization: uuid.UUID,
    about: About,
    priorities: set[int],
    now: datetime,
    found: Checked,
) -> None:
    found.told = reached(session, organization, about, priorities, now)
    for reach in found.told:
        if reach.reaches_nobody:
            found.warnings.append(
                f"It would page nobody: no working channel takes alerts of priority"
                f" {reach.priority}, by the policy that holds here. Add one under Channels, change"
                " the policy, or make it advice."
            )
