"""What each agent has delivered, what is still to come, and what never will."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hub.schema import StreamGap

GAPS_SHOWN = 500
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)  #: before anything was read

#: A stream whose announced blocks are all here, or named as gaps, holds nothing back. One that
#: lacks some reaches to its last stored reading; one of which nothing came yet, to where its
#: agent's older streams do. What was announced past a stream's end went with a disk.
_REACH_OF = """
    SELECT a.id, a.name, a.online, a.heard_at, a.backlog, newest.at AS newest,
           coalesce(missing.blocks, 0) AS blocks,
           CASE WHEN missing.blocks IS NULL THEN newest.at ELSE missing.reach END
               AS complete_through
    FROM agents a
    LEFT JOIN LATERAL (
        SELECT max(l.time) AS at
        FROM readings_latest l JOIN tags t ON t.id = l.tag_id
        WHERE t.agent_id = a.id) AS newest ON true
    CROSS JOIN LATERAL (
        SELECT sum(s.missing)::bigint AS blocks, min(coalesce(stored.at, before.at)) AS reach
        FROM (
            SELECT s.agent_id, s.stream, s.opened_at,
                   least(s.announced, s.closed) - s.number - coalesce((
                       SELECT sum(g.last - greatest(g.first, s.number + 1) + 1)
                       FROM stream_gaps g
                       WHERE g.agent_id = s.agent_id AND g.stream = s.stream
                         AND g.last > s.number
                         AND g.last <= least(s.announced, s.closed)), 0) AS missing
            FROM streams s
            WHERE s.agent_id = a.id AND least(s.announced, s.closed) > s.number) AS s
        LEFT JOIN LATERAL (
            SELECT b.to_time AS at FROM ingest_batches b
            WHERE b.agent_id = s.agent_id AND b.stream = s.stream
            ORDER BY b.last DESC, b.to_time DESC LIMIT 1) AS stored ON true
        LEFT JOIN LATERAL (
            SELECT max(b.to_time) AS at
            FROM streams o JOIN ingest_batches b ON b.agent_id = o.agent_id
                                                AND b.stream = o.stream AND b.last = o.number
            WHERE o.agent_id = s.agent_id AND o.opened_at < s.opened_at) AS before ON true
        WHERE s.missing > 0) AS missing
    WHERE {which}
    ORDER BY a.name
"""
_REACH = text(_REACH_OF.format(which="a.revoked_at IS NULL OR :revoked"))
_REACH_OF_ONE = text(_REACH_OF.format(which="a.id = :agent"))


@dataclass(frozen=True, slots=True)
class Gap:
    """Blocks of a stream that will never come, and why."""

    stream: str
    first: int
    last: int
    reason: str
    readings: int
    from_time: datetime | None
    to_time: datetime | None
    found_at: datetime


@dataclass(frozen=True, slots=True)
class AgentCompleteness:
    """One agent: everything it announced is stored up to `complete_through`."""

    agent_id: uuid.UUID
    name: str
    online: bool
    heard_at: datetime | None
    complete_through: datetime | None  #: None when nothing has come yet
    newest: datetime | None  #: time of its newest stored reading
    missing_blocks: int  #: announced and not yet stored
    backlog: Mapping[str, Any] | None  #: what it said it has yet to send
    gaps: tuple[Gap, ...]  #: newest first


def complete_through(session: Session, agent_id: uuid.UUID) -> datetime | None:
    """Up to when every reading an agent announced is stored; None when none is missing at all."""
    row = session.execute(_REACH_OF_ONE, {"agent": agent_id}).one()
    return None if not row.blocks else row.complete_through or _NEVER


def completeness(session: Session, *, revoked: bool = False) -> list[AgentCompleteness]:
    """Every agent of the session's organization by name; revoked ones only if asked for."""
    gaps = _gaps(session)
    return [
        AgentCompleteness(
            row.id,
            row.name,
            row.online,
            row.heard_at,
            row.complete_through,
            row.newest,
            row.blocks,
            row.backlog,
            tuple(gaps.get(row.id, ())),
        )
        for row in session.execute(_REACH, {"revoked": revoked})
    ]


def _gaps(session: Session) -> dict[uuid.UUID, list[Gap]]:
    listed = (
        select(StreamGap)
        .where(StreamGap.reason != "moved")  # those blocks came, under another stream
        .order_by(StreamGap.found_at.desc())
        .limit(GAPS_SHOWN)
    )
    found: dict[uuid.UUID, list[Gap]] = {}
    for gap in session.scalars(listed):
        found.setdefault(gap.agent_id, []).append(
            Gap(
                gap.stream,
                gap.first,
                gap.last,
                gap.reason,
                gap.readings,
                gap.from_time,
                gap.to_time,
                gap.found_at,
            )
        )
    return found
