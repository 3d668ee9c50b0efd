"""Verbs that report: audit, quarantine list, quarantine replay."""

from __future__ import annotations

import argparse
import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.audit import AgentReport, Report
from hub.audit import audit as hold_against
from hub.cli.register import keeper_session
from hub.cli.screen import CommandError, Exit, Screen
from hub.database import connect
from hub.ingest.replay import ReplayError, replay_at
from hub.schema import Agent, Organization, Quarantine
from hub.settings import load


def audit(asked: argparse.Namespace, screen: Screen) -> int:
    """Hold what was announced, what the ledger says and what is stored against each other."""
    engine = connect(load(asked.settings).database.admin_url, "owner", pool=1)
    try:
        with screen.busy("Counting every reading"):
            report = hold_against(engine, agent=asked.agent, days=asked.days)
    finally:
        engine.dispose()
    screen.answer(report.to_json(), _in_words(report, screen))
    return Exit.DONE if report.ok else Exit.FAILED


def _in_words(report: Report, screen: Screen) -> str:
    parts = [screen.table(_line(agent) for agent in report.agents)]
    missing = [
        {
            "agent": agent.name,
            "stream": gap.stream[:8],
            "blocks": f"{gap.first} to {gap.last}",
            "cause": gap.cause,
            "readings": gap.readings,
            "from": gap.from_time,
            "to": gap.to_time,
        }
        for agent in report.agents
        for gap in agent.missing
    ]
    if missing:
        parts += ["\nNot here, and why:", screen.table(missing)]
    if report.ok:
        parts.append("\n" + screen.paint("Ledger, streams and readings agree.", "green"))
    else:
        parts += ["\n" + screen.paint("They differ:", "red"), *report.sentences]
    return "\n".join(parts)


def _line(agent: AgentReport) -> dict[str, Any]:
    return {
        "": "ok" if agent.ok else "DIFFERS",
        "agent": agent.name,
        "days": len(agent.days),
        "in the ledger": sum(day.ledgered for day in agent.days),
        "stored": sum(day.stored for day in agent.days),
        "gaps": len(agent.missing),
        "in quarantine": agent.quarantined,
    }


def quarantine_list(asked: argparse.Namespace, screen: Screen) -> int:
    """List what could not be accepted, newest first, with the reason."""
    with keeper_session(load(asked.settings)) as session:
        rows = _quarantined(session, settled=asked.all, limit=asked.limit)
    shown = [{**row, "reason": _short(row["reason"])} for row in rows]
    screen.answer(rows, screen.table(shown))
    return Exit.DONE


def _quarantined(session: Session, *, settled: bool, limit: int) -> list[dict[str, Any]]:
    query = (
        select(
            Quarantine.id,
            Quarantine.received_at,
            Organization.slug.label("organization"),
            Agent.name.label("agent"),
            Quarantine.code,
            Quarantine.reason,
            Quarantine.settlement,
        )
        .outerjoin(Organization, Organization.id == Quarantine.organization_id)
        .outerjoin(Agent, Agent.id == Quarantine.agent_id)
        .order_by(Quarantine.received_at.desc())
        .limit(limit)
    )
    if not settled:
        query = query.where(Quarantine.settled_at.is_(None))
    return [dict(row) for row in session.execute(query).mappings()]


def _short(reason: str) -> str:
    return reason if len(reason) <= 100 else f"{reason[:99]}…"


def quarantine_replay(asked: argparse.Namespace, screen: Screen) -> int:
    """Take quarantined messages in again, after what was wrong has been put right."""
    url = load(asked.settings).database.ingest_url
    results = [_replay(url, word) for word in asked.id]
    words = "\n".join(f"{result['id']}: {result['said']}" for result in results)
    screen.answer(results, words)
    return Exit.DONE if all(result["settled"] for result in results) else Exit.FAILED


def _replay(url: str, word: str) -> Mapping[str, Any]:
    try:
        item = uuid.UUID(word)
    except ValueError as fault:
        raise CommandError(
            f"{word!r} is not an id; `wellflow-hub quarantine list` shows them"
        ) from fault
    try:
        done = replay_at(url, item)
    except ReplayError as fault:
        return {"id": word, "settled": False, "stored": 0, "said": str(fault)}
    return {"id": word, "settled": not done.remaining, "stored": done.stored, "said": str(done)}
