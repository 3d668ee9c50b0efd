"""What a file is, told from its content: its name and what the browser says of it are not believed.

Only what an office exchanges is kept: PDF, pictures, word processing, spreadsheets, presentations,
CSV and plain text. Programs, web pages and drawings that can carry scripts are refused, for a
document is opened by people who trust where it comes from.
"""

from __future__ import annotations

import codecs
import csv
import re
import zipfile
from typing import BinaryIO, Final

from hub.errors import HubError

HEAD: Final = 8192  #: bytes that are looked at where a format says itself what it is

PDF = "application/pdf"
TEXT = "text/plain"
CSV = "text/csv"
_OOXML = "application/vnd.openxmlformats-officedocument."

#: How a file of each kind ends, so that what is sent out can be opened by a double click.
ENDINGS: Final = {
    PDF: "pdf",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/tiff": "tif",
    "image/webp": "webp",
    "image/heic": "heic",
    f"{_OOXML}wordprocessingml.document": "docx",
    f"{_OOXML}spreadsheetml.sheet": "xlsx",
    f"{_OOXML}presentationml.presentation": "pptx",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-powerpoint": "ppt",
    "application/rtf": "rtf",
    CSV: "csv",
    TEXT: "txt",
}

KEPT = "PDF, pictures (JPEG, PNG, GIF, TIFF, WebP, HEIC), Office files, CSV and plain text are kept"


class UnwelcomeError(HubError):
    """A file is not of a kind that is kept; the text says what it is and what to send instead."""


_MAGIC: Final = (
    (b"%PDF-", PDF),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"{\\rtf", "application/rtf"),
)

#: What starts a machine's program: Windows, Linux, macOS (32, 64, fat), Java, WebAssembly, scripts.
_PROGRAMS: Final = (
    b"\x7fELF",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"\0asm",
    b"#!",
)

#: What makes a browser take a text for a page (https://mimesniff.spec.whatwg.org, §7.1): the first
#: anywhere near the beginning, the second as the very beginning.
_PAGE: Final = re.compile(
    r"<(!doctype\s+(html|svg)|(html|head|script|iframe|svg|object|embed)[\s/>])"
    r"|\A\s*<(!--|(h1|div|font|table|a|style|title|b|body|br|p|meta|link)[\s/>])",
    re.IGNORECASE,
)

_PARTS: Final = {
    "word/": f"{_OOXML}wordprocessingml.document",
    "xl/": f"{_OOXML}spreadsheetml.sheet",
    "ppt/": f"{_OOXML}presentationml.presentation",
}

#: Streams in an Office file of before 2007; an installer has the same outer form and none of them.
_OLE: Final = (
    ("WordDocument", "application/msword"),
    ("Workbook", "application/vnd.ms-excel"),
    ("Book", "application/vnd.ms-excel"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
)
_MACROS = "it holds macros, which are programs; save it without them"


def sniff(file: BinaryIO) -> str:
    """The media type of a file's content; raises `UnwelcomeError` for what is not kept."""
    file.seek(0)
    head = file.read(HEAD)
    if not head:
        raise UnwelcomeError("The file is empty.")
    if head.startswith(_PROGRAMS) or (head.startswith(b"MZ") and b"\0" in head[:64]):
        raise UnwelcomeError(f"The file is a program, which is not kept; {KEPT}.")
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp" and head[8:12] in {b"heic", b"heix", b"mif1", b"msf1"}:
        return "image/heic"
    if head.startswith(b"PK\x03\x04"):
        return _archive(file)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _old_office(file)
    return _text(file, head)


def _archive(file: BinaryIO) -> str:
    """An Office file of today is an archive that says what it holds."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            declared = archive.read("mimetype")[:80] if "mimetype" in names else b""
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, KeyError) as fault:
        raise UnwelcomeError("The file is a damaged archive; send it again.") from fault
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise UnwelcomeError(f"The file is not kept: {_MACROS}.")
    if declared.decode("ascii", "replace").strip() in ENDINGS:
        return declared.decode("ascii").strip()
    if "[Content_Types].xml" in names:
        for part, kind in _PARTS.items():
            if any(name.startswith(part) for name in names):
                return kind
    raise UnwelcomeError(f"The file is an archive; send the files in it one by one. {KEPT}.")


def _old_office(file: BinaryIO) -> str:
    file.seek(0)
    content = file.read()
    if "_VBA_PROJECT".encode("utf-16-le") in content:
        raise UnwelcomeError(f"The file is not kept: {_MACROS}.")
    for name, kind in _OLE:
        if f"{name}\0".encode("utf-16-le") in content:
            return kind
    raise UnwelcomeError(f"The file is an installer or of an unknown kind; {KEPT}.")


def _text(file: BinaryIO, head: bytes) -> str:
    """Text in UTF-8, UTF-16 with its mark, or Windows' western letters; not a page, not binary."""
    words = head.decode(_coding(file, head), "ignore").lstrip("\ufeff")
    if any(sign < " " and sign not in "\t\n\r\f" for sign in words):
        raise UnwelcomeError(f"The file is of an unknown kind; {KEPT}.")
    if _PAGE.search(words):
        raise UnwelcomeError(
            "The file is a web page or a drawing that can carry scripts; save it as PDF or PNG."
        )
    return CSV if _is_table(words) else TEXT


def _coding(file: BinaryIO, head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    coding, decoder = "utf-8", codecs.getincrementaldecoder("utf-8")()
    file.seek(0)
    while piece := file.read(1 << 20):
        if b"\0" in piece:
            raise UnwelcomeError(f"The file is of an unknown kind; {KEPT}.")
        try:
            decoder.decode(piece, final=len(piece) < 1 << 20)
        except UnicodeDecodeError:
            coding = "cp1252"
    return coding


def _is_table(words: str) -> bool:
    """Whether the first lines have the same number of columns, by one of the usual separators."""
    lines = words.splitlines()[:20]
    lines = lines[:-1] if len(words) > HEAD // 2 and len(lines) > 2 else lines  # cut in the middle
    for mark in ",;\t|":
        try:
            widths = {len(row) for row in csv.reader(lines, delimiter=mark) if row}
        except csv.Error:
            continue
        if len(widths) == 1 and widths.pop() > 1 and len(lines) > 1:
            return True
    return False
