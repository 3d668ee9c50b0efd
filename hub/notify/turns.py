"""Whose message goes next: operators take turns, and an urgent message goes before its turn.

Each operator's most urgent message that is due is a candidate. It goes in the order of when that
operator was served last, with a handicap by priority: an operator in a storm was served a moment
ago and comes after everybody else's page, and nobody waits for ever behind others' criticals.
"""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

Lane = Literal["people", "endpoints"]
LANES: Final[tuple[Lane, ...]] = ("people", "endpoints")

_TURNS = text(
    """
    WITH RECURSIVE owing (organization_id) AS (
        (SELECT n.organization_id FROM notifications n
         WHERE n.lane = :lane AND n.state IN ('queued', 'leased')
         ORDER BY n.organization_id LIMIT 1)
        UNION ALL
        SELECT (SELECT n.organization_id FROM notifications n
                WHERE n.lane = :lane AND n.state IN ('queued', 'leased')
                  AND n.organization_id > o.organization_id
                ORDER BY n.organization_id LIMIT 1)
        FROM owing o WHERE o.organization_id IS NOT NULL)
    SELECT o.organization_id
    FROM owing o
    CROSS JOIN LATERAL (
        SELECT p.priority
        FROM (VALUES (1), (2), (3), (4)) p (priority)
        WHERE EXISTS (
            SELECT FROM notifications n
            WHERE n.lane = :lane AND n.organization_id = o.organization_id
              AND n.priority = p.priority AND n.not_before <= :now
              AND (n.state = 'queued' OR (n.state = 'leased' AND n.lease_until <= :now)))
        ORDER BY p.priority LIMIT 1) due
    LEFT JOIN delivery_turns t ON t.organization_id = o.organization_id AND t.lane = :lane
    WHERE o.organization_id IS NOT NULL
      AND NOT (o.organization_id = ANY(CAST(:busy AS uuid[])))
    ORDER BY coalesce(t.served_at, '-infinity') + (due.priority - 1) * interval '10 s',
             due.priority
    LIMIT 8
    """
)
_DUE = text(
    """
    SELECT id, organization_id, alert_id, channel_id, user_id, kind, idempotency_key, subject,
           body, state, attempts, expires_at, priority, is_test, step, lane
    FROM notifications
    WHERE lane = :lane AND organization_id = :organization AND not_before <= :now
      AND (state = 'queued' OR (state = 'leased' AND lease_until <= :now))
    ORDER BY priority, not_before, id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
    """
)
_SERVED = text(
    """
    INSERT INTO delivery_turns AS t (organization_id, lane, served_at)
    VALUES (:organization, :lane, :now)
    ON CONFLICT (organization_id, lane) DO UPDATE SET served_at = excluded.served_at
    """
)


def next_due(
    session: Session, lane: Lane, now: datetime, busy: frozenset[uuid.UUID] = frozenset()
) -> Row[Any] | None:
    """Lock the notification that goes next; passes over operators in `busy`, and locked rows."""
    mark = {"lane": lane, "now": now}
    turns = session.scalars(_TURNS, mark | {"busy": list(busy)}).all()
    for organization in turns:
        found = session.execute(_DUE, mark | {"organization": organization}).one_or_none()
        if found is not None:
            return found
    return None


def served(session: Session, organization: uuid.UUID, lane: Lane, now: datetime) -> None:
    """Note that an operator had its turn."""
    session.execute(_SERVED, {"organization": organization, "lane": lane, "now": now})


class Crew:
    """The deliverers of one lane in this process: one operator never holds all of them."""

    def __init__(self, size: int) -> None:
        self.most = max(1, size - 1)
        self._held: Counter[uuid.UUID] = Counter()
        self._lock = threading.Lock()
        self._choosing = threading.Lock()

    def busy(self) -> frozenset[uuid.UUID]:
        """Operators that hold as many deliverers as one may."""
        with self._lock:
            return frozenset(key for key, count in self._held.items() if count >= self.most)

    @contextmanager
    def choosing(self) -> Iterator[frozenset[uuid.UUID]]:
        """Choose and hold one after the other: two that choose at once would both see room."""
        with self._choosing:
            yield self.busy()

    @contextmanager
    def serving(self, organization: uuid.UUID) -> Iterator[None]:
        """Hold a deliverer for an operator while one message is sent."""
        with self._lock:
            self._held[organization] += 1
        try:
            yield
        finally:
            with self._lock:
                self._held[organization] -= 1
                if not self._held[organization]:
                    del self._held[organization]
