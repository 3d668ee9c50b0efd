"""Rates by test, and standing still by reason: what theoretical production is computed from."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar

from sqlalchemy import (
    CheckConstraint,
    Computed,
    FetchedValue,
    Index,
    Numeric,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.amounts import Rate, Volume
from hub.schema.base import Authored, Base, Keyed, Owned, about, of_organization, one_of, within
from hub.schema.places import of_completion
from hub.schema.production import Pressure

TEST_KINDS = ("initial_potential", "allocation", "regulatory_annual", "retest", "injection_mit")
TEST_METHODS = ("separator", "tank", "portable", "multiphase", "estimate")
TEST_STATUSES = ("draft", "accepted", "rejected")
DOWNTIME_REASONS = (
    *("PLN-PM", "PLN-WO", "PLN-TEST", "PLN-ECON"),
    *("UNP-ROD", "UNP-TUBING", "UNP-PUMP", "UNP-GASLOCK", "UNP-SCALE", "UNP-PARAFFIN"),
    *("UNP-CORROSION", "UNP-MOTOR", "UNP-BELT", "UNP-ELEC-UTILITY", "UNP-ELEC-SITE"),
    *("UNP-COMPRESSOR", "UNP-SEPARATOR", "UNP-TREATER", "UNP-FLOWLINE"),
    *("EXT-TANK-FULL", "EXT-SWD", "EXT-HIGH-LINE-PRESSURE", "EXT-PLANT", "EXT-WEATHER"),
    *("EXT-REGULATORY", "EXT-OFFSET-FRAC", "SAF-H2S", "SAF-ESD", "COMM-UNKNOWN"),
)


def not_negative(*columns: str) -> str:
    """Condition of a CHECK that no amount is below zero."""
    return " AND ".join(f"coalesce({column}, 0) >= 0" for column in columns)


class DowntimeEvent(Base, Keyed, Owned, Authored):
    """A stretch of time in which a completion did not produce, with its reason by code.

    Beside the core tables because a record's hours say how long, not why; times of one completion
    never overlap.
    """

    __tablename__ = "downtime_events"
    TITLE: ClassVar[str] = "reason_code"
    GROUP: ClassVar[str] = "Production"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("started_at", "ended_at", "well_id", "reason_code", "deferred_oil_bbl", "note"),
    )
    FACETS: ClassVar[tuple[str, ...]] = ("reason_code", "planned")
    SORT: ClassVar[str] = "-started_at"

    well_id: Mapped[uuid.UUID] = mapped_column(info=about("The well.", label="Well"))
    completion_id: Mapped[uuid.UUID] = mapped_column(
        server_default=FetchedValue(),
        info=about("The completion; may be left out where the well has only one."),
    )
    equipment_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The equipment that failed.", label="Equipment")
    )
    started_at: Mapped[datetime] = mapped_column(info=about("When it went down."))
    ended_at: Mapped[datetime | None] = mapped_column(
        info=about("When it was back; empty while it is down.")
    )
    reason_code: Mapped[str] = mapped_column(
        info=about("Why: PLN planned, UNP unplanned, EXT from outside.", choices=DOWNTIME_REASONS)
    )
    planned: Mapped[bool] = mapped_column(
        Computed("left(reason_code, 4) = 'PLN-'::text", persisted=True),
        info=about("Whether it was planned; follows from the reason."),
    )
    deferred_oil_bbl: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("Oil not produced meanwhile.", unit="bbl")
    )
    deferred_gas_mcf: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("Gas not produced meanwhile.", unit="Mcf")
    )
    note: Mapped[str | None] = mapped_column(info=about("What else to know."))
    __table_args__ = (
        of_organization(),
        within("well_id", table="wells"),
        of_completion(),
        within("equipment_id", table="equipment"),
        UniqueConstraint("organization_id", "id"),
        ExcludeConstraint(
            ("completion_id", "="),
            (text("tstzrange(started_at, ended_at)"), "&&"),
            name="downtime_events_overlap",
            using="gist",
        ),
        Index("downtime_events_started_at_idx", "organization_id", "started_at"),
        Index("downtime_events_well_id_idx", "organization_id", "well_id", "started_at"),
        CheckConstraint(one_of("reason_code", *DOWNTIME_REASONS), name="reason_code"),
        CheckConstraint("ended_at > started_at", name="ended_at"),
        CheckConstraint(not_negative("deferred_oil_bbl", "deferred_gas_mcf"), name="deferred"),
    )


class WellTest(Base, Keyed, Owned, Authored):
    """A measured stretch of production that tells a completion's rate; accepted, it allocates."""

    __tablename__ = "well_tests"
    TITLE: ClassVar[str] = "started_at"
    GROUP: ClassVar[str] = "Production"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("started_at", "well_id", "test_kind", "status", "duration_hours", "oil_bpd"),
        *("gas_mcfd", "water_bpd", "effective_from"),
    )
    FACETS: ClassVar[tuple[str, ...]] = ("test_kind", "status", "method")
    SORT: ClassVar[str] = "-started_at"

    well_id: Mapped[uuid.UUID] = mapped_column(info=about("The well.", label="Well"))
    completion_id: Mapped[uuid.UUID] = mapped_column(
        server_default=FetchedValue(),
        info=about("The completion; may be left out where the well has only one."),
    )
    test_kind: Mapped[str] = mapped_column(
        server_default="allocation",
        default="allocation",
        info=about("What it is for.", label="Kind", choices=TEST_KINDS),
    )
    method: Mapped[str] = mapped_column(
        server_default="separator",
        default="separator",
        info=about("How it was measured.", choices=TEST_METHODS),
    )
    status: Mapped[str] = mapped_column(
        server_default="draft",
        default="draft",
        info=about("Only an accepted test allocates.", choices=TEST_STATUSES),
    )
    started_at: Mapped[datetime] = mapped_column(info=about("When it began."))
    duration_hours: Mapped[Decimal] = mapped_column(
        Numeric(6, 2), info=about("How long it lasted.", unit="h", label="Duration")
    )
    oil_bbl: Mapped[Decimal | None] = mapped_column(Volume, info=about("Oil made.", unit="bbl"))
    gas_mcf: Mapped[Decimal | None] = mapped_column(Volume, info=about("Gas made.", unit="Mcf"))
    water_bbl: Mapped[Decimal | None] = mapped_column(Volume, info=about("Water made.", unit="bbl"))
    oil_bpd: Mapped[Decimal | None] = mapped_column(
        Rate,
        Computed(
            "round(oil_bbl * 24::numeric / NULLIF(duration_hours, 0::numeric), 4)", persisted=True
        ),
        info=about("Oil in 24 hours.", unit="bbl/d", label="Oil rate"),
    )
    gas_mcfd: Mapped[Decimal | None] = mapped_column(
        Rate,
        Computed(
            "round(gas_mcf * 24::numeric / NULLIF(duration_hours, 0::numeric), 4)", persisted=True
        ),
        info=about("Gas in 24 hours.", unit="Mcf/d", label="Gas rate"),
    )
    water_bpd: Mapped[Decimal | None] = mapped_column(
        Rate,
        Computed(
            "round(water_bbl * 24::numeric / NULLIF(duration_hours, 0::numeric), 4)", persisted=True
        ),
        info=about("Water in 24 hours.", unit="bbl/d", label="Water rate"),
    )
    gor_scf_bbl: Mapped[Decimal | None] = mapped_column(
        Numeric(16, 2),
        Computed("round(gas_mcf * 1000::numeric / NULLIF(oil_bbl, 0::numeric), 2)", persisted=True),
        info=about("Gas per barrel of oil.", unit="scf/bbl", label="Gas-oil ratio"),
    )
    wor: Mapped[Decimal | None] = mapped_column(
        Numeric(16, 4),
        Computed("round(water_bbl / NULLIF(oil_bbl, 0::numeric), 4)", persisted=True),
        info=about("Water per barrel of oil.", unit="bbl/bbl", label="Water-oil ratio"),
    )
    bsw_pct: Mapped[Decimal | None] = mapped_column(
        Numeric(5, 2), info=about("Sediment and water in the oil.", unit="%", label="BS&W")
    )
    api_gravity: Mapped[Decimal | None] = mapped_column(
        Numeric(4, 1), info=about("Gravity of the oil at 60 °F.", unit="°API")
    )
    tubing_psig: Mapped[Decimal | None] = mapped_column(
        Pressure, info=about("Flowing tubing pressure.", unit="psig")
    )
    casing_psig: Mapped[Decimal | None] = mapped_column(
        Pressure, info=about("Casing pressure.", unit="psig")
    )
    separator_psig: Mapped[Decimal | None] = mapped_column(
        Pressure, info=about("Separator pressure.", unit="psig")
    )
    separator_f: Mapped[Decimal | None] = mapped_column(
        Numeric(5, 1), info=about("Separator temperature.", unit="°F", label="Separator temp.")
    )
    choke_64ths: Mapped[int | None] = mapped_column(
        SmallInteger, info=about("Choke opening.", unit="1/64 in", label="Choke")
    )
    use_for_allocation: Mapped[bool] = mapped_column(
        server_default="true", default=True, info=about("Whether it allocates once accepted.")
    )
    effective_from: Mapped[date | None] = mapped_column(
        info=about("First day it allocates; at acceptance the day it ended, unless given.")
    )
    conducted_by: Mapped[str | None] = mapped_column(info=about("Who ran it."))
    witnessed_by: Mapped[str | None] = mapped_column(info=about("Who watched it for the agency."))
    note: Mapped[str | None] = mapped_column(info=about("What else to know."))
    __table_args__ = (
        of_organization(),
        within("well_id", table="wells"),
        of_completion(),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("completion_id", "started_at"),
        Index("well_tests_started_at_idx", "organization_id", "started_at"),
        Index("well_tests_well_id_idx", "organization_id", "well_id", "started_at"),
        Index(
            "well_tests_effective_idx",
            "completion_id",
            "effective_from",
            postgresql_where=text("status = 'accepted'"),
        ),
        CheckConstraint(one_of("test_kind", *TEST_KINDS), name="test_kind"),
        CheckConstraint(one_of("method", *TEST_METHODS), name="method"),
        CheckConstraint(one_of("status", *TEST_STATUSES), name="status"),
        CheckConstraint("duration_hours > 0 AND duration_hours <= 744", name="duration_hours"),
        CheckConstraint(not_negative("oil_bbl", "gas_mcf", "water_bbl"), name="volumes"),
        CheckConstraint("bsw_pct BETWEEN 0 AND 100", name="bsw_pct"),
        CheckConstraint("api_gravity BETWEEN 0 AND 100", name="api_gravity"),
        CheckConstraint("choke_64ths BETWEEN 0 AND 256", name="choke_64ths"),
        CheckConstraint(
            "status <> 'accepted' OR num_nonnulls(oil_bbl, gas_mcf, water_bbl) > 0",
            name="accepted",
        ),
    )
