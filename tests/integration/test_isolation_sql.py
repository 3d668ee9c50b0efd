"""As one operator over SQL, try every table, column, key, view and function of another."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Table, UniqueConstraint, func, select, text

from tests.everything import key_of, make_row, tenant_tables
from tests.intruder import TALLY, House, attempt, open_house
from tests.servers.postgres import Server, migrated

TABLES = tenant_tables()
#: Refusals that tell nothing: no right, row security, a column that is made by the database.
SILENT = {"42501", "428C9"}

#: Unique keys that do not begin with the organization, and why they tell nothing.
GLOBAL_KEYS = {
    "agents": "an agent's name is its account at the one broker",
    "api_keys": "the first part of a random secret",
    "notifications": "made by the product of the keys of an alert and a channel",
    "sessions": "the hash of a random secret",
}


@pytest.fixture(scope="module")
def house(plain_server: Server) -> Iterator[House]:
    database = plain_server.fresh(migrated)
    yield open_house(database)
    plain_server.drop(database)


def note(what: str, *, leaked: bool) -> None:
    TALLY.note("SQL", what, leaked=leaked)


@pytest.fixture(autouse=True)
def _count_from_here() -> None:
    SEEN[:] = TALLY.leaks


SEEN: list[str] = []


def leaks() -> list[str]:
    """What came through in this test."""
    return TALLY.leaks[len(SEEN) :]


def readable(connection: Connection, table: Table) -> bool:
    """Whether the console may read every column of a table."""
    return not attempt(connection, select(*table.c).limit(0)).refusal


def test_nothing_is_read_or_counted(house: House) -> None:
    for actor_name, actor in house.actors():
        with house.as_cimarron(actor) as connection:
            for table in TABLES:
                for what, statement in readings(house, table):
                    tried = attempt(connection, statement)
                    leaked = any(any(row) for row in tried.rows) or bool(house.told(tried.refusal))
                    note(f"{actor_name} {what} {table.name}: {tried}", leaked=leaked)
    assert leaks() == []


def readings(house: House, table: Table) -> Iterator[tuple[str, Any]]:
    """Ways of asking for another's row; each must answer nothing or zero."""
    theirs, foreign = house.theirs[table.name], house.cast.bluebonnet.id
    yield "reads", select(*table.primary_key).where(key_of(table, theirs))
    count = select(func.count()).select_from(table)
    yield "counts", count.where(table.c.organization_id == foreign)
    yield "counts those not ours in", count.where(table.c.organization_id != house.cast.cimarron.id)
    for column in table.c:
        if theirs[column.name] is not None and column.name != "organization_id":
            here = (column == theirs[column.name]) & (table.c.organization_id == foreign)
            yield f"looks for {column.name} in", select(func.count()).where(here)


def test_nothing_is_inserted_for_them(house: House) -> None:
    with house.database.engine("owner").connect() as owner:
        rows = {table.name: make_row(owner, table, house.cast.bluebonnet.id) for table in TABLES}
    for actor_name, actor in house.actors():
        with house.as_cimarron(actor) as connection:
            for table in TABLES:
                tried = attempt(connection, table.insert().values(rows[table.name]))
                note(f"{actor_name} inserts into {table.name}: {tried}", leaked=not tried.refusal)
    assert leaks() == []


def test_nothing_of_theirs_is_changed_or_deleted(house: House) -> None:
    for actor_name, actor in house.actors():
        with house.as_cimarron(actor) as connection:
            for table in TABLES:
                here = key_of(table, house.theirs[table.name])
                changes = [
                    table.update().where(here).values({c.name: c})
                    for c in table.c
                    if not c.computed
                ]
                for statement in (*changes, table.delete().where(here)):
                    tried = attempt(connection, statement)
                    leaked = tried.touched > 0 or (
                        bool(tried.refusal) and tried.state not in SILENT
                    )
                    note(f"{actor_name} changes {table.name}: {tried}", leaked=leaked)
    assert leaks() == []


