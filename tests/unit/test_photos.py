"""Photos of an incident file: upright, small, bounded, and told where they cannot be printed."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from hub.documents.store import MissingContentError
from hub.incidents import photos
from hub.incidents.photos import LONGEST_PX, Photo, UnreadablePhotoError, of_timeline, smaller


def written(picture: Image.Image, kind: str, **more: object) -> io.BytesIO:
    out = io.BytesIO()
    picture.save(out, kind, **more)
    out.seek(0)
    return out


def opened(photo: Photo) -> Image.Image:
    return Image.open(io.BytesIO(photo.jpeg))


def test_a_large_photo_is_made_small_and_stands_upright() -> None:
    """The phone was held upright: the camera writes it lying, with a mark."""
    lying = Image.new("RGB", (4000, 3000), "red")
    lying.paste("blue", (0, 0, 2000, 3000))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it a quarter to the right
    exif[0x010E] = "a secret"
    found = smaller(written(lying, "JPEG", exif=exif))
    assert (found.width, found.height) == (825, LONGEST_PX)
    shown = opened(found)
    assert shown.size == (found.width, found.height)
    red, _, blue = shown.getpixel((400, 50))
    assert blue > 200 > red, "what was on the left is on top"
    assert b"a secret" not in found.jpeg


def test_what_is_transparent_is_white() -> None:
    clear = Image.new("RGBA", (50, 40), (0, 0, 0, 0))
    assert opened(smaller(written(clear, "PNG"))).getpixel((20, 20)) == (255, 255, 255)
    palette = Image.new("P", (50, 40))
    assert smaller(written(palette, "GIF")).width == 50


def bomb() -> io.BytesIO:
    """A hundred bytes that claim to be 60,000 pixels square."""
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    check = struct.pack(">I", zlib.crc32(b"IHDR" + head))
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + head + check)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(io.BytesIO(b"\x89PNG\r\n\x1a\n" + bytes(64)), id="no picture"),
        pytest.param(io.BytesIO(written(Image.new("L", (9, 9)), "TIFF").read()), id="another kind"),
        pytest.param(
            io.BytesIO(written(Image.effect_noise((600, 600), 50), "JPEG").read()[:2000]),
            id="cut off",
        ),
        pytest.param(bomb(), id="far too large"),
    ],
)
def test_what_cannot_be_printed_is_refused_in_a_sentence(content: io.BytesIO) -> None:
    with pytest.raises(UnreadablePhotoError):
        smaller(content)


def test_only_so_many_are_printed_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "MOST", 2)
    content = written(Image.new("RGB", (20, 10)), "PNG").read()
    asked: list[str] = []

    def shelf(sha256: str) -> io.BytesIO:
        asked.append(sha256)
        if sha256 == "gone":
            raise MissingContentError("There is no such content.")
        return io.BytesIO(content)

    hashes = ["a", "gone", "a", "b", "c", None, "paper"]
    entries = [
        {"sha256": h, "media_type": "application/pdf" if h == "paper" else "image/png"}
        for h in hashes
    ]
    found = of_timeline(entries, shelf)
    assert asked == ["a", "gone", "b"]
    assert [type(found[h]) is Photo for h in ("a", "gone", "b", "c")] == [True, False, True, False]
    assert found["c"] == "only the first 2 photos are printed"
    assert set(found) == {"a", "gone", "b", "c"}
