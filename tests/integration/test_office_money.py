"""Bills, revenue and payments: they foot to the cent, and are numbered without gaps."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from hub.database import tenant_session
from hub.register.suspense import held as suspended
from tests.books import APRIL, TIERS, Office, refused, two_offices


@pytest.fixture(scope="module", params=TIERS)
def offices(request: pytest.FixtureRequest) -> Iterator[tuple[Office, Office]]:
    with two_offices(request.getfixturevalue(f"{request.param}_server")) as both:
        yield both


@pytest.fixture(scope="module")
def office(offices: tuple[Office, Office]) -> Office:
    return offices[0]


# ------------------------------------------------------------------------ bills


def test_the_charges_of_a_bill_are_the_sum_of_its_lines(office: Office) -> None:
    bill = office.statement("10.00", "5.25", charges="15.24")
    with refused("jib_statements_foots", "the lines sum to 15.25, the statement says 15.24"):
        office.set("jib_statements", bill, status="approved")
    office.set(
        "jib_statements",
        bill,
        office.maker,
        current_charges=Decimal("15.25"),
        closing_balance=Decimal("15.25"),
    )
    office.set("jib_statements", bill, status="approved")
    with refused("jib_statement_lines_stand", "void it and bill a new revision", "statement_id"):
        office.bill_line(bill, 3, "1.00")
    with refused("jib_statements_stands", ": a statement that is approved stands as it is"):
        office.set("jib_statements", bill, current_charges=Decimal(1), closing_balance=Decimal(1))
    office.walk("jib_statements", bill, "sent")
    with pytest.raises(DBAPIError, match="jib_statements_paid_in_full_check"):
        office.set("jib_statements", bill, status="paid")
    office.set("jib_statements", bill, paid_amount=Decimal("15.25"))
    office.set("jib_statements", bill, status="paid")


def test_a_balance_that_does_not_add_up_is_refused(office: Office) -> None:
    with pytest.raises(DBAPIError, match="jib_statements_closing_balance_check"):
        office.statement("10.00", opening_balance=Decimal("0.01"))


def test_an_expense_is_billed_to_a_partner_once(office: Office) -> None:
    spent = office.posted("20.00")
    first, second = office.statement(charges="10.00"), office.statement(charges="10.00")
    for bill in (first, second):
        office.bill_line(bill, 1, "10.00", spent)
    office.set("jib_statements", first, status="approved")
    with refused("jib_statements_billed_once", '"Scale inhibitor" was billed to this partner'):
        office.set("jib_statements", second, status="approved")
    office.set("jib_statements", first, status="void")
    office.set("jib_statements", second, status="approved")


def test_numbers_have_no_gaps_and_a_void_bill_keeps_its_own(
    offices: tuple[Office, Office],
) -> None:
    _, office = offices
    numbers = []
    for turn in range(4):
        bill = office.statement("1.00")
        if turn == 1:  # an approval that fails gives its number back
            with office.acting(office.checker, keep=False) as connection:
                _approve(connection, bill)
        office.set("jib_statements", bill, status="approved")
        if turn == 2:
            office.set("jib_statements", bill, status="void")
        numbers.append(office.get("jib_statements", bill, "number"))
    assert numbers == [1, 2, 3, 4]


def _approve(connection: Connection, bill: uuid.UUID) -> None:
    connection.execute(
        text("UPDATE jib_statements SET status = 'approved' WHERE id = :i"), {"i": bill}
    )


@pytest.mark.parametrize("keep", [True, False])
def test_two_who_approve_at_once_get_neighbouring_numbers(office: Office, keep: bool) -> None:
    """The second waits for the first; if that fails, it takes the number that came free."""
    first, second = office.statement("1.00"), office.statement("1.00")
    with office.acting(office.maker) as connection:
        before = connection.scalar(text("SELECT coalesce(max(number), 0) FROM jib_statements"))
    other = threading.Thread(
        target=office.set, args=("jib_statements", second), kwargs={"status": "approved"}
    )
    with office.acting(office.checker, keep=keep) as connection:
        _approve(connection, first)
        other.start()
        other.join(0.3)
        assert other.is_alive()
    other.join(10)
    numbers = [office.get("jib_statements", bill, "number") for bill in (first, second)]
    assert numbers == ([before + 1, before + 2] if keep else [None, before + 1])


def test_nobody_draws_or_writes_a_number_by_hand(office: Office) -> None:
    bill = office.statement("1.00")
    for statement in (
        "UPDATE jib_statements SET number = 7",
        "UPDATE number_series SET last_number = 0",
        "SELECT last_number FROM number_series",
        "SELECT take_number()",
    ):
        with (
            pytest.raises(DBAPIError, match="permission denied"),
            office.acting(office.maker) as connection,
        ):
            connection.execute(text(statement))
    assert office.get("jib_statements", bill, "number") is None


# ------------------------------------------------------------------------ revenue


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    cents=st.lists(st.integers(1, 10**8), min_size=1, max_size=3), off=st.sampled_from([0, 1, -1])
)
def test_a_run_is_approved_exactly_when_its_distributions_foot(
    office: Office, cents: list[int], off: int
) -> None:
    nets = [str(Decimal(c) / 100) for c in cents]
    run = office.run(*nets, gross=str(Decimal(sum(cents) + off) / 100))
    if off == 0:
        office.set("revenue_runs", run, status="approved")
        assert {office.get("revenue_distributions", s) for s in office.shares_of(run)} == {
            "approved"
        }
    else:
        with refused("revenue_runs_foots", "they must agree", "gross_value"):
            office.set("revenue_runs", run, status="approved")


def test_a_run_needs_a_deck_in_effect_for_its_month(office: Office) -> None:
    lease = office.lease()
    deck = office.deck("1", lease=lease, effective_to=date(2026, 2, 28))
    run = office.run("10.00", lease_id=lease, deck_id=deck)
    with refused("revenue_runs_deck", "not an approved revenue deck of this property for oil"):
        office.set("revenue_runs", run, status="approved")
    office.set("revenue_runs", run, office.maker, period=date(2026, 2, 1))
    office.set("revenue_runs", run, status="approved")


@pytest.mark.parametrize("column", ["decimal_interest", "interest_type"])
def test_a_distribution_is_a_line_of_its_deck(office: Office, column: str) -> None:
    run = office.run("6.00", "4.00")
    share = office.shares_of(run)[0]
    right = office.get("revenue_distributions", share, column)
    wrong: Any = Decimal("0.25") if column == "decimal_interest" else "RI"
    office.set("revenue_distributions", share, office.maker, **{column: wrong})
    with refused("revenue_runs_shares", "no line of the deck of this run", "deck_id"):
        office.set("revenue_runs", run, status="approved")
    office.set("revenue_distributions", share, office.maker, **{column: right})
    office.set("revenue_runs", run, status="approved")


def test_the_lines_of_a_distribution_sum_to_it(office: Office) -> None:
    run = office.run("10.00")
    share = office.shares_of(run)[0]
    line = office.add(
        "revenue_deductions",
        distribution_id=share,
        code="severance",
        whole=Decimal("0.50"),
        amount=Decimal("0.46"),
    )
    with refused("revenue_distributions_foots", 'lines of kind "tax"', "taxes"):
        office.set("revenue_runs", run, status="approved")
    office.drop("revenue_deductions", line)
    office.set("revenue_runs", run, status="approved")
    with refused("revenue_deductions_stand", "a distribution that is approved"):
        office.add(
            "revenue_deductions",
            distribution_id=share,
            code="trucking",
            whole=Decimal(1),
            amount=Decimal(1),
        )


def test_distributions_follow_their_run(office: Office) -> None:
    run = office.run("6.00", "4.00")
    share = office.shares_of(run)[0]
    with refused("revenue_distributions_follow", "together with its run, which is draft"):
        office.set("revenue_distributions", share, status="approved")
    office.set("revenue_runs", run, status="approved")
    with refused("revenue_distributions_follow", "together with its run, which is approved"):
        office.set("revenue_distributions", share, status="posted")
    with refused("revenue_distributions_stand", "of a run that is approved stand", "run_id"):
        office.share(run, office.get("revenue_runs", run, "deck_id"), 2, "0.1", "1.00")
    with refused("revenue_distributions_stands", "reverse its run"):
        office.set("revenue_distributions", share, owner_volume=Decimal(9))
    office.set("revenue_runs", run, status="draft")
    assert office.get("revenue_distributions", share) == "calculated"
    assert office.get("revenue_runs", run, "approved_by") is None
    with refused("revenue_runs_four_eyes", "last changed a run"):
        office.set("revenue_runs", run, status="approved")
    office.set("revenue_runs", run, office.maker, note="Checked again")
    office.force(
        "UPDATE revenue_distributions SET updated_by = created_by WHERE run_id = %(r)s", r=run
    )
    office.walk("revenue_runs", run, "approved", "posted")
    assert office.get("revenue_distributions", share) == "posted"


def test_a_posted_run_is_undone_by_its_opposite(office: Office) -> None:
    lease = office.lease()
    deck = office.deck("0.5", "0.5", lease=lease)
    run = office.run("6.00", "4.00", lease_id=lease, deck_id=deck)
    office.walk("revenue_runs", run, "approved", "posted")
    with refused("revenue_runs_reversed", "enter another that names it in reverses_id"):
        office.set("revenue_runs", run, status="reversed")
    undo = office.run("-6.00", "-4.00", lease_id=lease, deck_id=deck, reverses_id=run)
    office.set("revenue_runs", undo, status="approved")
    office.set("revenue_runs", undo, status="posted")
    assert office.get("revenue_runs", run) == "reversed"
    assert {office.get("revenue_distributions", s) for s in office.shares_of(run)} == {"reversed"}
    with pytest.raises(DBAPIError, match="revenue_runs_reverses_key"):
        office.run("-6.00", "-4.00", lease_id=lease, deck_id=deck, reverses_id=run)


def test_approved_runs_of_a_month_show_who_approved(office: Office) -> None:
    run = office.run("6.00")
    office.set("revenue_runs", run, status="approved")
    share = office.shares_of(run)[0]
    assert office.get("revenue_distributions", share, "approved_by") == office.checker


# ------------------------------------------------------------------------ payments


@pytest.fixture
def owed(office: Office) -> uuid.UUID:
    """A posted distribution of the first partner, over 75.00."""
    run = office.run("75.00")
    office.walk("revenue_runs", run, "approved", "posted")
    return office.shares_of(run)[0]


def payment(office: Office, amount: str, **values: Any) -> uuid.UUID:
    row = {"partner_id": office.partners[0], "pay_date": APRIL, "amount": Decimal(amount)}
    return office.add("owner_payments", **row | values)


def test_a_payment_pays_what_is_on_it(office: Office, owed: uuid.UUID) -> None:
    check = payment(office, "74.99")
    office.set("revenue_distributions", owed, payment_id=check)
    with refused("owner_payments_foots", "sum to 75.00, the payment is 74.99", "amount"):
        office.set("owner_payments", check, status="approved")
    office.set("owner_payments", check, office.maker, amount=Decimal(75))
    with refused("revenue_distributions_paid", "paid together with its payment, which is draft"):
        office.set("revenue_distributions", owed, status="paid")
    office.set("owner_payments", check, status="approved")
    with refused("revenue_distributions_payment", "while it is a draft", "payment_id"):
        office.set("revenue_distributions", owed, payment_id=None)
    with refused("owner_payments_issuer", "who approved a payment does not issue it", "status"):
        office.set("owner_payments", check, status="issued")
    office.set("owner_payments", check, office.maker, status="issued")
    assert office.get("revenue_distributions", owed) == "paid"
    assert office.get("owner_payments", check, "number") > 0
    office.set("owner_payments", check, status="void")
    assert office.get("revenue_distributions", owed) == "released"
    assert office.get("revenue_distributions", owed, "payment_id") is None
    office.set("revenue_distributions", owed, payment_id=payment(office, "75.00"))


def test_a_share_is_paid_to_its_owner_only(office: Office, owed: uuid.UUID) -> None:
    other = payment(office, "75.00", partner_id=office.partners[1])
    with refused("revenue_distributions_payment", "of the same partner", "payment_id"):
        office.set("revenue_distributions", owed, payment_id=other)


def test_a_held_share_is_not_paid_and_says_why(office: Office, owed: uuid.UUID) -> None:
    with pytest.raises(DBAPIError, match="revenue_distributions_held_why_check"):
        office.set("revenue_distributions", owed, status="suspended")
    office.set("revenue_distributions", owed, status="suspended", hold_code="title_dispute")
    with refused("revenue_distributions_payment", "only posted or released shares"):
        office.set("revenue_distributions", owed, payment_id=payment(office, "75.00"))
    office.walk("revenue_distributions", owed, "released")
    office.set("revenue_distributions", owed, payment_id=payment(office, "75.00"))


def test_what_is_held_is_told_by_owner_and_reason(
    offices: tuple[Office, Office], owed: uuid.UUID
) -> None:
    office, other = offices
    office.set("revenue_distributions", owed, status="suspended", hold_code="title_dispute")
    small = office.run("3.00")
    held = office.shares_of(small)[0]
    office.set("revenue_distributions", held, office.maker, pay_code="minimum")
    office.walk("revenue_runs", small, "approved", "posted")
    before = ledger(office)
    assert before["Ada Royalty Trust", "below_minimum"] == Decimal("3.00")
    office.walk("revenue_distributions", owed, "released")
    released = before["Ada Royalty Trust", "title_dispute"] - 75
    assert ledger(office).get(("Ada Royalty Trust", "title_dispute"), Decimal(0)) == released
    assert ledger(other) == {}


def ledger(office: Office) -> dict[tuple[str, str], Decimal]:
    with tenant_session(office.database.engine("app"), office.operator.id) as session:
        return {(one.partner, one.reason): one.net for one in suspended(session)}


def test_a_transfer_needs_a_verified_account_of_the_payee(office: Office, owed: uuid.UUID) -> None:
    account = office.bank_account(name="Payee", routing="021000021")
    wire = payment(office, "75.00", method="ach", bank_account_id=account)
    office.set("revenue_distributions", owed, payment_id=wire)
    sentence = "a transfer needs an account of the payee that is verified"
    with refused("owner_payments_account", sentence, "bank_account_id"):
        office.set("owner_payments", wire, status="approved")
    office.end_hold(account)
    with refused("owner_payments_account", sentence):  # nobody has verified it yet
        office.set("owner_payments", wire, status="approved")
    office.set("bank_accounts", account, status="verified")
    office.set("owner_payments", wire, status="approved")
    office.set("bank_accounts", account, office.maker, routing="111000025")  # the fraud
    with refused("owner_payments_account", sentence):
        office.set("owner_payments", wire, office.maker, status="issued")
