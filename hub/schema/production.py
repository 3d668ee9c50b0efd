"""What wells made each day, the tests that tell their rates, and why they stood still."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    FetchedValue,
    Identity,
    Index,
    Numeric,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema import amounts
from hub.schema.amounts import Volume, label_of_month, title
from hub.schema.base import (
    Authored,
    Base,
    Keyed,
    Owned,
    about,
    of_organization,
    one_of,
    uuid7,
    within,
)
from hub.schema.places import of_completion

RECORD_KINDS = ("field_estimate", "measured", "allocated", "adjusted", "state_reported")
SOURCES = ("pumper", "telemetry", "import", "allocation", "office")
QUALITIES = ("good", "suspect", "bad", "estimated")
MODULES = ("production", "finance")
PERIOD_STATES = ("open", "soft_closed", "closed")
VOLUMES = ("oil_bbl", "gas_mcf", "water_bbl", "injected_water_bbl", "injected_gas_mcf")
#: By what daily records of all wells are sorted and bounded, beside their day.
ORDERS = ("oil_bbl", "gas_mcf", "water_bbl", "hours_on")

Pressure = Numeric(9, 2)
Hours = Numeric(5, 2)


class ProductionRecord(Base, Owned, Authored):
    """What one completion made in one production day, of one kind: estimated, measured, allocated.

    An empty volume was not reported; zero was. A hypertable of ten-year chunks where the database
    has TimescaleDB, which is why the day is part of the key.
    """

    __tablename__ = "production_records"
    TITLE: ClassVar[str] = "production_date"
    GROUP: ClassVar[str] = "Production"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("production_date", "well_id", "record_kind", "oil_bbl", "gas_mcf", "water_bbl"),
        *("hours_on", "quality"),
    )
    FACETS: ClassVar[tuple[str, ...]] = ("record_kind", "source", "quality")
    SORT: ClassVar[str] = "-production_date"

    id: Mapped[uuid.UUID] = mapped_column(
        primary_key=True,
        default=uuid7,
        server_default=text("gen_random_uuid()"),
        sort_order=-3,
        info=about("Its key, the same for ever."),
    )
    production_date: Mapped[date] = mapped_column(
        primary_key=True,
        sort_order=-2,
        info=about("The production day, named by the date it begins.", label="Day"),
    )
    well_id: Mapped[uuid.UUID] = mapped_column(info=about("The well.", label="Well"))
    completion_id: Mapped[uuid.UUID] = mapped_column(
        server_default=FetchedValue(),
        info=about("The completion; may be left out where the well has only one."),
    )
    record_kind: Mapped[str] = mapped_column(
        server_default="measured",
        default="measured",
        info=about("How the figures came about.", label="Kind", choices=RECORD_KINDS),
    )
    oil_bbl: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("Oil; barrels of 42 US gallons at 60 °F.", unit="bbl")
    )
    gas_mcf: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("Gas at 60 °F and the pressure base.", unit="Mcf")
    )
    water_bbl: Mapped[Decimal | None] = mapped_column(Volume, info=about("Water.", unit="bbl"))
    injected_water_bbl: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("Water put down the well.", unit="bbl")
    )
    injected_gas_mcf: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("Gas put down the well, lift gas too.", unit="Mcf")
    )
    gas_pressure_base_psia: Mapped[Decimal | None] = mapped_column(
        Numeric(6, 3),
        info=about("Pressure base of the gas; empty for the operator's own.", unit="psia"),
    )
    hours_on: Mapped[Decimal | None] = mapped_column(
        Hours, info=about("Hours it produced; the day clocks go back has 25.", unit="h")
    )
    days_produced: Mapped[int | None] = mapped_column(
        SmallInteger,
        info=about("Days it produced in the month that a state's figure, on its first, is of."),
    )
    tubing_psig: Mapped[Decimal | None] = mapped_column(
        Pressure, info=about("Tubing pressure.", unit="psig")
    )
    casing_psig: Mapped[Decimal | None] = mapped_column(
        Pressure, info=about("Casing pressure.", unit="psig")
    )
    line_psig: Mapped[Decimal | None] = mapped_column(
        Pressure, info=about("Pressure of the line it sells into.", unit="psig")
    )
    choke_64ths: Mapped[int | None] = mapped_column(
        SmallInteger, info=about("Choke opening.", unit="1/64 in", label="Choke")
    )
    strokes_per_minute: Mapped[Decimal | None] = mapped_column(
        Numeric(5, 2), info=about("Pumping speed.", unit="1/min")
    )
    fluid_level_ft: Mapped[Decimal | None] = mapped_column(
        Numeric(9, 2), info=about("Depth of the fluid level.", unit="ft")
    )
    source: Mapped[str] = mapped_column(
        server_default="office",
        default="office",
        info=about("Where the figures came from.", choices=SOURCES),
    )
    quality: Mapped[str] = mapped_column(
        server_default="good", default="good", info=about("How far to trust it.", choices=QUALITIES)
    )
    revision: Mapped[int] = mapped_column(
        SmallInteger,
        server_default="0",
        default=0,
        info=about("How often its figures were corrected; counted by the database."),
    )
    note: Mapped[str | None] = mapped_column(info=about("What the pumper or the office noted."))
    __table_args__ = (
        of_organization(),
        within("well_id", table="wells"),
        of_completion(),
        Index(
            "production_records_day_key",
            *("completion_id", "production_date", "record_kind"),
            unique=True,
        ),
        Index(
            "production_records_day_with_idx",
            *("organization_id", "production_date", "id"),
            postgresql_include=list(ORDERS),
        ),
        Index("production_records_well_idx", "organization_id", "well_id", "production_date"),
        *(
            Index(
                f"production_records_{column.partition('_')[0]}_with_idx",
                *("organization_id", column, "id"),
                postgresql_include=["production_date"],
            )
            for column in ORDERS
        ),
        Index(
            "production_records_kind_idx",
            *("organization_id", "record_kind", "production_date", "id"),
        ),
        Index(
            "production_records_source_idx", "organization_id", "source", "production_date", "id"
        ),
        Index(
            "production_records_quality_idx", "organization_id", "quality", "production_date", "id"
        ),
        CheckConstraint(one_of("record_kind", *RECORD_KINDS), name="record_kind"),
        CheckConstraint(one_of("source", *SOURCES), name="source"),
        CheckConstraint(one_of("quality", *QUALITIES), name="quality"),
        # Only an adjustment may take back: real data has negative water, always as a correction.
        *(
            CheckConstraint(f"record_kind = 'adjusted' OR {volume} >= 0", name=volume)
            for volume in VOLUMES
        ),
        CheckConstraint("gas_pressure_base_psia BETWEEN 14 AND 16", name="gas_pressure_base"),
        CheckConstraint("hours_on BETWEEN 0 AND 25", name="hours_on"),
        CheckConstraint("days_produced BETWEEN 0 AND 31", name="days_produced"),
        CheckConstraint("choke_64ths BETWEEN 0 AND 256", name="choke_64ths"),
        CheckConstraint("strokes_per_minute BETWEEN 0 AND 60", name="strokes_per_minute"),
        CheckConstraint("fluid_level_ft >= 0", name="fluid_level_ft"),
        CheckConstraint(
            "production_date BETWEEN '1859-08-27' AND '2199-12-31'", name="production_date"
        ),
    )


class ProductionRevision(Base, Owned):
    """What a production record said before it was corrected or deleted.

    Beside the core table because a corrected record keeps its identity, and a filed month must be
    explained by the figures it was filed with. Written by trigger, changed by nobody.
    """

    __tablename__ = "production_revisions"
    TITLE: ClassVar[str] = "revision"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    record_id: Mapped[uuid.UUID] = mapped_column(info=about("The record it was."))
    production_date: Mapped[date] = mapped_column(info=about("The production day."))
    well_id: Mapped[uuid.UUID] = mapped_column(info=about("The well."))
    completion_id: Mapped[uuid.UUID] = mapped_column(info=about("The completion."))
    record_kind: Mapped[str] = mapped_column(info=about("How the figures came about."))
    revision: Mapped[int] = mapped_column(SmallInteger, info=about("Which correction replaced it."))
    oil_bbl: Mapped[Decimal | None] = mapped_column(Volume, info=about("Oil.", unit="bbl"))
    gas_mcf: Mapped[Decimal | None] = mapped_column(Volume, info=about("Gas.", unit="Mcf"))
    water_bbl: Mapped[Decimal | None] = mapped_column(Volume, info=about("Water.", unit="bbl"))
    injected_water_bbl: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("Water put down the well.", unit="bbl")
    )
    injected_gas_mcf: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("Gas put down the well.", unit="Mcf")
    )
    hours_on: Mapped[Decimal | None] = mapped_column(
        Hours, info=about("Hours it produced.", unit="h")
    )
    source: Mapped[str] = mapped_column(info=about("Where the figures came from."))
    quality: Mapped[str] = mapped_column(info=about("How far they were trusted."))
    deleted: Mapped[bool] = mapped_column(
        server_default="false", info=about("Whether the record was deleted rather than corrected.")
    )
    replaced_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), info=about("When it was corrected.")
    )
    replaced_by: Mapped[uuid.UUID | None] = mapped_column(info=about("Who corrected it."))
    __table_args__ = (
        of_organization(),
        within("well_id", table="wells"),
        of_completion(),
        Index("production_revisions_record_id_idx", "record_id", "revision"),
        Index("production_revisions_well_id_idx", "organization_id", "well_id", "production_date"),
    )


class AccountingPeriod(Base, Keyed, Owned, Authored):
    """A month of one module: open, soft-closed (only the office writes), or closed (nobody).

    Beside the core tables because a filed or billed month must not change under its report. A month
    without a row is open.
    """

    __tablename__ = "accounting_periods"
    TITLE: ClassVar[str] = "title"
    GROUP: ClassVar[str] = "Company"
    LISTED: ClassVar[tuple[str, ...]] = ("month", "module", "state", "note", "updated_at")
    FACETS: ClassVar[tuple[str, ...]] = ("module", "state")
    SORT: ClassVar[str] = "-month"

    module: Mapped[str] = mapped_column(info=about("What it closes.", choices=MODULES))
    month: Mapped[date] = mapped_column(info=about("The month, as its first day."))
    state: Mapped[str] = mapped_column(
        server_default="open",
        default="open",
        info=about("open; soft_closed: only the office writes; closed.", choices=PERIOD_STATES),
    )
    note: Mapped[str | None] = mapped_column(info=about("Why it was closed or opened again."))
    title: Mapped[str] = title(f"(module || ' '::text) || ({label_of_month('month')})")
    __table_args__ = (
        of_organization(),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "module", "month"),
        CheckConstraint(one_of("module", *MODULES), name="module"),
        CheckConstraint(one_of("state", *PERIOD_STATES), name="state"),
        amounts.month("month"),
    )
