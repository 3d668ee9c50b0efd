"""Backup and restore of the whole database, by its own tools, with a check of what came back.

A backup is one zip file: `database.dump` as pg_dump writes it, `stock.json`, which counts what was
in the database at that very instant, and the content of the documents that lie in a folder.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from psycopg import conninfo
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ProgrammingError

from hub.database import Tier, tier_of
from hub.documents import archive as archive_of
from hub.errors import DatabaseError
from hub.migrate import MAKE_OWNER_LOGIN, administer, make_roles
from hub.pgtools import Tools, find_tools
from hub.settings import DocumentSettings
from hub.stock import Stock, take_stock

DUMP, STOCK = "database.dump", "stock.json"
CHUNK = 1 << 20
NEWER_SETTING = 'unrecognized configuration parameter "transaction_timeout"'

Say = Callable[[str], None]


def backup(
    admin_url: str,
    path: Path,
    *,
    documents: DocumentSettings | None = None,
    say: Say = print,
    tools: Tools | None = None,
) -> Stock:
    """Write everything into one file; answers what is in it. Replaces `path` only when complete.

    Raises `DatabaseError` when the tools are missing or the dump fails.
    """
    unfinished, contents = path.with_name(f".{path.name}.unfinished"), None
    with administer(admin_url) as connection:
        found = tools or find_tools(_major(connection))
        with _snapshot(connection) as snapshot:
            stock = take_stock(connection)
            try:
                _write(unfinished, found, admin_url, snapshot, stock, _as_owner(connection))
                if documents is not None:
                    with zipfile.ZipFile(unfinished, "a", zipfile.ZIP_STORED) as archive:
                        contents = archive_of.pack(archive, connection, documents)
                _sync(unfinished)
            except BaseException:
                unfinished.unlink(missing_ok=True)
                raise
    unfinished.replace(path)
    size = path.stat().st_size / 1e6
    say(f"Backed up {stock.summary} ({size:.1f} MB) to {path}")
    if contents is not None:
        say(contents.words)
    return stock


def restore(
    admin_url: str,
    path: Path,
    *,
    replace: bool = False,
    documents: DocumentSettings | None = None,
    say: Say = print,
    tools: Tools | None = None,
) -> Stock:
    """Bring a backup back into an empty database, or with `replace` in place of what is there.

    What is there is removed only after the backup came back whole. Stop the hub first. Raises
    `DatabaseError` when the file is damaged, something is missing, or the database is not empty.
    """
    expected = read_stock(path)
    with administer(admin_url) as connection:
        found = tools or find_tools(_major(connection))
        occupied = _occupied(connection)
    if occupied and not replace:
        raise DatabaseError(
            f'database "{_database(admin_url)}" is not empty; name an empty one, or replace it'
            " with `--replace`"
        )
    if not occupied:
        _bring_back(admin_url, path, expected, found)
        told = _bring_documents(admin_url, path, documents)
    else:
        with _sibling(admin_url) as beside:
            _bring_back(beside, path, expected, found)
            told = _bring_documents(beside, path, documents)
    say(f"Restored {expected.summary}; every count is as it was")
    if told:
        say(told)
    return expected


def _bring_documents(url: str, path: Path, documents: DocumentSettings | None) -> str:
    """Put the documents' content back, and count what rows name and is not there; in a sentence.

    Raises `DatabaseError` where content that went along did not come back.
    """
    if documents is None:
        return ""
    with zipfile.ZipFile(path) as archive:
        told, put = archive_of.read(archive), archive_of.unpack(archive, documents)
    with administer(url) as connection:
        absent = archive_of.absent(connection, documents)
    if put and told is not None and absent > told.missing:
        raise DatabaseError(f"the content of {absent - told.missing} documents did not come back")
    lack = f"; of {absent:,} more it is not in the store" if absent else ""
    return f"The content of {put:,} documents was put back{lack}." if put or absent else ""


def read_stock(path: Path) -> Stock:
    """What a backup holds; raises `DatabaseError` when it is not a whole backup."""
    try:
        with zipfile.ZipFile(path) as archive:
            if damaged := archive.testzip():
                raise DatabaseError(f"{path}: {damaged} is damaged; use another backup")
            return Stock.from_json(json.loads(archive.read(STOCK)))
    except (zipfile.BadZipFile, KeyError, ValueError) as fault:
        raise DatabaseError(f"{path} is not a backup of WellFlow, or is damaged") from fault
    except OSError as fault:
        raise DatabaseError(f"{path} cannot be read: {fault.strerror}") from fault


# ------------------------------------------------------------------------------- writing


@contextmanager
def _snapshot(connection: Connection) -> Iterator[str]:
    """One view of the database for the count and for pg_dump."""
    connection.execute(text("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"))
    try:
        yield str(connection.scalar(text("SELECT pg_export_snapshot()")))
    finally:
        connection.execute(text("ROLLBACK"))


def _write(
    path: Path, tools: Tools, url: str, snapshot: str, stock: Stock, extra: list[str]
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    command = [str(tools.dump), "--format=custom", f"--snapshot={snapshot}", *extra]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        with archive.open(DUMP, "w", force_zip64=True) as target:
            _run(command, url, receive=target)
        archive.writestr(STOCK, json.dumps(stock.to_json(), indent=1))


def _sync(path: Path) -> None:
    with path.open("rb") as written:
        os.fsync(written.fileno())


def _as_owner(connection: Connection) -> list[str]:
    """Extra words for an account that is no superuser: it sees all rows only as their owner."""
    if connection.scalar(text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")):
        return []
    return ["--role=wellflow_owner", "--enable-row-security"]


# ------------------------------------------------------------------------------- restoring


def _bring_back(url: str, path: Path, expected: Stock, tools: Tools) -> None:
    with administer(url) as connection:
        make_roles(connection)
        _prepare(connection, expected)
    with zipfile.ZipFile(path) as archive, archive.open(DUMP) as source:
        _run([str(tools.restore), "--format=custom"], url, send=source)
    with administer(url) as connection:
        if expected.tier is not Tier.PLAIN:
            connection.execute(text("SELECT timescaledb_post_restore()"))
        connection.execute(text("ANALYZE"))
        _compare(expected, take_stock(connection))
        _note(connection, path)


def _prepare(connection: Connection, expected: Stock) -> None:
    """Make ready what a dump does not bring: the extension in the version it was dumped from."""
    if expected.tier is Tier.PLAIN:
        return
    version = expected.extension or ""
    known = connection.scalar(
        text(
            "SELECT true FROM pg_available_extension_versions"
            " WHERE name = 'timescaledb' AND version = :version"
        ),
        {"version": version},
    )
    if not known:
        raise DatabaseError(
            f"the backup needs TimescaleDB {version}, which this server does not offer;"
            " install that version, restore, then update the extension"
        )
    connection.execute(text(f"CREATE EXTENSION IF NOT EXISTS timescaledb VERSION '{version}'"))
    if tier_of(connection) is not expected.tier:
        raise DatabaseError(
            f"the backup is of {expected.tier.title}, this server offers"
            f" {tier_of(connection).title}; restore on a server of the same kind"
        )
    if expected.tier is Tier.COMMUNITY:
        connection.execute(text(MAKE_OWNER_LOGIN))
    connection.execute(text("SELECT timescaledb_pre_restore()"))


def _compare(expected: Stock, found: Stock) -> None:
    if differences := expected.differences(found):
        raise DatabaseError("the restored database differs: " + "; ".join(differences))


def _note(connection: Connection, path: Path) -> None:
    """Write down the restore; the ingest epoch made at the next start follows the clock, so agents
    announce what they keep and send again what the backup lacks.
    """
    connection.execute(text("SET ROLE wellflow_owner"))
    connection.execute(
        text(
            "INSERT INTO installation (key, value) VALUES ('restored', CAST(:value AS jsonb))"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = now()"
        ),
        {"value": json.dumps({"at": datetime.now(UTC).isoformat(), "from": path.name})},
    )


@contextmanager
def _sibling(admin_url: str) -> Iterator[str]:
    """A new database beside the old one, that takes its place if all goes well."""
    name = _database(admin_url)
    beside, aside = (f"{name}_{word}_{secrets.token_hex(3)}" for word in ("new", "old"))
    with _elsewhere(admin_url) as connection:
        _need_create_database(connection)
        connection.execute(text(f'CREATE DATABASE "{beside}" TEMPLATE template0 ENCODING UTF8'))
        try:
            yield make_url(admin_url).set(database=beside).render_as_string(hide_password=False)
            _close(connection, name)
            _close(connection, beside)
            connection.execute(text(f'ALTER DATABASE "{name}" RENAME TO "{aside}"'))
            connection.execute(text(f'ALTER DATABASE "{beside}" RENAME TO "{name}"'))
        except BaseException:
            connection.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'))
            connection.execute(text(f'DROP DATABASE IF EXISTS "{beside}" WITH (FORCE)'))
            raise
        connection.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'))
        connection.execute(text(f'ALTER DATABASE "{aside}" ALLOW_CONNECTIONS true'))
        connection.execute(text(f'DROP DATABASE "{aside}" WITH (FORCE)'))


def _close(connection: Connection, name: str) -> None:
    """Let nobody into a database, and see everybody out: it is about to be renamed."""
    connection.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'))
    end = text(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = :name"
    )
    try:
        connection.execute(end, {"name": name})
    except ProgrammingError as fault:
        raise DatabaseError(
            f'others are still signed in to database "{name}", and this account may not end their'
            " sessions; stop the hub and whatever else uses it, then restore again"
        ) from fault


def _need_create_database(connection: Connection) -> None:
    right = text("SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user")
    if not connection.scalar(right):
        raise DatabaseError(
            "replacing a database needs the right to create one; run ALTER ROLE … CREATEDB,"
            " or restore into an empty database"
        )


@contextmanager
def _elsewhere(admin_url: str) -> Iterator[Connection]:
    """The server's maintenance database."""
    url = make_url(admin_url).set(database="postgres").render_as_string(hide_password=False)
    with administer(url) as connection:
        yield connection


