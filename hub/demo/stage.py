"""Everything the demo runs, started step by step in the order a reading needs it."""

from __future__ import annotations

import base64
import fcntl
import json
import socket
import sys
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import unquote, urlsplit

import requests
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from hub import agents, broker_accounts
from hub.database import connect
from hub.demo import files, operator, seed
from hub.demo.broker import HUB, start_broker
from hub.demo.children import Child, DemoError, end_left_over, start, wait_for
from hub.demo.mailbox import Mailbox
from hub.demo.postgres import free_port, start_server
from hub.demo.smtp import PostOffice
from hub.migrate import migrate
from hub.schema import Agent
from hub.settings import DocumentSettings

SPEED = 10  #: the recordings hold every tenth second, so that one row passes each second
CONSOLE_PORT, MAILBOX_PORT = 8080, 8025
PATIENCE_S = 60.0

#: Told the name of a step when it begins (None), and again with what came of it.
Tell = Callable[[str, str | None], None]


class Stage:
    """What runs and where; `start` raises, `stop` undoes what was started, last first."""

    def __init__(self, state: Path, tell: Tell, environ: Mapping[str, str]) -> None:
        self.state, self._tell, self._environ = state, tell, environ
        self.children: list[Child] = []
        self.console_url = self.database_url = self.mqtt_url = ""
        self.broker_ca = environ.get("WELLFLOW_MQTT_CA_FILE")
        self.organization = uuid.UUID(int=0)
        self._open = ExitStack()
        self.agent_file = state / "agent.toml"
        self.hub_file = state / "hub.toml"
        self.passwords = seed.passwords(state)
        self.office = PostOffice(state / "mail")
        self.mailbox = Mailbox(self.office, port=_port(MAILBOX_PORT))
        self.owner: Engine

    def start(self) -> None:
        """Start everything; raises `DemoError` naming what would not."""
        self._be_alone()
        for name, step in (
            ("database", self._database),
            ("tables", self._tables),
            ("operator", self._operator),
            ("office", self._office),
            ("broker", self._broker),
            ("mailbox", self._mailbox),
            ("hub", self._hub),
            ("well site", self._site),
            ("agent", self._agent),
            ("tags", self._tags),
        ):
            self._tell(name, None)
            self._tell(name, step())

    def stop(self) -> None:
        """Stop everything in the opposite order."""
        self._open.close()

    # ------------------------------------------------------------------------------- steps

    def _database(self) -> str:
        if given := self._environ.get("WELLFLOW_DATABASE_URL"):
            self.database_url = given
            return f"{_without_password(given)} (given)"
        server = start_server(self.state / "postgres")
        self._open.callback(server.stop)
        self.database_url = server.url
        if server.child is not None:
            self._remember(server.child)
        return f"PostgreSQL of its own, {_without_password(server.url)}"

    def _tables(self) -> str:
        said: list[str] = []
        tier = migrate(self.database_url, say=said.append)
        self.owner = connect(self.database_url, "owner", pool=2)
        self._open.callback(self.owner.dispose)
        return f"{tier.title}; {said[-1].lower()}"

    def _operator(self) -> str:
        self.organization = seed.seed(self.owner, self.passwords)
        people = ", ".join(person.name for person in operator.PEOPLE)
        return f"{operator.NAME}: {len(operator.WELLS)} wells; {people}"

    def _office(self) -> str:
        """Fill the operator's tables, as its people would; a second time only what is new."""
        app = connect(self.database_url, "app", pool=1)
        try:
            key = base64.b64decode(files.secret_key(self.state))
            made = seed.furnish(app, self.organization, key, self._documents())
        finally:
            app.dispose()
        return f"decks, bills, revenue, papers; {made} days of wells"

    def _broker(self) -> str:
        """Enrol the agent as in earnest; then start a broker, unless one is given."""
        accounts = self.state / "broker" / "accounts"
        accounts.parent.mkdir(exist_ok=True)
        if given := self._environ.get("WELLFLOW_MQTT_URL"):
            self.mqtt_url = given
            named = self._environ.get("WELLFLOW_MQTT_ACCOUNTS_FILE")
            self._enrol(Path(named) if named else accounts, _without_password(given))
            if not named:  # a broker whose accounts we cannot write: docs/operations.md tells
                word = unquote(urlsplit(given).password or "none")
                files.write_private(self.state / "agent-password", word)
            return f"{_without_password(given)} (given)"
        self._enrol(accounts, "mqtt://127.0.0.1")
        password = files.secret(self.state, "hub-password")
        broker = start_broker(
            accounts.parent, {HUB: password, operator.AGENT: self._agent_password()}
        )
        self._open.callback(broker.child.stop)
        self.children.append(broker.child)
        self._remember(broker.child)
        self.mqtt_url = broker.url(HUB, password)
        return f"{broker.kind}, 127.0.0.1:{broker.port}, an account for each"

    def _mailbox(self) -> str:
        self.office.start()
        self._open.callback(self.office.stop)
        self.mailbox.start()
        self._open.callback(self.mailbox.stop)
        return f"{self.mailbox.url}"

    def _hub(self) -> str:
        port = _port(CONSOLE_PORT)
        self.console_url = f"http://127.0.0.1:{port}"
        files.write_private(self.hub_file, self._hub_toml(port))
        command = ["-m", "hub", "--settings", str(self.hub_file), "run"]
        child = self._run("hub", command, patience_s=30)
        wait_for(self._console_answers, child, "serving the console", PATIENCE_S)
        return "ingest, work, serve"

    def _site(self) -> str:
        (self.state / "site.toml").write_text(files.site_toml(SPEED))
        port = free_port()
        self.agent_file.write_text(self._agent_toml(port))
        site = ["--site", str(self.state / "site.toml")]
        child = self._run("well site", ["-m", "agent", "simulate", str(self.agent_file), *site])
        wait_for(lambda: _answers(port), child, "answering", PATIENCE_S)
        return f"{len(operator.WELLS)} recorded wells over Modbus TCP, {SPEED} times as fast"

    def _agent(self) -> str:
        child = self._run("agent", ["-m", "agent", "run", str(self.agent_file)])
        wait_for(self._is_online, child, "heard by the hub", PATIENCE_S)
        return f"{operator.AGENT} is online"

    def _tags(self) -> str:
        gauges = sum(len(well.gauges) for well in operator.WELLS)
        child = self.children[-1]
        wait_for(lambda: self._link() >= gauges, child, "declaring its tags", PATIENCE_S)
        rules = sum(len(well.rules) for well in operator.WELLS)
        return f"{gauges} gauges linked to their wells, {rules} alarm rules"

    # ------------------------------------------------------------------------- their files

    def _hub_toml(self, port: int) -> str:
        mail = {"host": "127.0.0.1", "port": self.office.port, "security": "none"}
        return files.toml(
            {
                "database": {"url": self.database_url},
                "mqtt": {"url": self.mqtt_url, **self._broker_options()},
                "mail": mail | {"sender": "wellflow@pecanbayou.example"},
                "web": {"port": port},
                "documents": {"path": str(self._documents().path)},
            },
            {"secret_key": files.secret_key(self.state)},
        )

    def _agent_toml(self, port: int) -> str:
        return files.agent_toml(
            name=operator.AGENT,
            shard=agents.shard_of(operator.AGENT),
            mqtt={"url": _without_password(self.mqtt_url), **self._broker_options()},
            outbox=self.state / "agent" / "outbox.db",
            port=port,
        )

    def _documents(self) -> DocumentSettings:
        return DocumentSettings.in_folder(self.state / "documents")

    def _broker_options(self) -> dict[str, object]:
        """What the environment says of a given broker."""
        options: dict[str, object] = {"ca_file": self.broker_ca}
        if self._environ.get("WELLFLOW_MQTT_ALLOW_PLAIN"):
            options["allow_plain"] = True
        return options

    # ----------------------------------------------------------------------------- details

    def _enrol(self, accounts_file: Path, broker_url: str) -> None:
        """Add the agent, once; where its password is not known any more it gets a new one."""
        kept = self.state / "agent-password"
        with Session(self.owner) as session, session.begin():
            if session.scalar(select(Agent.id).where(Agent.name == operator.AGENT)) is None:
                made = agents.add(
                    session,
                    operator.AGENT,
                    operator.SLUG,
                    accounts_file=accounts_file,
                    broker_url=broker_url,
                )
                files.write_private(kept, made.password)
        if not kept.exists():
            files.write_private(kept, broker_accounts.new_password())
            broker_accounts.set_password(accounts_file, operator.AGENT, kept.read_text())

    def _agent_password(self) -> str:
        return (self.state / "agent-password").read_text()

    def _run(self, name: str, words: list[str], *, patience_s: float = 15) -> Child:
        environ = files.plain_environ() | {"WELLFLOW_MQTT_PASSWORD": self._agent_password()}
        log = self.state / "logs" / f"{name.replace(' ', '-')}.log"
        log.unlink(missing_ok=True)
        child = start(name, [sys.executable, *words], log, environ=environ)
        self.children.append(child)
        self._open.callback(child.stop, patience_s)
        self._remember(child)
        return child

    def _remember(self, child: Child) -> None:
        """Write down its process, so that a demo after one that was killed can end it."""
        path = self.state / "running.json"
        known: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
        known[child.name] = child.process.pid
        path.write_text(json.dumps(known))

    def _be_alone(self) -> None:
        lock = self._open.enter_context((self.state / "lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            raise DemoError(
                f"a demo with its data in {self.state} is running already; "
                "stop it, or name another folder with --state"
            ) from fault
        running = self.state / "running.json"
        left: dict[str, int] = json.loads(running.read_text()) if running.exists() else {}
        for name, pid in left.items():
            if name != "PostgreSQL":  # that one is found and used again
                end_left_over(pid, str(self.state))
        self._open.callback(running.unlink, missing_ok=True)
        running.unlink(missing_ok=True)

    def _console_answers(self) -> bool:
        try:
            return requests.get(f"{self.console_url}/sign-in", timeout=5).ok
        except requests.RequestException:
            return False

    def _is_online(self) -> bool:
        with self.owner.connect() as connection:
            return bool(
                connection.scalar(
                    text("SELECT online FROM agents WHERE name = :name"), {"name": operator.AGENT}
                )
            )

    def _link(self) -> int:
        return seed.link(self.owner, self.organization)


def _port(wanted: int) -> int:
    """The wanted port if it is free, else any."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return free_port()
    return wanted


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}"
