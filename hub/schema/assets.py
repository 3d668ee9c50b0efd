"""What the operator runs: leases, wells, equipment."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import (
    CheckConstraint,
    Computed,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.amounts import search_text
from hub.schema.base import Authored, Base, Keyed, Owned, about, of_organization, one_of, within
from hub.schema.positions import degrees, position

WELL_TYPES = (
    "oil",
    "gas",
    "oil_gas",
    "injection",
    "disposal",
    "water_supply",
    "observation",
    "co2",
)
WELL_STATUSES = (
    "permitted",
    "drilling",
    "completed",
    "producing",
    "shut_in",
    "temporarily_abandoned",
    "plugged",
    "sold",
)
LEASE_STATUSES = (
    "draft",
    "producing",
    "shut_in",
    "held_by_production",
    "expired",
    "terminated",
)
LAND_CLASSES = ("fee", "state", "federal", "indian", "mixed")
COMMODITIES = ("oil", "gas")
LIFT_TYPES = (
    *("flowing", "rod_pump", "pcp", "esp", "plunger", "gas_lift", "jet", "swab"),
    "none",
)
DATUMS = ("NAD27", "NAD83", "WGS84")
EQUIPMENT_KINDS = (
    *("pump_jack", "rod_string", "downhole_pump", "esp", "pcp", "vfd", "motor", "engine"),
    *("tank_oil", "tank_water", "gun_barrel", "heater_treater", "separator_2ph", "separator_3ph"),
    *("fwko", "compressor", "meter_orifice", "meter_turbine", "meter_coriolis", "lact", "flare"),
    *("combustor", "vru", "chem_pump", "injection_pump", "transformer", "rtu_plc"),
    *("gauge_transmitter", "valve", "line"),
)
EQUIPMENT_STATUSES = ("in_service", "standby", "in_shop", "scrapped", "sold")

Feet = Numeric(9, 2)


class Lease(Base, Keyed, Owned, Authored):
    """A producing property: what is billed, allocated and reported as one."""

    __tablename__ = "leases"
    GROUP: ClassVar[str] = "Assets"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("name", "property_no", "state", "county", "commodity", "land_class", "status"),
        "gross_acres",
    )
    SEARCHED: ClassVar[tuple[str, ...]] = (
        *("name", "property_no", "county", "jurisdiction_lease_no", "federal_agreement_no"),
        "legal_description",
    )
    FACETS: ClassVar[tuple[str, ...]] = ("status", "state", "commodity", "land_class")

    name: Mapped[str] = mapped_column(info=about("Name of the property."))
    property_no: Mapped[str | None] = mapped_column(
        info=about("Number in the accounts.", label="Property number")
    )
    state: Mapped[str | None] = mapped_column(info=about("Two-letter state."))
    county: Mapped[str | None] = mapped_column(info=about("County or parish."))
    status: Mapped[str] = mapped_column(
        server_default="producing", info=about("Where it stands.", choices=LEASE_STATUSES)
    )
    county_fips: Mapped[str | None] = mapped_column(
        info=about("Federal code of state and county, 5 digits: 48389.", label="County code")
    )
    jurisdiction_lease_no: Mapped[str | None] = mapped_column(
        info=about("Number the state gave it; it is reported under this.", label="State lease no.")
    )
    district: Mapped[str | None] = mapped_column(
        info=about("District of the state's regulator, where it has districts: 08, 7C.")
    )
    land_class: Mapped[str | None] = mapped_column(
        info=about("Whose minerals they are.", choices=LAND_CLASSES)
    )
    federal_agreement_no: Mapped[str | None] = mapped_column(
        info=about("Federal or Indian lease or agreement, 10 or 11 characters, as ONRR has it.")
    )
    commodity: Mapped[str | None] = mapped_column(
        info=about("What the state counts it as.", choices=COMMODITIES)
    )
    gross_acres: Mapped[Decimal | None] = mapped_column(
        Numeric(12, 4), info=about("Acres the lease covers.", unit="acre")
    )
    effective: Mapped[date | None] = mapped_column(info=about("First day of the lease."))
    primary_term_end: Mapped[date | None] = mapped_column(
        info=about("Last day of the primary term; after it production must hold the lease.")
    )
    hbp_gap_days: Mapped[int] = mapped_column(
        SmallInteger,
        server_default="90",
        default=90,
        info=about("Days without production after which the lease may be lost.", unit="d"),
    )
    facility_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("Battery it produces into.", label="Facility")
    )
    legal_description: Mapped[str | None] = mapped_column(
        info=about("Legal description, as in the lease.")
    )
    plss: Mapped[dict[str, Any] | None] = mapped_column(
        info=about("Township, range, section and the like of each tract.", label="Land survey")
    )
    search_text: Mapped[Any] = search_text(*SEARCHED)
    __table_args__ = (
        of_organization(),
        within("facility_id", table="facilities"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "property_no"),
        Index("leases_name_idx", "organization_id", "name"),
        Index("leases_status_idx", "organization_id", "status"),
        Index("leases_county_idx", "organization_id", "state", "county"),
        Index("leases_facility_id_idx", "organization_id", "facility_id"),
        Index(
            "leases_jurisdiction_key",
            *("organization_id", "state", "district", "jurisdiction_lease_no", "commodity"),
            unique=True,
            postgresql_where=text("jurisdiction_lease_no IS NOT NULL"),
            postgresql_nulls_not_distinct=True,
        ),
        Index("leases_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint(one_of("status", *LEASE_STATUSES), name="status"),
        CheckConstraint("state ~ '^[A-Z]{2}$'", name="state"),
        CheckConstraint("county_fips ~ '^[0-9]{5}$'", name="county_fips"),
        CheckConstraint(one_of("land_class", *LAND_CLASSES), name="land_class"),
        CheckConstraint("federal_agreement_no ~ '^[A-Z0-9]{10,11}$'", name="federal_agreement_no"),
        CheckConstraint(one_of("commodity", *COMMODITIES), name="commodity"),
        CheckConstraint("gross_acres > 0", name="gross_acres"),
        CheckConstraint("primary_term_end >= effective", name="primary_term_end"),
        CheckConstraint("hbp_gap_days BETWEEN 1 AND 730", name="hbp_gap_days"),
    )


class Well(Base, Keyed, Owned, Authored):
    """A wellbore."""

    __tablename__ = "wells"
    GROUP: ClassVar[str] = "Assets"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("name", "api14", "lease_id", "well_type", "lift_type", "status", "first_production"),
        "md_ft",
    )
    SEARCHED: ClassVar[tuple[str, ...]] = ("name", "api14", "site")
    FACETS: ClassVar[tuple[str, ...]] = ("status", "well_type", "lift_type", "lease_id")

    lease_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The lease it produces for.", label="Lease")
    )
    name: Mapped[str] = mapped_column(info=about("Name and number, as on the sign."))
    site: Mapped[str | None] = mapped_column(info=about("Pad or battery it stands on."))
    api14: Mapped[str | None] = mapped_column(
        info=about(
            "API number: state, county, well, sidetrack and event, 14 digits.", label="API number"
        )
    )
    well_type: Mapped[str] = mapped_column(
        server_default="oil", info=about("What it is for.", label="Type", choices=WELL_TYPES)
    )
    status: Mapped[str] = mapped_column(
        server_default="producing",
        info=about("Current status; its history is kept.", choices=WELL_STATUSES),
    )
    lat: Mapped[Decimal | None] = degrees("Latitude of the surface location.")
    lon: Mapped[Decimal | None] = degrees("Longitude of the surface location.")
    first_production: Mapped[date | None] = mapped_column(info=about("Day of first production."))
    api10: Mapped[str | None] = mapped_column(
        Computed("left(api14, 10)", persisted=True),
        info=about("API number of the well without sidetrack and event.", label="API-10"),
    )
    lift_type: Mapped[str | None] = mapped_column(
        info=about("What brings the fluid up.", label="Lift", choices=LIFT_TYPES)
    )
    facility_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("Battery it produces into, if not its lease's.", label="Facility")
    )
    spud_date: Mapped[date | None] = mapped_column(info=about("Day drilling began."))
    completion_date: Mapped[date | None] = mapped_column(info=about("Day it was completed."))
    plug_date: Mapped[date | None] = mapped_column(info=about("Day it was plugged."))
    md_ft: Mapped[Decimal | None] = mapped_column(
        Feet, info=about("Total depth along the hole.", unit="ft", label="Measured depth")
    )
    tvd_ft: Mapped[Decimal | None] = mapped_column(
        Feet, info=about("Total depth straight down.", unit="ft", label="True vertical depth")
    )
    elevation_ft: Mapped[Decimal | None] = mapped_column(
        Feet, info=about("Height of the ground above sea level.", unit="ft", label="Elevation")
    )
    datum: Mapped[str] = mapped_column(
        server_default="WGS84",
        default="WGS84",
        info=about("What latitudes and longitudes refer to.", choices=DATUMS),
    )
    bottom_lat: Mapped[Decimal | None] = degrees("Latitude of the bottom of the hole.")
    bottom_lon: Mapped[Decimal | None] = degrees("Longitude of the bottom of the hole.")
    pump_depth_ft: Mapped[Decimal | None] = mapped_column(
        Feet, info=about("Depth at which the pump is set.", unit="ft", label="Pump depth")
    )
    completion_data: Mapped[dict[str, Any] | None] = mapped_column(
        info=about("What else is known of how it was completed: stages, proppant, casing …")
    )
    search_text: Mapped[Any] = search_text(*SEARCHED)
    __table_args__ = (
        of_organization(),
        within("lease_id", table="leases"),
        within("facility_id", table="facilities"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "api14"),
        Index("wells_name_key", "organization_id", text("lower(name)"), unique=True),
        Index("wells_sort_name_idx", "organization_id", "name"),
        Index("wells_lease_id_idx", "organization_id", "lease_id"),
        Index("wells_facility_id_idx", "organization_id", "facility_id"),
        Index("wells_status_idx", "organization_id", "status"),
        Index("wells_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint("api14 ~ '^[0-9]{14}$'", name="api14"),
        CheckConstraint(
            "left(api14, 2) BETWEEN '01' AND '51' OR left(api14, 2) IN ('55', '56', '60', '61')",
            name="api14_state",
        ),
        CheckConstraint(one_of("well_type", *WELL_TYPES), name="well_type"),
        CheckConstraint(one_of("status", *WELL_STATUSES), name="status"),
        position("place"),
        position("bottom", "bottom_lat", "bottom_lon"),
        CheckConstraint(one_of("lift_type", *LIFT_TYPES), name="lift_type"),
        CheckConstraint(one_of("datum", *DATUMS), name="datum"),
        CheckConstraint("md_ft BETWEEN 0 AND 60000", name="md_ft"),
        CheckConstraint("tvd_ft BETWEEN 0 AND 40000", name="tvd_ft"),
        CheckConstraint("tvd_ft <= md_ft", name="tvd_within_md"),
        CheckConstraint("pump_depth_ft BETWEEN 0 AND 40000", name="pump_depth_ft"),
        CheckConstraint("elevation_ft BETWEEN -400 AND 15000", name="elevation_ft"),
        CheckConstraint("completion_date >= spud_date", name="completion_date"),
        CheckConstraint("plug_date >= spud_date", name="plug_date"),
    )


class Equipment(Base, Keyed, Owned, Authored):
    """A pump, tank, meter, separator: what can be read, serviced and replaced."""

    __tablename__ = "equipment"
    GROUP: ClassVar[str] = "Assets"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("name", "kind", "well_id", "facility_id", "manufacturer", "model", "serial"),
        *("criticality", "status"),
    )
    SEARCHED: ClassVar[tuple[str, ...]] = ("name", "manufacturer", "model", "serial")
    FACETS: ClassVar[tuple[str, ...]] = ("kind", "status", "criticality", "manufacturer")

    well_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The well it serves, if one.", label="Well")
    )
    name: Mapped[str] = mapped_column(info=about("What people call it."))
    # No CHECK: before there was a list, any word was allowed, and those rows stay as they are. A
    # trigger refuses a new kind that is not in the list.
    kind: Mapped[str] = mapped_column(info=about("What it is.", choices=EQUIPMENT_KINDS))
    manufacturer: Mapped[str | None] = mapped_column(info=about("Who made it."))
    model: Mapped[str | None] = mapped_column(info=about("The maker's type."))
    serial: Mapped[str | None] = mapped_column(info=about("Serial number on the plate."))
    status: Mapped[str] = mapped_column(
        server_default="in_service", info=about("Where it stands.", choices=EQUIPMENT_STATUSES)
    )
    facility_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The battery or plant it stands in, if it serves no single well.")
    )
    parent_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The equipment it is a part of.", label="Part of")
    )
    criticality: Mapped[int | None] = mapped_column(
        SmallInteger, info=about("1 nobody notices … 5 the lease stops without it.")
    )
    run_hours: Mapped[Decimal | None] = mapped_column(
        Numeric(10, 1), info=about("Hours it has run.", unit="h")
    )
    installed_on: Mapped[date | None] = mapped_column(info=about("Day it was put in."))
    warranty_until: Mapped[date | None] = mapped_column(info=about("Last day of the warranty."))
    service_interval_days: Mapped[int | None] = mapped_column(
        Integer, info=about("Days between two services.", unit="d")
    )
    specifications: Mapped[dict[str, Any] | None] = mapped_column(
        info=about("What the plate or the data sheet says: sizes, ratings, ratios.")
    )
    search_text: Mapped[Any] = search_text(*SEARCHED)
    __table_args__ = (
        of_organization(),
        within("well_id", table="wells"),
        within("facility_id", table="facilities"),
        within("parent_id", table="equipment"),
        UniqueConstraint("organization_id", "id"),
        Index(
            "equipment_serial_key",
            "organization_id",
            "manufacturer",
            "serial",
            unique=True,
            postgresql_where=text("serial IS NOT NULL"),
        ),
        Index("equipment_name_idx", "organization_id", "name"),
        Index("equipment_kind_idx", "organization_id", "kind"),
        Index("equipment_well_id_idx", "organization_id", "well_id"),
        Index("equipment_facility_id_idx", "organization_id", "facility_id"),
        Index("equipment_parent_id_idx", "organization_id", "parent_id"),
        Index("equipment_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint(one_of("status", *EQUIPMENT_STATUSES), name="status"),
        CheckConstraint("well_id IS NULL OR facility_id IS NULL", name="one_place"),
        CheckConstraint("parent_id <> id", name="parent_id"),
        CheckConstraint("criticality BETWEEN 1 AND 5", name="criticality"),
        CheckConstraint("run_hours >= 0", name="run_hours"),
        CheckConstraint("warranty_until >= installed_on", name="warranty_until"),
        CheckConstraint("service_interval_days > 0", name="service_interval_days"),
    )
