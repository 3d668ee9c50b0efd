"""Columns for `unnest`: arrays as PostgreSQL writes them, far faster than element by element."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Column = str


def plain(values: Iterable[Any]) -> Column:
    """An array of numbers, UUIDs or NULLs: nothing in them needs quotes."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def texts(values: Iterable[str]) -> Column:
    """An array of texts."""
    return "{" + ",".join([_quoted(value) for value in values]) + "}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
