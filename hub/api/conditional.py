"""Entity tags (RFC 9110 §8.8, §13): made from a row's version, or from the bytes of a list (pure).

A row's tag is strong: `"7-1f3c"`, its version and a digest of the fields this release serves. It
says by itself which version a caller has read, so that a late change can be told what happened
since. A list's tag is weak: the digest of its bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

TAG = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)')
ROW = re.compile(r"(\d{1,18})-([0-9a-f]{8})")


@dataclass(frozen=True, slots=True)
class Tags:
    """What an If-Match or If-None-Match header names."""

    anything: bool  #: it is `*`
    strong: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()


def read_tags(header: str) -> Tags:
    """Read a header's list of entity tags; raises `ValueError` when it is none."""
    if header.strip() == "*":
        return Tags(anything=True)
    strong: list[str] = []
    weak: list[str] = []
    at = 0
    while at < len(header):
        found = TAG.match(header, at)
        if found is None:
            raise ValueError('an entity tag stands in double quotes: "7-1f3c0a2b", or is *')
        (weak if found[1] else strong).append(found[2])
        at = found.end()
    if not strong and not weak:
        raise ValueError('an entity tag stands in double quotes: "7-1f3c0a2b", or is *')
    return Tags(False, tuple(strong), tuple(weak))


def shape_of(names: Iterable[str]) -> str:
    """Digest of the fields a representation has: a release that serves more makes new tags."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:8]


def row_tag(version: int, shape: str) -> str:
    """The strong tag of one version of a row, without its quotes."""
    return f"{version}-{shape}"


def body_tag(body: bytes) -> str:
    """The tag of a body by its bytes, without its quotes."""
    return hashlib.sha256(body).hexdigest()[:24]


def unchanged(header: str | None, tag: str) -> bool:
    """Whether If-None-Match names what would be sent; a header that cannot be read names nothing.

    A safe request is best answered in full when in doubt.
    """
    if header is None:
        return False
    try:
        tags = read_tags(header)
    except ValueError:
        return False
    return tags.anything or tag in tags.strong or tag in tags.weak


def version_read(tags: Tags) -> int | None:
    """The newest version that the row tags of an If-Match name; None where they name none."""
    versions = [int(found[1]) for tag in tags.strong if (found := ROW.fullmatch(tag))]
    return max(versions, default=None)
