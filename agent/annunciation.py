"""How a site is told of its alarms, as agent.toml describes it: horn, beacon, button, command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agent.contract.configfile import Section
from agent.contract.rulebundle import read_key
from agent.equipment import GaugeSettings, PortSettings

When = Literal["always", "alone"]
OutputTable = Literal["coil", "holding"]


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """A coil or register that sounds or lights something."""

    name: str  #: horn, which stops when somebody acknowledges; beacon, which stays on
    port: str
    unit: int
    table: OutputTable
    address: int  #: on the wire, from 0
    on: int = 1  #: what is written into a register
    off: int = 0
    priority: int = 2  #: for alarms of this priority and worse
    when: When = "always"  #: alone: only while neither hub nor link is heard


@dataclass(frozen=True, slots=True)
class AlarmSettings:
    """Rules on site: the key that signs them, and how people there are told."""

    key: bytes | None = None
    silent_after_s: float = 120.0  #: without a word of the hub for longer, the site is alone
    acknowledge: str | None = None  #: tag of a button: 1 acknowledges
    command: Path | None = None  #: run for each alarm of priority 1 or 2 while alone
    outputs: tuple[OutputSettings, ...] = ()


def read(
    section: Section,
    folder: Path,
    ports: tuple[PortSettings, ...],
    gauges: tuple[GaugeSettings, ...],
) -> AlarmSettings:
    """Read ``[alarms]``; notes faults and goes on."""
    acknowledge, command = section.optional("acknowledge"), section.optional("command")
    if acknowledge is not None and acknowledge not in {gauge.name for gauge in gauges}:
        section.fault("acknowledge", f"there is no gauge {acknowledge!r}; write device.gauge")
    names = {port.name for port in ports}
    settings = AlarmSettings(
        _key(section),
        section.number("silent_after_s", 120.0, low=30, high=86_400),
        acknowledge,
        None if command is None else folder / command,
        tuple(
            _output(section.section(name), name, names)
            for name in ("horn", "beacon")
            if section.has(name)
        ),
    )
    section.section("horn"), section.section("beacon")  # known names, also where they are not set
    section.done()
    return settings


def _key(section: Section) -> bytes | None:
    text = section.optional("key")
    if not text:
        return None
    try:
        return read_key(text)
    except ValueError as fault:
        section.fault("key", str(fault))
        return None


def _output(section: Section, name: str, ports: set[str]) -> OutputSettings:
    port = section.text("port")
    if port and port not in ports:
        section.fault("port", f"there is no port called {port!r}; describe it in [[ports]]")
    table: OutputTable = (
        "holding"
        if section.text("table", "coil", choices=("coil", "holding")) == "holding"
        else "coil"
    )
    when: When = (
        "alone"
        if section.text("when", "always", choices=("always", "alone")) == "alone"
        else "always"
    )
    settings = OutputSettings(
        name,
        port,
        section.integer("unit", 1, low=0, high=255),
        table,
        section.integer("address", low=0, high=65_535),
        section.integer("on", 1, low=0, high=65_535),
        section.integer("off", 0, low=0, high=65_535),
        section.integer("priority", 2, low=1, high=4),
        when,
    )
    section.done()
    return settings
