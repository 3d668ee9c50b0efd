"""What field entries became, and what each day came to: rows made, meters, closes, checks."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import (
    CheckConstraint,
    FetchedValue,
    ForeignKeyConstraint,
    Index,
    Numeric,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.amounts import ITS_UNIT, RATIO, Volume
from hub.schema.base import Authored, Base, Keyed, Owned, about, of_organization, one_of, within

CLOSE_STATES = ("complete", "incomplete")
CHECKED = ("tank", "meter")

Counter = Numeric(16, 4)


def of_entry() -> ForeignKeyConstraint:
    """Reference the field entry, by the id made where Save was pressed."""
    return ForeignKeyConstraint(
        ["organization_id", "entry_id"],
        ["field_entries.organization_id", "field_entries.entry_id"],
        ondelete="RESTRICT",
    )


class EntryRow(Base, Keyed, Owned):
    """One row that a field entry made or corrected: how a figure is traced to who typed it."""

    __tablename__ = "entry_rows"
    TITLE: ClassVar[str] = "part"

    entry_id: Mapped[uuid.UUID] = mapped_column(info=about("The entry."))
    part: Mapped[str] = mapped_column(info=about("Which of its lists the line stood in."))
    subject: Mapped[str] = mapped_column(info=about("What the line is about: a key or number."))
    table_name: Mapped[str] = mapped_column(info=about("Where its row is."))
    row_id: Mapped[uuid.UUID] = mapped_column(info=about("The row."))
    __table_args__ = (
        of_organization(),
        of_entry(),
        UniqueConstraint("organization_id", "entry_id", "part", "subject", "table_name"),
        Index("entry_rows_row_id_idx", "row_id"),
    )


class MeterReading(Base, Keyed, Owned, Authored):
    """The counter of a meter as somebody read it; a day's volume is the rise between two."""

    __tablename__ = "meter_readings"
    TITLE: ClassVar[str] = "read_at"
    GROUP: ClassVar[str] = "Production"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("read_at", "equipment_id", "lease_id", "production_date", "reading"),
    )
    FACETS: ClassVar[tuple[str, ...]] = ("lease_id", "equipment_id")
    SORT: ClassVar[str] = "-read_at"

    equipment_id: Mapped[uuid.UUID] = mapped_column(info=about("The meter.", label="Meter"))
    lease_id: Mapped[uuid.UUID] = mapped_column(
        server_default=FetchedValue(),
        info=about("The lease it was read on; the meter's own unless given.", label="Lease"),
    )
    read_at: Mapped[datetime] = mapped_column(info=about("When it was read."))
    production_date: Mapped[date] = mapped_column(
        server_default=FetchedValue(),
        info=about("Production day it counts for; follows from the time unless given."),
    )
    reading: Mapped[Decimal] = mapped_column(
        Counter, info=about("What the counter shows, as the meter counts.", unit=ITS_UNIT)
    )
    __table_args__ = (
        of_organization(),
        within("equipment_id", table="equipment"),
        within("lease_id", table="leases"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("equipment_id", "production_date"),
        Index("meter_readings_lease_id_idx", "organization_id", "lease_id", "production_date"),
        Index("meter_readings_read_at_idx", "organization_id", "read_at"),
        CheckConstraint("reading >= 0", name="reading"),
    )


class ChemicalTreatment(Base, Keyed, Owned, Authored):
    """Treating chemical that was put in at a lease or one of its wells."""

    __tablename__ = "chemical_treatments"
    TITLE: ClassVar[str] = "product"
    GROUP: ClassVar[str] = "Production"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("production_date", "lease_id", "well_id", "product", "gallons"),
    )
    SEARCHED: ClassVar[tuple[str, ...]] = ("product",)
    FACETS: ClassVar[tuple[str, ...]] = ("product", "lease_id")
    SORT: ClassVar[str] = "-production_date"

    lease_id: Mapped[uuid.UUID] = mapped_column(info=about("The lease.", label="Lease"))
    well_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The well, where it was one.", label="Well")
    )
    production_date: Mapped[date] = mapped_column(info=about("Production day it counts for."))
    product: Mapped[str] = mapped_column(info=about("What was put in."))
    gallons: Mapped[Decimal] = mapped_column(Volume, info=about("How much.", unit="gal"))
    __table_args__ = (
        of_organization(),
        within("lease_id", table="leases"),
        within("well_id", table="wells"),
        UniqueConstraint("organization_id", "id"),
        Index("chemical_treatments_lease_id_idx", "organization_id", "lease_id", "production_date"),
        Index("chemical_treatments_day_idx", "organization_id", "production_date"),
        CheckConstraint("product <> ''", name="product"),
        CheckConstraint("gallons >= 0", name="gallons"),
    )


