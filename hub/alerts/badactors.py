"""The rules that raise the most alarms, and for each a fix that is computed, not guessed.

A fix is what `hub.alerts.suggest` finds in the gauge's own stored readings: delays and a deadband
that take out the chatter and lose no long alarm. Where the gauge itself is dead, that is said.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.alerts import backtest, rules, watches
from hub.alerts.suggest import Suggestion
from hub.schema import AlertRule, Tag

WEEK: Final = timedelta(days=7)
MOST: Final = 10
HISTORY_DAYS: Final = 30
#: Kinds whose delays and deadband can be computed from the readings.
FIXABLE: Final = frozenset({"limit", "rate", "deviation"})


@dataclass(frozen=True, slots=True)
class BadActor:
    """One rule, what it raised in a week, and what is known of its gauge."""

    rule_id: uuid.UUID
    rule: str
    kind: str
    place: str
    alarms: int
    share_percent: float
    fleeting: int  #: alarms that were over within a minute
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
           count(*) FILTER (WHERE a.cleared_at - a.raised_at < interval '1 minute') AS fleeting,
           count(*) FILTER (WHERE a.acked_at IS NOT NULL) AS acted_on,
           (SELECT max(d.raised_at) FROM alerts d
            WHERE d.tag_id = r.tag_id AND d.kind IN ('bad_value', 'flatline', 'stale')
              AND d.closed_at IS NULL AND d.condition <> 'normal') AS dead_since
    FROM alerts a
    JOIN alert_rules r ON r.id = a.rule_id
    LEFT JOIN wells w ON w.id = a.well_id
    WHERE a.raised_at > :since AND a.raised_at <= :now AND a.retracted_at IS NULL
    GROUP BY r.id, r.name, r.kind, r.tag_id
    ORDER BY count(*) DESC, r.id
    LIMIT :most
    """
)


def worst(session: Session, now: datetime, period: timedelta = WEEK) -> list[BadActor]:
    """The rules that raised the most alarms in a week, of what the session may see."""
    rows = session.execute(_WORST, {"since": now - period, "now": now, "most": MOST})
    return [
        BadActor(
            row.id,
            row.name,
            row.kind,
            row.place,
            row.alarms,
            float(100 * row.alarms / row.of_all),
            row.fleeting,
            row.acted_on,
            row.dead_since,
        )
        for row in rows
    ]


def fix(session: Session, rule_id: uuid.UUID, now: datetime) -> Suggestion | None:
    """The fix of a rule from a month of its gauge's readings; None where none can be computed."""
    found = session.get(AlertRule, rule_id)
    if found is None or found.kind not in FIXABLE or found.tag_id is None:
        return None
    tag = session.get_one(Tag, found.tag_id)
    rule = watches.tried(session, tag, found.kind, rules.judged_params(found)).rule
    span = backtest.stretch(session, tag, now, HISTORY_DAYS, most=backtest.MOST_AT_ONCE)
    return backtest.suggestion(session, rule, span, found.respond_within_s)


def accept(session: Session, rule_id: uuid.UUID, by: uuid.UUID, now: datetime) -> bool:
    """Change a rule to its fix, as a new version; gives False where there is nothing to change."""
    found = fix(session, rule_id, now)
    if found is None or not found.helps:
        return False
    params = dict(found.rule.to_json())
    kept = session.get_one(AlertRule, rule_id).params
    wanted = {name: params[name] for name in params if name == "levels" or name in kept}
    rules.change(session, rule_id, by=by, params=wanted)
    return True
