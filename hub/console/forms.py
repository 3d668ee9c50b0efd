"""Reads what a person typed: one sentence per field that cannot be taken, all of them at once."""

from __future__ import annotations

import math
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date

from hub.register.positions import Position, read_position

LONGEST = 200


@dataclass(slots=True)
class Form:
    """A posted form; reading a field notes its fault, if it has one."""

    given: Mapping[str, str]
    faults: dict[str, str] = field(default_factory=dict)

    def raw(self, name: str) -> str:
        """What was typed, trimmed; characters a database cannot hold are dropped."""
        return self.given.get(name, "").replace("\0", "").strip()

    def text(self, name: str, *, required: bool = False, longest: int = LONGEST) -> str:
        """Some words."""
        words = self.raw(name)
        if required and not words:
            self.fault(name, "This is needed.")
        elif len(words) > longest:
            self.fault(name, f"Use at most {longest} characters; these are {len(words)}.")
        return words

    def number(self, name: str, *, low: float = -math.inf, high: float = math.inf) -> float | None:
        """A number, or None for an empty field."""
        words = self.raw(name).replace(",", "").replace("\u2212", "-")
        if not words:
            return None
        try:
            value = float(words)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            self.fault(name, f"“{self.raw(name)[:40]}” is not a number.")
        elif not low <= value <= high:
            self.fault(name, f"Use a number {_span(low, high)}.")
        return value

    def position(self) -> Position:
        """The fields `lat` and `lon`: both, or neither."""
        found, faults = read_position(self.raw("lat"), self.raw("lon"))
        for name, sentence in faults.items():
            self.fault(name, sentence)
        return found

    def day(self, name: str) -> date | None:
        """A day of the calendar, or None for an empty field."""
        words = self.raw(name)
        if not words:
            return None
        try:
            return date.fromisoformat(words)
        except ValueError:
            self.fault(name, f"“{words[:40]}” is no day; write it like 2026-03-31.")
            return None

    def choice(self, name: str, known: Collection[str]) -> str:
        """One of the values that the field offers."""
        word = self.raw(name)
        if word not in known:
            self.fault(name, "Choose one of the list.")
        return word

    def identifier(self, name: str) -> uuid.UUID | None:
        """The id a hidden field or a list holds, or None."""
        try:
            return uuid.UUID(self.raw(name))
        except ValueError:
            return None

    def fault(self, name: str, sentence: str) -> None:
        """Note what is wrong with a field; the first fault of a field stays."""
        self.faults.setdefault(name, sentence)


def _span(low: float, high: float) -> str:
    if math.isinf(high):
        return f"of at least {low:g}"
    return f"of at most {high:g}" if math.isinf(low) else f"between {low:g} and {high:g}"
