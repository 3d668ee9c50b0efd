"""Oil in tanks: what they hold by the inch, what was gauged, and what left by ticket."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, FetchedValue, Index, Numeric, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from hub.schema.amounts import Volume, search_text
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

CONTENTS = ("oil", "condensate", "water", "slop")
GAUGE_KINDS = ("routine", "opening", "closing", "month_end", "calibration")
GAUGE_SOURCES = ("pumper", "telemetry", "import", "hauler")
TICKET_KINDS = ("oil_sale", "condensate_sale", "water_haul", "transfer", "tank_bottoms")
TICKET_STATUSES = ("open", "final", "void")

Inches = Numeric(7, 3)
Fahrenheit = Numeric(5, 1)


class Tank(Base, Keyed, Owned, Authored):
    """A stock or water tank: what is gauged, and run from.

    Beside `equipment` because capacity, contents and strapping decide volumes, whatever steel
    stands there now.
    """

    __tablename__ = "tanks"
    GROUP: ClassVar[str] = "Assets"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("name", "contents", "lease_id", "facility_id", "capacity_bbl", "height_in"),
        "out_of_use_on",
    )
    SEARCHED: ClassVar[tuple[str, ...]] = ("name", "tank_no")
    FACETS: ClassVar[tuple[str, ...]] = ("contents", "lease_id")

    name: Mapped[str] = mapped_column(info=about("What people call it."))
    tank_no: Mapped[str | None] = mapped_column(
        info=about("Number painted on it, as run tickets name it.", label="Tank number")
    )
    contents: Mapped[str] = mapped_column(
        server_default="oil", default="oil", info=about("What it holds.", choices=CONTENTS)
    )
    lease_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The lease whose fluid it holds.", label="Lease")
    )
    facility_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The battery it stands in.", label="Facility")
    )
    equipment_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The vessel itself, as equipment.", label="Equipment")
    )
    capacity_bbl: Mapped[Decimal] = mapped_column(
        Volume, info=about("Nominal capacity.", unit="bbl", label="Capacity")
    )
    height_in: Mapped[Decimal] = mapped_column(
        Inches, info=about("Height to which it can be filled.", unit="in", label="Height")
    )
    out_of_use_on: Mapped[date | None] = mapped_column(info=about("Day it was taken out of use."))
    search_text: Mapped[Any] = search_text(*SEARCHED)
    __table_args__ = (
        of_organization(),
        within("lease_id", table="leases"),
        within("facility_id", table="facilities"),
        within("equipment_id", table="equipment"),
        UniqueConstraint("organization_id", "id"),
        Index("tanks_name_idx", "organization_id", "name"),
        Index("tanks_lease_id_idx", "organization_id", "lease_id"),
        Index("tanks_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint(one_of("contents", *CONTENTS), name="contents"),
        CheckConstraint("num_nonnulls(lease_id, facility_id) > 0", name="place"),
        CheckConstraint("capacity_bbl > 0", name="capacity_bbl"),
        CheckConstraint("height_in > 0 AND height_in <= 960", name="height_in"),
    )


class StrapTable(Base, Keyed, Owned, Authored):
    """A calibration of a tank: its volume by level, valid from a day on.

    Beside the core tables because a gauge is worth only what the table of its day says.
    """

    __tablename__ = "tank_strap_tables"
    TITLE: ClassVar[str] = "valid_from"
    GROUP: ClassVar[str] = "Production"
    LISTED: ClassVar[tuple[str, ...]] = ("tank_id", "valid_from", "valid_to", "strapped_by")
    SORT: ClassVar[str] = "-valid_from"

    tank_id: Mapped[uuid.UUID] = mapped_column(info=about("The tank.", label="Tank"))
    valid_from: Mapped[date] = mapped_column(info=about("First day it holds."))
    valid_to: Mapped[date | None] = mapped_column(
        info=about("Last day it holds; empty for the current one.")
    )
    strapped_by: Mapped[str | None] = mapped_column(info=about("Who measured the tank."))
    note: Mapped[str | None] = mapped_column(info=about("What else to know."))
    __table_args__ = (
        of_organization(),
        within("tank_id", table="tanks"),
        UniqueConstraint("organization_id", "id"),
        ExcludeConstraint(
            ("tank_id", "="),
            (text("daterange(valid_from, valid_to, '[]')"), "&&"),
            name="tank_strap_tables_overlap",
            using="gist",
        ),
        CheckConstraint("valid_to >= valid_from", name="valid_to"),
    )


class StrapPoint(Base, Keyed, Owned, Authored):
    """One line of a strapping table: at this level the tank holds this much.

    A row each, because volumes are interpolated between lines, and every inch must add something.
    """

    __tablename__ = "tank_strap_points"
    TITLE: ClassVar[str] = "level_in"
    GROUP: ClassVar[str] = "Production"
    LISTED: ClassVar[tuple[str, ...]] = ("strap_table_id", "level_in", "volume_bbl")
    SORT: ClassVar[str] = "level_in"

    strap_table_id: Mapped[uuid.UUID] = mapped_column(
        info=about("The strapping table.", label="Strapping table")
    )
    level_in: Mapped[Decimal] = mapped_column(
        Inches, info=about("Level above the bottom.", unit="in", label="Level")
    )
    volume_bbl: Mapped[Decimal] = mapped_column(
        Volume, info=about("Volume up to this level.", unit="bbl", label="Volume")
    )
    __table_args__ = (
        of_organization(),
        part_of("strap_table_id", table="tank_strap_tables"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("strap_table_id", "level_in"),
        Index("tank_strap_points_level_in_idx", "organization_id", "level_in"),
        CheckConstraint("level_in >= 0", name="level_in"),
        CheckConstraint("volume_bbl >= 0", name="volume_bbl"),
    )


class TankGauge(Base, Keyed, Owned, Authored):
    """One look into a tank: levels and temperature at an instant.

    Beside the core tables because lease production is computed from stocks between two gauges.
    """

    __tablename__ = "tank_gauges"
    TITLE: ClassVar[str] = "gauged_at"
    GROUP: ClassVar[str] = "Production"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("gauged_at", "tank_id", "kind", "level_in", "water_in", "volume_bbl", "source"),
    )
    FACETS: ClassVar[tuple[str, ...]] = ("kind", "source")
    SORT: ClassVar[str] = "-gauged_at"

    tank_id: Mapped[uuid.UUID] = mapped_column(info=about("The tank.", label="Tank"))
    gauged_at: Mapped[datetime] = mapped_column(info=about("When it was gauged."))
    production_date: Mapped[date] = mapped_column(
        server_default=FetchedValue(),
        info=about("Production day it counts for; follows from the time unless given."),
    )
    kind: Mapped[str] = mapped_column(
        server_default="routine",
        default="routine",
        info=about("What it was for.", choices=GAUGE_KINDS),
    )
    level_in: Mapped[Decimal] = mapped_column(
        Inches, info=about("Top of the fluid above the bottom.", unit="in", label="Level")
    )
    water_in: Mapped[Decimal | None] = mapped_column(
        Inches, info=about("Free water at the bottom.", unit="in", label="Water")
    )
    temperature_f: Mapped[Decimal | None] = mapped_column(
        Fahrenheit, info=about("Temperature of the fluid.", unit="°F", label="Temperature")
    )
    volume_bbl: Mapped[Decimal | None] = mapped_column(
        Volume,
        info=about(
            "Fluid in the tank by the strapping table of the day; filled in where it has one.",
            unit="bbl",
            label="Volume",
        ),
    )
    source: Mapped[str] = mapped_column(
        server_default="pumper",
        default="pumper",
        info=about("Where it came from.", choices=GAUGE_SOURCES),
    )
    note: Mapped[str | None] = mapped_column(info=about("What else was seen."))
    __table_args__ = (
        of_organization(),
        within("tank_id", table="tanks"),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("tank_id", "gauged_at", "kind"),
        Index("tank_gauges_gauged_at_idx", "organization_id", "gauged_at"),
        CheckConstraint(one_of("kind", *GAUGE_KINDS), name="kind"),
        CheckConstraint(one_of("source", *GAUGE_SOURCES), name="source"),
        CheckConstraint("level_in BETWEEN 0 AND 960", name="level_in"),
        CheckConstraint("water_in BETWEEN 0 AND level_in", name="water_in"),
        CheckConstraint("temperature_f BETWEEN -60 AND 300", name="temperature_f"),
        CheckConstraint("volume_bbl >= 0", name="volume_bbl"),
    )


class RunTicket(Base, Keyed, Owned, Authored):
    """What was hauled or sold out of a tank in one run, with all a federal ticket must say.

    Beside the core tables because it is the paper of sale: 43 CFR 3174.12(a) names its content.
    """

    __tablename__ = "run_tickets"
    TITLE: ClassVar[str] = "ticket_no"
    GROUP: ClassVar[str] = "Production"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("ticket_no", "closed_at", "lease_id", "tank_id", "kind", "net_standard_bbl"),
        *("gravity_60f", "hauler", "status"),
    )
    SEARCHED: ClassVar[tuple[str, ...]] = (
        *("ticket_no", "hauler", "purchaser", "destination", "gauger"),
    )
    FACETS: ClassVar[tuple[str, ...]] = ("kind", "status", "purchaser", "lease_id")
    SORT: ClassVar[str] = "-closed_at"

    ticket_no: Mapped[str] = mapped_column(info=about("Number on the ticket.", label="Ticket no."))
    kind: Mapped[str] = mapped_column(
        server_default="oil_sale",
        default="oil_sale",
        info=about("What it is.", choices=TICKET_KINDS),
    )
    status: Mapped[str] = mapped_column(
        server_default="open",
        default="open",
        info=about("A final ticket is not changed, only voided.", choices=TICKET_STATUSES),
    )
    lease_id: Mapped[uuid.UUID] = mapped_column(
        info=about("Lease or agreement the oil came from.", label="Lease")
    )
    tank_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("Tank it was run from; its capacity stands there.", label="Tank")
    )
    opened_at: Mapped[datetime] = mapped_column(info=about("When the run was opened."))
    closed_at: Mapped[datetime] = mapped_column(info=about("When the run was closed."))
    production_date: Mapped[date] = mapped_column(
        server_default=FetchedValue(),
        info=about("Production day it counts for; follows from the closing unless given."),
    )
    opening_in: Mapped[Decimal | None] = mapped_column(
        Inches, info=about("Level before the run.", unit="in", label="Opening gauge")
    )
    closing_in: Mapped[Decimal | None] = mapped_column(
        Inches, info=about("Level after the run.", unit="in", label="Closing gauge")
    )
    opening_f: Mapped[Decimal | None] = mapped_column(
        Fahrenheit, info=about("Temperature before.", unit="°F", label="Opening temperature")
    )
    closing_f: Mapped[Decimal | None] = mapped_column(
        Fahrenheit, info=about("Temperature after.", unit="°F", label="Closing temperature")
    )
    opening_bbl: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("Observed volume before.", unit="bbl", label="Opening volume")
    )
    closing_bbl: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("Observed volume after.", unit="bbl", label="Closing volume")
    )
    gross_standard_bbl: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("Volume at 60 °F, with sediment and water.", unit="bbl")
    )
    observed_gravity: Mapped[Decimal | None] = mapped_column(
        Numeric(4, 1), info=about("Gravity as read.", unit="°API")
    )
    observed_gravity_f: Mapped[Decimal | None] = mapped_column(
        Fahrenheit,
        info=about("Temperature of that reading.", unit="°F", label="Observed at"),
    )
    gravity_60f: Mapped[Decimal | None] = mapped_column(
        Numeric(4, 1), info=about("Gravity at 60 °F.", unit="°API", label="Gravity at 60 °F")
    )
    sediment_water_pct: Mapped[Decimal | None] = mapped_column(
        Numeric(6, 3), info=about("Sediment and water.", unit="%", label="BS&W")
    )
    net_standard_bbl: Mapped[Decimal | None] = mapped_column(
        Volume, info=about("Volume at 60 °F without sediment and water: what is paid.", unit="bbl")
    )
    seals_off: Mapped[list[str] | None] = mapped_column(
        ARRAY(Text), info=about("Numbers of the seals removed.")
    )
    seals_on: Mapped[list[str] | None] = mapped_column(
        ARRAY(Text), info=about("Numbers of the seals installed.")
    )
    gauger: Mapped[str | None] = mapped_column(info=about("Who gauged."))
    hauler: Mapped[str | None] = mapped_column(info=about("Who hauled."))
    purchaser: Mapped[str | None] = mapped_column(info=about("Who bought, as on the ticket."))
    purchaser_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("Who bought, among our partners.", label="Purchaser (partner)")
    )
    destination: Mapped[str | None] = mapped_column(info=about("Where it went."))
    note: Mapped[str | None] = mapped_column(info=about("What else to know."))
    search_text: Mapped[Any] = search_text(*SEARCHED)
    __table_args__ = (
        of_organization(),
        within("lease_id", table="leases"),
        within("tank_id", table="tanks"),
        within("purchaser_id", table="partners"),
        UniqueConstraint("organization_id", "id"),
        # Of a number one ticket stands: a void one leaves it to the ticket written in its place.
        Index(
            "run_tickets_organization_id_ticket_no_key",
            *("organization_id", "ticket_no"),
            unique=True,
            postgresql_where=text("status <> 'void'"),
        ),
        Index("run_tickets_purchaser_id_idx", "organization_id", "purchaser_id"),
        Index("run_tickets_closed_at_idx", "organization_id", "closed_at"),
        Index("run_tickets_lease_id_idx", "organization_id", "lease_id", "closed_at"),
        Index("run_tickets_search_text_idx", "search_text", postgresql_using="gin"),
        CheckConstraint("ticket_no <> ''", name="ticket_no"),
        CheckConstraint(one_of("kind", *TICKET_KINDS), name="kind"),
        CheckConstraint(one_of("status", *TICKET_STATUSES), name="status"),
        CheckConstraint("closed_at >= opened_at", name="closed_at"),
        CheckConstraint("opening_in BETWEEN 0 AND 960", name="opening_in"),
        CheckConstraint("closing_in BETWEEN 0 AND opening_in", name="closing_in"),
        CheckConstraint("opening_bbl >= 0", name="opening_bbl"),
        CheckConstraint("closing_bbl BETWEEN 0 AND opening_bbl", name="closing_bbl"),
        CheckConstraint(
            "opening_f BETWEEN -60 AND 300 AND closing_f BETWEEN -60 AND 300", name="temperatures"
        ),
        CheckConstraint("observed_gravity BETWEEN 0 AND 100", name="observed_gravity"),
        CheckConstraint("gravity_60f BETWEEN 0 AND 100", name="gravity_60f"),
        CheckConstraint("sediment_water_pct BETWEEN 0 AND 100", name="sediment_water_pct"),
        CheckConstraint("gross_standard_bbl >= 0", name="gross_standard_bbl"),
        CheckConstraint(
            "net_standard_bbl >= 0 AND net_standard_bbl <= gross_standard_bbl",
            name="net_standard_bbl",
        ),
        CheckConstraint(
            "status <> 'final' OR net_standard_bbl IS NOT NULL", name="final_has_volume"
        ),
    )
