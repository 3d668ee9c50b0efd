"""Where production is gathered, and the layers it comes from; the numbers agencies know them by."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.amounts import search_text
from hub.schema.assets import WELL_STATUSES, Feet
from hub.schema.base import (
    Authored,
    Base,
    Keyed,
    Owned,
    about,
    of_organization,
    one_of,
    part_of,
    within,
)
from hub.schema.positions import degrees, position

FACILITY_KINDS = (
    *("tank_battery", "central_battery", "compressor_station", "gas_plant", "disposal"),
    *("injection_station", "lact_site", "yard", "other"),
)
COMPLETION_STATUSES = ("planned", "active", "shut_in", "abandoned")
AUTHORITIES = (
    *("TX-RRC", "OK-OCC", "OK-OTC", "NM-OCD", "ND-NDIC", "CO-ECMC", "WY-WOGCC", "MT-BOGC"),
    *("LA-DENR", "KS-KCC", "UT-DOGM", "CA-CalGEM", "ONRR", "BLM", "BIA", "EPA", "PHMSA", "OSHA"),
    "other",
)


class Facility(Base, Keyed, Owned, Authored):
    """A battery, plant or disposal site that serves several wells or leases.

    Beside the core tables because equipment, tanks and stock of a shared battery belong to no
    single well or lease.
    """

    __tablename__ = "facilities"
    GROUP: ClassVar[str] = "Assets"
    LISTED: ClassVar[tuple[str, ...]] = ("name", "kind", "code", "state", "county", "closed_on")
    SEARCHED: ClassVar[tuple[str, ...]] = ("name", "code", "county", "directions")
    FACETS: ClassVar[tuple[str, ...]] = ("kind", "state")

    name: Mapped[str] = mapped_column(info=about("What people call it."))
    kind: Mapped[str] = mapped_column(
        server_default="tank_battery", info=about("What it is.", choices=FACILITY_KINDS)
    )
    code: Mapped[str | None] = mapped_column(info=about("Short code in the accounts."))
    state: Mapped[str | None] = mapped_column(info=about("Two-letter state."))
    county: Mapped[str | None] = mapped_column(info=about("County or parish."))
    lat: Mapped[Decimal | None] = degrees("Latitude of where it stands.")
    lon: Mapped[Decimal | None] = degrees("Longitude of where it stands.")
    directions: Mapped[str | None] = mapped_column(
        info=about("How to get there: gates, roads, who to call.")
    )
    closed_on: Mapped[date | None] = mapped_column(info=about("Day it was taken out of use."))
    search_text: Mapped[Any] = search_text(*SEARCHED)
    __table_args__ = (
        of_organization(),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "code"),
        Index("facilities_name_key", "organization_id", text("lower(name)"), unique=True),
        Index("facilities_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint(one_of("kind", *FACILITY_KINDS), name="kind"),
        CheckConstraint("state ~ '^[A-Z]{2}$'", name="state"),
        position("place"),
    )


class Completion(Base, Keyed, Owned, Authored):
    """A layer a well produces from: the level at which volumes are kept and reported.

    Beside the core tables because New Mexico, Colorado and ONRR want volumes by pool, formation or
    producing interval, and one well may have several. Every well gets its first one by itself.
    """

    __tablename__ = "completions"
    GROUP: ClassVar[str] = "Assets"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("name", "well_id", "formation", "pool_code", "status", "first_production"),
    )
    SEARCHED: ClassVar[tuple[str, ...]] = (
        *("name", "formation", "pool_code", "state_completion_no"),
    )
    FACETS: ClassVar[tuple[str, ...]] = ("status", "formation")

    well_id: Mapped[uuid.UUID] = mapped_column(info=about("The well.", label="Well"))
    name: Mapped[str] = mapped_column(
        server_default="Main", default="Main", info=about("Zone, as people call it.")
    )
    formation: Mapped[str | None] = mapped_column(info=about("Formation it produces from."))
    pool_code: Mapped[str | None] = mapped_column(info=about("The state's code of pool or field."))
    state_completion_no: Mapped[str | None] = mapped_column(
        info=about("The state's number of this completion.", label="State number")
    )
    producing_interval_code: Mapped[str | None] = mapped_column(
        info=about("ONRR's code of the producing interval: S01, C01 …")
    )
    status: Mapped[str] = mapped_column(
        server_default="active",
        default="active",
        info=about("Where it stands.", choices=COMPLETION_STATUSES),
    )
    top_ft: Mapped[Decimal | None] = mapped_column(
        Feet, info=about("Measured depth of the top perforation.", unit="ft", label="Top")
    )
    bottom_ft: Mapped[Decimal | None] = mapped_column(
        Feet, info=about("Measured depth of the bottom perforation.", unit="ft", label="Bottom")
    )
    completed_on: Mapped[date | None] = mapped_column(info=about("Day it was completed."))
    first_production: Mapped[date | None] = mapped_column(info=about("Day of first production."))
    abandoned_on: Mapped[date | None] = mapped_column(info=about("Day it was abandoned."))
    search_text: Mapped[Any] = search_text(*SEARCHED)
    __table_args__ = (
        of_organization(),
        part_of("well_id", table="wells"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "well_id", "id"),
        Index("completions_name_key", "well_id", text("lower(name)"), unique=True),
        Index("completions_name_idx", "organization_id", "name"),
        Index("completions_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint(one_of("status", *COMPLETION_STATUSES), name="status"),
        CheckConstraint("producing_interval_code ~ '^[A-Z][0-9]{2}$'", name="interval_code"),
        CheckConstraint("top_ft >= 0 AND bottom_ft >= top_ft", name="depths"),
        CheckConstraint("abandoned_on >= completed_on", name="abandoned_on"),
    )


def of_completion() -> ForeignKeyConstraint:
    """Reference a completion of the same well: the two can never point to different wells."""
    return ForeignKeyConstraint(
        ["organization_id", "well_id", "completion_id"],
        ["completions.organization_id", "completions.well_id", "completions.id"],
        ondelete="RESTRICT",
    )


class WellStatus(Base, Keyed, Owned, Authored):
    """A stretch of time in which a well had one status; stretches of a well never overlap.

    Beside the core tables because days produced, and gaps that end a lease, come from the history
    and not from the current status. A change of `wells.status` writes it.
    """

    __tablename__ = "well_status_history"
    TITLE: ClassVar[str] = "status"
    GROUP: ClassVar[str] = "Assets"
    LISTED: ClassVar[tuple[str, ...]] = ("well_id", "status", "from_at", "to_at", "reason")
    FACETS: ClassVar[tuple[str, ...]] = ("status",)
    SORT: ClassVar[str] = "-from_at"

    well_id: Mapped[uuid.UUID] = mapped_column(info=about("The well.", label="Well"))
    status: Mapped[str] = mapped_column(info=about("Its status.", choices=WELL_STATUSES))
    from_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), info=about("Since when.", label="From")
    )
    to_at: Mapped[datetime | None] = mapped_column(
        info=about("Until when; empty for the current one.", label="To")
    )
    reason: Mapped[str | None] = mapped_column(info=about("Why it changed."))
    __table_args__ = (
        of_organization(),
        part_of("well_id", table="wells"),
        UniqueConstraint("organization_id", "id"),
        ExcludeConstraint(
            ("well_id", "="),
            (text("tstzrange(from_at, to_at)"), "&&"),
            name="well_status_history_overlap",
            using="gist",
        ),
        Index("well_status_history_from_at_idx", "organization_id", "from_at"),
        CheckConstraint(one_of("status", *WELL_STATUSES), name="status"),
        CheckConstraint("to_at > from_at", name="to_at"),
    )


class RegulatoryId(Base, Keyed, Owned, Authored):
    """A number under which an agency knows the operator, a facility, lease, well or completion.

    Beside the core tables because every state has numbers of its own, and they change with time.
    """

    __tablename__ = "regulatory_ids"
    TITLE: ClassVar[str] = "value"
    GROUP: ClassVar[str] = "Compliance"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("authority", "id_kind", "value", "lease_id", "well_id", "facility_id", "from_day"),
        "to_day",
    )
    SEARCHED: ClassVar[tuple[str, ...]] = ("authority", "id_kind", "value")
    FACETS: ClassVar[tuple[str, ...]] = ("authority", "id_kind")

    authority: Mapped[str] = mapped_column(
        info=about("Agency that gave the number.", choices=AUTHORITIES)
    )
    id_kind: Mapped[str] = mapped_column(
        info=about("What the number is: operator number, lease number, well file number …")
    )
    value: Mapped[str] = mapped_column(info=about("The number.", label="Number"))
    facility_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The facility it names.", label="Facility")
    )
    lease_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The lease it names.", label="Lease")
    )
    well_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The well it names.", label="Well")
    )
    completion_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The completion it names; with none of these, the operator itself.")
    )
    from_day: Mapped[date | None] = mapped_column(info=about("First day it is valid."))
    to_day: Mapped[date | None] = mapped_column(info=about("Last day it is valid."))
    search_text: Mapped[Any] = search_text(*SEARCHED)
    __table_args__ = (
        of_organization(),
        within("facility_id", table="facilities"),
        within("lease_id", table="leases"),
        within("well_id", table="wells"),
        within("completion_id", table="completions"),
        UniqueConstraint("organization_id", "id"),
        ExcludeConstraint(
            ("organization_id", "="),
            ("authority", "="),
            ("id_kind", "="),
            ("value", "="),
            (text("daterange(from_day, to_day, '[]')"), "&&"),
            name="regulatory_ids_overlap",
            using="gist",
        ),
        Index("regulatory_ids_value_idx", "organization_id", "value"),
        Index("regulatory_ids_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint(one_of("authority", *AUTHORITIES), name="authority"),
        CheckConstraint("value <> ''", name="value"),
        CheckConstraint(
            "num_nonnulls(facility_id, lease_id, well_id, completion_id) <= 1", name="one_subject"
        ),
        CheckConstraint("to_day >= from_day", name="to_day"),
    )
