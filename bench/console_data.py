"""Makes what `bench.console` looks at: an operator of thirty years, in SQL, kept for the next run.

500 wells with a daily record each, a year of one-minute readings of 50 tags, thousands of rows of
every other table, and a smaller neighbour under the same policies. Triggers and foreign keys are
off while it is made; every row is one they would have let in.
"""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Column, Table, UniqueConstraint

from hub.database import Tier
from hub.migrate import head, migrate
from hub.readings.rollups import roll_up
from hub.register.catalog import RESOURCES
from hub.schema import Base
from tests import cast as people
from tests.everything import add_everything, tenant_tables
from tests.servers.postgres import Database

VERSION = 1  #: of what is made here; another makes it anew
FIRST_DAY, YEARS = date(1996, 11, 1), 30
TAG_WELLS = 25
COPIES, PARTNERS = 4_000, 10_000
#: Made by statements of their own, or not at all: what is due, who may come in.
APART = {
    *("production_records", "wells", "leases", "completions", "organizations", "users"),
    *("memberships", "readings", "api_keys", "well_status_history", "bank_accounts"),
}
MADE: dict[str, str] = {  #: where a CHECK asks for more than another text
    "wells.api14": "lpad((42000000000000 + g * 100)::text, 14, '0')",
    "leases.state": "b.state",
    "compliance_reports.revision": "b.revision",
    "accounts.code": "(10000 + g)::text",
    "api_keys.prefix": "lpad(g::text, 8, '0')",
    "alerts.closed_at": "now() - g * interval '1 hour'",
    "feature_flags.feature": "'feature_' || translate(g::text, '0123456789', 'abcdefghij')",
}


@dataclass(frozen=True, slots=True)
class Size:
    """How much is made."""

    wells: int
    years: int
    reading_days: int

    @classmethod
    def of(cls, part: int) -> Size:
        """The whole, or one part of it in so many."""
        return cls(500 // part, YEARS, 365 // part)


def make(database: Database, size: Size) -> None:
    """Fill a database, unless an earlier run has."""
    mark = f"wellflow bench-console {VERSION} {head()} {size.wells} {size.reading_days}"
    with database.admin() as connection:
        found = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database"
            " WHERE datname = current_database()"
        ).fetchone()
    if found is not None and found[0] == mark:
        return
    database.tier = migrate(database.admin_url, say=lambda _line: None)
    cast = people.engage(database.engine("owner"))
    with database.engine("owner").begin() as owner:
        for operator in cast.operators:
            add_everything(owner, operator)
    bluebonnet, cimarron = cast.operators
    _watch(_steps(database, bluebonnet, cimarron, size))
    with database.admin() as connection:
        name = sql.Identifier(database.admin_url.rpartition("/")[2])
        connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(name, sql.Literal(mark)))


Step = tuple[str, Callable[[], Any]]


def _steps(
    database: Database, operator: people.Operator, neighbour: people.Operator, size: Size
) -> Iterator[Step]:
    with database.admin() as connection:
        connection.execute("SET ROLE wellflow_owner")
        connection.execute("RESET ROLE")
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET maintenance_work_mem = '512MB'")
        yield "wells", partial(_wells, connection, operator.id, size.wells)
        yield "a neighbour", partial(_wells, connection, neighbour.id, 50)
        for table in tenant_tables():
            if table.name not in APART and table.name in RESOURCES:
                yield table.name, partial(_copies, connection, table, operator.id)
        for year in range(size.years):
            yield "production_records", partial(_year, connection, operator.id, year)
        for year in range(3):
            yield "production_records", partial(_year, connection, neighbour.id, year)
        yield from _readings(database, connection, operator.id, size)
        yield "statistics", partial(connection.execute, "VACUUM (ANALYZE)")


def _watch(steps: Iterator[Step]) -> None:
    """Do the steps and say on a terminal how far they are."""
    begun = time.monotonic()
    for place, (name, step) in enumerate(steps, 1):
        if sys.stderr.isatty():
            print(f"\r\033[Kmaking data: step {place}, {name}", end="", file=sys.stderr)
        step()
    print(f"\r\033[Kdata made in {time.monotonic() - begun:.0f} s", file=sys.stderr)


# ------------------------------------------------------------------------------------ rows

Db = psycopg.Connection[Any]


