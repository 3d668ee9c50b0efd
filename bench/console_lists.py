"""Ways to ask for a list, and the bare statement of the same rows, for `bench.console`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import psycopg
from psycopg import sql

from hub.register.catalog import table_of
from hub.register.fields import Field, Resource
from hub.register.query import ASKED, NUMBERS, UNSORTED, Cursor, parse_query

Pairs = list[tuple[str, str]]
#: Column, how it is asked, value.
Condition = tuple[str, str, str]
#: Begins the shape of a list past a bound in the order of days, which no index serves.
PAST = "past"
MONTH, YEAR = timedelta(days=31), timedelta(days=366)


def shapes(
    bare: psycopg.Connection[Any], organization: Any, resource: Resource
) -> Iterator[tuple[str, Pairs, Any]]:
    """Ways to ask for a list: address parameters, and the bare statement of the same rows."""
    asker = Asker(bare, organization, resource)
    order = resource.order
    yield "first page", [], asker.select(order)
    middle = asker.row(order)
    if middle is None:
        return
    yield "deep page", [("cursor", asker.cursor(order, middle))], asker.select(order, after=middle)
    for other in asker.other_orders():
        yield f"sorted {other}", [("sort", other)], asker.select(other)
        if place := asker.row(other):
            pairs = [("sort", other), ("cursor", asker.cursor(other, place))]
            yield f"sorted {other}, deep", pairs, asker.select(other, after=place)
    for condition in asker.filters():
        pair = _pair(condition)
        usual = parse_query(resource, [pair]).order
        yield f"filtered {pair[0]}", [pair], asker.select(usual, [condition])
    if resource.searched and resource.vectored and (word := asker.word()):
        yield "searched", [("q", word)], asker.select(order, [("", "search", word)])
    for part, conditions, other in asker.parts():
        pairs = [*map(_pair, conditions), ("sort", other)]
        yield f"{part} by {other}", pairs, asker.select(other, conditions)


def _pair(condition: Condition) -> tuple[str, str]:
    """A condition as an address says it."""
    name, op, value = condition
    return name if op == "eq" else f"{name}__{op}", value


@dataclass(frozen=True, slots=True)
class Asker:
    """Writes bare statements for one table, and finds values that occur in it."""

    bare: psycopg.Connection[Any]
    organization: Any
    resource: Resource

    def select(
        self,
        order: str,
        conditions: Sequence[Condition] = (),
        after: tuple[Any, ...] | None = None,
        what: str = "*",
        offset: int = 0,
    ) -> Any:
        """The rows of a page, as anybody would ask for them who knew the operator's key."""
        name = order.lstrip("-")
        way = "DESC" if order.startswith("-") else "ASC"
        where: list[sql.Composable] = [
            sql.SQL("{} = {}").format(self._owner(), sql.Literal(str(self.organization)))
        ]
        where += [_condition(*one) for one in conditions]
        if after:
            values = (after[0], after[2], after[1]) if self._tied(name) else after[:2]
            place = sql.SQL("({}) {} ({})").format(
                sql.SQL(", ").join(map(sql.Identifier, self._order(name))),
                sql.SQL("<" if way == "DESC" else ">"),
                sql.SQL(", ").join(map(sql.Literal, values)),
            )
            where.append(place)
        return sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY {} OFFSET {} LIMIT 51").format(
            sql.SQL(what),
            sql.Identifier(self.resource.name),
            sql.SQL(" AND ").join(where),
            sql.SQL(", ").join(
                sql.SQL("{} {}").format(sql.Identifier(one), sql.SQL(way))
                for one in self._order(name)
            ),
            sql.Literal(offset),
        )

    def _order(self, name: str) -> list[str]:
        """The columns that rows are sorted by: as the register sorts them."""
        return [name, *([self.resource.beside or ""] if self._tied(name) else []), "id"]

    def _tied(self, name: str) -> bool:
        """Whether the column beside the key decides among equals: where an index has it so."""
        table = table_of(self.resource)
        led = [[column.name for column in index.columns] for index in table.indexes]
        return any(names[1:3] == [name, self.resource.beside] for names in led)

    def _owner(self) -> sql.Composable:
        if self.resource.name == "organizations":
            return sql.Identifier("id")
        if self.resource.name == "users":
            return sql.SQL(
                "(SELECT organization_id FROM memberships m WHERE m.user_id = users.id LIMIT 1)"
            )
        return sql.Identifier("organization_id")

    def row(self, order: str) -> tuple[Any, ...] | None:
        """Value and key of the row in the middle of a list."""
        count = sql.SQL("SELECT count(*) FROM {} WHERE {} = {}").format(
            sql.Identifier(self.resource.name),
            self._owner(),
            sql.Literal(str(self.organization)),
        )
        number = self.bare.execute(count).fetchone()
        assert number is not None
        if number[0] < 2:
            return None
        name = order.lstrip("-")
        found = self.bare.execute(
            self.select(
                order,
                what=f'"{name}"::text, id::text, "{self.resource.beside or "id"}"::text',
                offset=number[0] // 2,
            )
        ).fetchone()
        return found if found and found[0] is not None else None

    def cursor(self, order: str, place: tuple[Any, ...]) -> str:
        """The place in a list as its address carries it."""
        name = order.lstrip("-")
        value = None if name == "id" else place[0]
        other = place[2] if self.resource.beside else None
        return Cursor(name, order.startswith("-"), False, value, place[1], other).written()

    def other_orders(self) -> Iterator[str]:
        """A listed field of each kind the list is sorted by; every one of a large table."""
        usual = self.resource.order.lstrip("-")
        fields = [self.resource.fields[name] for name in self.resource.listed if name != usual]
        seen: set[str] = set()
        for field in fields:
            kind = "number" if field.kind in NUMBERS else field.kind
            if field.kind in UNSORTED or field.sealed or (kind in seen and not self.resource.quick):
                continue
            seen.add(kind)
            yield f"-{field.name}"

    def parts(self) -> Iterator[tuple[str, Sequence[Condition], str]]:
        """Parts of a large table in other orders than their own: of days, of a well, of volumes."""
        day, middle = self.resource.beside, self.row(self.resource.order)
        if day is None or middle is None:
            return
        begin, well = date.fromisoformat(middle[0]), self._value(self.resource.fields["well_id"])
        within = {
            name: [(day, "gte", str(begin)), (day, "lt", str(begin + span))]
            for name, span in (("month", MONTH), ("year", YEAR))
        } | {"well": [("well_id", "eq", well or "")]}
        fields = self.resource.fields
        for number in (one for one in self.resource.listed if fields[one].kind in NUMBERS):
            for name, conditions in within.items():
                yield name, conditions, f"-{number}"
            bound = (number, "gte", self._value(fields[number]) or "")
            yield f"{PAST} {number}", [bound], self.resource.order
            yield "year and bound", [*within["year"], bound], f"-{number}"

    def filters(self) -> Iterator[Condition]:
        """A value of a facet, a bound of a number, a part of a title: each as it occurs."""
        fields = self.resource.fields
        wanted: list[tuple[Field, str]] = []
        facets = self.resource.facets if self.resource.quick else self.resource.facets[:1]
        wanted += [(fields[name], "eq") for name in facets]
        wanted += [(fields[n], "gte") for n in self.resource.listed if fields[n].kind in NUMBERS][
            :1
        ]
        title = fields[self.resource.title]
        wanted += [(title, "contains")] if title.kind == "text" else []
        if "well_id" in fields:
            wanted.append((fields["well_id"], "eq"))
        for field, op in wanted:
            value = self._value(field) if op in ASKED[field.kind] else None
            if value is not None:
                yield field.name, op, value[-12:].strip() if op == "contains" else value

    def _value(self, field: Field) -> str | None:
        found = self.bare.execute(
            sql.SQL("SELECT {c}::text FROM {} WHERE {} = {} AND {c} IS NOT NULL LIMIT 1").format(
                sql.Identifier(self.resource.name),
                self._owner(),
                sql.Literal(str(self.organization)),
                c=sql.Identifier(field.name),
            )
        ).fetchone()
        return found[0] if found else None

    def word(self) -> str | None:
        """A word that stands in some row's searched columns."""
        value = self._value(self.resource.fields[self.resource.searched[0]])
        return value.split()[-1].split("-")[-1] if value else None


def _condition(name: str, op: str, value: str) -> sql.Composable:
    if op == "search":
        return sql.SQL("search_text @@ to_tsquery('simple', {} || ':*')").format(
            sql.Literal("'" + value.replace("'", "") + "'")
        )
    if op == "contains":
        return sql.SQL("{} ILIKE {}").format(sql.Identifier(name), sql.Literal(f"%{value}%"))
    word = {"eq": "=", "gte": ">=", "lt": "<"}[op]
    return sql.SQL("{} {} {}").format(sql.Identifier(name), sql.SQL(word), sql.Literal(value))
