"""Who works for an operator and how each is reached; whom a policy's step means, at an instant.

Read once per transaction and operator: a flood of alerts asks for the same people again and again.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, tzinfo
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.notify.outbox import Addressed
from hub.notify.policies import Step, Target
from hub.notify.preferences import Away, Person, Reach, stand_in
from hub.notify.schedules import Layer, Override, Roster, on_call
from hub.notify.wallclock import Window, day_begins, window, zone_of

_CACHE: Final = "wellflow people"

# One row where nobody works there; whether there are rotations spares the question for them.
_PEOPLE: Final = text(
    """
    SELECT o.name AS organization, o.timezone AS organization_zone,
           EXISTS (SELECT FROM rotations r
                   WHERE r.organization_id = o.id AND r.ended_at IS NULL) AS rotates,
           m.user_id, u.name, m.role, p.user_id IS NOT NULL AS says, p.language, p.timezone,
           p.channels, p.quiet_from, p.quiet_to, p.digest_at, p.most_sms_a_day, p.away_from,
           p.away_until, p.delegate_id
    FROM organizations o
    LEFT JOIN (memberships m JOIN users u ON u.id = m.user_id AND u.disabled_at IS NULL)
        ON m.organization_id = o.id AND m.ended_at IS NULL
    LEFT JOIN notify_preferences p
        ON p.organization_id = m.organization_id AND p.user_id = m.user_id
    WHERE o.id = :organization
    ORDER BY m.created_at, m.id
    """
)
_CHANNELS: Final = text(
    """
    SELECT id, user_id, kind, worst_priority, broken_at IS NOT NULL AS broken, proven_at
    FROM contact_channels
    WHERE organization_id = :organization AND enabled AND removed_at IS NULL
    ORDER BY created_at, id
    """
)
_ROTATIONS: Final = text(
    """
    SELECT r.id, r.name, r.timezone, l.id AS layer, l.starts_on, l.ends_on, l.handoff_at,
           l.every_days, l.window_from, l.window_to, l.window_days,
           array_remove(array_agg(m.user_id ORDER BY m.position), NULL) AS people
    FROM rotations r
    LEFT JOIN rotation_layers l ON l.rotation_id = r.id
    LEFT JOIN rotation_members m ON m.layer_id = l.id
    WHERE r.organization_id = :organization AND r.ended_at IS NULL
    GROUP BY r.id, l.id
    ORDER BY r.name, r.id, l.position
    """
)
_OVERRIDES: Final = text(
    """
    SELECT rotation_id, user_id, replaces_id, starts_at, ends_at
    FROM rotation_overrides
    WHERE organization_id = :organization AND withdrawn_at IS NULL
      AND ends_at > now() - interval '100 days'
    ORDER BY created_at, id
    """
)
_ROUTE: Final = text(
    """
    SELECT m.user_id, m.role
    FROM wells w
    JOIN lease_assignments a ON a.organization_id = w.organization_id AND a.lease_id = w.lease_id
        AND CAST(:day AS date) BETWEEN a.from_day AND coalesce(a.to_day, 'infinity')
    JOIN memberships m ON m.id = a.membership_id AND m.ended_at IS NULL
    WHERE w.id = :well
    ORDER BY a.created_at, a.id
    """
)


@dataclass(slots=True)
class Crew:
    """An operator's people, the channels nobody owns, and the rotations."""

    id: uuid.UUID
    zone: tzinfo
    name: str = ""
    people: dict[uuid.UUID, Person] = field(default_factory=dict)
    shared: tuple[Reach, ...] = ()
    rotations: dict[uuid.UUID, Roster] = field(default_factory=dict)
    rotation_names: dict[uuid.UUID, str] = field(default_factory=dict)
    addressed: dict[uuid.UUID, Addressed] = field(default_factory=dict)  #: by channel

    def of_role(self, *roles: str) -> list[uuid.UUID]:
        """Everybody with one of these roles."""
        return [person.id for person in self.people.values() if person.role in roles]

    def last_resort(self, named: uuid.UUID | None) -> list[uuid.UUID]:
        """Who is told when nobody else can be: who was named for it, else every owner."""
        if named is not None and named in self.people and self.people[named].channels:
            return [named]
        reachable = [u for u in self.of_role("owner") if self.people[u].channels]
        others = [u for u in self.of_role("manager") if self.people[u].channels]
        return reachable or others or [p.id for p in self.people.values() if p.channels][:1]


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person whose turn it is, and for whom they stand in."""

    person: Person
    stands_in_for: uuid.UUID | None = None


def crew(session: Session, organization: uuid.UUID) -> Crew:
    """An operator's people as they are in this transaction."""
    kept: dict[uuid.UUID, Crew] = session.info.setdefault(_CACHE, {})
    if organization not in kept:
        kept[organization] = _read(session, organization)
    return kept[organization]


def forget(session: Session) -> None:
    """Read people anew the next time; for a session that goes on after its transaction."""
    session.info.pop(_CACHE, None)


