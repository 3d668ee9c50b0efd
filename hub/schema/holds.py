"""What keeps alarms quiet, or makes them follow from each other; what a priority means."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.base import Authored, Base, Keyed, Owned, about, of_organization, one_of, within

HOLD_KINDS = ("shelf", "service")


class AlertPriority(Base, Keyed, Owned, Authored):
    """What a priority means to an operator: how long an acknowledgement and a shelf may last."""

    __tablename__ = "alert_priorities"
    TITLE: ClassVar[str] = "priority"
    GROUP: ClassVar[str] = "Operations"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("priority", "ack_valid_for_s", "longest_shelf_s", "auto_ack_on_clear"),
        "release_grace_s",
    )

    priority: Mapped[int] = mapped_column(SmallInteger, info=about("1 worst … 4 advice."))
    ack_valid_for_s: Mapped[int | None] = mapped_column(
        info=about("If it still stands after so long, it asks again; empty: never.", unit="s")
    )
    longest_shelf_s: Mapped[int] = mapped_column(
        info=about("No shelf lasts longer; priority 1 at most an hour.", unit="s")
    )
    auto_ack_on_clear: Mapped[bool] = mapped_column(
        server_default="false",
        default=False,
        info=about("Whether it closes when it is over, though nobody acknowledged it."),
    )
    release_grace_s: Mapped[int] = mapped_column(
        server_default="60",
        default=60,
        info=about("Wait after what kept it quiet is over, before it is told.", unit="s"),
    )
    __table_args__ = (
        of_organization(),
        UniqueConstraint("organization_id", "id"),
        UniqueConstraint("organization_id", "priority"),
        CheckConstraint("priority BETWEEN 1 AND 4", name="priority"),
        CheckConstraint("ack_valid_for_s BETWEEN 60 AND 2592000", name="ack_valid_for_s"),
        CheckConstraint(
            "longest_shelf_s BETWEEN 60 AND 2592000 AND (priority > 1 OR longest_shelf_s <= 3600)",
            name="longest_shelf_s",
        ),
        CheckConstraint("release_grace_s BETWEEN 0 AND 3600", name="release_grace_s"),
    )


class AlertHold(Base, Keyed, Owned, Authored):
    """Alarms kept quiet for a time by a person: one on the shelf, or what is out of service.

    A shelf is about one alarm, whichever episode of it; out of service are a tag, a piece of
    equipment, a well, a facility or an agent, with a permit or a work order.
    """

    __tablename__ = "alert_holds"
    TITLE: ClassVar[str] = "reason"

    kind: Mapped[str] = mapped_column(info=about("shelf or service", choices=HOLD_KINDS))
    dedup_key: Mapped[str | None] = mapped_column(info=about("The one alarm on the shelf."))
    priority: Mapped[int | None] = mapped_column(
        SmallInteger, info=about("Its priority when it was shelved; a worse one is told.")
    )
    tag_id: Mapped[int | None] = mapped_column(info=about("The tag."))
    equipment_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The equipment."))
    well_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The well."))
    facility_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The facility."))
    agent_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The agent."))
    since: Mapped[datetime] = mapped_column(info=about("From then on."))
    until: Mapped[datetime] = mapped_column(info=about("No longer than to then."))
    reason: Mapped[str] = mapped_column(info=about("Why."))
    permit: Mapped[str | None] = mapped_column(info=about("Number of the permit to work."))
    maintenance_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The work order.", label="Work order")
    )
    downtime_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The planned downtime.", label="Downtime")
    )
    ended_at: Mapped[datetime | None] = mapped_column(info=about("When it was lifted."))
    ended_by: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("users.id"), info=about("Who lifted it; empty when its time was over.")
    )
    __table_args__ = (
        of_organization(),
        within("tag_id", table="tags"),
        within("equipment_id", table="equipment"),
        within("well_id", table="wells"),
        within("facility_id", table="facilities"),
        within("agent_id", table="agents"),
        within("maintenance_id", table="maintenance_records"),
        within("downtime_id", table="downtime_events"),
        UniqueConstraint("organization_id", "id"),
        Index(
            "alert_holds_open_idx",
            "organization_id",
            "dedup_key",
            postgresql_where=text("ended_at IS NULL"),
        ),
        CheckConstraint(one_of("kind", *HOLD_KINDS), name="kind"),
        CheckConstraint("until > since", name="until"),
        CheckConstraint("reason <> ''", name="reason"),
        CheckConstraint(
            "CASE kind WHEN 'shelf' THEN dedup_key IS NOT NULL"
            " ELSE num_nonnulls(tag_id, equipment_id, well_id, facility_id, agent_id) = 1 END",
            name="subject",
        ),
        CheckConstraint(
            "kind <> 'shelf' OR priority > 1 OR until <= since + interval '1 hour'",
            name="critical_shelf",
        ),
    )


class FlowLink(Base, Keyed, Owned, Authored):
    """Where fluid or power goes next: from a well or a piece of equipment to another piece.

    What fails upstream explains what is missing downstream.
    """

    __tablename__ = "flow_links"
    TITLE: ClassVar[str] = "note"
    GROUP: ClassVar[str] = "Assets"
    LISTED: ClassVar[tuple[str, ...]] = (
        *("from_well_id", "from_equipment_id", "to_equipment_id", "to_well_id", "note"),
    )

    from_well_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The well it comes from.", label="From well")
    )
    from_equipment_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("Or the equipment it comes from.", label="From equipment")
    )
    to_well_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The well it goes to: gas lift, power, injection.", label="To well")
    )
    to_equipment_id: Mapped[uuid.UUID | None] = mapped_column(
        info=about("Or the equipment it goes to.", label="To equipment")
    )
    note: Mapped[str] = mapped_column(
        server_default="", default="", info=about("What goes along it: emulsion, gas, power …")
    )
    __table_args__ = (
        of_organization(),
        within("from_well_id", table="wells"),
        within("from_equipment_id", table="equipment"),
        within("to_well_id", table="wells"),
        within("to_equipment_id", table="equipment"),
        UniqueConstraint("organization_id", "id"),
        Index("flow_links_from_well_id_idx", "organization_id", "from_well_id"),
        Index("flow_links_from_equipment_id_idx", "organization_id", "from_equipment_id"),
        Index("flow_links_to_well_id_idx", "organization_id", "to_well_id"),
        Index("flow_links_to_equipment_id_idx", "organization_id", "to_equipment_id"),
        CheckConstraint("num_nonnulls(from_well_id, from_equipment_id) = 1", name="from"),
        CheckConstraint("num_nonnulls(to_well_id, to_equipment_id) = 1", name="to"),
        CheckConstraint("from_equipment_id <> to_equipment_id", name="itself"),
    )