def _occupied(connection: Connection) -> bool:
    """Whether there are tables other than those an extension brought."""
    return bool(
        connection.scalar(
            text(
                "SELECT EXISTS (SELECT FROM pg_class c"
                " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
                " AND NOT EXISTS (SELECT FROM pg_depend d"
                " WHERE d.objid = c.oid AND d.deptype = 'e'))"
            )
        )
    )


# --------------------------------------------------------------------------------- tools


def _run(
    command: list[str], url: str, *, send: IO[bytes] | None = None, receive: IO[bytes] | None = None
) -> None:
    """Run a tool on a database, its bytes to or from us; raises `DatabaseError` with its words."""
    options, environ = _sign_in(url)
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(
            [*command, *options],
            env=os.environ | environ,
            stdin=subprocess.PIPE if send else subprocess.DEVNULL,
            stdout=subprocess.PIPE if receive else subprocess.DEVNULL,
            stderr=words,
        )
        try:
            if send and process.stdin:
                _feed(send, process.stdin)
            if receive and process.stdout:
                shutil.copyfileobj(process.stdout, receive, CHUNK)
        except BaseException:
            process.kill()
            process.wait()
            raise
        failed = process.wait() != 0
        words.seek(0)
        said = words.read().decode("utf-8", "replace").strip().splitlines()
    if failed and (reason := _reason(said)):
        raise DatabaseError(f"{Path(command[0]).name} failed: {reason}")


def _feed(source: IO[bytes], target: IO[bytes]) -> None:
    """Send everything; a tool that ended early says why itself."""
    try:
        shutil.copyfileobj(source, target, CHUNK)
        target.close()
    except BrokenPipeError:
        pass


def _reason(said: list[str]) -> str | None:
    """The first error a tool named; None when it only met a setting that the server is too old for.

    A newer pg_restore sets what an older server does not know, and goes on; what came back is
    counted in any case.
    """
    errors = [line for line in said if "error:" in line.lower()]
    if not errors:
        return said[0] if said else "it gave no reason"
    return next((line for line in errors if NEWER_SETTING not in line), None)


def _sign_in(url: str) -> tuple[list[str], dict[str, str]]:
    """Options and environment that sign a tool in; its command line never shows the password."""
    parts = conninfo.conninfo_to_dict(url)
    password = str(parts.pop("password", None) or "")
    environ = {"PGPASSWORD": password} if password else {}
    return ["--dbname", conninfo.make_conninfo("", **parts)], environ


def _major(connection: Connection) -> int:
    number = connection.scalar(text("SELECT current_setting('server_version_num')::int / 10000"))
    return int(number or 0)


def _database(url: str) -> str:
    return make_url(url).database or ""
