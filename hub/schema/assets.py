"""What the operator runs: leases, wells, equipment."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.base import Authored, Base, Keyed, Owned, about, of_organization, one_of, within

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


class Lease(Base, Keyed, Owned, Authored):
    """A producing property: what is billed, allocated and reported as one."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(info=about("Name of the property."))
    property_no: Mapped[str | None] = mapped_column(info=about("Number in the accounts."))
    state: Mapped[str | None] = mapped_column(info=about("Two-letter state."))
    county: Mapped[str | None] = mapped_column(info=about("County or parish."))
    status: Mapped[str] = mapped_column(server_default="producing", info=about("Where it stands."))
    __table_args__ = (
        of_organization(),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "property_no"),
        CheckConstraint(one_of("status", *LEASE_STATUSES), name="status"),
        CheckConstraint("state ~ '^[A-Z]{2}$'", name="state"),
    )


class Well(Base, Keyed, Owned, Authored):
    """A wellbore."""

    __tablename__ = "wells"

    lease_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The lease it produces for."))
    name: Mapped[str] = mapped_column(info=about("Name and number, as on the sign."))
    site: Mapped[str | None] = mapped_column(info=about("Pad or battery it stands on."))
    api14: Mapped[str | None] = mapped_column(info=about("API number, 14 digits."))
    well_type: Mapped[str] = mapped_column(server_default="oil", info=about("What it is for."))
    status: Mapped[str] = mapped_column(server_default="producing", info=about("Current status."))
    lat: Mapped[Decimal | None] = mapped_column(
        Numeric(9, 6), info=about("Latitude of the surface location.", unit="deg")
    )
    lon: Mapped[Decimal | None] = mapped_column(
        Numeric(9, 6), info=about("Longitude of the surface location.", unit="deg")
    )
    first_production: Mapped[date | None] = mapped_column(info=about("Day of first production."))
    __table_args__ = (
        of_organization(),
        within("lease_id", table="leases"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "api14"),
        Index("wells_name_key", "organization_id", text("lower(name)"), unique=True),
        CheckConstraint("api14 ~ '^[0-9]{14}$'", name="api14"),
        CheckConstraint(one_of("well_type", *WELL_TYPES), name="well_type"),
        CheckConstraint(one_of("status", *WELL_STATUSES), name="status"),
        CheckConstraint("lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180", name="place"),
    )


class Equipment(Base, Keyed, Owned, Authored):
    """A pump, tank, meter, separator: what can be read, serviced and replaced."""

    __tablename__ = "equipment"

    well_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The well it serves, if one."))
    name: Mapped[str] = mapped_column(info=about("What people call it."))
    kind: Mapped[str] = mapped_column(info=about("pump_jack, tank_oil, meter_orifice …"))
    manufacturer: Mapped[str | None] = mapped_column()
    model: Mapped[str | None] = mapped_column()
    serial: Mapped[str | None] = mapped_column(info=about("Serial number on the plate."))
    status: Mapped[str] = mapped_column(server_default="in_service")
    __table_args__ = (
        of_organization(),
        within("well_id", table="wells"),
        UniqueConstraint("organization_id", "id"),
        Index(
            "equipment_serial_key",
            "organization_id",
            "manufacturer",
            "serial",
            unique=True,
            postgresql_where=text("serial IS NOT NULL"),
        ),
        CheckConstraint(
            one_of("status", "in_service", "standby", "in_shop", "scrapped", "sold"), name="status"
        ),
    )
