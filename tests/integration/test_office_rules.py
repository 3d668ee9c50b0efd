"""Rules that look at the office's rows: what they find, and that looking again changes nothing."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from agent.contract.alarm_rules import RuleError
from hub.alerts import office, rules
from hub.alerts.kinds import due_date
from hub.schema import (
    Alert,
    AlertRule,
    Completion,
    Contract,
    DowntimeEvent,
    Permit,
    ProductionRecord,
    Reconciliation,
    RunTicket,
    Tank,
    TankGauge,
)
from tests.cast import Cast, Operator
from tests.servers.postgres import Database

#: Noon in Chicago; the production day of the 9th ended at 7 in the morning.
NOON = datetime(2026, 3, 10, 17, tzinfo=UTC)
DAY = date(2026, 3, 9)
WORDS = {"cause": "c", "consequence": "c", "action": "a", "respond_within_s": 3600}


@dataclass
class Desk:
    """An operator's office."""

    database: Database
    operator: Operator

    def add(self, *rows: Any) -> None:
        """Write rows, as the office does."""
        with Session(self.database.engine("owner")) as session, session.begin():
            for row in rows:
                row.organization_id = self.operator.id
                session.add(row)
                session.flush()

    def run(self, statement: str, **values: Any) -> None:
        with self.database.engine("owner").begin() as connection:
            connection.execute(text(statement), values)

    def rule(self, kind: str, **params: Any) -> uuid.UUID:
        with Session(self.database.engine("owner")) as session, session.begin():
            made = rules.create(
                session,
                self.operator.id,
                None,
                kind,
                params,
                kind=kind,
                scope="organization",
                **WORDS,
            )
            return made.id

    def look(self, at: datetime = NOON) -> list[str]:
        """One round of every kind, twice; the sentences of what stands."""
        work = self.database.engine("work")
        office.look(work, tuple(office.OFFICE), at)
        before = self._events()
        office.look(work, tuple(office.OFFICE), at)
        assert self._events() == before, "a second round finds everything as it is"
        return self.standing()

    def _events(self) -> int:
        with self.database.engine("owner").connect() as connection:
            return int(connection.scalar(text("SELECT count(*) FROM alert_events")) or 0)

    def standing(self) -> list[str]:
        return [alert.message for alert in self.alerts() if alert.condition == "active"]

    def alerts(self) -> list[Alert]:
        with Session(self.database.engine("owner")) as session:
            return list(session.scalars(select(Alert).order_by(Alert.message)))

    def told(self) -> int:
        with self.database.engine("owner").connect() as connection:
            return int(connection.scalar(text("SELECT count(*) FROM notifications")) or 0)

    def completion(self, well: uuid.UUID) -> uuid.UUID:
        with Session(self.database.engine("owner")) as session:
            found = session.scalar(select(Completion.id).where(Completion.well_id == well))
            assert found is not None
            return found

    def made(self, day: date, oil: float, well: int = 0) -> ProductionRecord:
        """A day's production of a well."""
        key = self.operator.wells[well]
        return ProductionRecord(
            production_date=day,
            well_id=key,
            completion_id=self.completion(key),
            record_kind="measured",
            oil_bbl=Decimal(str(oil)),
            source="pumper",
        )


@pytest.fixture
def desk(database: Database, cast: Cast) -> Desk:
    """Bluebonnet's office; Cimarron has the same rows and no rule."""
    return Desk(database, cast.bluebonnet)


def week(desk: Desk, oil: float = 100) -> list[ProductionRecord]:
    return [desk.made(DAY - timedelta(days=n), oil + n) for n in range(1, 8)]


# ------------------------------------------------------------------------------ production


def test_a_well_that_made_much_less_is_told_once_its_day_is_known(desk: Desk) -> None:
    rule = desk.rule("production_variance", percent=20, volume=10, price=70, value=1000)
    desk.add(*week(desk))
    assert desk.look() == [], "the day itself is not entered yet"
    desk.add(desk.made(DAY, 60))
    (sentence,) = desk.look()
    assert sentence == (
        "Bluebonnet 1H made 60.0 bbl of oil on 2026-03-09, 44.0 bbl less than usual (104.0),"
        " about $3,080."
    )
    (alert,) = desk.alerts()
    assert (alert.rule_id, alert.well_id) == (rule, desk.operator.wells[0])
    assert (alert.value, alert.setpoint, alert.kind) == (60, 104, "production_variance")
    assert desk.told() > 0


