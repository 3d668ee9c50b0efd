"""Alerts as lists show them: how bad, where, what, how long, and what a person said to it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session, aliased

from hub.console import words
from hub.console.drawing import Spark, Spot, spark
from hub.console.measures import unit_word
from hub.readings import series
from hub.schema import Alert, Tag, User, Well

STANDING = ("active", "pending_off", "unknown")
TREND = timedelta(hours=6)
TREND_POINTS = 48
MOST_LISTED = 200
SHELVER = aliased(User)


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One alert with the names people know."""

    id: uuid.UUID
    kind: str
    subject: str
    tag_id: int | None
    tag: str | None
    measure: str | None
    unit: str | None
    well_id: uuid.UUID | None
    well: str | None
    priority: int
    level: str
    message: str
    origin: str
    setpoint: float | None
    value: float | None
    extreme: float | None
    condition: str
    ack: str
    raised_at: datetime
    detected_at: datetime
    cleared_at: datetime | None
    frozen_since: datetime | None
    acked_at: datetime | None
    acked_by: str | None
    ack_note: str | None
    ack_until: datetime | None
    eta: datetime | None
    arrived_at: datetime | None
    seen_at: datetime | None
    shelved_until: datetime | None
    shelved_by: str | None
    shelf_reason: str | None
    suppressed_by: str | None
    suppressed_cause_id: uuid.UUID | None
    out_of_service_until: datetime | None
    latched: bool
    first_out_id: uuid.UUID | None
    to_review: bool
    reviewed_at: datetime | None
    closed_at: datetime | None
    retracted_at: datetime | None
    row_version: int

    @property
    def severity(self) -> words.Severity:
        """Its priority in a word, a shape and a colour."""
        return words.SEVERITIES[self.priority]

    @property
    def standing(self) -> bool:
        """Whether what is wrong is still wrong, or nobody can see whether it is."""
        return (self.condition in STANDING or self.latched) and self.closed_at is None

    @property
    def unacknowledged(self) -> bool:
        """Whether it waits for a person."""
        return self.ack == "unacked" and self.closed_at is None and not self.quiet

    @property
    def quiet(self) -> bool:
        """Whether a shelf, another alarm, or its gauge out of service keeps it quiet."""
        return bool(self.shelved_until or self.suppressed_by or self.out_of_service_until)

    @property
    def resettable(self) -> bool:
        """Whether a person has to reset it now."""
        return self.latched and self.condition == "normal" and self.closed_at is None

    @property
    def place(self) -> str:
        """Where it is: the well, what it is about, or the tag while nobody has linked it."""
        return self.well or self.tag or self.subject

    @property
    def unit_word(self) -> str:
        """The unit of its values as people write it."""
        return unit_word(self.unit or "")

    @property
    def order(self) -> tuple[bool, bool, int, datetime]:
        """Worst first: what waits for a person, then what still stands, by priority and age."""
        return (not self.unacknowledged, not self.standing, self.priority, self.raised_at)


def open_alerts(session: Session, *where: ColumnElement[bool]) -> list[AlertRow]:
    """Alerts that are not closed, worst first."""
    rows = _rows(session, _select().where(Alert.closed_at.is_(None), *where).limit(MOST_LISTED))
    return sorted(rows, key=lambda row: row.order)


def recently_cleared(session: Session, since: datetime) -> list[AlertRow]:
    """What is over: what waits for somebody to have seen it, then what closed since."""
    over = Alert.condition == "normal"
    listed = _select().where(over, (Alert.closed_at.is_(None)) | (Alert.closed_at >= since))
    rows = _rows(session, listed.order_by(Alert.cleared_at.desc()).limit(MOST_LISTED))
    return sorted(rows, key=lambda row: row.closed_at is not None)


def alert(session: Session, alert_id: uuid.UUID) -> AlertRow | None:
    """One alert, open or closed."""
    return next(iter(_rows(session, _select().where(Alert.id == alert_id))), None)


def journal(
    session: Session,
    limit: int,
    before: tuple[datetime, uuid.UUID] | None,
    *where: ColumnElement[bool],
) -> list[AlertRow]:
    """All alerts, newest first, from just before an alert of a former page."""
    listed = _select().where(*where).order_by(Alert.raised_at.desc(), Alert.id.desc()).limit(limit)
    if before is not None:
        at, alert_id = before
        listed = listed.where(
            (Alert.raised_at < at) | ((Alert.raised_at == at) & (Alert.id < alert_id))
        )
    return _rows(session, listed)


def trends(session: Session, rows: Iterable[AlertRow], now: datetime) -> dict[uuid.UUID, Spark]:
    """The last six hours of each alert's tag as a line."""
    wanted = list(rows)
    tags = {row.tag_id for row in wanted if row.tag_id is not None}
    spots = recent(session, sorted(tags), now)
    drawn = {row.id: spark(spots.get(row.tag_id or 0, ()), row.setpoint) for row in wanted}
    return {key: line for key, line in drawn.items() if line is not None}


def recent(session: Session, tag_ids: Sequence[int], now: datetime) -> dict[int, list[Spot]]:
    """The last six hours of some tags as the spots of a line."""
    found = series(session, tag_ids, now - TREND, now, TREND_POINTS) if tag_ids else {}
    start, width = (now - TREND).timestamp() * 1000, TREND.total_seconds() * 1000
    return {
        tag_id: [
            (min(max((at - start) / width, 0.0), 1.0), value)
            for at, value in zip(line.times, line.average, strict=True)
        ]
        for tag_id, line in found.items()
    }


def _rows(session: Session, listed: Select[*tuple[Any, ...]]) -> list[AlertRow]:
    return [AlertRow(**row._asdict()) for row in session.execute(listed)]


@cache
def _select() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Alert.id,
            Alert.kind,
            Alert.subject,
            Alert.tag_id,
            Tag.name.label("tag"),
            Tag.measure,
            Tag.unit,
            Alert.well_id,
            Well.name.label("well"),
            Alert.priority,
            Alert.level,
            Alert.message,
            Alert.origin,
            Alert.setpoint,
            Alert.value,
            Alert.extreme,
            Alert.condition,
            Alert.ack,
            Alert.raised_at,
            Alert.detected_at,
            Alert.cleared_at,
            Alert.frozen_since,
            Alert.acked_at,
            User.name.label("acked_by"),
            Alert.ack_note,
            Alert.ack_until,
            Alert.eta,
            Alert.arrived_at,
            Alert.seen_at,
            Alert.shelved_until,
            SHELVER.name.label("shelved_by"),
            Alert.shelf_reason,
            Alert.suppressed_by,
            Alert.suppressed_cause_id,
            Alert.out_of_service_until,
            Alert.latched,
            Alert.first_out_id,
            Alert.to_review,
            Alert.reviewed_at,
            Alert.closed_at,
            Alert.retracted_at,
            Alert.row_version,
        )
        .outerjoin(Tag, Tag.id == Alert.tag_id)
        .outerjoin(Well, Well.id == Alert.well_id)
        .outerjoin(User, User.id == Alert.acked_by)
        .outerjoin(SHELVER, SHELVER.id == Alert.shelved_by)
    )
