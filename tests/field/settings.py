"""Settings of small sites, without a file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from agent.equipment import DeviceSettings, GaugeSettings, PortSettings, TcpPort
from agent.settings import AgentIdentity, AgentSettings, MqttSettings, OutboxSettings

PORT = TcpPort("pad", "127.0.0.1")


def device(unit: int, *, interval_s: float = 1.0, timeout_s: float = 1.0, **more: object):
    return DeviceSettings(
        f"well-{unit}", "pad", unit, interval_s=interval_s, timeout_s=timeout_s, **more
    )


def gauges_at(of: DeviceSettings, addresses: Iterable[int], first: int = 1, **more: object):
    return tuple(
        GaugeSettings(
            number,
            f"{of.name}.g{address}",
            of.name,
            "holding",
            address,
            **({"kind": "uint16", "interval_s": of.interval_s} | more),
        )
        for number, address in enumerate(addresses, first)
    )


def site(
    devices: Iterable[DeviceSettings],
    gauges: Iterable[GaugeSettings],
    ports: tuple[PortSettings, ...] = (PORT,),
) -> AgentSettings:
    return AgentSettings(
        AgentIdentity("pad-7", 7),
        MqttSettings("mqtts://hub.example.com", "pad-7", "hush"),
        OutboxSettings(Path("outbox.db")),
        ports,
        tuple(devices),
        tuple(gauges),
    )


def site_of(*units: int, addresses: Iterable[int] = (0, 1, 2), **more: object) -> AgentSettings:
    """A site where each unit has the same gauges, numbered one after the other."""
    devices = [device(unit, **more) for unit in units]
    addresses = list(addresses)
    gauges = [
        gauge
        for index, its in enumerate(devices)
        for gauge in gauges_at(its, addresses, 1 + index * len(addresses))
    ]
    return site(devices, gauges)
