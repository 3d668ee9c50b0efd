"""Production in the console: the day, the grid, two entries side by side, a refused one mended."""

from __future__ import annotations

import html
import json
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from hub.production import uptake
from hub.production.close import close_operator
from tests.console import Visitor, open_console, signed_in
from tests.daywork import CLOCK
from tests.registering import Office, open_office
from tests.servers.postgres import Server, migrated

DAY = CLOCK.closed(datetime.now(UTC))


@pytest.fixture(scope="module")
def office(plain_server: Server) -> Iterator[Office]:
    database = plain_server.fresh(migrated)
    yield open_office(database)
    plain_server.drop(database)


@pytest.fixture(scope="module")
def app(office: Office) -> Flask:
    return open_console(office.database)


@pytest.fixture(scope="module")
def bob(app: Flask) -> Visitor:
    return signed_in(app, "bob")


def words(body: str) -> str:
    """A page's text."""
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", body).split()))


def enter(office: Office, person: uuid.UUID, **parts: Any) -> uuid.UUID:
    """An entry that came from the site and was taken up; answers the key of its row."""
    ours, owner = office.ours, office.database.engine("owner")
    saved = int(datetime.now(UTC).timestamp() * 1000)
    head = {"v": 1, "id": str(uuid.uuid4()), "stop": str(ours.lease), "person": str(person)}
    body = {**head, "day": f"{DAY}", "saved": saved, **parts}
    with owner.begin() as connection:
        key = connection.scalar(
            text(
                "INSERT INTO field_entries (organization_id, entry_id, agent_id, door, body,"
                " saved_at) VALUES (:o, :e, :a, 'agent', CAST(:b AS jsonb), now()) RETURNING id"
            ),
            {"o": ours.id, "e": head["id"], "a": ours.agents[0], "b": json.dumps(body)},
        )
    with owner.begin() as connection:
        waiting = connection.execute(uptake._NEW, {"most": 9}).all()
    work, people = (office.database.engine(role) for role in ("work", "app"))
    assert uptake.take_all(work, people, waiting) == 1
    return uuid.UUID(str(key))


def well(office: Office, number: int, **read: str) -> dict[str, Any]:
    return {"wells": [{"well": str(office.ours.wells[number]), **read}]}


def figures(office: Office) -> list[tuple[Any, ...]]:
    with office.session() as session:
        rows = session.execute(
            text(
                "SELECT w.name, r.oil_bbl, r.tubing_psig, r.source FROM production_records r"
                " JOIN wells w ON w.id = r.well_id"
                " WHERE r.record_kind = 'field_estimate' ORDER BY w.name"
            )
        )
        return [tuple(row) for row in rows]


def test_two_entries_stand_side_by_side_until_the_office_chooses(
    office: Office, app: Flask, bob: Visitor
) -> None:
    enter(office, office.ours.pumper, **well(office, 0, tubing_psig="410"))
    second = enter(office, office.cast.both, **well(office, 0, tubing_psig="512"))
    page = bob.get(f"/production/entries/{second}")
    assert "Bluebonnet 1H: Tubing pressure differs 410 psig 512 psig" in words(page.text)
    assert "Two entries" in words(bob.get("/production/entries").text)
    carl = signed_in(app, "carl")
    assert "Take the second" not in carl.get(f"/production/entries/{second}").text
    refused = carl.post(f"/production/entries/{second}/choose", {"keep": "second"})
    assert (refused.status_code, "ask a manager" in refused.text) == (409, True)
    assert figures(office) == [("Bluebonnet 1H", None, 410, "pumper")]
    taken = bob.post(f"/production/entries/{second}/choose", {"keep": "second"})
    assert taken.status_code == 303
    assert figures(office) == [("Bluebonnet 1H", None, 512, "pumper")]
    again = bob.post(f"/production/entries/{second}/choose", {"keep": "first"})
    assert "decided about this entry already" in again.text


