"""Documents as people meet them: added, replaced by a next version, opened by who may see them.

The row says what a document is; the store holds its bytes. Bytes go first: a row never speaks of
what is not there. Bytes without a row are swept away after a while.
"""

from __future__ import annotations

import re
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO, Final
from urllib.parse import quote

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from hub.database import Actor
from hub.documents.kinds import ENDINGS
from hub.documents.store import place_of, store_of
from hub.errors import HubError
from hub.permissions import Verb, allowed
from hub.schema import Document, DocumentLink
from hub.settings import DocumentSettings

LONGEST_NAME: Final = 150


class NoDocumentError(HubError):
    """There is no such document, as far as this person can see."""


class NotYoursError(HubError):
    """The person's role does not allow this with documents."""


class OldVersionError(HubError):
    """A document has been replaced already; the newest version is the one to replace."""


@dataclass(frozen=True, slots=True)
class Details:
    """What is said of a document beside its content."""

    title: str = ""  #: the file's name, where nothing better is said
    kind: str = "other"
    file_name: str = ""
    note: str | None = None
    expires_on: date | None = None
    retention_until: date | None = None
    about: tuple[tuple[str, uuid.UUID], ...] = ()  #: tables and rows it is about


def add_document(
    session: Session,
    actor: Actor,
    settings: DocumentSettings,
    stream: BinaryIO,
    details: Details,
    supersedes: uuid.UUID | None = None,
) -> Document:
    """Keep a file and its row; with `supersedes`, as the next version of that document.

    A next version is about the same rows, and says of itself what is not said anew. Raises
    `NotYoursError`, `NoDocumentError`, `OldVersionError`, and what the store raises.
    """
    _permit(actor, "add")
    former = _row(session, supersedes) if supersedes else None
    if former is not None and _replaced(session, former):
        raise OldVersionError("This version has been replaced already; replace the newest one.")
    organization = _organization(session)
    hold_shelf(session, organization, alone=False)
    stored = store_of(settings, organization).put(stream, settings.max_bytes)
    name = _file_name(details.file_name, stored.media_type)
    key = session.scalar(
        insert(Document)
        .values(
            organization_id=organization,
            title=details.title or (former.title if former else name),
            kind=details.kind if former is None or details.kind != "other" else former.kind,
            file_name=name,
            media_type=stored.media_type,
            size_bytes=stored.size,
            sha256=bytes.fromhex(stored.sha256),
            storage_key=place_of(stored.sha256),
            supersedes_id=former.id if former else None,
            expires_on=details.expires_on,
            retention_until=details.retention_until or (former.retention_until if former else None),
            legal_hold=former is not None and former.legal_hold,
            note=details.note,
        )
        .returning(Document.id)
    )
    for table, about in dict.fromkeys((*details.about, *_links(session, former))):
        link = {"document_id": key, "table_name": table, "row_id": about}
        session.execute(insert(DocumentLink).values(organization_id=organization, **link))
    return session.get_one(Document, key)


def open_document(
    session: Session, actor: Actor, settings: DocumentSettings, document_id: uuid.UUID
) -> tuple[Document, BinaryIO]:
    """A document's row and its content, to be read and closed; the trail keeps who opened it.

    Raises `NotYoursError`, `NoDocumentError`, and `StoreError` where the content is not there.
    """
    _permit(actor, "see")
    row = _row(session, document_id)
    stream = store_of(settings, row.organization_id).open(row.sha256.hex())
    session.execute(
        text(
            "SELECT note_in_trail('documents', :row, 'download',"
            " jsonb_build_object('file_name', CAST(:name AS text)))"
        ),
        {"row": row.id, "name": row.file_name},
    )
    return row, stream


def headers(row: Document) -> dict[str, str]:
    """How a document is sent: as a file to save, never shown as a page, kept by no proxy."""
    plain = unicodedata.normalize("NFKD", row.file_name).encode("ascii", "ignore").decode()
    safe = re.sub(r'["\\\r\n;%]', "_", plain) or "document"
    return {
        "Content-Type": row.media_type,
        "Content-Length": str(row.size_bytes),
        "Content-Disposition": f"attachment; filename=\"{safe}\"; filename*=UTF-8''"
        + quote(row.file_name, safe=""),
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }


def hold_shelf(session: Session, organization: uuid.UUID, *, alone: bool) -> None:
    """Hold an operator's shelf until the transaction ends: many may put, one sweeps alone."""
    lock = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    session.execute(
        text(f"SELECT {lock}(hashtext('documents'), hashtext(:organization))"),
        {"organization": str(organization)},
    )


def _permit(actor: Actor, verb: Verb) -> None:
    if not allowed(actor.role, "documents", verb):
        raise NotYoursError(f"As {actor.role or 'nobody'} you may not {verb} documents.")


def _row(session: Session, document_id: uuid.UUID) -> Document:
    found = session.get(Document, document_id)
    if found is None:
        raise NoDocumentError("There is no such document.")
    return found


def _replaced(session: Session, row: Document) -> bool:
    return session.scalar(select(Document.id).where(Document.supersedes_id == row.id)) is not None


def _links(session: Session, former: Document | None) -> list[tuple[str, uuid.UUID]]:
    if former is None:
        return []
    listed = select(DocumentLink.table_name, DocumentLink.row_id).where(
        DocumentLink.document_id == former.id
    )
    return [(table, key) for table, key in session.execute(listed)]


def _organization(session: Session) -> uuid.UUID:
    told = session.scalar(text("SELECT current_setting('app.organization_id', true)"))
    return uuid.UUID(told)


def _file_name(name: str, media_type: str) -> str:
    """A file's own name without folders and signs no system likes, ending as its content does."""
    bare = re.split(r"[/\\]", name)[-1]
    bare = "".join(sign for sign in bare if sign.isprintable() and sign not in '<>:"|?*').strip(
        ". "
    )
    stem, dot, ending = bare.rpartition(".")
    right = ENDINGS[media_type]
    same = {"jpeg": "jpg", "tiff": "tif", "heif": "heic"}.get(ending.lower(), ending.lower())
    if not dot or same != right:
        stem, ending = bare or "document", right
    return f"{stem[:LONGEST_NAME]}.{ending}"
