"""Takes a list away as CSV or XLSX: all its rows, in its order, page by page.

Each page is read in a transaction of its own, so that a slow download holds nothing up; the keyset
keeps pages from overlapping while rows come and go. What is exported can be imported again.
"""

from __future__ import annotations

import csv
import io
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import IO, Any, Final, Literal
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from hub import trail
from hub.database import Actor, tenant_session
from hub.register import rows
from hub.register.changes import permit, zone_of
from hub.register.errors import Refused
from hub.register.fields import Field, Resource
from hub.register.query import Query, parse_query
from hub.register.values import show

Format = Literal["csv", "xlsx"]

PAGE: Final = 500
#: A sheet of XLSX ends here (ECMA-376).
MOST_LINES: Final = 1_048_576
BLOCK: Final = 64 * 1024
#: A cell that begins so is a formula to a spreadsheet, whoever typed it.
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
TEXTS: Final = frozenset({"text", "long_text", "reference", "choice", "array", "json"})


def write(
    engine: Engine,
    organization: uuid.UUID,
    actor: Actor,
    resource: Resource,
    query: Query,
    kind: Format,
) -> Iterator[bytes]:
    """The list as a file, piece by piece; noted in the audit trail. Raises `Forbidden`, `Refused`.

    What is refused is refused now, not at the first piece.
    """
    permit(actor, resource, "export")
    with tenant_session(engine, organization, actor) as session:
        zone = zone_of(session)
        if kind == "xlsx" and rows.count(session, resource, query).capped:
            _check_length(session, resource, query)
        trail.note(session, resource.name, None, "export", {"as": kind, "q": query.search})
    pages = _pages(engine, organization, actor, resource, query)
    return _xlsx(resource, pages, zone) if kind == "xlsx" else _csv(resource, pages, zone)


def _check_length(session: Session, resource: Resource, query: Query) -> None:
    """Refuse what does not go into one sheet."""
    if rows.number(session, resource, query, MOST_LINES) >= MOST_LINES:
        raise Refused({"": f"A sheet holds {MOST_LINES - 1:,} rows; filter the list, or take CSV."})


def fields(resource: Resource) -> list[Field]:
    """The columns of an export: everything that may be read, but whose rows they are."""
    return [field for field in resource.readable if field.name != "organization_id"]


def heads(resource: Resource) -> list[str]:
    """What stands above the columns: label and unit, or the name where two share a label."""
    shown = [f"{f.label} ({f.unit})" if f.unit else f.label for f in fields(resource)]
    return [
        field.name if shown.count(head) > 1 else head
        for field, head in zip(fields(resource), shown, strict=True)
    ]


#: The rows of a page, and by table the titles of what they refer to.
Told = tuple[list[rows.Row], dict[str, dict[Any, str]]]


def _pages(
    engine: Engine, organization: uuid.UUID, actor: Actor, resource: Resource, query: Query
) -> Iterator[Told]:
    asked = replace(query, cursor=None, limit=PAGE)
    while True:
        with tenant_session(engine, organization, actor) as session:
            page = rows.find(session, resource, asked)
            titles = rows.references(session, resource, page.rows)
        yield page.rows, titles
        if page.next_cursor is None:
            return
        asked = replace(asked, cursor=_place(resource, asked, page.next_cursor))


def _place(resource: Resource, asked: Query, cursor: str) -> Any:
    """The cursor as the next page of the same list asks with it."""
    sort = f"-{asked.sort}" if asked.descending else asked.sort
    return parse_query(resource, [("sort", sort), ("cursor", cursor)]).cursor


def _words(
    field: Field, value: Any, titles: Mapping[str, Mapping[Any, str]], zone: ZoneInfo
) -> str:
    if value is None:
        return ""
    if field.reference is not None and field.name != "id":
        return guarded(titles.get(field.reference, {}).get(value) or str(value))
    words = show(field, value, zone)
    return guarded(words) if field.kind in TEXTS else words


def guarded(words: str) -> str:
    """Words that no spreadsheet takes for a formula: a quote stands before what looks like one."""
    return f"'{words}" if words.startswith(FORMULA) else words


def unguarded(words: str) -> str:
    """Words as they were before `guarded`."""
    return words[1:] if words.startswith("'") and words[1:].startswith(FORMULA) else words


# ------------------------------------------------------------------------------------- formats


def _csv(resource: Resource, pages: Iterable[Told], zone: ZoneInfo) -> Iterator[bytes]:
    """Lines of UTF-8 with a mark in front, by which spreadsheets know it."""
    columns = fields(resource)
    yield b"\xef\xbb\xbf" + _lines([heads(resource)])
    for page, titles in pages:
        yield _lines(
            [_words(field, row[field.name], titles, zone) for field in columns] for row in page
        )


def _lines(cells: Iterable[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(cells)
    return text.getvalue().encode()


def _xlsx(resource: Resource, pages: Iterable[Told], zone: ZoneInfo) -> Iterator[bytes]:
    """A workbook of one sheet, written to a file that nobody else sees and read from there."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(resource.plural[:31])
    sheet.freeze_panes = "A2"
    bold = [WriteOnlyCell(sheet, value=head) for head in heads(resource)]
    for cell in bold:
        cell.font = Font(bold=True)
    sheet.append(bold)
    columns = fields(resource)
    for page, titles in pages:
        for row in page:
            sheet.append([_cell(field, row[field.name], titles, zone) for field in columns])
    with tempfile.TemporaryFile() as file:
        book.save(file)
        file.seek(0)
        yield from _blocks(file)


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        yield block


def _cell(field: Field, value: Any, titles: Mapping[str, Mapping[Any, str]], zone: ZoneInfo) -> Any:
    """A value as a cell holds it: numbers and days as such, instants on the operator's clock."""
    if isinstance(value, datetime):
        return value.astimezone(zone).replace(tzinfo=None)
    if isinstance(value, bool | int | float) or (field.kind in {"date", "time"}):
        return value
    if isinstance(value, Decimal) and abs(value) < 10**15 and _exact(value):
        return value
    return _words(field, value, titles, zone) or None


def _exact(value: Decimal) -> bool:
    """Whether a sheet's numbers, binary and of 15 digits, keep this one as it is."""
    return len(value.as_tuple().digits) <= 15
