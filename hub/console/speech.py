"""What templates can say: times in the operator's zone, ages, numbers, severities, addresses."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any

from flask import Flask, g
from markupsafe import Markup

from hub.console import measures, row_pages, words
from hub.console.context import console, now
from hub.notify.messages import LEVEL_WORDS
from hub.permissions import Action, allowed
from hub.register.catalog import RESOURCES


def teach(app: Flask) -> None:
    """Make these words known to the application's templates."""
    app.jinja_env.globals.update(
        asset=asset,
        instant=instant,
        ago=ago,
        may=may,
        well_page=row_pages.well_page,
        pinned=pinned,
        severities=words.SEVERITIES,
        level_words=LEVEL_WORDS,
        measure_words=measures.MEASURES,
        now=now,
    )
    app.jinja_env.filters.update(
        number=words.number,
        count=words.count,
        quality=words.quality,
        clock=words.clock,
        skew=words.skew,
        size=words.size,
        span=words.span,
        measure=measures.measure_word,
        unit=measures.unit_word,
        age=words.age,
        article=words.article,
    )
    app.context_processor(_everywhere)


def _everywhere() -> dict[str, Any]:
    return {"visitor": g.get("visitor")}


def asset(name: str) -> str:
    """Address of a static file."""
    return console().assets.url(name)


def zone() -> tzinfo:
    """The operator's time zone; UTC for someone who has not signed in."""
    person = g.get("visitor")
    return UTC if person is None else person.zone


def instant(at: datetime | None, *, seconds: bool = True) -> Markup:
    """A time as the operator's clock showed it; the exact instant is in the title."""
    if at is None:
        return Markup("&ndash;")
    text = words.clock_time(at, zone(), now(), seconds=seconds)
    return _INSTANT % (words.iso(at), words.utc(at), text)


def ago(at: datetime | None, none: str = "never") -> Markup:
    """How long ago, counted on by the browser; the exact instant is in the title."""
    if at is None:
        return Markup.escape(none)
    text = words.age((now() - at).total_seconds())
    return _AGE % (words.iso(at), words.utc(at), text)


_INSTANT = Markup('<time datetime="%s" title="%s">%s</time>')
_AGE = Markup('<time datetime="%s" title="%s" data-age>%s</time>')


def may(name: str) -> bool:
    """Whether the visitor may do the action of that name."""
    person = g.get("visitor")
    return person is not None and bool(person.may(Action[name.upper()]))


#: Tables a person opens daily; the others are one step further, under "All tables".
PINNED = ("wells", "production_records", "expenses", "partners", "documents")


def pinned() -> list[tuple[str, str]]:
    """The tables that the menu names, as far as the visitor may see them."""
    person = g.get("visitor")
    return [
        (name, RESOURCES[name].plural)
        for name in PINNED
        if person is not None and name in RESOURCES and allowed(person.role, name, "see")
    ]
