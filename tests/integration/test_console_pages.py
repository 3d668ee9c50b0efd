"""What the pages say: a believable operator, seen by the people who work for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import text

from tests.browser import scene as scenes
from tests.console import Visitor, open_console, read
from tests.servers import postgres


@dataclass
class Office:
    """The console of the scene, and Maria who manages it."""

    app: Flask
    database: postgres.Database
    scene: scenes.Scene
    maria: Visitor

    def rows(self, statement: str, **values: Any) -> list[Any]:
        with self.database.engine("owner").begin() as connection:
            done = connection.execute(text(statement), values)
            return list(done) if done.returns_rows else []

    def well(self, name: str) -> str:
        return f"/wells/{self.scene.wells[name]}"

    def alert(self, name: str) -> str:
        return f"/alerts/{self.scene.alerts[name]}"


@pytest.fixture(scope="module")
def built(plain_server: postgres.Server) -> Iterator[Office]:
    database = plain_server.fresh(postgres.migrated)
    scene = scenes.build(database.engine("owner"), datetime.now(UTC))
    app = open_console(database)
    maria = Visitor(app)
    maria.sign_in(scene.email)
    yield Office(app, database, scene, maria)
    plain_server.drop(database)


@pytest.fixture
def office(built: Office) -> Office:
    """The scene with everybody just heard, but for the silent site."""
    scenes.refresh(built.database.engine("owner"), built.scene, datetime.now(UTC))
    built.app.extensions["wellflow"].cache.clear()
    return built


def row_of(page: str, name: str) -> str:
    """The words of the table row that begins with a name."""
    match = re.search(rf"<tr[^>]*>(?:(?!</tr>).)*?>{re.escape(name)}<.*?</tr>", page, re.DOTALL)
    assert match is not None, name
    return " ".join(re.sub(r"<[^>]+>", " ", match[0]).split())


def test_the_fleet_says_what_waits(office: Office) -> None:
    answer = office.maria.get("/")
    page, words = answer.get_data(as_text=True), read(answer)
    assert "<title>(3) Fleet" in page
    assert "Unacknowledged 3 1 critical · 1 warning · 1 caution" in words
    assert "Silent agents 1 4 of 5 heard" in words
    assert "Wells with alarms 4 of 14 wells" in words
    order = [
        words.index(name) for name in ("Casing pressure very", "Tank level", "Tubing pressure low")
    ]
    assert order == sorted(order)
    assert words.index("Tubing temperature low") > order[-1]  # acknowledged: after what waits


@pytest.fixture
def heard(office: Office) -> Iterator[None]:
    """Puts back when agents were heard."""
    before = office.rows("SELECT id, heard_at, online FROM agents")
    yield
    for agent in before:
        told = "UPDATE agents SET heard_at = :heard_at, online = :online WHERE id = :id"
        office.rows(told, **agent._mapping)


@pytest.mark.parametrize("online", [True, False])
@pytest.mark.parametrize("age", [0, 115, 125, None])
@pytest.mark.usefixtures("heard")
def test_the_menu_and_the_fleet_agree_on_who_is_silent(
    office: Office, age: int | None, online: bool
) -> None:
    """One asks the database, the other reckons here: by the same rule."""
    at = None if age is None else datetime.now(UTC) - timedelta(seconds=age)
    office.rows("UPDATE agents SET heard_at = :at, online = :on", at=at, on=online)
    office.app.extensions["wellflow"].cache.clear()
    answer = office.maria.get("/")
    silent = age is None or age > 120 or not online
    assert f"Silent agents {5 if silent else 0} {0 if silent else 5} of 5 heard" in read(answer)
    menu = re.search(r">Agents\s*(?:<span class=\"count look\">(\d+))?", answer.text)
    assert menu is not None
    assert int(menu[1] or 0) == (5 if silent else 0)


def test_a_silent_well_is_never_shown_as_healthy(office: Office) -> None:
    page = office.maria.get("/").get_data(as_text=True)
    row = row_of(page, "Echo 3")
    assert "5 of 5 silent" in row
    assert "silent since" in row
    assert re.search(r'<tr id="well-[^"]*" class="stale">\s*<th[^>]*><a[^>]*>Echo 3<', page)
    words = read(office.maria.get(office.well("Echo 3")))
    assert "Silent since" in words
    assert "Nothing below is known to be so now." in words


def test_a_gauge_that_gives_no_value_says_why(office: Office) -> None:
    assert "1 of 5 silent" in row_of(office.maria.get("/").get_data(as_text=True), "Juliet 2H")
    assert "device does not answer" in read(office.maria.get(office.well("Juliet 2H")))


def test_an_alert_without_data_says_that_it_is_not_known(office: Office) -> None:
    row = row_of(office.maria.get("/alerts").get_data(as_text=True), "Echo 4")
    assert "no data since" in row
    assert "state unknown" in row


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("?show=silent", "Echo 3", "Bravo 2H"),
        ("?show=shut_in", "Kilo 1", "Bravo 2H"),
        ("?show=alerts", "Bravo 1H", "Bravo 2H"),
        ("?show=gas", "Juliet 1H", "Bravo 2H"),
    ],
)
def test_chips_narrow_the_wells(office: Office, query: str, shown: str, hidden: str) -> None:
    table = office.maria.get(f"/{query}").get_data(as_text=True).partition('class="cards wells"')[2]
    assert f">{shown}<" in table
    assert f">{hidden}<" not in table


def test_columns_sort_and_say_so(office: Office) -> None:
    page = office.maria.get("/?sort=-casing").get_data(as_text=True)
    assert 'aria-sort="descending"' in page
    table = page.partition('class="cards wells"')[2]
    names = re.findall(r'<th scope="row"[^>]*><a[^>]*>([^<]+)<', table)
    assert names[0] == "Bravo 1H"
    assert len(names) == 14


def test_times_are_the_operators_and_carry_the_instant(office: Office) -> None:
    ((raised,),) = office.rows(
        "SELECT raised_at FROM alerts WHERE id = :id",
        id=office.scene.alerts["Bravo 1H casing_pressure"],
    )
    page = office.maria.get(office.alert("Bravo 1H casing_pressure")).get_data(as_text=True)
    assert f'title="{raised.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"' in page
    assert f'datetime="{raised.astimezone(UTC):%Y-%m-%dT%H:%M:%S}' in page
    local = raised.astimezone(ZoneInfo("America/Chicago"))
    assert f"{local:%H:%M:%S}</time>" in page


def test_a_poll_gets_only_what_changed(office: Office) -> None:
    whole = office.maria.get("/agents")
    mark = whole.headers["HX-PTag"]
    assert office.maria.get("/agents", HX_Request="true", HX_PTag=mark).status_code == 304
    part = office.maria.get("/agents", HX_Request="true", HX_PTag="older")
    assert part.status_code == 200
    page = part.get_data(as_text=True)
    assert "<html" not in page
    assert 'hx-swap-oob="innerMorph"' in page
    office.rows("UPDATE agents SET heard_at = now() WHERE name = 'pad-7'")
    again = office.maria.get("/agents", HX_Request="true", HX_PTag=mark)
    assert again.status_code == 200
    assert again.headers["HX-PTag"] != mark


def test_the_well_page_shows_values_bands_and_limits(office: Office) -> None:
    words = read(office.maria.get(office.well("Bravo 1H")))
    for title in ("Tubing pressure", "Casing pressure", "Line pressure", "Gas rate"):
        assert title in words
    assert "Casing pressure very high: 1,182 psi, limit 1,100 psi" in words
    assert "oil well · producing" in words


def test_the_charts_data_keeps_gaps_open(office: Office) -> None:
    found = office.maria.get(f"{office.well('Echo 4')}/series?range=6h").get_json()
    chart = next(chart for chart in found["charts"] if chart["name"] == "Tubing pressure")
    assert len(chart["t"]) == len(chart["avg"]) == len(chart["min"]) == len(chart["max"])
    assert max(chart["t"]) < found["to"] - 4 * 3600  # nothing is drawn for the silent hours
    assert [limit["text"] for limit in chart["limits"]] == ["very low", "low", "high"]
    assert chart["spells"][0]["tone"] == "caution"
    office.rows(
        "DELETE FROM readings WHERE tag_id = :tag AND time > now() - interval '3 hours'"
        " AND time < now() - interval '2 hours'",
        tag=office.scene.tags["Foxtrot 1H", "gas_rate"],
    )
    found = office.maria.get(f"{office.well('Foxtrot 1H')}/series").get_json()
    chart = next(chart for chart in found["charts"] if chart["name"] == "Gas rate")
    gap = chart["avg"].index(None)
    assert chart["t"][gap + 1] - chart["t"][gap] > 3000


def test_the_charts_are_asked_again_only_for_news(office: Office) -> None:
    path = f"{office.well('Bravo 2H')}/series?range=1h"
    first = office.maria.get(path)
    mark = first.headers["HX-PTag"]
    assert office.maria.get(path, HX_PTag=mark).status_code == 304
    scenes.refresh(office.database.engine("owner"), office.scene, datetime.now(UTC))
    assert office.maria.get(path, HX_PTag=mark).status_code == 200


@pytest.mark.parametrize(
    ("query", "hours"),
    [
        ("range=24h", 24),
        ("range=nonsense", 6),
        ("from=2026-11-01T06:00&to=2026-11-01T18:00", 12),
        ("from=2026-11-01T18:00&to=2026-11-01T06:00", 6),
        ("from=2026-03-08T00:00&to=2026-03-09T00:00", 23),  # the day the clocks go forward
        ("from=2026-11-01T06:00:00Z&to=2026-11-01T07:00:00%2B00:00", 1),
    ],
)
def test_the_span_is_in_the_address(office: Office, query: str, hours: float) -> None:
    found = office.maria.get(f"{office.well('Bravo 2H')}/series?{query}").get_json()
    assert found["to"] - found["from"] == pytest.approx(hours * 3600)


def test_an_alert_tells_its_whole_story(office: Office) -> None:
    words = read(office.maria.get(office.alert("Bravo 1H casing_pressure")))
    steps = ["Happened", "Reached the hub", "Judged", "Sent", "Seen", "Acknowledged", "Cleared"]
    places = [words.index(step, words.index("who knew what")) for step in steps]
    assert places == sorted(places)
    assert "2 of 2 messages" in words
    assert "421 4.3.2 try again later" in words
    assert "Open the casing to the flare" in words
    assert "30 min" in words


def test_the_journal_goes_back_page_by_page(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.console.pages.alerts.PER_PAGE", 4)
    seen: list[str] = []
    path: str | None = "/alerts/journal"
    while path:
        page = office.maria.get(path).get_data(as_text=True)
        seen += re.findall(r'<tr id="past-([^"]+)"', page)
        older = re.search(r'href="([^"]*before=[^"]*)">Older', page)
        path = older and older[1].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == len(office.rows("SELECT id FROM alerts"))
    begun = dict(office.rows("SELECT id::text, raised_at FROM alerts"))
    assert [begun[one] for one in seen] == sorted(begun.values(), reverse=True)


def test_the_journal_narrows_by_severity_and_well(office: Office) -> None:
    page = read(office.maria.get("/alerts/journal?priority=4"))
    assert "Delta 2" in page
    assert "Bravo 1H" not in page
    well = office.scene.wells["Bravo 2H"]
    page = read(office.maria.get(f"/alerts/journal?well={well}"))
    assert "Tubing pressure low: 242 psi" in page
    assert "Delta 2" not in page


def test_agents_say_how_far_they_are_complete(office: Office) -> None:
    page = office.maria.get("/agents").get_data(as_text=True)
    echo, north = row_of(page, "echo"), row_of(page, "north-road")
    assert "silent since" in echo
    assert "online" in north
    assert re.search(r"online 0?\d+ s \d\d:\d\d:\d\d", north)
    assert "wellflow-hub agent add pad-1 --organization permian-west" in read(
        office.maria.get("/agents")
    )


def test_an_agent_names_its_gaps_and_why(office: Office) -> None:
    words = read(office.maria.get(f"/agents/{office.scene.agents['north-road']}"))
    assert "1,560 thinned: the outbox was full" in words
    assert "blocks 40100\u201340112" in words
    assert "The outbox was full: 1,560 readings were thinned" in words


def test_quarantine_shows_the_reason_and_the_bytes(office: Office) -> None:
    listed = office.maria.get("/quarantine")
    assert "more than two minutes ahead of the hub" in read(listed)
    path = re.search(r'href="(/quarantine/[0-9a-f-]{36})"', listed.get_data(as_text=True))
    assert path is not None
    page = office.maria.get(path[1]).get_data(as_text=True)
    assert "000000  00 7b 22 63" in page
    assert "{&#34;c&#34;:3" in page  # as text, never as a page


def test_who_may_not_change_sees_no_way_to(office: Office) -> None:
    jolene = Visitor(office.app)
    jolene.sign_in("j.reed@permianwest.example")
    page = jolene.get("/").get_data(as_text=True)
    for forbidden in ("/acknowledge", "Quarantine", "Channels", "Add a well"):
        assert forbidden not in page
    agent = jolene.get(f"/agents/{office.scene.agents['pad-7']}").get_data(as_text=True)
    assert "Save links" not in agent
    rule = jolene.get(f"/rules/{office.scene.rules['Bravo 1H', 'casing_pressure']}")
    assert "<fieldset disabled>" in rule.get_data(as_text=True)


def test_a_new_operator_is_shown_how_to_begin(office: Office) -> None:
    office.rows(
        """WITH o AS (INSERT INTO organizations (name, slug) VALUES ('New Oil', 'new-oil')
           RETURNING id)
           INSERT INTO memberships (organization_id, user_id, role)
           SELECT o.id, u.id, 'owner' FROM o, users u WHERE u.email LIKE 'r.ortiz%'"""
    )
    ((new,),) = office.rows("SELECT id FROM organizations WHERE slug = 'new-oil'")
    ortiz = Visitor(office.app)
    ortiz.sign_in("r.ortiz@permianwest.example")
    ortiz.post(f"/work-for/{new}")
    assert "First name the wells you run" in read(ortiz.get("/"))
    assert "No agent has joined yet" in read(ortiz.get("/agents"))
    assert "wellflow-hub agent add pad-1 --organization new-oil" in read(ortiz.get("/agents"))
    assert "Nothing stands" in read(ortiz.get("/alerts"))
    assert "let an agent join" in read(ortiz.get("/rules"))
    assert "Nobody is told" in read(ortiz.get("/channels"))
    assert "Nothing in quarantine" in read(ortiz.get("/quarantine"))
    office.rows("DELETE FROM sessions")
    office.rows("DELETE FROM memberships WHERE organization_id = :new", new=new)
    office.maria.sign_in(office.scene.email)


def test_silence_has_a_reason_even_before_the_first_reading(office: Office) -> None:
    office.rows(
        "DELETE FROM readings_latest WHERE tag_id = :tag",
        tag=office.scene.tags["Foxtrot 3H", "gas_rate"],
    )
    assert "no reading yet" in read(office.maria.get(office.well("Foxtrot 3H")))


def test_ages_are_counted_from_the_hubs_clock(office: Office) -> None:
    page = office.maria.get("/").get_data(as_text=True)
    told = int(re.search(r'data-now="(\d+)"', page)[1])  # type: ignore[index]
    now = datetime.now(UTC)
    assert abs(now - datetime.fromtimestamp(told / 1000, UTC)) < timedelta(seconds=5)
    assert 'data-zone="America/Chicago"' in page
