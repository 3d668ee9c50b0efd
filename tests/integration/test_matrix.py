"""The permission matrix cell by cell, and the rows and steps that it alone does not decide."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from hub.permissions import MATRIX, ROLES, Verb, allowed
from hub.register.catalog import RESOURCES
from hub.register.changes import APPROVING
from hub.register.revealing import OPENED
from tests.api import ROOT, Program, with_key
from tests.cast import Operator
from tests.console import Visitor, open_console, set_role, signed_in
from tests.intruder import House, open_house
from tests.servers.postgres import Server, migrated

NOBODY = uuid.UUID(int=7)


@dataclass
class Office:
    """Cimarron's console, and Emil, who is given one role after the other."""

    house: House
    app: Flask
    emil: Visitor

    @property
    def operator(self) -> Operator:
        """Cimarron."""
        return self.house.cast.cimarron

    def become(self, role: str) -> None:
        """Give Emil a role; it holds from his next request."""
        set_role(self.house.database, self.operator.manager, role)

    def api(self, method: str, path: str, body: Any = None, who: Visitor | None = None) -> int:
        """Ask the API as the person who is signed in; answers the status."""
        return self.answer(method, path, body, who).status_code

    def answer(
        self, method: str, path: str, body: Any = None, who: Visitor | None = None
    ) -> TestResponse:
        """Ask the API as the person who is signed in."""
        visitor = who or self.emil
        self.app.extensions["wellflow"].cache.clear()
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        return visitor.client.open(
            f"{ROOT}{path}",
            method=method,
            json=body,
            headers={"Origin": visitor.home, "If-Match": "*"}
            | ({"Content-Type": kind} if body is not None else {}),
            base_url=visitor.home,
        )

    def sql(self, statement: str, **values: Any) -> Any:
        """Run a statement as the owner of the tables; answers the first value."""
        with self.house.database.engine("owner").begin() as connection:
            answer = connection.execute(text(statement), values)
            return answer.scalar() if answer.returns_rows else None


@pytest.fixture(scope="module")
def office(plain_server: Server) -> Iterator[Office]:
    database = plain_server.fresh(migrated)
    house = open_house(database)
    app = open_console(database)
    yield Office(house, app, signed_in(app, "emil"))
    plain_server.drop(database)


# ------------------------------------------------------------------------------- cell by cell


def asks(office: Office, table: str, verb: Verb) -> Iterator[tuple[str, str, Any]]:
    """Requests that need this verb and change nothing: of a row that is not there, or empty."""
    place, nobody = f"/{table}", f"/{table}/{key_of_nobody(table)}"
    row = office.house.ours.get(table, {}).get("id", key_of_nobody(table))
    if verb == "see":
        yield from (("GET", path, None) for path in (place, nobody))
    elif verb == "export":
        yield "GET", f"{place}.csv", None
    elif verb == "add":
        yield "POST", place, {}
    elif verb == "remove":
        yield "DELETE", nobody, None
    elif verb == "edit":
        yield "PATCH", nobody, {}
    elif verb == "reveal" and table in OPENED:
        yield "POST", f"{nobody}/reveal/{OPENED[table]}", None
    elif verb == "approve" and any(allowed(role, table, "approve") for role in ROLES):
        status = RESOURCES[table].fields.get("status")
        for step in APPROVING & set(status.choices if status else ()):
            yield "PATCH", f"{place}/{row}", {"status": step}


def key_of_nobody(table: str) -> Any:
    """A key of no row."""
    numbered = RESOURCES[table].fields["id"].kind == "integer"
    return 999_999_999 if numbered else NOBODY


def test_every_cell_of_the_matrix_holds_over_the_api(office: Office) -> None:
    wrong, cells, refused = [], 0, 0
    for role in ROLES:
        office.become(role)
        for table in MATRIX:
            for verb in ("see", "add", "edit", "remove", "approve", "reveal", "export"):
                for method, path, body in asks(office, table, verb):
                    status = office.api(method, path, body)
                    may = allowed(role, table, verb)
                    cells, refused = cells + 1, refused + (status in {403, 405})
                    if (status in {403, 404, 405}) if not may else (status not in {403, 405}):
                        continue
                    wrong.append(f"{role} {verb} {method} {path}: {status}, may: {may}")
    office.become("manager")
    assert wrong == []
    assert cells > 1200
    assert 400 < refused < cells


SAMPLE = ("wells", "production_records", "expenses", "bank_accounts", "users")


