"""The office of the scene: leases, wells with their papers, owners, invoices, a month of volumes.

Everything is entered as people enter it, through the register, so that the rows have a history.
"""

from __future__ import annotations

import random
import uuid
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.database import Actor, tenant_session
from hub.register import changes, rows
from hub.register.catalog import resource
from hub.schema import Membership, User
from tests.browser.scene import SITES, Scene
from tests.cast import HASH
from tests.servers.postgres import Database

OWNER = "s.whitfield@permianwest.example"
SECRET = bytes(32)  #: the key of `tests.console.settings_for`
LEASES = {
    "Pad 7": ("Bravo Unit", "Reeves", "48389", "held_by_production"),
    "Battery D": ("Delta Ranch", "Reeves", "48389", "held_by_production"),
    "Echo": ("Echo State 12", "Ward", "48475", "held_by_production"),
    "Fox pad": ("Foxtrot Heirs", "Reeves", "48389", "held_by_production"),
    "North road": ("Juliet Fee", "Loving", "48301", "held_by_production"),
}
LIFTS = ("gas_lift", "rod_pump", "esp", "flowing", "plunger")
OWNERS = (
    ("Ada Royalty Trust", "trust"),
    ("Brazos Minerals LLC", "company"),
    ("Caddo Well Service", "company"),
    ("Estate of J. T. Hollis", "estate"),
    ("Guadalupe Chemicals", "company"),
    ("Lone Oak Electric Coop", "company"),
    ("M. R. Castillo", "individual"),
    ("Pecos Water Hauling", "company"),
    ("State of Texas, GLO", "government"),
    ("Trans-Pecos Trucking", "company"),
)
BILLS = (
    ("Corrosion inhibitor, 4 drums", 1840),
    ("Rod pump repair, shop", 6275),
    ("Water hauling, 12 loads", 3120),
    ("Electricity", 4411),
    ("Hot oil treatment", 1650),
    ("Location maintenance", 2200),
    ("Gas lift valve set", 5480),
    ("Tank gauging, contract", 960),
)


@dataclass
class Desk:
    """What was entered, by the names tests use."""

    database: Database
    scene: Scene
    owner: uuid.UUID
    ids: dict[str, uuid.UUID] = field(default_factory=dict)

    def acting(self, person: str, role: str, address: str) -> AbstractContextManager[Session]:
        """A transaction of the console in which this person acts."""
        engine = self.database.engine("app")
        return tenant_session(engine, self.scene.organization, self.actor(person, role, address))

    def actor(self, person: str, role: str, address: str) -> Actor:
        """A person at a desk or on the road."""
        who = self.owner if person == "Sam Whitfield" else self.scene.people[person]
        return Actor(who, None, role, "console", address)

    def add(self, session: Session, table: str, **values: Any) -> uuid.UUID:
        """Enter a row as the session's person, an owner."""
        actor = self.actor("Sam Whitfield", "owner", "")
        made = changes.create(session, actor, resource(table), values, secret_key=SECRET)
        return uuid.UUID(str(made["id"]))

    def change(self, person: str, role: str, address: str, well: str, **values: Any) -> None:
        """Change a well as somebody does it."""
        key = self.scene.wells[well]
        with self.acting(person, role, address) as session:
            version = rows.get(session, resource("wells"), key)["row_version"]
            actor = self.actor(person, role, address)
            changes.update(session, actor, resource("wells"), key, values, version)


def furnish(database: Database, scene: Scene) -> Desk:
    """Enter everything."""
    desk = Desk(database, scene, _owner(database, scene))
    chance = random.Random(5)
    with desk.acting("Sam Whitfield", "owner", "198.51.100.7") as session:
        _leases(desk, session)
        _partners(desk, session, chance)
        _bills(desk, session, chance)
    _wells(desk, chance)
    _volumes(desk)
    return desk


def _owner(database: Database, scene: Scene) -> uuid.UUID:
    with Session(database.engine("owner")) as session, session.begin():
        person = User(email=OWNER, name="Sam Whitfield", password_hash=HASH)
        session.add(person)
        session.flush()
        session.add(Membership(organization_id=scene.organization, user_id=person.id, role="owner"))
        return person.id


