"""A stop with tanks, wells and a meter, and people who enter what they read; nothing stays."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, event, text
from sqlalchemy.orm import Session

from agent.contract.entry import entry_body, read_entry
from agent.contract.production_day import ProductionClock
from hub.database import Actor, act_for
from hub.production import entries
from hub.production.entries import Outcome
from tests.registering import Office, add

CLOCK = ProductionClock(ZoneInfo("America/Chicago"))
#: A 400-barrel tank that holds the figures of the published ticket: 14' 3 1/4" and 10' 2 1/2".
STRAP = (("0", "0"), ("122.5", "205.66"), ("171.25", "287.50"), ("240", "402.9"))


@dataclass
class Stop:
    """Bluebonnet's lease on one day."""

    session: Session
    office: Office
    day: date
    tank: uuid.UUID
    water_tank: uuid.UUID
    meter: uuid.UUID
    actor: Actor
    saved: int = field(default_factory=lambda: int(datetime.now(UTC).timestamp() * 1000))

    @property
    def lease(self) -> uuid.UUID:
        """The stop."""
        return self.office.ours.lease

    @property
    def wells(self) -> list[uuid.UUID]:
        """Its wells."""
        return self.office.ours.wells

    def become(self, role: str, who: uuid.UUID | None = None) -> Actor:
        """Go on as somebody else of the operator."""
        ours = self.office.ours
        people = {"pumper": ours.pumper, "manager": ours.manager, "owner": ours.owner}
        person = who or people[role]
        connection = self.session.connection()
        member = connection.scalar(
            text("SELECT id FROM memberships WHERE user_id = :u"), {"u": person}
        )
        self.actor = Actor(person, member, role, "console", "192.0.2.9")
        act_for(connection, ours.id, self.actor)
        return self.actor

    def enter(self, role: str = "pumper", who: uuid.UUID | None = None, **parts: Any) -> Outcome:
        """Store an entry as somebody, and take it up."""
        return self.take(self.body(self.become(role, who).user_id, **parts))

    def body(self, person: uuid.UUID | None, **parts: Any) -> dict[str, Any]:
        """The body of an entry."""
        head = {"v": 1, "id": str(uuid.uuid4()), "stop": str(self.lease), "person": str(person)}
        return head | {"day": f"{self.day}", "saved": self.saved} | parts

    def take(self, body: dict[str, Any]) -> Outcome:
        """What became of a body; stored only if its id is new."""
        entry = read_entry(body)
        self.session.execute(
            text(
                "INSERT INTO field_entries (organization_id, entry_id, door, body, saved_at)"
                " SELECT :organization, :entry, 'console', '{}', now() WHERE NOT EXISTS"
                " (SELECT FROM field_entries WHERE entry_id = :entry)"
            ),
            {"organization": self.office.ours.id, "entry": entry.id},
        )
        assert entry_body(entry)["id"] == body["id"]
        return entries.take(self.session, entry)

    def rows(self, statement: str, **values: Any) -> list[Any]:
        """Rows as tuples."""
        return [tuple(row) for row in self.session.execute(text(statement), values)]

    def scalar(self, statement: str, **values: Any) -> Any:
        """One value."""
        return self.session.scalar(text(statement), values)


@contextmanager
def at_stop(office: Office, day: date | None = None) -> Iterator[Stop]:
    """The stop, furnished by the manager; all is undone at the end."""
    manager = Actor(office.ours.manager, None, "manager", "console", "192.0.2.9")
    with Session(office.database.engine("app"), expire_on_commit=False) as session:
        stop: Stop | None = None

        def tell(_session: Session, _step: object, connection: Connection) -> None:
            act_for(connection, office.ours.id, stop.actor if stop else manager)

        event.listen(session, "after_begin", tell)
        stop = furnish(session, office, day or CLOCK.day_of(datetime.now(UTC)), manager)
        yield stop
        session.rollback()


def furnish(session: Session, office: Office, day: date, actor: Actor) -> Stop:
    """Put tanks with a strapping table and a meter at the lease."""
    tanks = [_tank(session, office, name) for name in ("oil", "water")]
    well = office.ours.wells[0]
    meter = add(session, office, "equipment", well_id=well, name="Gas", kind="meter_orifice")
    return Stop(session, office, day, tanks[0], tanks[1], meter["id"], actor)


def _tank(session: Session, office: Office, contents: str) -> uuid.UUID:
    tank = add(
        session,
        office,
        "tanks",
        name=f"{contents} {uuid.uuid4().hex[:6]}",
        contents=contents,
        lease_id=office.ours.lease,
        capacity_bbl="400",
        height_in="240",
    )
    table = add(session, office, "tank_strap_tables", tank_id=tank["id"], valid_from="2020-01-01")
    for level, volume in STRAP:
        add(
            session,
            office,
            "tank_strap_points",
            strap_table_id=table["id"],
            level_in=level,
            volume_bbl=volume,
        )
    return uuid.UUID(str(tank["id"]))


def ticket(stop: Stop, number: str = "77123", **changed: Any) -> dict[str, Any]:
    """The published run ticket: 81.84 bbl observed, 80.26 bbl net."""
    closed = stop.saved - 3_600_000
    return {
        "tank": str(stop.tank),
        "ticket_no": number,
        "opened": closed - 1_800_000,
        "closed": closed,
        "opening_in": "171.25",
        "closing_in": "122.5",
        "opening_f": "88",
        "closing_f": "86",
        "observed_gravity": "38.5",
        "observed_gravity_f": "60",
        "sediment_water_pct": "0.3",
        "seals_off": ["A1"],
        "seals_on": ["A2"],
        **changed,
    }
