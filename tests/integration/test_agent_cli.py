"""What a person at the well site types, and what comes back."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config" / "agent.example.toml"
WITHOUT = ("WELLFLOW_", "NO_COLOR")


def environment(**more: str) -> dict[str, str]:
    kept = {key: text for key, text in os.environ.items() if not key.startswith(WITHOUT)}
    return kept | {"PYTHONPATH": str(ROOT)} | more


def agent(*words: object, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agent", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(**env),
        check=False,
    )


@pytest.fixture
def site_file(tmp_path: Path) -> Path:
    """The example with a free port and an outbox of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    text = EXAMPLE.read_text().replace("port = 5020", f"port = {port}")
    text = text.replace("/var/lib/wellflow-agent/outbox.db", "outbox.db")
    path = tmp_path / "agent.toml"
    path.write_text(text.replace("timeout_s = 1.0 ", "timeout_s = 0.3 "))
    return path


@contextmanager
def simulated(*words: object) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "agent", "simulate", *map(str, words)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        assert process.stdout is not None
        assert "bravo-1h, bravo-2h, battery" in process.stdout.readline()
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        process.stdout.close()


# ------------------------------------------------------------------------------------- check


def test_the_example_is_fine_on_a_clean_box() -> None:
    done = agent("check", EXAMPLE)
    assert (done.returncode, done.stderr) == (0, "")
    assert "fine (tags: 21, devices: 3)" in done.stdout


def test_check_tells_every_fault_with_its_line_and_exits_2(site_file: Path) -> None:
    text = site_file.read_text()
    text = text.replace('name = "bravo-pad"', 'name = "Bravo Pad"').replace("mqtts://", "mqtt://")
    text = text.replace('unit = "psi"', 'units = "psi"', 1)
    site_file.write_text(text)
    done = agent("check", site_file)
    assert (done.returncode, done.stdout) == (2, "")
    lines = text.splitlines()
    expected = [
        next(n for n, line in enumerate(lines, 1) if line.startswith(start))
        for start in ('name = "Bravo Pad"', 'url = "mqtt:', 'units = "psi"')
    ]
    told = [re.match(rf"{site_file}:(\d+): (\S+): ", line) for line in done.stderr.splitlines()]
    assert [(int(at[1]), at[2]) for at in told if at] == list(
        zip(expected, ["agent.name", "mqtt.url", "devices[0].gauges[0].units"], strict=True)
    )


def test_a_file_that_is_not_there() -> None:
    done = agent("check", "nowhere.toml")
    assert (done.returncode, done.stderr) == (2, "nowhere.toml: No such file or directory\n")


@pytest.mark.parametrize("words", [(), ("fly", "x"), ("scan",), ("scan", "--tcp", "a:b")])
def test_a_wrong_command_line_exits_2(words: tuple[str, ...]) -> None:
    assert agent(*words).returncode == 2


