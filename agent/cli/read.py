"""Poll once and print a table of tag, raw, value, unit and quality."""

from __future__ import annotations

import json
from dataclasses import asdict

from agent.cli import Args, Exit
from agent.contract.configfile import fail
from agent.look import look, show
from agent.settings import load


def main(args: Args) -> int:
    """Run the verb; not every tag has a value: exit code 1."""
    settings = load(args.file)
    known = [device.name for device in settings.devices]
    for name in args.device:
        if name not in known:
            fail(str(args.file), f"there is no device {name!r}; there are {', '.join(known)}")
    rows = look(settings, args.device)
    if args.json:
        print(json.dumps([asdict(row) for row in rows]))
    else:
        print(show(rows, {gauge.name: gauge.decimals for gauge in settings.gauges}))
    return Exit.FAILED if any(row.value is None for row in rows) else Exit.DONE
