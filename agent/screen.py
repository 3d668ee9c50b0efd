"""Tables and colours for people; no colour off a terminal or where NO_COLOR is set."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TextIO

_CODES = {"dim": "2", "red": "31", "green": "32", "yellow": "33"}


def paint(text: str, color: str, stream: TextIO | None = None) -> str:
    """Text in a colour, where the stream shows colours."""
    shown = (stream or sys.stdout).isatty() and not os.environ.get("NO_COLOR")
    return f"\033[{_CODES[color]}m{text}\033[0m" if shown else text


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> str:
    """Aligned columns under their heads; those named in `right` are set to the right."""
    widths = [max(len(row[i]) for row in (heads, *rows)) for i in range(len(heads))]

    def line(cells: Sequence[str]) -> str:
        columns = zip(heads, cells, widths, strict=True)
        return "  ".join(c.rjust(w) if h in right else c.ljust(w) for h, c, w in columns).rstrip()

    return "\n".join([paint(line(heads), "dim"), *(line(row) for row in rows)])
