"""The demo's accounts: owners and decks, costs, bills, revenue, taxes, banks; papers of two people.

The accountant enters, the owner approves, as the database asks. Every column foots: shares are
split by largest remainder.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from sqlalchemy import func, select

from hub.demo.desk import Desk
from hub.register.catalog import resource
from hub.register.changes import create
from hub.schema import (
    Account,
    Expense,
    JibStatement,
    JibStatementLine,
    LeasePartner,
    OwnershipDeck,
    Partner,
    ProductionRecord,
    RevenueDeduction,
    RevenueDistribution,
    RevenueRun,
    SalesStatement,
    TaxRate,
    TaxRecord,
    Well,
)
from hub.shares import CENT, split
from hub.standards import begin_office

#: Code, name, what it is by law, its parts, and how its tax number ends.
PARTNERS: Final = (
    ("PBE", "Pecan Bayou Energy LLC", "company", "working_interest", "741112001"),
    ("ALAMO", "Alamo Minerals LLC", "company", "working_interest", "741112002"),
    ("BRAZOS", "Brazos Bend Partners LP", "company", "working_interest", "741112003"),
    ("SMITH", "Estate of H. L. Smith", "estate", "royalty", "741112004"),
    ("GARZA", "Maria Garza", "individual", "royalty", "900112005"),
    ("COASTAL", "Coastal Plains Royalty Trust", "trust", "overriding", "741112006"),
    ("GULFCO", "Gulf Coast Crude Marketing LLC", "company", "purchaser", None),
    ("KARANK", "Karankawa Electric Cooperative", "company", "vendor", None),
    ("BAYCITY", "Bay City Well Service", "company", "vendor", None),
    ("PALACIOS", "Palacios Chemical Supply", "company", "vendor", None),
    ("COLRIVER", "Colorado River Disposal", "company", "vendor", None),
)
#: Who bears the costs, and who shares the revenue: royalties first, the rest by working interest.
BILLING: Final = {"PBE": Decimal("0.6"), "ALAMO": Decimal("0.25"), "BRAZOS": Decimal("0.15")}
REVENUE: Final = {
    ("SMITH", "RI"): Decimal("0.125"),
    ("GARZA", "RI"): Decimal("0.0625"),
    ("COASTAL", "ORRI"): Decimal("0.02"),
    ("PBE", "WI"): Decimal("0.4755"),
    ("ALAMO", "WI"): Decimal("0.198125"),
    ("BRAZOS", "WI"): Decimal("0.118875"),
}
#: Account, vendor, what for, amount in a month.
COSTS: Final = (
    ("8030", "KARANK", "Electricity", Decimal("1843.27")),
    ("8010", "BAYCITY", "Contract pumping", Decimal("2400.00")),
    ("8050", "PALACIOS", "Corrosion inhibitor and demulsifier", Decimal("967.41")),
    ("8060", "COLRIVER", "Water hauled", Decimal("3118.65")),
)
PRICE: Final = Decimal("71.345000")
TRUCKING: Final = Decimal("1.25")  #: USD a barrel, borne by working interests alone


@dataclass(frozen=True, slots=True)
class Books:
    """Keys of what papers refer to."""

    partners: Mapping[str, uuid.UUID]
    accounts: Mapping[str, uuid.UUID]
    rates: Mapping[tuple[str, str], tuple[uuid.UUID, Decimal]]  #: by kind and product
    billing: Mapping[str, uuid.UUID]  #: decks by lease
    revenue: Mapping[str, uuid.UUID]


def fill(desk: Desk) -> None:
    """Write the accounts of the last months, once."""
    if desk.holds(Partner):
        return
    desk.sit("accountant")
    begin_office(desk.session.connection(), desk.organization)
    partners = {code: _partner(desk, *told) for code, *told in PARTNERS}
    accounts = dict(desk.session.execute(select(Account.code, Account.id)).all())
    decks = {kind: _decks(desk, partners, kind) for kind in ("billing", "revenue")}
    books = Books(partners, accounts, _rates(desk), decks["billing"], decks["revenue"])
    for back in (2, 1):
        costs = {lease: _costs(desk, books, lease, desk.month(back)) for lease in desk.leases}
        for lease, expenses in costs.items():
            _bill(desk, books, lease, desk.month(back), expenses, settled=back == 2)
            _share(desk, books, lease, desk.month(back), posted=back == 2)
    _costs(desk, books, "Bravo", desk.month(0), waiting=True)
    _banks(desk, partners)


def _partner(desk: Desk, name: str, kind: str, part: str, tax_id: str | None) -> uuid.UUID:
    values = {
        "code": next(code for code, known, *_ in PARTNERS if known == name),
        "name": name,
        "kind": kind,
        part: True,
        "w9_status": "received" if tax_id else "missing",
        "remit_address": "P.O. Box 410, Bay City, TX 77404",
        "email": f"office@{name.split(maxsplit=1)[0].lower()}.example",
    }
    if tax_id:
        values["tax_id_enc"] = tax_id
    if name.startswith("Estate"):
        values["hold_code"] = "title_dispute"
    clerk, table = desk.people["accountant"], resource("partners")
    made = create(desk.session, clerk, table, values, secret_key=desk.secret_key)
    key: uuid.UUID = made["id"]
    return key


def _decks(desk: Desk, partners: Mapping[str, uuid.UUID], kind: str) -> dict[str, uuid.UUID]:
    """A deck of each lease, entered by one, approved by another."""
    desk.sit("accountant")
    whole: Mapping[tuple[str, str], Decimal] = (
        REVENUE if kind == "revenue" else {(code, "WI"): part for code, part in BILLING.items()}
    )
    decks = {}
    for lease, key in desk.leases.items():
        decks[lease] = desk.add(
            OwnershipDeck,
            lease_id=key,
            deck_kind=kind,
            effective_from=date(2018, 1, 1),
            note="Division order title opinion of 2017",
        )
        desk.add_all(
            LeasePartner,
            [
                {
                    "deck_id": decks[lease],
                    "partner_id": partners[code],
                    "interest_type": interest,
                    "decimal_interest": share,
                    "cost_free": interest in {"RI", "ORRI"},
                }
                for (code, interest), share in whole.items()
            ],
        )
    desk.sit("owner")
    desk.move(OwnershipDeck, list(decks.values()), "approved")
    desk.sit("accountant")
    return decks


def _rates(desk: Desk) -> dict[tuple[str, str], tuple[uuid.UUID, Decimal]]:
    listed = desk.session.execute(
        select(TaxRate.tax_kind, TaxRate.product, TaxRate.id, TaxRate.rate).where(
            TaxRate.authority == "TX", TaxRate.well_class == _plain_class(desk)
        )
    )
    return {(kind, product): (key, rate) for kind, product, key, rate in listed}


def _plain_class(desk: Desk) -> str:
    """The class of wells no exception is made for."""
    told = select(TaxRate.well_class).where(
        TaxRate.authority == "TX", TaxRate.tax_kind == "regulatory_fee"
    )
    return str(desk.session.scalars(told.limit(1)).one())


# --------------------------------------------------------------------------------------- costs


def _costs(
    desk: Desk, books: Books, lease: str, month: date, *, waiting: bool = False
) -> list[tuple[uuid.UUID, str, str, Decimal]]:
    """A month's invoices of a lease: posted, or submitted and waiting for the owner."""
    place = list(desk.leases).index(lease)
    rows: list[dict[str, Any]] = [
        {
            "vendor_id": books.partners[vendor],
            "invoice_no": f"{vendor[:3]}-{month:%y%m}-{place + 1}",
            "line_no": number,
            "invoice_date": month + timedelta(days=24 if not waiting else 3),
            "service_period": month,
            "accounting_period": month,
            "description": f"{words}, {lease}",
            "account_id": books.accounts[account],
            "lease_id": desk.leases[lease],
            "gross": (amount * (10 + place + month.month % 3) / 10).quantize(CENT, ROUND_HALF_UP),
        }
        for number, (account, vendor, words, amount) in enumerate(COSTS, 1)
    ]
    keys = desk.add_all(Expense, rows)
    desk.move(Expense, keys, "submitted")
    if not waiting:
        desk.sit("owner")
        desk.move(Expense, keys, "approved", "posted")
        desk.sit("accountant")
    return [
        (key, account, words, row["gross"])
        for key, (account, _vendor, words, _amount), row in zip(keys, COSTS, rows, strict=True)
    ]


