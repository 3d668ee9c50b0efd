"""Which policy an alert follows, and how far it has come: rows that fall due."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from hub.notify import policies
from hub.notify.messages import Message
from hub.notify.outbox import Notice
from hub.notify.policies import BUILT_IN, Due, Place, Policy
from hub.schema import Alert

_CACHE: Final = "wellflow policies"

# The narrowest policy that is for the priority: of the well, of its lease, of everything; of two
# equals the older one.
_POLICIES: Final = text(
    """
    SELECT p.id, p.lease_id, p.well_id, p.priorities, v.id AS version_id, v.snapshot
    FROM escalation_policies p
    JOIN policy_versions v ON v.policy_id = p.id AND v.number = p.version
    WHERE p.organization_id = :organization AND p.ended_at IS NULL
    ORDER BY p.well_id IS NULL, p.lease_id IS NULL, p.created_at, p.id
    """
)
_LEASE: Final = text("SELECT lease_id FROM wells WHERE id = :well")
_BEGIN: Final = text(
    """
    INSERT INTO escalation_runs
        (organization_id, alert_id, policy_version_id, priority, kind, occasion, subject, body,
         round, step_no, turn, pages, started_at, due_at, ended_at, end_reason)
    VALUES
        (:organization, :alert, :version, :priority, :kind, :occasion, :subject,
         CAST(:body AS jsonb), :round, :step, :turn, :pages, :now, :due, :ended, :reason)
    ON CONFLICT (organization_id, alert_id) DO UPDATE SET
        policy_version_id = EXCLUDED.policy_version_id, priority = EXCLUDED.priority,
        kind = EXCLUDED.kind, occasion = EXCLUDED.occasion, subject = EXCLUDED.subject,
        body = EXCLUDED.body, round = EXCLUDED.round, step_no = EXCLUDED.step_no,
        turn = EXCLUDED.turn, pages = escalation_runs.pages + EXCLUDED.pages,
        started_at = EXCLUDED.started_at, due_at = EXCLUDED.due_at,
        ended_at = EXCLUDED.ended_at, end_reason = EXCLUDED.end_reason, audited_at = NULL
    """
)
_ADVANCE: Final = text(
    """
    UPDATE escalation_runs
    SET round = :round, step_no = :step, turn = :turn, pages = pages + :pages, due_at = :due,
        ended_at = :ended, end_reason = :reason
    WHERE id = :id
    """
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The policy of an alert, and the well it is about."""

    policy: Policy
    version_id: uuid.UUID | None
    well_id: uuid.UUID | None

    @property
    def is_built_in(self) -> bool:
        """Whether the operator set up nothing that fits."""
        return self.version_id is None

    @classmethod
    def none(cls) -> Chosen:
        """No policy of the operator's own."""
        return cls(BUILT_IN, None, None)


def choose(session: Session, notice: Notice) -> Chosen:
    """The policy that holds for an alert now."""
    well = session.get_one(Alert, notice.alert_id).well_id  # whoever pages has it at hand
    return choose_for(session, notice.organization_id, notice.priority, well)


def choose_for(
    session: Session, organization: uuid.UUID, priority: int, well: uuid.UUID | None
) -> Chosen:
    """The policy that would hold for an alert of a priority at a well."""
    kept = _kept(session, organization)
    by_lease = well is not None and any(row.lease_id for row in kept)
    lease = session.scalar(_LEASE, {"well": well}) if by_lease else None
    row = fitting(kept, priority, well, lease)
    if row is None:
        return Chosen(BUILT_IN, None, well)
    return Chosen(policies.from_json(row.snapshot), row.version_id, well)


def _kept(session: Session, organization: uuid.UUID) -> Sequence[Row[Any]]:
    kept: dict[uuid.UUID, Sequence[Row[Any]]] = session.info.setdefault(_CACHE, {})
    if organization not in kept:
        kept[organization] = session.execute(_POLICIES, {"organization": organization}).all()
    return kept[organization]


def forget(session: Session) -> None:
    """Read policies anew the next time."""
    session.info.pop(_CACHE, None)


def fitting(
    kept: Sequence[Row[Any]], priority: int, well: uuid.UUID | None, lease: uuid.UUID | None
) -> Row[Any] | None:
    """The first of policies, the narrowest before, that is for a priority and a place."""
    for row in kept:
        here = row.well_id in {None, well} and row.lease_id in {None, lease}
        if here and priority in row.priorities:
            return row
    return None


def policies_of(session: Session, organization: uuid.UUID) -> Sequence[Row[Any]]:
    """An operator's policies as they are followed, the narrowest first."""
    return _kept(session, organization)


def begin(
    session: Session, notice: Notice, chosen: Chosen, due: Due | None, now: datetime, *, pages: int
) -> None:
    """Write how far an alert has come after its first step; an earlier course ends with it."""
    session.execute(
        _BEGIN,
        {
            "organization": notice.organization_id,
            "alert": notice.alert_id,
            "version": chosen.version_id,
            "priority": notice.priority,
            "kind": notice.kind,
            "occasion": notice.occasion,
            "subject": notice.message.subject,
            "body": json.dumps(notice.message.body),
            "pages": pages,
            "now": now,
        }
        | _place(due, now),
    )


def advance(
    session: Session, run_id: uuid.UUID, due: Due | None, now: datetime, pages: int
) -> None:
    """Write what comes next in a run that is locked, or that nothing does."""
    session.execute(_ADVANCE, {"id": run_id, "pages": pages} | _place(due, now))


def _place(due: Due | None, now: datetime) -> dict[str, Any]:
    place = due.place if due else Place()
    return {
        "round": place.round,
        "step": place.step,
        "turn": min(place.turn, 32_000),
        "due": due.at if due else None,
        "ended": None if due else now,
        "reason": None if due else "exhausted",
    }


def end(session: Session, run_id: uuid.UUID, reason: str, now: datetime) -> None:
    """End a run that is locked."""
    session.execute(
        text(
            "UPDATE escalation_runs SET due_at = NULL, ended_at = :now, end_reason = :reason"
            " WHERE id = :id"
        ),
        {"id": run_id, "reason": reason, "now": now},
    )


def notice_of(run: Any) -> Notice:
    """The notice a run tells of, from its row."""
    return Notice(
        run.organization_id,
        run.alert_id,
        run.kind,
        run.occasion,
        run.priority,
        Message(run.subject, run.body),
    )
