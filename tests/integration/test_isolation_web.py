"""As one operator over REST and the console's pages, try every address with another's keys."""

from __future__ import annotations

import io
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from hub.register.catalog import RESOURCES
from hub.register.fields import Resource
from hub.register.query import ASKED, Cursor
from hub.register.values import to_json
from tests.api import ROOT, Program, with_key
from tests.console import Visitor, open_console, set_role, signed_in
from tests.everything import make_row, tenant_tables
from tests.intruder import TALLY, House, open_house, words
from tests.servers.postgres import Server, migrated

pytestmark = pytest.mark.slow

#: Ends the intruder's own visit, or takes time on purpose; neither takes a key of anybody.
OWN = {"signin.leave", "signin.leave_everywhere", "signin.enter", "account.change_password"}


@dataclass
class Door:
    """Cimarron's owner at the console and Cimarron's program at the API, trying."""

    house: House
    app: Flask
    visitor: Visitor
    program: Program
    broken: list[str]

    def open(self, method: str, path: str, body: Any = None, *said: Any) -> TestResponse:
        """Ask; whatever comes back must hold no word of Bluebonnet's that was not said."""
        self.app.extensions["wellflow"].cache.clear()
        if path.startswith(ROOT):
            door, answer = "REST", self.program.ask(method, path, body, If_Match="*")
        else:
            door = "console"
            answer = self.visitor.get(path) if method == "GET" else self.visitor.post(path, body)
        told = self.house.told(text_of(answer), [path, body, *said])
        TALLY.note(door, f"{method} {path} {body}: {answer.status} {told}", leaked=bool(told))
        if answer.status_code >= 500:
            self.broken.append(f"{method} {path}: {answer.status}")
        return answer


def text_of(answer: TestResponse) -> str:
    """Everything an answer says: headers, body, and what is packed in a spreadsheet."""
    raw = answer.get_data()
    if raw[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            raw = b" ".join(packed.read(name) for name in packed.namelist())
    return f"{answer.headers} {raw.decode('utf-8', 'replace')}"


@pytest.fixture(scope="module")
def door(plain_server: Server) -> Iterator[Door]:
    database = plain_server.fresh(migrated)
    house = open_house(database)
    app = open_console(database)
    program = with_key(app, database, house.cast.cimarron)
    yield Door(house, app, signed_in(app, "dora"), program, [])
    plain_server.drop(database)


@pytest.fixture(autouse=True)
def _all_kept_apart(door: Door) -> Iterator[None]:
    """After each test: nothing came through, nothing broke, nothing of theirs was touched."""
    leaks, broken = len(TALLY.leaks), len(door.broken)
    before = their_rows(door.house)
    yield
    assert TALLY.leaks[leaks:] == []
    assert door.broken[broken:] == []
    assert their_rows(door.house) == before


def their_rows(house: House) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of Bluebonnet's, as the owner of the tables sees it."""
    with house.database.engine("owner").connect() as connection:
        return {
            table.name: [
                tuple(row)
                for row in connection.execute(
                    select(table)
                    .where(table.c.organization_id == house.cast.bluebonnet.id)
                    .order_by(*table.primary_key)
                )
            ]
            for table in tenant_tables()
        }


def addresses(door: Door, *methods: str) -> Iterator[tuple[str, str, str]]:
    """Every method and address of the application, with the keys of Bluebonnet's rows."""
    for rule in door.app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) & set(methods)):
            if rule.endpoint != "static.file" and rule.endpoint not in OWN:
                for values in arguments(door.house, rule):
                    built = door.app.url_map.bind("localhost").build(
                        rule.endpoint, values, method=method
                    )
                    yield rule.endpoint, method, built


def arguments(house: House, rule: Rule) -> Iterator[dict[str, Any]]:
    """Values for an address: for each table it may be about, the key of their row there."""
    theirs = house.theirs
    named = rule.rule.removeprefix(f"{ROOT}/").partition("/")[0].partition(".")[0]
    tables = [named] if named in theirs else [name for name in RESOURCES if name in theirs]
    known: dict[str, Any] = {
        "well_id": theirs["wells"]["id"],
        "alert_id": theirs["alerts"]["id"],
        "agent_id": theirs["agents"]["id"],
        "item_id": theirs["quarantine"]["id"],
        "rule_id": theirs["alert_rules"]["id"],
        "channel_id": theirs["contact_channels"]["id"],
        "organization_id": house.cast.bluebonnet.id,
        "view_id": theirs["saved_views"]["id"],
        "member_id": theirs["memberships"]["id"],
        "assignment_id": theirs["lease_assignments"]["id"],
        "key_id": theirs["api_keys"]["id"],
        "incident_id": theirs["incidents"]["id"],
        "notice_id": theirs["incident_notices"]["id"],
        "action_id": theirs["incident_actions"]["id"],
        "agency_rule_id": theirs["agency_rules"]["id"],
        "message_id": theirs["notifications"]["id"],
        "rotation_id": theirs["rotations"]["id"],
        "override_id": theirs["rotation_overrides"]["id"],
        "policy_id": theirs["escalation_policies"]["id"],
        "storm_id": theirs["storms"]["id"],
        "hold_id": theirs["alert_holds"]["id"],
        "entry_id": theirs["field_entries"]["entry_id"],
        "kind": "csv",
        "status": "approved",
        "field": "account_enc",
    }
    for table in tables if {"table", "key"} & rule.arguments else tables[:1]:
        values = known | {"table": table, "key": theirs[table].get("id", uuid.uuid4())}
        asked = rule.arguments - (rule.defaults or {}).keys()
        yield {name: values.get(name, uuid.uuid4()) for name in asked}


