"""Documents from upload to deletion: who may, which version, what must be kept, what is swept."""

from __future__ import annotations

import io
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, text, update
from sqlalchemy.orm import Session

from hub import documents
from hub.database import Actor, tenant_session
from hub.documents.store import Store, store_of
from hub.documents.sweep import sweep
from hub.schema import Document
from hub.settings import DocumentSettings
from tests.cast import Cast, engage
from tests.console import open_console, settings_for, signed_in
from tests.servers.postgres import Database, Server, migrated

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
NOTE = b"Gauge sheet of March.\n"
TOMORROW = timedelta(days=1, hours=1)


@dataclass
class Cabinet:
    """The documents of one installation."""

    database: Database
    cast: Cast
    settings: DocumentSettings
    app: Flask

    def session(self, operator: str = "bluebonnet", role: str = "manager") -> Any:
        works = getattr(self.cast, operator)
        person = getattr(works, role)
        actor = Actor(person, None, role, "console", "127.0.0.1")
        return tenant_session(self.database.engine("app"), works.id, actor), actor

    def keep(self, content: bytes = NOTE, **more: Any) -> uuid.UUID:
        """Bluebonnet's manager adds a document."""
        opened, actor = self.session()
        supersedes = more.pop("supersedes", None)
        details = documents.Details(**({"file_name": "sheet.txt"} | more))
        with opened as session:
            made = documents.add_document(
                session, actor, self.settings, io.BytesIO(content), details, supersedes
            )
            return made.id

    def read(self, key: uuid.UUID, operator: str = "bluebonnet", role: str = "manager") -> bytes:
        opened, actor = self.session(operator, role)
        with opened as session:
            _row, stream = documents.open_document(session, actor, self.settings, key)
            with stream:
                return stream.read()

    def remove(self, key: uuid.UUID) -> None:
        opened, _actor = self.session()
        with opened as session:
            session.execute(delete(Document).where(Document.id == key))

    @property
    def shelf(self) -> Store:
        return store_of(self.settings, self.cast.bluebonnet.id)

    def sweep(self, later: timedelta = TOMORROW) -> int:
        settings = settings_for(self.database, WELLFLOW_DOCUMENTS_PATH=str(self.settings.path))
        return sweep(self.database.engine("work"), settings, datetime.now(UTC) + later)

    def rows(self, query: str, **values: object) -> list[Any]:
        with self.database.engine("owner").connect() as connection:
            return list(connection.execute(text(query), values))


@pytest.fixture(scope="module")
def engaged(plain_server: Server) -> Iterator[tuple[Database, Cast]]:
    database = plain_server.fresh(migrated)
    yield database, engage(database.engine("owner"))
    plain_server.drop(database)


@pytest.fixture
def cabinet(engaged: tuple[Database, Cast], tmp_path: Path) -> Cabinet:
    """An empty cabinet."""
    database, cast = engaged
    with database.engine("owner").begin() as connection:
        connection.execute(text("TRUNCATE documents CASCADE"))
    told = {"WELLFLOW_DOCUMENTS_PATH": str(tmp_path), "WELLFLOW_DOCUMENTS_MAX_BYTES": "4096"}
    settings = settings_for(database, **told).documents
    return Cabinet(database, cast, settings, open_console(database, **told))


# ------------------------------------------------------------------------------ rows and content


def test_a_document_is_kept_and_opened(cabinet: Cabinet) -> None:
    key = cabinet.keep(PDF, file_name="C:\\scans\\Lease <Bravo>.jpg", kind="lease", title="Lease")
    assert cabinet.read(key) == PDF
    (row,) = cabinet.rows("SELECT title, kind, file_name, media_type, size_bytes, version,"
                          " created_by FROM documents")  # fmt: skip
    assert tuple(row) == (
        *("Lease", "lease", "Lease Bravo.jpg.pdf", "application/pdf", len(PDF), 1),
        cabinet.cast.bluebonnet.manager,
    )


def test_every_opening_is_in_the_trail(cabinet: Cabinet) -> None:
    key = cabinet.keep()
    cabinet.read(key, role="owner")
    (row,) = cabinet.rows(
        "SELECT user_id FROM audit_log WHERE verb = 'download' AND row_id = :key", key=key
    )
    assert row[0] == cabinet.cast.bluebonnet.owner


def test_another_operator_finds_nothing(cabinet: Cabinet) -> None:
    key = cabinet.keep()
    with pytest.raises(documents.NoDocumentError, match="There is no such document"):
        cabinet.read(key, "cimarron", "owner")


