"""Verb `status`: does everything go on that has to, so that somebody would be woken now?"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from sqlalchemy import text

from hub import deadman
from hub.cli.screen import Exit, Screen
from hub.database import connect
from hub.settings import load

_SITES = text(
    """
    SELECT a.name, a.online, s.epoch, s.running, s.refusal
    FROM agents a LEFT JOIN site_rules s ON s.agent_id = a.id
    WHERE a.revoked_at IS NULL ORDER BY a.name
    """
)


def status(asked: argparse.Namespace, screen: Screen) -> int:
    """Show how far every loop has come, the call outside, and which rules the sites run."""
    settings, now = load(asked.settings), datetime.now(UTC)
    engine = connect(settings.database.admin_url, "owner", pool=1)
    try:
        with engine.connect() as connection:
            beats = deadman.beats(connection)
            faults = deadman.faults(connection, now)
            called = deadman.last_call(connection)
            sites = connection.execute(_SITES).all()
    finally:
        engine.dispose()
    loops = [
        {
            "": "OVERDUE" if beat.overdue(now) else "ok",
            "loop": beat.loop,
            "process": beat.process,
            "went on": beat.at,
        }
        for beat in beats
    ]
    said = "never"
    if called is not None:
        said = f"{called.finished_at:%Y-%m-%d %H:%M} UTC, {called.detail}"
    watched = "no address outside is set" if settings.heartbeat_url is None else "the call outside"
    outside = f"{watched}: {said}"
    rows = [{"agent": site.name, "rules": _rules(site)} for site in sites]
    words = [screen.table(loops), "", outside, "", screen.table(rows), "", *faults]
    answer = {
        "ok": not faults,
        "faults": faults,
        "outside": said,
        "loops": [
            {"process": b.process, "loop": b.loop, "at": b.at, "overdue": b.overdue(now)}
            for b in beats
        ],
        "agents": [{"name": site.name, "rules": _rules(site)} for site in sites],
    }
    screen.answer(answer, "\n".join(words).rstrip())
    return Exit.FAILED if faults else Exit.DONE


def _rules(site: object) -> str:
    """Which rules an agent runs, in words."""
    epoch, running = getattr(site, "epoch", None), getattr(site, "running", None)
    if epoch is None:
        return "none: it has no key yet (wellflow-hub agent key)"
    refusal = getattr(site, "refusal", None)
    state = "the newest" if epoch == running and epoch else f"{running or 'none'} of {epoch}"
    return f"{state}; it says: {refusal}" if refusal else state
