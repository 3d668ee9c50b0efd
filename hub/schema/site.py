"""What comes from the site beside readings: its own alarms, what people enter there, its rules."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Double,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.base import Base, Keyed, Owned, about, of_organization, one_of, within

SITE_ALARM_KINDS = ("raised", "level", "cleared", "frozen", "unfrozen", "acknowledged")
ENTRY_DOORS = ("agent", "console", "api", "import")
ENTRY_STATES = ("new", "taken", "refused", "conflict", "replaced", "set_aside")


class SiteAlarm(Base, Keyed, Owned):
    """A change of an alarm as the agent at the site judged it, or its acknowledgement there."""

    __tablename__ = "site_alarms"
    TITLE: ClassVar[str] = "kind"

    agent_id: Mapped[uuid.UUID] = mapped_column()
    record_id: Mapped[uuid.UUID] = mapped_column(info=about("Made on site, once."))
    spell: Mapped[uuid.UUID] = mapped_column(
        info=about("Names the alarm on site from its beginning to its end.")
    )
    rule_id: Mapped[uuid.UUID] = mapped_column(info=about("The rule that the site ran."))
    rule_version: Mapped[int] = mapped_column(info=about("Which version of it."))
    tag_id: Mapped[int] = mapped_column()
    kind: Mapped[str] = mapped_column(info=about("What happened.", choices=SITE_ALARM_KINDS))
    level: Mapped[str] = mapped_column(info=about("Which limit, as the site's rule names it."))
    priority: Mapped[int] = mapped_column(SmallInteger, info=about("1 worst … 4 advice."))
    value: Mapped[float | None] = mapped_column(Double, info=about("In the tag's unit."))
    extreme: Mapped[float | None] = mapped_column(Double, info=about("Worst value until then."))
    raised_at: Mapped[datetime] = mapped_column(info=about("When the alarm began."))
    at: Mapped[datetime] = mapped_column(info=about("When this change began."))
    certain_at: Mapped[datetime] = mapped_column(
        info=about("Time of the reading at which it was certain.")
    )
    said_by: Mapped[str | None] = mapped_column(info=about("Who acknowledged, as said on site."))
    note: Mapped[str | None] = mapped_column()
    received_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    alert_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The alert it is a part of."))
    settled_at: Mapped[datetime | None] = mapped_column(
        info=about("From then on the readings themselves say how it was.")
    )
    stands: Mapped[bool] = mapped_column(
        server_default="false",
        info=about("Readings of its time will never come: it stands on the site's word."),
    )
    __table_args__ = (
        of_organization(),
        within("agent_id", table="agents"),
        within("rule_id", table="alert_rules"),
        within("tag_id", table="tags"),
        within("alert_id", table="alerts"),
        UniqueConstraint("agent_id", "record_id"),
        Index(
            "site_alarms_unsettled_idx",
            "agent_id",
            "certain_at",
            postgresql_where=text("settled_at IS NULL OR stands"),
        ),
        Index("site_alarms_alert_id_idx", "alert_id"),
        Index("site_alarms_spell_idx", "agent_id", "spell"),
        CheckConstraint(one_of("kind", *SITE_ALARM_KINDS), name="kind"),
        CheckConstraint("priority BETWEEN 1 AND 4", name="priority"),
    )


class FieldEntry(Base, Keyed, Owned):
    """A form that a person saved in the field, whatever door it came by: the same id counts once.

    What it says goes into the tables it is about when it is taken up; the entry stays as it was
    saved. A correction is an entry of its own that names the one it supersedes.
    """

    __tablename__ = "field_entries"
    TITLE: ClassVar[str] = "state"

    entry_id: Mapped[uuid.UUID] = mapped_column(info=about("Made where Save was pressed, once."))
    agent_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The agent it came through."))
    door: Mapped[str] = mapped_column(info=about("How it came first.", choices=ENTRY_DOORS))
    body: Mapped[dict[str, Any]] = mapped_column(info=about("As it was saved."))
    saved_at: Mapped[datetime] = mapped_column(info=about("When Save was pressed."))
    received_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    state: Mapped[str] = mapped_column(
        server_default="new", info=about("Whether it was taken up.", choices=ENTRY_STATES)
    )
    taken_at: Mapped[datetime | None] = mapped_column(info=about("When it was, or was refused."))
    reason: Mapped[str | None] = mapped_column(info=about("Why it was refused, in a sentence."))
    lease_id: Mapped[uuid.UUID | None] = mapped_column(info=about("The stop it is about."))
    production_date: Mapped[date | None] = mapped_column(info=about("The day it is about."))
    person_id: Mapped[uuid.UUID | None] = mapped_column(info=about("Who entered it."))
    replaces: Mapped[uuid.UUID | None] = mapped_column(info=about("The entry that it corrects."))
    conflicts_with: Mapped[uuid.UUID | None] = mapped_column(
        info=about("The entry of the same stop and day that was there first.")
    )
    faults: Mapped[dict[str, Any] | None] = mapped_column(
        info=about("Why it was refused: a sentence per field.")
    )
    __table_args__ = (
        of_organization(),
        within("agent_id", table="agents"),
        within("lease_id", table="leases"),
        UniqueConstraint("organization_id", "entry_id"),
        Index("field_entries_day_idx", "organization_id", "production_date", "lease_id"),
        Index(
            "field_entries_waiting_idx",
            "organization_id",
            "received_at",
            postgresql_where=text("state IN ('refused', 'conflict')"),
        ),
        Index(
            "field_entries_new_idx",
            "received_at",
            postgresql_where=text("state = 'new'"),
        ),
        CheckConstraint(one_of("door", *ENTRY_DOORS), name="door"),
        CheckConstraint(one_of("state", *ENTRY_STATES), name="state"),
    )


class EntryPhotoPart(Base, Keyed, Owned):
    """A part of a photo of an entry, as an agent sent it; gone once the photo is a document.

    Beside the core tables because a photo comes over a thin link in pieces, in any order, and maybe
    before its entry.
    """

    __tablename__ = "entry_photo_parts"
    TITLE: ClassVar[str] = "part"

    agent_id: Mapped[uuid.UUID] = mapped_column(info=about("The agent it came through."))
    entry_id: Mapped[uuid.UUID] = mapped_column(info=about("The entry that names the photo."))
    sha256: Mapped[bytes] = mapped_column(LargeBinary, info=about("SHA-256 of the whole photo."))
    part: Mapped[int] = mapped_column(SmallInteger, info=about("Which part, from 1."))
    parts: Mapped[int] = mapped_column(SmallInteger, info=about("Of how many."))
    content: Mapped[bytes] = mapped_column(LargeBinary, info=about("Its bytes."))
    received_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    __table_args__ = (
        of_organization(),
        within("agent_id", table="agents"),
        UniqueConstraint("agent_id", "entry_id", "sha256", "part"),
        CheckConstraint("octet_length(sha256) = 32", name="sha256"),
        CheckConstraint("part BETWEEN 1 AND parts AND parts <= 1000", name="part"),
        CheckConstraint("octet_length(content) BETWEEN 1 AND 8192", name="content"),
    )


class SiteRules(Base, Keyed, Owned):
    """The rules that one agent shall run, signed for it, and which ones it says it runs."""

    __tablename__ = "site_rules"
    TITLE: ClassVar[str] = "epoch"

    agent_id: Mapped[uuid.UUID] = mapped_column(unique=True)
    alarm_key: Mapped[bytes | None] = mapped_column(
        LargeBinary, info=about("Key that signs them, kept sealed.", sealed=True)
    )
    key_made_at: Mapped[datetime | None] = mapped_column(info=about("When its key was made."))
    epoch: Mapped[int] = mapped_column(
        BigInteger, server_default="0", info=about("Number of the newest; it only rises.")
    )
    fingerprint: Mapped[str] = mapped_column(
        server_default="", info=about("Changes whenever anything in them would.")
    )
    bundle: Mapped[bytes | None] = mapped_column(
        LargeBinary, info=about("The message as it is published.")
    )
    rules: Mapped[int] = mapped_column(server_default="0", info=about("How many rules are in it."))
    made_at: Mapped[datetime | None] = mapped_column(info=about("When it was made."))
    published: Mapped[int] = mapped_column(
        BigInteger, server_default="0", info=about("Newest number the broker has.")
    )
    running: Mapped[int] = mapped_column(
        BigInteger, server_default="0", info=about("Number that the agent says it runs.")
    )
    running_at: Mapped[datetime | None] = mapped_column(info=about("When it said so first."))
    form: Mapped[dict[str, Any] | None] = mapped_column(
        info=about("Who may enter at the site, and the stops their form shows.")
    )
    refusal: Mapped[str | None] = mapped_column(
        info=about("Why the agent does not run the newest, in its own words.")
    )
    __table_args__ = (of_organization(), within("agent_id", table="agents"))
