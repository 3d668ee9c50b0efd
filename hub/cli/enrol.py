"""Verbs `agent add` and `agent revoke`: a box joins, a box leaves."""

from __future__ import annotations

import argparse

from hub import agents
from hub.cli.register import keeper_session
from hub.cli.screen import Exit, Screen
from hub.settings import load


def agent_add(asked: argparse.Namespace, screen: Screen) -> int:
    """Make an agent's account, and show what goes into its file."""
    settings = load(asked.settings)
    with keeper_session(settings) as session:
        made = agents.add(
            session,
            asked.name,
            asked.organization,
            accounts_file=asked.accounts_file or settings.mqtt.accounts_file,
            broker_url=asked.broker_url or agents.public_url(settings.mqtt),
            well=asked.well,
            reload_pid=asked.reload_pid,
            secret_key=settings.secret_key,
        )
    screen.say(f"Added agent {made.name}. This goes into its file, agent.toml:\n")
    answer = {
        "name": made.name,
        "shard": made.shard,
        "password": made.password,
        "alarms_key": made.alarm_key,
        "toml": made.toml,
    }
    screen.answer(answer, made.toml)
    return Exit.DONE


def agent_key(asked: argparse.Namespace, screen: Screen) -> int:
    """Give an agent a new key for the rules it shall run; the former one ends."""
    settings = load(asked.settings)
    with keeper_session(settings) as session:
        key = agents.renew_key(session, asked.name, settings.secret_key)
    screen.say(f"Put this into WELLFLOW_ALARMS_KEY of agent {asked.name}; it is shown only now:")
    screen.answer({"name": asked.name, "alarms_key": key}, key)
    return Exit.DONE


def agent_revoke(asked: argparse.Namespace, screen: Screen) -> int:
    """End an agent's account; its readings stay, its name is never used again."""
    settings = load(asked.settings)
    with keeper_session(settings) as session:
        agents.revoke(
            session,
            asked.name,
            accounts_file=asked.accounts_file or settings.mqtt.accounts_file,
            reload_pid=asked.reload_pid,
        )
    screen.answer({"name": asked.name, "revoked": True}, f"Revoked agent {asked.name}.")
    return Exit.DONE
