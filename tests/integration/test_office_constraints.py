"""What the database itself refuses in the office, and in which words."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from psycopg.errors import UniqueViolation
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hub.schema import Base
from hub.schema.courses import Course
from tests.books import APRIL, MARCH, TIERS, Office, refused, two_offices

COURSES = {
    mapper.local_table.name: mapper.class_  # type: ignore[attr-defined]
    for mapper in Base.registry.mappers
    if issubclass(mapper.class_, Course)
}


@pytest.fixture(scope="module", params=TIERS)
def offices(request: pytest.FixtureRequest) -> Iterator[tuple[Office, Office]]:
    with two_offices(request.getfixturevalue(f"{request.param}_server")) as both:
        yield both


@pytest.fixture(scope="module")
def office(offices: tuple[Office, Office]) -> Office:
    return offices[0]


# ------------------------------------------------------------------------ courses


@pytest.mark.parametrize("table", sorted(COURSES))
def test_the_database_keeps_the_course_its_class_declares(office: Office, table: str) -> None:
    cls = COURSES[table]
    paper = PAPERS[table](office)
    choices = Base.metadata.tables[table].c.status.info["choices"]
    assert {*cls.MOVES, *(s for to in cls.MOVES.values() for s in to)} == set(choices)
    for source in choices:
        _place(office, table, paper, source)
        for target in choices:
            refusal = _try(office, table, paper, target)
            if target == source or target in cls.MOVES.get(source, ()):
                assert refusal != f"{table}_course", (source, target)
            else:
                assert refusal == f"{table}_course", (source, target, refusal)


def _place(office: Office, table: str, paper: uuid.UUID, status: str) -> None:
    """Put a paper into a status, however it came there."""
    extra = {
        "jib_statements": ", number = coalesce(number, 900000), paid_amount = closing_balance",
        "owner_payments": ", number = coalesce(number, 900000)",
        "revenue_distributions": ", hold_code = 'legal'",
    }.get(table, "")
    signed = "approved_by" in Base.metadata.tables[table].c
    if signed:
        extra += ", approved_by = %(by)s, approved_at = now()"
    if table == "revenue_distributions" and status == "paid":
        extra += ", payment_id = (SELECT id FROM owner_payments LIMIT 1)"
    office.force(
        f"UPDATE {table} SET status = %(status)s{extra} WHERE id = %(id)s",
        status=status,
        id=paper,
        by=office.checker,
    )


def _try(office: Office, table: str, paper: uuid.UUID, status: str) -> str | None:
    """Name of the rule that refuses a status; None where it is allowed."""
    with office.acting(office.checker, keep=False) as connection:
        try:
            connection.execute(
                text(f"UPDATE {table} SET status = :s WHERE id = :i"), {"s": status, "i": paper}
            )
        except DBAPIError as refusal:
            return str(refusal.orig.diag.constraint_name)  # type: ignore[union-attr]
    return None


def _payment(office: Office) -> uuid.UUID:
    return office.add("owner_payments", partner_id=office.partners[0], pay_date=APRIL)


def _tax(office: Office, **values: Any) -> uuid.UUID:
    row = {
        "period": MARCH,
        "lease_id": office.lease(),
        "authority": "TX",
        "tax_kind": "severance_oil",
        "tax": Decimal("4.60"),
    }
    return office.add("tax_records", **row | values)


def _distribution(office: Office) -> uuid.UUID:
    _payment(office)
    return office.shares_of(office.run("10.00"))[0]


def _forecast(office: Office) -> uuid.UUID:
    return office.add("forecasts", lease_id=office.lease(), as_of=APRIL)


def _afe(office: Office) -> uuid.UUID:
    number = f"AFE-{uuid.uuid4()}"
    return office.add("afes", number=number, description="Workover", budget=Decimal(90000))


def _incident(office: Office) -> uuid.UUID:
    row = {"incident_class": "spill", "summary": "Flowline leak", "occurred_at": APRIL}
    return office.add("incidents", **row)


PAPERS = {
    "ownership_decks": lambda office: office.deck("1", approve=False),
    "afes": _afe,
    "expenses": lambda office: office.expense(),
    "jib_statements": lambda office: office.statement("5.00"),
    "revenue_runs": lambda office: office.run("10.00"),
    "revenue_distributions": _distribution,
    "bank_accounts": lambda office: office.bank_account(),
    "owner_payments": _payment,
    "tax_records": _tax,
    "forecasts": _forecast,
    "incidents": _incident,
}


@pytest.mark.parametrize("table", sorted(COURSES))
def test_a_paper_begins_at_the_beginning(office: Office, table: str) -> None:
    status = COURSES[table].MOVES[COURSES[table].OPEN[0]][0]
    paper = PAPERS[table](office)
    with (
        refused(f"{table}_begins", "begins as", "status"),
        office.database.engine("owner").begin() as connection,
    ):
        connection.execute(text(_copy(table)), {"s": status, "i": paper})


def _copy(table: str) -> str:
    """Statement that copies a row under a new key and status, but for what is computed."""
    names = [c.name for c in Base.metadata.tables[table].c if c.computed is None]
    given = {"id": "gen_random_uuid()", "status": ":s"}
    values = ", ".join(given.get(name, name) for name in names)
    return f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM {table} WHERE id = :i"


# ------------------------------------------------------------------------ four eyes


SIGNED = sorted(COURSES.keys() - {"bank_accounts", "tax_records", "incidents"})


@pytest.mark.parametrize("table", [name for name in SIGNED if name != "revenue_distributions"])
def test_who_made_a_paper_does_not_approve_it(office: Office, table: str) -> None:
    paper = PAPERS[table](office)
    if table == "expenses":
        office.set(table, paper, office.maker, status="submitted")
    with refused(f"{table}_four_eyes", "ask another person", "status"):
        office.set(table, paper, office.maker, status="approved")
    with refused(f"{table}_signed", "both must be signed in"), office.acting(None) as connection:
        connection.execute(
            text(f"UPDATE {table} SET status = 'approved' WHERE id = :i"), {"i": paper}
        )
    office.set(table, paper, status="approved")
    assert office.get(table, paper, "approved_by") == office.checker
    assert office.get(table, paper, "approved_at") is not None


def test_who_last_changed_a_paper_or_its_lines_does_not_approve_it(office: Office) -> None:
    bill = office.statement("5.00")
    office.set("jib_statements", bill, office.checker, due_date=date(2026, 5, 20))
    with refused("jib_statements_four_eyes", "last changed a statement"):
        office.set("jib_statements", bill, status="approved")
    deck = office.deck("0.5", approve=False)
    office.add(
        "lease_partners",
        office.checker,
        deck_id=deck,
        partner_id=office.partners[1],
        decimal_interest=Decimal("0.5"),
    )
    with refused("ownership_decks_four_eyes", "last changed a deck"):
        office.set("ownership_decks", deck, status="approved")


def test_nobody_enters_a_paper_in_anothers_name_or_approved(office: Office) -> None:
    made = office.expense(created_by=office.checker)
    assert office.get("expenses", made, "created_by") == office.maker
    with pytest.raises(DBAPIError, match="permission denied"):
        office.expense(approved_by=office.checker)


def test_an_approval_changes_nothing_else(office: Office) -> None:
    bill = office.statement("5.00")
    with refused("jib_statements_status_alone", "save this change first", "due_date"):
        office.set("jib_statements", bill, status="approved", due_date=date(2026, 6, 1))


@pytest.mark.parametrize("column", ["approved_by", "approved_at", "posted_at", "created_by"])
def test_the_console_cannot_write_what_the_database_fills_in(office: Office, column: str) -> None:
    made = office.expense()
    with (
        pytest.raises(DBAPIError, match="permission denied"),
        office.acting(office.maker) as connection,
    ):
        connection.execute(text(f"UPDATE expenses SET {column} = NULL WHERE id = :i"), {"i": made})


# ------------------------------------------------------------------------ expenses


def test_the_same_line_of_an_invoice_is_entered_once(office: Office) -> None:
    first = office.expense(invoice_no="A-17")
    with refused("expenses_invoice_key", "line 1 of invoice a-17 of this vendor is entered alr"):
        office.expense(invoice_no="a-17")
    office.expense(invoice_no="A-17", line_no=2)
    office.expense(invoice_no="A-17", vendor_id=office.partners[0])
    with pytest.raises(UniqueViolation, match="expenses_invoice_key"):  # nor past the triggers
        office.force("UPDATE expenses SET line_no = 1 WHERE invoice_no = 'A-17' AND line_no = 2")
    office.set("expenses", first, office.maker, status="void")
    office.expense(invoice_no="A-17")


def test_a_posted_expense_stands_and_is_undone_by_another(office: Office) -> None:
    made = office.posted("250.00", invoice_no="B-1")
    with refused("expenses_stands", "enter another that reverses it", "gross"):
        office.set("expenses", made, gross=Decimal(1))
    with refused("expenses_kept", "only one that is draft may be deleted"):
        office.drop("expenses", made)
    with refused("expenses_reversed", "enter another that names it in reverses_id"):
        office.set("expenses", made, status="reversed")
    wrong = office.expense("-249.99", invoice_no="B-1", reverses_id=made)
    office.set("expenses", wrong, office.maker, status="submitted")
    office.set("expenses", wrong, status="approved")
    with refused("expenses_opposite", "it must be -250.00", "gross"):
        office.set("expenses", wrong, status="posted")
    office.set("expenses", wrong, status="void")
    office.posted("-250.00", invoice_no="B-1", reverses_id=made)
    assert office.get("expenses", made) == "reversed"
    office.expense("245.00", invoice_no="B-1")  # and is booked anew
    with refused("expenses_reverses", "an expense that is reversed cannot be undone"):
        office.force("UPDATE expenses SET status = 'void' WHERE reverses_id = %(i)s", i=made)
        office.posted("-250.00", invoice_no="B-1", reverses_id=made)


def test_the_parts_of_an_expense_sum_to_it(office: Office) -> None:
    made = office.expense("100.00")
    for amount in ("33.33", "33.33", "33.33"):
        office.add(
            "expense_allocations",
            expense_id=made,
            lease_id=office.lease(),
            amount=Decimal(amount),
        )
    office.set("expenses", made, office.maker, status="submitted")
    with refused("expenses_foots", "sum to 99.99, the expense is 100.00", "gross"):
        office.set("expenses", made, status="approved")
    with refused("expense_allocations_stand", "an expense that is submitted stand"):
        office.add(
            "expense_allocations", expense_id=made, lease_id=office.lease(), amount=Decimal(1)
        )
    office.set("expenses", made, office.maker, status="draft")
    office.add(
        "expense_allocations", expense_id=made, lease_id=office.lease(), amount=Decimal("0.01")
    )
    office.set("expenses", made, office.maker, status="submitted")
    office.walk("expenses", made, "approved", "posted")


def test_nothing_is_booked_to_an_afe_that_is_not_open(office: Office) -> None:
    afe = _afe(office)
    made = office.expense(afe_id=afe)
    office.set("expenses", made, office.maker, status="submitted")
    with refused("expenses_afe", "an AFE that is draft", "afe_id"):
        office.set("expenses", made, status="approved")
    office.set("afes", afe, status="approved")
    office.set("expenses", made, status="approved")


def test_nothing_is_booked_into_a_closed_month(office: Office) -> None:
    closed = date(2025, 11, 1)
    office.add("accounting_periods", module="finance", month=closed)
    made = office.expense(accounting_period=closed)
    office.set("expenses", made, office.maker, status="submitted")
    office.set("expenses", made, status="approved")
    office.force("UPDATE accounting_periods SET state = 'closed' WHERE month = %(m)s", m=closed)
    with refused("expenses_period", "the books of 2025-11 are closed", "accounting_period"):
        office.set("expenses", made, status="posted")
    bill = office.statement("1.00", invoice_date=closed)
    with refused("jib_statements_period", "the books of 2025-11 are closed", "invoice_date"):
        office.set("jib_statements", bill, status="approved")
    run = office.run("10.00", accounting_period=closed)
    office.set("revenue_runs", run, status="approved")
    with refused("revenue_runs_period", "choose an open month"):
        office.set("revenue_runs", run, status="posted")
    office.force(
        "UPDATE accounting_periods SET state = 'soft_closed' WHERE month = %(m)s", m=closed
    )
    with (
        refused("expenses_period", "only an owner or accountant books", "accounting_period"),
        office.acting(office.checker, "manager") as connection,
    ):
        connection.execute(text("UPDATE expenses SET status = 'posted' WHERE id = :i"), {"i": made})
    office.set("expenses", made, status="posted")  # an owner


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"gross": 0}, "expenses_gross_check"),
        ({"accounting_period": date(2026, 3, 2)}, "expenses_accounting_period_is_month_check"),
        ({"invoice_no": " "}, "expenses_invoice_no_check"),
        ({"currency": "usd"}, "expenses_currency_check"),
    ],
)
def test_fields_of_an_expense_are_checked(
    office: Office, values: dict[str, Any], rule: str
) -> None:
    with pytest.raises(DBAPIError, match=rule):
        office.expense(**values)
