"""Meters of a lease's day: what their counters rose by, as keyed and as they sent it themselves."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from agent.contract.production_day import ProductionClock
from hub.production.daily import Finding
from hub.production.stocks import reading_at, tags_of

TOTALS: Final = ("oil_total", "gas_total", "water_total")
#: Column of the day's record, by what a counter counts, and what one of its unit is there.
COLUMNS: Final[Mapping[str, str]] = {
    "oil_total": "oil_bbl",
    "gas_total": "gas_mcf",
    "water_total": "water_bbl",
}
FACTORS: Final[Mapping[tuple[str, str], Decimal]] = {
    ("oil_total", "bbl"): Decimal(1),
    ("water_total", "bbl"): Decimal(1),
    ("oil_total", "m3"): Decimal("6.289810770"),
    ("water_total", "m3"): Decimal("6.289810770"),
    ("gas_total", "Mcf"): Decimal(1),
    ("gas_total", "mcf"): Decimal(1),
    ("gas_total", "ft3"): Decimal("0.001"),
    ("gas_total", "m3"): Decimal("0.0353146667"),
}
#: Shares of a meter's day that keyed and sent counters may differ by.
EXPLAINED: Final = Decimal("0.02")

_KEYED: Final = text(
    """
    SELECT e.id, e.name, a.reading AS closing, a.read_at AS closing_at,
           b.reading AS opening, b.read_at AS opening_at
    FROM equipment e
    JOIN meter_readings a ON a.equipment_id = e.id AND a.production_date = :day
    LEFT JOIN meter_readings b
        ON b.equipment_id = e.id AND b.production_date = CAST(:day AS date) - 1
    WHERE a.lease_id = :lease
    ORDER BY e.name
    """
)
_COUNTERS: Final = text(
    """
    SELECT t.id, t.well_id, w.name, t.measure, coalesce(t.unit, '') AS unit
    FROM tags t JOIN wells w ON w.id = t.well_id
    WHERE w.lease_id = :lease AND t.measure = ANY(:measures)
    ORDER BY t.id
    """
)


@dataclass(frozen=True, slots=True)
class MeterDay:
    """One meter's day; figures in its own unit, None where nobody knows."""

    id: uuid.UUID
    name: str
    unit: str
    opening: Decimal | None
    closing: Decimal | None
    own_opening: Decimal | None
    own_closing: Decimal | None

    @property
    def keyed(self) -> Decimal | None:
        """What the counter rose by as keyed."""
        return None if self.opening is None or self.closing is None else self.closing - self.opening

    @property
    def sent(self) -> Decimal | None:
        """The same as the meter sent it."""
        if self.own_opening is None or self.own_closing is None:
            return None
        return self.own_closing - self.own_opening

    @property
    def unexplained(self) -> Decimal | None:
        """Keyed less sent; None unless both are known."""
        return None if self.keyed is None or self.sent is None else self.keyed - self.sent

    def findings(self) -> list[Finding]:
        """What a person should look at."""
        if self.keyed is not None and self.keyed < 0:
            said = f"The counter of {self.name} went back by {-self.keyed:,.1f}: read it again."
            return [Finding("suspect", self.name, said, "reconciliations", self.id)]
        off = self.unexplained
        if off is None or abs(off) <= max(Decimal(1), EXPLAINED * abs(self.sent or Decimal(0))):
            return []
        said = (
            f"{self.name} rose by {self.keyed:,.1f} {self.unit} as keyed and by"
            f" {self.sent:,.1f} as it sent itself: {abs(off):,.1f} unexplained."
        )
        return [Finding("unreconciled", self.name, said, "reconciliations", self.id)]


def meters_of(session: Session, lease: uuid.UUID, day: date) -> list[MeterDay]:
    """Meters of a lease that were read for a day."""
    rows = session.execute(_KEYED, {"lease": lease, "day": day}).all()
    tags = tags_of(session, [row.id for row in rows], TOTALS)
    return [_meter(session, row, tags.get(row.id)) for row in rows]


def _meter(session: Session, row: Any, tag: tuple[int, str] | None) -> MeterDay:
    own = [
        None if tag is None or at is None else reading_at(session, tag[0], at)
        for at in (row.opening_at, row.closing_at)
    ]
    return MeterDay(
        row.id, row.name, tag[1] if tag else "", row.opening, row.closing, own[0], own[1]
    )


def counted(
    session: Session, lease: uuid.UUID, day: date, clock: ProductionClock
) -> tuple[dict[uuid.UUID, dict[str, Decimal]], list[Finding]]:
    """Volumes that wells' own meters counted over a day, by column of the record.

    A counter that went back, after a reset or a change of meter, counts nothing and is told of.
    """
    volumes: dict[uuid.UUID, dict[str, Decimal]] = {}
    findings: list[Finding] = []
    for row in session.execute(_COUNTERS, {"lease": lease, "measures": list(TOTALS)}):
        factor = FACTORS.get((row.measure, row.unit))
        first, last = (
            reading_at(session, row.id, at) for at in (clock.begins(day), clock.ends(day))
        )
        if factor is None or first is None or last is None:
            continue
        if last < first:
            what = row.measure.removesuffix("_total")
            said = f"The {what} counter of {row.name} went back: enter the day by hand."
            findings.append(Finding("suspect", row.name, said, "wells", row.well_id))
            continue
        volume = ((last - first) * factor).quantize(Decimal("0.01"))
        volumes.setdefault(row.well_id, {})[COLUMNS[row.measure]] = volume
    return volumes, findings
