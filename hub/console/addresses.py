"""Addresses of lists: a filter is a pair of the address, and every link changes just one (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import urlencode

Pairs = tuple[tuple[str, str], ...]

CONTROLS = frozenset({"q", "sort", "cursor", "limit"})
PLACES = frozenset({"cursor"})  #: what a change of filter or order makes meaningless


def clean(pairs: Iterable[tuple[str, str]]) -> Pairs:
    """The pairs that say something: fields a person left empty are dropped."""
    return tuple((name, value.strip()) for name, value in pairs if value.strip())


def address(base: str, pairs: Iterable[tuple[str, str]]) -> str:
    """An address with these pairs."""
    query = urlencode(tuple(pairs))
    return f"{base}?{query}" if query else base


def without(pairs: Pairs, *names: str) -> Pairs:
    """The pairs without those of some names, and from the first page again."""
    return tuple(pair for pair in pairs if pair[0] not in PLACES | set(names))


def without_pair(pairs: Pairs, name: str, value: str) -> Pairs:
    """The pairs without one, and from the first page again."""
    return tuple(pair for pair in pairs if pair[0] not in PLACES and pair != (name, value))


def replaced(pairs: Pairs, name: str, value: str) -> Pairs:
    """The pairs with one name said anew, and from the first page again."""
    return (*without(pairs, name), (name, value))


def at(pairs: Pairs, cursor: str) -> Pairs:
    """The same list from another place on."""
    return (*without(pairs), ("cursor", cursor))


def filters(pairs: Pairs) -> Iterator[tuple[str, str, str, str]]:
    """Every filter of an address as (pair's name, field, operator, value)."""
    for name, value in pairs:
        if name not in CONTROLS:
            field, _, operator = name.partition("__")
            yield name, field, operator or "eq", value


def kept(pairs: Pairs) -> Pairs:
    """What of an address a saved view or an export keeps: filters, words and order, no place."""
    return tuple(pair for pair in pairs if pair[0] not in {"cursor", "limit"})