def test_check_needs_neither_modbus_nor_mqtt() -> None:
    program = (
        "import sys\nfrom agent.__main__ import main\n"
        f"assert main(['check', {str(EXAMPLE)!r}]) == 0\n"
        "heavy = {'pymodbus', 'paho', 'serial', 'sqlite3', 'asyncio.events'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy - {'asyncio.events'} else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr


# -------------------------------------------------------------------------------------- read


def test_read_shows_tag_raw_value_unit_and_quality(site_file: Path) -> None:
    with simulated(site_file):
        done = agent("read", site_file)
    assert (done.returncode, done.stderr) == (0, "")
    head, *rows = done.stdout.splitlines()
    assert head.split() == ["tag", "raw", "value", "unit", "quality"]
    assert len(rows) == 21
    assert re.match(
        r"bravo-1h\.tubing_pressure +[0-9A-F]{4} [0-9A-F]{4} +\d+\.\d  psi +good", rows[0]
    )
    assert "\033" not in done.stdout


def test_read_as_json_of_one_device(site_file: Path) -> None:
    with simulated(site_file):
        done = agent("read", site_file, "--device", "battery", "--json")
    rows = json.loads(done.stdout)
    assert {row["tag"].split(".")[0] for row in rows} == {"battery"}
    assert rows[0]["tag"] == "battery.oil_level"
    assert rows[0]["value"] == pytest.approx(8.4, abs=0.1)


def test_read_tells_what_does_not_answer_and_exits_1(site_file: Path, tmp_path: Path) -> None:
    control = tmp_path / "faults.json"
    control.write_text(json.dumps({"bravo-1h": {"silent": True}, "battery": {"illegal": [104]}}))
    with simulated(site_file, "--control", control):
        done = agent("read", site_file)
    assert done.returncode == 1
    quality = {line.split()[0]: line for line in done.stdout.splitlines()[1:]}
    assert quality["bravo-1h.tubing_pressure"].endswith("no answer: no answer within 0.3 s")
    assert quality["battery.tank_temperature"].endswith("refused: illegal address")
    assert quality["battery.battery_voltage"].endswith("good")
    assert quality["bravo-2h.spm"].endswith("good")


def test_read_with_nothing_there(site_file: Path) -> None:
    done = agent("read", site_file)
    assert done.returncode == 1
    assert done.stdout.count("no answer: Connection refused") == 21


def test_read_of_a_device_there_is_not(site_file: Path) -> None:
    done = agent("read", site_file, "--device", "charlie")
    assert done.returncode == 2
    assert "there is no device 'charlie'; there are bravo-1h, bravo-2h, battery" in done.stderr


# ------------------------------------------------------------------------------ scan, run, status


def port_of(path: Path) -> str:
    found = re.search(r"^port = (\d+)", path.read_text(), re.MULTILINE)
    assert found
    return found[1]


def test_scan_finds_units_and_their_registers(site_file: Path) -> None:
    with simulated(site_file):
        where = f"127.0.0.1:{port_of(site_file)}"
        asked = ("--registers", "holding:0-300", "--registers", "discrete:0-20")
        done = agent("scan", "--tcp", where, "--units", "1-4", *asked)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "unit 1 answers",
        "  holding 0-5",
        "unit 2 answers",
        "  discrete 0-1",
        "unit 3 answers",
        "  holding 100-105",
        "  discrete 0-0",
        f"3 of 4 units answer on {where}",
    ]


def test_scan_with_nothing_there(site_file: Path) -> None:
    done = agent("scan", "--tcp", f"127.0.0.1:{port_of(site_file)}")
    assert done.returncode == 1
    assert done.stderr.endswith("cannot be reached: Connection refused\n")


def test_run_starts_nothing_without_a_password(site_file: Path) -> None:
    done = agent("run", site_file)
    assert done.returncode == 2
    assert "mqtt.password: is missing; put it into WELLFLOW_MQTT_PASSWORD" in done.stderr
    assert not (site_file.parent / "outbox.db").exists()


def test_run_keeps_readings_while_the_broker_is_away(site_file: Path) -> None:
    text = site_file.read_text().replace("hub.example.com:8883", "127.0.0.1:1")
    site_file.write_text(text)
    with simulated(site_file):
        running = subprocess.Popen(
            [sys.executable, "-m", "agent", "run", str(site_file)],
            stderr=subprocess.DEVNULL,
            env=environment(WELLFLOW_MQTT_PASSWORD="hush"),
        )
        try:
            waiting, until = 0, time.monotonic() + 40
            while waiting < 20:
                assert time.monotonic() < until
                assert running.poll() is None
                done = agent("status", site_file, "--json")
                if done.returncode == 0:
                    waiting = json.loads(done.stdout)["readings_waiting"]
        finally:
            running.send_signal(signal.SIGTERM)
            assert running.wait(20) == 0


def test_status_before_the_first_run(site_file: Path) -> None:
    done = agent("status", site_file)
    assert done.returncode == 1
    assert "there is no outbox yet" in done.stderr
