"""The company's own pages: people, routes, keys, features, the audit trail, one's account."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest

from agent.contract.pins import fits
from tests import cast as people
from tests.console import Visitor, read, set_role, signed_in
from tests.frontdesk import Office, opened
from tests.servers import postgres


@pytest.fixture(scope="module")
def office(
    plain_server: postgres.Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    with opened(plain_server, tmp_path_factory.mktemp("documents")) as made:
        yield made


def test_an_owner_takes_people_on_and_lets_them_go(office: Office) -> None:
    sent = {"email": "rita@example.com", "name": "Rita Newcomer", "role": "accountant"}
    answer = office.alice.post("/people", sent)
    password = re.search(r'<pre class="command secret">([^<]+)<', answer.get_data(as_text=True))
    assert password is not None
    rita = Visitor(office.app)
    assert rita.sign_in("rita@example.com", html.unescape(password[1])).status_code == 303
    assert rita.get("/people").status_code == 200
    assert "already works here" in read(office.alice.post("/people", sent))
    ((member,),) = office.rows(
        "SELECT m.id FROM memberships m JOIN users u ON u.id = m.user_id"
        " WHERE u.email = 'rita@example.com'"
    )
    gone = {"role": "accountant", "act": "end", "row_version": "1"}
    assert office.bob.post(f"/people/{member}", gone).status_code == 403
    assert office.alice.post(f"/people/{member}", gone).status_code == 303
    assert rita.get("/people").status_code == 303  # to the door


def test_the_last_owner_stays(office: Office) -> None:
    ((member, version),) = office.rows(
        "SELECT id, row_version FROM memberships WHERE user_id = :id",
        id=office.cast.bluebonnet.owner,
    )
    office.alice.post(f"/people/{member}", {"role": "viewer", "row_version": str(version)})
    assert "owner" in read(office.alice.get("/people"))
    assert office.alice.get("/keys").status_code == 200


def test_a_lease_is_put_on_a_route_and_taken_off(office: Office) -> None:
    office.add("leases", name="Route Unit")
    ((member,),) = office.rows(
        "SELECT id FROM memberships WHERE user_id = :id", id=office.cast.bluebonnet.pumper
    )
    answer = office.bob.post(f"/people/{member}/leases", {"lease_id-title": "route unit"})
    assert answer.status_code == 303
    page = office.bob.get(f"/people/{member}").get_data(as_text=True)
    end = re.search(r'<th[^>]*>Route Unit</th>.*?action="([^"]+/end)"', page, re.S)
    assert end is not None
    assert "Route Unit" in read(office.carl.get("/register/leases"))
    office.bob.post(end[1])
    assert "Route Unit" not in read(office.carl.get("/register/leases"))


def test_a_key_is_shown_once_and_revoked(office: Office) -> None:
    sent = {"name": "Ledger", "role": "viewer", "scope": "read"}
    page = office.alice.post("/keys", sent).get_data(as_text=True)
    found = re.search(r"wf_[a-z0-9]{8}_[A-Za-z0-9_-]{43}", page)
    assert found is not None
    assert found[0] not in office.alice.get("/keys").get_data(as_text=True)
    asked = {"Authorization": f"Bearer {found[0]}"}
    client = office.app.test_client()
    assert client.get("/api/v1/wells", headers=asked).status_code == 200
    revoke = re.search(r'action="(/keys/[^"]+/revoke)"', office.alice.get("/keys").get_data(True))
    assert revoke is not None
    assert office.alice.post(revoke[1]).status_code == 303
    assert client.get("/api/v1/wells", headers=asked).status_code == 401


def test_the_trail_narrows_to_a_table_and_a_person(office: Office) -> None:
    office.add("leases", name="Traced Unit")
    words = read(office.alice.get("/trail?table=leases"))
    assert "Leases · Traced Unit" in words
    other = office.alice.get(f"/trail?table=leases&who={office.cast.bluebonnet.manager}")
    assert "Traced Unit" not in read(other)
    assert office.carl.get("/trail").status_code == 403


def test_a_password_is_changed_and_other_browsers_are_signed_out(office: Office) -> None:
    home, phone = signed_in(office.app, "gus"), signed_in(office.app, "gus")
    wrong = {"current": "not this one", "new": "a longer sentence", "again": "a longer sentence"}
    assert "This is not your password." in read(home.post("/account/password", wrong))
    right = wrong | {"current": people.PASSWORD}
    assert "not the same" in read(home.post("/account/password", right | {"again": "x"}))
    assert home.post("/account/password", right).status_code == 303
    assert home.get("/").status_code == 200
    assert phone.get("/").status_code == 303
    assert "Bluebonnet Energy" in read(home.get("/account"))
    assert "Cimarron Oil" in read(home.get("/account"))


def test_a_feature_is_switched_by_the_owner_alone(office: Office) -> None:
    page = office.alice.get("/features").get_data(as_text=True)
    switch = re.search(r'action="(/features/[a-z_]+)"', page)
    assert switch is not None
    assert office.bob.post(switch[1], {"on": "yes"}).status_code == 403
    assert office.alice.post(switch[1], {"on": "yes"}).status_code == 303
    assert "Switch off" in read(office.alice.get("/features"))
    assert "Switch on" in read(office.alice.get("/features"))
    assert office.alice.post("/features/no_such_feature", {"on": "yes"}).status_code == 404
    assert 'action="/features' not in office.bob.get("/features").get_data(as_text=True)


def member_of(office: Office, person: str) -> str:
    ((member,),) = office.rows(
        "SELECT m.id FROM memberships m JOIN users u ON u.id = m.user_id"
        f" WHERE u.email = '{person}@example.com' AND m.organization_id ="
        f" '{office.cast.bluebonnet.id}'"
    )
    return str(member)


def test_a_pin_is_set_renewed_changed_and_ended_and_the_trail_keeps_who_did(
    office: Office,
) -> None:
    carl, kept = member_of(office, "carl"), "SELECT pin_hash FROM field_pins"
    page = office.bob.post(f"/people/{carl}/pin", {})
    shown = re.search(r'<pre class="command secret">(\d{6})<', page.get_data(as_text=True))
    assert shown is not None
    assert fits(shown[1], office.rows(kept)[0][0])
    assert shown[1] not in read(office.bob.get(f"/people/{carl}")), "it is shown once"
    assert "Renew the PIN" in read(office.bob.get(f"/people/{carl}"))
    simple = office.bob.post(f"/people/{carl}/pin", {"pin": "123456"})
    assert (simple.status_code, "the first that anybody tries" in read(simple)) == (422, True)
    assert office.bob.post(f"/people/{carl}/pin", {"pin": "480913"}).status_code == 303
    pumper = signed_in(office.app, "carl")
    own = {"pin": "731846", "pin_again": "731846", "pin_password": "guess"}
    assert "This is not your password." in read(pumper.post("/account/pin", own))
    assert fits("480913", office.rows(kept)[0][0])
    assert pumper.post("/account/pin", own | {"pin_password": people.PASSWORD}).status_code == 303
    assert fits("731846", office.rows(kept)[0][0])
    assert pumper.post(f"/people/{carl}/pin", {}).status_code == 403
    assert pumper.post(f"/people/{carl}/pin/end", {}).status_code == 403
    assert office.alice.post(f"/people/{carl}/pin/end", {}).status_code == 303
    assert office.rows(kept) == []
    told = office.rows(
        "SELECT u.name, a.verb, a.before, a.after FROM audit_log a JOIN users u ON u.id = a.user_id"
        " WHERE a.table_name = 'field_pins' ORDER BY a.id"
    )
    assert [(name, verb) for name, verb, _, _ in told] == [
        *(("Bob", "insert"), ("Bob", "update"), ("Carl", "update"), ("Alice", "delete")),
    ]
    assert "scrypt" not in str(told)


def test_whose_pin_is_nobodys_to_set_is_said(office: Office) -> None:
    alice = member_of(office, "alice")
    refused = office.bob.post(f"/people/{alice}/pin", {"pin": "480913"})
    assert "only an owner sets an owner's PIN" in html.unescape(refused.get_data(as_text=True))
    assert office.alice.post(f"/people/{alice}/pin", {"pin": "480913"}).status_code == 303
    office.bob.post(f"/people/{alice}/pin/end", {})
    assert len(office.rows("SELECT FROM field_pins")) == 1
    set_role(office.database, office.cast.bluebonnet.pumper, "viewer")
    carl = member_of(office, "carl")
    assert "Carl is viewer here" in read(office.bob.post(f"/people/{carl}/pin", {}))
    set_role(office.database, office.cast.bluebonnet.pumper, "pumper")
    stranger = office.rows(
        f"SELECT id FROM memberships WHERE user_id = '{office.cast.cimarron.pumper}'"
    )[0][0]
    assert office.alice.post(f"/people/{stranger}/pin", {}).status_code == 404
