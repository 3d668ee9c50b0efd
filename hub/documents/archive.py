"""The content of documents in a backup, and back from one: what rows speak of, checked by digest.

Content in a folder goes along. Content in an S3-compatible store does not: it is kept by the means
of that store (versions, replication), and a restore only counts what is there of it.
"""

from __future__ import annotations

import json
import os
import uuid
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, text

from hub.documents.store import PIECE, MissingContentError, place_of, store_of
from hub.errors import DatabaseError
from hub.settings import DocumentSettings

TOLD: Final = "documents.json"
FOLDER: Final = "documents"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds of the documents' content."""

    store: str  #: disk, s3
    spoken_of: int  #: contents that rows name
    packed: int = 0
    bytes: int = 0
    missing: int = 0  #: named, and not in the store as the backup was made

    @property
    def words(self) -> str:
        """One sentence for people."""
        if not self.spoken_of:
            return "No documents are kept."
        if self.store == "s3":
            return (
                f"The content of {self.spoken_of:,} documents lies in the S3 store and is not in"
                " this file; keep it by the store's own means."
            )
        lost = f"; {self.missing:,} are missing in the folder" if self.missing else ""
        return f"With the content of {self.packed:,} documents ({self.bytes / 1e6:.1f} MB){lost}."


def pack(archive: zipfile.ZipFile, connection: Connection, settings: DocumentSettings) -> Contents:
    """Put the content that rows name, as the connection sees them, into a backup."""
    named = _named(connection)
    packed = size = missing = 0
    for organization, sha256 in named if settings.store == "disk" else ():
        try:
            stream = store_of(settings, organization).open(sha256)
        except MissingContentError:
            missing += 1
            continue
        with stream, archive.open(_place(organization, sha256), "w", force_zip64=True) as target:
            while piece := stream.read(PIECE):
                size += target.write(piece)
        packed += 1
    contents = Contents(settings.store, len(named), packed, size, missing)
    archive.writestr(TOLD, json.dumps(asdict(contents), indent=1))
    return contents


def unpack(archive: zipfile.ZipFile, settings: DocumentSettings) -> int:
    """Put every content of a backup into the folder; gives how many.

    Raises `DatabaseError` for content that is not what its name says.
    """
    names = [name for name in archive.namelist() if name.startswith(f"{FOLDER}/")]
    if settings.store != "disk":
        return 0
    for name in names:
        _, organization, sha256 = name.split("/")
        with archive.open(name) as stream:
            size = archive.getinfo(name).file_size
            stored = store_of(settings, uuid.UUID(organization)).put(stream, size)  # type: ignore[arg-type]
        if stored.sha256 != sha256:
            raise DatabaseError(f"the document {sha256[:12]}… in the backup is damaged")
        _hand_over(settings.path, settings.path / organization / place_of(sha256))
    return len(names)


def read(archive: zipfile.ZipFile) -> Contents | None:
    """What a backup says of the documents in it; None for one of before they went along."""
    if TOLD not in archive.namelist():
        return None
    return Contents(**json.loads(archive.read(TOLD)))


def absent(connection: Connection, settings: DocumentSettings) -> int:
    """How many contents that rows name are not in the store."""
    return sum(
        not store_of(settings, organization).exists(sha256)
        for organization, sha256 in _named(connection)
    )


def _named(connection: Connection) -> list[tuple[uuid.UUID, str]]:
    listed = text(
        "SELECT DISTINCT organization_id, encode(sha256, 'hex') FROM documents ORDER BY 2"
    )
    connection.execute(text("SET ROLE wellflow_owner"))  # who sees every row, by policy
    rows = connection.execute(listed).all()
    connection.execute(text("RESET ROLE"))
    return [(organization, sha256) for organization, sha256 in rows]


def _place(organization: uuid.UUID, sha256: str) -> str:
    return f"{FOLDER}/{organization}/{sha256}"


def _hand_over(root: Path, path: Path) -> None:
    """Give what root has put to whom the documents' folder belongs, who is to read it."""
    if os.geteuid() != 0:
        return
    owner = root.stat()
    for one in (path, *path.relative_to(root).parents):
        place = one if one.is_absolute() else root / one
        os.chown(place, owner.st_uid, owner.st_gid)
