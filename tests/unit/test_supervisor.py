"""The supervisor starts again what ends, gives up on wrong settings, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hub import supervisor
from hub.supervisor import supervise, tell_manager

SLEEPER = "import time\nwhile True: time.sleep(0.05)"


def program(tmp_path: Path, name: str, text: str) -> list[str]:
    """A small Python program that first writes its process number into `name`.started."""
    path = tmp_path / f"{name}.py"
    mark = str(tmp_path / f"{name}.started")
    path.write_text(f"import os\nopen({mark!r}, 'a').write(f'{{os.getpid()}}\\n')\n{text}")
    return [sys.executable, str(path)]


def starts(tmp_path: Path, name: str) -> list[int]:
    """Process numbers of its starts so far."""
    path = tmp_path / f"{name}.started"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def until(condition: Callable[[], bool], patience_s: float = 20.0) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Running:
    """A supervisor in a thread."""

    def __init__(self, commands: dict[str, list[str]]) -> None:
        self.stop = threading.Event()
        self.code: int | None = None
        self._thread = threading.Thread(target=self._run, args=(commands,))
        self._thread.start()

    def _run(self, commands: dict[str, list[str]]) -> None:
        self.code = supervise(commands, self.stop, dict(os.environ))

    def end(self) -> int | None:
        self.stop.set()
        self._thread.join(30)
        return self.code

    def wait(self) -> int | None:
        self._thread.join(30)
        return self.code


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LONGEST_WAIT_S", 0.2)
    monkeypatch.setattr(supervisor, "LOOK_S", 0.02)


def test_it_works(tmp_path: Path) -> None:
    """All run, a killed one is there again, and stopping ends them all."""
    running = Running({name: program(tmp_path, name, SLEEPER) for name in ("one", "two")})
    until(lambda: len(starts(tmp_path, "one")) == len(starts(tmp_path, "two")) == 1)
    os.kill(starts(tmp_path, "one")[0], signal.SIGKILL)
    until(lambda: len(starts(tmp_path, "one")) == 2)
    assert running.end() == 0
    assert len(starts(tmp_path, "two")) == 1
    assert not any(alive(pid) for name in ("one", "two") for pid in starts(tmp_path, name))


def test_one_that_keeps_ending_is_waited_for_longer(tmp_path: Path) -> None:
    worker = supervisor.Worker("one", [sys.executable, "-c", "raise SystemExit(1)"])
    waits = []
    for _ in range(7):
        worker.start(dict(os.environ))
        until(lambda: worker.look(time.monotonic()) is not None)
        waits.append(round(worker.due_at - time.monotonic()))
    assert waits == [1, 2, 4, 8, 16, 30, 30]


def test_after_a_minute_of_good_running_patience_begins_anew(tmp_path: Path) -> None:
    worker = supervisor.Worker("one", [sys.executable, "-c", "raise SystemExit(1)"], wait_s=30.0)
    worker.start(dict(os.environ))
    worker.started_at -= supervisor.SOUND_AFTER_S + 1
    until(lambda: worker.look(time.monotonic()) is not None)
    assert round(worker.due_at - time.monotonic()) == 1


def test_wrong_settings_end_everything(tmp_path: Path, quick: None) -> None:
    """Exit code 2 would come again for ever."""
    bad = program(tmp_path, "bad", "raise SystemExit(2)")
    running = Running({"bad": bad, "good": program(tmp_path, "good", SLEEPER)})
    assert running.wait() == 2
    assert len(starts(tmp_path, "bad")) == 1
    assert not any(alive(pid) for pid in starts(tmp_path, "good"))


def test_one_that_does_not_stop_is_killed(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "STOP_S", 0.5)
    deaf = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nopen({!r}, 'w')\n"
    ready = tmp_path / "deaf.ready"
    running = Running({"deaf": program(tmp_path, "deaf", deaf.format(str(ready)) + SLEEPER)})
    until(ready.exists)
    assert running.end() == 0
    assert not alive(starts(tmp_path, "deaf")[0])


def test_children_notice_that_their_supervisor_was_killed(tmp_path: Path) -> None:
    """Nobody is left to stop them: the end of the pipe does."""
    child = (
        "import threading\nfrom hub.supervisor import stop_on_signals\n"
        "stop = threading.Event()\nstop_on_signals(stop)\nstop.wait()\n"
    )
    command = program(tmp_path, "child", child)
    parent = (
        "import os, threading\nfrom hub.supervisor import supervise\n"
        f"supervise({{'child': {command!r}}}, threading.Event(), dict(os.environ))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", parent])
    until(lambda: len(starts(tmp_path, "child")) == 1)
    process.kill()
    process.wait(10)
    until(lambda: not alive(starts(tmp_path, "child")[0]))


def test_it_tells_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        tell_manager("READY=1")
        assert manager.recv(64) == b"READY=1"


def test_without_systemd_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    tell_manager("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/at/all")
    tell_manager("READY=1")  # a log line, not a crash
