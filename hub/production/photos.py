"""Photos of an entry become documents: once, whatever door they come by, linked to what it became.

A photo is known by its SHA-256. Its entry names it, so nothing is kept that nobody told of; it
comes after its entry, and holds nothing up. It is linked to the stop, to the tickets and to the
incidents the entry became; an incident's timeline shows it.
"""

from __future__ import annotations

import hashlib
import io
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from agent.contract.entry import Entry
from agent.contract.fieldwords import say
from hub.documents import Details, add_document
from hub.documents.kinds import UnwelcomeError, sniff
from hub.errors import HubError
from hub.incidents import opening
from hub.production.clocks import acting, operator_of
from hub.schema import Document, DocumentLink, EntryRow, FieldEntry, Incident, IncidentEvent
from hub.settings import DocumentSettings

OFFICE: Final = ("owner", "manager")
KIND: Final = "photo"
#: Rows of an entry that its photos are about, beside the stop.
SHOWN_AT: Final = ("run_tickets", "incidents")
SHOWN_BY_BROWSERS: Final = ("image/jpeg", "image/png", "image/webp", "image/gif")
MOST_BEFORE: Final = 20  #: corrections that are followed back


class PhotoRefusedError(HubError):
    """A photo is not taken, and will not be if it comes again; `key` is that of the form's words
    that say why.
    """

    def __init__(self, key: str) -> None:
        super().__init__(say("en", key))
        self.key = key


class PhotoEarlyError(HubError):
    """A photo came before its entry: it waits."""


class PhotoBrokenError(HubError):
    """A photo did not arrive whole: it is sent again."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo as an entry names it, and the document it is by now."""

    name: str
    caption: str
    taken: datetime | None
    document_id: uuid.UUID | None  #: None: it has not arrived
    media_type: str | None

    @property
    def is_shown(self) -> bool:
        """Whether every browser shows it."""
        return self.media_type in SHOWN_BY_BROWSERS


def receive(
    session: Session, settings: DocumentSettings, entry_id: uuid.UUID, sha256: str, content: bytes
) -> uuid.UUID:
    """Keep a photo of an entry and link it; answers its document's key, the same if it came before.

    The session acts as who made the entry, or as the office. Raises `PhotoEarlyError`,
    `PhotoRefusedError`, `PhotoBrokenError`, and what the documents' store raises.
    """
    entry = session.scalars(select(FieldEntry).where(FieldEntry.entry_id == entry_id)).one_or_none()
    if entry is None:
        raise PhotoEarlyError("The entry of this photo has not come yet.")
    told = _told(entry, sha256)
    _permit(session, entry)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise PhotoBrokenError("The photo did not arrive whole; it is sent again.")
    _hold(session, sha256)
    document = _on_shelf(session, sha256)
    if document is None:
        document = _keep(session, settings, entry, told, content)
    _link(session, entry.entry_id, entry.lease_id, document, told)
    return document.id


def attach(session: Session, entry: Entry) -> None:
    """Link photos that are here already to what an entry became, be it mended or corrected."""
    for photo in entry.photos:
        document = _on_shelf(session, photo.sha256)
        if document is not None:
            told: dict[str, Any] = {"caption": photo.caption, "taken": photo.taken}
            told |= {"lat": photo.lat, "lon": photo.lon}
            _link(session, entry.id, entry.stop, document, told)


def is_here(session: Session, sha256: str) -> bool:
    """Whether a photo is a document already."""
    return _on_shelf(session, sha256) is not None


def shown(session: Session, entry: FieldEntry) -> list[Picture]:
    """The photos of an entry and of those it corrects, whether they have arrived or not."""
    found: dict[str, Picture] = {}
    for one in _with_those_before(session, entry):
        for told in _photos(one.body):
            name = str(told.get("sha256"))
            if name not in found:
                found[name] = _picture(session, name, told, len(found) + 1)
    return list(found.values())


def entries_with_photos(session: Session, day: Any) -> Sequence[Any]:
    """Entries of one day that name photos: key, stop, person, how many."""
    return session.execute(
        text(
            """
            SELECT e.id, l.name AS lease, u.name AS person,
                   jsonb_array_length(e.body -> 'photos') AS photos
            FROM field_entries e
            LEFT JOIN leases l ON l.id = e.lease_id
            LEFT JOIN users u ON u.id = e.person_id
            WHERE e.production_date = :day AND jsonb_typeof(e.body -> 'photos') = 'array'
            ORDER BY l.name, e.received_at
            """
        ),
        {"day": day},
    ).all()


# ------------------------------------------------------------------------------------ what is told


