"""Readings of ruled tags, in order of time, as the evaluator takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import psycopg
from sqlalchemy.orm import Session

from agent.contract.alarms import Samples
from hub.alerts.instants import to_instant


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of one tag's readings: after one instant, up to and including another."""

    tag_id: int
    after: int
    until: int


# The outer bounds let the planner leave out partitions; the window's own choose within the rest.
_STATEMENT = """
    SELECT s.times, s.points, s.qualities
    FROM unnest(%(tags)s::integer[], %(after)s::timestamptz[], %(until)s::timestamptz[])
         WITH ORDINALITY AS w(tag_id, after, until, n)
    CROSS JOIN LATERAL (
        SELECT array_agg(p.at) AS times, array_agg(p.value) AS points,
               array_agg(p.quality) AS qualities
        FROM (
            SELECT floor(extract(epoch FROM r.time) * 1000)::bigint AS at,
                   r.value, r.quality
            FROM readings r
            WHERE r.tag_id = w.tag_id
              AND r.time > w.after AND r.time <= w.until
              AND r.time > %(first)s AND r.time <= %(last)s
            ORDER BY r.time
        ) p
    ) s
    ORDER BY w.n
"""


def read(session: Session, windows: Sequence[Window]) -> list[Samples]:
    """The readings of each window; those that several rules ask for are read once."""
    asked = list(dict.fromkeys(windows))
    found = dict(zip(asked, _read(session, asked), strict=True))
    return [found[window] for window in windows]


def _read(session: Session, windows: Sequence[Window]) -> list[Samples]:
    if not windows:
        return []
    values = {
        "tags": [window.tag_id for window in windows],
        "after": [to_instant(window.after) for window in windows],
        "until": [to_instant(window.until) for window in windows],
        "first": to_instant(min(window.after for window in windows)),
        "last": to_instant(max(window.until for window in windows)),
    }
    found = _driver(session).execute(_STATEMENT, values, binary=True)
    return [Samples(times or [], points or [], quality or []) for times, points, quality in found]


def _driver(session: Session) -> psycopg.Connection[Any]:
    """The driver's connection: arrays of floats come through it as lists, without a detour."""
    return cast("psycopg.Connection[Any]", session.connection().connection.driver_connection)
