"""What happens to alerts without any reading: silence, and rules that were switched off."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from hub.alerts import checkpoints
from hub.alerts.lifecycle import close, freeze
from hub.schema import Alert

# The agent's time is corrected by what its clock was off when it last said so: a clock that runs
# ten minutes behind does not make its gauges silent.
_SILENT = text(
    """
    SELECT a.id, coalesce(r.faulted_at, l.time) AS since
    FROM alerts a
    JOIN alert_rules r ON r.id = a.rule_id
    JOIN tags t ON t.id = a.tag_id
    JOIN agents g ON g.id = t.agent_id
    LEFT JOIN readings_latest l ON l.tag_id = a.tag_id
    WHERE a.closed_at IS NULL
      AND a.condition IN ('active', 'pending_off')
      AND (r.faulted_at IS NOT NULL
           OR :now - (l.time - coalesce(g.clock_skew_ms, 0) * interval '1 millisecond')
              > greatest(3 * t.interval_ms, 60000) * interval '1 millisecond')
    ORDER BY a.id
    FOR UPDATE OF a SKIP LOCKED
    """
)

_OF_RULES_OFF = text(
    """
    SELECT a.* FROM alerts a JOIN alert_rules r ON r.id = a.rule_id
    WHERE a.closed_at IS NULL AND NOT r.enabled
    ORDER BY a.id
    FOR UPDATE OF a SKIP LOCKED
    """
)

_FORGET_RULES_OFF = text(
    """
    DELETE FROM alert_checkpoints c
    USING alert_rules r
    WHERE c.rule_id = r.id AND NOT r.enabled
    """
)


def freeze_silent(engine: Engine, now: datetime | None = None) -> int:
    """Mark alerts that nobody can see the state of any more; gives how many.

    A gauge without readings for three of its beats (at least a minute), or a rule that failed,
    must not leave an alert looking as if it were watched. It neither clears nor pages; the next
    judgement of present readings takes the mark off.
    """
    moment = now or datetime.now(UTC)
    with Session(engine) as session, session.begin():
        silent = session.execute(_SILENT, {"now": moment}).all()
        for alert_id, since in silent:
            freeze(session, session.get_one(Alert, alert_id), since or moment)
    return len(silent)


def settle_rules_off(engine: Engine, now: datetime | None = None) -> int:
    """Close the alerts of rules that were switched off, and forget how far those had judged.

    A rule that is switched on again begins anew.
    """
    moment = now or datetime.now(UTC)
    with Session(engine) as session, session.begin():
        alerts = session.scalars(select(Alert).from_statement(_OF_RULES_OFF)).all()
        for alert in alerts:
            close(session, alert, "rule_off", moment)
        session.execute(_FORGET_RULES_OFF)
    return len(alerts)


def prune_checkpoints(engine: Engine, now: datetime | None = None) -> int:
    """Forget checkpoints that are too old for late data; gives how many."""
    with Session(engine) as session, session.begin():
        return checkpoints.prune(session, now or datetime.now(UTC))
