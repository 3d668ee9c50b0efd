"""Processes of our own: started in a session of their own, written down, stopped in order."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hub.errors import HubError

POLL_S = 0.05


class DemoError(HubError):
    """The demo cannot go on; the text says what failed, where, and what to do."""


@dataclass
class Child:
    """One running process and the file its words go to."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    stop_signal: int = signal.SIGTERM

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def tail(self, lines: int = 15) -> str:
        """The last lines it wrote, indented."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])

    def stop(self, patience_s: float = 15.0) -> None:
        """Ask it to end; kill it when it has not done so in time."""
        if self.alive:
            self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


def start(
    name: str,
    command: Sequence[str],
    log: Path,
    *,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: int | None = None,
    stop_signal: int = signal.SIGTERM,
) -> Child:
    """Start a process whose output goes to `log`; as `user` where given (only root can).

    It gets a session of its own, so that Ctrl-C at the terminal reaches the demo alone, which then
    stops everything in order. Raises `DemoError` when the program cannot be started.
    """
    who = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        try:
            process = subprocess.Popen(  # type: ignore[call-overload]
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if environ is None else dict(environ),
                cwd=cwd,
                start_new_session=True,
                **who,
            )
        except OSError as fault:
            raise DemoError(f"{name} cannot be started ({command[0]}): {fault.strerror}") from fault
    return Child(name, process, log, stop_signal)


def wait_for(
    condition: Callable[[], bool], child: Child, what: str, patience_s: float = 30.0
) -> None:
    """Wait until something holds; raises `DemoError` with the child's last words if it does not."""
    until = time.monotonic() + patience_s
    while not condition():
        if not child.alive:
            raise DemoError(
                f"{child.name} ended (exit {child.process.returncode}) before {what}; "
                f"it wrote to {child.log}:\n{child.tail()}"
            )
        if time.monotonic() > until:
            raise DemoError(
                f"{child.name}: not {what} within {patience_s:.0f} s; it wrote to {child.log}:\n"
                f"{child.tail()}"
            )
        time.sleep(POLL_S)


def command_line(pid: int) -> str:
    """The command line of a process, empty when it does not run (or only waits to be reaped)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        if state == "Z":
            return ""
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return _command_line_by_ps(pid)


def _command_line_by_ps(pid: int) -> str:
    """Ask ps, where there is no /proc (macOS)."""
    if Path("/proc/self/stat").exists():
        return ""
    try:
        answer = subprocess.run(
            ["ps", "-o", "stat=,command=", "-p", str(pid)],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "" if answer.startswith("Z") else answer.partition(" ")[2]


def end_left_over(
    pid: int, mark: str, *, number: int = signal.SIGTERM, patience_s: float = 15.0
) -> bool:
    """End a process left by an earlier run, if its command line really holds `mark`."""
    if mark not in command_line(pid):
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
    until = time.monotonic() + patience_s
    while command_line(pid) and time.monotonic() < until:
        time.sleep(POLL_S)
    if command_line(pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return True
