"""Decks: their shares sum to exactly one, and no two hold at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.errors import ExclusionViolation
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hub.schema.ownership import INTEREST_TYPES
from tests.books import TIERS, Office, refused, two_offices


@pytest.fixture(scope="module", params=TIERS)
def offices(request: pytest.FixtureRequest) -> Iterator[tuple[Office, Office]]:
    with two_offices(request.getfixturevalue(f"{request.param}_server")) as both:
        yield both


@pytest.fixture(scope="module")
def office(offices: tuple[Office, Office]) -> Office:
    return offices[0]


# ------------------------------------------------------------------------ decks


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_deck_is_approved_exactly_when_its_shares_sum_to_one(
    office: Office, data: st.DataObject
) -> None:
    """Sixteen lines at most, of ten decimals each; off by a hundred-millionth is off."""
    whole = 10**10
    cuts = sorted(data.draw(st.sets(st.integers(1, whole - 1), min_size=1, max_size=15)))
    parts = [b - a for a, b in zip([0, *cuts], [*cuts, whole], strict=True)]
    off = data.draw(st.sampled_from([0, 0, 0, 100, -100, 10**6, -(10**6)]))
    parts[-1] += off
    if not all(0 < part <= whole for part in parts):
        return
    deck = office.deck(approve=False)
    with office.acting(office.maker) as connection:
        for number, part in enumerate(parts):
            kind, partner = INTEREST_TYPES[number % 8], office.partners[number // 8]
            connection.execute(
                text(
                    "INSERT INTO lease_partners (organization_id, deck_id, partner_id,"
                    " interest_type, decimal_interest) VALUES (:o, :d, :p, :k, :i)"
                ),
                {
                    "o": office.operator.id,
                    "d": deck,
                    "p": partner,
                    "k": kind,
                    "i": Decimal(part) / whole,
                },
            )
    if off == 0:
        office.set("ownership_decks", deck, status="approved")
    else:
        with refused("ownership_decks_foots", "must sum to exactly 1.00000000", "status"):
            office.set("ownership_decks", deck, status="approved")


def test_thirds_sum_to_one_at_eight_decimals(office: Office) -> None:
    office.deck("0.3333333333", "0.3333333333", "0.3333333334")
    with refused("ownership_decks_foots", "sum to 0.99999999;"):
        office.deck("0.33333333", "0.33333333", "0.33333333")


def test_an_empty_deck_is_not_approved(office: Office) -> None:
    with refused("ownership_decks_foots", "sum to 0.00000000"):
        office.deck()


def test_a_billing_deck_has_working_interests_only(office: Office) -> None:
    deck = office.deck("0.5", approve=False, deck_kind="billing")
    half = office.line(deck, "0.5", 1)
    office.set("lease_partners", half, office.maker, interest_type="RI")
    with refused("ownership_decks_billing", "working interests only (WI, UMI), not RI"):
        office.set("ownership_decks", deck, status="approved")


@pytest.mark.parametrize(
    ("first", "second", "meet"),
    [
        ({}, {}, True),
        ({"product": "all"}, {"product": "gas"}, True),
        ({"product": "oil"}, {"product": "gas"}, False),
        ({"payout": "none"}, {"payout": "after"}, True),
        ({"payout": "before"}, {"payout": "after"}, False),
        ({"deck_kind": "billing"}, {"deck_kind": "revenue"}, False),
        ({"effective_to": date(2025, 12, 31)}, {"effective_from": date(2026, 1, 1)}, False),
        ({"effective_to": date(2025, 12, 31)}, {"effective_from": date(2025, 12, 31)}, True),
    ],
)
def test_approved_decks_never_overlap(
    office: Office, first: dict[str, Any], second: dict[str, Any], meet: bool
) -> None:
    lease = office.lease()
    office.deck("1", lease=lease, **first)
    later = office.deck("1", lease=lease, approve=False, **second)
    if not meet:
        office.set("ownership_decks", later, status="approved")
        return
    with refused("ownership_decks_no_overlap", "holds then; end that one, or supersede it"):
        office.set("ownership_decks", later, status="approved")
    with pytest.raises(
        ExclusionViolation, match="ownership_decks_no_overlap"
    ):  # nor past the triggers
        office.force(
            "UPDATE ownership_decks SET status = 'approved', approved_by = %(by)s,"
            " approved_at = now() WHERE id = %(id)s",
            by=office.checker,
            id=later,
        )


def test_the_lines_of_an_approved_deck_stand(office: Office) -> None:
    deck = office.deck("1", approve=False)
    line = office.line(deck, "0.5", 1)
    office.drop("lease_partners", line)
    office.set("ownership_decks", deck, status="approved")
    with refused("lease_partners_stand", "a deck that is approved stand as they are; make a new"):
        office.line(deck, "0.5", 1)
    with office.acting(office.maker) as connection:
        kept = connection.scalar(
            text("SELECT id FROM lease_partners WHERE deck_id = :d"), {"d": deck}
        )
    with refused("lease_partners_stand", "deck_id: the lines", "deck_id"):
        office.set("lease_partners", kept, decimal_interest=Decimal("0.9"))
    with refused("lease_partners_stand", "deck_id: the lines"):
        office.drop("lease_partners", kept)
    with refused("ownership_decks_kept", "only one that is draft may be deleted"):
        office.drop("ownership_decks", deck)


def test_a_draft_deck_is_deleted_with_its_lines(office: Office) -> None:
    deck = office.deck("0.5", "0.5", approve=False)
    office.drop("ownership_decks", deck)


def test_an_approved_deck_is_ended_once_and_the_next_follows(office: Office) -> None:
    lease = office.lease()
    deck = office.deck("1", lease=lease)
    office.set("ownership_decks", deck, effective_to=date(2025, 12, 31))
    with refused("ownership_decks_ends", "ends once", "effective_to"):
        office.set("ownership_decks", deck, effective_to=date(2026, 1, 31))
    office.deck("0.5", "0.5", lease=lease, effective_from=date(2026, 1, 1))


def test_a_line_cannot_slip_in_while_its_deck_is_being_approved(office: Office) -> None:
    deck = office.deck("1", approve=False)
    entered, failed = threading.Event(), []

    def approve() -> None:
        entered.wait(10)
        try:
            office.set("ownership_decks", deck, status="approved")
        except DBAPIError as refusal:
            failed.append(str(refusal))

    thread = threading.Thread(target=approve)
    thread.start()
    with office.acting(office.maker) as connection:
        connection.execute(
            text(
                "INSERT INTO lease_partners (organization_id, deck_id, partner_id,"
                " decimal_interest) VALUES (:o, :d, :p, 0.5)"
            ),
            {"o": office.operator.id, "d": deck, "p": office.partners[1]},
        )
        entered.set()
        thread.join(0.3)
        assert thread.is_alive()  # the approval waits for the line
    thread.join(10)
    assert "sum to 1.50000000" in failed[0]