def test_a_refused_entry_is_mended_where_it_waits(office: Office, bob: Visitor) -> None:
    read = {"tubing_psig": "88", "hours_down": "4", "down_code": "UNP-BELT"}
    third = well(office, 1, **read)
    third["gauges"] = [{"tank": str(uuid.uuid4()), "level_in": "10"}]
    key = enter(office, office.ours.pumper, **third)
    page = bob.get(f"/production/entries/{key}")
    assert "This tank is not of this stop." in words(page.text)
    del third["gauges"]
    later = (DAY + timedelta(days=9)).isoformat()
    key = enter(office, office.ours.pumper, **{**third, "day": later})
    page = bob.get(f"/production/entries/{key}")
    assert 'aria-invalid="true"' in page.text
    assert "This day has not come yet" in page.text
    still = bob.post(f"/production/entries/{key}/mend", {"day": later, "wells.0.tubing_psig": "x"})
    assert (still.status_code, 'value="x"' in still.text) == (422, True)
    assert bob.post(f"/production/entries/{key}/mend", {"day": f"{DAY}"}).status_code == 303
    assert figures(office)[1] == ("Bluebonnet 2H", None, 88, "pumper")
    assert "mended this entry already" in bob.post(f"/production/entries/{key}/mend", {}).text


def test_the_grid_saves_what_can_be_and_marks_what_cannot(office: Office, bob: Visitor) -> None:
    first, second = office.ours.wells
    address = f"/production/grid?day={DAY}"
    page = bob.get(address)
    assert "512" in page.text
    version = re.search(rf'name="{first}.version" value="(\d+)"', page.text)
    assert version is not None
    sent = {f"{first}.version": version[1], f"{first}.oil_bbl": "31.5"}
    mixed = {**sent, f"{second}.version": "1", f"{second}.oil_bbl": "-3"}
    answer = bob.post(address, mixed)
    assert answer.status_code == 422
    assert 'value="-3"' in answer.text
    assert "Oil takes at least 0" in words(answer.text)
    assert figures(office)[0][1] == Decimal("31.5")
    stale = bob.post(address, {**sent, f"{first}.oil_bbl": "40"})
    assert "Somebody else entered 31.5 meanwhile." in words(stale.text)
    assert figures(office)[0][1] == Decimal("31.5")


def test_two_people_fill_in_two_cells_of_one_row_and_both_are_kept(
    office: Office, bob: Visitor
) -> None:
    well = office.ours.wells[0]
    address = f"/production/grid?day={DAY}"
    seen = re.findall(rf'name="({well}\.(?:version|was))" value="([^"]*)"', bob.get(address).text)
    mine = dict(seen) | {f"{well}.casing_psig": "96"}
    theirs = dict(seen) | {f"{well}.water_bbl": "7"}
    assert bob.post(address, theirs).status_code == 303
    assert bob.post(address, mine).status_code == 303, "another cell of the row is no conflict"
    again = bob.post(address, dict(seen) | {f"{well}.water_bbl": "9", f"{well}.casing_psig": "95"})
    assert words(again.text).count("Somebody else entered") == 2
    with office.session() as session:
        row = session.execute(
            text(
                "SELECT oil_bbl, water_bbl, casing_psig FROM production_records"
                " WHERE well_id = :w AND record_kind = 'field_estimate'"
            ),
            {"w": well},
        ).one()
    assert tuple(row) == (Decimal("31.5"), 7, 96)


def test_the_day_says_what_is_open_of_each_lease(office: Office, bob: Visitor) -> None:
    close_operator(office.database.engine("app"), office.ours.id, days=1)
    page = words(bob.get(f"/production?day={DAY}").text)
    assert "Bluebonnet Energy Unit 1" in page
    assert "An entry was refused and waits to be mended" in page
    assert 'href="/production/entries"' in bob.get(f"/production?day={DAY}").text
    assert "Nothing was compared" in bob.get("/production/reconciliation?day=2001-01-01").text
    assert bob.get(f"/production/reconciliation?day={DAY}").status_code == 200
    assert "Nothing was closed" in bob.get("/production?day=2001-01-01").text
    assert bob.get("/production?day=rubbish").status_code == 200
