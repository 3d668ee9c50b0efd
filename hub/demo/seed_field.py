"""The demo's field: batteries, tanks, equipment, daily production, tests, work and mishaps."""

from __future__ import annotations

import math
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from hub.demo.desk import Desk
from hub.schema import (
    Completion,
    DowntimeEvent,
    Equipment,
    Facility,
    Incident,
    IncidentAction,
    Lease,
    MaintenanceRecord,
    Permit,
    PermitLimit,
    ProductionRecord,
    RunTicket,
    StrapPoint,
    StrapTable,
    Tank,
    TankGauge,
    Well,
    WellTest,
)
from hub.schema.base import uuid7

DAYS: Final = 90
ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Decline:
    """How a well declines: hyperbolic, q = qi (1 + b Di t)^(-1/b), days since first production."""

    qi: float  #: oil in the first day, bbl/d
    di: float  #: nominal decline at first, per day
    b: float
    gor: float  #: Mcf of gas per barrel
    wor: float  #: barrels of water per barrel of oil
    since: date
    lift: str
    depth_ft: int

    def oil(self, day: date) -> float:
        """Oil of a day on which the well runs throughout, in barrels."""
        age = (day - self.since).days
        return float(self.qi * (1 + self.b * self.di * age) ** (-1 / self.b))


DECLINES: Final[Mapping[str, Decline]] = {
    "Bravo 1H": Decline(640, 0.0052, 1.05, 1.4, 0.6, date(2022, 3, 14), "flowing", 11850),
    "Bravo 2H": Decline(710, 0.0049, 1.10, 1.3, 0.5, date(2023, 6, 2), "flowing", 11920),
    "Bravo 3H": Decline(580, 0.0055, 1.00, 1.5, 0.7, date(2022, 9, 20), "flowing", 11790),
    "Charlie 1": Decline(240, 0.0034, 0.90, 0.9, 1.8, date(2019, 5, 8), "flowing", 9640),
    "Charlie 2": Decline(260, 0.0036, 0.95, 0.8, 1.5, date(2020, 1, 17), "flowing", 9710),
    "Delta 4": Decline(330, 0.0030, 1.00, 1.1, 2.4, date(2018, 11, 30), "gas_lift", 10460),
}


def fill(desk: Desk) -> None:
    """Write what stands in the field, once; then the days of production up to yesterday."""
    if not desk.holds(Facility):
        desk.sit("manager")
        _batteries(desk)
        _wells(desk)
        _upkeep(desk)
        _mishaps(desk)
        _permits(desk)
    desk.sit("manager")
    days(desk)
    if not desk.holds(WellTest):
        _tests(desk)


def _batteries(desk: Desk) -> None:
    """A battery per lease with two oil tanks and one for water, strapped, gauged and hauled."""
    for number, (lease, key) in enumerate(sorted(desk.leases.items()), 1):
        facility = desk.add(
            Facility, name=f"{lease} battery", code=f"B{number}", state="TX", county="Matagorda"
        )
        desk.change(
            Lease,
            [key],
            facility_id=facility,
            property_no=f"{1000 + number}",
            jurisdiction_lease_no=f"0{9210 + number}",
            district="03",
            commodity="oil",
            land_class="fee",
            gross_acres=Decimal(320 + 160 * number),
            effective=date(2016, 4, 1),
            primary_term_end=date(2019, 3, 31),
        )
        for kind, name in (("heater_treater", "Treater"), ("separator_3ph", "Separator")):
            desk.add(
                Equipment,
                facility_id=facility,
                name=f"{lease} {name.lower()}",
                kind=kind,
                manufacturer="Gulf Vessel Works",
                serial=f"{kind[:2].upper()}-{4400 + number}",
                criticality=4,
            )
        for place, contents in enumerate(("oil", "oil", "water"), 1):
            _tank(desk, lease, key, facility, place, contents)


def _tank(
    desk: Desk, lease: str, key: uuid.UUID, facility: uuid.UUID, place: int, contents: str
) -> None:
    """A 400-barrel tank, 20 feet high: 1.6667 bbl to the inch."""
    tank = desk.add(
        Tank,
        name=f"{lease} {contents} {place}",
        tank_no=f"{place}",
        contents=contents,
        lease_id=key,
        facility_id=facility,
        capacity_bbl=Decimal(400),
        height_in=Decimal(240),
    )
    table = desk.add(
        StrapTable, tank_id=tank, valid_from=date(2019, 1, 1), strapped_by="Bay City Gauging"
    )
    inches = [Decimal(level) for level in range(0, 241, 12)]
    volume = Decimal("1.6667")
    desk.add_all(
        StrapPoint,
        [
            {"strap_table_id": table, "level_in": level, "volume_bbl": min(level * volume, 400)}
            for level in inches
        ],
    )
    if place == 1:
        _gauges(desk, lease, key, tank)