def test_what_is_not_allowed_is_neither_offered_nor_reached_in_the_console(office: Office) -> None:
    wrong = []
    for role in ROLES:
        office.become(role)
        for table in SAMPLE:
            may = {verb: allowed(role, table, verb) for verb in ("see", "add", "export")}
            found = offered(office, table) | reached(office, table)
            for (how, verb), is_so in found.items():
                if (is_so and not allowed(role, table, verb)) or may.get(verb) not in {None, is_so}:
                    wrong.append(f"{role} {table}: {how} {verb} {is_so}")
    office.become("manager")
    assert wrong == []


Found = dict[tuple[str, Verb], bool]


def offered(office: Office, table: str) -> Found:
    """Which acts a list's page leads to."""
    shown = office.emil.get(f"/register/{table}")
    page = shown.get_data(as_text=True) if shown.status_code == 200 else ""
    return {
        ("offered", "see"): shown.status_code == 200,
        ("offered", "add"): f"/register/{table}/new" in page,
        ("offered", "export"): f"/register/{table}/export.csv" in page,
    }


def reached(office: Office, table: str) -> Found:
    """Which acts' pages open when their address is typed."""
    row = office.house.ours.get(table, {}).get("id", office.operator.manager)
    pages: dict[Verb, str] = {
        "add": "new",
        "export": "export.csv",
        "edit": f"{row}/edit",
        "remove": f"{row}/remove",
    }
    return {
        ("reached", verb): office.emil.get(f"/register/{table}/{page}").status_code == 200
        for verb, page in pages.items()
    }


# ---------------------------------------------------------------------------- rows of a pumper


@pytest.fixture
def route(office: Office) -> Iterator[dict[str, Any]]:
    """Finn's route: the first lease, not the second, each with a well."""
    operator = office.operator
    office.sql("DELETE FROM lease_assignments WHERE organization_id = :o", o=operator.id)
    other = office.sql(
        "INSERT INTO leases (organization_id, name) VALUES (:o, 'Far lease') RETURNING id",
        o=operator.id,
    )
    far = office.sql(
        "INSERT INTO wells (organization_id, lease_id, name) VALUES (:o, :l, 'Far 1') RETURNING id",
        o=operator.id,
        l=other,
    )
    office.sql(
        "INSERT INTO lease_assignments (organization_id, membership_id, lease_id, from_day)"
        " SELECT organization_id, id, :l, current_date - 30 FROM memberships"
        " WHERE organization_id = :o AND user_id = :u",
        o=operator.id,
        l=operator.lease,
        u=operator.pumper,
    )
    yield {"lease": operator.lease, "well": operator.wells[0], "far lease": other, "far": far}
    office.sql("DELETE FROM lease_assignments WHERE organization_id = :o", o=operator.id)
    office.sql("DELETE FROM well_status_history WHERE well_id = :w", w=far)
    office.sql("DELETE FROM production_records WHERE well_id = :w", w=far)
    office.sql("DELETE FROM completions WHERE well_id = :w", w=far)
    office.sql("DELETE FROM wells WHERE id = :w", w=far)
    office.sql("DELETE FROM leases WHERE id = :l", l=other)


def test_a_pumper_sees_only_the_leases_on_the_route(office: Office, route: dict[str, Any]) -> None:
    finn = signed_in(office.app, "finn")
    leases = office.answer("GET", "/leases", who=finn).get_json()["rows"]
    assert {row["id"] for row in leases} == {str(route["lease"])}
    wells = office.answer("GET", "/wells", who=finn).get_json()["rows"]
    assert {row["lease_id"] for row in wells} == {str(route["lease"])}
    assert office.api("GET", f"/wells/{route['well']}", who=finn) == 200
    assert office.api("GET", f"/wells/{route['far']}", who=finn) == 404
    assert finn.get(f"/wells/{route['far']}").status_code == 404
    assert finn.get(f"/register/leases/{route['far lease']}").status_code == 404
    assert office.api("GET", f"/wells/{route['far']}") == 200  # Emil manages: sees all


def entry(well: uuid.UUID, days_ago: int, oil: str = "10.5") -> dict[str, Any]:
    """A daily record of a well."""
    day = (datetime.now(UTC) - timedelta(days=days_ago, hours=7)).date()
    return {"well_id": str(well), "production_date": str(day), "oil_bbl": oil}


