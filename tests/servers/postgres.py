"""PostgreSQL servers, and in them a fresh migrated database in a tenth of a second."""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
import signal
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Engine

from hub.database import DatabaseRole, Tier, connect
from hub.demo.children import Child, start, wait_for
from hub.demo.postgres import free_port, server_user, start_server
from hub.migrate import migrate

FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "256MB",  # it may lie in memory
}
TIMESCALE = {
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",
    "timescaledb.max_background_workers": "16",
    "max_worker_processes": "32",
}
NAMES = itertools.count(1)


@dataclass
class Database:
    """A migrated database of a test's own."""

    admin_url: str
    tier: Tier
    programs: Path | None = None  #: pg_dump and the like of its server, where known
    engines: dict[str, Engine] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The address processes sign in at; the same account may act as every role."""
        return self.admin_url

    def engine(self, role: DatabaseRole) -> Engine:
        """An engine acting as one of the product's roles."""
        if role not in self.engines:
            self.engines[role] = connect(self.admin_url, role)
        return self.engines[role]

    def admin(self) -> psycopg.Connection[Any]:
        """An autocommitting connection of the account that owns the server."""
        return psycopg.connect(self.admin_url, autocommit=True)

    def close(self) -> None:
        """Give its connections back."""
        for engine in self.engines.values():
            engine.dispose()
        self.engines.clear()


@dataclass
class Server:
    """A server in which tests get databases copied from one that was migrated once."""

    url: str  #: of its maintenance database
    programs: Path | None = None
    child: Child | None = None
    templates: dict[str, Tier] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    spares: dict[str, Future[str]] = field(default_factory=dict)
    maker: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    sweeper: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    swept: deque[Future[None]] = field(default_factory=deque)

    def run(self, statement: str, *names: str) -> None:
        """Run one statement in the maintenance database; `{}` stand for identifiers."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def address(self, name: str) -> str:
        """Address of one of its databases."""
        return f"{self.url.rpartition('/')[0]}/{name}"

    def empty(self) -> Database:
        """A database with nothing in it."""
        name = self._new_name()
        self.run("CREATE DATABASE {}", name)
        return Database(self.address(name), Tier.PLAIN, self.programs)

    def fresh(self, prepare: Callable[[str], Tier]) -> Database:
        """A copy of the database that `prepare` (given its address) made once."""
        template = f"wf_{os.getpid()}_{prepare.__name__}"
        if template not in self.templates:
            self.run("CREATE DATABASE {}", template)
            self.made.append(template)
            self.templates[template] = prepare(self.address(template))
            self._close_to_all(template)
        tier = self.templates[template]
        spare = self.spares.pop(template, None)
        name = spare.result() if spare else self._copy(template)
        if tier is Tier.PLAIN:
            self.spares[template] = self.maker.submit(self._copy, template)
        return Database(self.address(name), tier, self.programs)

    def _copy(self, template: str) -> str:
        """Copy a template; the next copy is made while a test works with this one."""
        name = self._new_name()
        self.run("CREATE DATABASE {} TEMPLATE {}", name, template)
        return name

    def drop(self, database: Database) -> None:
        """Remove a database, whoever is still in it; while the next test is already at work."""
        database.close()
        name = database.admin_url.rpartition("/")[2]
        self.swept.append(self.sweeper.submit(self._sweep, name))
        while self.swept and self.swept[0].done():  # what went wrong is told, if a little later
            self.swept.popleft().result()

    def _sweep(self, name: str) -> None:
        self.run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        self.made.remove(name)

    def stop(self) -> None:
        """Remove what was made, and stop the server if it was started here."""
        self.maker.shutdown()
        self.sweeper.shutdown()
        for swept in self.swept:
            swept.result()
        if self.child:
            self.child.stop()
            return
        for name in self.made:
            self.run("ALTER DATABASE {} ALLOW_CONNECTIONS true", name)
            self.run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _new_name(self) -> str:
        name = f"wf_{os.getpid()}_{next(NAMES)}"
        self.made.append(name)
        return name

    def _close_to_all(self, template: str) -> None:
        """Keep TimescaleDB's scheduler out: nothing can be copied while anyone is in it."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(
                    sql.Identifier(template)
                )
            )
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
                [template],
            )


def migrated(address: str) -> Tier:
    """Prepare a template: everything migrated, no rows."""
    return migrate(address, say=lambda _line: None)


def embedded(folder: Path) -> Server:
    """The server of the demo, from its wheel."""
    server = start_server(folder, options=FAST)
    return Server(_maintenance(server.url), server.programs, server.child)


def installed(programs: Path, folder: Path, options: Mapping[str, str]) -> Server:
    """A new server made with programs found on this machine."""
    with _password(folder) as (password, file):
        data = folder / "data"
        flags = ["-U", "wellflow", "-A", "scram-sha-256", "-E", "UTF8", "--no-locale", "--no-sync"]
        done = _launch(
            "initdb",
            [str(programs / "initdb"), "-D", str(data), f"--pwfile={file}", *flags],
            folder,
        )
        done.process.wait(60)
        if done.process.returncode:
            raise RuntimeError(f"initdb failed:\n{done.tail()}")
    port = free_port()
    url = f"postgresql://wellflow:{password}@127.0.0.1:{port}/postgres"
    return Server(url, programs, run_again(programs, folder, port, options))


def run_again(programs: Path, folder: Path, port: int, options: Mapping[str, str]) -> Child:
    """Start the server whose data lie in a folder."""
    settings = FAST | {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "dynamic_shared_memory_type": "mmap",
    }
    words = [w for k, v in (settings | dict(options)).items() for w in ("-c", f"{k}={v}")]
    command = [str(programs / "postgres"), "-D", str(folder / "data"), *words]
    child = _launch("PostgreSQL", command, folder)
    wait_for(lambda: _ready(folder / "data"), child, "ready for connections")
    return child


def _ready(data: Path) -> bool:
    file = data / "postmaster.pid"
    return file.exists() and file.read_text().rstrip().endswith("ready")


def _launch(name: str, command: list[str], folder: Path) -> Child:
    return start(
        name,
        command,
        folder / "server.log",
        environ={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
        cwd=Path("/"),
        user=server_user(),
        stop_signal=signal.SIGINT,
    )


@contextmanager
def _password(folder: Path) -> Iterator[tuple[str, Path]]:
    """A folder of the server's own account, and in it for a moment the password."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    (folder / "data").mkdir(mode=0o700)
    password, file = secrets.token_urlsafe(18), folder / "password"
    file.touch(mode=0o600)
    file.write_text(password)
    if (user := server_user()) is not None:
        os.chown(file, user, user)
        os.chown(folder / "data", user, user)
    yield password, file
    file.unlink()


def debian_programs(version: int) -> Path | None:
    """Programs of a PostgreSQL installed by Debian's packages."""
    found = Path(f"/usr/lib/postgresql/{version}/bin")
    return found if (found / "postgres").exists() else None


def _maintenance(url: str) -> str:
    return f"{url.rpartition('/')[0]}/postgres"


def remove(folder: Path) -> None:
    """Remove what a server left behind."""
    shutil.rmtree(folder, ignore_errors=True)
