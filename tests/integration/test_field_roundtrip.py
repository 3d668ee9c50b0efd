"""One entry's whole way: PIN at the site, the agent's outbox, a real broker, ingest, rows."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from agent.contract.pins import hash_pin
from agent.form.settings import FormSettings
from agent.runtime import Runtime
from hub.alerts import sitebundles
from hub.demo.postgres import free_port
from hub.production import siteforms, uptake
from tests.console import Visitor, open_console, signed_in
from tests.daywork import STRAP
from tests.fielding import PIN
from tests.ingest.hub import Running, settings_for, wait_until
from tests.integration.test_site_rules import TAG, House, house, hub
from tests.unit.test_site_form import Phone

pytestmark = pytest.mark.mosquitto
__all__ = ["house", "hub"]


def furnish(house: House, tank: uuid.UUID) -> None:
    """A tank with a strapping table at the lease, a PIN for its pumper, a tag at its well."""
    ours, rows = house.cast.bluebonnet, house.rows
    wait_until(lambda: rows.one(f"SELECT id FROM tags WHERE name = '{TAG}'"), "the tag is declared")
    rows.run(f"UPDATE tags SET well_id = %s WHERE name = '{TAG}'", ours.wells[1])
    rows.run(
        "INSERT INTO tanks (id, organization_id, name, contents, lease_id, capacity_bbl, height_in)"
        " VALUES (%s, %s, '1', 'oil', %s, 400, 240)",
        *(tank, ours.id, ours.lease),
    )
    rows.run(
        "INSERT INTO tank_strap_tables (id, organization_id, tank_id, valid_from)"
        " VALUES (%s, %s, %s, '2020-01-01')",
        *(tank, ours.id, tank),
    )
    for level, volume in STRAP:
        rows.run(
            "INSERT INTO tank_strap_points (organization_id, strap_table_id, level_in, volume_bbl)"
            " VALUES (%s, %s, %s, %s)",
            *(ours.id, tank, level, volume),
        )
    rows.run(
        "INSERT INTO field_pins (organization_id, membership_id, pin_hash)"
        " SELECT organization_id, id, %s FROM memberships WHERE user_id = %s",
        *(hash_pin(PIN), ours.pumper),
    )


@contextmanager
def site(house: House) -> Iterator[tuple[Runtime, Phone]]:
    """The agent with its form, as the hub signed it, and a phone at its network."""
    port, settings = free_port(), house.settings(house.key)
    served = replace(settings, form=FormSettings(port, "127.0.0.1"))
    house.settings = lambda _key: served  # type: ignore[method-assign]
    with house.site(house.key) as agent:
        at = SimpleNamespace(port=port, url=f"http://127.0.0.1:{port}")
        yield agent, Phone(cast(Any, at))


def sign(house: House, agent: Runtime) -> None:
    """Let the hub sign who may enter, and wait until the site has it."""
    work = house.database.engine("work")
    settings = settings_for(house.database.url, house.broker.url())
    assert siteforms.renew(work, settings) == 1
    assert sitebundles.renew(work, settings) == 1
    form = agent.onsite.form
    assert form is not None
    wait_until(lambda: bool(form.people.names), "the site knows who may enter")


def typed(page: str, tank: uuid.UUID, zone: ZoneInfo) -> dict[str, str]:
    """The form of a stop as it is sent: gauge, pressure and the published ticket."""
    day = re.search(r'<option value="([^"]+)" selected', page)
    assert day is not None
    now = datetime.now(UTC).astimezone(zone)
    times = {
        name: f"{now - timedelta(hours=hours):%H:%M}"
        for name, hours in (("opened", 2), ("closed", 1))
    }
    ticket = {
        "tank": str(tank),
        "kind": "oil_sale",
        "ticket_no": "77123",
        **times,
        "opening_ft": "14",
        "opening_in": "3",
        "opening_q": "1",
        "opening_f": "88",
        "closing_ft": "10",
        "closing_in": "2",
        "closing_q": "2",
        "closing_f": "86",
        "observed_gravity": "38.5",
        "observed_gravity_f": "60",
        "sediment_water_pct": "0.3",
    }
    return {
        "id": str(uuid.uuid4()),
        "day": day[1],
        "lang": "en",
        "do": "save",
        "g0_top_ft": "10",
        "g0_top_in": "2",
        "g0_top_q": "2",
        "w1_oil_bbl": "30",
        **{f"t0_{name}": value for name, value in ticket.items()},
    }


def by_phone(carl: Visitor, path: str, form: dict[str, str]) -> tuple[int, str]:
    answer = carl.post(f"/field{path}", form, Accept="application/json")
    return answer.status_code, answer.json["state"]


COUNTED = """
    SELECT (SELECT count(*) FROM field_entries), (SELECT count(*) FROM tank_gauges),
           (SELECT count(*) FROM run_tickets WHERE status = 'final'),
           (SELECT count(*) FROM production_records), (SELECT max(revision) FROM production_records)
"""


def test_an_entry_goes_from_the_site_to_rows_and_counts_once_by_both_doors(
    house: House, hub: Running
) -> None:
    ours, rows, tank = house.cast.bluebonnet, house.rows, uuid.uuid4()
    settings = settings_for(house.database.url, house.broker.url())
    work = house.database.engine("work")
    carl = signed_in(open_console(house.database), "carl")
    with site(house) as (agent, phone):
        furnish(house, tank)
        sign(house, agent)
        assert phone.sign_in(ours.pumper, "482914").status == 403
        assert phone.sign_in(ours.pumper, PIN).status == 303
        path = f"/stop/{ours.lease}"
        zone = ZoneInfo(rows.one("SELECT timezone FROM organizations WHERE id = %s", ours.id))
        first = typed(phone.ask(f"{path}?lang=en").text, tank, zone)
        assert phone.ask(path, first).status == 303
        wait_until(lambda: rows.one("SELECT count(*) FROM field_entries") == 1, "it arrives")
        assert uptake.take_up(work, settings) == 1
        assert rows.all("SELECT state, door, person_id FROM field_entries") == [
            ("taken", "agent", ours.pumper)
        ]
        assert rows.all("SELECT level_in, volume_bbl, created_by FROM tank_gauges") == [
            (Decimal("122.5"), Decimal("205.6600"), ours.pumper)
        ]
        assert rows.all(
            "SELECT ticket_no, opening_bbl - closing_bbl, net_standard_bbl FROM run_tickets"
        ) == [("77123", Decimal("81.8400"), Decimal("80.2600"))]
        assert rows.all("SELECT well_id, oil_bbl FROM production_records") == [(ours.wells[1], 30)]
        once = rows.all(COUNTED)
        assert once == [(1, 1, 1, 1, 0)]
        assert by_phone(carl, path, first) == (200, "taken"), "the phone sends the same entry"
        assert rows.all(COUNTED) == once

        # The other way round: a correction that the phone sent first comes from the site as well.
        mended = first | {
            "id": str(uuid.uuid4()),
            "replaces": first["id"],
            "w1_oil_bbl": "31",
        }
        assert by_phone(carl, path, mended) == (200, "taken")
        twice = rows.all(COUNTED)
        assert twice == [(2, 1, 1, 1, 1)]
        assert phone.ask(path, mended).status == 303
        desk = agent.onsite.form.desk if agent.onsite.form else None
        wait_until(lambda: desk is not None and desk.waiting == 0, "the hub has it from the site")
        assert uptake.take_up(work, settings) == 0
        assert rows.all(COUNTED) == twice
