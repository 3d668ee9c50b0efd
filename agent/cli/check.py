"""Tell every fault of a file, or what it asks of its ports."""

from __future__ import annotations

from agent import bustime
from agent.cli import Args, Exit
from agent.equipment import PortSettings, SerialPort
from agent.screen import paint
from agent.settings import AgentSettings, load
from agent.siteplan import SitePlan, rounds


def main(args: Args) -> int:
    """Run the verb; raises `ConfigError` with every fault."""
    settings = load(args.file)
    tags, devices = len(settings.gauges), len(settings.devices)
    print(f"{args.file}: {paint('fine', 'green')} (tags: {tags}, devices: {devices})")
    for port in settings.ports:
        print(f"  {_load_of(settings, port)}")
    return Exit.DONE


def _load_of(settings: AgentSettings, port: PortSettings) -> str:
    plan = SitePlan(settings.ports, settings.devices, settings.gauges)
    asked = list(rounds(plan, port.name))
    per_second = sum(len(requests) / interval for interval, requests in asked)
    text = f"{port.name} ({port.endpoint}): {per_second:.2g} requests a second"
    if isinstance(port, SerialPort):
        text += f", {bustime.load(asked, port):.0%} of the line's time"
    return text
