"""Content-addressed storage: a file is found by the SHA-256 of what is in it.

Each organization has a shelf of its own. The same content twice on one shelf is stored once; two
organizations never share, so that nobody can tell from a store what another one keeps.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, Final, Protocol

from hub.documents.kinds import sniff
from hub.errors import HubError
from hub.settings import DocumentSettings

PIECE: Final = 1 << 20


class StoreError(HubError):
    """The store cannot be used: the text says what and where."""


class TooLargeError(HubError):
    """A file is larger than is taken."""


class MissingContentError(StoreError):
    """The content a row speaks of is not in the store."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Content that lies in the store."""

    sha256: str  #: 64 hexadecimal digits
    size: int  #: bytes
    media_type: str  #: as found in the content


class Store(Protocol):
    """One organization's shelf."""

    def put(self, stream: BinaryIO, limit: int) -> Stored:
        """Keep what a stream holds; once this returns, it survives a power cut.

        Raises `TooLargeError` above `limit` bytes, `UnwelcomeError` for what is not kept, and
        `StoreError`; in each case nothing is kept.
        """
        ...

    def open(self, sha256: str) -> BinaryIO:
        """The content, to be read and closed; raises `MissingContentError`."""
        ...

    def exists(self, sha256: str) -> bool:
        """Whether the content is there."""
        ...

    def delete(self, sha256: str) -> None:
        """Remove the content, if it is there."""
        ...

    def kept(self, before: datetime) -> Iterator[str]:
        """What was put, for the last time, before an instant."""
        ...


def probe(settings: DocumentSettings) -> str:
    """Where documents are kept, for people; raises `StoreError` when nothing can be kept there."""
    if settings.store == "s3":
        next(store_of(settings, uuid.UUID(int=0)).kept(datetime.now(UTC)), None)
        return f"bucket {settings.bucket} answers"
    folder = settings.path
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise StoreError(f"{folder} is no folder that the hub may write to")
    return f"folder {settings.path}"


def take(stream: BinaryIO, into: BinaryIO, limit: int) -> Stored:
    """Copy a stream, hashing and counting it, and find out what it is.

    Raises `TooLargeError` as soon as more than `limit` bytes have come, and `UnwelcomeError`.
    """
    digest, size = hashlib.sha256(), 0
    while piece := stream.read(PIECE):
        size += len(piece)
        if size > limit:
            raise TooLargeError(
                f"The file is larger than {words_of(limit)}, the most that is taken; make it"
                " smaller, or have documents.max_bytes raised."
            )
        digest.update(piece)
        into.write(piece)
    return Stored(digest.hexdigest(), size, sniff(into))


def words_of(size: int) -> str:
    """A size for people."""
    return f"{size / (1 << 20):.0f} MiB" if size >= 1 << 20 else f"{size / 1024:.0f} KiB"


def place_of(sha256: str) -> str:
    """Where content lies below its shelf; raises `MissingContentError` for what is no digest."""
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise MissingContentError("There is no such content.")
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def store_of(settings: DocumentSettings, organization: uuid.UUID) -> Store:
    """An organization's shelf in the store that the settings name; raises `StoreError`."""
    if settings.store == "s3":
        from hub.documents.s3 import S3Store  # noqa: PLC0415 - an extra: its library is large

        return S3Store(settings, organization)
    from hub.documents.disk import DiskStore  # noqa: PLC0415 - both lean on this module

    return DiskStore(settings.path, organization)
