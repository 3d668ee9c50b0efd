"""For programs, read only: what is kept quiet, who is on call, whom policies tell, what was sent.

Each says what a page of the console says, to whoever may see that page. Lists are told whole where
an operator has few of a thing; what was sent comes in pages, the newest first.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from flask import Blueprint, Response, request
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hub.api.answers import of_body
from hub.api.arguments import EARLIEST, Arguments
from hub.api.bodies import write
from hub.api.parts import caller, records
from hub.api.problems import refuse
from hub.notify import keeping, rosters
from hub.notify.people import Crew, crew
from hub.notify.policies import Policy, Step
from hub.notify.schedules import Layer, Roster
from hub.notify.wallclock import Window
from hub.permissions import Action
from hub.schema import EscalationPolicy
from hub.schema.holds import HOLD_KINDS
from hub.schema.notifying import NOTIFICATION_STATES

MOST: Final = 200
SENT_MOST: Final = 100
#: An instant is asked about within these years of now: turns go on for ever, and are counted out.
NEAR: Final = timedelta(days=3 * 366)

_HOLDS: Final = text(
    """
    SELECT h.id, h.kind, h.since, h.until, h.reason, h.permit, h.priority,
           s.id AS alert_id, h.tag_id, h.equipment_id, h.well_id, h.facility_id, h.agent_id,
           coalesce(s.subject, t.name, e.name, w.name, f.name, a.name) AS subject,
           coalesce(sw.name, tw.name, w.name) AS place,
           h.created_by AS user_id, u.name AS person,
           h.maintenance_id IS NOT NULL OR h.downtime_id IS NOT NULL AS planned,
           h.ended_at
    FROM alert_holds h
    LEFT JOIN LATERAL (
        SELECT l.id, l.subject, l.well_id FROM alerts l
        WHERE l.organization_id = h.organization_id AND l.dedup_key = h.dedup_key
        ORDER BY l.closed_at IS NULL DESC, l.raised_at DESC LIMIT 1) s ON h.kind = 'shelf'
    LEFT JOIN wells sw ON sw.id = s.well_id
    LEFT JOIN tags t ON t.id = h.tag_id
    LEFT JOIN wells tw ON tw.id = t.well_id
    LEFT JOIN equipment e ON e.id = h.equipment_id
    LEFT JOIN wells w ON w.id = h.well_id
    LEFT JOIN facilities f ON f.id = h.facility_id
    LEFT JOIN agents a ON a.id = h.agent_id
    LEFT JOIN users u ON u.id = h.created_by
    WHERE (CAST(:kind AS text) IS NULL OR h.kind = :kind)
      AND (:ended OR (h.ended_at IS NULL AND (h.kind = 'service' OR h.until > :now)))
      AND (CAST(:after AS uuid) IS NULL OR h.id < :after)
    ORDER BY h.id DESC
    LIMIT :most
    """
)
_SENT: Final = text(
    """
    SELECT n.id, n.created_at, n.kind, n.subject, n.state, n.priority, n.step, n.is_test,
           n.alert_id, n.instead_of_id, n.attempts, n.sent_at, n.delivered_at, n.fault,
           c.kind AS channel, c.address, c.label, coalesce(n.user_id, c.user_id) AS user_id,
           u.name AS person, a.provider, a.detail
    FROM notifications n
    JOIN contact_channels c ON c.id = n.channel_id
    LEFT JOIN users u ON u.id = coalesce(n.user_id, c.user_id)
    LEFT JOIN notification_attempts a ON a.notification_id = n.id AND a.number = n.attempts
    WHERE (CAST(:state AS text) IS NULL OR n.state = :state)
      AND (CAST(:alert AS uuid) IS NULL OR n.alert_id = :alert)
      AND (CAST(:user AS uuid) IS NULL OR coalesce(n.user_id, c.user_id) = :user)
      AND n.created_at >= :since
      AND (CAST(:after AS uuid) IS NULL OR (n.created_at, n.id) <
           (SELECT l.created_at, l.id FROM notifications l WHERE l.id = :after))
    ORDER BY n.created_at DESC, n.id DESC
    LIMIT :most
    """
)
Row = Mapping[str, Any]


def serve(blueprint: Blueprint) -> None:
    """Add the addresses."""
    for name, view in (
        ("alert_holds", holds),
        ("on_call", on_call),
        ("rotations", rotations),
        ("escalation_policies", policies),
        ("notifications", sent),
    ):
        blueprint.add_url_rule(f"/{name}", f"list-{name}", view)


def holds() -> Response:
    """What people keep quiet: alarms on the shelf, and what is out of service."""
    caller().must_see(Action.SEE, "alert_holds")
    given = Arguments(request.args, ("kind", "ended", "limit", "after"))
    limit = given.whole("limit", 50, 1, MOST)
    asked = {
        "kind": _one_of(given, "kind", HOLD_KINDS),
        "ended": given.flag("ended"),
        "after": _id(given, "after"),
        "now": datetime.now(UTC),
        "most": limit + 1,
    }
    with records() as session:
        rows = [dict(row) for row in session.execute(_HOLDS, asked).mappings()]
    return _page(rows, limit)


def on_call() -> Response:
    """Who is on call in each rotation, now or at an instant, and who comes next."""
    caller().must_see(Action.SEE, "on_call")
    given = Arguments(request.args, ("at",))
    now = datetime.now(UTC)
    at = given.instant("at", now)
    if not now - NEAR <= at <= now + NEAR:
        refuse({"at": "at must lie within three years of now."})
    with records() as session:
        listed = rosters.who_is_on(session, caller().organization_id, at)
    rows = [_turn(item) for item in listed]
    return of_body(
        write({"at": at, "rows": rows} if given.one("at") else {"rows": rows}), weak=True
    )


def _turn(item: Row) -> Row:
    current, person, following, next_ = (
        item[name] for name in ("current", "person", "next", "next_person")
    )
    return {
        "rotation_id": item["id"],
        "rotation": item["name"],
        "timezone": item["roster"].zone_name,
        "user_id": person.id if person else None,
        "person": person.name if person else None,
        "reachable": bool(person and person.channels),
        "stands_in": current.stands_in,
        "until": following.begins if following else None,
        "next_user_id": next_.id if next_ else None,
        "next_person": next_.name if next_ else None,
    }


def rotations() -> Response:
    """The rotations in use: their layers, and who takes turns in which order."""
    caller().must_see(Action.EDIT_ONCALL, "rotations")
    Arguments(request.args, ())
    with records() as session:
        found = crew(session, caller().organization_id)
    rows = [
        _rotation(found, key, roster)
        for key, roster in sorted(found.rotations.items(), key=lambda one: str(one[0]))
    ]
    return of_body(write({"rows": rows}), weak=True)


def _rotation(found: Crew, key: uuid.UUID, roster: Roster) -> Row:
    return {
        "id": key,
        "name": found.rotation_names[key],
        "timezone": roster.zone_name,
        "layers": [_layer(found, layer) for layer in roster.layers],
    }


def _layer(found: Crew, layer: Layer) -> Row:
    return {
        "starts_on": layer.starts_on,
        "ends_on": layer.ends_on,
        "handoff_at": layer.handoff_at.isoformat(),
        "every_days": layer.every_days,
        "hours": _hours(layer.window),
        "people": [
            {"user_id": user, "person": found.people[user].name if user in found.people else None}
            for user in layer.people
        ],
    }


def _hours(window: Window | None) -> Row | None:
    if window is None:
        return None
    return {
        "from": window.begins.isoformat(),
        "to": window.ends.isoformat(),
        "days": sorted(window.days),
    }


def policies() -> Response:
    """The policies in use, with their steps."""
    caller().must_see(Action.SEE_CHANNELS, "escalation_policies")
    Arguments(request.args, ())
    with records() as session:
        listed = session.scalars(
            select(EscalationPolicy)
            .where(EscalationPolicy.ended_at.is_(None))
            .order_by(EscalationPolicy.created_at, EscalationPolicy.id)
        ).all()
        rows = [_policy(session, row) for row in listed]
    return of_body(write({"rows": rows}), weak=True)


def _policy(session: Session, row: EscalationPolicy) -> Row:
    policy, _ = keeping.load_policy(session, row.id)
    return {
        "id": row.id,
        "name": row.name,
        "note": row.note,
        "version": row.version,
        "priorities": list(row.priorities),
        "lease_id": row.lease_id,
        "well_id": row.well_id,
        "equipment_id": row.equipment_id,
        "rule_id": row.rule_id,
        "fallback_id": row.fallback_id,
        "steps": _steps(policy),
        "rounds": policy.rounds,
        "remind_every_s": row.remind_every_s,
        "bundle_s": row.bundle_s,
    }


def _steps(policy: Policy) -> list[Row]:
    return [_step(step) for step in policy.steps]


def _step(step: Step) -> Row:
    return {
        "targets": [
            {
                "kind": target.kind,
                "user_id": target.id if target.kind == "user" else None,
                "rotation_id": target.id if target.kind == "rotation" else None,
                "role": target.role or None,
            }
            for target in step.targets
        ],
        "channel_class": step.channel_class,
        "ack_timeout_s": int(step.wait.total_seconds()),
        "times": step.times,
        "hours": _hours(step.window),
        "worst_only": step.worst_only,
        "still_active": step.still_active,
    }


def sent() -> Response:
    """The delivery log: every message, to whom, by what, and what became of it."""
    caller().must_see(Action.SEE_CHANNELS, "notifications")
    given = Arguments(request.args, ("state", "alert", "user", "since", "limit", "after"))
    limit = given.whole("limit", 50, 1, SENT_MOST)
    asked = {
        "state": _one_of(given, "state", NOTIFICATION_STATES),
        "alert": _id(given, "alert"),
        "user": _id(given, "user"),
        "since": given.instant("since", EARLIEST),
        "after": _id(given, "after"),
        "most": limit + 1,
    }
    with records() as session:
        rows = [dict(row) for row in session.execute(_SENT, asked).mappings()]
    return _page(rows, limit)


# -------------------------------------------------------------------------------------- shared


def _page(rows: Sequence[Row], limit: int) -> Response:
    more = rows[limit - 1]["id"] if len(rows) > limit else None
    return of_body(write({"rows": list(rows[:limit]), "next": more}), weak=True)


def _id(given: Arguments, name: str) -> uuid.UUID | None:
    words = given.one(name)
    try:
        return None if words is None else uuid.UUID(words)
    except ValueError:
        refuse({name: f"{name} must be an id."})


def _one_of(given: Arguments, name: str, known: Sequence[str]) -> str | None:
    word = given.one(name)
    if word is not None and word not in known:
        refuse({name: f"{name} must be one of {', '.join(known)}."})
    return word