def _photos(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = body.get("photos")
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _told(entry: FieldEntry, sha256: str) -> Mapping[str, Any]:
    for photo in _photos(entry.body):
        if photo.get("sha256") == sha256:
            return photo
    raise PhotoRefusedError("photo_unnamed")


def _permit(session: Session, entry: FieldEntry) -> None:
    actor = acting(session)
    if actor.role not in OFFICE and str(actor.user_id) != str(entry.body.get("person")):
        raise PhotoRefusedError("photo_not_yours")


def _with_those_before(session: Session, entry: FieldEntry) -> Iterator[FieldEntry]:
    one: FieldEntry | None = entry
    for _ in range(MOST_BEFORE):
        if one is None:
            return
        yield one
        before = select(FieldEntry).where(FieldEntry.entry_id == one.replaces)
        one = session.scalars(before).one_or_none() if one.replaces else None


def _picture(session: Session, sha256: str, told: Mapping[str, Any], number: int) -> Picture:
    document = _on_shelf(session, sha256)
    return Picture(
        str(told.get("name") or f"Photo {number}"),
        str(told.get("caption") or ""),
        _instant(told.get("taken")),
        None if document is None else document.id,
        None if document is None else document.media_type,
    )


# ---------------------------------------------------------------------------------------- keeping


def _hold(session: Session, sha256: str) -> None:
    """Let the same photo by two doors come one after the other."""
    name = f"{operator_of(session).id}{sha256}"
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 3))"), {"name": name}
    )


def _on_shelf(session: Session, sha256: str) -> Document | None:
    try:
        content = bytes.fromhex(sha256)
    except ValueError:
        return None
    return session.scalars(
        select(Document)
        .where(Document.sha256 == content, Document.kind == KIND)
        .order_by(Document.created_at)
        .limit(1)
    ).one_or_none()


def _keep(
    session: Session,
    settings: DocumentSettings,
    entry: FieldEntry,
    told: Mapping[str, Any],
    content: bytes,
) -> Document:
    stream = io.BytesIO(content)
    try:
        media = sniff(stream)
    except UnwelcomeError as fault:
        raise PhotoRefusedError("photo_none") from fault
    if not media.startswith("image/"):
        raise PhotoRefusedError("photo_none")
    stream.seek(0)
    said = Details(
        title=str(told.get("caption") or _title(session, entry))[:200],
        kind=KIND,
        file_name=str(told.get("name") or f"photo-{entry.production_date or 'field'}.jpg"),
    )
    return add_document(session, acting(session), settings, stream, said)


def _title(session: Session, entry: FieldEntry) -> str:
    lease = session.scalar(
        text("SELECT name FROM leases WHERE id = :lease"), {"lease": entry.lease_id}
    )
    return f"Photo of {lease or 'a stop'}, {entry.production_date or 'day not known'}"


# ---------------------------------------------------------------------------------------- linking


def _link(
    session: Session,
    entry_id: uuid.UUID,
    lease_id: uuid.UUID | None,
    document: Document,
    told: Mapping[str, Any],
) -> None:
    rows = session.execute(
        select(EntryRow.table_name, EntryRow.row_id).where(
            EntryRow.entry_id == entry_id, EntryRow.table_name.in_(SHOWN_AT)
        )
    ).all()
    about = [(row.table_name, row.row_id) for row in rows]
    on_route = text("SELECT true FROM leases WHERE id = :lease")
    if lease_id is not None and session.scalar(on_route, {"lease": lease_id}):
        about.insert(0, ("leases", lease_id))
    for table, row in dict.fromkeys(about):
        values = {"organization_id": document.organization_id, "document_id": document.id}
        link = insert(DocumentLink).values(**values, table_name=table, row_id=row)
        session.execute(link.on_conflict_do_nothing())
        if table == "incidents":
            _show(session, row, document, told)


def _show(
    session: Session, incident_id: uuid.UUID, document: Document, told: Mapping[str, Any]
) -> None:
    """Put a photo on an incident's timeline, once."""
    there = select(IncidentEvent.id).where(
        IncidentEvent.incident_id == incident_id, IncidentEvent.document_id == document.id
    )
    incident = session.get(Incident, incident_id)
    if incident is None or session.scalars(there.limit(1)).one_or_none() is not None:
        return
    values: dict[str, Any] = {"document_id": document.id}
    if (at := _instant(told.get("taken"))) is not None:
        values["happened_at"] = min(at, datetime.now(UTC))
    lat, lon = _degrees(told.get("lat")), _degrees(told.get("lon"))
    if lat is not None and lon is not None:
        values |= {"lat": lat, "lon": lon}
    opening.tell(session, incident, "photo", str(told.get("caption") or "") or None, **values)


def _instant(milliseconds: object) -> datetime | None:
    if not isinstance(milliseconds, int):
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _degrees(value: object) -> Decimal | None:
    try:
        return None if value is None else Decimal(str(value))
    except InvalidOperation:
        return None
