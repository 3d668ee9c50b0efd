"""A figure: what was measured, beside what it is to be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One number of a figure; without a target it is only told."""

    what: str
    found: str  #: with its unit, as a person reads it
    target: str = ""
    met: bool | None = None  #: None: only told
    value: float | None = None  #: the same for programs


@dataclass(frozen=True, slots=True)
class Figure:
    """Everything one measurement gave."""

    title: str
    lines: tuple[Line, ...]
    note: str = ""  #: how it was measured, in a sentence or two

    @property
    def met(self) -> bool:
        """Whether every line that has a target reached it."""
        return all(line.met is not False for line in self.lines)


class CannotMeasureError(Exception):
    """This machine lacks what the measurement needs; its sentence says what."""
