"""Linking tags: a person says which well or equipment each measures, and what."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from hub.alerts.fanout import keep_in_step
from hub.console.forms import Form
from hub.console.gauges import Gauge
from hub.console.measures import MEASURES, measure_word
from hub.schema import Equipment, Tag, Well

MEASURE_FORM = re.compile(r"[a-z][a-z0-9_]{1,39}")


@dataclass(frozen=True, slots=True)
class Target:
    """A well, or a piece of equipment with the well it serves, as a person names it."""

    title: str
    well_id: uuid.UUID | None
    equipment_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Link:
    """What one tag is to measure, and where."""

    tag_id: int
    target: Target | None
    measure: str | None


def targets(session: Session) -> list[Target]:
    """Everything a tag can be linked to, by name; equal names are told apart by what they are."""
    wells = session.execute(select(Well.id, Well.name).order_by(func.lower(Well.name))).all()
    pieces = session.execute(
        select(Equipment.id, Equipment.name, Equipment.well_id, Well.name)
        .outerjoin(Well, Well.id == Equipment.well_id)
        .order_by(func.lower(Equipment.name))
    ).all()
    named = [Target(name, well, None) for well, name in wells]
    named += [
        Target(f"{name} · {well_name}" if well_name else name, well, piece)
        for piece, name, well, well_name in pieces
    ]
    return _distinct(named)


def _distinct(named: list[Target]) -> list[Target]:
    often = Counter(target.title.lower() for target in named)
    return [
        target
        if often[target.title.lower()] == 1
        else Target(
            f"{target.title} [{str(target.equipment_id)[-6:]}]", target.well_id, target.equipment_id
        )
        for target in named
    ]


def title_of(gauge: Gauge, known: Iterable[Target]) -> str:
    """The name under which the form shows what a tag is linked to."""
    for target in known:
        same = target.equipment_id == gauge.equipment_id
        if same and (gauge.equipment_id is not None or target.well_id == gauge.well_id):
            return target.title if gauge.well_id or gauge.equipment_id else ""
    return ""


def guess(gauge: Gauge) -> str:
    """What a tag's own name says it measures, for the form to offer; empty when it says nothing."""
    name = gauge.name.rpartition(".")[2].lower().replace("-", "_")
    return next((word for word in MEASURES if word != "other" and word in name), "")


def read_links(form: Form, listed: Iterable[Gauge], known: Iterable[Target]) -> list[Link]:
    """What the form says of each tag; rows left as they were are left out."""
    by_title = {target.title.lower(): target for target in known}
    by_word = {word.lower(): measure for measure, word in MEASURES.items()}
    changed = []
    for gauge in listed:
        place, what = f"place-{gauge.tag_id}", f"measure-{gauge.tag_id}"
        if place not in form.given and what not in form.given:
            continue
        title, words = form.raw(place), form.raw(what)
        target = by_title.get(title.lower())
        measure = by_word.get(words.lower(), words.lower().replace(" ", "_")) or None
        if title and target is None:
            form.fault(place, "No well or equipment of that name; choose one of the list.")
        if measure and not MEASURE_FORM.fullmatch(measure):
            form.fault(what, "Use letters, digits and spaces, at most 40.")
        if target is not None and measure is None:
            form.fault(what, "Say what it measures.")
        link = Link(gauge.tag_id, target, measure)
        if _differs(gauge, link):
            changed.append(link)
    return changed


def _differs(gauge: Gauge, link: Link) -> bool:
    target = link.target or Target("", None, None)
    return (gauge.well_id, gauge.equipment_id, gauge.measure) != (
        target.well_id,
        target.equipment_id,
        link.measure,
    )


def write_links(session: Session, links: Iterable[Link], person: uuid.UUID, now: datetime) -> int:
    """Write what was changed; a tag of equipment also counts for the well it serves.

    Rules of classes, wells and the operator follow at once.
    """
    written = 0
    for link in links:
        target = link.target
        session.execute(
            update(Tag)
            .where(Tag.id == link.tag_id)
            .values(
                well_id=target.well_id if target else None,
                equipment_id=target.equipment_id if target else None,
                measure=link.measure,
                linked_at=now if target else None,
                linked_by=person if target else None,
            )
        )
        written += 1
    if written:
        keep_in_step(session)
    return written


def measure_title(gauge: Gauge) -> str:
    """What the form shows as the measure: what is linked, else what the name suggests."""
    if gauge.measure is None and gauge.well_id is None and gauge.equipment_id is None:
        word = guess(gauge)
        return measure_word(word) if word else ""
    return measure_word(gauge.measure)