def keyed(house: House, path: str) -> bool:
    """Whether an address holds a key of theirs."""
    keys = [house.cast.bluebonnet.id, *(row.get("id") for row in house.theirs.values())]
    return any(isinstance(key, uuid.UUID) and str(key) in path for key in keys)


def test_every_address_that_reads_shows_nothing_of_theirs(door: Door) -> None:
    for endpoint, method, path in addresses(door, "GET"):
        answer = door.open(method, path)
        if keyed(door.house, path):
            assert answer.status_code in {403, 404, 405}, f"{endpoint} {path}: {answer.status}"


def test_every_address_that_writes_finds_nothing_of_theirs(door: Door) -> None:
    for endpoint, method, path in addresses(door, "POST", "PATCH", "DELETE", "PUT"):
        api = path.startswith(ROOT)
        answer = door.open(method, path, {} if api and method != "DELETE" else None)
        if keyed(door.house, path):
            refused = {400, 403, 404, 405, 415}
            assert answer.status_code in refused, f"{endpoint} {path}: {answer.status}"


def lists(house: House, resource: Resource) -> Iterator[tuple[str, list[Any]]]:
    """Questions to a list that only their rows could answer, and what the question says itself."""
    theirs = house.theirs[resource.name]
    title = str(theirs.get(resource.title) or "")
    yield f"q={quote(title[:60])}", [title]
    name = resource.order.lstrip("-")
    place = None if name == "id" else str(theirs.get(name))
    cursor = Cursor(name, resource.order.startswith("-"), False, place, str(theirs["id"]))
    yield f"cursor={cursor.written()}", [place or "", str(theirs["id"])]
    for name, value in theirs.items():
        field = resource.fields.get(name)
        if field is not None and not field.sealed and words(value) & house.secrets:
            for op in set(ASKED[field.kind]) & {"eq", "contains"}:
                said = str(to_json(field, value))
                yield f"{name}{'__contains' * (op == 'contains')}={quote(said)}", [said]


def test_lists_facets_exports_and_suggestions_answer_only_of_ours(door: Door) -> None:
    for resource in RESOURCES.values():
        if resource.name in door.house.theirs:
            for place, (query, said) in enumerate(lists(door.house, resource)):
                door.open("GET", f"{ROOT}/{resource.name}?{query}&count=true", None, *said)
                if place < 2:
                    door.open("GET", f"/register/{resource.name}?{query}", None, *said)
            door.open("GET", f"/register/{resource.name}/suggest?q=e")
            door.open("GET", f"{ROOT}/{resource.name}.xlsx")


def test_a_row_of_ours_cannot_refer_to_theirs(door: Door) -> None:
    """Made and changed, through both doors, with one reference of theirs at a time."""
    with door.house.database.engine("owner").connect() as owner:
        rows = {t.name: make_row(owner, t, door.house.cast.cimarron.id) for t in tenant_tables()}
    for resource in RESOURCES.values():
        if resource.name not in rows:
            continue
        base = {
            name: to_json(field, rows[resource.name][name])
            for name, field in resource.fields.items()
            if field.settable_on_create
            and rows[resource.name].get(name) is not None
            and not field.sealed
        }
        for field in resource.fields.values():
            target = field.reference
            if target not in door.house.theirs or not field.settable_on_create:
                continue
            foreign = str(door.house.theirs[target]["id"])
            changed = base | {field.name: foreign}
            ours = door.house.ours[resource.name]["id"]
            made = door.open("POST", f"{ROOT}/{resource.name}", changed)
            patched = door.open("PATCH", f"{ROOT}/{resource.name}/{ours}", {field.name: foreign})
            posted = door.open("POST", f"/register/{resource.name}/new", changed)
            for answer in (made, patched, posted):
                taken = answer.status_code in {200, 201, 303}
                what = f"{resource.name}.{field.name} took {foreign}: {answer.status}"
                TALLY.note("REST", what, leaked=taken)


def test_turning_to_an_operator_one_does_not_work_for_is_refused(door: Door) -> None:
    answer = door.open("POST", f"/work-for/{door.house.cast.bluebonnet.id}")
    assert answer.status_code in {403, 404}
    assert "Cimarron" in door.visitor.get("/").get_data(as_text=True)


@pytest.mark.parametrize(
    ("person", "role", "turn"),
    [
        ("emil", "manager", 0),
        ("emil", "accountant", 1),
        ("emil", "viewer", 2),
        ("finn", "pumper", 3),
    ],
)
def test_whoever_asks_finds_nothing_of_theirs(
    door: Door, person: str, role: str, turn: int
) -> None:
    """Every address with a key of theirs, and every list asked for their rows, shared among the
    other roles: each of them asks a quarter.
    """
    cimarron = door.house.cast.cimarron
    user = cimarron.manager if person == "emil" else cimarron.pumper
    set_role(door.house.database, user, role)
    other = replace(door, visitor=signed_in(door.app, person))
    reading = [found for found in addresses(other, "GET") if not found[2].startswith(ROOT)]
    for endpoint, method, path in reading[turn::4]:
        answer = other.open(method, path)
        if keyed(door.house, path):
            assert answer.status_code in {403, 404, 405}, f"{endpoint} {path}: {answer.status}"
    listed = [one for one in RESOURCES.values() if one.name in door.house.theirs]
    for resource in listed[turn::4]:
        for query, said in lists(door.house, resource):
            other.open("GET", f"/register/{resource.name}?{query}", None, *said)
