"""The API read: who gets in, lists and their pages, single rows, what still stands, readings."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from hub.api import addresses
from hub.api.document import document
from hub.api.limits import Rate
from hub.api.parts import EXTENSION, Api
from hub.api.problems import KINDS
from hub.database import Actor, connect, tenant_session
from hub.register.catalog import RESOURCES
from tests.api import HOME, ROOT, Office, Program, faults, open_office, problem
from tests.console import signed_in
from tests.servers import postgres

MANY = 23
ROOT_FOLDER = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def office(plain_server: postgres.Server) -> Iterator[Office]:
    for made in open_office(plain_server):
        owner = made.program()
        for number in range(MANY):
            made.new_well(owner, f"Well {number:02}", site="North" if number % 2 else "South")
        yield made


@pytest.fixture(scope="module")
def owner(office: Office) -> Program:
    return office.program()


# ---------------------------------------------------------------------------------- who gets in


@pytest.mark.parametrize(
    "header",
    [None, "", "Basic YTpi", "Bearer", "Bearer x", "Bearer wf_abcdefgh_" + "x" * 43, "wf_x", "é"],
)
def test_without_a_key_nothing_is_told(office: Office, header: str | None) -> None:
    program = Program(office.app, None)
    if header is not None:
        program.headers = {"Authorization": header}
    for path in ("/", "/wells", office.well, "/wells.csv", "/latest"):
        answer = program.get(path)
        problem(answer, 401)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert "Bluebonnet" not in answer.get_data(as_text=True)


def test_every_address_but_the_document_asks_who_calls(office: Office) -> None:
    """No endpoint forgot: the guard stands before all of them."""
    adapter = office.app.url_map.bind("localhost")
    seen = 0
    for rule in office.app.url_map.iter_rules():
        if not rule.rule.startswith(ROOT) or rule.endpoint == "api.openapi":
            continue
        asked = rule.arguments - (rule.defaults or {}).keys()
        path = adapter.build(rule.endpoint, {name: str(uuid.uuid4()) for name in asked})
        for method in rule.methods or ():
            answer = office.app.test_client().open(path, method=method, base_url=HOME)
            assert answer.status_code in {401, 403}, (method, path)
        seen += 1
    assert seen > 3 * len(RESOURCES)


def test_a_key_that_was_ended_ends_at_once(office: Office) -> None:
    program = office.program()
    assert program.get("/").status_code == 200
    with office.database.engine("owner").begin() as connection:
        connection.execute(
            text("UPDATE api_keys SET revoked_at = now() WHERE prefix = :prefix"),
            {"prefix": program.headers["Authorization"][10:18]},
        )
    problem(program.get("/"), 401)


def test_the_consoles_session_is_good_for_reading(office: Office) -> None:
    alice = signed_in(office.app, "alice")
    assert alice.get(f"{ROOT}/wells?limit=1").get_json()["rows"]
    index = alice.get(f"{ROOT}/").get_json()
    assert (index["operator"], index["role"]) == ("Bluebonnet Energy", "owner")


def test_a_key_may_ask_only_so_often(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    was: Api = office.app.extensions[EXTENSION]
    slow = Api(was.settings, was.engine, was.visitor, was.cache, Rate(3, 3600))
    monkeypatch.setitem(office.app.extensions, EXTENSION, slow)
    program, other = office.program(), office.program()
    assert [program.get("/latest").status_code for _ in range(4)] == [200, 200, 200, 429]
    answer = program.get("/latest")
    problem(answer, 429)
    assert 1 <= int(answer.headers["Retry-After"]) <= 3600
    assert other.get("/latest").status_code == 200


def test_the_index_names_what_the_caller_may_read(office: Office, owner: Program) -> None:
    tables = {table["name"]: table for table in owner.get("/").get_json()["tables"]}
    assert {"wells", "leases", "expenses", "bank_accounts"} <= tables.keys()
    assert owner.get(tables["wells"]["href"]).status_code == 200
    narrow = office.program(scopes=["read:wells"]).get("/").get_json()["tables"]
    assert [table["name"] for table in narrow] == ["wells"]


# --------------------------------------------------------------------------------------- lists


def test_pages_lead_through_all_rows_and_back(owner: Program) -> None:
    seen: list[str] = []
    answer = owner.get("/wells?sort=-name&limit=7&q=well")
    backs = []
    while True:
        page = answer.get_json()
        seen += [row["name"] for row in page["rows"]]
        link = answer.headers.get("Link", "")
        assert ('rel="next"' in link, 'rel="prev"' in link) == (
            bool(page["next"]),
            bool(page["previous"]),
        )
        backs.append(page["previous"])
        if page["next"] is None:
            break
        assert f"<{page['next']}>" in link
        answer = owner.get(page["next"])
    assert seen == [f"Well {number:02}" for number in reversed(range(MANY))]
    before = owner.get(backs[-1]).get_json()["rows"]
    assert [row["name"] for row in before] == seen[14:21]


def test_filters_count_facets_and_titles(office: Office, owner: Program) -> None:
    found = owner.get("/wells?site=North&count=true&facets=status&titles=true&limit=2").get_json()
    assert found["count"] == {"number": 11, "capped": False}
    assert {row["site"] for row in found["rows"]} == {"North"}
    producing = {facet["value"]: facet["count"] for facet in found["facets"]["status"]}
    assert producing == {"producing": 11}
    assert found["titles"]["leases"] == {office.lease: "Bluebonnet Energy Unit 1"}
    assert owner.get("/wells?name__contains=well%200").get_json()["rows"][9]["name"] == "Well 09"
    assert len(owner.get("/wells?site=North&site=South&limit=200").get_json()["rows"]) == MANY
    assert owner.get("/wells?api14__is_null=false").get_json()["rows"] == []


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ("nme=x", "nme"),
        ("status=gone", "status"),
        ("status=", "status"),
        ("created_at__gte=yesterday", "created_at__gte"),
        ("created_at__gte=3/31/2026", "created_at__gte"),
        ("lease_id=7", "lease_id"),
        ("api14__is_null=maybe", "api14__is_null"),
        ("row_version__gte=99999999999999999999", "row_version__gte"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=ten", "limit"),
        ("sort=nothing", "sort"),
        ("cursor=nonsense", "cursor"),
        ("count=perhaps", "count"),
        ("facets=name", "facets"),
        ("q=%00", "q"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(owner: Program, asked: str, field: str) -> None:
    assert field in faults(owner.get(f"/wells?{asked}"))


# ---------------------------------------------------------------------------------------- rows


def test_a_row_tells_every_field(office: Office, owner: Program) -> None:
    row = owner.get(office.well).get_json()
    assert row["id"] == str(office.cast.bluebonnet.wells[0])
    assert row["lease_id"] == office.lease
    assert row["api14"] is None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", row["created_at"])
    leases = owner.get(f"/leases/{office.lease}").get_json()
    assert leases.keys() == document()["components"]["schemas"]["Leases"]["properties"].keys()


def test_what_still_stands_is_not_sent_again(office: Office, owner: Program) -> None:
    for path in (office.well, "/wells?limit=3", f"{office.well}/history", "/latest", "/"):
        first = owner.get(path)
        tag = first.headers["ETag"]
        assert tag.startswith("W/") == (path != office.well)
        again = owner.get(path, If_None_Match=f'"x", {tag}')
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
        assert owner.get(path, If_None_Match='"x"').data == first.data


@pytest.mark.parametrize(
    "key",
    [
        "x",
        "1",
        "2036a01a-bbe6-48a1-9132-2c318fe0ce25",
        "%00",
        "a" * 300,
        "..",
        "{}",
        "null",
        "'or 1=1",
    ],
)
def test_a_key_that_is_none_is_not_found(owner: Program, key: str) -> None:
    for rest in ("", "/history"):
        problem(owner.get(f"/wells/{key}{rest}"), 404)


def test_another_operators_rows_do_not_exist(office: Office, owner: Program) -> None:
    dora = office.stranger()
    for path in (office.well, f"{office.well}/history"):
        assert owner.get(path).status_code == 200
        problem(dora.get(path), 404)
    problem(dora.patch(office.well, {"name": "Mine"}), 404)
    problem(dora.delete(office.well), 404)
    problem(dora.get(f"/latest?well={office.cast.bluebonnet.wells[0]}"), 404)
    problem(dora.get(f"/readings?tag={office.cast.bluebonnet.tags[0]}"), 404)
    theirs = dora.get("/wells?limit=200&count=true").get_json()
    assert theirs["count"]["number"] == 2
    assert {row["organization_id"] for row in theirs["rows"]} == {str(office.cast.cimarron.id)}
    assert "Bluebonnet" not in dora.get("/wells.csv").get_data(as_text=True)
    refused = dora.post("/wells", {"name": "Stolen", "lease_id": office.lease})
    assert "lease_id" in faults(refused)
    facets = dora.get("/wells?facets=status&limit=1").get_json()["facets"]["status"]
    assert [facet["count"] for facet in facets] == [2]


def test_history_goes_back_page_by_page(office: Office, owner: Program) -> None:
    made = office.new_well(owner, "Storied")
    for name in ("One", "Two", "Three"):
        assert owner.patch(f"/wells/{made['id']}", {"name": name}).status_code == 200
    first = owner.get(f"/wells/{made['id']}/history?limit=3").get_json()
    assert [change["after"].get("name") for change in first["rows"]] == ["Three", "Two", "One"]
    assert first["rows"][0]["user_name"] == "Alice"
    assert first["rows"][0]["door"] == "api"
    rest = owner.get(first["next"]).get_json()
    assert [change["verb"] for change in rest["rows"]] == ["insert"]
    assert rest["next"] is None


# ------------------------------------------------------------------------------------- readings


def test_readings_and_the_newest_of_each_tag(office: Office, owner: Program) -> None:
    blue = office.cast.bluebonnet
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    with tenant_session(office.database.engine("owner"), blue.id, Actor()) as session:
        session.execute(
            text(
                "INSERT INTO readings_latest"
                " (tag_id, organization_id, time, value, quality, received_at)"
                " VALUES (:tag, :organization, :at, 321.5, 0, :at)"
            ),
            {"tag": blue.tags[0], "organization": blue.id, "at": at},
        )
    (newest,) = owner.get(f"/latest?well={blue.wells[0]}").get_json()["rows"]
    assert (newest["tag"], newest["value"]) == (blue.tags[0], 321.5)
    assert newest["time"] == at.isoformat().replace("+00:00", "Z")
    assert owner.get(f"/latest?well={blue.wells[1]}").get_json()["rows"] == []
    course = owner.get(f"/readings?tag={blue.tags[0]}&tag={blue.tags[1]}&points=50").get_json()
    assert [tag["tag"] for tag in course["tags"]] == blue.tags[:2]
    assert course["tags"][0]["times"] == []


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ("", "tag"),
        ("tag=x", "tag"),
        ("tag=1&from=x", "from"),
        ("tag=1&from=1000-01-01T00:00:00Z", "from"),
        ("tag=1&from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "to"),
        ("tag=1&points=0", "points"),
        ("tag=1&other=1", "other"),
        ("&".join(f"tag={n}" for n in range(1, 23)), "tag"),
    ],
)
def test_readings_refuse_by_name(owner: Program, asked: str, field: str) -> None:
    assert field in faults(owner.get(f"/readings?{asked}"))


def test_a_pumper_reads_the_tags_of_the_route_only(office: Office) -> None:
    blue = office.cast.bluebonnet
    walker = office.program("pumper", maker=blue.owner)  # nobody gave this person a route
    assert walker.get("/latest").get_json()["rows"] == []
    problem(walker.get(f"/readings?tag={blue.tags[0]}"), 404)
    assert walker.get("/wells").get_json()["rows"] == []


# ------------------------------------------------------------------------------------- refusals


def test_every_error_under_the_api_is_a_problem(office: Office, owner: Program) -> None:
    problem(owner.get("/nothing"), 404)
    problem(owner.get("/nothing/at/all"), 404)
    problem(owner.get("/api/v2"), 404)
    answer = owner.ask("PUT", "/wells")
    problem(answer, 405)
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))
    answer = owner.ask("POST", "/wells", b"<x/>", Content_Type="text/xml")
    problem(answer, 415)
    assert answer.headers["Accept-Post"] == "application/json"
    problem(owner.ask("POST", "/wells", b"{", Content_Type="application/json"), 400)
    big = b'{"name": "' + b"x" * 300_000 + b'"}'
    problem(owner.ask("POST", "/wells", big, Content_Type="application/json"), 413)
    page = signed_in(office.app, "alice").get("/nothing")
    assert page.mimetype == "text/html"


def test_a_fault_of_ours_tells_a_number_and_nothing_else(
    office: Office, owner: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("the secret is 42")

    monkeypatch.setattr("hub.register.rows.find", broken)
    body = problem(owner.get("/wells"), 500)
    assert "42" not in str(body)
    assert re.search(r"log has it as [0-9a-f]{8}\.", body["detail"])


def test_without_a_database_503_says_when_to_come_back(office: Office, owner: Program) -> None:
    was: Api = office.app.extensions[EXTENSION]
    away = connect("postgresql://nobody@127.0.0.1:1/none", "app")
    gone = Api(was.settings, away, was.visitor, was.cache)
    office.app.extensions[EXTENSION] = gone
    try:
        answer = owner.get("/wells")
    finally:
        office.app.extensions[EXTENSION] = was
    problem(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0


# ------------------------------------------------------------------------------------- document


def test_the_document_tells_every_table_and_field(office: Office) -> None:
    answer = Program(office.app, None).get("/openapi.json")
    assert answer.status_code == 200
    told: dict[str, Any] = answer.get_json()
    assert told["openapi"] == "3.1.0"
    assert {f"/{name}" for name in RESOURCES} <= told["paths"].keys()
    oil = told["components"]["schemas"]["ProductionRecords"]["properties"]
    assert all(field["description"] for field in oil.values())
    assert any(field.get("x-unit") == "bbl" for field in oil.values())
    status = told["components"]["schemas"]["Wells"]["properties"]["status"]
    assert "producing" in status["enum"]
    assert told["components"]["schemas"]["Wells"]["properties"]["row_version"]["readOnly"]
    sealed = told["components"]["schemas"]
    assert "account_enc" not in sealed["BankAccounts"]["properties"]
    assert sealed["BankAccountsCreate"]["properties"]["account_enc"]["writeOnly"]


def test_the_document_and_the_addresses_are_the_same(office: Office) -> None:
    told = {
        (method.upper(), ROOT + re.sub(r"\{(\w+)\}", "<>", path).rstrip("/"))
        for path, operations in document()["paths"].items()
        for method in operations
        if method != "parameters"
    }
    served = {
        (method, re.sub(r"<[^>]+>", "<>", rule.rule).rstrip("/"))
        for rule in office.app.url_map.iter_rules()
        if rule.rule.startswith(ROOT)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert served == told
    assert addresses.IMPORT in {rule.rsplit("/", 1)[-1] for _, rule in served}


def test_every_kind_of_problem_is_explained() -> None:
    words = (ROOT_FOLDER / "docs" / "api.md").read_text("utf-8")
    assert [kind.name for kind in KINDS if f"| {kind.status} | `{kind.name}` |" not in words] == []
