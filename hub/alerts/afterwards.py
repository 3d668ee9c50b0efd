"""What was learned of the time in which a link was down, told once per site.

Readings that come after an outage show what happened meanwhile. Each of those episodes is recorded
as historical and wakes nobody; when the site has caught up, whoever was told that it was offline
gets one message with all of them, the worst first. It hangs on the site's own offline alarm, or on
the first of the episodes where there was none.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from hub.alerts import notices
from hub.alerts.lifecycle import write
from hub.schema import Alert

QUIET: Final = timedelta(minutes=2)  #: no further episode for so long: the site has caught up
MOST_NAMED: Final = 3

_WAITING = text(
    """
    SELECT a.* FROM alerts a
    WHERE a.origin = 'historical' AND a.digested_at IS NULL AND a.retracted_at IS NULL
      AND a.agent_id IS NOT NULL AND a.cleared_at IS NOT NULL
      AND NOT EXISTS (SELECT FROM alerts n
                      WHERE n.agent_id = a.agent_id AND n.origin = 'historical'
                        AND n.digested_at IS NULL AND n.detected_at > :settled)
    ORDER BY a.agent_id, a.priority, a.raised_at
    LIMIT 5000
    FOR UPDATE OF a SKIP LOCKED
    """
)

_OFFLINE = text(
    """
    SELECT a.id FROM alerts a JOIN alert_rules r ON r.id = a.rule_id
    WHERE a.agent_id = :agent AND r.template = 'site_offline' AND a.raised_at <= :until
    ORDER BY a.raised_at DESC LIMIT 1
    """
)


def digest_outages(engine: Engine, now: datetime | None = None) -> int:
    """Tell of what is known only afterwards, once per site; gives how many sites."""
    moment = now or datetime.now(UTC)
    with Session(engine) as session, session.begin():
        waiting = session.scalars(
            select(Alert).from_statement(_WAITING), {"settled": moment - QUIET}
        ).all()
        by_site: dict[uuid.UUID, list[Alert]] = defaultdict(list)
        for alert in waiting:
            assert alert.agent_id is not None
            by_site[alert.agent_id].append(alert)
        for agent, alerts in by_site.items():
            _tell(session, agent, alerts, moment)
    return len(by_site)


def _tell(session: Session, agent: uuid.UUID, alerts: Sequence[Alert], now: datetime) -> None:
    for alert in alerts:
        alert.digested_at = now
    latest = max(alert.detected_at for alert in alerts)
    offline = session.scalar(_OFFLINE, {"agent": agent, "until": latest})
    bearer = session.get_one(Alert, offline) if offline is not None else alerts[0]
    said = sentence([(alert.message, alert.priority) for alert in alerts])
    write(session, bearer, "digest", None, note=said, after={"alerts": [str(a.id) for a in alerts]})
    session.flush()
    notices.digest(session, bearer, said, now)


def sentence(found: Sequence[tuple[str, int]]) -> str:
    """What happened, with the worst named: message and priority of each, worst first (pure)."""
    named = "; ".join(message for message, _ in found[:MOST_NAMED])
    more = len(found) - MOST_NAMED
    rest = f"; and {more} more" if more > 0 else ""
    critical = sum(priority == 1 for _, priority in found)
    look = f" {critical} critical: look into it." if critical else ""
    count = "1 alarm" if len(found) == 1 else f"{len(found)} alarms"
    return f"{count}, over before anybody here knew: {named}{rest}.{look}"
