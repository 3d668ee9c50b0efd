"""What a rule said before: who changed what, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.alerts import rules as book
from hub.console.rule_form import in_words
from hub.schema import AlertRule, User

SHOWN: Final = 50
_SAID: Final = {
    "name": "Name",
    "enabled": "It judges",
    "cause": "Usual cause",
    "consequence": "What follows",
    "action": "What to do",
    "respond_within_s": "Act within, s",
    "latch": "Stands until reset",
    "capture_fleeting": "Also what is brief",
    "advisory": "Advice only",
    "detached": "Detached from its parent",
    "measure": "Measure",
    "unit": "Unit",
}
_NAMES: Final = {
    "setpoint": "setpoint",
    "deadband": "deadband",
    "on_delay_s": "on after, s",
    "off_delay_s": "off after, s",
    "priority": "priority",
}


@dataclass(frozen=True, slots=True)
class History:
    """One version of a rule."""

    number: int
    version: int
    at: datetime
    by: str
    changes: list[tuple[str, str, str]]  #: what, before, after


def history(session: Session, rule: AlertRule) -> list[History]:
    """Its versions, newest first, each with what it changed."""
    kept = book.versions(session, rule.id)[: SHOWN + 1]
    people = {one.made_by for one in kept if one.made_by is not None}
    named = session.execute(select(User.id, User.name).where(User.id.in_(people)))
    names: dict[Any, str] = {row.id: row.name for row in named}
    earlier: list[Mapping[str, Any] | None] = [one.said for one in kept[1:]]
    return [
        History(
            one.number,
            one.version,
            one.made_at,
            names.get(one.made_by, "the hub"),
            changes(before, one.said) if before is not None else [],
        )
        for one, before in zip(kept, [*earlier, None], strict=True)
    ][:SHOWN]


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What differs between two versions, in the words of the form (pure)."""
    was, became = flat(before), flat(after)
    names = [name for name in {**was, **became} if was.get(name) != became.get(name)]
    return [(name, was.get(name, ""), became.get(name, "")) for name in names]


def flat(said: Mapping[str, Any]) -> dict[str, str]:
    """A version as words by field, as people see it (pure)."""
    found = {
        words: _shown(said[name])
        for name, words in _SAID.items()
        if said.get(name) not in {None, ""}
    }
    params = said.get("params") or {}
    for level, values in params.get("levels", {}).items():
        found |= {f"{level} {_NAMES.get(k, k)}": _shown(value) for k, value in values.items()}
    found |= {name: _shown(value) for name, value in params.items() if name != "levels"}
    return found


def _shown(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else in_words(value)
