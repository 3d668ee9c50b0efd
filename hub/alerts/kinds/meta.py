"""The alarm system about itself: messages that do not arrive, alerts nobody takes up, too many of
them, agents whose clock or backlog is off, people who cannot be reached, a hub that is behind or
not well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from hub.alerts.conditions import Finding
from hub.alerts.kinds.office import Found, OfficeKind, Params, Scene, Setting, key
from hub.notify import reach

_UNDELIVERED: Final = """
    SELECT c.id, c.kind, c.address, count(*) AS failed, min(n.created_at) AS since
    FROM notifications n JOIN contact_channels c ON c.id = n.channel_id
    WHERE n.organization_id = :organization AND n.state IN ('failed', 'dead')
      AND n.created_at > :since
    GROUP BY c.id, c.kind, c.address
"""
_UNTAKEN: Final = """
    SELECT a.priority, count(*) AS waiting, min(a.detected_at) AS since
    FROM alerts a
    WHERE a.organization_id = :organization AND a.closed_at IS NULL AND a.ack = 'unacked'
      AND a.condition <> 'normal' AND a.detected_at < :before AND a.priority <= 2
      AND a.kind <> 'meta'
    GROUP BY a.priority
"""
_RATE: Final = """
    SELECT count(*) AS raised, min(a.detected_at) AS since FROM alerts a
    WHERE a.organization_id = :organization AND a.detected_at > :since AND a.origin = 'live'
      AND a.kind <> 'meta'
"""
_CLOCKS: Final = """
    SELECT g.id, g.name, g.clock_skew_ms, g.status_at, g.well_id FROM agents g
    WHERE g.organization_id = :organization AND g.revoked_at IS NULL
      AND abs(g.clock_skew_ms) > :limit * 1000
"""
_BACKLOGS: Final = """
    SELECT g.id, g.name, (g.backlog->>'readings')::numeric AS readings, g.status_at, g.well_id
    FROM agents g
    WHERE g.organization_id = :organization AND g.revoked_at IS NULL
      AND (g.backlog->>'readings')::numeric > :limit
"""
_HUB: Final = """
    SELECT count(*) AS waiting, min(b.received_at) AS since FROM ingest_batches b
    WHERE b.organization_id = :organization AND b.judged_at IS NULL AND b.received_at < :before
"""


def undelivered(scene: Scene, params: Params) -> Iterator[Finding]:
    """Channels on which messages of the last day failed for good."""
    for row in scene.rows(_UNDELIVERED, since=scene.now - timedelta(days=1)):
        if row.failed >= float(params["limit"] or 1):
            yield _of(
                params,
                key("channel", row.id),
                f"{row.failed} messages to {row.address} could not be delivered since"
                f" {row.since:%Y-%m-%d %H:%M} UTC.",
                row.since,
                subject=row.address,
                value=float(row.failed),
            )


def untaken(scene: Scene, params: Params) -> Iterator[Finding]:
    """Critical alerts and warnings that nobody has taken up for so many minutes."""
    before = scene.now - timedelta(minutes=float(params["limit"] or 30))
    for row in scene.rows(_UNTAKEN, before=before):
        yield _of(
            params,
            key("untaken", str(row.priority)),
            f"{row.waiting} alerts of priority {row.priority} have waited for"
            f" {float(params['limit'] or 30):g} minutes and nobody has taken them up.",
            row.since,
            value=float(row.waiting),
        )


def rate(scene: Scene, params: Params) -> Iterator[Finding]:
    """More alerts in ten minutes than a person can look at: ISA-18.2 calls ten of them a flood."""
    limit = float(params["limit"] or 10)
    (row,) = scene.rows(_RATE, since=scene.now - timedelta(minutes=10))
    if row.raised > limit:
        words = (
            f"{row.raised} alerts in ten minutes, more than {limit:g}: look for their one cause."
        )
        yield _of(params, "rate", words, row.since, value=float(row.raised))


def clocks(scene: Scene, params: Params) -> Iterator[Finding]:
    """Agents whose clock is off by so many seconds."""
    for row in scene.rows(_CLOCKS, limit=float(params["limit"] or 120)):
        words = f"The clock of {row.name} is {abs(row.clock_skew_ms) / 1000:,.0f} s off the hub's."
        yield _of_agent(params, row, "clock", words, row.clock_skew_ms / 1000)


def backlogs(scene: Scene, params: Params) -> Iterator[Finding]:
    """Agents with so many readings on their disk that the hub does not have."""
    for row in scene.rows(_BACKLOGS, limit=float(params["limit"] or 100_000)):
        words = f"{row.name} keeps {row.readings:,.0f} readings that the hub does not have yet."
        yield _of_agent(params, row, "backlog", words, float(row.readings))


def hub_behind(scene: Scene, params: Params) -> Iterator[Finding]:
    """Readings that have waited for judgement for so many minutes."""
    before = scene.now - timedelta(minutes=float(params["limit"] or 5))
    (row,) = scene.rows(_HUB, before=before)
    if row.waiting:
        words = f"{row.waiting} messages of readings wait to be judged; alerts come late."
        yield _of(params, "hub", words, row.since, value=float(row.waiting))


def reached(scene: Scene, params: Params) -> Iterator[Finding]:
    """People who did not answer whether they are reached, hours with nobody, overdue steps."""
    for one in reach.shortcomings(scene.session, scene.rule.organization_id, scene.now):
        worst = max(params.priority, one.priority)
        yield Finding(one.key, one.sentence, min(one.since, scene.now), worst)


def hub(scene: Scene, params: Params) -> Iterator[Finding]:
    """What is wrong with the hub, as its own processes found out."""
    for one in scene.of_hub:
        yield replace(one, priority=max(params.priority, one.priority))


def _of(params: Params, name: str, sentence: str, since: Any, **more: Any) -> Finding:
    limit = None if params["limit"] is None else float(params["limit"])
    return Finding(
        key=name, sentence=sentence, since=since, priority=params.priority, setpoint=limit, **more
    )


def _of_agent(params: Params, row: Any, what: str, sentence: str, value: float) -> Finding:
    more = {"subject": row.name, "agent_id": row.id, "well_id": row.well_id, "value": value}
    return _of(params, key(what, row.id), sentence, row.status_at, **more)


WATCHED: Final[Mapping[str, Callable[[Scene, Params], Iterator[Finding]]]] = {
    "undelivered": undelivered,
    "untaken": untaken,
    "rate": rate,
    "agent_clock": clocks,
    "agent_backlog": backlogs,
    "hub_behind": hub_behind,
    "reach": reached,
    "hub": hub,
}


def find(scene: Scene, params: Params) -> Found:
    """What the chosen figure shows; nothing is judged of a hub that nobody has looked at."""
    found = list(WATCHED[params["of"]](scene, params))
    unseen = params["of"] == "hub" and not scene.hub_seen
    return Found(found, frozenset() if unseen else None)


KIND: Final = OfficeKind(
    "The alarm system itself",
    "Undelivered messages, alerts nobody takes up, floods, people not reached, a hub not well.",
    (
        Setting("of", "What", "", "undelivered", form="choice", choices=tuple(WATCHED)),
        Setting(
            "limit",
            "Limit",
            "messages, minutes, alerts, s or readings",
            "",
            "Empty: what is usual for it",
            form="optional",
        ),
        Setting("priority", "Priority", "", "2", "1 worst … 4 advice"),
    ),
    find,
)
