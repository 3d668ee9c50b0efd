"""How a paper goes through the office: from draft to approved, posted, paid or reversed.

The database enforces it (migrations/sql/0004/courses.sql); what is declared here is what the pages
offer, and a test tries every pair of statuses against the database.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, FetchedValue
from sqlalchemy.orm import Mapped, mapped_column

from hub.schema.base import about


def filled(help_text: str, *, label: str | None = None) -> dict[str, Any]:
    """Explain a column that the database alone writes: no form or import offers it."""
    return about(f"{help_text} Filled in by the database.", label=label) | {"filled": True}


class Course:
    """A row whose status moves one way: outside `OPEN` its figures stand."""

    #: From each status, those that may follow.
    MOVES: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    #: Statuses in which the row may be edited, and deleted.
    OPEN: ClassVar[tuple[str, ...]] = ("draft",)
    #: Columns that may still change once the row is no longer open.
    LATER: ClassVar[tuple[str, ...]] = ()


class Approved(Course):
    """A paper that a second person approves: not who made it, nor who changed it last."""

    approved_by: Mapped[uuid.UUID | None] = mapped_column(
        FetchedValue(), info=filled("Who approved it."), sort_order=81
    )
    approved_at: Mapped[datetime | None] = mapped_column(
        FetchedValue(), info=filled("When it was approved."), sort_order=82
    )


def four_eyes(*before: str) -> CheckConstraint:
    """Refuse a row past these statuses whose approver is missing, or is the one who made it."""
    statuses = ", ".join(f"'{status}'" for status in before)
    return CheckConstraint(
        f"status IN ({statuses}) OR created_by IS NOT NULL AND approved_by IS NOT NULL"
        " AND approved_at IS NOT NULL AND approved_by <> created_by",
        name="four_eyes",
    )


def statuses(moves: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Every status of a course, in the order they are first reached."""
    named = [status for source, targets in moves.items() for status in (source, *targets)]
    return tuple(dict.fromkeys(named))
