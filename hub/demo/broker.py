"""The demo's MQTT broker: Mosquitto where it is installed, else one that comes as a wheel.

Both with accounts and an access list, as in production; only the encryption is left out, because
nothing leaves the machine.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from hub.broker_accounts import hashed
from hub.demo.children import Child, start, wait_for
from hub.demo.postgres import free_port, server_user

HUB = "hub"

MOSQUITTO = """\
listener {port} 127.0.0.1
allow_anonymous false
password_file {folder}/accounts
acl_file {folder}/acl
persistence true
persistence_location {folder}/data/
autosave_interval 5
max_queued_messages 0
max_inflight_messages 0
max_packet_size 262144
set_tcp_nodelay true
log_dest stderr
log_type error
log_type warning
log_type notice
"""

ACCESS = f"""\
user {HUB}
topic readwrite wf/#

pattern write wf/1/+/%u/st
pattern write wf/1/+/%u/up/+
pattern read wf/1/+/%u/dn/+
pattern read wf/1/hub/+
"""


@dataclass(frozen=True, slots=True)
class Broker:
    """A running broker: which one, where, and its process."""

    kind: str
    port: int
    child: Child

    def url(self, name: str, password: str) -> str:
        """Address with one account's sign-in."""
        return f"mqtt://{name}:{password}@127.0.0.1:{self.port}"


def start_broker(state: Path, accounts: Mapping[str, str], *, port: int | None = None) -> Broker:
    """Start a broker on loopback that knows these accounts (name -> password).

    Every account but "hub" may use only the topics that carry its own name. Raises `DemoError`.
    """
    state.mkdir(parents=True, exist_ok=True)
    chosen = port or free_port()
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program:
        kind, child = "Mosquitto", _start_mosquitto(program, state, accounts, chosen)
    else:
        kind, child = "amqtt", _start_amqtt(state, accounts, chosen)
    wait_for(lambda: _answers(chosen), child, "listening")
    return Broker(kind, chosen, child)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _start_mosquitto(program: str, state: Path, accounts: Mapping[str, str], port: int) -> Child:
    (state / "data").mkdir(exist_ok=True)
    lines = [f"{name}:{hashed(password)}\n" for name, password in accounts.items()]
    _write(state / "accounts", "".join(lines))
    _write(state / "acl", ACCESS)
    _write(state / "mosquitto.conf", MOSQUITTO.format(port=port, folder=state))
    if (user := server_user()) is not None:
        for path in (state / "data", *state.glob("data/*")):
            os.chown(path, user, user)
    command = [program, "-c", str(state / "mosquitto.conf")]
    return start("Mosquitto", command, state / "broker.log", cwd=Path("/"), user=server_user())


def _write(path: Path, text: str) -> None:
    """Write a file that only the broker's account can read."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)
    if (user := server_user()) is not None:
        os.chown(path, user, user)


def _start_amqtt(state: Path, accounts: Mapping[str, str], port: int) -> Child:
    hasher = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1)
    lines = [f"{name}:{hasher.hash(password)}\n" for name, password in accounts.items()]
    (state / "accounts-amqtt").touch(mode=0o600)
    (state / "accounts-amqtt").write_text("".join(lines))
    config = state / "amqtt.json"
    config.write_text(json.dumps(_amqtt_config(state / "accounts-amqtt", accounts, port)))
    command = [sys.executable, "-m", "hub.demo.broker", str(config)]
    return start("amqtt", command, state / "broker.log")


def _amqtt_config(accounts_file: Path, accounts: Mapping[str, str], port: int) -> dict[str, Any]:
    own = {name: [f"wf/1/+/{name}/#", "wf/1/hub/+"] for name in accounts if name != HUB}
    allowed = own | {HUB: ["wf/#"]}
    return {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {
            "amqtt.plugins.authentication.FileAuthPlugin": {"password_file": str(accounts_file)},
            "amqtt.plugins.topic_checking.TopicAccessControlListPlugin": {
                "acl": allowed,
                "publish_acl": allowed,
            },
        },
    }


async def _serve_amqtt(config: dict[str, Any]) -> None:
    from amqtt.broker import Broker as AmqttBroker  # noqa: PLC0415 - only where nothing better is

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    broker = AmqttBroker(config)
    await broker.start()
    await stop.wait()
    await broker.shutdown()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(_serve_amqtt(json.loads(Path(sys.argv[1]).read_text())))
