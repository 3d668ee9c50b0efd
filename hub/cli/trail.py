"""Verb of the audit trail: audit verify."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from hub.cli.screen import CommandError, Exit, Screen
from hub.database import connect
from hub.settings import load
from hub.trail.verify import INSTALLATION, ChainReport, heads, parse_head, verify


def audit_verify(asked: argparse.Namespace, screen: Screen) -> int:
    """Compute every hash of the trail anew, or print the heads to keep elsewhere."""
    kept = [parse_head(words) for words in asked.kept or ()]
    engine = connect(load(asked.settings).database.admin_url, "owner", pool=1)
    try:
        if asked.head:
            found = heads(engine, asked.organization)
            screen.answer([asdict(head) for head in found], "\n".join(map(str, found)) or "(none)")
            return Exit.DONE
        with screen.progress("Verifying the trail") as tell:
            reports = verify(engine, asked.organization, kept, tell)
    finally:
        engine.dispose()
    if not reports:
        raise CommandError(f"there is no organization {asked.organization!r}")
    sound = all(report.ok for report in reports)
    answer = {"ok": sound, "chains": [_told(report) for report in reports]}
    screen.answer(answer, _in_words(reports, screen))
    return Exit.DONE if sound else Exit.FAILED


def _told(report: ChainReport) -> dict[str, object]:
    return {
        "organization": None if report.slug == INSTALLATION else report.slug,
        "ok": report.ok,
        "entries": report.entries,
        "unsealed": report.unsealed,
        "head": str(report.head) if report.head else None,
        "faults": report.faults,
    }


def _in_words(reports: list[ChainReport], screen: Screen) -> str:
    lines = [
        screen.table(
            {
                "": "ok" if report.ok else "BROKEN",
                "chain": report.slug,
                "entries": report.entries,
                "not sealed yet": report.unsealed,
                "head": report.head.hash[:16] if report.head else None,
            }
            for report in reports
        )
    ]
    lines += [f"{report.slug}: {fault}" for report in reports for fault in report.faults]
    sound = all(report.ok for report in reports)
    closing = "The trail is whole." if sound else "The trail was tampered with, or is not sealed."
    return "\n".join([*lines, screen.paint(closing, "green" if sound else "red")])