def test_a_pumper_enters_and_corrects_only_his_own_open_days(
    office: Office, route: dict[str, Any]
) -> None:
    finn = signed_in(office.app, "finn")
    made = office.answer("POST", "/production_records", entry(route["well"], 1), finn)
    assert made.status_code == 201, made.get_data(as_text=True)
    mine = made.get_json()["id"]
    assert office.api("PATCH", f"/production_records/{mine}", {"oil_bbl": "11"}, finn) == 200
    assert office.api("POST", "/production_records", entry(route["far"], 1), finn) in {403, 422}
    late = office.answer("POST", "/production_records", entry(route["well"], 40), finn)
    assert late.status_code == 422
    assert "production_date" in str(late.get_json()["errors"])

    theirs = office.answer("POST", "/production_records", entry(route["well"], 2))  # Emil's
    assert theirs.status_code == 201
    key = theirs.get_json()["id"]
    assert office.api("PATCH", f"/production_records/{key}", {"oil_bbl": "9"}, finn) >= 400
    assert office.api("DELETE", f"/production_records/{key}", None, finn) >= 400

    office.sql("ALTER TABLE production_records DISABLE TRIGGER USER")
    office.sql(
        "UPDATE production_records SET production_date = production_date - 40 WHERE id = :k", k=mine
    )
    office.sql("ALTER TABLE production_records ENABLE TRIGGER USER")
    assert office.api("PATCH", f"/production_records/{mine}", {"oil_bbl": "12"}, finn) >= 400
    kept = office.sql("SELECT oil_bbl FROM production_records WHERE id = :k", k=mine)
    assert kept == 11


# -------------------------------------------------------------------------------- four eyes


def test_nobody_approves_what_they_entered(office: Office) -> None:
    dora, emil = signed_in(office.app, "dora"), office.emil
    office.become("accountant")
    made = paper(office, emil)
    for step in ("submitted", "approved"):
        last = office.answer("PATCH", f"/expenses/{made}", {"status": step}, emil)
    assert last.status_code in {403, 422}
    assert "another person" in last.get_data(as_text=True)
    status = office.sql("SELECT status FROM expenses WHERE id = :k", k=made)
    assert status == "submitted"
    assert office.api("PATCH", f"/expenses/{made}", {"status": "approved"}, dora) == 200
    by = office.sql("SELECT approved_by FROM expenses WHERE id = :k", k=made)
    assert by == office.operator.owner
    office.become("manager")


def paper(office: Office, who: Visitor) -> str:
    """A new expense of this person's."""
    ours = office.house.ours
    body = {
        "vendor_id": str(ours["partners"]["id"]),
        "account_id": str(ours["accounts"]["id"]),
        "lease_id": str(office.operator.lease),
        "description": "Hauling",
        "invoice_no": f"INV-{uuid.uuid4().hex[:8]}",
        "invoice_date": "2026-11-02",
        "service_period": "2026-11-01",
        "accounting_period": "2026-11-01",
        "gross": "120.00",
    }
    made = office.answer("POST", "/expenses", body, who)
    assert made.status_code == 201, made.get_data(as_text=True)
    return str(made.get_json()["id"])


# ---------------------------------------------------------------------------- bank numbers


def test_bank_numbers_are_shown_to_two_roles_one_at_a_time_and_kept_in_the_trail(
    office: Office,
) -> None:
    dora = signed_in(office.app, "dora")
    body = {
        "name": "Operating",
        "owner_kind": "org",
        "bank_name": "First Bank",
        "routing": "111000025",
        "account_enc": "000123456789",
    }
    made = office.answer("POST", "/bank_accounts", body, dora)
    assert made.status_code == 201, made.get_data(as_text=True)
    key = made.get_json()["id"]
    listed = office.answer("GET", "/bank_accounts", who=dora).get_data(as_text=True)
    assert "000123456789" not in listed
    assert '"6789"' in listed
    for role in ROLES:
        office.become(role)
        before = reveals(office, key)
        shown = office.answer("POST", f"/bank_accounts/{key}/reveal/account_enc")
        may = role in {"owner", "accountant"}
        assert (shown.status_code == 200) is may, role
        assert ("000123456789" in shown.get_data(as_text=True)) is may, role
        assert reveals(office, key) - before == may, role
    office.become("manager")


def reveals(office: Office, key: str) -> int:
    """How often the trail says that a row's number was shown."""
    number: int = office.sql(
        "SELECT count(*) FROM audit_log WHERE verb = 'reveal' AND row_id = CAST(:k AS uuid)", k=key
    )
    return number


# ------------------------------------------------------------------------------- programs


def test_a_key_does_no_more_than_its_role_and_its_scopes(office: Office) -> None:
    database, operator = office.house.database, office.operator
    reader = with_key(office.app, database, operator, "owner", scopes=["read:wells"])
    viewer = with_key(office.app, database, operator, "viewer", scopes=["read", "write"])
    assert reader.get("/wells").status_code == 200
    assert reader.get("/leases").status_code == 403
    assert reader.post("/wells", {"name": "X"}).status_code == 403
    assert viewer.get("/wells").status_code == 200
    assert viewer.post("/wells", {"name": "X"}).status_code == 403
    assert Program(office.app, "wf_abcdefgh_" + "x" * 43).get("/wells").status_code == 401
