"""An operator's office for tests: papers that one person enters and another approves."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from psycopg.errors import Diagnostic
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from hub.database import Actor, act_for
from hub.schema import Base
from hub.schema.base import uuid7
from tests import cast as people
from tests.cast import Operator
from tests.servers.postgres import Database, Server, migrated

COUNT = itertools.count(1)
#: The rules hold on every storage tier; tests of them take these as parameters of a fixture.
TIERS = [
    pytest.param("plain"),
    pytest.param("apache", marks=pytest.mark.timescale_apache),
    pytest.param("community", marks=pytest.mark.timescale_community),
]
MARCH = date(2026, 3, 1)
APRIL = date(2026, 4, 1)


@dataclass
class Office:
    """The books of one operator: `maker` enters, `checker` approves."""

    database: Database
    operator: Operator
    maker: uuid.UUID
    checker: uuid.UUID
    partners: list[uuid.UUID] = field(default_factory=list)
    account: uuid.UUID | None = None

    @classmethod
    def open(cls, database: Database, operator: Operator) -> Office:
        """An office with three partners and one account."""
        office = cls(database, operator, operator.manager, operator.owner)
        office.partners = [
            office.add("partners", code=f"P{next(COUNT)}", name=name, vendor=True)
            for name in ("Ada Royalty Trust", "Brazos Partners", "Caddo Services")
        ]
        office.account = office.add("accounts", code=str(8000 + next(COUNT)), name="Chemicals")
        return office

    @contextmanager
    def acting(
        self, who: uuid.UUID | None, role: str = "owner", *, keep: bool = True
    ) -> Iterator[Connection]:
        """A transaction of the console's role in which this person acts."""
        with self.database.engine("app").connect() as connection, connection.begin() as transaction:
            act_for(connection, self.operator.id, Actor(user_id=who, role=role, door="console"))
            yield connection
            if not keep:
                transaction.rollback()

    def add(self, table: str, who: uuid.UUID | None = None, **values: Any) -> uuid.UUID:
        """Enter a row; answers its key."""
        key = uuid7()
        row = {"id": key, "organization_id": self.operator.id} | values
        with self.acting(who or self.maker) as connection:
            connection.execute(Base.metadata.tables[table].insert().values(row))
        return key

    def set(self, table: str, key: uuid.UUID, who: uuid.UUID | None = None, **values: Any) -> None:
        """Change a row, by the person who approves if nobody is named."""
        found = Base.metadata.tables[table]
        with self.acting(who or self.checker) as connection:
            done = connection.execute(found.update().where(found.c.id == key).values(values))
            assert done.rowcount == 1

    def walk(self, table: str, key: uuid.UUID, *statuses: str) -> None:
        """Take a paper through some statuses."""
        for status in statuses:
            self.set(table, key, status=status)

    def drop(self, table: str, key: uuid.UUID) -> None:
        """Delete a row."""
        found = Base.metadata.tables[table]
        with self.acting(self.maker) as connection:
            done = connection.execute(found.delete().where(found.c.id == key))
            assert done.rowcount == 1

    def get(self, table: str, key: uuid.UUID, column: str = "status") -> Any:
        """One value of a row."""
        with self.acting(self.maker) as connection:
            found = Base.metadata.tables[table]
            return connection.scalar(
                found.select().with_only_columns(found.c[column]).where(found.c.id == key)
            )

    def force(self, statement: str, **values: Any) -> None:
        """Change rows as an administrator, past every trigger: what no person can."""
        with self.database.admin() as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(statement, values)

    # -------------------------------------------------------------- papers

    def deck(
        self, *shares: str, approve: bool = True, lease: uuid.UUID | None = None, **values: Any
    ) -> uuid.UUID:
        """A deck whose lines have these shares, one partner after the other."""
        begins = {"effective_from": date(2020, 1, 1), "lease_id": lease or self.lease()}
        deck = self.add("ownership_decks", **begins | values)
        for number, share in enumerate(shares):
            self.line(deck, share, number)
        if approve:
            self.set("ownership_decks", deck, status="approved")
        return deck

    def line(self, deck: uuid.UUID, share: str, number: int = 0) -> uuid.UUID:
        """One line of a deck."""
        partner = self.partners[number % len(self.partners)]
        return self.add(
            "lease_partners", deck_id=deck, partner_id=partner, decimal_interest=Decimal(share)
        )

    def lease(self) -> uuid.UUID:
        """A property of its own, so that decks do not meet."""
        return self.add("leases", name=f"Unit {next(COUNT)}", state="TX")

    def expense(self, gross: str = "100.00", **values: Any) -> uuid.UUID:
        """One line of a new invoice."""
        row = {
            "vendor_id": self.partners[2],
            "invoice_no": f"INV-{next(COUNT)}",
            "invoice_date": date(2026, 3, 9),
            "service_period": MARCH,
            "accounting_period": MARCH,
            "description": "Scale inhibitor",
            "account_id": self.account,
            "gross": Decimal(gross),
        }
        return self.add("expenses", **row | values)

    def posted(self, gross: str = "100.00", **values: Any) -> uuid.UUID:
        """An expense in the books."""
        made = self.expense(gross, **values)
        self.set("expenses", made, self.maker, status="submitted")
        self.walk("expenses", made, "approved", "posted")
        return made

    def statement(self, *nets: str, charges: str | None = None, **values: Any) -> uuid.UUID:
        """A bill with lines of these amounts; its charges are their sum unless told."""
        total = Decimal(charges) if charges else sum((Decimal(n) for n in nets), Decimal(0))
        row = {
            "partner_id": self.partners[1],
            "lease_id": self.lease(),
            "period": MARCH,
            "invoice_date": date(2026, 4, 10),
            "due_date": date(2026, 5, 10),
            "current_charges": total,
            "closing_balance": total,
        }
        bill = self.add("jib_statements", **row | values)
        for number, net in enumerate(nets, 1):
            self.bill_line(bill, number, net)
        return bill

    def bill_line(
        self, bill: uuid.UUID, number: int, net: str, expense: uuid.UUID | None = None
    ) -> uuid.UUID:
        """One line of a bill: half of twice the amount."""
        return self.add(
            "jib_statement_lines",
            statement_id=bill,
            line_no=number,
            expense_id=expense,
            account_id=self.account,
            description="Scale inhibitor",
            gross=Decimal(net) * 2,
            interest=Decimal("0.5"),
            net=Decimal(net),
        )

    def run(self, *nets: str, gross: str | None = None, **values: Any) -> uuid.UUID:
        """A revenue run shared evenly by as many partners as there are amounts."""
        share = f"{1 / Decimal(len(nets)):.10f}"
        if "deck_id" not in values:
            lease = self.lease()
            values |= {"lease_id": lease, "deck_id": self.deck(*[share] * len(nets), lease=lease)}
        total = Decimal(gross) if gross else sum((Decimal(n) for n in nets), Decimal(0))
        row = {
            "period": MARCH,
            "accounting_period": APRIL,
            "purchaser_id": self.partners[2],
            "volume": Decimal(len(nets)),
            "price": Decimal("71.345"),
            "gross_value": total,
            "net_value": total,
        }
        run = self.add("revenue_runs", **row | values)
        sign = Decimal(-1) if total < 0 else Decimal(1)
        self.set("revenue_runs", run, self.maker, volume=sign * len(nets))
        for number, net in enumerate(nets):
            self.share(run, values["deck_id"], number, share, net)
        return run

    def share(
        self, run: uuid.UUID, deck: uuid.UUID, number: int, share: str, net: str
    ) -> uuid.UUID:
        """One owner's distribution."""
        return self.add(
            "revenue_distributions",
            run_id=run,
            deck_id=deck,
            partner_id=self.partners[number],
            decimal_interest=Decimal(share),
            owner_volume=Decimal(-1 if net.startswith("-") else 1),
            price=Decimal("71.345"),
            gross_value=Decimal(net),
            net=Decimal(net),
        )

    def shares_of(self, run: uuid.UUID) -> list[uuid.UUID]:
        """The distributions of a run, as they were entered."""
        with self.acting(self.maker) as connection:
            return list(
                connection.scalars(
                    text("SELECT id FROM revenue_distributions WHERE run_id = :r ORDER BY id"),
                    {"r": run},
                )
            )

    def bank_account(self, **values: Any) -> uuid.UUID:
        """A partner's account, just entered."""
        row = {
            "name": f"Operating {next(COUNT)}",
            "owner_kind": "partner",
            "partner_id": self.partners[0],
            "bank_name": "First National",
            "routing": "111000025",
            "account_enc": b"sealed",
            "account_last4": "6789",
        }
        return self.add("bank_accounts", **row | values)

    def end_hold(self, account: uuid.UUID) -> None:
        """Let 48 hours pass."""
        self.force(
            "UPDATE bank_accounts SET change_hold_until = now() - interval '1 minute'"
            " WHERE id = %(id)s",
            id=account,
        )


@contextmanager
def two_offices(server: Server) -> Iterator[tuple[Office, Office]]:
    """Bluebonnet's office and Cimarron's, in a database of their own."""
    database = server.fresh(migrated)
    cast = people.engage(database.engine("owner"))
    yield Office.open(database, cast.bluebonnet), Office.open(database, cast.cimarron)
    server.drop(database)


@contextmanager
def refused(rule: str, sentence: str, column: str | None = None) -> Iterator[None]:
    """Expect the database to refuse by this rule, in a sentence that holds these words."""
    with pytest.raises(DBAPIError) as caught:
        yield
    told: Diagnostic = caught.value.orig.diag  # type: ignore[union-attr]
    assert (told.constraint_name, told.sqlstate) == (rule, "23514"), told.message_primary
    assert sentence in (told.message_primary or "")
    if column:
        assert told.column_name == column
