"""Verbs of features: flag list, flag on, flag off, and check for one operator."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from sqlalchemy.orm import Session

from hub import flags
from hub.cli.register import command_line, keeper_session, organization_named
from hub.cli.screen import Exit, Screen
from hub.database import connect, tenant_session
from hub.settings import HubSettings, load

SHOWN = 5


def flag_list(asked: argparse.Namespace, screen: Screen) -> int:
    """List every feature and how it stands for an operator."""
    with keeper_session(load(asked.settings)) as session:
        organization = organization_named(session, asked.organization)
        states = flags.listed(session, organization.id)
    rows = [
        {
            "feature": state.name,
            "state": _state(state),
            "since": state.changed_at,
            "what": state.help,
            "note": state.note,
        }
        for state in states
    ]
    screen.answer(rows, screen.table(rows))
    return Exit.DONE


def _state(state: flags.FlagState) -> str:
    if state.on and state.percent is not None:
        return f"on for {state.percent} % of its people"
    return "on" if state.on else "off"


def flag_on(asked: argparse.Namespace, screen: Screen) -> int:
    """Switch a feature on, once the operator's data is fit for it."""
    settings = load(asked.settings)
    feature = flags.feature_named(asked.feature)
    findings = _findings(settings, asked.organization, [feature])
    if findings and not asked.anyway:
        words = [*_in_words(findings), "Left off. Put this right, or say --anyway."]
        answer = {"feature": feature.name, "on": False, "findings": _told(findings)}
        screen.answer(answer, "\n".join(words))
        return Exit.FAILED
    _switch(settings, asked, on=True)
    answer = {"feature": feature.name, "on": True, "findings": _told(findings)}
    screen.answer(answer, f"{feature.title} is on for {asked.organization}.")
    return Exit.DONE


def flag_off(asked: argparse.Namespace, screen: Screen) -> int:
    """Switch a feature off; what was made with it stays."""
    feature = flags.feature_named(asked.feature)
    _switch(load(asked.settings), asked, on=False)
    screen.answer(
        {"feature": feature.name, "on": False}, f"{feature.title} is off for {asked.organization}."
    )
    return Exit.DONE


def _switch(settings: HubSettings, asked: argparse.Namespace, *, on: bool) -> None:
    with keeper_session(settings) as session:
        organization = organization_named(session, asked.organization)
        percent = asked.percent if on else None
        flags.switch(
            session, organization.id, asked.feature, on=on, percent=percent, note=asked.note
        )


def check_data(asked: argparse.Namespace, screen: Screen) -> int:
    """Tell which of an operator's rows break the rules of its features."""
    wanted = [flags.feature_named(asked.feature)] if asked.feature else list(flags.FEATURES)
    findings = _findings(load(asked.settings), asked.organization, wanted)
    ready = {feature.name: feature.name not in {f.feature for f in findings} for feature in wanted}
    words = _in_words(findings)
    for feature in wanted:
        state = screen.paint("ready", "green") if ready[feature.name] else "not ready yet"
        words.append(f"{feature.title}: {state}")
    screen.answer(
        {"ok": not findings, "ready": ready, "findings": _told(findings)}, "\n".join(words)
    )
    return Exit.FAILED if findings else Exit.DONE


def _findings(settings: HubSettings, slug: str, wanted: list[flags.Feature]) -> list[flags.Finding]:
    """What breaks the rules, asked with the rights of the console: no other operator's rows."""
    with keeper_session(settings) as keeper:
        organization = organization_named(keeper, slug).id
    engine = connect(settings.database.url, "app", pool=1)
    try:
        session: Session
        with tenant_session(engine, organization, command_line()) as session:
            return list(flags.check(session, wanted))
    finally:
        engine.dispose()


def _told(findings: list[flags.Finding]) -> list[dict[str, object]]:
    return [
        asdict(finding) | {"rows": [{"id": str(key), "name": name} for key, name in finding.rows]}
        for finding in findings
    ]


def _in_words(findings: list[flags.Finding]) -> list[str]:
    lines = []
    for finding in findings:
        names = ", ".join(name for _, name in finding.rows[:SHOWN])
        more = f" and {finding.count - SHOWN:,} more" if finding.count > SHOWN else ""
        verb = finding.says if finding.count == 1 else f"each: {finding.says}"
        lines.append(f"{finding.feature}: {names}{more} {verb}; {finding.fix}.")
    return lines