def _gauges(desk: Desk, lease: str, key: uuid.UUID, tank: uuid.UUID) -> None:
    """Two weeks of a tank filling by ten inches a day, with a load sold every fifth day."""
    level = Decimal(60)
    gauges: list[dict[str, Any]] = []
    for back in range(14, 0, -1):
        morning = _at(desk.today - timedelta(days=back), 13)
        level += 10
        gauge = {"tank_id": tank, "gauged_at": morning, "temperature_f": Decimal(78)}
        gauges.append(gauge | {"level_in": level, "water_in": Decimal("1.5")})
        if back % 5 == 0:
            _ticket(desk, f"{lease[0]}{1000 + back}", key, tank, morning, level)
            level -= 50
    desk.add_all(TankGauge, gauges)


def _ticket(
    desk: Desk, number: str, lease: uuid.UUID, tank: uuid.UUID, at: datetime, level: Decimal
) -> None:
    desk.add(
        RunTicket,
        ticket_no=number,
        kind="oil_sale",
        status="final",
        lease_id=lease,
        tank_id=tank,
        opened_at=at + timedelta(minutes=30),
        closed_at=at + timedelta(minutes=75),
        opening_in=level,
        closing_in=level - 50,
        opening_f=Decimal(79),
        closing_f=Decimal(78),
        opening_bbl=level * Decimal("1.6667"),
        closing_bbl=(level - 50) * Decimal("1.6667"),
        gross_standard_bbl=Decimal("82.6100"),
        gravity_60f=Decimal("38.5"),
        sediment_water_pct=Decimal("0.300"),
        net_standard_bbl=Decimal("82.3600"),
        gauger="L. Ortega",
        hauler="Matagorda Trucking",
        purchaser="Gulf Coast Crude Marketing LLC",
    )


def _wells(desk: Desk) -> None:
    """What is known of each well, and the valves and gauges on it."""
    for number, (name, key) in enumerate(sorted(desk.wells.items()), 1):
        if (decline := DECLINES.get(name)) is None:
            continue
        depth = Decimal(decline.depth_ft)
        desk.change(
            Well,
            [key],
            first_production=decline.since,
            completion_date=decline.since - timedelta(days=9),
            spud_date=decline.since - timedelta(days=64),
            lift_type=decline.lift,
            md_ft=depth + (4200 if name.endswith("H") else 60),
            tvd_ft=depth,
        )
        desk.session.execute(
            update(Completion)
            .where(Completion.well_id == key)
            .values(formation="Frio", top_ft=depth - 120, bottom_ft=depth - 40)
            .execution_options(synchronize_session=False)
        )
        for kind, label in (("valve", "safety valve"), ("gauge_transmitter", "tubing gauge")):
            desk.add(
                Equipment,
                well_id=key,
                name=f"{name} {label}",
                kind=kind,
                manufacturer="Lone Star Controls",
                serial=f"{label[0].upper()}{7000 + number}",
                installed_on=decline.since - timedelta(days=10),
                criticality=5 if kind == "valve" else 3,
                service_interval_days=180,
            )


def days(desk: Desk) -> None:
    """The last ninety days of every well; a day that is there already stays as it is."""
    completions = dict(desk.session.execute(select(Completion.well_id, Completion.id)).all())
    rows = [
        _day(desk, name, key, completions[key], desk.today - timedelta(days=back))
        for name, key in desk.wells.items()
        if name in DECLINES
        for back in range(DAYS, 0, -1)
    ]
    statement = insert(ProductionRecord).on_conflict_do_nothing()
    if rows:
        desk.session.execute(statement, rows)


def _day(desk: Desk, name: str, well: uuid.UUID, completion: uuid.UUID, on: date) -> dict[str, Any]:
    """One day of one well, the same whenever it is asked: a decline, some noise, rare hours off."""
    chance = random.Random(f"{name} {on}")  # noqa: S311 - believable, not secret
    decline = DECLINES[name]
    hours = 24.0 if chance.random() > 0.07 else round(chance.uniform(6, 22), 1)
    oil = decline.oil(on) * hours / 24 * chance.gauss(1, 0.03)
    return {
        "id": uuid7(),
        "organization_id": desk.organization,
        "production_date": on,
        "well_id": well,
        "completion_id": completion,
        "record_kind": "measured",
        "oil_bbl": _amount(oil),
        "gas_mcf": _amount(oil * decline.gor * chance.gauss(1, 0.02)),
        "water_bbl": _amount(oil * decline.wor * chance.gauss(1, 0.04)),
        "hours_on": Decimal(str(hours)),
        "tubing_psig": _amount(900 * math.sqrt(max(oil, 1) / decline.qi) + 120),
        "source": "pumper",
    }


def _amount(value: float) -> Decimal:
    return max(Decimal(str(round(value, 2))), ZERO)


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), UTC)


