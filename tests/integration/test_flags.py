"""Features: off until somebody switches them on, and not before the data is fit for them."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hub import flags
from hub.__main__ import main
from hub.cli.screen import Exit
from hub.database import Actor, tenant_session
from hub.flags.state import share_of
from hub.schema import Partner, StrapTable, Tank, Well
from hub.trail import recent
from tests import cast as people
from tests.cast import Cast
from tests.servers.postgres import Database, Server, migrated


@dataclass
class House:
    """A database with both operators."""

    database: Database
    cast: Cast

    def session(self, role: str = "owner", operator: str = "bluebonnet") -> Any:
        place = getattr(self.cast, operator)
        who = Actor(place.owner, None, role, "console", "10.1.2.3")
        return tenant_session(self.database.engine("app"), place.id, who)

    def findings(self, feature: str) -> dict[str, flags.Finding]:
        with self.session() as session:
            found = list(flags.check(session, [flags.feature_named(feature)]))
        return {finding.rule: finding for finding in found}

    def add(self, *rows: Any) -> None:
        owner = self.database.engine("owner")
        with Session(owner, expire_on_commit=False) as session, session.begin():
            for row in rows:
                row.organization_id = self.cast.bluebonnet.id
                session.add(row)
                session.flush()

    def sql(self, statement: str) -> None:
        with self.database.engine("owner").begin() as connection:
            connection.execute(text(statement), {"org": self.cast.bluebonnet.id})


@pytest.fixture(scope="module")
def house(plain_server: Server) -> Iterator[House]:
    database = plain_server.fresh(migrated)
    cast = people.engage(database.engine("owner"))
    yield House(database, cast)
    plain_server.drop(database)


# -------------------------------------------------------------------------------------- switched


def test_a_feature_is_off_until_an_owner_switches_it_on_for_one_operator(house: House) -> None:
    with house.session() as session:
        assert not flags.enabled(session, "jib")
        flags.switch(session, house.cast.bluebonnet.id, "jib", on=True, note="pilot")
        assert flags.enabled(session, "jib")
        states = {state.name: state for state in flags.listed(session, house.cast.bluebonnet.id)}
        assert (states["jib"].on, states["jib"].note) == (True, "pilot")
        assert not states["payments"].on
        assert recent(session, 1)[0].table == "feature_flags"
    with house.session(operator="cimarron") as session:
        assert not flags.enabled(session, "jib")
    with house.session() as session:
        flags.switch(session, house.cast.bluebonnet.id, "jib", on=False)
        assert not flags.enabled(session, "jib")


@pytest.mark.parametrize("role", ["manager", "accountant", "pumper", "viewer"])
def test_nobody_but_an_owner_switches(house: House, role: str) -> None:
    with pytest.raises(DBAPIError, match="row-level security"), house.session(role) as session:
        flags.switch(session, house.cast.bluebonnet.id, "revenue", on=True)


def test_a_share_of_the_people_is_always_the_same(house: House) -> None:
    many = [uuid.uuid4() for _ in range(400)]
    with house.session() as session:
        flags.switch(session, house.cast.bluebonnet.id, "allocation", on=True, percent=30)
        first = [flags.enabled(session, "allocation", person) for person in many]
        assert first == [flags.enabled(session, "allocation", person) for person in many]
        assert 80 < sum(first) < 160
        assert not flags.enabled(session, "allocation")
        flags.switch(session, house.cast.bluebonnet.id, "allocation", on=True, percent=100)
        assert all(flags.enabled(session, "allocation", person) for person in many)
        flags.switch(session, house.cast.bluebonnet.id, "allocation", on=False, percent=100)
        assert not flags.enabled(session, "allocation", many[0])
    shares = {share_of(person, "jib") for person in many}
    assert min(shares) < 5
    assert max(shares) > 95
    assert max(shares) < 100


def test_an_unknown_feature_is_named_with_those_there_are(house: House) -> None:
    with house.session() as session, pytest.raises(flags.UnknownFeatureError, match="jib, revenue"):
        flags.enabled(session, "fortune_telling")


# --------------------------------------------------------------------------------------- checked


def test_every_rule_can_be_asked_and_explains_itself(house: House) -> None:
    """Its condition fits the tables as they are; its words say what is wrong and what to do."""
    with house.session() as session:
        list(flags.check(session))
    rules = [rule for feature in flags.FEATURES for rule in feature.rules]
    assert len({(f.name, r.name) for f in flags.FEATURES for r in f.rules}) == len(rules) >= 12
    assert all(rule.says and rule.fix and not rule.says.endswith(".") for rule in rules)


def test_billing_needs_a_deck_an_address_and_an_account(house: House) -> None:
    house.add(
        Partner(name="No Address LLC", code="P1", kind="company", working_interest=True),
        Partner(
            name="By Mail LLC",
            code="P2",
            kind="company",
            working_interest=True,
            billing_address="1 Main St",
        ),
        Partner(name="Vendor LLC", code="P3", kind="company", vendor=True),
    )
    found = house.findings("jib")
    assert [name for _, name in found["billing_deck"].rows] == ["Bluebonnet Energy Unit 1"]
    assert [name for _, name in found["billing_address"].rows] == ["No Address LLC"]
    house.sql("UPDATE partners SET delivery = 'email', email = 'x@example.com' WHERE code = 'P1'")
    assert "billing_address" not in house.findings("jib")


def test_reports_need_api_numbers_and_lease_numbers(house: House) -> None:
    found = house.findings("regulatory_reports")
    assert {name for _, name in found["api_number"].rows} == {"Bluebonnet 1H", "Bluebonnet 2H"}
    assert found["lease_number"].count == 1
    house.sql("UPDATE leases SET jurisdiction_lease_no = '12345' WHERE organization_id = :org")
    house.sql(
        "UPDATE wells SET api14 = '42389' || lpad((random() * 99999)::int::text, 5, '0') || '0000'"
        " WHERE organization_id = :org"
    )
    assert {"api_number", "lease_number"}.isdisjoint(house.findings("regulatory_reports"))


def test_a_well_alone_on_its_lease_needs_no_test(house: House) -> None:
    found = house.findings("allocation")
    assert {name for _, name in found["well_test"].rows} == {"Bluebonnet 1H", "Bluebonnet 2H"}
    house.sql("UPDATE wells SET status = 'shut_in' WHERE name = 'Bluebonnet 2H'")
    assert "well_test" not in house.findings("allocation")


def test_allocation_needs_leases_and_strapped_tanks(house: House) -> None:
    tank = Tank(
        name="Tank 9",
        tank_no="9",
        contents="oil",
        lease_id=house.cast.bluebonnet.lease,
        capacity_bbl=400,
        height_in=240,
    )
    house.add(Well(name="Stray 1"), tank)
    found = house.findings("allocation")
    assert [name for _, name in found["lease"].rows] == ["Stray 1"]
    assert [name for _, name in found["strap_table"].rows] == ["Tank 9"]
    house.add(StrapTable(tank_id=tank.id, valid_from=date(2024, 1, 1)))
    assert "strap_table" not in house.findings("allocation")


def test_payments_need_accounts_w9s_and_addresses(house: House) -> None:
    house.add(
        Partner(name="Royalty Trust", code="R1", kind="trust", royalty=True, pay_method="ach"),
        Partner(name="Paper Owner", code="R2", kind="individual", royalty=True, pay_method="check"),
    )
    found = house.findings("payments")
    assert [name for _, name in found["bank_account"].rows] == ["Royalty Trust"]
    assert "Paper Owner" in {name for _, name in found["remit_address"].rows}
    assert {"Royalty Trust", "Paper Owner"} <= {name for _, name in found["w9"].rows}
    assert found["own_account"].count == 1


def test_what_another_operator_lacks_is_not_told(house: House) -> None:
    with house.session(operator="cimarron") as session:
        named = {name for finding in flags.check(session) for _, name in finding.rows}
    assert named
    assert not any(name.startswith(("Bluebonnet", "Royalty", "Stray")) for name in named)


# ---------------------------------------------------------------------------------- command line


@pytest.fixture
def commands(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("WELLFLOW_DATABASE_URL", house.database.url)
    monkeypatch.setenv("WELLFLOW_MQTT_URL", "mqtt://127.0.0.1:1")
    monkeypatch.setenv("WELLFLOW_SECRET_KEY", base64.b64encode(bytes(32)).decode())
    return house


def test_check_tells_what_is_missing(commands: House, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["check", "--organization", "cimarron", "--feature", "jib"]
    assert main(asked) == Exit.FAILED
    words = capsys.readouterr().out
    assert "jib: Cimarron Oil Unit 1 has no approved billing deck for today; enter who" in words
    assert "Joint interest billing: not ready yet" in words
    assert main([*asked, "--json"]) == Exit.FAILED
    answer = json.loads(capsys.readouterr().out)
    assert answer["ready"] == {"jib": False}
    assert {finding["rule"] for finding in answer["findings"]} >= {"billing_deck"}


def test_a_feature_stays_off_until_the_data_is_fit_or_somebody_insists(
    commands: House, capsys: pytest.CaptureFixture[str]
) -> None:
    on = ["flag", "on", "jib", "--organization", "cimarron"]
    assert main(on) == Exit.FAILED
    assert "Left off." in capsys.readouterr().out
    with commands.session(operator="cimarron") as session:
        assert not flags.enabled(session, "jib")
    assert main([*on, "--anyway", "--percent", "50", "--note", "pilot"]) == Exit.DONE
    capsys.readouterr()
    assert main(["flag", "list", "--organization", "cimarron"]) == Exit.DONE
    assert "on for 50 % of its people" in capsys.readouterr().out
    with commands.session(operator="cimarron") as session:
        assert recent(session, 1)[0].door == "command line"
    assert main(["flag", "off", "jib", "--organization", "cimarron"]) == Exit.DONE
    with commands.session(operator="cimarron") as session:
        assert not flags.enabled(session, "jib")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["check", "--feature", "jib"], "say which with --organization"),
        (["check", "--organization", "nowhere"], "there is no organization 'nowhere'"),
        (["check", "--organization", "cimarron", "--feature", "x"], "there is no feature 'x'"),
        (["flag", "on", "x", "--organization", "cimarron"], "there is no feature 'x'"),
        (["flag", "list", "--organization", "nowhere"], "there is no organization"),
    ],
)
def test_a_wrong_command_is_one_sentence(
    commands: House, capsys: pytest.CaptureFixture[str], asked: list[str], said: str
) -> None:
    assert main(asked) == Exit.FAILED
    assert said in capsys.readouterr().err
