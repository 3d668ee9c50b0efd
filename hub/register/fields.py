"""What a table and its columns are to the person who meets them; values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

Kind = Literal[
    "text",
    "long_text",
    "integer",
    "decimal",
    "double",
    "boolean",
    "date",
    "instant",
    "time",
    "choice",
    "reference",
    "json",
    "uuid",
    "binary",
    "array",
]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Field:
    """One column as a person meets it."""

    name: str
    label: str
    help: str
    unit: str | None
    kind: Kind
    required: bool  #: must be given when the row is made: not empty, and nothing stands in for it
    choices: tuple[str, ...]
    reference: str | None  #: table whose row this names
    editable: bool  #: may be changed on a row that exists
    settable_on_create: bool
    sealed: bool  #: written, never read back
    precision: int | None  #: digits of a decimal in all
    scale: int | None  #: decimals of a decimal
    max_length: int | None
    nullable: bool = True  #: may be emptied
    item: Kind | None = None  #: kind of an array's items
    holds: type | None = None  #: Python type of a reference's value, where it is no UUID
    table: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """One table as the register serves it."""

    name: str
    singular: str
    plural: str
    group: str
    help: str
    fields: Mapping[str, Field]
    title: str  #: field shown wherever a row is named
    listed: tuple[str, ...]
    searched: tuple[str, ...]
    facets: tuple[str, ...]
    key: str = "id"
    beside: str | None = None  #: second column of the primary key, where the table has one
    vectored: bool = False  #: keeps a search vector
    moves: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  #: status -> what may follow
    open: tuple[str, ...] = ()  #: statuses in which all of the row may change; empty: in any
    later: tuple[str, ...] = ()  #: fields that may change in the other statuses too
    #: Of a table with millions of rows: the fields by which all of it is sorted and filtered, for
    #: an index leads there. Empty: by any.
    quick: frozenset[str] = frozenset()
    order: str = "id"  #: field that lists are sorted by unless asked otherwise; "-" in front: last

    @property
    def readable(self) -> tuple[Field, ...]:
        """Fields whose value may leave the database."""
        return tuple(f for f in self.fields.values() if not f.sealed)

    @property
    def creatable(self) -> bool:
        """Whether rows are made through the register; documents come by upload, people by name."""
        return any(one.settable_on_create for one in self.fields.values())

    @property
    def versioned(self) -> bool:
        """Whether its rows count their versions, so that a lost update can be refused."""
        return "row_version" in self.fields

    @property
    def searchable(self) -> bool:
        """Whether lists of it can be searched for words."""
        return self.vectored or bool(self.searched)
