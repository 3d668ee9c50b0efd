"""Judges what was committed: every row of the ledger once, agent by agent, in event time.

For each agent with rows that are not judged:

1. Take the agent's lock, or leave it to the worker that has it. A slow agent delays no other.
2. Claim rows of its ledger in the order they came, up to a bound. Their time ranges, not the
   order in which they came, say what is to be judged: data may be late.
3. For each rule start from the last checkpoint before such a range and judge the readings from
   there, through the range. Where later data was judged before, go on until the state is the same
   as at one of the checkpoints left then: from there on nothing can differ.
4. Compare the episodes found with the alerts that stand, and bring those to what is true now.
5. Commit alerts, events, notifications, checkpoints and the rows' judged_at together. A crash
   anywhere before leaves the rows to be claimed again, with the same result.

A rule that fails is marked faulted and left out until a person changes it; the others go on.
"""

from __future__ import annotations

import logging
import random
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hub.alerts import rules, watches
from hub.alerts.bench import Bench, Range
from hub.alerts.sitealarms import SiteView

LOG = logging.getLogger(__name__)

MOST_ROWS: Final = 500  #: ledger rows of one agent in one transaction
MOST_READINGS: Final = 200_000
JOIN_RANGES: Final = timedelta(hours=1)
LIVE_WINDOW_S: Final = 900

_AGENTS = text("SELECT DISTINCT agent_id FROM ingest_batches WHERE judged_at IS NULL")
_LOCK = text("SELECT pg_try_advisory_xact_lock(1245922375, hashtext(CAST(:agent AS text)))")
_CLAIM = text(
    """
    SELECT id, from_time, to_time, readings,
           EXISTS (SELECT FROM site_alarms s
                   WHERE s.agent_id = :agent AND (s.settled_at IS NULL OR s.stands)) AS site_told
    FROM ingest_batches
    WHERE agent_id = :agent AND judged_at IS NULL
    ORDER BY id LIMIT :most
    """
)
_JUDGED = text("UPDATE ingest_batches SET judged_at = :now WHERE id = ANY(:ids)")


def judge_pending(
    engine: Engine, now: datetime | None = None, *, live_window_s: int = LIVE_WINDOW_S
) -> int:
    """Judge what stands in the ledger, one chunk per agent; gives how many rows were judged.

    `engine` acts as the work role. Any number of workers may do this at once.
    """
    judged = 0
    with engine.connect() as connection:  # one for all of them: each was asked whether it lives
        agents = list(connection.scalars(_AGENTS))
        connection.commit()
        random.shuffle(agents)  # several workers do not queue up for the same agent
        for agent in agents:
            try:
                judged += judge_agent(connection, agent, now, live_window_s=live_window_s)
            except DBAPIError as fault:
                if fault.connection_invalidated:
                    raise
                LOG.exception("judging agent %s failed; it is tried again", agent)
    return judged


def judge_agent(
    engine: Engine | Connection,
    agent: uuid.UUID,
    now: datetime | None = None,
    *,
    live_window_s: int = LIVE_WINDOW_S,
) -> int:
    """Judge one chunk of one agent's ledger, unless another worker is at it."""
    with Session(engine) as session, session.begin():
        if not session.scalar(_LOCK, {"agent": agent}):
            return 0
        moment = now or datetime.now(UTC)
        claimed, more = _claim(session, agent)
        if not claimed:
            return 0
        found = watches.of_agent(session, agent)
        for rule_id, fault in found.faults.items():
            rules.mark_faulted(session, rule_id, fault, moment)
        site = SiteView(session, agent, moment)
        if claimed[0].site_told:
            site = SiteView.load(session, agent, moment)
        bench = Bench(session, moment, live_window_s * 1000, site, more=more)
        judged: Sequence[watches.Watch] = found.watches
        told = [Range(*span) for span in site.spans()]
        for span in join([*(Range(row.from_time, row.to_time) for row in claimed), *told]):
            judged = bench.judge(judged, span)
        site.conclude(bench.failed, {watch.id for watch in judged})
        session.execute(_JUDGED, {"now": moment, "ids": [row.id for row in claimed]})
    return len(claimed)


def _claim(session: Session, agent: uuid.UUID) -> tuple[list[Any], bool]:
    """The rows to judge now, and whether there are more."""
    rows: list[Any] = []
    readings = 0
    waiting = session.execute(_CLAIM, {"agent": agent, "most": MOST_ROWS + 1}).all()
    for row in waiting[:MOST_ROWS]:
        readings += row.readings
        if rows and readings > MOST_READINGS:
            break
        rows.append(row)
    return rows, len(rows) < len(waiting)


def join(ranges: Sequence[Range]) -> list[Range]:
    """Join ranges that lie close together; in order of time (pure)."""
    joined: list[Range] = []
    for span in sorted(ranges, key=lambda span: span.start):
        if joined and span.start - joined[-1].end <= JOIN_RANGES:
            joined[-1] = Range(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined
