"""What the pumper's form needs beside the register: who signs in at a site, in which order."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.base import Base, Keyed, Owned, about, of_organization, within


class FieldPin(Base, Keyed, Owned):
    """The PIN with which one person signs in at the operator's sites.

    Beside the core tables because it is a secret of its own: no screen and no program reads it,
    and it reaches sites only inside what the hub signs for them.
    """

    __tablename__ = "field_pins"
    TITLE: ClassVar[str] = "set_at"

    membership_id: Mapped[uuid.UUID] = mapped_column(info=about("Whose it is."))
    pin_hash: Mapped[str] = mapped_column(
        deferred=True, info=about("scrypt hash; the PIN is not kept.")
    )
    set_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), info=about("When it was set.")
    )
    __table_args__ = (
        of_organization(),
        within("membership_id", table="memberships"),
        UniqueConstraint("membership_id"),
    )


class RouteOrder(Base, Keyed, Owned):
    """The order in which one person drives the stops, seen and set by that person only.

    A list and no rows: it only sorts what the person may see anyway, so a lease that is gone, or
    is another's, has no effect.
    """

    __tablename__ = "route_orders"
    TITLE: ClassVar[str] = "changed_at"

    membership_id: Mapped[uuid.UUID] = mapped_column(info=about("Whose it is."))
    stops: Mapped[list[uuid.UUID]] = mapped_column(
        ARRAY(Uuid), info=about("Leases, first to last; others follow by name.")
    )
    changed_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), info=about("When it was last changed.")
    )
    __table_args__ = (
        of_organization(),
        within("membership_id", table="memberships"),
        UniqueConstraint("membership_id"),
        CheckConstraint("cardinality(stops) <= 1000", name="stops"),
    )
