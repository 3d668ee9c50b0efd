"""The fleet at an instant: every well with its pressures, its alerts and its silence."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agent.contract.alarm_rules import Rule
from hub.console import bands, words
from hub.console.counts import is_silent
from hub.console.drawing import Bar, Map, Place, Spark, bar, draw_map
from hub.console.gauges import Gauge, by_well, current, gauges
from hub.console.standing import AlertRow, open_alerts, trends
from hub.schema import Agent, IngestBatch, Tag, Well

SHOWN = ("tubing_pressure", "casing_pressure")


@dataclass(frozen=True, slots=True)
class Cell:
    """One measure of one well in the table."""

    gauge: Gauge
    bar: Bar | None
    tone: str  #: colour of the marker when it lies beyond a limit
    trouble: str  #: why the value cannot be trusted, in words; empty when it can


@dataclass(frozen=True, slots=True)
class WellRow:
    """One well as the fleet page lists it."""

    id: uuid.UUID
    name: str
    site: str
    well_type: str
    status: str
    lat: float | None
    lon: float | None
    cells: tuple[Cell | None, ...]  #: one per measure of `SHOWN`
    gauges: int
    blind: int  #: gauges that tell nothing at present
    heard: datetime | None
    alerts: tuple[AlertRow, ...]

    @property
    def silent(self) -> bool:
        """Whether nothing at all is known of this well at present."""
        return self.gauges > 0 and self.blind == self.gauges

    @property
    def worst(self) -> AlertRow | None:
        """The alert that matters most."""
        return self.alerts[0] if self.alerts else None


@dataclass(frozen=True, slots=True)
class Fleet:
    """All that the fleet page shows."""

    wells: tuple[WellRow, ...]
    alerts: tuple[AlertRow, ...]
    trends: dict[uuid.UUID, Spark]
    gauges: int
    blind: int
    unlinked: int  #: declared tags that nobody has linked yet
    agents: int
    silent_agents: int
    last_reading: datetime | None
    map: Map | None


HEARD: Final = select(Agent.heard_at, Agent.online).where(Agent.revoked_at.is_(None))


def look(session: Session, now: datetime, usual: dict[int, bands.Band]) -> Fleet:
    """Read the fleet; `usual` holds where gauges without limits normally are."""
    alerts = open_alerts(session)
    reporting = current(gauges(session))
    wells = _wells(session, reporting, alerts, bands.limits(session), usual, now)
    heard = session.execute(HEARD).all()
    return Fleet(
        wells,
        tuple(alerts),
        trends(session, alerts, now),
        len(reporting),
        sum(gauge.blind(now) for gauge in reporting),
        sum(gauge.well_id is None and gauge.equipment_id is None for gauge in reporting),
        len(heard),
        sum(is_silent(at, now, online=online) for at, online in heard),
        max((gauge.time for gauge in reporting if gauge.time), default=None),
        draw_map([place for well in wells if (place := _place(well)) is not None]),
    )


def _wells(
    session: Session,
    reporting: Iterable[Gauge],
    alerts: Iterable[AlertRow],
    limits: dict[int, Rule],
    usual: dict[int, bands.Band],
    now: datetime,
) -> tuple[WellRow, ...]:
    of_well = by_well(reporting)
    alarms: dict[uuid.UUID | None, list[AlertRow]] = {}
    for alert in alerts:
        alarms.setdefault(alert.well_id, []).append(alert)
    shown = (Well.id, Well.name, Well.site, Well.well_type, Well.status, Well.lat, Well.lon)
    rows = session.execute(select(*shown).order_by(func.lower(Well.name))).all()
    return tuple(
        _row(well, of_well.get(well.id, []), tuple(alarms.get(well.id, ())), limits, usual, now)
        for well in rows
    )


def _row(
    well: Any,  # the row asked for above: whole wells would be loaded for seven of their columns
    owned: list[Gauge],
    alerts: tuple[AlertRow, ...],
    limits: dict[int, Rule],
    usual: dict[int, bands.Band],
    now: datetime,
) -> WellRow:
    def cell(measure: str) -> Cell | None:
        gauge = next((gauge for gauge in owned if gauge.measure == measure), None)
        if gauge is None:
            return None
        return place_on_band(gauge, limits.get(gauge.tag_id), usual, now)

    return WellRow(
        well.id,
        well.name,
        well.site or "",
        well.well_type,
        well.status,
        None if well.lat is None else float(well.lat),
        None if well.lon is None else float(well.lon),
        tuple(cell(measure) for measure in SHOWN),
        len(owned),
        sum(gauge.blind(now) for gauge in owned),
        max((gauge.time for gauge in owned if gauge.time), default=None),
        alerts,
    )


def place_on_band(
    gauge: Gauge, rule: Rule | None, usual: dict[int, bands.Band], now: datetime
) -> Cell:
    """A gauge's value against its normal band."""
    priority = bands.worst_beyond(rule, gauge.value)
    tone = "plain" if priority is None else words.SEVERITIES[priority].tone
    normal = bands.band(rule, usual.get(gauge.tag_id))
    return Cell(gauge, bar(gauge.value, normal), tone, gauge.trouble(now))


def _place(well: WellRow) -> Place | None:
    if well.lat is None or well.lon is None:
        return None
    waiting = well.worst
    weight = 10 - waiting.priority if waiting is not None and waiting.standing else int(well.silent)
    return Place(str(well.id), well.name, well.lat, well.lon, weight)


def shown_tags(session: Session) -> list[int]:
    """The tags whose normal band the table shows."""
    listed = select(Tag.id).where(Tag.measure.in_(SHOWN))
    return list(session.scalars(listed))


def readings_since(session: Session, start: datetime) -> int:
    """How many readings taken since an instant are stored, by the ledger."""
    agents = session.scalars(select(Agent.id)).all()
    stored = select(func.coalesce(func.sum(IngestBatch.readings), 0)).where(
        IngestBatch.agent_id.in_(agents),
        IngestBatch.day >= start.astimezone(UTC).replace(hour=0, minute=0, second=0),
        IngestBatch.from_time >= start,
    )
    return int(session.scalar(stored) or 0)


def tally(fleet: Fleet) -> dict[str, int]:
    """How many unacknowledged alerts there are, per severity."""
    waiting = Counter(alert.severity.word for alert in fleet.alerts if alert.unacknowledged)
    order = [severity.word for severity in words.SEVERITIES.values()]
    return {word.lower(): waiting[word] for word in order if waiting[word]}
