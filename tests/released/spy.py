"""Writes down what a program sends to PostgreSQL; copied into the release that is recorded.

`record.py` puts this file into the package ``hub`` of a copy of that release, where it watches
psycopg: every statement that succeeded, under the role of its connection, with the types and the
text of its values, and the file of ``hub`` that sent it. Statements of the tests themselves are
left out.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg
from psycopg.adapt import PyFormat, Transformer

HOME = Path(__file__).resolve().parents[1]
OUT = HOME / "recorded"
SEEN: set[tuple[str, str]] = set()
JSONB = 3802


def sender() -> str | None:
    """The file of ``hub`` that sent the statement; None where a test did."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if HOME in path.parents and path != Path(__file__).resolve():
            name = path.relative_to(HOME).as_posix()
            return name if name.startswith("hub/") else None
        frame = frame.f_back
    return None


def role_of(connection: Any) -> str | None:
    """The product's role a connection acts as; None for an account that administers."""
    options = connection.info.get_parameters().get("options", "")
    _, found, rest = options.partition("role=wellflow_")
    return rest.split()[0] if found else None


def in_words(value: bytes | None, oid: int, binary: int) -> str | None:
    """A value as PostgreSQL would print it."""
    if value is None:
        return None
    raw = bytes(value)
    if not binary:
        return raw.decode()
    if oid == JSONB:
        return raw[1:].decode()
    tx = Transformer()
    thing = tx.get_loader(oid, psycopg.pq.Format.BINARY).load(raw)
    if isinstance(thing, bool):
        return "true" if thing else "false"
    said = tx.get_dumper(thing, PyFormat.TEXT).dump(thing)
    return None if said is None else bytes(said).decode()


def type_of(oid: int) -> str:
    """Name of a type, as in a cast."""
    if not oid:
        return "unknown"
    found = psycopg.adapters.types.get(oid)
    if found is None:
        return "unknown"
    return f"{found.name}[]" if found.array_oid == oid else found.name


def note(connection: Any, sql: str, query: Any = None) -> None:
    """Write a statement down the first time it is seen in this process."""
    role, source = role_of(connection), sender()
    if role is None or source is None or (role, sql) in SEEN:
        return
    SEEN.add((role, sql))
    types = list(query.types) if query is not None else []
    values = [] if query is None or query.params is None else list(query.params)
    formats = [] if query is None or query.formats is None else list(query.formats)
    told = {
        "role": role,
        "from": source,
        "sql": sql,
        "types": [type_of(oid) for oid in types],
        "values": [in_words(*item) for item in zip(values, types, formats, strict=True)],
    }
    OUT.mkdir(exist_ok=True)
    with (OUT / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(told) + "\n")


def watch() -> None:
    """Stand between psycopg's cursors and the server."""
    run, copy = psycopg.Cursor._maybe_prepare_gen, psycopg.Cursor.copy

    def running(self: Any, pgq: Any, **more: Any) -> Generator[Any, Any, None]:
        yield from run(self, pgq, **more)
        note(self.connection, pgq.query.decode(), pgq)

    @contextmanager
    def copying(self: Any, statement: Any, *args: Any, **more: Any) -> Iterator[Any]:
        with copy(self, statement, *args, **more) as stream:
            note(self.connection, statement if isinstance(statement, str) else str(statement))
            yield stream

    psycopg.Cursor._maybe_prepare_gen = running  # type: ignore[method-assign]
    psycopg.Cursor.copy = copying  # type: ignore[method-assign]


watch()
