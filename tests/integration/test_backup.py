"""What was backed up comes back whole, on every tier; anything less is refused."""

from __future__ import annotations

import io
import uuid
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from hub import backup as module
from hub.backup import DUMP, STOCK, backup, read_stock, restore
from hub.database import Actor, tenant_session
from hub.documents.archive import unpack
from hub.documents.shelf import Details, add_document, open_document
from hub.documents.store import store_of
from hub.errors import DatabaseError
from hub.migrate import check_tier, migrate
from hub.pgtools import Tools, find_tools, tools_in
from hub.settings import DocumentSettings
from tests import cast as people
from tests.cast import Cast
from tests.everything import add_everything
from tests.servers.postgres import Database, Server, embedded, migrated
from tests.telemetry import settle, store, stored, wave

NOW = datetime.now(UTC).replace(microsecond=0)


def silent(_line: str) -> None:
    """Say nothing."""


def tools_of(database: Database) -> Tools | None:
    """Tools beside the server, where we know where that is."""
    return tools_in(database.programs) if database.programs else None


@pytest.fixture
def filled(tiered: Database, tiered_cast: Cast) -> Database:
    """A database with a row in every table, three weeks of readings, and rollups."""
    with tiered.engine("owner").begin() as connection:
        add_everything(connection, tiered_cast.bluebonnet)
    operator = tiered_cast.bluebonnet
    store(tiered, operator, wave(operator.tags[0], NOW - timedelta(days=21), 3000))
    settle(tiered)
    return tiered


def course(database: Database, cast: Cast) -> list[tuple[object, ...]]:
    """What the console shows of the readings."""
    shown = []
    with tenant_session(database.engine("app"), cast.bluebonnet.id) as session:
        for view in ("reading_points", "reading_hours", "reading_days"):
            rows = session.execute(text(f"SELECT * FROM {view} ORDER BY 3, 1"))
            shown += [tuple(row) for row in rows]
    return shown


def test_a_backup_comes_back_in_an_empty_database(
    filled: Database, tiered_cast: Cast, tier_server: Server, tmp_path: Path
) -> None:
    said: list[str] = []
    file = tmp_path / "wellflow.backup"
    before = course(filled, tiered_cast)
    stock = backup(filled.admin_url, file, say=said.append, tools=tools_of(filled))
    assert stock.tables["readings"] == 3001  # one came with the row of every table
    assert read_stock(file) == stock
    assert file.stat().st_mode & 0o077 == 0
    empty = tier_server.empty()
    empty.tier = filled.tier
    try:
        restore(empty.admin_url, file, say=said.append, tools=tools_of(filled))
        assert course(empty, tiered_cast) == before
        assert check_tier(empty.engine("app")) is filled.tier
        store(empty, tiered_cast.bluebonnet, wave(tiered_cast.bluebonnet.tags[1], NOW, 10))
        assert stored(empty) == 3011
        settle(empty)
        assert len(course(empty, tiered_cast)) > len(before)
    finally:
        tier_server.drop(empty)
    assert said[0].startswith("Backed up ")
    assert said[1].startswith("Restored ")


def test_a_backup_replaces_a_database_that_went_on(
    filled: Database, tiered_cast: Cast, tmp_path: Path
) -> None:
    file = tmp_path / "wellflow.backup"
    before = course(filled, tiered_cast)
    backup(filled.admin_url, file, say=silent, tools=tools_of(filled))
    store(filled, tiered_cast.bluebonnet, wave(tiered_cast.bluebonnet.tags[1], NOW, 50))
    with pytest.raises(DatabaseError, match="is not empty"):
        restore(filled.admin_url, file, say=silent, tools=tools_of(filled))
    assert stored(filled) == 3051
    restore(filled.admin_url, file, replace=True, say=silent, tools=tools_of(filled))
    filled.close()
    assert course(filled, tiered_cast) == before
    with filled.engine("owner").connect() as connection:
        noted = connection.scalar(text("SELECT value FROM installation WHERE key = 'restored'"))
    assert noted["from"] == file.name


