"""Bytes as people can read them: a hex dump beside the characters, and the text inside (pure)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from agent.contract.wire import CODEC_DEFLATE, CODEC_PLAIN

MOST_SHOWN = 16 * 1024
MOST_INFLATED = 256 * 1024


@dataclass(frozen=True, slots=True)
class Shown:
    """A payload for a person: its size, a hex dump, and its text where it holds any."""

    size: int
    hexdump: str
    text: str | None
    cut: bool  #: only the beginning is shown


def show(payload: bytes) -> Shown:
    """Make a payload readable; whatever it holds, it is shown as text and never as a page."""
    return Shown(
        len(payload),
        "\n".join(_lines(payload[:MOST_SHOWN])),
        _text(payload),
        len(payload) > MOST_SHOWN,
    )


def _lines(payload: bytes) -> Iterator[str]:
    for start in range(0, len(payload), 16):
        row = payload[start : start + 16]
        left = " ".join(f"{byte:02x}" for byte in row[:8])
        right = " ".join(f"{byte:02x}" for byte in row[8:])
        signs = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        yield f"{start:06x}  {left:<23}  {right:<23}  {signs}"


def _text(payload: bytes) -> str | None:
    """What the codec byte says is inside, or the payload itself if it reads as text."""
    inside = _inflated(payload[1:]) if payload[:1] == bytes([CODEC_DEFLATE]) else None
    if inside is None:
        inside = payload[1:] if payload[:1] == bytes([CODEC_PLAIN]) else payload
    try:
        text = inside[:MOST_SHOWN].decode("utf-8")
    except UnicodeDecodeError:
        return None
    printable = all(sign.isprintable() or sign in "\n\t\r" for sign in text)
    return text if text and printable else None


def _inflated(deflated: bytes) -> bytes | None:
    for window in (15, -15):
        try:
            return zlib.decompressobj(window).decompress(deflated, MOST_INFLATED)
        except zlib.error:
            continue
    return None
