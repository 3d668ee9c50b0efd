"""The proof that all that was sent is stored: ledger, streams and readings held against each other.

Three accounts of the same thing, each written for another reason:

- what agents announced: the highest number of each stream;
- what the ledger says: a row per stored message and UTC day, written with the readings;
- what is stored: the readings themselves, counted.

The numbers of a stream must run through the ledger from 1 to the stream's own without a hole or an
overlap, the checksums must agree, and on every day as many readings must be stored as the ledger
counts. What is missing for a known reason is listed with its cause.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, text

_AGENTS = text(
    "SELECT id, name FROM agents WHERE CAST(:agent AS text) IS NULL OR name = :agent ORDER BY name"
)
_KEPT_FROM = text("SELECT CASE WHEN isfinite(kept_from) THEN kept_from END FROM readings_state")
_LEDGER = text(
    """
    SELECT agent_id, (day AT TIME ZONE 'UTC')::date AS day, sum(readings)::bigint AS readings
      FROM ingest_batches
     WHERE day >= :since
     GROUP BY 1, 2
    """
)
_STORED = text(
    """
    SELECT t.agent_id, c.day, sum(c.n)::bigint AS readings
      FROM (SELECT tag_id, (time AT TIME ZONE 'UTC')::date AS day, count(*) AS n
              FROM (SELECT tag_id, time FROM readings WHERE time >= :since
                    UNION ALL
                    SELECT tag_id, time FROM readings_aside WHERE time >= :since) r
             GROUP BY 1, 2) c
      LEFT JOIN tags t ON t.id = c.tag_id
     GROUP BY 1, 2
    """
)
# A message that spans midnight has a row per day; its numbers count once.
_BREAKS = text(
    """
    WITH ranges AS (
        SELECT agent_id, stream, first, last, count(DISTINCT checksum) AS checksums
          FROM ingest_batches WHERE stream NOT LIKE 'replay:%' GROUP BY 1, 2, 3, 4),
    ordered AS (
        SELECT *, coalesce(max(last) OVER (PARTITION BY agent_id, stream ORDER BY first, last
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS reached
          FROM ranges)
    SELECT agent_id, stream, first, last, reached, checksums
      FROM ordered WHERE first <> reached + 1 OR checksums > 1
     ORDER BY agent_id, stream, first
    """
)
_STREAMS = text(
    """
    SELECT s.agent_id, s.stream, s.number, s.checksum, s.announced, s.closed,
           coalesce(l.last, 0) AS ledgered, l.checksum AS ledger_checksum
      FROM streams s
      LEFT JOIN LATERAL (SELECT last, checksum FROM ingest_batches b
                          WHERE b.agent_id = s.agent_id AND b.stream = s.stream
                          ORDER BY last DESC LIMIT 1) l ON true
     ORDER BY s.agent_id, s.opened_at
    """
)
_GAPS = text(
    """
    SELECT agent_id, stream, first, last, reason, readings, from_time, to_time
      FROM stream_gaps ORDER BY agent_id, found_at, first
    """
)
_QUARANTINE = text(
    "SELECT agent_id, count(*) AS n FROM quarantine WHERE settled_at IS NULL GROUP BY 1"
)


@dataclass(frozen=True, slots=True)
class Day:
    """Readings of one UTC day."""

    day: date
    ledgered: int
    stored: int
    expired: bool = False  #: older than readings are kept; only the rollups are left

    @property
    def agrees(self) -> bool:
        """Whether as many are stored as the ledger counts."""
        return self.expired or self.ledgered == self.stored


@dataclass(frozen=True, slots=True)
class Missing:
    """Blocks of a stream that are not here, and why."""

    stream: str
    first: int
    last: int
    cause: str  #: thinned, released, moved, lost, lost_with_disk, or not_yet_sent
    readings: int | None = None
    from_time: datetime | None = None
    to_time: datetime | None = None


@dataclass(slots=True)
class AgentReport:
    """What was found about one agent."""

    name: str
    days: list[Day] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    quarantined: int = 0  #: messages and blocks that wait for a person
    faults: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether the three accounts agree."""
        return not self.faults


@dataclass(slots=True)
class Report:
    """What the audit found; `exit_code` is 0 when all accounts agree and 1 when they differ."""

    at: datetime
    agents: list[AgentReport] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)  #: those that belong to no agent

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return not self.faults and all(agent.ok for agent in self.agents)

    @property
    def exit_code(self) -> int:
        """What a program should answer to its shell."""
        return 0 if self.ok else 1

    @property
    def sentences(self) -> list[str]:
        """Everything that differs, one sentence each."""
        return [*self.faults, *(fault for agent in self.agents for fault in agent.faults)]

    def to_json(self) -> dict[str, Any]:
        """The report in types that JSON knows."""
        return {
            "ok": self.ok,
            "at": self.at.isoformat(),
            "readings": {
                "ledgered": sum(day.ledgered for agent in self.agents for day in agent.days),
                "stored": sum(day.stored for agent in self.agents for day in agent.days),
            },
            "faults": self.sentences,
            "agents": [{"ok": agent.ok, **_plain(asdict(agent))} for agent in self.agents],
        }


def audit(
    engine: Engine,
    *,
    agent: str | None = None,
    days: int | None = None,
    now: datetime | None = None,
) -> Report:
    """Hold the accounts against each other; of one agent only, or of the last days, if asked.

    `engine` acts as the owner. Everything is read in one snapshot, so ingest may go on meanwhile.
    """
    moment = now or datetime.now(UTC)
    since = datetime(2000, 1, 1, tzinfo=UTC)
    if days is not None:
        since = datetime.combine(moment.date() - timedelta(days=days), datetime.min.time(), UTC)
    with engine.connect() as plain:
        connection = plain.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            return _audit(connection, agent, since, moment)


def _audit(connection: Connection, agent: str | None, since: datetime, now: datetime) -> Report:
    found = {row.id: AgentReport(row.name) for row in connection.execute(_AGENTS, {"agent": agent})}
    report = Report(now, list(found.values()))
    if agent is not None and not found:
        report.faults.append(f"there is no agent {agent!r}")
    _count_days(connection, report, found, since)
    _follow_numbers(connection, found)
    _hold_streams_against_ledger(connection, found)
    for row in connection.execute(_GAPS):
        if row.agent_id in found:
            found[row.agent_id].missing.append(Missing(*row[1:]))
    for row in connection.execute(_QUARANTINE):
        if row.agent_id in found:
            found[row.agent_id].quarantined = row.n
    return report


# ---------------------------------------------------------------------------------- by day


def _count_days(
    connection: Connection, report: Report, found: Mapping[Any, AgentReport], since: datetime
) -> None:
    counts: defaultdict[Any, dict[date, list[int]]] = defaultdict(
        lambda: defaultdict(lambda: [0, 0])
    )
    for place, query in enumerate((_LEDGER, _STORED)):
        for row in connection.execute(query, {"since": since}):
            counts[row.agent_id][row.day][place] += row.readings
    kept_from = connection.scalar(_KEPT_FROM)
    for day, (_, stored) in counts.pop(None, {}).items():
        report.faults.append(f"{day}: {stored} readings are stored whose tag does not exist")
    for key, agent in found.items():
        agent.days = _days(counts[key], kept_from)
        agent.faults += [_differs(agent.name, day) for day in agent.days if not day.agrees]


def _days(counts: Mapping[date, Sequence[int]], kept_from: datetime | None) -> list[Day]:
    kept = kept_from.astimezone(UTC).date() if kept_from else date.min
    return [
        Day(day, ledgered, stored, expired=day < kept)
        for day, (ledgered, stored) in sorted(counts.items())
    ]


def _differs(name: str, day: Day) -> str:
    off = abs(day.ledgered - day.stored)
    less = day.stored < day.ledgered
    why = "lost after they were stored" if less else "stored twice, or their ledger row is gone"
    return (
        f"{name}, {day.day}: {day.stored} readings are stored but the ledger counts "
        f"{day.ledgered}; {off} were {why}"
    )


# ------------------------------------------------------------------------------- by number


def _follow_numbers(connection: Connection, found: Mapping[Any, AgentReport]) -> None:
    for row in connection.execute(_BREAKS):
        if row.agent_id not in found:
            continue
        agent = found[row.agent_id]
        where = f"{agent.name}, stream {row.stream}"
        if row.first > row.reached + 1:
            agent.faults.append(
                f"{where}: the ledger has no row for blocks {row.reached + 1} to {row.first - 1}"
            )
        elif row.first <= row.reached:
            agent.faults.append(
                f"{where}: blocks {row.first} to {min(row.reached, row.last)} stand in the ledger "
                "twice"
            )
        if row.checksums > 1:
            agent.faults.append(
                f"{where}: the ledger rows of blocks {row.first} to {row.last} have different "
                "checksums"
            )


def _hold_streams_against_ledger(connection: Connection, found: Mapping[Any, AgentReport]) -> None:
    for row in connection.execute(_STREAMS):
        if row.agent_id in found:
            _hold_stream(found[row.agent_id], row)


def _hold_stream(agent: AgentReport, row: Any) -> None:
    where = f"{agent.name}, stream {row.stream}"
    if row.ledgered < row.number:
        agent.faults.append(
            f"{where}: the ledger has no row for blocks {row.ledgered + 1} to {row.number}"
        )
    elif row.ledgered > row.number:
        agent.faults.append(
            f"{where}: the ledger goes to block {row.ledgered}, the stream's row to {row.number}"
        )
    elif row.number and row.ledger_checksum != row.checksum:
        agent.faults.append(
            f"{where}: the checksum after block {row.number} differs between ledger and stream"
        )
    issued = row.announced if row.closed is None else max(row.announced, row.closed)
    if issued > row.number:
        agent.missing.append(Missing(row.stream, row.number + 1, issued, "not_yet_sent"))


def _plain(value: Any) -> Any:
    """Dates and times as text, whatever holds them."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value