def _read(session: Session, organization: uuid.UUID) -> Crew:
    mark = {"organization": organization}
    rows = session.execute(_PEOPLE, mark).all()
    operator = rows[0]
    found = Crew(organization, zone_of(operator.organization_zone), operator.organization)
    reach: dict[uuid.UUID | None, list[Reach]] = {}
    for row in session.execute(_CHANNELS, mark):
        channel = Reach(row.id, row.kind, row.worst_priority, row.broken, row.proven_at)
        reach.setdefault(row.user_id, []).append(channel)
        found.addressed[row.id] = Addressed(row.kind, row.user_id)
    for row in rows:
        if row.user_id is not None:
            channels = tuple(reach.get(row.user_id, ()))
            found.people[row.user_id] = person_of(row, channels, found.zone)
    found.shared = tuple(reach.get(None, ()))
    if operator.rotates:
        _read_rotations(session, mark, found)
    return found


def person_of(row: Any, channels: tuple[Reach, ...], zone: tzinfo) -> Person:
    """A person from a membership's row joined with what they prefer."""
    if not row.says:
        return Person(row.user_id, row.name, zone, row.role, channels)
    away = Away(row.away_from, row.away_until, row.delegate_id) if row.delegate_id else None
    return Person(
        id=row.user_id,
        name=row.name,
        zone=zone_of(row.timezone) if row.timezone else zone,
        role=row.role,
        channels=channels,
        language=row.language,
        order=order_of(row.channels),
        quiet=_quiet(row.quiet_from, row.quiet_to),
        digest_at=row.digest_at,
        most_sms=row.most_sms_a_day,
        away=away,
        says=True,
    )


def _quiet(begins: time | None, ends: time | None) -> Window | None:
    return window(begins, ends, None) if begins != ends else None


def order_of(kept: Mapping[str, Any]) -> dict[int, tuple[str, ...]]:
    """The kinds of channel by priority, as preferences keep them."""
    return {int(priority): tuple(kinds) for priority, kinds in kept.items() if kinds}


def _read_rotations(session: Session, mark: dict[str, Any], found: Crew) -> None:
    layers: dict[uuid.UUID, list[Layer]] = {}
    zones: dict[uuid.UUID, str] = {}
    for row in session.execute(_ROTATIONS, mark):
        zones[row.id] = row.timezone
        found.rotation_names[row.id] = row.name
        layers.setdefault(row.id, [])
        if row.layer is not None:
            layers[row.id].append(layer_of(row))
    stands: dict[uuid.UUID, list[Override]] = {}
    for row in session.execute(_OVERRIDES, mark) if zones else ():
        override = Override(row.user_id, row.starts_at, row.ends_at, row.replaces_id)
        stands.setdefault(row.rotation_id, []).append(override)
    for key, zone in zones.items():
        found.rotations[key] = Roster(zone, tuple(layers[key]), tuple(stands.get(key, ())))


def layer_of(row: Any) -> Layer:
    """A layer from its row, with its people in their order."""
    return Layer(
        people=tuple(row.people),
        starts_on=row.starts_on,
        handoff_at=row.handoff_at,
        every_days=row.every_days,
        ends_on=row.ends_on,
        window=window(row.window_from, row.window_to, row.window_days),
    )


def recipients(
    session: Session, found: Crew, step: Step, well: uuid.UUID | None, now: datetime
) -> list[Recipient]:
    """Whom a step means now, each once, stand-ins in the place of who is away."""
    named = (user for target in step.targets for user in _named(session, found, target, well, now))
    return as_recipients(found, named, now)


def as_recipients(found: Crew, users: Iterable[uuid.UUID], now: datetime) -> list[Recipient]:
    """People in their order, each once; whoever no longer works here is left out."""
    listed: dict[uuid.UUID, Recipient] = {}
    for user in users:
        told, instead_of = stand_in(found.people, user, now)
        if told in found.people and told not in listed:
            listed[told] = Recipient(found.people[told], instead_of)
    return list(listed.values())


_SMS_TODAY: Final = text(
    """
    SELECT count(*) FROM notifications n JOIN contact_channels c ON c.id = n.channel_id
    WHERE c.user_id = :user AND c.organization_id = :organization AND c.kind = 'sms'
      AND n.created_at >= :since AND n.state <> 'cancelled'
    """
)


def sms_left(session: Session, organization: uuid.UUID, person: Person, now: datetime) -> bool:
    """Whether a person's text messages of today are not used up."""
    if person.most_sms is None or not any(c.kind == "sms" for c in person.channels):
        return True
    since = day_begins(now, person.zone)
    values = {"organization": organization, "user": person.id, "since": since}
    return int(session.scalar(_SMS_TODAY, values) or 0) < person.most_sms


def _named(
    session: Session, found: Crew, target: Target, well: uuid.UUID | None, now: datetime
) -> list[uuid.UUID]:
    if target.kind == "user" and target.id is not None:
        return [target.id]
    if target.kind == "rotation" and target.id in found.rotations:
        who = on_call(found.rotations[target.id], now)
        return [who] if who is not None else []
    if target.kind == "site_manager":
        on_route = [row.user_id for row in _route(session, found, well, now)]
        return on_route or found.of_role("manager") or found.of_role("owner")
    if target.role == "pumper" and well is not None:
        return [row.user_id for row in _route(session, found, well, now) if row.role == "pumper"]
    return found.of_role(target.role)


def _route(session: Session, found: Crew, well: uuid.UUID | None, now: datetime) -> list[Any]:
    """Who looks after the lease of a well today, by the operator's calendar."""
    if well is None:
        return []
    day = now.astimezone(found.zone).date()
    return list(session.execute(_ROUTE, {"well": well, "day": day}))
