"""What protects the console: headers, the origin of changes, tenants, roles, plain errors."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import MetaData, create_engine, text
from sqlalchemy.pool import NullPool
from werkzeug.test import TestResponse

from hub.console import create_app
from hub.console.security import CONTENT_SECURITY_POLICY
from hub.permissions import MAY, Action, may
from hub.schema import Base
from hub.schema.tenancy import ROLES
from tests.cast import Cast, engage
from tests.console import (
    HOME,
    Reader,
    Visitor,
    addresses,
    both,
    open_console,
    read,
    set_role,
    settings_for,
    signed_in,
)
from tests.servers.postgres import Database, Server, migrated

STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


Rows = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def database(plain_server: Server) -> Iterator[Database]:
    made = plain_server.fresh(migrated)
    yield made
    plain_server.drop(made)


@pytest.fixture(scope="module")
def cast(database: Database) -> Cast:
    return engage(database.engine("owner"))


@pytest.fixture(scope="module")
def rows(database: Database, cast: Cast) -> tuple[Rows, Rows]:
    """Alice's rows, and another operator's."""
    return both(database, cast)


@pytest.fixture(scope="module")
def app(database: Database, rows: tuple[Rows, Rows]) -> Flask:
    return open_console(database)


@pytest.fixture(scope="module")
def pages(app: Flask, rows: tuple[Rows, Rows]) -> dict[str, TestResponse]:
    """Every page as its operator's owner sees it."""
    alice = signed_in(app, "alice")
    return {path: alice.get(path) for _, path in addresses(app, "GET", rows[0])}


def every_answer(app: Flask, pages: dict[str, TestResponse]) -> Iterator[tuple[str, TestResponse]]:
    """The pages, and what is told where there is none."""
    yield from pages.items()
    alice = signed_in(app, "alice")
    for path in ("/no-such-page", f"/wells/{uuid.uuid4()}"):
        yield path, alice.get(path)
    yield "/sign-in", Visitor(app).get("/sign-in")
    yield "POST /sign-in", Visitor(app).sign_in("alice@example.com", "wrong")
    yield "POST", Visitor(app).client.post("/sign-out")


def test_the_policy_is_as_strict_as_decided() -> None:
    assert CONTENT_SECURITY_POLICY == STRICT


def test_every_answer_wears_the_headers(app: Flask, pages: dict[str, TestResponse]) -> None:
    for path, answer in every_answer(app, pages):
        assert answer.headers["Content-Security-Policy"] == STRICT, path
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path
        told = "no-referrer" if path.startswith("/m/") else "same-origin"  # its address is a secret
        assert answer.headers["Referrer-Policy"] == told, path
        kept = "no-cache" if path.endswith("/worker.js") else "no-store"  # the browser's to ask for
        assert answer.headers["Cache-Control"] == kept, path


def test_no_page_holds_code_or_style(app: Flask, pages: dict[str, TestResponse]) -> None:
    seen = 0
    for path, answer in every_answer(app, pages):
        if answer.mimetype != "text/html" or answer.status_code in {303, 401}:
            continue
        page = Reader(answer.get_data(as_text=True))
        assert page.inline == [], path
        names = {name for _, name, _ in page.attributes}
        assert "style" not in names, path
        assert not {name for name in names if name.startswith(("on", "hx-on"))}, path
        values = [str(value) for _, _, value in page.attributes]
        assert not any(value.strip().lower().startswith("javascript:") for value in values), path
        seen += 1
    assert seen > 15


def test_static_files_are_kept_for_ever_under_their_hash(app: Flask) -> None:
    page = Visitor(app).get("/sign-in").get_data(as_text=True)
    path = next(part for part in page.split('"') if part.endswith("console.css"))
    answer = Visitor(app).get(path)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Security-Policy"] == STRICT
    assert Visitor(app).get(path.replace("/static/", "/static/0")).status_code == 404
    assert Visitor(app).get(path.replace("console.css", "../app.py")).status_code == 404


# ------------------------------------------------------------------------------ origin of changes


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": HOME}, 303),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://localhost"}, 403),
        ({"Origin": "http://localhost:81"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": HOME}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": HOME}, 403),
    ],
)
def test_a_change_must_come_from_our_own_page(
    app: Flask, headers: dict[str, str], status: int
) -> None:
    alice = signed_in(app, "alice")
    answer = alice.client.post("/sign-out", headers=headers, base_url=HOME)
    assert answer.status_code == status
    if status == 403:
        assert "not sent from this site's own page" in read(answer)
        assert alice.get("/").status_code == 200


def test_every_change_is_guarded(app: Flask, database: Database, rows: tuple[Rows, Rows]) -> None:
    alice = signed_in(app, "alice")
    before = everything(database)
    posts = list(addresses(app, "POST", rows[0]))
    assert len(posts) > 10
    for endpoint, path in posts:
        if endpoint.startswith("carriers."):  # providers call them, and sign what they send
            continue
        answer = alice.client.post(path, headers={"Origin": "http://evil.example"}, base_url=HOME)
        assert answer.status_code == 403, path
    assert everything(database) == before


