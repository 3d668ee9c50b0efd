"""A morning at the office: what pumpers entered at five leases, closed, with what is open of it.

Bravo Unit fits but for one tank; at Delta Ranch a tank and a well are missing, and two people
entered; an entry of Echo State was refused; Foxtrot Heirs has a ticket without a strapping table;
Juliet Fee has a meter that was read wrong.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import text

from hub.production import uptake
from hub.production.clocks import operator_of
from hub.production.close import close_operator
from tests.browser.desk import Desk

STRAP = (("0", "0"), ("240", "402.9"))
TELLS = text(
    "SELECT value FROM readings WHERE tag_id = :t AND time <= :at ORDER BY time DESC LIMIT 1"
)


@dataclass
class FieldDay:
    """One production day of the operator."""

    desk: Desk
    day: date
    begins: datetime
    ends: datetime
    keys: dict[str, uuid.UUID] = field(default_factory=dict)

    def tank(self, lease: str, name: str, **more: Any) -> uuid.UUID:
        """A tank of 20 feet, strapped unless said otherwise."""
        strapped = more.pop("strapped", True)
        with self.desk.acting("Sam Whitfield", "owner", "") as session:
            head = {
                "lease_id": str(self.desk.ids[lease]),
                "capacity_bbl": "400",
                "height_in": "240",
            }
            made = self.desk.add(session, "tanks", name=name, **(head | more))
            if strapped:
                day = {"tank_id": str(made), "valid_from": "2020-01-01"}
                table = self.desk.add(session, "tank_strap_tables", **day)
                for level, volume in STRAP:
                    point = {"level_in": level, "volume_bbl": volume}
                    self.desk.add(session, "tank_strap_points", strap_table_id=str(table), **point)
        self.keys[f"{lease} {name}"] = made
        return made

    def before(self, tank: uuid.UUID, level: str) -> None:
        """How a tank stood when the day began."""
        with self.desk.acting("Sam Whitfield", "owner", "") as session:
            self.desk.add(
                session,
                "tank_gauges",
                tank_id=str(tank),
                gauged_at=self.begins.isoformat(),
                production_date=f"{self.day - timedelta(days=1)}",
                level_in=level,
            )

    def tested(self, well: str, rate: str, water: str) -> None:
        """An accepted test."""
        with self.desk.acting("Sam Whitfield", "owner", "") as session:
            self.desk.add(
                session,
                "well_tests",
                well_id=str(self.desk.scene.wells[well]),
                started_at=(self.begins - timedelta(days=30)).isoformat(),
                duration_hours="24",
                oil_bbl=rate,
                water_bbl=water,
                status="accepted",
            )

    def entered(self, lease: str, person: str = "R. Ortiz", **parts: Any) -> uuid.UUID:
        """An entry that came from the site and was taken up; answers the key of its row."""
        scene, owner = self.desk.scene, self.desk.database.engine("owner")
        who = scene.people.get(person) or self.desk.owner
        saved = round(min(self.ends + timedelta(minutes=40), datetime.now(UTC)).timestamp() * 1000)
        head = {"v": 1, "id": str(uuid.uuid4()), "stop": str(self.desk.ids[lease])}
        body = {**head, "person": str(who), "day": f"{self.day}", "saved": saved, **parts}
        values = {"o": scene.organization, "e": head["id"], "b": json.dumps(body)}
        values |= {"a": scene.agents["pad-7"], "s": datetime.fromtimestamp(saved / 1000, UTC)}
        with owner.begin() as connection:
            key = connection.scalar(
                text(
                    "INSERT INTO field_entries (organization_id, entry_id, agent_id, door, body,"
                    " saved_at) VALUES (:o, :e, :a, 'agent', CAST(:b AS jsonb), :s) RETURNING id"
                ),
                values,
            )
            waiting = connection.execute(uptake._NEW, {"most": 9}).all()
        work, people = (self.desk.database.engine(role) for role in ("work", "app"))
        uptake.take_all(work, people, waiting)
        return uuid.UUID(str(key))

    def well(self, name: str, **read: str) -> dict[str, Any]:
        """A well's line."""
        return {"well": str(self.desk.scene.wells[name]), **read}


def furnish(desk: Desk) -> FieldDay:
    """Enter the day at all leases, and close it."""
    with desk.acting("Sam Whitfield", "owner", "") as session:
        clock = operator_of(session).clock
        day = clock.closed(datetime.now(UTC))
        for lease in ("Bravo Unit", "Delta Ranch", "Echo State 12", "Foxtrot Heirs", "Juliet Fee"):
            _assign(desk, session, lease)
    made = FieldDay(desk, day, clock.begins(day), clock.ends(day))
    _bravo(made)
    _delta(made)
    _others(made)
    close_operator(desk.database.engine("app"), desk.scene.organization, days=1)
    return made


def _assign(desk: Desk, session: Any, lease: str) -> None:
    statement = text(
        "INSERT INTO lease_assignments (organization_id, membership_id, lease_id, from_day)"
        " SELECT organization_id, id, :l, '2020-01-01' FROM memberships WHERE user_id = :u"
    )
    given = {"l": desk.ids[lease], "u": desk.scene.people["R. Ortiz"]}
    session.execute(statement, given)


