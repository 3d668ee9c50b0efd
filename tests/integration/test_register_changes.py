"""Rows made, changed and deleted through the register: what is refused, and in which words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from hub import trail
from hub.database import Actor
from hub.permissions import MATRIX, ROLES, allowed
from hub.register import changes, rows
from hub.register.catalog import RESOURCES
from hub.register.errors import Conflict, Forbidden, InUse, Missing, Refused
from hub.register.revealing import reveal
from tests.registering import SECRET, Office, add, number, open_office
from tests.servers.postgres import Server, migrated

WELLS = RESOURCES["wells"]
RIGHTS = {"INSERT": "settable_on_create", "UPDATE": "editable"}


@pytest.fixture(scope="module")
def office(plain_server: Server) -> Iterator[Office]:
    database = plain_server.fresh(migrated)
    yield open_office(database)
    plain_server.drop(database)


@pytest.fixture
def session(office: Office) -> Iterator[Session]:
    with office.trial() as session:
        yield session


def change(
    session: Session, office: Office, key: Any, version: int | None = None, **to: Any
) -> Any:
    return changes.update(session, office.actor(), WELLS, key, to, version, secret_key=SECRET)


def refused(
    session: Session, office: Office, table: str = "wells", **values: Any
) -> dict[str, str]:
    with pytest.raises(Refused) as told:
        add(session, office, table, **values)
    return told.value.faults


# -------------------------------------------------------------------------------------- making


def test_a_row_is_made_as_people_write_it(session: Session, office: Office) -> None:
    made = add(
        session,
        office,
        "wells",
        name="  Bravo 7  ",
        api14="42-389-12345",
        md_ft="12,345.5",
        spud_date="3/31/2020",
        well_type="Injection",
        lease_id=str(office.ours.lease),
        site="",
    )
    assert made["name"] == "Bravo 7"
    assert made["api14"] == "42389123450000"
    assert str(made["md_ft"]) == "12345.50"
    assert made["spud_date"].isoformat() == "2020-03-31"
    assert (made["well_type"], made["status"], made["site"]) == ("injection", "producing", None)
    assert (made["row_version"], made["created_by"]) == (1, office.ours.manager)
    assert made["organization_id"] == office.ours.id


def test_every_fault_is_told_at_once_and_nothing_is_stored(
    session: Session, office: Office
) -> None:
    faults = refused(
        session, office, status="broken", md_ft="deep", id="x", colour="red", lat="1000", api14="12"
    )
    assert set(faults) == {"name", "status", "md_ft", "id", "colour", "lat", "api14"}
    assert faults["name"] == "Name is needed."
    assert faults["id"] == "ID is filled in by WellFlow; leave it out."
    assert faults["colour"] == "Wells have no field “colour”."
    assert number(session, "wells") == "2"


@pytest.mark.parametrize(
    ("values", "field", "sentence"),
    [
        ({"name": "BLUEBONNET 1h"}, "name", "There is already a well with this name."),
        ({"lat": "95", "lon": "3"}, "lat", "Latitude takes -90 to 90"),
        ({"md_ft": "70000"}, "md_ft", "Measured depth takes 0 to 60000 ft."),
        ({"md_ft": "5", "tvd_ft": "9"}, "tvd_ft", "True vertical depth must not be more than"),
        ({"api14": "9938912345"}, "api14", "API number begins with a state's number"),
        (
            {"spud_date": "2020-02-01", "plug_date": "2020-01-01"},
            "plug_date",
            "Plug date must not be before spud date.",
        ),
    ],
)
def test_what_the_database_refuses_is_a_sentence_at_the_field(
    session: Session, office: Office, values: dict[str, str], field: str, sentence: str
) -> None:
    faults = refused(session, office, **{"name": "New"} | values)
    assert faults[field].startswith(sentence)
    assert number(session, "wells") == "2"


def test_a_row_of_another_operator_cannot_be_referred_to(session: Session, office: Office) -> None:
    faults = refused(session, office, name="New", lease_id=str(office.theirs.lease))
    assert faults == {"lease_id": "Lease: there is no such lease."}


def test_a_trigger_speaks_for_itself(session: Session, office: Office) -> None:
    faults = refused(session, office, "equipment", name="Thing", kind="pump_jack", well_id="x")
    assert set(faults) == {"well_id"}
    afe = {"number": "A-1", "description": "Workover", "budget": "1000", "status": "approved"}
    assert refused(session, office, "afes", **afe)["status"].startswith("Status: ")


# ------------------------------------------------------------------------------------- changing


def test_a_change_counts_the_version_and_is_kept_in_the_trail(
    session: Session, office: Office
) -> None:
    key = office.ours.wells[0]
    before = rows.get(session, WELLS, key)
    after = change(session, office, key, before["row_version"], site="Pad 9")
    assert (after["site"], after["row_version"]) == ("Pad 9", before["row_version"] + 1)
    newest = trail.history(session, "wells", key, 1)[0]
    assert (newest.after or {})["site"] == "Pad 9"
    assert (newest.door, newest.address) == ("console", "192.0.2.7")


def test_saving_what_is_there_already_changes_nothing(session: Session, office: Office) -> None:
    key = office.ours.wells[0]
    before = rows.get(session, WELLS, key)
    same = change(session, office, key, before["row_version"], name=before["name"], site="")
    assert same["row_version"] == before["row_version"] or before["site"]


def test_a_lost_update_is_refused_with_what_changed_and_by_whom(
    session: Session, office: Office
) -> None:
    key = office.ours.wells[0]
    seen = rows.get(session, WELLS, key)["row_version"]
    change(session, office, key, seen, site="Theirs")
    with pytest.raises(Conflict) as told:
        change(session, office, key, seen, site="Mine", status="producing")
    assert told.value.changed == {"site": ("Mine", "Theirs")}
    assert told.value.current["site"] == "Theirs"
    assert told.value.sentence.startswith("Bob changed this well meanwhile at ")


def test_what_may_not_be_emptied_or_changed_says_so(session: Session, office: Office) -> None:
    with pytest.raises(Refused) as told:
        change(session, office, office.ours.wells[0], name=" ", datum="", api10="1", created_at="x")
    assert told.value.faults == {
        "name": "Name is needed.",
        "datum": "Datum is needed.",
        "api10": "API-10 is filled in by WellFlow; leave it out.",
        "created_at": "Created at is filled in by WellFlow; leave it out.",
    }


def test_rows_of_others_and_malformed_keys_are_missing(session: Session, office: Office) -> None:
    for key in (office.theirs.wells[0], "abc", "00000000-0000-0000-0000-00000000000g"):
        with pytest.raises(Missing):
            change(session, office, key, name="Mine now")
        with pytest.raises(Missing):
            changes.remove(session, office.actor(), WELLS, key, None)


def test_a_refusal_leaves_the_transaction_as_it_was(session: Session, office: Office) -> None:
    change(session, office, office.ours.wells[0], site="Kept")
    refused(session, office, name="Bluebonnet 1H")
    assert rows.get(session, WELLS, office.ours.wells[0])["site"] == "Kept"


# ------------------------------------------------------------------------------------- deleting


def test_what_others_refer_to_is_retired_instead(session: Session, office: Office) -> None:
    with pytest.raises(InUse) as told:
        changes.remove(session, office.actor(), WELLS, office.ours.wells[0], None)
    assert str(told.value).startswith("This well “Bluebonnet 1H” is referred to by ")
    assert " 1 equipment" in str(told.value)
    assert str(told.value).endswith("; set its status to plugged instead.")


def test_what_nothing_refers_to_is_deleted(session: Session, office: Office) -> None:
    leases = RESOURCES["leases"]
    made = add(session, office, "leases", name="Typo Unit")
    with pytest.raises(Conflict):
        changes.remove(session, office.actor(), leases, made["id"], 7)
    changes.remove(session, office.actor(), leases, made["id"], 1)
    with pytest.raises(Missing):
        rows.get(session, leases, made["id"])


# ------------------------------------------------------------------------------------ permission


@pytest.mark.parametrize("role", [*ROLES, "", "admin"])
def test_the_matrix_is_asked_for_every_table(office: Office, role: str) -> None:
    actor = Actor(office.ours.manager, None, role, "api", "")
    with office.session(actor=actor) as session:
        for name, served in RESOURCES.items():
            for verb, attempt in ATTEMPTS.items():
                if allowed(role, name, verb):
                    continue
                if verb == "edit" and allowed(role, name, "approve"):
                    continue
                with pytest.raises(Forbidden, match="you may not"):
                    attempt(session, actor, served)
        session.rollback()


NOWHERE = "01957a7e-9c00-7d3a-8b1e-3f2a6c5d4e01"
ATTEMPTS: dict[Any, Any] = {
    "add": lambda s, a, r: changes.create(s, a, r, {}),
    "edit": lambda s, a, r: changes.update(s, a, r, NOWHERE, {}, None),
    "remove": lambda s, a, r: changes.remove(s, a, r, NOWHERE, None),
}


def test_an_approval_takes_the_right_to_approve(session: Session, office: Office) -> None:
    tests = RESOURCES["well_tests"]
    accepting = {"status": "accepted"}
    pumper, manager = office.actor("pumper"), office.actor()
    with pytest.raises(Forbidden, match="approve well tests"):
        changes.permit_change(pumper, tests, accepting, {"status": "draft"})
    changes.permit_change(manager, tests, accepting, {"status": "draft"})


def test_tables_made_elsewhere_say_so(session: Session, office: Office) -> None:
    faults = refused(session, office, "documents", title="Lease")
    assert faults == {"": "Documents are not made in the register."}


@pytest.mark.parametrize("right", RIGHTS)
def test_what_forms_offer_the_database_role_may_write(office: Office, right: str) -> None:
    offered = {
        (name, field.name)
        for name, served in RESOURCES.items()
        for field in served.fields.values()
        if getattr(field, RIGHTS[right])
    }
    assert offered - held(office, right) == set()


def test_what_is_read_the_database_role_may_read_and_secrets_it_may_not(office: Office) -> None:
    seen = held(office, "SELECT")
    for name, served in RESOURCES.items():
        assert {(name, field.name) for field in served.readable} <= seen
        if name != "organizations":  # its form is older than its secret
            assert not {(name, f.name) for f in served.fields.values() if f.sealed} & seen


def held(office: Office, right: str) -> set[tuple[str, str]]:
    with office.database.engine("owner").connect() as connection:
        found = connection.execute(
            text(
                "SELECT c.relname::text, a.attname::text"
                " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
                " WHERE c.relname = ANY (:tables) AND c.relnamespace = 'public'::regnamespace"
                " AND a.attnum > 0 AND NOT a.attisdropped"
                " AND has_column_privilege('wellflow_app', c.oid, a.attnum, :right)"
            ),
            {"tables": list(RESOURCES), "right": right},
        )
        return {(table, column) for table, column in found}


def test_whoever_may_delete_can(office: Office) -> None:
    with office.database.engine("owner").connect() as connection:
        for name in MATRIX:
            granted = connection.scalar(
                text("SELECT has_table_privilege('wellflow_app', CAST(:t AS text), 'DELETE')"),
                {"t": name},
            )
            assert granted or not any(allowed(role, name, "remove") for role in ROLES), name


# --------------------------------------------------------------------------------------- secrets

ACCOUNT = {"name": "Operating", "bank_name": "First Bank", "routing": "021000021"}


def test_a_secret_is_sealed_to_its_row_and_shown_to_whom_the_matrix_allows(office: Office) -> None:
    served = RESOURCES["bank_accounts"]
    with office.trial("owner") as session:
        owner = office.actor("owner")
        made = add(session, office, "bank_accounts", **ACCOUNT, account_enc="1234 5678 9012")
        assert "account_enc" not in made
        assert made["account_last4"] == "9012"
        shown = reveal(session, owner, served, made["id"], "account_enc", SECRET)
        assert shown == "123456789012"
        told = trail.history(session, "bank_accounts", made["id"], 1)[0]
        assert told.verb == "reveal"
        with pytest.raises(Forbidden):
            reveal(session, office.actor(), served, made["id"], "account_enc", SECRET)
        with pytest.raises(Refused, match="sealed with a key that is not here"):
            reveal(session, owner, served, made["id"], "account_enc", bytes(32))
        with pytest.raises(Refused, match="routing and the account number together"):
            changes.update(
                session,
                owner,
                served,
                made["id"],
                {"routing": "111000025"},
                None,
                secret_key=SECRET,
            )
        again = changes.update(session, owner, served, made["id"], {"account_enc": ""}, None)
        assert again["row_version"] == made["row_version"]


def test_the_same_account_is_known_again(office: Office) -> None:
    with office.trial("owner") as session:
        add(session, office, "bank_accounts", **ACCOUNT, account_enc="1234567")
        faults = refused(
            session, office, "bank_accounts", **ACCOUNT | {"name": "Twin"}, account_enc="123-4567"
        )
        assert set(faults) == {"account_enc"}
        assert "entered already" in faults["account_enc"]


def test_without_a_key_nothing_is_kept_in_the_clear(office: Office) -> None:
    served = RESOURCES["partners"]
    given = {"name": "Ada Trust", "code": "P1", "tax_id_enc": "12-3456789"}
    with office.trial("owner") as session:
        with pytest.raises(Refused, match="no key seals it"):
            changes.create(session, office.actor("owner"), served, given)
        made = changes.create(session, office.actor("owner"), served, given, secret_key=SECRET)
        assert made["tax_id_last4"] == "6789"
        shown = reveal(session, office.actor("owner"), served, made["id"], "tax_id_enc", SECRET)
        assert shown == "123456789"


# ------------------------------------------------------------------------ all faults at once


def test_what_only_the_database_knows_is_told_with_the_rest(
    session: Session, office: Office
) -> None:
    nobody = "01957a7e-9c00-7d3a-8b1e-3f2a6c5d4e01"
    told = refused(session, office, name="X", md_ft="deep", lat="131.42", lease_id=nobody)
    assert set(told) == {"md_ft", "lat", "lease_id"}
    assert told["lease_id"] == "Lease: there is no such lease."
    alone = refused(session, office, name="X", lat="131.42")
    assert alone == {"lat": told["lat"]}, "the same sentence, whoever finds it first"
    both = refused(session, office, name="X", lat="131.42", lon="-200", lease_id=nobody)
    assert set(both) == {"lat", "lease_id"}, "latitude and longitude are one rule"


def test_a_change_is_judged_with_what_the_row_holds(session: Session, office: Office) -> None:
    made = add(session, office, "wells", name="Judged 1", spud_date="2020-03-31")
    with pytest.raises(Refused) as told:
        change(session, office, made["id"], completion_date="2019-01-01", lat="95", md_ft="x")
    assert {"lat", "md_ft"} <= set(told.value.faults)
