"""A real Redis on loopback that keeps nothing on disk."""

from __future__ import annotations

import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from hub.demo.children import Child, start, wait_for
from hub.demo.postgres import free_port


@dataclass
class Redis:
    """A server that can be stopped and started again, empty."""

    folder: Path
    port: int
    child: Child | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        program = shutil.which("redis-server")
        if program is None:
            raise RuntimeError("redis-server is not on the PATH")
        words = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", "/"]
        self.child = start("Redis", [program, *words], self.folder / "redis.log", cwd=Path("/"))
        wait_for(self._answers, self.child, "listening")

    def stop(self) -> None:
        """Stop it; what it held is gone."""
        if self.child:
            self.child.stop()

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


def redis_server(folder: Path) -> Redis:
    """Start a server."""
    server = Redis(folder, free_port())
    server.start()
    return server