def _bill(
    desk: Desk,
    books: Books,
    lease: str,
    month: date,
    expenses: list[tuple[uuid.UUID, str, str, Decimal]],
    *,
    settled: bool,
) -> None:
    """A statement for each partner but ourselves; the shares of an expense sum to it."""
    invoiced = (month + timedelta(days=31)).replace(day=10)
    shares = {key: split(gross, BILLING) for key, _account, _words, gross in expenses}
    statements = {}
    for code in ("ALAMO", "BRAZOS"):
        charges = sum((shares[key][code] for key, *_rest in expenses), Decimal(0))
        statements[code] = desk.add(
            JibStatement,
            partner_id=books.partners[code],
            lease_id=desk.leases[lease],
            period=month,
            invoice_date=invoiced,
            due_date=invoiced + timedelta(days=30),
            current_charges=charges,
            closing_balance=charges,
        )
        desk.add_all(
            JibStatementLine,
            [
                {
                    "statement_id": statements[code],
                    "line_no": number,
                    "expense_id": key,
                    "account_id": books.accounts[account],
                    "deck_id": books.billing[lease],
                    "description": words,
                    "gross": gross,
                    "interest": BILLING[code],
                    "net": shares[key][code],
                }
                for number, (key, account, words, gross) in enumerate(expenses, 1)
            ],
        )
    _settle(desk, statements, settled=settled)


