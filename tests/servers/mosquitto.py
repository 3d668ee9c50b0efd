"""A real Mosquitto on loopback, with the accounts and the access list of production."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.broker_accounts import hashed
from hub.demo.broker import ACCESS
from hub.demo.children import Child, start, wait_for
from hub.demo.postgres import free_port, server_user
from tests.servers.certificates import Authority

HUB = "hub"
CONFIG = """\
listener {port} 127.0.0.1
allow_anonymous false
password_file {folder}/accounts
acl_file {folder}/acl
persistence true
persistence_location {folder}/data/
autosave_interval 1
max_queued_messages 0
max_inflight_messages 0
max_packet_size 262144
set_tcp_nodelay true
log_dest stderr
"""
TLS = """\
cafile {folder}/ca.crt
certfile {folder}/server.crt
keyfile {folder}/server.key
"""


@dataclass
class Mosquitto:
    """A broker that can be stopped, killed and started again with what it kept."""

    folder: Path
    port: int
    accounts: dict[str, str]  #: name -> password
    tls: Authority | None = None
    child: Child | None = None

    def url(self, name: str = HUB) -> str:
        """Address with an account's sign-in."""
        scheme, host = ("mqtts", "localhost") if self.tls else ("mqtt", "127.0.0.1")
        return f"{scheme}://{name}:{self.accounts[name]}@{host}:{self.port}"

    @property
    def ca_file(self) -> str | None:
        """The certificate that clients trust."""
        return str(self.folder / "ca.crt") if self.tls else None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self._write()
        program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if program is None:
            raise RuntimeError("Mosquitto is not on the PATH")
        self.child = start(
            "Mosquitto",
            [program, "-c", str(self.folder / "mosquitto.conf")],
            self.folder / "broker.log",
            cwd=Path("/"),
            user=server_user(),
        )
        wait_for(self._answers, self.child, "listening")

    def stop(self) -> None:
        """Stop it in order: it writes down what it holds."""
        if self.child:
            self.child.stop()

    def kill(self) -> None:
        """Stop it without warning, as a power cut would."""
        if self.child:
            self.child.process.kill()
            self.child.process.wait(10)

    def allow(self, name: str, password: str) -> None:
        """Add or change an account; a running broker takes it at once."""
        self.accounts[name] = password
        self._write()
        if self.child and self.child.alive:
            os.kill(self.child.process.pid, 1)  # SIGHUP: read the accounts again

    def _write(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        (self.folder / "data").mkdir(exist_ok=True)
        lines = [f"{name}:{hashed(word)}\n" for name, word in self.accounts.items()]
        files = {"accounts": "".join(lines), "acl": ACCESS}
        config = CONFIG.format(port=self.port, folder=self.folder)
        if self.tls:
            config += TLS.format(folder=self.folder)
            files |= self.tls.server_files()
        for name, text in (files | {"mosquitto.conf": config}).items():
            _write_for_server(self.folder / name, text)
        if (user := server_user()) is not None:
            os.chown(self.folder / "data", user, user)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as plain:
                if self.tls:
                    context = ssl.create_default_context(cafile=self.ca_file)
                    context.wrap_socket(plain, server_hostname="localhost").close()
        except OSError:
            return False
        return True


def mosquitto(
    folder: Path, accounts: Mapping[str, str] | None = None, tls: Authority | None = None
) -> Mosquitto:
    """Start a broker that knows the hub and these agents (name -> password)."""
    known = {HUB: "hub-secret"} | dict(accounts or {})
    broker = Mosquitto(folder, free_port(), known, tls)
    broker.start()
    return broker


def _write_for_server(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
    if (user := server_user()) is not None:
        os.chown(path, user, user)
