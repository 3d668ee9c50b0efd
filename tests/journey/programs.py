"""The product's real programs as processes, for a journey from a register to a mailbox."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import requests

from hub.demo.children import Child, start, wait_for
from hub.demo.postgres import free_port
from tests.servers.mail import Mailbox
from tests.servers.mosquitto import Mosquitto
from tests.servers.postgres import Database

Found = TypeVar("Found")

SITE = """
at_end = "hold"
[[devices]]
name = "plc"
source = "count_reads"
"""

DEVICE = """
[outbox]
path = "outbox.db"
commit_every_s = 0.2
cut_every_s = 0.5

[[ports]]
name = "pad"
host = "127.0.0.1"
port = {port}

[[devices]]
name = "plc"
port = "pad"
unit = 1
interval_s = 0.2
timeout_s = 5

[[devices.gauges]]
name = "tubing_pressure"
register = 40001
type = "uint32"
unit = "psi"
low = 0
high = 5000
description = "Tubing pressure"
"""


def until(look: Callable[[], Found | None], what: str, patience_s: float = 30.0) -> Found:
    """Wait until something is there, and return it."""
    deadline = time.monotonic() + patience_s
    while (found := look()) is None:
        assert time.monotonic() < deadline, f"{what}: not within {patience_s:.0f} s"
        time.sleep(0.05)
    return found


class Programs:
    """The hub and one agent, started as a keeper would start them."""

    def __init__(
        self, folder: Path, database: Database, broker: Mosquitto, mailbox: Mailbox
    ) -> None:
        self.folder, self.broker = folder, broker
        self.web, self.modbus = free_port(), free_port()
        self.environ = {
            "PATH": os.environ.get("PATH", ""),
            "WELLFLOW_DATABASE_URL": database.url,
            "WELLFLOW_MQTT_URL": broker.url(),
            "WELLFLOW_MQTT_CA_FILE": broker.ca_file or "",
            "WELLFLOW_MQTT_ACCOUNTS_FILE": str(broker.folder / "accounts"),
            "WELLFLOW_MAIL_HOST": "127.0.0.1",
            "WELLFLOW_MAIL_PORT": str(mailbox.port),
            "WELLFLOW_MAIL_SECURITY": "none",
            "WELLFLOW_WEB_PORT": str(self.web),
            "WELLFLOW_SECRET_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        }
        self.agent_environ: dict[str, str] = {"PATH": self.environ["PATH"]}
        self._open = ExitStack()

    @property
    def console_url(self) -> str:
        """Where the console is."""
        return f"http://127.0.0.1:{self.web}"

    @property
    def agent_file(self) -> Path:
        """The agent's settings."""
        return self.folder / "agent.toml"

    @property
    def journal(self) -> Path:
        """What the simulated site served."""
        return self.folder / "served.jsonl"

    def hub(self, *words: str) -> Any:
        """Run one verb of wellflow-hub; its JSON answer."""
        return self._verb(["hub", *words, "--json"], self.environ)

    def agent(self, verb: str) -> Any:
        """Run one reporting verb of wellflow-agent; its JSON answer."""
        return self._verb(["agent", verb, "--json", str(self.agent_file)], self.agent_environ)

    def _verb(self, words: list[str], environ: Mapping[str, str]) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", *words],
            env=dict(environ),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return json.loads(done.stdout)

    def enrol(self, name: str, organization: str, well: str) -> None:
        """Make the agent's account, and its file from what `agent add` prints."""
        assert self.broker.child is not None
        pid = str(self.broker.child.process.pid)
        where = ["--organization", organization, "--well", well, "--reload-pid", pid]
        made = self.hub("agent", "add", name, *where)
        text = re.sub(
            r"^url = .*$", f'\\g<0>\nca_file = "{self.broker.ca_file}"', made["toml"], flags=re.M
        )
        self.agent_file.write_text(text + DEVICE.format(port=self.modbus))
        self.agent_environ["WELLFLOW_MQTT_PASSWORD"] = made["password"]

    def start_hub(self) -> None:
        """Start ingest, work and serve under their supervisor."""
        child = self._start("hub", ["hub", "run"], self.environ)
        wait_for(self._console_answers, child, "serving the console", 60)

    def start_site(self) -> None:
        """Start the Modbus site, which counts how often its register is read."""
        (self.folder / "site.toml").write_text(SITE)
        words = ["agent", "simulate", str(self.agent_file)]
        words += ["--site", str(self.folder / "site.toml"), "--journal", str(self.journal)]
        child = self._start("site", words, self.agent_environ)
        wait_for(lambda: str(self.modbus) in child.tail(), child, "serving")

    def start_agent(self) -> None:
        """Start the agent."""
        self._start("agent", ["agent", "run", str(self.agent_file)], self.agent_environ)

    def _start(self, name: str, words: list[str], environ: Mapping[str, str]) -> Child:
        command = [sys.executable, "-m", *words]
        child = start(name, command, self.folder / f"{name}.log", environ=environ)
        self._open.callback(child.stop)
        return child

    def _console_answers(self) -> bool:
        try:
            return requests.get(f"{self.console_url}/sign-in", timeout=5).ok
        except requests.RequestException:
            return False

    def served(self, value: int) -> dict[str, Any] | None:
        """The journal's line about a value, once it was served."""
        if self.journal.exists():
            for line in self.journal.read_text().splitlines():
                if line.endswith("}") and (found := json.loads(line))["value"] == value:
                    return dict(found)
        return None

    def stop(self) -> None:
        """Stop everything, last first."""
        self._open.close()


class Browser:
    """A person at the console."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()

    def see(self, path: str) -> str:
        """The text of a page."""
        answer = self._session.get(f"{self._url}{path}", timeout=20)
        assert answer.ok, f"{path}: {answer.status_code}"
        return answer.text

    def send(self, path: str, **fields: str) -> str:
        """Send a form; the text of the page that follows."""
        answer = self._session.post(
            f"{self._url}{path}", data=fields, headers={"Origin": self._url}, timeout=20
        )
        assert answer.ok, f"{path}: {answer.status_code} {answer.text.partition('<main')[2][:4000]}"
        return answer.text

    def close(self) -> None:
        """Leave."""
        self._session.close()
