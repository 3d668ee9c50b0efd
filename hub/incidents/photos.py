"""Photos of a timeline for paper: turned upright, made small, in a bounded number and size.

What a phone takes is several megabytes, and a file that is mailed to an agency holds a dozen of
them. The originals stay among the documents; their SHA-256 stands under each photo.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from PIL import Image, ImageOps

from hub.documents.store import MissingContentError
from hub.errors import HubError

MOST: Final = 24  #: of one file; what comes later is named by its hash
LONGEST_PX: Final = 1100  #: of the longer side: 300 dots an inch at the width of a column
QUALITY: Final = 75
#: A picture of more would take gigabytes to open, whatever its file's size.
MOST_PIXELS: Final = 89_000_000
FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF")


class UnreadablePhotoError(HubError):
    """A photo cannot be shown on paper; the text says why."""


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo as it is printed."""

    jpeg: bytes
    width: int  #: pixels
    height: int


def smaller(stream: BinaryIO) -> Photo:
    """A photo made small, as JPEG. Raises `UnreadablePhotoError`."""
    try:
        with Image.open(stream, formats=FORMATS) as found:
            if found.width * found.height > MOST_PIXELS:
                raise UnreadablePhotoError("it has too many pixels")
            found.draft("RGB", (LONGEST_PX, LONGEST_PX))  # a JPEG is opened at a fraction of it
            turned = ImageOps.exif_transpose(found)
            turned.thumbnail((LONGEST_PX, LONGEST_PX))
            out = io.BytesIO()
            _on_white(turned).save(out, "JPEG", quality=QUALITY)
    except UnreadablePhotoError:
        raise
    except (OSError, ValueError, SyntaxError, MemoryError, Image.DecompressionBombError) as fault:
        raise UnreadablePhotoError("it is damaged, or of a kind that is not printed") from fault
    return Photo(out.getvalue(), turned.width, turned.height)


def _on_white(picture: Image.Image) -> Image.Image:
    """Without transparency: paper is white."""
    if picture.mode in {"RGB", "L"}:
        return picture
    layered = picture.convert("RGBA")
    sheet = Image.new("RGB", layered.size, "white")
    sheet.paste(layered, mask=layered.getchannel("A"))
    return sheet


def of_timeline(
    entries: Iterable[Mapping[str, Any]], open_: Callable[[str], BinaryIO]
) -> dict[str, Photo | str]:
    """The photos of a timeline by SHA-256, or why one is not printed, in a few words.

    `open_` gives the content of a hash.
    """
    found: dict[str, Photo | str] = {}
    for entry in entries:
        sha256 = entry["sha256"]
        if not sha256 or sha256 in found or not (entry["media_type"] or "").startswith("image/"):
            continue
        if sum(isinstance(one, Photo) for one in found.values()) >= MOST:
            found[sha256] = f"only the first {MOST} photos are printed"
            continue
        try:
            with open_(sha256) as stream:
                found[sha256] = smaller(stream)
        except UnreadablePhotoError as fault:
            found[sha256] = str(fault)
        except MissingContentError:
            found[sha256] = "its content is not in the store"
    return found
