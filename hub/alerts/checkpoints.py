"""Checkpoints of the evaluator in the database: from which one to start, and what to leave."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from agent.contract.alarms import State, carry
from hub.alerts.instants import to_instant, to_ms
from hub.alerts.trail import BRIDGE_MS, Checkpoint
from hub.alerts.watches import Watch

#: Late data older than this is recorded, but not judged any more.
KEPT_FOR: Final = timedelta(days=35)


@dataclass(frozen=True, slots=True)
class Start:
    """Where judging a rule begins."""

    watch: Watch
    checkpoint: Checkpoint
    head: int | None  #: how far this version has judged; None when it begins here
    floor: int = 0  #: when the last alert of a former version ended; UTC milliseconds
    #: "first": this version has not judged yet. "again": it has, and readings came late that lie
    #: before it began, of which no former version knows either.
    warms: Literal["first", "again", ""] = ""
    renewed: bool = False  #: it begins with another state than it was judged with


@dataclass(frozen=True, slots=True)
class Replaced:
    """The checkpoints of a rule in a stretch of time, as they are from now on."""

    watch: Watch
    after: int
    until: int
    left: Sequence[Checkpoint]
    is_next: bool = False  #: nothing stands after `after`: these go on where the rule had come to


_STARTS = text(
    """
    SELECT w.n, s.at, s.state, h.at AS head_at, h.state AS head_state,
           h.rule_version = w.version AS is_current,
           CASE WHEN s.at >= :before OR s.at IS NULL THEN NOT EXISTS (
               SELECT FROM alert_checkpoints c
               WHERE c.rule_id = w.rule_id AND c.rule_version <> w.version) END AS alone,
           CASE WHEN s.at >= :before OR s.at IS NULL THEN (
               SELECT max(coalesce(a.cleared_at, a.closed_at)) FROM alerts a
               WHERE a.rule_id = w.rule_id AND a.rule_version < w.version
                 AND a.retracted_at IS NULL) END AS floor
    FROM unnest(CAST(:rules AS uuid[]), CAST(:versions AS integer[]))
         WITH ORDINALITY AS w(rule_id, version, n)
    LEFT JOIN LATERAL (
        SELECT c.at, c.state, c.rule_version FROM alert_checkpoints c
        WHERE c.rule_id = w.rule_id
        ORDER BY c.at DESC LIMIT 1) h ON true
    LEFT JOIN LATERAL (
        (SELECT c.at, c.state FROM alert_checkpoints c
         WHERE c.rule_id = w.rule_id AND c.rule_version = w.version AND c.at < :before
         ORDER BY c.at DESC LIMIT 1)
        UNION ALL
        (SELECT c.at, c.state FROM alert_checkpoints c
         WHERE c.rule_id = w.rule_id AND c.rule_version = w.version
         ORDER BY c.at LIMIT 1)
        LIMIT 1) s ON true
    ORDER BY w.n
    """
)

_AHEAD = text(
    """
    SELECT at, state, kept FROM alert_checkpoints
    WHERE rule_id = :rule AND rule_version = :version AND at >= :since
    ORDER BY at LIMIT :most
    """
)

_REPLACE = text(
    """
    DELETE FROM alert_checkpoints c
    USING unnest(CAST(:rules AS uuid[]), CAST(:after AS timestamptz[]),
                 CAST(:until AS timestamptz[])) AS w(rule_id, after, until)
    WHERE c.rule_id = w.rule_id AND c.at > w.after AND c.at <= w.until
    """
)

_LEAVE = """
    INSERT INTO alert_checkpoints (organization_id, rule_id, at, rule_version, kept, state)
    SELECT * FROM unnest(CAST(:organizations AS uuid[]), CAST(:rules AS uuid[]),
                         CAST(:at AS timestamptz[]), CAST(:versions AS integer[]),
                         CAST(:kept AS boolean[]), CAST(:states AS jsonb[]))
    ON CONFLICT (rule_id, at) DO UPDATE
    SET rule_version = excluded.rule_version, state = excluded.state,
        kept = alert_checkpoints.kept OR excluded.kept
"""

_THIN = """
    DELETE FROM alert_checkpoints c
    USING (
        SELECT b.rule_id, max(b.at) AS at
        FROM unnest(CAST(:thinned AS uuid[]), CAST(:until AS timestamptz[])) AS w(rule_id, until)
        JOIN alert_checkpoints b ON b.rule_id = w.rule_id AND b.at <= w.until AND NOT b.kept
        GROUP BY b.rule_id) bridge
    WHERE c.rule_id = bridge.rule_id AND c.at < bridge.at AND NOT c.kept
