"""Acknowledge what stands at this site, so that the horn stops and the office knows."""

from __future__ import annotations

import getpass
import json
import sqlite3
import time
from contextlib import closing

from agent.cli import Args, Exit, complain
from agent.settings import load

PATIENCE_S = 10.0


def main(args: Args) -> int:
    """Run the verb beside a running agent."""
    path = load(args.file).outbox.path
    if not path.exists():
        return complain(f"{path}: there is no outbox yet; has the agent ever run?")
    asked = json.dumps({"by": args.by or getpass.getuser(), "note": args.note}).encode()
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=5)) as outbox:
            made = outbox.execute("INSERT INTO asks (body) VALUES (?)", (asked,)).lastrowid
            said = _answer(outbox, made or 0)
    except sqlite3.Error as fault:
        return complain(f"{path}: {fault}; may this account write there?")
    if said is None:
        return complain("no agent answers; it is acknowledged when one runs on this outbox")
    print(said)
    return Exit.DONE


def _answer(outbox: sqlite3.Connection, number: int) -> str | None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        row = outbox.execute("SELECT said FROM asks WHERE id = ?", (number,)).fetchone()
        if row is not None and row[0] is not None:
            return str(row[0])
        time.sleep(0.1)
    return None
