"""What happens to alerts without any reading: silence, times that are over, rules switched off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from hub.alerts import axes, catchup, checkpoints, notices, service
from hub.alerts.axes import Axes
from hub.alerts.lifecycle import close, freeze, lapse, put, take_off_shelf, write
from hub.schema import Alert, AlertRule

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


_TIME_IS_UP = """
    SELECT a.* FROM alerts a
    WHERE a.closed_at IS NULL AND a.{column} <= :now
    ORDER BY a.id LIMIT 200
    FOR UPDATE OF a SKIP LOCKED
"""
_SHELVES_OVER = text(
    """
    UPDATE alert_holds SET ended_at = until
    WHERE kind = 'shelf' AND ended_at IS NULL AND until <= :now
    """
)


def watch_clocks(engine: Engine, now: datetime | None = None) -> int:
    """Do what is due by the clock: shelves and service that end, acknowledgements that lapse, and
    telling what waited to be told; gives how many alerts.

    An alert that a person is changing at this moment is left for the next look, a second later.
    """
    moment = now or datetime.now(UTC)
    done = _each(engine, "shelved_until", moment, _end_shelf)
    done += _each(engine, "out_of_service_until", moment, service.put_back)
    done += _each(engine, "ack_until", moment, lapse)
    done += _each(engine, "tell_at", moment, tell)
    with engine.begin() as connection:
        connection.execute(_SHELVES_OVER, {"now": moment})
    return done


def _each(
    engine: Engine, column: str, now: datetime, act: Callable[[Session, Alert, datetime], object]
) -> int:
    """Act on every alert whose time in a column is over."""
    statement = text(_TIME_IS_UP.format(column=column))
    with Session(engine) as session, session.begin():
        alerts = session.scalars(select(Alert).from_statement(statement), {"now": now}).all()
        for alert in alerts:
            act(session, alert, now)
    return len(alerts)


def _end_shelf(session: Session, alert: Alert, now: datetime) -> None:
    take_off_shelf(session, alert, now, "shelf_over")


def tell(session: Session, alert: Alert, now: datetime) -> None:
    """Tell what waited to be told, if it still stands and nothing else keeps it quiet."""
    if catchup.is_held(session, alert) and Axes.of(alert).stands:
        latched = session.get_one(AlertRule, alert.rule_id).latch
        catchup.release(session, alert, latched=latched)
        alert.tell_at, alert.ack = now, "unacked"
    move = axes.due(Axes.of(alert), now)
    put(session, alert, move, now)
    if move.tell:
        write(session, alert, "told_again", None)
        notices.page(session, alert, "raised", now)
    elif move.still:
        write(session, alert, "told_again", None)
        notices.follow_up(session, alert, "returned", now)


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
