"""The broker of `deploy/`, with its very configuration and access list; only paths differ."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from hub import broker_accounts
from hub.demo.children import Child, start, wait_for
from hub.demo.postgres import free_port, server_user
from tests.servers.certificates import Authority

DEPLOY = Path(__file__).parents[2] / "deploy" / "mosquitto"


@dataclass
class DeployedBroker:
    """A running Mosquitto as `deploy/` sets it up."""

    folder: Path
    port: int
    child: Child
    hub_password: str

    @property
    def accounts(self) -> Path:
        """Its password file."""
        return self.folder / "accounts" / "passwords"

    @property
    def ca_file(self) -> str:
        """The certificate that clients trust."""
        return str(self.folder / "ca.crt")

    def url(self, name: str, password: str) -> str:
        """Address with a sign-in."""
        return f"mqtts://{name}:{password}@localhost:{self.port}"

    def answers(self) -> bool:
        """Whether it takes encrypted connections."""
        context = ssl.create_default_context(cafile=self.ca_file)
        try:
            with socket.create_connection(("localhost", self.port), timeout=1) as plain:
                context.wrap_socket(plain, server_hostname="localhost").close()
        except OSError:
            return False
        return True


def deployed_broker(folder: Path) -> DeployedBroker:
    """Start it in a folder that other accounts may pass."""
    port = free_port()
    text = (DEPLOY / "mosquitto.conf").read_text()
    for ours, theirs in {
        "listener 8883": f"listener {port} localhost",
        "/mosquitto/tls/broker.pem": f"{folder}/server.crt",
        "/mosquitto/tls/broker.key": f"{folder}/server.key",
        "/mosquitto/accounts/": f"{folder}/accounts/",
        "/mosquitto/config/acl": f"{folder}/acl",
        "/mosquitto/data/": f"{folder}/data/",
    }.items():
        assert ours in text, f"{ours} is no longer in mosquitto.conf"
        text = text.replace(ours, theirs)
    for name in ("accounts", "data"):
        (folder / name).mkdir()
    password = broker_accounts.new_password()
    broker_accounts.set_password(folder / "accounts" / "passwords", "hub", password)
    files = Authority.new().server_files() | {
        "acl": (DEPLOY / "acl").read_text(),
        "mosquitto.conf": text,
    }
    for name, content in files.items():
        (folder / name).write_text(content)
    _give_away(folder)
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert program
    command = [program, "-c", str(folder / "mosquitto.conf")]
    child = start("Mosquitto", command, folder / "log", cwd=Path("/"), user=server_user())
    broker = DeployedBroker(folder, port, child, password)
    wait_for(broker.answers, child, "listening")
    return broker


def _give_away(folder: Path) -> None:
    user = server_user()
    if user is None:
        return
    for path in (*folder.rglob("*"),):
        os.chown(path, user, user)
