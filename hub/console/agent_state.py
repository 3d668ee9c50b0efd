"""Agents as pages show them: heard, complete through, what is still to come, what never will."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.alerts.rules import EVALUATED
from hub.console.counts import is_silent
from hub.readings import AgentCompleteness, completeness
from hub.schema import (
    Agent,
    AgentEvent,
    AlertRule,
    ConfigEpoch,
    ConfigEpochTag,
    SiteRules,
    Tag,
    User,
    Well,
)

EVENTS_SHOWN = 20
EPOCHS_SHOWN = 8
MUCH_SKEW_MS = 60_000


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One agent and everything the hub knows about its health."""

    agent_id: uuid.UUID
    name: str
    well: str | None
    online: bool
    silent: bool
    revoked_at: datetime | None
    status_at: datetime | None
    software: str | None
    clock: int | None
    clock_skew_ms: int | None
    config_epoch: int | None
    tags: int
    unlinked: int
    proof: AgentCompleteness

    @property
    def heard_at(self) -> datetime | None:
        """When anything last arrived from it."""
        return self.proof.heard_at

    @property
    def never(self) -> bool:
        """Whether it has never been heard: enrolled, not yet installed."""
        return self.proof.heard_at is None

    @property
    def waiting(self) -> int:
        """Readings it said it has yet to send, or blocks announced and not yet here."""
        return max(int((self.proof.backlog or {}).get("readings", 0)), self.proof.missing_blocks)

    @property
    def skewed(self) -> bool:
        """Whether its clock is far enough off to matter."""
        return self.clock_skew_ms is not None and abs(self.clock_skew_ms) > MUCH_SKEW_MS


@dataclass(frozen=True, slots=True)
class Epoch:
    """One configuration the agent has declared."""

    epoch: int
    declared_at: datetime
    tags: int


@dataclass(frozen=True, slots=True)
class Happening:
    """Something about an agent that a person should know."""

    at: datetime
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class OnSite:
    """The alarm rules of a site: what the hub wants run, and what the agent says it runs."""

    wanted: int  #: number of the newest rules; 0: none were made yet
    made_at: datetime | None
    rules: int
    running: int  #: number of those that run; 0: none
    running_at: datetime | None
    refusal: str | None
    listed: tuple[tuple[AlertRule, str], ...]  #: with the tag of each

    @property
    def is_current(self) -> bool:
        """Whether the site runs what the hub wants."""
        return self.wanted > 0 and self.running == self.wanted


def on_site(session: Session, agent_id: uuid.UUID) -> OnSite | None:
    """The rules of a site; None where it has no key and cannot be sent any."""
    of = SiteRules
    columns = (of.epoch, of.made_at, of.rules, of.running, of.running_at, of.refusal)
    told = select(*columns).where(of.agent_id == agent_id, of.key_made_at.is_not(None))
    row = session.execute(told).one_or_none()
    if row is None:
        return None
    listed = (
        select(AlertRule, Tag.name)
        .join(Tag, Tag.id == AlertRule.tag_id)
        .where(
            Tag.agent_id == agent_id,
            AlertRule.enabled,
            AlertRule.advisory.is_(False),
            AlertRule.faulted_at.is_(None),
            AlertRule.kind.in_([kind for kind in EVALUATED if kind != "expression"]),
        )
        .order_by(func.lower(AlertRule.name), AlertRule.id)
    )
    found = tuple((rule, tag) for rule, tag in session.execute(listed))
    return OnSite(*row, found)


def agent_rows(session: Session, now: datetime, *where: Any) -> list[AgentRow]:
    """Agents by name; those that report to anyone first, revoked ones last."""
    proofs = {proof.agent_id: proof for proof in completeness(session, revoked=True)}
    listed = (
        select(Agent, Well.name)
        .outerjoin(Well, Well.id == Agent.well_id)
        .where(*where)
        .order_by(Agent.revoked_at.is_not(None), Agent.name)
    )
    tags = _tags(session)
    return [
        _row(agent, well, proofs[agent.id], tags.get(agent.id, (0, 0)), now)
        for agent, well in session.execute(listed)
        if agent.id in proofs
    ]


def _row(
    agent: Agent, well: str | None, proof: AgentCompleteness, tags: tuple[int, int], now: datetime
) -> AgentRow:
    gone = agent.revoked_at is not None
    return AgentRow(
        agent.id,
        agent.name,
        well,
        agent.online,
        not gone and is_silent(agent.heard_at, now, online=agent.online),
        agent.revoked_at,
        agent.status_at,
        agent.software,
        agent.clock,
        agent.clock_skew_ms,
        agent.config_epoch,
        tags[0],
        tags[1],
        proof,
    )


def _tags(session: Session) -> dict[uuid.UUID, tuple[int, int]]:
    """How many tags each agent's current configuration has, and how many nobody has linked."""
    unlinked = func.count().filter(Tag.well_id.is_(None), Tag.equipment_id.is_(None))
    listed = (
        select(Agent.id, func.count(), unlinked)
        .join(
            ConfigEpochTag,
            (ConfigEpochTag.agent_id == Agent.id) & (ConfigEpochTag.epoch == Agent.config_epoch),
        )
        .join(Tag, Tag.id == ConfigEpochTag.tag_id)
        .group_by(Agent.id)
    )
    return {agent: (total, open_) for agent, total, open_ in session.execute(listed)}


def epochs(session: Session, agent_id: uuid.UUID) -> list[Epoch]:
    """The newest configurations of an agent."""
    tags = (
        select(func.count())
        .where(ConfigEpochTag.agent_id == agent_id, ConfigEpochTag.epoch == ConfigEpoch.epoch)
        .scalar_subquery()
    )
    listed = (
        select(ConfigEpoch.epoch, ConfigEpoch.declared_at, tags)
        .where(ConfigEpoch.agent_id == agent_id)
        .order_by(ConfigEpoch.epoch.desc())
        .limit(EPOCHS_SHOWN)
    )
    return [Epoch(*row) for row in session.execute(listed)]


def happenings(session: Session, agent_id: uuid.UUID) -> list[Happening]:
    """The newest events of an agent."""
    listed = (
        select(AgentEvent.at, AgentEvent.kind, AgentEvent.text)
        .where(AgentEvent.agent_id == agent_id)
        .order_by(AgentEvent.at.desc())
        .limit(EVENTS_SHOWN)
    )
    return [Happening(*row) for row in session.execute(listed)]


def linked_by(
    session: Session, tags: Sequence[int]
) -> dict[int, tuple[str | None, datetime | None]]:
    """Who linked each tag, and when."""
    listed = (
        select(Tag.id, User.name, Tag.linked_at)
        .outerjoin(User, User.id == Tag.linked_by)
        .where(Tag.id.in_(tags), Tag.linked_at.is_not(None))
    )
    return {tag: (name, at) for tag, name, at in session.execute(listed)}
