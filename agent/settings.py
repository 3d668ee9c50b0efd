"""agent.toml, environment and secret files -> frozen dataclasses; every fault reported at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from agent import annunciation, siteplan
from agent.annunciation import AlarmSettings, OutputSettings
from agent.contract.configfile import ConfigFile, Fault, Section
from agent.contract.control import DeclaredTag
from agent.contract.wire import SHARDS, valid_agent_name
from agent.equipment import DeviceSettings, GaugeSettings, PortSettings, SerialPort, TcpPort
from agent.form import settings as form_settings
from agent.form.settings import FormSettings

__all__ = [
    "AgentIdentity",
    "AgentSettings",
    "AlarmSettings",
    "DeviceSettings",
    "FormSettings",
    "GaugeSettings",
    "MqttSettings",
    "OutboxSettings",
    "OutputSettings",
    "PortSettings",
    "SerialPort",
    "TcpPort",
    "declared_tags",
    "load",
    "missing_to_run",
]

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class AgentIdentity:
    """Who this agent is: its account at the broker and its place in every topic."""

    name: str
    shard: int
    well: str | None = None


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """The broker, and how this agent proves who it is."""

    url: str  #: mqtts://host:8883, or mqtt:// (plain: loopback or explicit only)
    username: str
    password: str | None
    ca_file: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    allow_plain: bool = False

    @property
    def host(self) -> str:
        """The broker's host name."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The broker's port; 8883 with TLS and 1883 without where the address names none."""
        return urlsplit(self.url).port or (8883 if self.tls else 1883)

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted and the broker's certificate verified."""
        return urlsplit(self.url).scheme == "mqtts"


@dataclass(frozen=True, slots=True)
class OutboxSettings:
    """Where readings wait, how much room they have, and how they are cut into blocks."""

    path: Path
    max_bytes: int = 1024 * _MIB
    keep_receipted_days: float = 7.0
    commit_every_s: float = 1.0
    cut_every_s: float = 5.0
    cut_points: int = 500


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """Everything an agent can be told."""

    agent: AgentIdentity
    mqtt: MqttSettings
    outbox: OutboxSettings
    ports: tuple[PortSettings, ...] = ()
    devices: tuple[DeviceSettings, ...] = ()
    gauges: tuple[GaugeSettings, ...] = ()
    alarms: AlarmSettings = field(default_factory=AlarmSettings)
    form: FormSettings = field(default_factory=FormSettings)

    def gauges_of(self, device: str) -> tuple[GaugeSettings, ...]:
        """The gauges of one device, in the order of the file."""
        return tuple(gauge for gauge in self.gauges if gauge.device == device)


def load(path: Path, environ: Mapping[str, str] | None = None) -> AgentSettings:
    """Read an agent's settings; raises `ConfigError` with every fault.

    Relative paths in the file are taken from the folder of the file.
    """
    file = ConfigFile.load(path, environ)
    root, folder = file.root(), path.parent
    identity = _identity(root.section("agent"))
    mqtt = _mqtt(root.section("mqtt"), identity.name, folder)
    outbox = _outbox(root.section("outbox"), folder)
    site = siteplan.read(root, folder)
    alarms = annunciation.read(root.section("alarms"), folder, site.ports, site.gauges)
    form = form_settings.read(root.section("form"), signed=alarms.key is not None)
    root.done()
    file.finish()
    equipment = (site.ports, site.devices, site.gauges)
    return AgentSettings(identity, mqtt, outbox, *equipment, alarms, form)


def declared_tags(settings: AgentSettings) -> tuple[DeclaredTag, ...]:
    """What the agent declares to the hub: its tags, numbered 1..n in the order of the file."""
    return tuple(
        DeclaredTag(
            gauge.number,
            gauge.name,
            gauge.device,
            gauge.unit,
            round(gauge.interval_s * 1000),
            gauge.description,
            gauge.low,
            gauge.high,
        )
        for gauge in settings.gauges
    )


def missing_to_run(settings: AgentSettings, file: str) -> list[Fault]:
    """Find what `run` needs beyond a sound file: a password or certificate, files that exist."""
    mqtt, faults = settings.mqtt, []
    if mqtt.password is None and mqtt.client_cert is None:
        faults.append(
            Fault(
                file,
                None,
                "mqtt.password",
                "is missing; put it into WELLFLOW_MQTT_PASSWORD, or name a file that holds it"
                " in WELLFLOW_MQTT_PASSWORD_FILE",
            )
        )
    for key in ("ca_file", "client_cert", "client_key"):
        path: Path | None = getattr(mqtt, key)
        if path is not None and not path.is_file():
            faults.append(Fault(file, None, f"mqtt.{key}", f"there is no file {path}"))
    return faults


def _identity(section: Section) -> AgentIdentity:
    name = section.text("name")
    if name and not valid_agent_name(name):
        section.fault(
            "name",
            f"{name!r} cannot be an account at the broker; use 2 to 63 of a-z, 0-9, '-', '_', '.',"
            " starting with a letter or digit",
        )
    identity = AgentIdentity(
        name, section.integer("shard", low=0, high=SHARDS - 1), section.optional("well")
    )
    section.done()
    return identity


def _mqtt(section: Section, agent: str, folder: Path) -> MqttSettings:
    settings = MqttSettings(
        section.text("url"),
        section.text("username", agent),
        section.optional("password"),
        _path(section, "ca_file", folder),
        _path(section, "client_cert", folder),
        _path(section, "client_key", folder),
        section.flag("allow_plain", False),
    )
    if settings.url:
        _check_url(section, settings)
    if settings.username != agent:
        section.fault("username", "must be the agent's name: the broker ties topics to accounts")
    if (settings.client_cert is None) != (settings.client_key is None):
        section.fault("client_key", "client_cert and client_key belong together; give both")
    section.done()
    return settings


def _check_url(section: Section, settings: MqttSettings) -> None:
    try:
        parts = urlsplit(settings.url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        section.fault("url", f"{settings.url!r} is not an address; write mqtts://host:8883")
        return
    if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname or not port_is_fine:
        section.fault("url", f"{settings.url!r} is not a broker's address; write mqtts://host:8883")
    elif parts.username or parts.password:
        section.fault("url", "holds a user or password; use username and WELLFLOW_MQTT_PASSWORD")
    elif not (settings.tls or _is_loopback(parts.hostname) or settings.allow_plain):
        section.fault(
            "url",
            "mqtt:// sends the password in the clear; use mqtts://, or set allow_plain = true",
        )


def _is_loopback(host: str) -> bool:
    return host in {"localhost", "127.0.0.1", "::1"}


def _outbox(section: Section, folder: Path) -> OutboxSettings:
    settings = OutboxSettings(
        folder / section.text("path", "/var/lib/wellflow-agent/outbox.db"),
        section.integer("max_bytes", 1024 * _MIB, low=_MIB),
        section.number("keep_receipted_days", 7.0, low=0),
        section.number("commit_every_s", 1.0, low=0.05, high=10),
        section.number("cut_every_s", 5.0, low=0.1, high=60),
        section.integer("cut_points", 500, low=10, high=5000),
    )
    if settings.cut_every_s < settings.commit_every_s:
        section.fault("cut_every_s", "lies below commit_every_s; nothing is cut before a commit")
    section.done()
    return settings


def _path(section: Section, name: str, folder: Path) -> Path | None:
    text = section.optional(name)
    return None if text is None else folder / text
