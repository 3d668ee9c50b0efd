"""What an operator begins with: a chart of accounts, and rates of tax that name their source."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest
from sqlalchemy import text

from hub.standards import accounts, begin_office, tax_rates
from tests.books import Office, two_offices
from tests.servers.postgres import Server


@pytest.fixture(scope="module")
def office(plain_server: Server) -> Iterator[Office]:
    with two_offices(plain_server) as (ours, _):
        yield ours


def test_an_operator_begins_with_accounts_and_rates_and_keeps_its_own(office: Office) -> None:
    own = office.add("accounts", code="8030", name="Power")
    wyoming = office.add(
        "tax_rates",
        authority="WY",
        tax_kind="severance_oil",
        rate=Decimal("0.05"),
        valid_from=date(2024, 1, 1),
        citation="our auditor",
    )
    with office.acting(office.maker) as connection:
        made = begin_office(connection, office.operator.id)
        assert made == (len(accounts()) - 1, len(tax_rates()) - 2)
        assert begin_office(connection, office.operator.id) == (0, 0)
    assert office.get("accounts", own, "name") == "Power"
    assert office.get("tax_rates", wyoming, "rate") == Decimal("0.05")


def test_every_rate_names_its_source_and_the_verified_when_it_was_read() -> None:
    for rate in tax_rates():
        assert rate["citation"]
        assert (rate["verification"] == "verified") == ("verified_at" in rate)


def rate_of(authority: str, tax_kind: str, product: str, **more: object) -> Decimal:
    wanted = {"well_class": "all", "interest_class": "all", "price_from": 0} | more
    found = [
        rate["rate"]
        for rate in tax_rates()
        if (rate["authority"], rate["tax_kind"], rate["product"]) == (authority, tax_kind, product)
        and all(
            rate.get(name, "all" if name != "price_from" else 0) == value
            for name, value in wanted.items()
        )
    ]
    assert len(found) == 1, (authority, tax_kind, product, found)
    return Decimal(found[0])


@pytest.mark.parametrize(
    ("tax", "base", "expected"),
    [
        (("TX", "severance_oil", "oil"), 10000, "460.00"),
        (("TX", "regulatory_fee", "oil"), 140, "0.88"),
        (("TX", "severance_gas", "gas"), 3000, "225.00"),
        (("TX", "regulatory_fee", "gas"), 1000, "0.67"),
        (("OK", "gross_production", "oil"), 10000, "700.00"),
        (("ND", "extraction", "oil"), 10000, "500.00"),
        (("NM", "severance_oil", "oil"), 10000, "375.00"),
        (("NM", "school", "oil"), 10000, "315.00"),
        (("NM", "conservation", "oil"), 10000, "19.00"),
        (("NM", "school", "gas"), 3000, "120.00"),
        (("WY", "severance_oil", "oil"), 10000, "600.00"),
        (("KS", "severance_oil", "oil"), 10000, "433.00"),
    ],
)
def test_rates_give_the_taxes_that_were_worked_out_by_hand(
    tax: tuple[str, str, str], base: int, expected: str
) -> None:
    """On 140 bbl of oil for 10,000 dollars and 1,000 Mcf of gas for 3,000."""
    due = (rate_of(*tax) * base).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert due == Decimal(expected)


def test_rates_depend_on_price_class_of_well_and_class_of_interest() -> None:
    assert rate_of("NM", "conservation", "oil", price_from=70) == Decimal("0.0024")
    assert rate_of("OK", "gross_production", "oil", well_class="first_36_months") == Decimal("0.05")
    new = {"well_class": "drilled_after_1998"}
    assert rate_of("MT", "gross_production", "oil", interest_class="working", **new) == Decimal(
        "0.09"
    )
    assert rate_of("MT", "gross_production", "oil", interest_class="non_working", **new) == Decimal(
        "0.148"
    )


def test_income_bands_are_rows_of_their_own(office: Office) -> None:
    with office.acting(office.maker) as connection:
        bands = connection.execute(
            text("SELECT band_from, rate FROM tax_rates WHERE authority = 'CO' ORDER BY band_from")
        ).all()
    assert [(int(band), f"{rate:.2f}") for band, rate in bands] == [
        (0, "0.02"),
        (25000, "0.03"),
        (100000, "0.04"),
        (300000, "0.05"),
    ]
