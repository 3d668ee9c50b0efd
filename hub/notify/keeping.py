"""Saving what an operator sets up: policies with a version for each change, rotations, preferences.

Whoever calls has looked at what `hub.notify.coverage` says; here it is written as it is.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from hub.errors import HubError
from hub.notify import people, policies, runs
from hub.notify.policies import Policy, Step, Target
from hub.notify.schedules import Layer, Roster
from hub.notify.wallclock import window
from hub.schema import (
    AlertRule,
    Equipment,
    EscalationPolicy,
    EscalationStep,
    EscalationTarget,
    PolicyVersion,
    Rotation,
    RotationLayer,
    RotationMember,
    RotationOverride,
    Tag,
)
from hub.schema.base import uuid7


class UnknownSetupError(HubError):
    """There is no such policy or rotation, or it belongs to another operator."""


@dataclass(frozen=True, slots=True)
class Scope:
    """For which alerts a policy is."""

    priorities: tuple[int, ...]
    lease_id: uuid.UUID | None = None
    well_id: uuid.UUID | None = None
    note: str = ""
    equipment_id: uuid.UUID | None = None
    rule_id: uuid.UUID | None = None


# ------------------------------------------------------------------------------------- policies


def save_policy(
    session: Session,
    organization: uuid.UUID,
    policy: Policy,
    scope: Scope,
    policy_id: uuid.UUID | None = None,
    by: uuid.UUID | None = None,
) -> uuid.UUID:
    """Write a policy and its next version; gives its key. Raises `UnknownSetupError`.

    Alerts on their way keep to the version under which they were raised.
    """
    row = _policy_row(session, organization, policy_id)
    row.name, row.note = policy.name, scope.note
    row.priorities = sorted(set(scope.priorities))
    row.lease_id, row.well_id = scope.lease_id, scope.well_id
    row.equipment_id, row.rule_id = scope.equipment_id, scope.rule_id
    row.rounds, row.fallback_id = policy.rounds, policy.fallback
    row.remind_every_s = _seconds(policy.remind_every)
    row.bundle_s = _seconds(policy.bundle) or 0
    session.add(row)
    session.flush()
    session.execute(delete(EscalationStep).where(EscalationStep.policy_id == row.id))
    for number, step in enumerate(policy.steps, 1):
        _write_step(session, organization, row.id, number, step)
    session.add(
        PolicyVersion(
            organization_id=organization,
            policy_id=row.id,
            number=row.version,
            snapshot=policies.to_json(policy),
            created_by=by,
        )
    )
    session.flush()
    runs.forget(session)
    return row.id


def _policy_row(
    session: Session, organization: uuid.UUID, policy_id: uuid.UUID | None
) -> EscalationPolicy:
    if policy_id is None:
        return EscalationPolicy(id=uuid7(), organization_id=organization, version=1)
    row = session.get(EscalationPolicy, policy_id, with_for_update=True)
    if row is None:
        raise UnknownSetupError("There is no such policy.")
    row.version += 1
    return row


def _write_step(
    session: Session, organization: uuid.UUID, policy_id: uuid.UUID, number: int, step: Step
) -> None:
    hours = step.window
    row = EscalationStep(
        id=uuid7(),
        organization_id=organization,
        policy_id=policy_id,
        position=number,
        channel_class=step.channel_class,
        ack_timeout_s=_seconds(step.wait) or 300,
        times=step.times,
        window_from=hours.begins if hours else None,
        window_to=hours.ends if hours else None,
        window_days=sorted(hours.days) if hours else None,
        worst_only=step.worst_only,
        still_active=step.still_active,
    )
    session.add(row)
    session.flush()
    for target in step.targets:
        session.add(
            EscalationTarget(
                organization_id=organization,
                step_id=row.id,
                kind=target.kind,
                user_id=target.id if target.kind == "user" else None,
                rotation_id=target.id if target.kind == "rotation" else None,
                role=target.role if target.kind == "role" else None,
            )
        )
    session.flush()


def load_policy(session: Session, policy_id: uuid.UUID) -> tuple[Policy, EscalationPolicy]:
    """A policy as it stands and its row; raises `UnknownSetupError`."""
    row = session.get(EscalationPolicy, policy_id)
    if row is None:
        raise UnknownSetupError("There is no such policy.")
    steps = session.scalars(
        select(EscalationStep)
        .where(EscalationStep.policy_id == policy_id)
        .order_by(EscalationStep.position)
    ).all()
    policy = Policy(
        name=row.name,
        steps=tuple(_step_of(session, step) for step in steps),
        rounds=row.rounds,
        remind_every=_span(row.remind_every_s),
        bundle=timedelta(seconds=row.bundle_s),
        fallback=row.fallback_id,
    )
    return policy, row


def _step_of(session: Session, row: EscalationStep) -> Step:
    targets = session.scalars(
        select(EscalationTarget)
        .where(EscalationTarget.step_id == row.id)
        .order_by(EscalationTarget.id)
    )
    return Step(
        targets=tuple(
            Target(target.kind, target.user_id or target.rotation_id, target.role or "")
            for target in targets
        ),
        channel_class=row.channel_class,
        wait=timedelta(seconds=row.ack_timeout_s),
        times=row.times,
        window=window(row.window_from, row.window_to, row.window_days),
        worst_only=row.worst_only,
        still_active=row.still_active,
    )


def well_of(session: Session, place: Scope | EscalationPolicy) -> uuid.UUID | None:
    """The one well that a policy's alerts are about, where there is one."""
    if place.equipment_id is not None:
        return session.scalar(select(Equipment.well_id).where(Equipment.id == place.equipment_id))
    if place.rule_id is not None:
        return session.scalar(
            select(func.coalesce(Tag.well_id, AlertRule.well_id))
            .select_from(AlertRule)
            .outerjoin(Tag, Tag.id == AlertRule.tag_id)
            .where(AlertRule.id == place.rule_id)
        )
    return place.well_id


