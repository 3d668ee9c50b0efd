"""What cannot be in a day of production: a sentence at the field, at every door; nothing saved."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from sqlalchemy import text

from tests.api import Office, Program, faults, open_office
from tests.console import Visitor, signed_in
from tests.daywork import CLOCK, STRAP
from tests.servers import postgres

NOW = datetime.now(UTC)
TODAY = CLOCK.day_of(NOW)
TOMORROW = TODAY + timedelta(days=1)


@dataclass
class Day:
    """Bluebonnet's lease with a strapped tank, one without a table, and a meter."""

    office: Office
    owner: Program
    tank: str
    bare: str
    meter: str

    @property
    def lease(self) -> str:
        """The stop."""
        return self.office.lease

    @property
    def well(self) -> str:
        """Its first well."""
        return str(self.office.cast.bluebonnet.wells[0])

    def made(self, table: str, **values: Any) -> str:
        """Make a row; answers its key."""
        answer = self.owner.post(f"/{table}", values)
        assert answer.status_code == 201, answer.get_data(as_text=True)
        return str(answer.get_json()["id"])

    def count(self, table: str) -> int:
        """Rows of a table."""
        with self.office.database.engine("owner").connect() as connection:
            return int(connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


@pytest.fixture(scope="module")
def day(plain_server: postgres.Server) -> Iterator[Day]:
    for office in open_office(plain_server):
        made = Day(office, office.program(), "", "", "")
        head = {"lease_id": office.lease, "capacity_bbl": "400", "height_in": "240"}
        made.tank = made.made("tanks", name="1", **head)
        made.bare = made.made("tanks", name="2", **head)
        table = made.made("tank_strap_tables", tank_id=made.tank, valid_from="2020-01-01")
        for level, volume in STRAP[:3]:
            point = {"level_in": level, "volume_bbl": volume}
            made.made("tank_strap_points", strap_table_id=table, **point)
        well = {"well_id": made.well, "kind": "meter_orifice"}
        made.meter = made.made("equipment", name="Gas sales", **well)
        yield made


def gauge(day: Day, **changed: Any) -> dict[str, Any]:
    at = (NOW - timedelta(hours=1)).isoformat()
    return {"tank_id": day.tank, "gauged_at": at, "level_in": "100"} | changed


def run(day: Day, **changed: Any) -> dict[str, Any]:
    read = {"opening_in": "171.25", "closing_in": "122.5", "sediment_water_pct": "0.3"}
    opened, closed = (NOW - timedelta(hours=hours) for hours in (3, 2))
    head = {"ticket_no": uuid.uuid4().hex[:8], "lease_id": day.lease, "tank_id": day.tank}
    times = {"opened_at": opened.isoformat(), "closed_at": closed.isoformat()}
    return head | times | read | changed


def made(day: Day, **changed: Any) -> dict[str, Any]:
    return {"well_id": day.well, "production_date": f"{TODAY}", "oil_bbl": "3"} | changed


def read(day: Day, **changed: Any) -> dict[str, Any]:
    at = (NOW - timedelta(hours=1)).isoformat()
    return {"equipment_id": day.meter, "read_at": at, "reading": "7"} | changed


def treated(day: Day, **changed: Any) -> dict[str, Any]:
    head = {"lease_id": day.lease, "production_date": f"{TODAY}"}
    return head | {"product": "Scale inhibitor", "gallons": "2"} | changed


AHEAD = (NOW + timedelta(days=1)).isoformat()
COME, STILL = "has not come yet", "is still to come"
BAD = {
    "negative oil": ("production_records", made, {"oil_bbl": "-3"}, "oil_bbl", "at least 0"),
    "negative gas": ("production_records", made, {"gas_mcf": "-3"}, "gas_mcf", "at least 0"),
    "negative level": ("tank_gauges", gauge, {"level_in": "-1"}, "level_in", "0 to 960 in"),
    "negative gallons": (
        "chemical_treatments",
        treated,
        {"gallons": "-1"},
        "gallons",
        "at least 0",
    ),
    "negative counter": ("meter_readings", read, {"reading": "-1"}, "reading", "at least 0"),
    "gauge above tank": ("tank_gauges", gauge, {"level_in": "241"}, "level_in", "above this tank"),
    "opening above tank": (
        *("run_tickets", run, {"opening_in": "241"}),
        *("opening_in", "241 in is above this tank, which is 240 in high"),
    ),
    "closing above opening": (
        *("run_tickets", run, {"closing_in": "180"}),
        *("closing_in", "must not be more than opening gauge"),
    ),
    "table too short": ("tank_gauges", gauge, {"level_in": "200"}, "level_in", "ends at 171.25 in"),
    "too much water": (
        *("run_tickets", run, {"sediment_water_pct": "101"}),
        *("sediment_water_pct", "BS&W takes 0 to 100 %"),
    ),
    "day to come": (
        *("production_records", made, {"production_date": f"{TOMORROW}"}),
        *("production_date", COME),
    ),
    "gauge to come": ("tank_gauges", gauge, {"gauged_at": AHEAD}, "production_date", COME),
    "hour to come": (
        *("tank_gauges", gauge, {"gauged_at": AHEAD, "production_date": f"{TODAY}"}),
        *("gauged_at", STILL),
    ),
    "run to come": (
        *("run_tickets", run, {"closed_at": AHEAD, "production_date": f"{TODAY}"}),
        *("closed_at", STILL),
    ),
    "reading to come": ("meter_readings", read, {"read_at": AHEAD}, "production_date", COME),
    "treatment to come": (
        *("chemical_treatments", treated, {"production_date": f"{TOMORROW}"}),
        *("production_date", COME),
    ),
}


@pytest.mark.parametrize("name", list(BAD))
def test_what_cannot_be_is_refused_at_its_field_over_rest(day: Day, name: str) -> None:
    table, whole, wrong, field, words = BAD[name]
    before = day.count(table)
    told = faults(day.owner.post(f"/{table}", whole(day, **wrong)))
    assert [*told] == [field]
    assert words in told[field]
    assert day.count(table) == before


def test_a_strapping_table_rises_and_says_so(day: Day) -> None:
    table = day.made("tank_strap_tables", tank_id=day.bare, valid_from="2020-01-01")
    day.made("tank_strap_points", strap_table_id=table, level_in="0", volume_bbl="0")
    one = gauge(day, tank_id=day.bare, level_in="0.25")
    assert "ends at 0 in" in faults(day.owner.post("/tank_gauges", one))["level_in"]
    day.made("tank_strap_points", strap_table_id=table, level_in="120", volume_bbl="200")
    down = {"strap_table_id": table, "level_in": "130", "volume_bbl": "199"}
    told = faults(day.owner.post("/tank_strap_points", down))
    assert [*told] == ["volume_bbl"]
    assert "must rise" in told["volume_bbl"]


def test_meters_and_chemicals_are_served_like_every_table(day: Day) -> None:
    key = day.made("meter_readings", **read(day))
    row = day.owner.get(f"/meter_readings/{key}").get_json()
    assert (row["lease_id"], row["production_date"]) == (
        day.lease,
        f"{CLOCK.day_of(NOW - timedelta(hours=1))}",
    )
    assert day.owner.patch(f"/meter_readings/{key}", {"reading": "8"}).status_code == 200
    kept = day.owner.patch(f"/meter_readings/{key}", {"equipment_id": day.meter})
    assert "cannot be changed" in faults(kept)["equipment_id"]
    day.made("chemical_treatments", **treated(day, well_id=day.well))
    found = day.owner.get("/chemical_treatments?q=scale&lease_id=" + day.lease).get_json()
    assert [one["gallons"] for one in found["rows"]] == ["2.0000"]
    pumper = day.office.program("pumper")
    assert pumper.get("/meter_readings").status_code == 200
    assert day.owner.delete(f"/meter_readings/{key}").status_code == 204


# ------------------------------------------------------------------------------- the pumper's form


def form(day: Day, visitor: Visitor, **typed: str) -> dict[str, str]:
    page = visitor.get(f"/field/stop/{day.lease}?lang=en").text
    chosen = re.search(r'<option value="([^"]+)" selected', page)
    assert chosen is not None
    return {"id": str(uuid.uuid4()), "day": chosen[1], "lang": "en", **typed}


TYPED: dict[str, tuple[dict[str, str], str]] = {
    "negative volume": ({"w0_oil_bbl": "-3"}, "cannot be below zero"),
    "gauge above tank": ({"g0_top_ft": "20", "g0_top_in": "1"}, "20' 1\""),
    "table too short": ({"g0_top_ft": "16", "g0_top_in": "0"}, "16' 0\""),
    "day to come": ({"w0_oil_bbl": "3", "day": f"{TODAY + timedelta(days=2)}"}, "has not begun"),
}


@pytest.mark.parametrize("name", list(TYPED))
def test_the_form_marks_the_field_and_keeps_what_was_typed(day: Day, name: str) -> None:
    typed, words = TYPED[name]
    carl = signed_in(day.office.app, "carl")
    sent = form(day, carl) | typed
    answer = carl.post(f"/field/stop/{day.lease}", sent)
    page = unescape(answer.text)
    assert answer.status_code == 422
    assert words in page
    assert 'aria-invalid="true"' in page
    for field, value in typed.items():
        if field != "day":
            assert re.search(rf'name="{field}"[^>]*value="{value}"', page), field
    assert day.count("tank_gauges") == 0


def test_a_locked_month_is_refused_at_every_door(day: Day) -> None:
    month = {"module": "production", "month": f"{TODAY.replace(day=1)}", "state": "closed"}
    key = day.made("accounting_periods", **month)
    try:
        for table, whole in (
            *(("production_records", made), ("tank_gauges", gauge), ("run_tickets", run)),
            *(("meter_readings", read), ("chemical_treatments", treated)),
        ):
            told = faults(day.owner.post(f"/{table}", whole(day)))
            assert "is closed" in told["production_date"], table
        carl = signed_in(day.office.app, "carl")
        sent = {"id": str(uuid.uuid4()), "day": f"{TODAY}", "w0_oil_bbl": "3"}
        answer = carl.post(f"/field/stop/{day.lease}", sent)
        assert answer.status_code == 422
        assert "closed" in answer.text
    finally:
        assert day.owner.patch(f"/accounting_periods/{key}", {"state": "open"}).status_code == 200