def test_a_pumper_opens_what_is_about_the_route_and_nothing_else(cabinet: Cabinet) -> None:
    operator = cabinet.cast.bluebonnet
    about = cabinet.keep(about=(("wells", operator.wells[0]),))
    other = cabinet.keep(b"Salary list.\n")
    statement = text("SELECT assigned_wells()")
    actor = cabinet.session(role="pumper")[1]
    (member,) = cabinet.rows(
        "SELECT id FROM memberships WHERE user_id = :user AND organization_id = :of",
        user=operator.pumper,
        of=operator.id,
    )
    actor = Actor(actor.user_id, member[0], "pumper", "console")
    with tenant_session(cabinet.database.engine("app"), operator.id, actor) as session:
        assert operator.wells[0] in session.scalars(statement).all()
        documents.open_document(session, actor, cabinet.settings, about)[1].close()
        with pytest.raises(documents.NoDocumentError):
            documents.open_document(session, actor, cabinet.settings, other)


def test_a_viewer_opens_and_adds_nothing(cabinet: Cabinet) -> None:
    key = cabinet.keep()
    operator = cabinet.cast.bluebonnet
    actor = Actor(operator.manager, None, "viewer", "console")
    with tenant_session(cabinet.database.engine("app"), operator.id, actor) as session:
        documents.open_document(session, actor, cabinet.settings, key)[1].close()
        with pytest.raises(documents.NotYoursError, match="As viewer you may not add documents"):
            documents.add_document(
                session, actor, cabinet.settings, io.BytesIO(NOTE), documents.Details()
            )


def test_versions_follow_each_other(cabinet: Cabinet) -> None:
    """The next version is about the same rows, keeps the title and the hold; only the newest is
    replaced."""
    well = cabinet.cast.bluebonnet.wells[0]
    first = cabinet.keep(title="Gauge sheet", kind="gauge_sheet", about=(("wells", well),))
    with cabinet.session()[0] as session:
        session.execute(update(Document).where(Document.id == first).values(legal_hold=True))
    second = cabinet.keep(b"Corrected.\n", supersedes=first)
    with pytest.raises(documents.OldVersionError, match="replace the newest"):
        cabinet.keep(b"Too late.\n", supersedes=first)
    with pytest.raises(documents.NoDocumentError):
        cabinet.keep(b"Of nothing.\n", supersedes=uuid.uuid4())
    (row,) = cabinet.rows(
        """SELECT d.title, d.kind, d.version, d.supersedes_id, d.legal_hold, l.row_id
             FROM documents d JOIN document_links l ON l.document_id = d.id WHERE d.id = :key""",
        key=second,
    )
    assert tuple(row) == ("Gauge sheet", "gauge_sheet", 2, first, True, well)
    assert (cabinet.read(first), cabinet.read(second)) == (NOTE, b"Corrected.\n")


def test_what_must_be_kept_is_not_deleted(cabinet: Cabinet) -> None:
    held = cabinet.keep(retention_until=datetime.now(UTC).date() + timedelta(days=30))
    with pytest.raises(Exception, match="This document must be kept until"):
        cabinet.remove(held)
    free = cabinet.keep(b"Old.\n", retention_until=date(2020, 1, 1))
    with cabinet.session()[0] as session:
        session.execute(update(Document).where(Document.id == free).values(legal_hold=True))
    with pytest.raises(Exception, match="under legal hold"):
        cabinet.remove(free)
    with cabinet.session()[0] as session:
        session.execute(update(Document).where(Document.id == free).values(legal_hold=False))
    cabinet.remove(free)
    assert not cabinet.rows("SELECT 1 FROM documents WHERE id = :key", key=free)


# -------------------------------------------------------------------------------------- sweeping


def test_what_no_row_speaks_of_is_swept_after_a_day(cabinet: Cabinet) -> None:
    kept, gone = cabinet.keep(), cabinet.keep(PDF)
    loose = cabinet.shelf.put(io.BytesIO(b"Upload whose row never came.\n"), 4096)
    (digest,) = cabinet.rows("SELECT encode(sha256, 'hex') FROM documents WHERE id = :id", id=gone)
    cabinet.remove(gone)
    assert cabinet.sweep(timedelta(hours=23)) == 0
    assert cabinet.sweep() == 2
    assert not cabinet.shelf.exists(loose.sha256)
    assert not cabinet.shelf.exists(digest[0])
    assert cabinet.read(kept) == NOTE


