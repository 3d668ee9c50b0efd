"""A whole installation on loopback whose parts can be killed and started again one by one."""

from __future__ import annotations

import base64
import os
import secrets
import signal
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from hub import agents
from hub.database import connect
from hub.demo import files
from hub.demo.broker import HUB, start_broker
from hub.demo.children import Child, DemoError, start, wait_for
from hub.demo.postgres import Server, free_port, start_server
from hub.demo.smtp import PostOffice
from hub.migrate import migrate
from hub.schema import AlertRule, ContactChannel, Organization, Tag

AGENT = "chaos-pad"
DEVICES, GAUGES = 4, 5
PARTS = ("agent", "ingest", "broker", "work", "database")
RULES = 10  #: on as many counters, each crossing its limit at another moment
FIRST_LIMIT, LIMIT_STEP = 12, 6  #: seconds of counting until the first rule trips, and between two


class Plant:
    """Database, broker, hub, site and agent, with what is needed to judge them afterwards."""

    def __init__(self, folder: Path) -> None:
        """Choose ports that stay the same over every restart."""
        self.folder = folder
        self.ports = {name: free_port() for name in ("database", "broker", "modbus")}
        self.office = PostOffice(folder / "mail")
        self.journal = folder / "served.jsonl"
        self.passwords = {name: secrets.token_urlsafe(12) for name in (HUB, AGENT)}
        self.children: dict[str, Child] = {}
        self.server: Server
        self.owner: Engine
        self._starters: dict[str, Callable[[], None]] = {
            "database": self._start_database,
            "broker": self._start_broker,
            "ingest": lambda: self._start_hub("ingest"),
            "work": lambda: self._start_hub("work"),
            "site": self._start_site,
            "agent": self._start_agent,
        }

    # -------------------------------------------------------------------------- the parts

    def start(self, part: str) -> None:
        """Start one part and wait until it is there."""
        self._starters[part]()

    def kill(self, part: str) -> None:
        """End one part as a power cut would."""
        if part == "database":
            self._kill_database()
            return
        child = self.children.pop(part)
        child.process.kill()
        child.process.wait(10)

    def stop(self, part: str) -> None:
        """End one part in order."""
        if (child := self.children.pop(part, None)) is not None:
            child.stop()

    def end(self) -> None:
        """End everything that runs."""
        for part in [*reversed(self.children)]:
            self.stop(part)
        if hasattr(self, "owner"):
            self.owner.dispose()
        if hasattr(self, "server"):
            self.server.stop()
        self.office.stop()

    def raise_up(self) -> None:
        """Start everything, from the database to the agent, with the rules in force."""
        self.office.start()
        self.start("database")
        migrate(self.server.url, say=lambda _: None)
        self.owner = connect(self.server.url, "owner", pool=2)
        self.organization = self._enrol()
        files.write_private(self.hub_file, self._hub_toml())
        self.agent_file.write_text(self._agent_toml())
        self.site_file.write_text(self._site_toml())
        for part in ("broker", "ingest", "work", "site", "agent"):
            self.start(part)
        self._make_rules()

    @property
    def hub_file(self) -> Path:
        """The hub's settings."""
        return self.folder / "hub.toml"

    @property
    def agent_file(self) -> Path:
        """The agent's settings."""
        return self.folder / "agent.toml"

    @property
    def site_file(self) -> Path:
        """What the site is simulated by."""
        return self.folder / "site.toml"

    def run_hub(self, *words: str) -> Child:
        """Run one verb of wellflow-hub to its end; its words are in the child's log."""
        child = self._python(words[0], ["-m", "hub", "--settings", str(self.hub_file), *words])
        self.children.pop(words[0])
        child.process.wait(120)
        return child

    # ------------------------------------------------------------------------ how they start

    def _start_database(self) -> None:
        for _ in range(40):  # a killed server's sessions need a moment to notice
            try:
                self.server = start_server(self.folder / "db", port=self.ports["database"])
            except DemoError:
                time.sleep(0.25)
            else:
                return
        raise DemoError(f"the database does not come back; see {self.folder / 'db'}")

    def _kill_database(self) -> None:
        pid = self.server.pid
        if pid is None:
            raise DemoError("the database is not a child of this program")
        os.kill(pid, signal.SIGKILL)
        if self.server.child is not None:
            self.server.child.process.wait(10)

    def _start_broker(self) -> None:
        broker = start_broker(self.folder / "broker", self.passwords, port=self.ports["broker"])
        self.children["broker"] = broker.child

    def _start_hub(self, verb: str) -> None:
        self._python(verb, ["-m", "hub", "--settings", str(self.hub_file), verb])

    def _start_site(self) -> None:
        words = ["--site", str(self.site_file), "--journal", str(self.journal)]
        self._python("site", ["-m", "agent", "simulate", str(self.agent_file), *words])

    def _start_agent(self) -> None:
        self._python("agent", ["-m", "agent", "run", str(self.agent_file)])

    def _python(self, name: str, words: list[str]) -> Child:
        environ = {k: v for k, v in os.environ.items() if not k.startswith("WELLFLOW_")}
        environ["WELLFLOW_MQTT_PASSWORD"] = self.passwords[AGENT]
        if name in {"ingest", "work"} or words[1] == "hub":
            environ.pop("WELLFLOW_MQTT_PASSWORD")
        log = self.folder / "logs" / f"{name}.log"
        self.children[name] = start(name, [sys.executable, *words], log, environ=environ)
        return self.children[name]

    # ------------------------------------------------------------------------- their settings

    def _hub_toml(self) -> str:
        url = f"mqtt://{HUB}:{self.passwords[HUB]}@127.0.0.1:{self.ports['broker']}"
        mail = {"host": "127.0.0.1", "port": self.office.port, "security": "none"}
        return files.toml(
            {"database": {"url": self.server.url}, "mqtt": {"url": url}, "mail": mail},
            {"secret_key": base64.b64encode(secrets.token_bytes(32)).decode()},
        )

    def _agent_toml(self) -> str:
        url = f"mqtt://127.0.0.1:{self.ports['broker']}"
        outbox = {"path": str(self.folder / "outbox.db"), "commit_every_s": 0.5, "cut_every_s": 1.0}
        identity = {"name": AGENT, "shard": agents.shard_of(AGENT)}
        text_ = files.toml({"agent": identity, "mqtt": {"url": url}, "outbox": outbox})
        text_ += f'\n[[ports]]\nname = "pad"\nhost = "127.0.0.1"\nport = {self.ports["modbus"]}\n'
        for device in range(1, DEVICES + 1):
            text_ += (
                f'\n[[devices]]\nname = "d{device}"\nport = "pad"\nunit = {device}\n'
                "interval_s = 1\ntimeout_s = 5.0\n"
            )
            for gauge in range(GAUGES):
                text_ += (
                    f'[[devices.gauges]]\nname = "g{gauge}"\naddress = {2 * gauge}\n'
                    'type = "uint32"\nunit = "count"\n'
                )
        return text_

    def _site_toml(self) -> str:
        names = range(1, DEVICES + 1)
        return "".join(f'[[devices]]\nname = "d{n}"\nsource = "count_reads"\n' for n in names)

    # ------------------------------------------------------------------------ the operator

    def _enrol(self) -> uuid.UUID:
        with Session(self.owner) as session, session.begin():
            made = Organization(name="Chaos Oil LLC", slug="chaos")
            session.add(made)
            session.flush()
            session.add(
                ContactChannel(
                    organization_id=made.id,
                    kind="email",
                    address="night@chaos.example",
                    worst_priority=4,
                )
            )
            (self.folder / "broker").mkdir(exist_ok=True)
            enrolment = agents.add(
                session,
                AGENT,
                "chaos",
                accounts_file=self.folder / "broker" / "accounts",
                broker_url="mqtt://127.0.0.1",
            )
            self.passwords[AGENT] = enrolment.password
            return made.id

    def _make_rules(self) -> None:
        """Once the tags are declared: a limit on each of ten counters, each at another count."""
        wait_for(lambda: self._tags() == DEVICES * GAUGES, self.children["agent"], "declaring tags")
        with Session(self.owner) as session, session.begin():
            tags = session.scalars(select(Tag).order_by(Tag.name)).all()
            for number, tag in enumerate(tags[:: len(tags) // RULES][:RULES]):
                limit = FIRST_LIMIT + number * LIMIT_STEP
                level = {"setpoint": limit, "deadband": 0, "on_delay_s": 0, "priority": 2}
                session.add(
                    AlertRule(
                        organization_id=self.organization,
                        name=f"Counter above {limit}",
                        tag_id=tag.id,
                        params={"levels": {"hi": level}},
                        action="Nothing: this is an exercise.",
                    )
                )

    def _tags(self) -> int:
        with self.owner.connect() as connection:
            return int(connection.scalar(select(func.count()).select_from(Tag)) or 0)

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Ask the database as its owner."""
        with self.owner.connect() as connection:
            return [tuple(row) for row in connection.execute(text(sql))]
