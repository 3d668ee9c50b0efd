"""Agents join and leave: an account at the broker, a row in the database, a text for their file.

The broker's access list ties every account to the topics that carry its name, so an agent can
speak only for itself. Which organization it belongs to stands in the database alone.

The broker reads its accounts again on SIGHUP; a running one keeps serving meanwhile, and a removed
account is disconnected then. Give `reload_pid` for a broker on this machine; in `deploy/` the
broker watches its file itself.
"""

from __future__ import annotations

import os
import secrets
import signal
import zlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agent.contract.rulebundle import KEY_BYTES, write_key
from agent.contract.wire import SHARDS, valid_agent_name
from hub import broker_accounts
from hub.errors import HubError
from hub.schema import Agent, Organization, SiteRules, Well
from hub.schema.base import uuid7
from hub.seal import seal
from hub.settings import MqttSettings

HUB_ACCOUNT = "hub"  #: the account with which the hub itself signs in
_TEXT = """\
[agent]
name = "{name}"
shard = {shard}
{well}
[mqtt]
url = "{url}"
username = "{name}"
# The password does not belong in this file. Put it into WELLFLOW_MQTT_PASSWORD, or into a file
# that WELLFLOW_MQTT_PASSWORD_FILE names. It is shown only now: {password}
"""
_KEY_TEXT = """
[alarms]
# The key with which the hub signs this agent's rules does not belong in this file either. Put it
# into WELLFLOW_ALARMS_KEY, or into a file that WELLFLOW_ALARMS_KEY_FILE names. It is shown only
# now: {key}
"""


class AgentError(HubError):
    """An agent cannot be added or revoked."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a new agent needs to know; the password is kept nowhere else."""

    name: str
    shard: int
    password: str
    toml: str  #: goes into the agent's file
    alarm_key: str = ""  #: checks the rules that the hub signs for it


def shard_of(name: str) -> int:
    """The shard of an agent: the same for ever, spread evenly."""
    return zlib.crc32(name.encode()) % SHARDS


def public_url(settings: MqttSettings) -> str:
    """The broker's address as the hub knows it, without the hub's own account."""
    parts = urlsplit(settings.url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}"


def add(
    session: Session,
    name: str,
    organization: str,
    *,
    accounts_file: str | Path | None,
    broker_url: str,
    well: str | None = None,
    reload_pid: int | None = None,
    secret_key: bytes | None = None,
) -> Enrolment:
    """Enrol an agent for an organization (its slug), at a well (its name) if given.

    `session` acts as the owner; nothing is kept unless it commits. With `secret_key`, which seals
    it, the agent gets a key of its own for the rules it shall run. Raises `AgentError` when the
    name is not possible or taken, or organization or well are not known, and `AccountsError` when
    the broker's file cannot be written.
    """
    _check_name(session, name)
    if not accounts_file:
        raise AgentError(
            "the broker's password file is not known; name it in mqtt.accounts_file "
            "(WELLFLOW_MQTT_ACCOUNTS_FILE)"
        )
    owner = _organization(session, organization)
    place = _well(session, owner, well) if well else None
    shard, password = shard_of(name), broker_accounts.new_password()
    made = Agent(
        organization_id=owner.id, name=name, shard=shard, well_id=place.id if place else None
    )
    session.add(made)
    session.flush()
    alarm_key = "" if secret_key is None else _new_alarm_key(session, made, secret_key)
    broker_accounts.set_password(Path(accounts_file), name, password)
    reload_broker(reload_pid)
    told = _text(name, shard, broker_url, password, place)
    told += _KEY_TEXT.format(key=alarm_key) if alarm_key else ""
    return Enrolment(name, shard, password, told, alarm_key)


def renew_key(session: Session, name: str, secret_key: bytes) -> str:
    """Give an agent a new key for its rules, and gives that key; the former one ends with it.

    Until the new one is in the agent's file it refuses newer rules and runs those it has. Raises
    `AgentError` when there is no such agent.
    """
    agent = session.scalar(select(Agent).where(Agent.name == name, Agent.revoked_at.is_(None)))
    if agent is None:
        raise AgentError(f"there is no agent {name!r}, or it was revoked")
    return _new_alarm_key(session, agent, secret_key)


def _new_alarm_key(session: Session, agent: Agent, secret_key: bytes) -> str:
    row = session.scalar(
        select(SiteRules).where(SiteRules.agent_id == agent.id).with_for_update()
    ) or SiteRules(id=uuid7(), organization_id=agent.organization_id, agent_id=agent.id)
    key = secrets.token_bytes(KEY_BYTES)
    row.alarm_key = seal(secret_key, key, "site_rules", row.id)
    row.key_made_at = func.now()
    row.fingerprint = ""  # signed anew
    session.add(row)
    session.flush()
    return write_key(key)


def revoke(
    session: Session,
    name: str,
    *,
    accounts_file: str | Path | None,
    reload_pid: int | None = None,
) -> None:
    """End an agent's account; its rows stay, its name is never used again.

    The hub refuses its messages within seconds, whatever the broker does. Raises `AgentError`
    when there is no such agent, or it was revoked before.
    """
    agent = session.scalar(select(Agent).where(Agent.name == name).with_for_update())
    if agent is None:
        raise AgentError(f"there is no agent {name!r}")
    if agent.revoked_at is not None:
        raise AgentError(f"agent {name!r} was revoked at {agent.revoked_at:%Y-%m-%d %H:%M} UTC")
    agent.revoked_at = func.now()
    agent.online = False
    session.flush()
    if accounts_file:
        broker_accounts.remove(Path(accounts_file), name)
        reload_broker(reload_pid)


def reload_broker(pid: int | None) -> None:
    """Let a broker on this machine read its accounts again; raises `AgentError`."""
    if pid is None:
        return
    try:
        os.kill(pid, signal.SIGHUP)
    except OSError as fault:
        raise AgentError(f"the broker (process {pid}) does not take a signal: {fault}") from fault


def _check_name(session: Session, name: str) -> None:
    if not valid_agent_name(name):
        raise AgentError(
            f"{name!r} cannot be an agent's name; use 2 to 63 small letters, digits, '.', '_', "
            "'-', beginning with a letter or digit"
        )
    if name == HUB_ACCOUNT:
        raise AgentError(f"{name!r} is the hub's own account; choose another name")
    if session.scalar(select(Agent.id).where(Agent.name == name)):
        raise AgentError(f"agent {name!r} exists already, or did; names are never used again")


def _organization(session: Session, slug: str) -> Organization:
    found = session.scalar(select(Organization).where(Organization.slug == slug))
    if found is None:
        known = ", ".join(session.scalars(select(Organization.slug).order_by(Organization.slug)))
        raise AgentError(f"there is no organization {slug!r}; there are: {known or 'none yet'}")
    if found.closed_at is not None:
        raise AgentError(f"organization {slug!r} is closed")
    return found


def _well(session: Session, owner: Organization, name: str) -> Well:
    found = session.scalar(
        select(Well).where(
            Well.organization_id == owner.id, func.lower(Well.name) == func.lower(name)
        )
    )
    if found is None:
        raise AgentError(f"{owner.name} has no well {name!r}; add it in the console first")
    return found


def _text(name: str, shard: int, url: str, password: str, place: Well | None) -> str:
    well = f'well = "{_escaped(place.name)}"\n' if place else ""
    return _TEXT.format(name=name, shard=shard, well=well, url=url, password=password)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
