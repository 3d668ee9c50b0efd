"""The newest reading of each tag."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.contract.blocks import Quality
from hub.schema import LatestReading, Tag


@dataclass(frozen=True, slots=True)
class Latest:
    """One tag's newest reading."""

    tag_id: int
    time: datetime
    value: float | None
    quality: int
    received_at: datetime

    @property
    def has_value(self) -> bool:
        """Whether it carries a value."""
        return self.quality < Quality.NO_ANSWER


def latest(
    session: Session, tag_ids: Collection[int] | None = None, *, well: uuid.UUID | None = None
) -> dict[int, Latest]:
    """Newest readings by tag: of some tags, of a well's tags, or of the whole organization."""
    query = select(
        LatestReading.tag_id,
        LatestReading.time,
        LatestReading.value,
        LatestReading.quality,
        LatestReading.received_at,
    )
    if tag_ids is not None:
        query = query.where(LatestReading.tag_id.in_(tag_ids))
    if well is not None:
        query = query.join(Tag, Tag.id == LatestReading.tag_id).where(Tag.well_id == well)
    return {row.tag_id: Latest(*row) for row in session.execute(query)}