def test_downtime_explains_it_and_an_open_ticket_leaves_it_to_tomorrow(desk: Desk) -> None:
    desk.rule("production_variance", percent=20, volume=10)
    desk.add(*week(desk), desk.made(DAY, 60))
    assert len(desk.look()) == 1
    ticket = RunTicket(
        ticket_no="T1",
        kind="oil_sale",
        status="open",
        lease_id=desk.operator.lease,
        opened_at=NOON - timedelta(hours=30),
        closed_at=NOON - timedelta(hours=29),
    )
    desk.add(ticket)
    assert len(desk.look()) == 1, "nobody can tell while a ticket is open, so it stays as it is"
    desk.run("UPDATE run_tickets SET status = 'void'")
    down = DowntimeEvent(
        well_id=desk.operator.wells[0],
        completion_id=desk.completion(desk.operator.wells[0]),
        started_at=NOON - timedelta(hours=28),
        ended_at=NOON - timedelta(hours=12),
        reason_code="UNP-ROD",
    )
    desk.add(down)
    assert desk.look() == []


@pytest.mark.parametrize("params", [{"percent": 50}, {"volume": 50}, {"value": 5000, "price": 70}])
def test_every_threshold_must_be_passed(desk: Desk, params: dict[str, float]) -> None:
    desk.rule("production_variance", **({"percent": 20, "volume": 10} | params))
    desk.add(*week(desk), desk.made(DAY, 60))
    assert desk.look() == []


def test_three_known_days_are_too_few_to_call_anything_usual(desk: Desk) -> None:
    desk.rule("production_variance", percent=20, volume=10)
    desk.add(*week(desk)[:3], desk.made(DAY, 1))
    assert desk.look() == []


def test_what_nobody_entered_is_asked_for_until_it_is_there(desk: Desk) -> None:
    desk.rule("missing_entry", of="production", after_hours=4)
    desk.run("UPDATE wells SET status = 'producing' WHERE organization_id = :o", o=desk.operator.id)
    early = desk.look(NOON - timedelta(hours=4))
    assert all("2026-03-08" in sentence for sentence in early), "the pumper is still on the road"
    assert len(desk.look()) == 2
    shared = desk.made(DAY, 4, well=1)
    shared.record_kind, shared.source = "allocated", "allocation"
    desk.add(desk.made(DAY, 10), shared)  # a share by test is no entry
    assert desk.look() == ["Nothing was entered for Bluebonnet 2H on 2026-03-09, and no downtime."]


# ----------------------------------------------------------------------------------- tanks


def tank(desk: Desk, name: str = "TK-1") -> uuid.UUID:
    key = uuid.uuid4()
    made = Tank(
        id=key,
        name=name,
        contents="oil",
        lease_id=desk.operator.lease,
        capacity_bbl=Decimal(400),
        height_in=Decimal(240),
    )
    desk.add(made)
    return key


def gauge(desk: Desk, of: uuid.UUID, hours: float, volume: float) -> None:
    """A gauge so many hours before noon; the volume as a strapping table would give it."""
    at = NOON - timedelta(hours=hours)
    desk.add(
        TankGauge(
            tank_id=of,
            gauged_at=at,
            level_in=Decimal("100"),
            kind="routine",
            source="pumper",
        )
    )
    desk.run("UPDATE tank_gauges SET volume_bbl = :v WHERE gauged_at = :at", v=volume, at=at)


def hauled(desk: Desk, of: uuid.UUID, hours: float, net: float, **more: Any) -> None:
    closed, volume = NOON - timedelta(hours=hours), Decimal(str(net))
    desk.add(
        RunTicket(
            ticket_no=f"T{hours}",
            kind="oil_sale",
            status="final",
            lease_id=desk.operator.lease,
            tank_id=of,
            opened_at=closed - timedelta(hours=1),
            closed_at=closed,
            gross_standard_bbl=volume,
            net_standard_bbl=volume,
            **more,
        )
    )


def test_oil_that_no_ticket_tells_of_is_missed(desk: Desk) -> None:
    desk.rule("mass_balance", volume=10, percent=0)
    one = tank(desk)
    gauge(desk, one, 20, 300)
    gauge(desk, one, 4, 120)
    assert "lost 180.0 bbl that no ticket tells of" in desk.look()[0]
    hauled(desk, one, 10, 175)
    assert desk.look() == [], "the ticket came in late; 5 bbl are not worth an alert"
    two = tank(desk, "TK-2")  # 180 bbl of a hot day are 169 at 60 °F: as observed none is missing
    for hours, volume in ((20, 300), (4, 120)):
        gauge(desk, two, hours, volume)
    hauled(desk, two, 9, 169, opening_bbl=Decimal(300), closing_bbl=Decimal(120))
    assert desk.look() == []


