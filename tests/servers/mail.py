"""A mail server that keeps what it receives, and can be told to refuse."""

from __future__ import annotations

import time
from pathlib import Path

from hub.demo.smtp import Letter, PostOffice


class Mailbox:
    """The demo's post office, with the waiting that a test needs."""

    def __init__(self, folder: Path) -> None:
        self.refusal: tuple[int, str] | None = None  #: SMTP code and text for every message
        self.asked: list[list[str]] = []  #: recipients of every message offered
        self.office = PostOffice(folder, judge=self._judge)
        self.office.start()

    @property
    def port(self) -> int:
        """Where it listens on loopback."""
        return self.office.port

    def letters(self) -> list[Letter]:
        """Every message kept so far, oldest first."""
        return self.office.letters()

    def wait_for(self, count: int, patience_s: float = 20.0) -> list[Letter]:
        """Wait until this many messages have come; fails when they do not."""
        until = time.monotonic() + patience_s
        while len(found := self.letters()) < count:
            assert time.monotonic() < until, f"{len(found)} of {count} letters came"
            time.sleep(0.02)
        return found

    def stop(self) -> None:
        """Close it."""
        self.office.stop()

    def _judge(self, recipients: list[str]) -> tuple[int, str] | None:
        self.asked.append(recipients)
        return self.refusal
