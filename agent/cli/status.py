"""Print how much waits in the outbox."""

from __future__ import annotations

import json

from agent import runtime
from agent.cli import Args, Exit, complain
from agent.outbox import OutboxError
from agent.screen import table
from agent.settings import load


def main(args: Args) -> int:
    """Run the verb; it may be called beside a running agent."""
    try:
        figures = runtime.status(load(args.file))
    except OutboxError as fault:
        return complain(fault)
    if args.json:
        print(json.dumps(figures))
    else:
        rows = [(name.replace("_", " "), _figure(value)) for name, value in figures.items()]
        print(table(("outbox", "figure"), rows, right=("figure",)))
    return Exit.DONE


def _figure(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
