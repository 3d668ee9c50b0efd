"""Reads tables out of files as operators have them: CSV of any dialect, and XLSX."""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from hub.register.errors import Refused

MOST_LINES, MOST_COLUMNS, LONGEST_CELL = 200_000, 200, 20_000
MOST_BYTES: Final = 64 * 1024 * 1024
#: An XLSX is a zip file; what it holds unpacked may be this many times larger, and no more.
MOST_UNPACKED: Final = 512 * 1024 * 1024
DELIMITERS: Final = ",;\t|"

Cells = list[Any]


def read_table(source: Path | bytes) -> tuple[list[str], list[Cells]]:
    """The headings of a file and the lines below them, by its content whatever its name.

    Empty lines stay, so that lines keep their numbers; raises `Refused` for what is no table.
    """
    data = source if isinstance(source, bytes) else _load(source)
    if len(data) > MOST_BYTES:
        raise _refuse(f"The file is larger than {MOST_BYTES // 2**20} MiB; split it.")
    found = _xlsx(data) if data.startswith(b"PK\x03\x04") else _csv(data)
    lines = [_trimmed(line) for line in found]
    while lines and not lines[-1]:
        lines.pop()
    if not lines or not lines[0]:
        raise _refuse("The first line of the file must hold the names of its columns.")
    header = ["" if cell is None else str(cell).strip() for cell in lines[0]]
    return header, lines[1:]


def _refuse(sentence: str) -> Refused:
    return Refused({"file": sentence})


def _load(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise _refuse(f"{path} cannot be read: {fault.strerror}.") from fault


def _trimmed(line: Iterable[Any]) -> Cells:
    """A line without the empty cells behind its last one."""
    cells = list(line)
    while cells and (cells[-1] is None or cells[-1] == ""):
        cells.pop()
    if len(cells) > MOST_COLUMNS:
        raise _refuse(f"The file has more than {MOST_COLUMNS} columns.")
    if any(isinstance(cell, str) and len(cell) > LONGEST_CELL for cell in cells):
        raise _refuse(f"A cell of the file holds more than {LONGEST_CELL:,} characters.")
    return cells


def _count(lines: list[Cells]) -> None:
    if len(lines) > MOST_LINES:
        raise _refuse(f"The file has more than {MOST_LINES:,} lines; split it.")


# ----------------------------------------------------------------------------------------- CSV


def _csv(data: bytes) -> list[Cells]:
    text = _decoded(data)
    if "\0" in text:
        raise _refuse("The file is neither CSV nor XLSX.")
    lines: list[Cells] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter(text))
    try:
        for line in reader:
            lines.append(list(line))
            _count(lines)
    except csv.Error as fault:
        raise _refuse(f"Line {reader.line_num} of the file is no CSV: {fault}.") from fault
    return lines


def _decoded(data: bytes) -> str:
    """Text by its mark, else UTF-8, else as Windows writes it."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def delimiter(text: str) -> str:
    """What parts the cells: of those that can, the one that stands most often in the first line."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    outside = "".join(first.split('"')[::2])  # a comma inside quotes parts nothing
    return max(DELIMITERS, key=lambda one: (outside.count(one), -DELIMITERS.index(one)))


# ---------------------------------------------------------------------------------------- XLSX


def _xlsx(data: bytes) -> list[Cells]:
    """The first sheet that holds anything; of formulas, what they last came to."""
    lines: list[Cells] = []
    try:
        _check_unpacked(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that say nothing here
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            for sheet in book.worksheets:
                for line in sheet.iter_rows(max_col=MOST_COLUMNS + 1, values_only=True):
                    lines.append(list(line))
                    _count(lines)
                if any(cell is not None for line in lines for cell in line):
                    break
                lines.clear()
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as fault:
        raise _refuse("The file looks like XLSX but cannot be read; save it again.") from fault
    return lines


def _check_unpacked(data: bytes) -> None:
    """Refuse a file that would fill the memory when it is unpacked."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        if sum(part.file_size for part in packed.infolist()) > MOST_UNPACKED:
            raise _refuse("The file is far larger unpacked than a table can be.")