def test_what_was_keyed_is_held_against_the_tanks_own_gauge(desk: Desk) -> None:
    desk.rule("mass_balance", volume=10, percent=0)
    compared = Reconciliation(
        kind="tank",
        tank_id=tank(desk),
        lease_id=desk.operator.lease,
        production_date=DAY,
        unit="bbl",
        opening=Decimal(100),
        closing=Decimal(180),
        gauge_opening=Decimal(101),
        gauge_closing=Decimal(161),
        unexplained=Decimal(20),
    )
    desk.add(compared)
    (sentence,) = desk.look()
    assert "changed by 80.0 bbl on 2026-03-09 as keyed and by 60.0 by its own gauge" in sentence
    desk.run("UPDATE reconciliations SET unexplained = 2")
    assert desk.look() == []


def test_a_ticket_that_does_not_fit_its_own_gauges(desk: Desk) -> None:
    desk.rule("ticket_mismatch", volume=2, percent=2)
    one = tank(desk)
    hauled(desk, one, 10, 180, opening_bbl=Decimal(300), closing_bbl=Decimal(120))
    hauled(desk, one, 9, 150, opening_bbl=Decimal(300), closing_bbl=Decimal(120))
    warm = {"gravity_60f": 40, "opening_f": 110, "closing_f": 108}
    for hours, said in ((8, 175.5), (7, 180)):  # the first is what 180 bbl are at 60 °F
        hauled(desk, one, hours, said, opening_bbl=Decimal(300), closing_bbl=Decimal(120), **warm)
    at_60f, observed = sorted(desk.look())
    assert "says 150.0 bbl, but its own gauges say the tank lost 180.0 (as observed)" in observed
    assert "says 180.0 bbl, but its own gauges say the tank lost 175.3 (at 60 °F)" in at_60f


# --------------------------------------------------------------------------------- due dates


def test_a_permit_climbs_down_its_ladder_and_is_told_at_each_rung(desk: Desk) -> None:
    desk.rule("due_date", of="permits")
    due = NOON.date() + timedelta(days=91)
    desk.add(
        Permit(
            permit_no="P-7",
            permit_type="injection_uic",
            authority="TX-RRC",
            status="active",
            lease_id=desk.operator.lease,
            expires_on=due,
            notice_days=0,
        )
    )
    assert desk.look() == []
    seen = []
    for left in (90, 61, 60, 30, 7, 1, -3):
        (sentence,) = desk.look(datetime(due.year, due.month, due.day, 17, tzinfo=UTC)
                                - timedelta(days=left))  # fmt: skip
        (alert,) = desk.alerts()
        seen.append((left, alert.priority, alert.setpoint, self_told(desk)))
        assert "Permit P-7: injection uic" in sentence
    assert [one[:3] for one in seen] == [
        (90, 4, 90),
        (61, 4, 90),
        (60, 4, 60),
        (30, 3, 30),
        (7, 3, 7),
        (1, 2, 1),
        (-3, 2, 1),
    ]
    told = [one[3] for one in seen]
    assert told[1] == told[0], "no rung was reached between"
    assert told[3] < told[4] < told[5], "each rung is told anew"
    assert told[6] == told[5]
    desk.run("UPDATE permits SET status = 'closed'")
    assert desk.look(NOON + timedelta(days=92)) == []


def self_told(desk: Desk) -> int:
    """Events that tell people of something."""
    with desk.database.engine("owner").connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM notifications")) or 0)


def test_a_contract_is_told_of_by_the_day_its_notice_is_due(desk: Desk) -> None:
    desk.rule("due_date", of="contracts", rungs=[30])
    desk.add(
        Contract(
            contract_no="C-1",
            title="Gas purchase",
            contract_type="purchase_oil",
            status="active",
            counterparty="Midstream",
            ends_on=NOON.date() + timedelta(days=80),
            notice_days=60,
        )
    )
    assert "Contract C-1: Gas purchase is due on 2026-03-30, in 20 days." in desk.look()


