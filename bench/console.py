"""Measures the console and the API on thirty years of one operator, signed in, under row security.

Every list in both, first page and one from the middle, filtered, sorted, searched; parts of a large
table in other orders than their own, and a pumper's lists of it; the facets, and the well page.
Beside each the bare SELECT of the same rows by an account that no policy holds, in the same run, in
turns. Answers that a page would keep for a while are forgotten before each.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
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
from bench.console_lists import PAST, shapes
from bench.console_words import (
    FAR_MS,
    LIST_MS,
    MANAGER,
    PUMPER,
    WELL_MS,
    Answer,
    Question,
    as_json,
    words,
)
from hub.bootstrap import spare_the_standing
from hub.database import Tier
from hub.demo.postgres import start_server
from hub.register.catalog import RESOURCES
from hub.register.fields import Resource
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
        visitors = {one: signed_in(app, one) for one in (MANAGER, PUMPER)}
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
                yield from ask(app, visitors, bare, list(alike), chosen.rounds)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)


def _shelf(question: Question) -> str:
    """The heading under which a table stands; the pages that are no table's stand together."""
    known = RESOURCES.get(question.table)
    return known.group if known else "pages"


def ask(
    app: Flask,
    visitors: Mapping[str, Visitor],
    bare: psycopg.Connection[Any],
    questions: list[Question],
    rounds: int,
) -> Iterator[Answer]:
    """Ask all of a heading, again and again, and the bare statement in turns with each.

    A moment in which the machine does something else falls on one round of many questions, not on
    many rounds of one.
    """
    for question in questions:  # not counted: plans, templates
        visitors[question.person].get(question.url)
        if question.bare is not None:
            bare.execute(question.bare).fetchall()
    timed = [
        _once(app, visitors[one.person], bare, one) for _ in range(rounds) for one in questions
    ]
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
            limit = FAR_MS if shape.startswith(PAST) else LIST_MS
            for door, folder in (("console", "register"), ("api", "api/v1")):
                url = f"/{folder}/{resource.name}{query}"
                yield Question(resource.name, door, shape, url, statement, limit)
        if resource.facets:
            url = f"/register/{resource.name}/facets"
            yield Question(resource.name, "console", "facets", url)
        if resource.quick:
            yield from pumpers(resource)
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


def pumpers(resource: Resource) -> Iterator[Question]:
    """A pumper's lists of a large table: by the same statements, under the policies."""
    url = f"/register/{resource.name}"
    yield Question(resource.name, "pumper", "first page", url, person=PUMPER)
    for name in resource.listed:
        sorted_by = f"sorted -{name}"
        yield Question(resource.name, "pumper", sorted_by, f"{url}?sort=-{name}", person=PUMPER)


if __name__ == "__main__":
    raise SystemExit(main())
