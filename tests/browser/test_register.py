"""The register in a real browser: finding, editing, being refused, history, an import tried."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser import desk
from tests.browser.chrome import PHONE, Browser
from tests.browser.conftest import Site
from tests.browser.shots import SETTLED, try_import

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAMES = "[...document.querySelectorAll('table.register tbody th')].map(h => h.textContent.trim())"


@pytest.fixture
def desked(site: Site, tab: Browser) -> Site:
    """The scene with its office, and its owner signed in."""
    desk.furnish(site.database, site.scene)
    site.sign_in(tab, desk.OWNER)
    return site


def test_find_edit_be_refused_and_read_the_history(desked: Site, tab: Browser) -> None:
    driver = tab.driver
    driver.get(f"{desked.url}/register/wells")
    tab.until("document.querySelector('.facets .total')")  # counts are loaded beside the list
    driver.find_element("xpath", "//div[@class='facet'][1]//a[contains(., 'shut in')]").click()
    tab.until(f"location.search === '?status=shut_in' && {NAMES}.length === 2")
    driver.find_element("tag name", "body").send_keys("/")
    seek = driver.switch_to.active_element
    assert seek.get_attribute("name") == "q"
    seek.send_keys("delta", Keys.ENTER)
    tab.until(f"{NAMES}.length === 1 && {NAMES}[0] === 'Delta 3H'")
    driver.find_element("tag name", "body").send_keys("j")
    driver.switch_to.active_element.send_keys(Keys.ENTER)
    tab.until("document.querySelector('h1').textContent === 'Delta 3H'")
    driver.find_element("link text", "Edit").click()
    tab.until("document.getElementById('f-md_ft')")
    depth = driver.find_element("id", "f-md_ft")
    depth.clear()
    depth.send_keys("deep")
    driver.find_element("css selector", ".save-bar button").click()
    tab.until("document.getElementById('faults')")
    assert "“deep” is not one" in driver.find_element("id", "h-md_ft").text
    driver.find_element("id", "f-md_ft").clear()
    driver.find_element("id", "f-md_ft").send_keys("20100")
    lease = driver.find_element("id", "f-lease_id")
    lease.clear()
    lease.send_keys("echo")
    tab.until("document.querySelector('#o-lease_id [role=option]')")
    lease.send_keys(Keys.ARROW_DOWN, Keys.ENTER)
    assert lease.get_property("value") == "Echo State 12"
    driver.find_element("css selector", ".save-bar button").click()
    tab.until("document.getElementById('v-md_ft')?.textContent.startsWith('20,100')")
    driver.find_element("link text", "History").click()
    tab.until("document.querySelector('.trail')")
    first = driver.find_element("css selector", ".trail > li").text
    assert "Sam Whitfield" in first
    assert "Echo State 12" in first
    assert [word for word in tab.words() if "422" not in word] == []  # the refusal, said by status


def test_what_one_person_enters_another_approves(site: Site, tab: Browser) -> None:
    """Through the pages: the one who entered an invoice is refused, a second person approves it."""
    entered = desk.furnish(site.database, site.scene)
    bill = f"{site.url}/register/expenses/{entered.ids['bill']}"

    def step(status: str) -> None:
        tab.driver.get(bill)
        tab.driver.find_element("css selector", f"a[href$='/status/{status}']").click()
        tab.until(f"location.pathname.endsWith('/status/{status}')")
        tab.driver.find_element("css selector", "form.panel button.main-act").click()

    site.sign_in(tab, desk.OWNER)
    step("submitted")
    tab.until("document.querySelector('#v-status')?.textContent.trim() === 'submitted'")
    step("approved")
    tab.until("document.querySelector('.note-box.bad.flash')")
    refusal = tab.run("return document.querySelector('.note-box.bad.flash').textContent")
    assert "Nothing was changed." in refusal
    assert "ask another person" in refusal
    assert [word for word in tab.words() if "422" not in word] == []  # the refusal, said by status
    tab.driver.delete_all_cookies()
    site.sign_in(tab)
    step("approved")
    tab.until("document.querySelector('#v-status')?.textContent.trim() === 'approved'")
    assert tab.driver.find_element("id", "v-approved_by").text == "Maria Haas"
    tab.driver.get(f"{bill}/history")
    tab.until("document.querySelector('.trail > li')")
    story = tab.driver.find_element("css selector", ".trail").text
    assert story.index("Maria Haas") < story.index("Sam Whitfield")  # the newest first


def test_an_import_is_tried_and_stored(desked: Site, tab: Browser) -> None:
    tab.driver.get(f"{desked.url}/register/wells/import")
    try_import(tab)
    words = tab.driver.find_element("id", "work").text
    assert "Nothing is stored yet. 4 lines cannot be taken" in words
    assert "Lease: there is no lease called “Delta Ranche”" in words
    tab.driver.find_element("css selector", "form[action$=store] button").click()
    tab.until("document.querySelector('.note-box.good')?.textContent.startsWith('Stored')")
    tab.driver.get(f"{desked.url}/register/wells?q=bravo+4h")
    assert tab.run(f"return {NAMES}") == ["Bravo 4H"]


def test_a_phone_never_scrolls_sideways_in_the_register(desked: Site, tab: Browser) -> None:
    tab.resize(PHONE, touch=True)
    well = f"/register/wells/{desked.scene.wells['Bravo 1H']}"
    for place in (
        *("/register", "/register/wells?status=producing", "/register/expenses"),
        *(well, f"{well}/edit", f"{well}/history", "/register/wells/import"),
        *("/people", "/trail", "/keys", "/account", "/documents/new", "/features"),
    ):
        tab.driver.get(f"{desked.url}{place}")
        tab.until(SETTLED)
        assert tab.run("return document.documentElement.scrollWidth") == PHONE[0], place
        small = tab.run(
            """return [...document.querySelectorAll('button:not(.plain), .button, .chip, select')]
                 .filter(e => e.offsetParent && e.getBoundingClientRect().height < 43)
                 .map(e => e.textContent.trim().slice(0, 20))"""
        )
        assert small == [], place
