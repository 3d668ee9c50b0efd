"""The API changes rows: nothing lost, nothing done twice, nothing anybody may not do."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from hub import keys
from hub.api.tables import possible, served
from hub.permissions import ROLES, allowed
from tests.api import HOME, ROOT, Office, Program, faults, open_office, problem
from tests.console import signed_in
from tests.servers import postgres

NAMES = (f"Trial {number}" for number in itertools.count(1))
MISSING = "01957a7e-9c00-7d3a-8b1e-3f2a6c5d4e01"


@pytest.fixture(scope="module")
def office(plain_server: postgres.Server) -> Iterator[Office]:
    yield from open_office(plain_server)


@pytest.fixture(scope="module")
def owner(office: Office) -> Program:
    return office.program()


#: A position is whole, or none.
PLACE = {"lat": "31.25", "lon": "-103.5"}


def count(office: Office, name: str) -> int:
    """How many wells have a name, as the database has it."""
    with office.database.engine("owner").begin() as connection:
        statement = text("SELECT count(*) FROM wells WHERE name = :name")
        return int(connection.execute(statement, {"name": name}).scalar_one())


# ------------------------------------------------------------------------------------ new rows


def test_a_new_row_is_answered_whole_and_where_it_is(office: Office, owner: Program) -> None:
    answer = owner.post("/wells", {"name": next(NAMES), "lease_id": office.lease, **PLACE})
    assert answer.status_code == 201
    made = owner.get(answer.headers["Location"])
    assert made.get_json() == answer.get_json()
    assert made.headers["ETag"] == answer.headers["ETag"]
    assert float(made.get_json()["lat"]) == 31.25


def test_every_field_at_fault_is_told_at_once_and_nothing_is_saved(
    office: Office, owner: Program
) -> None:
    name = next(NAMES)
    sent = {"name": name, "lease_id": MISSING, "status": "gone", "api14": 7, "nonsense": 1, "id": 1}
    assert faults(owner.post("/wells", sent)).keys() == {"status", "api14", "nonsense", "id"}
    assert faults(owner.post("/wells", {"lease_id": office.lease})).keys() == {"name"}
    assert "lease_id" in faults(owner.post("/wells", {"name": name, "lease_id": MISSING}))
    assert count(office, name) == 0


@pytest.mark.parametrize(
    ("sent", "status"),
    [(b"{", 400), (b"[]", 422), (b"", 400), (b'{"name": "a\\u0000"}', 422), (b"\xff", 400)],
)
def test_bodies_that_are_none(owner: Program, sent: bytes, status: int) -> None:
    problem(owner.post("/wells", sent, Content_Type="application/json"), status)


def test_what_is_unique_is_told_by_field(office: Office, owner: Program) -> None:
    api = "42389123450000"
    first = office.new_well(owner, next(NAMES), api14=api)
    assert first["api14"] == api
    again = owner.post("/wells", {"name": next(NAMES), "lease_id": office.lease, "api14": api})
    assert "api14" in faults(again)


# ------------------------------------------------------------------------------------- changes


def test_only_what_is_sent_changes(office: Office, owner: Program) -> None:
    made = office.new_well(owner, next(NAMES), site="North")
    answer = owner.patch(f"/wells/{made['id']}", {"site": None})
    now = answer.get_json()
    assert answer.status_code == 200
    kept = {"site", "updated_at", "updated_by", "row_version"}
    assert {k: v for k, v in now.items() if k not in kept} == {
        k: v for k, v in made.items() if k not in kept
    }
    assert (now["site"], now["row_version"]) == (None, 2)


def test_members_of_json_fields_are_merged(office: Office, owner: Program) -> None:
    data = {"stages": 30, "sand": {"lb": 1.5}}
    made = office.new_well(owner, next(NAMES), completion_data=data)
    path = f"/wells/{made['id']}"
    patch = {"completion_data": {"stages": None, "sand": {"mesh": 40}}}
    now = owner.patch(path, patch).get_json()
    assert now["completion_data"] == {"sand": {"lb": 1.5, "mesh": 40}}


def test_a_lost_update_is_refused_with_what_changed_and_by_whom(office: Office) -> None:
    alice, bob = office.program(), office.program(maker=office.cast.bluebonnet.manager)
    path = f"/wells/{office.new_well(alice, next(NAMES))['id']}"
    read = alice.get(path).headers["ETag"]
    assert bob.patch(path, {"site": "East"}, If_Match=read).status_code == 200
    assert bob.patch(path, {"status": "shut_in"}).status_code == 200
    answer = alice.patch(path, {"status": "producing", "site": "East"}, If_Match=read)
    body = problem(answer, 412)
    assert body["conflicts"] == [{"field": "status", "yours": "producing", "theirs": "shut_in"}]
    told = [(one["user_name"], one["after"]) for one in body["changes"]]
    assert told == [("Bob", {"status": "shut_in"}), ("Bob", {"site": "East"})]
    assert body["current"] == alice.get(path).get_json()
    again = alice.patch(path, {"status": "producing"}, If_Match=answer.headers["ETag"])
    assert again.status_code == 200
    problem(alice.delete(path, If_Match=read), 412)


@pytest.mark.parametrize(
    ("header", "status"), [(None, 428), ("7", 400), ('W/"1-0"', 412), ('"nonsense"', 412)]
)
def test_a_change_says_which_version_it_is_of(
    office: Office, owner: Program, header: str | None, status: int
) -> None:
    headers = {} if header is None else {"If_Match": header}
    answer = owner.ask("PATCH", office.well, {"site": "West"}, **headers)
    problem(answer, status)
    if status in {412, 428}:
        assert answer.headers["ETag"] == owner.get(office.well).headers["ETag"]
    problem(owner.ask("DELETE", office.well, **headers), status)


def test_of_two_at_once_one_wins(office: Office) -> None:
    program = office.program()
    path = f"/wells/{office.new_well(program, next(NAMES))['id']}"
    read = program.get(path).headers["ETag"]
    barrier, answers = threading.Barrier(6), []

    def change(number: int) -> None:
        mine = Program(office.app, program.headers["Authorization"][7:])
        barrier.wait()
        answers.append(mine.patch(path, {"site": f"Site {number}"}, If_Match=read).status_code)

    threads = [threading.Thread(target=change, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 412, 412, 412, 412, 412]
    assert program.get(path).get_json()["row_version"] == 2


def test_fields_the_hub_keeps_are_refused_not_ignored(office: Office, owner: Program) -> None:
    for field in ("row_version", "organization_id", "created_at", "id", "api10"):
        assert field in faults(owner.patch(office.well, {field: None}))
    problem(owner.ask("PATCH", office.well, b"{}", If_Match="*", Content_Type="text/csv"), 415)


def test_delete_or_say_why_not(office: Office, owner: Program) -> None:
    body = problem(owner.delete(office.well), 409)
    assert "referred to by" in body["detail"]
    assert "instead" in body["detail"]
    lease = owner.post("/leases", {"name": next(NAMES), "state": "TX"}).get_json()
    path = f"/leases/{lease['id']}"
    gone = owner.delete(path)
    assert (gone.status_code, gone.data) == (204, b"")
    problem(owner.get(path), 404)
    problem(owner.delete(path), 404)
    history = owner.get(f"{path}/history").get_json()["rows"]
    assert [change["verb"] for change in history] == ["delete", "insert"]
    problem(office.stranger().get(f"{path}/history"), 404)


# ---------------------------------------------------------------------------------- idempotency


def test_a_repeat_is_answered_and_not_done(office: Office, owner: Program) -> None:
    sent = {"name": next(NAMES), "lease_id": office.lease}
    first = owner.post("/wells", sent, Idempotency_Key="one")
    again = owner.post("/wells", sent, Idempotency_Key="one")
    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["Location"] == first.headers["Location"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert count(office, sent["name"]) == 1
    other = owner.post("/wells", sent | {"site": "North"}, Idempotency_Key="one")
    assert "another request" in problem(other, 422)["detail"]
    problem(owner.post("/leases", sent, Idempotency_Key="one"), 422)
    another = office.program().post("/wells", sent | {"name": next(NAMES)}, Idempotency_Key="one")
    assert another.status_code == 201


def test_a_refusal_is_judged_anew(office: Office, owner: Program) -> None:
    sent = {"name": next(NAMES), "lease_id": MISSING}
    problem(owner.post("/wells", sent, Idempotency_Key="two"), 422)
    right = sent | {"lease_id": office.lease}
    assert owner.post("/wells", right, Idempotency_Key="two").status_code == 201


@pytest.mark.parametrize("key", ["", "with space", "x" * 201, "é"])
def test_a_key_that_is_none_is_400(office: Office, owner: Program, key: str) -> None:
    sent = {"name": next(NAMES), "lease_id": office.lease}
    problem(owner.post("/wells", sent, Idempotency_Key=key), 400)
    assert count(office, sent["name"]) == 0


def test_repeats_at_once_make_one_row(office: Office, owner: Program) -> None:
    sent = {"name": next(NAMES), "lease_id": office.lease}
    presented = owner.headers["Authorization"][7:]
    barrier, answers = threading.Barrier(8), []

    def post() -> None:
        mine = Program(office.app, presented)
        barrier.wait()
        answers.append(mine.post("/wells", sent, Idempotency_Key="storm"))

    threads = [threading.Thread(target=post) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.data for answer in answers if answer.status_code == 201}) == 1
    assert count(office, sent["name"]) == 1


def test_while_the_first_is_being_done_a_repeat_is_told_to_wait(
    office: Office, owner: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hub.register import changes  # noqa: PLC0415 - the very function the endpoint calls

    create, begun, go_on, answers = changes.create, threading.Event(), threading.Event(), []

    def slow(*told: Any, **more: Any) -> Any:
        begun.set()
        assert go_on.wait(20)
        return create(*told, **more)

    monkeypatch.setattr("hub.register.changes.create", slow)
    sent = {"name": next(NAMES), "lease_id": office.lease}
    presented = owner.headers["Authorization"][7:]

    def post() -> None:
        answers.append(Program(office.app, presented).post("/wells", sent, Idempotency_Key="slow"))

    thread = threading.Thread(target=post)
    thread.start()
    assert begun.wait(20)
    problem(owner.post("/wells", sent, Idempotency_Key="slow"), 409)
    go_on.set()
    thread.join()
    assert answers[0].status_code == 201
    assert owner.post("/wells", sent, Idempotency_Key="slow").data == answers[0].data


# ------------------------------------------------------------------------------ what is allowed


@pytest.mark.parametrize("role", ROLES)
def test_roles_may_what_the_matrix_says(office: Office, role: str) -> None:
    program = office.program(role)
    for table in served():
        path = f"/{table.name}"
        tries = {
            "see": program.get(f"{path}?limit=1"),
            "add": program.post(path, {}),
            "edit": program.patch(f"{path}/{MISSING}", {}),
            "remove": program.delete(f"{path}/{MISSING}"),
            "export": program.get(f"{path}.csv"),
        }
        for verb, answer in tries.items():
            may = allowed(role, table.name, verb)  # type: ignore[arg-type]
            if verb == "edit":
                may = may or allowed(role, table.name, "approve")
            if may:
                assert answer.status_code not in {403, 405}, (role, verb, table.name)
            elif possible(table.name, verb):  # type: ignore[arg-type]
                problem(answer, 403)
            else:
                assert answer.status_code in {403, 404, 405}, (role, verb, table.name)


def test_scopes_bound_a_key_beside_its_role(office: Office) -> None:
    reader = office.program(scopes=["read"])
    assert reader.get(office.well).status_code == 200
    body = problem(reader.patch(office.well, {"site": "South"}), 403)
    assert "scopes" in body["detail"]
    narrow = office.program(scopes=["write:leases"])
    assert narrow.get("/leases").status_code == 200
    assert narrow.post("/leases", {"name": next(NAMES), "state": "TX"}).status_code == 201
    problem(narrow.get("/wells"), 403)
    problem(narrow.get("/latest"), 403)
    assert office.program(scopes=["read:readings"]).get("/latest").status_code == 200


def test_a_session_changes_only_from_the_consoles_own_pages(office: Office) -> None:
    alice = signed_in(office.app, "alice")
    headers = {"Content-Type": "application/merge-patch+json", "If-Match": "*"}
    path, body = ROOT + office.well, b'{"site": "Own page"}'
    foreign = alice.client.patch(path, data=body, headers=headers, base_url=HOME)
    problem(foreign, 403)
    evil = headers | {"Origin": "http://evil.example"}
    problem(alice.client.patch(path, data=body, headers=evil, base_url=HOME), 403)
    own = headers | {"Origin": HOME}
    assert alice.client.patch(path, data=body, headers=own, base_url=HOME).status_code == 200
    change = alice.get(f"{path}/history").get_json()["rows"][0]
    assert (change["user_name"], change["door"]) == ("Alice", "api")


def test_a_wrong_key_is_not_helped_by_a_session(office: Office) -> None:
    alice = signed_in(office.app, "alice")
    answer = alice.get(f"{ROOT}/wells", Authorization="Bearer wf_none")
    problem(answer, 401)


# ---------------------------------------------------------------------------------- what is sealed


ACCOUNT = {
    "name": "Operating",
    "bank_name": "First Bank",
    "routing": "111000025",
    "account_enc": "000123456789",
}


def test_a_sealed_value_is_shown_once_asked_for_and_the_trail_keeps_who(office: Office) -> None:
    owner = office.program()
    answer = owner.post("/bank_accounts", ACCOUNT)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    made, path = answer.get_json(), f"/bank_accounts/{answer.get_json()['id']}"
    assert "account_enc" not in made
    assert made["account_last4"] == "6789"
    for place in (path, "/bank_accounts", "/bank_accounts.csv", f"{path}/history"):
        assert "000123456789" not in owner.get(place).get_data(as_text=True), place
    shown = owner.post(f"{path}/reveal/account_enc")
    assert shown.get_json() == {"field": "account_enc", "value": "000123456789"}
    assert shown.headers["Cache-Control"] == "no-store"
    assert owner.get(f"{path}/history").get_json()["rows"][0]["verb"] == "reveal"
    problem(owner.post(f"{path}/reveal/name"), 404)
    problem(owner.post(f"/bank_accounts/{MISSING}/reveal/account_enc"), 404)
    problem(office.stranger().post(f"{path}/reveal/account_enc"), 404)


def test_only_owners_and_accountants_are_shown(office: Office) -> None:
    owner = office.program()
    sent = ACCOUNT | {"name": "Second", "account_enc": "000987654321"}
    path = f"/bank_accounts/{owner.post('/bank_accounts', sent).get_json()['id']}"
    statuses = {
        role: office.program(role).post(f"{path}/reveal/account_enc").status_code for role in ROLES
    }
    assert {role for role, status in statuses.items() if status == 200} == {"owner", "accountant"}
    assert set(statuses.values()) == {200, 403}
    reader = office.program(scopes=["read"])
    problem(reader.post(f"{path}/reveal/account_enc"), 403)


def test_a_keys_secret_is_nowhere(office: Office, owner: Program) -> None:
    assert keys.hashed("x") != b"x"
    problem(owner.get("/api_keys"), 404)
    problem(owner.get("/idempotency_keys"), 404)
    problem(owner.get("/audit_log"), 404)
    problem(owner.get("/sessions"), 404)
