"""Fixtures of every room: databases, brokers, a mailbox, and the cast.

`database` is a fresh migrated database on plain PostgreSQL; `tiered` the same on each storage tier
this machine can offer. `cast` fills the `database` with two operators and their people.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import addresses
from tests import cast as people
from tests.intruder import TALLY
from tests.servers import mail, postgres, timescale_apache
from tests.servers.certificates import Authority
from tests.servers.mosquitto import Mosquitto, mosquitto

addresses.compile_once()
DISK, MEMORY = Path("/var/tmp"), Path("/dev/shm")
ROOM = 6 * 2**30  #: bytes of memory that must be free for the servers' databases
#: How many common tests take as long as one marked slow.
SLOW = 30
# The same examples on every machine, however slow: what fails once fails for whoever looks into it.
# WELLFLOW_TEST_EXPLORE=1 draws others at every run.
settings.register_profile(
    "suite",
    deadline=None,
    derandomize=not os.environ.get("WELLFLOW_TEST_EXPLORE"),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("suite")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of several hands what it counted to the one that prints the summary."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["tally"] = TALLY.to_json()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that no worker is left alone with one of them at the end."""
    weight: Counter[Path] = Counter()
    for item in items:
        weight[item.path] += SLOW if item.get_closest_marker("slow") else 1
    items.sort(key=lambda item: -weight[item.path])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add up what the workers counted."""
    TALLY.add(getattr(node, "workeroutput", {}).get("tally", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how often one operator tried to reach another's rows, and what came through."""
    if TALLY.attempts:
        terminalreporter.write_line(str(TALLY))


@contextmanager
def _open_folder(parent: Path, name: str = "tests") -> Iterator[Path]:
    """A new folder whose whole path any account may pass."""
    folder = Path(tempfile.mkdtemp(prefix=f"wellflow-{name}-", dir=parent))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder for servers that do not run as root."""
    with _open_folder(DISK) as folder:
        yield folder


@pytest.fixture(scope="session")
def data_folder(server_folder: Path) -> Iterator[Path]:
    """Where servers keep their databases: in memory where there is room.

    A database of a test's own is some 600 files. On a disk copying them took seven times as long,
    and the suite's databases need not outlive it.
    """
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ROOM:
        yield server_folder
        return
    with _open_folder(MEMORY) as folder:
        yield folder


@pytest.fixture(scope="session")
def plain_server(data_folder: Path) -> Iterator[postgres.Server]:
    """PostgreSQL 18 from the wheel."""
    server = postgres.embedded(data_folder / "plain")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def old_server(data_folder: Path) -> Iterator[postgres.Server]:
    """The oldest PostgreSQL we support, from Debian's packages, without TimescaleDB."""
    programs = postgres.debian_programs(15)
    if programs is None:
        pytest.skip("PostgreSQL 15 is not installed (apt install postgresql-15)")
    server = postgres.installed(programs, data_folder / "old", {})
    yield server
    server.stop()


@pytest.fixture(scope="session")
def apache_server(data_folder: Path) -> Iterator[postgres.Server]:
    """TimescaleDB's Apache edition, from Debian's packages in a private folder."""
    programs = timescale_apache.programs()
    if isinstance(programs, str):
        pytest.skip(programs)
    server = postgres.installed(programs, data_folder / "apache", postgres.TIMESCALE)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def community_server() -> Iterator[postgres.Server]:
    """The TimescaleDB Community server that WELLFLOW_TEST_COMMUNITY_URL names."""
    url = os.environ.get("WELLFLOW_TEST_COMMUNITY_URL")
    if not url:
        pytest.skip("WELLFLOW_TEST_COMMUNITY_URL names no TimescaleDB Community server")
    server = postgres.Server(url)
    yield server
    server.stop()


TIERS = [
    pytest.param("plain"),
    pytest.param("apache", marks=pytest.mark.timescale_apache),
    pytest.param("community", marks=pytest.mark.timescale_community),
]


@pytest.fixture(params=TIERS)
def tier_server(request: pytest.FixtureRequest) -> postgres.Server:
    """A server of each storage tier in turn."""
    server: postgres.Server = request.getfixturevalue(f"{request.param}_server")
    return server


@pytest.fixture
def database(
    request: pytest.FixtureRequest, plain_server: postgres.Server
) -> Iterator[postgres.Database]:
    """A fresh migrated database on plain PostgreSQL; with the cast in it for who asks for both."""
    peopled = "cast" in request.fixturenames
    made = plain_server.fresh(people.engaged if peopled else postgres.migrated)
    yield made
    plain_server.drop(made)


@pytest.fixture
def tiered(tier_server: postgres.Server) -> Iterator[postgres.Database]:
    """A fresh migrated database on each storage tier in turn."""
    made = tier_server.fresh(postgres.migrated)
    yield made
    tier_server.drop(made)


@pytest.fixture
def cast(database: postgres.Database) -> people.Cast:
    """Two operators and their people, in `database`."""
    return people.of(database)


@pytest.fixture
def tiered_cast(tiered: postgres.Database) -> people.Cast:
    """Two operators and their people, in `tiered`."""
    return people.engage(tiered.engine("owner"))


@pytest.fixture
def broker_folder() -> Iterator[Path]:
    """A folder that a broker running under another account can use."""
    with _open_folder(DISK, "broker") as folder:
        yield folder


def _needs_mosquitto() -> None:
    if shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
        pytest.skip("Mosquitto is not on the PATH (apt install mosquitto)")


@pytest.fixture
def broker(broker_folder: Path) -> Iterator[Mosquitto]:
    """A real Mosquitto that knows the hub and the cast's agents; password "<name>-secret"."""
    _needs_mosquitto()
    agents = [f"{short}-pad-{n}" for short in ("bluebonnet", "cimarron") for n in (1, 2)]
    started = mosquitto(broker_folder, {name: f"{name}-secret" for name in agents})
    yield started
    started.stop()


@pytest.fixture
def tls_broker(broker_folder: Path) -> Iterator[Mosquitto]:
    """The same with TLS, signed by an authority of its own (`ca_file`)."""
    _needs_mosquitto()
    started = mosquitto(broker_folder, {"bluebonnet-pad-1": "pad-secret"}, Authority.new())
    yield started
    started.stop()


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[mail.Mailbox]:
    """A mail server on loopback that keeps what it receives."""
    box = mail.Mailbox(tmp_path / "mail")
    yield box
    box.stop()