def _settle(desk: Desk, statements: Mapping[str, uuid.UUID], *, settled: bool) -> None:
    """Approve and send the bills; those of the month before last are paid, but for one."""
    desk.sit("owner")
    desk.move(JibStatement, list(statements.values()), "approved", "sent")
    if settled:
        owed = select(JibStatement.closing_balance).where(JibStatement.id == statements["ALAMO"])
        paid = desk.session.scalar(owed)
        desk.change(JibStatement, [statements["ALAMO"]], paid_amount=paid)
        desk.move(JibStatement, [statements["ALAMO"]], "paid")
    desk.sit("accountant")


# -------------------------------------------------------------------------------------- revenue


def _share(desk: Desk, books: Books, lease: str, month: date, *, posted: bool) -> None:
    """A month's oil: the purchaser's statement, the run that shares it, and the taxes on it."""
    volume = _sold(desk, lease, month)
    gross = (volume * PRICE).quantize(CENT, ROUND_HALF_UP)
    taxes = {
        kind: (base * books.rates[kind, "oil"][1]).quantize(CENT, ROUND_HALF_UP)
        for kind, base in (("severance_oil", gross), ("regulatory_fee", volume))
    }
    trucking = (volume * TRUCKING).quantize(CENT, ROUND_HALF_UP)
    tax = sum(taxes.values(), Decimal(0))
    amounts = {"gross_value": gross, "taxes": tax, "deductions": trucking}
    common: dict[str, Any] = {
        "purchaser_id": books.partners["GULFCO"],
        "lease_id": desk.leases[lease],
        "product": "oil",
        "period": month,
        "volume": volume,
        "price": PRICE,
        "net_value": gross - tax - trucking,
        **amounts,
    }
    statement = desk.add(
        SalesStatement,
        statement_no=f"GC{month:%y%m}-{lease[0]}",
        received_on=(month + timedelta(days=31)).replace(day=20),
        gravity_or_btu=Decimal("38.5"),
        **common,
    )
    run = desk.add(
        RevenueRun,
        accounting_period=month,
        sales_statement_id=statement,
        deck_id=books.revenue[lease],
        **common,
    )
    _distribute(desk, books, run, books.revenue[lease], volume, gross, taxes, trucking)
    desk.sit("owner")
    desk.move(RevenueRun, [run], *(("approved", "posted") if posted else ("approved",)))
    if posted:
        _suspend(desk, books, run)
    desk.sit("accountant")
    _tax_records(desk, books, lease, month, volume, gross, taxes, filed=posted)


def _sold(desk: Desk, lease: str, month: date) -> Decimal:
    """Barrels the lease made in a month, in whole hundredths, as the purchaser's tickets sum."""
    after = (month + timedelta(days=31)).replace(day=1)
    made = desk.session.scalar(
        select(func.sum(ProductionRecord.oil_bbl))
        .join(Well, Well.id == ProductionRecord.well_id)
        .where(
            Well.lease_id == desk.leases[lease],
            ProductionRecord.record_kind == "measured",
            ProductionRecord.production_date >= month,
            ProductionRecord.production_date < after,
        )
    )
    return (Decimal(made or 0) * Decimal("0.995")).quantize(CENT)


