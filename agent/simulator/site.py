"""A running simulated site: servers, sources, faults and the journal, put together."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from agent.equipment import PortSettings, SerialPort, TcpPort
from agent.settings import AgentSettings
from agent.simulator.faults import FaultBook
from agent.simulator.image import Image, Served
from agent.simulator.journal import Journal
from agent.simulator.plan import SitePlan, default_plan, make_sources
from agent.simulator.server import SerialServer, TcpServer
from agent.simulator.slave import Slave

_LOOK_EVERY_S = 0.2


class Site:
    """Serves the ports of an agent's settings.

    Use it as an asynchronous context manager, or `start` and `stop` it.
    """

    def __init__(
        self,
        settings: AgentSettings,
        plan: SitePlan | None = None,
        *,
        faults: FaultBook | None = None,
        journal: Path | None = None,
        host: str | None = None,
    ) -> None:
        """`host` listens there instead of the hosts in the settings; port 0 takes a free one."""
        self.settings = settings
        self.faults = faults or FaultBook()
        self._plan = plan or default_plan(settings)
        self._journal = None if journal is None else Journal(journal)
        self._began = 0.0
        sources = make_sources(self._plan, settings.devices)
        self._images = [
            Image(
                device,
                settings.gauges_of(device.name),
                sources[device.name],
                strict=device.name in self._plan.devices and self._plan.devices[device.name].strict,
            )
            for device in settings.devices
        ]
        self._servers = {port.name: self._server(port, host) for port in settings.ports}
        self._looking: asyncio.Task[None] | None = None

    def _server(self, port: PortSettings, host: str | None) -> TcpServer | SerialServer:
        images = (image for image in self._images if image.device.port == port.name)
        is_tcp = isinstance(port, TcpPort)
        slave = Slave(images, self.faults, self.seconds, self._note, gateway=is_tcp)
        if isinstance(port, SerialPort):
            return SerialServer(slave, Path(port.path))
        return TcpServer(slave, host or port.host, port.port)

    def seconds(self) -> float:
        """Site time since the start: real time, times the speed."""
        return (asyncio.get_running_loop().time() - self._began) * self._plan.speed

    def addressed(self) -> AgentSettings:
        """The settings with the addresses that are really served."""
        ports: list[PortSettings] = []
        for port in self.settings.ports:
            server = self._servers[port.name]
            if isinstance(port, TcpPort) and isinstance(server, TcpServer):
                port = replace(port, host=server.host, port=server.port)  # noqa: PLW2901
            ports.append(port)
        return replace(self.settings, ports=tuple(ports))

    async def start(self) -> None:
        """Open every port; raises OSError naming the one that cannot be had."""
        self._began = asyncio.get_running_loop().time()
        try:
            for server in self._servers.values():
                await server.start()
        except OSError:
            await self.stop()
            raise
        self._looking = asyncio.create_task(self._look())

    async def stop(self) -> None:
        """Close every port and the journal."""
        if self._looking is not None:
            self._looking.cancel()
        for server in self._servers.values():
            await server.stop()
        if self._journal is not None:
            self._journal.close()

    async def __aenter__(self) -> Site:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _look(self) -> None:
        while True:
            self.faults.look()
            await asyncio.sleep(_LOOK_EVERY_S)

    def _note(self, image: Image, served: Served) -> None:
        if self._journal is not None:
            self._journal.note(image.device, served)
