"""Every feature that is switched on per operator, and what its data must hold before: one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hub.errors import HubError


class UnknownFeatureError(HubError):
    """There is no such feature."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Which rows of a table break a feature: an SQL condition on `t`, seen by one operator only."""

    name: str
    table: str
    breaks: str  #: SQL: true for a row that breaks the rule
    says: str  #: what is wrong with such a row, as "Lease … has no approved billing deck."
    fix: str  #: what to do about it
    label: str = "t.name"  #: SQL: how a row is called


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that is switched on when an operator is ready for it."""

    name: str
    title: str
    help: str
    rules: tuple[Rule, ...] = ()
    default: bool = False  #: what holds while nobody has decided


_WORKING: Final = "t.status IN ('producing', 'shut_in', 'held_by_production')"


def _no_deck(kind: str) -> str:
    return f"""{_WORKING} AND NOT EXISTS (
        SELECT FROM ownership_decks d
        WHERE d.lease_id = t.id AND d.deck_kind = '{kind}' AND d.status = 'approved'
          AND d.effective_from <= current_date
          AND (d.effective_to IS NULL OR d.effective_to > current_date))"""


_NO_VERIFIED_ACCOUNT: Final = """NOT EXISTS (
        SELECT FROM bank_accounts b
        WHERE b.partner_id = t.id AND b.status = 'verified')"""
_PAID: Final = "t.active AND (t.working_interest OR t.royalty OR t.overriding)"

JIB: Final = Feature(
    "jib",
    "Joint interest billing",
    "Bills partners each month for their share of what a lease costs.",
    (
        Rule(
            "billing_deck",
            "leases",
            _no_deck("billing"),
            "has no approved billing deck for today",
            "enter who shares its costs, and let a second person approve the deck",
        ),
        Rule(
            "billing_address",
            "partners",
            "t.active AND t.working_interest AND "
            "(t.delivery = 'mail' AND coalesce(t.billing_address, '') = ''"
            " OR t.delivery = 'email' AND coalesce(t.email, '') = '')",
            "has no address to which its bill can be sent",
            "enter its billing address, or its e-mail where bills go by e-mail",
        ),
        Rule(
            "billable_account",
            "organizations",
            "NOT EXISTS (SELECT FROM accounts a WHERE a.billable AND a.active)",
            "has no account whose costs are billed to partners",
            "mark the accounts that are billable",
        ),
    ),
)

ALLOCATION: Final = Feature(
    "allocation",
    "Allocation to wells",
    "Divides what a lease or battery sold among its wells, by their tests.",
    (
        Rule(
            "well_test",
            "wells",
            """t.status = 'producing' AND t.well_type IN ('oil', 'gas', 'oil_gas')
            AND EXISTS (SELECT FROM wells o WHERE o.lease_id = t.lease_id AND o.id <> t.id
                          AND o.status = 'producing' AND o.well_type IN ('oil', 'gas', 'oil_gas'))
            AND NOT EXISTS (SELECT FROM well_tests w WHERE w.well_id = t.id
                              AND w.status = 'accepted' AND w.use_for_allocation)""",
            "shares its lease with other wells and has no accepted test",
            "enter a test of it, accept it, and use it for allocation",
        ),
        Rule(
            "lease",
            "wells",
            "t.status = 'producing' AND t.lease_id IS NULL",
            "produces for no lease",
            "say which lease it belongs to",
        ),
        Rule(
            "strap_table",
            "tanks",
            """(t.out_of_use_on IS NULL OR t.out_of_use_on > current_date) AND NOT EXISTS (
               SELECT FROM tank_strap_tables s WHERE s.tank_id = t.id
                 AND s.valid_from <= current_date
                 AND (s.valid_to IS NULL OR s.valid_to > current_date))""",
            "has no strapping table, so that its gauges mean no barrels",
            "enter the strapping table, or the day it went out of use",
        ),
    ),
)

REGULATORY: Final = Feature(
    "regulatory_reports",
    "Regulatory reports",
    "Fills in the monthly reports of the states from production.",
    (
        Rule(
            "api_number",
            "wells",
            "t.status NOT IN ('permitted', 'sold') AND t.api14 IS NULL AND t.api10 IS NULL",
            "has no API number",
            "enter it as on the permit, 10 or 14 digits",
        ),
        Rule(
            "lease_number",
            "leases",
            f"""{_WORKING} AND coalesce(t.jurisdiction_lease_no, '') = '' AND NOT EXISTS (
               SELECT FROM regulatory_ids r WHERE r.lease_id = t.id)""",
            "has no number with its state's agency",
            "enter the lease number the agency gave it",
        ),
        Rule(
            "state",
            "leases",
            f"{_WORKING} AND (t.state IS NULL OR coalesce(t.county, '') = '')",
            "has no state or no county",
            "enter both; they decide which report it belongs to",
        ),
    ),
)

REVENUE: Final = Feature(
    "revenue",
    "Revenue distribution",
    "Divides what purchasers paid among the owners.",
    (
        Rule(
            "revenue_deck",
            "leases",
            _no_deck("revenue"),
            "has no approved revenue deck for today",
            "enter who shares its revenue, and let a second person approve the deck",
        ),
    ),
)

PAYMENTS: Final = Feature(
    "payments",
    "Payments to owners",
    "Pays owners by check or bank transfer, with the stub they are owed.",
    (
        Rule(
            "bank_account",
            "partners",
            f"{_PAID} AND t.pay_method IN ('ach', 'wire') AND {_NO_VERIFIED_ACCOUNT}",
            "is paid by transfer and has no verified bank account",
            "enter its account and let a second person verify it, or pay by check",
        ),
        Rule(
            "w9",
            "partners",
            f"{_PAID} AND t.w9_status <> 'received'",
            "has sent no valid W-9",
            "ask for it; until then a part of every payment must be withheld",
        ),
        Rule(
            "remit_address",
            "partners",
            f"{_PAID} AND t.pay_method = 'check' AND coalesce(t.remit_address, '') = ''",
            "is paid by check and has no address to send it to",
            "enter where its payments are sent",
        ),
        Rule(
            "own_account",
            "organizations",
            """NOT EXISTS (SELECT FROM bank_accounts b
               WHERE b.owner_kind = 'org' AND b.is_primary AND b.status = 'verified')""",
            "has no verified primary bank account to pay from",
            "enter the account, let a second person verify it, and make it primary",
        ),
    ),
)

FEATURES: Final[tuple[Feature, ...]] = (ALLOCATION, REGULATORY, JIB, REVENUE, PAYMENTS)


def feature_named(name: str) -> Feature:
    """The feature of a name; raises `UnknownFeatureError` with the names there are."""
    for feature in FEATURES:
        if feature.name == name:
            return feature
    known = ", ".join(feature.name for feature in FEATURES)
    raise UnknownFeatureError(f"there is no feature {name!r}; there are: {known}")
