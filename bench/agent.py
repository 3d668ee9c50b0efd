"""Measures the agent at work: 10 devices x 50 registers x 1 s over Modbus TCP and real MQTT.

Resident memory and processor time of the agent's own process, from the operating system's
accounting, while a simulated site answers and a hub receipts; then bytes per reading on the
recordings. Limits: 45 MiB resident, 10 % of one core.
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from bench.wire import bytes_per_reading
from hub.demo.postgres import free_port
from tests.servers.mosquitto import mosquitto
from tests.servers.receipting import ReceiptingHub

DEVICES, REGISTERS = 10, 50
MOST_MIB, MOST_PERCENT = 45.0, 10.0


def main() -> int:
    """Run the measurement; 1 when a limit is passed, 3 when it cannot be run here."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=int, default=40, help="how long to measure")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    if shutil.which("mosquitto") is None and not Path("/usr/sbin/mosquitto").exists():
        print("bench-agent needs Mosquitto: install the package mosquitto", file=sys.stderr)
        return 3
    figures = measure(chosen.seconds)
    wire = bytes_per_reading()
    if chosen.json:
        print(json.dumps({**figures, "recordings": wire}))
    else:
        print(table(figures))
        print("\nBytes per reading on the recordings         readings      live   history")
        for name, readings, live, history in wire:
            print(f"  {name:<40}{readings:>10}{live:>10.2f}{history:>10.2f}")
    fits = figures["resident_mib"] < MOST_MIB and figures["cpu_percent"] < MOST_PERCENT
    return 0 if fits else 1


def measure(seconds: int) -> dict[str, float]:
    """Start site, broker, hub and agent, and watch the agent for `seconds`."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/var/tmp")))
        folder.chmod(0o755)
        modbus = free_port()
        broker = mosquitto(folder / "broker", {"bench": "bench-secret"})
        stack.callback(broker.stop)
        config = write_config(folder, broker.port, modbus)
        stack.enter_context(process(sys.executable, "-m", "agent", "simulate", str(config)))
        await_port(modbus)
        hub = stack.enter_context(ReceiptingHub(broker))
        agent = stack.enter_context(process(sys.executable, "-m", "agent", "run", str(config)))
        time.sleep(8)  # start-up, and the first blocks
        return watch(psutil.Process(agent.pid), hub, seconds)


def watch(agent: psutil.Process, hub: ReceiptingHub, seconds: int) -> dict[str, float]:
    """Sample the agent once a second."""
    resident, used = [], []
    messages, size = hub.messages, hub.bytes
    start, before = time.monotonic(), agent.cpu_times()
    last = before.user + before.system
    for second in range(1, seconds + 1):
        time.sleep(max(0.0, start + second - time.monotonic()))
        times = agent.cpu_times()
        used.append(100 * (times.user + times.system - last))
        last = times.user + times.system
        resident.append(agent.memory_info().rss / 2**20)
    spent = time.monotonic() - start
    total = 100 * (last - before.user - before.system) / spent
    return {
        "seconds": round(spent, 1),
        "readings_per_s": DEVICES * REGISTERS,
        "resident_mib": round(max(resident), 1),
        "cpu_percent": round(total, 2),
        "cpu_percent_median_second": round(statistics.median(used), 2),
        "cpu_percent_worst_second": round(max(used), 2),
        "threads": agent.num_threads(),
        "messages_per_s": round((hub.messages - messages) / spent, 2),
        "bytes_per_reading": round((hub.bytes - size) / spent / (DEVICES * REGISTERS), 3),
    }


def table(figures: dict[str, float]) -> str:
    """The figures for people."""
    lines = [f"Agent at {DEVICES} devices x {REGISTERS} registers x 1 s"]
    lines += [f"  {name.replace('_', ' '):<28}{value:>10}" for name, value in figures.items()]
    lines.append(f"  limits: {MOST_MIB} MiB resident, {MOST_PERCENT} % of one core")
    return "\n".join(lines)


def write_config(folder: Path, broker: int, modbus: int) -> Path:
    """An agent's file with ten devices of fifty registers each."""
    parts = [
        '[agent]\nname = "bench"\nshard = 0\n',
        f'[mqtt]\nurl = "mqtt://127.0.0.1:{broker}"\npassword = "bench-secret"\n',
        f'[outbox]\npath = "{folder / "outbox.db"}"\n',
        f'[[ports]]\nname = "pad"\ntype = "tcp"\nhost = "127.0.0.1"\nport = {modbus}\n',
    ]
    for device in range(1, DEVICES + 1):
        parts.append(
            f'[[devices]]\nname = "d{device}"\nport = "pad"\nunit = {device}\ninterval_s = 1\n'
        )
        parts += [
            f'[[devices.gauges]]\nname = "r{number}"\naddress = {number}\ntype = "uint16"\n'
            'unit = "psi"\nscale = 0.1\nlow = 0\nhigh = 1000\n'
            for number in range(REGISTERS)
        ]
    path = folder / "agent.toml"
    path.write_text("\n".join(parts), encoding="utf-8")
    return path


@contextmanager
def process(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A child that is ended with the block."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def await_port(port: int, seconds: float = 20.0) -> None:
    """Wait until something listens; raises `TimeoutError`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"nothing listens on port {port}")


if __name__ == "__main__":
    sys.exit(main())