def _leases(desk: Desk, session: Session) -> None:
    for number, (name, county, fips, status) in enumerate(LEASES.values()):
        desk.ids[name] = desk.add(
            session,
            "leases",
            name=name,
            property_no=f"{1010 + 10 * number}",
            state="TX",
            county=county,
            county_fips=fips,
            commodity="oil",
            land_class="state" if "State" in name else "fee",
            status=status,
            gross_acres=f"{640 - 80 * number}",
        )


def _partners(desk: Desk, session: Session, chance: random.Random) -> None:
    for number, (name, kind) in enumerate(OWNERS):
        desk.ids[name] = desk.add(
            session,
            "partners",
            code=f"{2001 + number}",
            name=name,
            kind=kind,
            vendor=number in {2, 4, 5, 7, 9},
            tax_id_enc=f"75{chance.randint(1000000, 9999999)}",
        )
    desk.ids["account"] = desk.add(
        session,
        "bank_accounts",
        name="Operating account",
        bank_name="First National of Midland",
        routing="111000025",
        account_enc="000448817731",
    )


def _bills(desk: Desk, session: Session, chance: random.Random) -> None:
    """Thirty invoices of the last weeks."""
    account = desk.add(session, "accounts", code="8100", name="Lease operating expense")
    vendors = [name for name, _ in OWNERS if name.split()[0] in {"Caddo", "Guadalupe", "Pecos"}]
    leases = [name for name, *_ in LEASES.values()]
    today = datetime.now(UTC).date()
    month = today.replace(day=1)
    for number in range(30):
        words, usual = BILLS[number % len(BILLS)]
        made = desk.add(
            session,
            "expenses",
            vendor_id=str(desk.ids[vendors[number % 3]]),
            invoice_no=f"{41200 + 37 * number}",
            invoice_date=(today - timedelta(days=number)).isoformat(),
            service_period=month.isoformat(),
            accounting_period=month.isoformat(),
            description=words,
            account_id=str(account),
            lease_id=str(desk.ids[leases[number % 5]]),
            gross=f"{usual * chance.uniform(0.7, 1.4):.2f}",
        )
        desk.ids.setdefault("bill", made)


def _wells(desk: Desk, chance: random.Random) -> None:
    """Each well's papers; and the story of Bravo 1H."""
    number = 20130
    for site, (_, _, _, wells) in SITES.items():
        for well in wells:
            number += 7
            desk.change(
                "Maria Haas",
                "manager",
                "203.0.113.40",
                well,
                lease_id=str(desk.ids[LEASES[site][0]]),
                api14=f"42-389-{number}-00-00",
                lift_type=LIFTS[number % 5],
                md_ft=f"{chance.randint(16200, 21900)}",
                tvd_ft=f"{chance.randint(9200, 11400)}",
                first_production=f"20{chance.randint(14, 23)}-0{chance.randint(1, 9)}-15",
            )
    well = "Bravo 1H"
    desk.change(
        "Sam Whitfield", "owner", "198.51.100.7", well, lift_type="rod_pump", pump_depth_ft="9850"
    )
    desk.change("Maria Haas", "manager", "203.0.113.40", well, status="shut_in")
    desk.change(
        "Maria Haas", "manager", "203.0.113.40", well, status="producing", pump_depth_ft="9900"
    )


def _volumes(desk: Desk) -> None:
    """A month of daily volumes of every well."""
    statement = text(
        """INSERT INTO production_records
             (organization_id, well_id, production_date, oil_bbl, gas_mcf, water_bbl, hours_on)
           SELECT w.organization_id, w.id, current_date - d,
                  round((140 - d * 0.4 + 9 * sin(d + length(w.name)))::numeric, 2),
                  round((520 + 40 * cos(d))::numeric, 1), round((210 + 12 * sin(d))::numeric, 1), 24
           FROM wells w, generate_series(1, 30) d WHERE w.organization_id = :org"""
    )
    with desk.database.engine("owner").begin() as connection:
        connection.execute(statement, {"org": desk.scene.organization})
