"""What the gauges say: newest readings, and how tags ran between two instants."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from hub.api.answers import of_body
from hub.api.arguments import WHOLE, Arguments
from hub.api.bodies import write
from hub.api.parts import caller, records
from hub.api.problems import MISSING, Problem, refuse
from hub.readings.latest import Latest, latest
from hub.readings.series import Series, series
from hub.schema import Tag, Well

MOST_TAGS, MOST_POINTS, POINTS = 20, 5000, 600
DAY = timedelta(days=1)
#: The name under which a key opens readings, beside those of tables.
TABLE = "readings"
TagRow = Row[int, str, str, str | None, uuid.UUID | None]


def serve(blueprint: Blueprint) -> None:
    """Add the addresses of readings."""
    blueprint.add_url_rule("/readings", view_func=readings)
    blueprint.add_url_rule("/latest", view_func=newest)


def readings() -> Response:
    """How tags ran between two instants, at a screen's resolution."""
    caller().must_read(TABLE, like="wells")
    given = Arguments(request.args, ("tag", "from", "to", "points"))
    numbers = _numbers(given.many("tag", MOST_TAGS))
    end = given.instant("to", datetime.now(UTC))
    start = given.instant("from", end - DAY)
    if end <= start:
        refuse({"to": "to must be later than from."})
    points = given.whole("points", POINTS, 1, MOST_POINTS)
    with records() as session:
        tags = {tag.id: tag for tag in session.execute(_tags().where(Tag.id.in_(numbers)))}
        for number in numbers:
            if number not in tags:
                raise Problem(MISSING, f"There is no tag {number}.")
        found = series(session, numbers, start, end, points)
    resolution = found[numbers[0]].resolution
    body = {
        "from": start,
        "to": end,
        "source": resolution.source,
        "step_s": resolution.step.total_seconds(),
        "tags": [_course(tags[number], found[number]) for number in numbers],
    }
    return of_body(write(body), weak=True)


def newest() -> Response:
    """The newest reading of each tag, of one well or of all."""
    caller().must_read(TABLE, like="wells")
    well = _well(Arguments(request.args, ("well",)).one("well"))
    query = _tags().order_by(Tag.id)
    with records() as session:
        if well is not None:
            _known(session, well)
            query = query.where(Tag.well_id == well)
        tags = session.execute(query).all()
        found = latest(session, [tag.id for tag in tags])
    rows = [_newest(tag, found[tag.id]) for tag in tags if tag.id in found]
    return of_body(write({"rows": rows}), weak=True)


def _tags() -> Select[int, str, str, str | None, uuid.UUID | None]:
    """The tags a caller may see: a pumper those of the wells on the route."""
    query = select(Tag.id, Tag.name, Tag.unit, Tag.measure, Tag.well_id)
    if caller().actor.role == "pumper":
        query = query.join(Well, Well.id == Tag.well_id)
    return query


def _numbers(texts: list[str]) -> list[int]:
    if not texts:
        refuse({"tag": "tag is missing: name one to twenty tags, as in tag=17&tag=18."})
    for text in texts:
        if not WHOLE.fullmatch(text):
            refuse({"tag": f"tag must be the number of a tag, as {TABLE} of “latest” give it."})
    return list(dict.fromkeys(int(text) for text in texts))


def _well(text: str | None) -> uuid.UUID | None:
    try:
        return None if text is None else uuid.UUID(text)
    except ValueError:
        refuse({"well": "well must be the id of a well."})


def _known(session: Session, well: uuid.UUID) -> None:
    if session.scalar(select(Well.id).where(Well.id == well)) is None:
        raise Problem(MISSING, "There is no such well, or it is another operator's.")


def _named(tag: TagRow) -> dict[str, Any]:
    return {
        "tag": tag.id,
        "name": tag.name,
        "unit": tag.unit,
        "measure": tag.measure,
        "well_id": tag.well_id,
    }


def _course(tag: TagRow, course: Series) -> dict[str, Any]:
    return _named(tag) | {
        "times": [datetime.fromtimestamp(at / 1000, UTC) for at in course.times],
        "average": course.average,
        "minimum": course.minimum,
        "maximum": course.maximum,
    }


def _newest(tag: TagRow, reading: Latest) -> dict[str, Any]:
    return _named(tag) | {
        "time": reading.time,
        "value": reading.value if reading.has_value else None,
        "quality": reading.quality,
        "received_at": reading.received_at,
    }
