"""Pictures in the hands of a test: real JPEG files of any size, each with its own content."""

from __future__ import annotations

import io
import random

from PIL import Image, ImageDraw


def jpeg(side: int = 64, seed: int = 1, *, exif: bool = False) -> bytes:
    """A JPEG of so many pixels a side; the same seed makes the same bytes."""
    chance = random.Random(seed)
    picture = Image.new("RGB", (side, side * 3 // 4), (90, 120, 150))
    draw = ImageDraw.Draw(picture)
    for _ in range(120):
        x, y = chance.randrange(side), chance.randrange(side)
        colour = tuple(chance.randrange(256) for _ in range(3))
        draw.rectangle((x, y, x + side // 9, y + side // 9), fill=colour)
    out = io.BytesIO()
    more = {}
    if exif:
        told = Image.Exif()
        told[0x010F] = "Whose phone this is"
        more["exif"] = told
    picture.save(out, "JPEG", quality=92, **more)
    return out.getvalue()


def heavy(size: int, seed: int = 1) -> bytes:
    """What begins as a JPEG and has so many bytes, none of which deflate."""
    return (b"\xff\xd8\xff" + random.Random(seed).randbytes(size))[:size]


def multipart(
    fields: list[tuple[str, str]], files: list[bytes], mark: str = "----x"
) -> tuple[bytes, str]:
    """A form with files as a browser writes it, and its content type."""
    out = b""
    for name, value in fields:
        out += (
            f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        )
    for content in files:
        head = 'Content-Disposition: form-data; name="photos"; filename="a.jpg"'
        out += (
            f"--{mark}\r\n{head}\r\nContent-Type: image/jpeg\r\n\r\n".encode() + content + b"\r\n"
        )
    return out + f"--{mark}--\r\n".encode(), f'multipart/form-data; boundary="{mark}"'
