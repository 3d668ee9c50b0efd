"""Keeps the hub's processes running on one machine: starts, restarts with patience, stops in order.

1. Each process is a child of this one, and reads a pipe whose other end only we hold: when this
   process dies, however it dies, they see the end of the pipe and stop by themselves.
2. A child that ends is started again, after 1, 2, 4 … 30 seconds; after a minute of good running
   the patience begins anew.
3. A child that says its settings are wrong (exit 2) would say so for ever: everything stops.
4. On SIGTERM or SIGINT all are asked to stop at once, and killed only after `STOP_S`.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

LONGEST_WAIT_S = 30.0
SOUND_AFTER_S = 60.0
STOP_S = 20.0
LOOK_S = 0.2
TELL_EVERY_S = 5.0
MISCONFIGURED = 2
SUPERVISED = "WELLFLOW_SUPERVISED"


@dataclass
class Worker:
    """One process to be kept running."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    wait_s: float = 1.0
    due_at: float = field(default_factory=time.monotonic)

    def start(self, environ: Mapping[str, str]) -> None:
        """Start the process, in a session of its own so that Ctrl-C reaches only us."""
        self.process = subprocess.Popen(
            list(self.command),
            env=dict(environ) | {SUPERVISED: "1"},
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self.started_at = time.monotonic()
        log.info("%s runs as process %d", self.name, self.process.pid)

    def look(self, now: float) -> int | None:
        """See whether it has ended; if so, plan the next start and return its exit code."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        if now - self.started_at > SOUND_AFTER_S:
            self.wait_s = 1.0
        self.due_at = now + self.wait_s
        log.warning("%s ended (exit %d); starting again in %.0f s", self.name, code, self.wait_s)
        self.wait_s = min(self.wait_s * 2, LONGEST_WAIT_S)
        self._release()
        return code

    def stop(self, until: float) -> None:
        """Wait for its end; kill it when `until` (monotonic seconds) has passed."""
        if self.process is None:
            return
        try:
            self.process.wait(max(until - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            log.warning("%s does not stop; killed", self.name)
            self.process.kill()
            self.process.wait()
        self._release()

    def _release(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
        self.process = None


def supervise(
    commands: Mapping[str, Sequence[str]], stop: threading.Event, environ: Mapping[str, str]
) -> int:
    """Run these commands until `stop` is set; returns an exit code."""
    workers = [Worker(name, command) for name, command in commands.items()]
    code, told = 0, -TELL_EVERY_S
    try:
        while not stop.wait(LOOK_S):
            ended = [worker.look(time.monotonic()) for worker in workers]
            if MISCONFIGURED in ended:
                code = MISCONFIGURED
                break
            _start_due(workers, environ)
            if time.monotonic() - told >= TELL_EVERY_S:
                tell_manager("READY=1\nWATCHDOG=1")
                told = time.monotonic()
    finally:
        tell_manager("STOPPING=1")
        _stop(workers)
    return code


def _start_due(workers: Sequence[Worker], environ: Mapping[str, str]) -> None:
    for worker in workers:
        if worker.process is None and worker.due_at <= time.monotonic():
            worker.start(environ)


def _stop(workers: Sequence[Worker]) -> None:
    for worker in workers:
        if worker.process is not None and worker.process.poll() is None:
            worker.process.terminate()
    until = time.monotonic() + STOP_S
    for worker in workers:
        worker.stop(until)


def stop_on_signals(stop: threading.Event) -> None:
    """Set `stop` on SIGTERM and SIGINT, and when the supervisor that started us is gone."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    if os.environ.get(SUPERVISED):
        threading.Thread(target=_watch_supervisor, args=(stop,), daemon=True).start()


def _watch_supervisor(stop: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    stop.set()


def tell_manager(words: str) -> None:
    """Tell systemd how we are, where it listens (sd_notify); elsewhere this does nothing."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        try:
            channel.connect("\0" + address[1:] if address.startswith("@") else address)
            channel.sendall(words.encode())
        except OSError as fault:
            log.warning("systemd does not listen at %s: %s", address, fault)
