"""Measures the hub: readings per second from the broker to committed and receipted rows.

Compared with a bare binary COPY of the same rows (psycopg `write_row`, 20,000 rows per commit, one
connection) in the same run, in turns, on each kind of server this machine has. Then, at a live
load, how long a reading takes from its gauge and from its publication to the receipt.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

from bench.load import TAGS, Crowd, Load, Row, Site, make_load
from hub.migrate import migrate
from tests.servers import postgres
from tests.servers.mosquitto import HUB, Mosquitto, mosquitto

LEAST = 0.8  #: of a bare COPY
SITES = 200
SCANS = 16  #: 30 gauges, 16 scans: 480 readings, as an agent cuts them
LIVE_SCANS = 5
COMMIT_ROWS = 20_000
SECRET = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="  # noqa: S105 - seals nothing here
DURABLE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
}
COPY = "COPY readings (organization_id, time, tag_id, quality, value) FROM STDIN (FORMAT BINARY)"


@dataclass(frozen=True, slots=True)
class Figures:
    """What one kind of server gave."""

    server: str
    bare: list[float]  #: rows per second, each round
    hub: list[float]
    ratio: float  #: median of the rounds' ratios
    ratios: list[float]
    cpu_us_per_reading: float
    resident_mib: float
    published_to_receipt_ms: dict[str, float]
    gauge_to_receipt_s: dict[str, float]
    live_readings_per_s: float


def main() -> int:
    """Run the measurement; 1 when a ratio is too low, 3 when it cannot be run here."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--messages", type=int, default=8, help="per agent and round")
    options.add_argument("--scans", type=int, default=SCANS, help="of 30 gauges, per message")
    options.add_argument("--live-seconds", type=int, default=20)
    options.add_argument("--server", action="append", choices=sorted(SERVERS))
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    if shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
        print("bench-ingest needs Mosquitto: install the package mosquitto", file=sys.stderr)
        return 3
    names = chosen.server or [name for name, server in SERVERS.items() if server.there()]
    found = []
    for name in names:
        found.append(measure(name, chosen))
        print(json.dumps(asdict(found[-1])) if chosen.json else words(found[-1]), flush=True)
    return 0 if all(figures.ratio >= LEAST for figures in found) else 1


def words(f: Figures) -> str:
    """The figures for people."""
    ms, s = f.published_to_receipt_ms, f.gauge_to_receipt_s
    return (
        f"{f.server}\n"
        f"  bare COPY            {spread(f.bare)} rows/s\n"
        f"  hub, broker to rows  {spread(f.hub)} readings/s\n"
        f"  ratio                {f.ratio:.2f} [{min(f.ratios):.2f}..{max(f.ratios):.2f}]"
        f"  (at least {LEAST})\n"
        f"  hub process          {f.cpu_us_per_reading:.2f} us/reading, {f.resident_mib:.0f} MiB\n"
        f"  at {f.live_readings_per_s:,.0f} readings/s live: publication to receipt"
        f" p50 {ms['p50']:.0f} ms, p95 {ms['p95']:.0f} ms; gauge to receipt"
        f" p50 {s['p50']:.1f} s, p95 {s['p95']:.1f} s"
    )


def spread(values: Sequence[float]) -> str:
    """Median and range."""
    return f"{statistics.median(values):>9,.0f} [{min(values):,.0f}..{max(values):,.0f}]"


# -------------------------------------------------------------------------------- servers


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of server: whether this machine has it, and how to start one."""

    there: Callable[[], bool]
    start: Callable[[Path], postgres.Server]


def _debian(options: Mapping[str, str]) -> Callable[[Path], postgres.Server]:
    def start(folder: Path) -> postgres.Server:
        programs = postgres.debian_programs(15)
        if programs is None:
            raise SystemExit("PostgreSQL 15 is not installed (apt install postgresql-15)")
        return postgres.installed(programs, folder, DURABLE | dict(options))

    return start


def _has_timescale() -> bool:
    control = Path("/usr/share/postgresql/15/extension/timescaledb.control")
    return postgres.debian_programs(15) is not None and control.exists()


def _embedded(folder: Path) -> postgres.Server:
    from hub.demo.postgres import start_server  # noqa: PLC0415 - its wheel may be absent

    server = start_server(folder, options=DURABLE)
    maintenance = f"{server.url.rpartition('/')[0]}/postgres"
    return postgres.Server(maintenance, server.programs, server.child)


SERVERS = {
    "postgresql-15": Kind(lambda: postgres.debian_programs(15) is not None, _debian({})),
    "timescaledb-15": Kind(_has_timescale, _debian(postgres.TIMESCALE)),
    "embedded": Kind(lambda: postgres.debian_programs(15) is None, _embedded),
}


@contextmanager
def running_hub(url: str, broker: Mosquitto) -> Iterator[psutil.Process]:
    """The ingest process, as in production a process of its own."""
    environ = os.environ | {
        "WELLFLOW_DATABASE_URL": url,
        "WELLFLOW_MQTT_URL": broker.url(),
        "WELLFLOW_SECRET_KEY": SECRET,
    }
    with subprocess.Popen([sys.executable, "-m", "hub", "ingest"], env=environ) as process:
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(30)


def enrol(url: str, names: Sequence[str]) -> tuple[uuid.UUID, list[Site]]:
    """An operator and its agents."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(
            "INSERT INTO organizations (name, slug) VALUES ('Bench', 'bench') RETURNING id"
        ).fetchone()
        assert row is not None
        sites = [Site(name, place % 64, place) for place, name in enumerate(names)]
        for site in sites:
            connection.execute(
                "INSERT INTO agents (organization_id, name, shard) VALUES (%s, %s, %s)",
                (row[0], site.name, site.shard),
            )
    return row[0], sites