class DailyClose(Base, Keyed, Owned):
    """What a lease made in one production day, by its tanks and tickets, and what is open of it."""

    __tablename__ = "daily_closes"
    TITLE: ClassVar[str] = "production_date"

    lease_id: Mapped[uuid.UUID] = mapped_column(info=about("The lease."))
    production_date: Mapped[date] = mapped_column(info=about("The production day."))
    state: Mapped[str] = mapped_column(
        info=about("complete: all is there and fits.", choices=CLOSE_STATES)
    )
    opening_bbl: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("Oil in its tanks when the day began.", unit="bbl")
    )
    closing_bbl: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("Oil in its tanks when it ended.", unit="bbl")
    )
    runs_bbl: Mapped[Decimal] = mapped_column(
        Volume, info=about("Oil that tickets took out of them.", unit="bbl")
    )
    drawn_bbl: Mapped[Decimal] = mapped_column(
        Volume, info=about("Tank bottoms drawn off.", unit="bbl")
    )
    oil_bbl: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("Oil made: what the stock rose by, and what left.", unit="bbl")
    )
    water_bbl: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("Water made, by its tanks and hauls.", unit="bbl")
    )
    factor: Mapped[Decimal | None] = mapped_column(
        Numeric(12, 6),
        info=about("Oil measured over oil by the wells' tests and hours.", unit=RATIO),
    )
    findings: Mapped[list[Any]] = mapped_column(
        JSONB, server_default=text("'[]'"), info=about("What is missing, suspect or unexplained.")
    )
    closed_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), info=about("When it was last reckoned.")
    )
    __table_args__ = (
        of_organization(),
        within("lease_id", table="leases"),
        UniqueConstraint("lease_id", "production_date"),
        Index("daily_closes_day_idx", "organization_id", "production_date"),
        CheckConstraint(one_of("state", *CLOSE_STATES), name="state"),
    )


class Reconciliation(Base, Keyed, Owned):
    """One tank or meter over one production day: what was keyed against what its gauge saw."""

    __tablename__ = "reconciliations"
    TITLE: ClassVar[str] = "production_date"

    kind: Mapped[str] = mapped_column(info=about("What was compared.", choices=CHECKED))
    tank_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The tank."))
    equipment_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The meter."))
    lease_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The lease it belongs to."))
    production_date: Mapped[date] = mapped_column(info=about("The production day."))
    unit: Mapped[str] = mapped_column(info=about("Unit of the figures."))
    opening: Mapped[Decimal | None] = mapped_column(Counter, info=about("Keyed at its beginning."))
    closing: Mapped[Decimal | None] = mapped_column(Counter, info=about("Keyed at its end."))
    ticketed: Mapped[Decimal] = mapped_column(
        Counter, server_default="0", info=about("What tickets took out between.")
    )
    gauge_opening: Mapped[Decimal | None] = mapped_column(
        Counter, info=about("By its own gauge when the opening was keyed.")
    )
    gauge_closing: Mapped[Decimal | None] = mapped_column(
        Counter, info=about("By its own gauge when the closing was keyed.")
    )
    unexplained: Mapped[Decimal | None] = mapped_column(
        Counter, info=about("Change keyed less change gauged; empty where one is not known.")
    )
    reckoned_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), info=about("When it was last reckoned.")
    )
    __table_args__ = (
        of_organization(),
        within("tank_id", table="tanks"),
        within("equipment_id", table="equipment"),
        within("lease_id", table="leases"),
        UniqueConstraint("tank_id", "production_date"),
        UniqueConstraint("equipment_id", "production_date"),
        Index("reconciliations_day_idx", "organization_id", "production_date"),
        CheckConstraint(one_of("kind", *CHECKED), name="kind"),
        CheckConstraint("num_nonnulls(tank_id, equipment_id) = 1", name="subject"),
    )