def _distribute(
    desk: Desk,
    books: Books,
    run: uuid.UUID,
    deck: uuid.UUID,
    volume: Decimal,
    gross: Decimal,
    taxes: Mapping[str, Decimal],
    trucking: Decimal,
) -> None:
    """Every owner's part of every column; trucking is for those who bear costs."""
    bearing = {key: part for key, part in REVENUE.items() if key[1] == "WI"}
    volumes = split(volume, REVENUE, Decimal("0.0001"))
    values = split(gross, REVENUE)
    by_tax = {kind: split(amount, REVENUE) for kind, amount in taxes.items()}
    hauled = split(trucking, bearing)
    rows = []
    for owner, part in REVENUE.items():
        tax = sum((shares[owner] for shares in by_tax.values()), Decimal(0))
        deducted = hauled.get(owner, Decimal(0))
        rows.append(
            {
                "run_id": run,
                "deck_id": deck,
                "partner_id": books.partners[owner[0]],
                "interest_type": owner[1],
                "decimal_interest": part,
                "owner_volume": volumes[owner],
                "price": PRICE,
                "gross_value": values[owner],
                "taxes": tax,
                "deductions": deducted,
                "net": values[owner] - tax - deducted,
            }
        )
    keys = dict(zip(REVENUE, desk.add_all(RevenueDistribution, rows), strict=True))
    lines = [("tax", kind, taxes[kind], shares) for kind, shares in by_tax.items()]
    lines.append(("deduction", "trucking", trucking, hauled))
    desk.add_all(
        RevenueDeduction,
        [
            {
                "distribution_id": keys[owner],
                "kind": kind,
                "code": code,
                "whole": whole,
                "amount": amount,
            }
            for kind, code, whole, shares in lines
            for owner, amount in shares.items()
        ],
    )


def _suspend(desk: Desk, books: Books, run: uuid.UUID) -> None:
    """Hold what is due to the estate whose title is in dispute."""
    held = desk.session.scalars(
        select(RevenueDistribution.id).where(
            RevenueDistribution.run_id == run,
            RevenueDistribution.partner_id == books.partners["SMITH"],
        )
    ).all()
    desk.change(RevenueDistribution, held, hold_code="title_dispute")
    desk.move(RevenueDistribution, list(held), "suspended")


def _tax_records(
    desk: Desk,
    books: Books,
    lease: str,
    month: date,
    volume: Decimal,
    gross: Decimal,
    taxes: Mapping[str, Decimal],
    *,
    filed: bool,
) -> None:
    """What is due on a month's oil, each by a rate whose law is cited."""
    records = [
        desk.add(
            TaxRecord,
            period=month,
            lease_id=desk.leases[lease],
            authority="TX",
            tax_kind=kind,
            product="oil",
            volume=volume,
            gross_value=gross,
            taxable_value=gross,
            rate_id=books.rates[kind, "oil"][0],
            tax=amount,
            due_date=(month + timedelta(days=62)).replace(day=25),
        )
        for kind, amount in taxes.items()
    ]
    if filed:
        desk.sit("owner")
        desk.move(TaxRecord, records, "reviewed", "filed")
        desk.sit("accountant")


# ---------------------------------------------------------------------------------------- banks


def _banks(desk: Desk, partners: Mapping[str, uuid.UUID]) -> None:
    """Our own account and a partner's, by routing numbers that are valid and nobody's."""
    actor = desk.sit("owner")
    alamo = {"owner_kind": "partner", "partner_id": partners["ALAMO"]}
    for name, routing, number, owner in (
        ("Operating account", "123456780", "4400018821", {}),
        ("Alamo Minerals", "110000000", "7700295513", alamo),
    ):
        told = {"name": name, "routing": routing, "account_enc": number, "is_primary": True}
        told |= {"bank_name": "First Bank of the Bayou"} | owner
        create(desk.session, actor, resource("bank_accounts"), told, secret_key=desk.secret_key)
    desk.sit("accountant")
