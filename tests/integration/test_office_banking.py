"""Bank accounts, sealed numbers, tax rates, forecasts: verified by two, shown to few."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.errors import UniqueViolation
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hub.schema import Base
from tests.books import APRIL, MARCH, TIERS, Office, refused, two_offices

FINANCE = sorted(
    mapper.local_table.name  # type: ignore[attr-defined]
    for mapper in Base.registry.mappers
    if mapper.class_.__module__.rpartition(".")[2]
    in {
        *("partners", "ownership", "accounts", "expenses", "statements", "banking", "revenue"),
        *("taxes", "analysis"),
    }
)


@pytest.fixture(scope="module", params=TIERS)
def offices(request: pytest.FixtureRequest) -> Iterator[tuple[Office, Office]]:
    with two_offices(request.getfixturevalue(f"{request.param}_server")) as both:
        yield both


@pytest.fixture(scope="module")
def office(offices: tuple[Office, Office]) -> Office:
    return offices[0]


# ------------------------------------------------------------------------ bank accounts


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    routing=st.sampled_from(["021000021", "111000025", "122105155", "322271627"]),
    place=st.integers(0, 8),
    step=st.integers(1, 9),
)
def test_one_wrong_digit_of_a_routing_number_is_noticed(
    office: Office, routing: str, place: int, step: int
) -> None:
    digits = [int(digit) for digit in routing]
    digits[place] = (digits[place] + step) % 10
    wrong = "".join(map(str, digits))
    with office.acting(office.maker) as connection:
        found = connection.execute(
            text("SELECT aba_valid(:good), aba_valid(:wrong), aba_valid('12345678')"),
            {"good": routing, "wrong": wrong},
        ).one()
    assert tuple(found) == (True, False, False)


def test_a_wrong_routing_number_is_refused_in_a_sentence(office: Office) -> None:
    with refused("bank_accounts_routing", "whose check digit agrees", "routing"):
        office.bank_account(routing="021000022")


def test_a_number_waits_48_hours_and_for_another_person(office: Office) -> None:
    account = office.bank_account(routing="122105155")
    wait = office.get("bank_accounts", account, "change_hold_until") - datetime.now().astimezone()
    assert timedelta(hours=47, minutes=59) < wait <= timedelta(hours=48)
    with refused("bank_accounts_hold", "a number waits 48 hours after it was entered", "status"):
        office.set("bank_accounts", account, status="verified")
    office.end_hold(account)
    with refused("bank_accounts_four_eyes", "who entered a number does not verify it", "status"):
        office.set("bank_accounts", account, office.maker, status="verified")
    office.set("bank_accounts", account, status="verified")
    assert office.get("bank_accounts", account, "approved_by") == office.checker


def test_another_number_waits_anew(office: Office) -> None:
    account = office.bank_account()
    office.end_hold(account)
    office.set("bank_accounts", account, status="verified")
    office.set("bank_accounts", account, name="Renamed")
    assert office.get("bank_accounts", account) == "verified"
    office.set("bank_accounts", account, account_enc=b"another", account_last4="1111")
    assert office.get("bank_accounts", account) == "pending_verification"
    assert office.get("bank_accounts", account, "approved_by") is None
    office.end_hold(account)
    office.set("bank_accounts", account, office.maker, notes="Called the bank")
    with refused("bank_accounts_four_eyes", "ask another person"):  # it is the checker's now
        office.set("bank_accounts", account, status="verified")
    office.set("bank_accounts", account, office.maker, status="verified")
    with refused("bank_accounts_stands", "enter a new one", "partner_id"):
        office.set("bank_accounts", account, partner_id=office.partners[2])
    office.walk("bank_accounts", account, "closed")
    with refused("bank_accounts_stands", "enter a new one"):
        office.set("bank_accounts", account, routing="021000021")


def test_an_owner_has_one_primary_account(office: Office) -> None:
    partner = office.partners[1]
    first = office.bank_account(partner_id=partner, name="House bank", is_primary=True)
    second = office.bank_account(partner_id=partner)
    with refused("bank_accounts_primary_key", '"House bank" is the primary account', "is_primary"):
        office.set("bank_accounts", second, is_primary=True)
    with pytest.raises(UniqueViolation, match="bank_accounts_primary_key"):
        office.force("UPDATE bank_accounts SET is_primary = true WHERE id = %(i)s", i=second)
    office.bank_account(owner_kind="org", partner_id=None, is_primary=True)
    office.set("bank_accounts", first, is_primary=False)
    office.set("bank_accounts", second, is_primary=True)


def test_the_same_account_is_entered_once(offices: tuple[Office, Office]) -> None:
    ours, theirs = offices
    ours.bank_account(name="Known", fingerprint=b"same")
    with refused("bank_accounts_fingerprint_key", 'entered already, as "Known"', "account_enc"):
        ours.bank_account(fingerprint=b"same")
    theirs.bank_account(fingerprint=b"same")  # of another operator, nothing is told


# ------------------------------------------------------------------------ secrets


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("bank_accounts", "account_enc"),
        ("bank_accounts", "fingerprint"),
        ("partners", "tax_id_enc"),
    ],
)
def test_the_console_cannot_read_what_is_sealed(office: Office, table: str, column: str) -> None:
    with (
        pytest.raises(DBAPIError, match="permission denied"),
        office.acting(office.checker) as connection,
    ):
        connection.execute(text(f"SELECT {column} FROM {table}"))


ACCOUNT = text("SELECT reveal_bank_account(:i)")
TAX_ID = text("SELECT reveal_tax_id(:t, :i)")


def test_a_sealed_number_is_revealed_to_few_and_the_trail_keeps_it(
    offices: tuple[Office, Office],
) -> None:
    office, theirs = offices
    account = office.bank_account(account_enc=b"sealed bytes")
    partner = office.add("partners", code="SEAL", name="Sealed", tax_id_enc=b"sealed id")
    keys = {"i": account}, {"t": "partners", "i": partner}
    for role in ("owner", "accountant"):
        with office.acting(office.checker, role) as connection:
            assert connection.scalar(ACCOUNT, keys[0]) == b"sealed bytes"
            assert connection.scalar(TAX_ID, keys[1]) == b"sealed id"
    for role in ("manager", "pumper", "viewer", ""):
        for question, key in zip((ACCOUNT, TAX_ID), keys, strict=True):
            with (
                pytest.raises(DBAPIError, match="Only an owner or an accountant is shown"),
                office.acting(office.maker, role) as connection,
            ):
                connection.scalar(question, key)
    with theirs.acting(theirs.checker) as connection:
        assert connection.scalar(ACCOUNT, keys[0]) is None
        assert connection.scalar(TAX_ID, keys[1]) is None
    with office.acting(office.maker) as connection:
        noted = connection.execute(
            text(
                "SELECT table_name, user_id, door, after FROM audit_log"
                " WHERE verb = 'reveal' AND row_id IN (:a, :p) ORDER BY id"
            ),
            {"a": account, "p": partner},
        ).all()
    assert [tuple(row) for row in noted] == [
        ("bank_accounts", office.checker, "console", {"column": "account_enc"}),
        ("partners", office.checker, "console", {"column": "tax_id_enc"}),
    ] * 2


def test_the_operators_own_tax_id_is_revealed_likewise(office: Office) -> None:
    office.force(
        "UPDATE organizations SET tax_id_enc = 'own' WHERE id = %(i)s", i=office.operator.id
    )
    key = {"t": "organizations", "i": office.operator.id}
    with office.acting(office.checker) as connection:
        assert connection.scalar(TAX_ID, key) == b"own"
    with (
        pytest.raises(DBAPIError, match="users: no tax ids are kept there"),
        office.acting(office.checker) as connection,
    ):
        connection.scalar(TAX_ID, key | {"t": "users"})


@pytest.mark.parametrize("table", FINANCE)
def test_a_pumper_sees_and_enters_nothing_of_the_office(office: Office, table: str) -> None:
    if table == "number_series":
        return  # closed to all
    office.statement("1.00")
    with office.acting(office.operator.pumper, "pumper") as connection:
        assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0
    with (
        pytest.raises(DBAPIError, match="row-level security"),
        office.acting(office.operator.pumper, "pumper") as connection,
    ):
        connection.execute(
            text("INSERT INTO partners (organization_id, code, name) VALUES (:o, 'X', 'X')"),
            {"o": office.operator.id},
        )


# ------------------------------------------------------------------------ taxes, forecasts


def rate(office: Office, **values: Any) -> uuid.UUID:
    row = {
        "authority": "TX",
        "tax_kind": "severance_oil",
        "rate": Decimal("0.046"),
        "valid_from": date(2020, 1, 1),
        "citation": "Tex. Tax Code 202.052",
    }
    return office.add("tax_rates", **row | values)


def test_only_a_verified_rate_is_declared(office: Office) -> None:
    used = rate(office)
    record = office.add(
        "tax_records",
        period=MARCH,
        authority="TX",
        tax_kind="severance_oil",
        rate_id=used,
        tax=Decimal("460.00"),
    )
    office.set("tax_records", record, status="reviewed")
    with refused("tax_records_verified", "the source of this rate is unverified", "rate_id"):
        office.set("tax_records", record, status="filed")
    with pytest.raises(DBAPIError, match="tax_rates_verified_when_check"):
        office.set("tax_rates", used, verification="verified")
    office.set("tax_rates", used, verification="verified", verified_at=APRIL)
    office.set("tax_records", record, status="filed")


def test_two_rates_never_hold_at_once(office: Office) -> None:
    first = rate(office, authority="NM")
    with refused("tax_rates_no_overlap", "the same rate from 2020-01-01 holds then", "valid_from"):
        rate(office, authority="NM", valid_from=date(2026, 1, 1))
    rate(office, authority="NM", interest_class="working")
    rate(office, authority="NM", price_from=Decimal(70))
    office.set("tax_rates", first, valid_to=date(2025, 12, 31))
    rate(office, authority="NM", valid_from=date(2026, 1, 1))
    with pytest.raises(DBAPIError, match="tax_rates_valid_to_check"):
        rate(office, authority="LA", valid_to=date(2019, 1, 1))


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"b": Decimal("2.1"), "dterm": Decimal("0.08")}, "forecasts_b_check"),
        ({"b": Decimal("1.2")}, "forecasts_terminal_check"),
        ({"di_eff_secant": Decimal(1)}, "forecasts_di_eff_secant_check"),
        ({"eur_low": 3, "eur_mid": 2, "eur_high": 4}, "forecasts_eur_check"),
        ({"lease_id": None}, "forecasts_subject_check"),
    ],
)
def test_a_forecast_that_makes_no_sense_is_refused(
    office: Office, values: dict[str, Any], rule: str
) -> None:
    with pytest.raises(DBAPIError, match=rule):
        office.add("forecasts", **{"lease_id": office.lease(), "as_of": APRIL} | values)


def test_a_small_cohort_is_not_given_away(office: Office) -> None:
    row = {"metric": "loe_per_boe", "cohort": "Reeves", "period": MARCH, "source": "own"}
    with pytest.raises(DBAPIError, match="benchmarks_cohort_of_5_check"):
        office.add("benchmarks", **row, n=4, p50=Decimal(9))
    office.add("benchmarks", **row, n=5, p50=Decimal(9))
