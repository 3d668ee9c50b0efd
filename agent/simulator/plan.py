"""site.toml: what each device of an agent's settings is simulated by.

Without a file every device gets what suits its gauges: a rod pump, a tank, or a wave. ::

    speed = 10            # times faster than real
    at_end = "hold"       # or "loop": what a recording does when it is over

    [[devices]]
    name = "bravo-1h"
    source = "recording"
    recording = "class2_WELL-00003_20180206182917"
    start_s = 400
    [devices.values]
    tubing_pressure = "P-TPT"      # gauge = column; units are converted

    [[devices]]
    name = "bravo-2h"
    source = "rod_pump"            # or tank, wave, count_reads, count_seconds

    [[devices]]
    name = "battery"
    source = "tank"
    strict = true                  # registers between gauges do not exist
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agent.contract.configfile import ConfigFile, Section
from agent.equipment import DeviceSettings, GaugeSettings
from agent.gaugeplan import choose
from agent.settings import AgentSettings
from agent.simulator import recording
from agent.simulator.models import RodPump, StockTank
from agent.simulator.recording import Recording, Replay
from agent.simulator.sources import CountReads, CountSeconds, Source, Wave, short_name

SOURCES = ("recording", "rod_pump", "tank", "wave", "count_reads", "count_seconds")


@dataclass(frozen=True, slots=True)
class SimulatedDevice:
    """What a device is simulated by."""

    source: str = "wave"
    strict: bool = False
    recording: Path | None = None
    start_s: float = 0.0
    values: Mapping[str, str] = field(default_factory=dict)  #: gauge -> column of the recording


@dataclass(frozen=True, slots=True)
class SitePlan:
    """How a site is simulated; devices that are not named get what suits them."""

    speed: float = 1.0
    loop: bool = True  #: a recording that is over begins again
    devices: Mapping[str, SimulatedDevice] = field(default_factory=dict)


def default_plan(settings: AgentSettings) -> SitePlan:
    """A rod pump, a tank or a wave for each device, by the names of its gauges."""
    return SitePlan(
        devices={
            device.name: SimulatedDevice(_suitable(settings.gauges_of(device.name)))
            for device in settings.devices
        }
    )


def _suitable(gauges: tuple[GaugeSettings, ...]) -> str:
    names = {short_name(gauge) for gauge in gauges}
    if names & {"spm", "pump_fillage"}:
        return "rod_pump"
    return "tank" if "oil_level" in names else "wave"


def read_plan(path: Path, settings: AgentSettings) -> SitePlan:
    """Read a site file; raises `ConfigError` with every fault."""
    file = ConfigFile.load(path, {})
    root = file.root()
    devices = dict(default_plan(settings).devices)
    for section in root.sections("devices"):
        name = section.text("name")
        if name in devices:
            devices[name] = _device(section, settings.gauges_of(name), path.parent)
        elif name:
            known = ", ".join(devices)
            section.fault("name", f"the agent has no device called {name!r}; it has {known}")
    plan = SitePlan(
        root.number("speed", 1.0, low=0.001, high=100_000),
        choose(root, "at_end", ("loop", "hold"), "loop") == "loop",
        devices,
    )
    root.done()
    file.finish()
    return plan


def _device(section: Section, gauges: tuple[GaugeSettings, ...], folder: Path) -> SimulatedDevice:
    source = choose(section, "source", SOURCES)
    strict = section.flag("strict", False)
    path, start_s, values = None, 0.0, dict[str, str]()
    if source == "recording":
        path = _recording(section, folder)
        start_s = section.number("start_s", 0.0, low=0)
        values = _values(section.section("values"), path, gauges)
    section.done()
    return SimulatedDevice(source, strict, path, start_s, values)


def _recording(section: Section, folder: Path) -> Path | None:
    name = section.text("recording")
    path = recording.find(name, folder) if name else None
    if name and path is None:
        known = ", ".join(recording.names())
        section.fault("recording", f"there is no recording {name!r}; those at hand: {known}")
    return path


def _values(
    section: Section, path: Path | None, gauges: tuple[GaugeSettings, ...]
) -> dict[str, str]:
    values = {name: section.text(name) for name in section.names()}
    if path is None:
        return values
    try:
        tape = Recording(path)
    except (OSError, ValueError) as fault:
        section.file.fault(section.path.removesuffix(".values") + ".recording", str(fault))
        return values
    for gauge, sentence in recording.unfit(tape, {short_name(g): g for g in gauges}, values):
        section.fault(gauge, sentence)
    return values


def make_sources(plan: SitePlan, devices: tuple[DeviceSettings, ...]) -> dict[str, Source]:
    """The sources of all devices; a tank fills from the site's pumps."""
    sources: dict[str, Source] = {}
    planned = {device.name: plan.devices.get(device.name, SimulatedDevice()) for device in devices}
    pumps = {
        name: RodPump(seed, fluid_ft=320.0 + 45 * seed, spm=6.4 + 0.6 * (seed % 4))
        for seed, (name, its) in enumerate(planned.items(), 1)
        if its.source == "rod_pump"
    }
    for seed, (name, its) in enumerate(planned.items(), 1):
        if its.source == "rod_pump":
            sources[name] = pumps[name]
        elif its.source == "tank":
            sources[name] = StockTank(seed, pumps.values())
        elif its.source == "recording" and its.recording is not None:
            tape = Recording(its.recording)
            sources[name] = Replay(tape, its.values, start_s=its.start_s, loop=plan.loop)
        else:
            sources[name] = _SIMPLE.get(its.source, Wave)()
    return sources


_SIMPLE: Mapping[str, type[Wave] | type[CountReads] | type[CountSeconds]] = {
    "wave": Wave,
    "count_reads": CountReads,
    "count_seconds": CountSeconds,
}
