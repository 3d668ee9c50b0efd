"""What a document is, told from its content; what is refused, and the sentence that says so."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.documents.kinds import ENDINGS, HEAD, UnwelcomeError, sniff

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


def archive(*names: str, **content: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name in names:
            file.writestr(name, content.get(name, "x"))
    return made.getvalue()


def wide(*words: str) -> bytes:
    return OLE + b"".join(f"{word}\0".encode("utf-16-le") for word in words)


OFFICE = "application/vnd.openxmlformats-officedocument"
GOOD = {
    "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "application/pdf"),
    "jpeg": (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "image/jpeg"),
    "png": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
    "gif": (b"GIF89a\1\0\1\0", "image/gif"),
    "tiff": (b"II*\0\x08\0\0\0", "image/tiff"),
    "webp": (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0", "image/heic"),
    "docx": (
        archive("[Content_Types].xml", "word/document.xml"),
        f"{OFFICE}.wordprocessingml.document",
    ),
    "xlsx": (archive("[Content_Types].xml", "xl/workbook.xml"), f"{OFFICE}.spreadsheetml.sheet"),
    "ods": (
        archive("mimetype", mimetype="application/vnd.oasis.opendocument.spreadsheet"),
        "application/vnd.oasis.opendocument.spreadsheet",
    ),
    "doc": (wide("Root Entry", "WordDocument"), "application/msword"),
    "xls": (wide("Root Entry", "Workbook"), "application/vnd.ms-excel"),
    "rtf": (b"{\\rtf1\\ansi Lease}", "application/rtf"),
    "csv": (b"Date,Oil,Gas\n2026-01-01,12,30\n2026-01-02,11,29\n", "text/csv"),
    "csv by semicolons": (b"Datum;Oel\n1;2,5\n2;3,5\n", "text/csv"),
    "text": (b"Well shut in at 06:30.\nRod part suspected.\n", "text/plain"),
    "utf-8": ("Presión 42 °F".encode(), "text/plain"),
    "windows": ("Presión 42 °F".encode("cp1252"), "text/plain"),
    "utf-16": ("Date\tOil\n1\t2\n".encode("utf-16"), "text/csv"),
    "a letter that begins with M and Z": (b"MZ 4 pump: see note\n", "text/plain"),
    "less than": (b"BS&W < 0.3 %\npsi <b 50\n", "text/plain"),
}
BAD = {
    "empty": (b"", "is empty"),
    "windows program": (b"MZ\x90\0\3\0\0\0", "is a program"),
    "linux program": (b"\x7fELF\2\1\1\0", "is a program"),
    "mac program": (b"\xcf\xfa\xed\xfe\7\0\0\1", "is a program"),
    "java": (b"\xca\xfe\xba\xbe\0\0\0\x34", "is a program"),
    "shell script": (b"#!/bin/sh\nrm -rf /\n", "is a program"),
    "page": (b"<!DOCTYPE html><p>hi", "web page"),
    "page after white space": (b"\n\n  <HTML><body>", "web page"),
    "page after words": (b"hello\n<script>alert(1)</script>", "web page"),
    "comment": (b"<!-- x --><p>", "web page"),
    "drawing": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "web page"),
    "drawing of a doctype": (b'<!DOCTYPE svg PUBLIC "x"><svg>', "web page"),
    "page in utf-16": ("<html><script>".encode("utf-16"), "web page"),
    "archive": (archive("a.txt", "b.exe"), "one by one"),
    "damaged archive": (b"PK\3\4" + bytes(40), "damaged"),
    "macros": (archive("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"), "macro"),
    "old macros": (wide("WordDocument", "_VBA_PROJECT"), "macro"),
    "installer": (wide("Root Entry", "DigitalSignature"), "installer"),
    "unknown": (bytes(range(256)), "unknown kind"),
    "nothing late": (b"a" * (2 * HEAD) + b"\0", "unknown kind"),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_kept(name: str) -> None:
    content, kind = GOOD[name]
    assert sniff(io.BytesIO(content)) == kind
    assert kind in ENDINGS


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused(name: str) -> None:
    content, words = BAD[name]
    with pytest.raises(UnwelcomeError, match=words) as fault:
        sniff(io.BytesIO(content))
    assert str(fault.value).endswith(".")


@given(st.binary(max_size=400))
def test_anything_is_judged(content: bytes) -> None:
    """Whatever comes is of a kind we keep, or refused with a sentence; nothing else happens."""
    with suppress(UnwelcomeError):
        assert sniff(io.BytesIO(content)) in ENDINGS
