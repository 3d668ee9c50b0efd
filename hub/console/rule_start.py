"""What a new rule begins with: a template that suits the gauge, fitted to what it has shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.alerts import templates
from hub.alerts.templates import GaugeRange, History, Template, UnfitError
from hub.console.context import now
from hub.console.rule_fields import FORMS, form_of
from hub.console.rule_form import FLAGS, WORDS, values_of
from hub.schema import Equipment, Tag

LARGEST_TAG: Final = 2**31 - 1
LOOKED_BACK: Final = timedelta(days=30)
MOST_VALUES: Final = 5_000

_HISTORY: Final = text(
    """
    SELECT average FROM reading_hours
    WHERE tag_id = :tag AND bucket >= :since AND n_good > 0 ORDER BY bucket LIMIT :most
    """
)
_POINTS: Final = text(
    """
    SELECT value FROM reading_points
    WHERE tag_id = :tag AND time >= :since AND quality = 0 ORDER BY time DESC LIMIT :most
    """
)


@dataclass(frozen=True, slots=True)
class Start:
    """A form that is filled in already."""

    sort: str
    title: str
    template: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    note: str = ""  #: what could not be filled in, and why


def starts(session: Session, tag: str) -> list[Template]:
    """Templates that suit a gauge; none without one."""
    found = _tag(session, tag)
    if found is None:
        return []
    kind = _equipment(session, found)
    suited = [one for one in templates.load().values() if one.suits(found.measure, kind)]
    shown = [one for one in suited if form_of(one.kind, one.params)[0] in FORMS]
    return sorted(shown, key=lambda one: (not one.default, not one.measures, one.title))


def start_with(session: Session, asked: Mapping[str, str]) -> Start | None:
    """The template that was asked for, fitted to the gauge that was asked for."""
    template = templates.load().get(asked.get("template", ""))
    if template is None:
        return None
    sort, _ = form_of(template.kind, template.params)
    if sort not in FORMS:
        return None
    values = {word: getattr(template, word) for word in WORDS}
    values |= {name: "yes" if getattr(template, name) else "" for name in FLAGS}
    values |= {"name": template.title, "respond_within": f"{template.respond_within_s / 60:g}"}
    params, note = _fitted(session, template, _tag(session, asked.get("tag", "")))
    return Start(sort, template.title, template.name, values | values_of(params), note)


def _fitted(
    session: Session, template: Template, tag: Tag | None
) -> tuple[Mapping[str, object], str]:
    try:
        gauge = GaugeRange(tag.low, tag.high) if tag is not None else None
        return templates.fit(template, gauge, _history(session, tag)), ""
    except UnfitError as fault:
        return {}, str(fault)


def _history(session: Session, tag: Tag | None) -> History | None:
    """What the gauge showed: by the hour over a month, else reading by reading."""
    if tag is None:
        return None
    asked = {"tag": tag.id, "since": now() - LOOKED_BACK, "most": MOST_VALUES}
    hours = History.of(session.scalars(_HISTORY, asked))
    return hours or History.of(session.scalars(_POINTS, asked))


def _tag(session: Session, words: str) -> Tag | None:
    known = words.isdigit() and int(words) <= LARGEST_TAG
    return session.get(Tag, int(words)) if known else None


def _equipment(session: Session, tag: Tag) -> str | None:
    piece = session.get(Equipment, tag.equipment_id) if tag.equipment_id else None
    return piece.kind if piece is not None else None