def test_content_of_two_documents_stays_while_one_speaks_of_it(cabinet: Cabinet) -> None:
    one, two = cabinet.keep(), cabinet.keep()
    cabinet.remove(one)
    assert cabinet.sweep() == 0
    assert cabinet.read(two) == NOTE


def test_nothing_is_swept_from_under_an_upload(cabinet: Cabinet) -> None:
    """The sweep waits for a document that is on its way although its bytes are old already."""
    cabinet.shelf.put(io.BytesIO(NOTE), 4096)
    swept: list[int] = []
    opened, actor = cabinet.session()
    with opened as session:
        details = documents.Details(file_name="sheet.txt")
        made = documents.add_document(
            session, actor, cabinet.settings, io.BytesIO(NOTE), details
        ).id
        sweeping = threading.Thread(target=lambda: swept.append(cabinet.sweep()))
        sweeping.start()
        _wait_for_lock(session)
    sweeping.join(20)
    assert swept == [0]
    assert cabinet.read(made) == NOTE


def _wait_for_lock(session: Session) -> None:
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    until = time.monotonic() + 20
    while not session.scalar(waiting):
        assert time.monotonic() < until, "nobody waits for the shelf"
        time.sleep(0.02)


# ------------------------------------------------------------------------------------- the API


def test_over_the_api(cabinet: Cabinet) -> None:
    """Sent up, fetched as a file to save, replaced; the row is an ordinary row of the table."""
    bob = signed_in(cabinet.app, "bob")
    made = bob.post(
        "/api/v1/documents/content?title=Lease+Brav%C3%B3&kind=lease&file_name=Brav%C3%B3.pdf",
        PDF,
        Content_Type="application/octet-stream",
    )
    assert made.status_code == 201, made.text
    row = made.get_json()
    assert (row["title"], row["media_type"], row["version"]) == (
        "Lease Bravó",
        "application/pdf",
        1,
    )
    assert bob.get(made.headers["Location"]).get_json()["id"] == row["id"]
    place = f"/api/v1/documents/{row['id']}/content"
    got = bob.get(place)
    assert (got.status_code, got.data, got.content_type) == (200, PDF, "application/pdf")
    assert got.headers["Content-Disposition"] == (
        "attachment; filename=\"Bravo.pdf\"; filename*=UTF-8''Brav%C3%B3.pdf"
    )
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Cache-Control"] == "private, no-store"
    again = bob.post(place, NOTE, Content_Type="text/plain")
    assert (again.status_code, again.get_json()["version"]) == (201, 2)
    assert bob.post(place, NOTE).status_code == 409


@pytest.mark.parametrize(
    ("path", "content", "status", "words"),
    [
        ("content", b"MZ\0\0program", 415, "is a program"),
        ("content", b"<html><script>", 415, "web page"),
        ("content", b"", 415, "is empty"),
        ("content", b"a" * 4097, 413, ""),
        ("content?kind=letter", NOTE, 422, "takes one of"),
        ("content?expires_on=soon", NOTE, 422, "takes a day"),
        ("content?owner=me", NOTE, 422, "no parameter"),
        (f"{uuid.UUID(int=7)}/content", NOTE, 404, ""),
        ("nonsense/content", NOTE, 404, ""),
    ],
)
def test_what_the_api_refuses(
    cabinet: Cabinet, path: str, content: bytes, status: int, words: str
) -> None:
    bob = signed_in(cabinet.app, "bob")
    answer = bob.post(f"/api/v1/documents/{path}", content, Content_Type="text/plain")
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert words in answer.get_json()["detail"]
    assert not cabinet.rows("SELECT 1 FROM documents")


def test_the_api_shows_nobody_anothers_document(cabinet: Cabinet) -> None:
    key = cabinet.keep()
    place = f"/api/v1/documents/{key}/content"
    dora = signed_in(cabinet.app, "dora")
    assert dora.get(place).status_code == 404
    assert dora.post(place, NOTE).status_code == 404
    assert cabinet.app.test_client().get(place).status_code == 401


def test_content_that_is_gone_is_said(cabinet: Cabinet) -> None:
    """A folder that was not restored with the database: one sentence, not a broken page."""
    key = cabinet.keep()
    (digest,) = cabinet.rows("SELECT encode(sha256, 'hex') FROM documents")
    cabinet.shelf.delete(digest[0])
    answer = signed_in(cabinet.app, "bob").get(f"/api/v1/documents/{key}/content")
    assert answer.status_code == 404
    assert "is not in the store" in answer.get_json()["detail"]
