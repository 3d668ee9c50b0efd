"""The audit trail as people read it: who, when, from where, and each field before and after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask import url_for
from markupsafe import Markup
from sqlalchemy.orm import Session

from hub.console import cells
from hub.register import rows
from hub.register.catalog import AUTOMATIC, RESOURCES
from hub.register.errors import ValueRefused
from hub.register.fields import Field
from hub.register.values import parse
from hub.trail.history import Change

#: Tables the register does not serve, as the trail names them.
OTHERS: Final = {
    "memberships": "People",
    "lease_assignments": "Assigned leases",
    "api_keys": "API keys",
    "feature_flags": "Features",
    "saved_views": "Saved views",
    "contact_channels": "Channels",
    "alert_rules": "Alert rules",
    "agents": "Agents",
    "tags": "Tags",
    "quarantine": "Quarantine",
    "sessions": "Sign-ins",
}
OPEN = 6  #: an entry of so many fields is shown unfolded


@dataclass(frozen=True, slots=True)
class Line:
    """One field of a change."""

    label: str
    before: Markup | None
    after: Markup | None


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of the trail."""

    id: int
    verb: str
    who: str
    at: datetime
    where: str
    fields: list[Line]
    open: bool
    table: str
    title: str
    url: str | None


def table_words(name: str) -> str:
    """A table as people call it."""
    served = RESOURCES.get(name)
    return served.plural if served else OTHERS.get(name, name.replace("_", " ").capitalize())


def told(session: Session, found: list[Change], *, with_rows: bool = False) -> list[Step]:
    """Entries of the trail with the names of all they refer to."""
    named = _references(session, found)
    titles = _row_titles(session, found) if with_rows else {}
    return [_step(change, named, titles) for change in found]


def _step(change: Change, named: cells.Titles, titles: Mapping[tuple[str, str], str]) -> Step:
    fields = RESOURCES[change.table].fields if change.table in RESOURCES else {}
    names = dict.fromkeys((*change.before, *change.after))
    lines = [
        _line(name, fields.get(name), change, named)
        for name in names
        if name not in AUTOMATIC
        and (change.before.get(name), change.after.get(name)) != (None,) * 2
    ]
    title = titles.get((change.table, str(change.row_id)), "")
    known = change.table in RESOURCES and title
    url = url_for("record.page", table=change.table, key=change.row_id) if known else None
    who = change.user_name or ("The product itself" if change.user_id is None else "Somebody else")
    where = " · ".join(word for word in (change.door, change.address) if word)
    shown = len(lines) <= OPEN or change.verb == "update"
    words = table_words(change.table)
    return Step(change.id, change.verb, who, change.at, where, lines, shown, words, title, url)


def _line(name: str, field: Field | None, change: Change, named: cells.Titles) -> Line:
    label = field.label if field else name.replace("_", " ").capitalize()
    before, after = (_say(field, side.get(name), named) for side in (change.before, change.after))
    return Line(label, before, after)


def _say(field: Field | None, value: Any, named: cells.Titles) -> Markup | None:
    """A value of the trail's JSON as its table's own pages show it."""
    if value is None:
        return None
    if field is not None and not field.sealed:
        try:
            return cells.html(field, parse(field, value), named, units=True)
        except ValueRefused:
            pass
    return Markup.escape(value if isinstance(value, str) else repr(value))


def _references(session: Session, found: Iterable[Change]) -> dict[tuple[str, str], str]:
    """The names of all the rows that the changed fields refer to."""
    values: list[dict[str, Any]] = []
    fields: dict[tuple[str, str], Field] = {}
    for change in found:
        served = RESOURCES.get(change.table)
        for field in served.fields.values() if served else ():
            if field.reference:
                fields[field.name, field.reference] = field
                sides = (side.get(field.name) for side in (change.before, change.after))
                values += [{field.name: parse(field, key)} for key in sides if key is not None]
    return cells.titles(session, values, list(fields.values()))


def _row_titles(session: Session, found: Iterable[Change]) -> dict[tuple[str, str], str]:
    """The names of the rows that were changed; a row that is gone keeps the name in the trail."""
    wanted: dict[str, set[Any]] = {}
    named: dict[tuple[str, str], str] = {}
    for change in found:
        if change.table in RESOURCES and change.row_id is not None:
            wanted.setdefault(change.table, set()).add(change.row_id)
    for table, keys in wanted.items():
        known = rows.titles(session, RESOURCES[table], sorted(keys))
        named |= {(table, str(key)): title for key, title in known.items()}
    return named