def _wells(connection: Db, organization: uuid.UUID, number: int) -> None:
    """Leases, wells and their completions."""
    for table, count in (("leases", number // 10), ("wells", number)):
        have = connection.execute(
            sql.SQL("SELECT count(*) FROM {} WHERE organization_id = %s").format(
                sql.Identifier(table)
            ),
            [organization],
        ).fetchone()
        assert have is not None
        _copies(connection, Base.metadata.tables[table], organization, count - have[0])
    connection.execute(
        "UPDATE wells w SET lease_id = l.id FROM (SELECT id, row_number() OVER (ORDER BY id) - 1"
        " AS n, count(*) OVER () AS all_of FROM leases WHERE organization_id = %(o)s) l,"
        " (SELECT id, row_number() OVER (ORDER BY id) AS n FROM wells"
        " WHERE organization_id = %(o)s) k"
        " WHERE w.id = k.id AND k.n %% l.all_of = l.n",
        {"o": organization},
    )
    connection.execute(
        "INSERT INTO completions (organization_id, well_id, name)"
        " SELECT organization_id, id, 'Main' FROM wells w WHERE organization_id = %s"
        " AND NOT EXISTS (SELECT FROM completions c WHERE c.well_id = w.id)",
        [organization],
    )


def _copies(
    connection: Db, table: Table, organization: uuid.UUID, number: int | None = None
) -> None:
    """Many rows like the newest one, apart in what must be unique and in what they are called."""
    many = number if number is not None else PARTNERS if table.name == "partners" else COPIES
    columns = [c for c in table.c if c.computed is None and c.identity is None]
    distinct = _distinct(table)
    listed = ", ".join(f'"{column.name}"' for column in columns)
    given = ", ".join(_expression(column, distinct) for column in columns)
    statement = (
        f"INSERT INTO {table.name} ({listed}) SELECT {given} FROM (SELECT * FROM {table.name}"  # noqa: S608
        f" WHERE organization_id = '{organization}' LIMIT 1) b, generate_series(1, {many}) g"
        " ON CONFLICT DO NOTHING"
    )
    try:
        connection.execute(statement.encode())
    except psycopg.errors.CheckViolation as refused:
        print(f"\n{table.name} has few rows: {refused.diag.constraint_name}", file=sys.stderr)


def _distinct(table: Table) -> set[str]:
    """Columns of unique keys, beside keys of other rows."""
    found: set[str] = set()
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            found |= {c.name for c in constraint.columns if not c.foreign_keys}
    for index in table.indexes:
        if index.unique:
            found |= {c.name for c in index.columns if not c.foreign_keys}
    return found - {"organization_id"}


def _expression(column: Column[Any], distinct: set[str]) -> str:
    key, here = f"{column.table.name}.{column.name}", f'b."{column.name}"'
    kind = column.type.python_type
    if key in MADE:
        return MADE[key]
    if column.primary_key and kind is uuid.UUID:
        return "gen_random_uuid()"
    named = column.name == RESOURCES[column.table.name].title
    apart = (column.name in distinct or named) and not column.info.get("choices")
    if kind is datetime and not column.nullable:
        return f"{here} - g * interval '1 hour'"
    return APART_BY.get(kind, "{}").format(here) if apart else here


#: What makes a copy's value another, by type.
APART_BY: dict[type, str] = {
    str: "{} || ' ' || g",
    int: "{} + g",
    date: "({} + g * interval '1 month')::date",
}


def _year(connection: Db, organization: uuid.UUID, year: int) -> None:
    """A record per well and day of one year: declining, noisy, down now and then."""
    start = FIRST_DAY.replace(year=FIRST_DAY.year + year)
    connection.execute(
        "INSERT INTO production_records (organization_id, production_date, well_id,"
        " completion_id, record_kind, oil_bbl, gas_mcf, water_bbl, hours_on, tubing_psig,"
        " casing_psig, source, quality)"
        " SELECT c.organization_id, d::date, c.well_id, c.id, 'measured',"
        " (300 * exp(-%(n)s / 12.0) * random())::numeric(14, 4),"
        " (900 * exp(-%(n)s / 15.0) * random())::numeric(14, 4),"
        " (500 * random())::numeric(14, 4), 24 - floor(random() * 1.05) * 8,"
        " (200 + 50 * random())::numeric(9, 2), (120 + 30 * random())::numeric(9, 2),"
        " CASE WHEN random() < 0.8 THEN 'pumper' ELSE 'telemetry' END,"
        " CASE WHEN random() < 0.97 THEN 'good' ELSE 'estimated' END"
        " FROM (SELECT DISTINCT ON (well_id) * FROM completions WHERE organization_id = %(o)s"
        " ORDER BY well_id, id) c,"
        " generate_series(%(start)s::date, %(end)s::date - 1, interval '1 day') d"
        " ON CONFLICT DO NOTHING",
        {
            "n": year,
            "o": organization,
            "start": start,
            "end": start.replace(year=start.year + 1),
        },
    )


# -------------------------------------------------------------------------------- readings


COMPRESS = (
    "SELECT compress_chunk(c, true)"
    " FROM show_chunks('readings', older_than => interval '45 days') c"
)


def _readings(
    database: Database, connection: Db, organization: uuid.UUID, size: Size
) -> Iterator[Step]:
    """A year of minutes of two tags on each of 25 wells, a week at a time."""
    until = datetime.now(UTC).replace(second=0, microsecond=0)
    start = until - timedelta(days=size.reading_days)
    yield "tags", partial(_tags, connection, organization)
    if database.tier is Tier.COMMUNITY:
        connection.execute("SELECT alter_job(job_id, scheduled => false) FROM rollup_policies()")
    for week in range(-(-size.reading_days // 7)):
        begin = start + timedelta(days=7 * week)
        end = min(begin + timedelta(days=7), until)
        yield "readings", partial(_week, connection, organization, begin, end)
    yield "newest values", partial(_newest, connection, organization)
    if database.tier is Tier.COMMUNITY:
        yield "columnstore", partial(connection.execute, COMPRESS)
        for name in ("readings_by_hour", "readings_by_day"):
            refresh = f"CALL refresh_continuous_aggregate('{name}', NULL, now() - interval '1 h')"
            yield name, partial(connection.execute, refresh.encode())
    else:
        yield "rollups", partial(roll_up, database.engine("work"))


def _tags(connection: Db, organization: uuid.UUID) -> None:
    """An agent for each of 25 wells, with the pressures of its tubing and casing."""
    connection.execute(
        "INSERT INTO agents (organization_id, name, shard, well_id)"
        " SELECT organization_id, 'bench-' || id, 1, id FROM wells w WHERE organization_id = %s"
        " AND NOT EXISTS (SELECT FROM agents a WHERE a.well_id = w.id) ORDER BY id LIMIT %s",
        [organization, TAG_WELLS],
    )
    connection.execute(
        "INSERT INTO tags (organization_id, agent_id, name, device, unit, interval_ms, low, high,"
        " measure, well_id) SELECT a.organization_id, a.id, 'plc.' || m, 'plc', 'psi', 60000, 0,"
        " 3000, m, a.well_id FROM agents a,"
        " unnest(ARRAY['tubing_pressure', 'casing_pressure']) m"
        " WHERE a.organization_id = %s AND a.name LIKE 'bench-%%'",
        [organization],
    )


def _week(connection: Db, organization: uuid.UUID, begin: datetime, end: datetime) -> None:
    connection.execute("SELECT ensure_readings_partitions(%s, %s)", [begin, end])
    span = {"o": organization, "begin": begin, "end": end}
    connection.execute(
        "INSERT INTO readings (time, value, organization_id, tag_id, quality)"
        " SELECT t, round((1000 + 200 * sin(extract(epoch FROM t) / 9000 + g.id)"
        " + 5 * random())::numeric, 1)::float8, g.organization_id, g.id, 0"
        " FROM generate_series(%(begin)s, %(end)s - interval '1 minute', interval '1 minute') t,"
        " tags g WHERE g.organization_id = %(o)s AND g.interval_ms = 60000 ORDER BY g.id, t",
        span,
    )
    connection.execute(
        "INSERT INTO ingest_batches (organization_id, agent_id, stream, first, last, checksum,"
        " readings, day, from_time, to_time, judged_at)"
        " SELECT organization_id, id, 'bench', extract(epoch FROM %(begin)s)::bigint,"
        " extract(epoch FROM %(end)s)::bigint - 1, 0, 20160, date_trunc('day', %(begin)s),"
        " %(begin)s, %(end)s, now()"
        " FROM agents WHERE organization_id = %(o)s AND name LIKE 'bench-%%'",
        span,
    )


def _newest(connection: Db, organization: uuid.UUID) -> None:
    connection.execute(
        "INSERT INTO readings_latest (organization_id, tag_id, time, value, quality)"
        " SELECT organization_id, id, now(), 1100, 0 FROM tags WHERE organization_id = %s"
        " ON CONFLICT (tag_id) DO UPDATE SET time = excluded.time",
        [organization],
    )
