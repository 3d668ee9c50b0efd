"""What a command shows: words and tables for people, JSON for programs, progress for waiting."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from enum import IntEnum
from typing import IO, Any
from uuid import UUID

from hub.errors import HubError

CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}


class Exit(IntEnum):
    """What a command's exit code means."""

    DONE = 0  #: done, and nothing is wrong
    FAILED = 1  #: could not be done, or what was looked at is not in order
    MISCONFIGURED = 2  #: the settings or the command line are wrong; nothing was started
    INTERRUPTED = 130  #: stopped by Ctrl-C


class CommandError(HubError):
    """A command cannot do what was asked; the text says what, where and what to do."""


class Screen:
    """Where a command's words go.

    With ``--json`` the answer alone goes to standard output, as one line, and everything said on
    the way goes to standard error. Colour only on a terminal, and not where NO_COLOR is set.
    """

    def __init__(self, *, as_json: bool = False, out: IO[str] | None = None) -> None:
        self.as_json = as_json
        self._out = out or sys.stdout
        self._aside = sys.stderr if as_json else self._out
        self._live = self._aside.isatty()
        self._color = self._live and not os.environ.get("NO_COLOR")

    def say(self, text: str = "") -> None:
        """A line for a person."""
        wipe = "\r\033[K" if self._live else ""
        print(f"{wipe}{text}", file=self._aside, flush=True)

    def hint(self, text: str) -> None:
        """A passing word on a terminal, wiped by the next line; nothing elsewhere."""
        if self._live:
            print(f"{text}\r", end="", file=self._aside, flush=True)

    def answer(self, data: Mapping[str, Any] | Sequence[Any], text: str) -> None:
        """The result: `data` as JSON where that is asked for, else `text`."""
        shown = json.dumps(data, default=_plain) if self.as_json else text
        print(shown, file=self._out, flush=True)

    def paint(self, text: str, color: str) -> str:
        """Text in a colour, where colours are shown."""
        return f"\033[{CODES[color]}m{text}\033[0m" if self._color else text

    def table(self, rows: Iterable[Mapping[str, Any]]) -> str:
        """Rows as aligned columns, named by the keys of the first."""
        listed = [{key: _cell(value) for key, value in row.items()} for row in rows]
        if not listed:
            return "(none)"
        heads = list(listed[0])
        widths = [max(len(head), *(len(row[head]) for row in listed)) for head in heads]
        lines = ["  ".join(head.ljust(w) for head, w in zip(heads, widths, strict=True))]
        lines[0] = self.paint(lines[0].rstrip(), "dim")
        for row in listed:
            cells = (row[head].ljust(w) for head, w in zip(heads, widths, strict=True))
            lines.append("  ".join(cells).rstrip())
        return "\n".join(lines)

    @contextmanager
    def busy(self, label: str, note: Callable[[], str] = lambda: "") -> Iterator[None]:
        """Show on a terminal how long a piece of work has gone on, and what `note` says of it."""
        if not self._live:
            yield
            return
        done = threading.Event()
        line = threading.Thread(target=self._tick, args=(label, note, done), daemon=True)
        line.start()
        try:
            yield
        finally:
            done.set()
            line.join()
            print("\r\033[K", end="", file=self._aside, flush=True)

    @contextmanager
    def progress(self, label: str) -> Iterator[Callable[[int, int], None]]:
        """Show on a terminal how much of a piece of work is done; yields what is to be told so:
        how many are done, and of how many.
        """
        told = [0, 0]

        def tell(done: int, of: int) -> None:
            told[:] = done, of

        with self.busy(label, lambda: bar(*told)):
            yield tell

    def _tick(self, label: str, note: Callable[[], str], done: threading.Event) -> None:
        begun = time.monotonic()
        while not done.wait(0.25):
            words = f"{label} … {time.monotonic() - begun:.0f} s  {note()}".rstrip()
            print(f"\r\033[K{words}", end="", file=self._aside, flush=True)


def bar(done: int, of: int, width: int = 24) -> str:
    """A share as a bar, in numbers and in percent: ████░░░░ 5 of 10 (50 %)."""
    if not of:
        return ""
    share = min(done / of, 1)
    full = int(share * width)
    return f"{'█' * full}{'░' * (width - full)} {done:,} of {of:,} ({share:.0%})".replace("%", " %")


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _cell(value: object) -> str:
    if value is None:
        return "—"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
