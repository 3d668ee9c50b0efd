"""The part of agent.toml that says what stands at the site: ports, devices, gauges, profiles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agent import bustime, gaugeplan, profiles
from agent.contract.configfile import Section
from agent.equipment import (
    MAX_BITS,
    MAX_REGISTERS,
    PARITIES,
    TABLES,
    DeviceSettings,
    GaugeSettings,
    Hole,
    PortSettings,
    SerialPort,
    TcpPort,
)
from agent.planner import Request, plan

_BROADCAST, _HIGHEST_UNIT, _TCP_ITSELF = 0, 247, 255


@dataclass(frozen=True, slots=True)
class SitePlan:
    """Ports, devices and gauges, in the order of the file."""

    ports: tuple[PortSettings, ...]
    devices: tuple[DeviceSettings, ...]
    gauges: tuple[GaugeSettings, ...]


def read(root: Section, folder: Path) -> SitePlan:
    """Read ``[[ports]]`` and ``[[devices]]`` with their gauges; notes faults and goes on."""
    port_sections = list(root.sections("ports"))
    ports = tuple(_port(section) for section in port_sections)
    _refuse_twice(port_sections, [port.name for port in ports], "port")
    _refuse_shared_endpoints(port_sections, ports)
    by_name = {port.name: port for port in ports}

    device_sections = list(root.sections("devices"))
    devices: list[DeviceSettings] = []
    gauges: list[GaugeSettings] = []
    for section in device_sections:
        device, its_gauges = _device(section, by_name, folder, first_number=len(gauges) + 1)
        devices.append(device)
        gauges.extend(its_gauges)
    _refuse_twice(device_sections, [device.name for device in devices], "device")
    if not devices:
        root.fault("devices", "there is none; describe each device in a [[devices]] table")
    site = SitePlan(ports, tuple(devices), tuple(gauges))
    if not root.file.faults:
        _refuse_slow_lines(port_sections, site)
    return site


def _refuse_twice(sections: list[Section], names: list[str], what: str) -> None:
    seen = Counter[str]()
    for section, name in zip(sections, names, strict=True):
        if name and seen[name]:
            section.fault("name", f"there is already a {what} called {name!r}")
        seen[name] += 1


# ------------------------------------------------------------------------------------- ports


def _port(section: Section) -> PortSettings:
    name = gaugeplan.name_of(section, "port")
    kind = section.text("type", "tcp", choices=("tcp", "rtu", "rtu-over-tcp"))
    pause = section.number("pause_ms", 0.0, low=0, high=10_000)
    port: PortSettings
    if kind == "rtu":
        port = SerialPort(
            name,
            section.text("serial"),
            section.integer("baud", 9600, low=300, high=4_000_000),
            gaugeplan.choose(section, "parity", PARITIES, "none"),
            section.integer("stop_bits", 1, low=1, high=2),
            section.flag("echo", False),
            pause,
        )
    else:
        port = TcpPort(
            name,
            section.text("host"),
            section.integer("port", 502, low=1, high=65535),
            kind == "rtu-over-tcp",
            section.number("connect_timeout_s", 3.0, low=0.1, high=60),
            pause,
        )
    section.done()
    return port


def _refuse_shared_endpoints(sections: list[Section], ports: tuple[PortSettings, ...]) -> None:
    owners: dict[str, str] = {}
    for section, port in zip(sections, ports, strict=True):
        owner = owners.setdefault(port.endpoint, port.name)
        if owner != port.name and port.endpoint.strip(":"):
            key = "serial" if isinstance(port, SerialPort) else "host"
            section.fault(
                key, f"{port.endpoint} is port {owner!r} already; let both devices name that port"
            )


def _refuse_slow_lines(sections: list[Section], site: SitePlan) -> None:
    for section, port in zip(sections, site.ports, strict=True):
        if not isinstance(port, SerialPort):
            continue
        asked = list(rounds(site, port.name))
        share = bustime.load(asked, port)
        if share > 1:
            shortest = min(interval for interval, _ in asked)
            section.fault(
                "baud" if section.has("baud") else "name",
                f"this bus cannot meet {shortest:g} s: it needs {share * shortest:.1f} s at"
                f" {port.baud} baud; raise interval_s or baud, or read fewer registers",
            )


def rounds(site: SitePlan, port: str) -> Iterator[tuple[float, tuple[Request, ...]]]:
    """What is asked on a port: each interval of each device, with its requests."""
    for device in site.devices:
        if device.port != port:
            continue
        gauges = [gauge for gauge in site.gauges if gauge.device == device.name]
        for interval in {gauge.interval_s for gauge in gauges}:
            yield interval, plan((g for g in gauges if g.interval_s == interval), device)


# ----------------------------------------------------------------------------------- devices


def _device(
    section: Section, ports: dict[str, PortSettings], folder: Path, *, first_number: int
) -> tuple[DeviceSettings, list[GaugeSettings]]:
    section, gauge_sections = profiles.unfold(section, folder)
    name = gaugeplan.name_of(section, "device")
    port = section.text("port")
    if port and port not in ports:
        known = ", ".join(ports) or "none"
        section.fault("port", f"there is no port called {port!r}; there are: {known}")
    device = DeviceSettings(
        name,
        port,
        _unit(section, ports.get(port)),
        section.number("interval_s", 10.0, low=0.1, high=86_400),
        section.number("timeout_s", 1.0, low=0.02, high=60),
        section.integer("max_registers", MAX_REGISTERS, low=4, high=MAX_REGISTERS),
        section.integer("max_bits", MAX_BITS, low=1, high=MAX_BITS),
        section.integer("max_gap", 16, low=0, high=MAX_REGISTERS),
        tuple(_hole(hole) for hole in section.sections("holes")),
        section.optional("profile"),
    )
    gauges = gaugeplan.read(section, gauge_sections, device, first_number)
    section.done()
    return device, gauges


def _unit(section: Section, port: PortSettings | None) -> int:
    unit = section.integer("unit", low=_BROADCAST)
    if isinstance(port, SerialPort) and unit == _BROADCAST and section.has("unit"):
        section.fault("unit", "0 calls every unit on a serial line and none answers; use 1 to 247")
    elif unit > _HIGHEST_UNIT and not (unit == _TCP_ITSELF and isinstance(port, TcpPort)):
        section.fault("unit", f"{unit} is not between 0 and 247")
    return unit


def _hole(section: Section) -> Hole:
    hole = Hole(
        gaugeplan.choose(section, "table", TABLES, "holding"),
        section.integer("first", low=0, high=65_535),
        section.integer("last", low=0, high=65_535),
    )
    if hole.last < hole.first:
        section.fault("last", "lies below first")
    section.done()
    return hole
