"""What the evaluator watches: every enabled rule of one agent's tags, read for its own gauge.

Setpoints that refer to an attribute are resolved here, whenever rules are read: a tank that was
entered a foot lower moves its alarms with it. Attributes are ``range_low`` and ``range_high`` of
the gauge, and ``tank_height`` of the tank it stands on, in the gauge's unit.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import orjson
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from agent.contract.alarm_rules import Rule, RuleError, parse_rule
from hub.alerts import seasons
from hub.alerts.rules import EVALUATED, blind_after_s, judged_params
from hub.notify.messages import Facts
from hub.notify.wording import watched
from hub.schema import AlertRule, Tag

#: Inches in one unit of a level gauge.
_INCHES: Final = {"in": 1.0, "ft": 12.0, "m": 1 / 0.0254, "cm": 1 / 2.54, "mm": 1 / 25.4}


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
    advisory: bool = False  #: shown, and never pages
    operands: tuple[int, ...] = ()  #: tags of a condition, in the order of its rows

    @property
    def tags(self) -> tuple[int, ...]:
        """Every tag whose readings it judges."""
        return self.operands or (self.tag_id,)


@dataclass(slots=True)
class Watches:
    """The rules of one agent's tags, and those that cannot be read, with the reason."""

    watches: list[Watch] = field(default_factory=list)
    faults: dict[uuid.UUID, str] = field(default_factory=dict)


_OF_AGENT = text(
    """
    SELECT r.id, r.organization_id, r.name, r.kind, r.params, r.version, r.tag_id, r.cause,
           r.consequence, r.action, r.respond_within_s, r.latch, r.capture_fleeting,
           r.advisory,
           CASE WHEN r.version = 1 THEN r.created_at ELSE r.updated_at END AS since,
           t.name AS tag, t.unit, t.description, t.measure, t.interval_ms, t.well_id,
           t.low, t.high, t.equipment_id,
           w.name AS well, o.name AS organization, o.timezone, a.name AS agent,
           coalesce(a.clock_skew_ms, 0) AS skew_ms
    FROM alert_rules r
    JOIN tags t ON t.id = r.tag_id
    JOIN agents a ON a.id = t.agent_id
    JOIN organizations o ON o.id = r.organization_id
    LEFT JOIN wells w ON w.id = t.well_id
    WHERE t.agent_id = :agent AND r.enabled AND r.faulted_at IS NULL AND r.kind = ANY(:kinds)
    ORDER BY r.id
    """
)

_TAGS = text("SELECT name, id FROM tags WHERE agent_id = :agent")

# Tanks are under the operator's policy for jobs too; what was set before is put back.
_TANKS = text(
    """
    SELECT k.equipment_id, k.height_in
    FROM (SELECT set_config('app.organization_id', CAST(:organization AS text), true)) s
    CROSS JOIN LATERAL (
        SELECT t.equipment_id, t.height_in FROM tanks t
        WHERE t.equipment_id = ANY(CAST(:equipment AS uuid[])) AND t.out_of_use_on IS NULL
        OFFSET 0) k
    """
)
_BEFORE = text("SELECT coalesce(current_setting('app.organization_id', true), '')")
_BACK = text("SELECT set_config('app.organization_id', :before, true)")


def of_agent(session: Session, agent_id: uuid.UUID) -> Watches:
    """The enabled rules of an agent's tags that have not failed."""
    rows = session.execute(_OF_AGENT, {"agent": agent_id, "kinds": list(EVALUATED)}).all()
    written = {
        row.id: orjson.dumps(
            seasons.filled(session, row.tag_id, row.kind, judged_params(row), keep=True)
        )
        for row in rows
    }
    heights = _heights(session, [row for row in rows if b'"tank_height"' in written[row.id]])
    names: Mapping[str, int] = {}
    if any(row.kind == "expression" for row in rows):
        names = {row.name: row.id for row in session.execute(_TAGS, {"agent": agent_id})}
    found = Watches()
    for row in rows:
        attributes = _attributes(row, heights.get(row.equipment_id))
        try:
            rule = _read(
                row.kind, written[row.id], blind_after_s(row.interval_ms), attributes, row.measure
            )
            operands = _operands(rule, names)
        except RuleError as fault:
            found.faults[row.id] = str(fault)
            continue
        found.watches.append(_watch(row, rule, operands))
    found.watches = guarded(found.watches)
    return found


@dataclass(frozen=True, slots=True)
class Tried:
    """A rule that is not there yet, read for a tag."""

    rule: Rule
    tags: tuple[int, ...]  #: whose readings it judges, in the order of its rows

    @property
    def several(self) -> tuple[int, ...]:
        """Those of a condition over several gauges; none for a rule of one gauge."""
        return self.tags if self.rule.tags else ()