def test_behind_a_proxy_the_public_address_is_ours(database: Database, cast: Cast) -> None:
    app = open_console(
        database,
        WELLFLOW_WEB_PUBLIC_URL="https://hub.example.com",
        WELLFLOW_WEB_TRUSTED_PROXIES="1",
    )
    sent = {
        "Origin": "https://hub.example.com",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "hub.example.com",
        "X-Forwarded-For": "203.0.113.9",
    }
    form = {"email": "alice@example.com", "password": "wrong"}
    assert app.test_client().post("/sign-in", data=form, headers=sent).status_code == 401
    with database.engine("owner").begin() as connection:
        keys = connection.scalars(text("SELECT key FROM sign_in_failures")).all()
    assert "address:203.0.113.9" in keys


# -------------------------------------------------------------------------------------- tenants


def everything(database: Database) -> dict[str, list[Any]]:
    """All rows of every table but the sessions, to see that nothing changed."""
    tables: MetaData = Base.metadata
    with database.engine("owner").begin() as connection:
        return {
            table.name: sorted(connection.scalars(text(f"SELECT t::text FROM {table.name} t")))
            for table in tables.sorted_tables
            if table.name not in {"sessions", "sign_in_failures"}
        }


def test_no_address_shows_another_operators_rows(
    app: Flask, rows: tuple[Rows, Rows], pages: dict[str, TestResponse]
) -> None:
    own, foreign = rows
    alice = signed_in(app, "alice")
    ours = dict(addresses(app, "GET", own))
    for endpoint, path in addresses(app, "GET", foreign):
        if path == ours[endpoint]:
            continue  # no row in the address
        assert alice.get(path).status_code == 404, path
        assert pages[ours[endpoint]].status_code == 200, ours[endpoint]


def test_no_page_names_another_operator(
    rows: tuple[Rows, Rows], pages: dict[str, TestResponse]
) -> None:
    ids = [str(row["id"]) for row in rows[1].values() if "-" in str(row.get("id"))]
    for path, answer in pages.items():
        page = answer.get_data().decode("utf-8", "replace").lower()
        assert not [mark for mark in ["cimarron", *ids] if mark in page], path


def test_no_address_changes_another_operators_rows(
    app: Flask, database: Database, rows: tuple[Rows, Rows]
) -> None:
    own, foreign = rows
    alice = signed_in(app, "alice")
    ours = dict(addresses(app, "POST", own))
    before = everything(database)
    for endpoint, path in addresses(app, "POST", foreign):
        if path != ours[endpoint]:
            form = {"worst_priority": "1", "name": "x", "row_version": "1"}
            assert alice.post(path, form).status_code == 404, path
    several = {"alert": [str(foreign["alerts"]["id"])]}
    assert alice.post("/alerts/acknowledge", several).status_code == 303
    assert everything(database) == before


def test_filters_do_not_reach_across(app: Flask, rows: tuple[Rows, Rows]) -> None:
    well = rows[1]["wells"]["id"]
    page = read(signed_in(app, "alice").get(f"/alerts/journal?well={well}"))
    assert "Cimarron" not in page
    assert "Nothing here" in page


def test_malformed_and_unknown_ids_are_not_found(app: Flask, rows: tuple[Rows, Rows]) -> None:
    own = rows[0]
    alice = signed_in(app, "alice")
    for method in ("GET", "POST"):
        for _, path in addresses(app, method, own):
            given = next((str(row["id"]) for row in own.values() if str(row.get("id")) in path), "")
            if len(given) != 36:
                continue
            for wrong in ("1,2", "abc", "%00", "0" * 36, given + "0", str(uuid.uuid4())):
                there = path.replace(given, wrong)
                answer = alice.get(there) if method == "GET" else alice.post(there)
                assert answer.status_code in {404, 405}, there


@pytest.mark.parametrize(
    "query",
    [
        "/?show=%00&sort=--",
        "/?sort=-nonsense&alerts=%F0",
        "/alerts/journal?before=2026-01-01_x&priority=9&well=1",
        "/alerts/journal?before=2026-01-01T00:00:00%2B00:00_b8bb4114-2adf-496f-a85b-d653250694d2",
        "/quarantine?show=%00",
        "/rules/new?tag=99999999999999999999",
        "/sign-in?next=%00",
    ],
)
def test_nonsense_in_an_address_does_no_harm(app: Flask, query: str) -> None:
    assert signed_in(app, "alice").get(query).status_code in {200, 303}


# ---------------------------------------------------------------------------------- permissions

