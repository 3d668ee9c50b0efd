"""For which alerts a policy can be: everywhere, of a place, of equipment, of a rule."""

from __future__ import annotations

import uuid
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.console.incident_state import places
from hub.notify.keeping import Scope
from hub.notify.runs import place_of

#: More are not listed one by one; their own page leads to the form with them chosen.
MOST_LISTED: Final = 300

# Equipment that gauges stand on, and what that is part of; rules that follow no other.
_MORE: Final = text(
    """
    (SELECT 'rule:' || r.id AS key,
            'Rule ' || r.name || coalesce(' (' || coalesce(w.name, t.name) || ')', '') AS words
     FROM alert_rules r
     LEFT JOIN tags t ON t.id = r.tag_id
     LEFT JOIN wells w ON w.id = coalesce(t.well_id, r.well_id)
     WHERE (r.enabled AND (r.parent_id IS NULL OR r.detached)) OR r.id = :chosen
     ORDER BY r.id <> :chosen, r.tag_id IS NOT NULL, r.name, r.id LIMIT :most)
    UNION ALL
    (SELECT 'equipment:' || e.id,
            'Equipment ' || e.name || coalesce(' (' || w.name || ')', '')
     FROM equipment e LEFT JOIN wells w ON w.id = e.well_id
     WHERE e.id = :chosen OR EXISTS (SELECT FROM tags t WHERE t.equipment_id = e.id)
        OR EXISTS (SELECT FROM equipment c WHERE c.parent_id = e.id)
     ORDER BY e.id <> :chosen, e.name, e.id LIMIT :most)
    """
)
_KINDS: Final = {
    "rule_id": "rule",
    "equipment_id": "equipment",
    "well_id": "well",
    "lease_id": "lease",
}


def offered(session: Session, chosen: str = "") -> list[tuple[str, str]]:
    """What a policy can be for: key and words; what is chosen is among them in any case."""
    listed = [(key, words) for key, words in places(session) if not key.startswith("facility:")]
    more = session.execute(_MORE, {"most": MOST_LISTED, "chosen": _key(chosen)})
    return [("", "everywhere"), *listed, *sorted(((r.key, r.words) for r in more), key=_by_words)]


def _by_words(option: tuple[str, str]) -> str:
    return option[1]


def _key(word: str) -> uuid.UUID:
    try:
        return uuid.UUID(word.partition(":")[2])
    except ValueError:
        return uuid.UUID(int=0)


def word_of(row: Any) -> str:
    """The key under which a policy's place is offered."""
    place = place_of(row)
    return "" if place is None else f"{_KINDS[place[0]]}:{place[1]}"


def read(word: str, priorities: tuple[int, ...], note: str) -> Scope:
    """What a chosen key stands for."""
    kind, _, key = word.partition(":")
    one = uuid.UUID(key) if key else None
    return Scope(
        priorities,
        one if kind == "lease" else None,
        one if kind == "well" else None,
        note,
        one if kind == "equipment" else None,
        one if kind == "rule" else None,
    )