def test_isolation_holds_in_what_came_back(
    filled: Database, tiered_cast: Cast, tmp_path: Path
) -> None:
    file = tmp_path / "wellflow.backup"
    backup(filled.admin_url, file, say=silent, tools=tools_of(filled))
    restore(filled.admin_url, file, replace=True, say=silent, tools=tools_of(filled))
    filled.close()
    with tenant_session(filled.engine("app"), tiered_cast.cimarron.id) as session:
        for name in ("wells", "alerts", "reading_points", "reading_hours"):
            rows = session.execute(text(f"SELECT DISTINCT organization_id FROM {name}")).scalars()
            assert set(rows) <= {tiered_cast.cimarron.id}, name
    with filled.admin() as connection:
        unforced = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind = 'r' AND relrowsecurity AND NOT relforcerowsecurity"
        ).fetchall()
    assert unforced == []


def test_a_backup_is_a_moment_even_while_rows_come_in(
    database: Database, cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is stored between the count and the dump is in neither."""
    plain_run = module._run

    def meanwhile(command: list[str], url: str, **pipes: object) -> None:
        store(database, cast.bluebonnet, wave(cast.bluebonnet.tags[0], NOW, 20))
        plain_run(command, url, **pipes)  # type: ignore[arg-type]

    file = tmp_path / "wellflow.backup"
    monkeypatch.setattr(module, "_run", meanwhile)
    backup(database.admin_url, file, say=silent)
    monkeypatch.undo()
    restore(database.admin_url, file, replace=True, say=silent)
    database.close()
    assert stored(database) == 0


def test_a_damaged_backup_is_refused_and_nothing_is_touched(
    database: Database, cast: Cast, tmp_path: Path
) -> None:
    file = tmp_path / "wellflow.backup"
    backup(database.admin_url, file, say=silent)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(DatabaseError, match=r"database\.dump is damaged"):
        restore(database.admin_url, file, replace=True, say=silent)
    file.write_text("not a zip")
    with pytest.raises(DatabaseError, match="is not a backup of WellFlow"):
        restore(database.admin_url, file, replace=True, say=silent)
    with tenant_session(database.engine("app"), cast.bluebonnet.id) as session:
        assert session.scalar(text("SELECT count(*) FROM wells")) == 2


def test_a_backup_that_comes_back_short_changes_nothing(
    database: Database, cast: Cast, tmp_path: Path
) -> None:
    """The old database stands until every count is as it was."""
    file, short = tmp_path / "whole", tmp_path / "short"
    backup(database.admin_url, file, say=silent)
    with zipfile.ZipFile(file) as whole, zipfile.ZipFile(short, "w") as other:
        other.writestr(DUMP, whole.read(DUMP))
        other.writestr(STOCK, whole.read(STOCK).replace(b'"wells": 4', b'"wells": 5'))
    with pytest.raises(DatabaseError, match="wells: 5 before, 4 now"):
        restore(database.admin_url, short, replace=True, say=silent)
    with tenant_session(database.engine("app"), cast.bluebonnet.id) as session:
        assert session.scalar(text("SELECT count(*) FROM wells")) == 2
    with database.admin() as connection:
        left = connection.execute("SELECT datname FROM pg_database WHERE datname ~ '_(new|old)_'")
        assert left.fetchall() == []


def test_a_backup_that_fails_leaves_the_last_one(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "wellflow.backup"
    file.write_text("the last one")
    broken = tmp_path / "pg_dump"
    broken.write_text("#!/bin/sh\necho 'pg_dump: error: disk is full' >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(DatabaseError, match="disk is full"):
        backup(database.admin_url, file, say=silent, tools=Tools(broken, broken, 18))
    assert file.read_text() == "the last one"
    assert [path.name for path in tmp_path.iterdir() if "unfinished" in path.name] == []


def test_an_account_without_superuser_backs_up_and_restores(server_folder: Path) -> None:
    server = embedded(server_folder / "backup-keeper")
    try:
        server.run("CREATE ROLE wf_keeper LOGIN PASSWORD 'keeper' CREATEROLE CREATEDB")
        database = server.empty()
        rest = database.admin_url.partition("@")[2]
        server.run("ALTER DATABASE {} OWNER TO wf_keeper", rest.rpartition("/")[2])
        url = f"postgresql://wf_keeper:keeper@{rest}"
        migrate(url, say=silent)
        cast = people.engage(database.engine("owner"))
        file = server_folder / "keeper.backup"
        stock = backup(url, file, say=silent)
        assert stock.tables["wells"] == 4
        with pytest.raises(DatabaseError, match="others are still signed in"):
            restore(url, file, replace=True, say=silent)  # the superuser that made the cast
        database.close()
        restore(url, file, replace=True, say=silent)
        with tenant_session(database.engine("app"), cast.bluebonnet.id) as session:
            assert session.scalar(text("SELECT count(*) FROM wells")) == 2
    finally:
        server.stop()


def test_newer_tools_restore_to_an_older_server(
    old_server: Server, plain_server: Server, tmp_path: Path
) -> None:
    assert plain_server.programs
    newer = tools_in(plain_server.programs)
    file = tmp_path / "wellflow.backup"
    database = old_server.fresh(migrated)
    try:
        people.engage(database.engine("owner"))
        backup(database.admin_url, file, say=silent, tools=newer)
        restore(database.admin_url, file, replace=True, say=silent, tools=newer)
    finally:
        old_server.drop(database)


def test_tools_must_not_be_older_than_the_server(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=r"pg_dump .* 99 or newer are not on this machine"):
        find_tools(99)
    assert tools_in(tmp_path) is None


def test_the_content_of_documents_comes_back_with_their_rows(
    database: Database, cast: Cast, plain_server: Server, tmp_path: Path
) -> None:
    """Two documents of one content and one more; a third row's content is gone beforehand."""
    shelf, other = (DocumentSettings.in_folder(tmp_path / n) for n in ("shelf", "restored"))
    texts = (b"%PDF-1.4 lease", b"%PDF-1.4 lease", b"%PDF-1.4 map", b"%PDF-1.4 lost")
    owner = Actor(cast.bluebonnet.owner, None, "owner", "console")
    with tenant_session(database.engine("app"), cast.bluebonnet.id, owner) as session:
        kept = [
            add_document(session, owner, shelf, io.BytesIO(content), Details(file_name="a.pdf"))
            for content in texts
        ]
        lost = kept[-1].sha256.hex()
        keys = [document.id for document in kept]
    store_of(shelf, cast.bluebonnet.id).delete(lost)
    said: list[str] = []
    file = tmp_path / "wellflow.backup"
    backup(database.admin_url, file, documents=shelf, say=said.append, tools=tools_of(database))
    assert "content of 2 documents" in said[-1]
    assert "1 are missing" in said[-1]
    empty = plain_server.empty()
    try:
        restore(empty.admin_url, file, documents=other, say=said.append, tools=tools_of(database))
        assert said[-1].startswith("The content of 2 documents was put back; of 1 more")
        with tenant_session(empty.engine("app"), cast.bluebonnet.id, owner) as session:
            for key, content in zip(keys[:3], texts, strict=False):
                with open_document(session, owner, other, key)[1] as stream:
                    assert stream.read() == content
    finally:
        plain_server.drop(empty)


def test_content_that_was_damaged_in_the_backup_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bad.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"documents/{uuid.uuid4()}/{'0' * 64}", b"%PDF-1.4 other")
    with (
        zipfile.ZipFile(file) as archive,
        pytest.raises(DatabaseError, match="in the backup is damaged"),
    ):
        unpack(archive, DocumentSettings.in_folder(tmp_path / "shelf"))
