"""What a list is asked for, read from the address: filters, words, order, place, length.

``?status=producing&depth__gte=100&name__contains=unit&q=bravo&sort=-name&limit=50&cursor=…``
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Final, Literal, cast, get_args
from zoneinfo import ZoneInfo

from hub.register.errors import Refused, ValueRefused
from hub.register.fields import Field, Kind, Resource
from hub.register.values import parse, show

Op = Literal["eq", "ne", "gt", "gte", "lt", "lte", "contains", "is_null", "in"]
OPS: Final[tuple[Op, ...]] = get_args(Op)

LIMIT, MOST = 50, 500
MOST_FILTERS, MOST_VALUES, MOST_WORDS = 20, 200, 8
#: A quarter: 500 wells have 46,000 daily records in it, which the database looks through in 40 ms.
WIDEST_DAYS: Final = 92

_SPAN: Final[tuple[Op, ...]] = ("eq", "ne", "in", "gt", "gte", "lt", "lte", "is_null")
_SAME: Final[tuple[Op, ...]] = ("eq", "ne", "in", "is_null")
_TEXT: Final[tuple[Op, ...]] = ("eq", "ne", "in", "contains", "is_null")
#: What each kind can be asked.
ASKED: Final[Mapping[Kind, tuple[Op, ...]]] = {
    "text": _TEXT,
    "long_text": _TEXT,
    "integer": _SPAN,
    "decimal": _SPAN,
    "double": _SPAN,
    "boolean": ("eq", "ne", "is_null"),
    "date": _SPAN,
    "instant": _SPAN,
    "time": _SPAN,
    "choice": _SAME,
    "reference": _SAME,
    "uuid": _SAME,
    "array": ("contains", "is_null"),
    "json": ("is_null",),
    "binary": ("is_null",),
}
BOUNDS: Final[frozenset[Op]] = frozenset({"eq", "gt", "gte", "lt", "lte"})
NUMBERS: Final[frozenset[Kind]] = frozenset({"integer", "decimal", "double"})
#: Kinds a list cannot be sorted by.
UNSORTED: Final[frozenset[Kind]] = frozenset({"json", "array", "binary"})


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition: its value is the field's own, a list for "in", a boolean for "is_null"."""

    field: str
    op: Op
    value: Any


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a list: the row at its edge, and which way to read on."""

    sort: str
    descending: bool
    backward: bool
    value: str | None  #: of the sorted field, as the database writes it
    key: str
    other: str | None = None  #: of the field beside the key, in a table that has one

    def written(self) -> str:
        """The cursor as an address carries it."""
        parts = [self.sort, int(self.descending), int(self.backward), self.value, self.key]
        if self.other is not None:
            parts.append(self.other)
        packed = json.dumps(parts, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Query:
    """A list as asked for."""

    filters: tuple[Filter, ...] = ()
    search: str = ""
    sort: str = "id"
    descending: bool = False
    cursor: Cursor | None = None
    limit: int = LIMIT

    @property
    def order(self) -> str:
        """The field it is sorted by; "-" in front: the last first."""
        return f"-{self.sort}" if self.descending else self.sort

    def without(self, name: str) -> Query:
        """The same list without what was asked of one field, and from its beginning."""
        kept = tuple(one for one in self.filters if one.field != name)
        return replace(self, filters=kept, cursor=None)


@dataclass(slots=True)
class _Reading:
    """What has been read so far, and what was wrong with it."""

    resource: Resource
    zone: ZoneInfo | None
    filters: dict[tuple[str, Op], list[Any]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)


def parse_query(
    resource: Resource, pairs: Iterable[tuple[str, str]], zone: ZoneInfo | None = None
) -> Query:
    """The list an address asks for; raises `Refused` with a sentence per bad parameter.

    A field given twice asks for any of its values. An empty value asks for nothing.
    """
    read = _Reading(resource, zone)
    for name, value in pairs:
        if not value.strip():
            continue
        if name in {"q", "sort", "cursor", "limit"}:
            read.words[name] = value.strip()
        else:
            _condition(read, name, value)
    query = _ordered(read, _length(read))
    if len(read.filters) > MOST_FILTERS:
        read.faults["filters"] = f"Use at most {MOST_FILTERS} filters."
    if read.faults:
        raise Refused(read.faults)
    filters = tuple(_filter(key, values) for key, values in read.filters.items())
    if faults := too_wide(resource, filters, query.sort):
        raise Refused(faults)
    return replace(query, filters=filters)


def too_wide(resource: Resource, filters: Iterable[Filter], sort: str) -> dict[str, str]:
    """A sentence per parameter that would look at every one of a table's millions of rows.

    Where an index leads, all of the table is asked; what no index helps is asked of one well, or of
    a span of days, and is then as quick.
    """
    listed = list(filters)
    if not resource.quick or _narrow(resource, listed):
        return {}
    slow = {
        (one.field if one.op == "eq" else f"{one.field}__{one.op}"): ("filtered", one.field)
        for one in listed
        if one.field not in resource.quick
        or one.op == "contains"
        or (one.op == "ne" and not resource.fields[one.field].choices)
    }
    if sort not in resource.quick:
        slow["sort"] = ("sorted", sort)
    return {
        name: f"{resource.plural} are {done} by {resource.fields[field].label.lower()} within one"
        f" well, or within at most {WIDEST_DAYS} days; add such a filter."
        for name, (done, field) in slow.items()
    }


def _narrow(resource: Resource, filters: Iterable[Filter]) -> bool:
    """Whether what is asked lies within one well, or within a span of days."""
    told = {(one.field, one.op): one.value for one in filters}
    if ("well_id", "eq") in told:
        return True
    day = resource.beside or ""
    low = told.get((day, "eq")) or told.get((day, "gte")) or told.get((day, "gt"))
    high = told.get((day, "eq")) or told.get((day, "lte")) or told.get((day, "lt"))
    if not isinstance(low, date) or not isinstance(high, date):
        return False
    return high - low <= timedelta(days=WIDEST_DAYS)


def _filter(key: tuple[str, Op], values: list[Any]) -> Filter:
    name, op = key
    if op == "in" or (op == "eq" and len(values) > 1):
        return Filter(name, "in", values)
    return Filter(name, op, values[-1])


def _condition(read: _Reading, name: str, value: str) -> None:
    """One parameter that names a field."""
    field_name, _, word = name.partition("__")
    wanted = read.resource.fields.get(field_name)
    op = cast(Op, word or "eq")
    if wanted is None or wanted.sealed:
        read.faults[name[:60]] = f"{read.resource.plural} have no field “{field_name[:60]}”."
    elif op not in ASKED[wanted.kind]:
        offered = ", ".join(ASKED[wanted.kind])
        read.faults[name[:60]] = f"{wanted.label} can be asked with: {offered}."
    else:
        _value(read, wanted, op, value)


def _value(read: _Reading, wanted: Field, op: Op, value: str) -> None:
    texts = value.split(",") if op == "in" else [value]
    found = read.filters.setdefault((wanted.name, op), [])
    try:
        found += [asked_value(wanted, op, one, read.zone) for one in texts]
    except ValueRefused as fault:
        name = wanted.name if op == "eq" else f"{wanted.name}__{op}"
        read.faults.setdefault(name, str(fault))
    if len(found) > MOST_VALUES:
        read.faults.setdefault(wanted.name, f"{wanted.label} takes at most {MOST_VALUES} values.")


def asked_value(wanted: Field, op: Op, value: str, zone: ZoneInfo | None = None) -> Any:
    """The value of a condition on a field; raises `ValueRefused`."""
    if op == "is_null":
        return _flag(wanted, value)
    if op == "contains":
        return _part(wanted, value)
    read = parse(_open(wanted), value, zone)
    if read is None:
        raise ValueRefused(f"{wanted.label} needs a value; use {wanted.name}__is_null for empty.")
    return read


def _open(wanted: Field) -> Field:
    """The field with room for bounds that its own values could not have."""
    return replace(wanted, required=False, precision=None, scale=None)


def _flag(wanted: Field, value: str) -> bool:
    flag = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    found = flag.get(value.strip().lower())
    if found is None:
        raise ValueRefused(f"{wanted.label}__is_null takes true or false.")
    return found


def _part(wanted: Field, value: str) -> str:
    part = value.strip()
    if not part or len(part) > 100 or re.search(r"[\x00-\x1f\ud800-\udfff]", part):
        raise ValueRefused(f"{wanted.label} takes 1 to 100 characters to look for.")
    return part


def _length(read: _Reading) -> int:
    words = read.words.get("limit", str(LIMIT))
    limit = int(words) if re.fullmatch(r"[0-9]{1,4}", words) else 0
    if not 1 <= limit <= MOST:
        read.faults["limit"] = f"The limit is a number from 1 to {MOST}."
        return LIMIT
    return limit


def _ordered(read: _Reading, limit: int) -> Query:
    """Order, words and place; the rest of what was asked is known."""
    asked = read.words.get("sort") or _usual_order(read)
    sort, descending = asked.removeprefix("-"), asked.startswith("-")
    known = read.resource.fields.get(sort)
    if known is None or known.sealed or known.kind in UNSORTED:
        read.faults["sort"] = f"{read.resource.plural} cannot be sorted by “{sort[:60]}”."
    search = read.words.get("q", "")
    if search and not read.resource.searchable:
        read.faults["q"] = f"{read.resource.plural} cannot be searched for words."
    elif len(search) > 200:
        read.faults["q"] = "Search for at most 200 characters."
    query = Query(search=search, sort=sort, descending=descending, limit=limit)
    cursor = read.words.get("cursor")
    return replace(query, cursor=_cursor(read, query, cursor)) if cursor else query


def _usual_order(read: _Reading) -> str:
    """The order where none is asked for: the table's own.

    Of a table with millions of rows, a bound on a number leads: its index answers at once, where in
    the order of days all the years before the last such day would have to be looked through.
    """
    told = [_filter(key, values) for key, values in read.filters.items() if values]
    if not read.resource.quick or _narrow(read.resource, told):
        return read.resource.order
    for one in told:
        if read.resource.fields[one.field].kind in NUMBERS and one.op in BOUNDS:
            return one.field if one.op in {"lt", "lte"} else f"-{one.field}"
    return read.resource.order


_BAD_CURSOR: Final = "This cursor is not one of this list; begin again without it."


def _cursor(read: _Reading, query: Query, words: str) -> Cursor | None:
    """The place a cursor names; it must be of a list in the same order."""
    try:
        padded = words + "=" * (-len(words) % 4)
        sort, descending, backward, value, key, *beside = json.loads(
            base64.b64decode(padded, altchars=b"-_", validate=True)
        )
        other = beside[0] if beside else None
        if not isinstance(key, str) or {type(value), type(other)} - {str, type(None)}:
            raise TypeError("no words")
        found = Cursor(sort, bool(descending), bool(backward), value, key, other)
        _check_place(read, query, found)
    except (ValueError, TypeError, KeyError, RecursionError, ValueRefused):
        read.faults["cursor"] = _BAD_CURSOR
        return None
    return found


def _check_place(read: _Reading, query: Query, place: Cursor) -> None:
    """Refuse what the database could not read as the values of its columns."""
    if (place.sort, place.descending) != (query.sort, query.descending):
        raise ValueError("of another order")
    if str(parse(_open(read.resource.fields[read.resource.key]), place.key)) != place.key:
        raise ValueError("no key")
    if place.other is not None:
        if read.resource.beside is None:
            raise ValueError("nothing beside the key")
        _check_value(read.resource.fields[read.resource.beside], place.other)
    if place.value is not None:
        sorted_by = read.resource.fields[place.sort]
        _check_value(sorted_by, place.value)


def _check_value(sorted_by: Field, value: str) -> None:
    """Text is whatever the column holds; everything else must read as its kind."""
    if sorted_by.kind in {"text", "long_text", "choice"}:
        if "\0" in value or len(value) > 20_000 or not value.isprintable():
            raise ValueError("no text")
        value.encode()
    else:
        parse(_open(sorted_by), value)


def words_of(search: str) -> list[str]:
    """The words a search is for; an API number's dashes do not part it."""
    if re.fullmatch(r"[0-9]{2}-[0-9]{3}-[0-9]{5}(-[0-9]{2}){0,2}", search.strip()):
        search = search.replace("-", "")
    return re.findall(r"\w+", search.lower())[:MOST_WORDS]


def as_text(wanted: Field, filtered: Filter) -> Any:
    """A condition's value as the database's own types read it."""
    if filtered.op == "is_null":
        return filtered.value
    if filtered.op == "contains":
        return str(filtered.value)
    if isinstance(filtered.value, list):
        return [_words(wanted, one) for one in filtered.value]
    return _words(wanted, filtered.value)


def _words(wanted: Field, value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else show(wanted, value)