def test_business_days_leave_out_weekends_and_holidays_of_the_state() -> None:
    friday, monday = date(2026, 5, 22), date(2026, 5, 25)  # Memorial Day
    assert due_date.days_left(friday, date(2026, 5, 26)) == 4
    assert due_date.days_left(friday, date(2026, 5, 26), {monday}) == 1
    assert due_date.days_left(date(2026, 5, 26), friday, {monday}) == -1


# ----------------------------------------------------------------------------- the system itself


def test_alerts_nobody_takes_up_are_an_alert_of_their_own(desk: Desk) -> None:
    desk.rule("meta", of="untaken", limit=30)
    desk.rule("mass_balance", volume=10, percent=0, priority=1)
    one = tank(desk)
    gauge(desk, one, 20, 300)
    gauge(desk, one, 4, 120)
    assert len(desk.look()) == 1
    assert len(desk.look(NOON + timedelta(minutes=20))) == 1
    later = desk.look(NOON + timedelta(minutes=40))
    assert "1 alerts of priority 1 have waited for 30 minutes" in later[0]


def test_a_clock_that_is_off_and_a_full_disk_of_an_agent(desk: Desk) -> None:
    desk.rule("meta", of="agent_clock", limit=120)
    desk.rule("meta", of="agent_backlog", limit=1000)
    desk.run(
        "UPDATE agents SET clock_skew_ms = -300000, status_at = :at,"
        " backlog = '{\"readings\": 5000}' WHERE id = :id",
        id=desk.operator.agents[0],
        at=NOON,
    )
    assert desk.look() == [
        "The clock of bluebonnet-pad-1 is 300 s off the hub's.",
        "bluebonnet-pad-1 keeps 5,000 readings that the hub does not have yet.",
    ]


# ------------------------------------------------------------------------------------ care


def test_every_fault_of_the_parameters_is_told_at_once() -> None:
    with pytest.raises(RuleError) as fault:
        rules.normal("production_variance", {"percent": -1, "product": "coal", "colour": 1})
    assert len(fault.value.faults) == 3


def test_the_rows_of_another_operator_are_not_looked_at(database: Database, cast: Cast) -> None:
    theirs, ours = Desk(database, cast.cimarron), Desk(database, cast.bluebonnet)
    ours.rule("production_variance", percent=20, volume=10)
    ours.rule("missing_entry", after_hours=4)
    ours.rule("due_date")
    ours.rule("meta", of="agent_clock")
    theirs.add(*week(theirs), theirs.made(DAY, 1))
    theirs.run(
        "UPDATE wells SET status = 'producing' WHERE organization_id = :o", o=theirs.operator.id
    )
    near = NOON.date() + timedelta(days=5)
    theirs.run(
        "UPDATE leases SET primary_term_end = :d WHERE id = :id", d=near, id=theirs.operator.lease
    )
    theirs.run(
        "UPDATE equipment SET installed_on = :d, service_interval_days = 1, run_hours = 9"
        " WHERE organization_id = :o",
        d=NOON.date(),
        o=theirs.operator.id,
    )
    theirs.run(
        "UPDATE agents SET clock_skew_ms = 999999 WHERE organization_id = :o", o=theirs.operator.id
    )
    assert ours.look() == [
        f"Nothing was entered for Bluebonnet {n}H on 2026-03-09, and no downtime." for n in (1, 2)
    ]


def test_a_rule_that_fails_is_set_aside_and_the_others_go_on(desk: Desk) -> None:
    broken, whole = desk.rule("due_date", of="permits"), desk.rule("missing_entry", after_hours=4)
    desk.run('UPDATE alert_rules SET params = \'{"rungs": "x"}\' WHERE id = :id', id=broken)
    desk.run("UPDATE wells SET status = 'producing' WHERE organization_id = :o", o=desk.operator.id)
    assert len(desk.look()) == 2
    with Session(desk.database.engine("owner")) as session:
        faults = {rule.id: rule.fault for rule in session.scalars(select(AlertRule))}
    assert faults[whole] is None
    assert "rungs must be a list of numbers" in (faults[broken] or "")


@pytest.mark.parametrize("of", sorted(office.OFFICE["financial"].settings[0].choices))
def test_every_figure_of_money_can_be_asked_of_an_empty_office(desk: Desk, of: str) -> None:
    desk.rule("financial", of=of)
    assert desk.look() == []
    with Session(desk.database.engine("owner")) as session:
        assert session.scalars(select(AlertRule.fault)).all() == [None]
