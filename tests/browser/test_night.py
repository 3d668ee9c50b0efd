"""A bad night in a real browser: the keyboard, one note for many, a shelf, a call to an agency."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from sqlalchemy import text

from hub.console import create_app
from tests.browser import night, rota, scene
from tests.browser.chrome import PHONE, Browser
from tests.browser.conftest import Site
from tests.console import settings_for
from tests.servers import postgres
from tests.serving import served

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LOADED = "document.readyState === 'complete'"
#: The well of the row in which the cursor stands.
HERE = "document.activeElement.closest('tr')?.querySelector('.c-place').textContent.trim()"


@pytest.fixture(scope="module")
def house(plain_server: postgres.Server) -> Iterator[Site]:
    """One console for all of these tests: each touches what the others leave alone."""
    database = plain_server.fresh(postgres.migrated)
    built = scene.build(database.engine("owner"), datetime.now(UTC))
    rota.furnish(database, built)
    settings = settings_for(database)
    night.furnish(database, built, settings)
    with served(create_app(settings, database.engine("app"))) as port:
        yield Site(f"http://127.0.0.1:{port}", database, built)
    plain_server.drop(database)


def acked(site: Site, note: str) -> int:
    """How many alerts somebody took with these words."""
    with site.database.engine("owner").connect() as connection:
        found = text("SELECT count(*) FROM alerts WHERE ack = 'acked' AND ack_note = :note")
        return int(connection.scalar(found, {"note": note}) or 0)


def press(tab: Browser, keys: str) -> None:
    """Press keys one after another, wherever the cursor stands."""
    for key in keys:
        tab.driver.switch_to.active_element.send_keys(key)


def test_many_are_taken_and_shelved_with_the_keyboard_alone(house: Site, tab: Browser) -> None:
    house.sign_in(tab)
    tab.driver.get(f"{house.url}/alerts")
    tab.until(LOADED)
    assert "what came first: Foxtrot 1H, Power failed" in tab.run(
        "return document.querySelector('.note-box.bad[role=status]').textContent"
    )
    waiting = tab.run("return document.querySelectorAll('[data-waiting]').length")
    count = tab.run("return document.querySelector('#nav-live .count.due').textContent")
    assert count == str(waiting), "what is kept quiet waits for nobody"
    press(tab, "jjjx")
    assert tab.run(f"return {HERE}") == "Foxtrot 1H"
    press(tab, "jkjx")
    button = "document.querySelector('[data-pick-act]').textContent"
    tab.until(f"{button} === 'Acknowledge 2'")
    note = tab.driver.find_element(By.ID, "note")
    note.send_keys("crew is called, as always")  # an a and an s in words are no keys
    assert acked(house, "crew is called, as always") == 0
    note.send_keys(Keys.TAB)
    press(tab, "a")
    tab.until(f"document.querySelectorAll('[data-waiting]').length === {waiting - 2}")
    assert acked(house, "crew is called, as always") == 2

    tab.driver.get(f"{house.url}/alerts")
    tab.until(LOADED)
    tab.run("document.querySelector('#note').value = 'gauge is being changed'")
    where = f"tr:has(a[href$='{house.scene.alerts['Echo 4 tubing_pressure']}'])"
    tab.driver.find_element(By.CSS_SELECTOR, f"{where} [data-pick]").click()
    press(tab, "s")
    tab.until(f'!document.querySelector("{where}")')
    tab.driver.get(f"{house.url}/alerts/shelved")
    assert "gauge is being changed" in tab.driver.find_element(By.CSS_SELECTOR, where).text


def test_an_alert_is_taken_on_its_own_page_and_its_story_goes_on(house: Site, tab: Browser) -> None:
    house.sign_in(tab)
    tab.driver.get(f"{house.url}/alerts/{house.scene.alerts['Bravo 1H casing_pressure']}")
    tab.until("document.querySelector('[data-charts]')?.dataset.drawn")
    tab.driver.find_element(By.ID, "note").send_keys("opening it to the flare")
    tab.driver.find_element(By.CSS_SELECTOR, "#eta option[value='30']").click()
    tab.driver.find_element(By.CSS_SELECTOR, "[data-act-key=a]").click()
    tab.until(f"{LOADED} && document.body.textContent.includes('I am on site')")
    said = tab.run("return document.querySelector('ol.timeline').textContent")
    assert "Maria Haas · opening it to the flare" in said
    tab.driver.find_element(By.XPATH, "//button[text()='I am on site']").click()
    tab.until(f"{LOADED} && document.body.textContent.includes('a person said so')")
    assert "Declare an incident" in tab.driver.page_source


def test_from_the_board_to_the_record_of_a_call(house: Site, tab: Browser) -> None:
    house.sign_in(tab)
    tab.resize(PHONE, touch=True)
    tab.driver.get(f"{house.url}/incidents")
    tab.until("document.querySelector('time[data-until]')")
    tab.driver.find_element(By.PARTIAL_LINK_TEXT, "Flowline leak").click()
    tab.until(f"{LOADED} && document.querySelector('#owed')")
    top = "document.querySelector('[aria-labelledby=%s]').getBoundingClientRect().top"
    assert tab.run(f"return {top % 'owed'} < {top % 'next'}"), "what is owed comes first on a phone"
    assert tab.run("return document.documentElement.scrollWidth <= innerWidth")
    tab.driver.find_element(By.LINK_TEXT, "Script").click()
    tab.until(f"{LOADED} && document.getElementById('f-told_to')")
    page = tab.driver.find_element(By.TAG_NAME, "main").text
    assert "NRC-1418820" in page, "what others were told belongs into the script"
    assert "Replace 60 ft of the flowline" in page
    tab.driver.find_element(By.ID, "f-told_to").send_keys("Inspector Baca")
    tab.driver.find_element(By.ID, "f-reference").send_keys("OCD-2026-77")
    tab.run("document.querySelector('form:has(#f-told_to) button').click()")
    tab.until(f"{LOADED} && document.querySelector('#owed')")
    assert "told Inspector Baca by phone, reference OCD-2026-77" in tab.run(
        "return document.querySelector('[aria-labelledby=owed]').textContent"
    )
