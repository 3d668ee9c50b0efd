"""Tags with their newest reading: what it says, how old it is, whether it can be trusted."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session

from agent.contract.blocks import Quality
from hub.console import words
from hub.console.measures import measure_order, measure_word, unit_word
from hub.schema import Agent, ConfigEpochTag, Equipment, LatestReading, Tag


@dataclass(frozen=True, slots=True)
class Gauge:
    """One tag and its newest reading."""

    tag_id: int
    name: str
    device: str
    measure: str | None
    unit: str
    description: str
    interval_ms: int
    low: float | None
    high: float | None
    well_id: uuid.UUID | None  #: its own, or that of its equipment
    equipment_id: uuid.UUID | None
    equipment: str | None
    agent_id: uuid.UUID
    agent: str
    revoked: bool
    declared: bool  #: the agent's current configuration still has it
    time: datetime | None
    value: float | None
    quality: int | None

    @property
    def title(self) -> str:
        """What people call it: its measure, or its name while nobody has linked it."""
        return measure_word(self.measure, self.name)

    @property
    def unit_word(self) -> str:
        """Its unit as people write it."""
        return unit_word(self.unit)

    def silent(self, now: datetime) -> bool:
        """Whether its newest reading is older than it may be; a tag never read is silent too."""
        return self.time is None or now - self.time > words.silent_after(self.interval_ms)

    def blind(self, now: datetime) -> bool:
        """Whether it tells nothing at present: silent, or read without a value."""
        return self.silent(now) or self.value is None

    def trouble(self, now: datetime) -> str:
        """What is wrong with the reading in words; empty when it is fresh and good."""
        if self.time is None:
            return "no reading yet"
        if self.silent(now):
            return "silent since"
        if self.quality is not None and self.quality != Quality.GOOD:
            return words.quality(self.quality)
        return ""


def gauges(session: Session, *where: ColumnElement[bool]) -> list[Gauge]:
    """All tags that match, with their newest readings, in the order pages list them."""
    rows = [Gauge(**row._asdict()) for row in session.execute(_select().where(*where))]
    return sorted(rows, key=lambda gauge: (measure_order(gauge.measure), gauge.title, gauge.name))


def current(rows: Iterable[Gauge]) -> list[Gauge]:
    """Those that should be reporting: declared by an agent whose account stands."""
    return [gauge for gauge in rows if gauge.declared and not gauge.revoked]


def by_well(rows: Iterable[Gauge]) -> dict[uuid.UUID, list[Gauge]]:
    """Gauges of each well, in the order they came."""
    wells: dict[uuid.UUID, list[Gauge]] = defaultdict(list)
    for gauge in rows:
        if gauge.well_id is not None:
            wells[gauge.well_id].append(gauge)
    return wells


def of_well(well_id: uuid.UUID) -> ColumnElement[bool]:
    """Condition: the tag, or the equipment it belongs to, is this well's."""
    return func.coalesce(Tag.well_id, Equipment.well_id) == well_id


@cache
def _select() -> Select[*tuple[Any, ...]]:
    declared = and_(
        ConfigEpochTag.agent_id == Agent.id,
        ConfigEpochTag.epoch == Agent.config_epoch,
        ConfigEpochTag.tag_id == Tag.id,
    )
    return (
        select(
            Tag.id.label("tag_id"),
            Tag.name,
            Tag.device,
            Tag.measure,
            Tag.unit,
            Tag.description,
            Tag.interval_ms,
            Tag.low,
            Tag.high,
            func.coalesce(Tag.well_id, Equipment.well_id).label("well_id"),
            Tag.equipment_id,
            Equipment.name.label("equipment"),
            Tag.agent_id,
            Agent.name.label("agent"),
            Agent.revoked_at.is_not(None).label("revoked"),
            ConfigEpochTag.tag_id.is_not(None).label("declared"),
            LatestReading.time,
            LatestReading.value,
            LatestReading.quality,
        )
        .join(Agent, Agent.id == Tag.agent_id)
        .outerjoin(ConfigEpochTag, declared)
        .outerjoin(Equipment, Equipment.id == Tag.equipment_id)
        .outerjoin(LatestReading, LatestReading.tag_id == Tag.id)
    )