def end_policy(session: Session, policy_id: uuid.UUID, now: datetime) -> None:
    """Use a policy no longer; alerts on their way keep to it. Raises `UnknownSetupError`."""
    row = session.get(EscalationPolicy, policy_id, with_for_update=True)
    if row is None:
        raise UnknownSetupError("There is no such policy.")
    row.ended_at = row.ended_at or now
    runs.forget(session)


# ------------------------------------------------------------------------------------ rotations


def save_rotation(
    session: Session,
    organization: uuid.UUID,
    name: str,
    roster: Roster,
    rotation_id: uuid.UUID | None = None,
    note: str = "",
) -> uuid.UUID:
    """Write a rotation and its layers; gives its key. Overrides stay. Raises
    `UnknownSetupError`.
    """
    row = session.get(Rotation, rotation_id, with_for_update=True) if rotation_id else None
    if rotation_id and row is None:
        raise UnknownSetupError("There is no such rotation.")
    if row is None:
        row = Rotation(id=uuid7(), organization_id=organization)
    row.name, row.timezone, row.note = name, roster.zone_name, note
    session.add(row)
    session.flush()
    session.execute(delete(RotationLayer).where(RotationLayer.rotation_id == row.id))
    for number, layer in enumerate(roster.layers, 1):
        _write_layer(session, organization, row.id, number, layer)
    people.forget(session)
    return row.id


def _write_layer(
    session: Session, organization: uuid.UUID, rotation_id: uuid.UUID, number: int, layer: Layer
) -> None:
    hours = layer.window
    row = RotationLayer(
        id=uuid7(),
        organization_id=organization,
        rotation_id=rotation_id,
        position=number,
        starts_on=layer.starts_on,
        ends_on=layer.ends_on,
        handoff_at=layer.handoff_at,
        every_days=layer.every_days,
        window_from=hours.begins if hours else None,
        window_to=hours.ends if hours else None,
        window_days=sorted(hours.days) if hours else None,
    )
    session.add(row)
    session.flush()
    session.add_all(
        RotationMember(organization_id=organization, layer_id=row.id, position=place, user_id=user)
        for place, user in enumerate(layer.people, 1)
    )
    session.flush()


def end_rotation(session: Session, rotation_id: uuid.UUID, now: datetime) -> None:
    """Use a rotation no longer; raises `UnknownSetupError`."""
    row = session.get(Rotation, rotation_id, with_for_update=True)
    if row is None:
        raise UnknownSetupError("There is no such rotation.")
    row.ended_at = row.ended_at or now
    people.forget(session)


def stand_in(session: Session, organization: uuid.UUID, **values: Any) -> uuid.UUID:
    """Enter an override: `rotation_id`, `user_id`, `starts_at`, `ends_at`, and what else is
    known of it; gives its key.
    """
    row = RotationOverride(id=uuid7(), organization_id=organization, **values)
    session.add(row)
    session.flush()
    people.forget(session)
    return row.id


def used_in(session: Session, rotation_id: uuid.UUID) -> Sequence[str]:
    """Names of the policies whose steps name a rotation."""
    listed = (
        select(EscalationPolicy.name)
        .join(EscalationStep, EscalationStep.policy_id == EscalationPolicy.id)
        .join(EscalationTarget, EscalationTarget.step_id == EscalationStep.id)
        .where(EscalationTarget.rotation_id == rotation_id, EscalationPolicy.ended_at.is_(None))
        .distinct()
    )
    return session.scalars(listed).all()


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else int(span.total_seconds())


def _span(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
