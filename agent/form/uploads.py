"""What a browser sends with files in it: one at a time, bounded, taken apart without a library.

A form with files is `multipart/form-data` (RFC 7578); a photo that follows by itself is its bytes.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BufferedIOBase
from typing import Final

from agent.contract.fieldform.fields import MOST_FIELDS, Form
from agent.contract.fieldform.pictures import LARGEST_BODY
from agent.contract.photos import LARGEST_PHOTO, digest, media_of

PATIENCE_S: Final = 120.0  #: for a whole body with photos; another phone waits meanwhile
_PIECE: Final = 64 * 1024
LARGEST_DRAINED: Final = 48 * 1024 * 1024  #: bytes read and dropped, so that a browser hears why
_NAME: Final = re.compile(rb'[;\s]name="([^"]*)"')
_FILE: Final = re.compile(rb'[;\s]filename\*?="?')
_BOUNDARY: Final = re.compile(r'boundary="?([^";,]{1,70})"?')
_PLACE: Final = re.compile(r"/photo/([0-9a-f-]{36})/([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Sent:
    """A form and the files that came with it."""

    form: Form = field(default_factory=Form)
    files: tuple[bytes, ...] = ()


def largest(kind: str, form: int) -> int:
    """Bytes that are taken of a body of this content type; `form` of a form without files."""
    if kind.startswith("multipart/form-data"):
        return LARGEST_BODY
    return LARGEST_PHOTO if kind.startswith("image/") else form


def read_body(stream: BufferedIOBase, length: int) -> bytes:
    """A large body; raises `ConnectionAbortedError` where it ends early or takes too long."""
    until, body = time.monotonic() + PATIENCE_S, bytearray()
    while len(body) < length:
        piece = stream.read(min(length - len(body), _PIECE))
        if not piece or time.monotonic() > until:
            raise ConnectionAbortedError(f"{len(body)} of {length} bytes came")
        body += piece
    return bytes(body)


def drain(stream: BufferedIOBase, length: int) -> None:
    """Read and drop a body that is refused, or its browser hears nothing; one too large for that
    is left unread.
    """
    left, until = length if length <= LARGEST_DRAINED else 0, time.monotonic() + PATIENCE_S
    while left > 0 and time.monotonic() < until:
        piece = stream.read(min(left, _PIECE))
        if not piece:
            break
        left -= len(piece)


def read_multipart(body: bytes, kind: str) -> Sent:
    """A form with files; raises ValueError where it is none. An empty file was not chosen."""
    found = _BOUNDARY.search(kind)
    if found is None:
        raise ValueError("a form without a boundary")
    fields: dict[str, list[str]] = {}
    files = []
    for count, (name, content, is_file) in enumerate(_parts(body, found[1].encode())):
        if count >= MOST_FIELDS:
            raise ValueError("too many fields")
        if not is_file:
            fields.setdefault(name, []).append(content.decode("utf-8", "replace"))
        elif content:
            files.append(content)
    return Sent(Form(fields), tuple(files))


def _parts(body: bytes, boundary: bytes) -> Iterator[tuple[str, bytes, bool]]:
    """Name, content and whether it is a file, of each part."""
    mark = b"\r\n--" + boundary
    at = 0 if body.startswith(mark[2:]) else body.find(mark) + 2
    if not body.startswith(mark[2:], at):
        raise ValueError("a form without its boundary")
    at += len(mark) - 2
    while not body.startswith(b"--", at):
        head_end, end = body.find(b"\r\n\r\n", at), body.find(mark, at)
        if head_end < 0 or end < head_end + 2:
            raise ValueError("a form that ends early")
        head = body[at:head_end]
        name = _NAME.search(head)
        if name is not None:
            label = name[1].decode("utf-8", "replace")
            yield label, body[head_end + 4 : end], _FILE.search(head) is not None
        at = end + len(mark)


def place_of(path: str) -> tuple[uuid.UUID, str] | None:
    """Entry and SHA-256 of a photo's address; None for another address."""
    found = _PLACE.fullmatch(path)
    return None if found is None else (uuid.UUID(found[1]), found[2])


def is_that_picture(content: bytes, sha256: str) -> bool:
    """Whether a body is a picture, and the one that was announced."""
    return media_of(content) is not None and digest(content) == sha256
