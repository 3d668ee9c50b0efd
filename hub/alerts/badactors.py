"""The rules that raise the most alarms, and for each a fix that is computed, not guessed.

A fix is what `hub.alerts.suggest` finds in the gauge's own stored readings: delays and a deadband
that take out the chatter and lose no long alarm. Where the gauge itself is dead, that is said.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from agent.contract.alarm_rules import RuleError
from hub.alerts import backtest, rule_checks, rules, watches
from hub.alerts.kpi import coming_and_going
from hub.alerts.suggest import Suggestion
from hub.schema import AlertRule, Tag

WEEK: Final = timedelta(days=7)
MOST: Final = 10
HISTORY_DAYS: Final = 30
#: Kinds whose delays can be computed from the readings; of a dead gauge the gauge is to be mended.
FIXABLE: Final = frozenset({"limit", "rate", "deviation", "digital", "expression"})


@dataclass(frozen=True, slots=True)
class BadActor:
    """One rule, what it raised in a week, and what is known of its gauge."""

    rule_id: uuid.UUID
    rule: str
    kind: str
    place: str
    alarms: int
    share_percent: float
    chattering: int  #: alarms of which three or more began within ten minutes
    fleeting: int  #: alarms that were over within a minute, and did not repeat at once
    acted_on: int  #: alarms that a person acknowledged
    dead_since: datetime | None  #: its gauge has shown nothing good, or nothing new, since then

    @property
    def fixable(self) -> bool:
        """Whether a fix can be computed."""
        return self.kind in FIXABLE and self.dead_since is None


_WORST = text(
    """
    SELECT r.id, r.name, r.kind, coalesce(max(w.name), max(a.subject), '') AS place,
           count(*) AS alarms, sum(count(*)) OVER () AS of_all,
           array_agg(a.raised_at ORDER BY a.raised_at) AS begun,
           array_agg(a.cleared_at ORDER BY a.raised_at) AS ended,
           count(*) FILTER (WHERE a.acked_at IS NOT NULL) AS acted_on,
           (SELECT max(d.raised_at) FROM alerts d
            WHERE d.tag_id = r.tag_id AND d.kind IN ('bad_value', 'flatline', 'stale')
              AND d.closed_at IS NULL AND d.condition <> 'normal') AS dead_since
    FROM alerts a
    JOIN alert_rules r ON r.id = a.rule_id
    LEFT JOIN wells w ON w.id = a.well_id
    WHERE a.raised_at > :since AND a.raised_at <= :now AND a.retracted_at IS NULL
      AND (CAST(:organization AS uuid) IS NULL OR a.organization_id = :organization)
    GROUP BY r.id, r.name, r.kind, r.tag_id
    ORDER BY count(*) DESC, r.id
    LIMIT :most
    """
)


def worst(
    session: Session,
    now: datetime,
    period: timedelta = WEEK,
    *,
    organization: uuid.UUID | None = None,
) -> list[BadActor]:
    """The rules that raised the most alarms in a week, of what the session may see.

    Alerts are open to the workers across operators: they name one.
    """
    values = {"since": now - period, "now": now, "most": MOST, "organization": organization}
    rows = session.execute(_WORST, values)
    return [_actor(row) for row in rows]


def _actor(row: Any) -> BadActor:
    chattering, fleeting = coming_and_going(list(zip(row.begun, row.ended, strict=True)))
    return BadActor(
        row.id,
        row.name,
        row.kind,
        row.place,
        row.alarms,
        float(100 * row.alarms / row.of_all),
        chattering,
        fleeting,
        row.acted_on,
        row.dead_since,
    )


def fix(session: Session, rule_id: uuid.UUID, now: datetime) -> Suggestion | None:
    """The fix of a rule from a month of its gauge's readings; None where none can be computed."""
    found = session.get(AlertRule, rule_id)
    if found is None or found.kind not in FIXABLE or found.tag_id is None:
        return None
    tag = session.get_one(Tag, found.tag_id)
    try:
        read = watches.tried(session, tag, found.kind, rules.judged_params(found))
    except RuleError:  # what it follows is gone: it is set aside with a sentence of its own
        return None
    most = backtest.most_to_suggest(read.rule)
    span = backtest.stretch(session, tag, now, HISTORY_DAYS, most=most, tags=read.several)
    return backtest.suggestion(session, read.rule, span, found.respond_within_s)


def accept(session: Session, rule_id: uuid.UUID, by: uuid.UUID, now: datetime) -> bool:
    """Change a rule to its fix, as a new version; gives False where there is nothing to change.

    Raises `RuleError` where the rule could not do its work with it.
    """
    found = fix(session, rule_id, now)
    if found is None or not found.helps:
        return False
    params = dict(found.rule.to_json())
    rule = session.get_one(AlertRule, rule_id)
    wanted = {name: params[name] for name in params if name == "levels" or name in rule.params}
    rule_checks.refuse(session, rule, wanted, now)
    rules.change(session, rule_id, by=by, params=wanted)
    return True