def _bravo(made: FieldDay) -> None:
    """Two oil tanks, of which one has a gauge that saw less than was keyed, and water."""
    scene, owner = made.desk.scene, made.desk.database.engine("owner")
    tag = scene.tags["Bravo 3H", "tank_level"]
    with owner.connect() as connection:
        vessel = connection.scalar(text("SELECT equipment_id FROM tags WHERE id = :t"), {"t": tag})
        seen = connection.scalar(TELLS, {"t": tag, "at": made.begins})
    one, two = made.tank("Bravo Unit", "1"), made.tank("Bravo Unit", "2", equipment_id=str(vessel))
    water = made.tank("Bravo Unit", "3", contents="water")
    low = round(float(seen or 9) * 12, 2)
    for tank, level in ((one, "61.25"), (two, f"{low}"), (water, "30")):
        made.before(tank, level)
    rates = (("Bravo 1H", "120", "80"), ("Bravo 2H", "95", "60"), ("Bravo 3H", "70", "45"))
    for well, rate, salt in rates:
        made.tested(well, rate, salt)
    opened = round((made.begins + timedelta(hours=9)).timestamp() * 1000)
    made.entered(
        "Bravo Unit",
        gauges=[
            {"tank": str(one), "level_in": "140", "temperature_f": "71"},
            {"tank": str(two), "level_in": f"{low + 96:.2f}"},
            {"tank": str(water), "level_in": "140"},
        ],
        wells=[
            made.well("Bravo 1H", tubing_psig="412", casing_psig="1180", line_psig="96"),
            made.well("Bravo 2H", tubing_psig="388", casing_psig="742"),
            made.well("Bravo 3H", tubing_psig="351", hours_down="4", down_code="UNP-BELT"),
        ],
        tickets=[
            {
                "tank": str(one),
                "ticket_no": "77123",
                "opened": opened,
                "closed": opened + 1_800_000,
                "opening_in": "135",
                "closing_in": "60",
                "opening_f": "78",
                "closing_f": "76",
                "observed_gravity": "38.5",
                "observed_gravity_f": "70",
                "sediment_water_pct": "0.3",
                "seals_off": ["A1"],
                "seals_on": ["A2"],
                "purchaser": "Plains",
            }
        ],
    )


def _delta(made: FieldDay) -> None:
    """A tank that nobody gauged, a well that nobody entered, and two people at one stop."""
    one, _two = made.tank("Delta Ranch", "1"), made.tank("Delta Ranch", "2")
    made.before(one, "50")
    read = {"tubing_psig": "455", "casing_psig": "812", "hours_down": "6", "down_code": "UNP-ROD"}
    gauge = {"tank": str(one), "level_in": "98.25", "water_in": "3"}
    made.entered("Delta Ranch", gauges=[gauge], wells=[made.well("Delta 1", **read)])
    read |= {"tubing_psig": "405", "hours_down": "8"}
    gauge |= {"level_in": "96.5", "temperature_f": "74"}
    second = made.entered(
        "Delta Ranch", "Maria Haas", gauges=[gauge], wells=[made.well("Delta 1", **read)]
    )
    made.keys["conflict"] = second


def _others(made: FieldDay) -> None:
    """A refused entry, a ticket without a table, a meter read wrong."""
    tank = made.tank("Echo State 12", "7")
    made.keys["refused"] = made.entered(
        "Echo State 12",
        gauges=[{"tank": str(tank), "level_in": "300", "water_in": "2"}],
        wells=[made.well("Echo 4", tubing_psig="310", hours_down="2.5", down_code="EXT-WEATHER")],
        note="Road was washed out until ten.",
    )
    bare = made.tank("Foxtrot Heirs", "4", strapped=False)
    opened = round((made.begins + timedelta(hours=3)).timestamp() * 1000)
    made.entered(
        "Foxtrot Heirs",
        tickets=[
            {
                "tank": str(bare),
                "ticket_no": "5512",
                "opened": opened,
                "closed": opened + 2_400_000,
                "opening_in": "120",
                "closing_in": "20",
                "opening_f": "80",
                "closing_f": "80",
                "observed_gravity": "41",
                "observed_gravity_f": "70",
                "sediment_water_pct": "0.2",
            }
        ],
        wells=[made.well(f"Foxtrot {n}H", tubing_psig=f"{400 + n}") for n in (1, 2, 3)],
    )
    with made.desk.acting("Sam Whitfield", "owner", "") as session:
        well = str(made.desk.scene.wells["Juliet 1H"])
        meter = made.desk.add(
            session, "equipment", name="Gas sales", kind="meter_orifice", well_id=well
        )
        made.desk.add(
            session,
            "meter_readings",
            equipment_id=str(meter),
            read_at=made.begins.isoformat(),
            production_date=f"{made.day - timedelta(days=1)}",
            reading="123465.7",
        )
    made.entered(
        "Juliet Fee",
        meters=[{"meter": str(meter), "reading": "123456.7"}],
        wells=[made.well("Juliet 1H", tubing_psig="900", gas_mcf="1220.5")],
    )
