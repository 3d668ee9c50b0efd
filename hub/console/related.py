"""What refers to a row: the tables that name it, the first few rows of each, and where all are."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.console import addresses
from hub.console.listing import counted
from hub.console.tables import can
from hub.register import rows
from hub.register.catalog import AUTOMATIC, RESOURCES
from hub.register.fields import Field, Resource
from hub.register.query import Filter, Query
from hub.schema import DocumentLink

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Named:
    """A row by its name."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """The rows of one table that refer to a row by one of its fields."""

    heading: str
    rows: list[Named]
    count: str
    more: bool
    url: str
    add_url: str | None


def pointing(resource: Resource) -> Iterator[tuple[Resource, Field]]:
    """The tables, and the field of each, that refer to rows of this table."""
    for other in RESOURCES.values():
        for field in other.fields.values():
            if field.reference == resource.name and field.name not in AUTOMATIC:
                yield other, field


def related(session: Session, resource: Resource, key: Any) -> tuple[list[Shelf], list[Shelf]]:
    """What refers to a row, and the tables in which nothing does yet."""
    found = [
        _shelf(session, other, field, key)
        for other, field in pointing(resource)
        if can(other, "see")
    ]
    return [one for one in found if one.rows], [one for one in found if not one.rows]


def _shelf(session: Session, other: Resource, field: Field, key: Any) -> Shelf:
    only = (Filter(field.name, "eq", key),)
    last = other.order.startswith("-")
    query = Query(only, sort=other.order.removeprefix("-"), descending=last, limit=SHOWN + 1)
    listed = rows.find(session, other, query, shown=()).rows
    shown = listed[:SHOWN]
    titles = rows.titles(session, other, [row[other.key] for row in shown])
    named = [
        Named(
            titles.get(row[other.key]) or str(row[other.key])[:8],
            url_for("record.page", table=other.name, key=row[other.key]),
        )
        for row in shown
    ]
    pair = ((field.name, str(key)),)
    base = url_for("register.index_of", table=other.name)
    more = len(listed) > SHOWN
    form = url_for("record.add", table=other.name)
    return Shelf(
        _heading(other, field),
        named,
        _count(session, other, query) if more else str(len(shown)),
        more,
        addresses.address(base, pair),
        addresses.address(form, pair) if can(other, "add") and field.settable_on_create else None,
    )


def _heading(other: Resource, field: Field) -> str:
    """The table's name; with the field's where the table refers to the other in several ways."""
    same = [f for f in other.fields.values() if f.reference == field.reference]
    several = len([f for f in same if f.name not in AUTOMATIC]) > 1
    return f"{other.plural}, {field.label.lower()}" if several else other.plural


def _count(session: Session, other: Resource, query: Query) -> str:
    number = rows.count(session, other, query)
    return counted(number.number, capped=number.capped)


def linked_documents(session: Session, resource: Resource, key: Any) -> Shelf | None:
    """The files that are about a row; None where the visitor, or the table, has none to do with."""
    known = RESOURCES["documents"]
    if not can(known, "see") or not isinstance(key, uuid.UUID) or resource is known:
        return None
    about = (DocumentLink.table_name == resource.name, DocumentLink.row_id == key)
    listed = select(DocumentLink.document_id).where(*about).order_by(DocumentLink.id.desc())
    keys = list(session.scalars(listed.limit(SHOWN + 1)))
    titles = rows.titles(session, known, keys[:SHOWN])
    named = [
        Named(titles[one], url_for("record.page", table=known.name, key=one))
        for one in keys[:SHOWN]
        if one in titles
    ]
    links = (("table_name", resource.name), ("row_id", str(key)))
    every = addresses.address(url_for("register.index_of", table="document_links"), links)
    form = addresses.address(
        url_for("documents.add"), (("table", resource.name), ("row", str(key)))
    )
    more = len(keys) > SHOWN
    count = f"{len(named)}{'+' if more else ''}"
    return Shelf("Files", named, count, more, every, form if can(known, "add") else None)