"""
#: Both at once, where a rule only goes on: what is dropped lies before what is left.
_GO_ON = text(f"WITH thinned AS ({_THIN}) {_LEAVE}")

_PRUNE = text(
    """
    DELETE FROM alert_checkpoints c
    WHERE c.at < :before
      AND EXISTS (SELECT FROM alert_checkpoints n
                  WHERE n.rule_id = c.rule_id AND n.rule_version = c.rule_version
                    AND n.at > c.at AND n.at < :before)
    RETURNING 1
    """
)


def starts(session: Session, watches: Sequence[Watch], before: datetime) -> list[Start]:
    """For each rule the newest checkpoint of its version before an instant, else the oldest.

    A version without one begins here: a changed rule where its former version stood, a new rule
    when it was made. What it should know by then is left to `hub.alerts.warmup`.
    """
    values = {
        "rules": [watch.id for watch in watches],
        "versions": [watch.version for watch in watches],
        "before": before,
    }
    return [
        _start(watch, row)
        for watch, row in zip(watches, session.execute(_STARTS, values), strict=True)
    ]


def _start(watch: Watch, row: Any) -> Start:
    floor = 0 if row.floor is None else to_ms(row.floor)
    if row.at is not None:
        checkpoint = Checkpoint(to_ms(row.at), State.from_json(row.state))
        head = to_ms(row.head_at) if row.is_current else None
        again = row.alone and checkpoint.at == to_ms(watch.since)  # else older ones were forgotten
        return Start(watch, checkpoint, head, floor, "again" if again else "")
    if row.head_at is None:
        since = to_ms(watch.since)
        return Start(watch, Checkpoint(since, State(at=since), kept=True), None, floor, "first")
    state = carry(watch.rule, State.from_json(row.head_state))
    return Start(watch, Checkpoint(to_ms(row.head_at), state, kept=True), None, floor, "first")


def ahead(session: Session, watch: Watch, since: int, most: int) -> list[Checkpoint]:
    """The next checkpoints of a rule from an instant on."""
    values = {"rule": watch.id, "version": watch.version, "since": to_instant(since), "most": most}
    return [
        Checkpoint(to_ms(row.at), State.from_json(row.state), row.kept)
        for row in session.execute(_AHEAD, values)
    ]


def replace(session: Session, stretches: Iterable[Replaced]) -> None:
    """Put new checkpoints in the place of the old ones, and drop bridges no longer needed."""
    listed = list(stretches)
    onward = [stretch for stretch in listed if stretch.is_next]
    if onward:
        session.execute(_GO_ON, _left(onward) | _thinned(onward))
    again = [stretch for stretch in listed if not stretch.is_next]
    if again:
        span = {
            "rules": [stretch.watch.id for stretch in again],
            "after": [to_instant(stretch.after) for stretch in again],
            "until": [to_instant(stretch.until) for stretch in again],
        }
        session.execute(_REPLACE, span)
        session.execute(text(_LEAVE), _left(again))
        session.execute(text(_THIN), _thinned(again))


def _thinned(stretches: Sequence[Replaced]) -> dict[str, Any]:
    return {
        "thinned": [stretch.watch.id for stretch in stretches],
        "until": [to_instant(stretch.until - BRIDGE_MS) for stretch in stretches],
    }


def _left(stretches: Sequence[Replaced]) -> dict[str, Any]:
    left = [(stretch.watch, checkpoint) for stretch in stretches for checkpoint in stretch.left]
    return {
        "organizations": [watch.organization_id for watch, _ in left],
        "rules": [watch.id for watch, _ in left],
        "at": [to_instant(checkpoint.at) for _, checkpoint in left],
        "versions": [watch.version for watch, _ in left],
        "kept": [checkpoint.kept for _, checkpoint in left],
        "states": [json.dumps(checkpoint.state.to_json()) for _, checkpoint in left],
    }


def prune(session: Session, now: datetime) -> int:
    """Forget checkpoints that are too old for late data; gives how many.

    The newest of them stays: a gauge that was silent for a year goes on from there.
    """
    return len(session.execute(_PRUNE, {"before": now - KEPT_FOR}).all())
