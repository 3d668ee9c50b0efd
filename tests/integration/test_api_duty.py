"""Programs read what is kept quiet, who is on call, whom policies tell and what was sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from hub.alerts import lifecycle, service
from hub.database import tenant_session
from tests import oncall
from tests.api import Program, faults, problem, with_key
from tests.cast import engage
from tests.console import open_console
from tests.oncall import MINUTE, NOON, to
from tests.servers.postgres import Server, migrated

LISTS = ("alert_holds", "on_call", "rotations", "escalation_policies", "notifications")


@pytest.fixture(scope="module")
def house(plain_server: Server) -> Iterator[oncall.Office]:
    """A rotation of two, a policy, an alarm that was told and shelved, a well out of service."""
    database = plain_server.fresh(migrated)
    made = oncall.office(database, engage(database.engine("owner")))
    made.channel(made.bob)
    field = made.rotation(made.bob, made.carl)
    made.policy(to(made.bob), name="Rule", place={"rule_id": made.gauge.rule})
    alert = made.alert(3, NOON)
    with tenant_session(database.engine("app"), made.organization) as session:
        lifecycle.shelve(session, alert, made.bob, NOON + timedelta(hours=2), "Tester", NOON)
        place = {"well_id": made.cast.bluebonnet.wells[1]}
        until = NOON + timedelta(days=3)
        service.out_of_service(session, made.organization, place, made.bob, until, "Workover", NOON)
    made.rows("UPDATE alert_holds SET until = now() + interval '1 day' RETURNING 1")
    assert field
    yield made
    plain_server.drop(database)


@pytest.fixture(scope="module")
def app(house: oncall.Office) -> Any:
    return open_console(house.database)


@pytest.fixture(scope="module")
def program(house: oncall.Office, app: Any) -> Program:
    return with_key(app, house.database, house.cast.bluebonnet)


def rows(who: Program, path: str) -> list[dict[str, Any]]:
    answer = who.get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found: list[dict[str, Any]] = answer.get_json()["rows"]
    return found


def test_what_is_kept_quiet_is_listed_with_reason_person_and_end(
    house: oncall.Office, program: Program
) -> None:
    service_, shelf = rows(program, "/alert_holds")
    assert (shelf["kind"], shelf["reason"], shelf["person"]) == ("shelf", "Tester", "Bob")
    assert shelf["alert_id"]
    assert (service_["kind"], service_["reason"]) == ("service", "Workover")
    assert service_["well_id"] == str(house.cast.bluebonnet.wells[1])
    assert [one["id"] for one in rows(program, "/alert_holds?kind=shelf")] == [shelf["id"]]
    first = program.get("/alert_holds?limit=1").get_json()
    assert [one["id"] for one in rows(program, f"/alert_holds?after={first['next']}")] == [
        shelf["id"]
    ]
    assert set(faults(program.get("/alert_holds?kind=coat&limit=0"))) <= {"kind", "limit"}


def test_who_is_on_call_now_or_then(house: oncall.Office, program: Program) -> None:
    """The turns change at seven in Chicago, which is noon in UTC."""
    at = (NOON - 17 * 60 * MINUTE).strftime("%Y-%m-%d")
    before, after = (
        rows(program, f"/on_call?at={at}T{clock}:00Z")[0]["person"] for clock in ("13:00", "23:00")
    )
    (one,) = rows(program, "/on_call?at=2026-06-04T13:00:00Z")
    assert (before, after, one["person"]) == ("Bob", "Bob", "Carl")
    assert (one["until"], one["next_person"]) == ("2026-06-05T12:00:00Z", "Bob")
    assert (one["reachable"], one["stands_in"]) == (False, False)
    assert rows(program, "/on_call")[0]["rotation"] == "Field"
    assert "within three years" in faults(program.get("/on_call?at=2090-01-01T00:00:00Z"))["at"]


def test_policies_rotations_and_what_was_sent(house: oncall.Office, program: Program) -> None:
    (policy,) = rows(program, "/escalation_policies")
    assert (policy["name"], policy["rule_id"]) == ("Rule", str(house.gauge.rule))
    assert policy["steps"][0]["targets"][0]["user_id"] == str(house.bob)
    (rotation,) = rows(program, "/rotations")
    assert [one["person"] for one in rotation["layers"][0]["people"]] == ["Bob", "Carl"]
    sent = rows(program, f"/notifications?user={house.bob}")
    assert {(one["kind"], one["channel"], one["person"]) for one in sent} == {
        ("raised", "email", "Bob")
    }
    assert rows(program, f"/notifications?after={sent[-1]['id']}") == []


@pytest.mark.parametrize(
    ("role", "seen"),
    [("viewer", LISTS[:2]), ("pumper", LISTS[:2]), ("accountant", LISTS[:2]), ("manager", LISTS)],
)
def test_they_are_for_whom_the_pages_are(
    house: oncall.Office, app: Any, role: str, seen: tuple[str, ...]
) -> None:
    who = with_key(app, house.database, house.cast.bluebonnet, role)
    for name in LISTS:
        answer = who.get(f"/{name}")
        assert answer.status_code == (200 if name in seen else 403), name


def test_a_key_reaches_only_what_its_scopes_name(house: oncall.Office, app: Any) -> None:
    narrow = with_key(app, house.database, house.cast.bluebonnet, scopes=("read:on_call",))
    assert narrow.get("/on_call").status_code == 200
    assert "read:notifications" in problem(narrow.get("/notifications"), 403)["detail"]


def test_another_operator_sees_none_of_it(house: oncall.Office, app: Any) -> None:
    other = with_key(app, house.database, house.cast.cimarron)
    mine = with_key(app, house.database, house.cast.bluebonnet)
    for name in LISTS:
        assert rows(other, f"/{name}") == []
    keys = [one["id"] for one in rows(mine, "/notifications") + rows(mine, "/alert_holds")]
    for key in keys:
        assert rows(other, f"/notifications?after={key}") == []
        assert rows(other, f"/alert_holds?after={key}") == []