def _tests(desk: Desk) -> None:
    """An accepted test of every well last month, and one yesterday that waits to be judged."""
    for name, key in desk.wells.items():
        if name not in DECLINES:
            continue
        for back, status in ((30, "accepted"), (1, "draft")):
            on = desk.today - timedelta(days=back)
            oil = DECLINES[name].oil(on)
            desk.add(
                WellTest,
                well_id=key,
                started_at=_at(on, 13),
                duration_hours=Decimal(24),
                oil_bbl=_amount(oil),
                gas_mcf=_amount(oil * DECLINES[name].gor),
                water_bbl=_amount(oil * DECLINES[name].wor),
                api_gravity=Decimal("38.5"),
                separator_psig=Decimal(120),
                status=status,
                conducted_by="Luis Ortega",
            )


def _upkeep(desk: Desk) -> None:
    """Work that is done, planned and waiting; and the hours it cost."""
    wells = desk.wells
    done = _at(desk.today - timedelta(days=21), 20)
    common = {"description": None, "performed_by": "Bay City Well Service"}
    desk.add(
        MaintenanceRecord,
        work_order_no="WO-1001",
        summary="Pull and replace leaking tubing joint",
        kind="corrective",
        status="done",
        priority=1,
        well_id=wells["Charlie 1"],
        failure_cause="tubing_leak",
        started_at=done - timedelta(hours=30),
        completed_at=done,
        downtime_hours=Decimal(30),
        **common,
    )
    desk.add(
        MaintenanceRecord,
        work_order_no="WO-1002",
        summary="Test downhole safety valve",
        kind="regulatory_test",
        status="scheduled",
        priority=2,
        well_id=wells["Bravo 2H"],
        triggered_by="time",
        scheduled_on=desk.today + timedelta(days=9),
    )
    desk.add(
        MaintenanceRecord,
        work_order_no="WO-1003",
        summary="Replace dead gas lift pressure gauge",
        kind="calibration",
        status="waiting_parts",
        priority=3,
        well_id=wells["Delta 4"],
        failure_cause="electrical",
    )
    desk.add(
        DowntimeEvent,
        well_id=wells["Charlie 1"],
        started_at=done - timedelta(hours=30),
        ended_at=done,
        reason_code="UNP-TUBING",
        deferred_oil_bbl=Decimal("41.5"),
    )


def _mishaps(desk: Desk) -> None:
    """A small spill that was cleaned up, and a near miss that is being looked into."""
    spill = _at(desk.today - timedelta(days=48), 15)
    incident = desk.add(
        Incident,
        incident_no="I-2001",
        incident_class="spill",
        severity=2,
        summary="Treater dump valve stuck: oil inside the firewall",
        occurred_at=spill,
        discovered_at=spill + timedelta(hours=2),
        lease_id=desk.leases["Charlie"],
        fluid="oil",
        released=Decimal(3),
        recovered=Decimal("2.5"),
        inside_containment=True,
        reached_water=False,
        root_cause="Sand in the valve seat",
        review="The valve is checked on every visit now.",
    )
    desk.add(
        IncidentAction,
        incident_id=incident,
        measure="Sand trap ahead of the dump valve",
        assigned_to="Sam Whitaker",
        done_on=desk.today - timedelta(days=30),
    )
    desk.move(Incident, [incident], "confirmed", "contained", "resolved", "reviewed", "closed")
    desk.add(
        Incident,
        incident_no="I-2002",
        incident_class="near_miss",
        severity=3,
        summary="Truck backed against the load line; nobody hurt, nothing spilled",
        occurred_at=_at(desk.today - timedelta(days=6), 21),
        lease_id=desk.leases["Bravo"],
    )


def _permits(desk: Desk) -> None:
    """Leave to drill, to flare a little, and the spill plan that soon has to be renewed."""
    for number, (name, key) in enumerate(sorted(desk.wells.items()), 1):
        granted = DECLINES[name].since - timedelta(days=120) if name in DECLINES else desk.today
        desk.add(
            Permit,
            permit_no=f"W1-{871200 + number}",
            permit_type="drilling",
            authority="TX-RRC",
            status="closed",
            well_id=key,
            applied_on=granted - timedelta(days=21),
            granted_on=granted,
        )
    flare = desk.add(
        Permit,
        permit_no="R32-40118",
        permit_type="flaring_venting_exception",
        authority="TX-RRC",
        status="active",
        lease_id=desk.leases["Delta"],
        granted_on=desk.today - timedelta(days=60),
        expires_on=desk.today + timedelta(days=120),
    )
    desk.add(PermitLimit, permit_id=flare, quantity="flared gas", maximum=50, unit="Mcf", per="day")
    desk.add(
        Permit,
        permit_no="SPCC-PBE-1",
        permit_type="spcc_plan",
        authority="EPA",
        status="renewal_due",
        granted_on=desk.today - timedelta(days=5 * 365 - 30),
        expires_on=desk.today + timedelta(days=30),
    )