#: One request that needs exactly each action.
PROBES = {
    Action.SEE: ("GET", "fleet.index"),
    Action.ENTER: ("GET", "field.route"),
    Action.ACKNOWLEDGE: ("POST", "alert_acts.acknowledge"),
    Action.LINK_TAGS: ("POST", "agents.link"),
    Action.EDIT_WELLS: ("GET", "wells.add"),
    Action.SEE_QUARANTINE: ("GET", "quarantine.index"),
    Action.SETTLE_QUARANTINE: ("POST", "quarantine.discard"),
    Action.EDIT_RULES: ("GET", "rules.add"),
    Action.SEE_CHANNELS: ("GET", "channels.index"),
    Action.EDIT_CHANNELS: ("POST", "channels.create"),
    Action.SEE_PEOPLE: ("GET", "people.index"),
    Action.EDIT_PEOPLE: ("POST", "people.add"),
    Action.ASSIGN_LEASES: ("POST", "people.assign"),
    Action.EDIT_PINS: ("POST", "pins.give"),
    Action.EDIT_KEYS: ("GET", "keys.index"),
    Action.SEE_TRAIL: ("GET", "history.trail"),
    Action.SEE_FEATURES: ("GET", "features.index"),
    Action.SWITCH_FEATURES: ("POST", "features.switch"),
    Action.EDIT_ONCALL: ("GET", "rotations.new"),
    Action.TAKE_OUT: ("POST", "out_of_service.take_out"),
    Action.HAND_OVER: ("GET", "oncall.cover"),
}


def test_every_action_is_in_the_table_and_has_a_probe() -> None:
    assert set(MAY) == set(Action) == set(PROBES)
    assert {role for roles in MAY.values() for role in roles} == set(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_what_the_table_says(
    app: Flask, database: Database, cast: Cast, rows: tuple[Rows, Rows], role: str
) -> None:
    set_role(database, cast.bluebonnet.manager, role)
    bob = signed_in(app, "bob")
    for action, (method, endpoint) in PROBES.items():
        path = dict(addresses(app, method, rows[0]))[endpoint]
        answer = bob.get(path) if method == "GET" else bob.post(path)
        refused = answer.status_code == 403
        assert refused == (not may(role, action)), f"{role} {action}"
        if refused:
            assert f"As {role} you may not {action.value}." in read(answer)


def test_every_view_says_what_it_needs(app: Flask) -> None:
    silent = [
        endpoint
        for endpoint, view in app.view_functions.items()
        if not hasattr(view, "needs")
        and endpoint != "static.file"
        and not endpoint.startswith("api.")  # its gate asks for each operation by name
    ]
    assert silent == []


def test_only_the_door_is_open_to_strangers(app: Flask, rows: tuple[Rows, Rows]) -> None:
    doors = {"signin.form", "signin.enter", "signin.leave", "signin.leave_everywhere"}
    #: what a script of the browser, a provider or a message asks for without a session
    others = ("carriers.", "replies.", "reach.worker", "field.static", "field.w", "field.m")
    for method in ("GET", "POST"):
        for endpoint, path in addresses(app, method, rows[0]):
            stranger = Visitor(app)
            answer = stranger.get(path) if method == "GET" else stranger.post(path)
            if endpoint not in doors and not endpoint.startswith(others):
                assert answer.headers["Location"].startswith("/sign-in"), path


# --------------------------------------------------------------------------------------- errors


def test_a_fault_of_ours_is_one_sentence_and_a_number(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("the inside of the hub")

    monkeypatch.setattr("hub.console.pages.fleet.snapshot", fail)
    answer = signed_in(app, "alice").get("/")
    assert answer.status_code == 500
    words = read(answer)
    assert "the inside of the hub" not in words
    number = words.partition("as fault ")[2][:8]
    assert number
    assert number in caplog.text
    assert "the inside of the hub" in caplog.text


def test_without_a_database_the_page_says_so(database: Database) -> None:
    nowhere = create_engine("postgresql+psycopg://x@127.0.0.1:1/x", poolclass=NullPool)
    app = create_app(settings_for(database), nowhere)
    answer = Visitor(app).sign_in("alice@example.com")
    assert answer.status_code == 503
    assert "cannot reach its database" in read(answer)


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("/nowhere", 404, "There is no such page"),
        ("/wells/not-an-id", 404, "There is no such page"),
        ("/alerts/acknowledge", 405, "does not take that kind of request"),
        ("/sign-out", 405, "does not take that kind of request"),
    ],
)
def test_errors_are_one_plain_sentence(app: Flask, path: str, status: int, sentence: str) -> None:
    answer = signed_in(app, "alice").get(path)
    assert answer.status_code == status
    assert sentence in read(answer)


def test_a_form_that_is_too_large_is_refused(app: Flask) -> None:
    answer = Visitor(app).post("/sign-in", {"email": "x" * 600_000})
    assert answer.status_code == 413
    assert "too large" in read(answer)