def tried(session: Session, tag: Tag, kind: str, params: Mapping[str, Any]) -> Tried:
    """Read a rule as it would judge a tag, beside the rules the tag has.

    Raises `RuleError` with every fault.
    """
    rule = read_for(session, tag, kind, params)
    names = {}
    if rule.tags:
        names = {row.name: row.id for row in session.execute(_TAGS, {"agent": tag.agent_id})}
    others = beside(session, tag, ("bad_value", "flatline"))
    return Tried(rule.guarded(read for _, read in others), _operands(rule, names) or (tag.id,))


def read_for(session: Session, tag: Tag, kind: str, params: Mapping[str, Any]) -> Rule:
    """Read a rule with everything that is known of a tag. Raises `RuleError` with every fault."""
    written = orjson.dumps(dict(seasons.filled(session, tag.id, kind, params)))
    heights = {}
    if tag.equipment_id is not None and b'"tank_height"' in written:
        values = {"organization": tag.organization_id, "equipment": [tag.equipment_id]}
        heights = {
            row.equipment_id: float(row.height_in) for row in session.execute(_TANKS, values)
        }
    attributes = _attributes(tag, heights.get(tag.equipment_id))
    return _read(kind, written, blind_after_s(tag.interval_ms), attributes, tag.measure)


def beside(
    session: Session, tag: Tag, kinds: Sequence[str] = EVALUATED
) -> list[tuple[AlertRule, Rule]]:
    """The rules that judge a tag, as they do; those that cannot be read are left out."""
    listed = select(AlertRule).where(
        AlertRule.tag_id == tag.id,
        AlertRule.enabled,
        AlertRule.kind.in_(kinds),
        AlertRule.faulted_at.is_(None),
    )
    found = []
    for other in session.scalars(listed.order_by(AlertRule.created_at, AlertRule.id)):
        with suppress(RuleError):
            found.append((other, read_for(session, tag, other.kind, judged_params(other))))
    return found


def guarded(watches: Iterable[Watch]) -> list[Watch]:
    """Each rule as it judges beside the others of its tag: what one does not believe, none does."""
    listed = list(watches)
    beside: dict[int, list[Rule]] = {}
    for watch in listed:
        if watch.rule.sieves("limit"):
            beside.setdefault(watch.tag_id, []).append(watch.rule)
    return [
        replace(watch, rule=watch.rule.guarded(beside[watch.tag_id]))
        if watch.tag_id in beside
        else watch
        for watch in listed
    ]


def _watch(row: Any, rule: Rule, operands: tuple[int, ...]) -> Watch:
    return Watch(
        row.id,
        row.organization_id,
        row.version,
        row.tag_id,
        row.well_id,
        row.since,
        round(blind_after_s(row.interval_ms) * 1000),
        row.skew_ms,
        rule,
        _facts(row, rule),
        row.advisory,
        operands,
    )


def _operands(rule: Rule, names: Mapping[str, int]) -> tuple[int, ...]:
    missing = [name for name in rule.tags if name not in names]
    if missing:
        fault = f"The condition names {missing[0]}, which is no gauge of this agent;"
        raise RuleError([f"{fault} use the names its configuration gives them."])
    return tuple(names[name] for name in rule.tags)


def _heights(session: Session, rows: list[Any]) -> dict[uuid.UUID, float]:
    """Heights of the tanks that gauges stand on, in inches, by equipment."""
    equipment = [row.equipment_id for row in rows if row.equipment_id is not None]
    if not equipment:
        return {}
    before = session.scalar(_BEFORE)
    values = {"organization": rows[0].organization_id, "equipment": equipment}
    found = {row.equipment_id: float(row.height_in) for row in session.execute(_TANKS, values)}
    session.execute(_BACK, {"before": before})
    return found


def _attributes(row: Any, height_in: float | None) -> tuple[tuple[str, float | None], ...]:
    inches = _INCHES.get(row.unit)
    height = None if height_in is None or inches is None else height_in / inches
    return (("range_low", row.low), ("range_high", row.high), ("tank_height", height))


@lru_cache(maxsize=10_000)
def _read(
    kind: str,
    params: bytes,
    blind: float,
    attributes: tuple[tuple[str, float | None], ...],
    measure: str | None,
) -> Rule:
    return parse_rule(
        kind,
        orjson.loads(params),
        blind_after_s=blind,
        attributes=dict(attributes),
        measure=measure,
    )


def _facts(row: Any, rule: Rule) -> Facts:
    seen = watched(rule, row.unit)
    return Facts(
        organization=row.organization,
        timezone=row.timezone,
        place=row.well or row.agent,
        tag=row.tag,
        quantity=row.description or _measure(row.measure) or row.tag,
        unit=row.unit if seen is None else seen.unit,
        rule=row.name,
        cause=row.cause,
        consequence=row.consequence,
        action=row.action,
        respond_within_s=row.respond_within_s,
        watched=seen,
    )


def _measure(measure: str | None) -> str:
    return (measure or "").replace("_", " ").capitalize()
