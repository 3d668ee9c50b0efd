"""Facts about the installation, and the slots of its periodic jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.base import Base, about


class JobRun(Base):
    """One due time of one periodic job: whoever inserts the row runs it."""

    __tablename__ = "job_runs"
    TITLE: ClassVar[str] = "job"

    job: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime] = mapped_column(primary_key=True)
    worker: Mapped[str] = mapped_column()
    started_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    finished_at: Mapped[datetime | None] = mapped_column()
    outcome: Mapped[str | None] = mapped_column(info=about("done or failed"))
    detail: Mapped[str | None] = mapped_column()


class ProcessBeat(Base):
    """How far one loop of one of the hub's processes has come: who stands still is noticed."""

    __tablename__ = "process_beats"
    TITLE: ClassVar[str] = "loop"

    process: Mapped[str] = mapped_column(primary_key=True)
    loop: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), info=about("When it last went on.")
    )
    overdue_after_s: Mapped[int] = mapped_column(
        info=about("Standing still for longer is a fault.", unit="s")
    )


class Installation(Base):
    """Facts about this database: its storage tier, when it was last restored."""

    __tablename__ = "installation"
    TITLE: ClassVar[str] = "key"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any]] = mapped_column()
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
