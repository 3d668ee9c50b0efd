"""The people of every test: two operators, and who works for them.

Alice owns Bluebonnet, Bob manages it, Carl pumps for it. Dora, Emil and Finn are the same for
Cimarron. Gus pumps for both; every pumper has the operator's lease on his route. Zoe works for
nobody and must see nothing.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from argon2 import PasswordHasher
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from hub.database import Tier
from hub.schema import (
    Agent,
    ContactChannel,
    Equipment,
    Lease,
    LeaseAssignment,
    Membership,
    Organization,
    Tag,
    User,
    Well,
)
from tests.servers import postgres

PASSWORD = "derrick-mast-42"
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


@dataclass
class Operator:
    """One operator with its people, wells and agents."""

    id: uuid.UUID
    name: str
    owner: uuid.UUID
    manager: uuid.UUID
    pumper: uuid.UUID
    lease: uuid.UUID
    wells: list[uuid.UUID] = field(default_factory=list)
    equipment: list[uuid.UUID] = field(default_factory=list)
    agents: list[uuid.UUID] = field(default_factory=list)
    agent_names: list[str] = field(default_factory=list)
    tags: list[int] = field(default_factory=list)  #: of the first agent, linked to the first well
    channel: uuid.UUID | None = None  #: the manager's e-mail


@dataclass
class Cast:
    """Everybody."""

    bluebonnet: Operator
    cimarron: Operator
    both: uuid.UUID  #: Gus
    nobody: uuid.UUID  #: Zoe
    password: str = PASSWORD

    @property
    def operators(self) -> tuple[Operator, Operator]:
        """Both operators."""
        return self.bluebonnet, self.cimarron


def engage(owner: Engine) -> Cast:
    """Write the cast into a database; `owner` is an engine of the owner role."""
    with Session(owner, expire_on_commit=False) as session, session.begin():
        gus = _person(session, "gus", "Gus Two-Hats")
        zoe = _person(session, "zoe", "Zoe Outsider")
        bluebonnet = _operator(session, "Bluebonnet Energy", ("alice", "bob", "carl"))
        cimarron = _operator(session, "Cimarron Oil", ("dora", "emil", "finn"))
        for year, operator in ((2024, bluebonnet), (2025, cimarron)):
            since = datetime(year, 1, 1, tzinfo=UTC)
            hat = Membership(
                organization_id=operator.id, user_id=gus, role="pumper", created_at=since
            )
            session.add(hat)
            session.flush()
            assign(session, hat, operator.lease)
    return Cast(bluebonnet, cimarron, gus, zoe)


#: The cast of each server's databases that were made with one in them.
ENGAGED: dict[str, Cast] = {}


def engaged(address: str) -> Tier:
    """Prepare a template: migrated, with the cast in it."""
    database = postgres.Database(address, postgres.migrated(address))
    ENGAGED[_server(address)] = engage(database.engine("owner"))
    database.close()
    return database.tier


def of(database: postgres.Database) -> Cast:
    """Who is in a copy of such a template."""
    return ENGAGED[_server(database.admin_url)]


def _server(address: str) -> str:
    return address.rpartition("/")[0]


def _person(session: Session, short: str, name: str) -> uuid.UUID:
    user = User(email=f"{short}@example.com", name=name, password_hash=HASH)
    session.add(user)
    session.flush()
    return user.id


def _operator(session: Session, name: str, people: tuple[str, str, str]) -> Operator:
    short = name.split(maxsplit=1)[0].lower()
    organization = Organization(name=name, slug=short)
    lease = Lease(name=f"{name} Unit 1", state="TX", county="Reeves")
    session.add(organization)
    session.flush()
    lease.organization_id = organization.id
    session.add(lease)
    session.flush()
    ids = [_person(session, person, person.title()) for person in people]
    for user, role in zip(ids, ("owner", "manager", "pumper"), strict=True):
        hired = Membership(organization_id=organization.id, user_id=user, role=role)
        session.add(hired)
        session.flush()
        if role == "pumper":
            assign(session, hired, lease.id)
    operator = Operator(organization.id, name, ids[0], ids[1], ids[2], lease.id)
    for number in (1, 2):
        _well(session, operator, short, number)
    _channel(session, operator, people[1])
    return operator


def assign(session: Session, member: Membership, lease: uuid.UUID) -> None:
    """Put a lease on somebody's route."""
    session.add(
        LeaseAssignment(
            organization_id=member.organization_id,
            membership_id=member.id,
            lease_id=lease,
            from_day=date(2024, 1, 1),
        )
    )
    session.flush()


def _well(session: Session, operator: Operator, short: str, number: int) -> None:
    well = Well(
        organization_id=operator.id,
        lease_id=operator.lease,
        name=f"{short.title()} {number}H",
        site=f"{short.title()} pad",
    )
    session.add(well)
    session.flush()
    jack = Equipment(
        organization_id=operator.id, well_id=well.id, name=f"Jack {number}", kind="pump_jack"
    )
    name = f"{short}-pad-{number}"
    agent = Agent(organization_id=operator.id, name=name, shard=number, well_id=well.id)
    session.add_all([jack, agent])
    session.flush()
    operator.wells.append(well.id)
    operator.equipment.append(jack.id)
    operator.agents.append(agent.id)
    operator.agent_names.append(name)
    if number == 1:
        operator.tags += [_tag(session, operator, agent, gauge) for gauge in GAUGES]


GAUGES = (("tubing_pressure", "psi"), ("casing_pressure", "psi"), ("oil_level", "in"))


def _tag(session: Session, operator: Operator, agent: Agent, gauge: tuple[str, str]) -> int:
    measure, unit = gauge
    tag = Tag(
        organization_id=operator.id,
        agent_id=agent.id,
        name=f"plc.{measure}",
        device="plc",
        unit=unit,
        interval_ms=1000,
        low=0.0,
        high=3000.0,
        measure=measure,
        well_id=agent.well_id,
    )
    session.add(tag)
    session.flush()
    return tag.id


def _channel(session: Session, operator: Operator, manager: str) -> None:
    channel = ContactChannel(
        organization_id=operator.id,
        user_id=operator.manager,
        kind="email",
        address=f"{manager}@example.com",
    )
    session.add(channel)
    session.flush()
    operator.channel = channel.id
