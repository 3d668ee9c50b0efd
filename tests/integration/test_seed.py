"""The demo's operator has believable data in every table, written as its people would write it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from hub.demo import operator, seed
from hub.demo.seed_papers import pdf
from hub.documents.store import store_of
from hub.seal import unseal
from hub.shares import split
from tests.console import settings_for
from tests.servers import postgres

KEY = bytes(range(32))
#: The core tables that people fill; alerts come from the recordings while the demo runs.
TABLES = (
    *("organizations", "users", "leases", "wells", "equipment", "production_records"),
    *("well_tests", "partners", "lease_partners", "jib_statements", "compliance_reports"),
    *("documents", "maintenance_records", "incidents", "permits", "tax_records", "expenses"),
    *("revenue_distributions", "bank_accounts", "forecasts", "benchmarks", "contracts"),
)


@dataclass
class Demo:
    """A furnished operator."""

    database: postgres.Database
    organization: Any
    store: Any

    def furnish(self) -> int:
        return seed.furnish(self.database.engine("app"), self.organization, KEY, self.store)

    def rows(self, query: str) -> list[Any]:
        with self.database.engine("owner").connect() as connection:
            return list(connection.execute(text(query)))

    def counts(self) -> dict[str, int]:
        return {name: self.rows(f"SELECT count(*) FROM {name}")[0][0] for name in TABLES}


@pytest.fixture(scope="module")
def demo(plain_server: postgres.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    database = plain_server.fresh(postgres.migrated)
    folder = tmp_path_factory.mktemp("demo")
    organization = seed.seed(database.engine("owner"), seed.passwords(folder))
    store = settings_for(database, WELLFLOW_DOCUMENTS_PATH=str(folder / "documents")).documents
    made = Demo(database, organization, store)
    made.furnish()
    yield made
    plain_server.drop(database)


def test_every_table_has_rows(demo: Demo) -> None:
    assert not [name for name, count in demo.counts().items() if not count]
    assert demo.counts()["production_records"] == 90 * len(operator.WELLS)


def test_a_second_time_changes_nothing(demo: Demo) -> None:
    before = demo.counts(), demo.rows("SELECT count(*) FROM audit_log")
    demo.furnish()
    assert (demo.counts(), demo.rows("SELECT count(*) FROM audit_log")) == before


def test_days_that_have_passed_since_are_added(demo: Demo) -> None:
    with demo.database.engine("owner").begin() as connection:
        connection.execute(
            text("DELETE FROM production_records WHERE production_date >= current_date - 2")
        )
    demo.furnish()
    assert demo.counts()["production_records"] == 90 * len(operator.WELLS)


def test_wells_decline(demo: Demo) -> None:
    """Every well makes less in its last month than in its first, and the Bravos fall fastest."""
    for name, first, last in demo.rows(
        """SELECT w.name, avg(oil_bbl) FILTER (WHERE production_date < current_date - 60),
                  avg(oil_bbl) FILTER (WHERE production_date >= current_date - 30)
             FROM production_records p JOIN wells w ON w.id = p.well_id
            WHERE hours_on = 24 GROUP BY 1"""
    ):
        assert 0.8 < last / first < 1, name


def test_papers_are_of_two_people(demo: Demo) -> None:
    people = dict(
        tuple(row)
        for row in demo.rows("SELECT m.user_id, m.role FROM memberships m JOIN users u"
                             " ON u.id = m.user_id")
    )  # fmt: skip
    for table in ("ownership_decks", "expenses", "jib_statements", "revenue_runs"):
        pairs = demo.rows(
            f"SELECT DISTINCT created_by, approved_by FROM {table} WHERE approved_by IS NOT NULL"
        )
        assert [(people[a], people[b]) for a, b in pairs] == [("accountant", "owner")], table


def test_decks_sum_to_one_and_shares_foot(demo: Demo) -> None:
    """The database holds this too; here it is seen from the outside, cent by cent."""
    assert {row[0] for row in demo.rows(
        "SELECT sum(decimal_interest) FROM lease_partners GROUP BY deck_id"
    )} == {Decimal(1)}  # fmt: skip
    odd = demo.rows(
        """SELECT r.id FROM revenue_runs r JOIN revenue_distributions d ON d.run_id = r.id
            GROUP BY r.id HAVING (sum(d.gross_value), sum(d.taxes), sum(d.deductions), sum(d.net),
                                  sum(d.owner_volume))
              <> (r.gross_value, r.taxes, r.deductions, r.net_value, r.volume)"""
    )
    assert not odd
    odd = demo.rows(
        """SELECT s.id FROM jib_statements s JOIN jib_statement_lines l ON l.statement_id = s.id
            GROUP BY s.id HAVING sum(l.net) <> s.current_charges"""
    )
    assert not odd
    free = demo.rows("SELECT 1 FROM revenue_distributions WHERE interest_type IN ('RI', 'ORRI')"
                     " AND deductions <> 0")  # fmt: skip
    assert not free


def test_taxes_cite_their_law(demo: Demo) -> None:
    cited = demo.rows(
        """SELECT DISTINCT r.tax_kind, r.rate, r.citation FROM tax_records t
             JOIN tax_rates r ON r.id = t.rate_id ORDER BY 1 DESC"""
    )
    assert [tuple(row) for row in cited] == [
        ("severance_oil", Decimal("0.046"), "Tex. Tax Code 202.052"),
        ("regulatory_fee", Decimal("0.00625"), "Tex. Nat. Res. Code 81.116"),
    ]


def test_secrets_are_sealed(demo: Demo) -> None:
    rows = demo.rows("SELECT id, account_enc, account_last4 FROM bank_accounts")
    for key, sealed, last in rows:
        assert unseal(KEY, bytes(sealed), "bank_accounts", key).decode()[-4:] == last
    assert len(rows) == 2


def test_documents_are_in_the_store(demo: Demo) -> None:
    store = store_of(demo.store, demo.organization)
    kinds = set()
    for digest, kind in demo.rows("SELECT encode(sha256, 'hex'), media_type FROM documents"):
        assert store.exists(digest)
        kinds.add(kind)
    assert kinds == {"application/pdf", "text/csv", "text/plain"}


def test_everything_came_through_the_door_of_the_demo(demo: Demo) -> None:
    doors = demo.rows("SELECT DISTINCT door FROM audit_log WHERE table_name = 'expenses'")
    assert [tuple(row) for row in doors] == [("demo",)]


def test_a_pdf_that_programs_read() -> None:
    """Every object lies where the table says."""
    made = pdf("Lease", "Bravo")
    lines = made.split(b"xref\n", 1)[1].split(b"\n")[2:8]
    for number, line in enumerate(lines, 1):
        assert made[int(line[:10]) :].startswith(f"{number} 0 obj".encode())


@pytest.mark.parametrize(
    ("total", "parts", "shares"),
    [
        ("100.00", "1 1 1", "33.34 33.33 33.33"),
        ("0.01", "0.5 0.5", "0.01 0.00"),
        ("8460.70", "0.75 0.25", "6345.53 2115.17"),
        ("61.37", "42 24.28125 0", "38.89 22.48 0.00"),
    ],
)
def test_shares_sum_to_the_whole(total: str, parts: str, shares: str) -> None:
    split_up = split(Decimal(total), dict(enumerate(map(Decimal, parts.split()))))
    assert list(split_up.values()) == list(map(Decimal, shares.split()))
    assert sum(split_up.values()) == Decimal(total)


def test_today_is_not_produced_yet(demo: Demo) -> None:
    (newest,) = demo.rows("SELECT max(production_date) FROM production_records")
    assert newest[0] < datetime.now(UTC).date()
