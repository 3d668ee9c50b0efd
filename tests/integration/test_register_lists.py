"""Lists of the register: pages, order, filters, words, counts, facets; and whose rows they are."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hub.database import ACTOR, NOBODY, Actor, act_for, tenant_session
from hub.register import rows
from hub.register.catalog import RESOURCES
from hub.register.errors import Missing
from hub.register.query import Filter, Query, parse_query
from tests.registering import Office, add, listed, names, number, open_office
from tests.servers.postgres import Server, migrated

WELLS = RESOURCES["wells"]
MADE = 25  # and the cast's two


@pytest.fixture(scope="module")
def office(plain_server: Server) -> Iterator[Office]:
    database = plain_server.fresh(migrated)
    office = open_office(database)
    with office.session("owner") as session:
        for n in range(MADE):
            depth = {"md_ft": str(1000 + n % 5 * 100)} if n % 3 else {}
            kind = "injection" if n % 5 == 0 else "oil"
            add(session, office, "wells", name=f"Unit {n:02}", well_type=kind, **depth)
    yield office
    plain_server.drop(database)


@pytest.fixture
def session(office: Office) -> Iterator[Session]:
    with office.trial() as session:
        yield session


RECORDS = "production_records"


def walk(
    session: Session, *pairs: tuple[str, str], table: str = "wells"
) -> tuple[list[uuid.UUID], list[uuid.UUID]]:
    """Keys of all pages forward, and of all pages back from the end."""
    forward, page = [], listed(session, table, *pairs)
    forward += [row["id"] for row in page.rows]
    while page.next_cursor:
        page = listed(session, table, *pairs, ("cursor", page.next_cursor))
        forward += [row["id"] for row in page.rows]
    backward = [row["id"] for row in page.rows]
    while page.previous_cursor:
        page = listed(session, table, *pairs, ("cursor", page.previous_cursor))
        backward = [row["id"] for row in page.rows] + backward
    return forward, backward


@pytest.mark.parametrize("sort", ["name", "-name", "md_ft", "-md_ft", "id", "-id", "status"])
def test_pages_hold_every_row_once_in_order_both_ways(session: Session, sort: str) -> None:
    forward, backward = walk(session, ("sort", sort), ("limit", "4"))
    assert len(forward) == len(set(forward)) == MADE + 2
    assert backward == forward


SORTS = ("quality", "-quality", "hours_on", "-hours_on", "well_id", "record_kind", "-source")


@pytest.mark.parametrize("role", ["manager", "pumper"])
def test_daily_records_in_any_order_are_all_there_once(office: Office, role: str) -> None:
    """Many records are alike in quality or hours; their days decide, then their keys."""
    with office.trial() as session:
        made = session.execute(
            text(
                "INSERT INTO production_records (organization_id, production_date, well_id,"
                " hours_on, quality, source) SELECT organization_id, date '2026-01-01' + d, id,"
                " CASE d % 4 WHEN 3 THEN NULL ELSE 24 - d % 2 END,"
                " (ARRAY['good', 'good', 'bad'])[d % 3 + 1], 'office'"
                " FROM wells, generate_series(0, 6) d WHERE id = ANY (ARRAY(SELECT id FROM wells"
                " ORDER BY id LIMIT 3)) RETURNING id"
            )
        ).scalars()
        keys = set(made)
        if role == "pumper":  # the same statements, under the policies
            session.info[ACTOR] = replace(office.actor(), role="pumper")
        for sort in SORTS:
            forward, backward = walk(session, ("sort", sort), ("limit", "4"), table=RECORDS)
            assert len(forward) == len(set(forward)), sort
            assert set(forward) == keys, sort
            assert backward == forward, sort
        page = listed(session, RECORDS, ("quality__ne", "good"), ("limit", "50"))
        assert {row["quality"] for row in page.rows} == {"bad"}


@pytest.mark.parametrize("sort", ["md_ft", "-md_ft"])
def test_empty_values_come_last_either_way(session: Session, sort: str) -> None:
    depths = [row["md_ft"] for row in listed(session, "wells", ("sort", sort)).rows]
    known = [depth for depth in depths if depth is not None]
    assert depths[: len(known)] == sorted(known, reverse=sort.startswith("-"))


def test_a_page_goes_on_where_it_was_while_rows_come_and_go(
    session: Session, office: Office
) -> None:
    first = listed(session, "wells", ("limit", "5"), ("q", "unit"))
    add(session, office, "wells", name="Unit 00a")
    session.execute(text("UPDATE wells SET name = 'Zulu 1' WHERE name = 'Unit 04'"))
    assert first.next_cursor is not None
    second = ("cursor", first.next_cursor)
    assert names(session, "wells", ("limit", "2"), ("q", "unit"), second) == ["Unit 05", "Unit 06"]


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        (("well_type", "injection"), 5),
        (("well_type__ne", "injection"), 22),
        (("well_type__in", "injection,oil"), 27),
        (("md_ft__gte", "1400"), 3),
        (("md_ft__lt", "1,000.01"), 3),
        (("md_ft__is_null", "true"), 11),
        (("md_ft__is_null", "false"), 16),
        (("name__contains", "unit 1"), 10),
        (("name__contains", "%"), 0),
        (("name__contains", "_"), 0),
        (("q", "bluebonnet"), 2),
        (("q", "unit 07"), 1),
        (("q", "un 0"), 10),
        (("q", "' | !"), 27),
    ],
)
def test_filters_and_words(session: Session, pair: tuple[str, str], expected: int) -> None:
    assert number(session, "wells", pair) == str(expected)
    assert len(listed(session, "wells", pair, ("limit", "100")).rows) == expected


def test_references_are_filtered_by_key(session: Session, office: Office) -> None:
    assert number(session, "wells", ("lease_id", str(office.ours.lease))) == "2"
    assert number(session, "wells", ("lease_id", str(office.theirs.lease))) == "0"


def test_tables_without_a_search_vector_are_searched_in_their_columns(session: Session) -> None:
    assert names(session, "users", ("q", "bob")) == ["Bob"]
    assert names(session, "users", ("q", "dora")) == []


def test_facets_count_and_each_without_its_own_filter(session: Session) -> None:
    found = rows.facets(session, WELLS, parse_query(WELLS, [("well_type", "injection")]))
    assert {f.value: f.count for f in found["well_type"]} == {"oil": 22, "injection": 5}
    assert [(f.value, f.count, f.capped) for f in found["status"]] == [("producing", 5, False)]
    leases = rows.facets(session, WELLS, Query())["lease_id"]
    assert ("Bluebonnet Energy Unit 1", 2) in [(f.label, f.count) for f in leases]


@pytest.mark.parametrize("role", ["manager", "pumper"])
@pytest.mark.parametrize(
    "asked",
    [
        [],
        [("well_type", "injection")],
        [("md_ft__gte", "1200")],
        [("status", "producing"), ("well_type", "oil"), ("lift_type", "x")],
        [("name__contains", "nowhere")],
    ],
)
def test_one_look_says_what_counting_apart_says(
    office: Office, role: str, asked: list[tuple[str, str]]
) -> None:
    query = parse_query(WELLS, [pair for pair in asked if pair[1] != "x"])
    with office.trial(role) as session:
        total, facets = rows.summary(session, WELLS, query)
        assert total == rows.count(session, WELLS, query)
        for name, found in facets.items():
            beside = rows.count(session, WELLS, query.without(name))
            assert sum(one.count for one in found) == beside.number, name
            for one in found:
                own = Filter(name, "is_null" if one.value is None else "eq", one.value or True)
                narrowed = query.without(name)
                narrowed = replace(narrowed, filters=(*narrowed.filters, own))
                assert rows.count(session, WELLS, narrowed).number == one.count, name


def test_of_a_facet_of_free_words_the_most_frequent_are_told(session: Session) -> None:
    session.execute(
        text(
            "INSERT INTO equipment (organization_id, name, kind, manufacturer)"
            " SELECT nullif(current_setting('app.organization_id'), '')::uuid, 'Pump ' || n,"
            " 'pump_jack', CASE WHEN n % 4 > 0 THEN 'Maker ' || n ELSE 'Common ' || n % 24 END"
            " FROM generate_series(1, 400) n"
        )
    )
    total, facets = rows.summary(session, RESOURCES["equipment"], Query())
    told = [(one.value, one.count, one.capped) for one in facets["manufacturer"]]
    assert len(told) == rows.FACET_VALUES
    assert told[:6] == [
        ("Common 12", 17, False),
        ("Common 16", 17, False),
        ("Common 4", 17, False),
        ("Common 8", 17, False),
        ("Common 0", 16, False),
        ("Common 20", 16, False),
    ]
    assert {count for value, count, _capped in told[6:] if value} == {1}
    assert total.number == rows.count(session, RESOURCES["equipment"], Query()).number >= 400


def test_counting_stops_at_ten_thousand(
    session: Session, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "MOST", 20)
    assert number(session, "wells") == "20+"
    facets = rows.facets(session, WELLS, Query())
    assert [(f.count, f.capped) for f in facets["status"]] == [(20, True)]


def test_rows_are_suggested_by_any_word_of_their_name(session: Session) -> None:
    found = rows.suggest(session, WELLS, "bonnet 2")
    assert found == []  # words begin at their beginning
    assert [title for _key, title in rows.suggest(session, WELLS, "blue 2")] == ["Bluebonnet 2H"]
    assert len(rows.suggest(session, WELLS, "", limit=7)) == 7


def test_titles_follow_references(session: Session, office: Office) -> None:
    members = RESOURCES["memberships"]
    keys = [row["id"] for row in rows.find(session, members, Query()).rows]
    assert {"Alice", "Bob", "Carl"} <= set(rows.titles(session, members, keys).values())


# ---------------------------------------------------------------------------------- whose rows


def test_another_operators_rows_are_missing(session: Session, office: Office) -> None:
    for key in (office.theirs.wells[0], "no-id", "1,2", ""):
        with pytest.raises(Missing):
            rows.get(session, WELLS, key)
    assert rows.titles(session, WELLS, office.theirs.wells) == {}
    assert rows.suggest(session, WELLS, "cimarron") == []
    assert number(session, "organizations") == "1"
    cursor = listed(session, "wells", ("limit", "1")).next_cursor
    with tenant_session(office.database.engine("app"), office.theirs.id) as other:
        assert number(other, "wells") == "2"
        theirs = names(other, "wells", ("cursor", str(cursor)), ("limit", "1"))
        assert all(name.startswith("Cimarron") for name in theirs)


def test_nothing_is_listed_without_an_operator(office: Office) -> None:
    with office.database.engine("app").connect() as connection:
        with pytest.raises(DBAPIError, match="no organization is set"):
            connection.execute(ask("register_count", "wells"))
        connection.rollback()
        with pytest.raises(DBAPIError, match="no organization is set"):
            connection.execute(ask("register_number", "wells"))


def test_a_pumper_sees_the_leases_of_the_route(office: Office) -> None:
    nobody = Actor(office.ours.pumper, uuid.uuid4(), "pumper", "console", "")
    with office.session(actor=nobody) as session:
        assert number(session, "wells") == "0"
        assert rows.suggest(session, WELLS, "blue") == []
        assert rows.facets(session, WELLS, Query())["status"] == []
    refused = pytest.raises(DBAPIError, match="under row level security")
    with office.trial("pumper") as session, refused:
        session.execute(ask("register_count", "wells"))


def ask(function: str, table: str, conditions: Any = (), columns: Any = (), words: Any = ()) -> Any:
    return text(
        f"SELECT {function}(:t, CAST(:c AS jsonb), CAST(:w AS text[]), CAST(:s AS text[]), 100)"
    ).bindparams(t=table, c=json.dumps(list(conditions)), w=list(words), s=list(columns))


@pytest.mark.parametrize(
    ("table", "condition", "refusal"),
    [
        ("wells; DROP TABLE wells", {}, "no table"),
        ("pg_authid", {}, "no table"),
        ("sessions", {}, "no table"),
        ("sign_in_failures", {}, "no table"),
        ("users", {"column": "password_hash", "op": "eq", "value": "x"}, "no column"),
        ("bank_accounts", {"column": "account_enc", "op": "is_null", "value": False}, "no column"),
        ("wells", {"column": "name = name OR true --", "op": "eq", "value": "x"}, "no column"),
        ("wells", {"column": "name", "op": "= '' OR true --", "value": "x"}, "no condition"),
        ("wells", {"column": "ctid", "op": "eq", "value": "(0,1)"}, "no column"),
        ("installation", {}, "belongs to no organization"),
    ],
)
def test_the_functions_look_at_nothing_else(
    office: Office, table: str, condition: dict[str, Any], refusal: str
) -> None:
    with office.trial() as session, pytest.raises(DBAPIError, match=refusal):
        session.execute(ask("register_count", table, [condition] if condition else []))


@pytest.mark.parametrize("value", ["' OR '1'='1", "x'); DELETE FROM wells; --", "%' OR 1=1 --"])
def test_values_are_only_ever_values(session: Session, value: str) -> None:
    for op in ("eq", "contains", "ne"):
        conditions = [{"column": "name", "op": op, "value": value}]
        found = session.scalar(ask("register_count", "wells", conditions))
        assert found == (MADE + 2 if op == "ne" else 0)
    searched = ask("register_count", "users", columns=["name"], words=[value])
    assert session.scalar(searched) == 0


def test_a_secret_cannot_be_searched_for(session: Session) -> None:
    with pytest.raises(DBAPIError, match="no column"):
        session.scalar(ask("register_count", "users", columns=["password_hash"], words=["x"]))


def test_numbers_and_words_use_their_indexes_among_very_many_rows(office: Office) -> None:
    engine = create_engine(office.database.url.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.connect() as connection:
        fill(connection, office.ours.id)
        act_for(connection, office.ours.id)
        session = Session(connection, info={ACTOR: NOBODY})
        assert number(session, "wells") == "10,000+"
        assert scanned(session, ("md_ft__gte", "59999.5"), ("sort", "md_ft")) == 0
        assert scanned(session, ("q", "deep 54321")) == 0
        assert scanned(session, ("sort", "-md_ft"), ("limit", "50")) == 0
        assert scanned(session, ("sort", "-name"), ("limit", "50")) == 0
        connection.rollback()
    engine.dispose()


def fill(connection: Connection, organization: uuid.UUID) -> None:
    """Many wells at once, without what each well would bring along."""
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    connection.execute(
        text(
            "INSERT INTO wells (organization_id, name, md_ft, status)"
            " SELECT :o, 'Deep ' || n, n % 60000, 'producing' FROM generate_series(1, 100000) n"
        ).bindparams(o=organization)
    )
    connection.execute(text("SET LOCAL session_replication_role = origin"))
    connection.execute(text("CREATE INDEX probe ON wells (organization_id, md_ft, id)"))
    connection.execute(text("ANALYZE wells"))
    connection.execute(text("SET LOCAL ROLE wellflow_app"))


def scanned(session: Session, *pairs: tuple[str, str]) -> int:
    """How often asking for a page read the whole table."""
    told = "SELECT pg_stat_get_xact_numscans('wells'::regclass)"
    before = session.scalar(text(told))
    listed(session, "wells", *pairs)
    return int(session.scalar(text(told)) or 0) - int(before or 0)
