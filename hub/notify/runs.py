"""Which policy an alert follows, and how far it has come: rows that fall due."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from hub.notify import policies
from hub.notify.messages import Message
from hub.notify.outbox import Notice
from hub.notify.policies import BUILT_IN, Due, Place, Policy
from hub.schema import Alert, AlertRule, Tag

_CACHE: Final = "wellflow policies"
#: What a policy can be for, the narrowest first.
PLACES: Final = ("rule_id", "equipment_id", "well_id", "lease_id")

_POLICIES: Final = text(
    """
    SELECT p.id, p.name, p.lease_id, p.well_id, p.equipment_id, p.rule_id, p.priorities,
           v.id AS version_id, v.snapshot,
           coalesce(p.well_id, e.well_id, t.well_id, r.well_id) AS near_well_id
    FROM escalation_policies p
    JOIN policy_versions v ON v.policy_id = p.id AND v.number = p.version
    LEFT JOIN equipment e ON e.id = p.equipment_id
    LEFT JOIN alert_rules r ON r.id = p.rule_id
    LEFT JOIN tags t ON t.id = r.tag_id
    WHERE p.organization_id = :organization AND p.ended_at IS NULL
    ORDER BY p.created_at, p.id
    """
)
_LEASE: Final = text("SELECT lease_id FROM wells WHERE id = :well")
# What equipment is part of, the nearest first; a circle that somebody entered comes to an end.
_EQUIPMENT: Final = text(
    """
    WITH RECURSIVE up AS (
        SELECT e.id, e.parent_id, 0 AS n FROM equipment e WHERE e.id = :equipment
        UNION ALL
        SELECT e.id, e.parent_id, up.n + 1 FROM up JOIN equipment e ON e.id = up.parent_id
        WHERE up.n < 8)
    SELECT id FROM up ORDER BY n
    """
)
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
class About:
    """What an alert is about, as far as policies ask."""

    well_id: uuid.UUID | None = None
    equipment_id: uuid.UUID | None = None
    rule_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What an alert is about with what that is part of, each the nearest first."""

    rules: tuple[uuid.UUID, ...] = ()
    equipment: tuple[uuid.UUID, ...] = ()
    well_id: uuid.UUID | None = None
    lease_id: uuid.UUID | None = None


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
    alert = session.get_one(Alert, notice.alert_id)  # whoever pages has it at hand
    equipment = alert.equipment_id
    if equipment is None and alert.tag_id is not None and _by(session, notice, "equipment_id"):
        equipment = session.scalar(select(Tag.equipment_id).where(Tag.id == alert.tag_id))
    about = About(alert.well_id, equipment, alert.rule_id)
    return choose_for(session, notice.organization_id, notice.priority, about)


def choose_for(session: Session, organization: uuid.UUID, priority: int, about: About) -> Chosen:
    """The policy that would hold for an alert of a priority: the narrowest that is for it.

    That is the one of its rule, then of what the rule follows, of its equipment, of what that is
    part of, of its well, of the lease, of everything; of two equals the older one.
    """
    kept = _kept(session, organization)
    row = fitting(kept, priority, _known(session, kept, about))
    if row is None:
        return Chosen(BUILT_IN, None, about.well_id)
    return Chosen(policies.from_json(row.snapshot), row.version_id, about.well_id)


def _by(session: Session, notice: Notice, column: str) -> bool:
    return any(getattr(row, column) for row in _kept(session, notice.organization_id))


def _known(session: Session, kept: Sequence[Row[Any]], about: About) -> Known:
    """Looked up only as far as some policy asks for it."""
    rules: tuple[uuid.UUID, ...] = ()
    if about.rule_id is not None and any(row.rule_id for row in kept):
        parent = session.scalar(select(AlertRule.parent_id).where(AlertRule.id == about.rule_id))
        rules = (about.rule_id, *([parent] if parent else []))
    equipment: tuple[uuid.UUID, ...] = ()
    if about.equipment_id is not None and any(row.equipment_id for row in kept):
        equipment = tuple(session.scalars(_EQUIPMENT, {"equipment": about.equipment_id}))
    lease = None
    if about.well_id is not None and any(row.lease_id for row in kept):
        lease = session.scalar(_LEASE, {"well": about.well_id})
    return Known(rules, equipment, about.well_id, lease)


def _kept(session: Session, organization: uuid.UUID) -> Sequence[Row[Any]]:
    kept: dict[uuid.UUID, Sequence[Row[Any]]] = session.info.setdefault(_CACHE, {})
    if organization not in kept:
        kept[organization] = session.execute(_POLICIES, {"organization": organization}).all()
    return kept[organization]


def forget(session: Session) -> None:
    """Read policies anew the next time."""
    session.info.pop(_CACHE, None)


def fitting(kept: Sequence[Row[Any]], priority: int, known: Known) -> Row[Any] | None:
    """The narrowest of policies that is for a priority; of equals the first."""
    near: dict[tuple[str, uuid.UUID | None], int] = {
        **{("rule_id", key): n for n, key in enumerate(known.rules)},
        **{("equipment_id", key): 100 + n for n, key in enumerate(known.equipment)},
        ("well_id", known.well_id): 200,
        ("lease_id", known.lease_id): 201,
    }
    fits = [
        (near[place] if place else 202, row)
        for row in kept
        if priority in row.priorities
        for place in (place_of(row),)
        if place is None or place in near
    ]
    return min(fits, key=lambda one: one[0])[1] if fits else None


def place_of(row: Any) -> tuple[str, uuid.UUID] | None:
    """For what a policy is, and which one; None for everything."""
    for column in PLACES:
        key = getattr(row, column)
        if key is not None:
            return column, key
    return None


def policies_of(session: Session, organization: uuid.UUID) -> Sequence[Row[Any]]:
    """An operator's policies, the oldest first."""
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
