"""Writes the demo's operator into the database; a second time it changes nothing."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Collection
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from hub.console.passwords import hash_password, verify_password
from hub.demo import operator, seed_field, seed_incident, seed_money, seed_oncall, seed_papers
from hub.demo.desk import at_desk
from hub.demo.operator import DemoWell, Person, Rule
from hub.schema import (
    Agent,
    AlertRule,
    ContactChannel,
    Lease,
    LeaseAssignment,
    Membership,
    Organization,
    ProductionRecord,
    Tag,
    User,
    Well,
)
from hub.settings import DocumentSettings

WORDS = (
    *("derrick", "tubing", "casing", "choke", "nipple", "packer", "mast", "pump", "walking"),
    *("beam", "gauge", "bull", "wheel", "crown", "block", "drill", "collar", "joint", "thief"),
)


def passwords(state: Path) -> dict[str, str]:
    """The people's passwords, made up once each and kept in the demo's own folder."""
    path = state / "passwords.json"
    path.touch(mode=0o600)
    known: dict[str, str] = json.loads(path.read_text() or "{}")
    made = {person.email: _password() for person in operator.PEOPLE if person.email not in known}
    if made:
        path.write_text(json.dumps(known | made))
    return known | made


def _password() -> str:
    return "-".join(
        [*(secrets.choice(WORDS) for _ in range(3)), f"{secrets.randbelow(9000) + 1000}"]
    )


def seed(owner: Engine, words: dict[str, str]) -> uuid.UUID:
    """Write operator, people, leases and wells; returns the organization. `words`: passwords."""
    with Session(owner) as session, session.begin():
        organization = session.scalar(
            select(Organization).where(Organization.slug == operator.SLUG)
        )
        if organization is None:
            organization = Organization(
                name=operator.NAME, slug=operator.SLUG, timezone=operator.TIMEZONE
            )
            session.add(organization)
            session.flush()
        for person in operator.PEOPLE:
            _add_person(session, organization.id, person, words[person.email])
        leases = {name: _lease(session, organization.id, name) for name in operator.LEASES}
        _assign_routes(session, organization.id, leases.values())
        for well in operator.WELLS:
            _add_well(session, organization.id, leases[well.lease], well)
        seed_oncall.fill(session, organization.id)
        return organization.id


def furnish(
    app: Engine, organization: uuid.UUID, secret_key: bytes, store: DocumentSettings
) -> int:
    """Fill the operator's tables as its people would; answers how many days of wells there are.

    `app` acts as wellflow_app. A second time only the days since are added.
    """
    today = datetime.now(UTC).date()
    with at_desk(app, organization, today, secret_key, store) as desk:
        for subject in (seed_field, seed_money, seed_papers, seed_incident):
            subject.fill(desk)
        return desk.session.scalar(select(func.count()).select_from(ProductionRecord)) or 0


def _add_person(session: Session, organization: uuid.UUID, person: Person, password: str) -> None:
    user = session.scalar(select(User).where(func.lower(User.email) == person.email))
    if user is None:
        user = User(email=person.email, name=person.name)
        session.add(user)
        session.flush()
        session.add(Membership(organization_id=organization, user_id=user.id, role=person.role))
        session.flush()
        if person.told_of is not None:
            session.add(
                ContactChannel(
                    organization_id=organization,
                    user_id=user.id,
                    kind="email",
                    address=person.email,
                    worst_priority=person.told_of,
                )
            )
    if not verify_password(user.password_hash, password):
        user.password_hash = hash_password(password)


def _lease(session: Session, organization: uuid.UUID, name: str) -> uuid.UUID:
    known = session.scalar(
        select(Lease.id).where(Lease.organization_id == organization, Lease.name == name)
    )
    if known:
        return known
    lease = Lease(organization_id=organization, name=name, state="TX", county="Matagorda")
    session.add(lease)
    session.flush()
    return lease.id


def _assign_routes(
    session: Session, organization: uuid.UUID, leases: Collection[uuid.UUID]
) -> None:
    """Put every lease on the route of each pumper who has none yet."""
    pumpers = select(Membership.id).where(
        Membership.organization_id == organization,
        Membership.role == "pumper",
        ~Membership.id.in_(select(LeaseAssignment.membership_id)),
    )
    on_route = [(member, lease) for member in session.scalars(pumpers) for lease in leases]
    session.add_all(
        LeaseAssignment(organization_id=organization, membership_id=member, lease_id=lease)
        for member, lease in on_route
    )


def _add_well(session: Session, organization: uuid.UUID, lease: uuid.UUID, well: DemoWell) -> None:
    if well_id(session, organization, well.name) is None:
        session.add(
            Well(
                organization_id=organization,
                lease_id=lease,
                name=well.name,
                site=f"{well.lease} pad",
                api14=well.api14,
                well_type="oil",
                status="producing",
                lat=Decimal(well.place[0]),
                lon=Decimal(well.place[1]),
            )
        )


def well_id(session: Session, organization: uuid.UUID, name: str) -> uuid.UUID | None:
    """Key of a well by its name."""
    return session.scalar(
        select(Well.id).where(
            Well.organization_id == organization, func.lower(Well.name) == name.lower()
        )
    )


def link(owner: Engine, organization: uuid.UUID) -> int:
    """Link the tags that the agent has declared to their wells, with their rules.

    Returns how many tags are linked; those of a well that is not declared yet are left for later.
    """
    with Session(owner) as session, session.begin():
        manager = session.scalar(select(User.id).where(User.email == operator.MANAGER.email))
        tags = {
            tag.name: tag
            for tag in session.scalars(
                select(Tag)
                .join(Agent, Agent.id == Tag.agent_id)
                .where(Agent.name == operator.AGENT, Tag.organization_id == organization)
            )
        }
        for well in operator.WELLS:
            key = well_id(session, organization, well.name)
            for gauge in operator.GAUGES:
                tag = tags.get(f"{well.device}.{gauge.name}")
                if tag is not None and tag.well_id is None:
                    tag.well_id, tag.measure = key, gauge.measure
                    tag.linked_at, tag.linked_by = datetime.now(UTC), manager
            for rule in well.rules:
                if (tag := tags.get(f"{well.device}.{rule.gauge}")) is not None:
                    _add_rule(session, organization, tag, rule)
        return sum(tag.well_id is not None for tag in tags.values())


def _add_rule(session: Session, organization: uuid.UUID, tag: Tag, rule: Rule) -> None:
    known = select(AlertRule.id).where(AlertRule.tag_id == tag.id, AlertRule.name == rule.name)
    if session.scalar(known) is None:
        session.add(
            AlertRule(
                organization_id=organization,
                name=rule.name,
                tag_id=tag.id,
                params={"levels": {name: dict(level) for name, level in rule.levels.items()}},
                cause=rule.cause,
                consequence=rule.consequence,
                action=rule.action,
                respond_within_s=rule.respond_within_s,
            )
        )