def test_nothing_of_ours_is_given_to_them(house: House) -> None:
    with house.as_cimarron() as connection:
        for table in TABLES:
            given = {"organization_id": house.cast.bluebonnet.id}
            change = table.update().where(key_of(table, house.ours[table.name])).values(given)
            tried = attempt(connection, change)
            note(f"gives {table.name}: {tried}", leaked=not tried.refusal)
    assert leaks() == []


def references() -> Iterator[tuple[Table, Any]]:
    for table in TABLES:
        for constraint in table.foreign_key_constraints:
            if "organization_id" in constraint.referred_table.c:
                yield table, constraint


def test_no_reference_to_them_can_exist_even_with_row_security_off(house: House) -> None:
    """The owner is told by the key itself, or by a rule of the row: never let through."""
    with house.database.engine("owner").connect() as connection:
        for table, constraint in references():
            target = house.theirs[constraint.referred_table.name]
            foreign = {
                local: target[element.column.name]
                for local, element in zip(constraint.column_keys, constraint.elements, strict=True)
                if local != "organization_id"
            }
            carries = "organization_id" in constraint.column_keys
            here = key_of(table, house.ours[table.name])
            tried = attempt(connection, table.update().where(here).values(foreign))
            what = f"refers by {constraint.name}: {tried}"
            note(what, leaked=not carries or not tried.refusal)
    assert leaks() == []


def test_copying_out_shows_only_ours_and_copying_in_is_refused(house: House) -> None:
    for actor_name, actor in house.actors():
        with house.as_cimarron(actor) as connection:
            raw: Any = connection.connection.driver_connection
            for table in TABLES:
                for direction in ("TO STDOUT", "FROM STDIN"):
                    came = copied(raw, f"COPY {table.name} {direction}")
                    what = f"{actor_name} copies {table.name} {direction}: {came[:80]}"
                    let_in = direction == "FROM STDIN" and came == ""
                    note(what, leaked=let_in or bool(house.told(came)))
    assert leaks() == []


def copied(raw: Any, statement: str) -> str:
    """What a COPY shows, or says when it is refused."""
    try:
        with raw.transaction(), raw.cursor().copy(statement) as stream:
            if statement.endswith("TO STDOUT"):
                return b"".join(map(bytes, stream)).decode()
            return ""
    except psycopg.Error as refused:
        return f"refused: {refused}"


# ------------------------------------------------------------------------- what can be inferred


def unique_keys(table: Table) -> Iterator[list[str]]:
    """The columns of each unique key."""
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield [column.name for column in constraint.columns]
    for index in table.indexes:
        if index.unique and index.columns:
            yield [column.name for column in index.columns]


def test_unique_keys_are_an_organizations_own(house: House) -> None:
    """Whatever one operator has taken, another may take too: a refusal would tell."""
    for table in TABLES:
        for names in unique_keys(table):
            own = any(name.endswith("_id") or name == "id" for name in names)
            told = "organization_id" not in names and not own
            note(f"{table.name} {names}", leaked=told and table.name not in GLOBAL_KEYS)
    assert leaks() == []


def test_taking_what_they_have_taken_tells_nothing(house: House) -> None:
    """Insert a row of ours with every unique value of theirs: it goes in, or fails as any would."""
    owner = house.database.engine("owner").connect()
    with house.as_cimarron(house.actor(house.cast.cimarron, "owner")) as connection:
        for table in TABLES:
            fresh = make_row(owner, table, house.cast.cimarron.id)
            for names in unique_keys(table):
                values = dict(fresh)
                for name in names:
                    free = name not in {"organization_id", "id"} and not table.c[name].foreign_keys
                    if free and name in fresh:
                        values[name] = house.theirs[table.name][name]
                usual = attempt(connection, table.insert().values(fresh))
                tried = attempt(connection, table.insert().values(values))
                said = [str(value) for value in values.values()]
                told = tried.state == "23505" != usual.state and table.name not in GLOBAL_KEYS
                told = told or bool(house.told(tried.refusal, said))
                note(f"takes {names} of {table.name}: {tried}", leaked=told)
    owner.close()
    assert leaks() == []


