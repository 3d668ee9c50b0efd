"""The daily close in the tables: a day shared out, closed anew, compared with gauges; a month."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from hub.database import act_for
from hub.production.close import CLOSER, close_day, close_operator
from tests.daywork import CLOCK, Stop, at_stop, ticket
from tests.registering import Office, add, open_office
from tests.servers.postgres import Server, migrated
from tests.unit.test_daily_close import month_of_days, published

DAY = date(2024, 6, 10)
_OUT = text("UPDATE tanks SET out_of_use_on = '2010-01-01' WHERE id = :t")


@pytest.fixture(scope="module")
def office(plain_server: Server) -> Iterator[Office]:
    database = plain_server.fresh(migrated)
    yield open_office(database)
    plain_server.drop(database)


@pytest.fixture
def stop(office: Office) -> Iterator[Stop]:
    with at_stop(office, DAY) as stop:
        stop.saved = int((CLOCK.ends(DAY) + timedelta(hours=2)).timestamp() * 1000)
        stop.session.execute(_OUT, {"t": stop.water_tank})
        yield stop


def closed(stop: Stop, day: date = DAY) -> Any:
    stop.actor = CLOSER
    act_for(stop.session.connection(), stop.office.ours.id, CLOSER)
    return close_day(stop.session, stop.lease, day)


def gauge(stop: Stop, day: date, volume: str, source: str = "pumper", level: str = "100") -> None:
    add(
        stop.session,
        stop.office,
        "tank_gauges",
        tank_id=stop.tank,
        gauged_at=CLOCK.ends(day),
        production_date=day,
        level_in=level,
        volume_bbl=volume,
        source=source,
    )


def well_test(stop: Stop, well: uuid.UUID, rate: str) -> None:
    add(
        stop.session,
        stop.office,
        "well_tests",
        well_id=well,
        started_at=datetime(2024, 5, 1, 13, tzinfo=UTC),
        duration_hours="24",
        oil_bbl=rate,
        status="accepted",
    )


def third_well(stop: Stop) -> uuid.UUID:
    made = add(stop.session, stop.office, "wells", lease_id=stop.lease, name="Bluebonnet 3H")
    return uuid.UUID(str(made["id"]))


def test_an_entry_is_closed_to_its_wells_by_test_and_closing_again_changes_nothing(
    stop: Stop,
) -> None:
    wells = [*stop.wells, third_well(stop)]
    for well, rate in zip(wells, ("42.0", "31.5", "6.0"), strict=True):
        well_test(stop, well, rate)
    gauge(stop, DAY - timedelta(days=1), "300")
    gauge(stop, DAY, "279.53")
    down = [("0", None), ("5.5", "UNP-BELT"), ("24", "UNP-ROD")]
    entered = [
        {"well": f"{well}", "hours_down": hours} | ({"down_code": code} if code else {})
        for well, (hours, code) in zip(wells, down, strict=True)
    ]
    assert stop.enter("manager", wells=entered, tickets=[ticket(stop)]).state == "taken"
    assert closed(stop).findings == ()
    shared = (
        "SELECT oil_bbl, source, revision, row_version FROM production_records"
        " WHERE record_kind = 'allocated' ORDER BY oil_bbl"
    )
    assert [row[0] for row in stop.rows(shared)] == [
        Decimal("0.00"),
        Decimal("22.48"),
        Decimal("38.89"),
    ]
    kept = "SELECT state, oil_bbl, runs_bbl, factor, findings, closed_at FROM daily_closes"
    before = stop.rows(kept), stop.rows(shared)
    assert before[0][0][:5] == (
        "complete",
        Decimal("61.37"),
        Decimal("81.84"),
        Decimal("0.925903"),
        [],
    )
    closed(stop)
    assert (stop.rows(kept), stop.rows(shared)) == before


def test_what_a_correction_changes_is_shared_out_anew_and_what_goes_missing_is_taken_back(
    stop: Stop,
) -> None:
    well_test(stop, stop.wells[0], "10")
    well_test(stop, stop.wells[1], "10")
    gauge(stop, DAY - timedelta(days=1), "200")
    gauge(stop, DAY, "220")
    closed(stop)
    stop.session.execute(text("UPDATE tank_gauges SET volume_bbl = 221 WHERE volume_bbl = 220"))
    closed(stop)
    assert (
        stop.rows(
            "SELECT oil_bbl, revision FROM production_records WHERE record_kind = 'allocated'"
        )
        == [(Decimal("10.5"), 1)] * 2
    )
    stop.session.execute(text("DELETE FROM tank_gauges WHERE volume_bbl = 221"))
    assert closed(stop).oil is None
    assert stop.scalar("SELECT count(*) FROM production_records") == 0
    assert stop.scalar("SELECT count(*) FROM production_revisions WHERE deleted") == 2


def readings(stop: Stop, measure: str, unit: str, *points: tuple[datetime, float]) -> int:
    """A gauge of the first agent, with what it sent; as the owner, to be deleted by the test."""
    ours = stop.office.ours
    with stop.office.database.engine("owner").begin() as owner:
        tag = owner.scalar(
            text(
                "INSERT INTO tags (organization_id, agent_id, name, device, unit, interval_ms,"
                " measure) VALUES (:o, :a, :n, 'plc', :u, 1000, :m) RETURNING id"
            ),
            {
                "o": ours.id,
                "a": ours.agents[0],
                "n": f"plc.{uuid.uuid4().hex[:8]}",
                "u": unit,
                "m": measure,
            },
        )
        for at, value in points:
            owner.execute(
                text(
                    "INSERT INTO readings_aside (time, organization_id, tag_id, value, quality)"
                    " VALUES (:at, :o, :t, :v, 0)"
                ),
                {"at": at, "o": ours.id, "t": tag, "v": value},
            )
    return int(tag)


def test_a_tank_is_held_against_its_own_gauge_and_its_tickets(stop: Stop) -> None:
    before, after = CLOCK.ends(DAY - timedelta(days=1)), CLOCK.ends(DAY)
    tag = readings(stop, "tank_level", "ft", (before, 5.0), (after, 8.0))
    vessel = add(
        stop.session, stop.office, "equipment", well_id=stop.wells[0], name="Tank", kind="tank_oil"
    )
    change = text("UPDATE tanks SET equipment_id = :e WHERE id = :t")
    stop.session.execute(change, {"e": vessel["id"], "t": stop.tank})
    link = text("UPDATE tags SET equipment_id = :e WHERE id = :t")
    stop.session.execute(link, {"e": vessel["id"], "t": tag})
    gauge(stop, DAY - timedelta(days=1), "100.73", level="60")
    gauge(stop, DAY, "181.17", level="107.92")
    closed(stop)
    row = stop.rows(
        "SELECT opening, closing, gauge_opening, gauge_closing, unexplained FROM reconciliations"
    )[0]
    assert row == (*map(Decimal, ("100.73", "181.17", "100.7314", "161.1703", "20.0011")),)
    found = stop.scalar("SELECT findings FROM daily_closes")
    assert "20.0 bbl unexplained" in str(found)


def test_a_gauge_stands_in_for_a_tape_nobody_read(stop: Stop) -> None:
    tag = readings(stop, "tank_level", "in", (CLOCK.ends(DAY) - timedelta(minutes=2), 122.5))
    vessel = add(
        stop.session, stop.office, "equipment", well_id=stop.wells[0], name="Tank", kind="tank_oil"
    )
    change = text("UPDATE tanks SET equipment_id = :e WHERE id = :t")
    stop.session.execute(change, {"e": vessel["id"], "t": stop.tank})
    link = text("UPDATE tags SET equipment_id = :e WHERE id = :t")
    stop.session.execute(link, {"e": vessel["id"], "t": tag})
    closed(stop)
    assert stop.rows("SELECT source, volume_bbl, production_date FROM tank_gauges") == [
        ("telemetry", Decimal("205.66"), DAY)
    ]


def test_a_locked_month_is_left_as_it_is(stop: Stop) -> None:
    add(
        stop.session,
        stop.office,
        "accounting_periods",
        module="production",
        month=DAY.replace(day=1),
        state="closed",
    )
    assert closed(stop) is None
    assert stop.scalar("SELECT count(*) FROM daily_closes") == 0


def test_a_month_of_a_lease_is_closed_end_to_end_to_its_published_balance(stop: Stop) -> None:
    row = next(row for row in published() if row["Oil Sold"] and row["Oil Produced"])
    days = month_of_days(row)
    stop.session.execute(
        text("UPDATE wells SET status = 'plugged' WHERE id = :w"), {"w": stop.wells[1]}
    )
    gauge(stop, days[0].day - timedelta(days=1), row["BOM Inventory"])
    for lease_day in days:
        gauge(stop, lease_day.day, f"{lease_day.tanks[0].day.closing}")
        for one in lease_day.tickets:
            add(
                stop.session,
                stop.office,
                "run_tickets",
                ticket_no=f"{lease_day.day}",
                kind=one.kind,
                status="final",
                lease_id=stop.lease,
                tank_id=stop.tank,
                opened_at=CLOCK.begins(lease_day.day),
                closed_at=CLOCK.begins(lease_day.day) + timedelta(hours=1),
                gross_standard_bbl=one.moved,
                net_standard_bbl=one.moved,
            )
    for lease_day in days:
        closed(stop, lease_day.day)
    opening, closing, made, sold = (
        Decimal(row[name] or 0)
        for name in ("BOM Inventory", "EOM Inventory", "Oil Produced", "Oil Sold")
    )
    assert stop.rows(
        "SELECT (array_agg(opening_bbl ORDER BY production_date))[1],"
        " (array_agg(closing_bbl ORDER BY production_date DESC))[1], sum(oil_bbl), sum(runs_bbl)"
        " FROM daily_closes"
    ) == [(opening, closing, made, sold)]
    assert (
        stop.scalar("SELECT sum(oil_bbl) FROM production_records WHERE record_kind = 'allocated'")
        == made
    )


def test_the_last_days_of_every_lease_are_closed_by_the_round(office: Office) -> None:
    assert close_operator(office.database.engine("app"), office.ours.id, days=2) == 2
    with office.session() as session:
        found = session.execute(text("SELECT production_date, state FROM daily_closes ORDER BY 1"))
        last = CLOCK.closed(datetime.now(UTC))
        assert [tuple(row) for row in found] == [
            (last - timedelta(days=1), "incomplete"),
            (last, "incomplete"),
        ]
