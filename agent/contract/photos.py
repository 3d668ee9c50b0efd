"""Photos of an entry on their way: told of in the entry, cut into parts that any order can mend.

An entry names each photo by its SHA-256. At a site a photo leaves in parts, each a record of kind
``photo`` on the lane of blobs, behind everything else::

    {"entry": "0198…", "sha256": "9f…", "part": 1, "of": 53, "data": "/9j/4AAQ…"}

``part`` counts from 1 to ``of``; ``data`` is base64. A part that comes twice is the same part;
what does not give the SHA-256 it was named by is no photo.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from agent.contract.errors import WireError

LARGEST_PHOTO: Final = (
    5 * 1024 * 1024
)  #: bytes; a camera's own picture where no script made it less
MOST_PHOTOS: Final = 10  #: of one entry
PART: Final = 5_760  #: bytes of a part: its record stays below 8 KiB
MOST_PARTS: Final = 1_000

#: Media types of pictures that are kept, by how their content begins.
_HEADS: Final = (
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"WEBP", 8, "image/webp"),
    (b"ftypheic", 4, "image/heic"),
    (b"ftypheix", 4, "image/heic"),
    (b"ftypmif1", 4, "image/heic"),
)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
MEDIA: Final = ("image/jpeg", "image/png", "image/webp", "image/heic")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a photo of an entry."""

    entry: uuid.UUID
    sha256: str
    number: int  #: from 1
    of: int
    data: bytes


def media_of(content: bytes) -> str | None:
    """What a picture is, told from its content; None for what is no picture that is kept."""
    for head, at, media in _HEADS:
        if content[at : at + len(head)] == head:
            return media
    return None


def digest(content: bytes) -> str:
    """The name of a photo: the SHA-256 of its content in lower-case hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def cut(entry: uuid.UUID, content: bytes) -> Iterator[Part]:
    """The parts of a photo, in order."""
    name, whole = digest(content), memoryview(content)
    of = -(-len(content) // PART)
    for number in range(1, of + 1):
        yield Part(entry, name, number, of, bytes(whole[(number - 1) * PART : number * PART]))


def joined(parts: Mapping[int, bytes], of: int, sha256: str) -> bytes | None:
    """The photo that parts make, by their numbers; None where any is missing or it is not whole."""
    if any(number not in parts for number in range(1, of + 1)):
        return None
    content = b"".join(parts[number] for number in range(1, of + 1))
    return content if digest(content) == sha256 else None


def part_body(part: Part) -> dict[str, Any]:
    """The body of a part's record."""
    return {
        "entry": str(part.entry),
        "sha256": part.sha256,
        "part": part.number,
        "of": part.of,
        "data": base64.b64encode(part.data).decode(),
    }


def part_of(body: Mapping[str, Any]) -> Part:
    """A part of the body of its record; raises `WireError` for what is none."""
    try:
        entry, name, data = uuid.UUID(body["entry"]), body["sha256"], body["data"]
        number, of, content = body["part"], body["of"], base64.b64decode(data, validate=True)
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as fault:
        raise WireError(f"not a part of a photo: {type(fault).__name__} {fault}") from fault
    if not (isinstance(name, str) and _DIGEST.fullmatch(name)):
        raise WireError("not a part of a photo: it names none")
    whole = isinstance(number, int) and isinstance(of, int)
    if not (whole and 1 <= number <= of <= MOST_PARTS and 0 < len(content) <= PART):
        raise WireError(f"not a part of a photo: {number!r:.20} of {of!r:.20}")
    return Part(entry, name, number, of, content)
