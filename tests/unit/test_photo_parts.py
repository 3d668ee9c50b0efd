"""Photos in parts, and what a browser sends with files in it: whole, or told apart from whole."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.contract.blocks import Stamp
from agent.contract.errors import WireError
from agent.contract.photos import PART, cut, digest, joined, media_of, part_body, part_of
from agent.contract.records import Record, freeze_record, new_id
from agent.form.uploads import read_multipart
from tests.picturing import jpeg, multipart

ENTRY = uuid.UUID(int=7)


@given(
    content=st.binary(min_size=1, max_size=4 * PART),
    order=st.randoms(use_true_random=False),
    again=st.integers(0, 5),
)
def test_a_photo_is_put_together_from_parts_in_any_order_and_never_from_fewer(
    content: bytes, order: object, again: int
) -> None:
    parts = [part_of(part_body(part)) for part in cut(ENTRY, content)]
    came = parts + parts[:again]
    order.shuffle(came)  # type: ignore[attr-defined]
    there: dict[int, bytes] = {}
    for part in came:
        assert joined(there, part.of, part.sha256) is None or len(there) == len(parts)
        there[part.number] = part.data
    assert joined(there, len(parts), digest(content)) == content
    missing = order.choice(sorted(there))  # type: ignore[attr-defined]
    assert joined(
        {n: d for n, d in there.items() if n != missing}, len(parts), digest(content)
    ) is (None)
    there[missing] = there[missing][:-1] + bytes([there[missing][-1] ^ 1])
    assert joined(there, len(parts), digest(content)) is None, "another content is another photo"


def test_a_part_fits_a_record_of_eight_kibibytes() -> None:
    part = next(cut(ENTRY, bytes(3 * PART)))
    stamp = Stamp(1_700_000_000_000, "0123456789abcdef", 1, 1_700_000_000_000, 10**12)
    assert len(freeze_record(Record("photo", new_id(), stamp, part_body(part), maybe=True))) <= 8192


@pytest.mark.parametrize(
    "changed",
    [
        {"part": 0},
        {"part": 3},
        {"part": "1"},
        {"of": 5000},
        {"sha256": "9F" * 32},
        {"sha256": 7},
        {"data": "…"},
        {"data": ""},
        {"entry": "none"},
    ],
    ids=lambda one: str(one)[:24],
)
def test_what_is_no_part_is_refused(changed: dict[str, object]) -> None:
    body = part_body(next(cut(ENTRY, bytes(2 * PART))))
    assert part_of(body).of == 2
    with pytest.raises(WireError, match="not a part of a photo"):
        part_of(body | changed)


def test_pictures_are_known_by_their_content() -> None:
    assert media_of(jpeg()) == "image/jpeg"
    assert media_of(b"RIFF\0\0\0\0WEBPVP8 ") == "image/webp"
    assert media_of(b"\0\0\0\x18ftypheic") == "image/heic"
    assert [media_of(content) for content in (b"", b"<svg/>", b"%PDF-1.7", b"GIF89a")] == [None] * 4


@given(
    texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=9)),
    files=st.lists(st.binary(min_size=1, max_size=300), max_size=3),
)
def test_a_form_with_files_is_taken_apart_as_it_was_put_together(
    texts: list[str], files: list[bytes]
) -> None:
    body, kind = multipart([("note", text) for text in texts], [*files, b""])
    sent = read_multipart(body, kind)
    assert list(sent.form.all("note")) == texts
    assert list(sent.files) == files, "a field without a file is none"


@given(st.binary(max_size=200), st.integers(0, 400))
def test_what_is_no_form_with_files_is_refused_and_nothing_worse(junk: bytes, cut_at: int) -> None:
    body, kind = multipart([("a", "b")], [b"\xff\xd8\xff"])
    for spoilt in (junk, body[:cut_at] + junk, junk + body):
        try:
            read_multipart(spoilt, kind)
        except ValueError:
            continue
    with pytest.raises(ValueError, match="boundary"):
        read_multipart(body, "multipart/form-data")
