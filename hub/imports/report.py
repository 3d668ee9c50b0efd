"""What an import did, or would do: counts, every line that cannot be taken, and what to know."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from hub.register.errors import RegisterError


@dataclass(frozen=True, slots=True)
class Bad:
    """A line that cannot be taken, counted from the heading as line 1, and why."""

    line: int
    sentence: str


class LineError(RegisterError):
    """A line cannot be taken; the text says which cell and what is allowed."""


@dataclass(slots=True)
class Report:
    """The outcome of one file."""

    kind: str
    mapping: dict[str, str] = field(default_factory=dict)  #: heading -> field
    ignored: list[str] = field(default_factory=list)  #: headings that are not taken
    lines: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    bad: list[Bad] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    stored: bool = False  #: whether anything of it is in the register now

    @contextmanager
    def line(self, number: int) -> Iterator[None]:
        """Take up what is wrong with a line and go on with the next."""
        try:
            yield
        except (RegisterError, ValueError) as fault:
            words = str(fault)
            self.bad.append(Bad(number, words if words.endswith(".") else f"{words}."))

    def note(self, sentence: str) -> None:
        """Add something to know, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)
