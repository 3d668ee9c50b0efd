"""Documents in a folder: written aside, brought to the disk, then renamed into place.

A crash leaves either nothing under the final name or all of it; what lies aside is swept away.
"""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final, cast

from hub.documents.store import MissingContentError, Stored, StoreError, place_of, take

ASIDE: Final = ".coming"


class DiskStore:
    """One organization's shelf in a folder."""

    def __init__(self, root: Path, organization: uuid.UUID) -> None:
        self._shelf = root / str(organization)

    def put(self, stream: BinaryIO, limit: int) -> Stored:
        """Keep what a stream holds; see `Store`."""
        with self._faults(), self._aside() as (path, file):
            stored = take(stream, file, limit)
            file.flush()
            os.fsync(file.fileno())
            final = self._shelf / place_of(stored.sha256)
            _make_folder(final.parent)
            path.rename(final)  # in place of the same content, whose time it renews
            _sync(final.parent)
        return stored

    def open(self, sha256: str) -> BinaryIO:
        """The content; see `Store`."""
        try:
            return (self._shelf / place_of(sha256)).open("rb")
        except FileNotFoundError as fault:
            raise MissingContentError(
                f"The content of this document ({sha256[:12]}…) is not in the store."
            ) from fault
        except OSError as fault:
            raise StoreError(f"The documents' folder cannot be read: {fault.strerror}.") from fault

    def exists(self, sha256: str) -> bool:
        """Whether the content is there."""
        return (self._shelf / place_of(sha256)).is_file()

    def delete(self, sha256: str) -> None:
        """Remove the content, if it is there."""
        path = self._shelf / place_of(sha256)
        with self._faults(), suppress(FileNotFoundError):
            path.unlink()
            _sync(path.parent)

    def kept(self, before: datetime) -> Iterator[str]:
        """What was put before an instant; what a crash left aside is removed on the way."""
        for path in self._older(f"{ASIDE}/*", before):
            path.unlink(missing_ok=True)
        for path in self._older("??/??/*", before):
            yield path.name

    def _older(self, pattern: str, before: datetime) -> list[Path]:
        return [
            path
            for path in sorted(self._shelf.glob(pattern))
            if datetime.fromtimestamp(path.stat().st_mtime, UTC) < before
        ]

    @contextmanager
    def _aside(self) -> Iterator[tuple[Path, BinaryIO]]:
        """A new file beside the shelf's content, on the same disk; gone unless renamed."""
        folder = self._shelf / ASIDE
        _make_folder(folder)
        handle, name = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(handle, "w+b") as file:
                yield Path(name), cast(BinaryIO, file)
        finally:
            Path(name).unlink(missing_ok=True)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except OSError as fault:
            raise StoreError(
                f"The documents' folder {self._shelf.parent} cannot be used: {fault.strerror}."
            ) from fault


def _make_folder(folder: Path) -> None:
    """Make a folder that only the hub's account can enter, and bring its name to the disk."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _sync(folder.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
