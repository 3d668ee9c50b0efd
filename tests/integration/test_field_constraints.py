"""The field's own rules, as the database enforces them: each is broken once and says so."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import IntegrityError
from psycopg.errors import ExclusionViolation, UniqueViolation
from sqlalchemy import text

from hub.database import act_for
from tests import cast as people
from tests.cast import Cast
from tests.fieldwork import Office, at_work
from tests.servers.postgres import Database, Server, migrated


@pytest.fixture(scope="module")
def house(plain_server: Server) -> Iterator[tuple[Database, Cast]]:
    database = plain_server.fresh(migrated)
    yield database, people.engage(database.engine("owner"))
    plain_server.drop(database)


@pytest.fixture
def office(house: tuple[Database, Cast]) -> Iterator[Office]:
    with at_work(*house) as working:
        yield working


# ------------------------------------------------------------------------------ wells, equipment


@pytest.mark.parametrize("number", ["42501201300", "425012013003000", "42-501-20130-03", "x" * 14])
def test_an_api_number_has_fourteen_digits(office: Office, number: str) -> None:
    with office.refused("wells_api14_check"):
        office.add("wells", name="Odd 1", api14=number)


@pytest.mark.parametrize("number", ["00501201300300", "57501201300300", "99000000000000"])
def test_an_api_number_begins_with_a_state(office: Office, number: str) -> None:
    with office.refused("wells_api14_state_check"):
        office.add("wells", name="Odd 1", api14=number)


def test_an_api_number_is_taken_once_by_an_operator_and_again_by_another(office: Office) -> None:
    well = office.add("wells", name="Sold 1", api14="42501201300300")
    assert office.read("wells", well).api10 == "4250120130"
    with office.refused("wells_organization_id_api14_key", kind=UniqueViolation):
        office.add("wells", name="Sold 2", api14="42501201300300")
    other = office.cast.cimarron
    act_for(office.connection, other.id)
    office.add("wells", organization_id=other.id, name="Bought 1", api14="42501201300300")


@pytest.mark.parametrize(
    ("constraint", "values"),
    [
        ("wells_place_check", {"lat": 91}),
        ("wells_bottom_check", {"bottom_lon": -181}),
        ("wells_tvd_within_md_check", {"md_ft": 8000, "tvd_ft": 8001}),
        ("wells_lift_type_check", {"lift_type": "bucket"}),
        ("wells_datum_check", {"datum": "ED50"}),
        (
            "wells_completion_date_check",
            {"spud_date": "2020-02-01", "completion_date": "2020-01-01"},
        ),
    ],
)
def test_what_cannot_be_of_a_well(office: Office, constraint: str, values: dict[str, Any]) -> None:
    with office.refused(constraint):
        office.add("wells", name="Odd 1", **values)


def test_a_well_begins_with_a_completion_and_a_history(office: Office) -> None:
    well = office.add("wells", name="New 1", status="drilling")
    completion = office.read("completions", well)
    assert (completion.well_id, completion.name) == (well, "Main")
    office.connection.execute(
        text("UPDATE well_status_history SET from_at = now() - interval '3 days'")
    )
    office.change("wells", well, status="producing")
    stretches = office.connection.execute(
        text(
            "SELECT status, to_at = now() FROM well_status_history WHERE well_id = :w"
            " ORDER BY from_at"
        ),
        {"w": well},
    ).fetchall()
    assert [tuple(row) for row in stretches] == [("drilling", True), ("producing", None)]
    with office.refused("well_status_history_overlap", kind=ExclusionViolation):
        office.add(
            "well_status_history",
            well_id=well,
            status="shut_in",
            from_at="2000-01-01",
        )


def test_a_well_made_by_mistake_goes_with_what_it_began_with(office: Office) -> None:
    well = office.add("wells", name="Mistake 1")
    office.remove("wells", well)
    assert (
        office.connection.scalar(
            text("SELECT count(*) FROM completions WHERE well_id = :w"), {"w": well}
        )
        == 0
    )
    produced = office.add("wells", name="Real 1")
    office.add("downtime_events", well_id=produced, reason_code="PLN-PM", started_at="2024-05-04")
    with office.refused("downtime_events_organization_id_well_id_fkey", kind=IntegrityError):
        office.remove("wells", produced)


def test_equipment_of_a_new_kind_is_one_of_the_list(office: Office) -> None:
    with office.refused("equipment_kind", "kind", "one of the list"):
        office.add("equipment", name="Thing", kind="gadget")
    stands = office.cast.bluebonnet.equipment[0]
    with office.refused("equipment_kind", "kind"):
        office.change("equipment", stands, kind="gadget")


def test_equipment_of_an_older_kind_stays(house: tuple[Database, Cast], office: Office) -> None:
    """It was written when any word was allowed, and can still be changed otherwise."""
    with house[0].engine("owner").begin() as connection:
        connection.execute(text("ALTER TABLE equipment DISABLE TRIGGER kind_new"))
        key = connection.scalar(
            text(
                "INSERT INTO equipment (organization_id, name, kind)"
                " VALUES (:o, 'Old', 'contraption') RETURNING id"
            ),
            {"o": office.cast.bluebonnet.id},
        )
        connection.execute(text("ALTER TABLE equipment ENABLE TRIGGER kind_new"))
    assert isinstance(key, uuid.UUID)
    office.change("equipment", key, status="standby", kind="contraption")


def test_equipment_stands_in_one_place_and_is_no_part_of_itself(office: Office) -> None:
    battery = office.add("facilities", name="North battery")
    with office.refused("equipment_one_place_check"):
        office.add(
            "equipment", name="Tank", kind="tank_oil", well_id=office.well, facility_id=battery
        )
    tank = office.add("equipment", name="Tank", kind="tank_oil", facility_id=battery)
    with office.refused("equipment_parent_id_check"):
        office.change("equipment", tank, parent_id=tank)


def test_a_number_of_an_agency_is_valid_once_at_a_time(office: Office) -> None:
    number = {"authority": "TX-RRC", "id_kind": "operator number", "value": "123456"}
    office.add("regulatory_ids", **number, to_day="2020-12-31")
    office.add("regulatory_ids", **number, from_day="2021-01-01")
    with office.refused("regulatory_ids_overlap", kind=ExclusionViolation):
        office.add("regulatory_ids", **number, from_day="2020-06-01", to_day="2020-07-01")


def test_a_state_lease_number_is_taken_once_even_without_a_district(office: Office) -> None:
    lease = {"state": "OK", "jurisdiction_lease_no": "17284", "commodity": "oil"}
    office.add("leases", name="One", **lease)
    with office.refused("leases_jurisdiction_key", kind=UniqueViolation):
        office.add("leases", name="Two", **lease)


# ---------------------------------------------------------------------- tests, downtime, periods


def test_rates_follow_from_what_was_measured(office: Office) -> None:
    made = office.add(
        "well_tests",
        well_id=office.well,
        started_at="2024-05-04 12:00+00",
        duration_hours=12,
        oil_bbl=20,
        gas_mcf=30,
        water_bbl=50,
    )
    row = office.read("well_tests", made)
    assert (row.oil_bpd, row.gas_mcfd, row.water_bpd) == (40, 60, 100)
    assert (row.gor_scf_bbl, row.wor) == (1500, 2.5)
    office.change("well_tests", made, oil_bbl=0)
    assert office.read("well_tests", made).gor_scf_bbl is None
    office.change("well_tests", made, status="accepted")
    assert str(office.read("well_tests", made).effective_from) == "2024-05-04"


def test_a_test_without_figures_is_not_accepted(office: Office) -> None:
    with office.refused("well_tests_accepted_check"):
        office.add(
            "well_tests",
            well_id=office.well,
            started_at="2024-05-04 12:00+00",
            duration_hours=12,
            status="accepted",
        )


def test_a_well_is_down_for_one_reason_at_a_time(office: Office) -> None:
    down = {"well_id": office.well, "reason_code": "UNP-ROD"}
    office.add("downtime_events", **down, started_at="2024-05-04", ended_at="2024-05-06")
    later = office.add("downtime_events", **down, started_at="2024-05-06")
    assert office.read("downtime_events", later).planned is False
    with office.refused("downtime_events_overlap", kind=ExclusionViolation):
        office.add("downtime_events", **down, started_at="2024-05-05", ended_at="2024-05-07")
    with office.refused("downtime_events_reason_code_check"):
        office.add(
            "downtime_events", well_id=office.well, reason_code="LUNCH", started_at="2023-01-01"
        )


def test_a_period_is_a_month_and_is_opened_before_it_is_deleted(office: Office) -> None:
    with office.refused("accounting_periods_month_is_month_check"):
        office.add("accounting_periods", module="production", month="2024-05-02")
    may = office.add("accounting_periods", module="production", month="2024-05-01", state="closed")
    with office.refused("accounting_periods_kept", "state", "opened again"):
        office.remove("accounting_periods", may)
    office.change("accounting_periods", may, state="open")
    office.remove("accounting_periods", may)


# ------------------------------------------------------------------------------------------ tanks


@pytest.fixture
def tank(office: Office) -> uuid.UUID:
    """A tank of 20 bbl to the foot, strapped to ten feet."""
    lease = office.cast.bluebonnet.lease
    made = office.add("tanks", name="Stock 1", lease_id=lease, capacity_bbl=200, height_in=180)
    table = office.add("tank_strap_tables", tank_id=made, valid_from="2020-01-01")
    for level, volume in ((0, 0), (12, 20), (120, 200)):
        office.add("tank_strap_points", strap_table_id=table, level_in=level, volume_bbl=volume)
    return made


def test_a_strapping_table_rises(office: Office, tank: uuid.UUID) -> None:
    table = office.connection.scalar(text("SELECT id FROM tank_strap_tables"))
    for level, volume in ((60, 20), (60, 200), (6, 21), (130, 199)):
        with office.refused("tank_strap_points_rising", "volume_bbl", "must rise"):
            office.add("tank_strap_points", strap_table_id=table, level_in=level, volume_bbl=volume)
    office.add("tank_strap_points", strap_table_id=table, level_in=60, volume_bbl=99)


def test_two_strapping_tables_do_not_hold_on_the_same_day(office: Office, tank: uuid.UUID) -> None:
    with office.refused("tank_strap_tables_overlap", kind=ExclusionViolation):
        office.add("tank_strap_tables", tank_id=tank, valid_from="2024-01-01")


def test_a_gauge_is_turned_into_barrels_of_its_own_day(office: Office, tank: uuid.UUID) -> None:
    """The operator's day begins at 7:00 in Texas: 11:30 UTC in summer is still the day before."""
    made = office.add(
        "tank_gauges", tank_id=tank, gauged_at="2024-07-02 11:30+00", level_in=18, water_in=2
    )
    row = office.read("tank_gauges", made)
    assert (row.volume_bbl, str(row.production_date)) == (30, "2024-07-01")
    office.change("tank_gauges", made, level_in=24)
    assert office.read("tank_gauges", made).volume_bbl == 40
    with office.refused("tank_strap_tables_range", "level_in", "ends at 120 in"):
        office.add("tank_gauges", tank_id=tank, gauged_at="2024-07-03", level_in=121)
    with office.refused("tank_gauges_water_in_check"):
        office.add("tank_gauges", tank_id=tank, gauged_at="2024-07-03", level_in=10, water_in=11)


