"""What the register knows of each table, read from the table's own declaration.

A table is served when its class names a GROUP. Labels, help, units, choices and references come
from the columns; `hub.register.closed` adds what the console's database role may not write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import ARRAY, Column, LargeBinary, Numeric, String, Table, types
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapper, configure_mappers

from hub.register.closed import FILLED_IN, MADE_ELSEWHERE, NEVER_SENT, NOT_CHANGED, ONLY_SEEN
from hub.register.errors import Missing
from hub.register.fields import KINDS, Field, Kind, Resource
from hub.schema import Base

__all__ = ["KINDS", "RESOURCES", "Field", "Kind", "Resource", "groups", "resource", "table_of"]

SHORT_TEXT, LONG_TEXT = 200, 10_000
#: Kept by the database or the product, whoever asks.
AUTOMATIC: Final = frozenset(
    {
        "id",
        "organization_id",
        "created_at",
        "updated_at",
        "created_by",
        "updated_by",
        "row_version",
    }
)
#: Words at the end of a column's name that promise more than a line.
LONG_WORDS: Final = re.compile(
    r"(^|_)(notes?|description|remarks?|comments?|cause|consequence|actions?|reason|body|text|"
    r"terms|summary|detail|findings|instructions)$"
)
SPELLED: Final[Mapping[str, str]] = {
    "api": "API",
    "aba": "ABA",
    "id": "ID",
    "jib": "JIB",
    "gor": "GOR",
    "wor": "WOR",
    "nri": "NRI",
    "iban": "IBAN",
    "afe": "AFE",
    "btu": "BTU",
    "url": "URL",
    "sha256": "SHA-256",
    "api14": "API number",
    "no": "number",
    "lat": "latitude",
    "lon": "longitude",
    "w9": "W-9",
    "bsw": "BS&W",
    "hbp": "HBP",
}


def resource(name: str) -> Resource:
    """The table of this name; raises `Missing` for one that the register does not serve."""
    found = RESOURCES.get(name)
    if found is None:
        raise Missing(f"There is no table “{name[:60]}” here.")
    return found


def table_of(served: Resource) -> Table:
    """The table behind a resource."""
    return Base.metadata.tables[served.name]


def groups() -> dict[str, list[Resource]]:
    """The tables under their headings, as menus show them."""
    found: dict[str, list[Resource]] = {name: [] for name in GROUPS}
    for served in RESOURCES.values():
        found.setdefault(served.group, []).append(served)
    return {heading: tables for heading, tables in found.items() if tables}


GROUPS: Final = (
    "Assets",
    "Production",
    "Operations",
    "Compliance",
    "Finance",
    "Analysis",
    "Company",
)


# --------------------------------------------------------------------- reading the declarations


def _served() -> Iterator[tuple[Table, Any]]:
    """Tables with a heading and a key of their own, and the class that declares each."""
    configure_mappers()
    mappers: list[Mapper[Any]] = sorted(Base.registry.mappers, key=lambda m: m.class_.__name__)
    for mapper in mappers:
        table = mapper.local_table
        if isinstance(table, Table) and mapper.class_.GROUP and "id" in table.primary_key.columns:
            yield table, mapper.class_


def _resource(table: Table, declared: Any, served: frozenset[str]) -> Resource:
    fields = {
        column.name: _field(column, served)
        for column in table.columns
        if not _internal(column) and column.name not in NEVER_SENT.get(table.name, ())
    }
    named = [column.name for column in table.primary_key if column.name != "id"]
    title = declared.TITLE if declared.TITLE in fields else "id"
    words = " ".join(re.findall(r"[A-Z][a-z0-9]*", declared.__name__))
    return Resource(
        name=table.name,
        singular=_spell(words.lower()),
        plural=_capital(_spell(table.name)),
        group=declared.GROUP,
        help=" ".join((declared.__doc__ or "").split("\n\n")[0].split()),
        fields=fields,
        title=title,
        listed=tuple(n for n in declared.LISTED or (title,) if n in fields),
        searched=tuple(n for n in declared.SEARCHED if n in fields),
        facets=tuple(n for n in declared.FACETS if n in fields),
        beside=named[0] if named else None,
        vectored="search_text" in table.c,
        moves=getattr(declared, "MOVES", {}),
        open=getattr(declared, "OPEN", ()) if getattr(declared, "MOVES", {}) else (),
        later=getattr(declared, "LATER", ()),
        quick=_quick(table) if named else frozenset(),
        order=getattr(declared, "SORT", "") or _order(fields[title], named),
    )


def _quick(table: Table) -> frozenset[str]:
    """The fields of a table kept in pieces for its size to which an index leads at once."""
    led = [[column.name for column in index.columns] for index in table.indexes]
    return frozenset({"id", *(names[1] for names in led if names[0] == "organization_id")})


def _order(title: Field, named: list[str]) -> str:
    """By name where rows have one; else the newest first."""
    if named:
        return f"-{named[0]}"
    return title.name if title.kind in {"text", "choice"} else "-id"


def _internal(column: Column[Any]) -> bool:
    """Whether a column only serves the database: the search vector and its like."""
    return isinstance(column.type, postgresql.TSVECTOR)


def _field(column: Column[Any], served: frozenset[str]) -> Field:
    info = column.info
    sealed = bool(info.get("sealed"))
    target = _target(column)
    reference = target if target in served else None
    given = column.server_default is not None or column.default is not None
    nullable = bool(column.nullable)
    kind = _kind(column, reference)
    table = column.table.name
    settable = not _automatic(column) and (kind != "binary" or sealed)
    makeable = settable and table not in MADE_ELSEWHERE
    numeric = column.type if isinstance(column.type, Numeric) else None
    return Field(
        name=column.name,
        label=label_of(column),
        help=info.get("help", ""),
        unit=info.get("unit"),
        kind=kind,
        required=makeable and not nullable and not given,
        choices=tuple(info.get("choices", ())),
        reference=reference,
        editable=settable
        and not column.primary_key
        and table not in ONLY_SEEN
        and column.name not in NOT_CHANGED.get(table, ()),
        settable_on_create=makeable,
        sealed=sealed,
        precision=numeric.precision if numeric is not None and kind == "decimal" else None,
        scale=numeric.scale if numeric is not None and kind == "decimal" else None,
        max_length=_max_length(column, kind),
        nullable=nullable,
        item=_plain_kind(column.type.item_type) if isinstance(column.type, ARRAY) else None,
        holds=column.type.python_type if reference else None,
        table=table,
    )


def _automatic(column: Column[Any]) -> bool:
    """Whether the database or the product keeps a column, whoever asks."""
    return (
        column.name in AUTOMATIC
        or column.computed is not None
        or bool(column.info.get("filled"))
        or column.name in FILLED_IN.get(column.table.name, ())
    )


def _target(column: Column[Any]) -> str | None:
    """Table whose row a column names, by its foreign key."""
    if column.name.endswith("_by") and isinstance(column.type, types.Uuid):
        return "users"  # people who did something: no foreign key keeps most of them
    if column.name == "organization_id":
        return None
    for key in column.foreign_keys:
        if key.column.name in {"id", "user_id"}:
            return "users" if key.column.name == "user_id" else key.column.table.name
    return None


def _kind(column: Column[Any], reference: str | None) -> Kind:
    if column.info.get("sealed"):
        return "text"
    if reference:
        return "reference"
    if column.info.get("choices") and not isinstance(column.type, ARRAY):
        return "choice"
    plain = _plain_kind(column.type)
    return "long_text" if plain == "text" and LONG_WORDS.search(column.name) else plain


#: The first type that a column's type is an instance of decides.
_KINDS: Final[tuple[tuple[type[Any], Kind], ...]] = (
    (types.Double, "double"),
    (types.Float, "double"),
    (types.Numeric, "decimal"),
    (types.Integer, "integer"),
    (types.Boolean, "boolean"),
    (types.DateTime, "instant"),
    (types.Date, "date"),
    (types.Time, "time"),
    (types.Uuid, "uuid"),
    (types.JSON, "json"),
    (types.ARRAY, "array"),
    (LargeBinary, "binary"),
    (types.String, "text"),
)


def _plain_kind(kind: Any) -> Kind:
    for sort, found in _KINDS:
        if isinstance(kind, sort):
            return found
    raise TypeError(f"the register knows no kind for a column of type {kind!r}")


def _max_length(column: Column[Any], kind: Kind) -> int | None:
    if kind not in {"text", "long_text"}:
        return None
    declared = column.type.length if isinstance(column.type, String) else None
    return declared or (LONG_TEXT if kind == "long_text" else SHORT_TEXT)


def label_of(column: Column[Any]) -> str:
    """What a column is called for people."""
    return str(column.info.get("label") or _label(column.name, column.info.get("unit")))


def _label(name: str, unit: str | None) -> str:
    """A column's name in words: without ``_id``, and without the unit that stands beside it."""
    bare = name.removesuffix("_id")
    ending = f"_{unit}".lower() if unit else ""
    if ending and bare.endswith(ending):
        bare = bare.removesuffix(ending)
    return _capital(_spell(bare))


def _spell(name: str) -> str:
    return " ".join(SPELLED.get(word, word) for word in name.replace("_", " ").split())


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _read_all() -> dict[str, Resource]:
    declared = list(_served())
    served = frozenset(table.name for table, _class in declared)
    made = [_resource(table, klass, served) for table, klass in declared]
    return {one.name: one for one in sorted(made, key=lambda r: (GROUPS.index(r.group), r.plural))}


#: Every table the register serves, by name, in the order of their headings.
RESOURCES: Final[Mapping[str, Resource]] = _read_all()
