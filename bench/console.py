"""Measures the console and the API on thirty years of one operator, signed in, under row security.

Every list in both, first page and one from the middle, filtered, sorted, searched; the facets, and
the well page. Beside each the bare SELECT of the same rows by an account that no policy holds, in
the same run, in turns. Answers that a page would keep for a while are forgotten before each.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby, tee
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
from flask import Flask
from psycopg import sql

from bench.console_data import VERSION, Size, make
from bench.console_words import WELL_MS, Answer, Question, as_json, words
from hub.bootstrap import spare_the_standing
from hub.database import Tier
from hub.demo.postgres import start_server
from hub.register.catalog import RESOURCES, table_of
from hub.register.fields import Field, Resource
from hub.register.query import ASKED, NUMBERS, UNSORTED, Cursor, parse_query
from tests.console import Visitor, open_console, signed_in
from tests.servers import postgres, timescale_apache
from tests.servers.postgres import Database, Server

HOME = Path("/var/tmp/wellflow-bench-console")  # noqa: S108 - kept on purpose, for the next run
MEMORY = {
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "max_locks_per_transaction": "512",
}


def main() -> int:
    """Run the measurement; 1 where a limit is passed, 3 where no server is at hand."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--server", action="append", choices=sorted(SERVERS))
    options.add_argument("--rounds", type=int, default=20)
    options.add_argument("--part", type=int, help="one part of so many of the data")
    options.add_argument("--table", action="append", help="only these tables")
    options.add_argument("--no-limits", action="store_true")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    names = chosen.server or [name for name, there in SERVERS.items() if there.url()]
    if not names:
        print("no server: set WELLFLOW_TEST_COMMUNITY_URL, or install the demo", file=sys.stderr)
        return 3
    good = True
    for name in names:
        size = Size.of(chosen.part or SERVERS[name].part)
        answers, measured = tee(measure(name, size, chosen))
        if chosen.json:
            print(as_json(name, size, list(measured)))
        else:
            for line in words(name, size, measured):
                print(line, flush=True)
        good &= all(answer.good for answer in answers)
    return 0 if good or chosen.no_limits else 1


# --------------------------------------------------------------------------------- servers


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of server, and which part of the data it is given."""

    open: Callable[[ExitStack], Server]
    url: Callable[[], bool]
    part: int


def _community(_stack: ExitStack) -> Server:
    return Server(os.environ["WELLFLOW_TEST_COMMUNITY_URL"])


def _apache(stack: ExitStack) -> Server:
    programs = timescale_apache.programs()
    if isinstance(programs, str):
        raise SystemExit(programs)
    folder, options = HOME / "apache", postgres.TIMESCALE | MEMORY
    address = folder / "address"
    if not address.exists():
        server = postgres.installed(programs, folder, options)
        address.write_text(server.url)
    else:
        port = int(address.read_text().rpartition(":")[2].partition("/")[0])
        child = postgres.run_again(programs, folder, port, options)
        server = Server(address.read_text(), programs, child)
    stack.callback(server.stop)
    return server


def _plain(stack: ExitStack) -> Server:
    found = start_server(HOME / "plain", options=postgres.FAST | MEMORY)
    stack.callback(found.stop)
    return Server(f"{found.url.rpartition('/')[0]}/postgres", found.programs, None)


SERVERS = {
    "community": Kind(_community, lambda: "WELLFLOW_TEST_COMMUNITY_URL" in os.environ, 1),
    "apache": Kind(_apache, lambda: not isinstance(timescale_apache.programs(), str), 10),
    "plain": Kind(_plain, lambda: True, 10),
}


def kept_database(server: Server, size: Size) -> Database:
    """The database of an earlier run, or an empty one."""
    name = f"wellflow_bench_console_{VERSION}_{size.wells}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        there = connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone()
        if there is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return Database(server.address(name), Tier.PLAIN, server.programs)


def measure(name: str, size: Size, chosen: argparse.Namespace) -> Iterator[Answer]:
    """Ask everything on one kind of server."""
    HOME.mkdir(exist_ok=True)
    HOME.chmod(0o755)
    with ExitStack() as stack:
        server = SERVERS[name].open(stack)
        database = kept_database(server, size)
        stack.callback(database.close)
        make(database, size)
        app = open_console(database)
        visitor = signed_in(app, "alice")
        spare_the_standing()  # as the process that serves does
        with database.admin() as bare:
            operator = bare.execute("SELECT id FROM organizations WHERE slug = 'bluebonnet'")
            found = operator.fetchone()
            assert found is not None
            asked = [
                question
                for question in questions(bare, found[0])
                if not chosen.table or question.table in chosen.table
            ]
            for place, (shelf, alike) in enumerate(groupby(asked, _shelf), 1):
                if sys.stderr.isatty():
                    print(f"\r\033[K{place}: {shelf}", end="", file=sys.stderr)
                yield from ask(app, visitor, bare, list(alike), chosen.rounds)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)


def _shelf(question: Question) -> str:
    """The heading under which a table stands; the pages that are no table's stand together."""
    known = RESOURCES.get(question.table)
    return known.group if known else "pages"