def test_errors_statistics_and_plans_say_nothing_of_theirs(house: House) -> None:
    with house.database.admin() as admin:
        admin.execute("ANALYZE")
    questions = [
        "SELECT * FROM pg_stats",
        "SELECT * FROM pg_stats_ext",
        "SELECT * FROM pg_statistic",
        "SELECT query FROM pg_stat_activity",
        "SELECT sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL",
        "SELECT * FROM pg_largeobject",
        "SELECT * FROM pg_prepared_statements",
        "SELECT * FROM pg_cursors",
        "SELECT * FROM pg_publication_tables",
        "SELECT rolpassword FROM pg_authid",
    ]
    for table in TABLES:
        questions.append(f"EXPLAIN (ANALYZE, VERBOSE, COSTS OFF) SELECT * FROM {table.name}")
        questions += [
            f"SELECT 1 FROM {table.name} WHERE CAST({column.name} AS text)::integer = 0"
            for column in table.c
        ]
    with house.as_cimarron() as connection:
        for question in questions:
            tried = attempt(connection, text(question.replace(":", r"\:")))
            told = house.told(f"{tried.rows} {tried.refusal}", [question])
            sequence = "pg_sequences" in question and tried.rows
            note(f"asks {question}: {told}", leaked=bool(told or sequence))
    assert leaks() == []


# ------------------------------------------------------------------------------ functions

#: Functions asked before it is known who asks: each answers for one secret or one address only.
BEFORE_SIGN_IN = {
    *("sign_in_lookup", "sign_in_allowed", "sign_in_failed", "sign_in_succeeded"),
    *("session_open", "session_lookup", "session_switch", "session_organizations"),
    *("session_visitor", "session_close", "password_change", "api_key_lookup"),
    *("message_link_open", "message_link_use", "message_code_open", "message_receipt"),
}


def test_no_function_tells_of_them(house: House) -> None:
    """Every function the console may call, with keys and names of theirs as arguments."""
    with house.database.admin() as admin:
        functions = admin.execute(
            "SELECT p.proname, p.proretset, p.proargtypes::oid[]::regtype[]::text[]"
            " FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f'"
            " AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)"
            " AND has_function_privilege('wellflow_app', p.oid, 'EXECUTE')"
            " AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"
        ).fetchall()
    assert {name for name, _, _ in functions} > {"assigned_leases"}
    for actor_name, actor in house.actors():
        with house.as_cimarron(actor) as connection:
            for name, _, kinds in functions:
                if name in BEFORE_SIGN_IN:
                    continue
                for values in arguments(house, list(kinds)):
                    given = ", ".join(values)
                    tried = attempt(connection, text(f"SELECT t FROM {name}({given}) AS t"))
                    told = house.told(f"{tried.rows} {tried.refusal}", [given])
                    note(f"{actor_name} calls {name}({given}): {told}", leaked=bool(told))
    assert leaks() == []


def arguments(house: House, kinds: list[str]) -> Iterator[list[str]]:
    """Ways to call a function: with the name of each table and the key of their row in it."""
    once = not {"uuid", "uuid[]", "regclass"} & set(kinds) and kinds[:1] != ["text"]
    for table in TABLES[:1] if once else TABLES:
        key = house.theirs[table.name].get("id")
        known = {
            "uuid": f"'{key if isinstance(key, uuid.UUID) else house.cast.bluebonnet.id}'::uuid",
            "uuid[]": f"ARRAY['{key}']::uuid[]",
            "text": f"'{table.name}'",
            "regclass": f"'{table.name}'::regclass",
            "integer": "100",
            "bigint": "100",
            "boolean": "false",
            "jsonb": "'[]'",
            "text[]": "'{}'",
        }
        yield [known.get(kind, f"NULL::{kind}") for kind in kinds]
