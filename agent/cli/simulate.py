"""Serve the ports of a file, as if the devices were there."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import replace

from agent.cli import Args, Exit, log_to_stderr, until_interrupted
from agent.settings import AgentSettings, load
from agent.simulator import FaultBook, Site, default_plan, read_plan


def main(args: Args) -> int:
    """Run the verb until told to stop; prints what is served where."""
    settings = load(args.file)
    plan = read_plan(args.site, settings) if args.site else default_plan(settings)
    if args.speed is not None:
        plan = replace(plan, speed=args.speed)
    log_to_stderr(args.log_level)
    site = Site(
        settings, plan, faults=FaultBook(args.control), journal=args.journal, host=args.host
    )
    return until_interrupted(lambda: _serve(site, settings))


async def _serve(site: Site, settings: AgentSettings) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with site:
        for port in site.addressed().ports:
            names = [device.name for device in settings.devices if device.port == port.name]
            print(f"{port.endpoint}: {', '.join(names) or 'no device'}", flush=True)
        await stop.wait()
    return Exit.DONE
