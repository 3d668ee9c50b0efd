"""The outbox's file: its tables, how it survives a power cut, and what is done when it did not."""

from __future__ import annotations

import logging
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

FORMAT = 2

TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS streams (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    opened INTEGER NOT NULL,                -- UTC ms
    closed INTEGER,                         -- its last number, once it takes no more
    next INTEGER NOT NULL DEFAULT 1,        -- number of the next block
    receipted INTEGER NOT NULL DEFAULT 0,   -- the hub has everything up to here
    sent INTEGER NOT NULL DEFAULT 0,        -- highest number that ever left this box
    floor INTEGER NOT NULL DEFAULT 0,       -- highest number evicted
    floor_sum INTEGER NOT NULL DEFAULT 0,   -- running checksum there
    ended INTEGER NOT NULL DEFAULT 0,       -- 1: its end was heard; UTC ms: since it is empty
    after INTEGER NOT NULL DEFAULT 0,       -- seq of the stream it forked from, which goes first
    lane TEXT NOT NULL DEFAULT 't'          -- t readings, a alarms, e field entries, b photos
) STRICT;
CREATE TABLE IF NOT EXISTS blocks (
    stream INTEGER NOT NULL REFERENCES streams (seq),
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,                  -- beyond first only for gaps
    gap TEXT,                               -- reason; null for a block
    body BLOB NOT NULL,                     -- the frozen line; empty for a gap
    readings INTEGER NOT NULL,
    start INTEGER NOT NULL,                 -- UTC ms of the earliest reading
    end INTEGER NOT NULL,
    sum INTEGER,                            -- running checksum after it, once it was sent
    PRIMARY KEY (stream, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS staged (
    id INTEGER PRIMARY KEY,
    config INTEGER NOT NULL, boot TEXT NOT NULL, clock INTEGER NOT NULL,
    lag INTEGER NOT NULL,                   -- UTC ms less monotonic ms when it was read
    body TEXT NOT NULL                      -- [[tag, UTC ms, value, quality], ...]
) STRICT;
CREATE TABLE IF NOT EXISTS configs (
    epoch INTEGER PRIMARY KEY, digest TEXT NOT NULL, declaration BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS kept (           -- what the program takes up again after a restart
    key TEXT PRIMARY KEY, body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS asks (           -- what a person asks of the running agent
    id INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL, said TEXT
) STRICT;
"""


class OutboxError(Exception):
    """The outbox cannot be used; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How large the outbox may grow, and how blocks are cut."""

    max_bytes: int = 512 * 1024 * 1024
    keep_receipted_ms: int = 7 * 86_400_000
    min_free_bytes: int = 64 * 1024 * 1024
    cut_ms: int = 5_000
    cut_points: int = 500


def open_file(path: Path) -> sqlite3.Connection:
    """Open the file, creating it; a damaged one is set aside and what can be read is rescued.

    Raises `OutboxError` when it cannot be used though it is sound: its folder cannot be written,
    the disk is full, or another program holds it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _checked(path)
    except sqlite3.OperationalError as fault:
        raise OutboxError(
            f"{path}: cannot be opened ({fault}); is its folder writable, is there room on the "
            "disk, and does no other program hold it?"
        ) from fault
    except sqlite3.DatabaseError as fault:
        return _rescue(path, fault)
    except OSError as fault:
        raise OutboxError(f"{path.parent}: {fault.strerror}; is it writable?") from fault


def connect(path: str) -> sqlite3.Connection:
    """Connect with the settings that make a commit survive a power cut."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 1000")
    connection.execute("PRAGMA journal_size_limit = 8388608")
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA cache_size = -1024")
    connection.execute("PRAGMA busy_timeout = 5000")
    return connection


def prepare(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Create the tables where they are missing; raises `OutboxError` for a later format."""
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > FORMAT:
        raise OutboxError(f"the outbox has format {found}; this program writes {FORMAT}: update it")
    connection.executescript(TABLES)
    if "lane" not in {row[1] for row in connection.execute("PRAGMA table_info(streams)")}:
        connection.execute("ALTER TABLE streams ADD COLUMN lane TEXT NOT NULL DEFAULT 't'")
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    return connection


def _checked(path: Path) -> sqlite3.Connection:
    connection = connect(str(path))
    try:
        answer = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if answer != "ok":
            raise sqlite3.DatabaseError(answer)
        return prepare(connection)
    except sqlite3.DatabaseError:
        connection.close()
        raise


def _rescue(path: Path, fault: Exception) -> sqlite3.Connection:
    aside = path.with_name(f"{path.name}.damaged-{int(time.time())}")
    for suffix in ("", "-wal", "-shm"):
        old = path.with_name(path.name + suffix)
        if old.exists():
            old.rename(aside.with_name(aside.name + suffix))
    log.error("the outbox is damaged (%s); kept as %s, rescuing what can be read", fault, aside)
    fresh = prepare(connect(str(path)))
    rescued = _copy_readable(aside, fresh)
    fresh.execute(
        "INSERT INTO meta VALUES ('rescued', ?) ON CONFLICT (key) DO UPDATE SET value = ?",
        (str(aside), str(aside)),
    )
    log.error("rescued %d blocks of the damaged outbox", rescued)
    return fresh


def _copy_readable(aside: Path, fresh: sqlite3.Connection) -> int:
    """Copy table by table, row by row, until a page cannot be read; fill the holes with gaps."""
    rescued = 0
    with closing(sqlite3.connect(aside)) as damaged:
        for table in ("configs", "streams", "blocks", "staged", "kept"):
            for names, row in _readable_rows(damaged, table):
                marks = ", ".join("?" * len(row))
                columns = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})"
                fresh.execute(columns, row)
                rescued += table == "blocks"
    _fill_holes(fresh)
    return rescued


def _readable_rows(damaged: sqlite3.Connection, table: str) -> list[tuple[str, tuple[object, ...]]]:
    rows: list[tuple[str, tuple[object, ...]]] = []
    try:
        cursor = damaged.execute(f"SELECT * FROM {table}")
        names = ", ".join(column[0] for column in cursor.description)
        while (row := cursor.fetchone()) is not None:
            rows.append((names, row))
    except sqlite3.DatabaseError as fault:
        log.error("table %s could be read only in part: %s", table, fault)
    return rows


def _fill_holes(fresh: sqlite3.Connection) -> None:
    for seq, floor, following in fresh.execute("SELECT seq, floor, next FROM streams").fetchall():
        due = floor + 1
        rows = fresh.execute(
            "SELECT first, last FROM blocks WHERE stream = ? ORDER BY first", (seq,)
        ).fetchall()
        for first, last in [*rows, (following, following)]:
            if first > due:
                fresh.execute(
                    "INSERT INTO blocks VALUES (?, ?, ?, 'lost', x'', 0, 0, 0, NULL)",
                    (seq, due, first - 1),
                )
            due = last + 1
