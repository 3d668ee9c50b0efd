"""Clocks that run out: at which share of its time a notice is reminded of, and what was missed.

What is to be told is answered as a list; the alerts room makes alerts of it, so that reminders take
the same way to people, with escalation and acknowledgement, as everything else that wakes them.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text, update
from sqlalchemy.orm import Session

from hub.incidents.clocks import reminder_due, share_passed
from hub.incidents.rows import write
from hub.schema import IncidentEvent, IncidentNotice

#: Notices whose time is of no more interest: nobody wakes anybody for what was missed long ago.
_RUNNING: Final = text(
    """
    SELECT n.id, n.incident_id, n.organization_id, n.authority, n.status, n.reminded, n.missed_at,
           n.written, n.follow_up, i.incident_no, i.summary, i.well_id, i.facility_id,
           i.equipment_id,
           CASE WHEN n.status = 'written_due' THEN n.done_at ELSE n.clock_start END AS began,
           CASE WHEN n.status = 'written_due' THEN n.written_required_by
                ELSE n.required_by END AS due
    FROM incident_notices n
    JOIN incidents i ON i.organization_id = n.organization_id AND i.id = n.incident_id
    WHERE n.organization_id = :organization AND n.status IN ('potential', 'due', 'written_due')
      AND i.status <> 'closed'
    ORDER BY n.id
    """
)


@dataclass(frozen=True, slots=True)
class Running:
    """A notice whose clock runs, as people are to be told of it."""

    notice_id: uuid.UUID
    incident_id: uuid.UUID
    began: datetime
    due: datetime
    passed: int  #: per cent of its time
    stage: int  #: last share reached: 25, 50, 75, 90; 100 once it is missed
    sentence: str
    well_id: uuid.UUID | None
    facility_id: uuid.UUID | None
    equipment_id: uuid.UUID | None

    potential: bool

    @property
    def at_once(self) -> bool:
        """Whether the agency gives no time at all."""
        return self.due <= self.began

    @property
    def priority(self) -> int:
        """How urgent its reminder is: each share of the time that passes is worse than the last.

        What only may have to be told is one step less urgent.
        """
        step = {25: 4, 50: 3, 75: 2}.get(self.stage, 1)
        return min(4, step + 1) if self.potential else step


def running(session: Session, organization: uuid.UUID, now: datetime) -> list[Running]:
    """Notices of which people are to know now, each at the last stage it has reached."""
    found = []
    for row in session.execute(_RUNNING, {"organization": organization}):
        if row.due is None or row.began is None:
            continue
        passed = share_passed(row.began, row.due, now)
        stage = 100 if now >= row.due else reminder_due(row.began, row.due, now, 0)
        if stage is None:
            continue
        found.append(
            Running(
                row.id,
                row.incident_id,
                row.began,
                row.due,
                passed,
                stage,
                _sentence(row, stage),
                row.well_id,
                row.facility_id,
                row.equipment_id,
                row.status == "potential",
            )
        )
    return found


def _sentence(row: Any, stage: int) -> str:
    what = "is owed a written report" if row.status == "written_due" else "must be told"
    if row.status == "potential":
        what = "may have to be told"
    when = f"{stage} % of the time has passed"
    if stage >= 100:
        when = "at once" if row.due <= row.began else "its time is over"
    return f"{row.authority} {what} of incident {row.incident_no}: {when}"


def note(session: Session, organization: uuid.UUID, now: datetime) -> int:
    """Write into timelines what has been reached since; gives how many entries."""
    written = 0
    rows = {row.id: row for row in session.execute(_RUNNING, {"organization": organization})}
    for one in running(session, organization, now):
        row = rows[one.notice_id]
        missed = one.stage >= 100
        if row.missed_at is not None if missed else row.reminded >= one.stage:
            continue
        session.execute(
            update(IncidentNotice)
            .where(IncidentNotice.id == one.notice_id)
            .values({"missed_at": now} if missed else {"reminded": one.stage})
        )
        event = {
            "incident_id": one.incident_id,
            "happened_at": one.due if missed else now,
            "kind": "missed" if missed else "reminder",
            "note": one.sentence,
            "after": {"notice": str(one.notice_id), "stage": one.stage},
        }
        write(session, IncidentEvent, organization, event)
        written += 1
    session.flush()
    return written