def ask(
    app: Flask,
    visitor: Visitor,
    bare: psycopg.Connection[Any],
    questions: list[Question],
    rounds: int,
) -> Iterator[Answer]:
    """Ask all of a heading, again and again, and the bare statement in turns with each.

    A moment in which the machine does something else falls on one round of many questions, not on
    many rounds of one.
    """
    for question in questions:  # not counted: plans, templates
        visitor.get(question.url)
        if question.bare is not None:
            bare.execute(question.bare).fetchall()
    timed = [_once(app, visitor, bare, one) for _ in range(rounds) for one in questions]
    for place, question in enumerate(questions):
        told = timed[place :: len(questions)]
        beside = [one.bare for one in told if one.bare is not None]
        times = [one.page for one in told]
        yield Answer(
            question,
            statistics.median(times),
            p95(times),
            statistics.median(beside) if beside else None,
            p95(beside) if beside else None,
            max(one.status for one in told),
        )


@dataclass(frozen=True, slots=True)
class Timed:
    """One asking, in milliseconds."""

    page: float
    bare: float | None
    status: int


def _once(app: Flask, visitor: Visitor, bare: psycopg.Connection[Any], question: Question) -> Timed:
    app.extensions["wellflow"].cache.clear()
    begun = time.perf_counter()
    answer = visitor.get(question.url)
    answer.get_data()
    page, beside = (time.perf_counter() - begun) * 1000, None
    if question.bare is not None:
        begun = time.perf_counter()
        bare.execute(question.bare).fetchall()
        beside = (time.perf_counter() - begun) * 1000
    return Timed(page, beside, answer.status_code)


def p95(times: list[float]) -> float:
    """The 95th percentile, by nearest rank."""
    return sorted(times)[-(-95 * len(times) // 100) - 1]


# ------------------------------------------------------------------------------- questions


def questions(bare: psycopg.Connection[Any], organization: Any) -> Iterator[Question]:
    """Everything to ask: each table's lists through both doors, the pages, the well page."""
    for resource in RESOURCES.values():
        for shape, pairs, statement in shapes(bare, organization, resource):
            query = f"?{urlencode(pairs)}" if pairs else ""
            yield Question(
                resource.name, "console", shape, f"/register/{resource.name}{query}", statement
            )
            yield Question(
                resource.name, "api", shape, f"/api/v1/{resource.name}{query}", statement
            )
        if resource.facets:
            url = f"/register/{resource.name}/facets"
            yield Question(resource.name, "console", "facets", url)
    yield Question("(register)", "console", "all tables", "/register")
    yield Question("(fleet)", "console", "fleet", "/", limit_ms=WELL_MS)
    wells = bare.execute(
        "SELECT DISTINCT well_id::text FROM tags WHERE organization_id = %s AND interval_ms = 60000"
        " LIMIT 3",
        [organization],
    ).fetchall()
    for page, address in (("well", "/wells/{}"), ("well's charts", "/wells/{}/series")):
        for (well,) in wells:
            for span in ("24h", "7d", "30d"):
                url = f"{address.format(well)}?range={span}"
                yield Question(f"({page})", "console", span, url, limit_ms=WELL_MS)


Pairs = list[tuple[str, str]]


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
    for name, op, value in asker.filters():
        key = name if op == "eq" else f"{name}__{op}"
        usual = parse_query(resource, [(key, value)]).order
        yield f"filtered {key}", [(key, value)], asker.select(usual, (name, op, value))
    if resource.searched and resource.vectored and (word := asker.word()):
        yield "searched", [("q", word)], asker.select(order, ("", "search", word))


@dataclass(frozen=True, slots=True)
class Asker:
    """Writes bare statements for one table, and finds values that occur in it."""

    bare: psycopg.Connection[Any]
    organization: Any
    resource: Resource

    def select(
        self,
        order: str,
        condition: tuple[str, str, str] | None = None,
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
        if condition:
            where.append(_condition(*condition))
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

    def filters(self) -> Iterator[tuple[str, str, str]]:
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
    word = {"eq": "=", "gte": ">="}[op]
    return sql.SQL("{} {} {}").format(sql.Identifier(name), sql.SQL(word), sql.Literal(value))


if __name__ == "__main__":
    raise SystemExit(main())
