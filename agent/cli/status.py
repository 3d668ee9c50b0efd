"""Print how much waits in the outbox."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

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
        site = figures.pop("on_site")
        rows = [_row(name, value) for name, value in figures.items()]
        print(table(("outbox", "figure"), rows, right=("figure",)))
        print(_on_site(site))
    return Exit.DONE


def _on_site(site: dict[str, Any]) -> str:
    """The site's own alarms, a line each."""
    if not site.get("epoch") and not site.get("refused"):
        return "\nalarms here: none; the hub has sent no rules"
    lines = [f"\nalarms here: {site['rules']} rules (number {site['epoch']}), hub {site['hub']}"]
    lines += [f"  {name}: {state}" for name, state in site["outputs"].items()]
    lines += [f"  {site['refused']}"] if site["refused"] else []
    return "\n".join([*lines, *(f"  {one}" for one in site["standing"] or ["nothing stands"])])


def _row(name: str, value: object) -> tuple[str, str]:
    if name.endswith("_ms") and isinstance(value, int):
        moment = datetime.fromtimestamp(value / 1000, UTC)
        return name.removesuffix("_ms").replace("_", " "), f"{moment:%Y-%m-%d %H:%M:%SZ}"
    shown = "none" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
    return name.replace("_", " "), shown
