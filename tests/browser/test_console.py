"""The console in a real browser: signing in, living pages, charts, acknowledging, a phone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from sqlalchemy import text

from tests.browser.chrome import PHONE, Browser
from tests.browser.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROWS = "document.querySelectorAll('.alarms tbody tr').length"
UNREAD = "document.querySelectorAll('[data-waiting]').length"


def title(tab: Browser) -> str:
    return str(tab.driver.title)


def test_sign_in_and_out(site: Site, tab: Browser) -> None:
    site.sign_in(tab)
    assert title(tab) == "(3) Fleet · WellFlow"
    assert tab.run("return document.cookie") == ""  # no script can read the session
    tab.driver.find_element("xpath", "//nav[1]//button[text()='Sign out']").click()
    tab.until("location.pathname === '/sign-in'")
    tab.driver.get(site.url)
    assert tab.run("return location.pathname") == "/sign-in"


def test_the_fleet_lives(site: Site, tab: Browser) -> None:
    site.sign_in(tab)
    assert tab.run(f"return {ROWS}") == 4
    tab.run("document.querySelector('#live').dataset.witness = 'same element'")
    with site.database.engine("owner").begin() as connection:
        connection.execute(
            text("UPDATE alerts SET closed_at = now() WHERE priority = 2 AND closed_at IS NULL")
        )
    tab.until(f"{ROWS} === 3")  # by the page's own refresh
    tab.until("document.title.startsWith('(2)')")
    assert tab.run("return document.querySelector('#live').dataset.witness") == "same element"
    tab.until("document.querySelector('#nav-live .count.due').textContent === '2'")


def test_what_is_new_is_said_aloud(site: Site, tab: Browser) -> None:
    with site.database.engine("owner").begin() as connection:
        connection.execute(text("UPDATE alerts SET ack = 'acked' WHERE ack = 'unacked'"))
    site.sign_in(tab)
    assert "icon.svg" in tab.run("return document.querySelector('link[rel=icon]').href")
    with site.database.engine("owner").begin() as connection:
        connection.execute(text("UPDATE alerts SET ack = 'unacked' WHERE priority = 1"))
    tab.come_back()
    tab.until("document.getElementById('announce').textContent.includes('Critical, Bravo 1H')")
    assert "icon-due.svg" in tab.run("return document.querySelector('link[rel=icon]').href")


def test_acknowledge_in_the_row(site: Site, tab: Browser) -> None:
    site.sign_in(tab)
    row = f"alert-{site.scene.alerts['Bravo 1H casing_pressure']}"
    tab.driver.find_element("css selector", f"#{row} button").click()
    tab.until(f"document.querySelector('#{row} .acts-cell').textContent.includes('acked · Maria')")
    assert tab.run("return location.pathname") == "/"  # without leaving the page
    tab.until("document.title.startsWith('(2)')")
    with site.database.engine("owner").begin() as connection:
        ((ack,),) = connection.execute(text("SELECT ack FROM alerts WHERE priority = 1"))
    assert ack == "acked"


def test_acknowledge_several_with_a_note_that_survives_refreshes(site: Site, tab: Browser) -> None:
    site.sign_in(tab)
    tab.driver.get(f"{site.url}/alerts")
    button = tab.driver.find_element("css selector", "[data-pick-act]")
    assert not button.is_enabled()
    note = tab.driver.find_element("id", "note")
    note.send_keys("On my way, ")
    tab.driver.find_element("css selector", "[data-pick-all]").click()
    assert button.text == "Acknowledge 3"
    with site.database.engine("owner").begin() as connection:
        connection.execute(text("UPDATE alerts SET extreme = 99, message = message || ' now'"))
    tab.come_back()
    tab.until("document.querySelector('.c-what').textContent.includes(' now')")
    note.send_keys("40 minutes")
    assert note.get_property("value") == "On my way, 40 minutes"
    tab.driver.find_elements("css selector", "[data-pick]")[2].click()
    assert button.text == "Acknowledge 2"
    button.click()
    tab.until(f"{UNREAD} === 1")
    with site.database.engine("owner").begin() as connection:
        said = "SELECT count(*) FROM alerts WHERE ack_note = 'On my way, 40 minutes'"
        assert connection.scalar(text(said)) == 2


def test_the_well_draws_its_charts(site: Site, tab: Browser) -> None:
    site.sign_in(tab)
    tab.driver.find_element("link text", "Bravo 1H").click()
    tab.until("document.querySelector('[data-charts]')?.dataset.drawn === '5'")
    drawn = tab.run(
        """return [...document.querySelectorAll('.uplot canvas')].map(canvas => {
             const pen = canvas.getContext('2d'), {width, height} = canvas;
             const {buffer} = pen.getImageData(0, 0, width, height).data;
             return new Set(new Uint32Array(buffer)).size; })"""
    )
    assert len(drawn) == 5
    assert min(drawn) > 5  # lines, grid and words, not an empty sheet
    names = tab.run("return [...document.querySelectorAll('.legend')].map(l => l.textContent)")
    assert names[1].startswith("Casing pressure 1,1")
    tab.driver.find_element("link text", "24h").click()
    tab.until("new URLSearchParams(location.search).get('range') === '24h'")
    tab.until("document.querySelector('[data-charts]')?.dataset.drawn === '5'")


def test_a_chart_takes_up_new_readings_by_itself(site: Site, tab: Browser) -> None:
    site.sign_in(tab)
    tab.driver.get(f"{site.url}/wells/{site.scene.wells['Bravo 2H']}?range=1h")
    tab.until("document.querySelector('[data-charts]')?.dataset.drawn")
    now = datetime.now(UTC) + timedelta(seconds=1)
    with site.database.engine("owner").begin() as connection:
        values = {
            "at": now,
            "tag": site.scene.tags["Bravo 2H", "tubing_pressure"],
            "org": site.scene.organization,
        }
        connection.execute(text("INSERT INTO readings VALUES (:at, 987.0, :org, :tag, 0)"), values)
        latest = "UPDATE readings_latest SET time = :at, value = 987 WHERE tag_id = :tag"
        connection.execute(text(latest), values)
    tab.until("document.querySelector('.legend b').textContent === '987'")


def test_dragging_over_a_chart_zooms_by_address(site: Site, tab: Browser) -> None:
    site.sign_in(tab)
    tab.driver.get(f"{site.url}/wells/{site.scene.wells['Bravo 2H']}")
    tab.until("document.querySelector('[data-charts]')?.dataset.drawn")
    over = tab.driver.find_element("css selector", ".u-over")
    drag = ActionChains(tab.driver, duration=50).move_to_element_with_offset(over, -200, 0)
    drag.click_and_hold().move_by_offset(120, 0).move_by_offset(80, 0).release().perform()
    tab.until("new URLSearchParams(location.search).has('from')")
    tab.until("document.querySelector('[data-charts]')?.dataset.drawn")


def test_a_page_that_loses_the_hub_says_so(site: Site, tab: Browser) -> None:
    site.sign_in(tab)
    tab.driver.execute_cdp_cmd("Network.enable", {})
    offline = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    tab.driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    tab.until("document.body.classList.contains('unreachable')")
    banner = tab.driver.find_element("css selector", ".lost")
    assert banner.is_displayed()
    assert "No connection to the hub" in banner.text
    tab.driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline | {"offline": False})
    tab.until("!document.body.classList.contains('unreachable')")
    expected = ("ERR_INTERNET_DISCONNECTED", "Failed to fetch")
    assert [word for word in tab.words() if not any(e in word for e in expected)] == []


PLACES = ("/", "/alerts", "/alerts/journal", "/agents", "/quarantine", "/rules", "/channels")


def test_a_phone_never_scrolls_sideways(site: Site, tab: Browser) -> None:
    tab.resize(PHONE, touch=True)
    site.sign_in(tab)
    own = site.scene
    item = tab.run(
        "return fetch('/quarantine').then(r => r.text()).then(t => t.match("
        "/\\/quarantine\\/[0-9a-f-]{36}/)[0])"
    )
    places = (
        *PLACES,
        f"/wells/{own.wells['Bravo 1H']}",
        f"/wells/{own.wells['Echo 4']}",
        "/wells/new",
        f"/alerts/{own.alerts['Bravo 1H casing_pressure']}",
        f"/agents/{own.agents['north-road']}",
        f"/rules/{own.rules['Bravo 1H', 'casing_pressure']}",
        item,
    )
    for place in places:
        tab.driver.get(f"{site.url}{place}")
        if tab.run("return document.querySelector('[data-charts]') !== null"):
            tab.until("document.querySelector('[data-charts]').dataset.drawn")
        assert tab.run("return document.documentElement.scrollWidth") == PHONE[0], place


def test_a_thumb_finds_everything(site: Site, tab: Browser) -> None:
    tab.resize(PHONE, touch=True)
    site.sign_in(tab)
    for place in PLACES:
        tab.driver.get(f"{site.url}{place}")
        small = tab.run(
            """return [...document.querySelectorAll(
                 'button, .button, .chip, .tabs a, .bottom a, .bottom summary, select, ' +
                 'input:not([type=hidden], [type=checkbox])')]
               .filter(e => e.offsetParent && e.getBoundingClientRect().height < 44)
               .map(e => `${e.tagName} ${e.textContent.trim()}`)"""
        )
        assert small == [], place


def test_the_keyboard_reaches_what_the_mouse_does(site: Site, tab: Browser) -> None:
    site.sign_in(tab)
    tab.driver.switch_to.active_element.send_keys("\ue004")  # tab
    assert tab.run("return document.activeElement.textContent") == "Skip to the page"
    missing = tab.run(
        """return [...document.querySelectorAll('input, select, textarea')]
             .filter(e => e.type !== 'hidden' && !e.labels?.length && !e.ariaLabel)
             .map(e => e.name)"""
    )
    assert missing == []
    heads = tab.run("return [...document.querySelectorAll('th')].filter(h => !h.scope).length")
    assert heads == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_schemes_are_drawn(site: Site, tab: Browser, scheme: str) -> None:
    tab.scheme(scheme)
    site.sign_in(tab)
    ground = tab.run("return getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(246, 246, 244)", "dark": "rgb(20, 24, 27)"}[scheme]
