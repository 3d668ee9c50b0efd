"""What the pumper's form at a site needs beside the register: who may sign in there."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from sqlalchemy import UniqueConstraint, text
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