def tag_ids(url: str) -> dict[tuple[str, int], int]:
    """Which tag each number of each agent means."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT a.name, t.number, t.tag_id FROM config_epoch_tags t"
            " JOIN agents a ON a.id = t.agent_id"
        )
        return {(name, number): tag for name, number, tag in rows}


# ------------------------------------------------------------------------------ measuring


def measure(name: str, chosen: argparse.Namespace) -> Figures:
    """Start everything on one kind of server and run the rounds."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/var/tmp")))
        folder.chmod(0o755)
        server = SERVERS[name].start(folder / "database")
        stack.callback(server.stop)
        hub_url, bare_url = server.empty().url, server.empty().url
        for url in (hub_url, bare_url):
            migrate(url, say=lambda _: None)
        broker = mosquitto(folder / "broker")
        stack.callback(broker.stop)
        organization, sites = enrol(hub_url, [f"site-{n}" for n in range(SITES)])
        hub = stack.enter_context(running_hub(hub_url, broker))
        crowd = Crowd(broker.port, broker.accounts[HUB], sites)
        stack.callback(crowd.close)
        declare(crowd, sites, hub_url)
        bench = Bench(name, server, hub_url, bare_url, hub, crowd, sites, organization)
        return bench.run(chosen)


def declare(crowd: Crowd, sites: Sequence[Site], url: str) -> None:
    """Declare all tags and wait until the hub knows them."""
    crowd.await_hub()
    start = time.time_ns() // 1_000_000 - 3 * 86_400_000
    for site in sites:
        site.at = start
        crowd.publish(site.topic("up/d"), site.declaration())
    until = time.monotonic() + 60
    while len(tag_ids(url)) < SITES * TAGS:
        if time.monotonic() > until:
            raise TimeoutError("the hub does not register the tags")
        time.sleep(0.2)


@dataclass
class Bench:
    """Everything that runs, and the rounds on it."""

    name: str
    server: postgres.Server
    hub_url: str
    bare_url: str
    hub: psutil.Process
    crowd: Crowd
    sites: list[Site]
    organization: uuid.UUID

    def run(self, chosen: argparse.Namespace) -> Figures:
        """Rounds in turns, after one to warm up; then the live load."""
        tags = tag_ids(self.hub_url)
        bare, hub, cpu = [], [], 0.0
        readings = 0
        for turn in range(chosen.rounds + 1):
            load = make_load(self.sites, chosen.messages if turn else 1, chosen.scans)
            rows = load.rows(self.organization, tags)
            order = (self._bare, self._hub) if turn % 2 else (self._hub, self._bare)
            spent = self._cpu()
            rates = {step: step(load, rows) for step in order}
            if turn:
                bare.append(rates[self._bare])
                hub.append(rates[self._hub])
                cpu += self._cpu() - spent
                readings += load.readings
        ratios = [h / b for h, b in zip(hub, bare, strict=True)]
        memory = self.hub.memory_info().rss / 2**20
        per_second, published, gauge = self._live(chosen.live_seconds)
        return Figures(
            self.name,
            bare,
            hub,
            statistics.median(ratios),
            ratios,
            cpu / readings * 1e6,
            memory,
            published,
            gauge,
            per_second,
        )

    def _cpu(self) -> float:
        times = self.hub.cpu_times()
        return float(times.user + times.system)

    def _checkpoint(self) -> None:
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")

    def _hub(self, load: Load, _rows: Sequence[Row]) -> float:
        self._checkpoint()
        return load.readings / self.crowd.send(load.parcels)

    def _bare(self, _load: Load, rows: Sequence[Row]) -> float:
        self._checkpoint()
        with psycopg.connect(self.bare_url) as connection:
            start = time.perf_counter()
            for first in range(0, len(rows), COMMIT_ROWS):
                copy_rows(connection, rows[first : first + COMMIT_ROWS])
                connection.commit()
            return len(rows) / (time.perf_counter() - start)

    def _live(self, seconds: int) -> tuple[float, dict[str, float], dict[str, float]]:
        self.crowd.latencies.clear()
        start = time.perf_counter()
        readings = sum(self.crowd.trickle(self.sites, seconds, LIVE_SCANS))
        self.crowd.await_all()
        per_second = readings / (time.perf_counter() - start)
        waits = [seconds for _, _, seconds in self.crowd.latencies]
        ages = [wait + scan for wait in waits for scan in range(LIVE_SCANS)]
        return per_second, quantiles([w * 1000 for w in waits]), quantiles(ages)


def copy_rows(connection: psycopg.Connection[Any], rows: Sequence[Row]) -> None:
    """The plainest fast way to store rows."""
    with connection.cursor().copy(COPY) as copy:
        copy.set_types(["uuid", "timestamptz", "int4", "int2", "float8"])
        for row in rows:
            copy.write_row(row)


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """Median, 95th and 99th percentile."""
    cuts = statistics.quantiles(values, n=100)
    return {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98]}


if __name__ == "__main__":
    sys.exit(main())