def test_a_final_ticket_stands_and_can_only_be_voided(office: Office, tank: uuid.UUID) -> None:
    ticket = office.add(
        "run_tickets",
        ticket_no="8841",
        lease_id=office.cast.bluebonnet.lease,
        tank_id=tank,
        opened_at="2024-07-02 14:00+00",
        closed_at="2024-07-02 15:00+00",
        gross_standard_bbl=80.5,
        net_standard_bbl=80.26,
    )
    office.change("run_tickets", ticket, opening_in=171.25, closing_in=122.5)
    with office.refused("run_tickets_closing_in_check"):
        office.change("run_tickets", ticket, closing_in=172)
    with office.refused("run_tickets_net_standard_bbl_check"):
        office.change("run_tickets", ticket, net_standard_bbl=81)
    office.change("run_tickets", ticket, status="final")
    for values in ({"net_standard_bbl": 79}, {"status": "open"}):
        with office.refused("run_tickets_final", "status", "void it"):
            office.change("run_tickets", ticket, **values)
    with office.refused("run_tickets_final", "status"):
        office.remove("run_tickets", ticket)
    office.change("run_tickets", ticket, status="void", note="hauled twice")
    with office.refused("run_tickets_final", "status", "stays void"):
        office.change("run_tickets", ticket, status="final")
    office.add("accounting_periods", module="production", month="2024-07-01", state="closed")
    with office.refused("accounting_periods_closed", "production_date", "is closed"):
        office.change("run_tickets", ticket, note="too late")
